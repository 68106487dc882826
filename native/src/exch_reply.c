/* Our own replies: pages, and texts that verdicts give. */
#include "asked.h"
#include "engine.h"
#include "queue.h"

/* Bytes of the request's body, of which nothing was sent yet, in <in>; -1 if some are missing. */
static int64_t whole_body(const flow *f)
{
    const chan *c = &f->req;
    uint32_t have = c->in.len - f->head_len;
    int64_t n;

    switch (c->body) {
    case BODY_NONE:
        return 0;
    case BODY_LEN:
        return have >= c->left ? (int64_t)c->left : -1;
    default:
        n = h1_chunked_len(buf_data(&c->in) + f->head_len, have);
        return n > 0 ? n : -1;
    }
}

/* Forgets the request that was not sent; what came after it stays. Its body may have come with it. */
static void drop_request(flow *f)
{
    bufpool *p = &f->t->bufs;
    chan *c = &f->req;

    if (f->flags & FL_UNSENT) {
        int64_t body = whole_body(f);

        f->flags &= ~FL_UNSENT;
        c->seen = body < 0 ? c->in.len : f->head_len + (uint32_t)body;
        if (body >= 0) {
            buf_skip(p, &c->in, c->seen);
            c->left = 0;
            c->body = BODY_NONE;
            f->rq = RQ_DONE;
        }
    }
    if (f->rq != RQ_DONE)
        buf_release(p, &c->in);
}

void exch_drop_output(flow *f)
{
    buf_release(&f->t->bufs, &f->req.out);
    if (f->req.pipe) {
        pipe_put(f->t, f->req.pipe);
        f->req.pipe = NULL;
    }
}

void exch_reply_begin(flow *f, int early)
{
    if (unlikely(f->asked))
        ask_end(f);
    flow_detach_back(f, 0);
    queue_remove(f);
    f->cs = CS_NONE;
    f->flags |= FL_LOCAL;
    f->flags &= ~FL_DECHUNK; /* of a response that is not sent */
    if (early)
        f->flags |= FL_EARLY;
    drop_request(f);
    if (f->rq != RQ_DONE || early) {
        f->flags &= ~FL_KA_CLIENT;
        f->flags |= FL_SLOW_CLOSE;
    }
    buf_release(&f->t->bufs, &f->keep);
    buf_release(&f->t->bufs, &f->res.in);
    exch_drop_output(f);
    f->rs = RS_NONE;
}

/* Sends our own response, of the <n> parts at <v>; nothing, but the end, if there is none. */
static void send_reply(flow *f, int status, struct iovec *v, int n)
{
    f->status = (int16_t)status;
    exch_count_status(f, status);
    f->rs = RS_DONE;
    f->cexp = flow_exp(f, f->t_client);
    if (!n)
        f->flags &= ~FL_KA_CLIENT;
    else if (chan_send(f, &f->res, f->f, v, n, exch_ends(f)) == MOVE_ERR_OUT)
        exch_abort(f, 'C', 'D');
}

void exch_send_page(flow *f, int status, int early)
{
    thr *t = f->t;
    const err_page *page = eng_error(t->eng, f->fe, f->be, status, early);

    if (page && !page->framed)
        f->flags &= ~FL_KA_CLIENT;

    int n = msg_error(f, status, early, t->compose, t->compose_size);
    struct iovec v = {t->compose, n > 0 ? n : 0};

    send_reply(f, status, &v, n > 0);
}

void exch_reply(flow *f, int status, int early, char who, char when)
{
    flow_term(f, who, when);
    exch_reply_begin(f, early);
    if (unlikely(asks(f, ASK_LOCAL)) && !(f->asked && f->asked->local) && ask_local(f, status, early) == 0)
        return;
    exch_send_page(f, status, early);
}

void exch_redirect(flow *f, const h1_head *h, const char *s)
{
    static const char head[] = "HTTP/1.1 302 Found\r\ncache-control: no-cache\r\ncontent-length: 0\r\nlocation: ";
    bufpool *p = &f->t->bufs;
    const server *srv = f->srv;
    buf text = {0};

    f->flags &= ~FL_KA_CLIENT; /* the next request is to be balanced anew */
    if (buf_set(p, &text, head, sizeof(head) - 1) < 0 || buf_append(p, &text, srv->redir, srv->redir_len) < 0 ||
        buf_append(p, &text, h->path_len ? s + h->path : "/", h->path_len ? h->path_len : 1) < 0 ||
        buf_append(p, &text, "\r\n\r\n", 4) < 0)
        exch_reply(f, 500, 0, 'R', 'C');
    else
        exch_answer(f, 0, buf_data(&text), text.len, 'L', 'C');
    buf_release(p, &text);
}

/* Whether <text> is a response that can be sent; its head is in the thread's scanner then. */
static int is_reply(const flow *f, const char *text, uint32_t len)
{
    h1_head *h = &f->t->head;

    h1_response_init(h, H1_MAX_HDR);
    if (h1_scan(h, text, len) != 1 || h->status < 200 || h->flags & H1_F_CHUNKED)
        return 0;
    return h->flags & H1_F_NO_BODY || !(h->flags & H1_F_CLEN) || h->body_len == len - h->len;
}

void exch_answer(flow *f, int status, const char *text, uint32_t len, char who, char when)
{
    thr *t = f->t;
    const h1_head *h = &t->head;
    uint32_t body;
    int n;

    if (!is_reply(f, text, len)) {
        ask_bad(f);
        exch_reply(f, 500, 0, 'I', when);
        return;
    }
    flow_term(f, who, when);
    exch_reply_begin(f, 0);
    if (!(h->flags & (H1_F_CLEN | H1_F_NO_BODY))) /* it ends with the connection */
        f->flags &= ~FL_KA_CLIENT;
    body = h->flags & H1_F_NO_BODY ? 0 : len - h->len;
    n = msg_response(f, h, text, t->compose, t->compose_size);
    if (n < 0) {
        ask_bad(f);
        send_reply(f, 500, NULL, 0);
        return;
    }

    struct iovec v[2] = {{t->compose, n}, {(char *)text + h->len, body}};

    send_reply(f, status ? status : h->status, v, body && !(f->flags & FL_HEAD) ? 2 : 1);
}
