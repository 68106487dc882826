/* sources: all */
#include "eng_rig.h"

#include "outgoing.h"

/* Connections that Python opens: what it is told of them, in the order of things. The test is the one worker. */

typedef struct rigged {
    engine *e;
    out_conf conf;
} rigged;

static rigged made(int port, uint32_t flags)
{
    eng_conf c = {.nbthread = 1, .bufsize = 16384, .maxrewrite = 1024, .maxhdr = 101, .maxaccept = 4, .maxfd = 1024,
                  .lock_flags = LOCK_F_ORDER};
    rigged r = {.e = eng_new(&c)};
    char host[4] = {127, 0, 0, 1};

    REQUIRE(r.e && eng_ready(r.e) == 0 && eng_thread_init(r.e, 0) == 0);
    REQUIRE(sock_addr_set(&r.conf.to, AF_INET, host, 4, port) == 0);
    r.conf.flags = flags;
    return r;
}

static void unmade(rigged *r)
{
    eng_thread_fini(r->e, 0);
    CHECK(lockset_violations(eng_locks(r->e)) == 0);
    eng_free(r->e);
}

static lb_event seen[256]; /* and not looked at yet; what they point at is copied */
static int nseen;

static void take(rigged *r)
{
    int n = eng_poll(r->e, 0, 100, NULL, 0);

    REQUIRE(n >= 0 && nseen + n <= 256);
    for (int i = 0; i < n; i++) {
        lb_event ev = (*eng_events(r->e, 0))[i];

        if (ev.kind == EV_DATA)
            ev.data = memcpy(malloc(ev.len + 1), ev.data, ev.len);
        seen[nseen++] = ev;
    }
}

/* The next event, which must be of <kind>; its data as a text in <text>. */
static lb_event next(rigged *r, uint32_t kind, char *text)
{
    uint64_t limit = now_ms() + RIG_PATIENCE;
    lb_event ev;

    while (!nseen && now_ms() < limit)
        take(r);
    REQUIRE(nseen);
    ev = seen[0];
    memmove(seen, seen + 1, (size_t)--nseen * sizeof(ev));
    REQUIRE(ev.kind == kind);
    if (ev.kind == EV_DATA) {
        memcpy(text, ev.data, ev.len);
        text[ev.len] = 0;
        free(ev.data);
    }
    return ev;
}

static void serve_echo(peer *p, int fd)
{
    char buf[256];
    ssize_t n;

    (void)p;
    while ((n = recv(fd, buf, sizeof(buf), 0)) > 0)
        if (!say(fd, buf, (size_t)n))
            return;
}

static void serve_goodbye(peer *p, int fd)
{
    char buf[16];

    (void)p;
    say(fd, "bye", 3);
    shutdown(fd, SHUT_WR);
    while (recv(fd, buf, sizeof(buf), 0) > 0)
        ;
}

static void serve_reset(peer *p, int fd)
{
    struct linger l = {1, 0};
    char buf[16];

    (void)p;
    if (recv(fd, buf, sizeof(buf), 0) > 0)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
}

static void speaks_with_a_server(void)
{
    peer *p = peer_start(serve_echo, 0);
    rigged r = made(p->port, OUT_LINGER);
    int64_t h = eng_out_open(r.e, 0, &r.conf, 5000);
    char text[256];

    REQUIRE(h > 0);
    CHECK(eng_out_put(r.e, 0, h, "ping", 4) >= 0); /* before it is known to be there */
    CHECK_EQ(next(&r, EV_CONNECTED, NULL).arg, 0);
    CHECK_EQ(next(&r, EV_DATA, text).handle, (uint64_t)h);
    CHECK(!strcmp(text, "ping"));
    CHECK(eng_out_put(r.e, 0, h, "again", 5) >= 0);
    next(&r, EV_DATA, text);
    CHECK(!strcmp(text, "again"));
    CHECK_EQ(eng_out_end(r.e, 0, h), 0);
    next(&r, EV_EOF, NULL);
    CHECK_EQ(eng_out_close(r.e, 0, h), 0);
    CHECK_EQ(eng_out_close(r.e, 0, h), -ESTALE);
    CHECK_EQ(eng_out_put(r.e, 0, h, "x", 1), -ESTALE);
    unmade(&r);
    peer_stop(p);
}

