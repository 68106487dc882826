/* A random world: an engine, servers and clients made of one seed, let loose, and looked at afterwards. */
#ifndef LB_RND_WORLD_H
#define LB_RND_WORLD_H
#include "rnd_asks.h"
#include "rnd_clients.h"

#define CROWD 8
#define FROZEN 8
#define WORLD_SECONDS 90 /* nothing in a world takes as long */
#define FROZEN_MS 100
#define FROZEN_TURNS 500 /* timeouts may end each connection in that time, and some servers be tried again */

static inline uint32_t maybe(rnd *g, uint32_t n, uint32_t value)
{
    return once_in(g, n) ? value : 0;
}

static inline eng_conf world_engine(rnd *g)
{
    static const uint32_t sizes[] = {1024, 1500, 4096, 16384, 16384, 16384};
    eng_conf c = rig_conf(1 + (int)rnd_below(g, 4));

    c.bufsize = ONE_OF(g, sizes);
    c.maxrewrite = once_in(g, 2) ? c.bufsize / 16 : c.bufsize / 4;
    c.maxaccept = 1 + rnd_below(g, 64);
    c.maxpollevents = maybe(g, 4, 1 + rnd_below(g, 8));
    c.maxconn = maybe(g, 5, 1 + rnd_below(g, 6));
    c.maxpipes = rnd_below(g, 6);
    c.pipesize = once_in(g, 2) ? 4096 : 65536;
    c.nosplice = maybe(g, 8, 1);
    c.idle_shared = rnd_below(g, 2);
    c.no_pollers = rnd_below(g, 3) ? 0 : 1u << rnd_below(g, 3);
    c.rcvbuf_client = maybe(g, 5, 4096);
    c.sndbuf_client = maybe(g, 4, 4096);
    c.rcvbuf_server = maybe(g, 5, 4096);
    c.sndbuf_server = maybe(g, 4, 4096);
    return c;
}

static inline uint32_t world_time(const world *w, rnd *g)
{
    return w->calm ? 8000 : 20 + rnd_below(g, once_in(g, 2) ? 150 : 1200);
}

static inline void world_frontend(world *w, rnd *g)
{
    static const uint32_t options[] = {PX_O_SERVER_CLOSE, PX_O_CLOSE,        PX_O_FORWARDFOR, PX_O_NOLINGER,
                                       PX_O_LOG_URI,      PX_O_DONTLOGNULL,  PX_O_SOCKET_STATS, PX_O_DST,
                                       PX_O_LOGASAP,      PX_O_SMART_ACCEPT, PX_O_KA_CLIENT};
    fe_conf *c = w->r->fe;

    for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
        c->options |= maybe(g, 6, options[i]);
    c->ff_len = (uint32_t)snprintf(c->ff_name, sizeof(c->ff_name), "x-forwarded-for");
    c->maxconn = maybe(g, 5, 1 + rnd_below(g, 6));
    c->t_client = world_time(w, g);
    c->t_http_request = once_in(g, 3) ? 0 : world_time(w, g);
    c->t_http_keep_alive = once_in(g, 3) ? 0 : world_time(w, g);
    c->t_client_fin = once_in(g, 2) ? 0 : world_time(w, g);
}

static inline void world_backend(world *w, rnd *g)
{
    static const uint32_t options[] = {PX_O_ABORTONCLOSE, PX_O_SPLICE_REQ, PX_O_SPLICE_RES, PX_O_SPLICE_AUTO,
                                       PX_O_FORWARDFOR,   PX_O_NOLINGER,   PX_O_SMART_CONNECT, PX_O_KA_SERVER,
                                       PX_O_SERVER_CLOSE};
    static const uint32_t algos[] = {LB_ROUNDROBIN, LB_STATIC_RR, LB_LEASTCONN, LB_FIRST, LB_RANDOM, LB_HASH};
    static const uint16_t codes[] = {500, 503, 404};
    be_conf *c = w->r->be;

    for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
        c->options |= maybe(g, 4, options[i]);
    c->ff_len = (uint32_t)snprintf(c->ff_name, sizeof(c->ff_name), "x-forwarded-for");
    c->reuse = rnd_below(g, 4);
    c->algo = ONE_OF(g, algos);
    c->lb_type = maybe(g, 2, LB_TYPE_CONSISTENT);
    c->retries = rnd_below(g, 4);
    c->redispatch = (int32_t)rnd_below(g, 4) - 1;
    c->retry_on = once_in(g, 2) ? RETRY_CONN : rnd_below(g, 16);
    c->retry_status[0] = once_in(g, 4) ? ONE_OF(g, codes) : 0;
    c->t_connect = w->calm ? 8000 : 20 + rnd_below(g, 100); /* also the pause before a server that refused is tried again */
    c->t_server = world_time(w, g);
    c->t_queue = world_time(w, g);
    c->t_server_fin = once_in(g, 2) ? 0 : world_time(w, g);
    c->t_tunnel = once_in(g, 2) ? 0 : world_time(w, g);
    w->twice = (c->retry_on & ~(uint32_t)RETRY_CONN) || c->retry_status[0];
    w->resets = ((c->options | w->r->fe->options) & PX_O_NOLINGER) != 0;
}

