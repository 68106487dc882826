/* sources: all */
/* Questions about connections and about what tunnels carry; what may be set of a flow meanwhile. */
#include "eng_ask.h"

#include <netinet/tcp.h>

#define ASKS(kind) (1u << ASK_##kind)

typedef struct script {
    lb_verdict v[4]; /* one after the other; then the flow goes on */
    uint32_t times, n;
    uint32_t flags[8], len[8], kind[8];
    uint64_t when[8];
    char text[8][64];
    engine *e;
} script;

static void follows_the_script(rig *r, int tid, const lb_ask *a, const char *texts, verdicts *out)
{
    script *k = r->arg;
    uint32_t n = at_load(&k->n);
    lb_verdict v = n < k->times ? k->v[n] : go_on(a);

    (void)tid;
    if (n < 8) {
        k->flags[n] = a->flags;
        k->len[n] = a->len;
        k->kind[n] = a->kind;
        k->when[n] = now_ms();
        if (a->len)
            memcpy(k->text[n], texts + a->text, a->len < 63 ? a->len : 63);
    }
    at_add(&k->n, 1);
    v.flow = a->flow;
    v.gen = a->gen;
    say_verdict(out, v);
}

static rig *scripted(int mode, uint32_t kinds, script *k, const peer *s)
{
    rig *r = ask_rig(mode, kinds, follows_the_script, s);

    r->arg = k;
    return r;
}

/* --- connections --- */

static void a_connection_is_asked_about_before_anything_is_read(void)
{
    for (int mode = PX_TCP; mode <= PX_HTTP; mode++) {
        script k = {.times = 0};
        peer *s = peer_start(mode == PX_HTTP ? serve_http : serve_echo, 0);
        rig *r = scripted(mode, ASKS(CONN), &k, s);
        wire *w;

        rig_start(r);
        w = wire_new(dial(r->port));
        EVENTUALLY(at_load(&k.n) == 1);
        for (int i = 0; i < 2; i++) {
            says(w->fd, "GET /len/1 HTTP/1.1\r\nHost: a\r\n\r\n");
            CHECK(mode == PX_HTTP ? wire_response(w, 0) == 200 : wire_head(w));
        }
        CHECK_EQ(k.n, 1);
        CHECK_EQ(k.kind[0], ASK_CONN);
        CHECK_EQ(FE_COUNT(r, cum_sess), 1);
        hang_up(w);
        rig_stop(r);
        peer_stop(s);
    }
}

static void a_connection_is_refused(void)
{
    static const struct {
        uint32_t action;
        int ended;
    } rows[] = {{V_CLOSE, 1}, {V_RESET, 2}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        script k = {.v = {{.action = rows[i].action, .flags = V_F_TELL_CONN}}, .times = 1};
        rig *r = scripted(PX_HTTP, ASKS(CONN), &k, NULL);
        wire *w;

        rig_start(r);
        w = wire_new(dial(r->port));
        CHECK(!wire_more(w));
        CHECK_EQ(w->ended, rows[i].ended);
        EVENTUALLY(at_load(&r->ended) == 1);
        CHECK_EQ(at_load(&r->recs), 0);
        CHECK_EQ(FE_COUNT(r, cum_conn), 1);
        CHECK_EQ(FE_COUNT(r, cum_sess), 0);
        hang_up(w);
        rig_stop(r);
    }
}

static void a_dropped_connection_is_told_nothing(void)
{
    script k = {.v = {{.action = V_DROP}}, .times = 1};
    rig *r = scripted(PX_HTTP, ASKS(CONN), &k, NULL);
    struct pollfd p = {.events = POLLIN};
    wire *w;

    rig_start(r);
    w = wire_new(dial(r->port));
    EVENTUALLY(at_load(&k.n) == 1 && at_load(&eng_live_figures(r->e)->actconn) == 0);
    p.fd = w->fd;
    if (geteuid() == 0) /* else a reset leaves, which the loopback lets through */
        CHECK_EQ(poll(&p, 1, 100), 0);
    hang_up(w);
    rig_stop(r);
}

