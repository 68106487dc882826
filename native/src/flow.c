/* Flows of either kind: birth, events, time, counters, the record, death. */
#include "asked.h"
#include "engine.h"
#include "ctr.h"
#include "queue.h"
#include "sess.h"
#include "track.h"

#define DRAIN_TIME 1000 /* ms that a client has to stop sending after we closed */
#define DRAIN_TURNS 4

/* --- birth and death --- */

void flow_be_nice(flow *f, int nice)
{
    f->t->hasty += (uint32_t)((nice < 0) - (f->nice < 0));
    f->nice = (int16_t)nice;
}

flow *flow_new(thr *t, listener *lsn, conn *c)
{
    flow *f = slab_get(&t->flows);
    frontend *fe = lsn->fe;

    if (!f)
        return NULL;
    memset(f, 0, sizeof(*f));
    f->t = t;
    f->fe = fe;
    f->lsn = lsn;
    f->f = c;
    f->gen = ++t->flow_gen;
    f->session = (uint64_t)t->tid << 48 | f->gen;
    f->t_client = fe->conf.t_client;
    flow_be_nice(f, lsn->nice);
    f->kind = fe->conf.mode == PX_HTTP ? FLOW_EXCHANGE : FLOW_TUNNEL;
    f->status = -1;
    f->idle = f->tr = f->tw = f->tc = f->tresp = -1;
    f->t_start = f->t_first = f->t_mark = t->now_ms;
    f->accept_us = f->request_us = t->wall_us;
    c->flow = f;
    f->next = t->all;
    if (t->all)
        t->all->prev = f;
    t->all = f;
    cnt_inc(t->nflows);
    return f;
}

/* Takes it out of the frontend's, the process's and the listener's counts: room for another connection. */
static void uncount_front(flow *f)
{
    if (!(f->flags & FL_FE_COUNTED))
        return;
    f->flags &= ~FL_FE_COUNTED;
    listener_release(f->t, f->lsn);
}

/* Whether the client would take the end of its connection for the end of a body of which something is missing: then it must
 * see a reset (RFC 9112 8). */
static int would_look_whole(const flow *f)
{
    int ends_so = f->flags & FL_DECHUNK || (f->res.body == BODY_CLOSE && !(f->flags & FL_LOCAL));

    return ends_so && (f->rs == RS_BODY || f->rs == RS_PIECES || chan_holds(&f->res));
}

void flow_free(flow *f)
{
    thr *t = f->t;

    if (f->flags & FL_SERVING) {
        f->flags |= FL_DEAD;
        return;
    }
    tmr_del(&t->timers, &f->tmr);
    flow_be_nice(f, 0);
    if (unlikely(f->asked))
        asked_free(f);
    flow_count_bytes(f);
    if (unlikely(f->track))
        track_over(f);
    queue_remove(f);
    flow_detach_back(f, 0);
    flow_unassign(f);
    if (f->f) {
        if (would_look_whole(f))
            f->f->flags |= CO_F_RESET;
        conn_free(f->f);
    }
    uncount_front(f);
    chan_release(f, &f->req);
    chan_release(f, &f->res);
    buf_release(&t->bufs, &f->keep);
    buf_release(&t->bufs, &f->uri);
    bwlim_free(&f->req.limits);
    bwlim_free(&f->res.limits);
    free(f->head);
    if (unlikely(t->walks))
        sess_walks_pass(t, f);
    if (f->prev)
        f->prev->next = f->next;
    else
        t->all = f->next;
    if (f->next)
        f->next->prev = f->prev;
    cnt_add(t->nflows, -1);
    f->gen = 0; /* stale handles are told from live ones by it */
    if (f->flags & FL_IN_RUN)
        f->flags |= FL_DEAD; /* flow_later()'s list still points here: it frees */
    else
        slab_put(&t->flows, f);
}

/* --- closing --- */

void flow_kill(flow *f, int forget, uint32_t ttl)
{
    if (forget)
        sock_forget(f->f->fd, (int)ttl);
    else
        f->f->flags |= CO_F_RESET;
    flow_free(f);
}

