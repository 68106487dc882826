/* sources: lockset lock */
#include "check.h"
#include "lock.h"
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

enum { THREADS = 4, ROUNDS = 20000, INNER = LBL_FD, OUTER = LBL_PROXY };

static void sizes_are_those_of_the_header(void)
{
    CHECK_EQ(sizeof(spinlock), 16);
    CHECK_EQ(sizeof(rwlock), 32);
}

/* --- spinlock ---------------------------------------------------------------------------------------------------- */

static void a_try_takes_a_free_spinlock_only(void)
{
    spinlock l;

    spin_init(&l, NULL, 0);
    CHECK(spin_trylock(&l));
    CHECK(!spin_trylock(&l));
    spin_unlock(&l);
    CHECK(spin_trylock(&l));
    spin_unlock(&l);
    CHECK_EQ(l.v, 0);
}

struct spin_case {
    spinlock lock;
    long total;
};

static void add_under_spinlock(void *arg, int index)
{
    struct spin_case *c = arg;

    for (int i = 0; i < ROUNDS; i++) {
        if ((i + index) % 3 || !spin_trylock(&c->lock))
            spin_lock(&c->lock);
        c->total++;
        spin_unlock(&c->lock);
    }
}

static void a_spinlock_loses_no_addition(void)
{
    lockset *sets[] = {NULL, lockset_new(0)};

    lockset_enable(sets[1], LOCK_F_FIGURES | LOCK_F_ORDER);
    for (int i = 0; i < 2; i++) {
        struct spin_case c = {.total = 0};

        spin_init(&c.lock, sets[i], LBL_FD);
        check_threads(THREADS, add_under_spinlock, &c);
        CHECK_EQ(c.total, THREADS * ROUNDS);
        CHECK_EQ(c.lock.v, 0);
    }
    lockset_free(sets[1]);
}

static void lock_once(void *arg, int index)
{
    struct spin_case *c = arg;

    if (index == 0) { /* stands for who took the lock before the threads began; leaves once the other one sleeps */
        while (at_load(&c->lock.v) != 2)
            sched_yield();
        c->total = 1;
        spin_unlock(&c->lock);
        return;
    }
    spin_lock(&c->lock);
    CHECK_EQ(c->total, 1);
    spin_unlock(&c->lock);
}

static void a_sleeper_at_a_spinlock_is_woken(void)
{
    struct spin_case c = {.total = 0};

    spin_init(&c.lock, NULL, 0);
    for (int i = 0; i < 50; i++) {
        c.total = 0;
        spin_lock(&c.lock);
        check_threads(2, lock_once, &c);
    }
    CHECK_EQ(c.lock.v, 0);
}

/* --- rwlock ------------------------------------------------------------------------------------------------------ */

struct rw_case {
    rwlock lock;
    long a, b;
    int inside, stop;
};

static void readers_share_and_writers_do_not(void)
{
    rwlock l;

    rw_init(&l, NULL, 0);
    CHECK(rw_tryrdlock(&l));
    CHECK(rw_tryrdlock(&l));
    CHECK(!rw_trywrlock(&l));
    rw_rdunlock(&l);
    CHECK(!rw_trywrlock(&l));
    rw_rdunlock(&l);
    CHECK(rw_trywrlock(&l));
    CHECK(!rw_trywrlock(&l));
    CHECK(!rw_tryrdlock(&l));
    rw_wrunlock(&l);
    CHECK_EQ(l.v, 0);
}

static void read_and_write(void *arg, int index)
{
    struct rw_case *c = arg;

    for (int i = 0; i < ROUNDS; i++) {
        if ((i + index) % 4) {
            rw_rdlock(&c->lock);
            if (c->a != c->b)
                CHECK(!"a reader saw half of a change");
            rw_rdunlock(&c->lock);
        } else {
            rw_wrlock(&c->lock);
            c->a++;
            c->b++;
            rw_wrunlock(&c->lock);
        }
    }
}

