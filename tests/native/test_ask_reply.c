/* sources: lockset lock ctr freq hash counters sock buf fd poll loop ev_epoll ev_poll ev_select ev_kqueue tmr runq waitq task h1 h1body h1field h1host h1word casing msg conn idle lb listener proxyproto handshake chan flow flow_srv tunnel exchange exch_req exch_again exch_res exch_reply applet page ask ask_head ask_body ask_http ask_tcp ask_flow thr turn figures engine */
/* Verdicts on requests that go to no server: replies, tarpits, pauses, bodies, closed and forgotten connections; and who
 * leaves before the verdict comes. */
#include "eng_ask.h"

#define ASKS(kind) (1u << ASK_##kind)
#define REPLY "HTTP/1.1 403 No\r\nX-Why: rule\r\nContent-Length: 4\r\n\r\nnope"

/* What a rig's answer says: set by each test. */
typedef struct script {
    lb_verdict v; /* but whose it is */
    const char *text;
    uint32_t times; /* how often; then the request goes on */
    /* what was seen */
    uint32_t n, flags[8], body_len[8];
    uint64_t body_size[8], when[8];
    char body[200];
} script;

static void follows_the_script(rig *r, int tid, const lb_ask *a, const char *texts, verdicts *out)
{
    script *k = r->arg;
    lb_verdict v = k->v;
    uint32_t n = at_load(&k->n);

    (void)tid;
    if (n < 8) {
        k->flags[n] = a->flags;
        k->body_len[n] = a->body_len;
        k->body_size[n] = a->body_size;
        k->when[n] = now_ms();
    }
    if (a->body_len && a->body_len < sizeof(k->body)) {
        memcpy(k->body, texts + a->body, a->body_len);
        k->body[a->body_len] = 0;
    }
    at_add(&k->n, 1);
    v.flow = a->flow;
    v.gen = a->gen;
    if (n >= k->times)
        say_verdict(out, go_on(a));
    else if (k->text)
        say_text(out, v, k->text);
    else
        say_verdict(out, v);
}

static rig *scripted(script *k, const peer *s)
{
    rig *r = ask_rig(PX_HTTP, ASKS(REQUEST), follows_the_script, s);

    r->arg = k;
    rig_start(r);
    return r;
}

/* --- replies --- */

