/* sources: lockset lock ctr freq hash counters sock buf fd poll loop ev_epoll ev_poll ev_select ev_kqueue tmr runq waitq task h1 h1body h1field h1host h1word casing msg conn idle lb listener proxyproto handshake chan flow flow_srv tunnel exchange exch_req exch_again exch_res exch_reply applet page ask ask_head ask_body ask_http ask_tcp ask_flow thr turn figures engine */
/* A whole engine at its work: one, two and four threads, real sockets, and nothing left behind. */
#include "eng_peers.h"
#include <malloc.h>

static const int THREADS[] = {1, 2, 4};
#define FOR_THREADS(n) for (unsigned i_ = 0, n; i_ < 3 && (n = (unsigned)THREADS[i_]); i_++)

/* --- http --- */

typedef struct crowd {
    int port, rounds;
    uint32_t bad; /* atomic */
} crowd;

static void one_client(void *arg, int index)
{
    static const char *const paths[] = {"/len/0", "/len/10", "/len/20000", "/chunk/5000", "/len/300000", "/tiny/50"};
    crowd *c = arg;
    int fd = dial(c->port);
    wire *w = wire_new(fd);

    for (int i = 0; i < c->rounds; i++) {
        const char *path = paths[(i + index) % 6];

        ask_for(fd, path);
        if (wire_response(w, 0) != 200 || !body_is_pattern(w, strtoul(strchr(path + 1, '/') + 1, NULL, 10)))
            at_add(&c->bad, 1);
    }
    wire_del(w);
    close(fd);
}

static void keeps_connections_on_both_sides_alive(void)
{
    FOR_THREADS(n) {
        peer *s = peer_start(serve_http, 0);
        rig *r = rig_make(PX_HTTP, (int)n);
        crowd c = {.rounds = 60};

        rig_server(r, s);
        rig_start(r);
        c.port = r->port;
        check_threads(8, one_client, &c);
        CHECK_EQ(c.bad, 0);
        CHECK_EQ(at_load(&s->reqs), 480);
        CHECK(at_load(&s->conns) <= 8);
        rig_stop(r);
        peer_stop(s);
    }
}

static void answers_pipelined_requests_in_order(void)
{
    peer *s = peer_start(serve_http, 0);
    rig *r = rig_make(PX_HTTP, 2);
    int fd;
    wire *w;

    rig_server(r, s);
    rig_start(r);
    fd = dial(r->port);
    w = wire_new(fd);
    for (int i = 0; i < 40; i++)
        says(fd, "GET /len/%d HTTP/1.1\r\nHost: a\r\n\r\n", i);
    for (int i = 0; i < 40; i++) {
        CHECK_EQ(wire_response(w, 0), 200);
        CHECK_EQ(w->body_len, i);
    }
    wire_del(w);
    close(fd);
    rig_stop(r);
    peer_stop(s);
}

