/* The response of an exchange: its head, its body, the switch to a tunnel. */
#include "asked.h"
#include "engine.h"
#include "observe.h"
#include "track.h"

#define SMALL_BODY 2048         /* bytes that go out in one piece with their head */
#define FIRST_READ (64 * 1024) /* a head and most bodies come in one read */

static void server_fault(flow *f)
{
    uint32_t tid = f->t->tid;

    cnt_inc(f->be->shard[tid].c.failed_resp);
    cnt_inc(f->srv->shard[tid].c.failed_resp);
}

/* The server closed, or broke, without a whole head. */
static void cut(flow *f)
{
    if (exch_resend(f))
        return;
    observe(f, f->srv, f->b->flags & CO_F_ERR ? SEEN_HTTP_READ : SEEN_HTTP_CLOSE);
    if (!(f->flags & FL_RS_STARTED) && exch_retry(f, RETRY_EMPTY, 0))
        return;
    server_fault(f);
    track_count(f, TRACK_FAIL);
    cnt_inc(f->be->shard[f->t->tid].c.srv_aborts);
    cnt_inc(f->srv->shard[f->t->tid].c.srv_aborts);
    /* a connection that had served others broke under a request that may not be repeated by us: its client knows better
     * (RFC 9112 9.3.1), and learns it as it would have from the server */
    if (f->b->flags & CO_F_REUSED && f->flags & FL_NOT_FIRST && !(f->flags & FL_RS_STARTED)) {
        exch_abort(f, 'S', 'H');
        return;
    }
    exch_reply(f, 502, 0, 'S', 'H');
}

static void refuse(flow *f, const h1_head *h, const char *s, uint32_t have)
{
    observe(f, f->srv, SEEN_HTTP_HEAD);
    if (exch_retry(f, RETRY_JUNK, 0))
        return;
    server_fault(f);
    track_count(f, TRACK_FAIL);
    exch_snapshot(f, 1, h, s, have);
    tevt_add(f, TEVT_MUX | TEVT_BACK | TEVT_PROTO);
    exch_reply(f, 502, 0, 'P', 'H');
}

/* Which bytes are the body (RFC 9112 6.3), and what that means for both connections. */
static void set_body(flow *f, const h1_head *h)
{
    chan *c = &f->res;

    c->left = 0;
    c->rsize = 0;
    if (h->flags & H1_F_CHUNKED && f->flags & FL_REQ10) /* RFC 9112 6.1: never to a client that did not say 1.1 */
        f->flags |= FL_DECHUNK;
    if (f->flags & FL_HEAD || h->flags & H1_F_NO_BODY) {
        c->body = BODY_NONE;
        if (unlikely(f->flags & FL_BODILESS) && !(h->flags & H1_F_NO_BODY))
            f->flags &= ~FL_KA_SERVER; /* the body that comes ends with its connection */
    } else if (h->flags & H1_F_CHUNKED) {
        c->body = BODY_CHUNKED;
        h1_chunk_init(&c->chunk);
        if (f->flags & FL_DECHUNK) /* the end of the connection is the end of the body */
            f->flags &= ~FL_KA_CLIENT;
    } else if (h->flags & H1_F_CLEN) {
        c->body = h->body_len ? BODY_LEN : BODY_NONE;
        c->left = h->body_len;
    } else {
        c->body = BODY_CLOSE;
        f->flags &= ~(FL_KA_CLIENT | FL_KA_SERVER);
    }
    if (!(h->flags & H1_F_PERSIST))
        f->flags &= ~FL_KA_SERVER;
    if (exch_leaves(f))
        f->flags &= ~FL_KA_CLIENT;
    if (f->rq != RQ_DONE && !(f->flags & FL_KA_SERVER))
        f->flags &= ~FL_KA_CLIENT;
}

/* Whether the response begins a tunnel. */
static int is_switch(const flow *f, const h1_head *h)
{
    return h->status == 101 || (f->flags & FL_CONNECT && h->status / 100 == 2);
}

