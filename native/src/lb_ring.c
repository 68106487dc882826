/* "hash-type consistent", and "balance random": servers stand as points on a ring of hashes, sixteen for each unit of weight.
 *
 * A key belongs to the point that is nearest to its hash, before or behind it. When a server comes or goes only the keys next to
 * its points change hands. The points of a server are the hashes of sixteen times 256 numbers in a row, which begin at that
 * many times its id: so neither other servers nor its place in the configuration matter, and a smaller weight only takes the
 * last points away.
 *
 * The ring is an array by hash, written anew in one pass when a server changes, and read with a binary search.
 */
#include "ctr.h"
#include "hash.h"
#include "lb_algo.h"

#define POINTS_MAX (LB_WEIGHT_STEPS * LB_WEIGHT_MAX) /* of a server */

typedef struct point {
    uint32_t hash;
    uint32_t rank; /* of the server */
} point;

typedef struct ring {
    point *at;
    uint32_t n;     /* which is the weight of all, in sixteenths */
    uint32_t last;  /* hash of the point that was served last in turn */
    uint64_t draws; /* random: how many numbers were drawn, and where they began; atomic */
} ring;

/* --- making it --- */

/* Where the points of <s> begin. */
static uint32_t base(const server *s)
{
    const srv_conf *c = &s->conf;
    char addr[16];
    uint32_t key;
    int len = c->lb_node == LB_NODE_ID ? 0 : sock_addr_host(&c->addr, addr, sizeof(addr));

    if (len <= 0)
        return c->id * POINTS_MAX;
    key = c->lb_node == LB_NODE_ADDR_PORT ? hash_avalanche((uint32_t)sock_addr_port(&c->addr)) : 0;
    for (int i = 0; i < len; i += 4)
        key = hash_avalanche(key + hash_address(addr + i, 4));
    return key;
}

