/* Servers of a random world: they do what the path of a request asks for, well or badly, and look closely at what the
 * balancer sends them.
 *
 * A path is /<what>/<n>/<id>/<check>. Every reply carries its request's id in X-Id; an honest client's check is the hash
 * of its id, so that a mutated request is never taken for an honest one.
 */
#ifndef LB_RND_PEERS_H
#define LB_RND_PEERS_H
#include "eng_peers.h"
#include "rnd.h"

#define WORLD_IDS 65536

typedef struct world {
    uint64_t seed;
    rig *r;
    int port, mode;
    int calm;    /* nothing is in the way of an honest client: all of its requests succeed */
    int closers; /* servers close connections that are idle */
    int liars;   /* servers send what is no response, or more than one */
    int twice;   /* requests may be sent twice whatever their method */
    int resets;  /* closed connections end in a reset, which may overtake data */
    int ending;  /* atomic: workers are being stopped under the clients */
    uint32_t thaw;    /* atomic: servers that hold back go on */
    uint32_t ids;     /* atomic: given so far */
    uint32_t streams; /* atomic: connections of servers so far, for their chance */
    uint32_t answered; /* atomic: honest requests that were answered well */
    uint32_t seen[WORLD_IDS]; /* atomic: how often an honest request reached a server */
} world;

static world *the_world; /* one at a time: servers have no other way to it */

#define WRONG(w, ...)                                                                                                  \
    do {                                                                                                               \
        check_one(0, __FILE__, __LINE__, "the world is wrong");                                                        \
        printf("    seed %llu: ", (unsigned long long)(w)->seed);                                                      \
        printf(__VA_ARGS__);                                                                                           \
        printf("\n");                                                                                                  \
    } while (0)

static inline uint32_t id_check(const world *w, uint32_t id)
{
    rnd g = rnd_of(w->seed, 0x1d000000u + id);

    return (uint32_t)rnd_next(&g) | 1;
}

static inline uint32_t id_new(world *w)
{
    return at_add(&w->ids, 1) % WORLD_IDS;
}

/* --- what a balancer may send --- */

static inline int is_token(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!(p[i] > ' ' && p[i] < 127) || strchr("\"(),/:;<=>?@[\\]{}", p[i]))
            return 0;
    return n > 0;
}

/* What is wrong with a line of a head, NULL if nothing is; counts what frames a body (RFC 9112 5, 6). */
static inline const char *line_fault(const char *p, size_t n, int *lengths, int *codings)
{
    const char *colon = memchr(p, ':', n);

    if (!colon || !is_token(p, (size_t)(colon - p)))
        return "a name";
    for (size_t i = 0; i < n; i++)
        if (p[i] == '\r' || p[i] == '\n' || !p[i])
            return "a control character";
    *lengths += !strncasecmp(p, "content-length:", 15);
    *codings += !strncasecmp(p, "transfer-encoding:", 18);
    return NULL;
}

static inline const char *head_fault(const wire *w)
{
    size_t len = strlen(w->head);
    const char *p = w->head, *end = memmem(p, len, "\r\n", 2), *fault;
    int lengths = 0, codings = 0;

    if (len < 4 || memcmp(p + len - 4, "\r\n\r\n", 4))
        return "a NUL in it";
    if (!end || end - p < 12 || memcmp(end - 9, " HTTP/1.", 8))
        return "the request line";
    if (!memchr(p, ' ', (size_t)(end - p)) || !is_token(p, (size_t)((const char *)memchr(p, ' ', len) - p)))
        return "the method";
    for (p = end + 2; *p != '\r' || p[1] != '\n'; p = end + 2) {
        end = strstr(p, "\r\n");
        if (!end)
            return "its end";
        fault = line_fault(p, (size_t)(end - p), &lengths, &codings);
        if (fault)
            return fault;
    }
    return lengths + codings > 1 ? "how its body is framed" : NULL;
}

/* --- replies --- */

typedef struct query {
    char verb[16], what[16];
    unsigned long n;
    uint32_t id, check;
    int honest, last; /* the connection ends after the reply */
} query;

