/* "balance first": the server with the lowest id that has a slot, so that the last ones may be switched off while there is little
 * to do. Weights count for nothing, but that 0 means none. */
#include "lb_algo.h"

/* What its place is told by. */
static uint64_t id_of(const server *s)
{
    return s->conf.id;
}

static int update(backend *be, server *s)
{
    return heap_update(s, be->lb, id_of);
}

static int build(backend *be)
{
    return heap_build(be, update);
}

static int pick(backend *be, const server *avoid, server **out)
{
    return heap_pick(be, be->lb, avoid, out, NULL);
}

static void load(backend *be, server *s)
{
    if (!s->seat.heap)
        heap_put(be->lb, s, id_of(s));
}

const lb_algo lb_firstfit = {
    .name = "first",
    .build = build,
    .destroy = heap_destroy,
    .pick = pick,
    .update = update,
    .load = load,
    .dynamic = 1,
};