static void a_connection_that_waits_for_its_verdict_does_not_outlive_the_engine(void)
{
    script k = {.times = 0};
    rig *r = scripted(PX_HTTP, ASKS(CONN) | ASKS(REQUEST), &k, NULL);
    wire *w;

    r->withhold = 1;
    rig_start(r);
    w = wire_new(dial(r->port));
    EVENTUALLY(at_load(&k.n) == 1);
    eng_stopping(r->e);
    rig_end_worker(r, 0);
    CHECK(!wire_more(w));
    hang_up(w);
    eng_free(r->e);
    free(r);
}

/* --- what the client of a tunnel says --- */

static void content_is_looked_at_as_it_comes(void)
{
    script k = {.v = {{.action = V_WAIT, .ms = 20000}, {.action = V_WAIT, .ms = 20000}}, .times = 2};
    peer *s = peer_start(serve_echo, 0);
    rig *r = scripted(PX_TCP, ASKS(CONTENT), &k, s);
    wire *w;

    rig_start(r);
    w = wire_new(dial(r->port));
    EVENTUALLY(at_load(&k.n) == 1);
    says(w->fd, "he");
    EVENTUALLY(at_load(&k.n) == 2);
    says(w->fd, "llo\r\n\r\n");
    CHECK(wire_head(w) && !strcmp(w->head, "hello\r\n\r\n"));
    CHECK_EQ(k.n, 3);
    CHECK(k.len[0] == 0 && k.len[1] == 2 && k.len[2] == 9);
    CHECK(!strcmp(k.text[1], "he") && !strcmp(k.text[2], "hello\r\n\r\n"));
    CHECK_EQ(k.flags[0], ASK_F_FIRST);
    CHECK_EQ(k.flags[2], ASK_F_FIRST | ASK_F_AGAIN);
    shutdown(w->fd, SHUT_WR);
    CHECK(!wire_more(w) && w->ended == 1);
    EVENTUALLY(at_load(&r->recs) == 1);
    CHECK_EQ(r->rec_flags, REC_TCP | REC_LOG);
    hang_up(w);
    rig_stop(r);
    peer_stop(s);
}

static void content_is_awaited_for_a_time(void)
{
    script k = {.v = {{.action = V_WAIT, .ms = 70}, {.action = V_PAUSE, .ms = 50}}, .times = 2};
    peer *s = peer_start(serve_echo, 0);
    rig *r = scripted(PX_TCP, ASKS(CONTENT), &k, s);
    wire *w;

    rig_start(r);
    w = wire_new(dial(r->port));
    EVENTUALLY(at_load(&k.n) == 3);
    CHECK_EQ(k.flags[1], ASK_F_FIRST | ASK_F_AGAIN | ASK_F_TIMEOUT);
    CHECK(k.when[1] - k.when[0] >= 69 && k.when[2] - k.when[1] >= 49);
    says(w->fd, "hello\r\n\r\n");
    CHECK(wire_head(w));
    hang_up(w);
    rig_stop(r);
    peer_stop(s);
}

static void the_end_of_content_is_told(void)
{
    script k = {.v = {{.action = V_WAIT, .ms = 20000}, {.action = V_WAIT, .ms = 20000}}, .times = 2};
    peer *s = peer_start(serve_echo, 0);
    rig *r = scripted(PX_TCP, ASKS(CONTENT), &k, s);
    wire *w;

    rig_start(r);
    w = wire_new(dial(r->port));
    EVENTUALLY(at_load(&k.n) == 1);
    says(w->fd, "bye\r\n\r\n");
    EVENTUALLY(at_load(&k.n) == 2);
    shutdown(w->fd, SHUT_WR);
    CHECK(wire_head(w) && !strcmp(w->head, "bye\r\n\r\n"));
    CHECK(!wire_more(w) && w->ended == 1);
    CHECK_EQ(k.n, 3);
    CHECK(k.flags[2] & ASK_F_EOF);
    hang_up(w);
    rig_stop(r);
    peer_stop(s);
}