void flow_close(flow *f)
{
    if (unlikely(f->track))
        track_stream_over(f);
    if (unlikely(f->asked))
        ask_end(f);
    if (f->fe->conf.options & PX_O_NOLINGER) {
        f->f->flags |= CO_F_RESET;
        flow_free(f);
        return;
    }
    if (f->f->flags & (CO_F_EOF | CO_F_ERR) || !(f->flags & FL_SLOW_CLOSE || conn_can_recv(f->f))) {
        flow_free(f);
        return;
    }
    f->flags |= FL_DRAIN;
    flow_detach_back(f, 0);
    flow_unassign(f);
    chan_release(f, &f->req);
    conn_shutw(f->f);
    conn_want(f->f, FD_R);
    tmr_set(&f->t->timers, &f->tmr, tick_add(f->t->now_ms, DRAIN_TIME));
}

static void drain(flow *f)
{
    for (int turn = 0; turn < DRAIN_TURNS; turn++) {
        if (conn_recv(f->f, f->t->scratch, THR_SCRATCH) <= 0) {
            if (f->f->flags & (CO_F_EOF | CO_F_ERR))
                flow_free(f);
            return;
        }
    }
}

/* --- running --- */

static void wait(flow *f)
{
    if (f->flags & FL_DRAIN)
        drain(f);
    else
        ask_run(f);
}

/* "profiling.tasks": what the call that began at <began> took, and how long it was due before. Not of one in which the stream
 * ended: its record is written. */
static void account(flow *f, uint64_t began)
{
    uint64_t due = f->t->mono_us * 1000;

    if (!f->asked || !f->calls)
        return;
    f->asked->cpu_ns += mono_ns() - began;
    f->asked->lat_ns += began > due ? began - due : 0;
}

void flow_run(flow *f)
{
    uint64_t began = unlikely(f->t->eng->conf.profiling) ? mono_ns() : 0;

    f->flags |= FL_SERVING;
    f->calls++;
    if (unlikely(f->flags & (FL_DRAIN | FL_HELD)))
        wait(f);
    else if (f->kind == FLOW_EXCHANGE && !(f->flags & FL_TUNNELED))
        exch_run(f);
    else
        tunnel_run(f);
    if (unlikely(began))
        account(f, began);
    f->flags &= ~FL_SERVING;
    if (f->flags & FL_DEAD) {
        f->flags &= ~FL_DEAD;
        flow_free(f);
    } else if (unlikely(f->track || f->fe->conf.options & PX_O_CONTSTATS)) {
        flow_count_bytes(f); /* what bytes are counted by is asked about while they flow */
    }
}

void flow_later(flow *f)
{
    flow **list = f->nice > 0 ? &f->t->nice[(f->nice - 1) / (1024 / THR_NICE)] : &f->t->run;

    if (f->flags & FL_IN_RUN)
        return;
    f->flags |= FL_IN_RUN;
    f->rnext = *list;
    *list = f;
}

/* Whether others, of the events that came with its own, have their turn before it. */
static int gives_way(const flow *f)
{
    return f->nice > 0 || (unlikely(f->t->hasty) && !f->nice);
}

void flow_iocb(fdloop *l, fdent *e, int fd)
{
    conn *c = e->owner;

    (void)fd;
    if (unlikely(!c->flow)) {
        idle_gone(l->ctx, c);
        return;
    }
    /* a hang-up or an error is read, or written, to be understood */
    if (unlikely(e->ev & (FD_EV_ERR | FD_EV_HUP)) && c->flags & CO_F_CONNECTING)
        fd_may_send(l, e, fd);
    if (unlikely(gives_way(c->flow)))
        flow_later(c->flow);
    else
        flow_run(c->flow);
}

void flow_server_iocb(fdloop *l, fdent *e, int fd)
{
    flow_iocb(l, e, fd);
}

void flow_expired(void *ctx, tmr *tm)
{
    flow *f = container_of(tm, flow, tmr);

    (void)ctx;
    f->flags |= FL_SERVING;
    if (f->flags & FL_DRAIN)
        flow_free(f);
    else if (f->flags & FL_HELD)
        ask_time(f);
    else if (f->kind == FLOW_EXCHANGE && !(f->flags & FL_TUNNELED))
        exch_timeout(f);
    else
        tunnel_timeout(f);
    f->flags &= ~FL_SERVING;
    if (f->flags & FL_DEAD) {
        f->flags &= ~FL_DEAD;
        flow_free(f);
    }
}

void flow_shutdown(flow *f, char why)
{
    if (f->flags & (FL_DRAIN | FL_HELD))
        return;
    f->flags |= FL_SERVING;
    if (f->kind == FLOW_EXCHANGE && !(f->flags & FL_TUNNELED))
        exch_shutdown(f, why);
    else
        tunnel_shutdown(f, why);
    f->flags &= ~FL_SERVING;
    if (f->flags & FL_DEAD) {
        f->flags &= ~FL_DEAD;
        flow_free(f);
    }
}

