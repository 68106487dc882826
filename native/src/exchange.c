/* The life of an exchange: what is looked at in which order, time, the end and the next one. */
#include "asked.h"
#include "engine.h"
#include "observe.h"
#include "ctr.h"
#include "track.h"

#define PIPELINE_TURNS 8 /* exchanges of one connection before others have a turn */

/* --- counting --- */

static void count_class(lb_counters *c, int status)
{
    switch (status / 100) {
    case 1:
        cnt_inc(c->rsp1xx);
        break;
    case 2:
        cnt_inc(c->rsp2xx);
        break;
    case 3:
        cnt_inc(c->rsp3xx);
        break;
    case 4:
        cnt_inc(c->rsp4xx);
        break;
    case 5:
        cnt_inc(c->rsp5xx);
        break;
    default:
        cnt_inc(c->rspother);
        break;
    }
}

void exch_count_status(flow *f, int status)
{
    uint32_t tid = f->t->tid;

    count_class(&f->fe->shard[tid].c, status);
    if (f->be)
        count_class(&f->be->shard[tid].c, status);
    if (f->srv && !(f->flags & FL_LOCAL)) {
        count_class(&f->srv->shard[tid].c, status);
        cnt_inc(f->srv->shard[tid].c.cum_req); /* those that it has answered */
    }
}

static void count_aborts(flow *f)
{
    uint32_t tid = f->t->tid;
    int client = f->term[0] == 'C' || f->term[0] == 'c';
    int late = f->term[1] == 'D' || f->term[1] == 'L' || f->term[1] == 'H';

    if (client && f->term[1] == 'R') {
        cnt_inc(f->fe->shard[tid].c.failed_req);
        return;
    }
    if (client) {
        cnt_inc(f->fe->shard[tid].c.cli_aborts);
        if (f->be)
            cnt_inc(f->be->shard[tid].c.cli_aborts);
        if (f->srv)
            cnt_inc(f->srv->shard[tid].c.cli_aborts);
    } else if (late && (f->term[0] == 'S' || f->term[0] == 's')) {
        cnt_inc(f->fe->shard[tid].c.srv_aborts);
        if (f->be)
            cnt_inc(f->be->shard[tid].c.srv_aborts);
        if (f->srv)
            cnt_inc(f->srv->shard[tid].c.srv_aborts);
    }
}

static void count_times(flow *f)
{
    lb_counters *c[2] = {f->be ? &f->be->shard[f->t->tid].c : NULL, f->srv ? &f->srv->shard[f->t->tid].c : NULL};
    uint32_t total = f->t->now_ms - f->t_first;

    if (f->tresp < 0)
        return;
    for (int i = 0; i < 2; i++) {
        if (!c[i])
            continue;
        cnt_inc(c[i]->time_n);
        cnt_add(c[i]->q_time, f->tw);
        cnt_add(c[i]->c_time, f->tc);
        cnt_add(c[i]->d_time, f->tresp);
        cnt_add(c[i]->t_time, total);
        cnt_max(c[i]->q_max, f->tw);
        cnt_max(c[i]->c_max, f->tc);
        cnt_max(c[i]->d_max, f->tresp);
        cnt_max(c[i]->t_max, total);
    }
}

void exch_snapshot(flow *f, int back, const h1_head *h, const char *data, uint32_t len)
{
    rwlock *lock = back ? &f->be->lock : &f->fe->lock;
    px_snapshot **at = back ? &f->be->snap : &f->fe->snap;

    rw_wrlock(lock);
    if (!*at)
        *at = calloc(1, sizeof(**at));
    px_snapshot *s = *at;

    if (s) {
        s->when_us = f->t->wall_us;
        s->number = at_add(&f->fe->eng->live.snapshots, 1);
        s->frontend = (int32_t)f->fe->index;
        s->backend = f->be ? (int32_t)f->be->index : -1;
        s->server = flow_server(f);
        s->side = back;
        s->err = h->err;
        s->err_pos = h->err_pos;
        s->family = f->f->family;
        s->port = f->f->port;
        memcpy(s->addr, f->f->addr, sizeof(s->addr));
        s->total = len;
        s->len = len < sizeof(s->data) ? len : sizeof(s->data);
        memcpy(s->data, data, s->len);
    }
    rw_wrunlock(lock);
}

