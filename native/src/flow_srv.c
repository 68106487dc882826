/* The back side of a flow: its backend, its server, and the attempts to get one. Its connection: flow_conn.c. */
#include "asked.h"
#include "ctr.h"
#include "engine.h"
#include "observe.h"
#include "queue.h"
#include "rates.h"

#define TURN_AROUND 1000 /* ms before the same server is tried again (manual, "retries") */

/* --- backend and server --- */

void flow_set_backend(flow *f, backend *be)
{
    px_shard *s = &be->shard[f->t->tid];

    f->be = be;
    f->flags |= FL_BE_COUNTED;
    f->t_server = be->conf.t_server;
    f->t_tunnel = be->conf.t_tunnel;
    f->max_retries = be->conf.retries;
    if (unlikely(f->asked))
        asked_apply(f);
    cnt_inc(s->c.cum_sess);
    rates_count(be->shard, &be->live, PX_RATE_SESS, f->t);
    ctr32_max(&be->live.cur_max, ctr32_add(&be->live.cur, 1));
}

/* <srv> gave the flow a slot. */
static void bind_server(flow *f, server *srv)
{
    px_shard *s = &srv->shard[f->t->tid];

    f->srv = srv;
    f->flags |= FL_SRV_COUNTED;
    ctr32_add(&f->be->live.served, 1);
    ctr32_max(&srv->live.cur_max, ctr32_add(&srv->live.cur, 1));
    cnt_inc(s->c.cum_sess);
    if (likely(!srv->aside)) {
        cnt_inc(s->c.cum_lbconn);
        cnt_inc(f->be->shard[f->t->tid].c.cum_lbconn);
    }
    rates_count(srv->shard, &srv->live, PX_RATE_SESS, f->t);
    at_store(&srv->live.last_ms, f->t->now_ms);
    at_store(&f->be->live.last_ms, f->t->now_ms);
}

/* --- choosing --- */

/* Waits until <only> (NULL: any) has a slot. */
static int wait_in_queue(flow *f, server *only)
{
    f->cs = CS_QUEUE;
    f->sexp = flow_exp(f, f->be->conf.t_queue ? f->be->conf.t_queue : f->be->conf.t_connect);
    queue_add(f, only);
    queue_serve(f->be, only);
    return ASSIGN_WAIT;
}

void flow_dequeued(flow *f, server *srv)
{
    bind_server(f, srv);
    f->cs = CS_NONE;
    flow_run(f);
}

void flow_look_again(flow *f, server *left)
{
    f->cs = CS_NONE;
    f->flags |= FL_REDISP;
    cnt_inc(left->shard[f->t->tid].c.redispatches);
    cnt_inc(f->be->shard[f->t->tid].c.redispatches);
    if (f->asked)
        f->asked->server = -1;
    flow_run(f);
}

/* The server that a verdict asked for, if it may be used. One that was left after a failure is not. */
static server *server_asked_for(const flow *f)
{
    const asked *q = f->asked;
    server *srv = q->server >= 0 ? f->t->eng->srv[q->server] : NULL;

    if (!srv || srv->be != f->be || srv == f->left_srv)
        return NULL;
    return at_load(&srv->live.up) || queue_takes_down(f) ? srv : NULL;
}

/* What its server is found by. */
static const lb_key *key_of(flow *f)
{
    const be_conf *c = &f->be->conf;

    if (likely(c->algo != LB_HASH))
        return NULL;
    if (c->lb_by == LB_BY_SOURCE)
        f->key = lb_client_key(f->be, f->f);
    else if (lb_by_bytes(f->be))
        f->key = lb_bytes_key(f->be, buf_data(&f->req.in), f->req.in.len);
    return &f->key;
}

/* Whether as many wait for <srv> (may be NULL) as may ("maxqueue"). */
static int has_long_queue(const server *srv)
{
    return srv && srv->conf.maxqueue && at_peek(&srv->live.queued) >= srv->conf.maxqueue;
}

/* Whether a stream whose client asked for one server may go to another. */
static int may_leave(const flow *f)
{
    return f->be->conf.redispatch && !(f->asked->said & V_F_FORCE);
}

/* Nobody serves it: too many wait for <srv> already. */
static int refuse(flow *f, server *srv)
{
    cnt_inc(srv->shard[f->t->tid].c.failed_conns);
    cnt_inc(f->be->shard[f->t->tid].c.failed_conns);
    flow_term(f, 'S', 'Q');
    return ASSIGN_NONE;
}

/* "option prefer-last-server": the server whose connection was kept for the client, unless too many wait for it; NULL: any
 * will do. Those that hash have chosen for good. */
static server *server_of_last(const flow *f)
{
    const be_conf *bc = &f->be->conf;
    server *srv = f->b->srv;
    uint32_t limit = lb_limit(srv);

    if (!bc->prefer_last || bc->algo == LB_HASH || srv->be != f->be || srv == f->left_srv || !at_load(&srv->live.up))
        return NULL;
    if (bc->ka_queue < 0 || !limit || at_peek(&srv->live.served) < limit)
        return srv;
    return at_load(&srv->live.queued) < (uint32_t)bc->ka_queue ? srv : NULL;
}

