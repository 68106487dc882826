/* sources: all */
/* What comes before a session: headers of other proxies, and the questions around them. */
#include "eng_ask.h"
#include "proxyproto.h"

#define V1 "PROXY TCP4 192.0.2.1 192.0.2.2 1111 2222\r\n"
#define ASKS(kind) (1u << ASK_##kind)

typedef struct seen {
    uint32_t n, kind[4], flags[4], sport[4], dport[4];
    uint8_t first[4]; /* of the client's address */
    uint32_t say;     /* flags of the verdict about the connection */
    uint32_t refuse;  /* 1: sessions are closed */
    uint32_t tlvs;    /* bytes that the header brought */
} seen;

static void sees(rig *r, int tid, const lb_ask *a, const char *texts, verdicts *out)
{
    seen *k = r->arg;
    uint32_t n = at_load(&k->n);
    lb_verdict v = go_on(a);

    (void)texts;
    if (n < 4) {
        k->kind[n] = a->kind;
        k->flags[n] = a->flags;
        k->sport[n] = a->sport;
        k->dport[n] = a->dport;
        k->first[n] = a->saddr[0];
    }
    if (a->kind == ASK_CONN)
        v.flags = k->say;
    if (a->kind == ASK_SESSION)
        k->tlvs = (uint32_t)eng_flow_tlvs(r->e, tid, a->flow, a->gen, NULL, 0);
    if (a->kind == ASK_SESSION && k->refuse)
        v.action = V_CLOSE;
    at_add(&k->n, 1);
    say_verdict(out, v);
}

static rig *seeing(int mode, uint32_t kinds, seen *k, const peer *s)
{
    rig *r = ask_rig(mode, kinds, sees, s);

    r->arg = k;
    return r;
}

static void headers_come_between_the_rules_of_connections_and_of_sessions(void)
{
    for (int mode = PX_TCP; mode <= PX_HTTP; mode++) {
        seen k = {.n = 0};
        peer *s = peer_start(mode == PX_HTTP ? serve_http : serve_echo, 0);
        rig *r = seeing(mode, ASKS(CONN) | ASKS(SESSION), &k, s);
        wire *w;

        CHECK_EQ(eng_listener_expect(r->e, r->lsn, LSN_EXPECT_PROXY, 0), 0);
        rig_start(r);
        w = wire_new(dial(r->port));
        EVENTUALLY(at_load(&k.n) == 1);
        says(w->fd, V1 "GET /len/1 HTTP/1.1\r\nHost: a\r\n\r\n"); /* what comes with it is not lost */
        CHECK(mode == PX_HTTP ? wire_response(w, 0) == 200 : wire_head(w));
        CHECK_EQ(at_load(&k.n), 2);
        CHECK(k.kind[0] == ASK_CONN && k.first[0] == 127 && !(k.flags[0] & ASK_F_PROXY));
        CHECK(k.kind[1] == ASK_SESSION && k.first[1] == 192 && k.flags[1] & ASK_F_PROXY);
        CHECK(k.sport[1] == 1111 && k.dport[1] == 2222);
        CHECK_EQ(FE_COUNT(r, cum_sess), 1);
        hang_up(w);
        rig_stop(r);
        peer_stop(s);
    }
}

static void a_verdict_expects_a_header(void)
{
    seen k = {.say = V_F_PROXY};
    peer *s = peer_start(serve_http, 0);
    rig *r = seeing(PX_HTTP, ASKS(CONN) | ASKS(SESSION), &k, s);
    wire *w;

    rig_start(r);
    w = wire_new(dial(r->port));
    EVENTUALLY(at_load(&k.n) == 1);
    say(w->fd, "\r\n\r\n\0\r\nQUIT\n\x20\0\0\4\xe0\0\1x", 20);
    EVENTUALLY(at_load(&k.n) == 2);
    CHECK_EQ(k.tlvs, 4);
    CHECK_EQ(k.first[1], 127);
    ask_for(w->fd, "/len/1");
    CHECK_EQ(wire_response(w, 0), 200);
    hang_up(w);
    rig_stop(r);
    peer_stop(s);
}

