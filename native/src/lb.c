#include "engine.h"
#include "ctr.h"
#include "hash.h"

/* Virtual time that a server of weight 1 waits between two turns; weights divide it without much rounding. */
#define LB_SCALE (1ull << 32)

uint32_t lb_limit(const server *s)
{
    const srv_conf *c = &s->conf;
    uint32_t full = s->be->conf.fullconn;
    uint32_t load = at_peek(&s->be->live.cur);
    uint32_t limit;

    if (!c->maxconn || !c->minconn || c->minconn >= c->maxconn || load >= full)
        return c->maxconn;
    limit = (uint32_t)((uint64_t)c->maxconn * load / full);
    return limit < c->minconn ? c->minconn : limit;
}

int lb_take(server *s)
{
    return ctr_inc_below(&s->live.served, lb_limit(s)) != 0;
}

void lb_release(server *s)
{
    ctr32_sub(&s->live.served, 1);
}

static int usable(const backend *be, const server *s)
{
    return at_load(&s->live.up) && s->live.weight && !s->conf.backup == !be->use_backup;
}

/* --- round robin: earliest deadline first ---
 *
 * Each server's next turn has a virtual date; the soonest is served, and its date moves on by the inverse of its
 * weight. Turns of a heavy server are so spread evenly between those of the light ones. The first date is half an
 * interval, so that the lightest servers come in the middle of a cycle rather than at its end.
 */

static int before(const server *a, const server *b)
{
    if (a->deadline != b->deadline)
        return (int64_t)(a->deadline - b->deadline) < 0;
    return a->rank < b->rank;
}

static void heap_place(backend *be, uint32_t i, server *s)
{
    be->heap[i] = s;
    s->heap_pos = i;
}

static void heap_down(backend *be, uint32_t i)
{
    server *s = be->heap[i];

    for (;;) {
        uint32_t kid = 2 * i + 1;

        if (kid >= be->nheap)
            break;
        if (kid + 1 < be->nheap && before(be->heap[kid + 1], be->heap[kid]))
            kid++;
        if (!before(be->heap[kid], s))
            break;
        heap_place(be, i, be->heap[kid]);
        i = kid;
    }
    heap_place(be, i, s);
}

static int rr_build(backend *be)
{
    server **heap = realloc(be->heap, (be->nsrv ? be->nsrv : 1) * sizeof(*heap));

    if (!heap)
        return -ENOMEM;
    be->heap = heap;
    be->nheap = 0;
    for (uint32_t i = 0; i < be->nsrv; i++) {
        server *s = be->srv[i];

        s->heap_pos = UINT32_MAX;
        if (!usable(be, s))
            continue;
        s->deadline = LB_SCALE / s->live.weight / 2;
        heap_place(be, be->nheap++, s);
    }
    for (uint32_t i = be->nheap / 2; i-- > 0;)
        heap_down(be, i);
    return 0;
}

static int has_room(const server *s)
{
    uint32_t limit = lb_limit(s);

    return !limit || at_peek(&s->live.served) < limit;
}

/* Its turn is over: the next one comes an interval later. */
static void served(backend *be, server *s)
{
    s->deadline += LB_SCALE / s->live.weight;
    heap_down(be, s->heap_pos);
}

/* The soonest server that has a slot. Mostly that is the top; the others are looked through only when it is full. */
static server *rr_pick(backend *be, const server *avoid)
{
    server *s = be->nheap ? be->heap[0] : NULL;

    if (s && s != avoid && lb_take(s)) {
        served(be, s);
        return s;
    }
    for (;;) {
        s = NULL;
        for (uint32_t i = 0; i < be->nheap; i++) {
            server *other = be->heap[i];

            if (other != avoid && has_room(other) && (!s || before(other, s)))
                s = other;
        }
        if (!s)
            return NULL;
        if (lb_take(s)) {
            served(be, s);
            return s;
        }
    }
}

/* --- source: a map with a place for each unit of weight --- */

