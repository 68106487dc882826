/* A balancer between servers and clients, all inside one test program: an engine whose workers are threads, servers
 * that answer what the path of a request asks for, clients with blocking sockets.
 *
 *     rig r = rig_make(PX_HTTP, 2);       one frontend, one backend; fields of r.fe, r.be may be changed now
 *     rig_server(&r, &s);                 s was started by peer_start()
 *     rig_start(&r);                      r.port accepts
 *     ...
 *     rig_stop(&r);                       checks that every gauge is back to zero, and the order of locks
 */
#ifndef LB_ENG_RIG_H
#define LB_ENG_RIG_H
#include "engine.h"

#include "check.h"
#include "flow.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <time.h>

#define RIG_THREADS 8
#define RIG_PATIENCE 20000 /* ms after which something that should happen has not */

static inline uint64_t now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static inline void pause_us(long us)
{
    struct timespec ts = {0, us * 1000};

    nanosleep(&ts, NULL);
}

/* Looks again and again until <cond> holds; whether it did in time. */
#define EVENTUALLY(cond)                                                                                               \
    ({                                                                                                                 \
        uint64_t limit_ = now_ms() + RIG_PATIENCE;                                                                     \
                                                                                                                       \
        while (!(cond) && now_ms() < limit_)                                                                           \
            pause_us(500);                                                                                             \
        CHECK(cond);                                                                                                   \
    })

/* --- servers --- */

#define PEER_CONNS 4096

typedef struct peer peer;
struct peer {
    void (*serve)(peer *p, int fd); /* closes nothing */
    int fd, port, stop;
    int rcvbuf;     /* set before peer_start(): of accepted sockets, 0: the kernel's */
    uint32_t conns; /* accepted so far; atomic */
    uint32_t reqs;  /* counted by <serve>; atomic */
    uint32_t bad;   /* what a server should not have seen; atomic */
    uint32_t gate;  /* for <serve>: waits until it is set; atomic */
    pthread_t acceptor, id[PEER_CONNS];
    int conn[PEER_CONNS];
    pthread_mutex_t lock; /* guards conn[] */
};

typedef struct peer_job {
    peer *p;
    uint32_t index;
    int fd;
} peer_job;

static inline void *peer_conn(void *arg)
{
    peer_job j = *(peer_job *)arg;

    free(arg);
    j.p->serve(j.p, j.fd);
    pthread_mutex_lock(&j.p->lock);
    j.p->conn[j.index] = -1;
    close(j.fd);
    pthread_mutex_unlock(&j.p->lock);
    return NULL;
}

static inline void *peer_accept(void *arg)
{
    peer *p = arg;

    for (;;) {
        int fd = accept(p->fd, NULL, NULL);
        peer_job *j;
        uint32_t i;

        if (fd < 0) {
            if (errno == EINTR || errno == ECONNABORTED)
                continue;
            return NULL;
        }
        i = at_load(&p->conns);
        REQUIRE(i < PEER_CONNS);
        sock_nodelay(fd); /* replies are written in pieces */
        j = malloc(sizeof(*j));
        *j = (peer_job){p, i, fd};
        pthread_mutex_lock(&p->lock);
        p->conn[i] = fd;
        pthread_mutex_unlock(&p->lock);
        REQUIRE(pthread_create(&p->id[i], NULL, peer_conn, j) == 0);
        at_add(&p->conns, 1);
    }
}

/* A socket that listens on a free port of 127.0.0.1. */
static inline int listen_any(int *port, int rcvbuf)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    REQUIRE(fd >= 0);
    if (rcvbuf)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof(rcvbuf));
    REQUIRE(bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0 && listen(fd, 1024) == 0);
    REQUIRE(getsockname(fd, (struct sockaddr *)&a, &len) == 0);
    *port = ntohs(a.sin_port);
    return fd;
}

