#include "table.h"

enum {
    NOWHERE = 0,  /* an entry's place in the heap: it is not there */
    SPAN = 1024,  /* entries that a walk looks at without giving the lock back */
    WARMED = 256, /* bytes of an entry that are brought near at most */
};

const stk_conf *stk_conf_of(const stk_table *t)
{
    return &t->conf;
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

static uint32_t hash_of(const stk_table *t, const char *key, uint32_t len)
{
    uint64_t h = t->seed ^ len;

    for (uint32_t i = 0; i < len; i += 8)
        h = fold(h ^ word_at(key + i, len - i), 0x9e3779b97f4a7c15ull ^ t->seed << 1);
    return (uint32_t)fold(h, 0xd6e8feb86659fd93ull);
}

/* Whether <e> is the entry of a key. <len> is trimmed: what follows in the entry must be NUL. */
static int has_key(const stk_table *t, uint32_t e, const char *key, uint32_t len)
{
    const stk_entry *x = stk_entry_at(t, e);
    const char *own = key_of(t, x);

    return x->refs != STK_FREE && !memcmp(own, key, len) && (len == t->conf.key_len || !own[len]) &&
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

static void unindex(stk_table *t, stk_entry *x, uint32_t e)
{
    const char *key = key_of(t, x);

    stk_index_remove(&t->index, hash_of(t, key, trimmed(t, key, t->conf.key_len)), e);
}

static void drop_entry(stk_table *t, uint32_t e)
{
    stk_entry *x = stk_entry_at(t, e);

    unindex(t, x, e);
    heap_remove(t, x);
    if (t->conf.updates)
        stk_update_unlink(t, e);
    stk_set_refs(x, STK_FREE);
    x->expire = t->free;
    t->free = e;
    t->used--;
}

static void unref(stk_table *t, uint32_t e)
{
    stk_entry *x = stk_entry_at(t, e);

    stk_set_refs(x, x->refs - 1);
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
    t->free = stk_entry_at(t, e)->expire;
    return e;
}

static uint32_t date_of(const stk_table *t, uint32_t now)
{
    return now + t->conf.expire;
}

static uint32_t store(stk_table *t, const char *key, uint32_t len, uint32_t hash, uint32_t now)
{
    uint32_t e = room(t);
    stk_entry *x;

    if (!e) {
        t->refused++;
        return 0;
    }
    x = stk_entry_at(t, e);
    memset((char *)x + STK_HEAD, 0, t->entry_size - STK_HEAD);
    memcpy(key_of(t, x), key, len);
    stk_set_refs(x, 0);
    x->expire = date_of(t, now);
    stk_index_add(&t->index, hash, e);
    t->used++;
    heap_add(t, e);
    return e;
}

/* The entry of a key, also one that is due; 0: there is none. <guess> is who probably has it, whom the index need not tell. */
static uint32_t find(const stk_table *t, const char *key, uint32_t len, uint32_t hash, uint32_t guess)
{
    stk_search s;
    uint32_t e;

    if (likely(guess && has_key(t, guess, key, len)))
        return guess;
    s = stk_index_search(&t->index, hash);
    while ((e = stk_index_next(&t->index, hash, &s)) && !has_key(t, e, key, len))
        ;
    return e;
}

/* The same, but one that has lived its time goes. */
static uint32_t find_living(stk_table *t, const char *key, uint32_t len, uint32_t hash, uint32_t guess, uint32_t now)
{
    uint32_t e = find(t, key, len, hash, guess);

    if (!e || stk_is_there(t, e, now))
        return e;
    drop_entry(t, e);
    return 0;
}

/* gcc takes a function that does nothing but prefetch for one that does nothing, and calls to it for none: hence the asm. */
static void prefetch_entry(const stk_table *t, uint32_t e)
{
    const char *x = (const char *)stk_entry_at(t, e);

    for (uint32_t at = 0; at < t->entry_size && at < WARMED; at += LB_CACHELINE)
        __builtin_prefetch(x + at, 1);
    __asm__ volatile("");
}

/* Who probably has a key, and has been brought near: before the lock is taken, so that the others need not wait for this thread's
 * memory. The read is what waits: a lock is taken when all reads before it are done. */
static uint32_t warm(const stk_table *t, uint32_t hash)
{
    uint32_t e = stk_index_guess(&t->index, hash);

    if (!e)
        return 0;
    prefetch_entry(t, e);
    (void)at_peek(&stk_entry_at(t, e)->refs);
    return e;
}

uint32_t stk_expect(const stk_table *t, const void *key, uint32_t len)
{
    uint32_t hash = hash_of(t, key, trimmed(t, key, len));

    __builtin_prefetch(&t->index.line[stk_index_home(&t->index, hash)]);
    return hash;
}

void stk_expect_entry(const stk_table *t, uint32_t hash)
{
    uint32_t e = stk_index_guess(&t->index, hash);

    if (e)
        prefetch_entry(t, e);
}

uint32_t stk_get(stk_table *t, const void *key, uint32_t len, uint32_t now)
{
    uint32_t n = trimmed(t, key, len), hash = hash_of(t, key, n), guess = warm(t, hash), e;

    spin_lock(&t->lock);
    e = find_living(t, key, n, hash, guess, now);
    if (e)
        stk_ref_locked(t, stk_entry_at(t, e));
    spin_unlock(&t->lock);
    return e;
}

static uint32_t set_entry(stk_table *t, const void *key, uint32_t len, uint32_t now, int anew, int *fresh)
{
    uint32_t n = trimmed(t, key, len), hash = hash_of(t, key, n), guess = warm(t, hash), e;
    int absent;

    spin_lock(&t->lock);
    e = find_living(t, key, n, hash, guess, now);
    absent = !e;
    if (absent)
        e = store(t, key, n, hash, now);
    else if (anew)
        set_date(t, stk_entry_at(t, e), e, date_of(t, now));
    if (e)
        stk_ref_locked(t, stk_entry_at(t, e));
    spin_unlock(&t->lock);
    if (fresh)
        *fresh = absent && e;
    return e;
}

uint32_t stk_set(stk_table *t, const void *key, uint32_t len, uint32_t now, int *fresh)
{
    return set_entry(t, key, len, now, 0, fresh);
}

uint32_t stk_set_anew(stk_table *t, const void *key, uint32_t len, uint32_t now)
{
    return set_entry(t, key, len, now, 1, NULL);
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
    if (stk_entry_at(t, e)->refs)
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
        .bytes = (uint64_t)t->ever * (t->entry_size + sizeof(*t->heap) + sizeof(*t->index.line) / STK_FILL),
    };
    spin_unlock(&t->lock);
}