static int map_build(backend *be)
{
    uint32_t total = 0;
    server **map;

    for (uint32_t i = 0; i < be->nsrv; i++) {
        be->srv[i]->score = 0;
        if (usable(be, be->srv[i]))
            total += be->srv[i]->live.weight;
    }
    map = realloc(be->map, (total ? total : 1) * sizeof(*map));
    if (!map)
        return -ENOMEM;
    be->map = map;
    be->nmap = total;
    for (uint32_t at = 0; at < total; at++) {
        server *best = NULL;

        for (uint32_t i = 0; i < be->nsrv; i++) {
            server *s = be->srv[i];

            if (!usable(be, s))
                continue;
            s->score += s->live.weight;
            if (!best || s->score > best->score)
                best = s;
        }
        best->score -= total;
        map[at] = best;
    }
    return 0;
}

/* The client's server, whether it has a slot or not; NULL if none is up. */
static server *map_pick(backend *be, const conn *client, const server *avoid)
{
    uint32_t len = client->family == AF_INET ? 4 : client->family == AF_INET6 ? 16 : 0;
    uint32_t h;

    if (!be->nmap)
        return NULL;
    h = hash_address(client->addr, len);
    if (be->conf.avalanche)
        h = hash_avalanche(h);
    /* a client's server that is full keeps it waiting, one that failed is passed over: the next one on the map */
    for (uint32_t i = 0; i < be->nmap; i++) {
        server *s = be->map[(h + i) % be->nmap];

        if (s != avoid || be->nheap < 2)
            return s;
    }
    return NULL;
}

/* The next place of the map whose server has a slot, one round at most. */
static server *static_pick(backend *be, const server *avoid)
{
    for (uint32_t i = 0; i < be->nmap; i++) {
        server *s = be->map[be->at++ % be->nmap];

        if (s != avoid && lb_take(s))
            return s;
    }
    return NULL;
}

/* --- all algorithms --- */

static void count_servers(backend *be)
{
    uint32_t weight = 0, active = 0, backup = 0;

    for (uint32_t i = 0; i < be->nsrv; i++) {
        server *s = be->srv[i];

        if (!at_load(&s->live.up) || !s->live.weight)
            continue;
        if (s->conf.backup)
            backup++;
        else
            active++;
    }
    be->use_backup = !active && backup;
    for (uint32_t i = 0; i < be->nsrv; i++)
        if (usable(be, be->srv[i]))
            weight += be->srv[i]->live.weight;
    at_store(&be->live.weight, weight);
    at_store(&be->live.active, active);
    at_store(&be->live.backup, backup);
}

/* Of the backup servers only the first one is used. */
static void keep_first_backup(backend *be)
{
    if (!be->use_backup || be->nheap < 2 || be->conf.options & PX_O_ALLBACKUPS)
        return;

    server *first = NULL;

    for (uint32_t i = 0; i < be->nsrv && !first; i++)
        if (usable(be, be->srv[i]))
            first = be->srv[i];
    be->nheap = 1;
    heap_place(be, 0, first);
    if (be->map) {
        be->nmap = 1;
        be->map[0] = first;
    }
}

int lb_rebuild(backend *be)
{
    int ret;

    rw_wrlock(&be->lbprm);
    count_servers(be);
    ret = rr_build(be);
    if (!ret && be->conf.algo != LB_ROUNDROBIN)
        ret = map_build(be);
    if (!ret)
        keep_first_backup(be);
    rw_wrunlock(&be->lbprm);
    return ret;
}

void lb_free(backend *be)
{
    free(be->heap);
    free(be->map);
    be->heap = be->map = NULL;
}

int lb_pick(backend *be, const conn *client, const server *avoid, server **out)
{
    uint32_t n;
    int taken;

    if (be->conf.algo == LB_SOURCE) {
        rw_rdlock(&be->lbprm);
        n = be->nheap;
        *out = map_pick(be, client, avoid);
        taken = *out && lb_take(*out);
        rw_rdunlock(&be->lbprm);
    } else if (be->conf.algo == LB_STATIC_RR) {
        rw_wrlock(&be->lbprm);
        n = be->nheap;
        *out = static_pick(be, n > 1 ? avoid : NULL);
        taken = *out != NULL;
        rw_wrunlock(&be->lbprm);
    } else {
        rw_wrlock(&be->lbprm);
        n = be->nheap;
        *out = rr_pick(be, n > 1 ? avoid : NULL);
        if (!*out && avoid && n > 1)
            *out = rr_pick(be, NULL);
        taken = *out != NULL;
        rw_wrunlock(&be->lbprm);
    }
    if (taken)
        return LB_PICKED;
    return n ? LB_FULL : LB_DOWN;
}
