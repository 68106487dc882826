#include "queue.h"
#include "asked.h"
#include "ctr.h"
#include "engine.h"

int queue_takes_down(const flow *f)
{
    uint32_t said = f->asked ? f->asked->said : 0;

    return said & V_F_FORCE || (said & V_F_STICKY && f->be->conf.options & PX_O_PERSIST);
}

/* --- the queues; LBL_QUEUE must be held --- */

/* The date that the clock of <now_ms>, which comes round, shows. Offsets go both ways from it; threads' clocks differ by little. */
static uint64_t date_of(flow_queue *q, const flow *f)
{
    uint32_t now = f->t->now_ms;

    if (!at_load(&f->be->live.queued))
        q->date = (uint64_t)1 << 32 | now;
    else if ((int32_t)(now - (uint32_t)q->date) > 0)
        q->date += now - (uint32_t)q->date;
    return q->date;
}

static pend_heap *heap_of(const flow *f)
{
    if (!f->qsrv)
        return &f->be->queue.any;
    return queue_takes_down(f) ? &f->qsrv->queue.stays : &f->qsrv->queue.leaves;
}

static uint32_t *passed_of(const flow *f)
{
    return f->qsrv ? &f->qsrv->queue.passed : &f->be->queue.passed;
}

/* Adds <f>, which wants <only>; how many wait now. */
static uint32_t link_flow(flow_queue *q, flow *f, server *only)
{
    const asked *own = f->asked;

    f->qsrv = only;
    f->qmark = *passed_of(f);
    f->pend.order = q->order++;
    f->pend.key = pend_key(own ? own->prio_class : 0, own ? own->prio_offset : 0, date_of(q, f));
    f->queue = heap_of(f);
    pend_put(f->queue, &f->pend);
    if (only) {
        at_store(&q->choosy, q->choosy + 1);
        ctr32_max(&only->live.queued_max, ctr32_add(&only->live.queued, 1));
    }
    return ctr32_add(&f->be->live.queued, 1);
}

static void unlink_flow(flow_queue *q, flow *f)
{
    uint32_t place = *passed_of(f) - f->qmark + 1;

    pend_drop(f->queue, &f->pend);
    f->queue = NULL;
    ctr32_sub(&f->be->live.queued, 1);
    if (!f->qsrv) {
        f->qbe += place;
        return;
    }
    f->qonly += place;
    at_store(&q->choosy, q->choosy - 1);
    ctr32_sub(&f->qsrv->live.queued, 1);
}

static flow *flow_of(pendconn *p)
{
    return p ? (flow *)((char *)p - offsetof(flow, pend)) : NULL;
}

/* The first that waits for <srv> and no other, and may have it. */
static pendconn *first_alone(const server *srv)
{
    pendconn *stays = srv->queue.stays.top, *leaves = srv->queue.leaves.top;

    if (!at_load(&srv->live.up))
        return stays;
    return pend_before(leaves, stays) ? leaves : stays;
}

/* Those that want any server do not mean one that is not balanced to now, nor a backup server while others are up. */
static int takes_any(const server *srv)
{
    return at_load(&srv->live.up) && at_load(&srv->live.weight) &&
           (!srv->conf.backup || !at_load(&srv->be->live.active));
}

/* The first that <srv> may serve. */
static flow *first_for(const flow_queue *q, const server *srv)
{
    pendconn *any = takes_any(srv) ? q->any.top : NULL, *alone = first_alone(srv);

    return flow_of(pend_before(any, alone) ? any : alone);
}

/* --- getting in and out --- */

void queue_add(flow *f, server *only)
{
    flow_queue *q = &f->be->queue;

    uint32_t all;

    spin_lock(&q->lock);
    all = link_flow(q, f, only);
    spin_unlock(&q->lock);
    if (only)
        lb_load_changed(only);
    ctr32_max(&f->be->live.queued_max, all);
}

uint32_t queue_place(const flow *f)
{
    uint32_t n = 0;

    spin_lock(&f->be->queue.lock);
    if (f->queue)
        n = pend_place(f->queue, &f->pend);
    spin_unlock(&f->be->queue.lock);
    return n;
}

void queue_remove(flow *f)
{
    server *only = NULL;

    if (f->cs != CS_QUEUE || !f->be)
        return;
    spin_lock(&f->be->queue.lock);
    if (f->queue) {
        only = f->qsrv;
        unlink_flow(&f->be->queue, f);
    } else {
        f->gen = ++f->t->flow_gen; /* a server is on its way to it, and must not reach what the flow does next */
    }
    spin_unlock(&f->be->queue.lock);
    if (only)
        lb_load_changed(only);
    f->cs = CS_NONE;
}