static void a_reply_keeps_the_connection(void)
{
    script k = {.v = {.action = V_REPLY, .status = 403, .term = {'P', 'R'}}, .text = REPLY, .times = 99};
    rig *r = scripted(&k, NULL);
    wire *w = wire_new(dial(r->port));

    for (int i = 0; i < 2; i++) {
        says(w->fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\nHost: a\r\n\r\n");
        for (int k2 = 0; k2 < 2; k2++) {
            CHECK_EQ(wire_response(w, 0), 403);
            CHECK(body_has(w, "nope") && !strncmp(w->head, "HTTP/1.1 403 No\r\nx-why: rule\r\ncontent-length: 4\r\n\r\n", 50));
        }
    }
    says(w->fd, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK_EQ(wire_response(w, 1), 403);
    CHECK_EQ(wire_response(w, 0), 403);
    EVENTUALLY(at_load(&r->recs) == 6);
    CHECK(r->term[0] == 'P' && r->term[1] == 'R' && r->status == 403);
    hang_up(w);
    rig_stop(r);
}

static void a_reply_closes_when_told_or_when_the_request_is_not_read(void)
{
    static const char *const requests[] = {"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
                                           "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\nab",
                                           "GET / HTTP/1.0\r\n\r\n"};

    for (int i = 0; i < 3; i++) {
        script k = {.v = {.action = V_REPLY, .flags = i ? 0 : V_F_CLOSE}, .text = REPLY, .times = 1};
        rig *r = scripted(&k, NULL);
        wire *w = wire_new(dial(r->port));

        says(w->fd, "%s", requests[i]);
        CHECK_EQ(wire_response(w, 0), 403);
        CHECK(strstr(w->head, "connection: close\r\n") != NULL);
        CHECK(!wire_more(w) && w->ended == 1);
        hang_up(w);
        rig_stop(r);
    }
}

static void a_reply_is_framed_whatever_its_text_says(void)
{
    static const struct {
        const char *text;
        int status;
        const char *body;
    } rows[] = {
        {"HTTP/1.1 302 Moved\r\nlocation: /x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n", 302, NULL},
        {"HTTP/1.1 204 None\r\n\r\n", 204, NULL},
        {"HTTP/1.1 200 Fine\r\ncontent-length: 9\r\n\r\nhello", 500, "wrong"},
        {"HTTP/1.1 200 Fine\r\ncontent-length: 1\r\n\r\nhello", 500, "wrong"},
        {"HTTP/1.1 200 Fine\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 500, "wrong"},
        {"HTTP/1.1 101 Switch\r\n\r\n", 500, "wrong"},
        {"HTTP/1.1 200 Fine\r\nx: a\nb\r\n\r\n", 500, "wrong"},
        {"", 500, "wrong"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        script k = {.v = {.action = V_REPLY}, .text = rows[i].text, .times = 99};
        rig *r = scripted(&k, NULL);
        wire *w = wire_new(dial(r->port));

        for (int n = 0; n < 2; n++) { /* on one connection: framed well enough for a second one */
            ask_for(w->fd, "/");
            if (!CHECK(wire_response(w, 0) == rows[i].status))
                printf("    row %zu gave %d\n", i, w->status);
            if (rows[i].body)
                CHECK(body_has(w, rows[i].body));
            else
                CHECK_EQ(w->body_len, 0);
        }
        CHECK_EQ(FE_COUNT(r, internal_errors), rows[i].status == 500 ? 2 : 0);
        hang_up(w);
        rig_stop(r);
    }
}

static void a_reply_without_a_length_ends_with_its_connection(void)
{
    static const char *const texts[] = {"HTTP/1.1 200 Fine\r\n\r\nhello", "HTTP/1.1 200 Fine\r\n\r\n",
                                        "HTTP/1.0 200 Fine\r\n\r\nhello"};

    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        for (int head = 0; head < 2; head++) {
            script k = {.v = {.action = V_REPLY}, .text = texts[i], .times = 99};
            rig *r = scripted(&k, NULL);
            wire *w = wire_new(dial(r->port));

            says(w->fd, "%s / HTTP/1.1\r\nHost: a\r\n\r\n", head ? "HEAD" : "GET");
            CHECK_EQ(wire_response(w, head), 200);
            CHECK(!strstr(w->head, "content-length"));
            CHECK_EQ(strstr(w->head, "connection: close\r\n") != NULL, i < 2);
            if (!head && i != 1)
                CHECK(body_has(w, "hello"));
            CHECK(!wire_more(w) && w->ended == 1);
            CHECK_EQ(FE_COUNT(r, internal_errors), 0);
            hang_up(w);
            rig_stop(r);
        }
    }
}

static void a_request_whose_chunks_are_all_there_costs_no_connection(void)
{
    script k = {.v = {.action = V_REPLY}, .text = REPLY, .times = 99};
    rig *r = scripted(&k, NULL);
    wire *w = wire_new(dial(r->port));

    for (int i = 0; i < 2; i++) {
        says(w->fd, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx: y\r\n\r\n"
                    "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        for (int n = 0; n < 2; n++) {
            CHECK_EQ(wire_response(w, 0), 403);
            CHECK(!strstr(w->head, "connection: close"));
        }
    }
    says(w->fd, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx: y\r\n");
    CHECK_EQ(wire_response(w, 0), 403); /* it may go on */
    CHECK(strstr(w->head, "connection: close\r\n") != NULL);
    CHECK(!wire_more(w) && w->ended == 1);
    hang_up(w);
    rig_stop(r);
}

static void an_end_tells_whose_rule_it_was(void)
{
    static const struct {
        uint32_t action, flags;
        int32_t backend;
    } rows[] = {{V_REPLY, 0, 0},  {V_REPLY, V_F_NO_TR, -1}, {V_TARPIT, V_F_NO_TR, 0},
                {V_CLOSE, 0, -1}, {V_RESET, V_F_NO_TR, 0},  {V_REPLY, 0, 99}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        script k = {.v = {.action = rows[i].action, .flags = rows[i].flags, .backend = rows[i].backend, .ms = 1},
                    .text = rows[i].action <= V_TARPIT ? REPLY : NULL,
                    .times = 1};
        rig *r = scripted(&k, NULL);
        wire *w = wire_new(dial(r->port));
        int bad = rows[i].backend == 99;
        lb_counters c;

        ask_for(w->fd, "/");
        CHECK_EQ(wire_response(w, 0), rows[i].action > V_TARPIT ? -1 : bad ? 500 : 403);
        EVENTUALLY(at_load(&r->recs) == 1);
        CHECK_EQ(r->rec_backend, bad ? -1 : rows[i].backend);
        CHECK_EQ(r->rec_tr < 0, !!(rows[i].flags & V_F_NO_TR));
        CHECK_EQ(FE_COUNT(r, internal_errors), bad);
        eng_be_counters(r->e, r->be_i, &c);
        CHECK_EQ(c.cum_req, rows[i].backend == 0);
        EVENTUALLY(at_load(&r->e->be[r->be_i]->live.cur) == 0);
        hang_up(w);
        rig_stop(r);
    }
}

static void a_large_reply_goes_out_to_a_slow_client(void)
{
    size_t n = 400000;
    char *text = malloc(n + 100);
    int head = sprintf(text, "HTTP/1.1 200 Fine\r\nContent-Length: %zu\r\n\r\n", n);
    script k = {.v = {.action = V_REPLY}, .text = text, .times = 99};
    rig *r;
    wire *w;
    char *p = pattern_new(n);

    memcpy(text + head, p, n + 1);
    text[head + n] = 0;
    r = scripted(&k, NULL);
    w = wire_new(dial(r->port));
    ask_for(w->fd, "/");
    pause_us(50000);
    CHECK_EQ(wire_response(w, 0), 200);
    CHECK(body_is_pattern(w, n));
    hang_up(w);
    rig_stop(r);
    free(p);
    free(text);
}

/* --- time --- */

static void a_tarpit_holds_its_client(void)
{
    script k = {.v = {.action = V_TARPIT, .ms = 150, .status = 500}, .text = REPLY, .times = 2};
    rig *r = scripted(&k, NULL);
    wire *w = wire_new(dial(r->port));
    uint64_t began = now_ms();

    ask_for(w->fd, "/");
    CHECK_EQ(wire_response(w, 0), 403);
    CHECK(now_ms() - began >= 150);
    ask_for(w->fd, "/"); /* its connection is kept */
    CHECK_EQ(wire_response(w, 0), 403);
    EVENTUALLY(at_load(&r->recs) == 2);
    CHECK(r->term[0] == 'P' && r->term[1] == 'T' && r->status == 500);
    hang_up(w);
    rig_stop(r);
}

static void a_tarpit_ends_with_its_client(void)
{
    for (int how = 0; how < 2; how++) {
        script k = {.v = {.action = V_TARPIT, .ms = 60000, .status = 500}, .text = REPLY, .times = 1};
        rig *r = scripted(&k, NULL);
        wire *w = wire_new(dial(r->port));

        ask_for(w->fd, "/");
        EVENTUALLY(at_load(&k.n) == 1);
        if (how) {
            reset_on_close(w->fd);
            hang_up(w);
        } else { /* it may still want its answer */
            shutdown(w->fd, SHUT_WR);
            CHECK_EQ(wire_response(w, 0), 403);
            hang_up(w);
        }
        EVENTUALLY(at_load(&r->recs) == 1);
        CHECK(r->term[0] == 'P' && r->term[1] == 'T' && r->status == 500);
        rig_stop(r);
    }
}

static void a_pause_puts_the_question_again(void)
{
    script k = {.v = {.action = V_PAUSE, .ms = 60}, .times = 2};
    peer *s = peer_start(serve_http, 0);
    rig *r = scripted(&k, s);
    wire *w = wire_new(dial(r->port));

    says(w->fd, "POST /echo/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    CHECK_EQ(wire_response(w, 0), 200);
    CHECK(body_has(w, "hello"));
    CHECK_EQ(k.n, 3);
    CHECK(k.when[1] - k.when[0] >= 59 && k.when[2] - k.when[1] >= 59);
    CHECK_EQ(k.flags[2], ASK_F_FIRST | ASK_F_BODY | ASK_F_BODY_END | ASK_F_AGAIN | ASK_F_TIMEOUT);
    hang_up(w);
    rig_stop(r);
    peer_stop(s);
}

static void who_leaves_while_it_is_paused_is_noticed(void)
{
    for (int how = 0; how < 2; how++) { /* a reset; an end, with "abortonclose" */
        script k = {.v = {.action = V_PAUSE, .ms = 60000}, .times = 9};
        rig *r = ask_rig(PX_HTTP, ASKS(REQUEST), follows_the_script, NULL);
        wire *w;

        r->arg = &k;
        r->fe->options |= how ? PX_O_ABORTONCLOSE : 0;
        rig_start(r);
        w = wire_new(dial(r->port));
        ask_for(w->fd, "/");
        EVENTUALLY(at_load(&k.n) == 1);
        if (!how)
            reset_on_close(w->fd);
        hang_up(w);
        EVENTUALLY(at_load(&r->recs) == 1);
        CHECK(r->term[0] == 'C' && r->term[1] == 'R');
        rig_stop(r);
    }
}

/* --- bodies --- */

static void a_body_is_collected(void)
{
    static const char *const requests[] = {"POST /echo/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n",
                                           "POST /echo/1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"};
    static const char *const parts[2][3] = {{"hello", " wor", "ld"}, {"5;x=y\r\nhello\r\n2", "\r\n w\r\n4\r\norld\r", "\n0\r\nt: 1\r\n\r\n"}};
    peer *s = peer_start(serve_http, 0);

    for (int chunked = 0; chunked < 2; chunked++) {
        script k = {.v = {.action = V_BODY, .ms = 20000}, .times = 1};
        rig *r = scripted(&k, s);
        wire *w = wire_new(dial(r->port));

        says(w->fd, "%s", requests[chunked]);
        EVENTUALLY(at_load(&k.n) == 1);
        for (int i = 0; i < 3; i++) {
            pause_us(10000);
            says(w->fd, "%s", parts[chunked][i]);
        }
        says(w->fd, "GET /len/3 HTTP/1.1\r\nHost: a\r\n\r\n");
        CHECK_EQ(wire_response(w, 0), 200);
        CHECK(w->body_len == 11 && body_has(w, "hello world"));
        CHECK_EQ(wire_response(w, 0), 200);
        CHECK_EQ(w->body_len, 3);
        CHECK_EQ(k.n, 3);
        CHECK_EQ(k.flags[0], ASK_F_FIRST | ASK_F_BODY);
        CHECK_EQ(k.flags[1], ASK_F_FIRST | ASK_F_BODY | ASK_F_BODY_END | ASK_F_AGAIN);
        CHECK_EQ(k.body_len[1], 11);
        CHECK_EQ(k.body_size[1], 11);
        hang_up(w);
        rig_stop(r);
    }
    peer_stop(s);
}

static void waiting_for_a_body_ends_in_time(void)
{
    script k = {.v = {.action = V_BODY, .ms = 80}, .times = 1};
    peer *s = peer_start(serve_http, 0);
    rig *r = scripted(&k, s);
    wire *w = wire_new(dial(r->port));

    says(w->fd, "POST /echo/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe");
    EVENTUALLY(at_load(&k.n) == 2);
    CHECK_EQ(k.flags[1], ASK_F_FIRST | ASK_F_BODY | ASK_F_AGAIN | ASK_F_TIMEOUT);
    CHECK_EQ(k.body_len[1], 2);
    CHECK(k.when[1] - k.when[0] >= 79);
    says(w->fd, "llo");
    CHECK_EQ(wire_response(w, 0), 200);
    CHECK(body_has(w, "hello"));
    hang_up(w);
    rig_stop(r);
    peer_stop(s);
}

static void some_bytes_of_a_body_may_be_enough(void)
{
    script k = {.v = {.action = V_BODY, .ms = 20000, .bytes = 4}, .times = 1};
    peer *s = peer_start(serve_http, 0);
    rig *r = scripted(&k, s);
    wire *w = wire_new(dial(r->port));

    says(w->fd, "POST /echo/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\nabc");
    EVENTUALLY(at_load(&k.n) == 1);
    says(w->fd, "de");
    EVENTUALLY(at_load(&k.n) == 2);
    CHECK_EQ(k.body_len[1], 5);
    says(w->fd, "fg");
    CHECK_EQ(wire_response(w, 0), 200);
    CHECK(body_has(w, "abcdefg"));
    hang_up(w);
    rig_stop(r);
    peer_stop(s);
}

static void a_body_that_is_too_long_is_collected_as_far_as_it_fits(void)
{
    peer *s = peer_start(serve_http, 0);

    for (int chunked = 0; chunked < 2; chunked++) {
        script k = {.v = {.action = V_BODY, .ms = 20000}, .times = 1};
        rig *r = scripted(&k, s);
        wire *w = wire_new(dial(r->port));

        if (chunked) {
            says(w->fd, "POST /echo/1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
            CHECK(send_chunks(w->fd, 50000, 999));
        } else {
            says(w->fd, "POST /echo/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 50000\r\n\r\n");
            CHECK(send_pattern(w->fd, 50000));
        }
        CHECK_EQ(wire_response(w, 0), 200);
        CHECK(body_is_pattern(w, 50000));
        CHECK_EQ(k.n, 2);
        CHECK_EQ(k.flags[1] & (ASK_F_FULL | ASK_F_BODY_END), ASK_F_FULL);
        CHECK(k.body_len[1] > 15000 && k.body_len[1] < 16384);
        hang_up(w);
        rig_stop(r);
    }
    peer_stop(s);
}

static void a_malformed_body_is_refused_while_it_is_collected(void)
{
    script k = {.v = {.action = V_BODY, .ms = 20000}, .times = 9};
    rig *r = scripted(&k, NULL);
    wire *w = wire_new(dial(r->port));

    says(w->fd, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n");
    EVENTUALLY(at_load(&k.n) == 1);
    says(w->fd, "what\r\n");
    CHECK_EQ(wire_response(w, 0), 400);
    CHECK_EQ(FE_COUNT(r, failed_req), 1);
    hang_up(w);
    rig_stop(r);
}

static void the_end_of_a_client_is_told_once_while_its_body_is_awaited(void)
{
    script k = {.v = {.action = V_BODY, .ms = 60}, .times = 2};
    peer *s = peer_start(serve_http, 0);
    rig *r = scripted(&k, s);
    wire *w = wire_new(dial(r->port));

    says(w->fd, "POST /echo/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe");
    shutdown(w->fd, SHUT_WR);
    EVENTUALLY(at_load(&k.n) == 3); /* the head, the end, the time */
    CHECK_EQ(k.flags[1] & (ASK_F_EOF | ASK_F_TIMEOUT), ASK_F_EOF);
    CHECK_EQ(k.flags[2] & (ASK_F_EOF | ASK_F_TIMEOUT), ASK_F_EOF | ASK_F_TIMEOUT);
    EVENTUALLY(at_load(&r->recs) == 1);
    CHECK_EQ(r->term[0], 'C');
    hang_up(w);
    rig_stop(r);
    peer_stop(s);
}

static void who_waits_to_be_told_to_continue_is_told(void)
{
    script k = {.v = {.action = V_BODY, .ms = 20000}, .times = 1};
    peer *s = peer_start(serve_head, 0);
    rig *r = scripted(&k, s);
    wire *w = wire_new(dial(r->port));

    says(w->fd, "POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    CHECK(wire_head(w) && !strcmp(w->head, "HTTP/1.1 100 Continue\r\n\r\n"));
    says(w->fd, "hello");
    CHECK_EQ(wire_response(w, 0), 200);
    CHECK(body_has(w, "\r\n\r\nhello") && body_has(w, "content-length: 5\r\n") && !body_has(w, "expect"));
    hang_up(w);
    rig_stop(r);
    peer_stop(s);
}

/* --- ends --- */

static void verdicts_end_connections(void)
{
    static const struct {
        uint32_t action;
        int ended;
    } rows[] = {{V_CLOSE, 1}, {V_RESET, 2}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        script k = {.v = {.action = rows[i].action, .term = {'P', 'R'}}, .times = 1};
        rig *r = scripted(&k, NULL);
        wire *w = wire_new(dial(r->port));

        says(w->fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\nhello");
        CHECK(!wire_more(w));
        CHECK_EQ(w->ended, rows[i].ended);
        EVENTUALLY(at_load(&r->recs) == 1);
        CHECK(r->term[0] == 'P' && r->term[1] == 'R' && r->status == -1);
        hang_up(w);
        rig_stop(r);
    }
}

/* Whether the client at <fd> hears nothing at all for a while. */
static int hears_nothing(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    return poll(&p, 1, 200) == 0;
}

static void a_dropped_client_hears_nothing(void)
{
    script k = {.v = {.action = V_DROP}, .times = 1};
    rig *r = scripted(&k, NULL);
    wire *w = wire_new(dial(r->port));

    ask_for(w->fd, "/");
    EVENTUALLY(at_load(&r->recs) == 1);
    EVENTUALLY(at_load(&eng_live_figures(r->e)->actconn) == 0);
    if (geteuid() == 0) /* else a reset leaves, which the loopback lets through */
        CHECK(hears_nothing(w->fd));
    hang_up(w);
    rig_stop(r);
}

static void a_verdict_that_its_question_cannot_have_is_an_internal_error(void)
{
    script k = {.v = {.action = V_HTTP}, .times = 1};
    peer *s = peer_start(serve_http, 0);
    rig *r = scripted(&k, s);
    wire *w = wire_new(dial(r->port));

    ask_for(w->fd, "/len/1");
    CHECK_EQ(wire_response(w, 0), 500);
    CHECK_EQ(FE_COUNT(r, internal_errors), 1);
    ask_for(w->fd, "/len/1");
    CHECK_EQ(wire_response(w, 0), 200);
    hang_up(w);
    rig_stop(r);
    peer_stop(s);
}

/* --- verdicts that come late --- */

static void a_verdict_for_one_who_is_gone_is_dropped(void)
{
    script k = {.times = 0};
    peer *s = peer_start(serve_http, 0);
    rig *r = ask_rig(PX_HTTP, ASKS(REQUEST), follows_the_script, s);
    wire *w, *other;

    r->arg = &k;
    r->fe->options |= PX_O_ABORTONCLOSE;
    r->withhold = 1;
    rig_start(r);
    w = wire_new(dial(r->port));
    ask_for(w->fd, "/len/1");
    EVENTUALLY(at_load(&r->asked) == 1);
    hang_up(w);
    EVENTUALLY(at_load(&r->recs) == 1);
    other = wire_new(dial(r->port)); /* in the memory of the first */
    says(other->fd, "GET /len");
    rig_release(r);
    says(other->fd, "/7 HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK_EQ(wire_response(other, 0), 200);
    CHECK_EQ(other->body_len, 7);
    CHECK_EQ(at_load(&s->reqs), 1);
    hang_up(other);
    rig_stop(r);
    peer_stop(s);
}

static void says_everything_twice(rig *r, int tid, const lb_ask *a, const char *texts, verdicts *out)
{
    lb_verdict v = go_on(a), wrong = v;

    (void)r, (void)tid, (void)texts;
    wrong.gen++;
    say_verdict(out, wrong);
    wrong.gen = 0;
    say_verdict(out, wrong);
    say_verdict(out, v);
    say_verdict(out, v);
    v.action = V_RESET;
    say_verdict(out, v);
}

static void a_question_has_one_verdict(void)
{
    peer *s = peer_start(serve_http, 0);
    rig *r = ask_rig(PX_HTTP, ASKS(REQUEST), says_everything_twice, s);
    wire *w;

    rig_start(r);
    w = wire_new(dial(r->port));
    for (int i = 0; i < 20; i++) {
        ask_for(w->fd, "/len/1");
        CHECK_EQ(wire_response(w, 0), 200);
    }
    hang_up(w);
    rig_stop(r);
    peer_stop(s);
}

static void verdicts_that_end_in_the_middle_are_refused(void)
{
    eng_conf conf = rig_conf(1);
    engine *e = eng_new(&conf);
    lb_verdict v[2] = {{.action = V_FORWARD}, {.action = V_REPLY, .len = 10}};
    char bytes[sizeof(v) + 10] = {0};

    memcpy(bytes, v, sizeof(v));
    REQUIRE(e && eng_ready(e) == 0 && eng_thread_init(e, 0) == 0);
    for (int n = 0; n <= (int)sizeof(bytes); n++) {
        char *copy = guard_copy(bytes, (size_t)n);
        int whole = n == 0 || n == (int)sizeof(*v) || n == (int)sizeof(bytes);

        CHECK_EQ(eng_poll(e, 0, 0, copy, n), whole ? 0 : -EINVAL);
        guard_free(copy, (size_t)n);
    }
    eng_thread_fini(e, 0);
    eng_free(e);
}

/* --- sessions and records --- */

static void tells_of_ends(rig *r, int tid, const lb_ask *a, const char *texts, verdicts *out)
{
    lb_verdict v = go_on(a);

    (void)r, (void)tid, (void)texts;
    if (a->flags & ASK_F_FIRST)
        v.flags = V_F_TELL | V_F_TELL_CONN;
    say_verdict(out, v);
}

static void the_ends_of_streams_and_sessions_are_told(void)
{
    peer *s = peer_start(serve_http, 0);
    rig *r = ask_rig(PX_HTTP, ASKS(REQUEST), tells_of_ends, s);
    wire *w;

    r->fe->options = 0; /* no log */
    rig_start(r);
    w = wire_new(dial(r->port));
    for (int i = 0; i < 3; i++) {
        ask_for(w->fd, "/len/1");
        CHECK_EQ(wire_response(w, 0), 200);
    }
    CHECK_EQ(at_load(&r->ended), 0);
    hang_up(w);
    EVENTUALLY(at_load(&r->ended) == 1);
    CHECK_EQ(at_load(&r->recs), 1); /* the first stream alone was asked for */
    CHECK_EQ(r->rec_flags, REC_HTTP | REC_TELL);
    rig_stop(r);
    peer_stop(s);
}

static void a_record_is_logged_early_and_told_at_the_end(void)
{
    peer *s = peer_start(serve_http, 0);
    rig *r = ask_rig(PX_HTTP, ASKS(REQUEST), tells_of_ends, s);
    wire *w;

    r->fe->options |= PX_O_LOGASAP;
    rig_start(r);
    w = wire_new(dial(r->port));
    ask_for(w->fd, "/gate/1");
    pause_us(1000);
    at_store(&s->gate, 1);
    CHECK_EQ(wire_response(w, 0), 200);
    EVENTUALLY(at_load(&r->recs) == 2);
    CHECK_EQ(r->rec_flags, REC_HTTP | REC_TELL);
    hang_up(w);
    rig_stop(r);
    peer_stop(s);
}

static void what_a_reply_answers_counts_as_received(void)
{
    static const struct {
        const char *sent;
        uint64_t received;
    } rows[] = {
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 27},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 50},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGE", 50}, /* what follows is another's */
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 61},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        script k = {.v = {.action = V_REPLY}, .text = REPLY, .times = 1};
        rig *r = scripted(&k, NULL);
        wire *w = wire_new(dial(r->port));

        says(w->fd, "%s", rows[i].sent);
        CHECK_EQ(wire_response(w, 0), 403);
        EVENTUALLY(at_load(&r->recs) >= 1);
        CHECK_EQ(at_load(&r->rec_uploaded), rows[i].received);
        hang_up(w);
        rig_stop(r);
    }
}

static void our_end_of_a_servers_connection_is_noted_for_who_wants_it(void)
{
    for (int wanted = 0; wanted < 2; wanted++) {
        peer *s = peer_start(serve_http, 0);
        rig *r = ask_rig(PX_HTTP, ASKS(REQUEST), tells_of_ends, s);
        wire *w;

        r->fe->options |= wanted ? PX_O_BACK_END : 0;
        rig_start(r);
        w = wire_new(dial(r->port));
        ask_for(w->fd, "/len/1");
        CHECK_EQ(wire_response(w, 0), 200);
        EVENTUALLY(at_load(&r->recs) == 1);
        CHECK_EQ(r->rec_bfamily, wanted ? AF_INET : 0);
        CHECK(!!r->rec_bport == wanted);
        hang_up(w);
        rig_stop(r);
        peer_stop(s);
    }
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);
    RUN(a_reply_keeps_the_connection);
    RUN(a_reply_closes_when_told_or_when_the_request_is_not_read);
    RUN(a_reply_is_framed_whatever_its_text_says);
    RUN(a_reply_without_a_length_ends_with_its_connection);
    RUN(a_request_whose_chunks_are_all_there_costs_no_connection);
    RUN(an_end_tells_whose_rule_it_was);
    RUN(a_large_reply_goes_out_to_a_slow_client);
    RUN(a_tarpit_holds_its_client);
    RUN(a_tarpit_ends_with_its_client);
    RUN(a_pause_puts_the_question_again);
    RUN(who_leaves_while_it_is_paused_is_noticed);
    RUN(a_body_is_collected);
    RUN(waiting_for_a_body_ends_in_time);
    RUN(some_bytes_of_a_body_may_be_enough);
    RUN(a_body_that_is_too_long_is_collected_as_far_as_it_fits);
    RUN(a_malformed_body_is_refused_while_it_is_collected);
    RUN(the_end_of_a_client_is_told_once_while_its_body_is_awaited);
    RUN(who_waits_to_be_told_to_continue_is_told);
    RUN(verdicts_end_connections);
    RUN(a_dropped_client_hears_nothing);
    RUN(a_verdict_that_its_question_cannot_have_is_an_internal_error);
    RUN(a_verdict_for_one_who_is_gone_is_dropped);
    RUN(a_question_has_one_verdict);
    RUN(verdicts_that_end_in_the_middle_are_refused);
    RUN(the_ends_of_streams_and_sessions_are_told);
    RUN(a_record_is_logged_early_and_told_at_the_end);
    RUN(what_a_reply_answers_counts_as_received);
    RUN(our_end_of_a_servers_connection_is_noted_for_who_wants_it);
    return check_done();
}
