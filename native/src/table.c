#include "table.h"
#include <sys/mman.h>

enum {
    NOWHERE = 0,      /* an entry's place in the heap: it is not there */
    SPAN = 1024,      /* entries that a walk looks at without giving the lock back */
    LARGE = 4 << 20,  /* bytes from which an array is worth large pages */
};

const stk_conf *stk_conf_of(const stk_table *t)
{
    return &t->conf;
}

/* --- layout --- */

static int is_array(int type)
{
    return type == STK_GPT || type == STK_GPC || type == STK_GPC_RATE;
}

static int conf_is_good(const stk_conf *c)
{
    if (!c->key_len || c->key_len > 65535 || !c->size || c->size > INT32_MAX || c->expire > INT32_MAX)
        return 0;
    for (int i = 0; i < STK_TYPES; i++)
        if (c->count[i] > (is_array(i) ? STK_ELEMENTS_MAX : 1) ||
            (c->count[i] && stk_kinds[i] == STK_KIND_RATE && (!c->period[i] || c->period[i] > INT32_MAX)))
            return 0;
    return 1;
}

/* Those of eight bytes come first, so that all are aligned without gaps. */
static void lay_out(stk_table *t)
{
    uint32_t at = sizeof(stk_entry);

    for (int wide = 1; wide >= 0; wide--)
        for (int i = 0; i < STK_TYPES; i++)
            if (t->conf.count[i] && (stk_element_size(i) == 8) == wide) {
                t->off[i] = (uint16_t)at;
                t->stored |= 1u << i;
                at += t->conf.count[i] * stk_element_size(i);
            }
    t->update_off = at;
    at += t->conf.updates ? sizeof(stk_update) : 0;
    t->key_off = at;
    t->entry_size = (at + t->conf.key_len + 7) & ~7u;
}

static uint32_t power_of_two(uint32_t n)
{
    uint32_t p = 1;

    while (p < n)
        p <<= 1;
    return p;
}

/* Zeroed memory, of which the system gives what is used. Look-ups jump about in it: large pages spare them half of their cache
 * misses. NULL if there is none. */
static void *array_new(size_t n, size_t size)
{
    size_t bytes = n * size;
    void *p;

    if (bytes < LARGE)
        return calloc(n, size);
    p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
#ifdef MADV_HUGEPAGE
    madvise(p, bytes, MADV_HUGEPAGE);
#endif
    return p;
}

static void array_free(void *p, size_t n, size_t size)
{
    if (p && n * size >= LARGE)
        munmap(p, n * size);
    else
        free(p);
}

stk_table *stk_new(const stk_conf *conf, lockset *set, uint64_t seed)
{
    stk_table *t = conf_is_good(conf) ? calloc(1, sizeof(*t)) : NULL;

    if (!t)
        return NULL;
    t->conf = *conf;
    t->set = set;
    t->seed = seed;
    spin_init(&t->lock, set, LBL_TABLE);
    lay_out(t);
    /* twice as many as entries: most chains are of one entry, and each more would be a cache miss */
    t->bucket_mask = power_of_two(conf->size) * 2 - 1;
    t->entries = array_new(conf->size, t->entry_size);
    t->bucket = array_new((size_t)t->bucket_mask + 1, sizeof(*t->bucket));
    t->heap = array_new((size_t)conf->size + 1, sizeof(*t->heap));
    if (!t->entries || !t->bucket || !t->heap) {
        stk_free(t);
        return NULL;
    }
    return t;
}

void stk_free(stk_table *t)
{
    if (!t)
        return;
    array_free(t->entries, t->conf.size, t->entry_size);
    array_free(t->bucket, (size_t)t->bucket_mask + 1, sizeof(*t->bucket));
    array_free(t->heap, (size_t)t->conf.size + 1, sizeof(*t->heap));
    free(t);
}

static char *key_of(const stk_table *t, const stk_entry *x)
{
    return (char *)x + t->key_off;
}

const char *stk_key(const stk_table *t, uint32_t e)
{
    return key_of(t, stk_entry_at(t, e));
}

/* --- keys --- */