static inline peer *peer_start(void (*serve)(peer *p, int fd), int rcvbuf)
{
    peer *p = calloc(1, sizeof(*p));

    REQUIRE(p);
    p->serve = serve;
    p->rcvbuf = rcvbuf;
    pthread_mutex_init(&p->lock, NULL);
    p->fd = listen_any(&p->port, rcvbuf);
    REQUIRE(pthread_create(&p->acceptor, NULL, peer_accept, p) == 0);
    return p;
}

/* How many of its connections are open. */
static inline int peer_open(peer *p)
{
    int n = 0;

    pthread_mutex_lock(&p->lock);
    for (uint32_t i = 0; i < at_load(&p->conns); i++)
        n += p->conn[i] >= 0;
    pthread_mutex_unlock(&p->lock);
    return n;
}

/* Accepts no more, ends its connections, and waits for its threads. */
static inline void peer_stop(peer *p)
{
    at_store(&p->stop, 1);
    at_store(&p->gate, 1);
    shutdown(p->fd, SHUT_RDWR);
    pthread_join(p->acceptor, NULL);
    close(p->fd);
    for (uint32_t i = 0; i < p->conns; i++) {
        pthread_mutex_lock(&p->lock);
        if (p->conn[i] >= 0)
            shutdown(p->conn[i], SHUT_RDWR);
        pthread_mutex_unlock(&p->lock);
        pthread_join(p->id[i], NULL);
    }
    pthread_mutex_destroy(&p->lock);
    free(p);
}

static inline void peer_wait(peer *p)
{
    while (!at_load(&p->gate))
        pause_us(200);
}

/* A port at which nobody listens. */
static inline int port_refused(void)
{
    int port, fd = listen_any(&port, 0);

    close(fd);
    return port;
}

/* --- talking --- */

/* All of it; whether it went. */
static inline int say(int fd, const char *data, size_t n)
{
    while (n) {
        ssize_t done = send(fd, data, n, MSG_NOSIGNAL);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return 0;
        data += done;
        n -= (size_t)done;
    }
    return 1;
}

static inline int says(int fd, const char *format, ...)
{
    char line[8192];
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    REQUIRE(n >= 0 && n < (int)sizeof(line));
    return say(fd, line, (size_t)n);
}

/* What a byte stream has at <at>, so that both ends can check it. */
static inline char pattern(uint64_t at)
{
    return (char)('a' + (at * 7 + at / 251) % 26);
}

static inline char *pattern_new(size_t n)
{
    char *p = malloc(n + 1);

    REQUIRE(p);
    for (size_t i = 0; i < n; i++)
        p[i] = pattern(i);
    return p;
}

/* A reader of messages from a blocking socket. */
typedef struct wire {
    int fd;
    char *buf; /* what was read and not used yet */
    size_t len, size;
    char head[8192]; /* of the last message, with a NUL */
    char *body;      /* of the last message, dechunked */
    size_t body_len;
    int status;  /* of the last response; -1: it never came whole */
    int ended;   /* 1: the peer closed, 2: it reset */
    int chunked; /* the last message was */
} wire;

static inline wire *wire_new(int fd)
{
    wire *w = calloc(1, sizeof(*w));

    REQUIRE(w);
    w->fd = fd;
    w->size = 65536;
    w->buf = malloc(w->size);
    return w;
}

static inline void wire_del(wire *w)
{
    free(w->buf);
    free(w->body);
    free(w);
}

static inline int wire_more(wire *w)
{
    ssize_t n;

    if (w->len == w->size) {
        w->size *= 2;
        w->buf = realloc(w->buf, w->size);
        REQUIRE(w->buf);
    }
    do
        n = recv(w->fd, w->buf + w->len, w->size - w->len, 0);
    while (n < 0 && errno == EINTR);
    if (n > 0) {
        w->len += (size_t)n;
        return 1;
    }
    w->ended = !n ? 1 : errno == ECONNRESET ? 2 : 3;
    return 0;
}

static inline void wire_drop(wire *w, size_t n)
{
    memmove(w->buf, w->buf + n, w->len - n);
    w->len -= n;
}