/* --- ends --- */

/* Whichever way it went. */
void exch_books(flow *f)
{
    if (!(f->flags & FL_REQ_COUNTED))
        return;
    f->flags &= ~FL_REQ_COUNTED;
    flow_count_bytes(f);
    count_times(f);
    if (f->term[0])
        count_aborts(f);
    flow_record(f);
}

void exch_abort(flow *f, char who, char when)
{
    flow_term(f, who, when);
    exch_books(f);
    flow_free(f);
}

/* Makes the flow ready for the next request of its connection. */
static void next_request(flow *f)
{
    thr *t = f->t;
    const fe_conf *c = &f->fe->conf;
    uint32_t wait = c->t_http_keep_alive ? c->t_http_keep_alive : c->t_http_request;

    buf_release(&t->bufs, &f->uri);
    f->captured = 0;
    buf_release(&t->bufs, &f->keep);
    free(f->head); /* of a response that never became whole */
    f->head = NULL;
    exch_drop_output(f);
    if (f->res.pipe) {
        pipe_put(t, f->res.pipe);
        f->res.pipe = NULL;
    }
    if (unlikely(f->track))
        track_stream_over(f);
    if (unlikely(f->asked))
        asked_next(f);
    f->flags = (f->flags & (FL_IN_RUN | FL_FE_COUNTED | FL_SERVING)) | FL_NOT_FIRST;
    if (f->req.in.len)
        f->flags |= FL_UNSCANNED;
    f->rq = RQ_IDLE;
    f->cs = CS_NONE;
    f->rs = RS_NONE;
    f->be = NULL;
    f->left_srv = NULL;
    f->key.has = 0;
    f->term[0] = 0;
    f->events = 0;
    f->status = -1;
    f->retries = 0;
    f->calls = 0;
    flow_be_nice(f, f->lsn->nice);
    f->qbe = f->qonly = 0;
    f->idle = f->tr = f->tw = f->tc = f->tresp = -1;
    f->req.seen = 0;
    f->req.total = f->res.total = f->bytes_in_told = f->bytes_out_told = 0;
    f->t_start = t->now_ms;
    f->accept_us = t->wall_us;
    f->cexp = flow_exp(f, wait ? wait : f->t_client);
    f->sexp = 0;
}

/* The server's connection after a whole response: kept if both sides said so and it is silent. */
static void part_from_server(flow *f)
{
    int keep = f->b && f->flags & FL_KA_SERVER && f->rs == RS_DONE && f->rq == RQ_DONE && !f->res.in.len &&
               !chan_holds(&f->req) && !(f->b->flags & (CO_F_EOF | CO_F_ERR));

    buf_release(&f->t->bufs, &f->res.in);
    if (f->b && !(keep && exch_is_private(f) && f->flags & FL_KA_CLIENT))
        flow_detach_back(f, keep);
    flow_unassign(f);
}

uint32_t exch_leave_tick(const flow *f)
{
    uint32_t spread = f->t->eng->conf.spread;
    uint64_t part = (uint32_t)f->gen * 2654435761u; /* of 2^32: numbers in a row fall evenly (golden ratio) */

    if (!f->t->stopping_seen || spread == ENG_SPREAD_EVER)
        return 0;
    return tick_add(f->t->stop_from, (uint32_t)(part * spread >> 32));
}

/* The same of one that waits for its next request. */
static uint32_t idle_leave_tick(const flow *f)
{
    return f->rq == RQ_IDLE && !(f->fe->conf.options & PX_O_LATE_IDLE) ? exch_leave_tick(f) : 0;
}

/* The exchange is over: 1 if the next one may begin, 0 if the connection is closed. */
static int finish(flow *f)
{
    if (f->rq != RQ_DONE) {
        f->flags &= ~FL_KA_CLIENT;
        f->flags |= FL_SLOW_CLOSE;
    }
    exch_books(f);
    part_from_server(f);
    if (!(f->flags & FL_KA_CLIENT) || (exch_leaves(f) && !(f->fe->conf.options & PX_O_LATE_IDLE))) {
        flow_close(f);
        return 0;
    }
    next_request(f);
    return 1;
}