/* A multiplication in 128 bits folded to 64: each bit of the result depends on all of <a> and <b>. */
static uint64_t fold(uint64_t a, uint64_t b)
{
    __uint128_t m = (__uint128_t)a * b;

    return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static uint64_t word_at(const char *p, uint32_t n)
{
    uint64_t v = 0;

    memcpy(&v, p, n < 8 ? n : 8);
    return v;
}

/* The NULs that follow a short key are no part of it: with or without them it is the same key. */
static uint32_t trimmed(const stk_table *t, const char *key, uint32_t len)
{
    if (len > t->conf.key_len)
        len = t->conf.key_len;
    while (len && !key[len - 1])
        len--;
    return len;
}

static uint32_t bucket_of(const stk_table *t, const char *key, uint32_t len)
{
    uint64_t h = t->seed ^ len;

    for (uint32_t i = 0; i < len; i += 8)
        h = fold(h ^ word_at(key + i, len - i), 0x9e3779b97f4a7c15ull ^ t->seed << 1);
    return (uint32_t)(fold(h, 0xd6e8feb86659fd93ull) & t->bucket_mask);
}

/* <len> is trimmed: what follows in the entry must be NUL. */
static int same_key(const stk_table *t, const stk_entry *x, const char *key, uint32_t len)
{
    const char *own = key_of(t, x);

    return !memcmp(own, key, len) && (len == t->conf.key_len || !own[len]) &&
           (len + 1 >= t->conf.key_len || trimmed(t, own, t->conf.key_len) == len);
}

/* --- the heap of dates; LBL_TABLE must be held --- */

static void heap_put(stk_table *t, uint32_t place, stk_due d)
{
    t->heap[place] = d;
    stk_entry_at(t, d.e)->place = place;
}

static void sift_up(stk_table *t, uint32_t place, stk_due d)
{
    while (place > 1 && stk_sooner(d.date, t->heap[place / 2].date)) {
        heap_put(t, place, t->heap[place / 2]);
        place /= 2;
    }
    heap_put(t, place, d);
}

static void sift_down(stk_table *t, uint32_t place, stk_due d)
{
    uint32_t below;

    while ((below = place * 2) <= t->nheap) {
        if (below < t->nheap && stk_sooner(t->heap[below + 1].date, t->heap[below].date))
            below++;
        if (!stk_sooner(t->heap[below].date, d.date))
            break;
        heap_put(t, place, t->heap[below]);
        place = below;
    }
    heap_put(t, place, d);
}

static void heap_add(stk_table *t, uint32_t e)
{
    sift_up(t, ++t->nheap, (stk_due){stk_entry_at(t, e)->expire, e});
}

static void heap_remove(stk_table *t, stk_entry *x)
{
    uint32_t place = x->place;
    stk_due d;

    if (place == NOWHERE)
        return;
    x->place = NOWHERE;
    d = t->heap[t->nheap--];
    if (place > t->nheap)
        return;
    if (place > 1 && stk_sooner(d.date, t->heap[place / 2].date))
        sift_up(t, place, d);
    else
        sift_down(t, place, d);
}

/* Gives an entry another date. The heap, whose date is no later than the entry's old one, need not know unless the new one is
 * sooner: then it is looked at, at the price of a cache miss. */
static void set_date(stk_table *t, stk_entry *x, uint32_t e, uint32_t date)
{
    int hastened = stk_sooner(date, x->expire);

    x->expire = date;
    if (hastened && x->place != NOWHERE && stk_sooner(date, t->heap[x->place].date))
        sift_up(t, x->place, (stk_due){date, e});
}

/* The idle entry that is to go first; 0 if all that there are have references. What stands at the top with a date that has moved
 * since is put where it belongs; what is referenced leaves, until it is idle. */
static uint32_t heap_first(stk_table *t)
{
    while (t->nheap) {
        stk_due top = t->heap[1];
        stk_entry *x = stk_entry_at(t, top.e);

        if (x->refs)
            heap_remove(t, x);
        else if (x->expire != top.date)
            sift_down(t, 1, (stk_due){x->expire, top.e});
        else
            return top.e;
    }
    return 0;
}

/* --- entries; LBL_TABLE must be held --- */

static void unchain(stk_table *t, stk_entry *x, uint32_t e)
{
    const char *key = key_of(t, x);
    uint32_t *link = &t->bucket[bucket_of(t, key, trimmed(t, key, t->conf.key_len))];

    while (*link != e)
        link = &stk_entry_at(t, *link)->next;
    *link = x->next;
}

static void drop_entry(stk_table *t, uint32_t e)
{
    stk_entry *x = stk_entry_at(t, e);

    unchain(t, x, e);
    heap_remove(t, x);
    if (t->conf.updates)
        stk_update_unlink(t, e);
    x->used = 0;
    x->next = t->free;
    t->free = e;
    t->used--;
}

static void unref(stk_table *t, uint32_t e)
{
    stk_entry *x = stk_entry_at(t, e);

    x->refs--;
    t->refs--;
    if (!x->refs && x->place == NOWHERE)
        heap_add(t, e);
}

/* One that never was used. */
static uint32_t new_entry(stk_table *t)
{
    rw_init(&stk_entry_at(t, ++t->ever)->lock, t->set, LBL_TENTRY);
    return t->ever;
}

/* A place for one more; 0 if there is none. */
static uint32_t room(stk_table *t)
{
    uint32_t e = 0;

    if (t->used >= t->conf.size) {
        e = t->conf.nopurge ? 0 : heap_first(t);
        if (!e)
            return 0;
        drop_entry(t, e);
        t->purged++;
    }
    if (!t->free)
        return new_entry(t);
    e = t->free;
    t->free = stk_entry_at(t, e)->next;
    return e;
}

static uint32_t date_of(const stk_table *t, uint32_t now)
{
    return now + t->conf.expire;
}

static uint32_t store(stk_table *t, const char *key, uint32_t len, uint32_t b, uint32_t now)
{
    uint32_t e = room(t);
    stk_entry *x;

    if (!e) {
        t->refused++;
        return 0;
    }
    x = stk_entry_at(t, e);
    memset((char *)x + sizeof(*x), 0, t->entry_size - sizeof(*x));
    memcpy(key_of(t, x), key, len);
    x->refs = 0;
    x->used = 1;
    x->expire = date_of(t, now);
    x->next = t->bucket[b];
    t->bucket[b] = e;
    t->used++;
    heap_add(t, e);
    return e;
}

static uint32_t find(stk_table *t, const char *key, uint32_t len, uint32_t b, uint32_t now)
{
    for (uint32_t e = t->bucket[b]; e; e = stk_entry_at(t, e)->next) {
        stk_entry *x = stk_entry_at(t, e);

        if (!same_key(t, x, key, len))
            continue;
        if (x->refs || !stk_expired(t, x, now))
            return e;
        drop_entry(t, e);
        return 0;
    }
    return 0;
}

uint32_t stk_get(stk_table *t, const void *key, uint32_t len, uint32_t now)
{
    uint32_t n = trimmed(t, key, len), b = bucket_of(t, key, n), e;

    spin_lock(&t->lock);
    e = find(t, key, n, b, now);
    if (e)
        stk_ref_locked(t, stk_entry_at(t, e));
    spin_unlock(&t->lock);
    return e;
}

uint32_t stk_set(stk_table *t, const void *key, uint32_t len, uint32_t now, int *fresh)
{
    uint32_t n = trimmed(t, key, len), b = bucket_of(t, key, n), e;
    int absent;

    spin_lock(&t->lock);
    e = find(t, key, n, b, now);
    absent = !e;
    if (absent)
        e = store(t, key, n, b, now);
    if (e)
        stk_ref_locked(t, stk_entry_at(t, e));
    spin_unlock(&t->lock);
    if (fresh)
        *fresh = absent && e;
    return e;
}

void stk_ref(stk_table *t, uint32_t e)
{
    spin_lock(&t->lock);
    stk_ref_locked(t, stk_entry_at(t, e));
    spin_unlock(&t->lock);
}

void stk_release(stk_table *t, uint32_t e)
{
    spin_lock(&t->lock);
    unref(t, e);
    spin_unlock(&t->lock);
}

static void touch(stk_table *t, uint32_t e, uint32_t date, int local, int drop)
{
    stk_entry *x = stk_entry_at(t, e);
    task *watcher = NULL;

    spin_lock(&t->lock);
    set_date(t, x, e, date);
    if (t->conf.updates && stk_update_add(t, e, local)) {
        watcher = t->watcher;
        t->watcher = NULL;
    }
    if (drop)
        unref(t, e);
    spin_unlock(&t->lock);
    if (watcher)
        task_wakeup(t->sched, watcher, TASK_WOKEN_MSG);
}

void stk_touch_local(stk_table *t, uint32_t e, uint32_t now, int drop)
{
    touch(t, e, date_of(t, now), 1, drop);
}

void stk_touch_remote(stk_table *t, uint32_t e, uint32_t now, uint32_t left, int drop)
{
    uint32_t life = t->conf.expire && left && left < t->conf.expire ? left : t->conf.expire;

    touch(t, e, now + life, 0, drop);
}

/* LBL_TABLE must be held. */
static int kill(stk_table *t, uint32_t e, int drop)
{
    if (drop)
        unref(t, e);
    if (stk_entry_at(t, e)->refs || !stk_entry_at(t, e)->used)
        return 0;
    drop_entry(t, e);
    return 1;
}

int stk_kill(stk_table *t, uint32_t e, int drop)
{
    int gone;

    spin_lock(&t->lock);
    gone = kill(t, e, drop);
    spin_unlock(&t->lock);
    return gone;
}

void stk_kill_if_expired(stk_table *t, uint32_t e, uint32_t now, int drop)
{
    spin_lock(&t->lock);
    if (stk_expired(t, stk_entry_at(t, e), now))
        kill(t, e, drop);
    else if (drop)
        unref(t, e);
    spin_unlock(&t->lock);
}

int stk_expire(stk_table *t, uint32_t now, uint32_t max)
{
    uint32_t e = 0;
    int ms = -1;

    if (!t->conf.expire)
        return -1;
    spin_lock(&t->lock);
    while ((e = heap_first(t)) && stk_expired(t, stk_entry_at(t, e), now) && max--)
        drop_entry(t, e);
    if (e)
        ms = stk_expired(t, stk_entry_at(t, e), now) ? 0 : (int)(stk_entry_at(t, e)->expire - now);
    spin_unlock(&t->lock);
    return ms;
}

/* The lock is given back between spans: a walk over a table of which most is free must not stop the others. */
uint32_t stk_next(stk_table *t, uint32_t after, uint32_t now)
{
    uint32_t e = after, span, found = 0;

    do {
        spin_lock(&t->lock);
        for (span = 0; e < t->ever && span < SPAN && !found; span++)
            if (stk_is_there(t, ++e, now))
                found = e;
        if (found)
            stk_ref_locked(t, stk_entry_at(t, found));
        span = !found && e < t->ever;
        spin_unlock(&t->lock);
    } while (span);
    return found;
}

uint32_t stk_at(stk_table *t, uint32_t e, uint32_t now)
{
    spin_lock(&t->lock);
    if (!e || e > t->ever || !stk_is_there(t, e, now))
        e = 0;
    else
        stk_ref_locked(t, stk_entry_at(t, e));
    spin_unlock(&t->lock);
    return e;
}

void stk_look(stk_table *t, uint32_t e, uint32_t now, stk_info *out)
{
    const stk_entry *x = stk_entry_at(t, e);

    *out = (stk_info){0};
    spin_lock(&t->lock);
    out->refs = x->refs - 1;
    if (t->conf.expire && !stk_expired(t, x, now))
        out->expires = x->expire - now;
    if (t->conf.updates) {
        out->update = stk_update_of(t, e)->number;
        out->local = stk_update_of(t, e)->local;
    }
    spin_unlock(&t->lock);
}

void stk_read_figures(stk_table *t, stk_figures *out)
{
    spin_lock(&t->lock);
    *out = (stk_figures){
        .used = t->used,
        .size = t->conf.size,
        .refs = t->refs,
        .entry = t->entry_size,
        .purged = t->purged,
        .refused = t->refused,
        .bytes = (uint64_t)t->ever * (t->entry_size + sizeof(*t->heap) + 2 * sizeof(*t->bucket)),
    };
    spin_unlock(&t->lock);
}
