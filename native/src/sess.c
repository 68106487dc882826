#include "sess.h"
#include "flow.h"
#include "queue.h"
#include <stddef.h>

struct sess_walk {
    engine *e;
    uint32_t tid;    /* the thread whose flows are looked at, */
    uint32_t begun;  /* whose first one was found, */
    flow *at;        /* and the flow to be looked at next; NULL: that thread has no more */
    sess_walk *next; /* thr.walks of <tid> */
};

/* --- one session --- */

/* Whether there is a stream: clients that are not done with handshakes, say nothing, or not all of a request's head yet, have
 * none. */
static int is_stream(const flow *f)
{
    if (f->flags & FL_DRAIN)
        return 0;
    if (f->kind == FLOW_TUNNEL)
        return f->uniq || f->b; /* an applet's has no number */
    return f->uniq && (f->rq > RQ_HEAD || f->rs != RS_NONE || f->cs != CS_NONE || f->flags & FL_HELD);
}

/* ms until <tick>. */
static int32_t until(uint32_t tick, uint32_t now)
{
    return tick ? (int32_t)(tick - now) : SESS_ETERNITY;
}

static void tell_way(const chan *c, uint32_t state, sess_way *out)
{
    *out = (sess_way){
        .state = state, .body = c->body, .waits = c->in.len, .out = c->out.len, .pipe = c->pipe ? c->pipe->len : 0,
        .eof = c->eof, .left = c->body == BODY_LEN ? c->left : 0, .total = c->total,
    };
}

static void tell_end(const conn *c, uint32_t state, uint32_t expires, uint32_t now, sess_end *out)
{
    *out = (sess_end){.fd = -1, .state = state, .expire = until(expires, now)};
    if (!c)
        return;
    out->fd = c->fd;
    out->flags = c->flags;
    out->streams = c->streams;
    if (c->e) {
        out->fd_want = at_peek(&c->e->want);
        out->fd_ready = at_peek(&c->e->ready);
        out->fd_ev = at_peek(&c->e->ev);
    }
}

static uint32_t back_state(const flow *f)
{
    static const uint8_t states[] = {
        [CS_NONE] = SESS_END_INI, [CS_QUEUE] = SESS_END_QUE, [CS_CONN] = SESS_END_CON, [CS_TAR] = SESS_END_TAR,
        [CS_EST] = SESS_END_EST, [CS_ASK] = SESS_END_REQ,
    };

    return f->b && f->b->flags & CO_F_APPLET ? SESS_END_EST : states[f->cs];
}

/* A side ended, or what should have ended it is late: nothing but an event of the other side will ever end this. */
static int is_suspicious(const flow *f, int32_t expire)
{
    int ended = f->f->flags & (CO_F_EOF | CO_F_ERR) || (f->b && f->b->flags & (CO_F_EOF | CO_F_ERR));

    return expire < 0 || (expire == SESS_ETERNITY && ended);
}

/* The request's first line: what was kept for the log, or stands in what is kept to be sent again. */
static void tell_uri(const flow *f, lb_sess *s)
{
    const buf *b = f->uri.len ? &f->uri : f->keep.len ? &f->keep : &f->req.in;
    uint32_t len = b == &f->uri ? b->len - f->captured : b->len;
    uint32_t n = 0, max = len < SESS_URI_MAX ? len : SESS_URI_MAX;

    if (f->kind == FLOW_TUNNEL || (b == &f->req.in && !(f->flags & FL_UNSENT)))
        return;
    while (n < max && buf_data(b)[n] != '\r' && buf_data(b)[n] != '\n')
        n++;
    memcpy(s->uri, buf_data(b), n);
    s->uri_len = n;
}