static void content_that_is_too_much_is_said_to_be_full(void)
{
    script k = {.v = {{.action = V_WAIT, .ms = 50}, {.action = V_WAIT, .ms = 50}}, .times = 2};
    peer *s = peer_start(serve_echo, 0);
    rig *r = scripted(PX_TCP, ASKS(CONTENT), &k, s);
    char *p = pattern_new(100000);
    uint32_t last;
    wire *w;

    rig_start(r);
    w = wire_new(dial(r->port));
    CHECK(say(w->fd, p, 20000));
    EVENTUALLY(at_load(&k.n) == 3);
    last = k.len[2];
    CHECK(last <= 16384);
    CHECK(last < 16384 || k.flags[2] & ASK_F_FULL);
    CHECK(wire_take(w, 20000) && body_is_pattern(w, 20000));
    hang_up(w);
    free(p);
    rig_stop(r);
    peer_stop(s);
}

static void content_is_rejected(void)
{
    static const struct {
        uint32_t action;
        int ended;
    } rows[] = {{V_CLOSE, 1}, {V_RESET, 2}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        script k = {.v = {{.action = V_WAIT}, {.action = rows[i].action, .term = {'P', 'R'}}}, .times = 2};
        rig *r = scripted(PX_TCP, ASKS(CONTENT), &k, NULL);
        wire *w;

        rig_start(r);
        w = wire_new(dial(r->port));
        EVENTUALLY(at_load(&k.n) == 1);
        says(w->fd, "hello");
        CHECK(!wire_more(w));
        CHECK_EQ(w->ended, rows[i].ended);
        EVENTUALLY(at_load(&r->recs) == 1);
        CHECK(r->term[0] == 'P' && r->term[1] == 'R');
        hang_up(w);
        rig_stop(r);
    }
}

static void who_leaves_while_content_is_awaited_is_noticed(void)
{
    script k = {.v = {{.action = V_WAIT}}, .times = 1};
    rig *r = scripted(PX_TCP, ASKS(CONTENT), &k, NULL);
    wire *w;

    rig_start(r);
    w = wire_new(dial(r->port));
    EVENTUALLY(at_load(&k.n) == 1);
    reset_on_close(w->fd);
    hang_up(w);
    EVENTUALLY(at_load(&r->recs) == 1);
    CHECK_EQ(r->term[0], 'C');
    rig_stop(r);
}

/* The tunnel waits for its first bytes, then it is an exchange. */
static void content_may_turn_out_to_be_http(void)
{
    script k = {.v = {{.action = V_WAIT}, {.action = V_HTTP}}, .times = 2};
    peer *s = peer_start(serve_http, 0);
    rig *r = scripted(PX_TCP, ASKS(CONTENT) | ASKS(REQUEST), &k, s);
    wire *w;

    r->be->mode = PX_HTTP;
    rig_start(r);
    w = wire_new(dial(r->port));
    EVENTUALLY(at_load(&k.n) == 1);
    says(w->fd, "GET /len/7 HTTP/1.1\r\nHo");
    EVENTUALLY(at_load(&k.n) == 2);
    says(w->fd, "st: a\r\n\r\n");
    CHECK_EQ(wire_response(w, 0), 200);
    CHECK(body_is_pattern(w, 7));
    ask_for(w->fd, "/len/8");
    CHECK_EQ(wire_response(w, 0), 200);
    CHECK_EQ(k.n, 4);
    CHECK(k.kind[2] == ASK_REQUEST && k.kind[3] == ASK_REQUEST);
    EVENTUALLY(at_load(&r->recs) == 2);
    CHECK_EQ(r->rec_flags, REC_HTTP | REC_LOG);
    hang_up(w);
    rig_stop(r);
    peer_stop(s);
}

