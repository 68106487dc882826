/* sources: all */
/* What a flow is made of, without its loop: moving bytes, rewriting heads, keeping idle connections. Sockets are pairs,
 * and the test says when they are ready. */
#include "eng_rig.h"

#include "exchange.h"

typedef struct bench {
    engine *e;
    thr *t;
    flow *f;
    int client, server; /* the far ends */
} bench;

static conn *conn_pair(thr *t, uint32_t flags, int *far)
{
    int p[2];
    conn *c;

    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, p) == 0);
    c = conn_new(t, p[0], flags, flow_iocb);
    REQUIRE(c);
    fd_may_recv(&t->loop, c->e, c->fd);
    fd_may_send(&t->loop, c->e, c->fd);
    *far = p[1];
    return c;
}

static bench bench_new(int threads)
{
    eng_conf conf = rig_conf(threads);
    bench b = {.e = eng_new(&conf)};
    int port, fd = listen_any(&port, 0);

    REQUIRE(b.e && eng_frontend_add(b.e) == 0 && eng_backend_add(b.e) == 0 && eng_server_add(b.e, 0) == 0);
    REQUIRE(eng_listener_add(b.e, 0, fd, 0, 0, 0) == 0);
    b.e->fe[0]->conf.mode = PX_HTTP;
    REQUIRE(eng_ready(b.e) == 0);
    rig_pages(b.e);
    for (int i = 0; i < threads; i++)
        REQUIRE(eng_thread_init(b.e, i) == 0);
    b.t = &b.e->threads[0];
    b.f = flow_new(b.t, b.e->lsn[0], conn_pair(b.t, 0, &b.client));
    b.f->be = b.e->be[0];
    b.f->b = conn_pair(b.t, CO_F_BACK, &b.server);
    b.f->b->srv = b.e->srv[0];
    return b;
}

static void bench_del(bench *b)
{
    close(b->client);
    close(b->server);
    flow_free(b->f);
    for (uint32_t i = 0; i < b->e->conf.nbthread; i++)
        eng_thread_fini(b->e, (int)i);
    for (int c = 0; c < BUF_CLASSES; c++)
        CHECK_EQ(b->t->bufs.used[c], 0);
    CHECK_EQ(b->e->live.pipes_used, 0);
    CHECK_EQ(lockset_violations(b->e->locks), 0);
    eng_free(b->e);
}

static void ready(conn *c)
{
    fd_may_recv(&c->thr->loop, c->e, c->fd);
    fd_may_send(&c->thr->loop, c->e, c->fd);
}

/* What is there to be read at <fd>, appended to the <n> bytes at <to>. */
static size_t hear(int fd, char *to, size_t n, size_t max)
{
    ssize_t k;

    while (n < max && (k = recv(fd, to + n, max - n, 0)) > 0)
        n += (size_t)k;
    return n;
}

/* --- moving --- */

static void pumps_no_more_than_is_left(void)
{
    for (int splice = 0; splice < 2; splice++) {
        bench b = bench_new(1);
        char *in = pattern_new(100000), *out = malloc(200000);
        uint64_t left = 60000;
        size_t sent = 0, got = 0;
        int ret = MOVE_IN;

        for (int i = 0; i < 1000 && ret != MOVE_DONE; i++) {
            ssize_t k = send(b.client, in + sent, 100000 - sent, MSG_NOSIGNAL);

            sent += k > 0 ? (size_t)k : 0;
            ready(b.f->f);
            ready(b.f->b);
            ret = chan_pump(b.f, &b.f->req, b.f->f, b.f->b, &left, splice);
            CHECK(ret == MOVE_DONE || ret == MOVE_IN || ret == MOVE_OUT || ret == MOVE_YIELD);
            got = hear(b.server, out, got, 200000);
        }
        CHECK_EQ(ret, MOVE_DONE);
        CHECK_EQ(left, 0);
        CHECK_EQ(got, 60000);
        CHECK(!memcmp(in, out, 60000));
        CHECK_EQ(b.f->req.total, 60000);
        free(in);
        free(out);
        bench_del(&b);
    }
}

