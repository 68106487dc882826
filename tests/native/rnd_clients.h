/* Clients of a random world: honest ones, which know what they must get, and wild ones, which send anything and leave
 * anyhow. */
#ifndef LB_RND_CLIENTS_H
#define LB_RND_CLIENTS_H
#include "rnd_peers.h"

#define ROUNDS 5 /* connections of a client */
#define BATCH 6  /* requests of a connection */
#define BATCH_BYTES 40000 /* sent before anything is read: what sockets take on the way */

/* A connection to the balancer, or -1 if it is gone. */
static inline int call(const world *w, int rcvbuf)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)w->port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {RIG_PATIENCE / 1000, 0};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    REQUIRE(fd >= 0);
    if (rcvbuf)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof(rcvbuf));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    sock_nodelay(fd);
    if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
        return fd;
    close(fd);
    return -1;
}

/* --- honest clients --- */

typedef struct ask {
    const char *verb, *what;
    uint32_t n, id;
    int close, old; /* ends the connection; HTTP/1.0 */
} ask;

static inline ask ask_any(world *w, rnd *g, int last)
{
    static const char *const stages[] = {"len", "len", "chunk", "chunk", "eof", "status", "empty", "echo", "echo"};
    static const uint32_t codes[] = {200, 404, 500, 503};
    ask a = {.verb = "GET", .what = ONE_OF(g, stages), .n = rnd_length(g), .id = id_new(w)};

    if (!strcmp(a.what, "status"))
        a.n = ONE_OF(g, codes);
    if (!strcmp(a.what, "echo"))
        a.verb = "POST";
    else if (strcmp(a.what, "eof") && once_in(g, 6))
        a.verb = "HEAD";
    a.old = last && once_in(g, 6);
    a.close = last && once_in(g, 3);
    return a;
}

static inline void ask_write(const world *w, rnd *g, const ask *a, text *t)
{
    text_format(t, "%s /%s/%u/%u/%u HTTP/1.%d\r\nHost: a\r\n", a->verb, a->what, a->n, a->id, id_check(w, a->id), !a->old);
    if (a->close)
        text_format(t, "Connection: close\r\n");
    if (once_in(g, 3))
        text_format(t, "X-Pad: %*s\r\nAccept: */*\r\n", (int)(1 + rnd_below(g, 200)), "y");
    if (strcmp(a->verb, "POST")) {
        text_add(t, "\r\n", 2);
    } else if (a->old || once_in(g, 2)) {
        text_format(t, "Content-Length: %u\r\n\r\n", a->n);
        text_pattern(t, a->n);
    } else {
        text_format(t, "Transfer-Encoding: chunked\r\n\r\n");
        text_chunks(t, g, a->n);
    }
}

static inline uint32_t ask_length(const ask *a)
{
    return !strcmp(a->what, "empty") ? 0 : a->n;
}

/* Whether nothing excuses that <a> gets no answer from its server. */
static inline int must_succeed(const world *w, const ask *a)
{
    return w->calm && !at_load(&w->ending) && (strcmp(a->verb, "POST") || !w->closers);
}

static inline int says_close(const wire *in)
{
    const char *conn = wire_field(in, "connection:");

    return (conn && !strncasecmp(conn, "close", 5)) ||
           !(wire_field(in, "content-length:") || wire_field(in, "transfer-encoding:"));
}

/* A connection was closed after a reply, and a request that was sent behind made the kernel reset it, which overtook the
 * reply (RFC 9112 9.6). The reset itself may have been told to a send(). */
static inline int overtaken(const wire *in, int behind)
{
    return in->ended && behind && says_close(in);
}

/* Judges a reply that came whole; 0: nothing more is to be expected on this connection. <behind>: requests were sent after
 * this one. */
static inline int judge(world *w, const ask *a, wire *in, int behind)
{
    const char *id = wire_field(in, "x-id:"), *conn = wire_field(in, "connection:");
    int expected = !strcmp(a->what, "status") ? (int)a->n : !strcmp(a->what, "empty") ? 204 : 200;

    if (!id) {
        if (must_succeed(w, a) || (in->status / 100 == 2 && !w->liars))
            WRONG(w, "%s /%s/%u/%u got the balancer's own %d", a->verb, a->what, a->n, a->id, in->status);
    } else if ((uint32_t)strtoul(id, NULL, 10) != a->id) {
        WRONG(w, "%s /%s/%u/%u got the reply to %.10s", a->verb, a->what, a->n, a->id, id);
    } else if (in->status != expected) {
        WRONG(w, "%s /%s/%u/%u got %d", a->verb, a->what, a->n, a->id, in->status);
    } else if (strcmp(a->verb, "HEAD") && strcmp(a->what, "status") && !body_is_pattern(in, ask_length(a))) {
        if (in->ended < 2 && !overtaken(in, behind)) /* a body without a length, cut off by an error: it was told */
            WRONG(w, "%s /%s/%u/%u got %zu other bytes", a->verb, a->what, a->n, a->id, in->body_len);
    } else {
        at_add(&w->answered, 1);
    }
    return !in->ended && !(conn && !strncasecmp(conn, "close", 5)) && !a->close && !a->old;
}