/* Which decisions are asked for, in every other world. */
static inline void world_asks(world *w)
{
    rnd g = rnd_of(w->seed, 0xa5);

    w->r->answer = answer_at_random;
    w->r->arg = w;
    if (once_in(&g, 2))
        return;
    w->r->fe->asks = rnd_below(&g, 64);
    w->r->be->asks = once_in(&g, 2) ? 0 : rnd_below(&g, 64);
}

static inline void world_server(world *w, rnd *g, const peer *p)
{
    srv_conf *s = !w->calm && once_in(g, 5) ? rig_server_port(w->r, port_refused()) : rig_server(w->r, p);

    s->maxconn = maybe(g, 3, 1 + rnd_below(g, 4));
    s->minconn = s->maxconn ? maybe(g, 3, 1) : 0;
    s->weight = 1 + rnd_below(g, 5);
    s->backup = once_in(g, 5);
    s->pool_max = once_in(g, 4) ? (int32_t)rnd_below(g, 4) : -1;
    s->pool_purge = maybe(g, 2, 5 + rnd_below(g, 100));
    s->pool_low = maybe(g, 4, 2);
    s->max_reuse = once_in(g, 4) ? (int32_t)rnd_below(g, 4) : -1;
}

/* --- peers that do nothing --- */

/* Connections at every point at which one may come to a standstill. */
static inline int freeze_one(world *w, uint32_t which, uint32_t n)
{
    static const char *const heads[] = {"",
                                        "GET / HT",
                                        "POST /echo/9/0/0 HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc",
                                        "POST /echo/9/0/0 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
                                        "GET /held/%u/0/0 HTTP/1.1\r\nHost: a\r\n\r\n",
                                        "GET /held/%u/0/0 HTTP/1.1\r\nHost: a\r\n\r\nGET /held/0/0/0 HT",
                                        "GET /len/3000000/0/0 HTTP/1.1\r\nHost: a\r\n\r\n",
                                        "GET /held/%u/0/0 HTTP/1.0\r\n\r\n",
                                        "GET /chunk/3000000/0/0 HTTP/1.1\r\nHost: a\r\n\r\n"};
    const char *head = heads[which % (sizeof(heads) / sizeof(*heads))];
    int fd = call(w, 0);
    text t = {0};

    if (fd < 0)
        return fd;
    if (w->mode == PX_TCP)
        text_format(&t, "%s", n % 2 ? "h" : "e");
    else if (strstr(head, "%u"))
        text_format(&t, head, n);
    else
        text_add(&t, head, strlen(head));
    if (once_in(&(rnd){w->seed + which}, 4))
        text_pattern(&t, 30000);
    send(fd, t.p, t.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if ((n >> 4) % 3 == 0)
        shutdown(fd, SHUT_WR);
    free(t.p);
    return fd;
}

/* While nobody does anything, the engine does nothing. */
static inline void check_stillness(world *w, rnd *g)
{
    int fd[FROZEN];
    uint64_t before, turns;

    for (uint32_t i = 0; i < FROZEN; i++)
        fd[i] = freeze_one(w, rnd_below(g, 9), rnd_below(g, 300));
    pause_us(50000);
    before = rig_turns(w->r);
    pause_us(FROZEN_MS * 1000);
    turns = rig_turns(w->r) - before;
    if (turns > FROZEN_TURNS)
        WRONG(w, "%llu turns in %d ms in which nobody did anything", (unsigned long long)turns, FROZEN_MS);
    for (uint32_t i = 0; i < FROZEN; i++)
        if (fd[i] >= 0)
            close(fd[i]);
    at_store(&w->thaw, 1);
}

/* --- its life --- */

static inline void *let_loose(void *arg)
{
    check_threads(CROWD, one_of_the_crowd, arg);
    return NULL;
}

/* Takes the engine away from under its clients. */
static inline void world_ends_early(world *w, rnd *g, pthread_t crowd)
{
    rig *r = w->r;

    pause_us(rnd_below(g, 60000));
    at_store(&w->ending, 1);
    if (once_in(g, 3))
        eng_stopping(r->e);
    if (once_in(g, 3))
        eng_listener_unbind(r->e, r->lsn);
    pause_us(rnd_below(g, 5000));
    for (int i = 0; i < r->n; i++)
        rig_end_worker(r, i);
    if (lockset_violations(eng_locks(r->e)))
        WRONG(w, "locks were taken out of order");
    eng_free(r->e);
    free(r);
    at_store(&w->thaw, 1);
    pthread_join(crowd, NULL);
}

/* Who called before and left at once may still wait to be accepted: they have been once a later caller was. */
static inline void call_last(world *w)
{
    int fd = call(w, 0);

    if (fd < 0)
        return;
    says(fd, "GET /len/1/0/0 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    shutdown(fd, SHUT_WR);
    wait_for_end(fd);
    close(fd);
}

static inline void world_ends_well(world *w, rnd *g, pthread_t crowd)
{
    rig *r = w->r;

    for (int i = rnd_below(g, 3) ? 0 : 5; i > 0; i--) {
        eng_listener_pause(r->e, r->lsn);
        pause_us(rnd_below(g, 2000));
        eng_listener_resume(r->e, r->lsn);
        pause_us(rnd_below(g, 5000));
    }
    pthread_join(crowd, NULL);
    check_stillness(w, g);
    call_last(w);
    if (once_in(g, 4))
        eng_stopping(r->e);
    rig_stop(r);
}

static inline void world_late(int sig)
{
    char line[100];
    int n = snprintf(line, sizeof(line), "seed %llu: it never ends\n", (unsigned long long)the_world->seed);

    (void)sig;
    if (n > 0 && write(1, line, (size_t)n) == n)
        abort();
    abort();
}

/* Lives through what <seed> stands for; the number of requests and streams that were honest and went well. */
static inline uint32_t world_run(uint64_t seed)
{
    rnd g = rnd_of(seed, 0);
    world *w = calloc(1, sizeof(*w));
    eng_conf conf = world_engine(&g);
    unsigned failures = check_failures;
    uint32_t answered;
    int fds = open_fds();
    pthread_t crowd;
    peer *p;

    REQUIRE(w);
    the_world = w;
    w->seed = seed;
    w->mode = once_in(&g, 3) ? PX_TCP : PX_HTTP;
    w->calm = once_in(&g, 2);
    w->closers = once_in(&g, 3);
    w->liars = !w->calm && once_in(&g, 2);
    signal(SIGALRM, world_late);
    alarm(WORLD_SECONDS);
    p = peer_start(w->mode == PX_TCP ? serve_stream : serve_random, 0);
    w->r = rig_make_conf(w->mode, &conf, maybe(&g, 5, 1 + rnd_below(&g, 6)), rnd_below(&g, 3) ? 0 : 1 + rnd_below(&g, 15));
    w->port = w->r->port;
    world_frontend(w, &g);
    world_backend(w, &g);
    world_asks(w);
    for (uint32_t n = 1 + rnd_below(&g, 3); n; n--)
        world_server(w, &g, p);
    rig_start(w->r);
    REQUIRE(pthread_create(&crowd, NULL, let_loose, w) == 0);
    if (once_in(&g, 5))
        world_ends_early(w, &g, crowd);
    else
        world_ends_well(w, &g, crowd);
    peer_stop(p);
    EVENTUALLY(open_fds() == fds);
    alarm(0);
    if (check_failures != failures)
        printf("FAILED seed %llu (%s%s%s)\n", (unsigned long long)seed, w->mode == PX_TCP ? "tcp" : "http",
               w->calm ? ", calm" : "", w->liars ? ", liars" : "");
    answered = w->answered;
    free(w);
    return answered;
}
#endif
