/* sources: lockset lock tmr runq waitq task */
/* The scheduler of tasks: order, dates, wishes of other threads, and counts under the hammer. */
#include <sched.h>

#include "check.h"
#include "task.h"

static tasksched *s;
static lockset *locks;
static int woken[TASK_MAXTHREADS]; /* calls of the wake function */

static void on_wake(void *ctx, int tid)
{
    (void)ctx;
    CHECK_EQ(lock_held(), 0);
    __atomic_add_fetch(&woken[tid], 1, __ATOMIC_SEQ_CST);
}

static void setup(int nbthread)
{
    memset(woken, 0, sizeof(woken));
    REQUIRE((s = tasksched_new(nbthread, locks, on_wake, NULL)) != NULL);
}

static void teardown(void)
{
    tasksched_free(s);
    s = NULL;
}

/* Picks one task as <tid>; its cookie, 0 if there is none. */
static uint64_t pick1(int tid, task_ev *ev)
{
    return task_pick(s, tid, ev, 1) ? ev->cookie : 0;
}

/* Runs all that is due, and returns the cookies in order as decimal digits. */
static long run_all(int tid)
{
    task_ev ev;
    long order = 0;

    while (pick1(tid, &ev)) {
        order = order * 10 + (long)ev.cookie;
        task_done(s, ev.t);
    }
    return order;
}

/* The same, for tasks that nobody else knows. */
static long run_and_free_all(int tid)
{
    task_ev ev;
    long order = 0;

    while (pick1(tid, &ev)) {
        order = order * 10 + (long)ev.cookie;
        task_free(s, ev.t);
        task_done(s, ev.t);
    }
    return order;
}

static void a_woken_task_is_picked_once_with_its_reasons(void)
{
    for (int nbthread = 1; nbthread <= 2; nbthread++) {
        task_ev ev;

        setup(nbthread);
        task *t = task_new(s, 0, 42, 0);
        CHECK_EQ(task_pick(s, 0, &ev, 1), 0);
        task_wakeup(s, t, TASK_WOKEN_INIT);
        task_wakeup(s, t, TASK_WOKEN_IO);
        CHECK_EQ(tasksched_queued(s), 1);
        CHECK_EQ(task_pick(s, 0, &ev, 1), 1);
        CHECK_EQ(ev.cookie, 42);
        CHECK(ev.t == t);
        CHECK_EQ(ev.state, TASK_WOKEN_INIT | TASK_WOKEN_IO);
        task_done(s, t);
        CHECK_EQ(task_pick(s, 0, &ev, 1), 0);
        CHECK_EQ(t->calls, 1);
        task_free(s, t);
        teardown();
    }
}

static void a_wakeup_during_its_run_makes_it_run_again(void)
{
    task_ev ev;

    setup(2);
    task *t = task_new(s, 0, 1, 0);
    task_wakeup(s, t, TASK_WOKEN_INIT);
    CHECK_EQ(pick1(0, &ev), 1);
    task_wakeup(s, t, TASK_WOKEN_MSG);
    task_ev other;
    CHECK_EQ(pick1(1, &other), 0);
    task_done(s, t);
    CHECK_EQ(pick1(1, &other), 1);
    CHECK_EQ(other.state, TASK_WOKEN_MSG);
    task_done(s, t);
    CHECK_EQ(pick1(0, &ev), 0);
    task_free(s, t);
    teardown();
}

static void tasks_of_one_nice_run_in_the_order_of_their_wakeups(void)
{
    for (int nbthread = 1; nbthread <= 2; nbthread++) {
        setup(nbthread);
        for (int i = 1; i <= 9; i++)
            task_wakeup(s, task_new(s, 0, (uint64_t)i, 0), TASK_WOKEN_OTHER);
        CHECK_EQ(run_and_free_all(0), 123456789);
        teardown();
    }
}

static void less_nice_tasks_overtake(void)
{
    static const int nice[] = {1024, 0, -1024, 0, 512};

    setup(1);
    for (int i = 0; i < 5; i++)
        task_wakeup(s, task_new(s, 0, (uint64_t)i + 1, nice[i]), TASK_WOKEN_OTHER);
    CHECK_EQ(run_and_free_all(0), 32415);
    teardown();
}