/* --- limits of bandwidth; the clock is the test's --- */

static void limit(bench *b, chan *c, uint32_t bytes, uint32_t period)
{
    bwlim values = {.id = 1, .limit = bytes, .period = period};

    REQUIRE(bwlim_set(&c->limits, b->t->now_ms, b->e->conf.bufsize, &values) == 0);
}

/* Sends <n> bytes of <data> from the server's far end as there is room, moves them as <c> says, and lets the clock go on
 * where it pauses. Returns the ms; *got bytes arrived at <to>. */
static uint32_t move_limited(bench *b, const char *data, size_t n, char *to, size_t *got, int *ret, int chunked)
{
    uint32_t began = b->t->now_ms;
    uint64_t left = n;
    size_t sent = 0;

    *got = 0;
    *ret = MOVE_IN;
    for (int i = 0; i < 100000 && *ret != MOVE_DONE; i++) {
        ssize_t k = send(b->server, data + sent, n - sent, MSG_NOSIGNAL);

        sent += k > 0 ? (size_t)k : 0;
        ready(b->f->f);
        ready(b->f->b);
        if (chunked) {
            *ret = chan_chunks(b->f, &b->f->res, b->f->b, b->f->f, 1);
            *ret = *ret == MOVE_DONE && b->f->res.body != BODY_NONE ? MOVE_YIELD : *ret;
        } else {
            *ret = chan_pump(b->f, &b->f->res, b->f->b, b->f->f, &left, 1);
        }
        CHECK(*ret == MOVE_DONE || *ret == MOVE_IN || *ret == MOVE_OUT || *ret == MOVE_YIELD || *ret == MOVE_PAUSE);
        CHECK_EQ(chan_paused(&b->f->res), *ret == MOVE_PAUSE);
        CHECK(b->f->res.in.len <= b->e->conf.bufsize);
        *got = hear(b->client, to, *got, 300000);
        if (*ret == MOVE_PAUSE)
            b->t->now_ms = bwlim_until(b->f->res.limits);
    }
    return b->t->now_ms - began;
}

static void a_limited_body_takes_its_time_and_loses_nothing(void)
{
    bench b = bench_new(1);
    char *in = pattern_new(200000), *out = malloc(300000);
    size_t got;
    int ret;
    uint32_t ms;

    limit(&b, &b.f->res, 100000, 1000);
    ms = move_limited(&b, in, 200000, out, &got, &ret, 0);
    CHECK_EQ(ret, MOVE_DONE);
    CHECK(ms >= 1990 && ms <= 2010);
    CHECK(got == 200000 && !memcmp(in, out, got));
    CHECK_EQ(b.f->res.total, 200000);
    CHECK_EQ(b.e->live.pipes_used, 0); /* it is not spliced */
    free(in);
    free(out);
    bench_del(&b);
}

static void of_a_limited_chunked_body_only_payload_counts(void)
{
    bench b = bench_new(1);
    char *in = malloc(100000), *out = malloc(300000), *want = pattern_new(10000);
    size_t n = 0, got;
    int ret;
    uint32_t ms;

    for (size_t at = 0; at < 10000; at += 10) /* nearly as much framing as payload */
        n += (size_t)sprintf(in + n, "a;x\r\n%.*s\r\n", 10, want + at);
    n += (size_t)sprintf(in + n, "0\r\n\r\n");
    b.f->res.body = BODY_CHUNKED;
    h1_chunk_init(&b.f->res.chunk);
    limit(&b, &b.f->res, 1000, 1000);
    ms = move_limited(&b, in, n, out, &got, &ret, 1);
    CHECK_EQ(ret, MOVE_DONE);
    CHECK(ms >= 9980 && ms <= 10020);
    CHECK(got == 10000 && !memcmp(want, out, got));
    free(in);
    free(out);
    free(want);
    bench_del(&b);
}

