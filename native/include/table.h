/* Stick tables: what is remembered of a key, for as long as somebody asks for it.
 *
 * A table has entries of one size: a key and the data types that its configuration stores. One spinlock (LBL_TABLE) covers
 * look-up, insertion, expiry and reference counts; each entry has a rwlock (LBL_TENTRY) that covers its data and nothing
 * else. Whoever looks an entry up holds a reference until it gives it back; an entry that is referenced is neither
 * expired nor purged, so its number stays good.
 *
 *          stk_set()                    stk_touch_*(drop), stk_release()
 *     -----------------> referenced ------------------------------------> idle ---> expired, purged, killed: free
 *      absent: stored        ^                    stk_get(), stk_set()     |
 *                            +---------------------------------------------+
 *
 * Entries are numbered from 1; 0 is none. Their memory is reserved when the table is made; the system gives what is used. Which of them is to go next is told by a heap, ordered by the date at which each entry was queued. Touching an
 * entry only moves its own date: the heap finds out when the entry has come to its top, and moves it then. So a touch costs no
 * more than a look-up, and the order is exact nevertheless: no date lies before the one that the heap knows. An entry that
 * is found at the top while it is referenced leaves the heap, and returns with its last reference.
 *
 * Dates are ticks, milliseconds that wrap; they are compared in 31 bits. A table without expiry keeps the date of the last
 * touch there, and purges by it; in such a table an entry that nobody touched for 24 days may be taken for a new one.
 */
#pragma once
#ifndef LB_CFFI
#include "freq.h"
#include "lock.h"
#include "table_index.h"
#include "task.h"
#endif

/* Data types, numbered as the protocol of peers numbers them. */
#define STK_SERVER_ID 0
#define STK_GPT0 1
#define STK_GPC0 2
#define STK_GPC0_RATE 3
#define STK_CONN_CNT 4
#define STK_CONN_RATE 5
#define STK_CONN_CUR 6
#define STK_SESS_CNT 7
#define STK_SESS_RATE 8
#define STK_HTTP_REQ_CNT 9
#define STK_HTTP_REQ_RATE 10
#define STK_HTTP_ERR_CNT 11
#define STK_HTTP_ERR_RATE 12
#define STK_BYTES_IN_CNT 13
#define STK_BYTES_IN_RATE 14
#define STK_BYTES_OUT_CNT 15
#define STK_BYTES_OUT_RATE 16
#define STK_GPC1 17
#define STK_GPC1_RATE 18
#define STK_SERVER_KEY 19
#define STK_HTTP_FAIL_CNT 20
#define STK_HTTP_FAIL_RATE 21
#define STK_GPT 22      /* array */
#define STK_GPC 23      /* array */
#define STK_GPC_RATE 24 /* array */
#define STK_GLITCH_CNT 25
#define STK_GLITCH_RATE 26
#define STK_TYPES 27
#define STK_ELEMENTS_MAX 100 /* elements of an array */

/* What an element of a type is. */
#define STK_KIND_SINT 0 /* 32 bits, signed; the server's number */
#define STK_KIND_UINT 1 /* 32 bits */
#define STK_KIND_ULL 2  /* 64 bits */
#define STK_KIND_RATE 3 /* a freq_ctr_period */
#define STK_KIND_DICT 4 /* 32 bits: the number of a text that the table's owner keeps */

typedef struct stk_conf {
    uint32_t key_len;           /* bytes of a key, 1 .. 65535; shorter ones are followed by NULs, longer ones are cut */
    uint32_t size;              /* entries at most, 1 .. 2^31-1 */
    uint32_t expire;            /* ms after the last touch, below 2^31; 0: never */
    uint32_t nopurge;           /* 1: when it is full nothing is added; 0: the entry that would expire first goes */
    uint32_t updates;           /* 1: changes are numbered, to be taught to peers */
    uint32_t count[STK_TYPES];  /* elements of each type; 0: it is not stored. More than 1: arrays only */
    uint32_t period[STK_TYPES]; /* rates: ms, at least 1 */
} stk_conf;

