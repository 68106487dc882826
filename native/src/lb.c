/* What all balance algorithms share: slots and limits, which servers may be picked, and the way to the algorithm. */
#include "ctr.h"
#include "lb_algo.h"

static const lb_algo *const ALGOS[] = {
    [LB_ROUNDROBIN] = &lb_roundrobin, [LB_STATIC_RR] = &lb_map, [LB_LEASTCONN] = &lb_leastconn,
    [LB_FIRST] = &lb_firstfit,        [LB_RANDOM] = &lb_random, [LB_HASH] = &lb_map,
};

/* --- slots --- */

/* Whether the limit depends on the load of the backend, and so may change while nothing comes or goes here. */
static int limit_moves(const srv_conf *c)
{
    return c->maxconn && c->minconn && c->minconn < c->maxconn;
}

uint32_t lb_limit(const server *s)
{
    const srv_conf *c = &s->conf;
    uint32_t full = s->be->conf.fullconn;
    uint32_t load = at_peek(&s->be->live.cur);
    uint32_t limit;

    if (!limit_moves(c) || load >= full)
        return at_peek(&c->maxconn);
    limit = (uint32_t)((uint64_t)c->maxconn * load / full);
    return limit < c->minconn ? c->minconn : limit;
}

int lb_slot(server *s)
{
    return ctr_inc_below(&s->live.served, lb_limit(s)) != 0;
}

int lb_has_room(const server *s)
{
    uint32_t limit = lb_limit(s);

    return !limit || at_peek(&s->live.served) < limit;
}

int lb_overflows(const server *s)
{
    uint32_t affinity = s->be->conf.lb_affinity, most = s->conf.maxqueue;

    if (affinity == LB_AFFINITY_ALWAYS || lb_has_room(s))
        return 0;
    return affinity == LB_AFFINITY_MAXCONN || (most && at_peek(&s->live.queued) >= most);
}

/* The flag is set before the slots are looked at, and lb_release() does both the other way round: in the order that all threads
 * see, one of them comes to know of the other. */
int lb_stand_aside(server *s)
{
    uint32_t limit = lb_limit(s);

    if (limit_moves(&s->conf))
        return 0;
    __atomic_store_n(&s->lb_full, 1, __ATOMIC_SEQ_CST);
    if (!limit || __atomic_load_n(&s->live.served, __ATOMIC_SEQ_CST) < limit) {
        at_store(&s->lb_full, 0);
        return 0;
    }
    heap_drop(s);
    return 1;
}

/* The load of <s> has changed. */
static void tell(server *s)
{
    backend *be = s->be;

    rw_wrlock(&be->lbprm);
    at_store(&s->lb_full, 0);
    if (s->seat.weight && be->lb_algo->load)
        be->lb_algo->load(be, s);
    rw_wrunlock(&be->lbprm);
}

static int follows_load(const backend *be)
{
    const lb_algo *algo = at_peek(&be->lb_algo);

    return algo && algo->by_load;
}

int lb_take(server *s)
{
    if (!lb_slot(s))
        return 0;
    if (follows_load(s->be))
        tell(s);
    return 1;
}

void lb_release(server *s)
{
    __atomic_sub_fetch(&s->live.served, 1, __ATOMIC_SEQ_CST);
    if (follows_load(s->be) || __atomic_load_n(&s->lb_full, __ATOMIC_SEQ_CST))
        tell(s);
}

void lb_load_changed(server *s)
{
    if (follows_load(s->be))
        tell(s);
}

/* --- which servers may be picked --- */

typedef struct census {
    uint32_t active, backup;
    server *first; /* backup server */
} census;

/* Notes the weight of <s>, and counts it if it is up and has one. */
static void look_at(server *s, census *c)
{
    uint32_t weight = at_load(&s->live.up) ? at_peek(&s->live.weight) : 0, held = at_peek(&s->live.held);

    s->seat.plain = weight;
    s->seat.now = weight * (held < LB_WEIGHT_STEPS ? LB_WEIGHT_STEPS - held : 1);
    if (!weight)
        return;
    if (!s->conf.backup)
        c->active++;
    else if (!c->backup++)
        c->first = s;
}

/* Notes which servers are used: the active ones, or if there is none the backup ones, or only the first of these. Whether other
 * ones than before are meant. */