static void carries_bodies_of_requests(void)
{
    peer *s = peer_start(serve_http, 0);
    rig *r = rig_make(PX_HTTP, 2);
    size_t n = 300000;
    char *body = pattern_new(n);
    wire *w;
    int fd;

    rig_server(r, s);
    rig_start(r);
    fd = dial(r->port);
    w = wire_new(fd);
    for (int i = 0; i < 4; i++) {
        if (i & 1) {
            says(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
            CHECK(send_chunks(fd, n, 3000));
        } else {
            says(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n", n);
            CHECK(say(fd, body, n));
        }
        CHECK_EQ(wire_response(w, 0), 200);
        CHECK(body_is_pattern(w, n));
    }
    CHECK_EQ(at_load(&s->conns), 1);
    wire_del(w);
    close(fd);
    free(body);
    rig_stop(r);
    peer_stop(s);
}

static void passes_interim_responses_and_heads_without_bodies(void)
{
    peer *s = peer_start(serve_http, 0);
    rig *r = rig_make(PX_HTTP, 1);
    int fd;
    wire *w;

    rig_server(r, s);
    rig_start(r);
    fd = dial(r->port);
    w = wire_new(fd);
    ask_for(fd, "/interim/1");
    CHECK_EQ(wire_response(w, 0), 103);
    CHECK_EQ(wire_response(w, 0), 200);
    CHECK_EQ(w->body_len, 2);
    says(fd, "HEAD /len/500 HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK_EQ(wire_response(w, 1), 200);
    CHECK(wire_field(w, "content-length: 500") != NULL);
    ask_for(fd, "/len/3");
    CHECK_EQ(wire_response(w, 0), 200);
    wire_del(w);
    close(fd);
    rig_stop(r);
    peer_stop(s);
}

static void ends_connections_when_asked_to(void)
{
    peer *s = peer_start(serve_http, 0);
    rig *r = rig_make(PX_HTTP, 2);

    rig_server(r, s);
    rig_start(r);
    for (int i = 0; i < 50; i++) {
        int fd = dial(r->port);
        wire *w = wire_new(fd);

        says(fd, i & 1 ? "GET /len/10 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
                         : "GET /eof/30000 HTTP/1.0\r\n\r\n");
        CHECK_EQ(wire_response(w, 0), 200);
        CHECK(body_is_pattern(w, i & 1 ? 10 : 30000));
        while (!w->ended)
            wire_more(w);
        CHECK_EQ(w->ended, 1);
        wire_del(w);
        close(fd);
    }
    rig_stop(r);
    peer_stop(s);
}

/* --- tcp --- */

static void one_tunnel(void *arg, int index)
{
    crowd *c = arg;
    size_t n = 200000 + (size_t)index * 1000, got = 0;
    char *out = pattern_new(n), in[16384];
    int fd = dial(c->port);

    for (size_t at = 0; at < n;) {
        size_t part = n - at < 50000 ? n - at : 50000;
        ssize_t k;

        if (!say(fd, out + at, part))
            at_add(&c->bad, 1);
        at += part;
        while (got < at && (k = recv(fd, in, sizeof(in), 0)) > 0) {
            for (ssize_t i = 0; i < k; i++)
                if (in[i] != pattern(got + (size_t)i))
                    at_add(&c->bad, 1);
            got += (size_t)k;
        }
    }
    shutdown(fd, SHUT_WR);
    while (recv(fd, in, sizeof(in), 0) > 0)
        at_add(&c->bad, 1);
    if (got != n)
        at_add(&c->bad, 1);
    close(fd);
    free(out);
}

static void tunnels_carry_both_ways_and_pass_ends_on(void)
{
    FOR_THREADS(n) {
        peer *s = peer_start(serve_echo, 0);
        rig *r = rig_make(PX_TCP, (int)n);
        crowd c = {0};

        rig_server(r, s);
        r->be->options = n == 2 ? PX_O_SPLICE_REQ | PX_O_SPLICE_RES : 0;
        rig_start(r);
        c.port = r->port;
        check_threads(12, one_tunnel, &c);
        CHECK_EQ(c.bad, 0);
        EVENTUALLY(at_load(&r->recs) == 12);
        CHECK_EQ(r->term[0], '-');
        rig_stop(r);
        peer_stop(s);
    }
}

/* --- life --- */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
size_t __sanitizer_get_current_allocated_bytes(void);
#define allocated() __sanitizer_get_current_allocated_bytes()
#else
#define allocated() mallinfo2().uordblks
#endif

static void one_life(int port)
{
    rig *r = rig_make(PX_HTTP, 2);
    int busy, idle;
    wire *w;

    rig_server_port(r, port);
    rig_start(r);
    busy = dial(r->port);
    idle = dial(r->port);
    w = wire_new(busy);
    ask_for(busy, "/len/100");
    CHECK_EQ(wire_response(w, 0), 200);
    says(idle, "GET /hal");
    wire_del(w);
    /* it stops with connections in every state: in a request, between two, to the server */
    at_store(&r->stop[0], 1);
    at_store(&r->stop[1], 1);
    eng_wake(r->e, 0);
    eng_wake(r->e, 1);
    pthread_join(r->id[0], NULL);
    pthread_join(r->id[1], NULL);
    CHECK_EQ(lockset_violations(eng_locks(r->e)), 0);
    eng_free(r->e);
    free(r);
    close(busy);
    close(idle);
}

static void starts_and_stops_fifty_times_and_leaves_nothing(void)
{
    peer *s = peer_start(serve_http, 0);
    size_t bytes = 0;
    int fds = 0;

    for (int i = 0; i < 50; i++) {
        one_life(s->port);
        if (i)
            continue;
        EVENTUALLY(peer_open(s) == 0);
        fds = open_fds();
        bytes = allocated();
    }
    EVENTUALLY(open_fds() == fds);
    /* the server's threads keep some for themselves; an engine is much larger */
    EVENTUALLY(allocated() < bytes + 50 * 1024);
    peer_stop(s);
}

static void sleeps_while_nothing_happens(void)
{
    peer *s = peer_start(serve_http, 0);
    rig *r = rig_make(PX_HTTP, 4);
    int fd[3];
    uint64_t before;
    struct pollfd p = {.events = POLLIN};

    r->fe->t_http_request = r->be->t_server = 2000;
    rig_server(r, s);
    rig_start(r);
    for (int i = 0; i < 3; i++)
        fd[i] = dial(r->port);
    says(fd[1], "GET / HT");
    ask_for(fd[2], "/hang/1");
    EVENTUALLY(at_load(&s->reqs) == 1);
    before = rig_turns(r);
    p.fd = fd[0];
    CHECK_EQ(poll(&p, 1, 1000), 0);
    CHECK(rig_turns(r) - before < 40);
    for (int i = 0; i < 3; i++)
        close(fd[i]);
    rig_stop(r);
    peer_stop(s);
}

static void soft_stop_ends_idle_connections_and_finishes_the_others(void)
{
    peer *s = peer_start(serve_http, 0);
    rig *r = rig_make(PX_HTTP, 2);
    wire *idle, *busy;

    rig_server(r, s);
    rig_start(r);
    idle = wire_new(dial(r->port));
    busy = wire_new(dial(r->port));
    ask_for(idle->fd, "/len/5");
    CHECK_EQ(wire_response(idle, 0), 200);
    ask_for(busy->fd, "/gate/1");
    EVENTUALLY(at_load(&s->reqs) == 2);
    eng_listener_unbind(r->e, r->lsn);
    eng_stopping(r->e);
    CHECK(!wire_more(idle));
    CHECK_EQ(idle->ended, 1);
    at_store(&s->gate, 1);
    CHECK_EQ(wire_response(busy, 0), 200);
    CHECK(!wire_more(busy));
    EVENTUALLY(at_load(&eng_live_figures(r->e)->jobs) == 0);
    close(idle->fd);
    close(busy->fd);
    wire_del(idle);
    wire_del(busy);
    rig_stop(r);
    peer_stop(s);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN); /* as Python has it: splice(2) knows no MSG_NOSIGNAL */
    RUN(keeps_connections_on_both_sides_alive);
    RUN(answers_pipelined_requests_in_order);
    RUN(carries_bodies_of_requests);
    RUN(passes_interim_responses_and_heads_without_bodies);
    RUN(ends_connections_when_asked_to);
    RUN(tunnels_carry_both_ways_and_pass_ends_on);
    RUN(starts_and_stops_fifty_times_and_leaves_nothing);
    RUN(sleeps_while_nothing_happens);
    RUN(soft_stop_ends_idle_connections_and_finishes_the_others);
    return check_done();
}
