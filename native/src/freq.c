#include "freq.h"
#include <sched.h>
#if defined(__x86_64__) || defined(__i386__)
#define cpu_relax() __builtin_ia32_pause()
#else
#define cpu_relax() __asm__ __volatile__("" ::: "memory")
#endif

enum {
    SECOND_US = 1000000,
    AHEAD_MAX_MS = FREQ_AHEAD_MAX * 1000,
    SPIN_ROUNDS = 100, /* a rotation takes a few nanoseconds, unless its thread was preempted in the middle */
};

/* What a reader makes of a counter: <curr> events count in full, <prev> events by <left> parts of <period>. */
typedef struct window {
    uint64_t curr, prev;
    uint64_t left, period;
} window;

/* Waits until <bit> is clear in <word>, and returns the word. */
static uint32_t unlocked(const uint32_t *word, uint32_t bit)
{
    uint32_t v;

    for (int i = 0; (v = at_load(word)) & bit; i++) {
        if (i < SPIN_ROUNDS)
            cpu_relax();
        else
            sched_yield();
    }
    return v;
}

/* Consistent counts of the period that the word they come with names. Acquire loads keep the order: who sees a count
 * that a rotation stored also sees, in the second look, that the word was locked before it. */
static uint32_t snapshot(const uint32_t *word, uint32_t bit, const uint32_t *curr, const uint32_t *prev, window *w)
{
    uint32_t period;

    do {
        period = unlocked(word, bit);
        w->curr = at_load(curr);
        w->prev = at_load(prev);
    } while (at_load(word) != period);
    return period;
}

/* Moves the counts of a locked counter; <inc> events begin the new period. The exchange leaves no gap in which an event
 * of a thread that still counts into the old period could be lost. */
static void rotate(uint32_t *curr, uint32_t *prev, uint32_t inc, int adjacent)
{
    uint32_t over = at_xchg(curr, inc);

    at_store(prev, adjacent ? over : 0);
}

/* Events in the window times the period. */
static uint64_t weighed(const window *w)
{
    return w->curr * w->period + w->prev * w->left;
}

static uint32_t rate(const window *w)
{
    if (!w->curr && w->prev <= 1)
        return (uint32_t)w->prev;
    return (uint32_t)(weighed(w) / w->period);
}

static uint32_t remaining(const window *w, uint32_t freq, uint32_t pend)
{
    uint64_t used = weighed(w) / w->period + pend;

    return used < freq ? (uint32_t)(freq - used) : 0;
}

/* The wait in units of the period: each event above the limit needs a <freq>th of a period to leave the window. */
static uint64_t delay(const window *w, uint32_t freq, uint32_t pend)
{
    uint64_t used = weighed(w), limit, excess;

    if (!freq)
        freq = 1;
    limit = freq * w->period;
    if (__builtin_add_overflow(used, pend * w->period, &used))
        used = UINT64_MAX;
    if (used < limit)
        return 0;
    excess = (used - limit) / freq;
    return excess ? excess : 1;
}

/* --- one second -------------------------------------------------------------------------------------------------- */

/* How many seconds ago second <sec> was; 0 if it is the current one of <now>, or that of a clock that is ahead. */
static uint32_t seconds_past(uint32_t sec, uint32_t now)
{
    uint32_t ahead = (sec - now) & ~FREQ_LOCKED;

    return ahead <= FREQ_AHEAD_MAX ? 0 : (now - sec) & ~FREQ_LOCKED;
}

uint32_t freq_update(freq_ctr *c, uint32_t inc, uint32_t now_sec)
{
    uint32_t sec, age;

    do {
        sec = unlocked(&c->curr_sec, FREQ_LOCKED);
        age = seconds_past(sec, now_sec);
        if (likely(!age))
            return at_add(&c->curr_ctr, inc);
    } while (!at_cas(&c->curr_sec, &sec, sec | FREQ_LOCKED));
    rotate(&c->curr_ctr, &c->prev_ctr, inc, age == 1);
    at_store(&c->curr_sec, now_sec & ~FREQ_LOCKED);
    return inc;
}

