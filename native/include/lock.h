/* Labelled locks: a spinlock that falls asleep and a read-write lock that prefers writers.
 *
 * Both spin for about a microsecond and then sleep in the kernel (futex; sched_yield() where there is none). Neither
 * is recursive, and who takes a lock releases it. An uncontended lock or unlock is one atomic operation and one test;
 * an unlock that wakes nobody does not touch the lock after it was released, so an object may be freed by whoever
 * takes its lock next, as long as no thread is waiting for it. Locks are for the threads of one process: their futexes
 * are private.
 *
 * Every lock has a label, and a lock set that keeps figures and checks the order of nesting for it: see lockset.h. The
 * set may be NULL: neither is kept then.
 */
#pragma once
#ifndef LB_LOCK_H
#define LB_LOCK_H
#include "lockset.h"

/* 0 free, 1 taken, 2 taken and somebody may be asleep. */
typedef struct spinlock {
    uint32_t v;
    uint16_t label;
    uint16_t pad;
    lockset *set;
} spinlock;

/* <v> holds everything that is decided together:
 *
 *     63      62 .. 48          47 .. 32          31 .. 16           15 .. 0
 *   | writer | readers asleep | writers asleep | writers waiting | readers holding |
 *
 * A writer that waits is counted as waiting until it has the lock, awake or asleep; readers stay out meanwhile.
 * So at most 32,767 threads may meet at one lock. <wseq> and <rseq> are the futexes of the sleepers. */
typedef struct rwlock {
    uint64_t v;
    uint32_t wseq;
    uint32_t rseq;
    uint16_t label;
    uint16_t pad[3];
    lockset *set;
} rwlock;

/* <label> must be one of <set>'s, else it is taken for its last one. No resources are held: nothing to undo. */
void spin_init(spinlock *l, lockset *set, int label);
void rw_init(rwlock *l, lockset *set, int label);
/* The same on the heap, for Python. NULL without memory. A lock must be free when it is deleted. */
spinlock *spin_new(lockset *set, int label);
void spin_del(spinlock *l);
rwlock *rw_new(lockset *set, int label);
void rw_del(rwlock *l);

/* The inline functions below as real ones, for those who cannot inline. A try returns 1 if it took the lock, else 0. */
void spin_lock_py(spinlock *l);
int spin_trylock_py(spinlock *l);
void spin_unlock_py(spinlock *l);
void rw_rdlock_py(rwlock *l);
int rw_tryrdlock_py(rwlock *l);
void rw_rdunlock_py(rwlock *l);
void rw_wrlock_py(rwlock *l);
int rw_trywrlock_py(rwlock *l);
void rw_wrunlock_py(rwlock *l);

#ifndef LB_CFFI
#define RW_READER ((uint64_t)1)
#define RW_READERS ((uint64_t)0xffff)
#define RW_WAITING ((uint64_t)1 << 16)
#define RW_WAITINGS ((uint64_t)0xffff << 16)
#define RW_WSLEEP ((uint64_t)1 << 32)
#define RW_WSLEEPS ((uint64_t)0xffff << 32)
#define RW_RSLEEP ((uint64_t)1 << 48)
#define RW_RSLEEPS ((uint64_t)0x7fff << 48)
#define RW_WRITER ((uint64_t)1 << 63)

/* The long ways: watched locks, and locks that were found taken. Not to be called directly. */
void spin_lock_watched(spinlock *l);
void spin_lock_wait(spinlock *l);
int spin_trylock_watched(spinlock *l);
void spin_unlock_watched(spinlock *l);
void spin_wake(spinlock *l);
void rw_rdlock_watched(rwlock *l);
void rw_rdlock_wait(rwlock *l);
int rw_tryrdlock_watched(rwlock *l);
void rw_rdunlock_watched(rwlock *l);
void rw_wrlock_watched(rwlock *l);
void rw_wrlock_wait(rwlock *l);
int rw_trywrlock_watched(rwlock *l);
void rw_wrunlock_watched(rwlock *l);
void rw_wake_writer(rwlock *l);
void rw_wake_readers(rwlock *l);

