/* "balance first": the server with the lowest id that has a slot, so that the last ones may be switched off while there is little
 * to do. Weights count for nothing, but that 0 means none. */
#include "lb_algo.h"

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
        heap_put(be->lb, s, s->conf.id);
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

static int pick(backend *be, const server *avoid, server **out)
{
    return heap_pick(be, be->lb, avoid, out, NULL);
}

static void load(backend *be, server *s)
{
    if (!s->seat.heap)
        heap_put(be->lb, s, s->conf.id);
}

const lb_algo lb_firstfit = {
    .name = "first",
    .build = build,
    .destroy = destroy,
    .pick = pick,
    .update = update,
    .load = load,
    .dynamic = 1,
};