static void what_was_said_before_the_end_is_heard_first(void)
{
    peer *p = peer_start(serve_goodbye, 0);
    rigged r = made(p->port, 0);
    int64_t h = eng_out_open(r.e, 0, &r.conf, 5000);
    char text[256];

    CHECK_EQ(next(&r, EV_CONNECTED, NULL).handle, (uint64_t)h);
    next(&r, EV_DATA, text);
    CHECK(!strcmp(text, "bye"));
    CHECK_EQ(next(&r, EV_EOF, NULL).handle, (uint64_t)h);
    unmade(&r); /* closes it */
    peer_stop(p);
}

static void a_reset_is_told_with_its_errno(void)
{
    peer *p = peer_start(serve_reset, 0);
    rigged r = made(p->port, 0);
    int64_t h = eng_out_open(r.e, 0, &r.conf, 5000);

    CHECK(eng_out_put(r.e, 0, h, "x", 1) >= 0);
    CHECK_EQ(next(&r, EV_CONNECTED, NULL).arg, 0);
    CHECK_EQ(next(&r, EV_CLOSE, NULL).arg, ECONNRESET);
    CHECK_EQ(eng_out_put(r.e, 0, h, "x", 1), -ESTALE);
    unmade(&r);
    peer_stop(p);
}

static void a_probe_tells_one_thing_and_is_gone(void)
{
    peer *p = peer_start(serve_echo, 0);
    rigged r = made(p->port, OUT_PROBE);

    for (int i = 0; i < 50; i++) {
        int64_t h = eng_out_open(r.e, 0, &r.conf, 5000);
        lb_event ev;

        REQUIRE(h > 0);
        ev = next(&r, EV_CONNECTED, NULL);
        CHECK(ev.handle == (uint64_t)h && !ev.arg && ev.len == 1);
        CHECK_EQ(eng_out_close(r.e, 0, h), -ESTALE);
    }
    EVENTUALLY(!peer_open(p));
    unmade(&r);
    peer_stop(p);
}

static void a_refusal_is_told_at_once_or_by_an_event(void)
{
    rigged r = made(port_refused(), OUT_PROBE);
    int64_t h = eng_out_open(r.e, 0, &r.conf, 5000);

    if (h > 0)
        CHECK_EQ(next(&r, EV_CONNECTED, NULL).arg, ECONNREFUSED);
    else
        CHECK_EQ(h, -ECONNREFUSED);
    unmade(&r);
}

static void who_does_not_answer_is_given_up(void)
{
    /* a listener that accepts nothing and has no room for more drops what comes */
    int port, full[8], fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);

    REQUIRE(bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0 && listen(fd, 0) == 0);
    REQUIRE(getsockname(fd, (struct sockaddr *)&a, &len) == 0);
    port = ntohs(a.sin_port);
    for (int i = 0; i < 8; i++) {
        full[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        connect(full[i], (struct sockaddr *)&a, sizeof(a));
    }

    rigged r = made(port, 0);
    int64_t h = eng_out_open(r.e, 0, &r.conf, 50);
    lb_event ev = next(&r, EV_CONNECTED, NULL);

    CHECK(ev.handle == (uint64_t)h && ev.arg == OUT_TIMEOUT && ev.len == 1);
    CHECK_EQ(eng_out_end(r.e, 0, h), -ESTALE);
    unmade(&r);
    for (int i = 0; i < 8; i++)
        close(full[i]);
    close(fd);
}

