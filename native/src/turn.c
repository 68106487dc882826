/* A worker's turn: everything that does not come from an fd, then the fds, until there is something for Python. */
#include "asked.h"
#include "engine.h"
#include "poll.h"
#include "queue.h"
#include "sess.h"

#define PURGE_EVERY 1000 /* ms between looks at idle connections and rates */

/* --- a worker's thread --- */

void eng_wake_thread(void *engine_, int tid)
{
    engine *e = engine_;

    if (at_load(&e->threads[tid].running))
        fdloop_wake(&e->threads[tid].loop);
}

static void woke(fdloop *l)
{
    thr_clock(l->ctx);
}

int eng_thread_init(engine *e, int tid)
{
    thr *t;
    int ret = -ENODEV;

    if (tid < 0 || (uint32_t)tid >= e->conf.nbthread)
        return -EINVAL;
    t = &e->threads[tid];
    if (t->looped)
        return -EBUSY;
    for (unsigned off = e->conf.no_pollers; ret < 0;) {
        const poller *p = poller_best(off);

        if (!p)
            return ret;
        ret = fdloop_init(&t->loop, &e->fds, tid, p, t);
        off |= 1u << poller_index(p->name);
    }
    t->loop.woke = woke;
    if (e->conf.maxpollevents && e->conf.maxpollevents < t->loop.maxbatch)
        t->loop.maxbatch = e->conf.maxpollevents;
    t->looped = 1;
    thr_clock(t);
    at_store(&t->running, 1);
    at_or(&e->running_mask, t->bit);
    return 0;
}

void eng_thread_fini(engine *e, int tid)
{
    thr *t = &e->threads[tid];

    if (!at_load(&t->running))
        return;
    while (t->all) {
        flow *f = t->all;

        f->flags &= ~FL_SERVING;
        flow_free(f);
    }
    outgoing_fini(t);
    for (uint32_t i = 0; i < e->nsrv; i++)
        idle_purge(t, e->srv[i], 1);
    log_flush(t);
    at_store(&t->running, 0);
    listener_leave(t);
    /* the loop itself stays: somebody may be about to wake it, and its descriptor must not become another one's */
}

static void take_message(thr *t, const inmsg *m)
{
    int alive = m->flow && m->flow->gen == m->gen;

    switch (m->kind) {
    case IN_CONN:
        listener_serve(t, m->lsn, m->fd, &m->peer);
        break;
    case IN_END:
        server_end(t, m->srv, (char)m->fd);
        break;
    case IN_SESS:
        sess_end_here(t, m->gen, (char)m->fd);
        break;
    case IN_LOOK:
        if (alive)
            flow_look_again(m->flow, m->srv);
        break;
    default:
        if (alive)
            flow_dequeued(m->flow, m->srv);
        else
            queue_return_slot(m->srv);
        break;
    }
}

static void read_inbox(thr *t)
{
    inmsg *m;

    if (!at_peek(&t->in.head))
        return;
    spin_lock(&t->in.lock);
    m = t->in.head;
    at_store(&t->in.head, NULL);
    t->in.tail = NULL;
    spin_unlock(&t->in.lock);
    while (m) {
        inmsg *next = m->next;

        take_message(t, m);
        free(m);
        m = next;
    }
}

static void run_all(thr *t, flow **list)
{
    flow *f = *list;

    *list = NULL;
    while (f) {
        flow *next = f->rnext;

        f->flags &= ~FL_IN_RUN;
        if (!f->gen) {
            f->flags = 0;
            slab_put(&t->flows, f);
        } else {
            flow_run(f);
        }
        f = next;
    }
}

/* Whether a flow waits for its turn. */
static int has_run(const thr *t)
{
    for (int i = 0; i < THR_NICE; i++)
        if (t->nice[i])
            return 1;
    return t->run != NULL;
}

static void run_list(thr *t)
{
    run_all(t, &t->run);
    for (int i = 0; i < THR_NICE; i++)
        if (unlikely(t->nice[i]))
            run_all(t, &t->nice[i]);
}

/* Soft stop: what is idle ends now, or in its time ("close-spread-time"), or ("idle-close-on-response") after one more request;
 * the rest after its present one. */