int flow_assign(flow *f)
{
    server *srv;

    if (f->srv)
        return ASSIGN_OK;
    if (!f->tw)
        f->t_mark = f->t->now_ms;
    if (unlikely(f->asked) && (srv = server_asked_for(f))) {
        if (lb_take(srv)) {
            bind_server(f, srv);
            return ASSIGN_OK;
        }
        if (!has_long_queue(srv))
            return wait_in_queue(f, srv);
        if (!may_leave(f))
            return refuse(f, srv);
        f->flags |= FL_REDISP;
    }
    if (unlikely(f->be->aside)) {
        bind_server(f, f->be->aside);
        return ASSIGN_OK;
    }
    if (unlikely(f->b) && (srv = server_of_last(f))) {
        if (!lb_take(srv))
            return wait_in_queue(f, srv);
        bind_server(f, srv);
        return ASSIGN_OK;
    }
    /* a limit that grows with the load ("minconn") may have let a server take one more: that is for who came first */
    if (unlikely(at_peek(&f->be->live.queued)) && f->be->conf.algo != LB_HASH && at_peek(&f->be->live.weight) &&
        queue_wants_any(f->be))
        return wait_in_queue(f, NULL);
    switch (lb_pick(f->be, key_of(f), f->left_srv, &srv)) {
    case LB_PICKED:
        bind_server(f, srv);
        return ASSIGN_OK;
    case LB_FULL:
        return has_long_queue(srv) ? refuse(f, srv) : wait_in_queue(f, srv);
    default:
        return ASSIGN_NONE;
    }
}

void flow_unassign(flow *f)
{
    backend *be = f->be;
    server *srv = f->srv;

    if (f->flags & FL_SRV_COUNTED) {
        f->flags &= ~FL_SRV_COUNTED;
        ctr32_sub(&be->live.served, 1);
        ctr32_sub(&srv->live.cur, 1);
        queue_return_slot(srv);
    }
    f->srv = NULL;
    if (f->flags & FL_BE_COUNTED) {
        f->flags &= ~FL_BE_COUNTED;
        ctr32_sub(&be->live.cur, 1);
    }
}

void flow_leave_server(flow *f)
{
    if (!(f->flags & FL_SRV_COUNTED))
        return;
    f->flags &= ~FL_SRV_COUNTED;
    ctr32_sub(&f->be->live.served, 1);
    ctr32_sub(&f->srv->live.cur, 1);
    queue_return_slot(f->srv);
    f->left_srv = f->srv;
    f->srv = NULL;
}

/* --- attempts --- */

/* Whether nobody cares about the server <old> in particular: another one may be tried at once. */
static int is_one_of_many(const flow *f, const server *old)
{
    int asked_for = f->asked && f->asked->server == (int32_t)old->index;

    return !asked_for && f->be->conf.algo != LB_HASH && at_load(&f->be->live.active) > 1;
}

/* Whether the attempt number <n> (from 1) of a retry goes to another server than <old>. */
static int redispatches(const flow *f, const server *old, uint32_t n)
{
    int32_t every = f->be->conf.redispatch;
    int64_t period = every > 0 ? every : (int64_t)f->max_retries + 1 + every;

    if (!every || !flow_has_choice(f) || (f->asked && f->asked->said & V_F_FORCE))
        return 0;
    return is_one_of_many(f, old) || !at_load(&old->live.up) || (period > 0 && n % period == 0);
}

/* Looks for another server at once; the one that failed is taken only if there is no other. As flow_retry(). */
static int redispatch(flow *f, server *old)
{
    px_shard *of_old = &old->shard[f->t->tid], *of_be = &f->be->shard[f->t->tid];
    int ret;

    flow_leave_server(f);
    f->cs = CS_NONE;
    ret = flow_assign(f);
    if (f->srv == old) {
        cnt_inc(of_old->c.retries);
        cnt_inc(of_be->c.retries);
        return 1;
    }
    f->flags |= FL_REDISP;
    cnt_inc(of_old->c.redispatches);
    cnt_inc(of_be->c.redispatches);
    return ret != ASSIGN_NONE;
}

int flow_retry(flow *f, int err)
{
    uint32_t tid = f->t->tid;
    server *old = f->srv;

    if (err != -ETIMEDOUT && (!f->b || f->b->flags & CO_F_CONNECTING))
        tevt_add(f, TEVT_FD | TEVT_BACK | TEVT_NO_CONN);
    flow_detach_back(f, 0);
    observe(f, old, SEEN_L4_ERR);
    if (f->retries >= f->max_retries || !(f->be->conf.retry_on & RETRY_CONN)) {
        cnt_inc(old->shard[tid].c.failed_conns);
        cnt_inc(f->be->shard[tid].c.failed_conns);
        return 0;
    }
    f->retries++;
    if (redispatches(f, old, f->retries))
        return redispatch(f, old);
    cnt_inc(old->shard[tid].c.retries);
    cnt_inc(f->be->shard[tid].c.retries);
    f->cs = CS_TAR;
    f->sexp = tick_add(f->t->now_ms, f->be->conf.t_connect && f->be->conf.t_connect < TURN_AROUND
                                         ? f->be->conf.t_connect
                                         : TURN_AROUND);
    return 1;
}