/* As the loop would, with no time passing. */
static int pump_to_end(bench *b)
{
    int ret = MOVE_IN;

    for (int i = 0; i < 5 && (ret == MOVE_IN || ret == MOVE_YIELD); i++) {
        ready(b->f->b);
        ret = chan_pump(b->f, &b->f->res, b->f->b, b->f->f, NULL, 0);
    }
    return ret;
}

static void the_end_behind_the_last_payload_is_seen_without_a_pause(void)
{
    bench b = bench_new(1);
    char out[2000];

    limit(&b, &b.f->res, 1000, 60000);
    REQUIRE(say(b.server, out, 1000));
    shutdown(b.server, SHUT_WR);
    CHECK_EQ(pump_to_end(&b), MOVE_EOF);
    CHECK_EQ(hear(b.client, out, 0, sizeof(out)), 1000);
    bench_del(&b);
}

static void a_pause_is_no_end_and_no_error(void)
{
    bench b = bench_new(1);
    char out[4000] = "";

    limit(&b, &b.f->res, 1000, 60000);
    REQUIRE(say(b.server, out, 2000));
    shutdown(b.server, SHUT_WR);
    CHECK_EQ(pump_to_end(&b), MOVE_PAUSE);
    CHECK_EQ(hear(b.client, out, 0, sizeof(out)), 1000);
    b.t->now_ms += 120000;
    CHECK_EQ(pump_to_end(&b), MOVE_EOF);
    CHECK_EQ(hear(b.client, out, 0, sizeof(out)), 1000);
    bench_del(&b);
}

/* One byte from <src> to the other side; whether it was held back for what follows. */
static int is_held(bench *b, chan *c, conn *src, conn *dst, uint64_t *left)
{
    int held;

    CHECK_EQ(send(src == b->f->f ? b->client : b->server, "x", 1, 0), 1);
    ready(src);
    ready(dst);
    chan_pump(b->f, c, src, dst, left, 0);
    held = !!(dst->flags & CO_F_HOLDS);
    dst->flags &= ~CO_F_HOLDS;
    return held;
}

static void last_bytes_wait_for_the_end_that_is_known_to_follow(void)
{
    bench b = bench_new(1);
    conn *c = b.f->f, *s = b.f->b;

    CHECK(!is_held(&b, &b.f->res, s, c, NULL));
    s->e->ev |= FD_EV_RDHUP;
    CHECK(is_held(&b, &b.f->res, s, c, NULL));
    CHECK(!is_held(&b, &b.f->req, c, s, NULL));
    b.f->fe->conf.options |= PX_O_NOLINGER;
    CHECK(!is_held(&b, &b.f->res, s, c, NULL));
    b.f->fe->conf.options &= ~PX_O_NOLINGER;
    b.f->be->conf.options |= PX_O_NO_DELAY;
    CHECK(!is_held(&b, &b.f->res, s, c, NULL));
    bench_del(&b);
}

static void a_body_waits_for_the_end_only_if_it_is_the_last(void)
{
    bench b = bench_new(1);
    conn *c = b.f->f, *s = b.f->b;
    uint64_t left;

    b.f->kind = FLOW_EXCHANGE;
    b.f->rq = RQ_DONE;
    left = 2;
    CHECK(!is_held(&b, &b.f->res, s, c, &left));
    CHECK(is_held(&b, &b.f->res, s, c, &left));
    left = 1;
    CHECK(!is_held(&b, &b.f->req, c, s, &left));
    left = 1;
    b.f->flags |= FL_KA_CLIENT;
    CHECK(!is_held(&b, &b.f->res, s, c, &left));
    left = 1;
    b.f->flags &= ~FL_KA_CLIENT;
    b.f->rq = RQ_BODY;
    CHECK(!is_held(&b, &b.f->res, s, c, &left));
    bench_del(&b);
}