/* However nice a task is, those that keep coming do not hold it up for ever. */
static void a_nice_task_runs_in_the_end(void)
{
    task_ev ev;
    int turns = 0;

    setup(1);
    task *nice = task_new(s, 0, 9, 1024);
    task *rude = task_new(s, 0, 1, 0);
    task_wakeup(s, rude, TASK_WOKEN_OTHER);
    task_wakeup(s, nice, TASK_WOKEN_OTHER);
    while (pick1(0, &ev) == 1 && turns++ < 1000) {
        task_wakeup(s, rude, TASK_WOKEN_OTHER);
        task_done(s, rude);
    }
    CHECK_EQ(ev.cookie, 9);
    CHECK(turns > 10);
    task_done(s, ev.t);
    task_free(s, nice);
    task_free(s, rude);
    teardown();
}

static void the_run_queue_sorts_any_order(void)
{
    task_ev ev;
    unsigned seed = 7, n = 0;
    uint64_t key = 0;

    setup(1);
    for (; n < 500; n++) {
        seed = seed * 1103515245u + 12345u;
        task_wakeup(s, task_new(s, 0, n + 1, (int)(seed >> 16) % 2049 - 1024), TASK_WOKEN_OTHER);
    }
    for (; pick1(0, &ev); n--) {
        CHECK(ev.t->key >= key);
        key = ev.t->key;
        task_free(s, ev.t);
        task_done(s, ev.t);
    }
    CHECK_EQ(n, 0);
    CHECK_EQ(tasksched_tasks(s), 0);
    teardown();
}

static void a_task_runs_only_on_threads_of_its_mask(void)
{
    task_ev ev;

    setup(4);
    task *t = task_new(s, 6, 1, 0);
    task *all = task_new(s, 0, 2, 0);
    task_wakeup(s, t, TASK_WOKEN_OTHER);
    CHECK_EQ(pick1(0, &ev), 0);
    CHECK_EQ(task_next(s, 0, 100), -1);
    CHECK_EQ(task_next(s, 1, 100), 0);
    task_wakeup(s, all, TASK_WOKEN_OTHER);
    CHECK_EQ(run_all(3), 2);
    CHECK_EQ(run_all(2), 1);
    CHECK(!task_new(s, 1 << 4, 3, 0));
    task_free(s, t);
    task_free(s, all);
    teardown();
}

static void own_and_shared_tasks_take_turns(void)
{
    long order;

    setup(2);
    pick1(0, &(task_ev){0}); /* this thread is 0 */
    for (uint64_t i = 1; i <= 4; i++) {
        task_wakeup(s, task_new(s, 1, 1, 0), TASK_WOKEN_OTHER);
        task_wakeup(s, task_new(s, 3, 2, 0), TASK_WOKEN_OTHER);
    }
    order = run_and_free_all(0);
    CHECK(order == 12121212 || order == 21212121);
    teardown();
}

/* --- dates ------------------------------------------------------------------------------------------------------- */

static void a_date_wakes_its_task(void)
{
    for (int nbthread = 1; nbthread <= 2; nbthread++) {
        for (uint32_t start = 5; start < 4000000000u; start += 999999999u) {
            task_ev ev;

            setup(nbthread);
            task *t = task_new(s, 0, 1, 0);
            task_queue_at(s, t, start + 500);
            CHECK_EQ(task_expire(s, 0, start), 0);
            CHECK(task_next(s, 0, start) > 0 && task_next(s, 0, start) <= 500);
            CHECK_EQ(task_expire(s, 0, start + 499), 0);
            CHECK_EQ(task_next(s, 0, start + 499), 1);
            CHECK_EQ(task_expire(s, 0, start + 500), 1);
            CHECK_EQ(task_next(s, 0, start + 500), 0);
            CHECK_EQ(pick1(0, &ev), 1);
            CHECK_EQ(ev.state, TASK_WOKEN_TIMER);
            CHECK_EQ(t->expire, TICK_ETERNITY);
            task_done(s, t);
            CHECK_EQ(task_next(s, 0, start + 500), -1);
            task_free(s, t);
            teardown();
        }
    }
}