/* Sends the head with what of the body came along. Returns the bytes used of <have>, or -1 if the exchange ended. */
static int64_t send_head(flow *f, const h1_head *h, char *s, uint32_t have)
{
    thr *t = f->t;
    chan *c = &f->res;
    int n = msg_response(f, h, s, t->compose, t->compose_size);
    uint32_t body = have - h->len;

    if (n < 0) {
        tevt_add(f, TEVT_STRM | TEVT_INTERNAL);
        exch_reply(f, 502, 0, 'P', 'H');
        return -1;
    }
    if (c->body == BODY_CHUNKED && likely(!flow_hurries(f))) { /* goes out with the first chunk */
        if (buf_append(&t->bufs, &c->out, t->compose, n) < 0) {
            exch_abort(f, 'R', 'H');
            return -1;
        }
        c->cork = 1;
        return h->len;
    }
    if (c->body == BODY_NONE || c->body == BODY_CHUNKED)
        body = 0;
    if (c->body == BODY_LEN) {
        if (body > c->left)
            body = (uint32_t)c->left;
    }
    body = chan_allowance(f, c, body);
    chan_spend(f, c, s + h->len, body);
    if (c->body == BODY_LEN)
        c->left -= body;

    struct iovec v[2] = {{t->compose, n}, {s + h->len, body}};
    int parts = body ? 2 : 1, whole = c->body == BODY_NONE ? !is_switch(f, h) : c->body == BODY_LEN && !c->left;

    if (body && body <= SMALL_BODY && body <= t->compose_size - n) { /* cheaper to copy than to describe */
        memcpy(t->compose + n, s + h->len, body);
        v[0].iov_len += body;
        parts = 1;
    }
    if (chan_send(f, c, f->f, v, parts, whole && exch_ends(f)) == MOVE_ERR_OUT) {
        exch_abort(f, 'C', 'D');
        return -1;
    }
    return h->len + body;
}

static void switch_protocols(flow *f)
{
    f->flags &= ~(FL_KA_CLIENT | FL_KA_SERVER);
    f->rs = RS_BODY;
    f->rq = RQ_DONE;
    tunnel_switch(f);
}

static int is_asked_about(const flow *f)
{
    return (f->flags & FL_ASK_RES) | ((f->fe->conf.asks | f->be->conf.asks) & 1u << ASK_RESPONSE);
}

static void start(flow *f, const h1_head *h, char *s, uint32_t have)
{
    uint32_t keeps = f->flags & FL_KA_CLIENT;

    observe_status(f, h->status);
    if (unlikely(f->keep.len) && exch_retry(f, 0, h->status))
        return;
    if (unlikely(f->track))
        track_add(f, track_blame(f, h->status), 1);
    if (is_switch(f, h))
        f->res.body = BODY_NONE;
    else
        set_body(f, h);
    f->tresp = (int32_t)(f->t->now_ms - f->t_mark);
    f->b->flags |= f->b->streams > 1 ? CO_F_SAFE : 0;
    if (likely(!is_asked_about(f))) {
        exch_send_response(f, h, s, have);
        return;
    }
    ask_response(f, h, s, have);
    if (f->rs == RS_ASK)
        f->asked->keeps = keeps != 0;
}

void exch_send_response(flow *f, const h1_head *h, char *s, uint32_t have)
{
    int tunnel = is_switch(f, h);
    int64_t used;

    f->status = (int16_t)h->status;
    exch_count_status(f, h->status);
    buf_release(&f->t->bufs, &f->keep);
    used = send_head(f, h, s, have);
    if (used < 0)
        return;
    if (buf_set(&f->t->bufs, &f->res.in, s + used, have - (uint32_t)used) < 0) {
        exch_abort(f, 'R', 'D');
        return;
    }
    if (f->fe->conf.options & PX_O_LOGASAP) {
        flow_record(f);
        f->flags |= FL_LOGGED;
    }
    if (tunnel) {
        switch_protocols(f);
        return;
    }
    f->rs = f->res.body == BODY_NONE || (f->res.body == BODY_LEN && !f->res.left) ? RS_DONE : RS_BODY;
}

/* An interim response is passed on, to those who know it (RFC 9110 15.2: not to HTTP/1.0). 0 if the exchange goes on. */
static int interim(flow *f, const h1_head *h, const char *s)
{
    int n;

    if (f->flags & FL_REQ10)
        return 0;
    n = msg_response(f, h, s, f->t->compose, f->t->compose_size);
    if (n < 0) {
        tevt_add(f, TEVT_STRM | TEVT_INTERNAL);
        exch_reply(f, 502, 0, 'P', 'H');
        return -1;
    }

    struct iovec v = {f->t->compose, n};

    if (chan_send(f, &f->res, f->f, &v, 1, 0) == MOVE_ERR_OUT) {
        exch_abort(f, 'C', 'H');
        return -1;
    }
    return 0;
}

