/* Tunnels: bytes both ways, each direction by itself, half-closed ends passed on. */
#include "asked.h"
#include "engine.h"

/* --- the end --- */

void tunnel_books(flow *f)
{
    uint32_t tid = f->t->tid;
    int null = !f->req.total && !f->res.total && !f->req.in.len;

    switch (f->term[0]) {
    case 'C':
    case 'c':
        cnt_inc(f->fe->shard[tid].c.cli_aborts);
        if (f->be)
            cnt_inc(f->be->shard[tid].c.cli_aborts);
        if (f->srv)
            cnt_inc(f->srv->shard[tid].c.cli_aborts);
        break;
    case 'S':
    case 's':
        if (f->cs != CS_EST)
            break;
        if (f->be)
            cnt_inc(f->be->shard[tid].c.srv_aborts);
        if (f->srv)
            cnt_inc(f->srv->shard[tid].c.srv_aborts);
        break;
    default:
        break;
    }
    flow_count_bytes(f);
    if (null && f->fe->conf.options & PX_O_DONTLOGNULL)
        f->flags |= FL_LOGGED;
    flow_record(f);
}

void tunnel_end(flow *f)
{
    tunnel_books(f);
    if (f->cs != CS_EST || f->flags & FL_SLOW_CLOSE) { /* what the client said was never read: it shall see an end, not a reset */
        f->flags |= FL_SLOW_CLOSE;
        flow_close(f);
        return;
    }
    if (f->fe->conf.options & PX_O_NOLINGER)
        f->f->flags |= CO_F_RESET;
    flow_free(f);
}

/* --- time --- */

/* Whether what moved tells that a side lives: what it sent, or took; "independent-streams": what it sent, or took after it
 * had been waited for. */
static int lives(uint32_t options, int sent, int took, const chan *to)
{
    return sent || !(options & PX_O_INDEPENDENT) || (took && chan_holds(to));
}

static void touch_sides(flow *f, int up, int down)
{
    const fe_conf *fc = &f->fe->conf;

    if (!f->be) { /* an applet's: only the client may be late */
        f->cexp = flow_exp(f, f->patience);
        return;
    }

    const be_conf *bc = &f->be->conf;
    uint32_t tunnel = f->t_tunnel;
    uint32_t client = tunnel ? tunnel : f->t_client, server_ = tunnel ? tunnel : f->t_server;

    /* a side that has ended waits for the other no longer than its own "-fin" */
    if (f->f->flags & (CO_F_EOF | CO_F_SHUTW) && fc->t_client_fin)
        client = fc->t_client_fin;
    if (f->b->flags & (CO_F_EOF | CO_F_SHUTW) && bc->t_server_fin)
        server_ = bc->t_server_fin;
    if (lives(fc->options, up, down, &f->res))
        f->cexp = flow_exp(f, client);
    if (lives(bc->options, down, up, &f->req))
        f->sexp = flow_exp(f, server_);
}

static void touch(flow *f)
{
    touch_sides(f, 1, 1);
}

/* Server's first bytes may wait for a verdict, or for more of them. */
static int is_asked_about(const flow *f)
{
    return f->flags & FL_ASK_RES && f->asked;
}

/* The tick until which a direction waits for its limit of bandwidth, 0: none does. */
static uint32_t paused_until(const flow *f)
{
    uint32_t until = 0;

    if (likely(!f->req.limits && !f->res.limits))
        return 0;
    if (!f->req.eof && chan_paused(&f->req))
        until = bwlim_until(f->req.limits);
    if (!f->res.eof && chan_paused(&f->res))
        until = tick_first(until, bwlim_until(f->res.limits));
    return until;
}

static void set_timer(flow *f)
{
    uint32_t first = tick_first(f->cexp, f->sexp), until = paused_until(f);

    if (unlikely(until)) /* a pause is our own: meanwhile nobody is late */
        first = until;

    if (unlikely(is_asked_about(f)))
        first = tick_first(first, f->asked->until);
    tmr_set(&f->t->timers, &f->tmr, first);
}