static void readers_see_whole_changes_and_none_is_lost(void)
{
    lockset *sets[] = {NULL, lockset_new(0)};

    lockset_enable(sets[1], LOCK_F_FIGURES | LOCK_F_ORDER);
    for (int i = 0; i < 2; i++) {
        struct rw_case c = {.a = 0};

        rw_init(&c.lock, sets[i], LBL_PROXY);
        check_threads(THREADS, read_and_write, &c);
        CHECK_EQ(c.a, THREADS * ROUNDS / 4);
        CHECK_EQ(c.a, c.b);
        CHECK_EQ(c.lock.v, 0);
    }
    lockset_free(sets[1]);
}

/* Thread 0 reads until a writer sleeps, and shows that nobody enters before it. */
static void enter_behind_a_writer(void *arg, int index)
{
    struct rw_case *c = arg;

    if (index == 0) {
        while (!(at_load(&c->lock.v) & RW_WSLEEPS))
            sched_yield();
        CHECK(!rw_tryrdlock(&c->lock));
        at_store(&c->stop, 1);
        while (!(at_load(&c->lock.v) & RW_RSLEEPS))
            sched_yield();
        CHECK_EQ(c->a, 0);
        rw_rdunlock(&c->lock);
    } else if (index == 1) {
        rw_wrlock(&c->lock);
        c->a = 1;
        rw_wrunlock(&c->lock);
    } else {
        while (!at_load(&c->stop))
            sched_yield();
        rw_rdlock(&c->lock);
        CHECK_EQ(c->a, 1);
        rw_rdunlock(&c->lock);
    }
}

static void a_waiting_writer_goes_before_later_readers(void)
{
    for (int i = 0; i < 20; i++) {
        struct rw_case c = {.a = 0};

        rw_init(&c.lock, NULL, 0);
        rw_rdlock(&c.lock);
        check_threads(4, enter_behind_a_writer, &c);
        CHECK_EQ(c.lock.v, 0);
    }
}

/* Readers keep the lock busy without a gap until the writer has been in. */
static void read_until_written(void *arg, int index)
{
    struct rw_case *c = arg;

    if (index == 0) {
        while (!at_load(&c->inside))
            sched_yield();
        rw_wrlock(&c->lock);
        at_store(&c->stop, 1);
        rw_wrunlock(&c->lock);
        return;
    }
    while (!at_load(&c->stop)) {
        rw_rdlock(&c->lock);
        at_store(&c->inside, 1);
        sched_yield();
        rw_rdunlock(&c->lock);
    }
}

static void a_stream_of_readers_does_not_starve_a_writer(void)
{
    struct rw_case c = {.a = 0};

    rw_init(&c.lock, NULL, 0);
    check_threads(THREADS, read_until_written, &c);
    CHECK(c.stop);
}

static void wait_for_a_writer(void *arg, int index)
{
    struct rw_case *c = arg;
    uint64_t asleep = RW_WSLEEP + 2 * RW_RSLEEP;

    if (index == 0) {
        while ((at_load(&c->lock.v) & (RW_WSLEEPS | RW_RSLEEPS)) != asleep)
            sched_yield();
        c->a++;
        rw_wrunlock(&c->lock);
    } else if (index == 1) {
        rw_wrlock(&c->lock);
        c->a++;
        rw_wrunlock(&c->lock);
    } else {
        rw_rdlock(&c->lock);
        CHECK_EQ(c->a, 2);
        rw_rdunlock(&c->lock);
    }
}

static void a_writer_that_leaves_wakes_the_next_and_it_the_readers(void)
{
    for (int i = 0; i < 20; i++) {
        struct rw_case c = {.a = 0};

        rw_init(&c.lock, NULL, 0);
        rw_wrlock(&c.lock);
        check_threads(4, wait_for_a_writer, &c);
        CHECK_EQ(c.lock.v, 0);
    }
}