void flow_stop(flow *f, char why)
{
    if (f->flags & FL_HELD)
        ask_stop(f, why);
    else if (f->kind == FLOW_EXCHANGE && !(f->flags & FL_TUNNELED) && f->rs == RS_DONE)
        exch_abort(f, why, 'D'); /* its client is slow to take the response */
    else
        flow_shutdown(f, why);
}

/* --- counting --- */

void flow_count_bytes(flow *f)
{
    uint32_t tid = f->t->tid;
    uint64_t received = f->req.total ? f->req.total : f->req.seen;
    /* what is sent a second time, to another server or the same, was received once */
    uint64_t in = received > f->bytes_in_told ? received - f->bytes_in_told : 0, out = f->res.total - f->bytes_out_told;

    if (!in && !out)
        return;
    f->bytes_in_told += in;
    f->bytes_out_told += out;
    if (unlikely(f->track)) {
        track_add(f, TRACK_IN, in);
        track_add(f, TRACK_OUT, out);
    }
    cnt_add(f->fe->shard[tid].c.bytes_in, in);
    cnt_add(f->fe->shard[tid].c.bytes_out, out);
    if (f->lsn->shard) {
        cnt_add(f->lsn->shard[tid].c.bytes_in, in);
        cnt_add(f->lsn->shard[tid].c.bytes_out, out);
    }
    if (f->be) {
        cnt_add(f->be->shard[tid].c.bytes_in, in);
        cnt_add(f->be->shard[tid].c.bytes_out, out);
    }
    if (f->srv) {
        cnt_add(f->srv->shard[tid].c.bytes_in, in);
        cnt_add(f->srv->shard[tid].c.bytes_out, out);
    }
}

/* --- the record --- */

static int32_t since(uint32_t from, uint32_t now)
{
    return (int32_t)(now - from);
}

int32_t flow_handshake_time(const flow *f)
{
    return unlikely(f->asked) && !(f->flags & FL_NOT_FIRST) ? f->asked->th : 0;
}

static void record_phases(const flow *f, lb_rec *r)
{
    uint32_t now = f->t->now_ms;
    int32_t head = f->tr >= 0 ? f->tr : 0;

    r->th = flow_handshake_time(f);
    r->ti = f->idle > r->th ? f->idle - r->th : 0;
    r->tr = f->tr;
    r->tw = f->tw;
    r->tc = f->tc;
    r->tresp = f->tresp;
    r->ta = since(f->t_first, now);
    r->tt = since(f->t_start, now);
    r->td = -1;
    if (f->tw >= 0 && f->tc >= 0 && (f->tresp >= 0 || f->kind == FLOW_TUNNEL)) {
        r->td = r->ta - head - f->tw - f->tc - (f->tresp > 0 ? f->tresp : 0);
        if (r->td < 0)
            r->td = 0;
    }
}

/* The kernel is asked once, if there is a place to note the answer. */
void flow_learn_dst(flow *f, flow_ends *ends)
{
    asked *q = f->asked;
    sock_addr dst;

    if (sock_name(f->f->fd, &dst) < 0)
        return;
    if (sock_addr_family(&dst) != AF_UNIX)
        sock_addr_host(&dst, (char *)ends->daddr, 16);
    ends->dport = (uint16_t)sock_addr_port(&dst);
    if (!q)
        return;
    q->has_dst = 1;
    q->dst.family = (uint8_t)sock_addr_family(&dst);
    q->dst.port = ends->dport;
    memcpy(q->dst.addr, ends->daddr, 16);
}

void flow_get_ends(flow *f, flow_ends *ends)
{
    const asked *q = f->asked;

    *ends = (flow_ends){.family = f->f->family, .sport = f->f->port, .dport = f->lsn->port};
    memcpy(ends->saddr, f->f->addr, 16);
    if (unlikely(q && q->has_dst)) {
        memcpy(ends->daddr, q->dst.addr, 16);
        ends->dport = q->dst.port;
    } else if (f->fe->conf.options & PX_O_DST && f->f->fd >= 0) {
        flow_learn_dst(f, ends);
    }
}

static void record_ends(flow *f, lb_rec *r)
{
    flow_ends ends;

    flow_get_ends(f, &ends);
    r->family = ends.family;
    r->sport = ends.sport;
    r->dport = ends.dport;
    memcpy(r->saddr, ends.saddr, 16);
    memcpy(r->daddr, ends.daddr, 16);
}