static void see_stopping(thr *t)
{
    flow *f = t->all;

    t->stopping_seen = 1;
    t->stop_from = t->now_ms;
    while (f) {
        flow *next = f->next;

        if (f->kind == FLOW_EXCHANGE && f->rq == RQ_IDLE && !(f->flags & (FL_DRAIN | FL_HELD)) &&
            !(f->fe->conf.options & PX_O_LATE_IDLE)) {
            if (t->eng->conf.spread)
                flow_later(f); /* its timer is set anew */
            else
                flow_close(f);
        }
        f = next;
    }
    for (uint32_t i = 0; i < t->eng->nsrv; i++)
        idle_purge(t, t->eng->srv[i], 1);
}

static void periodic(thr *t)
{
    engine *e = t->eng;
    uint32_t out[3];

    t->next_purge = tick_add(t->now_ms, PURGE_EVERY);
    t->keeps_idle = 0;
    for (uint32_t i = 0; i < e->nsrv; i++)
        if (at_peek(&e->srv[i]->idle[t->tid].n)) {
            idle_purge(t, e->srv[i], 0);
            t->keeps_idle = 1;
        }
    if (t->tid)
        return;
    for (uint32_t i = 0; i < e->nfe; i++)
        eng_fe_rates(e, (int)i, out);
    for (uint32_t i = 0; i < e->nbe; i++)
        eng_be_rates(e, (int)i, out);
    for (uint32_t i = 0; i < e->nsrv; i++)
        eng_srv_rates(e, (int)i, out);
    eng_rates(e, out);
}

static void due_tasks(thr *t)
{
    engine *e = t->eng;
    int n;

    task_expire(e->tasks, (int)t->tid, t->now_ms);
    n = task_pick(e->tasks, (int)t->tid, t->tasks, (int)(sizeof(t->tasks) / sizeof(t->tasks[0])));
    for (int i = 0; i < n; i++) {
        lb_event *ev = thr_event(t, EV_TASK);

        if (!ev) {
            task_done(e->tasks, t->tasks[i].t);
            continue;
        }
        ev->handle = t->tasks[i].cookie;
        ev->arg = t->tasks[i].state;
        ev->data = t->tasks[i].t;
    }
}

static void due_sync(thr *t)
{
    lb_event *ev;

    if (!(at_load(&t->eng->sync_mask) & t->bit))
        return;
    at_and(&t->eng->sync_mask, ~t->bit);
    ev = thr_event(t, EV_SYNC);
    if (!ev)
        at_or(&t->eng->sync_mask, t->bit);
}

/* The sooner of two waits, of which -1 is none. */
static int sooner(int a, int b)
{
    if (a < 0)
        return b;
    return b < 0 || a < b ? a : b;
}

/* All work that does not come from an fd. Returns ms until there is more of it. */
static int internal_work(thr *t)
{
    engine *e = t->eng;
    int wait, outs;

    wait = listener_tick(t);
    read_inbox(t);
    if (unlikely(at_peek(&e->live.stopping) && !t->stopping_seen))
        see_stopping(t);
    tmr_run(&t->timers, t->now_ms, flow_expired, t);
    outs = outgoing_tick(t);
    due_tasks(t);
    due_sync(t);
    run_list(t);
    if (tick_is_expired(t->next_purge ? t->next_purge : 1, t->now_ms) || !t->next_purge)
        periodic(t);
    wait = sooner(wait, tmr_next(&t->timers, t->now_ms));
    wait = sooner(wait, outs);
    wait = sooner(wait, task_next(e->tasks, (int)t->tid, t->now_ms));
    if (t->nflows || t->keeps_idle || at_peek(&e->live.actconn))
        wait = sooner(wait, tick_remain(t->now_ms, t->next_purge));
    return has_run(t) || fdloop_has_active(&t->loop) ? 0 : wait;
}