/* Figures of a table. A snapshot. */
typedef struct stk_figures {
    uint32_t used; /* entries */
    uint32_t size;
    uint32_t refs;    /* references to all of them */
    uint32_t entry;   /* bytes of an entry */
    uint64_t purged;  /* that had to go because the table was full */
    uint64_t refused; /* that could not be stored */
    uint64_t bytes;   /* of memory for the most entries that there ever were */
} stk_figures;

/* An entry as it is at a moment. */
typedef struct stk_info {
    uint32_t refs;    /* references, without the caller's own */
    uint32_t expires; /* ms until it does; 0: it has, or never will */
    uint32_t update;  /* number of its last change; 0: none */
    uint32_t local;   /* 1: that change was made here */
} stk_info;

typedef struct stk_table stk_table;

/* What elements of <type> are: STK_KIND_*; -EINVAL if there is no such type. */
int stk_kind(int type);
/* A new table, NULL without (address space for) memory or if <conf> is out of its ranges. <seed> should be secret: it decides which keys
 * collide. <set> may be NULL. */
stk_table *stk_new(const stk_conf *conf, lockset *set, uint64_t seed);
/* Frees it with all its entries, referenced or not. Nobody may use it meanwhile. NULL is nothing. */
void stk_free(stk_table *t);
const stk_conf *stk_conf_of(const stk_table *t);

/* --- entries; all take LBL_TABLE. <now> is the tick of the caller's clock. --- */

/* The entry of a key, referenced; 0 if there is none, or if it is due to expire. */
uint32_t stk_get(stk_table *t, const void *key, uint32_t len, uint32_t now);
/* The entry of a key, referenced: looked up, and stored with zero data if it is absent. *<fresh> (may be NULL) says whether it
 * was. The only way to insert. 0: the table is full (of referenced entries, or "nopurge"), or there is no memory. */
uint32_t stk_set(stk_table *t, const void *key, uint32_t len, uint32_t now, int *fresh);
/* As stk_set(), and the life of what was found begins anew, under the same lock: for who will touch it anyway. Its change is
 * not numbered, since there is none yet. */
uint32_t stk_set_anew(stk_table *t, const void *key, uint32_t len, uint32_t now);
/* One more reference to an entry that is referenced. */
void stk_ref(stk_table *t, uint32_t e);
/* Gives a reference back. */
void stk_release(stk_table *t, uint32_t e);
/* Its life begins anew, and the change is numbered as one that was made here (local) or came from a peer (remote, which may
 * bring the time that is left to the entry: <left> ms, 0 for the table's own). <drop>: gives a reference back as well. */
void stk_touch_local(stk_table *t, uint32_t e, uint32_t now, int drop);
void stk_touch_remote(stk_table *t, uint32_t e, uint32_t now, uint32_t left, int drop);
/* Removes an entry unless others hold it. <drop>: the caller holds a reference, which is given back in any case. 1: removed;
 * 0: still there. */
int stk_kill(stk_table *t, uint32_t e, int drop);
/* The same, only if the entry has lived its time. */
void stk_kill_if_expired(stk_table *t, uint32_t e, uint32_t now, int drop);
/* Removes at most <max> entries that have lived their time. Milliseconds until there is more to do, 0: at once; -1: nothing
 * will expire. */
int stk_expire(stk_table *t, uint32_t now, uint32_t max);
/* The used entry with the lowest number above <after>, referenced; 0: there is none. Passes over one that is due to expire.
 * A walk from 0 meets each entry that is there all the while exactly once. */
uint32_t stk_next(stk_table *t, uint32_t after, uint32_t now);
/* The same by number: <e> itself, referenced, if it is in use; else 0. */
uint32_t stk_at(stk_table *t, uint32_t e, uint32_t now);
void stk_look(stk_table *t, uint32_t e, uint32_t now, stk_info *out);
void stk_read_figures(stk_table *t, stk_figures *out);

