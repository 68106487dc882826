/* What stands for Python in a random world: verdicts at random. In a calm world they are such that every honest request
 * succeeds all the same: heads that go on as they are or with a line more, waits that end. */
#ifndef LB_RND_ASKS_H
#define LB_RND_ASKS_H
#include "eng_ask.h"
#include "rnd_peers.h"

static _Thread_local rnd asks_chance; /* a worker's */

/* Says that the head has a line more; with a wild one it may be no head any more. */
static inline void say_another_head(const lb_ask *a, const char *texts, lb_verdict v, rnd *g, int wild, verdicts *out)
{
    char line[80] = "x-asked: 1";
    size_t n;

    if (wild) {
        snprintf(line, sizeof(line), "%s", ONE_OF(g, rnd_words));
        n = strlen(line);
        if (n > 2 && once_in(g, 2) && !strcmp(line + n - 2, "\r\n"))
            line[n - 2] = 0;
    }
    say_line(out, a, texts, v, line, once_in(g, 2));
}

static inline lb_verdict wait_a_little(const lb_ask *a, rnd *g)
{
    int body = a->kind == ASK_REQUEST || a->kind == ASK_RESPONSE;
    lb_verdict v = verdict(a, once_in(g, 2) ? V_PAUSE : body ? V_BODY : V_WAIT);

    v.ms = 1 + rnd_below(g, 30);
    v.bytes = once_in(g, 2) ? 0 : rnd_below(g, 20000);
    return v;
}

static inline void end_wildly(const lb_ask *a, rnd *g, verdicts *out)
{
    static const uint32_t actions[] = {V_CLOSE, V_RESET, V_REPLY, V_TARPIT, V_WAIT, V_BODY, 99};
    static const char *const texts[] = {"HTTP/1.1 403 No\r\ncontent-length: 2\r\n\r\nno", "HTTP/1.1 403 No\r\n\r\nno",
                                        "HTTP/1.1 403 No\r\ncontent-length: 9\r\n\r\nno", "nonsense", ""};
    lb_verdict v = verdict(a, ONE_OF(g, actions));
    const char *text = ONE_OF(g, texts);

    v.ms = 1 + rnd_below(g, 30);
    v.flags = rnd_below(g, 64);
    if (once_in(g, 4))
        v.backend = (int32_t)rnd_below(g, 5) - 1;
    verdict_add(out, v, text, strlen(text));
}

/* Begins a reply in pieces, or goes on with it; sometimes with what is no head of one. */
static inline void say_piece(const lb_ask *a, rnd *g, verdicts *out)
{
    static const char *const heads[] = {"HTTP/1.1 200 Fine\r\ntransfer-encoding: chunked\r\n\r\nfirst",
                                        "HTTP/1.1 200 Fine\r\n\r\n", "HTTP/1.1 204 None\r\ntransfer-encoding: chunked\r\n\r\n",
                                        "HTTP/1.1 200 Fine\r\ncontent-length: 1\r\n\r\n1"};
    static char bytes[50000];
    lb_verdict v = verdict(a, V_REPLY);
    int more = !once_in(g, 4);

    if (more)
        v.flags |= V_F_MORE;
    if (a->kind == ASK_PIECE)
        verdict_add(out, v, bytes, rnd_below(g, 3) ? rnd_below(g, sizeof(bytes)) : 0);
    else
        say_text(out, v, ONE_OF(g, heads));
}

/* What must be true of every question. */
static inline void look_at_question(const lb_ask *a, const char *texts)
{
    CHECK(a->kind <= ASK_PIECE && a->flow && a->gen && a->session && a->listener == 0 && a->frontend == 0);
    if (a->kind == ASK_REQUEST || a->kind == ASK_RESPONSE) {
        CHECK(a->len > 8 && !memcmp(texts + a->text + a->len - 4, "\r\n\r\n", 4));
        CHECK(a->kind == ASK_RESPONSE || texts[a->text + a->method_len] == ' ');
        CHECK(a->body_len <= a->body_size);
    }
}

static inline void answer_at_random(rig *r, int tid, const lb_ask *a, const char *texts, verdicts *out)
{
    world *w = r->arg;
    rnd *g = &asks_chance;
    int head = a->kind == ASK_REQUEST || a->kind == ASK_RESPONSE;
    lb_verdict v = go_on(a);

    if (!g->state)
        *g = rnd_of(w->seed, 0xa5000000u + (uint32_t)tid);
    look_at_question(a, texts);
    if (!w->calm && once_in(g, 8)) {
        end_wildly(a, g, out);
        return;
    }
    if (a->kind == ASK_PIECE || (!w->calm && a->kind == ASK_REQUEST && once_in(g, 8))) {
        say_piece(a, g, out);
        return;
    }
    if (a->kind != ASK_CONN && a->kind != ASK_LOCAL && once_in(g, a->flags & ASK_F_AGAIN ? 6 : 2)) {
        say_verdict(out, wait_a_little(a, g));
        return;
    }
    v.flags = rnd_below(g, 16) & (V_F_TELL | V_F_TELL_CONN | V_F_ASK_RESPONSE);
    if (w->calm == 0 && once_in(g, 4))
        v.server = (int32_t)rnd_below(g, (uint32_t)r->nsrv);
    if (head && once_in(g, 2)) {
        say_another_head(a, texts, v, g, !w->calm && once_in(g, 4), out);
        return;
    }
    say_verdict(out, v);
}
#endif
