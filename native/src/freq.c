#include "freq.h"
#include <sched.h>
#if defined(__x86_64__) || defined(__i386__)
#define cpu_relax() __builtin_ia32_pause()
#else
#define cpu_relax() __asm__ __volatile__("" ::: "memory")
#endif

enum {
    AHEAD_MAX_MS = FREQ_AHEAD_MAX * 1000,
    SPIN_ROUNDS = 100, /* a rotation takes a few nanoseconds, unless its thread was preempted in the middle */
};

/* What a reader makes of a counter: <curr> events count in full, <prev> events by <left> parts of <period>. */
typedef struct window {
    uint64_t curr, prev;
    uint64_t left, period;
} window;

/* Waits until no rotation is going on, and returns when the current period began. */
static uint32_t unlocked(const freq_ctr_period *c)
{
    uint32_t tick;

    for (int i = 0; (tick = at_load(&c->curr_tick)) & FREQP_LOCKED; i++) {
        if (i < SPIN_ROUNDS)
            cpu_relax();
        else
            sched_yield();
    }
    return tick;
}

/* Consistent counts of the period whose beginning is returned. Acquire loads keep the order: who sees a count that a
 * rotation stored also sees, in the second look, that the counter was locked before it. */
static uint32_t snapshot(const freq_ctr_period *c, window *w)
{
    uint32_t tick;

    do {
        tick = unlocked(c);
        w->curr = at_load(&c->curr_ctr);
        w->prev = at_load(&c->prev_ctr);
    } while (at_load(&c->curr_tick) != tick);
    return tick;
}

/* Moves the counts of a locked counter; <inc> events begin the new period. The exchange leaves no gap in which an event
 * of a thread that still counts into the old period could be lost. */
static void rotate(freq_ctr_period *c, uint32_t inc, int adjacent)
{
    uint32_t over = at_xchg(&c->curr_ctr, inc);

    at_store(&c->prev_ctr, adjacent ? over : 0);
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

static double exact_rate(const window *w)
{
    if (!w->curr && w->prev <= 1)
        return (double)w->prev;
    return (double)weighed(w) / (double)w->period;
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
        tick = unlocked(c);
        age = ms_past(tick, now_ms);
        if (likely(age < period))
            return at_add(&c->curr_ctr, inc);
    } while (!at_cas(&c->curr_tick, &tick, tick | FREQP_LOCKED));
    /* The next period follows without a gap; after a pause it begins now. Ticks are even: up to 1 ms early. */
    adjacent = age - period < period;
    rotate(c, inc, adjacent);
    at_store(&c->curr_tick, (adjacent ? tick + period : now_ms) & ~(uint32_t)FREQP_LOCKED);
    return inc;
}

static window last_period(const freq_ctr_period *c, uint32_t period, uint32_t now_ms)
{
    window w = {.period = period};
    uint32_t tick = snapshot(c, &w);
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

double freqp_read_exact(const freq_ctr_period *c, uint32_t period, uint32_t now_ms)
{
    window w = last_period(c, period, now_ms);

    return exact_rate(&w);
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