static void task_schedule_keeps_the_sooner_date_and_task_queue_at_the_last(void)
{
    for (int nbthread = 1; nbthread <= 2; nbthread++) {
        setup(nbthread);
        task_expire(s, 0, 1000);
        task *t = task_new(s, 0, 1, 0);
        task_schedule(s, t, 1500);
        CHECK_EQ(t->expire, 1500);
        task_schedule(s, t, 1800);
        CHECK_EQ(t->expire, 1500);
        task_schedule(s, t, 1200);
        CHECK_EQ(t->expire, 1200);
        task_schedule(s, t, TICK_ETERNITY);
        CHECK_EQ(t->expire, 1200);
        task_queue_at(s, t, 1900);
        CHECK_EQ(t->expire, 1900);
        CHECK_EQ(task_expire(s, 0, 1899), 0);
        task_queue_at(s, t, TICK_ETERNITY);
        CHECK_EQ(task_expire(s, 0, 5000), 0);
        CHECK_EQ(task_next(s, 0, 5000), -1);
        task_free(s, t);
        teardown();
    }
}

/* --- other threads ----------------------------------------------------------------------------------------------- */

static void aside(void (*body)(void *, int), void *arg) { check_threads(1, body, arg); }

static void wake_from_aside(void *arg, int index)
{
    (void)index;
    task_wakeup(s, arg, TASK_WOKEN_MSG);
    task_wakeup(s, arg, TASK_WOKEN_RES);
}

static void others_wake_a_bound_task_through_the_inbox(void)
{
    task_ev ev;

    setup(2);
    task *t = task_new(s, 1, 1, 0);
    CHECK_EQ(task_next(s, 0, 10), -1);
    aside(wake_from_aside, t);
    CHECK_EQ(woken[0], 1);
    CHECK_EQ(tasksched_queued(s), 1);
    CHECK_EQ(task_next(s, 0, 10), 0);
    CHECK_EQ(pick1(0, &ev), 1);
    CHECK_EQ(ev.state, TASK_WOKEN_MSG | TASK_WOKEN_RES);
    task_done(s, t);
    task_free(s, t);
    teardown();
}

static void schedule_from_aside(void *arg, int index)
{
    (void)index;
    task_schedule(s, arg, 900);
    task_schedule(s, arg, 700);
    task_schedule(s, arg, 800);
}

static void queue_from_aside(void *arg, int index)
{
    (void)index;
    task_schedule(s, arg, 300);
    task_queue_at(s, arg, 2000);
    task_schedule(s, arg, 1000);
}

static void unqueue_from_aside(void *arg, int index)
{
    (void)index;
    task_queue_at(s, arg, TICK_ETERNITY);
}

static void others_set_the_date_of_a_bound_task(void)
{
    setup(2);
    task_expire(s, 0, 100);
    task *t = task_new(s, 1, 1, 0);
    task_queue_at(s, t, 600);
    aside(schedule_from_aside, t);
    CHECK(woken[0] > 0);
    CHECK_EQ(task_expire(s, 0, 101), 0);
    CHECK_EQ(t->expire, 600);
    aside(queue_from_aside, t);
    CHECK_EQ(task_expire(s, 0, 102), 0);
    CHECK_EQ(t->expire, 1000);
    aside(unqueue_from_aside, t);
    CHECK_EQ(task_expire(s, 0, 103), 0);
    CHECK_EQ(t->expire, TICK_ETERNITY);
    CHECK_EQ(task_next(s, 0, 103), -1);
    task_free(s, t);
    teardown();
}

static void sleep_as_1(void *arg, int index)
{
    (void)arg;
    (void)index;
    CHECK(task_next(s, 1, 10) != 0);
}

static void a_shared_task_wakes_one_sleeper_that_may_run_it(void)
{
    setup(3);
    task *a = task_new(s, 6, 1, 0), *b = task_new(s, 6, 2, 0);
    task_wakeup(s, a, TASK_WOKEN_OTHER);
    CHECK_EQ(woken[0] + woken[1] + woken[2], 0); /* nobody sleeps */
    CHECK_EQ(task_next(s, 0, 10), -1);
    CHECK_EQ(run_all(2), 1);
    aside(sleep_as_1, NULL);
    task_wakeup(s, a, TASK_WOKEN_OTHER);
    CHECK_EQ(woken[1], 1);
    task_wakeup(s, b, TASK_WOKEN_OTHER);
    CHECK_EQ(woken[0] + woken[1] + woken[2], 1); /* it counts as awake now */
    CHECK_EQ(run_all(1), 12);
    task_free(s, a);
    task_free(s, b);
    teardown();
}

static void date_from_aside(void *arg, int index)
{
    (void)index;
    task_schedule(s, arg, 500);
    task_schedule(s, arg, 400);
    task_schedule(s, arg, 450);
}

