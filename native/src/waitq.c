/* Wait queues. */
#include "waitq.h"

#define DUE_SET ((uint64_t)1 << 32)

/* --- a thread's own ---------------------------------------------------------------------------------------------- */

void waitq_init(waitq *q)
{
    wheel_init(&q->w, 0);
    q->started = 0;
}

static void set_date(waitq *q, task *t, uint32_t when)
{
    t->expire = when;
    tmr_set(&q->w, &t->timer, when);
}

static void set_date_sooner(waitq *q, task *t, uint32_t when)
{
    when = tick_first(when, t->expire);
    if (when != t->expire)
        set_date(q, t, when);
}

void waitq_set(waitq *q, task *t, uint64_t wish)
{
    if (wish & WISH_EXACT)
        set_date(q, t, (uint32_t)wish);
    else if (wish & WISH_SOONER)
        set_date_sooner(q, t, (uint32_t)wish);
}

void waitq_remove(waitq *q, task *t) { tmr_del(&q->w, &t->timer); }

/* A wheel learns the time from the first turn that looks at it; dates may have been set before. */
void waitq_run(waitq *q, uint32_t now, void (*cb)(void *ctx, tmr *t), void *ctx)
{
    if (!q->started)
        wheel_rebase(&q->w, now);
    at_store(&q->started, 1);
    tmr_run(&q->w, now, cb, ctx);
}

int waitq_next(const waitq *q, uint32_t now)
{
    if (!q->started && q->w.linked)
        return 0;
    return tmr_next(&q->w, now);
}

/* --- the shared one ---------------------------------------------------------------------------------------------- */

void shared_waitq_init(shared_waitq *q, lockset *set)
{
    rw_init(&q->lock, set, LBL_WQ);
    waitq_init(&q->q);
    q->due = 0;
}

/* Tells how things stand to those who look without the lock. */
static void leave(shared_waitq *q)
{
    uint64_t due = q->q.w.linked ? DUE_SET | q->q.w.due : 0;

    __atomic_store_n(&q->due, due, __ATOMIC_SEQ_CST);
    rw_wrunlock(&q->lock);
}

int shared_waitq_set(shared_waitq *q, task *t, uint64_t wish)
{
    uint64_t before;
    int sooner;

    rw_wrlock(&q->lock);
    before = at_peek(&q->due);
    waitq_set(&q->q, t, wish);
    sooner = q->q.w.linked && (!before || tick_is_lt(q->q.w.due, (uint32_t)before));
    leave(q);
    return sooner;
}

void shared_waitq_remove(shared_waitq *q, task *t)
{
    rw_wrlock(&q->lock);
    waitq_remove(&q->q, t);
    leave(q);
}

static int is_due(const shared_waitq *q, uint32_t now)
{
    uint64_t due = __atomic_load_n(&q->due, __ATOMIC_SEQ_CST);

    return !at_peek(&q->q.started) || (due && !tick_is_lt(now, (uint32_t)due));
}

void shared_waitq_run(shared_waitq *q, uint32_t now, void (*cb)(void *ctx, tmr *t), void *ctx)
{
    if (!is_due(q, now))
        return;
    rw_wrlock(&q->lock);
    waitq_run(&q->q, now, cb, ctx);
    leave(q);
}

int shared_waitq_next(shared_waitq *q, uint32_t now)
{
    int ms;

    if (!__atomic_load_n(&q->due, __ATOMIC_SEQ_CST))
        return -1;
    rw_rdlock(&q->lock);
    ms = waitq_next(&q->q, now);
    rw_rdunlock(&q->lock);
    return ms;
}
