/* The long ways of the locks: waiting, and telling the lock set. What the kernel is asked for is futex(2). */
#include "lock.h"
#include <limits.h>
#include <sched.h>
#ifdef __linux__
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif
#if defined(__x86_64__) || defined(__i386__)
#define cpu_relax() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define cpu_relax() __asm__ __volatile__("isb" ::: "memory")
#else
#define cpu_relax() __asm__ __volatile__("" ::: "memory")
#endif

enum {
    /* Rounds of waiting awake. A pause costs 10 to 140 cycles: together one to three microseconds, about what falling
     * asleep and being woken costs. */
    SPIN_ROUNDS = 60,
};

/* --- sleeping ---------------------------------------------------------------------------------------------------- */

#ifdef __linux__
/* Sleeps while *<word> is <seen>, or less: the caller looks again in any case. */
static void sleep_on(uint32_t *word, uint32_t seen)
{
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
}

static void wake_on(uint32_t *word, int n)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, n, NULL, NULL, 0);
}
#else
/* Without futexes a sleeper just lets others run and looks again. */
static void sleep_on(uint32_t *word, uint32_t seen)
{
    if (at_load(word) == seen)
        sched_yield();
}

static void wake_on(uint32_t *word, int n)
{
    (void)word;
    (void)n;
}
#endif

/* --- spinlock ---------------------------------------------------------------------------------------------------- */

void spin_init(spinlock *l, lockset *set, int label)
{
    *l = (spinlock){.label = lockset_valid(set, label), .set = set};
}

/* Whether the lock was seen free and taken while awake. */
static int spin_awake(spinlock *l)
{
    for (int i = 0; i < SPIN_ROUNDS; i++) {
        if (at_peek(&l->v) == 0 && spin_take(l))
            return 1;
        cpu_relax();
    }
    return 0;
}

/* Who has slept takes the lock as 2: it cannot know whether others still sleep, and one wake too many is harmless. */
void spin_lock_wait(spinlock *l)
{
    if (spin_awake(l))
        return;
    while (__atomic_exchange_n(&l->v, 2, __ATOMIC_ACQUIRE) != 0)
        sleep_on(&l->v, 2);
}

void spin_wake(spinlock *l)
{
    wake_on(&l->v, 1);
}

void spin_lock_watched(spinlock *l)
{
    uint64_t start = 0;

    lockset_wanted(l->set, l->label);
    if (!spin_take(l)) {
        start = mono_ns();
        spin_lock_wait(l);
    }
    lockset_taken(l->set, l, l->label, 0, start ? mono_ns() - start + 1 : 0);
}

int spin_trylock_watched(spinlock *l)
{
    if (!spin_take(l))
        return 0;
    lockset_taken(l->set, l, l->label, 0, 0);
    return 1;
}

void spin_unlock_watched(spinlock *l)
{
    lockset_released(l);
    spin_release(l);
}

/* --- rwlock ------------------------------------------------------------------------------------------------------ */

/* How nobody is forgotten. Who falls asleep reads its futex word first and then adds itself to the sleepers in <v>,
 * by a compare-and-swap that fails if <v> changed, that is only while somebody is inside or waits. So the release that
 * lets it in comes later in the order of <v>, sees the sleeper, and changes the futex word before it wakes: the
 * sleeper's FUTEX_WAIT either finds the word changed or is woken. Sleepers take themselves off the count. */

void rw_init(rwlock *l, lockset *set, int label)
{
    *l = (rwlock){.label = lockset_valid(set, label), .set = set};
}

static int rw_rd_awake(rwlock *l)
{
    for (int i = 0; i < SPIN_ROUNDS; i++) {
        if (rw_take_rd(l))
            return 1;
        cpu_relax();
    }
    return 0;
}

/* Sleeps once, if a writer is inside or waits. */
static void rw_rd_sleep(rwlock *l)
{
    uint32_t seq = at_load(&l->rseq);
    uint64_t v = at_load(&l->v);

    if (!(v & (RW_WRITER | RW_WAITINGS)) || !at_cas(&l->v, &v, v + RW_RSLEEP))
        return;
    sleep_on(&l->rseq, seq);
    at_sub(&l->v, RW_RSLEEP);
}

void rw_rdlock_wait(rwlock *l)
{
    while (!rw_rd_awake(l))
        rw_rd_sleep(l);
}