static void a_stranger_that_sets_the_soonest_date_wakes_a_sleeper(void)
{
    setup(2);
    task *t = task_new(s, 0, 1, 0);
    task_expire(s, 0, 100);
    task_schedule(s, t, 3000);
    CHECK_EQ(woken[0] + woken[1], 0); /* set by a thread that looks itself */
    CHECK(task_next(s, 0, 100) > 0);
    aside(date_from_aside, t);
    CHECK_EQ(woken[0], 1);
    CHECK(task_next(s, 0, 100) <= 300);
    task_free(s, t);
    teardown();
}

/* --- ends -------------------------------------------------------------------------------------------------------- */

static void a_freed_task_is_not_picked_any_more(void)
{
    for (uint64_t mask = 1; mask <= 3; mask += 2) {
        task_ev ev;

        setup(2);
        pick1(0, &ev);
        task *queued = task_new(s, mask, 1, 0), *dated = task_new(s, mask, 2, 0), *idle = task_new(s, mask, 3, 0);
        task_wakeup(s, queued, TASK_WOKEN_OTHER);
        task_queue_at(s, dated, 100);
        task_free(s, queued);
        task_free(s, dated);
        task_free(s, idle);
        task_expire(s, 0, 200);
        CHECK_EQ(pick1(0, &ev), 0);
        CHECK_EQ(tasksched_tasks(s), 0);
        CHECK_EQ(task_next(s, 0, 200), -1);
        teardown();
    }
}

static void a_task_freed_in_its_run_lives_until_it_is_done(void)
{
    for (uint64_t mask = 1; mask <= 3; mask += 2) {
        task_ev ev;

        setup(2);
        task *t = task_new(s, mask, 1, 0);
        task_wakeup(s, t, TASK_WOKEN_OTHER);
        CHECK_EQ(pick1(0, &ev), 1);
        task_queue_at(s, t, 100);
        task_free(s, t);
        task_wakeup(s, t, TASK_WOKEN_OTHER);
        CHECK_EQ(t->cookie, 1);
        CHECK_EQ(tasksched_tasks(s), 1);
        task_done(s, t);
        CHECK_EQ(tasksched_tasks(s), 0);
        CHECK_EQ(task_expire(s, 0, 200), 0);
        CHECK_EQ(pick1(0, &ev), 0);
        teardown();
    }
}

static void free_from_aside(void *arg, int index)
{
    schedule_from_aside(arg, index);
    wake_from_aside(arg, index);
    task_free(s, arg);
}

static void others_free_a_bound_task(void)
{
    setup(2);
    task_expire(s, 0, 100);
    task *idle = task_new(s, 1, 1, 0), *running = task_new(s, 1, 2, 0), *left = task_new(s, 1, 3, 0);
    task_ev ev;
    aside(free_from_aside, idle);
    task_expire(s, 0, 101);
    CHECK_EQ(pick1(0, &ev), 0);
    task_wakeup(s, running, TASK_WOKEN_OTHER);
    CHECK_EQ(pick1(0, &ev), 2);
    aside(free_from_aside, running);
    task_done(s, running);
    CHECK_EQ(tasksched_tasks(s), 1);
    aside(free_from_aside, left); /* goes with the scheduler */
    teardown();
}

/* --- the hammer -------------------------------------------------------------------------------------------------- */

#define HAMMERS 4
#define TASKS 12
#define BLOWS 40000

typedef struct anvil {
    task *t;
    uint64_t asked, seen; /* atomic: a number that grows with each blow; the last one that a run has seen */
    int inside;           /* atomic: threads that run it now */
    uint64_t runs;        /* plain: a task runs on one thread at a time */
    uint64_t mask;
} anvil;

static anvil anvils[TASKS];
static int hammering;

static void run_some(int tid, uint32_t now)
{
    task_ev ev[8];
    int n;

    task_expire(s, tid, now);
    n = task_pick(s, tid, ev, 8);
    for (int i = 0; i < n; i++) {
        anvil *a = &anvils[ev[i].cookie];

        if (__atomic_add_fetch(&a->inside, 1, __ATOMIC_SEQ_CST) != 1)
            CHECK(!"a task runs on two threads");
        if (!(a->mask >> tid & 1) || !ev[i].state)
            CHECK(!"a task runs where it may not, or for no reason");
        a->runs++;
        at_store(&a->seen, at_load(&a->asked));
        __atomic_sub_fetch(&a->inside, 1, __ATOMIC_SEQ_CST);
        task_done(s, ev[i].t);
    }
}

