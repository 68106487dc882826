/* "balance roundrobin": servers in turn by their weights, smoothly, with weights that may change at any time.
 *
 * Time is counted in turns. A server of weight w has one turn in each W / w, where W is the weight of all; what does not divide is
 * carried over. Of those whose date has come the earliest is served. Servers that had no turn yet come, the heaviest first,
 * whenever nobody's date has come. An era is W turns long, counted in sixteenths of weights, and so has sixteen whole cycles;
 * servers whose next date lies behind its end wait for the next era, in which all begin anew. That is the order in which HAProxy
 * serves them, turn by turn.
 *
 *     fresh   had no turn in this era, heaviest first
 *     due     by the date of the next turn; at the same date the one that the smaller part of a turn is owed, then the heavier
 *     later   have had all their turns; the <fresh> ones of the next era
 */
#include "lb_algo.h"

#define EFFECTIVE_MAX (LB_WEIGHT_STEPS * LB_WEIGHT_MAX)

typedef struct rr {
    lb_heap due, pool[2];
    uint32_t era;   /* parity of the era: which of the pools is <fresh> */
    uint32_t len;   /* of this era; its first turn has this number */
    uint32_t now;   /* number of the turn */
    uint32_t total; /* weight of all usable servers now */
} rr;

static lb_heap *fresh(rr *r)
{
    return &r->pool[r->era];
}

static lb_heap *later(rr *r)
{
    return &r->pool[!r->era];
}

static void put_by_weight(lb_heap *h, server *s)
{
    heap_put(h, s, EFFECTIVE_MAX - s->seat.weight);
}

/* Puts <s> where its next turn is. */
static void put(rr *r, server *s)
{
    lb_seat *p = &s->seat;

    if (p->turn >= r->len + (r->len < r->total ? r->len : r->total))
        put_by_weight(later(r), s);
    else
        heap_put(&r->due, s, (uint64_t)LB_WEIGHT_MAX * p->turn + (EFFECTIVE_MAX + p->rest - p->weight) / LB_WEIGHT_STEPS);
}

static void destroy(backend *be)
{
    rr *r = be->lb;

    if (!r)
        return;
    heap_free(&r->due);
    heap_free(&r->pool[0]);
    heap_free(&r->pool[1]);
    free(r);
}

static int build(backend *be)
{
    rr *r = calloc(1, sizeof(*r)), *old = be->lb;

    if (!r || heap_init(&r->due, be) < 0 || heap_init(&r->pool[0], be) < 0 || heap_init(&r->pool[1], be) < 0) {
        be->lb = r;
        destroy(be);
        be->lb = old;
        return -ENOMEM;
    }
    destroy(be);
    be->lb = r;
    for (uint32_t i = 0; i < be->nsrv; i++) {
        server *s = be->srv[i];

        lb_unseat(s);
        if (!s->seat.now)
            continue;
        s->seat.weight = s->seat.now;
        r->total += s->seat.weight;
        put_by_weight(fresh(r), s);
    }
    r->len = r->now = r->total;
    return 0;
}

/* The one whose turn it is; NULL: the era is over. */
static server *next(rr *r)
{
    server *s = heap_top(&r->due), *first;

    if (s && s->seat.turn <= r->now)
        return s;
    first = heap_top(fresh(r));
    if (!first)
        return s;
    first->seat.turn = r->now;
    first->seat.rest = 0;
    return first;
}

/* <s> has its turn now, used or not: it leaves its place, and gets the date of the next one. */
static void turn(rr *r, server *s)
{
    lb_seat *p = &s->seat;

    heap_drop(s);
    p->last = p->turn;
    p->turn += r->total / p->weight;
    p->rest += r->total % p->weight;
    if (p->rest >= p->weight) {
        p->rest -= p->weight;
        p->turn++;
    }
    r->now++;
}

static void next_era(rr *r)
{
    r->era = !r->era;
    r->len = r->now = r->total;
}

/* Those that were passed over have had their turns. If a new era has begun meanwhile their dates mean nothing any more. */
static void put_back(rr *r, server *list, int new_era)
{
    while (list) {
        server *s = list;

        list = s->seat.aside;
        s->seat.aside = NULL;
        if (new_era)
            put_by_weight(fresh(r), s);
        else
            put(r, s);
    }
}

static int pick(backend *be, const server *avoid, server **out)
{
    rr *r = be->lb;
    server *passed = NULL, *s;
    int new_era = 0;

    for (;;) {
        s = next(r);
        if (!s) {
            if (new_era)
                break;
            new_era = 1;
            next_era(r);
            continue;
        }
        if (s != avoid && lb_slot(s))
            break;
        if (s != avoid && lb_stand_aside(s))
            continue;
        turn(r, s);
        s->seat.aside = passed;
        passed = s;
    }
    if (s) {
        turn(r, s);
        put(r, s);
    }
    put_back(r, passed, new_era);
    if (!s && avoid && avoid->be == be && avoid->seat.weight && lb_slot((server *)avoid))
        s = (server *)avoid;
    *out = s;
    return s ? LB_PICKED : LB_FULL;
}

/* A server that comes waits for its part of what is left of the era, so that it is not served at once each time it comes. */
static void enter(rr *r, server *s)
{
    lb_seat *p = &s->seat;
    uint32_t left = r->total + r->len > r->now ? r->total + r->len - r->now : 0;

    p->rest = 0;
    p->last = r->now;
    p->turn = r->now + left / p->weight;
    put(r, s);
}

static int update(backend *be, server *s)
{
    rr *r = be->lb;
    lb_seat *p = &s->seat;
    lb_heap *was = p->heap;
    uint32_t weight = p->now, planned = p->turn;

    heap_drop(s);
    r->total += weight - p->weight;
    p->weight = weight;
    if (!weight)
        return 0;
    if (!was) {
        enter(r, s);
    } else if (was != &r->due) {
        put_by_weight(was, s);
    } else {
        p->turn = p->last + r->total / weight; /* sooner or later than was planned, but never in the past */
        p->rest = 0;
        if (p->turn > planned)
            p->turn = planned;
        if (p->turn < r->now)
            p->turn = r->now;
        put(r, s);
    }
    return 0;
}

/* <s> stood aside while it was full. */
static void load(backend *be, server *s)
{
    rr *r = be->lb;

    if (s->seat.heap)
        return;
    s->seat.turn = s->seat.last = r->now;
    s->seat.rest = 0;
    put(r, s);
}

const lb_algo lb_roundrobin = {
    .name = "roundrobin",
    .build = build,
    .destroy = destroy,
    .pick = pick,
    .update = update,
    .load = load,
    .dynamic = 1,
};
