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

static void destroy(backend *be)
{
    if (be->lb)
        heap_free(be->lb);
    free(be->lb);
}

static int update(backend *be, server *s)
{
    heap_drop(s);
    s->seat.weight = s->seat.now;
    if (s->seat.weight)
        heap_put(be->lb, s, key_of(s));
    return 0;
}

static int build(backend *be)
{
    lb_heap *h = malloc(sizeof(*h));

    if (!h || heap_init(h, be) < 0) {
        free(h);
        return -ENOMEM;
    }
    destroy(be);
    be->lb = h;
    for (uint32_t i = 0; i < be->nsrv; i++) {
        lb_unseat(be->srv[i]);
        update(be, be->srv[i]);
    }
    return 0;
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
    .destroy = destroy,
    .pick = pick,
    .update = update,
    .load = load,
    .by_load = 1,
    .dynamic = 1,
};
