/* sources: lockset lock ctr freq hash counters sock buf fd poll loop ev_epoll ev_poll ev_select ev_kqueue tmr runq waitq task h1 h1body h1field h1host h1word casing msg conn idle lb listener proxyproto handshake chan flow flow_srv tunnel exchange exch_req exch_again exch_res exch_reply applet page ask ask_head ask_body ask_http ask_tcp ask_flow thr turn figures engine */
/* Questions about responses and about our own pages. */
#include "eng_ask.h"

#define ASKS(kind) (1u << ASK_##kind)
#define REPLY "HTTP/1.1 403 No\r\nX-Why: rule\r\nContent-Length: 4\r\n\r\nnope"

/* What a rig's answer to questions about responses says; requests just go on. */
typedef struct script {
    lb_verdict v;
    const char *text; /* of the verdict; one that begins with "+" is a line more in the head that came */
    uint32_t times;
    uint32_t request_flags; /* V_F_* for the request */
    uint32_t n, flags[8], body_len[8], status[8];
    char body[100];
} script;

static void follows_the_script(rig *r, int tid, const lb_ask *a, const char *texts, verdicts *out)
{
    script *k = r->arg;
    uint32_t n = at_load(&k->n);
    lb_verdict v = go_on(a);

    (void)tid;
    v.flags = k->request_flags;
    if (a->kind == ASK_REQUEST) {
        say_verdict(out, v);
        return;
    }
    if (n < 8) {
        k->flags[n] = a->flags;
        k->body_len[n] = a->body_len;
        k->status[n] = (uint32_t)a->status;
    }
    if (a->body_len && a->body_len < sizeof(k->body))
        memcpy(k->body, texts + a->body, a->body_len);
    at_add(&k->n, 1);
    v = k->v;
    v.flow = a->flow;
    v.gen = a->gen;
    if (n >= k->times) {
        say_verdict(out, verdict(a, V_FORWARD));
    } else if (k->text && k->text[0] == '+') {
        char *text = with_line(texts + a->text, a->len, k->text + 1);

        say_text(out, v, text);
        free(text);
    } else if (k->text) {
        say_text(out, v, k->text);
    } else {
        say_verdict(out, v);
    }
}

static rig *scripted(uint32_t kinds, script *k, const peer *s)
{
    rig *r = ask_rig(PX_HTTP, kinds, follows_the_script, s);

    r->arg = k;
    return r;
}

/* --- new heads --- */

static void a_response_goes_on_with_a_new_head_and_its_own_body(void)
{
    static const char *const paths[] = {"/len/5000", "/chunk/5000", "/len/0", "/len/200000", "/chunk/200000", "/tiny/9"};
    static const char *const lines[] = {"+x-new: 1", "+x-new: 1\r\ncontent-length: 3\r\ntransfer-encoding: gzip"};
    static const size_t sizes[] = {5000, 5000, 0, 200000, 200000, 9};
    peer *s = peer_start(serve_http, 0);

    for (size_t i = 0; i < 12; i++) {
        script k = {.v = {.action = V_FORWARD}, .text = lines[i / 6], .times = 99};
        rig *r = scripted(ASKS(RESPONSE), &k, s);
        wire *w;

        rig_start(r);
        w = wire_new(dial(r->port));
        for (int n = 0; n < 2; n++) {
            ask_for(w->fd, paths[i % 6]);
            CHECK_EQ(wire_response(w, 0), 200);
            CHECK(body_is_pattern(w, sizes[i % 6]));
            CHECK(wire_field(w, "x-new:") != NULL);
        }
        says(w->fd, "HEAD /len/77 HTTP/1.1\r\nHost: a\r\n\r\n");
        CHECK_EQ(wire_response(w, 1), 200);
        CHECK(wire_field(w, "x-new:") && atoi(wire_field(w, "content-length:")) == 77);
        CHECK_EQ(k.status[0], 200);
        hang_up(w);
        rig_stop(r);
    }
    peer_stop(s);
}

