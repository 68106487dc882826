/* Questions about exchanges, and what becomes of their verdicts. */
#include "asked.h"
#include "engine.h"

static void hold(flow *f)
{
    f->flags |= FL_HELD;
}

static void release(flow *f)
{
    f->flags &= ~FL_HELD;
    f->asked->state = Q_NONE;
    f->asked->until = 0;
}

/* --- ends that a verdict asks for --- */

/* V_CLOSE, V_RESET, V_DROP. */
static void end(flow *f, const lb_verdict *v)
{
    if (v->term[0])
        flow_term(f, v->term[0], v->term[1]);
    else
        flow_term(f, 'P', exch_phase(f));
    if (v->status) /* what the log says, though nothing is sent */
        f->status = (int16_t)v->status;
    exch_books(f);
    if (v->action != V_CLOSE) {
        flow_kill(f, v->action == V_DROP, v->ms);
        return;
    }
    f->flags |= FL_SLOW_CLOSE;
    flow_close(f);
}

static void answer(flow *f, const lb_verdict *v, const char *text)
{
    char who = v->term[0] ? v->term[0] : 'L', when = v->term[0] ? v->term[1] : 'R';

    if (v->flags & V_F_CLOSE)
        f->flags &= ~FL_KA_CLIENT;
    exch_answer(f, v->status, text, v->len, who, when);
}

/* A verdict that its question can't have. */
static void bad(flow *f)
{
    ask_bad(f);
    exch_reply(f, 500, 0, 'I', exch_phase(f));
}

/* --- requests --- */

/* Puts the question about the head <h> at <s>, which stands in <req.in> too. */
static void put_request(flow *f, const h1_head *h, const char *s, uint32_t flags)
{
    asked *q = asked_of(f);
    lb_ask *a;

    if (q)
        flags |= ask_body_flags(f, q, &f->req, f->f);
    a = q ? ask_put(f, ASK_REQUEST, flags) : NULL;
    if (!a || ask_keep_index(f, h) < 0 || ask_head(f, a, h, s) < 0 ||
        (flags & ASK_F_AGAIN && ask_body(f, a, &f->req, f->head_len) < 0)) {
        exch_reply(f, 500, 0, 'R', 'R');
        return;
    }
    a->body_size = f->req.body == BODY_LEN ? f->req.left : q->known;
    q->told_eof = !!(flags & ASK_F_EOF);
    f->cs = CS_ASK;
    hold(f);
}

void ask_request(flow *f, const h1_head *h, const char *s, uint32_t have)
{
    asked *q = asked_of(f);

    if (!q || buf_set(&f->t->bufs, &f->req.in, s, have) < 0) {
        exch_reply(f, 500, 0, 'R', 'R');
        return;
    }
    f->flags |= FL_UNSENT;
    q->uncounted = (uint8_t)exch_counts_late(f);
    ask_framing(q, h);
    ask_look(q, &f->req, f->head_len); /* as far as it has come it is well framed: it was looked at with the head */
    put_request(f, h, s, 0);
    if (f->flags & FL_HELD)
        ask_commit(f);
}

void ask_request_again(flow *f, uint32_t flags)
{
    if (!ask_rescan(f, &f->req.in, 0)) { /* it was whole before */
        bad(f);
        return;
    }
    put_request(f, &f->t->head, buf_data(&f->req.in), flags | ASK_F_AGAIN);
}

static void failed_rewrite(flow *f, int response)
{
    uint32_t tid = f->t->tid;

    cnt_inc(f->fe->shard[tid].c.failed_rewrites);
    if (f->be)
        cnt_inc(f->be->shard[tid].c.failed_rewrites);
    if (response)
        cnt_inc(f->srv->shard[tid].c.failed_rewrites);
    exch_reply(f, response ? 502 : 500, 0, 'P', response ? 'H' : 'R');
}

/* Goes on at once with the request that stands in the thread's areas, as one does that was not asked about. */
static void go(flow *f, uint32_t have)
{
    thr *t = f->t;

    if (f->f->e->ev & FD_EV_ERR) {
        exch_abort(f, 'C', exch_phase(f));
        return;
    }
    buf_release(&t->bufs, &f->req.in);
    f->flags &= ~FL_UNSENT;
    exch_forward(f, &t->head, t->scratch, have);
    f->cexp = flow_exp(f, f->t_client); /* the waiting was ours */
    if (f->cs == CS_EST)
        f->sexp = flow_exp(f, f->t_server);
}

