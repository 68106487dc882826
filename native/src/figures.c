/* What others read of a running engine: configuration, gauges, sums of counters, rates, snapshots, threads, fds. */
#include "ctr.h"
#include "engine.h"
#include "flow.h"
#include "poll.h"
#include "rates.h"

fe_conf *eng_fe_conf(engine *e, int i)
{
    return &e->fe[i]->conf;
}

be_conf *eng_be_conf(engine *e, int i)
{
    return &e->be[i]->conf;
}

srv_conf *eng_srv_conf(engine *e, int i)
{
    return &e->srv[i]->conf;
}

px_live *eng_fe_live(engine *e, int i)
{
    return &e->fe[i]->live;
}

px_live *eng_be_live(engine *e, int i)
{
    return &e->be[i]->live;
}

px_live *eng_srv_live(engine *e, int i)
{
    return &e->srv[i]->live;
}

px_live *eng_lsn_live(engine *e, int i)
{
    return &e->lsn[i]->live;
}

/* The sum over all threads; zero without shards. */
static void shards_sum(const engine *e, const px_shard *s, lb_counters *out)
{
    memset(out, 0, sizeof(*out));
    for (uint32_t i = 0; s && i < e->conf.nbthread; i++)
        counters_add(out, &s[i].c);
}

void eng_fe_counters(engine *e, int i, lb_counters *out)
{
    shards_sum(e, e->fe[i]->shard, out);
}

void eng_be_counters(engine *e, int i, lb_counters *out)
{
    shards_sum(e, e->be[i]->shard, out);
}

void eng_srv_counters(engine *e, int i, lb_counters *out)
{
    shards_sum(e, e->srv[i]->shard, out);
}

void eng_lsn_counters(engine *e, int i, lb_counters *out)
{
    shards_sum(e, e->lsn[i]->shard, out);
}

static void rates(const engine *e, const px_shard *s, uint32_t *out)
{
    uint32_t now = tick_now();

    for (int kind = 0; kind < PX_RATES; kind++)
        out[kind] = rates_read(s, e->conf.nbthread, kind, now);
}

void eng_fe_rates(engine *e, int i, uint32_t *out)
{
    rates(e, e->fe[i]->shard, out);
}

void eng_be_rates(engine *e, int i, uint32_t *out)
{
    rates(e, e->be[i]->shard, out);
}

void eng_srv_rates(engine *e, int i, uint32_t *out)
{
    rates(e, e->srv[i]->shard, out);
}

void eng_rates(engine *e, uint32_t *out)
{
    uint32_t now = tick_now();

    out[0] = freqp_read(&e->conn_rate, FREQ_SECOND, now);
    out[1] = freqp_read(&e->sess_rate, FREQ_SECOND, now);
    out[2] = 0;
}

void eng_rates_exact(engine *e, double *out)
{
    uint32_t now = tick_now();

    out[0] = freqp_read_exact(&e->conn_rate, FREQ_SECOND, now);
    out[1] = freqp_read_exact(&e->sess_rate, FREQ_SECOND, now);
}

uint32_t eng_srv_idle(engine *e, int i, int tid)
{
    return at_peek(&e->srv[i]->idle[tid].n);
}

static void shards_clear(const engine *e, px_shard *s, int all)
{
    for (uint32_t i = 0; s && i < e->conf.nbthread; i++) {
        if (all)
            memset(&s[i].c, 0, sizeof(s[i].c));
        else
            s[i].c.q_max = s[i].c.c_max = s[i].c.d_max = s[i].c.t_max = 0;
    }
}

static void live_clear(px_live *live, int all)
{
    live->cur_max = live->queued_max = 0;
    memset(live->rate_max, 0, sizeof(live->rate_max));
    if (all)
        live->last_ms = 0;
}

