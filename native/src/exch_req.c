/* The request of an exchange: its head, the way to a server, its body. */
#include "asked.h"
#include "engine.h"
#include "handshake.h"
#include "limit.h"
#include "observe.h"
#include "rates.h"
#include "track.h"

/* --- reading the head --- */

static void head_release(flow *f)
{
    free(f->head);
    f->head = NULL;
}

/* A first byte came: the clock of the request starts. */
static void begin(flow *f)
{
    thr *t = f->t;

    f->rq = RQ_HEAD;
    f->flags |= FL_REQ_COUNTED;
    f->t_first = t->now_ms;
    f->request_us = t->wall_us;
    f->idle = (int32_t)(t->now_ms - f->t_start);
    if (f->flags & FL_NOT_FIRST)
        f->cexp = flow_exp(f, f->fe->conf.t_http_request ? f->fe->conf.t_http_request : f->t_client);
}

void exch_count(flow *f)
{
    cnt_inc(f->fe->shard[f->t->tid].c.cum_req);
    rates_count(f->fe->shard, &f->fe->live, PX_RATE_REQ, f->t);
    track_count(f, TRACK_REQ);
}

static void refuse(flow *f, const h1_head *h, const char *s, uint32_t have)
{
    cnt_inc(f->fe->shard[f->t->tid].c.failed_req);
    exch_count(f);
    track_count(f, TRACK_ERR);
    exch_snapshot(f, 0, h, s, have);
    tevt_add(f, TEVT_MUX | TEVT_PROTO);
    exch_reply(f, 400, 1, 'P', 'R');
}

/* Whether what has come of a chunked body is well framed; H1_ERR_* if not. What is wrong from the start must not reach a
 * server, not even its head. */
static int framing_error(const char *s, uint32_t len)
{
    int64_t n = h1_chunked_len(s, len);

    return n < 0 ? (int)-n : 0;
}

/* The client closed, or broke, before the head was whole. */
static void cut(flow *f, uint32_t have)
{
    if (!have) {
        if (f->flags & FL_NOT_FIRST || f->fe->conf.options & PX_O_IGNORE_PROBES) {
            flow_free(f);
            return;
        }
        /* it may have closed its direction only, and wait for an answer */
        f->flags |= FL_REQ_COUNTED | exch_null(f);
        exch_count(f);
        track_count(f, TRACK_ERR);
        if (f->f->flags & CO_F_ERR)
            exch_abort(f, 'C', 'R');
        else
            exch_reply(f, 400, 1, 'C', 'R');
        return;
    }
    exch_count(f);
    track_count(f, TRACK_ERR);
    if (f->f->flags & CO_F_ERR)
        exch_abort(f, 'C', 'R');
    else
        exch_reply(f, 400, 1, 'C', 'R');
}

/* Keeps what has come until there is more. */
static void keep_head(flow *f, const h1_head *h, const char *s, uint32_t have)
{
    if (!f->head) {
        f->head = malloc(sizeof(*f->head));
        if (f->head)
            h1_head_copy(f->head, h);
    }
    if (!f->head || buf_set(&f->t->bufs, &f->req.in, s, have) < 0)
        exch_reply(f, 500, 0, 'R', 'R');
}

static void start(flow *f, const h1_head *h, char *s, uint32_t have);

void exch_read_request(flow *f)
{
    thr *t = f->t;
    char *s = t->scratch;
    uint32_t have = f->req.in.len, max = t->eng->conf.bufsize;
    limit_soon soon = {0};
    int got = 0, ret;

    if (unlikely(at_peek(&f->fe->limit) != NULL))
        soon = limit_expect(f); /* comes while the system copies the request, and its entry while that is scanned */
    if (have)
        memcpy(s, buf_data(&f->req.in), have);
    if (!(f->flags & FL_UNSCANNED) && have < max) {
        got = (int)conn_recv(f->f, s + have, max - have);
        if (got <= 0) {
            if (f->f->flags & (CO_F_EOF | CO_F_ERR))
                cut(f, have);
            return;
        }
        have += got;
    }
    limit_expect_entry(soon);
    f->flags &= ~FL_UNSCANNED;
    if (f->rq == RQ_IDLE)
        begin(f);

    h1_head *h = f->head;

    if (!h) {
        h = &t->head;
        exch_request_init(f, h, t->eng->conf.maxhdr, 0);
    }
    ret = h1_scan(h, s, have);
    if (ret > 0 && h->len + t->eng->conf.maxrewrite > max && have >= max) {
        h->err = H1_ERR_TOO_MANY;
        ret = -1;
    }
    if (!ret && have + t->eng->conf.maxrewrite >= max) {
        h->err = H1_ERR_TOO_MANY;
        h->err_pos = have;
        ret = -1;
    }
    if (!ret) {
        keep_head(f, h, s, have);
        return;
    }
    if (ret > 0 && h->flags & H1_F_CHUNKED && (h->err = framing_error(s + h->len, have - h->len))) {
        h->err_pos = h->len;
        ret = -1;
    }
    if (ret < 0)
        refuse(f, h, s, have);
    else
        start(f, h, s, have);
    head_release(f);
}