static void content_chooses_the_backend(void)
{
    for (int32_t i = -1; i < 2; i++) {
        script k = {.v = {{.action = V_FORWARD, .backend = i, .server = -1}}, .times = 1};
        peer *s = peer_start(serve_echo, 0);
        rig *r = scripted(PX_TCP, ASKS(CONTENT), &k, s);
        wire *w;

        CHECK_EQ(eng_backend_add(r->e), 1); /* without a server */
        rig_start(r);
        w = wire_new(dial(r->port));
        says(w->fd, "hello\r\n\r\n");
        CHECK_EQ(wire_head(w), i < 1);
        hang_up(w);
        EVENTUALLY(at_load(&r->recs) == 1);
        CHECK_EQ(r->term[0], i < 1 ? 0x2d : 'S');
        rig_stop(r);
        peer_stop(s);
    }
}

/* --- what its server says --- */

/* Greets who has said a byte, then echoes. */
static void serve_greeting(peer *p, int fd)
{
    char byte;

    if (recv(fd, &byte, 1, 0) != 1)
        return;
    says(fd, "220 he");
    pause_us(20000);
    says(fd, "llo\r\n\r\n");
    serve_echo(p, fd);
}

/* A client that has the server greet it once it was asked about the server. */
static wire *greeted(const rig *r, const script *k, uint32_t asked)
{
    wire *w = wire_new(dial(r->port));

    EVENTUALLY(at_load(&k->n) == asked);
    says(w->fd, "!");
    return w;
}

static void the_servers_first_bytes_are_looked_at(void)
{
    for (int with_content = 0; with_content < 2; with_content++) {
        script k = {.times = 0};
        peer *s = peer_start(serve_greeting, 0);
        uint32_t at = with_content ? 1 : 0;
        rig *r;
        wire *w;

        k.v[at] = k.v[at + 1] = (lb_verdict){.action = V_WAIT};
        k.v[0] = with_content ? (lb_verdict){.action = V_FORWARD, .backend = -1, .server = -1} : k.v[0];
        k.times = at + 2;
        r = scripted(PX_TCP, with_content ? ASKS(CONTENT) | ASKS(RES_CONTENT) : ASKS(RES_CONTENT), &k, s);
        rig_start(r);
        w = greeted(r, &k, at + 1);
        CHECK(wire_head(w) && !strcmp(w->head, "220 hello\r\n\r\n"));
        says(w->fd, "hello\r\n\r\n");
        CHECK(wire_head(w) && !strcmp(w->head, "hello\r\n\r\n"));
        CHECK_EQ(k.n, at + 3);
        CHECK_EQ(k.kind[at], ASK_RES_CONTENT);
        CHECK_EQ(k.len[at], 0); /* it was reached, and has said nothing */
        CHECK(!strcmp(k.text[at + 1], "220 he") && !strcmp(k.text[at + 2], "220 hello\r\n\r\n"));
        CHECK(k.flags[at + 1] & ASK_F_AGAIN && !(k.flags[at] & ASK_F_AGAIN));
        hang_up(w);
        rig_stop(r);
        peer_stop(s);
    }
}

static void the_servers_first_bytes_are_rejected(void)
{
    static const uint32_t actions[] = {V_CLOSE, V_RESET};

    for (int i = 0; i < 2; i++) {
        script k = {.v = {{.action = V_WAIT}, {.action = V_PAUSE, .ms = 30}, {.action = actions[i], .term = {'P', 'D'}}}, .times = 3};
        peer *s = peer_start(serve_greeting, 0);
        rig *r = scripted(PX_TCP, ASKS(RES_CONTENT), &k, s);
        wire *w;

        rig_start(r);
        w = greeted(r, &k, 1);
        CHECK(!wire_more(w));
        CHECK_EQ(w->ended, i + 1);
        EVENTUALLY(at_load(&r->recs) == 1);
        CHECK(r->term[0] == 'P' && r->term[1] == 'D');
        CHECK(r->rec_read >= 6); /* what it said counts */
        hang_up(w);
        rig_stop(r);
        peer_stop(s);
    }
}

