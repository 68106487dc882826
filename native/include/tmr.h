/* Timers of one thread: they cost nothing when nothing expires.
 *
 * Times are ticks of one millisecond in 32 bits, compared across the wrap, as in HAProxy: two of them must lie less
 * than 2^31 ms (24 days) apart; 0 is "never".
 *
 * A wheel has five levels of 64 slots; a slot of level n is 64^n ms wide. A timer hangs in the finest level that
 * reaches its tick, and slides down a level each time its slot comes due, until it expires to the millisecond.
 *
 * Timeouts of a connection are put off at each transfer and hardly ever expire. So a timer is put off without being
 * moved: only its `when` changes, and its slot, once due, finds out that it is too early. (`at` is the tick at which
 * the slot comes due: at most `when`.)
 *
 * A wheel belongs to one thread; no lock.
 */
#pragma once
#ifndef LB_CFFI
#include "base.h"
#endif

#define TICK_ETERNITY 0
#define TMR_LEVELS 5
#define TMR_SLOTS 64

typedef struct tmr {
    struct tmr *next, **pprev; /* pprev is NULL when it is not set */
    uint32_t at;               /* its slot comes due then */
    uint32_t when;             /* it expires then */
} tmr;

typedef struct wheel {
    uint32_t now; /* ticks before this one have been run */
    uint32_t due; /* if any is set: no slot comes due before this tick */
    uint32_t linked; /* timers that are set */
    uint64_t used[TMR_LEVELS]; /* a bit for each slot that is not empty */
    tmr *slot[TMR_LEVELS][TMR_SLOTS];
} wheel;

/* Makes <w> empty, starting at the tick <now>. */
void wheel_init(wheel *w, uint32_t now);
/* Moves <w> to the tick <now>, forth or back; its timers stay set. For one made before the time was known. */
void wheel_rebase(wheel *w, uint32_t now);
/* Unlinks <t>; nothing if it isn't set. */
void tmr_del(wheel *w, tmr *t);
/* Calls <cb> for every timer with `when` at or before <now>, unlinked already; it may set and delete any timer, this
 * one included. One that it sets to a tick that has passed is called by the next run, not by this one. To be called
 * once a turn, with a <now> that doesn't go back. Returns the number of calls. */
int tmr_run(wheel *w, uint32_t now, void (*cb)(void *ctx, tmr *t), void *ctx);
/* The ms from <now> until tmr_run() has something to do (0: at once), -1 if none is set. May be early, never late. */
int tmr_next(const wheel *w, uint32_t now);
/* The part of tmr_set() that moves a timer: unlinks it, and links it at <when> unless that is "never". */
void tmr_move(wheel *w, tmr *t, uint32_t when);

#ifndef LB_CFFI
/* Makes a timer that isn't set. Zeroed memory is one, too. */
static inline int tmr_is_set(const tmr *t) { return t->pprev != NULL && t->when != TICK_ETERNITY; }

/* Lets <t> expire at <when>, whatever it was set to; TICK_ETERNITY is as good as tmr_del(). Later than before costs two
 * comparisons and a store. */
static inline void tmr_set(wheel *w, tmr *t, uint32_t when)
{
    if (likely(t->pprev && (int32_t)(when - t->at) >= 0)) {
        t->when = when;
        return;
    }
    tmr_move(w, t, when);
}

static inline int tick_isset(uint32_t t) { return t != TICK_ETERNITY; }
/* <a> lies before <b>; both are set. */
static inline int tick_is_lt(uint32_t a, uint32_t b) { return (int32_t)(a - b) < 0; }
/* <t> is set and not after <now>. */
static inline int tick_is_expired(uint32_t t, uint32_t now) { return tick_isset(t) && !tick_is_lt(now, t); }
/* <now> + <ms>; never "never". */
static inline uint32_t tick_add(uint32_t now, uint32_t ms)
{
    now += ms;
    return now ? now : 1;
}
/* As tick_add(), but "never" if <ms> is 0: a timeout that is not configured. */
static inline uint32_t tick_add_ifset(uint32_t now, uint32_t ms) { return ms ? tick_add(now, ms) : TICK_ETERNITY; }
/* The sooner of two, of which any may be "never". */
static inline uint32_t tick_first(uint32_t a, uint32_t b)
{
    if (!tick_isset(a))
        return b;
    if (!tick_isset(b))
        return a;
    return tick_is_lt(a, b) ? a : b;
}
/* The ms left from <now> to <t>: 0 if expired, -1 if never. */
static inline int tick_remain(uint32_t now, uint32_t t)
{
    if (!tick_isset(t))
        return -1;
    return tick_is_lt(now, t) ? (int)(t - now) : 0;
}
#endif
