/* Lock sets, and the long ways of the locks: waiting, figures, order. What the kernel is asked for is futex(2). */
#include "lock.h"
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <time.h>
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
    NAME_MAX_LEN = 23,
    /* Locks a thread can hold and still be checked. Deeper nesting would be a fault of its own. */
    HELD_MAX = 32,
    /* In lockset.flags: LOCK_F_ORDER was on once. Unlocks must look at the stack from then on, or what was pushed before
     * the check was switched off would stay there for ever. */
    F_STACKED = 0x100,
};

typedef struct label_rec {
    lock_figures figures;
    char name[NAME_MAX_LEN + 1];
} __attribute__((aligned(LB_CACHELINE))) label_rec; /* a line each: one busy label must not slow down the others */

struct lockset {
    struct lockset_head head;
    int nlabels;
    uint64_t nestable;   /* a bit a label; constant once threads run */
    uint64_t violations; /* how many */
    uint32_t first;      /* the first one: 1<<31 | wanted << 8 | held, 0 if none */
    label_rec label[];
};

/* What this thread holds, in the order of taking. Released anywhere, so a list and not quite a stack. */
typedef struct held_lock {
    const void *lock;
    const lockset *set;
    int label;
} held_lock;

static _Thread_local struct {
    int n;
    held_lock at[HELD_MAX];
} held;

/* The labels of this shim; those that a thread may hold twice are in NESTABLE. */
static const char *const NAMES[LBL_COUNT] = {
    [0] = "",
    [LBL_GLOBAL] = "global",
    [LBL_RESOLVERS] = "resolvers",
    [LBL_PROXY] = "proxy",
    [LBL_LBPRM] = "lbprm",
    [LBL_QUEUE] = "queue",
    [LBL_SERVER] = "server",
    [LBL_IDLE] = "idle",
    [LBL_LQUEUE] = "listener queue",
    [LBL_LISTENER] = "listener",
    [LBL_MAILERS] = "mailers",
    [LBL_PEERS] = "peers",
    [LBL_TABLE] = "stick table",
    [LBL_TENTRY] = "table entry",
    [LBL_PATTERNS] = "patterns",
    [LBL_CERTS] = "certificates",
    [LBL_SHCTX] = "shctx",
    [LBL_APPLETS] = "applets",
    [LBL_WQ] = "wait queue",
    [LBL_RQ] = "run queue",
    [LBL_INBOX] = "inbox",
    [LBL_FDTAB] = "fd table",
    [LBL_FD] = "fd",
    [LBL_FDCACHE] = "fd cache",
    [LBL_POLL] = "poll",
    [LBL_BUF] = "buffers",
    [LBL_SLAB] = "slab",
    [LBL_LOGRING] = "log ring",
};
#define NESTABLE ((uint64_t)1 << LBL_QUEUE)

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

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* --- lock sets --------------------------------------------------------------------------------------------------- */

lockset *lockset_new(int nlabels)
{
    int standard = nlabels == 0;
    lockset *set;

    if (nlabels < 0 || nlabels > LOCKSET_MAX)
        return NULL;
    if (standard)
        nlabels = LBL_COUNT;
    if (posix_memalign((void **)&set, LB_CACHELINE, sizeof(*set) + (size_t)nlabels * sizeof(label_rec)))
        return NULL;
    memset(set, 0, sizeof(*set) + (size_t)nlabels * sizeof(label_rec));
    set->nlabels = nlabels;
    for (int i = 0; standard && i < nlabels; i++)
        lockset_name(set, i, NAMES[i]);
    set->nestable = standard ? NESTABLE : 0;
    return set;
}

void lockset_free(lockset *set)
{
    free(set);
}

int lockset_count(const lockset *set)
{
    return set->nlabels;
}

static int has_label(const lockset *set, int label)
{
    return label >= 0 && label < set->nlabels;
}