static inline int wire_head(wire *w)
{
    for (;;) {
        char *end = w->len ? memmem(w->buf, w->len, "\r\n\r\n", 4) : NULL;

        if (end) {
            size_t n = (size_t)(end - w->buf) + 4;

            REQUIRE(n < sizeof(w->head));
            memcpy(w->head, w->buf, n);
            w->head[n] = 0;
            wire_drop(w, n);
            return 1;
        }
        if (!wire_more(w))
            return 0;
    }
}

static inline int wire_take(wire *w, size_t n)
{
    while (w->len < n)
        if (!wire_more(w))
            return 0;
    w->body = realloc(w->body, w->body_len + n + 1);
    REQUIRE(w->body);
    memcpy(w->body + w->body_len, w->buf, n);
    w->body_len += n;
    wire_drop(w, n);
    return 1;
}

static inline int wire_chunks(wire *w)
{
    for (;;) {
        char *eol;
        size_t n;

        while (!(eol = w->len ? memmem(w->buf, w->len, "\r\n", 2) : NULL))
            if (!wire_more(w))
                return 0;
        n = strtoul(w->buf, NULL, 16);
        wire_drop(w, (size_t)(eol - w->buf) + 2);
        if (!n)
            break;
        if (!wire_take(w, n))
            return 0;
        while (w->len < 2)
            if (!wire_more(w))
                return 0;
        if (memcmp(w->buf, "\r\n", 2))
            return 0;
        wire_drop(w, 2);
    }
    for (;;) { /* trailers */
        char *eol;
        size_t n;

        while (!(eol = w->len ? memmem(w->buf, w->len, "\r\n", 2) : NULL))
            if (!wire_more(w))
                return 0;
        n = (size_t)(eol - w->buf);
        wire_drop(w, n + 2);
        if (!n)
            return 1;
    }
}

/* The value of field <name> (lower case, with its colon) in the last head, or NULL. */
static inline const char *wire_field(const wire *w, const char *name)
{
    const char *line = strstr(w->head, "\r\n");

    for (; line && line[2] && line[2] != '\r'; line = strstr(line + 2, "\r\n"))
        if (!strncasecmp(line + 2, name, strlen(name))) {
            line += 2 + strlen(name);
            return line + strspn(line, " ");
        }
    return NULL;
}

static inline int wire_body(wire *w, int until_close)
{
    const char *clen = wire_field(w, "content-length:");

    w->body_len = 0;
    w->chunked = wire_field(w, "transfer-encoding:") != NULL;
    if (w->chunked)
        return wire_chunks(w);
    if (clen)
        return wire_take(w, strtoul(clen, NULL, 10));
    if (!until_close)
        return 1;
    while (wire_more(w))
        ;
    return wire_take(w, w->len);
}

/* Reads one request with its body; whether it came whole. */
static inline int wire_request(wire *w)
{
    return wire_head(w) && wire_body(w, 0);
}

/* Reads one response (interim ones too); <head>: to a HEAD request. Its status, -1 if it did not come whole. */
static inline int wire_response(wire *w, int head)
{
    int status;

    w->status = -1;
    w->body_len = 0;
    if (!wire_head(w))
        return -1;
    status = atoi(w->head + 9);
    if (!head && status >= 200 && status != 204 && status != 304 && !wire_body(w, 1))
        return -1;
    return w->status = status;
}

static inline int body_is_pattern(const wire *w, size_t n)
{
    if (w->body_len != n)
        return 0;
    for (size_t i = 0; i < n; i++)
        if (w->body[i] != pattern(i))
            return 0;
    return 1;
}

static inline int dial_from(int port, const char *from)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in me = {.sin_family = AF_INET};
    struct timeval patience = {RIG_PATIENCE / 1000, 0};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

    REQUIRE(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    setsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &one, sizeof(one));
    if (from) {
        inet_pton(AF_INET, from, &me.sin_addr);
        REQUIRE(bind(fd, (struct sockaddr *)&me, sizeof(me)) == 0);
    }
    REQUIRE(connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
    return fd;
}

