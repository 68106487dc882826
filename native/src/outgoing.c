#include "outgoing.h"
#include "ctr.h"
#include "engine.h"
#include "flow.h"
#include "socks4.h"

#define OUT_READ 16384 /* bytes taken at once; what is left is taken in the next turn */
#define HANDLE_BIT (1ll << 62) /* tells a handle from an applet's */
#define INDEX_BITS 24

typedef struct outgoing {
    conn *c; /* NULL: free */
    tmr tmr;
    buf out; /* put, not sent yet */
    uint32_t index, gen;
    uint8_t probe, ends; /* OUT_PROBE; shut down once <out> has gone */
    uint8_t untold;      /* established, and Python does not know yet */
    uint8_t socks;       /* how far the way through a SOCKS proxy has come, */
    sock_addr behind;    /* which leads there; CO_F_SOCKS */
    struct outgoing *next; /* in the list of free ones */
} outgoing;

static int64_t handle_of(const outgoing *o)
{
    return HANDLE_BIT | (int64_t)o->gen << INDEX_BITS | o->index;
}

static outgoing *find(thr *t, int64_t handle)
{
    uint32_t index = (uint32_t)(handle & ((1 << INDEX_BITS) - 1));
    outgoing *o = index < t->nouts ? t->outs[index] : NULL;

    return o && o->c && handle_of(o) == handle ? o : NULL;
}

/* --- the table --- */

static int grow(thr *t)
{
    uint32_t n = t->nouts ? t->nouts * 2 : 16;
    outgoing **bigger;

    if (n >> INDEX_BITS || !(bigger = realloc(t->outs, n * sizeof(*bigger))))
        return -ENOMEM;
    t->outs = bigger;
    while (t->nouts < n) {
        outgoing *o = calloc(1, sizeof(*o));

        if (!o)
            return t->outs_free ? 0 : -ENOMEM;
        o->index = t->nouts;
        o->next = t->outs_free;
        t->outs_free = t->outs[t->nouts++] = o;
    }
    return 0;
}

static outgoing *take(thr *t)
{
    outgoing *o;

    if (!t->outs_free && grow(t) < 0)
        return NULL;
    o = t->outs_free;
    t->outs_free = o->next;
    t->outs_used++;
    o->gen++;
    return o;
}

static void drop(thr *t, outgoing *o)
{
    tmr_del(&t->outs_timers, &o->tmr);
    if (o->c)
        conn_free(o->c);
    o->c = NULL;
    o->ends = o->untold = o->socks = 0;
    buf_release(&t->bufs, &o->out);
    o->next = t->outs_free;
    t->outs_free = o;
    t->outs_used--;
}

/* --- what Python is told --- */

static lb_event *tell(thr *t, const outgoing *o, uint32_t kind, uint32_t arg)
{
    lb_event *ev = thr_event(t, kind);

    if (ev) {
        ev->handle = (uint64_t)handle_of(o);
        ev->arg = arg;
    }
    return ev;
}

/* Without memory to tell, it is dropped all the same: whoever waits for it has a time limit. */
static void gone(thr *t, outgoing *o, uint32_t kind, uint32_t err)
{
    lb_event *ev = tell(t, o, kind, err);

    if (ev)
        ev->len = 1;
    drop(t, o);
}

/* --- moving --- */

/* Whether all has gone that was there to be sent. */
static int flush(thr *t, outgoing *o)
{
    int any = o->out.len != 0;

    while (o->out.len) {
        struct iovec v = {buf_data(&o->out), o->out.len};
        ssize_t ret = conn_send(o->c, &v, 1, 0);

        if (!ret)
            return 0;
        if (ret < 0) { /* the reader learns why, once it has read what there is */
            o->c->flags &= ~CO_F_ERR;
            o->c->flags |= CO_F_SHUTW;
            buf_release(&t->bufs, &o->out);
            return 0;
        }
        buf_skip(&t->bufs, &o->out, (uint32_t)ret);
    }
    if (o->ends)
        conn_shutw(o->c);
    return any;
}

/* Whether it goes on. */
static int receive(thr *t, outgoing *o)
{
    conn *c = o->c;
    ssize_t n;

    if (!conn_can_recv(c))
        return 1;
    n = conn_recv(c, t->scratch, OUT_READ);
    if (n < 0) {
        gone(t, o, EV_CLOSE, (uint32_t)-n);
        return 0;
    }
    if (c->flags & CO_F_EOF) {
        tell(t, o, EV_EOF, 0);
        return 1;
    }
    if (n) {
        uint32_t at = thr_text(t, t->scratch, (uint32_t)n);
        lb_event *ev = at == UINT32_MAX ? NULL : tell(t, o, EV_DATA, 0);

        if (!ev) {
            gone(t, o, EV_CLOSE, ENOMEM);
            return 0;
        }
        ev->data = (void *)(uintptr_t)at;
        ev->len = (uint64_t)n;
    }
    return 1;
}

