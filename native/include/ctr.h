/* Counters that any thread may change at any time, without a lock: totals, gauges held against a limit, maxima.
 *
 * A counter is a plain integer, naturally aligned, owned by the caller; zero it to begin. Arithmetic wraps. Changes of
 * one counter are in one order that all threads agree on; between two counters nothing is promised.
 */
#pragma once
#ifndef LB_CTR_H
#define LB_CTR_H
#include "base.h"
#endif

/* Adds or subtracts, and returns the new value. */
uint64_t ctr_add(uint64_t *c, uint64_t n);
uint64_t ctr_sub(uint64_t *c, uint64_t n);
uint32_t ctr32_add(uint32_t *c, uint32_t n);
uint32_t ctr32_sub(uint32_t *c, uint32_t n);

/* Raises the counter to <v> if it is lower; returns what it is then. */
uint64_t ctr_max(uint64_t *c, uint64_t v);
uint32_t ctr32_max(uint32_t *c, uint32_t v);

/* Adds one unless the counter has reached <limit>; a limit of 0 is none. Returns the new value, 0 if refused. However
 * many threads try, the counter never passes the limit. (A gauge of connections is 32 bits wide, hence the short
 * name.) */
uint32_t ctr_inc_below(uint32_t *c, uint32_t limit);
uint64_t ctr64_inc_below(uint64_t *c, uint64_t limit);

uint64_t ctr_read(const uint64_t *c);
uint32_t ctr32_read(const uint32_t *c);

/* A zero counter on the heap, alone in its cache line, for Python. NULL without memory. */
uint64_t *ctr_new(void);
void ctr_del(uint64_t *c);