/* All of the response was sent, and the request needs no more of us. */
static int is_over(flow *f)
{
    if (f->rs != RS_DONE || chan_holds(&f->res))
        return 0;
    if (f->rq == RQ_DONE && !chan_holds(&f->req))
        return 1;
    /* answered before the request was whole: it goes on only to a server that still listens */
    return f->flags & FL_LOCAL || !(f->flags & FL_KA_SERVER) || !f->b || f->b->flags & (CO_F_EOF | CO_F_ERR);
}

/* --- what we wait for --- */

/* Whether the next move is the client's: to send on, or to take what it is sent. */
static int waits_for_client(const flow *f)
{
    return f->rq <= RQ_HEAD || chan_holds(&f->res) ||
           (f->rq == RQ_BODY && f->cs == CS_EST && !chan_holds(&f->req) && !chan_paused(&f->req));
}

/* The tick until which a body waits for its limit of bandwidth, 0: none does. */
static uint32_t paused_until(const flow *f)
{
    uint32_t until = 0;

    if (likely(!f->req.limits && !f->res.limits))
        return 0;
    if (f->rq == RQ_BODY && f->cs == CS_EST && chan_paused(&f->req))
        until = bwlim_until(f->req.limits);
    if (f->rs == RS_BODY && chan_paused(&f->res))
        until = tick_first(until, bwlim_until(f->res.limits));
    return until;
}

/* Whether the next move is the server's, or time's in its place. A pause is our own. */
static int waits_for_server(const flow *f)
{
    return f->rq > RQ_HEAD && !paused_until(f);
}

/* Whether the client is listened to while it waits. Its request is complete, sent or at hand, and nothing of a next one has
 * come yet. */
int exch_may_watch(const flow *f)
{
    uint32_t options = f->fe->conf.options | (f->be ? f->be->conf.options : 0);
    uint64_t ours = f->flags & FL_UNSENT ? f->head_len : 0;

    if (likely(!(options & PX_O_ABORTONCLOSE)) || f->rq <= RQ_HEAD || f->cs == CS_NONE || f->rs >= RS_BODY)
        return 0;
    if (f->rq == RQ_BODY) {
        if (f->cs == CS_EST || f->req.body != BODY_LEN)
            return 0;
        ours += f->req.left;
    }
    return f->req.in.len == ours;
}

static void commit(flow *f, int progress)
{
    thr *t = f->t;
    uint32_t cexp = 0, sexp = 0;
    int front = 0, back = 0;

    if (chan_holds(&f->res))
        front |= FD_W;
    if (f->rq <= RQ_HEAD) {
        if (f->rs != RS_DONE) /* refused already: its answer waits to go out */
            front |= FD_R;
        cexp = tick_first(f->cexp, idle_leave_tick(f));
    } else {
        int sends = chan_holds(&f->req);

        if (f->rq == RQ_BODY && f->cs == CS_EST && !sends)
            front |= chan_takes_more(f, &f->req) ? FD_R : 0;
        else if (exch_may_watch(f))
            front |= FD_R;
        if (progress)
            f->cexp = flow_exp(f, f->t_client);
        if (waits_for_client(f))
            cexp = f->cexp;
        if (f->cs == CS_EST) {
            if (sends)
                back |= FD_W;
            if ((f->rs == RS_WAIT || f->rs == RS_BODY) && !(front & FD_W) && chan_takes_more(f, &f->res))
                back |= FD_R;
            if (progress)
                f->sexp = flow_exp(f, f->t_server);
            if (sends || (back & FD_R && f->rq == RQ_DONE && !chan_paused(&f->res)))
                sexp = f->sexp;
            if (unlikely(f->rs == RS_ASK)) {
                sexp = tick_first(sexp, f->asked->until);
                if (f->asked->state == Q_BODY && f->res.in.len < t->eng->conf.bufsize && conn_may_speak(f->b))
                    back |= FD_R;
                if (ask_must_watch(f))
                    front |= FD_R;
            }
        } else if (f->cs != CS_NONE) {
            back |= f->b ? conn_awaits(f->b) : FD_W;
            sexp = f->sexp;
        }
    }
    conn_want(f->f, front);
    if (f->b)
        conn_want(f->b, f->rq == RQ_IDLE ? FD_R : back);
    tmr_set(&t->timers, &f->tmr, tick_first(tick_first(cexp, sexp), paused_until(f)));
}