/* What became of the attempt to connect. Whether it goes on. */
static int settle(thr *t, outgoing *o)
{
    int ret = conn_established(o->c);

    if (ret > 0 && o->c->flags & CO_F_SOCKS)
        ret = socks4_go(o->c, &o->socks, &o->behind);
    if (!ret) {
        conn_want(o->c, conn_awaits(o->c));
        return 0;
    }
    if (ret < 0 || o->probe) {
        gone(t, o, EV_CONNECTED, ret < 0 ? (uint32_t)-ret : 0);
        return 0;
    }
    o->c->flags &= ~CO_F_SOCKS;
    o->untold = 1;
    return 1;
}

static void tell_connected(thr *t, outgoing *o)
{
    o->untold = 0;
    tmr_del(&t->outs_timers, &o->tmr);
    tell(t, o, EV_CONNECTED, 0);
}

void outgoing_iocb(fdloop *l, fdent *e, int fd)
{
    thr *t = l->ctx;
    conn *c = e->owner;
    outgoing *o = c->ctx;

    /* a hang-up or an error is read, or written, to be understood */
    if (e->ev & (FD_EV_ERR | FD_EV_HUP)) {
        fd_may_recv(l, e, fd);
        fd_may_send(l, e, fd);
    }
    if (c->flags & (CO_F_CONNECTING | CO_F_SOCKS) && !settle(t, o))
        return;
    if (o->untold)
        tell_connected(t, o);
    if (flush(t, o) && !o->ends)
        tell(t, o, EV_ROOM, 0);
    if (!receive(t, o))
        return;
    conn_want(c, (c->flags & CO_F_EOF ? 0 : FD_R) | (o->out.len ? FD_W : 0));
}

/* --- time --- */

static void expired(void *ctx, tmr *tm)
{
    thr *t = ctx;

    gone(t, container_of(tm, outgoing, tmr), EV_CONNECTED, OUT_TIMEOUT);
}

int outgoing_tick(thr *t)
{
    if (!t->outs_used)
        return -1;
    tmr_run(&t->outs_timers, t->now_ms, expired, t);
    return tmr_next(&t->outs_timers, t->now_ms);
}

void outgoing_fini(thr *t)
{
    for (uint32_t i = 0; i < t->nouts; i++) {
        if (t->outs[i]->c)
            drop(t, t->outs[i]);
        free(t->outs[i]);
    }
    free(t->outs);
    t->outs = NULL;
    t->outs_free = NULL;
    t->nouts = 0;
}

/* --- Python's side --- */

/* On this host a connection is there when connect() returns. To know that lets the first bytes go at once; and what the peer
 * does with them is then no failure to connect. */
static void see_at_once(thr *t, outgoing *o)
{
    sock_addr peer;
    conn *c = o->c;

    if (sock_peer(c->fd, &peer) < 0)
        return;
    c->flags &= ~CO_F_CONNECTING;
    o->untold = 1;
    fd_may_send(&t->loop, c->e, c->fd);
}

int64_t eng_out_open(engine *e, int tid, const out_conf *conf, uint32_t ms)
{
    thr *t = &e->threads[tid];
    sock_how how = {.from = &conf->from, .ifname = conf->ifname, .user_timeout = (int)conf->tcp_ut,
                    .transparent = (int)conf->spoof, .ns = conf->ns};
    const sock_addr *to = conf->socks.len ? &conf->socks : &conf->to;
    port_range *ports = conf->ports ? e->srv[conf->ports - 1]->ports : NULL;
    outgoing *o = take(t);
    uint32_t port = 0;
    int fd = !o ? -ENOMEM : ports ? ports_connect(ports, to, &how, &port) : sock_connect(to, &how);

    if (fd >= 0 && !(o->c = conn_new(t, fd, CO_F_CONNECTING, outgoing_iocb)))
        fd = -ENOMEM;
    if (fd < 0) {
        if (port)
            ports_give(ports, port);
        if (o)
            drop(t, o);
        return fd;
    }
    if (port) {
        ports_ref(ports);
        o->c->ports = ports;
        o->c->port = (uint16_t)port;
    }
    o->c->ctx = o;
    o->probe = !!(conf->flags & OUT_PROBE);
    if (!(conf->flags & OUT_LINGER))
        o->c->flags |= CO_F_RESET;
    if (t->outs_used == 1)
        wheel_rebase(&t->outs_timers, t->now_ms);
    tmr_set(&t->outs_timers, &o->tmr, tick_add_ifset(t->now_ms, ms));
    if (conf->socks.len) {
        o->c->flags |= CO_F_SOCKS;
        o->behind = conf->to;
    } else if (!o->probe) {
        see_at_once(t, o);
    }
    conn_want(o->c, FD_W);
    return handle_of(o);
}