void tunnel_timeout(flow *f)
{
    uint32_t now = f->t->now_ms;

    if (unlikely(is_asked_about(f)) && tick_is_expired(f->asked->until, now)) {
        ask_res_content_again(f, ASK_F_TIMEOUT);
        if (f->flags & (FL_DEAD | FL_DRAIN))
            return;
    }

    if (unlikely(paused_until(f))) {
        tunnel_run(f);
        return;
    }
    if (tick_is_expired(f->sexp, now) && f->cs != CS_EST) {
        switch (f->cs) {
        case CS_QUEUE:
            flow_term(f, 's', 'Q');
            tunnel_end(f);
            return;
        case CS_TAR:
            f->cs = CS_NONE;
            tunnel_run(f);
            return;
        default:
            if (!flow_retry(f, -ETIMEDOUT)) {
                flow_term(f, 's', 'C');
                tunnel_end(f);
                return;
            }
            tunnel_run(f);
            return;
        }
    }
    if (tick_is_expired(f->cexp, now))
        flow_term(f, 'c', 'D');
    else if (tick_is_expired(f->sexp, now))
        flow_term(f, 's', 'D');
    if (f->term[0])
        tunnel_end(f);
    else
        set_timer(f);
}

void tunnel_shutdown(flow *f, char why)
{
    flow_term(f, why, '-');
    f->flags |= FL_SLOW_CLOSE;
    tunnel_end(f);
}

/* --- getting a server --- */

/* 1: established; 0: wait; -1: the flow has ended. */
static int tunnel_connect(flow *f)
{
    for (;;) {
        int ret;

        switch (f->cs) {
        case CS_EST:
            return 1;
        case CS_QUEUE:
        case CS_TAR:
            return 0;
        case CS_CONN:
            ret = flow_established(f);
            if (ret > 0) {
                touch(f);
                return 1;
            }
            if (!ret)
                return 0;
            if (!flow_retry(f, ret)) {
                flow_term(f, 'S', 'C');
                tunnel_end(f);
                return -1;
            }
            continue;
        default:
            break;
        }
        ret = flow_assign(f);
        if (ret == ASSIGN_WAIT)
            return 0;
        if (ret == ASSIGN_NONE) {
            flow_term(f, 'S', 'C');
            tunnel_end(f);
            return -1;
        }
        if (f->tw < 0)
            f->tw = (int32_t)(f->t->now_ms - f->t_mark);
        ret = flow_connect(f);
        if (ret < 0 && !flow_retry(f, ret)) {
            flow_term(f, 'S', 'C');
            tunnel_end(f);
            return -1;
        }
    }
}

int tunnel_route(flow *f, int32_t i)
{
    if (i < 0) {
        flow_term(f, 'S', 'C');
        tunnel_end(f);
        return 0;
    }
    flow_set_backend(f, f->t->eng->be[i]);
    if (unlikely(asks(f, ASK_RES_CONTENT)))
        f->flags |= FL_ASK_RES;
    f->cexp = flow_exp(f, f->t_client);
    return 1;
}

void tunnel_start(flow *f)
{
    cnt_inc(f->t->streams);
    f->uniq = ((uint64_t)f->t->tid << 48) | f->t->streams;
    if (unlikely(f->fe->conf.asks & 1u << ASK_CONTENT)) {
        ask_read(f, f->f, &f->req.in);
        ask_content(f, 0);
    } else if (tunnel_route(f, f->fe->conf.backend)) {
        flow_run(f);
    }
}

/* --- moving --- */

/* The server takes no more. What it said before may still be on its way to the client: that direction goes on. */
static int server_deaf(flow *f)
{
    if (f->res.eof || f->b->flags & CO_F_APPLET)
        return -1;
    f->req.eof = 1;
    f->flags |= FL_SLOW_CLOSE; /* what the client goes on saying must not cost it what it is told */
    buf_release(&f->t->bufs, &f->req.out);
    if (f->req.pipe) {
        pipe_put(f->t, f->req.pipe);
        f->req.pipe = NULL;
    }
    f->b->flags &= ~CO_F_ERR;
    fd_may_recv(&f->t->loop, f->b->e, f->b->fd);
    return 0;
}