/* --- the data of an entry that the caller holds a reference to; all take its LBL_TENTRY --- */

/* The <key_len> bytes of its key, which never change. */
const char *stk_key(const stk_table *t, uint32_t e);
/* Element <i> of <type>: its value, of rates the events of the last period. 0 if it is not stored. */
uint64_t stk_read(stk_table *t, uint32_t e, int type, uint32_t i, uint32_t now);
/* Adds to it; rates count <n> events. The value afterwards, as stk_read() has it; a counter stops at its largest value. */
uint64_t stk_add(stk_table *t, uint32_t e, int type, uint32_t i, uint64_t n, uint32_t now);
/* Takes off it, not below 0. Rates are left as they are. */
uint64_t stk_sub(stk_table *t, uint32_t e, int type, uint32_t i, uint64_t n, uint32_t now);
/* Sets it; a rate then says <v> now, and fades within a period. Returns what was there. */
uint64_t stk_write(stk_table *t, uint32_t e, int type, uint32_t i, uint64_t v, uint32_t now);
/* Adds <n> to the first element of each type in <mask> (bit: STK_*) that the table stores. */
void stk_count(stk_table *t, uint32_t e, uint32_t mask, uint64_t n, uint32_t now);
/* Reads (<write> 0) or sets a rate's words as peers send them: when its period began (in ms before <now>), what was counted in it, what in
 * the one before. 0, or -EINVAL if that is no rate that is stored. */
int stk_rate_parts(stk_table *t, uint32_t e, int type, uint32_t i, uint32_t now, int write, uint32_t *age,
                   uint32_t *curr, uint32_t *prev);
/* All that is stored at once, as peers send it: types in the order of their numbers, elements in theirs, each one number, but three of a rate
 * (as stk_rate_parts() has them). <out>: room for stk_width(). */
void stk_read_all(stk_table *t, uint32_t e, uint32_t now, uint64_t *out);
/* Sets the types of <mask> (bit: STK_*) that are stored; <in> is laid out as by stk_read_all(). */
void stk_write_all(stk_table *t, uint32_t e, uint32_t now, uint32_t mask, const uint64_t *in);
/* How many numbers these are. */
uint32_t stk_width(const stk_table *t);

/* --- changes, which peers are taught; the table's <updates> must be set --- */

/* A change: the entry's last one. */
typedef struct stk_change {
    uint32_t e; /* referenced */
    uint32_t number;
    uint32_t left;  /* ms that the entry has to live; 0 without expiry */
    uint32_t local; /* 1: made here */
} stk_change;

/* The changes that come after number <after>, at most <max>, in their order; <local>: only those that were made here. Returns how
 * many; *<reached> is the number up to which all were looked at, from which to go on: if it is <after>, there are no more. Numbers
 * begin with 1 and wrap. *<at> spares looking for the place: give back what the last call left there, first 0. Takes LBL_TABLE,
 * for a thousand entries at most unless the place has to be looked for. */
int stk_changes(stk_table *t, uint32_t after, uint32_t *at, int local, uint32_t now, stk_change *out, int max,
                uint32_t *reached);
/* Has a task of <s> woken (TASK_WOKEN_MSG) by the next change that is made here, that one alone; NULL: no task. Returns the number of the last
 * change: if it is not the one that the caller knows, there is something to do already. Takes LBL_TABLE. */
uint32_t stk_watch(stk_table *t, tasksched *s, task *k);
/* The number of the last change. Takes LBL_TABLE. */
uint32_t stk_last_change(stk_table *t);

#ifndef LB_CFFI
/* --- what is known to be wanted soon; no lock ---
 *
 * In a large table a look-up waits twice for memory, some 150 ns each: for its line of the index, which tells of the entry, and
 * for the entry. Who knows the key a while before has both brought near meanwhile, in two steps that wait for nothing; the second
 * should come as long after the first as memory takes. They promise nothing; a hash of another table does no harm. */