void eng_clear_counters(engine *e, int all)
{
    for (uint32_t i = 0; i < e->nfe; i++) {
        shards_clear(e, e->fe[i]->shard, all);
        live_clear(&e->fe[i]->live, all);
    }
    for (uint32_t i = 0; i < e->nbe; i++) {
        shards_clear(e, e->be[i]->shard, all);
        live_clear(&e->be[i]->live, all);
    }
    for (uint32_t i = 0; i < e->nsrv; i++) {
        shards_clear(e, e->srv[i]->shard, all);
        live_clear(&e->srv[i]->live, all);
    }
    for (uint32_t i = 0; i < e->nlsn; i++) {
        shards_clear(e, e->lsn[i]->shard, all);
        live_clear(&e->lsn[i]->live, all);
    }
    e->live.conn_rate_max = e->live.sess_rate_max = 0;
}

eng_conf *eng_limits(engine *e)
{
    return &e->conf;
}

int eng_snapshot(engine *e, int back, int i, px_snapshot *out)
{
    rwlock *lock = back ? &e->be[i]->lock : &e->fe[i]->lock;
    px_snapshot **at = back ? &e->be[i]->snap : &e->fe[i]->snap;
    int found;

    rw_rdlock(lock);
    found = *at != NULL;
    if (found)
        *out = **at;
    rw_rdunlock(lock);
    return found;
}

eng_live *eng_live_figures(engine *e)
{
    uint64_t streams = 0;

    for (uint32_t i = 0; i < e->conf.nbthread; i++)
        streams += at_peek(&e->threads[i].streams);
    at_store(&e->live.requests, streams);
    return &e->live;
}

static void read_pool(const slab *s, pool_figures *out)
{
    *out = (pool_figures){.size = s->size, .used = at_peek(&s->used), .total = at_peek(&s->total), .failed = at_peek(&s->failed)};
}

void eng_thread_figures(engine *e, int tid, thr_figures *out)
{
    thr *t = &e->threads[tid];
    fdloop_figures fig = {0};

    memset(out, 0, sizeof(*out));
    if (!at_load(&t->running))
        return;
    fdloop_read(&t->loop, &fig);
    out->turns = fig.waits;
    out->events = fig.events;
    out->updates = fig.updates;
    out->wakeups = fig.wakeups;
    out->handlers = fig.handlers;
    out->stale = fig.stale;
    out->polls = at_peek(&t->polls);
    out->accepted = at_peek(&t->accepted);
    out->handed = at_peek(&t->handed);
    out->streams = at_peek(&t->streams);
    read_pool(&t->conns, &out->pools[POOL_CONN]);
    read_pool(&t->flows, &out->pools[POOL_FLOW]);
    read_pool(&t->asked, &out->pools[POOL_ASKED]);
    read_pool(&t->tracks, &out->pools[POOL_TRACK]);
    out->buffers_failed = at_peek(&t->bufs.failed);
    out->flows = at_peek(&t->nflows);
    out->conns = at_peek(&t->conns_now);
    for (int c = 0; c < BUF_CLASSES; c++) {
        out->buffers[c] = at_peek(&t->bufs.used[c]);
        out->free_buffers[c] = at_peek(&t->bufs.nfree[c]);
    }
    out->conn_objects = at_peek(&t->conns.used);
    for (uint32_t i = 0; i < e->nsrv; i++)
        out->idle += at_peek(&e->srv[i]->idle[tid].n);
    out->poller = (uint32_t)poller_index(fdloop_poller(&t->loop));
}

lockset *eng_locks(engine *e)
{
    return e->locks;
}

tasksched *eng_tasks(engine *e)
{
    return e->tasks;
}

int eng_fd_describe(engine *e, int fd, fd_info *out)
{
    return fd_describe(&e->fds, fd, out);
}

int eng_fd_top(engine *e)
{
    return fdtab_top(&e->fds);
}

int eng_fd_kind(engine *e, int fd)
{
    fd_info info;
    fd_iocb cb;

    if (fd_describe(&e->fds, fd, &info) < 0 || !info.thread_mask)
        return ENG_FD_NONE;
    cb = at_peek(&e->fds.ent[fd].iocb);
    if (cb == listener_iocb)
        return ENG_FD_LISTENER;
    if (cb == outgoing_iocb)
        return ENG_FD_OUT;
    if (cb == flow_server_iocb)
        return ENG_FD_SERVER;
    return cb == flow_iocb ? ENG_FD_CONN : ENG_FD_OTHER;
}

int eng_listener_count(engine *e)
{
    return (int)e->nlsn;
}
