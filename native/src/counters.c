#include "counters.h"

void counters_add(lb_counters *out, const lb_counters *shard)
{
    enum {
        WORDS = sizeof(lb_counters) / sizeof(uint64_t),
        FIRST_MAX = offsetof(lb_counters, q_max) / sizeof(uint64_t),
    };
    const uint64_t *from = (const uint64_t *)shard;
    uint64_t *to = (uint64_t *)out;

    for (int w = 0; w < WORDS; w++) {
        uint64_t v = at_peek(&from[w]);

        if (w < FIRST_MAX)
            to[w] += v;
        else if (v > to[w])
            to[w] = v;
    }
}

void counters_sum(const lb_counters *shard, int n, lb_counters *out)
{
    memset(out, 0, sizeof(*out));
    for (int i = 0; i < n; i++)
        counters_add(out, &shard[i]);
}