static uint32_t first_at(const point *at, uint32_t n, uint32_t hash)
{
    uint32_t low = 0;

    while (n) {
        uint32_t half = n / 2;

        if (at[low + half].hash < hash) {
            low += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return low;
}

/* Sorts by hash, a byte at a time from the lowest on; <other> is room for as many. */
static void sort(point *at, point *other, uint32_t n)
{
    for (int shift = 0; shift < 32; shift += 8) {
        uint32_t count[257] = {0};
        point *swap = at;

        for (uint32_t i = 0; i < n; i++)
            count[(at[i].hash >> shift & 255) + 1]++;
        for (int i = 1; i < 257; i++)
            count[i] += count[i - 1];
        for (uint32_t i = 0; i < n; i++)
            other[count[at[i].hash >> shift & 255]++] = at[i];
        at = other;
        other = swap;
    }
}

/* Writes the points of <s>, as many as its weight has sixteenths. */
static point *put_points(point *to, const server *s)
{
    uint32_t from = base(s);

    for (uint32_t i = 0; i < s->seat.weight; i++)
        *to++ = (point){.hash = hash_avalanche(from + i), .rank = s->rank};
    return to;
}

/* Notes of each server what weight stands before it. */
static void line_up(backend *be)
{
    uint32_t before = 0;

    for (uint32_t i = 0; i < be->nsrv; i++) {
        be->srv[i]->seat.before = before;
        before += be->srv[i]->seat.weight;
    }
}

static void destroy(backend *be)
{
    ring *r = be->lb;

    if (r)
        free(r->at);
    free(r);
}

/* Balancers that start together shall not draw the same numbers. */
static uint64_t seed(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int build(backend *be)
{
    ring *r = calloc(1, sizeof(*r)), *old = be->lb;
    uint32_t n = 0;
    point *to, *room;

    for (uint32_t i = 0; i < be->nsrv; i++)
        n += be->srv[i]->seat.now;
    if (r)
        r->at = malloc((n ? n : 1) * sizeof(*r->at));
    room = malloc((n ? n : 1) * sizeof(*room));
    if (!r || !r->at || !room) {
        free(r ? r->at : NULL);
        free(r);
        free(room);
        return -ENOMEM;
    }
    to = r->at;
    for (uint32_t i = 0; i < be->nsrv; i++) {
        lb_unseat(be->srv[i]);
        be->srv[i]->seat.weight = be->srv[i]->seat.now;
        to = put_points(to, be->srv[i]);
    }
    line_up(be);
    sort(r->at, room, n);
    free(room);
    r->n = n;
    r->last = old ? old->last : UINT32_MAX;
    r->draws = old ? old->draws : seed();
    destroy(be);
    be->lb = r;
    return 0;
}

/* Writes the ring <r> without the points of <s> but with the <n> at <mine>, which are in order. */
static void merge(const ring *r, uint32_t rank, const point *mine, uint32_t n, point *to)
{
    const point *end = mine + n;

    for (uint32_t i = 0; i < r->n; i++) {
        if (r->at[i].rank == rank)
            continue;
        while (mine < end && mine->hash <= r->at[i].hash)
            *to++ = *mine++;
        *to++ = r->at[i];
    }
    while (mine < end)
        *to++ = *mine++;
}

static int update(backend *be, server *s)
{
    ring *r = be->lb;
    uint32_t mine = s->seat.now, n = r->n - s->seat.weight + mine;
    point *at = malloc((n ? n : 1) * sizeof(*at)), *own = malloc((2 * mine + 1) * sizeof(*own));

    if (!at || !own) {
        free(at);
        free(own);
        return -ENOMEM;
    }
    s->seat.weight = mine;
    put_points(own, s);
    sort(own, own + mine, mine);
    merge(r, s->rank, own, mine, at);
    line_up(be);
    free(own);
    free(r->at);
    r->at = at;
    r->n = n;
    return 0;
}

/* --- choosing --- */

/* hash-balance-factor: whether <s> has fewer streams than the part of all that is its own, plus so much percent. */
static int has_share(const backend *be, const server *s)
{
    const ring *r = be->lb;
    uint64_t all = ((uint64_t)(at_peek(&be->live.served) + 1) * be->conf.lb_factor + 99) / 100;
    uint64_t rest = all % r->n, share = s->seat.weight * (all / r->n);

    /* what does not divide goes to the servers by their weights, each unit once */
    share += (s->seat.before + s->seat.weight) * rest / r->n - s->seat.before * rest / r->n;
    return at_peek(&s->live.served) < (share ? share : 1);
}

/* Whether the stream with this key goes on to the next point. */
static int is_left(const backend *be, const server *s, const server *avoid)
{
    if (s == avoid || (be->conf.lb_factor && !has_share(be, s)))
        return 1;
    return lb_overflows(s);
}

/* The place of the point next to <hash>, the one before it if both are as far. */
static uint32_t nearest(const ring *r, uint32_t hash)
{
    uint32_t next = first_at(r->at, r->n, hash), prev;

    if (next == r->n)
        next = 0;
    prev = next ? next - 1 : r->n - 1;
    return hash - r->at[prev].hash <= r->at[next].hash - hash ? prev : next;
}

/* There was no memory for the points of the only servers. */
static int is_empty(const backend *be)
{
    return !((const ring *)be->lb)->n;
}

/* The server of the key. The ring must not be empty. */
static server *find(backend *be, uint32_t hash, const server *avoid)
{
    const ring *r = be->lb;
    uint32_t i = nearest(r, hash);
    server *own = be->srv[r->at[i].rank], *s = own;

    for (uint32_t n = 1; n < r->n && is_left(be, s, avoid); n++)
        s = be->srv[r->at[(i + n) % r->n].rank];
    return is_left(be, s, avoid) && own != avoid ? own : s;
}

/* Its server, whether it has a slot or not. */
static int pick_key(backend *be, uint32_t hash, const server *avoid, server **out)
{
    if (is_empty(be))
        return LB_FULL;
    *out = find(be, hash, avoid);
    return lb_slot(*out) ? LB_PICKED : LB_FULL;
}

/* What has no key goes round the ring. */
static int pick(backend *be, const server *avoid, server **out)
{
    ring *r = be->lb;
    uint32_t i = r->last == UINT32_MAX ? 0 : first_at(r->at, r->n, r->last + 1);

    for (uint32_t n = 0; n < r->n; n++, i++) {
        server *s = be->srv[r->at[i % r->n].rank];

        if (s == avoid || !lb_slot(s))
            continue;
        r->last = r->at[i % r->n].hash;
        *out = s;
        return LB_PICKED;
    }
    return avoid ? pick(be, NULL, out) : LB_FULL;
}

const lb_algo lb_ring = {
    .name = "ring",
    .build = build,
    .destroy = destroy,
    .pick = pick,
    .pick_key = pick_key,
    .update = update,
    .dynamic = 1,
};

/* --- random --- */

/* The next number of a sequence that all threads draw from: a counter, mixed (S. Vigna's splitmix64). */
static uint32_t draw(ring *r)
{
    uint64_t z = ctr_add(&r->draws, 0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return (uint32_t)(z >> 32);
}

/* Of several servers found by chance the one with the least to do. If that one is full, all count as full. */
static int pick_random(backend *be, const server *avoid, server **out)
{
    ring *r = be->lb;
    server *best;

    if (is_empty(be))
        return LB_FULL;
    best = find(be, draw(r), avoid);
    for (uint32_t i = 1; i < be->conf.lb_draws; i++) {
        server *s = find(be, draw(r), avoid);

        if ((uint64_t)at_peek(&s->live.served) * best->seat.weight <= (uint64_t)at_peek(&best->live.served) * s->seat.weight)
            best = s;
    }
    if (!lb_slot(best))
        return LB_FULL;
    *out = best;
    return LB_PICKED;
}

const lb_algo lb_random = {
    .name = "random",
    .build = build,
    .destroy = destroy,
    .pick = pick_random,
    .update = update,
    .shared = 1,
    .dynamic = 1,
};