static int all_seen(void)
{
    for (int i = 0; i < TASKS; i++)
        if (at_load(&anvils[i].seen) != at_load(&anvils[i].asked))
            return 0;
    return 1;
}

static void hammer(void *arg, int tid)
{
    unsigned seed = (unsigned)tid * 7919u + 13;
    uint32_t now = 1;

    (void)arg;
    for (int i = 0; i < BLOWS; i++, now++) {
        seed = seed * 1103515245u + 12345u;
        anvil *a = &anvils[(seed >> 16) % TASKS];

        at_add(&a->asked, 1);
        if (seed >> 28 & 1)
            task_wakeup(s, a->t, TASK_WOKEN_MSG);
        else
            task_schedule(s, a->t, now + (seed >> 29));
        if (i % 3 == 0)
            run_some(tid, now);
    }
    at_sub(&hammering, 1);
    for (; at_load(&hammering) || !all_seen(); now++) {
        run_some(tid, now);
        sched_yield();
    }
}

static void no_wakeup_is_lost_and_no_task_runs_twice_at_once(void)
{
    uint64_t runs = 0, calls = 0;

    setup(HAMMERS);
    hammering = HAMMERS;
    memset(anvils, 0, sizeof(anvils));
    for (int i = 0; i < TASKS; i++) {
        anvils[i].mask = i % 3 == 0 ? 15 : i % 3 == 1 ? 1ull << i % HAMMERS : 3ull << i % 3;
        anvils[i].t = task_new(s, anvils[i].mask, (uint64_t)i, i * 100 - 500);
    }
    check_threads(HAMMERS, hammer, NULL);
    for (int i = 0; i < TASKS; i++) {
        runs += anvils[i].runs;
        calls += anvils[i].t->calls;
        CHECK_EQ(anvils[i].seen, anvils[i].asked);
        task_free(s, anvils[i].t);
    }
    CHECK_EQ(runs, calls);
    CHECK(runs > 1000);
    teardown();
}

/* Each task goes round: its run wakes the next. The number of runs is known exactly. Threads sleep when told so. */
#define ROUNDS 30000

static int rounds_left;
static struct bed {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    int woken;
} beds[HAMMERS];

static void ring(void *ctx, int tid)
{
    (void)ctx;
    pthread_mutex_lock(&beds[tid].lock);
    beds[tid].woken = 1;
    pthread_cond_signal(&beds[tid].cond);
    pthread_mutex_unlock(&beds[tid].lock);
}

static void sleep_until_rung(int tid)
{
    pthread_mutex_lock(&beds[tid].lock);
    while (!beds[tid].woken)
        pthread_cond_wait(&beds[tid].cond, &beds[tid].lock);
    beds[tid].woken = 0;
    pthread_mutex_unlock(&beds[tid].lock);
}

static void run_one_round(const task_ev *ev)
{
    int left = at_sub(&rounds_left, 1);

    anvils[ev->cookie].runs++;
    if (left > 0)
        task_wakeup(s, anvils[(ev->cookie + 1) % TASKS].t, TASK_WOKEN_MSG);
    if (left == 0)
        for (int i = 0; i < HAMMERS; i++)
            ring(NULL, i);
}

static void go_round(void *arg, int tid)
{
    (void)arg;
    while (at_load(&rounds_left) > 0) {
        task_ev ev[2];
        int n = task_pick(s, tid, ev, 2);

        for (int i = 0; i < n; i++) {
            run_one_round(&ev[i]);
            task_done(s, ev[i].t);
        }
        if (!n && at_load(&rounds_left) > 0 && task_next(s, tid, 1) < 0)
            sleep_until_rung(tid);
    }
}

/* The sum of runs must be exact, and no thread may sleep through a wakeup: then nothing would move any more. */
static void a_chain_of_tasks_never_breaks(void)
{
    uint64_t runs = 0;

    memset(anvils, 0, sizeof(anvils));
    REQUIRE((s = tasksched_new(HAMMERS, locks, ring, NULL)) != NULL);
    rounds_left = ROUNDS;
    for (int i = 0; i < HAMMERS; i++) {
        pthread_mutex_init(&beds[i].lock, NULL);
        pthread_cond_init(&beds[i].cond, NULL);
        beds[i].woken = 0;
    }
    for (int i = 0; i < TASKS; i++)
        anvils[i].t = task_new(s, i % 2 ? 0 : 1ull << i / 2 % HAMMERS, (uint64_t)i, 0);
    task_wakeup(s, anvils[0].t, TASK_WOKEN_INIT);
    check_threads(HAMMERS, go_round, NULL);
    for (int i = 0; i < TASKS; i++) {
        runs += anvils[i].runs;
        CHECK_EQ(anvils[i].runs, ROUNDS / TASKS);
        task_free(s, anvils[i].t);
    }
    CHECK_EQ(runs, ROUNDS);
    teardown();
}