int64_t eng_out_borrow(engine *e, int tid, int i, uint64_t name)
{
    thr *t = &e->threads[tid];
    conn *c = idle_get(t, e->srv[i], 0, name);
    outgoing *o;

    if (!c)
        return 0;
    o = take(t);
    if (!o) {
        idle_put(t, c);
        return 0;
    }
    c->flags |= CO_F_REUSED | CO_F_SAFE;
    c->ctx = o;
    o->c = c;
    o->probe = 0;
    o->untold = 1;
    fd_set_handler(c->e, outgoing_iocb);
    fd_may_send(&t->loop, c->e, c->fd);
    conn_want(c, FD_W);
    return handle_of(o);
}

/* Whether nothing more will come of what was said on it. */
static int is_at_rest(const outgoing *o)
{
    return !o->out.len && !o->ends && !o->untold && !o->socks &&
           !(o->c->flags & (CO_F_CONNECTING | CO_F_SOCKS | CO_F_EOF | CO_F_ERR | CO_F_SHUTW));
}

/* Whether "strict-maxconn" of <s> permits one more connection, which counts then. */
static int is_room(server *s)
{
    return !s->conf.strict || ctr_inc_below(&s->live.conns, at_peek(&s->conf.maxconn));
}

/* Makes a connection that was opened here one of <s>, as streams open them. */
static void make_servers(thr *t, conn *c, server *s)
{
    c->srv = s;
    c->moves = s->moves;
    c->flags = (c->flags & ~CO_F_RESET) | CO_F_BACK | (s->conf.strict ? CO_F_COUNTED : 0);
    conn_dress(t, s->be, c);
}

int eng_out_lend(engine *e, int tid, int64_t handle, int i, uint64_t name)
{
    thr *t = &e->threads[tid];
    outgoing *o = find(t, handle);
    server *s = e->srv[i];
    conn *c;

    if (!o)
        return -ESTALE;
    if (!is_at_rest(o) || (!(o->c->flags & CO_F_BACK) && !is_room(s))) {
        drop(t, o);
        return 0;
    }
    c = o->c;
    o->c = NULL;
    drop(t, o);
    c->ctx = NULL;
    c->streams++;
    if (!(c->flags & CO_F_BACK))
        make_servers(t, c, s);
    if (s->conf.name_tell) {
        c->flags |= CO_F_NAMED;
        c->print = name;
    }
    fd_set_handler(c->e, flow_server_iocb);
    idle_put(t, c);
    return 0;
}

int eng_out_put(engine *e, int tid, int64_t handle, const char *bytes, int len)
{
    thr *t = &e->threads[tid];
    outgoing *o = find(t, handle);

    if (!o)
        return -ESTALE;
    if (o->ends || o->c->flags & CO_F_SHUTW)
        return 0;
    if (len && buf_append(&t->bufs, &o->out, bytes, (uint32_t)len) < 0)
        return -ENOMEM;
    if (o->c->flags & (CO_F_CONNECTING | CO_F_SOCKS))
        return (int)o->out.len; /* it goes as soon as it may */
    flush(t, o);
    conn_want(o->c, (o->c->flags & CO_F_EOF ? 0 : FD_R) | (o->out.len || o->untold || o->ends ? FD_W : 0));
    return (int)o->out.len;
}

int eng_out_end(engine *e, int tid, int64_t handle)
{
    outgoing *o = find(&e->threads[tid], handle);

    if (!o)
        return -ESTALE;
    o->ends = 1;
    o->c->flags &= ~CO_F_RESET;
    conn_want(o->c, (o->c->flags & CO_F_EOF ? 0 : FD_R) | FD_W);
    return 0;
}

int eng_out_close(engine *e, int tid, int64_t handle)
{
    thr *t = &e->threads[tid];
    outgoing *o = find(t, handle);

    if (!o)
        return -ESTALE;
    drop(t, o);
    return 0;
}

int eng_out_name(engine *e, int tid, int64_t handle, sock_addr *out)
{
    outgoing *o = find(&e->threads[tid], handle);

    return o ? sock_name(o->c->fd, out) : -ESTALE;
}