static void serve_status(peer *p, int fd)
{
    wire *w = wire_new(fd);

    while (wire_request(w)) {
        int status = atoi(strchr(w->head, '/') + 1);

        at_add(&p->reqs, 1);
        if (status == 204 || status == 304)
            says(fd, "HTTP/1.1 %d X\r\n\r\n", status);
        else if (status == 999) /* ends with its connection */
            says(fd, "HTTP/1.1 200 X\r\n\r\nhello");
        else
            says(fd, "HTTP/1.1 %d X\r\nContent-Length: 5\r\n\r\nhello", status);
        if (status == 999)
            break;
    }
    wire_del(w);
}

static void a_status_may_change_and_the_framing_stays_true(void)
{
    static const struct {
        const char *path, *head;
        int status;
        size_t body;
    } rows[] = {
        {"/200", "HTTP/1.1 404 Gone\r\nx: y\r\n\r\n", 404, 5},
        {"/200", "HTTP/1.1 204 No\r\nx: y\r\n\r\n", 204, 0},
        {"/204", "HTTP/1.1 200 Yes\r\nx: y\r\n\r\n", 200, 0},
        {"/304", "HTTP/1.1 200 Yes\r\ncontent-length: 7\r\n\r\n", 200, 0},
        {"/999", "HTTP/1.1 200 Yes\r\ncontent-length: 7\r\n\r\n", 200, 5},
        {"/200", "HTTP/1.1 100 Go\r\n\r\n", 502, 5},
        {"/200", "HTTP/1.1 101 Go\r\n\r\n", 502, 5},
        {"/200", "HTTP/1.1 200 Yes\r\nx: y\r\n\r\nHTTP/1.1 200 Smuggled\r\n\r\n", 502, 5},
        {"/200", "HTTP/1.1 200 Yes\r\nx : y\r\n\r\n", 502, 5},
        {"/200", "what", 502, 5},
    };
    peer *s = peer_start(serve_status, 0);

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        script k = {.v = {.action = V_FORWARD}, .text = rows[i].head, .times = 99};
        rig *r = scripted(ASKS(RESPONSE), &k, s);
        wire *w;

        rig_start(r);
        w = wire_new(dial(r->port));
        for (int n = 0; n < (strcmp(rows[i].path, "/999") ? 2 : 1); n++) {
            ask_for(w->fd, rows[i].path);
            if (!CHECK(wire_response(w, 0) == rows[i].status))
                printf("    row %zu gave %d\n", i, w->status);
            CHECK_EQ(w->body_len, rows[i].body);
        }
        CHECK_EQ(FE_COUNT(r, failed_rewrites), rows[i].status == 502 ? 2 : 0);
        hang_up(w);
        rig_stop(r);
    }
    peer_stop(s);
}

static void only_those_are_asked_about_that_a_verdict_named(void)
{
    for (int named = 0; named < 2; named++) {
        script k = {.v = {.action = V_FORWARD}, .times = 0, .request_flags = named ? V_F_ASK_RESPONSE : 0};
        peer *s = peer_start(serve_http, 0);
        rig *r = scripted(ASKS(REQUEST), &k, s);
        wire *w;

        rig_start(r);
        w = wire_new(dial(r->port));
        ask_for(w->fd, "/interim/1");
        CHECK_EQ(wire_response(w, 0), 103);
        CHECK_EQ(wire_response(w, 0), 200);
        ask_for(w->fd, "/len/1");
        CHECK_EQ(wire_response(w, 0), 200);
        CHECK_EQ(k.n, named ? 2 : 0);
        hang_up(w);
        rig_stop(r);
        peer_stop(s);
    }
}

/* --- replaced, paused, ended --- */

static void a_response_is_replaced(void)
{
    static const char *const paths[] = {"/len/5", "/len/200000", "/chunk/9", "/eof/100", "/len/0"};
    peer *s = peer_start(serve_http, 0);

    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
        script k = {.v = {.action = V_REPLY, .status = 403, .term = {'P', 'H'}}, .text = REPLY, .times = 1};
        rig *r = scripted(ASKS(RESPONSE), &k, s);
        wire *w;

        rig_start(r);
        w = wire_new(dial(r->port));
        ask_for(w->fd, paths[i]);
        CHECK_EQ(wire_response(w, 0), 403);
        CHECK(body_has(w, "nope") && wire_field(w, "x-why:"));
        EVENTUALLY(at_load(&r->recs) == 1);
        CHECK(r->term[0] == 'P' && r->term[1] == 'H' && r->status == 403);
        ask_for(w->fd, "/len/5"); /* on the same connection */
        CHECK_EQ(wire_response(w, 0), 200);
        CHECK(body_is_pattern(w, 5));
        hang_up(w);
        rig_stop(r);
    }
    peer_stop(s);
}