/* The first step: the index. Returns the key's hash, for the second. */
uint32_t stk_expect(const stk_table *t, const void *key, uint32_t len);
/* The second: the entry. */
void stk_expect_entry(const stk_table *t, uint32_t hash);

/* Head of an entry; its key follows, then its data, then its links of updates (if the table has any). */
typedef struct stk_entry {
    rwlock lock;     /* LBL_TENTRY: the data */
    uint32_t place;  /* in the heap, from 1; 0: it is not there */
    uint32_t expire; /* tick; without expiry: of the last touch; of a free one: the next free one */
    uint32_t refs;   /* STK_FREE: it is free */
} stk_entry;
#define STK_HEAD (offsetof(stk_entry, refs) + sizeof(uint32_t))
#define STK_FREE UINT32_MAX

typedef struct stk_due {
    uint32_t date;
    uint32_t e;
} stk_due;

/* What all threads change stands in one cache line, and what they only read in others. */
struct stk_table {
    stk_conf conf;
    uint32_t stored;         /* bit: STK_* */
    uint32_t off[STK_TYPES]; /* of the first element, from the entry's beginning */
    uint32_t update_off, key_off, entry_size;
    uint64_t seed;
    lockset *set;
    char *entries;
    stk_index index;
    stk_due *heap; /* [0] is unused */
    spinlock lock
        __attribute__((aligned(LB_CACHELINE))); /* LBL_TABLE: what follows, and all of <entries> but their data */
    uint32_t used, refs;
    uint32_t ever; /* entries that were used once: those above it never were */
    uint32_t free; /* chain of those that are free again */
    uint32_t nheap;
    uint32_t first, last, updates; /* of the changed ones; number of the last change */
    tasksched *sched;              /* of <watcher>, to be woken by the next change; NULL: nobody is */
    task *watcher;
    uint64_t purged, refused;
};

/* Its place among the changed entries. */
typedef struct stk_update {
    uint32_t prev, next; /* entries */
    uint32_t number;     /* 0: it is not among them */
    uint32_t local;
} stk_update;

extern const uint8_t stk_kinds[STK_TYPES]; /* STK_KIND_* */
/* Bytes of an element of <type>, which exists. */
uint32_t stk_element_size(int type);

static inline stk_entry *stk_entry_at(const stk_table *t, uint32_t e)
{
    return (stk_entry *)(t->entries + (size_t)(e - 1) * t->entry_size);
}

static inline stk_update *stk_update_of(const stk_table *t, uint32_t e)
{
    return (stk_update *)((char *)stk_entry_at(t, e) + t->update_off);
}

/* Whether a tick, or a number of a change, comes before another. */
static inline int stk_sooner(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) < 0;
}

/* What follows is for who holds LBL_TABLE. */

static inline int stk_expired(const stk_table *t, const stk_entry *x, uint32_t now)
{
    return t->conf.expire && !stk_sooner(now, x->expire);
}

static inline int stk_is_there(const stk_table *t, uint32_t e, uint32_t now)
{
    const stk_entry *x = stk_entry_at(t, e);

    return x->refs != STK_FREE && (x->refs || !stk_expired(t, x, now));
}

/* Others read it without the lock. */
static inline void stk_set_refs(stk_entry *x, uint32_t n)
{
    at_poke(&x->refs, n);
}

static inline void stk_ref_locked(stk_table *t, stk_entry *x)
{
    stk_set_refs(x, x->refs + 1);
    t->refs++;
}

/* Puts it behind all others that were changed; what a peer says changes nothing about one that is among them. 1: the watcher is to be woken,
 * once the lock is given back. */
int stk_update_add(stk_table *t, uint32_t e, int local);
/* Takes it from among them. */
void stk_update_unlink(stk_table *t, uint32_t e);
#endif
