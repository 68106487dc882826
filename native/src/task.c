/* The scheduler. Who inserts a task in a run queue is decided by its state alone: the one that sets TASK_QUEUED.
 * While it is set nobody else inserts it, and whoever takes it out clears it. */
#include "runq.h"
#include "task.h"
#include "waitq.h"

#include <pthread.h>

typedef struct task_thread {
    waitq wq; /* the two queues of the tasks bound to this thread: its own, no lock */
    runq rq;
    uint32_t eligible;   /* tasks in the shared run queue that not all threads but this one may run; atomic */
    int turn;            /* which queue is picked from next */
    uintptr_t self;      /* the thread that runs as this one, by pthread_self(), 0 before it came; atomic */
    char pad[LB_CACHELINE];
    taskbox inbox;
} task_thread;

struct tasksched {
    int nbthread;
    uint64_t all; /* a bit for each thread */
    void (*wake)(void *ctx, int tid);
    void *ctx;
    uint64_t asleep; /* threads that found nothing to do; atomic */
    uint32_t tasks;  /* alive; atomic */
    char pad[LB_CACHELINE];
    shared_waitq wq;
    spinlock rq_lock; /* LBL_RQ: guards rq */
    runq rq;
    uint32_t for_all; /* tasks in rq that every thread may run; atomic */
    task_thread thr[];
};

/* --- life of a scheduler ----------------------------------------------------------------------------------------- */

static void init_thread(task_thread *th, lockset *set)
{
    waitq_init(&th->wq);
    taskbox_init(&th->inbox, set);
}

tasksched *tasksched_new(int nbthread, lockset *set, void (*wake)(void *ctx, int tid), void *ctx)
{
    tasksched *s;

    if (nbthread < 1 || nbthread > TASK_MAXTHREADS)
        return NULL;
    s = calloc(1, sizeof(*s) + (size_t)nbthread * sizeof(s->thr[0]));
    if (!s)
        return NULL;
    s->nbthread = nbthread;
    s->all = ~0ull >> (64 - nbthread);
    s->wake = wake;
    s->ctx = ctx;
    spin_init(&s->rq_lock, set, LBL_RQ);
    shared_waitq_init(&s->wq, set);
    for (int i = 0; i < nbthread; i++)
        init_thread(&s->thr[i], set);
    return s;
}

static void free_ended(tasksched *s, task *t);
static void read_inbox(task_thread *th);

static void drain_runq(tasksched *s, runq *q)
{
    for (task *t = runq_pop(q); t; t = runq_pop(q))
        if (t->state & TASK_FREED)
            free_ended(s, t);
}

void tasksched_free(tasksched *s)
{
    if (!s)
        return;
    for (int i = 0; i < s->nbthread; i++) {
        read_inbox(&s->thr[i]);
        drain_runq(s, &s->thr[i].rq);
    }
    drain_runq(s, &s->rq);
    free(s);
}

unsigned tasksched_tasks(const tasksched *s) { return at_peek(&s->tasks); }

unsigned tasksched_queued(const tasksched *s)
{
    unsigned n = at_peek(&s->rq.len);

    for (int i = 0; i < s->nbthread; i++)
        n += at_peek(&s->thr[i].rq.len) + at_peek(&s->thr[i].inbox.len);
    return n;
}

/* --- which thread calls ------------------------------------------------------------------------------------------ */

/* The thread that calls us as <tid> is remembered, so that what it does to its own tasks needs no lock. */
static task_thread *enter(tasksched *s, int tid)
{
    task_thread *th = &s->thr[tid];
    uint64_t bit = 1ull << tid;

    if (at_peek(&th->self) != (uintptr_t)pthread_self())
        at_store(&th->self, (uintptr_t)pthread_self());
    if (at_peek(&s->asleep) & bit)
        at_and(&s->asleep, ~bit);
    return th;
}

