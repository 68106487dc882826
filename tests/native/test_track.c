/* sources: all */
/* Tracking: what flows count on entries of stick tables, and that nothing is lost or left behind on several threads. */
#include "eng_ask.h"
#include "track.h"

#define THREADS 4
#define CLIENTS 8
#define CONNECTIONS 10 /* of each client */
#define REQUESTS 20    /* of each connection */
#define TOTAL (CLIENTS * CONNECTIONS * REQUESTS)

static stk_table *table(rig *r)
{
    stk_conf conf = {.key_len = 4, .size = 100, .expire = 60000};
    stk_table *t;

    for (int i = 0; i < STK_TYPES; i++)
        if (stk_kind(i) != STK_KIND_DICT && i != STK_GPT && i != STK_GPC && i != STK_GPC_RATE) {
            conf.count[i] = 1;
            conf.period[i] = 60000;
        }
    t = stk_new(&conf, eng_locks(r->e), 1);
    REQUIRE(t);
    return t;
}

static rig *rig_with_slots(int mode, int threads)
{
    eng_conf conf = rig_conf(threads);

    conf.stick_counters = 3;
    return rig_make_conf(mode, &conf, 0, 0);
}

static uint64_t figure(stk_table *t, const char *address, int type)
{
    uint32_t now = (uint32_t)now_ms();
    struct in_addr key;
    uint64_t v;
    uint32_t e;

    REQUIRE(inet_pton(AF_INET, address, &key) == 1);
    e = stk_get(t, &key, 4, now);
    if (!e)
        return 0;
    v = stk_read(t, e, type, 0, now);
    stk_release(t, e);
    return v;
}

static uint32_t references(stk_table *t)
{
    stk_figures f;

    stk_read_figures(t, &f);
    return f.refs;
}

/* --- many at once --- */

static void *ask_again_and_again(void *arg)
{
    rig *r = arg;

    for (int c = 0; c < CONNECTIONS; c++) {
        wire *w = wire_new(dial(r->port));

        for (int i = 0; i < REQUESTS; i++) {
            says(w->fd, "GET /len/10 HTTP/1.1\r\nHost: h\r\n\r\n");
            CHECK_EQ(wire_response(w, 0), 200);
        }
        hang_up(w);
    }
    return NULL;
}

static void crowd(rig *r)
{
    pthread_t id[CLIENTS];

    for (int i = 0; i < CLIENTS; i++)
        REQUIRE(pthread_create(&id[i], NULL, ask_again_and_again, r) == 0);
    for (int i = 0; i < CLIENTS; i++)
        pthread_join(id[i], NULL);
}

static void check_totals(stk_table *t, uint64_t conns, uint64_t sessions)
{
    EVENTUALLY(!references(t));
    CHECK_EQ(figure(t, "127.0.0.1", STK_HTTP_REQ_CNT), TOTAL);
    CHECK_EQ(figure(t, "127.0.0.1", STK_HTTP_REQ_RATE), TOTAL);
    CHECK_EQ(figure(t, "127.0.0.1", STK_CONN_CNT), conns);
    CHECK_EQ(figure(t, "127.0.0.1", STK_CONN_CUR), 0);
    CHECK_EQ(figure(t, "127.0.0.1", STK_SESS_CNT), sessions);
    CHECK_EQ(figure(t, "127.0.0.1", STK_HTTP_ERR_CNT), 0);
}

static void a_limit_counts_every_request_of_all_threads_once(void)
{
    peer *s = peer_start(serve_http, 0);
    rig *r = rig_with_slots(PX_HTTP, THREADS);
    stk_table *t = table(r);
    px_limit limit = {.table = t, .type = STK_HTTP_REQ_CNT, .status = 503};
    int64_t above[] = {TOTAL + 1, INT64_MAX};
    lb_counters c;

    rig_server(r, s);
    REQUIRE(eng_fe_limit(r->e, r->fe_i, &limit, above, 1) == 0);
    rig_start(r);
    crowd(r);
    check_totals(t, TOTAL, 0);
    eng_fe_counters(r->e, r->fe_i, &c);
    CHECK_EQ(figure(t, "127.0.0.1", STK_BYTES_IN_CNT), c.bytes_in);
    CHECK_EQ(figure(t, "127.0.0.1", STK_BYTES_OUT_CNT), c.bytes_out);
    rig_stop(r);
    stk_free(t);
    peer_stop(s);
}