/* One attempt of a writer that is counted as waiting: it enters and is counted no longer, in one step. */
static int rw_take_waited(rwlock *l)
{
    uint64_t v = at_peek(&l->v);

    while (!(v & (RW_WRITER | RW_READERS)))
        if (__atomic_compare_exchange_n(&l->v, &v, (v - RW_WAITING) | RW_WRITER, 1, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            return 1;
    return 0;
}

static int rw_wr_awake(rwlock *l)
{
    for (int i = 0; i < SPIN_ROUNDS; i++) {
        if (rw_take_waited(l))
            return 1;
        cpu_relax();
    }
    return 0;
}

/* Sleeps once, if anybody is inside. */
static void rw_wr_sleep(rwlock *l)
{
    uint32_t seq = at_load(&l->wseq);
    uint64_t v = at_load(&l->v);

    if (!(v & (RW_WRITER | RW_READERS)) || !at_cas(&l->v, &v, v + RW_WSLEEP))
        return;
    sleep_on(&l->wseq, seq);
    at_sub(&l->v, RW_WSLEEP);
}

void rw_wrlock_wait(rwlock *l)
{
    at_add(&l->v, RW_WAITING);
    while (!rw_wr_awake(l))
        rw_wr_sleep(l);
}

void rw_wake_writer(rwlock *l)
{
    at_add(&l->wseq, 1);
    wake_on(&l->wseq, 1);
}

void rw_wake_readers(rwlock *l)
{
    at_add(&l->rseq, 1);
    wake_on(&l->rseq, INT_MAX);
}

void rw_rdlock_watched(rwlock *l)
{
    uint64_t start = 0;

    lockset_wanted(l->set, l->label);
    if (!rw_take_rd(l)) {
        start = mono_ns();
        rw_rdlock_wait(l);
    }
    lockset_taken(l->set, l, l->label, 1, start ? mono_ns() - start + 1 : 0);
}

int rw_tryrdlock_watched(rwlock *l)
{
    if (!rw_take_rd(l))
        return 0;
    lockset_taken(l->set, l, l->label, 1, 0);
    return 1;
}

void rw_rdunlock_watched(rwlock *l)
{
    lockset_released(l);
    rw_release_rd(l);
}

void rw_wrlock_watched(rwlock *l)
{
    uint64_t start = 0;

    lockset_wanted(l->set, l->label);
    if (!rw_take_wr(l)) {
        start = mono_ns();
        rw_wrlock_wait(l);
    }
    lockset_taken(l->set, l, l->label, 0, start ? mono_ns() - start + 1 : 0);
}

int rw_trywrlock_watched(rwlock *l)
{
    if (!rw_take_wr(l))
        return 0;
    lockset_taken(l->set, l, l->label, 0, 0);
    return 1;
}

void rw_wrunlock_watched(rwlock *l)
{
    lockset_released(l);
    rw_release_wr(l);
}

/* --- for Python -------------------------------------------------------------------------------------------------- */

spinlock *spin_new(lockset *set, int label)
{
    spinlock *l = (spinlock *)malloc(sizeof(*l));

    if (l)
        spin_init(l, set, label);
    return l;
}

void spin_del(spinlock *l)
{
    free(l);
}

rwlock *rw_new(lockset *set, int label)
{
    rwlock *l = (rwlock *)malloc(sizeof(*l));

    if (l)
        rw_init(l, set, label);
    return l;
}

void rw_del(rwlock *l)
{
    free(l);
}

void spin_lock_py(spinlock *l)
{
    spin_lock(l);
}

int spin_trylock_py(spinlock *l)
{
    return spin_trylock(l);
}

void spin_unlock_py(spinlock *l)
{
    spin_unlock(l);
}

void rw_rdlock_py(rwlock *l)
{
    rw_rdlock(l);
}

int rw_tryrdlock_py(rwlock *l)
{
    return rw_tryrdlock(l);
}

void rw_rdunlock_py(rwlock *l)
{
    rw_rdunlock(l);
}

void rw_wrlock_py(rwlock *l)
{
    rw_wrlock(l);
}

int rw_trywrlock_py(rwlock *l)
{
    return rw_trywrlock(l);
}

void rw_wrunlock_py(rwlock *l)
{
    rw_wrunlock(l);
}