/* --- a whole head --- */

int exch_is_idempotent(const h1_head *h)
{
    switch (h->method_id) {
    case H1_GET:
    case H1_HEAD:
    case H1_OPTIONS:
    case H1_TRACE:
    case H1_PUT:
    case H1_DELETE:
        return 1;
    default:
        return 0;
    }
}

static void keep_uri(flow *f, const h1_head *h, const char *s)
{
    const char *line = s + h->start;
    uint32_t n = h->fields - h->start, max = f->t->eng->conf.line_max;

    while (n && (line[n - 1] == '\n' || line[n - 1] == '\r'))
        n--;
    buf_set(&f->t->bufs, &f->uri, line, n < max ? n : max);
    f->captured = 0;
    if (at_peek(&f->fe->log))
        log_capture_fields(f, h, s);
}

static void set_body(flow *f, const h1_head *h)
{
    chan *c = &f->req;

    c->left = 0;
    c->body = BODY_NONE;
    if (h->flags & H1_F_CHUNKED) {
        c->body = BODY_CHUNKED;
        h1_chunk_init(&c->chunk);
    } else if (h->flags & H1_F_CLEN && h->body_len) {
        c->body = BODY_LEN;
        c->left = f->body_len = h->body_len;
    }
    f->rq = c->body == BODY_NONE ? RQ_DONE : RQ_BODY;
}

static void set_flags(flow *f, const h1_head *h)
{
    uint32_t options = f->fe->conf.options;

    if (h->flags & H1_F_PERSIST && !(options & PX_O_CLOSE) && !exch_leaves(f))
        f->flags |= FL_KA_CLIENT;
    if (!(options & (PX_O_CLOSE | PX_O_SERVER_CLOSE)))
        f->flags |= FL_KA_SERVER;
    if (h->method_id == H1_HEAD)
        f->flags |= FL_HEAD;
    if (h->method_id == H1_CONNECT)
        f->flags |= FL_CONNECT;
    if (h->version == 10)
        f->flags |= FL_REQ10;
    if (h->flags & H1_F_UPGRADE)
        f->flags |= FL_UPGRADE;
    if (exch_is_idempotent(h))
        f->flags |= FL_IDEMPOTENT;
}

/* The input stays in the flow until it can be sent. */
static int wait_with(flow *f, const char *s, uint32_t have)
{
    if (!s)
        return 0;
    if (buf_set(&f->t->bufs, &f->req.in, s, have) < 0) {
        exch_reply(f, 500, 0, 'R', 'C');
        return -1;
    }
    f->flags |= FL_UNSENT;
    return 0;
}

void exch_route(flow *f, backend *be)
{
    if (be->conf.options & PX_O_CLOSE)
        f->flags &= ~(FL_KA_CLIENT | FL_KA_SERVER);
    if (be->conf.options & PX_O_SERVER_CLOSE)
        f->flags &= ~FL_KA_SERVER;
    flow_set_backend(f, be);
    cnt_inc(be->shard[f->t->tid].c.cum_req);
}

/* Whether its frontend's limit has refused the request. */
static int is_limited(flow *f, const h1_head *h, const char *s, uint32_t have)
{
    int status = limit_status(f, h, s);

    if (likely(!status))
        return 0;
    track_count(f, TRACK_ERR);
    cnt_inc(f->fe->shard[f->t->tid].c.denied_req);
    if (wait_with(f, s, have) == 0)
        exch_reply(f, status, 0, 'P', 'R');
    return 1;
}

static void start(flow *f, const h1_head *h, char *s, uint32_t have)
{
    thr *t = f->t;

    f->req_no++;
    cnt_inc(t->streams);
    f->uniq = ((uint64_t)t->tid << 48) | t->streams;
    f->tr = (int32_t)(t->now_ms - f->t_first);
    f->t_mark = t->now_ms;
    f->method = (uint8_t)h->method_id;
    f->head_len = h->len;
    if (likely(!exch_counts_late(f)))
        exch_count(f);
    if (f->fe->conf.options & PX_O_LOG_URI)
        keep_uri(f, h, s);
    set_body(f, h);
    set_flags(f, h);
    if (unlikely(at_peek(&f->fe->limit) != NULL) && is_limited(f, h, s, have))
        return;
    if (unlikely(f->fe->conf.asks & 1u << ASK_REQUEST)) {
        ask_request(f, h, s, have);
        return;
    }
    if (f->fe->conf.backend < 0) {
        if (wait_with(f, s, have) == 0)
            exch_reply(f, 503, 0, 'S', 'C');
        return;
    }
    exch_route(f, t->eng->be[f->fe->conf.backend]);
    if (unlikely(lb_by_head(f->be)))
        f->key = lb_head_key(f->be, h, s);
    exch_forward(f, h, s, have);
}

