/* Rates of proxies, servers and listeners: events per second, and the most that there ever were in one.
 *
 * Each thread counts in its own shard; a rate is the sum of theirs. So is the most: it is looked at with each event, but the other
 * shards only when this one's part of it is larger than ever before, which is seldom.
 */
#pragma once
#ifndef LB_CFFI
#include "ctr.h"
#include "engine.h"

/* The rate of the last second over <n> shards; <kind> is one of PX_RATE_*. */
uint32_t rates_read(const px_shard *shards, uint32_t n, int kind, uint32_t now_ms);
/* <seen> events in this second and this shard are its most: those of all shards may be, too. */
void rates_peak(const px_shard *shards, uint32_t n, uint32_t tid, int kind, uint32_t seen, uint32_t *max, uint32_t now_ms);

/* Counts an event in the shard of thread <t>; <shards> and <live> belong to one object. */
static inline void rates_count(px_shard *shards, px_live *live, int kind, const thr *t)
{
    uint32_t n = t->eng->conf.nbthread, seen = freqp_update(&shards[t->tid].rate[kind], FREQ_SECOND, 1, t->now_ms);

    if (unlikely((uint64_t)seen * n > at_peek(&live->rate_max[kind])))
        rates_peak(shards, n, (uint32_t)t->tid, kind, seen, &live->rate_max[kind], t->now_ms);
}
#endif