/* Tracks the client's address: of its connection in slot 0, of its requests in slot 1. */
static void tracks(rig *r, int tid, const lb_ask *a, const char *texts, verdicts *out)
{
    stk_table **t = r->arg;

    (void)texts;
    if (a->kind == ASK_CONN) {
        CHECK(eng_flow_track(r->e, tid, a->flow, a->gen, 0, t[0], (const char *)a->saddr, 4) > 0);
        CHECK_EQ(eng_flow_track(r->e, tid, a->flow, a->gen, 0, t[0], (const char *)a->saddr, 4), -EBUSY);
    } else {
        int e = eng_flow_track(r->e, tid, a->flow, a->gen, 1, t[1], (const char *)a->saddr, 4);

        CHECK(e > 0);
        CHECK_EQ(eng_flow_tracked(r->e, tid, a->flow, a->gen, 1, t[1]), e);
        CHECK_EQ(eng_flow_tracked(r->e, tid, a->flow, a->gen, 1, t[0]), 0);
        CHECK(eng_flow_tracked(r->e, tid, a->flow, a->gen, 0, t[0]) > 0);
        CHECK_EQ(eng_flow_tracked(r->e, tid, a->flow, a->gen, 2, t[0]), 0);
        CHECK(eng_flow_figure(r->e, tid, a->flow, a->gen, 1, STK_HTTP_REQ_CNT, 0) > 0);
        CHECK_EQ(eng_flow_figure(r->e, tid, a->flow, a->gen, 1, STK_HTTP_REQ_CNT, 1), ENG_NO_FIGURE); /* one element */
        CHECK_EQ(eng_flow_figure(r->e, tid, a->flow, a->gen, 1, STK_GPC, 0), ENG_NO_FIGURE);          /* not stored */
        CHECK_EQ(eng_flow_figure(r->e, tid, a->flow, a->gen, 1, STK_TYPES, 0), ENG_NO_FIGURE);
        CHECK_EQ(eng_flow_figure(r->e, tid, a->flow, a->gen, 2, STK_HTTP_REQ_CNT, 0), ENG_NO_FIGURE); /* nothing there */
        CHECK_EQ(eng_flow_figure(r->e, tid, a->flow, a->gen, 3, STK_HTTP_REQ_CNT, 0), ENG_NO_FIGURE);
        CHECK_EQ(eng_flow_figure(r->e, tid, a->flow, a->gen + 1, 1, STK_HTTP_REQ_CNT, 0), ENG_NO_FIGURE);
        CHECK_EQ(eng_flow_track(r->e, tid, a->flow, a->gen, 3, t[1], (const char *)a->saddr, 4), -EINVAL);
        CHECK_EQ(eng_flow_track(r->e, tid, a->flow, a->gen + 1, 2, t[1], (const char *)a->saddr, 4), -ESTALE);
    }
    say_verdict(out, a->kind == ASK_CONN ? verdict(a, V_FORWARD) : go_on(a));
}

static void connections_and_requests_are_counted_by_what_they_track(void)
{
    peer *s = peer_start(serve_http, 0);
    rig *r = rig_with_slots(PX_HTTP, THREADS);
    stk_table *t[2] = {table(r), table(r)};

    rig_server(r, s);
    r->fe->asks = 1u << ASK_CONN | 1u << ASK_REQUEST;
    r->answer = tracks;
    r->arg = t;
    rig_start(r);
    crowd(r);
    check_totals(t[0], CLIENTS * CONNECTIONS, CLIENTS * CONNECTIONS);
    check_totals(t[1], TOTAL, 0);
    rig_stop(r);
    stk_free(t[0]);
    stk_free(t[1]);
    peer_stop(s);
}

/* --- limits --- */

static int status_of(wire *w, const char *target)
{
    says(w->fd, "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", target);
    return wire_response(w, 0);
}

static void statuses_count_as_they_are_told_to(void)
{
    rig *r = rig_with_slots(PX_HTTP, 1);
    flow f = {.t = &r->e->threads[0]};

    CHECK_EQ(eng_blame(r->e, 99, BLAME_ERR), -EINVAL);
    CHECK_EQ(eng_blame(r->e, 600, BLAME_ERR), -EINVAL);
    CHECK_EQ(eng_blame(r->e, 404, 4), -EINVAL);
    CHECK_EQ(track_blame(&f, 404), 0);
    CHECK_EQ(eng_blame(r->e, 404, BLAME_ERR), 0);
    CHECK_EQ(eng_blame(r->e, 599, BLAME_ERR | BLAME_FAIL), 0);
    CHECK_EQ(track_blame(&f, 404), TRACK_ERR);
    CHECK_EQ(track_blame(&f, 599), TRACK_ERR | TRACK_FAIL);
    CHECK_EQ(track_blame(&f, 999), 0);
    CHECK_EQ(track_blame(&f, -1), 0);
    rig_start(r);
    rig_stop(r);
}