/* --- to a server --- */

/* Gets as far as a connection that may be written to, or a server that redirects. 1: there it is; 0: wait (or over). */
static int reach_server(flow *f, const char *s, uint32_t have)
{
    for (;;) {
        int ret;

        if (f->cs == CS_CONN) {
            if (f->b->flags & (CO_F_OPTIMIST | CO_F_REUSED) && !(f->b->flags & (CO_F_PREFACE | CO_F_SOCKS)) &&
                !(f->b->e->ev & (FD_EV_ERR | FD_EV_HUP)))
                return 1;
            ret = flow_established(f);
            if (ret > 0)
                return 1;
            if (wait_with(f, s, have) < 0)
                return 0;
            if (!ret)
                return 0;
            exch_server_failed(f, ret);
            return 0;
        }
        ret = flow_assign(f);
        if (ret == ASSIGN_WAIT) {
            wait_with(f, s, have);
            return 0;
        }
        if (ret == ASSIGN_NONE) {
            if (wait_with(f, s, have) == 0)
                exch_reply(f, 503, 0, 'S', 'C');
            return 0;
        }
        if (f->tw < 0)
            f->tw = (int32_t)(f->t->now_ms - f->t_mark);
        if (unlikely(exch_redirects(f)))
            return 1;
        if (f->b && f->b->srv == f->srv && f->b->moves == f->srv->moves && !(f->b->flags & (CO_F_EOF | CO_F_ERR)) &&
            (!(f->b->flags & (CO_F_PRIVATE | CO_F_NAMED)) || handshake_holds(f))) {
            f->b->flags |= CO_F_REUSED; /* its own one, kept since the last request */
            f->cs = CS_CONN;
            f->t_mark = f->t->now_ms;
            continue;
        }
        flow_detach_back(f, 0);
        ret = flow_connect(f);
        if (ret < 0) {
            if (wait_with(f, s, have) < 0)
                return 0;
            exch_server_failed(f, ret);
            return 0;
        }
    }
}

/* Established, and the head is on its way. */
static void sent(flow *f)
{
    if (f->cs != CS_EST) {
        f->cs = CS_EST;
        f->tc = (int32_t)(f->t->now_ms - f->t_mark);
        observe(f, f->srv, SEEN_L4_OK);
    }
    f->flags &= ~FL_UNSENT;
    f->b->flags &= ~(CO_F_CONNECTING | CO_F_OPTIMIST);
    f->t_mark = f->t->now_ms;
    f->rs = RS_WAIT;
    f->res.body = BODY_NONE;
}

/* What was received after the head: the part of the body that goes with it. Returns its bytes. */
static uint32_t body_part(flow *f, uint32_t have, uint32_t from)
{
    uint32_t n = have - from;

    if (f->req.body != BODY_LEN)
        return 0;
    return f->req.left < n ? (uint32_t)f->req.left : n;
}

static void send_request(flow *f, const h1_head *h, char *s, uint32_t have)
{
    thr *t = f->t;
    chan *c = &f->req;
    int n = msg_request(f, h, s, t->compose, t->compose_size);

    if (n < 0) {
        exch_reply(f, 500, 0, 'R', 'C');
        return;
    }

    uint32_t body = chan_allowance(f, c, body_part(f, have, h->len)), used = h->len + body;
    struct iovec v[2] = {{t->compose, n}, {s + h->len, body}};
    ssize_t done = conn_send(f->b, v, body ? 2 : 1, 0);

    if (done < 0) {
        int err = (int)done;

        if (f->b->flags & CO_F_CONNECTING && sock_error(f->b->fd))
            err = -ECONNREFUSED;
        if (wait_with(f, s, have) < 0)
            return;
        exch_server_failed(f, err);
        return;
    }
    if (!done) { /* not connected yet, or (a used connection) no room: the fd layer will tell */
        if (f->b->flags & CO_F_OPTIMIST) {
            f->b->flags &= ~CO_F_OPTIMIST;
            at_store(&f->srv->fast, 0);
        }
        f->b->flags &= ~CO_F_REUSED;
        f->b->flags |= CO_F_CONNECTING;
        wait_with(f, s, have);
        return;
    }
    sent(f);
    chan_spend(f, c, s + h->len, body);
    c->total += done;
    for (int i = 0; i < 2; i++) {
        size_t len = i < (body ? 2 : 1) ? v[i].iov_len : 0;
        size_t gone = (size_t)done < len ? (size_t)done : len;

        if (gone < len && buf_append(&t->bufs, &c->out, (char *)v[i].iov_base + gone, len - gone) < 0) {
            exch_reply(f, 500, 0, 'R', 'C');
            return;
        }
        done -= gone;
    }
    c->left -= body;
    if (c->body == BODY_LEN && !c->left)
        f->rq = RQ_DONE;
    exch_keep(f, s, used);
    if (buf_set(&t->bufs, &c->in, s + used, have - used) < 0)
        exch_reply(f, 500, 0, 'R', 'C');
}