static int choose_group(backend *be, const census *c)
{
    uint32_t use_backup = !c->active && c->backup;
    server *first = use_backup && !(be->conf.options & PX_O_ALLBACKUPS) ? c->first : NULL;
    int changed = use_backup != be->use_backup || first != be->lb_first;

    be->use_backup = use_backup;
    be->lb_first = first;
    return changed;
}

/* Looks at all servers anew. As choose_group(). */
static int settle(backend *be)
{
    uint32_t weight = 0, usable = 0;
    census c = {0};
    int changed;

    for (uint32_t i = 0; i < be->nsrv; i++)
        look_at(be->srv[i], &c);
    changed = choose_group(be, &c);
    for (uint32_t i = 0; i < be->nsrv; i++) {
        server *s = be->srv[i];

        if (!s->conf.backup != !be->use_backup || (be->lb_first && be->lb_first != s))
            s->seat.plain = s->seat.now = 0;
        usable += s->seat.plain != 0;
        weight += s->seat.plain;
    }
    be->lb_usable = usable;
    at_store(&be->live.weight, weight);
    at_store(&be->live.active, c.active);
    at_store(&be->live.backup, c.backup);
    return changed;
}

static int build(backend *be)
{
    const lb_algo *algo = be->conf.algo == LB_HASH && be->conf.lb_type == LB_TYPE_CONSISTENT ? &lb_ring : ALGOS[be->conf.algo];
    int ret = algo->build(be);

    if (ret < 0)
        return ret;
    at_store(&be->lb_algo, algo);
    for (uint32_t i = 0; i < be->nsrv; i++)
        at_store(&be->srv[i]->lb_full, 0);
    return 0;
}

/* Places <s> anew, and all others of which something has changed too: their own lb_update() comes later, but what they are counted
 * as and how they are placed must not differ. */
static int update(backend *be, server *s)
{
    int ret = 0;

    for (uint32_t i = 0; i < be->nsrv; i++) {
        server *other = be->srv[i];

        if (other != s && other->seat.now == other->seat.weight)
            continue;
        at_store(&other->lb_full, 0);
        if (be->lb_algo->update(be, other) < 0)
            ret = -ENOMEM;
    }
    return ret;
}

int lb_rebuild(backend *be)
{
    int ret;

    rw_wrlock(&be->lbprm);
    settle(be);
    ret = build(be);
    rw_wrunlock(&be->lbprm);
    return ret;
}

int lb_update(server *s)
{
    backend *be = s->be;
    int changed, ret;

    rw_wrlock(&be->lbprm);
    changed = settle(be);
    ret = changed || !be->lb_algo || !be->lb_algo->update ? build(be) : update(be, s);
    rw_wrunlock(&be->lbprm);
    return ret;
}

void lb_free(backend *be)
{
    if (be->lb_algo)
        be->lb_algo->destroy(be);
    be->lb_algo = NULL;
    be->lb = NULL;
}

int lb_is_dynamic(const backend *be)
{
    return be->lb_algo && be->lb_algo->dynamic;
}

/* --- choosing --- */

static int pick_by_key(backend *be, uint32_t hash, const server *avoid, server **out)
{
    int ret = LB_DOWN;

    rw_rdlock(&be->lbprm);
    if (be->lb_usable)
        ret = be->lb_algo->pick_key(be, hash, be->lb_usable > 1 ? avoid : NULL, out);
    rw_rdunlock(&be->lbprm);
    return ret;
}

static int pick_shared(backend *be, const server *avoid, server **out)
{
    int ret = LB_DOWN;

    rw_rdlock(&be->lbprm);
    if (be->lb_usable)
        ret = be->lb_algo->pick(be, be->lb_usable > 1 ? avoid : NULL, out);
    rw_rdunlock(&be->lbprm);
    return ret;
}

static int pick_alone(backend *be, const server *avoid, server **out)
{
    int ret = LB_DOWN;

    rw_wrlock(&be->lbprm);
    if (be->lb_usable)
        ret = be->lb_algo->pick(be, be->lb_usable > 1 ? avoid : NULL, out);
    rw_wrunlock(&be->lbprm);
    return ret;
}

int lb_pick(backend *be, const lb_key *key, const server *avoid, server **out)
{
    const lb_algo *algo = at_load(&be->lb_algo);

    *out = NULL;
    if (algo->pick_key && key && key->has)
        return pick_by_key(be, key->hash, avoid, out);
    return algo->shared ? pick_shared(be, avoid, out) : pick_alone(be, avoid, out);
}