static void forward(flow *f, const lb_verdict *v, const char *text)
{
    engine *e = f->t->eng;
    uint32_t have;

    if (v->server >= (int32_t)e->nsrv || (f->be && (int32_t)f->be->index != v->backend)) {
        bad(f);
        return;
    }
    if (v->backend < 0) {
        exch_reply(f, 503, 0, 'S', 'C');
        return;
    }
    have = ask_judged_request(f, v, text);
    if (!have) {
        failed_rewrite(f, 0);
        return;
    }
    release(f);
    f->cs = CS_NONE;
    f->asked->server = v->server;
    if (!f->be)
        exch_route(f, e->be[v->backend]);
    if (unlikely(lb_by_head(f->be)))
        f->key = lb_head_key(f->be, &f->t->head, f->t->scratch);
    go(f, have);
}

static void tarpit(flow *f, const lb_verdict *v, const char *text)
{
    asked *q = f->asked;

    ask_wait(f, Q_TARPIT, v->ms, 1);
    q->status = v->status;
    q->term[0] = v->term[0] ? v->term[0] : 'P';
    q->term[1] = v->term[0] ? v->term[1] : 'T';
    if (buf_set(&f->t->bufs, &q->text, text, v->len) < 0)
        exch_reply(f, 500, 0, 'R', 'R');
}

void ask_tarpit_over(flow *f)
{
    asked *q = f->asked;
    buf text = q->text;

    q->text = (buf){0};
    f->tw = (int32_t)(f->t->now_ms - f->t_mark);
    exch_answer(f, q->status, text.len ? buf_data(&text) : "", text.len, q->term[0], q->term[1]);
    buf_release(&f->t->bufs, &text);
}

/* Whose rules said so, for the log and the counters. 0 if there is no such backend. */
static int settle(flow *f, const lb_verdict *v)
{
    engine *e = f->t->eng;

    if (v->backend >= (int32_t)e->nbe)
        return 0;
    if (v->backend >= 0 && !f->be && v->action != V_FORWARD)
        exch_route(f, e->be[v->backend]);
    if (v->flags & V_F_NO_TR)
        f->tr = -1;
    return 1;
}

void verdict_request(flow *f, const lb_verdict *v, const char *text)
{
    if (!settle(f, v)) {
        bad(f);
        return;
    }
    switch (v->action) {
    case V_FORWARD:
        forward(f, v, text);
        break;
    case V_REPLY:
        if (v->flags & V_F_SERVED)
            f->tw = f->tc = f->tresp = 0;
        if (v->flags & V_F_MORE)
            exch_pieces_begin(f, v, text);
        else
            answer(f, v, text);
        break;
    case V_TARPIT:
        tarpit(f, v, text);
        break;
    case V_PAUSE:
        ask_wait(f, Q_PAUSED, v->ms, 1);
        break;
    case V_BODY:
        ask_wait_body(f, v, f->t_client);
        ask_continue(f);
        break;
    case V_CLOSE:
    case V_RESET:
    case V_DROP:
        end(f, v);
        break;
    default:
        bad(f);
        break;
    }
}

/* --- responses --- */

static void put_response(flow *f, const h1_head *h, const char *s, uint32_t flags)
{
    asked *q = f->asked;
    lb_ask *a;

    flags |= ask_body_flags(f, q, &f->res, f->b);
    a = ask_put(f, ASK_RESPONSE, flags);
    if (!a || ask_keep_index(f, h) < 0 || ask_head(f, a, h, s) < 0 ||
        (flags & ASK_F_AGAIN && ask_body(f, a, &f->res, q->head_len) < 0)) {
        exch_reply(f, 500, 0, 'R', 'H');
        return;
    }
    a->status = h->status;
    a->body_size = f->res.body == BODY_LEN ? f->res.left : q->known;
    q->told_eof = !!(flags & ASK_F_EOF);
    f->rs = RS_ASK;
}

void ask_response(flow *f, const h1_head *h, const char *s, uint32_t have)
{
    asked *q = asked_of(f);

    if (!q || buf_set(&f->t->bufs, &f->res.in, s, have) < 0) {
        exch_reply(f, 500, 0, 'R', 'H');
        return;
    }
    q->status = h->status;
    q->head_len = h->len;
    ask_framing(q, h);
    ask_look(q, &f->res, q->head_len); /* what is malformed is met, and told, where it is moved */
    put_response(f, h, s, 0);
}

