/* A backend of any number of servers, without an engine. */
#pragma once
#include "check.h"
#include "engine.h"
#include "lb.h"

typedef struct farm {
    backend be;
    server *srv;
} farm;

/* A backend of <n> servers with these weights, or of 1 each (NULL), not yet built. */
static inline farm *farm_of(const be_conf *conf, uint32_t n, const uint32_t *weights)
{
    farm *f = calloc(1, sizeof(*f));

    REQUIRE(f);
    f->srv = calloc(n, sizeof(*f->srv));
    f->be.srv = calloc(n, sizeof(*f->be.srv));
    REQUIRE(f->srv && f->be.srv);
    rw_init(&f->be.lbprm, NULL, LBL_LBPRM);
    f->be.conf = *conf;
    f->be.nsrv = n;
    for (uint32_t i = 0; i < n; i++) {
        server *s = &f->srv[i];

        s->be = &f->be;
        s->rank = s->index = i;
        s->conf.id = i + 1;
        s->conf.weight = s->live.weight = weights ? weights[i] : 1;
        s->live.up = 1;
        f->be.srv[i] = s;
    }
    return f;
}

/* A backend of servers with these weights (0 ends the list), ready. */
static inline farm *farm_new(uint32_t algo, const uint32_t *weights)
{
    be_conf conf = {.algo = algo, .lb_draws = 2};
    uint32_t n = 0;

    while (weights[n])
        n++;

    farm *f = farm_of(&conf, n, weights);

    REQUIRE(lb_rebuild(&f->be) == 0);
    return f;
}

static inline void farm_del(farm *f)
{
    lb_free(&f->be);
    free(f->be.srv);
    free(f->srv);
    free(f);
}

/* The rank of the server that is picked, -1 if all are full, -2 if none is up. */
static inline int pick(farm *f, const lb_key *key, const server *avoid)
{
    server *s = NULL;

    switch (lb_pick(&f->be, key, avoid, &s)) {
    case LB_PICKED:
        return (int)s->rank;
    case LB_FULL:
        return -1;
    default:
        return -2;
    }
}

static inline int pick_hash(farm *f, uint32_t hash)
{
    lb_key key = {.hash = hash, .has = 1};

    return pick(f, &key, NULL);
}

/* Picks <n> times, and counts who was. */
static inline void pick_many(farm *f, uint32_t n, uint32_t *got)
{
    memset(got, 0, f->be.nsrv * sizeof(*got));
    for (uint32_t i = 0; i < n; i++) {
        int who = pick(f, NULL, NULL);

        REQUIRE(who >= 0);
        got[who]++;
    }
}

/* Server <i> is up or not, or of another weight. */
static inline void farm_set(farm *f, uint32_t i, uint32_t up, uint32_t weight)
{
    at_store(&f->srv[i].live.up, up);
    at_store(&f->srv[i].live.weight, weight);
    CHECK_EQ(lb_update(&f->srv[i]), 0);
}
