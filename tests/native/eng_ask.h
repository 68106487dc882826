/* Questions in engine tests: what stands for Python. */
#ifndef LB_ENG_ASK_H
#define LB_ENG_ASK_H
#include "eng_peers.h"

#include "asked.h"

static inline lb_verdict verdict(const lb_ask *a, uint32_t action)
{
    return (lb_verdict){.flow = a->flow, .gen = a->gen, .action = action, .backend = -1, .server = -1};
}

/* The only backend of a rig, any server. */
static inline lb_verdict go_on(const lb_ask *a)
{
    lb_verdict v = verdict(a, V_FORWARD);

    v.backend = 0;
    return v;
}

static inline void say_verdict(verdicts *out, lb_verdict v)
{
    verdict_add(out, v, NULL, 0);
}

static inline void say_text(verdicts *out, lb_verdict v, const char *text)
{
    verdict_add(out, v, text, strlen(text));
}

/* A copy of <len> bytes that ends with a NUL. */
static inline char *string_of(const char *p, size_t len)
{
    char *s = malloc(len + 1);

    REQUIRE(s);
    if (len)
        memcpy(s, p, len);
    s[len] = 0;
    return s;
}

/* The head <text> with <line> ("name: value") before its end. To be freed. */
static inline char *with_line(const char *text, size_t len, const char *line)
{
    char *s = malloc(len + strlen(line) + 3);

    REQUIRE(s && len > 4);
    memcpy(s, text, len - 2);
    sprintf(s + len - 2, "%s\r\n\r\n", line);
    return s;
}

/* Says <v> with <line> more in the head of <a>: by the whole head, or (<adds>) by the line alone. */
static inline void say_line(verdicts *out, const lb_ask *a, const char *texts, lb_verdict v, const char *line, int adds)
{
    char *text = adds ? malloc(strlen(line) + 3) : with_line(texts + a->text, a->len, line);

    REQUIRE(text);
    if (adds)
        sprintf(text, "%s\r\n", line);
    v.flags |= adds ? V_F_ADDS : 0;
    say_text(out, v, text);
    free(text);
}

/* Answers with a body of the head of the request, and its body. */
static inline void serve_head(peer *p, int fd)
{
    wire *w = wire_new(fd);

    while (wire_request(w)) {
        int head = !strncmp(w->head, "HEAD", 4);

        at_add(&p->reqs, 1);
        if (!says(fd, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nX-From: server\r\n\r\n", strlen(w->head) + w->body_len))
            break;
        if (!head && (!say(fd, w->head, strlen(w->head)) || !say(fd, w->body, w->body_len)))
            break;
    }
    wire_del(w);
}

/* Whether the body of the last response has <what>. */
static inline int body_has(const wire *w, const char *what)
{
    return w->body_len && memmem(w->body, w->body_len, what, strlen(what)) != NULL;
}

/* A rig with one thread whose frontend asks about <kinds>, and one server. */
static inline rig *ask_rig(int mode, uint32_t kinds, rig_answer answer, const peer *s)
{
    rig *r = rig_make(mode, 1);

    r->fe->asks = kinds;
    r->answer = answer;
    if (s)
        rig_server(r, s);
    return r;
}

/* Gives the verdicts that were withheld. */
static inline void rig_release(rig *r)
{
    at_store(&r->withhold, 0);
    for (int i = 0; i < r->n; i++)
        eng_wake(r->e, i);
}

static inline uint64_t fe_count(rig *r, size_t offset)
{
    lb_counters c;

    eng_fe_counters(r->e, r->fe_i, &c);
    return *(uint64_t *)((char *)&c + offset);
}
#define FE_COUNT(r, field) fe_count(r, offsetof(lb_counters, field))

static inline void hang_up(wire *w)
{
    close(w->fd);
    wire_del(w);
}
#endif