/* One head in the <have> bytes at <s>. Returns the bytes of an interim response that was passed on, so that the next one
 * may be looked for; 0 otherwise. */
static uint32_t one_head(flow *f, char *s, uint32_t have)
{
    thr *t = f->t;
    h1_head *h = f->head;
    uint32_t used = 0;
    int ret;

    if (!h) {
        h = &t->head;
        exch_response_init(f, h, t->eng->conf.maxhdr, 0);
    }
    ret = h1_scan(h, s, have);
    if (!ret && have >= t->eng->conf.bufsize) {
        h->err = H1_ERR_TOO_MANY;
        h->err_pos = have;
        ret = -1;
    }
    if (!ret) {
        if (!f->head) {
            f->head = malloc(sizeof(*f->head));
            if (f->head)
                h1_head_copy(f->head, h);
        }
        if (!f->head || buf_set(&t->bufs, &f->res.in, s, have) < 0)
            exch_abort(f, 'R', 'H');
        return 0;
    }
    if (ret < 0 || (h->status == 101 && !(f->flags & FL_UPGRADE)))
        refuse(f, h, s, have);
    else if (h->status >= 200 || h->status == 101)
        start(f, h, s, have);
    else if (interim(f, h, s) == 0)
        used = h->len;
    free(f->head);
    f->head = NULL;
    return used;
}

void exch_read_response(flow *f)
{
    char *s = f->t->scratch;
    uint32_t have = f->res.in.len;
    ssize_t got;

    if (have)
        memcpy(s, buf_data(&f->res.in), have);
    got = conn_recv(f->b, s + have, FIRST_READ);
    if (got <= 0) {
        if (f->b->flags & (CO_F_EOF | CO_F_ERR))
            cut(f);
        return;
    }
    f->flags |= FL_RS_STARTED;
    have += (uint32_t)got;
    buf_release(&f->t->bufs, &f->res.in);
    while (have) {
        uint32_t used = one_head(f, s, have);

        if (!used)
            return;
        s += used;
        have -= used;
    }
}

/* --- the body --- */

static void body_failed(flow *f, int ret)
{
    int framing = ret == MOVE_ERR_IN && f->t->head.err && !(f->b->flags & CO_F_ERR);

    if (ret == MOVE_ERR_OUT) {
        exch_abort(f, 'C', 'D');
        return;
    }
    server_fault(f);
    track_count(f, TRACK_FAIL);
    if (framing) {
        observe(f, f->srv, SEEN_HTTP_BODY);
        exch_snapshot(f, 1, &f->t->head, f->t->scratch, 0);
        tevt_add(f, TEVT_MUX | TEVT_BACK | TEVT_PROTO);
    }
    exch_abort(f, framing ? 'P' : 'S', 'D');
}

static int forward(flow *f)
{
    chan *c = &f->res;
    uint32_t options = f->fe->conf.options | f->be->conf.options;
    int splice = options & (PX_O_SPLICE_RES | PX_O_SPLICE_AUTO);

    switch (c->body) {
    case BODY_LEN:
        return chan_pump(f, c, f->b, f->f, &c->left, splice);
    case BODY_CHUNKED:
        return chan_chunks(f, c, f->b, f->f, f->flags & FL_DECHUNK);
    default:
        return chan_pump(f, c, f->b, f->f, NULL, splice);
    }
}

void exch_response_body(flow *f)
{
    chan *c = &f->res;
    int ret;

    f->t->head.err = 0;
    if (f->rs != RS_BODY) {
        if (chan_flush(f, c, f->f) == MOVE_ERR_OUT)
            body_failed(f, MOVE_ERR_OUT);
        return;
    }
    ret = forward(f);
    switch (ret) {
    case MOVE_ERR_IN:
    case MOVE_ERR_OUT:
        body_failed(f, ret);
        return;
    case MOVE_EOF:
        if (c->body != BODY_CLOSE && !(c->body == BODY_LEN && !c->left)) {
            body_failed(f, ret);
            return;
        }
        tevt_add(f, TEVT_SE | TEVT_BACK | TEVT_SHUTR);
        f->rs = RS_DONE;
        return;
    case MOVE_YIELD:
        if (c->in.len) /* no event will tell of bytes that are here already */
            flow_later(f);
        break;
    default:
        break;
    }
    if (c->body == BODY_NONE || (c->body == BODY_LEN && !c->left))
        f->rs = RS_DONE;
}