static void stops_reading_while_the_destination_is_full(void)
{
    for (int splice = 0; splice < 2; splice++) {
        bench b = bench_new(1);
        char block[65536];
        size_t sent = 0;
        int ret = MOVE_IN;

        memset(block, 'x', sizeof(block));
        for (int i = 0; i < 3000; i++) {
            ssize_t k = send(b.client, block, sizeof(block), MSG_NOSIGNAL);

            sent += k > 0 ? (size_t)k : 0;
            ready(b.f->f);
            if (i < 20)
                ready(b.f->b);
            ret = chan_pump(b.f, &b.f->req, b.f->f, b.f->b, NULL, splice);
        }
        CHECK_EQ(ret, MOVE_OUT);
        CHECK(chan_holds(&b.f->req));
        CHECK(b.f->req.out.len <= BUF_BIG_SIZE);
        CHECK(sent < 4 << 20); /* what is in between is bounded by the two sockets, a buffer, a pipe */
        bench_del(&b);
    }
}

static void passes_the_end_and_tells_errors_of_each_side(void)
{
    for (int splice = 0; splice < 2; splice++) {
        bench b = bench_new(1);
        char out[16];

        say(b.client, "bye", 3);
        shutdown(b.client, SHUT_WR);
        b.f->f->e->ev |= FD_EV_RDHUP;
        CHECK_EQ(chan_pump(b.f, &b.f->req, b.f->f, b.f->b, NULL, splice), MOVE_EOF);
        CHECK_EQ(hear(b.server, out, 0, sizeof(out)), 3);
        close(b.client);
        b.client = -1;
        say(b.server, "x", 1);
        ready(b.f->f);
        CHECK_EQ(chan_pump(b.f, &b.f->res, b.f->b, b.f->f, NULL, splice), MOVE_ERR_OUT);
        CHECK_EQ(b.f->f->err, EPIPE);
        bench_del(&b);
    }
}

static const char CHUNKED[] = "5\r\nhello\r\n00b;ext=\"v\"\r\n, big world\r\n1\r\n!\r\n"
                              "0\r\nTrail: er\r\nHost: no\r\n\r\n";

/* Payload of a chunked body; -1 if it is none. What follows the last chunk is copied to <rest>. */
static int decode(const char *p, size_t n, char *to, char *rest)
{
    const char *end = p + n;
    int len = 0;

    for (;;) {
        char *eol = memmem(p, (size_t)(end - p), "\r\n", 2);
        unsigned long size;

        if (!eol)
            return -1;
        size = strtoul(p, NULL, 16);
        p = eol + 2;
        if (!size)
            break;
        if ((size_t)(end - p) < size + 2 || memcmp(p + size, "\r\n", 2))
            return -1;
        memcpy(to + len, p, size);
        len += (int)size;
        p += size + 2;
    }
    memcpy(rest, p, (size_t)(end - p));
    rest[end - p] = 0;
    return len;
}

static void one_cut(uint32_t cut, int bare)
{
    bench b = bench_new(1);
    chan *c = &b.f->res;
    char got[512], body[512], rest[512];
    size_t n;

    c->body = BODY_CHUNKED;
    h1_chunk_init(&c->chunk);
    say(b.server, CHUNKED, cut);
    CHECK_EQ(chan_chunks(b.f, c, b.f->b, b.f->f, bare), cut == sizeof(CHUNKED) - 1 ? MOVE_DONE : MOVE_IN);
    say(b.server, CHUNKED + cut, sizeof(CHUNKED) - 1 - cut);
    say(b.server, "next", 4);
    ready(b.f->b);
    if (c->body != BODY_NONE)
        CHECK_EQ(chan_chunks(b.f, c, b.f->b, b.f->f, bare), MOVE_DONE);
    CHECK_EQ(c->body, BODY_NONE);
    n = hear(b.client, got, 0, sizeof(got));
    CHECK_EQ(c->total, n);
    if (bare) {
        CHECK(n == 17 && !memcmp(got, "hello, big world!", 17));
    } else {
        CHECK_EQ(decode(got, n, body, rest), 17);
        CHECK(!memcmp(body, "hello, big world!", 17));
        CHECK(!strcmp(rest, "trail: er\r\n\r\n")); /* and no Host */
    }
    if (cut != sizeof(CHUNKED) - 1)
        CHECK(c->in.len == 4 && !memcmp(buf_data(&c->in), "next", 4));
    bench_del(&b);
}