static inline int dial(int port)
{
    return dial_from(port, NULL);
}

/* --- the balancer --- */

/* Verdicts on their way to an engine. */
typedef struct verdicts {
    char *p;
    size_t len, size;
} verdicts;

/* Adds <v> with the <n> bytes of <text>. */
static inline void verdict_add(verdicts *s, lb_verdict v, const char *text, size_t n)
{
    v.len = (uint32_t)n;
    if (s->len + sizeof(v) + n > s->size) {
        s->size = (s->len + sizeof(v) + n) * 2;
        s->p = realloc(s->p, s->size);
        REQUIRE(s->p);
    }
    memcpy(s->p + s->len, &v, sizeof(v));
    if (n)
        memcpy(s->p + s->len + sizeof(v), text, n);
    s->len += sizeof(v) + n;
}

typedef struct rig rig;
/* Stands for Python: answers question <a>, whose texts lie at <texts>, by thread <tid>. */
typedef void (*rig_answer)(rig *r, int tid, const lb_ask *a, const char *texts, verdicts *out);

struct rig {
    engine *e;
    int n, port, lsn_fd, fe_i, be_i, lsn;
    fe_conf *fe;
    be_conf *be;
    pthread_t id[RIG_THREADS];
    uint32_t stop[RIG_THREADS]; /* atomic */
    uint32_t up;                /* workers in their loop; atomic */
    uint64_t recs;              /* records of finished streams; atomic */
    char term[2];               /* of the last record */
    int status;
    uint32_t rec_flags; /* of the last record */
    uint64_t rec_uploaded, rec_read;
    int32_t rec_backend, rec_tr;
    uint32_t rec_bfamily, rec_bport;
    int nsrv;
    rig_answer answer;
    void *arg;         /* for <answer> */
    uint32_t asked;    /* questions so far; atomic */
    uint32_t ended;    /* sessions that ended, as was told; atomic */
    uint32_t withhold; /* 1: verdicts are not given to the engine; atomic */
    uint32_t hold;     /* 1: workers that come to the sync point wait; atomic */
    uint32_t here;     /* workers that wait there; atomic */
};

typedef struct rig_worker {
    rig *r;
    int tid;
} rig_worker;

static inline void rig_hear(rig *r, int tid, const lb_event *ev, verdicts *out)
{
    const lb_ask *a = ev->data;

    for (uint64_t i = 0; i < ev->len; i++) {
        REQUIRE(r->answer);
        r->answer(r, tid, &a[i], (const char *)(uintptr_t)ev->handle, out);
    }
    at_add(&r->asked, (uint32_t)ev->len);
}

static inline void rig_wait(rig *r)
{
    at_add(&r->here, 1);
    while (at_load(&r->hold))
        pause_us(50);
    at_sub(&r->here, 1);
}

/* From here to rig_part() all workers stand outside of eng_poll(). */
static inline void rig_meet(rig *r)
{
    at_store(&r->hold, 1);
    eng_ask_sync(r->e);
    EVENTUALLY(at_load(&r->here) == (uint32_t)r->n);
}

static inline void rig_part(rig *r)
{
    at_store(&r->hold, 0);
    EVENTUALLY(at_load(&r->here) == 0);
}

static inline void rig_note(rig *r, int tid, const lb_event *ev, int n, verdicts *out)
{
    for (int i = 0; i < n; i++) {
        const lb_rec *rec = ev[i].data;

        if (ev[i].kind == EV_ASK)
            rig_hear(r, tid, &ev[i], out);
        if (ev[i].kind == EV_SYNC)
            rig_wait(r);
        if (ev[i].kind == EV_SESSION_END)
            at_add(&r->ended, 1);
        if (ev[i].kind != EV_DONE)
            continue;
        for (uint64_t k = 0; k < ev[i].len; k++) {
            at_store(&r->term[0], rec[k].term[0]);
            at_store(&r->term[1], rec[k].term[1]);
            at_store(&r->status, rec[k].status);
            at_store(&r->rec_uploaded, rec[k].bytes_uploaded);
            at_store(&r->rec_bfamily, rec[k].bfamily);
            at_store(&r->rec_bport, rec[k].bport);
            at_store(&r->rec_flags, rec[k].flags);
            at_store(&r->rec_backend, rec[k].backend);
            at_store(&r->rec_tr, rec[k].tr);
            at_store(&r->rec_read, rec[k].bytes_read);
        }
        at_add(&r->recs, ev[i].len);
    }
}