int lockset_name(lockset *set, int label, const char *name)
{
    if (!has_label(set, label))
        return -EINVAL;
    snprintf(set->label[label].name, sizeof(set->label[label].name), "%s", name);
    return 0;
}

const char *lockset_label(const lockset *set, int label)
{
    return has_label(set, label) ? set->label[label].name : NULL;
}

int lockset_nestable(lockset *set, int label)
{
    if (!has_label(set, label))
        return -EINVAL;
    set->nestable |= (uint64_t)1 << label;
    return 0;
}

int lockset_enable(lockset *set, int flags)
{
    const uint32_t settable = LOCK_F_FIGURES | LOCK_F_ORDER | LOCK_F_ABORT;
    uint32_t old = at_load(&set->head.flags), new;

    do {
        new = ((uint32_t)flags & settable) | (old & F_STACKED);
        if (flags & LOCK_F_ORDER)
            new |= F_STACKED;
    } while (!at_cas(&set->head.flags, &old, new));
    return (int)(old & settable);
}

int lockset_flags(const lockset *set)
{
    return (int)(at_load(&set->head.flags) & ~(uint32_t)F_STACKED);
}

int lockset_read(lockset *set, int label, lock_figures *out)
{
    lock_figures *f;

    if (!has_label(set, label))
        return -EINVAL;
    f = &set->label[label].figures;
    out->writes = at_peek(&f->writes);
    out->reads = at_peek(&f->reads);
    out->waits = at_peek(&f->waits);
    out->wait_ns = at_peek(&f->wait_ns);
    out->longest_ns = at_peek(&f->longest_ns);
    return 0;
}

/* Adds an acquisition to <count>, after <waited> nanoseconds; 0 stands for no wait at all. */
static void count_taken(lockset *set, lock_figures *f, uint64_t *count, uint64_t waited)
{
    uint64_t longest;

    if (!(at_peek(&set->head.flags) & LOCK_F_FIGURES))
        return;
    __atomic_add_fetch(count, 1, __ATOMIC_RELAXED);
    if (!waited)
        return;
    __atomic_add_fetch(&f->waits, 1, __ATOMIC_RELAXED);
    __atomic_add_fetch(&f->wait_ns, waited, __ATOMIC_RELAXED);
    longest = at_peek(&f->longest_ns);
    while (waited > longest && !at_cas(&f->longest_ns, &longest, waited))
        ;
}

/* --- order ------------------------------------------------------------------------------------------------------- */

static void violate(lockset *set, int wanted, int other)
{
    uint32_t none = 0, pair = 1u << 31 | (uint32_t)wanted << 8 | (uint32_t)other;

    at_add(&set->violations, 1);
    at_cas(&set->first, &none, pair);
    if (at_peek(&set->head.flags) & LOCK_F_ABORT)
        abort();
}

/* Before waiting for a lock of <label>: one violation for the highest held label that forbids it. */
static void check_order(lockset *set, int label)
{
    int worst = -1, lowest = label;

    if (!(at_peek(&set->head.flags) & LOCK_F_ORDER))
        return;
    if (set->nestable >> label & 1)
        lowest++;
    for (int i = 0; i < held.n; i++)
        if (held.at[i].set == set && held.at[i].label >= lowest && held.at[i].label > worst)
            worst = held.at[i].label;
    if (worst >= 0)
        violate(set, label, worst);
}

static void push_held(const lockset *set, const void *lock, int label)
{
    if ((at_peek(&set->head.flags) & LOCK_F_ORDER) && held.n < HELD_MAX)
        held.at[held.n++] = (held_lock){lock, set, label};
}

/* Forgets the youngest entry of <lock>; a lock taken before the check was on has none. */
static void pop_held(const void *lock)
{
    int i = held.n;

    while (i > 0 && held.at[i - 1].lock != lock)
        i--;
    if (!i)
        return;
    memmove(&held.at[i - 1], &held.at[i], (size_t)(held.n - i) * sizeof(held.at[0]));
    held.n--;
}