static inline int query_read(world *w, const wire *in, query *q)
{
    unsigned id = 0, check = 0;

    memset(q, 0, sizeof(*q));
    if (sscanf(in->head, "%15[A-Z] /%15[a-z]/%lu/%u/%u", q->verb, q->what, &q->n, &id, &check) < 5)
        return 0;
    q->id = id % WORLD_IDS;
    q->check = check;
    q->honest = id < WORLD_IDS && check == id_check(w, id);
    if (q->n > 4000000)
        q->n = 10;
    return 1;
}

static inline void hold(world *w, uint32_t most_ms)
{
    for (uint64_t limit = now_ms() + most_ms; !at_load(&w->thaw) && now_ms() < limit;)
        pause_us(1000);
}

/* A well-formed reply into <t>; -1: <what> is not known. */
static inline int reply_well(text *t, rnd *g, query *q, const wire *in)
{
    int body = strcmp(q->verb, "HEAD") != 0, close = q->last || once_in(g, 12);
    const char *ends = close ? "Connection: close\r\n" : "";

    q->last = close;
    if (once_in(g, 6) && !strstr(in->head, "HTTP/1.0"))
        text_format(t, "HTTP/1.1 10%d Go on\r\nLink: x\r\n\r\n", once_in(g, 2) ? 0 : 3);
    if (!strcmp(q->what, "chunk")) {
        text_format(t, "HTTP/1.1 200 OK\r\nX-Id: %u\r\nTransfer-Encoding: chunked\r\n%s\r\n", q->id, ends);
        if (body)
            text_chunks(t, g, q->n);
    } else if (!strcmp(q->what, "eof")) {
        text_format(t, "HTTP/1.%d 200 OK\r\nX-Id: %u\r\n\r\n", (int)rnd_below(g, 2), q->id);
        q->last = 1;
        if (body)
            text_pattern(t, q->n);
    } else if (!strcmp(q->what, "status")) {
        text_format(t, "HTTP/1.1 %lu Some\r\nX-Id: %u\r\nContent-Length: 4\r\n%s\r\n%s", q->n, q->id, ends,
                    body ? "some" : "");
    } else if (!strcmp(q->what, "empty")) {
        text_format(t, "HTTP/1.1 204 None\r\nX-Id: %u\r\n%s\r\n", q->id, ends);
    } else if (!strcmp(q->what, "echo")) {
        text_format(t, "HTTP/1.1 200 OK\r\nX-Id: %u\r\nContent-Length: %zu\r\n%s\r\n", q->id, in->body_len, ends);
        if (body)
            text_add(t, in->body, in->body_len);
    } else if (!strcmp(q->what, "len") || !strcmp(q->what, "early")) {
        text_format(t, "HTTP/1.1 200 OK\r\nX-Id: %u\r\nContent-Length: %lu\r\n%s\r\n", q->id, q->n, ends);
        if (body)
            text_pattern(t, q->n);
    } else {
        return -1;
    }
    return 0;
}

