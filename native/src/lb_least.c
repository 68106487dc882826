/* "balance leastconn": the server with the fewest streams for its weight, those that it has and those that wait for it. Servers
 * of equal load are served in turn: whose load has changed stands behind its equals. */
#include "lb_algo.h"

#define EFFECTIVE_MAX (LB_WEIGHT_STEPS * LB_WEIGHT_MAX)

/* What <s> would have with one stream more, by its weight. All that are idle are equal, whatever their weights. */
static uint64_t key_of(const server *s)
{
    uint64_t load = (uint64_t)at_peek(&s->live.served) + at_peek(&s->live.queued);

    return load ? (load + 1) * EFFECTIVE_MAX / s->seat.weight : 0;
}

static int update(backend *be, server *s)
{
    return heap_update(s, be->lb, key_of);
}

static int build(backend *be)
{
    return heap_build(be, update);
}

static void load(backend *be, server *s)
{
    uint64_t key = key_of(s);

    if (s->seat.heap && heap_key(s) == key)
        return;
    heap_drop(s);
    heap_put(be->lb, s, key);
}

static int pick(backend *be, const server *avoid, server **out)
{
    return heap_pick(be, be->lb, avoid, out, load);
}

const lb_algo lb_leastconn = {
    .name = "leastconn",
    .build = build,
    .destroy = heap_destroy,
    .pick = pick,
    .update = update,
    .load = load,
    .by_load = 1,
    .dynamic = 1,
};