/* One direction. Returns what is wanted of <src> (FD_R) and of <dst> (FD_W), -1 if the flow is over. */
static int move(flow *f, chan *c, conn *src, conn *dst, int splice)
{
    int ret = c->eof ? MOVE_EOF : chan_pump(f, c, src, dst, NULL, splice);
    char in = src == f->f ? 'C' : 'S', out = dst == f->f ? 'C' : 'S';

    switch (ret) {
    case MOVE_IN:
        return FD_R;
    case MOVE_OUT:
        return FD_W;
    case MOVE_PAUSE:
        return chan_takes_more(f, c) ? FD_R : 0;
    case MOVE_YIELD:
        flow_later(f);
        return 0;
    case MOVE_EOF:
        if (c->eof)
            return 0;
        c->eof = 1;
        tevt_add(f, TEVT_SE | (src == f->f ? 0 : TEVT_BACK) | TEVT_SHUTR);
        if (dst->flags & CO_F_RESET) /* "nolinger": the only end that it may be told is that of all */
            return -1;
        /* the second end closes both connections anyway */
        if (!(f->req.eof && f->res.eof))
            conn_shutw(dst);
        return 0;
    case MOVE_ERR_IN:
        flow_term(f, in, 'D');
        if (src == f->b) /* what it said before it broke is on its way to the client */
            f->flags |= FL_SLOW_CLOSE;
        return -1;
    default:
        flow_term(f, out, 'D');
        return dst == f->b ? server_deaf(f) : -1;
    }
}

/* What the server says first is asked about, not moved. As move(). */
static int ask_server(flow *f)
{
    int ret = ask_res_content(f);

    if (ret < 0) {
        flow_term(f, 'S', 'D');
        f->flags |= FL_SLOW_CLOSE;
    }
    return ret;
}

static int splices(const flow *f, uint32_t dir)
{
    return f->be && (f->fe->conf.options | f->be->conf.options) & (dir | PX_O_SPLICE_AUTO);
}

/* "option abortonclose": whether the client is listened to while it waits for a server. */
static int may_watch(const flow *f)
{
    uint32_t options = f->fe->conf.options | (f->be ? f->be->conf.options : 0);

    return options & PX_O_ABORTONCLOSE && f->req.in.len < f->t->eng->conf.bufsize;
}

/* 1 if the client closed while it waited, and the flow has ended. What it said meanwhile is kept. */
static int client_gave_up(flow *f)
{
    thr *t = f->t;
    ssize_t n;

    if (!may_watch(f) || !(f->f->e->want & f->f->e->ready & FD_R))
        return 0;
    n = conn_recv(f->f, t->scratch, t->eng->conf.bufsize - f->req.in.len);
    if (n > 0 && buf_append(&t->bufs, &f->req.in, t->scratch, (uint32_t)n) == 0)
        return 0;
    if (n <= 0 && !(f->f->flags & (CO_F_EOF | CO_F_ERR)))
        return 0;
    flow_term(f, 'C', f->cs == CS_QUEUE ? 'Q' : 'C');
    tunnel_end(f);
    return 1;
}

void tunnel_run(flow *f)
{
    int ret = tunnel_connect(f);
    uint32_t paused = paused_until(f);
    uint64_t sent = f->req.total + f->req.eof, got = f->res.total + f->res.eof;
    int up, down;

    if (ret < 0)
        return;
    if (!ret) {
        if (f->f->flags & CO_F_ERR || f->f->e->ev & FD_EV_ERR) {
            flow_term(f, 'C', 'C');
            tunnel_end(f);
            return;
        }
        if (client_gave_up(f))
            return;
        if (f->b)
            conn_want(f->b, conn_awaits(f->b));
        conn_want(f->f, may_watch(f) ? FD_R : 0);
        tmr_set(&f->t->timers, &f->tmr, f->sexp);
        return;
    }
    if (f->b->flags & CO_F_APPLET && f->res.eof) { /* it has said all: what the client still says is not heard */
        flow_close(f);
        return;
    }
    up = move(f, &f->req, f->f, f->b, splices(f, PX_O_SPLICE_REQ));
    if (up < 0)
        down = -1;
    else if (unlikely(f->flags & FL_ASK_RES))
        down = ask_server(f);
    else
        down = move(f, &f->res, f->b, f->f, splices(f, PX_O_SPLICE_RES));
    if (up < 0 || down < 0 || (f->req.eof && f->res.eof)) {
        tunnel_end(f);
        return;
    }
    if (f->b->flags & CO_F_APPLET && f->res.eof)
        flow_later(f);
    sent = f->req.total + f->req.eof - sent;
    got = f->res.total + f->res.eof - got;
    if (paused)
        touch(f);
    else if (sent | got)
        touch_sides(f, sent != 0, got != 0);
    conn_want(f->f, (up & FD_R) | (down & FD_W));
    conn_want(f->b, (up & FD_W) | (down & FD_R));
    set_timer(f);
}

void tunnel_switch(flow *f)
{
    f->flags |= FL_TUNNELED;
    f->flags &= ~FL_ASK_RES;
    touch(f);
    flow_later(f);
}