/* --- sets: names, figures ---------------------------------------------------------------------------------------- */

static void a_set_refuses_labels_that_it_has_not(void)
{
    lockset *set = lockset_new(3);
    lock_figures f;

    CHECK(!lockset_new(-1));
    CHECK(!lockset_new(LOCKSET_MAX + 1));
    CHECK_EQ(lockset_count(set), 3);
    CHECK_EQ(lockset_name(set, 2, "a name that is far too long to be kept"), 0);
    CHECK_EQ(strlen(lockset_label(set, 2)), 23);
    CHECK_EQ(lockset_name(set, 3, "x"), -EINVAL);
    CHECK_EQ(lockset_nestable(set, -1), -EINVAL);
    CHECK_EQ(lockset_read(set, 3, &f), -EINVAL);
    CHECK(!lockset_label(set, 3));
    lockset_free(set);
}

static void the_standard_set_names_every_label(void)
{
    lockset *set = lockset_new(0);

    CHECK_EQ(lockset_count(set), LBL_COUNT);
    for (int i = 1; i < LBL_COUNT; i++)
        CHECK(lockset_label(set, i)[0]);
    lockset_free(set);
}

static void figures_count_each_kind_apart(void)
{
    lockset *set = lockset_new(0);
    lock_figures f;
    spinlock s;
    rwlock rw;

    spin_init(&s, set, LBL_FD);
    rw_init(&rw, set, LBL_PROXY);
    spin_lock(&s);
    spin_unlock(&s); /* not counted: nothing is enabled */
    CHECK_EQ(lockset_enable(set, LOCK_F_FIGURES), 0);
    for (int i = 0; i < 3; i++) {
        spin_lock(&s);
        CHECK(!spin_trylock(&s));
        spin_unlock(&s);
        rw_rdlock(&rw);
        CHECK(rw_tryrdlock(&rw));
        rw_rdunlock(&rw);
        rw_rdunlock(&rw);
        CHECK(rw_trywrlock(&rw));
        rw_wrunlock(&rw);
        rw_wrlock(&rw);
        rw_wrunlock(&rw);
    }
    CHECK_EQ(lockset_enable(set, 0), LOCK_F_FIGURES);
    REQUIRE(lockset_read(set, LBL_FD, &f) == 0);
    CHECK_EQ(f.writes, 3);
    CHECK_EQ(f.reads, 0);
    CHECK_EQ(f.waits, 0);
    REQUIRE(lockset_read(set, LBL_PROXY, &f) == 0);
    CHECK_EQ(f.writes, 6);
    CHECK_EQ(f.reads, 6);
    CHECK_EQ(f.wait_ns, 0);
    lockset_free(set);
}

static void a_wait_is_counted_and_timed(void)
{
    lockset *set = lockset_new(0);
    struct spin_case c = {.total = 0};
    lock_figures f;

    lockset_enable(set, LOCK_F_FIGURES);
    spin_init(&c.lock, set, LBL_FD);
    for (int i = 0; i < 3; i++) {
        spin_lock(&c.lock);
        check_threads(2, lock_once, &c);
    }
    REQUIRE(lockset_read(set, LBL_FD, &f) == 0);
    CHECK_EQ(f.writes, 6);
    CHECK_EQ(f.waits, 3);
    CHECK(f.longest_ns > 0);
    CHECK(f.wait_ns >= f.longest_ns + 2);
    lockset_free(set);
}

/* --- order ------------------------------------------------------------------------------------------------------- */

struct order_case {
    lockset *set;
    spinlock inner, outer, queue[2];
};

static void order_begin(struct order_case *c, int flags)
{
    c->set = lockset_new(0);
    lockset_enable(c->set, flags);
    spin_init(&c->inner, c->set, INNER);
    spin_init(&c->outer, c->set, OUTER);
    spin_init(&c->queue[0], c->set, LBL_QUEUE);
    spin_init(&c->queue[1], c->set, LBL_QUEUE);
}

