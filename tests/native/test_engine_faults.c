/* sources: lockset lock ctr freq hash counters sock buf fd poll loop ev_epoll ev_poll ev_select ev_kqueue tmr runq waitq task h1 h1body h1field h1host h1word casing msg conn idle lb listener proxyproto handshake chan flow flow_srv tunnel exchange exch_req exch_again exch_res exch_reply applet page ask ask_head ask_body ask_http ask_tcp ask_flow thr turn figures engine */
/* What goes wrong around an engine: servers that refuse, reset, stall, lie; clients that stall; limits and queues. Many
 * of these were bugs once; then the first line of the claim says what went wrong. */
#include "eng_peers.h"
#include "hash.h"

/* --- servers at fault --- */

static void answers_for_servers_that_fail(void)
{
    static const struct {
        const char *path;
        int status, term;
    } rows[] = {{"/garbage/1", 502, 'P'}, {"/reset/1", 502, 'S'}, {"/close/1", 502, 'S'},   {"/hang/1", 504, 's'},
                {"/partial/1", 504, 's'}, {"/cut/99", -1, 'S'},   {"/cutchunk/1", -1, 'S'}, {"/stall/1", -1, 's'}};
    peer *s = peer_start(serve_http, 0);
    rig *r = rig_make(PX_HTTP, 2);

    r->be->t_server = 150;
    r->be->reuse = REUSE_NEVER;
    rig_server(r, s);
    rig_start(r);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        uint64_t recs = at_load(&r->recs);
        int fd = dial(r->port);
        wire *w = wire_new(fd);

        ask_for(fd, rows[i].path);
        if (!CHECK(wire_response(w, 0) == rows[i].status))
            printf("    %s gave %d\n", rows[i].path, w->status);
        EVENTUALLY(at_load(&r->recs) > recs);
        if (!CHECK(r->term[0] == rows[i].term))
            printf("    %s ended with %c%c\n", rows[i].path, r->term[0], r->term[1]);
        wire_del(w);
        close(fd);
    }
    rig_stop(r);
    peer_stop(s);
}