static inline void *rig_work(void *arg)
{
    rig_worker w = *(rig_worker *)arg;
    rig *r = w.r;
    verdicts said = {0};

    free(arg);
    REQUIRE(eng_thread_init(r->e, w.tid) == 0);
    at_add(&r->up, 1);
    for (int i = 0; i < eng_listener_count(r->e); i++)
        eng_listener_enable(r->e, w.tid, i);
    while (!at_load(&r->stop[w.tid])) {
        int give = !at_load(&r->withhold), n = eng_poll(r->e, w.tid, -1, said.p, give ? (int)said.len : 0);

        REQUIRE(n >= 0);
        if (give)
            said.len = 0;
        rig_note(r, w.tid, *eng_events(r->e, w.tid), n, &said);
    }
    eng_thread_fini(r->e, w.tid);
    free(said.p);
    return NULL;
}

static inline eng_conf rig_conf(int threads)
{
    return (eng_conf){.nbthread = (uint32_t)threads,
                      .bufsize = 16384,
                      .maxrewrite = 1024,
                      .maxhdr = 101,
                      .maxaccept = 64,
                      .maxpipes = 64,
                      .pipesize = 65536,
                      .maxfd = 8192,
                      .idle_shared = 1,
                      .lock_flags = LOCK_F_ORDER | LOCK_F_FIGURES};
}

static inline void rig_pages(engine *e)
{
    static const int codes[] = {400, 408, 500, 502, 503, 504};
    char text[200];

    for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
        int n = snprintf(text, sizeof(text), "HTTP/1.1 %d Wrong\r\nContent-Length: 5\r\n\r\nwrong", codes[i]);

        REQUIRE(eng_set_error(e, codes[i], 0, text, n) == 0);
        n = snprintf(text, sizeof(text), "HTTP/1.1 %d Wrong\r\nContent-Length: 5\r\nConnection: close\r\n\r\nwrong",
                     codes[i]);
        REQUIRE(eng_set_error(e, codes[i], 1, text, n) == 0);
    }
}

static inline rig *rig_make_conf(int mode, const eng_conf *conf, uint32_t lsn_maxconn, uint64_t lsn_mask)
{
    rig *r = calloc(1, sizeof(*r));

    REQUIRE(r);
    r->n = (int)conf->nbthread;
    r->e = eng_new(conf);
    REQUIRE(r->e);
    r->fe_i = eng_frontend_add(r->e);
    r->be_i = eng_backend_add(r->e);
    REQUIRE(r->fe_i >= 0 && r->be_i >= 0);
    r->lsn_fd = listen_any(&r->port, 0);
    fcntl(r->lsn_fd, F_SETFL, O_NONBLOCK);
    r->lsn = eng_listener_add(r->e, r->fe_i, r->lsn_fd, 0, lsn_maxconn, lsn_mask);
    REQUIRE(r->lsn >= 0);
    r->fe = eng_fe_conf(r->e, r->fe_i);
    r->be = eng_be_conf(r->e, r->be_i);
    r->fe->mode = r->be->mode = (uint32_t)mode;
    r->fe->backend = r->be_i;
    r->fe->options = PX_O_LOG;
    r->fe->t_client = r->be->t_server = r->be->t_connect = r->be->t_queue = 15000;
    r->fe->t_http_request = r->fe->t_http_keep_alive = 15000;
    r->be->reuse = REUSE_ALWAYS;
    r->be->retries = 3;
    r->be->retry_on = RETRY_CONN;
    rig_pages(r->e);
    return r;
}

