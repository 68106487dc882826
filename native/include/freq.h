/* Frequency counters: how many events in the last period of any length, such as a second.
 *
 * A counter holds what was counted in the current period and in the one before it. A reader takes the current count and
 * that part of the previous one which the sliding window still covers, supposing that its events were evenly spread.
 *
 * No lock is needed around them; all threads may update and read one counter. The word that says which period is the
 * current one carries the lock that a rotation needs: the low bit of curr_tick. A thread that
 * finds the period over takes the bit by compare-and-swap, moves the counts and stores the new period, which clears the
 * bit. The others look again until it is clear, and readers also if the period changed while they looked.
 *
 * The caller passes the clock of its thread. Clocks may disagree: only a thread that sees the current period lie in
 * its own past rotates it. One whose clock is behind counts into the period it finds, so that nothing is lost and no
 * period comes back. A period that lies more than FREQ_AHEAD_MAX in the future is not one of a faster clock; it is
 * left over from a clock that was set back, or never written, and is rotated.
 *
 * Zero a counter to begin, and align it as its words need. The first event begins the first period, others follow without a gap
 * until one passes without events: so rates of the same events are the same, whenever they come. Ticks (milliseconds) may wrap. What was counted stays exact as long as one period has less than 2^32 events.
 */
#pragma once
#ifndef LB_FREQ_H
#define LB_FREQ_H
#include "base.h"
#endif

#define FREQP_LOCKED 1    /* in curr_tick: being rotated */
#define FREQ_SECOND 1000  /* the period of rates per second */
#define FREQ_AHEAD_MAX 60 /* seconds that a thread's clock may be behind another's at most */

/* Events per period, which the caller passes, always the same one. */
typedef struct freq_ctr_period {
    uint32_t curr_tick; /* when the current period began, even; FREQP_LOCKED */
    uint32_t curr_ctr;
    uint32_t prev_ctr; /* events of the period before it */
} freq_ctr_period;

/* <period> is in milliseconds, 1 to 2^31-1; <now_ms> is the tick of the caller's clock. */

/* Counts <inc> events; returns how many the current period has then. */
uint32_t freqp_update(freq_ctr_period *c, uint32_t period, uint32_t inc, uint32_t now_ms);
/* Events in the last <period>, rounded down; a single one of the previous period with none in this one is still told as 1,
 * lest a rate of about one per period flap between 0 and 1. */
uint32_t freqp_read(const freq_ctr_period *c, uint32_t period, uint32_t now_ms);
/* The same, not rounded. */
double freqp_read_exact(const freq_ctr_period *c, uint32_t period, uint32_t now_ms);
/* How many events may still happen now without exceeding <freq> per period, when <pend> others are known to be on
 * their way; 0 if none may. */
uint32_t freqp_remain(const freq_ctr_period *c, uint32_t period, uint32_t freq, uint32_t pend, uint32_t now_ms);
/* Milliseconds to wait until an event may happen under a limit of <freq> per period, when <pend> others are on their
 * way: 0 if at once, else at least 1. A limit of 0 is taken for one per period. */
uint32_t freqp_next_delay(const freq_ctr_period *c, uint32_t period, uint32_t freq, uint32_t pend, uint32_t now_ms);