void exch_forward(flow *f, const h1_head *h, char *s, uint32_t have)
{
    thr *t = f->t;

    if (!reach_server(f, s, have))
        return;
    if (!s) {
        s = t->scratch;
        have = f->req.in.len;
        memcpy(s, buf_data(&f->req.in), have);
        exch_request_init(f, &t->head, H1_MAX_HDR, 0);
        if (h1_scan(&t->head, s, have) != 1) { /* it was whole before; a verdict may have added fields */
            exch_reply(f, 500, 0, 'R', 'C');
            return;
        }
        h = &t->head;
        set_body(f, h); /* nothing of it was sent, or all is to be sent again */
    }
    if (unlikely(exch_redirects(f)))
        exch_redirect(f, h, s);
    else
        send_request(f, h, s, have);
}

void exch_server_failed(flow *f, int err)
{
    if (err == -EDESTADDRREQ) { /* "usesrc hdr_ip": whom the server is to see is not told, and no other attempt will tell */
        ask_bad(f);
        exch_reply(f, 500, 0, 'I', 'C');
        return;
    }
    if (exch_resend(f))
        return;
    f->flags &= ~FL_RETRYABLE;
    if (flow_retry(f, err)) {
        if (f->cs == CS_NONE)
            flow_later(f);
        return;
    }
    exch_reply(f, 503, 0, err == -ETIMEDOUT ? 's' : 'S', 'C');
}

/* --- the body --- */

static void body_failed(flow *f, int ret)
{
    if (ret == MOVE_ERR_IN && f->t->head.err && f->req.body == BODY_CHUNKED && !(f->f->flags & CO_F_ERR)) {
        cnt_inc(f->fe->shard[f->t->tid].c.failed_req);
        exch_snapshot(f, 0, &f->t->head, f->t->scratch, 0);
        tevt_add(f, TEVT_MUX | TEVT_PROTO);
        if (f->rs <= RS_ASK)
            exch_reply(f, 400, 0, 'P', 'H');
        else
            exch_abort(f, 'P', 'D');
        return;
    }
    if (ret == MOVE_ERR_OUT) {
        /* the server stopped reading: it may have answered already, which is worth more than the error */
        f->rq = RQ_DONE;
        f->flags &= ~(FL_KA_CLIENT | FL_KA_SERVER);
        f->flags |= FL_SLOW_CLOSE;
        exch_drop_output(f);
        f->b->flags &= ~CO_F_ERR;
        fd_may_recv(&f->t->loop, f->b->e, f->b->fd);
        return;
    }
    exch_abort(f, 'C', 'D');
}

void exch_request_body(flow *f)
{
    chan *c = &f->req;
    uint32_t options = f->fe->conf.options | f->be->conf.options;
    int ret;

    f->t->head.err = 0;
    if (f->rq != RQ_BODY) {
        ret = chan_flush(f, c, f->b);
        if (ret == MOVE_ERR_OUT)
            body_failed(f, ret);
        return;
    }
    if (c->body == BODY_LEN)
        ret = chan_pump(f, c, f->f, f->b, &c->left, options & (PX_O_SPLICE_REQ | PX_O_SPLICE_AUTO));
    else
        ret = chan_chunks(f, c, f->f, f->b, 0);
    if (ret == MOVE_YIELD && c->in.len) /* what goes on with bytes that are here already gets no event */
        flow_later(f);
    if (c->body == BODY_NONE || (c->body == BODY_LEN && !c->left && ret != MOVE_ERR_OUT)) {
        if (ret == MOVE_DONE || ret == MOVE_OUT)
            f->rq = RQ_DONE;
    }
    if (ret == MOVE_ERR_IN || ret == MOVE_ERR_OUT || ret == MOVE_EOF)
        body_failed(f, ret);
}