static inline rig *rig_make(int mode, int threads)
{
    eng_conf conf = rig_conf(threads);

    return rig_make_conf(mode, &conf, 0, 0);
}

static inline srv_conf *rig_server_port(rig *r, int port)
{
    static const uint8_t loopback[4] = {127, 0, 0, 1};
    int i = eng_server_add(r->e, r->be_i);
    srv_conf *s;

    REQUIRE(i >= 0);
    s = eng_srv_conf(r->e, i);
    REQUIRE(sock_addr_set(&s->addr, AF_INET, (const char *)loopback, 4, port) == 0);
    r->nsrv++;
    return s;
}

static inline srv_conf *rig_server(rig *r, const peer *p)
{
    return rig_server_port(r, p->port);
}

static inline void rig_start(rig *r)
{
    REQUIRE(eng_ready(r->e) == 0);
    for (int i = 0; i < r->n; i++) {
        rig_worker *w = malloc(sizeof(*w));

        *w = (rig_worker){r, i};
        REQUIRE(pthread_create(&r->id[i], NULL, rig_work, w) == 0);
    }
    EVENTUALLY(at_load(&r->up) == (uint32_t)r->n && at_load(&eng_lsn_live(r->e, r->lsn)->state) == LSN_READY);
}

/* Ends worker <i>. */
static inline void rig_end_worker(rig *r, int i)
{
    at_store(&r->stop[i], 1);
    eng_wake(r->e, i);
    pthread_join(r->id[i], NULL);
    r->id[i] = 0;
}

/* When all clients have gone, nothing may be counted any more. */
static inline void rig_check_quiet(rig *r)
{
    eng_live *l = eng_live_figures(r->e);

    EVENTUALLY(at_load(&l->actconn) == 0);
    CHECK_EQ(at_load(&eng_fe_live(r->e, r->fe_i)->cur), 0);
    CHECK_EQ(at_load(&eng_lsn_live(r->e, r->lsn)->cur), 0);
    CHECK_EQ(at_load(&eng_be_live(r->e, r->be_i)->cur), 0);
    CHECK_EQ(at_load(&eng_be_live(r->e, r->be_i)->served), 0);
    CHECK_EQ(at_load(&eng_be_live(r->e, r->be_i)->queued), 0);
    for (int i = 0; i < r->nsrv; i++) {
        px_live *s = eng_srv_live(r->e, i);

        EVENTUALLY(at_load(&s->served) == 0); /* a slot may still be on its way back through a thread's inbox */
        CHECK_EQ(at_load(&s->cur), 0);
        CHECK_EQ(at_load(&s->used), 0);
    }
    CHECK(at_load(&l->jobs) <= 1); /* the listener */
}

static inline void rig_stop(rig *r)
{
    char text[128];

    rig_check_quiet(r);
    for (int i = 0; i < r->n; i++) {
        at_store(&r->stop[i], 1);
        eng_wake(r->e, i);
    }
    for (int i = 0; i < r->n; i++)
        if (r->id[i])
            pthread_join(r->id[i], NULL);
    if (!CHECK(lockset_violations(eng_locks(r->e)) == 0) && lockset_violation(eng_locks(r->e), text, sizeof(text)))
        printf("    %s\n", text);
    for (int i = 0; i < r->nsrv; i++)
        CHECK_EQ(at_load(&eng_srv_live(r->e, i)->idle), 0);
    eng_free(r->e);
    free(r);
}

static inline uint64_t rig_turns(rig *r)
{
    uint64_t sum = 0;
    thr_figures fig;

    for (int i = 0; i < r->n; i++) {
        eng_thread_figures(r->e, i, &fig);
        sum += fig.turns;
    }
    return sum;
}

static inline int open_fds(void)
{
    int n = 0;

    for (int fd = 0; fd < 4096; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}
#endif
