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

int ask_keep_index(flow *f, const h1_head *h)
{
    uint32_t n = offsetof(h1_head, hdr) + h->nhdr * sizeof(h->hdr[0]);

    return buf_set(&f->t->bufs, &f->asked->index, (const char *)h, n);
}

static h1_head *take_index(flow *f)
{
    buf *kept = &f->asked->index;

    memcpy(&f->t->head, buf_data(kept), kept->len);
    buf_release(&f->t->bufs, kept);
    return &f->t->head;
}

/* As it was received: <in>, which begins with it, in the receive area. The bytes there. */
static uint32_t same_head(flow *f, const buf *in)
{
    take_index(f);
    memcpy(f->t->scratch, buf_data(in), in->len);
    return in->len;
}

/* --- from Python --- */

static int is_field(const char *line, uint32_t n, const char *name)
{
    uint32_t len = (uint32_t)strlen(name);

    return n > len && line[len] == ':' && h1_same_word(line, name, len);
}

static int is_framing(const char *line, uint32_t n)
{
    return is_field(line, n, "content-length") || is_field(line, n, "transfer-encoding");
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

/* Copies the lines in [p, end) without those that tell of framing; the first of them makes room for the true one, if
 * *to_frame. Expect is dropped, too, once it is answered. The end of what was written, NULL if a line is empty or ends in
 * something else than CR LF. */
static char *put_lines(char *to, const asked *q, const char *p, const char *end, int *to_frame, int bare)
{
    while (p < end) {
        const char *lf = memchr(p, '\n', end - p);
        uint32_t n;

        if (!lf || lf - p < 2 || lf[-1] != '\r')
            return NULL;
        n = (uint32_t)(lf - p) + 1;
        if (is_framing(p, n)) {
            to = *to_frame ? put_framing(to, q, bare) : to;
            *to_frame = 0;
        } else if (!q->continued || !is_field(p, n, "expect")) {
            to = put(to, p, n);
        }
        p += n;
    }
    return to;
}

/* Writes the new head <text> with the framing of the old one to the receive area, and scans it. Its length, 0: refused. */
static uint32_t compose(flow *f, const char *text, uint32_t len, int response, int bare)
{
    thr *t = f->t;
    const asked *q = f->asked;
    h1_head *h = &t->head;
    int to_frame = 1;
    uint32_t n;
    char *to;

    if (len < 4 || memcmp(text + len - 4, "\r\n\r\n", 4) != 0)
        return 0;
    to = put_lines(t->scratch, q, text, text + len - 2, &to_frame, bare);
    if (!to)
        return 0;
    if (to_frame)
        to = put_framing(to, q, bare);
    n = (uint32_t)(put(to, "\r\n", 2) - t->scratch);
    if (response)
        exch_response_init(f, h, H1_MAX_HDR, 1);
    else
        exch_request_init(f, h, H1_MAX_HDR, 1);
    return h1_scan(h, t->scratch, n) == 1 && h->len == n ? n : 0;
}

/* Whether a response that had no body by its status would get one that never comes. */
static int becomes_bodied(const flow *f, const h1_head *h)
{
    return f->asked->h1_flags & H1_F_NO_BODY && !(h->flags & H1_F_NO_BODY) && !(f->flags & FL_HEAD);
}

/* The new head <text>, and behind it the rest of <in>. The bytes in the receive area, 0: it is refused. */
static uint32_t new_head(flow *f, const buf *in, uint32_t head_len, const char *text, uint32_t len, int response)
{
    thr *t = f->t;
    uint32_t rest = in->len - head_len, n;

    if (len > t->eng->conf.bufsize || len + 64 + rest > THR_SCRATCH)
        return 0;
    n = compose(f, text, len, response, 0);
    if (n && response && becomes_bodied(f, &t->head))
        n = compose(f, text, len, response, 1);
    if (!n)
        return 0;
    memcpy(t->scratch + n, buf_data(in) + head_len, rest);
    return n + rest;
}

/* With the <len> bytes of fields at <text> at its end. The bytes in the receive area, 0: they are refused. */
static uint32_t longer_head(flow *f, const buf *in, const char *text, uint32_t len, int response)
{
    thr *t = f->t;
    h1_head *h = take_index(f);
    uint32_t rest = in->len - h->len, n;
    const char *body = buf_data(in) + h->len;
    int to_frame = 0; /* it is there */
    char *end;

    if (h->fields_end + len > t->eng->conf.bufsize || h->fields_end + len + 2 + rest > THR_SCRATCH)
        return 0;
    end = put_lines(put(t->scratch, buf_data(in), h->fields_end), f->asked, text, text + len, &to_frame, 0);
    if (!end)
        return 0;
    end = put(end, "\r\n", 2);
    n = (uint32_t)(end - t->scratch);
    h1_reopen(h, exch_unsafe(response ? f->be->conf.options : f->fe->conf.options, 1));
    if (h1_scan(h, t->scratch, n) != 1 || h->len != n)
        return 0;
    memcpy(end, body, rest);
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

/* Whether the new head <h> may stand for the response: what switches protocols does so, and nothing else. */
static int may_become(const flow *f, const h1_head *h)
{
    int was = f->asked->status, is = h->status;

    if (is < 200 && is != was)
        return 0;
    if (was == 101 && is != 101)
        return 0;
    return !(f->flags & FL_CONNECT) || (was / 100 == 2) == (is / 100 == 2);
}

static uint32_t judged(flow *f, const buf *in, uint32_t head_len, const lb_verdict *v, const char *text, int response)
{
    if (!v->len)
        return same_head(f, in);
    if (v->flags & V_F_ADDS)
        return longer_head(f, in, text, v->len, response);
    return new_head(f, in, head_len, text, v->len, response);
}

uint32_t ask_judged_request(flow *f, const lb_verdict *v, const char *text)
{
    uint32_t n = judged(f, &f->req.in, f->head_len, v, text, 0);

    if (!n || (v->len && !take_request(f, &f->t->head)))
        return 0;
    f->head_len = f->t->head.len;
    return n;
}

uint32_t ask_judged_response(flow *f, const lb_verdict *v, const char *text)
{
    uint32_t n = judged(f, &f->res.in, f->asked->head_len, v, text, 1);

    return n && may_become(f, &f->t->head) ? n : 0;
}