static void the_right_order_is_no_violation(void)
{
    struct order_case c;
    char text[80];

    order_begin(&c, LOCK_F_ORDER);
    spin_lock(&c.outer);
    spin_lock(&c.inner);
    CHECK_EQ(lock_held(), 2);
    spin_unlock(&c.outer); /* released in any order */
    CHECK_EQ(lock_held(), 1);
    spin_unlock(&c.inner);
    CHECK_EQ(lock_held(), 0);
    CHECK_EQ(lockset_violations(c.set), 0);
    CHECK_EQ(lockset_violation(c.set, text, sizeof(text)), 0);
    CHECK_EQ(text[0], 0);
    lockset_free(c.set);
}

static void a_wrong_order_is_told_with_its_first_pair(void)
{
    struct order_case c;
    char text[80], cut[8];
    rwlock same;

    order_begin(&c, LOCK_F_ORDER);
    rw_init(&same, c.set, INNER);
    spin_lock(&c.inner);
    spin_lock(&c.outer);
    spin_unlock(&c.outer);
    rw_rdlock(&same); /* an equal label is as wrong as a lower one */
    rw_rdunlock(&same);
    rw_wrlock(&same);
    rw_wrunlock(&same);
    spin_unlock(&c.inner);
    CHECK_EQ(lockset_violations(c.set), 3);
    CHECK(lockset_violation(c.set, text, sizeof(text)) > 0);
    CHECK(!strcmp(text, "proxy (3) wanted while fd (22) is held"));
    CHECK_EQ(lockset_violation(c.set, cut, sizeof(cut)), 7);
    CHECK(!strcmp(cut, "proxy ("));
    lockset_free(c.set);
}

static void a_nestable_label_may_be_held_twice(void)
{
    struct order_case c;

    order_begin(&c, LOCK_F_ORDER);
    spin_lock(&c.queue[0]);
    spin_lock(&c.queue[1]);
    CHECK_EQ(lockset_violations(c.set), 0);
    spin_lock(&c.outer);
    CHECK_EQ(lockset_violations(c.set), 1);
    spin_unlock(&c.outer);
    spin_unlock(&c.queue[1]);
    spin_unlock(&c.queue[0]);
    lockset_free(c.set);
}

static void a_try_is_free_of_the_order_but_counts_as_held(void)
{
    struct order_case c;

    order_begin(&c, LOCK_F_ORDER);
    spin_lock(&c.queue[0]);
    CHECK(spin_trylock(&c.outer));
    CHECK_EQ(lockset_violations(c.set), 0);
    spin_unlock(&c.queue[0]);
    spin_lock(&c.inner);
    CHECK_EQ(lockset_violations(c.set), 0);
    spin_unlock(&c.inner);
    CHECK(!spin_trylock(&c.outer));
    CHECK_EQ(lock_held(), 1);
    spin_unlock(&c.outer);
    lockset_free(c.set);
}

static void two_sets_have_nothing_to_do_with_each_other(void)
{
    struct order_case one, two;

    order_begin(&one, LOCK_F_ORDER);
    order_begin(&two, LOCK_F_ORDER);
    spin_lock(&one.inner);
    spin_lock(&two.outer);
    CHECK_EQ(lockset_violations(one.set) + lockset_violations(two.set), 0);
    spin_unlock(&one.inner);
    spin_unlock(&two.outer);
    lockset_free(one.set);
    lockset_free(two.set);
}

