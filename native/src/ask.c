/* Questions: how they are put and withdrawn, the stream of verdicts, flows that wait. */
#include "asked.h"
#include "engine.h"
#include "handshake.h"
#include "track.h"

/* --- what is kept --- */

asked *asked_of(flow *f)
{
    asked *q = f->asked;

    if (q)
        return q;
    q = slab_get(&f->t->asked);
    if (!q)
        return NULL;
    memset(q, 0, sizeof(*q));
    q->server = -1;
    f->asked = q;
    return q;
}

/* Addresses that were set for a stream are again what they were. */
static void unmove(flow *f, asked *q)
{
    if (q->moved & 1) {
        memcpy(f->f->addr, q->was[0].addr, sizeof(f->f->addr));
        f->f->port = q->was[0].port;
        f->f->family = q->was[0].family;
    }
    if (q->moved & 2) {
        q->dst = q->was[1];
        q->has_dst = q->had_dst;
    }
    q->moved = 0;
}

void asked_next(flow *f)
{
    asked *q = f->asked;

    ask_end(f);
    unmove(f, q);
    q->said &= V_F_TELL_CONN;
    q->own = q->local = q->early = q->continued = q->told_eof = 0;
    q->ntell = 0;
    q->cpu_ns = q->lat_ns = 0;
    q->server = -1;
    q->prio_class = q->prio_offset = 0;
    f->t_client = f->fe->conf.t_client;
    bwlim_free(&f->req.limits);
    bwlim_free(&f->res.limits);
}

void asked_free(flow *f)
{
    asked *q = f->asked;
    lb_event *ev;

    ask_end(f);
    free(q->tlvs);
    free(q->tell);
    if (q->said & V_F_TELL_CONN && (ev = thr_event(f->t, EV_SESSION_END)))
        ev->handle = f->session;
    f->asked = NULL;
    slab_put(&f->t->asked, q);
}

void asked_apply(flow *f)
{
    const asked *q = f->asked;

    if (q->own & 1 << FLOW_T_CLIENT)
        f->t_client = q->t_client;
    if (q->own & 1 << FLOW_T_SERVER)
        f->t_server = q->t_server;
    if (q->own & 1 << FLOW_T_TUNNEL)
        f->t_tunnel = q->t_tunnel;
    if (q->own & 1 << FLOW_RETRIES)
        f->max_retries = q->max_retries;
}

/* --- questions --- */

static uint32_t common_flags(const flow *f)
{
    uint32_t flags = f->flags & FL_NOT_FIRST ? 0 : ASK_F_FIRST;

    if (f->flags & FL_REDISP)
        flags |= ASK_F_REDISP;
    if (f->b && f->b->flags & CO_F_REUSED)
        flags |= ASK_F_REUSED;
    if (f->asked->proxied)
        flags |= ASK_F_PROXY;
    return flags;
}

lb_ask *ask_put(flow *f, uint32_t kind, uint32_t flags)
{
    thr *t = f->t;
    asked *q = asked_of(f);
    lb_ask *a = q ? thr_ask(t) : NULL;
    flow_ends ends;

    if (!a)
        return NULL;
    ask_end(f); /* of the one before */
    f->gen = ++t->flow_gen;
    q->state = Q_ASKED;
    q->kind = (uint8_t)kind;
    q->until = 0;
    q->poll = t->polls;
    q->at = t->nasks - 1;
    flow_get_ends(f, &ends);
    *a = (lb_ask){
        .flow = (uintptr_t)f, .gen = f->gen, .session = f->session, .uniq = f->uniq,
        .accept_us = f->accept_us, .request_us = f->request_us, .now_us = t->wall_us,
        .kind = kind, .flags = flags | common_flags(f), .frontend = f->fe->index,
        .backend = f->be ? (int32_t)f->be->index : -1, .server = flow_server(f),
        .listener = f->lsn->index, .status = f->status, .req_count = f->req_no,
        .th = flow_handshake_time(f), .ti = f->idle, .tr = f->tr, .tw = f->tw, .tc = f->tc, .tresp = f->tresp, .retries = f->retries,
        .sport = ends.sport, .dport = ends.dport, .family = ends.family, .method = f->method,
    };
    memcpy(a->saddr, ends.saddr, sizeof(a->saddr));
    memcpy(a->daddr, ends.daddr, sizeof(a->daddr));
    return a;
}