static void the_servers_first_bytes_may_be_its_last(void)
{
    script k = {.v = {{.action = V_WAIT}, {.action = V_WAIT}, {.action = V_FORWARD, .flags = V_F_CLOSE}}, .times = 3};
    peer *s = peer_start(serve_greeting, 0);
    rig *r = scripted(PX_TCP, ASKS(RES_CONTENT), &k, s);
    wire *w;

    rig_start(r);
    w = greeted(r, &k, 1);
    CHECK(wire_head(w) && !strcmp(w->head, "220 hello\r\n\r\n"));
    CHECK(!wire_more(w) && w->ended == 1);
    EVENTUALLY(at_load(&r->recs) == 1);
    CHECK_EQ(r->term[0], '-');
    CHECK_EQ(r->rec_read, 13);
    hang_up(w);
    rig_stop(r);
    peer_stop(s);
}

static void serve_farewell(peer *p, int fd)
{
    (void)p;
    says(fd, "bye\r\n\r\n");
}

static void a_server_that_ends_while_it_is_looked_at_is_heard(void)
{
    script k = {.v = {{.action = V_WAIT, .ms = 20000}}, .times = 1};
    peer *s = peer_start(serve_farewell, 0);
    rig *r = scripted(PX_TCP, ASKS(RES_CONTENT), &k, s);
    wire *w;

    rig_start(r);
    w = wire_new(dial(r->port));
    CHECK(wire_head(w) && !strcmp(w->head, "bye\r\n\r\n"));
    CHECK(!wire_more(w));
    hang_up(w);
    rig_stop(r);
    peer_stop(s);
}

/* --- what may be set and learnt of a flow --- */

static void sets_and_learns(rig *r, int tid, const lb_ask *a, const char *texts, verdicts *out)
{
    static const uint8_t six[16] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    uint32_t family = 0, port = 0;
    struct tcp_info info;
    uint8_t addr[16];

    (void)texts;
    CHECK_EQ(eng_flow_name(r->e, tid, a->flow, a->gen, 0, 1, &family, &port, addr), 0);
    CHECK(family == AF_INET && addr[0] == 127);
    if (a->kind == ASK_REQUEST && a->req_count == 1)
        CHECK(port == a->sport);
    CHECK_EQ(eng_flow_name(r->e, tid, a->flow, a->gen, 0, 0, &family, &port, addr), 0);
    CHECK_EQ(port, r->port);
    CHECK(eng_flow_tcpinfo(r->e, tid, a->flow, a->gen, 0, &info, sizeof(info)) > 8 && info.tcpi_state == 1);
    if (a->kind == ASK_REQUEST && a->req_count == 1) {
        CHECK_EQ(eng_flow_name(r->e, tid, a->flow, a->gen, 1, 1, &family, &port, addr), -ENOTCONN);
        CHECK_EQ(eng_flow_tcpinfo(r->e, tid, a->flow, a->gen, 1, &info, sizeof(info)), -ENOTCONN);
        CHECK_EQ(eng_flow_addr(r->e, tid, a->flow, a->gen, 0, AF_INET6, 4711, six), 0);
        CHECK_EQ(eng_flow_addr(r->e, tid, a->flow, a->gen, 1, AF_INET6, 4712, six), 0);
        CHECK_EQ(eng_flow_addr(r->e, tid, a->flow, a->gen, 1, AF_UNIX, 1, six), -EINVAL);
        CHECK_EQ(eng_flow_addr(r->e, tid, a->flow, a->gen, 1, AF_INET6, 65536, six), -EINVAL);
        CHECK_EQ(eng_flow_set(r->e, tid, a->flow, a->gen, FLOW_T_SERVER, 1000), 0);
        CHECK_EQ(eng_flow_set(r->e, tid, a->flow, a->gen, FLOW_TOS_FRONT, 0x20), 0);
        CHECK_EQ(eng_flow_set(r->e, tid, a->flow, a->gen, FLOW_TOS_BACK, 0x40), 0);
        CHECK_EQ(eng_flow_set(r->e, tid, a->flow, a->gen, FLOW_TOS_BACK, 256), -EINVAL);
        CHECK_EQ(eng_flow_set(r->e, tid, a->flow, a->gen, 99, 1), -EINVAL);
        CHECK_EQ(eng_flow_set(r->e, tid, a->flow, a->gen + 1, FLOW_T_SERVER, 1), -ESTALE);
        CHECK_EQ(eng_flow_interim(r->e, tid, a->flow, a->gen, "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n", 40), 1);
        CHECK_EQ(eng_flow_interim(r->e, tid, a->flow, a->gen, "HTTP/1.1 200 OK\r\n\r\n", 19), -EINVAL);
        CHECK_EQ(eng_flow_interim(r->e, tid, a->flow, a->gen, "HTTP/1.1 103 OK\r\n\r\nx", 20), -EINVAL);
        CHECK_EQ(eng_flow_interim(r->e, tid, a->flow, a->gen, "HTTP/1.1 101 OK\r\n\r\n", 19), -EINVAL);
    } else if (a->kind == ASK_RESPONSE && a->req_count == 1) {
        CHECK(a->sport == 4711 && a->dport == 4712 && a->family == AF_INET6 && !memcmp(a->saddr, six, 16) &&
              !memcmp(a->daddr, six, 16));
        CHECK_EQ(eng_flow_name(r->e, tid, a->flow, a->gen, 1, 1, &family, &port, addr), 0);
        CHECK(port == (uint32_t)((peer *)r->arg)->port);
        CHECK_EQ(eng_flow_interim(r->e, tid, a->flow, a->gen, "HTTP/1.1 103 OK\r\n\r\n", 19), -EINVAL);
    } else {
        CHECK(a->family == AF_INET && a->dport == r->port); /* what was set was for the first request only */
    }
    if (a->kind == ASK_REQUEST)
        say_verdict(out, go_on(a));
    else
        say_verdict(out, verdict(a, V_FORWARD));
}

