/* "balance static-rr", and the algorithms that hash with "hash-type map-based": a map with a place for each unit of weight. The
 * one goes round it; for the others a hash, modulo its length, tells the place. All has to be made anew when a server comes or
 * goes, which sends most keys to other servers.
 *
 * Weights are divided by what the configured ones have in common, so that the map is as short as can be. It is filled step by step:
 * each server's share grows by its weight, and a place costs the length of the map. The place goes to the server that could pay
 * for most of them, counted in whole places with one on credit, and of equals to the first in the configuration. That is HAProxy's
 * map, place by place.
 *
 * Counted in whole places a server changes its rank only when it has saved for another one, which is known ahead: all of them
 * together w_1 + w_2 + ... times. So it takes no look at each server for each place.
 */
#include "lb_algo.h"

#define CREDITS 4 /* 0: owes one; 1: owns a part of one; 2, 3: could pay one, two */
#define WORD 64

typedef struct map {
    server **place;
    uint32_t n;
    uint32_t at; /* static-rr: the next turn */
} map;

/* Who is how rich, while a map is made. */
typedef struct purse {
    server *s;
    uint32_t weight;
    uint32_t saved;  /* whole places that were paid in so far */
    uint32_t spent;  /* places that it got */
    uint32_t next;   /* the next one that saves a place at the same step, UINT32_MAX: none */
} purse;

typedef struct draft {
    purse *purse;
    uint32_t n, words;
    uint64_t *rank[CREDITS]; /* bit i: purse i has so much credit */
    uint32_t *step;          /* by step: the first of those that save a place then */
    uint32_t total;
} draft;

static uint32_t divisor(uint32_t a, uint32_t b)
{
    while (b) {
        uint32_t rest = a % b;

        a = b;
        b = rest;
    }
    return a;
}

/* What all configured weights have in common, whether their servers are up or not. */
static uint32_t unit(const backend *be)
{
    uint32_t d = 0;

    for (uint32_t i = 0; i < be->nsrv; i++)
        d = divisor(d, be->srv[i]->conf.weight);
    return d ? d : 1;
}

static uint32_t credit(const purse *p)
{
    return p->saved + 1 - p->spent;
}

static void set_rank(draft *d, uint32_t i)
{
    uint32_t c = credit(&d->purse[i]);

    d->rank[c < CREDITS ? c : CREDITS - 1][i / WORD] |= 1ull << (i % WORD);
}

static void drop_rank(draft *d, uint32_t i)
{
    uint32_t c = credit(&d->purse[i]);

    d->rank[c < CREDITS ? c : CREDITS - 1][i / WORD] &= ~(1ull << (i % WORD));
}

/* Notes the step at which purse <i> has saved its next place: the first one at which (step + 1) * weight reaches it. */
static void plan(draft *d, uint32_t i)
{
    purse *p = &d->purse[i];
    uint64_t step = ((uint64_t)(p->saved + 1) * d->total + p->weight - 1) / p->weight - 1;

    if (step >= d->total)
        return;
    p->next = d->step[step];
    d->step[step] = i;
}

static void pay_in(draft *d, uint32_t step)
{
    uint32_t i = d->step[step], next;

    for (; i != UINT32_MAX; i = next) {
        next = d->purse[i].next;
        drop_rank(d, i);
        d->purse[i].saved++;
        set_rank(d, i);
        plan(d, i);
    }
}

/* The first of the richest. */
static uint32_t richest(const draft *d)
{
    for (uint32_t c = CREDITS; c-- > 0;)
        for (uint32_t w = 0; w < d->words; w++)
            if (d->rank[c][w])
                return w * WORD + (uint32_t)__builtin_ctzll(d->rank[c][w]);
    return 0;
}

static void fill(draft *d, server **place)
{
    for (uint32_t i = 0; i < d->n; i++) {
        set_rank(d, i);
        plan(d, i);
    }
    for (uint32_t step = 0; step < d->total; step++) {
        uint32_t i;

        pay_in(d, step);
        i = richest(d);
        place[step] = d->purse[i].s;
        drop_rank(d, i);
        d->purse[i].spent++;
        set_rank(d, i);
    }
}

static void draft_free(draft *d)
{
    free(d->purse);
    free(d->rank[0]);
    free(d->step);
}

static int draft_init(draft *d, const backend *be)
{
    uint32_t per = unit(be), room = be->nsrv ? be->nsrv : 1;

    *d = (draft){.words = (room + WORD - 1) / WORD};
    d->purse = calloc(room, sizeof(*d->purse));
    d->rank[0] = calloc((size_t)d->words * CREDITS, sizeof(uint64_t));
    if (!d->purse || !d->rank[0])
        return -ENOMEM;
    for (uint32_t c = 1; c < CREDITS; c++)
        d->rank[c] = d->rank[c - 1] + d->words;
    for (uint32_t i = 0; i < be->nsrv; i++) {
        server *s = be->srv[i];
        uint32_t weight = (s->seat.plain + per - 1) / per;

        if (!weight)
            continue;
        d->purse[d->n++] = (purse){.s = s, .weight = weight};
        d->total += weight;
    }
    d->step = malloc((d->total ? d->total : 1) * sizeof(*d->step));
    if (!d->step)
        return -ENOMEM;
    memset(d->step, 0xff, d->total * sizeof(*d->step));
    return 0;
}

static void destroy(backend *be)
{
    map *m = be->lb;

    if (m)
        free(m->place);
    free(m);
}

static int build(backend *be)
{
    draft d;
    map *m = calloc(1, sizeof(*m));
    int ret = draft_init(&d, be);

    if (m && !ret)
        m->place = malloc((d.total ? d.total : 1) * sizeof(*m->place));
    if (!m || !m->place) {
        free(m);
        draft_free(&d);
        return -ENOMEM;
    }
    fill(&d, m->place);
    m->n = d.total;
    if (be->lb)
        m->at = ((map *)be->lb)->at;
    draft_free(&d);
    destroy(be);
    be->lb = m;
    for (uint32_t i = 0; i < be->nsrv; i++) {
        lb_unseat(be->srv[i]);
        be->srv[i]->seat.weight = be->srv[i]->seat.now;
    }
    return 0;
}

/* The next place of the map whose server has a slot, one round at most. */
static int pick(backend *be, const server *avoid, server **out)
{
    map *m = be->lb;

    if (m->at >= m->n)
        m->at = 0;
    for (uint32_t i = 0; i < m->n; i++) {
        server *s = m->place[(m->at + i) % m->n];

        if (s == avoid || !lb_slot(s))
            continue;
        m->at = (m->at + i + 1) % m->n;
        *out = s;
        return LB_PICKED;
    }
    if (!avoid)
        return LB_FULL;
    return pick(be, NULL, out);
}

/* Whether the stream with this key goes on to the next place. */
static int is_left(const server *s, const server *avoid)
{
    return s == avoid || lb_overflows(s);
}

/* The server of the key, whether it has a slot or not. */
static int pick_key(backend *be, uint32_t hash, const server *avoid, server **out)
{
    const map *m = be->lb;
    server *s;

    if (!m->n)
        return LB_FULL;
    s = m->place[hash % m->n];
    for (uint32_t i = 1; i < m->n && is_left(s, avoid); i++)
        s = m->place[(hash % m->n + i) % m->n];
    *out = is_left(s, avoid) && m->place[hash % m->n] != avoid ? m->place[hash % m->n] : s;
    return lb_slot(*out) ? LB_PICKED : LB_FULL;
}

const lb_algo lb_map = {
    .name = "map",
    .build = build,
    .destroy = destroy,
    .pick = pick,
    .pick_key = pick_key,
};