/* Our end of the server's connection: a system call, for those who want it in their logs. */
static void record_back_end(const flow *f, lb_rec *r)
{
    sock_addr ours;

    if (!f->b || f->b->fd < 0 || sock_name(f->b->fd, &ours) < 0)
        return;
    r->bfamily = (uint8_t)sock_addr_family(&ours);
    r->bport = (uint16_t)sock_addr_port(&ours);
    if (r->bfamily != AF_UNIX)
        sock_addr_host(&ours, (char *)r->baddr, 16);
}

/* REC_LOG, REC_TELL: whether the record is to be logged, and whether somebody waits for the stream's end; <asap>: it goes
 * on after this. */
static uint32_t record_flags(const flow *f, int asap)
{
    uint32_t flags = 0;

    if (f->fe->conf.options & PX_O_LOG && !(f->flags & FL_LOGGED))
        flags |= REC_LOG;
    if (unlikely(f->asked && f->asked->said & V_F_TELL) && !asap)
        flags |= REC_TELL;
    if (unlikely(f->asked && f->asked->embryonic))
        flags |= flags ? REC_EMBRYONIC : 0;
    return flags;
}

/* An offset until the batch is complete, since the text area may move; NULL is told by the length 0. */
static void record_uri(const flow *f, lb_rec *r)
{
    uint32_t n = f->uri.len - f->captured, at = n ? thr_text(f->t, buf_data(&f->uri), n) : UINT32_MAX;

    if (at == UINT32_MAX)
        return;
    r->uri = (const char *)(uintptr_t)at;
    r->uri_len = n;
}

void flow_cost(const flow *f, lb_cost *to)
{
    lb_cost cost = {.calls = f->calls, .streams = f->b ? f->b->streams : 0};

    if (f->asked) {
        cost.cpu_ns = f->asked->cpu_ns;
        cost.lat_ns = f->asked->lat_ns;
    }
    memcpy(to, &cost, sizeof(cost));
}

void flow_record(flow *f)
{
    thr *t = f->t;
    int asap = (f->flags & (FL_REQ_COUNTED | FL_TUNNELED)) == FL_REQ_COUNTED; /* it goes on after this */
    uint32_t flags = record_flags(f, asap);
    lb_rec *r = flags ? thr_rec(t) : NULL;

    if (!r)
        return;
    r->frontend = f->fe->index;
    r->backend = f->be ? (int32_t)f->be->index : -1;
    r->server = flow_server(f);
    r->listener = f->lsn->index;
    r->flags = flags | (f->kind == FLOW_EXCHANGE ? REC_HTTP : REC_TCP);
    r->accept_us = f->accept_us;
    r->request_us = f->request_us;
    record_phases(f, r);
    r->status = f->status;
    r->bytes_read = f->flags & FL_EARLY ? 0 : f->res.total + (asap ? f->res.out.len : 0);
    r->bytes_uploaded = f->req.total ? f->req.total : f->req.seen;
    r->term[0] = f->term[0] ? f->term[0] : '-';
    r->term[1] = f->term[0] ? f->term[1] : '-';
    r->term[2] = r->term[3] = '-';
    r->actconn = at_peek(&t->eng->live.actconn);
    r->feconn = at_peek(&f->fe->live.cur);
    /* a stream that ends is no longer one of its backend's and its server's (manual 8.2.3, %bc and %sc) */
    r->beconn = f->be ? at_peek(&f->be->live.cur) - !!(f->flags & FL_BE_COUNTED && !asap) : 0;
    r->srvconn = r->server >= 0 ? at_peek(&f->srv->live.cur) - !!(f->flags & FL_SRV_COUNTED && !asap) : 0;
    r->retries = f->retries;
    r->redispatched = !!(f->flags & FL_REDISP);
    r->backend_queue = f->qbe;
    r->srv_queue = f->qonly;
    r->reused = f->b && f->b->flags & CO_F_REUSED;
    r->err = f->asked ? f->asked->err : 0;
    record_ends(f, r);
    if (unlikely(f->fe->conf.options & PX_O_BACK_END))
        record_back_end(f, r);
    r->req_count = f->req_no;
    flow_cost(f, (lb_cost *)(void *)r->cost);
    r->uniq = f->uniq;
    r->session = f->session;
    r->events = f->events;
    r->tid = t->tid;
    if (log_write(f, r))
        t->nrecs--;
    else
        record_uri(f, r);
}