static void tell(const flow *f, uint32_t now, lb_sess *s)
{
    int32_t expire = tmr_is_set(&f->tmr) ? until(f->tmr.when, now) : SESS_ETERNITY;

    memset(s, 0, offsetof(lb_sess, uri));
    s->id = f->session;
    s->uniq = f->uniq;
    s->accept_us = f->accept_us;
    s->request_us = f->request_us;
    s->tid = f->t->tid;
    s->frontend = f->fe->index;
    s->listener = f->lsn->index;
    s->backend = f->be ? (int32_t)f->be->index : -1;
    s->server = flow_server(f);
    s->http = f->kind == FLOW_EXCHANGE;
    s->tunneled = !!(f->flags & FL_TUNNELED);
    s->applet = f->b && f->b->flags & CO_F_APPLET;
    s->flags = f->flags;
    s->method = f->method;
    s->status = f->status;
    s->age = now - f->t_first;
    s->expire = expire;
    s->retries = f->retries;
    s->requests = f->req_no;
    s->queue_pos = f->cs == CS_QUEUE && f->be ? queue_place(f) : 0;
    s->family = f->f->family;
    s->sport = f->f->port;
    s->lport = f->lsn->port;
    memcpy(s->saddr, f->f->addr, sizeof(s->saddr));
    tell_way(&f->req, f->rq, &s->req);
    tell_way(&f->res, f->rs, &s->res);
    tell_end(f->f, SESS_END_EST, f->cexp, now, &s->front);
    tell_end(f->b, back_state(f), f->sexp, now, &s->back);
    s->marks = (f->flags & FL_HELD ? SESS_HELD : 0) | (is_suspicious(f, expire) ? SESS_SUSP : 0) |
               (f->cs == CS_QUEUE ? SESS_QUEUED : 0) | (f->flags & FL_RETRYABLE ? SESS_KEPT : 0) |
               (f->flags & FL_LOCAL ? SESS_LOCAL : 0);
    tell_uri(f, s);
}

/* --- walks --- */

sess_walk *sess_walk_new(engine *e)
{
    sess_walk *w = calloc(1, sizeof(*w));

    if (w)
        w->e = e;
    return w;
}

static void leave_thread(sess_walk *w)
{
    sess_walk **at = &w->e->threads[w->tid].walks;

    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    w->begun = 0;
}

static void enter_thread(sess_walk *w)
{
    thr *t = &w->e->threads[w->tid];

    w->at = t->all;
    w->next = t->walks;
    t->walks = w;
    w->begun = 1;
}

int sess_walk_next(sess_walk *w, lb_sess *out, int max, int look)
{
    uint32_t now = tick_now();
    int n = 0;

    while (w->tid < w->e->conf.nbthread) {
        if (!w->begun)
            enter_thread(w);
        for (; w->at; w->at = w->at->next) {
            if (n == max || !look--)
                return n;
            if (is_stream(w->at))
                tell(w->at, now, &out[n++]);
        }
        leave_thread(w);
        w->tid++;
    }
    return n ? n : -1;
}

void sess_walk_free(sess_walk *w)
{
    if (w->begun)
        leave_thread(w);
    free(w);
}

void sess_walks_pass(thr *t, const flow *f)
{
    for (sess_walk *w = t->walks; w; w = w->next)
        if (w->at == f)
            w->at = f->next;
}

void sess_walks_fini(thr *t)
{
    while (t->walks) {
        sess_walk *w = t->walks;

        t->walks = w->next;
        free(w);
    }
}

/* --- one of them --- */

/* The upper bits of an id are its thread's. */
static flow *find(engine *e, uint64_t id)
{
    uint32_t tid = (uint32_t)(id >> 48);
    flow *f = tid < e->conf.nbthread ? e->threads[tid].all : NULL;

    while (f && f->session != id)
        f = f->next;
    return f && is_stream(f) ? f : NULL;
}

int eng_sess_find(engine *e, uint64_t id, lb_sess *out)
{
    const flow *f = find(e, id);

    if (!f)
        return 0;
    tell(f, tick_now(), out);
    return 1;
}

int eng_sess_end(engine *e, uint64_t id, uint32_t why)
{
    flow *f = find(e, id);
    inmsg *m;

    if (!f)
        return 0;
    m = malloc(sizeof(*m));
    if (!m)
        return -ENOMEM;
    *m = (inmsg){.kind = IN_SESS, .gen = id, .fd = (int)why};
    thr_post(f->t, m);
    return 1;
}

void sess_end_here(thr *t, uint64_t id, char why)
{
    flow *f = find(t->eng, id);

    if (f)
        flow_stop(f, why);
}