/* Whether somebody handed something over after internal_work(); asked when the loop has said that it will sleep. */
static int has_news(const thr *t)
{
    const engine *e = t->eng;

    return at_load(&t->in.head) != NULL || at_load(&t->woken) || (at_load(&e->sync_mask) & t->bit) ||
           at_load(&e->lsn_epoch) != at_load(&e->lsn_done) || listener_must_pass(t) ||
           (at_load(&e->live.stopping) && !t->stopping_seen) || task_next(e->tasks, (int)t->tid, t->now_ms) == 0;
}

/* Puts an event before the others. */
static void deliver_first(thr *t, lb_event first)
{
    lb_event *ev = thr_event(t, first.kind);

    if (!ev)
        return;
    memmove(t->ev + 1, t->ev, (t->nev - 1) * sizeof(*ev));
    t->ev[0] = first;
}

/* They come before the other events: what tells of a connection's end comes after all of its streams. */
static void deliver_records(thr *t)
{
    deliver_first(t, (lb_event){.kind = EV_DONE, .data = t->recs, .len = t->nrecs, .handle = (uintptr_t)t->text,
                                .arg = t->ntext});
}

/* Pointers are made of the offsets, now that the text area stays where it is. */
static int deliver(thr *t)
{
    for (uint32_t i = 0; i < t->nrecs; i++)
        t->recs[i].uri = t->recs[i].uri_len ? t->text + (uintptr_t)t->recs[i].uri : NULL;
    for (uint32_t i = 0; i < t->nev; i++)
        if (t->ev[i].kind == EV_DATA)
            t->ev[i].data = t->text + (uintptr_t)t->ev[i].data;
    if (t->nrecs)
        deliver_records(t);
    if (unlikely(t->ntaps))
        deliver_first(t, (lb_event){.kind = EV_PASSED, .data = t->taps, .len = t->ntaps});
    if (t->nasks)
        ask_deliver(t);
    return (int)t->nev;
}

int eng_poll(engine *e, int tid, int timeout_ms, const char *verdicts, int len)
{
    thr *t = &e->threads[tid];
    uint32_t until = 0;

    t->nev = t->nrecs = t->ntext = t->nasks = t->ntaps = t->withdrawn = 0;
    cnt_inc(t->polls);
    thr_clock(t);
    if (len && ask_verdicts(t, verdicts, len) < 0)
        return -EINVAL;
    if (timeout_ms >= 0)
        until = tick_add(t->now_ms, (uint32_t)timeout_ms);
    for (;;) {
        int wait, n, due;

        fdloop_run_cache(&t->loop); /* first: what its handlers set counts in how long there is to sleep */
        wait = internal_work(t);
        due = t->nev || t->nrecs >= THR_RECS || at_xchg(&t->woken, 0);
        if (due && !t->blind) {
            t->blind = 1; /* whoever always has something to do does not keep fds from being looked at */
            return deliver(t);
        }
        if (until)
            wait = sooner(wait, tick_remain(t->now_ms, until));
        /* records are worth a GIL when there is a good number of them, or when there is nothing else to do */
        if (due || t->nrecs || t->nasks || t->ntaps) /* and questions, once the fds at hand were served */
            wait = 0;
        if (wait) {
            fdloop_about_to_sleep(&t->loop);
            if (has_news(t))
                wait = 0;
        }
        t->blind = 0;
        log_flush(t);
        n = fdloop_wait(&t->loop, wait);
        if (n < 0)
            return n;
        if (due || t->nasks || ((t->nrecs || t->ntaps) && !n))
            return deliver(t);
        if (until && tick_is_expired(until, t->now_ms))
            return deliver(t);
    }
}

lb_event *const *eng_events(engine *e, int tid)
{
    return &e->threads[tid].ev;
}

void eng_wake(engine *e, int tid)
{
    at_store(&e->threads[tid].woken, 1);
    eng_wake_thread(e, tid);
}

void eng_ask_sync(engine *e)
{
    at_or(&e->sync_mask, at_load(&e->running_mask));
    for (uint32_t i = 0; i < e->conf.nbthread; i++)
        eng_wake_thread(e, (int)i);
}

void eng_stopping(engine *e)
{
    at_store(&e->live.stopping, 1);
    for (uint32_t i = 0; i < e->conf.nbthread; i++)
        eng_wake_thread(e, (int)i);
}
