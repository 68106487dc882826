/* Requests that are sent once more: what is kept of them, and how the exchange begins anew. */
#include "asked.h"
#include "engine.h"
#include "exchange.h"

void exch_keep(flow *f, const char *s, uint32_t used)
{
    const be_conf *c = &f->be->conf;
    int stale = f->b->flags & CO_F_REUSED && f->flags & FL_IDEMPOTENT;
    int again = (c->retry_on & ~RETRY_CONN || c->retry_status[0]) && !(f->flags & FL_NO_L7);

    if (f->rq != RQ_DONE || used > f->t->eng->conf.bufsize || !(stale || again))
        return;
    if (buf_set(&f->t->bufs, &f->keep, s, used) == 0 && stale)
        f->flags |= FL_RETRYABLE;
}

/* The kept request becomes input again, before what the client sent after it. 0 or -ENOMEM. */
static int restore_input(flow *f)
{
    bufpool *p = &f->t->bufs;

    if (f->req.in.len && buf_append(p, &f->keep, buf_data(&f->req.in), f->req.in.len) < 0)
        return -ENOMEM;
    buf_release(p, &f->req.in);
    f->req.in = f->keep;
    f->keep = (buf){0};
    f->flags |= FL_UNSENT;
    if (f->req.body == BODY_LEN) {
        f->req.left = f->body_len;
        f->rq = RQ_BODY;
    }
    return 0;
}

/* The server's side begins anew. */
static void rewind_server(flow *f)
{
    bufpool *p = &f->t->bufs;

    f->flags &= ~(FL_RETRYABLE | FL_RS_STARTED);
    buf_release(p, &f->req.out);
    buf_release(p, &f->res.in);
    free(f->head);
    f->head = NULL;
    f->req.total = 0;
    flow_detach_back(f, 0);
    f->rs = RS_NONE;
    f->cs = CS_NONE;
    flow_later(f);
}

/* The next attempt is another server's. */
static void elsewhere(flow *f)
{
    cnt_inc(f->srv->shard[f->t->tid].c.redispatches);
    cnt_inc(f->be->shard[f->t->tid].c.redispatches);
    f->flags |= FL_REDISP;
    flow_leave_server(f);
}

int exch_retry(flow *f, uint32_t why, int status)
{
    const be_conf *c = &f->be->conf;
    int wanted = (c->retry_on & why) != 0;

    for (int i = 0; status && i < RETRY_STATUSES && c->retry_status[i]; i++)
        wanted |= c->retry_status[i] == status;
    if (!wanted || f->flags & FL_NO_L7 || !f->keep.len || f->retries >= f->max_retries || restore_input(f) < 0)
        return 0;
    f->retries++;
    cnt_inc(f->srv->shard[f->t->tid].c.retries);
    cnt_inc(f->be->shard[f->t->tid].c.retries);
    /* each time, whichever attempt the option names */
    if (c->redispatch && flow_has_choice(f) && !(f->asked && f->asked->said & V_F_FORCE))
        elsewhere(f);
    rewind_server(f);
    return 1;
}

int exch_resend(flow *f)
{
    if (!f->b || !(f->b->flags & CO_F_REUSED) || f->flags & (FL_RS_STARTED | FL_RETRIED_STALE))
        return 0;
    /* nothing of it was sent yet: the input is still there. Otherwise it must be a request that may be sent twice, and have
     * been kept: RFC 9110 9.2.2, RFC 9112 9.3.1 */
    if (f->cs == CS_EST && (!(f->flags & FL_RETRYABLE) || restore_input(f) < 0))
        return 0;
    f->flags |= FL_RETRIED_STALE;
    rewind_server(f);
    return 1;
}