/* Whether the caller is the thread to which <t> is bound. */
static int is_own(const tasksched *s, const task *t)
{
    return at_peek(&s->thr[t->owner].self) == (uintptr_t)pthread_self();
}

static int is_worker(const tasksched *s)
{
    for (int i = 0; i < s->nbthread; i++)
        if (at_peek(&s->thr[i].self) == (uintptr_t)pthread_self())
            return 1;
    return 0;
}

static void wake(const tasksched *s, int tid)
{
    if (s->wake)
        s->wake(s->ctx, tid);
}

/* One thread of <mask> that went to sleep, and counts as awake from now on; -1 if none. If none is asleep, one that
 * is awake will look at the queues before it goes: each side first says what it does and then looks (sequentially
 * consistent). */
static int choose_sleeper(tasksched *s, uint64_t mask)
{
    uint64_t asleep = __atomic_load_n(&s->asleep, __ATOMIC_SEQ_CST);

    while (asleep & mask) {
        int tid = __builtin_ctzll(asleep & mask);

        if (at_cas(&s->asleep, &asleep, asleep & ~(1ull << tid)))
            return tid;
    }
    return -1;
}

static void wake_one_of(tasksched *s, uint64_t mask)
{
    int tid = choose_sleeper(s, mask);

    if (tid >= 0)
        wake(s, tid);
}

/* --- inboxes ----------------------------------------------------------------------------------------------------- */

/* Leaves <t> with the thread that owns it, see taskbox_put(). */
static void post(tasksched *s, task *t, uint64_t wish)
{
    int owner = t->owner;

    taskbox_put(&s->thr[owner].inbox, t, wish);
    wake(s, owner);
}

static void read_inbox(task_thread *th)
{
    uint64_t wish = 0;
    uint32_t queue = 0;
    task *t;

    while (seq_load(&th->inbox.len) && (t = taskbox_take(&th->inbox, &wish, &queue))) {
        waitq_set(&th->wq, t, wish);
        if (queue)
            runq_add(&th->rq, t);
    }
}

/* --- waking ------------------------------------------------------------------------------------------------------ */

/* How many tasks of the shared run queue a thread may run is kept in two figures: those for all, those for it. */
static void count_eligible(tasksched *s, const task *t, uint32_t n)
{
    if (t->mask == s->all) {
        seq_add(&s->for_all, n);
        return;
    }
    for (uint64_t left = t->mask; left; left &= left - 1)
        seq_add(&s->thr[__builtin_ctzll(left)].eligible, n);
}

static void queue_shared(tasksched *s, task *t)
{
    spin_lock(&s->rq_lock);
    runq_add(&s->rq, t);
    count_eligible(s, t, 1);
    spin_unlock(&s->rq_lock);
}

/* Puts a task in a run queue, for the one who set TASK_QUEUED. It may run, and be freed, before this returns. */
static void enqueue(tasksched *s, task *t)
{
    if (t->owner < 0) {
        uint64_t mask = t->mask;

        queue_shared(s, t);
        wake_one_of(s, mask);
    } else if (is_own(s, t)) {
        runq_add(&s->thr[t->owner].rq, t);
    } else {
        post(s, t, NO_WISH);
    }
}

/* Adds <bits> to the state. Returns whether the task has to be queued by the caller. */
static int mark_woken(task *t, uint32_t bits)
{
    uint32_t old = at_load(&t->state), now;

    do {
        if (old & TASK_FREED)
            return 0;
        now = old | bits;
        if (!(old & (TASK_RUNNING | TASK_QUEUED)))
            now |= TASK_QUEUED;
    } while (!at_cas(&t->state, &old, now));
    return !(old & (TASK_RUNNING | TASK_QUEUED));
}

void task_wakeup(tasksched *s, task *t, uint32_t reason)
{
    if (mark_woken(t, reason & TASK_WOKEN_ANY))
        enqueue(s, t);
}

/* --- life of a task ---------------------------------------------------------------------------------------------- */