/* A server connection that waits for the next request of the same client ("http-reuse never"): it may only end. */
static void watch_private(flow *f)
{
    char byte;

    if (f->rq != RQ_IDLE || !f->b || !(f->b->e->ready & FD_R))
        return;
    if (conn_recv(f->b, &byte, 1) > 0 || f->b->flags & (CO_F_EOF | CO_F_ERR))
        flow_detach_back(f, 0);
}

char exch_phase(const flow *f)
{
    if (f->rq <= RQ_HEAD || f->cs == CS_ASK)
        return 'R';
    if (f->rs == RS_PIECES)
        return 'D';
    if (f->cs == CS_QUEUE)
        return 'Q';
    if (f->cs != CS_EST)
        return 'C';
    return f->rs <= RS_ASK ? 'H' : 'D';
}

/* exch_phase() for a client whose connection broke: once its request is on its way that is found where more of it is
 * expected. */
static char lost_phase(const flow *f)
{
    return f->cs == CS_EST && f->rs == RS_WAIT ? 'D' : exch_phase(f);
}

/* The client has closed its direction, and may still listen. */
static void gave_up(flow *f)
{
    if (f->cs != CS_EST || f->rs != RS_WAIT || f->flags & FL_RS_STARTED) {
        exch_abort(f, 'C', exch_phase(f));
        return;
    }
    f->flags &= ~FL_KA_CLIENT;
    exch_reply(f, 400, 0, 'C', 'H');
}

void exch_watch_client(flow *f)
{
    ssize_t n;

    if (!exch_may_watch(f) || !(f->f->e->want & f->f->e->ready & FD_R))
        return;
    n = conn_recv(f->f, f->t->scratch, f->t->eng->conf.bufsize);
    if (n > 0 && buf_append(&f->t->bufs, &f->req.in, f->t->scratch, (uint32_t)n) < 0)
        exch_abort(f, 'R', 'C');
    else if (n <= 0 && f->f->flags & CO_F_ERR)
        exch_abort(f, 'C', lost_phase(f));
    else if (n <= 0 && f->f->flags & CO_F_EOF)
        gave_up(f);
}

static int one_turn(flow *f)
{
    if (f->rq <= RQ_HEAD && f->rs != RS_DONE)
        exch_read_request(f);
    else if (f->cs == CS_CONN || (f->cs == CS_NONE && f->rs == RS_NONE))
        exch_forward(f, NULL, NULL, 0);
    if (!exch_dead(f) && f->cs == CS_EST && (f->rq == RQ_BODY || chan_holds(&f->req)))
        exch_request_body(f);
    if (!exch_dead(f) && f->cs == CS_EST && f->rs == RS_WAIT && !chan_holds(&f->res)) /* interim ones go out first */
        exch_read_response(f);
    if (!exch_dead(f) && unlikely(f->rs == RS_ASK))
        ask_response_body(f);
    if (!exch_dead(f) && !(f->flags & FL_TUNNELED) && (f->rs == RS_BODY || chan_holds(&f->res)))
        exch_response_body(f);
    if (!exch_dead(f) && unlikely(f->rs == RS_PIECES) && !chan_holds(&f->res))
        exch_pieces_next(f);
    if (exch_dead(f) || f->flags & (FL_TUNNELED | FL_DRAIN) || !is_over(f))
        return 0;
    return finish(f);
}