static void the_connection_of_a_replaced_response_is_kept_if_it_was_whole(void)
{
    script k = {.v = {.action = V_REPLY}, .text = REPLY, .times = 99};

    for (uint32_t never = 0; never < 2; never++) {
        peer *s = peer_start(serve_status, 0); /* head and body in one piece */
        rig *r = scripted(ASKS(RESPONSE), &k, s);
        wire *w;

        if (never)
            r->be->reuse = REUSE_NEVER; /* it stays with its client */
        rig_start(r);
        w = wire_new(dial(r->port));
        for (int i = 0; i < 5; i++) {
            ask_for(w->fd, "/200");
            CHECK_EQ(wire_response(w, 0), 403);
        }
        CHECK_EQ(at_load(&s->conns), 1);
        hang_up(w);
        rig_stop(r);
        peer_stop(s);
    }
}

static void a_response_waits(void)
{
    script k = {.v = {.action = V_PAUSE, .ms = 120}, .times = 2};
    peer *s = peer_start(serve_http, 0);
    rig *r = scripted(ASKS(RESPONSE), &k, s);
    uint64_t began;
    wire *w;

    r->be->t_server = 100; /* does not run meanwhile */
    rig_start(r);
    w = wire_new(dial(r->port));
    began = now_ms();
    ask_for(w->fd, "/len/200000");
    CHECK_EQ(wire_response(w, 0), 200);
    CHECK(body_is_pattern(w, 200000));
    CHECK(now_ms() - began >= 238);
    CHECK_EQ(k.n, 3);
    CHECK_EQ(k.flags[1] & (ASK_F_AGAIN | ASK_F_TIMEOUT), ASK_F_AGAIN | ASK_F_TIMEOUT);
    hang_up(w);
    rig_stop(r);
    peer_stop(s);
}

static void who_leaves_before_the_response_has_its_verdict_is_noticed(void)
{
    for (int how = 0; how < 2; how++) {
        script k = {.v = {.action = V_PAUSE, .ms = 60000}, .times = 9};
        peer *s = peer_start(serve_http, 0);
        rig *r = scripted(ASKS(RESPONSE), &k, s);
        wire *w;

        r->fe->options |= how ? PX_O_ABORTONCLOSE : 0;
        rig_start(r);
        w = wire_new(dial(r->port));
        ask_for(w->fd, "/len/5");
        EVENTUALLY(at_load(&k.n) == 1);
        if (!how)
            reset_on_close(w->fd);
        hang_up(w);
        EVENTUALLY(at_load(&r->recs) == 1);
        CHECK(r->term[0] == 'C' && r->term[1] == 'H');
        rig_stop(r);
        peer_stop(s);
    }
}

static void verdicts_end_connections(void)
{
    static const uint32_t actions[] = {V_CLOSE, V_RESET};

    for (int i = 0; i < 2; i++) {
        script k = {.v = {.action = actions[i], .term = {'P', 'H'}}, .times = 9};
        peer *s = peer_start(serve_http, 0);
        rig *r = scripted(ASKS(RESPONSE), &k, s);
        wire *w;

        rig_start(r);
        w = wire_new(dial(r->port));
        ask_for(w->fd, "/len/5");
        CHECK(!wire_more(w));
        CHECK_EQ(w->ended, i + 1);
        EVENTUALLY(at_load(&r->recs) == 1);
        CHECK(r->term[0] == 'P' && r->term[1] == 'H');
        hang_up(w);
        rig_stop(r);
        peer_stop(s);
    }
}

/* --- bodies --- */

