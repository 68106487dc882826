#include "rates.h"

uint32_t rates_read(const px_shard *shards, uint32_t n, int kind, uint32_t now_ms)
{
    uint32_t sum = 0;

    for (uint32_t i = 0; i < n; i++)
        sum += freqp_read(&shards[i].rate[kind], FREQ_SECOND, now_ms);
    return sum;
}

void rates_peak(const px_shard *shards, uint32_t n, uint32_t tid, int kind, uint32_t seen, uint32_t *max, uint32_t now_ms)
{
    for (uint32_t i = 0; i < n; i++)
        if (i != tid)
            seen += freqp_read(&shards[i].rate[kind], FREQ_SECOND, now_ms);
    ctr32_max(max, seen);
}