static void switching_the_check_while_locks_are_held_leaves_nothing_behind(void)
{
    struct order_case c;

    order_begin(&c, 0);
    spin_lock(&c.inner);
    lockset_enable(c.set, LOCK_F_ORDER);
    spin_lock(&c.outer); /* the inner one is not known */
    CHECK_EQ(lockset_violations(c.set), 0);
    CHECK_EQ(lock_held(), 1);
    lockset_enable(c.set, 0);
    CHECK_EQ(lockset_flags(c.set), 0);
    spin_unlock(&c.outer);
    spin_unlock(&c.inner);
    CHECK_EQ(lock_held(), 0);
    lockset_free(c.set);
}

static void more_locks_than_the_list_holds_are_left_unchecked(void)
{
    lockset *set = lockset_new(LOCKSET_MAX);
    spinlock l[LOCKSET_MAX];

    lockset_enable(set, LOCK_F_ORDER);
    for (int i = 0; i < LOCKSET_MAX; i++) {
        spin_init(&l[i], set, i);
        spin_lock(&l[i]);
    }
    CHECK_EQ(lock_held(), 32);
    for (int i = 0; i < LOCKSET_MAX; i++)
        spin_unlock(&l[i]);
    CHECK_EQ(lock_held(), 0);
    CHECK_EQ(lockset_violations(set), 0);
    lockset_free(set);
}

static void a_violation_aborts_if_it_was_asked_for(void)
{
    struct order_case c;
    int status = 0;
    pid_t pid;

    order_begin(&c, LOCK_F_ORDER | LOCK_F_ABORT);
    pid = fork();
    if (!pid) {
        signal(SIGABRT, SIG_DFL);
        spin_lock(&c.inner);
        spin_lock(&c.outer);
        _exit(0);
    }
    REQUIRE(pid > 0 && waitpid(pid, &status, 0) == pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    lockset_free(c.set);
}

static void locks_of_the_heap_work_through_real_functions(void)
{
    lockset *set = lockset_new(0);
    spinlock *s = spin_new(set, LBL_FD);
    rwlock *rw = rw_new(set, 1000); /* no such label: the last one stands in */

    REQUIRE(s && rw);
    CHECK_EQ(rw->label, LBL_COUNT - 1);
    spin_lock_py(s);
    CHECK(!spin_trylock_py(s));
    spin_unlock_py(s);
    rw_rdlock_py(rw);
    CHECK(rw_tryrdlock_py(rw));
    rw_rdunlock_py(rw);
    rw_rdunlock_py(rw);
    rw_wrlock_py(rw);
    CHECK(!rw_trywrlock_py(rw));
    rw_wrunlock_py(rw);
    CHECK_EQ(rw->v, 0);
    spin_del(s);
    rw_del(rw);
    lockset_free(set);
}

int main(void)
{
    RUN(sizes_are_those_of_the_header);
    RUN(a_try_takes_a_free_spinlock_only);
    RUN(a_spinlock_loses_no_addition);
    RUN(a_sleeper_at_a_spinlock_is_woken);
    RUN(readers_share_and_writers_do_not);
    RUN(readers_see_whole_changes_and_none_is_lost);
    RUN(a_waiting_writer_goes_before_later_readers);
    RUN(a_stream_of_readers_does_not_starve_a_writer);
    RUN(a_writer_that_leaves_wakes_the_next_and_it_the_readers);
    RUN(a_set_refuses_labels_that_it_has_not);
    RUN(the_standard_set_names_every_label);
    RUN(figures_count_each_kind_apart);
    RUN(a_wait_is_counted_and_timed);
    RUN(the_right_order_is_no_violation);
    RUN(a_wrong_order_is_told_with_its_first_pair);
    RUN(a_nestable_label_may_be_held_twice);
    RUN(a_try_is_free_of_the_order_but_counts_as_held);
    RUN(two_sets_have_nothing_to_do_with_each_other);
    RUN(switching_the_check_while_locks_are_held_leaves_nothing_behind);
    RUN(more_locks_than_the_list_holds_are_left_unchecked);
    RUN(a_violation_aborts_if_it_was_asked_for);
    RUN(locks_of_the_heap_work_through_real_functions);
    return check_done();
}