int ask_text(flow *f, lb_ask *a, const char *text, uint32_t len)
{
    if (!len)
        return 0;
    a->text = thr_text(f->t, text, len);
    a->len = len;
    return a->text == UINT32_MAX ? -ENOMEM : 0;
}

void ask_end(flow *f)
{
    asked *q = f->asked;
    thr *t = f->t;

    if (q->state == Q_ASKED) {
        f->gen = ++t->flow_gen;
        if (q->poll == t->polls && q->at < t->nasks) {
            t->asks[q->at].flow = 0;
            t->withdrawn++;
        }
    }
    q->state = Q_NONE;
    q->until = 0;
    f->flags &= ~FL_HELD;
    buf_release(&t->bufs, &q->text);
    buf_release(&t->bufs, &q->index);
}

void ask_deliver(thr *t)
{
    uint32_t n = 0;
    lb_event *ev;

    for (uint32_t i = 0; t->withdrawn && i < t->nasks; i++)
        if (t->asks[i].flow)
            t->asks[n++] = t->asks[i];
    if (t->withdrawn)
        t->nasks = n;
    t->withdrawn = 0;
    /* questions without texts have a place for them all the same */
    if (!t->nasks || !thr_text_room(t, 0) || !(ev = thr_event(t, EV_ASK)))
        return;
    ev->data = t->asks;
    ev->len = t->nasks;
    ev->handle = (uintptr_t)t->text;
    ev->arg = t->ntext;
}

/* --- verdicts --- */

/* What holds whatever the verdict is. */
static void note(flow *f, const lb_verdict *v)
{
    asked *q = f->asked;

    q->said |= v->flags;
    if (v->flags & V_F_NO_RETRY)
        f->flags |= FL_NO_L7;
    if (v->flags & V_F_ASK_RESPONSE)
        f->flags |= FL_ASK_RES;
    if (v->flags & V_F_BLAME)
        track_count(f, TRACK_ERR);
}

static void apply(thr *t, const lb_verdict *v, const char *text)
{
    flow *f = (flow *)(uintptr_t)v->flow;

    /* the memory of a flow that is gone is another's, or nobody's: its number tells */
    if (!v->gen || f->gen != v->gen || f->t != t || !f->asked || f->asked->state != Q_ASKED)
        return;
    note(f, v);
    f->asked->state = Q_NONE;
    if (f->asked->kind == ASK_CONN || f->asked->kind == ASK_SESSION) { /* begins, and serves by itself */
        verdict_conn(f, v);
        return;
    }
    f->flags |= FL_SERVING;
    switch (f->asked->kind) {
    case ASK_CONTENT:
        verdict_content(f, v);
        break;
    case ASK_REQUEST:
        verdict_request(f, v, text);
        break;
    case ASK_RESPONSE:
        verdict_response(f, v, text);
        break;
    case ASK_RES_CONTENT:
        verdict_res_content(f, v);
        break;
    case ASK_PIECE:
        verdict_piece(f, v, text);
        break;
    default:
        verdict_local(f, v, text);
        break;
    }
    f->flags &= ~FL_SERVING;
    if (f->flags & FL_DEAD) {
        f->flags &= ~FL_DEAD;
        flow_free(f);
        return;
    }
    flow_run(f);
}

int ask_verdicts(thr *t, const char *p, int len)
{
    const char *end = p + len;
    lb_verdict v;

    while (p < end) {
        if ((size_t)(end - p) < sizeof(v))
            return -EINVAL;
        memcpy(&v, p, sizeof(v));
        p += sizeof(v);
        if (v.len > (size_t)(end - p))
            return -EINVAL;
        apply(t, &v, p);
        p += v.len;
    }
    return 0;
}

void ask_bad(flow *f)
{
    cnt_inc(f->fe->shard[f->t->tid].c.internal_errors);
    if (f->be)
        cnt_inc(f->be->shard[f->t->tid].c.internal_errors);
}

/* --- flows that wait --- */