task *task_new(tasksched *s, uint64_t mask, uint64_t cookie, int nice)
{
    task *t;

    mask = mask ? mask & s->all : s->all;
    if (!mask)
        return NULL;
    t = calloc(1, sizeof(*t));
    if (!t)
        return NULL;
    t->cookie = cookie;
    t->mask = mask;
    t->nice = (int16_t)(nice < TASK_NICE_MIN ? TASK_NICE_MIN : nice > TASK_NICE_MAX ? TASK_NICE_MAX : nice);
    t->owner = mask & (mask - 1) ? -1 : (int16_t)__builtin_ctzll(mask);
    at_add(&s->tasks, 1);
    return t;
}

/* Takes a task that is in no run queue out of the wait queue and the inbox (an old wish may be there); frees it. */
static void free_ended(tasksched *s, task *t)
{
    if (t->owner < 0) {
        shared_waitq_remove(&s->wq, t);
    } else {
        read_inbox(&s->thr[t->owner]);
        waitq_remove(&s->thr[t->owner].wq, t);
    }
    free(t);
    at_sub(&s->tasks, 1);
}

/* Memory is given back by a thread that may touch the task's queues: the one that takes it out of a run queue or
 * ends its run. An idle task is queued for that purpose. */
void task_free(tasksched *s, task *t)
{
    if (mark_woken(t, TASK_FREED))
        enqueue(s, t);
}

/* --- dates ------------------------------------------------------------------------------------------------------- */

/* A date that is sooner than all others concerns a thread that sleeps too long now. If the caller is one of the
 * threads it will look at the queue before it sleeps, and that is enough. */
static void change_shared_date(tasksched *s, task *t, uint64_t wish)
{
    if (shared_waitq_set(&s->wq, t, wish) && !is_worker(s))
        wake_one_of(s, s->all);
}

static void change_date(tasksched *s, task *t, uint64_t wish)
{
    if (t->owner < 0)
        change_shared_date(s, t, wish);
    else if (is_own(s, t))
        waitq_set(&s->thr[t->owner].wq, t, wish);
    else
        post(s, t, wish);
}

void task_schedule(tasksched *s, task *t, uint32_t when)
{
    if (tick_isset(when))
        change_date(s, t, WISH_SOONER | when);
}

void task_queue_at(tasksched *s, task *t, uint32_t when) { change_date(s, t, WISH_EXACT | when); }

typedef struct expiry {
    tasksched *s;
    uint64_t bit;  /* of the thread that calls */
    uint64_t wake; /* threads to be woken when the lock is released */
    int kept;      /* the caller has something to run itself */
    int woken;
} expiry;

static void expire_own(void *ctx, tmr *timer)
{
    expiry *x = ctx;
    task *t = container_of(timer, task, timer);

    t->expire = TICK_ETERNITY;
    if (!mark_woken(t, TASK_WOKEN_TIMER))
        return;
    runq_add(&x->s->thr[t->owner].rq, t);
    x->woken++;
}

/* The first that the caller may run is for itself, another thread is woken for each of the others. */
static void expire_shared(void *ctx, tmr *timer)
{
    expiry *x = ctx;
    task *t = container_of(timer, task, timer);
    uint64_t mask;
    int sleeper;

    t->expire = TICK_ETERNITY;
    if (!mark_woken(t, TASK_WOKEN_TIMER))
        return;
    x->woken++;
    mask = t->mask;
    queue_shared(x->s, t);
    if (!x->kept && (mask & x->bit)) {
        x->kept = 1;
        return;
    }
    sleeper = choose_sleeper(x->s, mask);
    if (sleeper >= 0)
        x->wake |= 1ull << sleeper;
}

int task_expire(tasksched *s, int tid, uint32_t now)
{
    task_thread *th = enter(s, tid);
    expiry x = {.s = s, .bit = 1ull << tid};

    read_inbox(th);
    waitq_run(&th->wq, now, expire_own, &x);
    shared_waitq_run(&s->wq, now, expire_shared, &x);
    for (; x.wake; x.wake &= x.wake - 1)
        wake(s, __builtin_ctzll(x.wake));
    return x.woken;
}

