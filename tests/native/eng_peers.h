/* Servers for engine tests: an HTTP server that does what the path says, an echo. */
#ifndef LB_ENG_PEERS_H
#define LB_ENG_PEERS_H
#include "eng_rig.h"

static inline void reset_on_close(int fd)
{
    struct linger l = {1, 0};

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
}

static inline int send_pattern(int fd, size_t n)
{
    char *p = pattern_new(n);
    int ok = say(fd, p, n);

    free(p);
    return ok;
}

/* Chunks of <size> bytes, <n> bytes in all. */
static inline int send_chunks(int fd, size_t n, size_t size)
{
    char *p = pattern_new(n), *out = malloc(n * 8 + 64);
    size_t len = 0;
    int ok;

    REQUIRE(out);
    for (size_t at = 0; at < n; at += size) {
        size_t part = n - at < size ? n - at : size;

        len += (size_t)sprintf(out + len, "%zx\r\n", part);
        memcpy(out + len, p + at, part);
        len += part;
        memcpy(out + len, "\r\n", 2);
        len += 2;
    }
    memcpy(out + len, "0\r\n\r\n", 5);
    ok = say(fd, out, len + 5);
    free(p);
    free(out);
    return ok;
}

static inline void wait_for_end(int fd)
{
    char c[4096];

    while (recv(fd, c, sizeof(c), 0) > 0)
        ;
}

/* One reply; 0: the connection is to be closed. */
static inline int http_reply(peer *p, wire *w)
{
    char verb[16] = "", what[16] = "";
    unsigned long n = 0;
    int fd = w->fd;

    if (sscanf(w->head, "%15s /%15[a-z]/%lu", verb, what, &n) < 2)
        return at_add(&p->bad, 1), 0;
    if (!strcmp(what, "len"))
        return says(fd, "HTTP/1.1 200 OK\r\nContent-Length: %lu\r\n\r\n", n) &&
               (!strcmp(verb, "HEAD") || send_pattern(fd, n));
    if (!strcmp(what, "chunk"))
        return says(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n") && send_chunks(fd, n, 1000);
    if (!strcmp(what, "tiny"))
        return says(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n") && send_chunks(fd, n, 1);
    if (!strcmp(what, "echo"))
        return says(fd, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", w->body_len) && say(fd, w->body, w->body_len);
    if (!strcmp(what, "interim"))
        return says(fd, "HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    if (!strcmp(what, "eof"))
        return says(fd, "HTTP/1.1 200 OK\r\n\r\n") && send_pattern(fd, n) && 0;
    if (!strcmp(what, "cut"))
        return says(fd, "HTTP/1.1 200 OK\r\nContent-Length: %lu\r\n\r\n", n) && send_pattern(fd, n / 2) && 0;
    if (!strcmp(what, "cutchunk"))
        return says(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n") && 0;
    if (!strcmp(what, "garbage"))
        return says(fd, "\x01\x02 what is this\r\n\r\n") && 0;
    if (!strcmp(what, "reset"))
        return reset_on_close(fd), 0;
    if (!strcmp(what, "close"))
        return 0;
    if (!strcmp(what, "partial"))
        return says(fd, "HTTP/1.1 200 OK\r\nContent-Le"), wait_for_end(fd), 0;
    if (!strcmp(what, "stall"))
        return says(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello"), wait_for_end(fd), 0;
    if (!strcmp(what, "hang"))
        return wait_for_end(fd), 0;
    if (!strcmp(what, "gate"))
        return peer_wait(p), says(fd, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngate");
    return at_add(&p->bad, 1), 0;
}

static inline void serve_http(peer *p, int fd)
{
    wire *w = wire_new(fd);

    while (wire_request(w)) {
        at_add(&p->reqs, 1);
        if (!http_reply(p, w))
            break;
    }
    wire_del(w);
}

static inline void serve_echo(peer *p, int fd)
{
    char buf[16384];
    ssize_t n;

    while ((n = recv(fd, buf, sizeof(buf), 0)) > 0 && say(fd, buf, (size_t)n))
        at_add(&p->reqs, 1);
    shutdown(fd, SHUT_WR);
}

/* Says nothing, hears nothing. */
static inline void serve_mute(peer *p, int fd)
{
    (void)fd;
    while (!at_load(&p->stop))
        pause_us(1000);
}

static inline void ask_for(int fd, const char *path)
{
    says(fd, "GET %s HTTP/1.1\r\nHost: test\r\n\r\n", path);
}
#endif