int ask_read(flow *f, conn *c, buf *to)
{
    uint32_t max = f->t->eng->conf.bufsize;
    ssize_t n;

    if (to->len >= max)
        return 0;
    n = conn_recv(c, f->t->scratch, max - to->len);
    if (n > 0)
        return buf_append(&f->t->bufs, to, f->t->scratch, (uint32_t)n) < 0 ? -1 : 1;
    return c->flags & (CO_F_EOF | CO_F_ERR) ? -1 : 0;
}

/* Whether the client is listened to. */
static int listens(const flow *f)
{
    int room = f->req.in.len < f->t->eng->conf.bufsize && conn_may_speak(f->f);

    switch (f->asked->state) {
    case Q_BODY:
    case Q_MORE:
    case Q_TARPIT:
    case Q_HANDSHAKE:
        return room;
    default:
        return f->kind == FLOW_EXCHANGE && exch_may_watch(f);
    }
}

void ask_commit(flow *f)
{
    int front = chan_holds(&f->res) ? FD_W : 0;

    if (listens(f) || ask_must_watch(f))
        front |= FD_R;
    conn_want(f->f, front);
    if (f->b) /* kept for this client since its last request: looked at when it is needed */
        conn_want(f->b, 0);
    tmr_set(&f->t->timers, &f->tmr, f->asked->until);
}

void ask_stop(flow *f, char who)
{
    if (f->asked->kind == ASK_CONN || f->asked->kind == ASK_SESSION) {
        flow_free(f);
        return;
    }
    if (f->asked->state == Q_TARPIT) {
        flow_term(f, f->asked->term[0], f->asked->term[1]);
        f->tw = (int32_t)(f->t->now_ms - f->t_mark);
    }
    if (f->kind == FLOW_EXCHANGE) {
        exch_abort(f, who, exch_phase(f));
        return;
    }
    flow_term(f, who, 'R');
    tunnel_end(f);
}

/* The client has left. */
static void gone(flow *f)
{
    ask_stop(f, 'C');
}

/* Waits on, or goes its way. */
static void go_on(flow *f)
{
    if (exch_dead(f) || f->flags & FL_DRAIN)
        return;
    if (f->flags & FL_HELD)
        ask_commit(f);
    else if (f->kind == FLOW_EXCHANGE)
        exch_run(f);
    else
        tunnel_run(f);
}

/* More of a tunnel's beginning. */
static void content(flow *f)
{
    asked *q = f->asked;
    int ret = ask_read(f, f->f, &f->req.in);

    if (ret > 0)
        ask_content(f, ASK_F_AGAIN);
    else if (ret < 0 && f->f->flags & CO_F_ERR)
        gone(f);
    else if (ret < 0 && !q->told_eof)
        ask_content(f, ASK_F_AGAIN);
}

void ask_run(flow *f)
{
    if (chan_holds(&f->res) && chan_flush(f, &f->res, f->f) == MOVE_ERR_OUT) {
        gone(f);
        return;
    }
    switch (f->asked->state) {
    case Q_BODY:
        ask_request_body(f);
        break;
    case Q_MORE:
        content(f);
        break;
    case Q_TARPIT:
        if (ask_read(f, f->f, &f->req.in) < 0) /* it may still want its answer; the log does in any case */
            ask_tarpit_over(f);
        break;
    default:
        if (f->kind == FLOW_EXCHANGE)
            exch_watch_client(f);
        break;
    }
    if (f->flags & FL_HELD && !exch_dead(f) && (f->f->flags & CO_F_ERR || f->f->e->ev & FD_EV_ERR))
        gone(f);
    go_on(f);
}

void ask_time(flow *f)
{
    asked *q = f->asked;

    if (!tick_is_expired(q->until, f->t->now_ms)) {
        ask_commit(f);
        return;
    }
    q->until = 0;
    if (q->state == Q_HANDSHAKE) {
        handshake_timeout(f);
        return;
    }
    switch (q->kind) {
    case ASK_CONTENT:
        ask_content(f, ASK_F_AGAIN | ASK_F_TIMEOUT);
        break;
    case ASK_REQUEST:
        if (q->state == Q_TARPIT)
            ask_tarpit_over(f);
        else
            ask_request_again(f, ASK_F_TIMEOUT);
        break;
    default:
        break;
    }
    go_on(f);
}