static void a_limit_refuses_what_lies_in_its_ranges(void)
{
    peer *s = peer_start(serve_http, 0);
    rig *r = rig_with_slots(PX_HTTP, 1);
    stk_table *t = table(r);
    px_limit limit = {.table = t, .slot = 1, .type = STK_HTTP_REQ_CNT, .status = 503};
    int64_t ranges[] = {3, 3, 5, 6};
    static const int expected[] = {200, 200, 503, 200, 503, 503, 200};
    wire *w;

    rig_server(r, s);
    REQUIRE(eng_fe_limit(r->e, r->fe_i, &limit, ranges, 2) == 0);
    rig_start(r);
    w = wire_new(dial(r->port));
    for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++)
        CHECK_EQ(status_of(w, "/len/10"), expected[i]);
    CHECK_EQ(figure(t, "127.0.0.1", STK_HTTP_ERR_CNT), 3);
    REQUIRE(eng_fe_limit(r->e, r->fe_i, &limit, ranges, 0) == 0);
    CHECK_EQ(status_of(w, "/len/10"), 200);
    ranges[0] = 0, ranges[1] = INT64_MAX;
    REQUIRE(eng_fe_limit(r->e, r->fe_i, &limit, ranges, 1) == 0);
    CHECK_EQ(status_of(w, "/len/10"), 503);
    limit.slot = 3;
    CHECK_EQ(eng_fe_limit(r->e, r->fe_i, &limit, ranges, 1), -EINVAL);
    hang_up(w);
    EVENTUALLY(!references(t));
    rig_stop(r);
    stk_free(t);
    peer_stop(s);
}

static void clients_have_entries_of_their_own(void)
{
    peer *s = peer_start(serve_http, 0);
    rig *r = rig_with_slots(PX_HTTP, 1);
    stk_table *t = table(r);
    px_limit limit = {.table = t, .type = STK_HTTP_REQ_CNT, .status = 503};
    int64_t above[] = {2, INT64_MAX};
    wire *w;

    rig_server(r, s);
    REQUIRE(eng_fe_limit(r->e, r->fe_i, &limit, above, 1) == 0);
    rig_start(r);
    w = wire_new(dial_from(r->port, "127.0.0.2"));
    CHECK_EQ(status_of(w, "/len/10"), 200);
    EVENTUALLY(figure(t, "127.0.0.2", STK_CONN_CUR) == 0); /* the client may have its answer before the stream is over */
    CHECK_EQ(status_of(w, "/len/10"), 503);
    hang_up(w);
    w = wire_new(dial_from(r->port, "127.0.0.3"));
    CHECK_EQ(status_of(w, "/len/10"), 200);
    hang_up(w);
    CHECK_EQ(figure(t, "127.0.0.2", STK_HTTP_REQ_CNT), 2);
    CHECK_EQ(figure(t, "127.0.0.3", STK_HTTP_REQ_CNT), 1);
    EVENTUALLY(!references(t));
    rig_stop(r);
    stk_free(t);
    peer_stop(s);
}

static void bytes_of_a_tunnel_are_counted_as_they_flow(void)
{
    peer *s = peer_start(serve_echo, 0);
    rig *r = rig_with_slots(PX_TCP, 1);
    stk_table *t[2] = {table(r), table(r)};
    char text[5];
    int fd;

    rig_server(r, s);
    r->fe->asks = 1u << ASK_CONN;
    r->answer = tracks;
    r->arg = t;
    rig_start(r);
    fd = dial(r->port);
    for (uint64_t n = 1; n <= 3; n++) {
        CHECK(says(fd, "hello"));
        CHECK_EQ(recv(fd, text, sizeof(text), MSG_WAITALL), 5);
        EVENTUALLY(figure(t[0], "127.0.0.1", STK_BYTES_OUT_CNT) == 5 * n);
        CHECK_EQ(figure(t[0], "127.0.0.1", STK_BYTES_IN_CNT), 5 * n);
        CHECK_EQ(figure(t[0], "127.0.0.1", STK_CONN_CUR), 1);
    }
    close(fd);
    EVENTUALLY(!references(t[0]));
    CHECK_EQ(figure(t[0], "127.0.0.1", STK_CONN_CUR), 0);
    rig_stop(r);
    stk_free(t[0]);
    stk_free(t[1]);
    peer_stop(s);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);
    RUN(a_limit_counts_every_request_of_all_threads_once);
    RUN(connections_and_requests_are_counted_by_what_they_track);
    RUN(statuses_count_as_they_are_told_to);
    RUN(a_limit_refuses_what_lies_in_its_ranges);
    RUN(clients_have_entries_of_their_own);
    RUN(bytes_of_a_tunnel_are_counted_as_they_flow);
    return check_done();
}