/* --- running ----------------------------------------------------------------------------------------------------- */

/* Takes the first task that <tid> may run. Those before it that it may not are put back in their places. */
static task *pop_eligible(tasksched *s, int tid)
{
    task *aside = NULL, *t;

    while ((t = runq_pop(&s->rq)) && !(t->mask >> tid & 1)) {
        t->in_next = aside;
        aside = t;
    }
    while (aside) {
        task *next = aside->in_next;

        runq_insert(&s->rq, aside);
        aside = next;
    }
    return t;
}

static int has_shared(const tasksched *s, int tid) { return seq_load(&s->for_all) || seq_load(&s->thr[tid].eligible); }

static task *take_shared(tasksched *s, int tid)
{
    task *t;

    if (!has_shared(s, tid))
        return NULL;
    spin_lock(&s->rq_lock);
    t = pop_eligible(s, tid);
    if (t)
        count_eligible(s, t, (uint32_t)-1);
    spin_unlock(&s->rq_lock);
    return t;
}

/* The thread's own and the shared queue in turn, so that neither starves the other. */
static task *take_next(tasksched *s, int tid)
{
    task_thread *th = &s->thr[tid];
    task *t;

    th->turn = !th->turn;
    if (th->turn) {
        t = runq_pop(&th->rq);
        return t ? t : take_shared(s, tid);
    }
    t = take_shared(s, tid);
    return t ? t : runq_pop(&th->rq);
}

/* Returns the reasons, 0 if the task has been freed. */
static int begin(task *t, uint32_t *reasons)
{
    uint32_t old = at_load(&t->state);

    do {
        if (old & TASK_FREED)
            return 0;
    } while (!at_cas(&t->state, &old, TASK_RUNNING));
    *reasons = old & TASK_WOKEN_ANY;
    t->calls++;
    return 1;
}

int task_pick(tasksched *s, int tid, task_ev *out, int max)
{
    int n = 0;
    task *t;

    read_inbox(enter(s, tid));
    while (n < max && (t = take_next(s, tid))) {
        out[n] = (task_ev){.cookie = t->cookie, .t = t};
        if (begin(t, &out[n].state))
            n++;
        else
            free_ended(s, t);
    }
    return n;
}

void task_done(tasksched *s, task *t)
{
    uint32_t old = at_load(&t->state), now;

    do {
        if (old & TASK_FREED) {
            free_ended(s, t);
            return;
        }
        now = old & ~(uint32_t)TASK_RUNNING;
        if (old & TASK_WOKEN_ANY)
            now |= TASK_QUEUED;
    } while (!at_cas(&t->state, &old, now));
    if (now & TASK_QUEUED)
        enqueue(s, t);
}

/* --- sleeping ---------------------------------------------------------------------------------------------------- */

static int sooner_of(int a, int b)
{
    if (a < 0 || b < 0)
        return a < 0 ? b : a;
    return a < b ? a : b;
}

/* With the thread counted as asleep already: see choose_sleeper(). */
static int next_of_all(tasksched *s, int tid, uint32_t now)
{
    task_thread *th = &s->thr[tid];

    if (has_shared(s, tid) || seq_load(&th->inbox.len))
        return 0;
    return sooner_of(waitq_next(&th->wq, now), shared_waitq_next(&s->wq, now));
}

int task_next(tasksched *s, int tid, uint32_t now)
{
    task_thread *th = enter(s, tid);
    uint64_t bit = 1ull << tid;
    int ms;

    if (at_peek(&th->rq.len))
        return 0;
    __atomic_fetch_or(&s->asleep, bit, __ATOMIC_SEQ_CST);
    ms = next_of_all(s, tid, now);
    if (!ms)
        at_and(&s->asleep, ~bit);
    return ms;
}