static void a_flow_is_set_and_learnt_of(void)
{
    peer *s = peer_start(serve_head, 0);
    rig *r = ask_rig(PX_HTTP, ASKS(REQUEST) | ASKS(RESPONSE), sets_and_learns, s);
    wire *w;

    r->arg = s;
    r->fe->options |= PX_O_FORWARDFOR | PX_O_DST;
    r->fe->ff_len = (uint32_t)snprintf(r->fe->ff_name, sizeof(r->fe->ff_name), "x-ff");
    rig_start(r);
    w = wire_new(dial(r->port));
    ask_for(w->fd, "/x");
    CHECK_EQ(wire_response(w, 0), 103);
    CHECK(wire_field(w, "link:") != NULL);
    CHECK_EQ(wire_response(w, 0), 200);
    CHECK(body_has(w, "x-ff: 2001:db8::1\r\n"));
    ask_for(w->fd, "/x");
    CHECK_EQ(wire_response(w, 0), 200);
    CHECK(body_has(w, "x-ff: 127.0.0.1\r\n"));
    hang_up(w);
    rig_stop(r);
    peer_stop(s);
}

static void sets_times(rig *r, int tid, const lb_ask *a, const char *texts, verdicts *out)
{
    char *path = string_of(texts + a->text + a->path, a->path_len);

    if (!strcmp(path, "/hang/1"))
        CHECK_EQ(eng_flow_set(r->e, tid, a->flow, a->gen, FLOW_T_SERVER, 80), 0);
    say_verdict(out, go_on(a));
    free(path);
}

static void times_are_set_for_one_stream(void)
{
    peer *s = peer_start(serve_http, 0);
    rig *r = ask_rig(PX_HTTP, ASKS(REQUEST), sets_times, s);
    uint64_t began = now_ms();
    wire *w;

    rig_start(r);
    w = wire_new(dial(r->port));
    ask_for(w->fd, "/hang/1");
    CHECK_EQ(wire_response(w, 0), 504);
    CHECK(now_ms() - began >= 79 && now_ms() - began < r->be->t_server / 2);
    ask_for(w->fd, "/gate/1");
    pause_us(200000);
    at_store(&s->gate, 1);
    CHECK_EQ(wire_response(w, 0), 200);
    hang_up(w);
    rig_stop(r);
    peer_stop(s);
}

