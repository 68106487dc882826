/* Lock sets: names, figures, and what each thread holds. */
#include "lockset.h"
#include <stdio.h>

enum {
    NAME_MAX_LEN = 23,
    /* Locks a thread can hold and still be checked. Deeper nesting would be a fault of its own. */
    HELD_MAX = 32,
    /* In lockset.flags: LOCK_F_ORDER was on once. Unlocks must look at the stack from then on, or what was pushed
     * before the check was switched off would stay there for ever. */
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

uint16_t lockset_valid(const lockset *set, int label)
{
    return (uint16_t)(!set || has_label(set, label) ? label : set->nlabels - 1);
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
void lockset_wanted(lockset *set, int label)
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
void lockset_released(const void *lock)
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

/* --- figures ----------------------------------------------------------------------------------------------------- */

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

void lockset_taken(lockset *set, const void *lock, int label, int reading, uint64_t waited)
{
    lock_figures *f = &set->label[label].figures;

    push_held(set, lock, label);
    count_taken(set, f, reading ? &f->reads : &f->writes, waited);
}