void exch_run(flow *f)
{
    chan *q = &f->req, *s = &f->res;
    uint64_t before = q->total + s->total;
    uint32_t state = f->rq | f->cs << 8 | f->rs << 16;
    int turns = 0, paused = paused_until(f) != 0; /* time that passed so counts for nobody */

    watch_private(f);
    exch_watch_client(f);
    if (!exch_dead(f) && f->f->e->ev & FD_EV_ERR && f->rq != RQ_IDLE)
        exch_abort(f, 'C', lost_phase(f));
    while (!exch_dead(f) && !(f->flags & FL_HELD) && one_turn(f)) { /* held: it is asked what a client who gave up hears */
        if (!f->req.in.len && !conn_can_recv(f->f))
            break;
        if (++turns == PIPELINE_TURNS) {
            flow_later(f);
            break;
        }
    }
    if (exch_dead(f) || f->flags & (FL_TUNNELED | FL_DRAIN | FL_HELD))
        return;
    commit(f, turns || paused || before != q->total + s->total || state != (uint32_t)(f->rq | f->cs << 8 | f->rs << 16));
}

/* --- time --- */

static void client_timeout(flow *f)
{
    if (f->rs == RS_DONE) { /* it does not take its answer, and gets no second one */
        exch_abort(f, 'c', 'D');
        return;
    }
    switch (f->rq) {
    case RQ_IDLE:
        if (f->flags & FL_NOT_FIRST || f->fe->conf.options & PX_O_IGNORE_PROBES) {
            flow_close(f);
            return;
        }
        f->flags |= exch_null(f);
        /* fall through */
    case RQ_HEAD:
        f->flags |= FL_REQ_COUNTED;
        exch_count(f);
        exch_reply(f, 408, 1, 'c', 'R');
        break;
    default:
        if (f->rs <= RS_ASK && f->rq == RQ_BODY)
            exch_reply(f, 408, 0, 'c', 'D');
        else
            exch_abort(f, 'c', 'D');
        break;
    }
}

/* Answers one whose wait in the queue ends without a server. */
static void leave_queue(flow *f, int status, char why)
{
    f->tw = (int32_t)(f->t->now_ms - f->t_mark);
    exch_reply(f, status, 0, why, 'Q');
}

void exch_shutdown(flow *f, char why)
{
    if (f->rs == RS_DONE) /* what it said is on its way to the client, and needs it no more */
        return;
    if (f->rs == RS_BODY) {
        exch_abort(f, why, 'D');
        return;
    }
    if (f->cs == CS_EST) {
        cnt_inc(f->be->shard[f->t->tid].c.failed_resp);
        cnt_inc(f->srv->shard[f->t->tid].c.failed_resp);
        exch_reply(f, 502, 0, why, 'H');
    } else if (f->cs == CS_QUEUE) {
        leave_queue(f, 502, why); /* not 503: there may well be a server */
    } else {
        exch_reply(f, 503, 0, why, 'C');
    }
    if (!exch_dead(f) && !(f->flags & (FL_DRAIN | FL_HELD)))
        exch_run(f);
}

static void server_timeout(flow *f)
{
    switch (f->cs) {
    case CS_QUEUE:
        leave_queue(f, 503, 's');
        break;
    case CS_CONN:
        exch_server_failed(f, -ETIMEDOUT);
        break;
    case CS_TAR:
        f->cs = CS_NONE;
        break;
    default:
        if (f->rs != RS_WAIT && f->rs != RS_ASK) {
            exch_abort(f, 's', 'D');
            return;
        }
        observe(f, f->srv, SEEN_HTTP_TIMEOUT);
        if (!(f->flags & FL_RS_STARTED) && exch_retry(f, RETRY_TIMEOUT, 0))
            return;
        cnt_inc(f->be->shard[f->t->tid].c.failed_resp);
        cnt_inc(f->srv->shard[f->t->tid].c.failed_resp);
        track_count(f, TRACK_FAIL);
        exch_reply(f, 504, 0, 's', 'H');
        break;
    }
}

void exch_timeout(flow *f)
{
    uint32_t now = f->t->now_ms;

    if (unlikely(f->t->stopping_seen) && tick_is_expired(idle_leave_tick(f), now))
        flow_close(f);
    else if (unlikely(f->rs == RS_ASK) && tick_is_expired(f->asked->until, now))
        ask_response_again(f, ASK_F_TIMEOUT);
    else if (waits_for_client(f) && tick_is_expired(f->cexp, now))
        client_timeout(f);
    else if (waits_for_server(f) && tick_is_expired(f->sexp, now))
        server_timeout(f);
    if (!exch_dead(f) && !(f->flags & (FL_DRAIN | FL_HELD)))
        exch_run(f);
}