static void what_is_no_header_ends_before_there_is_a_session(void)
{
    static const struct {
        const char *said;
        int ended; /* 1: by an end, 2: by a reset */
    } rows[] = {{"GET / HTTP/1.1\r\n\r\n", 2}, {"PROXY TCP4 1.1.1.1", 2}, {NULL, 1}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        rig *r = rig_make(PX_HTTP, 1);
        wire *w;

        r->fe->options |= PX_O_LOG;
        CHECK_EQ(eng_listener_expect(r->e, r->lsn, LSN_EXPECT_PROXY, 0), 0);
        rig_start(r);
        w = wire_new(dial(r->port));
        if (rows[i].said)
            says(w->fd, rows[i].said);
        else
            shutdown(w->fd, SHUT_WR);
        CHECK(!wire_more(w));
        CHECK_EQ(w->ended, rows[i].ended);
        EVENTUALLY(at_load(&r->recs) == 1);
        CHECK_EQ(FE_COUNT(r, cum_conn), 1);
        CHECK_EQ(FE_COUNT(r, cum_sess), 0);
        hang_up(w);
        rig_stop(r);
    }
}

static void a_refused_session_ends(void)
{
    seen k = {.refuse = 1};
    rig *r = seeing(PX_TCP, ASKS(SESSION), &k, NULL);
    wire *w;

    CHECK_EQ(eng_listener_expect(r->e, r->lsn, LSN_EXPECT_PROXY, 0), 0);
    rig_start(r);
    w = wire_new(dial(r->port));
    says(w->fd, V1);
    CHECK(!wire_more(w));
    CHECK_EQ(at_load(&k.n), 1);
    CHECK_EQ(FE_COUNT(r, cum_sess), 0);
    hang_up(w);
    rig_stop(r);
}

static void headers_are_waited_for_no_longer_than_handshakes_may_take(void)
{
    rig *r = rig_make(PX_HTTP, 1);
    wire *w;

    r->fe->t_client_hs = 30;
    CHECK_EQ(eng_listener_expect(r->e, r->lsn, LSN_EXPECT_CIP, 1), 0);
    rig_start(r);
    w = wire_new(dial(r->port));
    CHECK(!wire_more(w));
    CHECK_EQ(w->ended, 1);
    hang_up(w);
    rig_stop(r);
}

/* What a server heard before the first request of each connection. */
static char told[256];

static void serve_told(peer *p, int fd)
{
    size_t n = strlen(V1), have = 0;
    char line[64] = "";
    ssize_t got = 1;

    while (have < n && (got = recv(fd, line + have, n - have, 0)) > 0)
        have += (size_t)got;
    strncat(told, line, sizeof(told) - strlen(told) - 1);
    serve_http(p, fd);
}

static void a_server_is_told_once_for_each_client(void)
{
    peer *s = peer_start(serve_told, 0);
    rig *r = rig_make(PX_HTTP, 1);

    told[0] = 0;
    rig_server(r, s)->send_proxy = PX_SEND_V1;
    CHECK_EQ(eng_listener_expect(r->e, r->lsn, LSN_EXPECT_PROXY, 0), 0);
    rig_start(r);
    for (int client = 0; client < 2; client++) {
        wire *w = wire_new(dial(r->port));

        says(w->fd, V1);
        for (int i = 0; i < 3; i++) {
            ask_for(w->fd, "/len/1");
            CHECK_EQ(wire_response(w, 0), 200);
        }
        hang_up(w);
    }
    rig_stop(r);
    peer_stop(s);
    CHECK(!strcmp(told, V1 V1));
}

int main(void)
{
    RUN(headers_come_between_the_rules_of_connections_and_of_sessions);
    RUN(a_verdict_expects_a_header);
    RUN(what_is_no_header_ends_before_there_is_a_session);
    RUN(a_refused_session_ends);
    RUN(headers_are_waited_for_no_longer_than_handshakes_may_take);
    RUN(a_server_is_told_once_for_each_client);
    return check_done();
}