/* The sliding second before <now_sec>.<now_usec>. A reader whose clock is behind takes its previous second in full. */
static window last_second(const freq_ctr *c, uint32_t now_sec, uint32_t now_usec)
{
    window w = {.period = SECOND_US, .left = SECOND_US - now_usec};
    uint32_t sec = snapshot(&c->curr_sec, FREQ_LOCKED, &c->curr_ctr, &c->prev_ctr, &w);
    uint32_t age = seconds_past(sec, now_sec);

    if (age) {
        w.prev = age == 1 ? w.curr : 0;
        w.curr = 0;
    } else if ((sec ^ now_sec) & ~FREQ_LOCKED) {
        w.left = SECOND_US;
    }
    return w;
}

uint32_t freq_read(const freq_ctr *c, uint32_t now_sec, uint32_t now_usec)
{
    window w = last_second(c, now_sec, now_usec);

    return rate(&w);
}

uint32_t freq_remain(const freq_ctr *c, uint32_t freq, uint32_t pend, uint32_t now_sec, uint32_t now_usec)
{
    window w = last_second(c, now_sec, now_usec);

    return remaining(&w, freq, pend);
}

uint32_t freq_next_delay(const freq_ctr *c, uint32_t freq, uint32_t pend, uint32_t now_sec, uint32_t now_usec)
{
    window w = last_second(c, now_sec, now_usec);
    uint64_t ms = (delay(&w, freq, pend) + 999) / 1000;

    return ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
}

/* --- any period -------------------------------------------------------------------------------------------------- */

/* How many milliseconds ago a period began at <tick>; 0 also if it began on a clock that is ahead. */
static uint32_t ms_past(uint32_t tick, uint32_t now)
{
    return tick - now <= AHEAD_MAX_MS ? 0 : now - tick;
}

uint32_t freqp_update(freq_ctr_period *c, uint32_t period, uint32_t inc, uint32_t now_ms)
{
    uint32_t tick, age;
    int adjacent;

    do {
        tick = unlocked(&c->curr_tick, FREQP_LOCKED);
        age = ms_past(tick, now_ms);
        if (likely(age < period))
            return at_add(&c->curr_ctr, inc);
    } while (!at_cas(&c->curr_tick, &tick, tick | FREQP_LOCKED));
    /* The next period follows without a gap; after a pause it begins now. Ticks are even: up to 1 ms early. */
    adjacent = age - period < period;
    rotate(&c->curr_ctr, &c->prev_ctr, inc, adjacent);
    at_store(&c->curr_tick, (adjacent ? tick + period : now_ms) & ~(uint32_t)FREQP_LOCKED);
    return inc;
}

static window last_period(const freq_ctr_period *c, uint32_t period, uint32_t now_ms)
{
    window w = {.period = period};
    uint32_t tick = snapshot(&c->curr_tick, FREQP_LOCKED, &c->curr_ctr, &c->prev_ctr, &w);
    uint64_t age = ms_past(tick, now_ms);

    if (age >= period) {
        w.prev = age - period < period ? w.curr : 0;
        w.curr = 0;
        age -= period;
    }
    w.left = age < period ? period - age : 0;
    return w;
}

uint32_t freqp_read(const freq_ctr_period *c, uint32_t period, uint32_t now_ms)
{
    window w = last_period(c, period, now_ms);

    return rate(&w);
}

uint32_t freqp_remain(const freq_ctr_period *c, uint32_t period, uint32_t freq, uint32_t pend, uint32_t now_ms)
{
    window w = last_period(c, period, now_ms);

    return remaining(&w, freq, pend);
}

uint32_t freqp_next_delay(const freq_ctr_period *c, uint32_t period, uint32_t freq, uint32_t pend, uint32_t now_ms)
{
    window w = last_period(c, period, now_ms);
    uint64_t ms = delay(&w, freq, pend);

    return ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
}
