#include "engine.h"
#include "queue.h"

static server *server_of(engine *e, int i)
{
    return i >= 0 && (uint32_t)i < e->nsrv ? e->srv[i] : NULL;
}

int eng_srv_state(engine *e, int i, uint32_t up, uint32_t weight, uint32_t held)
{
    server *s = server_of(e, i);

    if (!s || weight > LB_WEIGHT_MAX || held >= LB_WEIGHT_STEPS)
        return -EINVAL;
    at_store(&s->live.held, held);
    at_store(&s->live.weight, weight);
    at_store(&s->live.up, up);
    return lb_update(s);
}

int eng_be_dynamic(const engine *e, int i)
{
    return i >= 0 && (uint32_t)i < e->nbe && lb_is_dynamic(e->be[i]);
}

int eng_srv_leave(engine *e, int i)
{
    server *s = server_of(e, i);

    return s ? (int)queue_leave(s) : -EINVAL;
}

int eng_srv_grab(engine *e, int i)
{
    server *s = server_of(e, i);

    return s ? (int)queue_grab(s) : -EINVAL;
}

/* --- ending what uses one --- */

int eng_srv_moved(engine *e, int i)
{
    server *s = server_of(e, i);

    if (!s)
        return -EINVAL;
    s->moves++;
    return 0;
}

int eng_srv_end(engine *e, int i, uint32_t why)
{
    server *s = server_of(e, i);

    if (!s)
        return -EINVAL;
    for (uint32_t tid = 0; tid < e->conf.nbthread; tid++) {
        thr *t = &e->threads[tid];
        inmsg *m;

        if (!at_load(&t->running))
            continue;
        m = malloc(sizeof(*m));
        if (!m)
            return -ENOMEM;
        *m = (inmsg){.kind = IN_END, .srv = s, .fd = (int)why};
        thr_post(t, m);
    }
    return 0;
}

void server_end(thr *t, server *s, char why)
{
    idle_purge(t, s, 1);
    for (flow *f = t->all, *next; f; f = next) {
        next = f->next;
        if (f->srv == s && why)
            flow_shutdown(f, why);
        else if (!f->srv && f->b && f->b->srv == s)
            flow_detach_back(f, 0); /* kept for the client's next request */
    }
}
