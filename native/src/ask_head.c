/* Heads on their way to Python and back: the normal form, and new heads, which keep the framing of the message. */
#include "asked.h"
#include "engine.h"
#include <stdio.h>

/* --- to Python --- */

static char *put(char *to, const char *from, uint32_t n)
{
    memcpy(to, from, n);
    return to + n;
}

static char *put_request_line(char *to, lb_ask *a, const h1_head *h, const char *from)
{
    to = put(to, from + h->method, h->method_len);
    *to++ = ' ';
    to = put(to, from + h->target, h->target_len);
    a->method_len = h->method_len;
    a->target_len = h->target_len;
    a->path_len = h->path_len;
    if (h->path_len)
        a->path = h->method_len + 1 + h->path - h->target;
    return put(to, h->version == 10 ? " HTTP/1.0" : " HTTP/1.1", 9);
}

static char *put_status_line(char *to, const h1_head *h, const char *from)
{
    to = put(to, h->version == 10 ? "HTTP/1.0 " : "HTTP/1.1 ", 9);
    to = put(to, from + h->start + 9, 3); /* the three digits stand right behind "HTTP/1.x " */
    *to++ = ' ';
    return put(to, from + h->reason, h->reason_len);
}

int ask_head(flow *f, lb_ask *a, const h1_head *h, const char *from)
{
    thr *t = f->t;
    /* what was left out as received: a blank behind a colon, one before an empty reason */
    char *begin = thr_text_room(t, h->len + h->nhdr + 8), *to = begin;

    if (!to)
        return -ENOMEM;
    if (h->flags & H1_F_RESPONSE)
        to = put_status_line(to, h, from);
    else
        to = put_request_line(to, a, h, from);
    for (uint32_t i = 0; i < h->nhdr; i++) {
        const h1_hdr *d = &h->hdr[i];

        to = put(to, "\r\n", 2);
        to += h1_put_lower(to, from + d->name, d->name_len);
        to = put(to, ": ", 2);
        to = put(to, from + d->value, d->value_len);
    }
    to = put(to, "\r\n\r\n", 4);
    a->text = t->ntext;
    a->len = (uint32_t)(to - begin);
    t->ntext += a->len;
    return 0;
}

int ask_rescan(flow *f, const buf *in, int response)
{
    h1_head *h = &f->t->head;

    if (response)
        exch_response_init(f, h, H1_MAX_HDR, 0);
    else
        exch_request_init(f, h, H1_MAX_HDR, 0);
    return h1_scan(h, buf_data(in), in->len) == 1;
}

/* --- from Python --- */

static int is_field(const char *line, uint32_t n, const char *name)
{
    uint32_t len = (uint32_t)strlen(name);

    return n > len && line[len] == ':' && h1_same_word(line, name, len);
}

/* Whether a line of a new head is dropped: it says how the message is framed, or waits for what was done. */
static int is_ours(const asked *q, const char *line, uint32_t n)
{
    return is_field(line, n, "content-length") || is_field(line, n, "transfer-encoding") ||
           (q->continued && is_field(line, n, "expect"));
}

/* Copies <text> without the lines that are ours, and without its last empty line. The end of what was written, NULL if it
 * does not end as a head, or ends before <len>. */
static char *put_lines(char *to, const asked *q, const char *text, uint32_t len)
{
    const char *p = text, *end = text + len;

    while (p < end) {
        const char *eol = memmem(p, end - p, "\r\n", 2);
        uint32_t n;

        if (!eol)
            return NULL;
        n = (uint32_t)(eol - p) + 2;
        if (n == 2)
            return p > text && p + 2 == end ? to : NULL;
        if (!is_ours(q, p, n))
            to = put(to, p, n);
        p += n;
    }
    return NULL;
}

/* The framing of the message as received. <bare>: what had no body by its status has one that is empty. */
static char *put_framing(char *to, const asked *q, int bare)
{
    if (bare)
        return to + sprintf(to, "content-length: 0\r\n");
    if (q->h1_flags & H1_F_CHUNKED)
        return to + sprintf(to, "transfer-encoding: chunked\r\n");
    if (q->h1_flags & H1_F_CLEN)
        return to + sprintf(to, "content-length: %llu\r\n", (unsigned long long)q->clen);
    return to;
}

/* Whether a response that had no body by its status would get one that never comes. */
static int becomes_bodied(const flow *f, const h1_head *h)
{
    return f->asked->h1_flags & H1_F_NO_BODY && !(h->flags & H1_F_NO_BODY) && !(f->flags & FL_HEAD);
}

/* Completes the head of which <n> bytes stand in the receive area, and scans it; its length, 0: refused. */
static uint32_t complete(flow *f, uint32_t n, int response, int bare)
{
    thr *t = f->t;
    h1_head *h = &t->head;
    char *end = put(put_framing(t->scratch + n, f->asked, bare), "\r\n", 2);

    n = (uint32_t)(end - t->scratch);
    if (response)
        exch_response_init(f, h, H1_MAX_HDR, 1);
    else
        exch_request_init(f, h, H1_MAX_HDR, 1);
    return h1_scan(h, t->scratch, n) == 1 && h->len == n ? n : 0;
}

uint32_t ask_new_head(flow *f, const buf *in, uint32_t head_len, const char *text, uint32_t len, int response)
{
    thr *t = f->t;
    uint32_t rest = in->len - head_len, n;
    char *end;

    if (len > t->eng->conf.bufsize || len + 64 + rest > THR_SCRATCH)
        return 0;
    end = put_lines(t->scratch, f->asked, text, len);
    if (!end)
        return 0;
    n = complete(f, (uint32_t)(end - t->scratch), response, 0);
    if (n && response && becomes_bodied(f, &t->head))
        n = complete(f, (uint32_t)(end - t->scratch), response, 1);
    if (!n)
        return 0;
    memcpy(t->scratch + n, buf_data(in) + head_len, rest);
    return n + rest;
}

/* What the new head <h> means for the exchange; 0 if it can't be carried: the client would misread the answer. */
static int take_request(flow *f, const h1_head *h)
{
    int head = h->method_id == H1_HEAD, was_head = !!(f->flags & FL_HEAD);

    if ((head && !was_head) || (h->method_id == H1_CONNECT) != !!(f->flags & FL_CONNECT))
        return 0;
    f->flags &= ~(FL_IDEMPOTENT | FL_BODILESS);
    if (was_head && !head)
        f->flags |= FL_BODILESS;
    if (!(h->flags & H1_F_UPGRADE)) /* one that the client did not ask for is not for us to accept */
        f->flags &= ~FL_UPGRADE;
    if (exch_is_idempotent(h))
        f->flags |= FL_IDEMPOTENT;
    return 1;
}

int ask_new_request(flow *f, const char *text, uint32_t len)
{
    thr *t = f->t;
    uint32_t n = ask_new_head(f, &f->req.in, f->head_len, text, len, 0);

    if (!n || !take_request(f, &t->head) || buf_set(&t->bufs, &f->req.in, t->scratch, n) < 0)
        return 0;
    f->head_len = t->head.len;
    return 1;
}
