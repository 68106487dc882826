/* Bodies that are collected for Python: they stay in the flow as they came, and are shown without their framing. */
#include "asked.h"
#include "engine.h"

void ask_framing(asked *q, const h1_head *h)
{
    q->h1_flags = h->flags;
    q->clen = h->body_len;
    q->scanned = 0;
    q->known = 0;
    q->whole = 0;
    h1_chunk_init(&q->chunk);
}

/* Walks on in a chunked body. 1: whole; 0: not yet; -H1_ERR_*. */
static int walk(asked *q, const char *p, uint32_t len)
{
    uint32_t run;

    while (q->chunk.state != H1_CHUNK_TRAILERS) {
        int n = h1_chunk_next(&q->chunk, p + q->scanned, len - q->scanned, &run);

        if (n < 0)
            return n;
        q->scanned += (uint32_t)n + run;
        q->known += run;
        if (!run)
            break;
        h1_chunk_took(&q->chunk, run);
    }
    if (q->chunk.state != H1_CHUNK_TRAILERS)
        return 0;

    int n = h1_trailers_len(p + q->scanned, len - q->scanned);

    return n > 0 ? 1 : n;
}

int ask_look(asked *q, const chan *c, uint32_t head)
{
    const char *p = buf_data(&c->in) + head;
    uint32_t len = c->in.len - head;
    int ret;

    switch (c->body) {
    case BODY_NONE:
        q->whole = 1;
        return 0;
    case BODY_LEN:
        q->known = len < c->left ? len : c->left;
        q->whole = q->known == c->left;
        return 0;
    case BODY_CLOSE:
        q->known = len;
        return 0;
    default:
        ret = q->whole ? 1 : walk(q, p, len);
        q->whole = ret > 0;
        return ret < 0 ? ret : 0;
    }
}

uint32_t ask_body_flags(const flow *f, const asked *q, const chan *c, const conn *from)
{
    uint32_t flags = 0;

    if (c->body != BODY_NONE)
        flags |= ASK_F_BODY;
    if (q->whole)
        flags |= ASK_F_BODY_END;
    if (from->flags & (CO_F_EOF | CO_F_ERR)) {
        flags |= ASK_F_EOF;
        if (c->body == BODY_CLOSE && from->flags & CO_F_EOF)
            flags |= ASK_F_BODY_END;
    }
    if (c->in.len >= f->t->eng->conf.bufsize)
        flags |= ASK_F_FULL;
    return flags;
}

/* The payload of the chunks that were looked at. */
static void dechunk(char *to, const char *p, const asked *q)
{
    const char *end = p + q->scanned;
    h1_chunk c;
    uint32_t run;

    h1_chunk_init(&c);
    while (c.state != H1_CHUNK_TRAILERS) {
        int n = h1_chunk_next(&c, p, (uint32_t)(end - p), &run);

        if (n < 0 || !run)
            return;
        memcpy(to, p + n, run);
        h1_chunk_took(&c, run);
        to += run;
        p += (uint32_t)n + run;
    }
}

void ask_copy_body(char *to, const asked *q, const chan *c, uint32_t head)
{
    if (c->body == BODY_CHUNKED)
        dechunk(to, buf_data(&c->in) + head, q);
    else
        memcpy(to, buf_data(&c->in) + head, q->known);
}

int ask_body(flow *f, lb_ask *a, const chan *c, uint32_t head)
{
    const asked *q = f->asked;
    uint32_t n = (uint32_t)q->known;
    char *to;

    a->body_size = c->body == BODY_LEN ? c->left : q->known;
    if (!n)
        return 0;
    to = thr_text_room(f->t, n);
    if (!to)
        return -ENOMEM;
    ask_copy_body(to, q, c, head);
    a->body = f->t->ntext;
    a->body_len = n;
    f->t->ntext += n;
    return 0;
}

/* --- waiting --- */

int ask_body_done(const flow *f, const asked *q, const chan *c)
{
    return q->whole || (q->goal && q->known >= q->goal) || c->in.len >= f->t->eng->conf.bufsize;
}

void ask_wait_body(flow *f, const lb_verdict *v, uint32_t otherwise)
{
    ask_wait(f, Q_BODY, v->ms, otherwise);
    f->asked->goal = v->bytes;
}

/* The line of Expect is taken out of the head that is kept. */
static void drop_expect(flow *f)
{
    h1_head *h = &f->t->head;
    char *head = buf_data(&f->req.in);

    if (!ask_rescan(f, &f->req.in, 0))
        return;
    for (uint32_t i = h->nhdr; i-- > 0;) {
        uint32_t from = h->hdr[i].name, to = i + 1 < h->nhdr ? h->hdr[i + 1].name : h->fields_end;

        if (h->hdr[i].id != H1_ID_EXPECT)
            continue;
        memmove(head + from, head + to, f->req.in.len - to);
        f->req.in.len -= to - from;
        f->head_len -= to - from;
        h->fields_end -= to - from;
    }
}

void ask_continue(flow *f)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    asked *q = f->asked;
    struct iovec v = {(char *)text, sizeof(text) - 1};

    if (!(q->h1_flags & H1_F_EXPECT_100) || q->continued || q->whole)
        return;
    q->continued = 1;
    drop_expect(f);
    if (chan_send(f, &f->res, f->f, &v, 1, 0) == MOVE_ERR_OUT)
        f->f->flags |= CO_F_ERR;
}

static void malformed_request(flow *f, int err)
{
    h1_head *h = &f->t->head;

    h1_request_init(h, 0);
    h->err = -err;
    cnt_inc(f->fe->shard[f->t->tid].c.failed_req);
    exch_snapshot(f, 0, h, buf_data(&f->req.in), f->req.in.len);
    exch_reply(f, 400, 0, 'P', 'R');
}

void ask_request_body(flow *f)
{
    asked *q = f->asked;
    int ret = 0, ended = 0;

    while (!ask_body_done(f, q, &f->req) && (ret = ask_read(f, f->f, &f->req.in)) > 0) {
        int err = ask_look(q, &f->req, f->head_len);

        if (err) {
            malformed_request(f, err);
            return;
        }
    }
    if (ret < 0) {
        if (f->f->flags & CO_F_ERR)
            return; /* ask_run() sees it */
        ended = !q->told_eof;
    }
    if (ask_body_done(f, q, &f->req) || ended)
        ask_request_again(f, 0);
}

static void malformed_response(flow *f, int err)
{
    uint32_t tid = f->t->tid;
    h1_head *h = &f->t->head;

    h1_response_init(h, 0);
    h->err = -err;
    cnt_inc(f->be->shard[tid].c.failed_resp);
    cnt_inc(f->srv->shard[tid].c.failed_resp);
    exch_snapshot(f, 1, h, buf_data(&f->res.in), f->res.in.len);
    exch_reply(f, 502, 0, 'P', 'H');
}

void ask_response_body(flow *f)
{
    asked *q = f->asked;
    int ret = 0;

    if (q->state != Q_BODY)
        return;
    while (!ask_body_done(f, q, &f->res) && (ret = ask_read(f, f->b, &f->res.in)) > 0) {
        int err = ask_look(q, &f->res, q->head_len);

        if (err) {
            malformed_response(f, err);
            return;
        }
    }
    if (ask_body_done(f, q, &f->res) || (ret < 0 && !q->told_eof))
        ask_response_again(f, 0);
}