static inline int read_reply(world *w, const ask *a, wire *in, int behind)
{
    int status, head = !strcmp(a->verb, "HEAD");

    in->ended = 0;
    in->head[0] = 0;
    do
        status = wire_response(in, head);
    while (status >= 100 && status < 200);
    if (status > 0)
        return judge(w, a, in, behind);
    if (in->ended == 3 && errno == EAGAIN && !at_load(&w->ending))
        WRONG(w, "%s /%s/%u/%u waits for ever", a->verb, a->what, a->n, a->id);
    else if (must_succeed(w, a) && !(w->resets && in->ended == 2) && !(in->head[0] && overtaken(in, behind)))
        WRONG(w, "%s /%s/%u/%u got no answer: ended %d, %zu bytes left, %zu of the body, after \"%.200s\"", a->verb, a->what,
              a->n, a->id, in->ended, in->len, in->body_len, in->head);
    return 0;
}

/* A few requests on one connection, pipelined or not. */
static inline void be_honest(world *w, rnd *g)
{
    int fd = call(w, once_in(g, 4) ? 4096 : 0), n = 1 + (int)rnd_below(g, BATCH), pipelined = once_in(g, 2), more = 1;
    ask all[BATCH];
    text t = {0};
    wire *in;
    int read = 0;

    if (fd < 0)
        return;
    in = wire_new(fd);
    for (int i = 0; i < n && more; i++) {
        all[i] = ask_any(w, g, i == n - 1);
        if (pipelined && !strcmp(all[i].verb, "POST"))
            all[i].n %= 5000;
        ask_write(w, g, &all[i], &t);
        if (pipelined && i < n - 1 && t.len < BATCH_BYTES)
            continue;
        dribble(fd, g, t.p, t.len);
        t.len = 0;
        for (; more && read <= i; read++)
            more = read_reply(w, &all[read], in, read < i);
        if (once_in(g, 4))
            pause_us(rnd_below(g, 3000));
    }
    free(t.p);
    wire_del(in);
    close(fd);
}

/* A connection that becomes a tunnel. */
static inline void be_upgraded(world *w, rnd *g)
{
    ask a = {.verb = "GET", .what = "switch", .id = id_new(w)};
    int fd = call(w, 0);
    text t = {0};
    wire *in;

    if (fd < 0)
        return;
    in = wire_new(fd);
    text_format(&t, "GET /switch/0/%u/%u HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", a.id,
                id_check(w, a.id));
    dribble(fd, g, t.p, t.len);
    if (wire_response(in, 0) == 101) {
        t.len = 0;
        text_pattern(&t, rnd_below(g, 20000));
        dribble(fd, g, t.p, t.len);
        shutdown(fd, SHUT_WR);
        while (wire_more(in))
            ;
        in->body_len = 0;
        if ((in->len != t.len || memcmp(in->buf, t.p, t.len)) && w->calm && !w->resets && !at_load(&w->ending))
            WRONG(w, "a tunnel gave %zu of %zu bytes back", in->len, t.len);
    } else if (must_succeed(w, &a)) {
        WRONG(w, "an upgrade got %d", in->status);
    }
    free(t.p);
    wire_del(in);
    close(fd);
}

/* Sends a pattern and gets it back; what comes must be it whatever happens. */
static inline void be_honest_stream(world *w, rnd *g)
{
    size_t n = 1 + rnd_length(g), sent = 0, got = 0;
    int fd = call(w, once_in(g, 4) ? 4096 : 0), up = fd >= 0, bad = 0;
    char *out = pattern_new(n), in[16384];
    ssize_t k = 1;

    out[0] = 'e';
    while (up && got < n && k > 0) {
        size_t part = n - sent < 40000 ? n - sent : 40000;

        up = !part || dribble(fd, g, out + sent, part);
        sent += part;
        while (up && got < sent && (k = recv(fd, in, sizeof(in), 0)) > 0) {
            bad |= got + (size_t)k > n || memcmp(in, out + got, (size_t)k) != 0;
            got += (size_t)k;
        }
    }
    if (k < 0 && errno == EAGAIN && !at_load(&w->ending))
        WRONG(w, "a stream waits for ever at %zu of %zu", got, n);
    else if (bad || (w->calm && !at_load(&w->ending) && got != n))
        WRONG(w, "a stream gave %zu of %zu bytes back%s", got, n, bad ? ", others" : "");
    else
        at_add(&w->answered, got == n);
    free(out);
    if (fd >= 0)
        close(fd);
}