int lock_held(void)
{
    return held.n;
}

uint64_t lockset_violations(lockset *set)
{
    return at_load(&set->violations);
}

int lockset_violation(lockset *set, char *buf, int n)
{
    uint32_t first = at_load(&set->first);
    const char *wanted, *other;

    if (n > 0)
        buf[0] = 0;
    if (!first || n <= 0)
        return 0;
    wanted = set->label[first >> 8 & 0xff].name;
    other = set->label[first & 0xff].name;
    snprintf(buf, (size_t)n, "%s (%u) wanted while %s (%u) is held", wanted, first >> 8 & 0xff, other, first & 0xff);
    return (int)strlen(buf);
}

/* --- spinlock ---------------------------------------------------------------------------------------------------- */

static uint16_t valid_label(const lockset *set, int label)
{
    return (uint16_t)(!set || has_label(set, label) ? label : set->nlabels - 1);
}

void spin_init(spinlock *l, lockset *set, int label)
{
    *l = (spinlock){.label = valid_label(set, label), .set = set};
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

static void spin_taken(spinlock *l, uint64_t waited)
{
    lock_figures *f = &l->set->label[l->label].figures;

    push_held(l->set, l, l->label);
    count_taken(l->set, f, &f->writes, waited);
}

void spin_lock_watched(spinlock *l)
{
    uint64_t start = 0;

    check_order(l->set, l->label);
    if (!spin_take(l)) {
        start = now_ns();
        spin_lock_wait(l);
    }
    spin_taken(l, start ? now_ns() - start + 1 : 0);
}

int spin_trylock_watched(spinlock *l)
{
    if (!spin_take(l))
        return 0;
    spin_taken(l, 0);
    return 1;
}

void spin_unlock_watched(spinlock *l)
{
    pop_held(l);
    spin_release(l);
}

/* --- rwlock ------------------------------------------------------------------------------------------------------ */

/* How nobody is forgotten. Who falls asleep reads its futex word first and then adds itself to the sleepers in <v>,
 * by a compare-and-swap that fails if <v> changed, that is only while somebody is inside or waits. So the release that
 * lets it in comes later in the order of <v>, sees the sleeper, and changes the futex word before it wakes: the
 * sleeper's FUTEX_WAIT either finds the word changed or is woken. Sleepers take themselves off the count. */

void rw_init(rwlock *l, lockset *set, int label)
{
    *l = (rwlock){.label = valid_label(set, label), .set = set};
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

static void rw_taken(rwlock *l, int writer, uint64_t waited)
{
    lock_figures *f = &l->set->label[l->label].figures;

    push_held(l->set, l, l->label);
    count_taken(l->set, f, writer ? &f->writes : &f->reads, waited);
}

void rw_rdlock_watched(rwlock *l)
{
    uint64_t start = 0;

    check_order(l->set, l->label);
    if (!rw_take_rd(l)) {
        start = now_ns();
        rw_rdlock_wait(l);
    }
    rw_taken(l, 0, start ? now_ns() - start + 1 : 0);
}

int rw_tryrdlock_watched(rwlock *l)
{
    if (!rw_take_rd(l))
        return 0;
    rw_taken(l, 0, 0);
    return 1;
}

void rw_rdunlock_watched(rwlock *l)
{
    pop_held(l);
    rw_release_rd(l);
}

void rw_wrlock_watched(rwlock *l)
{
    uint64_t start = 0;

    check_order(l->set, l->label);
    if (!rw_take_wr(l)) {
        start = now_ns();
        rw_wrlock_wait(l);
    }
    rw_taken(l, 1, start ? now_ns() - start + 1 : 0);
}

int rw_trywrlock_watched(rwlock *l)
{
    if (!rw_take_wr(l))
        return 0;
    rw_taken(l, 1, 0);
    return 1;
}

void rw_wrunlock_watched(rwlock *l)
{
    pop_held(l);
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