static inline int spin_take(spinlock *l)
{
    uint32_t free = 0;

    return __atomic_compare_exchange_n(&l->v, &free, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static inline void spin_release(spinlock *l)
{
    if (unlikely(__atomic_exchange_n(&l->v, 0, __ATOMIC_RELEASE) == 2))
        spin_wake(l);
}

/* Takes the lock, waits for it if needed. */
static inline void spin_lock(spinlock *l)
{
    if (unlikely(lockset_watched(l->set)))
        spin_lock_watched(l);
    else if (unlikely(!spin_take(l)))
        spin_lock_wait(l);
}

/* Takes the lock if it is free; returns 1 if so, else 0. */
static inline int spin_trylock(spinlock *l)
{
    if (unlikely(lockset_watched(l->set)))
        return spin_trylock_watched(l);
    return spin_take(l);
}

static inline void spin_unlock(spinlock *l)
{
    if (unlikely(lockset_watched(l->set)))
        spin_unlock_watched(l);
    else
        spin_release(l);
}

/* One attempt to enter as a reader; it repeats only while other readers come and go. */
static inline int rw_take_rd(rwlock *l)
{
    uint64_t v = at_peek(&l->v);

    while (!(v & (RW_WRITER | RW_WAITINGS)))
        if (__atomic_compare_exchange_n(&l->v, &v, v + RW_READER, 1, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            return 1;
    return 0;
}

/* One attempt to enter as a writer, also past writers that wait. */
static inline int rw_take_wr(rwlock *l)
{
    uint64_t v = at_peek(&l->v);

    while (!(v & (RW_WRITER | RW_READERS)))
        if (__atomic_compare_exchange_n(&l->v, &v, v | RW_WRITER, 1, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            return 1;
    return 0;
}

/* The last reader out wakes a writer. It never has to wake readers: those that sleep do so because of a writer,
 * and are woken when the last writer leaves. */
static inline void rw_release_rd(rwlock *l)
{
    uint64_t left = __atomic_sub_fetch(&l->v, RW_READER, __ATOMIC_RELEASE);

    if (unlikely(!(left & RW_READERS) && (left & RW_WSLEEPS)))
        rw_wake_writer(l);
}

static inline void rw_release_wr(rwlock *l)
{
    uint64_t left = __atomic_and_fetch(&l->v, ~RW_WRITER, __ATOMIC_RELEASE);

    if (unlikely(left & RW_WSLEEPS))
        rw_wake_writer(l);
    else if (unlikely(left & RW_RSLEEPS))
        rw_wake_readers(l);
}

/* Enters as a reader, after all writers that wait. */
static inline void rw_rdlock(rwlock *l)
{
    if (unlikely(lockset_watched(l->set)))
        rw_rdlock_watched(l);
    else if (unlikely(!rw_take_rd(l)))
        rw_rdlock_wait(l);
}

/* Enters as a reader if no writer is inside or waits; returns 1 if so, else 0. */
static inline int rw_tryrdlock(rwlock *l)
{
    if (unlikely(lockset_watched(l->set)))
        return rw_tryrdlock_watched(l);
    return rw_take_rd(l);
}

static inline void rw_rdunlock(rwlock *l)
{
    if (unlikely(lockset_watched(l->set)))
        rw_rdunlock_watched(l);
    else
        rw_release_rd(l);
}

/* Enters alone; readers that come later wait behind it. */
static inline void rw_wrlock(rwlock *l)
{
    if (unlikely(lockset_watched(l->set)))
        rw_wrlock_watched(l);
    else if (unlikely(!rw_take_wr(l)))
        rw_wrlock_wait(l);
}

/* Enters alone if nobody is inside; returns 1 if so, else 0. */
static inline int rw_trywrlock(rwlock *l)
{
    if (unlikely(lockset_watched(l->set)))
        return rw_trywrlock_watched(l);
    return rw_take_wr(l);
}

static inline void rw_wrunlock(rwlock *l)
{
    if (unlikely(lockset_watched(l->set)))
        rw_wrunlock_watched(l);
    else
        rw_release_wr(l);
}
#endif
#endif