/* --- serving --- */

/* Whether somebody waits for <srv> and no other, and may have it. */
static int is_wanted(backend *be, const server *srv)
{
    int wanted;

    if (!at_load(&be->queue.choosy))
        return 0;
    spin_lock(&be->queue.lock);
    wanted = first_alone(srv) != NULL;
    spin_unlock(&be->queue.lock);
    return wanted;
}

/* Takes the first that <srv>, of which a slot was taken, may serve out of the queue, and writes <m> for its thread, which
 * it returns; NULL if nobody waits. */
static thr *pop(backend *be, server *srv, inmsg *m)
{
    thr *to = NULL;

    spin_lock(&be->queue.lock);
    flow *f = first_for(&be->queue, srv);

    if (f) {
        unlink_flow(&be->queue, f);
        ++*passed_of(f);
        *m = (inmsg){.kind = IN_FLOW, .flow = f, .gen = f->gen, .srv = srv};
        to = f->t;
    }
    spin_unlock(&be->queue.lock);
    return to;
}

static int has_some_for(backend *be, const server *srv)
{
    int waits;

    spin_lock(&be->queue.lock);
    waits = first_for(&be->queue, srv) != NULL;
    spin_unlock(&be->queue.lock);
    return waits;
}

/* Gives the slot taken on <srv> to the first who waits for it. 1: done; 0: nobody does, the slot was given back. */
static int hand_over(backend *be, server *srv, inmsg *m)
{
    thr *to = pop(be, srv, m);

    if (!to) {
        lb_release(srv);
        return 0;
    }
    lb_load_changed(srv);
    thr_post(to, m);
    return 1;
}

/* Who comes between the two looks serves the queue himself. */
int queue_wants_any(const backend *be)
{
    uint32_t all = at_load(&be->live.queued);

    return at_load(&be->queue.choosy) != all;
}

/* A slot for those who wait in <be>: on <freed> if each waits for a server of its own, else on any. */
static server *find_slot(backend *be, server *freed)
{
    server *srv = NULL;

    if (freed && is_wanted(be, freed) && lb_take(freed))
        return freed;
    if (!queue_wants_any(be))
        return NULL;
    return lb_pick(be, NULL, NULL, &srv) == LB_PICKED ? srv : NULL;
}

/* Who took a slot and found nobody to have it looks again after giving it back: somebody may have come meanwhile who saw the
 * slot taken. The message is allocated before, so that nothing can fail once a flow has left the queue. */
void queue_serve(backend *be, server *freed)
{
    while (at_load(&be->live.queued)) {
        inmsg *m = malloc(sizeof(*m));
        server *srv = m ? find_slot(be, freed) : NULL;

        if (srv && hand_over(be, srv, m))
            continue;
        free(m);
        if (!srv || !has_some_for(be, srv))
            return;
    }
}

void queue_return_slot(server *srv)
{
    lb_release(srv);
    queue_serve(srv->be, srv);
}

uint32_t queue_grab(server *srv)
{
    backend *be = srv->be;
    uint32_t n = 0;

    while (at_load(&be->live.queued) && has_some_for(be, srv)) {
        inmsg *m = malloc(sizeof(*m));

        if (!m || !lb_take(srv)) {
            free(m);
            break;
        }
        if (hand_over(be, srv, m))
            n++;
        else
            free(m);
    }
    return n;
}

/* Takes the first who can leave <srv> out of its queue, and writes <m> for its thread, which it returns. */
static thr *pop_leaving(server *srv, inmsg *m)
{
    flow_queue *q = &srv->be->queue;
    thr *to = NULL;
    flow *f;

    spin_lock(&q->lock);
    f = flow_of(srv->queue.leaves.top);
    if (f) {
        unlink_flow(q, f);
        *m = (inmsg){.kind = IN_LOOK, .flow = f, .gen = f->gen, .srv = srv};
        to = f->t;
    }
    spin_unlock(&q->lock);
    return to;
}

uint32_t queue_leave(server *srv)
{
    uint32_t n = 0;

    while (at_load(&srv->live.queued)) {
        inmsg *m = malloc(sizeof(*m));
        thr *to = m ? pop_leaving(srv, m) : NULL;

        if (!to) {
            free(m);
            break;
        }
        lb_load_changed(srv);
        thr_post(to, m);
        n++;
    }
    return n;
}