/* Tasks are born, and freed while they are queued, dated or running: those of cookie 1 by their maker at once, the
 * others by whoever runs them for the second time. */
static void live_and_die(void *arg, int tid)
{
    task_ev ev[4];

    (void)arg;
    for (uint32_t now = 1; now <= 5000; now++) {
        task *t = task_new(s, now % 3 ? 0 : 1ull << now % HAMMERS, now % 2, 0);

        task_wakeup(s, t, TASK_WOKEN_INIT);
        if (now % 2)
            task_free(s, t);
        task_expire(s, tid, now);
        int n = task_pick(s, tid, ev, 4);
        for (int i = 0; i < n; i++) {
            if (!ev[i].cookie && (ev[i].state & TASK_WOKEN_TIMER))
                task_free(s, ev[i].t);
            task_schedule(s, ev[i].t, now + 3);
            task_done(s, ev[i].t);
        }
    }
}

static void many_tasks_leave_no_memory_behind(void)
{
    setup(HAMMERS);
    check_threads(HAMMERS, live_and_die, NULL);
    for (uint32_t now = 5001; tasksched_tasks(s) && now < 30000; now++) {
        for (int tid = 0; tid < HAMMERS; tid++) {
            task_ev ev;

            task_expire(s, tid, now);
            while (task_pick(s, tid, &ev, 1)) {
                task_free(s, ev.t);
                task_done(s, ev.t);
            }
        }
    }
    CHECK_EQ(tasksched_tasks(s), 0);
    teardown();
}

static void refuses_a_bad_number_of_threads(void)
{
    CHECK(!tasksched_new(0, NULL, NULL, NULL));
    CHECK(!tasksched_new(TASK_MAXTHREADS + 1, NULL, NULL, NULL));
    REQUIRE((s = tasksched_new(TASK_MAXTHREADS, NULL, NULL, NULL)) != NULL);
    task *t = task_new(s, 0, 1, 5000);
    CHECK_EQ(t->nice, TASK_NICE_MAX);
    CHECK_EQ(t->mask, ~0ull);
    task_wakeup(s, t, TASK_WOKEN_OTHER);
    CHECK_EQ(run_all(63), 1);
    task_free(s, t);
    teardown();
    tasksched_free(NULL);
}

int main(void)
{
    char text[128];

    REQUIRE((locks = lockset_new(0)) != NULL);
    lockset_enable(locks, LOCK_F_ORDER);
    RUN(a_woken_task_is_picked_once_with_its_reasons);
    RUN(a_wakeup_during_its_run_makes_it_run_again);
    RUN(tasks_of_one_nice_run_in_the_order_of_their_wakeups);
    RUN(less_nice_tasks_overtake);
    RUN(a_nice_task_runs_in_the_end);
    RUN(the_run_queue_sorts_any_order);
    RUN(a_task_runs_only_on_threads_of_its_mask);
    RUN(own_and_shared_tasks_take_turns);
    RUN(a_date_wakes_its_task);
    RUN(task_schedule_keeps_the_sooner_date_and_task_queue_at_the_last);
    RUN(others_wake_a_bound_task_through_the_inbox);
    RUN(others_set_the_date_of_a_bound_task);
    RUN(a_shared_task_wakes_one_sleeper_that_may_run_it);
    RUN(a_stranger_that_sets_the_soonest_date_wakes_a_sleeper);
    RUN(a_freed_task_is_not_picked_any_more);
    RUN(a_task_freed_in_its_run_lives_until_it_is_done);
    RUN(others_free_a_bound_task);
    RUN(no_wakeup_is_lost_and_no_task_runs_twice_at_once);
    RUN(a_chain_of_tasks_never_breaks);
    RUN(many_tasks_leave_no_memory_behind);
    RUN(refuses_a_bad_number_of_threads);
    if (!CHECK(!lockset_violations(locks)) && lockset_violation(locks, text, sizeof(text)))
        printf("%s\n", text);
    lockset_free(locks);
    return check_done();
}