/* --- wild clients --- */

static inline void write_wild(world *w, rnd *g, text *t)
{
    static const char *const stages[] = {"len", "chunk", "eof", "status", "empty", "echo", "early", "bad", "bad", "switch"};
    static const char *const verbs[] = {"GET", "GET", "POST", "POST", "HEAD", "PUT", "CONNECT", "OPTIONS"};
    text one = {0};

    for (int i = 0, n = 1 + (int)rnd_below(g, 4); i < n; i++) {
        uint32_t len = rnd_length(g);

        one.len = 0;
        text_format(&one, "%s /%s/%u/%u/0 HTTP/1.%d\r\nHost: a\r\n", ONE_OF(g, verbs), ONE_OF(g, stages),
                    once_in(g, 9) ? 304 : len, id_new(w), (int)!once_in(g, 6));
        if (once_in(g, 8))
            text_format(&one, "Expect: 100-continue\r\n");
        if (once_in(g, 6))
            text_format(&one, "Connection: upgrade\r\nUpgrade: x\r\n");
        if (once_in(g, 2)) {
            text_format(&one, "\r\n");
        } else if (once_in(g, 2)) {
            text_format(&one, "Content-Length: %u\r\n\r\n", len);
            text_pattern(&one, len);
        } else {
            text_format(&one, "Transfer-Encoding: chunked\r\n\r\n");
            text_chunks(&one, g, len);
        }
        if (once_in(g, 2))
            mutate(&one, g);
        text_add(t, one.p, one.len);
    }
    free(one.p);
}

static inline void write_wild_stream(rnd *g, text *t)
{
    text_format(t, "%c", "erfsx"[rnd_below(g, 5)]);
    text_pattern(t, rnd_length(g));
}

/* Takes what has come so far, at most <most> bytes; whether the connection is still there. */
static inline int glance(int fd, size_t most)
{
    char buf[4096];
    ssize_t n = 1;

    while (most && (n = recv(fd, buf, most < sizeof(buf) ? most : sizeof(buf), MSG_DONTWAIT)) > 0)
        most -= (size_t)n;
    return n > 0 || (n < 0 && errno == EAGAIN);
}

/* Reads on for a while, slowly. */
static inline void read_slowly(int fd, rnd *g)
{
    uint64_t limit = now_ms() + rnd_below(g, 300);
    size_t most = once_in(g, 2) ? 500 : 50000;

    while (now_ms() < limit && glance(fd, most))
        pause_us(1000);
}

static inline void be_wild(world *w, rnd *g)
{
    int fd = call(w, once_in(g, 3) ? 4096 : 0), up = 1;
    text t = {0};
    size_t at = 0;

    if (fd < 0)
        return;
    if (w->mode == PX_HTTP)
        write_wild(w, g, &t);
    else
        write_wild_stream(g, &t);
    if (once_in(g, 5))
        t.len = rnd_below(g, (uint32_t)t.len + 1);
    while (up && at < t.len) {
        size_t part = 1 + rnd_below(g, once_in(g, 2) ? 200 : 60000);
        ssize_t n = send(fd, t.p + at, part < t.len - at ? part : t.len - at, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n > 0)
            at += (size_t)n;
        up = n > 0 || (errno == EAGAIN && !once_in(g, 50));
        if (up && once_in(g, 2))
            up = glance(fd, 100000);
        if (n < 0 || once_in(g, 3))
            pause_us(rnd_below(g, 2000));
    }
    free(t.p);
    if (once_in(g, 3))
        shutdown(fd, SHUT_WR);
    if (!once_in(g, 3))
        read_slowly(fd, g);
    if (once_in(g, 3))
        reset_on_close(fd);
    close(fd);
}

static inline void one_of_the_crowd(void *arg, int index)
{
    world *w = arg;
    rnd g = rnd_of(w->seed, 0xc1000000u + (uint32_t)index);
    int honest = index & 1;

    for (int i = 0; i < ROUNDS && !at_load(&w->ending); i++) {
        if (!honest)
            be_wild(w, &g);
        else if (w->mode == PX_TCP)
            be_honest_stream(w, &g);
        else if (once_in(&g, 12))
            be_upgraded(w, &g);
        else
            be_honest(w, &g);
    }
}
#endif