static void sets_retries(rig *r, int tid, const lb_ask *a, const char *texts, verdicts *out)
{
    (void)texts;
    CHECK_EQ(eng_flow_set(r->e, tid, a->flow, a->gen, FLOW_RETRIES, 0), 0);
    say_verdict(out, go_on(a));
}

static void attempts_are_set_for_one_stream(void)
{
    rig *r = ask_rig(PX_HTTP, ASKS(REQUEST), sets_retries, NULL);
    uint64_t began = now_ms();
    wire *w;

    rig_server_port(r, port_refused());
    rig_start(r);
    w = wire_new(dial(r->port));
    ask_for(w->fd, "/");
    CHECK_EQ(wire_response(w, 0), 503);
    CHECK(now_ms() - began < 900); /* each attempt but the first waits a second */
    hang_up(w);
    rig_stop(r);
}

static void what_rules_deny_is_counted(void)
{
    static const size_t at[] = {0,
                                offsetof(lb_counters, denied_conn),
                                offsetof(lb_counters, denied_sess),
                                offsetof(lb_counters, denied_req),
                                offsetof(lb_counters, denied_resp),
                                offsetof(lb_counters, failed_req),
                                offsetof(lb_counters, failed_resp),
                                offsetof(lb_counters, internal_errors),
                                offsetof(lb_counters, failed_rewrites),
                                offsetof(lb_counters, intercepted_req)};
    rig *r = rig_make(PX_HTTP, 2);
    lb_counters c[3];

    rig_server_port(r, 1);
    for (int what = CNT_DENIED_CONN; what <= CNT_INTERCEPTED_REQ; what++) {
        for (int side = 0; side < 3; side++)
            CHECK_EQ(eng_count(r->e, side % 2, side, 0, what), 0);
        eng_fe_counters(r->e, 0, &c[0]);
        eng_be_counters(r->e, 0, &c[1]);
        eng_srv_counters(r->e, 0, &c[2]);
        for (int side = 0; side < 3; side++)
            CHECK_EQ(*(uint64_t *)((char *)&c[side] + at[what]), 1);
    }
    CHECK_EQ(eng_count(r->e, 0, 3, 0, CNT_DENIED_CONN), 0);
    CHECK_EQ(eng_count(r->e, 0, 3, 1, CNT_DENIED_CONN), -EINVAL);
    CHECK_EQ(eng_count(r->e, 0, 4, 0, CNT_DENIED_CONN), -EINVAL);
    CHECK_EQ(eng_count(r->e, 0, 0, -1, CNT_DENIED_CONN), -EINVAL);
    CHECK_EQ(eng_count(r->e, 0, 0, 0, 0), -EINVAL);
    CHECK_EQ(eng_count(r->e, 0, 0, 0, 99), -EINVAL);
    rig_start(r);
    rig_stop(r);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);
    RUN(a_connection_is_asked_about_before_anything_is_read);
    RUN(a_connection_is_refused);
    RUN(a_dropped_connection_is_told_nothing);
    RUN(a_connection_that_waits_for_its_verdict_does_not_outlive_the_engine);
    RUN(content_is_looked_at_as_it_comes);
    RUN(content_is_awaited_for_a_time);
    RUN(the_end_of_content_is_told);
    RUN(content_that_is_too_much_is_said_to_be_full);
    RUN(content_is_rejected);
    RUN(who_leaves_while_content_is_awaited_is_noticed);
    RUN(content_may_turn_out_to_be_http);
    RUN(content_chooses_the_backend);
    RUN(the_servers_first_bytes_are_looked_at);
    RUN(the_servers_first_bytes_are_rejected);
    RUN(the_servers_first_bytes_may_be_its_last);
    RUN(a_server_that_ends_while_it_is_looked_at_is_heard);
    RUN(a_flow_is_set_and_learnt_of);
    RUN(times_are_set_for_one_stream);
    RUN(attempts_are_set_for_one_stream);
    RUN(what_rules_deny_is_counted);
    return check_done();
}