void ask_response_again(flow *f, uint32_t flags)
{
    if (!ask_rescan(f, &f->res.in, 1)) {
        bad(f);
        return;
    }
    put_response(f, &f->t->head, buf_data(&f->res.in), flags | ASK_F_AGAIN);
}

/* The framing of what is sent is not that of the response that came, which may have cost the client its connection. */
static void keep_client(flow *f)
{
    f->flags &= ~FL_DECHUNK;
    if (f->asked->keeps && !(f->flags & FL_SLOW_CLOSE) && !exch_leaves(f))
        f->flags |= FL_KA_CLIENT;
}

static void forward_response(flow *f, const lb_verdict *v, const char *text)
{
    thr *t = f->t;
    uint32_t have = ask_judged_response(f, v, text);

    if (!have) {
        failed_rewrite(f, 1);
        return;
    }
    /* 204 was made of it: what comes is not for the client */
    if (t->head.flags & H1_F_NO_BODY && f->res.body != BODY_NONE) {
        f->res.body = BODY_NONE;
        f->flags &= ~FL_KA_SERVER;
        keep_client(f);
    }
    if (v->flags & V_F_CLOSE)
        f->flags &= ~FL_KA_CLIENT;
    f->cexp = flow_exp(f, f->t_client); /* the waiting was ours */
    f->sexp = flow_exp(f, f->t_server);
    f->rs = RS_WAIT;
    exch_send_response(f, &t->head, t->scratch, have);
}

/* The response is not sent: its connection is kept if all of it has come. Returns it if it is kept for this client. */
static conn *part_from_response(flow *f)
{
    const asked *q = f->asked;
    uint64_t body = f->res.body == BODY_LEN ? f->res.left : 0;
    int whole = f->res.body <= BODY_LEN && f->res.in.len == q->head_len + body;

    conn *own = f->b;

    keep_client(f);
    if (!whole || !(f->flags & FL_KA_SERVER) || f->rq != RQ_DONE || q->status == 101 || chan_holds(&f->req) ||
        f->b->flags & (CO_F_EOF | CO_F_ERR))
        return NULL;
    if (!exch_is_private(f) || !(f->flags & FL_KA_CLIENT)) {
        flow_detach_back(f, 1);
        return NULL;
    }
    f->b = NULL;
    return own;
}

void verdict_response(flow *f, const lb_verdict *v, const char *text)
{
    conn *own;

    switch (v->action) {
    case V_FORWARD:
        forward_response(f, v, text);
        break;
    case V_REPLY:
        own = part_from_response(f);
        answer(f, v, text);
        if (own)
            f->b = own;
        break;
    case V_PAUSE:
        ask_wait(f, Q_PAUSED, v->ms, 1);
        break;
    case V_BODY:
        ask_wait_body(f, v, f->t_server);
        break;
    case V_CLOSE:
    case V_RESET:
    case V_DROP:
        end(f, v);
        break;
    default:
        bad(f);
        break;
    }
}

/* --- our own pages --- */

int ask_local(flow *f, int status, int early)
{
    const err_page *page = eng_error(f->t->eng, f->fe, f->be, status, early);
    asked *q = asked_of(f);
    lb_ask *a = q ? ask_put(f, ASK_LOCAL, early ? ASK_F_EARLY : 0) : NULL;

    if (!a || (page && ask_text(f, a, page->text, page->len) < 0)) {
        if (a)
            ask_end(f);
        return -ENOMEM;
    }
    a->status = status;
    q->local = 1;
    q->status = (uint16_t)status;
    q->early = (uint8_t)early;
    hold(f);
    ask_commit(f);
    return 0;
}

void verdict_local(flow *f, const lb_verdict *v, const char *text)
{
    asked *q = f->asked;

    release(f);
    if (v->flags & V_F_CLOSE)
        f->flags &= ~FL_KA_CLIENT;
    if (v->action == V_REPLY) {
        exch_answer(f, v->status, text, v->len, 0, 0); /* its termination state is known */
        return;
    }
    if (v->action != V_FORWARD)
        ask_bad(f);
    exch_send_page(f, q->status, q->early);
}