static void tries_again_and_elsewhere_when_a_server_refuses(void)
{
    for (int mode = PX_TCP; mode <= PX_HTTP; mode++) {
        peer *s = peer_start(mode == PX_HTTP ? serve_http : serve_echo, 0);
        rig *r = rig_make(mode, 2);

        r->be->retries = 1;
        r->be->redispatch = 1;
        rig_server_port(r, port_refused());
        rig_server(r, s);
        rig_start(r);
        for (int i = 0; i < 10; i++) {
            int fd = dial(r->port);
            wire *w = wire_new(fd);

            says(fd, "GET /len/7 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
            if (mode == PX_HTTP) {
                CHECK_EQ(wire_response(w, 0), 200);
            } else {
                CHECK(wire_head(w) && !strncmp(w->head, "GET /len/7", 10));
            }
            wire_del(w);
            close(fd);
        }
        rig_stop(r);
        peer_stop(s);
    }
}

static void says_503_when_no_server_is_there(void)
{
    rig *r = rig_make(PX_HTTP, 1);
    wire *w;
    int fd;

    r->be->retries = 0;
    rig_server_port(r, port_refused());
    rig_start(r);
    fd = dial(r->port);
    w = wire_new(fd);
    for (int i = 0; i < 3; i++) { /* on one connection: the request was whole */
        ask_for(fd, "/len/1");
        CHECK_EQ(wire_response(w, 0), 503);
    }
    wire_del(w);
    close(fd);
    rig_stop(r);
}

static void one_among_faults(void *arg, int index)
{
    static const char *const paths[] = {"/len/9000", "/garbage/1", "/reset/1", "/close/1",
                                        "/cut/9000", "/chunk/4000", "/cutchunk/1"};
    uint32_t *lost = arg;
    int port = (int)lost[1];

    for (int i = 0; i < 40; i++) {
        int which = (i + index) % 7, fd = dial(port), status;
        wire *w = wire_new(fd);

        ask_for(fd, paths[which]);
        if (i % 5 == 4)
            reset_on_close(fd); /* and does not wait for the answer */
        else if (which == 0 || which == 5)
            status = wire_response(w, 0), at_add(&lost[0], status != 200);
        else
            wire_response(w, 0);
        wire_del(w);
        close(fd);
    }
}

static void a_crowd_among_faults_loses_nothing_and_leaves_nothing(void)
{
    for (int threads = 2; threads <= 4; threads += 2) {
        peer *s = peer_start(serve_http, 0);
        rig *r = rig_make(PX_HTTP, threads);
        uint32_t lost[2] = {0};

        r->be->redispatch = 1;
        rig_server(r, s);
        rig_server_port(r, port_refused());
        rig_start(r);
        lost[1] = (uint32_t)r->port;
        check_threads(6, one_among_faults, lost);
        CHECK_EQ(lost[0], 0);
        rig_stop(r);
        peer_stop(s);
    }
}

/* The scan of a response head that never became whole went on with the next request's bytes. */
static void a_cut_off_response_head_does_not_spoil_the_next_request(void)
{
    peer *s = peer_start(serve_http, 0);
    rig *r = rig_make(PX_HTTP, 1);
    wire *w;
    int fd;

    r->be->t_server = 100;
    rig_server(r, s);
    rig_start(r);
    fd = dial(r->port);
    w = wire_new(fd);
    ask_for(fd, "/partial/1");
    CHECK_EQ(wire_response(w, 0), 504);
    ask_for(fd, "/len/10");
    CHECK_EQ(wire_response(w, 0), 200);
    wire_del(w);
    close(fd);
    rig_stop(r);
    peer_stop(s);
}

/* Reads the head alone of the first request of its first connection; all other connections are served well. */
static void serve_deaf_first(peer *p, int fd)
{
    wire *w = wire_new(fd);

    if (at_add(&p->reqs, 1) == 1) {
        while (!at_load(&p->stop) && !at_load(&p->gate))
            pause_us(500);
    } else if (wire_request(w)) {
        struct pollfd more = {fd, POLLIN, 0};

        if (strncmp(w->head, "GET /next ", 10) || w->len || poll(&more, 1, 20) > 0)
            at_add(&p->bad, 1);
        says(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
    }
    wire_del(w);
}

/* The rest of a body that a server had not taken when it was given up went to the server of the next request. */
static void a_body_that_was_given_up_never_reaches_another_server(void)
{
    for (size_t n = 2000; n < 50000; n += 5500) {
        peer *s = peer_start(serve_deaf_first, 2048);
        eng_conf conf = rig_conf(1);
        char *body = pattern_new(n);
        rig *r;
        wire *w;
        int fd;

        conf.sndbuf_server = 2048;
        r = rig_make_conf(PX_HTTP, &conf, 0, 0);
        r->be->t_server = 200;
        r->fe->t_client = 5000;
        r->be->reuse = REUSE_NEVER;
        rig_server(r, s);
        rig_start(r);
        fd = dial(r->port);
        w = wire_new(fd);
        says(fd, "POST /first HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n", n);
        say(fd, body, n);
        CHECK_EQ(wire_response(w, 0), 504);
        if (says(fd, "GET /next HTTP/1.1\r\nHost: a\r\n\r\n") && wire_response(w, 0) > 0)
            CHECK_EQ(w->status, 200);
        CHECK_EQ(at_load(&s->bad), 0);
        wire_del(w);
        close(fd);
        free(body);
        rig_stop(r);
        peer_stop(s);
    }
}

/* A body whose end is the connection's end, cut by an error, looked whole to its client. */
static void a_cut_body_without_a_length_ends_in_a_reset(void)
{
    peer *s = peer_start(serve_http, 0);
    rig *r = rig_make(PX_HTTP, 1);
    wire *w;
    int fd;

    rig_server(r, s);
    rig_start(r);
    fd = dial(r->port);
    w = wire_new(fd);
    says(fd, "GET /cutchunk/1 HTTP/1.0\r\n\r\n");
    CHECK_EQ(wire_response(w, 0), 200);
    CHECK(!wire_field(w, "transfer-encoding:"));
    CHECK_EQ(w->ended, 2);
    wire_del(w);
    close(fd);
    rig_stop(r);
    peer_stop(s);
}

/* --- clients at fault --- */

static void ends_clients_that_stall(void)
{
    static const struct {
        const char *says;
        int status, when;
    } rows[] = {{"GET / HT", 408, 'R'},
                {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc", 408, 'D'},
                {"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc", 408, 'D'}};
    peer *s = peer_start(serve_http, 0);
    rig *r = rig_make(PX_HTTP, 2);

    r->fe->t_client = r->fe->t_http_request = 120;
    rig_server(r, s);
    rig_start(r);
    for (size_t i = 0; i < 3; i++) {
        uint64_t recs = at_load(&r->recs), began = now_ms();
        int fd = dial(r->port);
        wire *w = wire_new(fd);

        says(fd, "%s", rows[i].says);
        CHECK_EQ(wire_response(w, 0), rows[i].status);
        CHECK(now_ms() - began >= 100);
        EVENTUALLY(at_load(&r->recs) > recs);
        CHECK_EQ(r->term[0], 'c');
        CHECK_EQ(r->term[1], rows[i].when);
        wire_del(w);
        close(fd);
    }
    rig_stop(r);
    peer_stop(s);
}

static void ends_clients_that_do_not_read(void)
{
    for (int mode = PX_TCP; mode <= PX_HTTP; mode++) {
        peer *s = peer_start(serve_http, 0);
        rig *r = rig_make(mode, 1);
        int fd;

        r->fe->t_client = 200;
        rig_server(r, s);
        rig_start(r);
        fd = dial(r->port);
        ask_for(fd, "/len/30000000");
        EVENTUALLY(at_load(&r->recs) == 1);
        CHECK_EQ(r->term[0], 'c');
        CHECK_EQ(r->term[1], 'D');
        close(fd);
        rig_stop(r);
        peer_stop(s);
    }
}

static void refuses_what_is_no_request(void)
{
    static const char *const rows[] = {"hello\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
                                       "GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n",
                                       "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
                                       "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"};
    peer *s = peer_start(serve_http, 0);
    rig *r = rig_make(PX_HTTP, 1);
    px_snapshot *snap = malloc(sizeof(*snap));

    rig_server(r, s);
    rig_start(r);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        int fd = dial(r->port);
        wire *w = wire_new(fd);

        says(fd, "%s", rows[i]);
        CHECK_EQ(wire_response(w, 0), 400);
        while (!w->ended)
            wire_more(w);
        wire_del(w);
        close(fd);
    }
    CHECK_EQ(at_load(&s->reqs), 0);
    CHECK_EQ(eng_snapshot(r->e, 0, r->fe_i, snap), 1);
    CHECK_EQ(snap->number, sizeof(rows) / sizeof(*rows));
    free(snap);
    rig_stop(r);
    peer_stop(s);
}

/* A body in many small chunks stopped half-way: what had been received got no further event. */
static void a_crowd_of_tiny_chunks_passes(void)
{
    peer *s = peer_start(serve_http, 0);
    rig *r = rig_make(PX_HTTP, 1);
    size_t n = 20000;
    wire *w;
    int fd;

    r->fe->t_client = r->be->t_server = 2000;
    rig_server(r, s);
    rig_start(r);
    fd = dial(r->port);
    w = wire_new(fd);
    says(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    CHECK(send_chunks(fd, n, 1));
    CHECK_EQ(wire_response(w, 0), 200);
    CHECK(body_is_pattern(w, n));
    ask_for(fd, "/tiny/20000");
    CHECK_EQ(wire_response(w, 0), 200);
    CHECK(body_is_pattern(w, n));
    wire_del(w);
    close(fd);
    rig_stop(r);
    peer_stop(s);
}

/* Trailers longer than the area they are written to overran it. */
static void large_trailers_are_refused(void)
{
    peer *s = peer_start(serve_http, 0);
    rig *r = rig_make(PX_HTTP, 1);
    char *all = malloc(1200000), *p = all;
    wire *w;
    int fd;

    rig_server(r, s);
    rig_start(r);
    fd = dial(r->port);
    w = wire_new(fd);
    p += sprintf(p, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nf4240\r\n");
    memset(p, 'x', 1000000);
    p += 1000000;
    p += sprintf(p, "\r\n0\r\n");
    for (int i = 0; i < 80; i++) {
        p += sprintf(p, "T%d: ", i);
        memset(p, 'y', 1000);
        p += 1000;
        p += sprintf(p, "\r\n");
    }
    p += sprintf(p, "\r\n");
    say(fd, all, (size_t)(p - all));
    CHECK_EQ(wire_response(w, 0), 400);
    wire_del(w);
    free(all);
    close(fd);
    rig_stop(r);
    peer_stop(s);
}

/* --- time --- */

/* A client's date passed while its stream waited for a server: the loop turned without end. */
static void waiting_in_a_queue_longer_than_the_client_may_be_silent_costs_no_turns(void)
{
    peer *s = peer_start(serve_http, 0);
    rig *r = rig_make(PX_HTTP, 1);
    struct pollfd p = {.events = POLLIN};
    uint64_t before;
    int first, second;
    wire *w;

    r->fe->t_client = 50;
    rig_server(r, s)->maxconn = 1;
    rig_start(r);
    first = dial(r->port);
    ask_for(first, "/gate/1");
    EVENTUALLY(at_load(&s->reqs) == 1);
    second = dial(r->port);
    says(second, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab");
    EVENTUALLY(at_load(&eng_be_live(r->e, r->be_i)->queued) == 1);
    before = rig_turns(r);
    p.fd = second;
    CHECK_EQ(poll(&p, 1, 500), 0);
    CHECK(rig_turns(r) - before < 40);
    at_store(&s->gate, 1);
    says(second, "cd");
    w = wire_new(second);
    CHECK_EQ(wire_response(w, 0), 200);
    wire_del(w);
    close(first);
    close(second);
    rig_stop(r);
    peer_stop(s);
}

/* "timeout client-fin" began with the next byte, not with the end. */
static void a_half_closed_client_is_waited_for_no_longer_than_its_fin_timeout(void)
{
    peer *s = peer_start(serve_mute, 0);
    rig *r = rig_make(PX_TCP, 1);
    uint64_t began = now_ms();
    int fd;

    r->fe->t_client_fin = 100;
    rig_server(r, s);
    rig_start(r);
    fd = dial(r->port);
    says(fd, "x");
    shutdown(fd, SHUT_WR);
    EVENTUALLY(at_load(&r->recs) == 1);
    CHECK(now_ms() - began < 10000);
    CHECK_EQ(r->term[0], 'c');
    close(fd);
    rig_stop(r);
    peer_stop(s);
}

static void a_connection_attempt_and_a_queue_end_in_time(void)
{
    peer *s = peer_start(serve_http, 0);
    rig *r = rig_make(PX_HTTP, 1);
    int first, second;
    wire *w;

    r->be->t_queue = 80;
    rig_server(r, s)->maxconn = 1;
    rig_start(r);
    first = dial(r->port);
    ask_for(first, "/gate/1");
    EVENTUALLY(at_load(&s->reqs) == 1);
    second = dial(r->port);
    w = wire_new(second);
    ask_for(second, "/len/1");
    CHECK_EQ(wire_response(w, 0), 503);
    CHECK_EQ(at_load(&eng_be_live(r->e, r->be_i)->queued), 0);
    at_store(&s->gate, 1);
    ask_for(second, "/len/1"); /* the connection goes on */
    CHECK_EQ(wire_response(w, 0), 200);
    wire_del(w);
    close(first);
    close(second);
    rig_stop(r);
    peer_stop(s);
}

/* --- queues --- */

typedef struct rush {
    int port, rounds;
    uint32_t good, late, lost; /* atomic */
} rush;

static void one_in_the_rush(void *arg, int index)
{
    rush *u = arg;
    int fd = dial(u->port);
    wire *w = wire_new(fd);

    (void)index;
    for (int i = 0; i < u->rounds; i++) {
        ask_for(fd, "/len/100");
        switch (wire_response(w, 0)) {
        case 200:
            at_add(&u->good, 1);
            break;
        case 503:
            at_add(&u->late, 1);
            break;
        default:
            at_add(&u->lost, 1);
            i = u->rounds;
            break;
        }
    }
    wire_del(w);
    close(fd);
}

/* A slot that was on its way to a stream which gave up waiting was given to what came next on its connection. */
static void queues_lose_nobody_and_no_slot(void)
{
    for (int round = 0; round < 2; round++) {
        peer *s = peer_start(serve_http, 0);
        rig *r = rig_make(PX_HTTP, 4);
        rush u = {.rounds = 60};

        if (!round)
            r->be->t_queue = 2;
        rig_server(r, s)->maxconn = 1;
        rig_server(r, s)->maxconn = 1;
        rig_start(r);
        u.port = r->port;
        check_threads(16, one_in_the_rush, &u);
        CHECK_EQ(u.lost, 0);
        if (round)
            CHECK_EQ(u.late, 0);
        CHECK_EQ(u.good + u.late, 16 * 60);
        rig_stop(r);
        peer_stop(s);
    }
}

/* With "balance source" the server of one client was given to another who waited for his own. */
static void a_client_waits_for_its_own_server(void)
{
    peer *a = peer_start(serve_http, 0), *b = peer_start(serve_http, 0);
    rig *r = rig_make(PX_HTTP, 1);
    int one, two, three;
    wire *w;

    r->be->algo = LB_SOURCE;
    rig_server(r, a)->maxconn = 1;
    rig_server(r, b)->maxconn = 1;
    rig_start(r);
    one = dial_from(r->port, "127.0.0.2");
    ask_for(one, "/gate/1");
    EVENTUALLY(at_load(&a->reqs) + at_load(&b->reqs) == 1);
    peer *its = at_load(&a->reqs) ? a : b, *other = its == a ? b : a;
    two = dial_from(r->port, "127.0.0.2");
    ask_for(two, "/len/1");
    EVENTUALLY(at_load(&eng_be_live(r->e, r->be_i)->queued) == 1);
    three = dial_from(r->port, "127.0.0.3");
    w = wire_new(three);
    ask_for(three, "/len/1");
    CHECK_EQ(wire_response(w, 0), 200);
    CHECK_EQ(at_load(&other->reqs), 1);
    CHECK_EQ(at_load(&eng_be_live(r->e, r->be_i)->queued), 1);
    at_store(&its->gate, 1);
    w->fd = two;
    CHECK_EQ(wire_response(w, 0), 200);
    CHECK_EQ(at_load(&its->reqs), 2);
    wire_del(w);
    close(one);
    close(two);
    close(three);
    rig_stop(r);
    peer_stop(a);
    peer_stop(b);
}

/* A local address that "balance source" maps to server number <want> of two. */
static const char *client_of(uint32_t want)
{
    static const char *const all[] = {"127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"};
    int i = 0;

    while (hash_address(&(struct in_addr){inet_addr(all[i])}, 4) % 2 != want)
        i++;
    return all[i];
}

/* A tunnel sent on to a server that was full kept the date of its connection attempt. */
static void a_redispatched_tunnel_waits_as_long_as_a_queue_may(void)
{
    peer *s = peer_start(serve_echo, 0);
    rig *r = rig_make(PX_TCP, 1);
    struct pollfd p = {.events = POLLIN};
    int first;
    wire *w;

    r->be->algo = LB_SOURCE;
    r->be->t_connect = 60;
    r->be->t_queue = 10000;
    r->be->retries = 1;
    r->be->redispatch = 1;
    rig_server(r, s)->maxconn = 1;
    rig_server_port(r, port_refused());
    rig_start(r);
    first = dial_from(r->port, client_of(0));
    w = wire_new(first);
    says(first, "hello\r\n\r\n");
    CHECK(wire_head(w));
    p.fd = w->fd = dial_from(r->port, client_of(1));
    EVENTUALLY(at_load(&eng_be_live(r->e, r->be_i)->queued) == 1);
    CHECK_EQ(poll(&p, 1, 300), 0);
    close(first);
    says(w->fd, "again\r\n\r\n");
    CHECK(wire_head(w) && !strncmp(w->head, "again", 5));
    close(w->fd);
    wire_del(w);
    rig_stop(r);
    peer_stop(s);
}

/* --- idle connections --- */

/* A body that came in reads of just its length left its connection looking as if it had something to say. */
static void connections_are_reused_after_large_bodies(void)
{
    peer *s = peer_start(serve_http, 0);
    rig *r = rig_make(PX_HTTP, 1);
    wire *w;
    int fd;

    rig_server(r, s);
    rig_start(r);
    for (int i = 0; i < 6; i++) {
        fd = dial(r->port);
        w = wire_new(fd);
        ask_for(fd, i & 1 ? "/len/1000000" : "/chunk/100000");
        CHECK_EQ(wire_response(w, 0), 200);
        wire_del(w);
        close(fd);
        rig_check_quiet(r);
        CHECK_EQ(at_load(&eng_srv_live(r->e, 0)->idle), 1);
    }
    CHECK_EQ(at_load(&s->conns), 1);
    rig_stop(r);
    peer_stop(s);
}

/* Idle connections were looked at only as long as there was traffic. */
static void old_idle_connections_are_purged_without_traffic(void)
{
    peer *s = peer_start(serve_http, 0);
    rig *r = rig_make(PX_HTTP, 1);
    wire *w;
    int fd;

    rig_server(r, s)->pool_purge = 200;
    rig_start(r);
    fd = dial(r->port);
    w = wire_new(fd);
    ask_for(fd, "/len/1");
    CHECK_EQ(wire_response(w, 0), 200);
    wire_del(w);
    close(fd);
    rig_check_quiet(r);
    EVENTUALLY(at_load(&eng_srv_live(r->e, 0)->idle) == 0);
    rig_stop(r);
    peer_stop(s);
}

/* Serves three requests a connection, then closes. */
static void serve_three(peer *p, int fd)
{
    wire *w = wire_new(fd);

    for (int i = 0; i < 3 && wire_request(w); i++) {
        at_add(&p->reqs, 1);
        if (!says(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
            break;
    }
    wire_del(w);
}

static void closing_idle_connections_lose_no_request(void)
{
    peer *s = peer_start(serve_three, 0);
    rig *r = rig_make(PX_HTTP, 4);
    rush u = {.rounds = 80};

    rig_server(r, s);
    rig_start(r);
    u.port = r->port;
    check_threads(8, one_in_the_rush, &u);
    CHECK_EQ(u.lost + u.late, 0);
    CHECK_EQ(u.good, 8 * 80);
    rig_stop(r);
    peer_stop(s);
}

/* --- listeners --- */

static void short_connections(void *arg, int index)
{
    rush *u = arg;

    (void)index;
    for (int i = 0; i < u->rounds; i++) {
        int fd = dial(u->port);
        wire *w = wire_new(fd);

        says(fd, "GET /len/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        at_add(wire_response(w, 0) == 200 ? &u->good : &u->lost, 1);
        wire_del(w);
        close(fd);
    }
}

/* A thread that found nothing to accept gave its place back silently: who had been refused for it waited for ever. */
static void a_full_listener_comes_back(void)
{
    for (int which = 0; which < 3; which++) {
        peer *s = peer_start(serve_http, 0);
        eng_conf conf = rig_conf(4);
        rush u = {.rounds = 60};
        rig *r;

        conf.maxconn = which == 2 ? 1 : 0;
        r = rig_make_conf(PX_HTTP, &conf, which == 0 ? 1 : 0, 0);
        r->fe->maxconn = which == 1 ? 1 : 0;
        rig_server(r, s);
        rig_start(r);
        u.port = r->port;
        check_threads(6, short_connections, &u);
        CHECK_EQ(u.lost, 0);
        CHECK_EQ(u.good, 6 * 60);
        rig_stop(r);
        peer_stop(s);
    }
}

static void session_rates_are_kept(void)
{
    peer *s = peer_start(serve_http, 0);
    rig *r = rig_make(PX_HTTP, 2);
    rush u = {.rounds = 10};
    uint64_t began;

    r->fe->rate_sess = 20;
    rig_server(r, s);
    rig_start(r);
    u.port = r->port;
    began = now_ms();
    check_threads(4, short_connections, &u);
    CHECK_EQ(u.good, 40);
    CHECK(now_ms() - began >= 700);
    rig_stop(r);
    peer_stop(s);
}

/* A listener of one thread, enabled, limited or resumed by another, was never polled again. */
static void a_listener_of_one_thread_is_changed_by_others(void)
{
    peer *s = peer_start(serve_http, 0);
    eng_conf conf = rig_conf(3);
    rig *r = rig_make_conf(PX_HTTP, &conf, 1, 4);
    rush u = {.rounds = 30};

    rig_server(r, s);
    rig_start(r);
    u.port = r->port;
    check_threads(4, short_connections, &u);
    CHECK_EQ(u.good, 120);
    eng_listener_pause(r->e, r->lsn);
    EVENTUALLY(at_load(&eng_lsn_live(r->e, r->lsn)->state) == LSN_PAUSED);
    eng_listener_resume(r->e, r->lsn);
    EVENTUALLY(at_load(&eng_lsn_live(r->e, r->lsn)->state) == LSN_READY);
    check_threads(2, short_connections, &u);
    CHECK_EQ(u.good, 180);
    CHECK_EQ(u.lost, 0);
    eng_listener_unbind(r->e, r->lsn);
    EVENTUALLY(at_load(&eng_lsn_live(r->e, r->lsn)->state) == LSN_CLOSED);
    rig_stop(r);
    peer_stop(s);
}

/* A thread that ended as the last to let go of a closed listener left the others turning without end. */
static void unbinding_while_threads_end_costs_no_turns(void)
{
    for (int i = 0; i < 10; i++) {
        rig *r = rig_make(PX_HTTP, 3);
        uint64_t before;
        struct pollfd none = {-1, 0, 0};

        rig_server_port(r, port_refused());
        rig_start(r);
        at_store(&r->stop[1], 1);
        eng_listener_unbind(r->e, r->lsn);
        rig_end_worker(r, 1);
        EVENTUALLY(fcntl(r->lsn_fd, F_GETFD) < 0);
        before = rig_turns(r);
        poll(&none, 0, 50);
        CHECK(rig_turns(r) - before < 20);
        rig_stop(r);
    }
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN); /* as Python has it: splice(2) knows no MSG_NOSIGNAL */
    RUN(answers_for_servers_that_fail);
    RUN(tries_again_and_elsewhere_when_a_server_refuses);
    RUN(a_crowd_among_faults_loses_nothing_and_leaves_nothing);
    RUN(says_503_when_no_server_is_there);
    RUN(a_cut_off_response_head_does_not_spoil_the_next_request);
    RUN(a_body_that_was_given_up_never_reaches_another_server);
    RUN(a_cut_body_without_a_length_ends_in_a_reset);
    RUN(ends_clients_that_stall);
    RUN(ends_clients_that_do_not_read);
    RUN(refuses_what_is_no_request);
    RUN(a_crowd_of_tiny_chunks_passes);
    RUN(large_trailers_are_refused);
    RUN(waiting_in_a_queue_longer_than_the_client_may_be_silent_costs_no_turns);
    RUN(a_half_closed_client_is_waited_for_no_longer_than_its_fin_timeout);
    RUN(a_connection_attempt_and_a_queue_end_in_time);
    RUN(queues_lose_nobody_and_no_slot);
    RUN(a_client_waits_for_its_own_server);
    RUN(a_redispatched_tunnel_waits_as_long_as_a_queue_may);
    RUN(connections_are_reused_after_large_bodies);
    RUN(old_idle_connections_are_purged_without_traffic);
    RUN(closing_idle_connections_lose_no_request);
    RUN(a_full_listener_comes_back);
    RUN(session_rates_are_kept);
    RUN(a_listener_of_one_thread_is_changed_by_others);
    RUN(unbinding_while_threads_end_costs_no_turns);
    return check_done();
}