/* Behaves badly; the connection is closed afterwards. */
static inline void reply_badly(world *w, rnd *g, query *q, wire *in)
{
    static const char *const goods[] = {"chunk", "eof", "len", "echo"};
    text t = {0};

    if (q->n > 50000)
        q->n %= 50000;
    snprintf(q->what, sizeof(q->what), "%s", ONE_OF(g, goods));
    reply_well(&t, g, q, in);
    switch (w->liars ? rnd_below(g, 8) : 2 + rnd_below(g, 5)) {
    case 0:
    case 1:
        mutate(&t, g);
        break;
    case 2:
        t.len = 0;
        break;
    case 3:
        hold(w, rnd_below(g, 300));
        break;
    case 4:
        reset_on_close(in->fd);
        break;
    case 5: /* stalls half-way */
        if (dribble(in->fd, g, t.p, t.len / 2))
            hold(w, rnd_below(g, 300));
        t.len = 0;
        break;
    case 6:
        t.len = rnd_below(g, (uint32_t)t.len);
        break;
    default:
        text_format(&t, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        break;
    }
    dribble(in->fd, g, t.p, t.len);
    free(t.p);
}

/* Held until the world thaws: before the head, within it, within the body. */
static inline void reply_held(world *w, query *q, wire *in)
{
    if (q->n % 3 == 1)
        says(in->fd, "HTTP/1.1 200 OK\r\nContent-");
    else if (q->n % 3 == 2)
        says(in->fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello");
    hold(w, RIG_PATIENCE);
}

static inline int switch_and_echo(rnd *g, const query *q, wire *in)
{
    char buf[4096];
    ssize_t n;

    (void)g;
    if (!says(in->fd, "HTTP/1.1 101 Switching\r\nX-Id: %u\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", q->id))
        return 0;
    if (in->len && !say(in->fd, in->buf, in->len))
        return 0;
    while ((n = recv(in->fd, buf, sizeof(buf), 0)) > 0 && say(in->fd, buf, (size_t)n))
        ;
    shutdown(in->fd, SHUT_WR);
    return 0;
}

/* One request and its reply; 0: the connection is to be closed. */
static inline int serve_one(world *w, rnd *g, wire *in)
{
    const char *fault = head_fault(in);
    text t = {0};
    int early, ok;
    query q;

    if (fault) {
        WRONG(w, "a server got a request with a fault in %s:\n%s", fault, in->head);
        return 0;
    }
    if (!query_read(w, in, &q)) /* a mutated one, that is valid for all we know */
        return wire_body(in, 0) && says(in->fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    if (q.honest && at_add(&w->seen[q.id], 1) > 1 && !w->twice && !strcmp(q.verb, "POST"))
        WRONG(w, "POST %u was sent twice", q.id);
    early = !strcmp(q.what, "early");
    if (early)
        q.last = !in->chunked && wire_field(in, "content-length:") == NULL ? 0 : once_in(g, 2);
    else if (!wire_body(in, 0))
        return 0;
    if (!strcmp(q.what, "bad"))
        return reply_badly(w, g, &q, in), 0;
    if (!strcmp(q.what, "held"))
        return reply_held(w, &q, in), 0;
    if (!strcmp(q.what, "switch") && wire_field(in, "upgrade:"))
        return switch_and_echo(g, &q, in);
    if (reply_well(&t, g, &q, in) < 0)
        text_format(&t, "HTTP/1.1 404 Where\r\nX-Id: %u\r\nContent-Length: 0\r\n\r\n", q.id);
    ok = dribble(in->fd, g, t.p, t.len);
    free(t.p);
    if (early && ok && !q.last)
        ok = wire_body(in, 0);
    return ok && !q.last;
}

static inline void serve_random(peer *p, int fd)
{
    world *w = the_world;
    rnd g = rnd_of(w->seed, 0x5e000000u + at_add(&w->streams, 1));
    wire *in = wire_new(fd);

    (void)p;
    while (wire_head(in) && serve_one(w, &g, in))
        if (w->closers && once_in(&g, 6)) {
            pause_us(rnd_below(&g, 2000));
            break;
        }
    wire_del(in);
}

/* Echoes; what the first byte says decides what comes between: 'e' nothing, others an end, a reset, a pause. */
static inline void serve_stream(peer *p, int fd)
{
    world *w = the_world;
    rnd g = rnd_of(w->seed, 0x5e000000u + at_add(&w->streams, 1));
    uint32_t left = UINT32_MAX;
    char buf[16384], first = 0;
    ssize_t n;

    (void)p;
    while ((n = recv(fd, buf, sizeof(buf), 0)) > 0) {
        if (!first && (first = buf[0]) != 'e')
            left = rnd_below(&g, 40000);
        if (first == 'h')
            hold(w, RIG_PATIENCE);
        if (n > left)
            n = left;
        left -= left == UINT32_MAX ? 0 : (uint32_t)n;
        if (!say(fd, buf, (size_t)n))
            return;
        if (left)
            continue;
        if (first == 'r')
            reset_on_close(fd);
        if (first == 's')
            hold(w, rnd_below(&g, 300));
        if (first == 'f')
            shutdown(fd, SHUT_WR), wait_for_end(fd);
        return;
    }
    shutdown(fd, SHUT_WR);
}
#endif
