/* Chance that can be repeated: a generator of numbers, texts that grow, mutations of messages. */
#ifndef LB_RND_H
#define LB_RND_H
#include "eng_rig.h"

typedef struct rnd {
    uint64_t state;
} rnd;

/* An independent generator for part <which> of what <seed> stands for (splitmix64). */
static inline rnd rnd_of(uint64_t seed, uint64_t which)
{
    return (rnd){seed * 0x9e3779b97f4a7c15u + which * 0xd1342543de82ef95u};
}

static inline uint64_t rnd_next(rnd *g)
{
    uint64_t z = g->state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* 0 .. n-1 */
static inline uint32_t rnd_below(rnd *g, uint32_t n)
{
    return (uint32_t)(rnd_next(g) % n);
}

/* True once in <n> times. */
static inline int once_in(rnd *g, uint32_t n)
{
    return !rnd_below(g, n);
}

#define ONE_OF(g, table) ((table)[rnd_below(g, (uint32_t)(sizeof(table) / sizeof(*(table))))])

/* A length: mostly small, now and then larger than the buffers on its way. */
static inline uint32_t rnd_length(rnd *g)
{
    static const uint32_t tops[] = {2, 50, 1000, 5000, 20000, 70000, 300000};

    return rnd_below(g, ONE_OF(g, tops));
}

/* --- texts --- */

typedef struct text {
    char *p;
    size_t len, size;
} text;

static inline void text_add(text *t, const char *data, size_t n)
{
    if (t->len + n > t->size) {
        t->size = (t->len + n) * 2;
        t->p = realloc(t->p, t->size);
        REQUIRE(t->p);
    }
    if (n)
        memcpy(t->p + t->len, data, n);
    t->len += n;
}

static inline void text_format(text *t, const char *format, ...)
{
    char line[512];
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    REQUIRE(n >= 0 && n < (int)sizeof(line));
    text_add(t, line, (size_t)n);
}

static inline void text_pattern(text *t, size_t n)
{
    char *p = pattern_new(n);

    text_add(t, p, n);
    free(p);
}

/* <n> bytes of the pattern in chunks of random sizes, with an extension (not too many: a body may have some KiB of them)
 * and a trailer now and then. */
static inline void text_chunks(text *t, rnd *g, size_t n)
{
    char *p = pattern_new(n);
    uint32_t top = 1 + rnd_below(g, n > 2000 ? 4000 : 20);

    for (size_t at = 0; at < n;) {
        size_t part = 1 + rnd_below(g, top);

        if (part > n - at)
            part = n - at;
        text_format(t, "%zx%s\r\n", part, at < 2000 && once_in(g, 20) ? ";x=y" : "");
        text_add(t, p + at, part);
        text_add(t, "\r\n", 2);
        at += part;
    }
    text_format(t, "0\r\n%s\r\n", once_in(g, 4) ? "X-Sum: 1\r\n" : "");
    free(p);
}

/* What tells parsers apart: put somewhere into a message. */
static const char *const rnd_words[] = {"\r\n",
                                        "\n",
                                        "\r",
                                        " ",
                                        "\t",
                                        ":",
                                        ",",
                                        "0\r\n\r\n",
                                        "\r\n\r\n",
                                        "ffffffffffffffff\r\n",
                                        "HTTP/1.0",
                                        "Content-Length: 5\r\n",
                                        "Content-Length: 99999999999999999999\r\n",
                                        "Content-Length: +3\r\n",
                                        "Transfer-Encoding: chunked\r\n",
                                        "Transfer-Encoding: identity\r\n",
                                        "transfer-encoding: chunked, chunked\r\n",
                                        "Connection: close\r\n",
                                        "Connection: keep-alive, content-length\r\n",
                                        "Connection: upgrade\r\nUpgrade: x\r\n",
                                        "Expect: 100-continue\r\n",
                                        "Host: b\r\n",
                                        " folded: x\r\n",
                                        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
                                        "HTTP/1.1 100 Continue\r\n\r\n",
                                        "HTTP/1.1 204 No\r\n\r\n"};

static inline void mutate_once(text *t, rnd *g)
{
    size_t at = rnd_below(g, (uint32_t)(t->len < 400 ? t->len : 400)), n = 1 + rnd_below(g, 6);
    const char *word;
    char byte;

    if (n > t->len - at)
        n = t->len - at;
    switch (rnd_below(g, 5)) {
    case 0:
        t->p[at] = (char)rnd_next(g);
        break;
    case 1:
        memmove(t->p + at, t->p + at + n, t->len - at - n);
        t->len -= n;
        break;
    case 2:
        byte = t->p[at];
        t->p[at] = t->p[at + n - 1];
        t->p[at + n - 1] = byte;
        break;
    default:
        word = ONE_OF(g, rnd_words);
        n = strlen(word);
        text_add(t, word, n); /* makes room */
        memmove(t->p + at + n, t->p + at, t->len - at - n);
        memcpy(t->p + at, word, n);
        break;
    }
}

/* Changes a few places near the beginning, where heads and framing are. */
static inline void mutate(text *t, rnd *g)
{
    for (uint32_t n = 1 + rnd_below(g, 3); n && t->len; n--)
        mutate_once(t, g);
}

/* Sends <n> bytes in random cuts, with pauses; whether all went. */
static inline int dribble(int fd, rnd *g, const char *p, size_t n)
{
    uint32_t cuts = once_in(g, 2) ? 0 : 1 + rnd_below(g, 6);

    for (; cuts && n; cuts--) {
        size_t part = rnd_below(g, once_in(g, 2) ? (uint32_t)n + 1 : n < 100 ? (uint32_t)n + 1 : 100);

        if (!say(fd, p, part))
            return 0;
        p += part;
        n -= part;
        if (once_in(g, 3))
            pause_us(rnd_below(g, 3000));
    }
    return say(fd, p, n);
}
#endif
