/* Questions about connections and about what tunnels carry, and what becomes of their verdicts. */
#include "asked.h"
#include "engine.h"
#include "handshake.h"

static void release(flow *f)
{
    f->flags &= ~FL_HELD;
    f->asked->state = Q_NONE;
    f->asked->until = 0;
}

/* --- connections --- */

static void ask_before(flow *f, uint32_t kind)
{
    if (!ask_put(f, kind, 0)) {
        at_add(&f->t->eng->live.dropped, 1);
        flow_free(f);
        return;
    }
    f->flags |= FL_HELD;
    ask_commit(f);
}

void ask_conn(flow *f)
{
    ask_before(f, ASK_CONN);
}

void ask_session(flow *f)
{
    ask_before(f, ASK_SESSION);
}

static uint32_t headers_of(uint32_t flags)
{
    return (flags & V_F_PROXY ? LSN_EXPECT_PROXY : 0) | (flags & V_F_CIP ? LSN_EXPECT_CIP : 0);
}

void verdict_conn(flow *f, const lb_verdict *v)
{
    release(f);
    if (v->action != V_FORWARD && f->asked->kind == ASK_SESSION)
        handshake_refused(f);
    switch (v->action) {
    case V_FORWARD:
        if (f->asked->kind == ASK_CONN)
            handshake_expect(f, headers_of(v->flags));
        else
            listener_begin(f);
        break;
    case V_RESET:
    case V_DROP:
        flow_kill(f, v->action == V_DROP, v->ms);
        break;
    default:
        if (v->action != V_CLOSE)
            ask_bad(f);
        flow_free(f);
        break;
    }
}

/* --- the end of a tunnel --- */

static void end(flow *f, const lb_verdict *v, char when)
{
    f->res.total += f->res.in.len; /* what the server sent is told, though the client does not get it */
    flow_term(f, v->term[0] ? v->term[0] : 'P', v->term[0] ? v->term[1] : when);
    if (v->action == V_CLOSE) {
        tunnel_end(f);
        return;
    }
    tunnel_books(f);
    flow_kill(f, v->action == V_DROP, v->ms);
}

static void bad(flow *f, char when)
{
    ask_bad(f);
    flow_term(f, 'I', when);
    tunnel_end(f);
}

/* --- what the client says first --- */

void ask_content(flow *f, uint32_t flags)
{
    const conn *c = f->f;
    lb_ask *a;

    if (c->flags & (CO_F_EOF | CO_F_ERR))
        flags |= ASK_F_EOF;
    if (f->req.in.len >= f->t->eng->conf.bufsize)
        flags |= ASK_F_FULL;
    a = ask_put(f, ASK_CONTENT, flags);
    if (!a || ask_text(f, a, f->req.in.len ? buf_data(&f->req.in) : "", f->req.in.len) < 0) {
        flow_term(f, 'R', 'R');
        tunnel_end(f);
        return;
    }
    f->asked->told_eof = !!(flags & ASK_F_EOF);
    f->flags |= FL_HELD;
    ask_commit(f);
}

/* It goes on as an exchange, whose first request begins with what has come. */
static void become_exchange(flow *f)
{
    const fe_conf *c = &f->fe->conf;

    f->kind = FLOW_EXCHANGE;
    f->rq = RQ_IDLE;
    if (f->req.in.len)
        f->flags |= FL_UNSCANNED;
    f->cexp = flow_exp(f, c->t_http_request ? c->t_http_request : f->t_client);
}

void verdict_content(flow *f, const lb_verdict *v)
{
    engine *e = f->t->eng;

    switch (v->action) {
    case V_FORWARD:
        if (v->backend >= (int32_t)e->nbe || v->server >= (int32_t)e->nsrv) {
            bad(f, 'R');
            return;
        }
        release(f);
        f->asked->server = v->server;
        tunnel_route(f, v->backend < 0 ? f->fe->conf.backend : v->backend);
        break;
    case V_HTTP:
        release(f);
        become_exchange(f);
        break;
    case V_WAIT:
        ask_wait(f, Q_MORE, v->ms, f->t_client);
        break;
    case V_PAUSE:
        ask_wait(f, Q_PAUSED, v->ms, 1);
        break;
    case V_CLOSE:
    case V_RESET:
    case V_DROP:
        if (v->backend >= (int32_t)e->nbe) {
            bad(f, 'R');
            return;
        }
        if (v->backend >= 0)
            flow_set_backend(f, e->be[v->backend]);
        end(f, v, 'R');
        break;
    default:
        bad(f, 'R');
        break;
    }
}

/* --- what the server says first; asked as soon as it is reached --- */

static int put_res_content(flow *f, uint32_t flags)
{
    lb_ask *a;

    if (f->b->flags & (CO_F_EOF | CO_F_ERR))
        flags |= ASK_F_EOF;
    if (f->res.in.len >= f->t->eng->conf.bufsize)
        flags |= ASK_F_FULL;
    a = ask_put(f, ASK_RES_CONTENT, flags);
    if (!a || ask_text(f, a, f->res.in.len ? buf_data(&f->res.in) : "", f->res.in.len) < 0) {
        flow_term(f, 'R', 'D');
        return -1;
    }
    f->asked->told_eof = !!(flags & ASK_F_EOF);
    return 0;
}

int ask_res_content(flow *f)
{
    const asked *q = f->asked;
    uint32_t again = q && q->kind == ASK_RES_CONTENT ? ASK_F_AGAIN : 0;
    int ret;

    if (q && (q->state == Q_ASKED || q->state == Q_PAUSED))
        return 0;
    ret = ask_read(f, f->b, &f->res.in);
    if (ret < 0 && f->b->flags & CO_F_ERR && !f->res.in.len)
        return -1;
    /* the first time whatever there is: nothing, as a rule, since the server has just been reached */
    if (ret > 0 || !again || (ret < 0 && !q->told_eof))
        return put_res_content(f, again);
    return !ret && f->res.in.len < f->t->eng->conf.bufsize ? FD_R : 0;
}

void ask_res_content_again(flow *f, uint32_t flags)
{
    f->asked->until = 0;
    if (put_res_content(f, flags | ASK_F_AGAIN) < 0)
        tunnel_end(f);
}

/* The server is done with; what it said goes on to the client, and then all is over. */
static void hang_up(flow *f)
{
    f->req.eof = 1;
    f->flags |= FL_SLOW_CLOSE;
    buf_release(&f->t->bufs, &f->req.out);
    f->b->flags |= CO_F_EOF;
    fd_cant_recv(&f->t->loop, f->b->e, f->b->fd);
    conn_shutw(f->b);
}

void verdict_res_content(flow *f, const lb_verdict *v)
{
    switch (v->action) {
    case V_FORWARD:
        f->flags &= ~FL_ASK_RES;
        if (v->flags & V_F_CLOSE)
            hang_up(f);
        break;
    case V_WAIT:
        ask_wait(f, Q_MORE, v->ms, 0);
        break;
    case V_PAUSE:
        ask_wait(f, Q_PAUSED, v->ms, 1);
        break;
    case V_CLOSE:
    case V_RESET:
    case V_DROP:
        end(f, v, 'D');
        break;
    default:
        bad(f, 'D');
        break;
    }
}