static void handles_are_never_used_again(void)
{
    peer *p = peer_start(serve_echo, 0);
    rigged r = made(p->port, 0);
    int64_t old = 0;

    for (int i = 0; i < 100; i++) {
        int64_t h = eng_out_open(r.e, 0, &r.conf, 5000);

        REQUIRE(h > 0 && h != old);
        CHECK_EQ(eng_out_close(r.e, 0, h), 0);
        CHECK_EQ(eng_out_put(r.e, 0, h, "x", 1), -ESTALE);
        old = h;
    }
    CHECK_EQ(eng_out_put(r.e, 0, 5, "x", 1), -ESTALE);
    unmade(&r);
    peer_stop(p);
}

/* An engine whose only server is up, at <port>. */
static rigged made_with_server(int port)
{
    rigged r = made(port, 0);

    REQUIRE(eng_backend_add(r.e) == 0 && eng_server_add(r.e, 0) == 0);
    r.e->srv[0]->conf.max_reuse = r.e->srv[0]->conf.pool_max = -1;
    at_store(&r.e->srv[0]->live.up, 1);
    return r;
}

/* Says <text> and hears it. */
static void talk(rigged *r, int64_t h, const char *text)
{
    char heard[256];

    CHECK(eng_out_put(r->e, 0, h, text, (int)strlen(text)) >= 0);
    next(r, EV_CONNECTED, NULL);
    next(r, EV_DATA, heard);
    CHECK(!strcmp(heard, text));
}

static void what_is_lent_can_be_borrowed(void)
{
    peer *p = peer_start(serve_echo, 0);
    rigged r = made_with_server(p->port);
    px_live *live = &r.e->srv[0]->live;
    int64_t h = eng_out_open(r.e, 0, &r.conf, 5000), again;

    REQUIRE(h > 0);
    CHECK_EQ(eng_out_borrow(r.e, 0, 0, 0), 0);
    talk(&r, h, "one");
    CHECK_EQ(eng_out_lend(r.e, 0, h, 0, 0), 0);
    CHECK_EQ(eng_out_lend(r.e, 0, h, 0, 0), -ESTALE);
    CHECK_EQ(live->idle, 1);
    again = eng_out_borrow(r.e, 0, 0, 0);
    REQUIRE(again > 0 && again != h);
    CHECK_EQ(live->idle, 0);
    talk(&r, again, "two");
    CHECK(eng_out_put(r.e, 0, again, "three", 5) >= 0);
    CHECK_EQ(eng_out_close(r.e, 0, again), 0);
    CHECK_EQ(live->idle, 0);
    CHECK_EQ(at_load(&p->conns), 1);
    unmade(&r);
    peer_stop(p);
}

static void what_is_not_at_rest_is_not_lent(void)
{
    peer *p = peer_start(serve_echo, 0);
    rigged r = made_with_server(p->port);
    int64_t h = eng_out_open(r.e, 0, &r.conf, 5000);

    REQUIRE(h > 0);
    CHECK_EQ(eng_out_lend(r.e, 0, h, 0, 0), 0); /* not known to be there */
    CHECK_EQ(r.e->srv[0]->live.idle, 0);
    h = eng_out_open(r.e, 0, &r.conf, 5000);
    talk(&r, h, "one");
    CHECK_EQ(eng_out_end(r.e, 0, h), 0);
    CHECK_EQ(eng_out_lend(r.e, 0, h, 0, 0), 0);
    CHECK_EQ(r.e->srv[0]->live.idle, 0);
    unmade(&r);
    peer_stop(p);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    RUN(speaks_with_a_server);
    RUN(what_was_said_before_the_end_is_heard_first);
    RUN(a_reset_is_told_with_its_errno);
    RUN(a_probe_tells_one_thing_and_is_gone);
    RUN(a_refusal_is_told_at_once_or_by_an_event);
    RUN(who_does_not_answer_is_given_up);
    RUN(handles_are_never_used_again);
    RUN(what_is_lent_can_be_borrowed);
    RUN(what_is_not_at_rest_is_not_lent);
    return check_done();
}