static void serve_in_parts(peer *p, int fd)
{
    wire *w = wire_new(fd);

    while (wire_request(w)) {
        at_add(&p->reqs, 1);
        if (strstr(w->head, "/chunk")) {
            says(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel");
            pause_us(20000);
            says(fd, "lo\r\n6\r\n world\r\n0\r\n\r\n");
        } else if (strstr(w->head, "/bad")) {
            says(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel");
            pause_us(20000);
            says(fd, "lo\r\nwhat\r\n");
        } else if (strstr(w->head, "/eof")) {
            says(fd, "HTTP/1.1 200 OK\r\n\r\nhel");
            pause_us(20000);
            says(fd, "lo world");
            break;
        } else {
            says(fd, "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello");
            pause_us(20000);
            says(fd, " world");
        }
    }
    wire_del(w);
}

static void the_body_of_a_response_is_collected(void)
{
    static const char *const paths[] = {"/len", "/chunk", "/eof"};
    peer *s = peer_start(serve_in_parts, 0);

    for (int i = 0; i < 3; i++) {
        script k = {.v = {.action = V_BODY, .ms = 20000}, .times = 1};
        rig *r = scripted(ASKS(RESPONSE), &k, s);
        wire *w;

        rig_start(r);
        w = wire_new(dial(r->port));
        ask_for(w->fd, paths[i]);
        CHECK_EQ(wire_response(w, 0), 200);
        CHECK(w->body_len == 11 && body_has(w, "hello world"));
        CHECK_EQ(k.n, 2);
        CHECK_EQ(k.body_len[1], 11);
        CHECK(!memcmp(k.body, "hello world", 11));
        CHECK(k.flags[1] & ASK_F_BODY_END && k.flags[1] & ASK_F_AGAIN);
        hang_up(w);
        rig_stop(r);
    }
    peer_stop(s);
}

static void a_malformed_body_of_a_response_is_refused_while_it_is_collected(void)
{
    script k = {.v = {.action = V_BODY, .ms = 20000}, .times = 1};
    peer *s = peer_start(serve_in_parts, 0);
    rig *r = scripted(ASKS(RESPONSE), &k, s);
    wire *w;

    rig_start(r);
    w = wire_new(dial(r->port));
    ask_for(w->fd, "/bad");
    CHECK_EQ(wire_response(w, 0), 502);
    hang_up(w);
    rig_stop(r);
    peer_stop(s);
}

static void a_long_body_of_a_response_is_collected_as_far_as_it_fits(void)
{
    static const char *const paths[] = {"/len/100000", "/chunk/100000", "/eof/100000"};
    peer *s = peer_start(serve_http, 0);

    for (int i = 0; i < 3; i++) {
        script k = {.v = {.action = V_BODY, .ms = 20000}, .times = 1};
        rig *r = scripted(ASKS(RESPONSE), &k, s);
        wire *w;

        rig_start(r);
        w = wire_new(dial(r->port));
        ask_for(w->fd, paths[i]);
        CHECK_EQ(wire_response(w, 0), 200);
        CHECK(body_is_pattern(w, 100000));
        CHECK_EQ(k.n, 2);
        CHECK(k.flags[1] & ASK_F_FULL && !(k.flags[1] & ASK_F_BODY_END));
        hang_up(w);
        rig_stop(r);
    }
    peer_stop(s);
}

static void waiting_for_the_body_of_a_response_ends_in_time(void)
{
    script k = {.v = {.action = V_BODY, .ms = 60}, .times = 1};
    peer *s = peer_start(serve_http, 0);
    rig *r = scripted(ASKS(RESPONSE), &k, s);
    wire *w;

    r->be->t_server = 300;
    rig_start(r);
    w = wire_new(dial(r->port));
    ask_for(w->fd, "/stall/1");
    EVENTUALLY(at_load(&k.n) == 2);
    CHECK(k.flags[1] & ASK_F_TIMEOUT);
    CHECK_EQ(k.body_len[1], 5);
    CHECK_EQ(wire_response(w, 0), -1);
    EVENTUALLY(at_load(&r->recs) == 1);
    CHECK(r->term[0] == 's' && r->term[1] == 'D');
    hang_up(w);
    rig_stop(r);
    peer_stop(s);
}

/* --- protocols --- */

static void serve_switch(peer *p, int fd)
{
    wire *w = wire_new(fd);
    char c;

    (void)p;
    if (wire_request(w) && says(fd, "HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n"))
        while ((w->len ? (c = w->buf[0], wire_drop(w, 1), 1) : recv(fd, &c, 1, 0)) > 0 && say(fd, &c, 1))
            ;
    wire_del(w);
}

static void a_switch_of_protocols_is_asked_about(void)
{
    for (int refused = 0; refused < 2; refused++) {
        script k = {.v = {.action = refused ? V_REPLY : V_FORWARD}, .text = refused ? REPLY : "+x-new: 1", .times = 9};
        peer *s = peer_start(serve_switch, 0);
        rig *r = scripted(ASKS(RESPONSE), &k, s);
        wire *w;

        rig_start(r);
        w = wire_new(dial(r->port));
        says(w->fd, "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n");
        CHECK_EQ(wire_response(w, 0), refused ? 403 : 101);
        if (!refused) {
            CHECK(wire_field(w, "x-new:") && wire_field(w, "upgrade:"));
            says(w->fd, "hello\r\n\r\n");
            CHECK(wire_head(w) && !strcmp(w->head, "hello\r\n\r\n"));
        }
        CHECK_EQ(k.status[0], 101);
        hang_up(w);
        rig_stop(r);
        peer_stop(s);
    }
}

/* Answers before it has read the request's body, and ends its answer with the number of bytes that came. */
static void serve_early(peer *p, int fd)
{
    wire *w = wire_new(fd);
    size_t n;

    (void)p;
    if (wire_head(w)) {
        n = strtoul(wire_field(w, "content-length:"), NULL, 10);
        w->body_len = 0;
        if (says(fd, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n") && wire_take(w, n))
            says(fd, "%9zu", w->body_len);
    }
    wire_del(w);
}

static void a_request_goes_on_while_its_response_waits(void)
{
    script k = {.v = {.action = V_BODY, .ms = 20000}, .times = 1};
    peer *s = peer_start(serve_early, 0);
    rig *r = scripted(ASKS(RESPONSE), &k, s);
    wire *w;

    rig_start(r);
    w = wire_new(dial(r->port));
    says(w->fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n");
    EVENTUALLY(at_load(&k.n) == 1);
    CHECK(send_pattern(w->fd, 300000));
    CHECK_EQ(wire_response(w, 0), 200);
    CHECK(body_has(w, "   300000"));
    CHECK_EQ(k.n, 2);
    hang_up(w);
    rig_stop(r);
    peer_stop(s);
}

/* --- our own pages --- */

static void our_own_pages_are_asked_about(void)
{
    static const struct {
        const char *request;
        int status, early;
    } rows[] = {
        {"GET /len/1 HTTP/1.1\r\nHost: a\r\n\r\n", 503, 0},
        {"what\r\n\r\n", 400, 1},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc", 503, 0},
    };

    for (size_t i = 0; i < 6; i++) {
        script k = {.v = {.action = V_REPLY, .status = 418}, .text = REPLY, .times = i < 3 ? 9 : 0};
        rig *r = scripted(ASKS(LOCAL), &k, NULL);
        wire *w;

        rig_server_port(r, port_refused());
        r->be->retries = 0;
        rig_start(r);
        w = wire_new(dial(r->port));
        says(w->fd, "%s", rows[i % 3].request);
        CHECK_EQ(wire_response(w, 0), i < 3 ? 403 : rows[i % 3].status);
        CHECK(body_has(w, i < 3 ? "nope" : "wrong"));
        CHECK_EQ(k.n, 1);
        CHECK_EQ(k.status[0], rows[i % 3].status);
        CHECK_EQ(!!(k.flags[0] & ASK_F_EARLY), rows[i % 3].early);
        EVENTUALLY(at_load(&r->recs) == 1);
        CHECK_EQ(r->status, i < 3 ? 418 : rows[i % 3].status);
        if (!(i % 3)) { /* on the same connection */
            ask_for(w->fd, "/len/1");
            CHECK_EQ(wire_response(w, 0), i < 3 ? 403 : 503);
            CHECK_EQ(k.n, 2);
        }
        hang_up(w);
        rig_stop(r);
    }
}

static void a_page_that_cannot_be_sent_is_not_asked_about_again(void)
{
    script k = {.v = {.action = V_REPLY}, .text = "nonsense", .times = 9};
    rig *r = scripted(ASKS(LOCAL), &k, NULL);
    wire *w;

    rig_server_port(r, port_refused());
    r->be->retries = 0;
    rig_start(r);
    w = wire_new(dial(r->port));
    ask_for(w->fd, "/");
    CHECK_EQ(wire_response(w, 0), 500);
    CHECK_EQ(k.n, 1);
    hang_up(w);
    rig_stop(r);
}

static void pages_are_the_backends_then_the_frontends_then_the_engines(void)
{
    static const char be[] = "HTTP/1.1 503 Be\r\nContent-Length: 2\r\n\r\nbe", fe[] = "HTTP/1.1 503 Fe\r\nContent-Length: 2\r\n\r\nfe";

    for (int i = 0; i < 4; i++) {
        rig *r = rig_make(PX_HTTP, 1);
        wire *w;

        rig_server_port(r, port_refused());
        r->be->retries = 0;
        if (i >= 1)
            CHECK_EQ(eng_fe_error(r->e, r->fe_i, 503, 0, fe, sizeof(fe) - 1), 0);
        if (i >= 2)
            CHECK_EQ(eng_be_error(r->e, r->be_i, 503, 0, be, sizeof(be) - 1), 0);
        if (i >= 3)
            CHECK_EQ(eng_be_error(r->e, r->be_i, 503, 0, "", 0), 0);
        CHECK_EQ(eng_be_error(r->e, 7, 503, 0, be, sizeof(be) - 1), -EINVAL);
        CHECK_EQ(eng_be_error(r->e, r->be_i, 199, 0, be, sizeof(be) - 1), -EINVAL);
        CHECK_EQ(eng_be_error(r->e, r->be_i, 503, 0, "x", 1), -EINVAL);
        rig_start(r);
        w = wire_new(dial(r->port));
        ask_for(w->fd, "/");
        CHECK_EQ(wire_response(w, 0), i < 3 ? 503 : -1);
        if (i < 3)
            CHECK(body_has(w, i == 0 ? "wrong" : i == 1 ? "fe" : "be"));
        else
            CHECK_EQ(w->ended, 1); /* an empty page: nothing but the end */
        EVENTUALLY(at_load(&r->recs) == 1);
        CHECK_EQ(r->status, 503);
        hang_up(w);
        rig_stop(r);
    }
}

static void a_page_without_a_length_ends_with_its_connection(void)
{
    static const char *const pages[] = {"HTTP/1.1 503 Be\r\nX: y\r\n\r\nbe", "HTTP/1.0 503 Be\r\n\r\nbe",
                                        "HTTP/1.1 503 Be\r\nContent-Length: 3\r\n\r\nbe", "nothing of ours\r\n\r\nbe"};

    for (int i = 0; i < 4; i++) {
        rig *r = rig_make(PX_HTTP, 1);
        wire *w;

        rig_server_port(r, port_refused());
        r->be->retries = 0;
        CHECK_EQ(eng_be_error(r->e, r->be_i, 503, 0, pages[i], (int)strlen(pages[i])), 0);
        rig_start(r);
        w = wire_new(dial(r->port));
        ask_for(w->fd, "/");
        if (i < 2) {
            CHECK_EQ(wire_response(w, 0), 503);
            CHECK(body_has(w, "be") && (strstr(w->head, "connection: close\r\n") != NULL) == !i);
        }
        while (wire_more(w))
            ;
        CHECK_EQ(w->ended, 1);
        hang_up(w);
        rig_stop(r);
    }
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);
    RUN(a_response_goes_on_with_a_new_head_and_its_own_body);
    RUN(a_status_may_change_and_the_framing_stays_true);
    RUN(only_those_are_asked_about_that_a_verdict_named);
    RUN(a_response_is_replaced);
    RUN(the_connection_of_a_replaced_response_is_kept_if_it_was_whole);
    RUN(a_response_waits);
    RUN(who_leaves_before_the_response_has_its_verdict_is_noticed);
    RUN(verdicts_end_connections);
    RUN(the_body_of_a_response_is_collected);
    RUN(a_malformed_body_of_a_response_is_refused_while_it_is_collected);
    RUN(a_long_body_of_a_response_is_collected_as_far_as_it_fits);
    RUN(waiting_for_the_body_of_a_response_ends_in_time);
    RUN(a_switch_of_protocols_is_asked_about);
    RUN(a_request_goes_on_while_its_response_waits);
    RUN(our_own_pages_are_asked_about);
    RUN(a_page_that_cannot_be_sent_is_not_asked_about_again);
    RUN(pages_are_the_backends_then_the_frontends_then_the_engines);
    RUN(a_page_without_a_length_ends_with_its_connection);
    return check_done();
}