static void chunks_pass_wherever_they_are_cut(void)
{
    for (uint32_t cut = 0; cut <= sizeof(CHUNKED) - 1; cut++)
        for (int bare = 0; bare < 2; bare++)
            one_cut(cut, bare);
}

static void wrong_framing_is_told(void)
{
    static const char *const rows[] = {"x\r\n", "5\r\nhelloX", "5 \r\n", "ffffffffffffffffff\r\n",
                                       "0\r\nbad trailer\r\n\r\n", "-1\r\n"};

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        bench b = bench_new(1);
        chan *c = &b.f->req;

        c->body = BODY_CHUNKED;
        h1_chunk_init(&c->chunk);
        says(b.client, "%s", rows[i]);
        b.t->head.err = 0;
        CHECK_EQ(chan_chunks(b.f, c, b.f->f, b.f->b, 0), MOVE_ERR_IN);
        CHECK(b.t->head.err > 0);
        bench_del(&b);
    }
}

/* A head that waits for its first chunk goes out when none comes. */
static void a_corked_head_is_not_held_back(void)
{
    bench b = bench_new(1);
    chan *c = &b.f->res;
    char got[64];

    c->body = BODY_CHUNKED;
    h1_chunk_init(&c->chunk);
    buf_append(&b.t->bufs, &c->out, "HEAD", 4);
    c->cork = 1;
    CHECK_EQ(chan_chunks(b.f, c, b.f->b, b.f->f, 0), MOVE_IN);
    CHECK_EQ(hear(b.client, got, 0, sizeof(got)), 4);
    CHECK(!chan_holds(c));
    bench_del(&b);
}

/* --- rewriting --- */

static const char *request(bench *b, const char *text, uint32_t size)
{
    static char out[4096];
    h1_head h;
    int n;

    h1_request_init(&h, 101);
    REQUIRE(h1_scan(&h, text, (uint32_t)strlen(text)) == 1);
    n = msg_request(b->f, &h, text, out, size);
    if (n < 0)
        return n == -EMSGSIZE ? "EMSGSIZE" : "?";
    out[n] = 0;
    return out;
}

static const char *response(bench *b, const char *text)
{
    static char out[4096];
    h1_head h;
    int n;

    h1_response_init(&h, 101);
    REQUIRE(h1_scan(&h, text, (uint32_t)strlen(text)) == 1);
    n = msg_response(b->f, &h, text, out, sizeof(out) - 1);
    REQUIRE(n >= 0);
    out[n] = 0;
    return out;
}

#define SAME(a, b)                                                                                                     \
    do {                                                                                                               \
        const char *a_ = (a);                                                                                          \
        if (!CHECK(!strcmp(a_, b)))                                                                                    \
            printf("    got %s\n", a_);                                                                                \
    } while (0)

static void requests_lose_what_ends_at_this_hop(void)
{
    bench b = bench_new(1);

    b.f->flags |= FL_KA_SERVER;
    SAME(request(&b, "GET /a HTTP/1.1\r\nHost: h\r\nConnection: close, X-Mine\r\n"
                     "X-Mine: 1\r\nKeep-Alive: 5\r\nAccept:  */*  \r\n\r\n", 4000),
         "GET /a HTTP/1.1\r\nhost: h\r\naccept: */*\r\n\r\n");
    SAME(request(&b, "GET / HTTP/1.0\r\n\r\n", 4000), "GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n");
    SAME(request(&b, "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: ws\r\n\r\n", 4000),
         "GET / HTTP/1.1\r\nhost: h\r\nconnection: Upgrade\r\nupgrade: ws\r\n\r\n");
    b.f->flags &= ~FL_KA_SERVER;
    SAME(request(&b, "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: ws\r\n\r\n", 4000),
         "GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n");
    bench_del(&b);
}

static void requests_say_whom_they_are_from(void)
{
    bench b = bench_new(1);
    fe_conf *c = &b.e->fe[0]->conf;

    b.f->flags |= FL_KA_SERVER;
    b.f->f->family = AF_INET;
    memcpy(b.f->f->addr, "\x0a\1\2\3", 4);
    c->options |= PX_O_FORWARDFOR | PX_O_FF_IFNONE;
    c->ff_len = 15;
    memcpy(c->ff_name, "x-forwarded-for", 15);
    SAME(request(&b, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", 4000),
         "GET / HTTP/1.1\r\nhost: h\r\nx-forwarded-for: 10.1.2.3\r\n\r\n");
    SAME(request(&b, "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: q\r\n\r\n", 4000),
         "GET / HTTP/1.1\r\nhost: h\r\nx-forwarded-for: q\r\n\r\n");
    c->ff_family = AF_INET;
    memcpy(c->ff_except, "\x0a\1\0\0", 4);
    c->ff_bits = 15;
    SAME(request(&b, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", 4000), "GET / HTTP/1.1\r\nhost: h\r\n\r\n");
    bench_del(&b);
}

static void heads_that_do_not_fit_are_refused_at_every_size(void)
{
    static const char text[] = "GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: x\r\nTE: trailers\r\n\r\n";
    bench b = bench_new(1);
    uint32_t whole = (uint32_t)strlen(request(&b, text, 4000));

    for (uint32_t size = 0; size < whole; size++)
        SAME(request(&b, text, size), "EMSGSIZE");
    CHECK_EQ(strlen(request(&b, text, whole)), whole);
    bench_del(&b);
}

static void responses_say_what_becomes_of_the_connection(void)
{
    bench b = bench_new(1);

    SAME(response(&b, "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n"),
         "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    b.f->flags |= FL_KA_CLIENT;
    SAME(response(&b, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
         "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    SAME(response(&b, "HTTP/1.1 204 No\r\nContent-Length: 3\r\n\r\n"), "HTTP/1.1 204 No\r\n\r\n");
    SAME(response(&b, "HTTP/1.1 101 Go\r\nContent-Length: 3\r\nConnection: upgrade\r\nUpgrade: w\r\n\r\n"),
         "HTTP/1.1 101 Go\r\nconnection: upgrade\r\nupgrade: w\r\n\r\n");
    b.f->flags |= FL_REQ10 | FL_DECHUNK;
    SAME(response(&b, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
         "HTTP/1.1 200 OK\r\nconnection: keep-alive\r\n\r\n");
    bench_del(&b);
}

static void error_pages_have_no_body_for_head(void)
{
    bench b = bench_new(1);
    char out[512];
    int n;

    b.f->flags |= FL_KA_CLIENT | FL_HEAD;
    n = msg_error(b.f, 503, 0, out, sizeof(out));
    CHECK(n > 4 && !memcmp(out + n - 4, "\r\n\r\n", 4));
    CHECK(!memmem(out, (size_t)n, "close", 5));
    b.f->flags &= ~(FL_KA_CLIENT | FL_HEAD);
    n = msg_error(b.f, 503, 0, out, sizeof(out));
    CHECK(n > 5 && !memcmp(out + n - 5, "wrong", 5));
    CHECK(memmem(out, (size_t)n, "connection: close\r\n\r\n", 21) != NULL);
    CHECK_EQ(msg_error(b.f, 503, 0, out, 20), -EMSGSIZE);
    CHECK_EQ(msg_error(b.f, 777, 0, out, sizeof(out)), -ENOENT);
    bench_del(&b);
}

/* --- idle connections --- */

static conn *idle_conn(bench *b, int tid, int *far)
{
    thr *t = &b->e->threads[tid];
    conn *c = conn_pair(t, CO_F_BACK, far);

    c->srv = b->e->srv[0];
    c->streams = 1;
    fd_cant_recv(&t->loop, c->e, c->fd);
    return c;
}

static void gives_its_own_newest_and_others_oldest(void)
{
    bench b = bench_new(2);
    thr *mine = &b.e->threads[0], *other = &b.e->threads[1];
    server *s = b.e->srv[0];
    conn *c[3];
    int far[3];

    for (int i = 0; i < 3; i++)
        idle_put(mine, c[i] = idle_conn(&b, 0, &far[i]));
    CHECK_EQ(s->live.idle, 3);
    CHECK(idle_get(mine, s, 0, 0) == c[2]);
    CHECK(idle_get(other, s, 0, 0) == c[0]);
    CHECK(c[0]->thr == other);
    CHECK_EQ(s->live.idle, 1);
    CHECK(!idle_get(mine, s, 1, 0)); /* it has not shown to be safe */
    c[1]->flags |= CO_F_SAFE;
    CHECK(idle_get(mine, s, 1, 0) == c[1]);
    CHECK(!idle_get(mine, s, 0, 0));
    for (int i = 0; i < 3; i++) {
        conn_free(c[i]);
        close(far[i]);
    }
    bench_del(&b);
}

static void gives_those_of_a_name_to_that_name_alone(void)
{
    bench b = bench_new(2);
    thr *mine = &b.e->threads[0], *other = &b.e->threads[1];
    server *s = b.e->srv[0];
    uint64_t names[] = {5, 5 + IDLE_NAMES, 5, 0}; /* but for the last one of the same chain */
    conn *c[4];
    int far[4];

    REQUIRE(eng_srv_named(b.e, 0, 9) == 0);
    CHECK_EQ(s->conf.name_tell, 9);
    CHECK_EQ(eng_srv_named(b.e, 0, 9), -EINVAL); /* a name it has */
    CHECK_EQ(eng_srv_named(b.e, 1, 9), -EINVAL);
    for (int i = 0; i < 4; i++) {
        c[i] = idle_conn(&b, 0, &far[i]);
        c[i]->flags |= CO_F_NAMED;
        c[i]->print = names[i];
        idle_put(mine, c[i]);
    }
    CHECK(!idle_get(mine, s, 0, 6));
    CHECK(!idle_get(other, s, 0, 5 + 2 * IDLE_NAMES));
    CHECK(idle_get(other, s, 0, 5) == c[0]);
    CHECK(idle_get(mine, s, 0, 5) == c[2]);
    CHECK(!idle_get(mine, s, 0, 5));
    CHECK(idle_get(mine, s, 0, 0) == c[3]);
    CHECK(!idle_get(mine, s, 1, 5 + IDLE_NAMES)); /* it has not shown to be safe */
    c[1]->flags |= CO_F_SAFE;
    CHECK(idle_get(mine, s, 1, 5 + IDLE_NAMES) == c[1]);
    CHECK_EQ(s->live.idle, 0);
    idle_put(mine, c[1]);
    idle_put(mine, c[2]);
    idle_purge(mine, s, 1);
    CHECK(!idle_get(mine, s, 0, 5));
    conn_free(c[0]);
    conn_free(c[3]);
    for (int i = 0; i < 4; i++)
        close(far[i]);
    bench_del(&b);
}

static void keeps_no_more_than_it_may(void)
{
    bench b = bench_new(1);
    server *s = b.e->srv[0];
    int far[3];
    conn *c;

    s->conf.pool_max = 1;
    for (int i = 0; i < 2; i++)
        idle_put(b.t, idle_conn(&b, 0, &far[i]));
    CHECK_EQ(s->live.idle, 1);
    c = idle_get(b.t, s, 0, 0);
    s->conf.max_reuse = 1;
    c->streams = 2;
    idle_put(b.t, c);
    CHECK_EQ(s->live.idle, 0);
    c = idle_conn(&b, 0, &far[2]);
    c->e->ev |= FD_EV_RDHUP; /* the server has ended it already */
    idle_put(b.t, c);
    CHECK_EQ(s->live.idle, 0);
    for (int i = 0; i < 3; i++)
        close(far[i]);
    bench_del(&b);
}

static void purges_what_has_been_idle_too_long(void)
{
    bench b = bench_new(1);
    server *s = b.e->srv[0];
    int far[2];

    s->conf.pool_purge = 1000;
    idle_put(b.t, idle_conn(&b, 0, &far[0]));
    b.t->now_ms += 900;
    idle_put(b.t, idle_conn(&b, 0, &far[1]));
    idle_purge(b.t, s, 0);
    CHECK_EQ(s->live.idle, 2);
    b.t->now_ms += 200;
    idle_purge(b.t, s, 0);
    CHECK_EQ(s->live.idle, 1);
    idle_purge(b.t, s, 1);
    CHECK_EQ(s->live.idle, 0);
    close(far[0]);
    close(far[1]);
    bench_del(&b);
}

static void a_false_alarm_closes_no_idle_connection(void)
{
    bench b = bench_new(1);
    server *s = b.e->srv[0];
    conn *c;
    int far;

    idle_put(b.t, c = idle_conn(&b, 0, &far));
    fd_may_recv(&b.t->loop, c->e, c->fd);
    idle_gone(b.t, c);
    CHECK_EQ(s->live.idle, 1);
    CHECK(!(c->e->ready & FD_R));
    say(far, "HTTP/1.1 408 Late\r\n", 19);
    fd_may_recv(&b.t->loop, c->e, c->fd);
    idle_gone(b.t, c);
    CHECK_EQ(s->live.idle, 0);
    close(far);
    bench_del(&b);
}

/* Memory of connections that are opened by one thread and always closed by another grew without end. */
static void memory_of_connections_taken_over_comes_back(void)
{
    bench b = bench_new(2);
    thr *mine = &b.e->threads[0], *other = &b.e->threads[1];
    uint32_t before = mine->conns.used, chunks = 0;

    for (int i = 0; i < 2000; i++) {
        int far;
        conn *c = idle_conn(&b, 0, &far);

        idle_put(mine, c);
        REQUIRE(idle_get(other, b.e->srv[0], 0, 0) == c);
        conn_free(c);
        close(far);
    }
    for (void *p = mine->conns.chunks; p; memcpy(&p, p, sizeof(p)))
        chunks++;
    CHECK_EQ(chunks, 1);
    CHECK_EQ(other->conns.used, 0);
    CHECK(mine->conns.used - before < 65536 / sizeof(conn));
    bench_del(&b);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN); /* as Python has it: splice(2) knows no MSG_NOSIGNAL */
    RUN(pumps_no_more_than_is_left);
    RUN(a_limited_body_takes_its_time_and_loses_nothing);
    RUN(of_a_limited_chunked_body_only_payload_counts);
    RUN(the_end_behind_the_last_payload_is_seen_without_a_pause);
    RUN(a_pause_is_no_end_and_no_error);
    RUN(last_bytes_wait_for_the_end_that_is_known_to_follow);
    RUN(a_body_waits_for_the_end_only_if_it_is_the_last);
    RUN(stops_reading_while_the_destination_is_full);
    RUN(passes_the_end_and_tells_errors_of_each_side);
    RUN(chunks_pass_wherever_they_are_cut);
    RUN(wrong_framing_is_told);
    RUN(a_corked_head_is_not_held_back);
    RUN(requests_lose_what_ends_at_this_hop);
    RUN(requests_say_whom_they_are_from);
    RUN(heads_that_do_not_fit_are_refused_at_every_size);
    RUN(responses_say_what_becomes_of_the_connection);
    RUN(error_pages_have_no_body_for_head);
    RUN(gives_its_own_newest_and_others_oldest);
    RUN(gives_those_of_a_name_to_that_name_alone);
    RUN(keeps_no_more_than_it_may);
    RUN(purges_what_has_been_idle_too_long);
    RUN(a_false_alarm_closes_no_idle_connection);
    RUN(memory_of_connections_taken_over_comes_back);
    return check_done();
}
