/* The back side of a flow: its backend, its server, its connection and the attempts to get one. */
#include "asked.h"
#include "ctr.h"
#include "engine.h"
#include "handshake.h"
#include "observe.h"
#include "queue.h"
#include "rates.h"
#include "socks4.h"

#define TURN_AROUND 1000 /* ms before the same server is tried again (manual, "retries") */

/* --- backend and server --- */

void flow_set_backend(flow *f, backend *be)
{
    px_shard *s = &be->shard[f->t->tid];

    f->be = be;
    f->flags |= FL_BE_COUNTED;
    f->t_server = be->conf.t_server;
    f->t_tunnel = be->conf.t_tunnel;
    f->max_retries = be->conf.retries;
    if (unlikely(f->asked))
        asked_apply(f);
    cnt_inc(s->c.cum_sess);
    rates_count(be->shard, &be->live, PX_RATE_SESS, f->t);
    ctr32_max(&be->live.cur_max, ctr32_add(&be->live.cur, 1));
}

/* <srv> gave the flow a slot. */
static void bind_server(flow *f, server *srv)
{
    px_shard *s = &srv->shard[f->t->tid];

    f->srv = srv;
    f->flags |= FL_SRV_COUNTED;
    ctr32_add(&f->be->live.served, 1);
    ctr32_max(&srv->live.cur_max, ctr32_add(&srv->live.cur, 1));
    cnt_inc(s->c.cum_sess);
    if (likely(!srv->aside)) {
        cnt_inc(s->c.cum_lbconn);
        cnt_inc(f->be->shard[f->t->tid].c.cum_lbconn);
    }
    rates_count(srv->shard, &srv->live, PX_RATE_SESS, f->t);
    at_store(&srv->live.last_ms, f->t->now_ms);
    at_store(&f->be->live.last_ms, f->t->now_ms);
}

/* --- choosing --- */

/* Waits until <only> (NULL: any) has a slot. */
static int wait_in_queue(flow *f, server *only)
{
    f->cs = CS_QUEUE;
    f->sexp = flow_exp(f, f->be->conf.t_queue ? f->be->conf.t_queue : f->be->conf.t_connect);
    queue_add(f, only);
    queue_serve(f->be, only);
    return ASSIGN_WAIT;
}

void flow_dequeued(flow *f, server *srv)
{
    bind_server(f, srv);
    f->cs = CS_NONE;
    flow_run(f);
}

void flow_look_again(flow *f, server *left)
{
    f->cs = CS_NONE;
    f->flags |= FL_REDISP;
    cnt_inc(left->shard[f->t->tid].c.redispatches);
    cnt_inc(f->be->shard[f->t->tid].c.redispatches);
    if (f->asked)
        f->asked->server = -1;
    flow_run(f);
}

/* The server that a verdict asked for, if it may be used. One that was left after a failure is not. */
static server *server_asked_for(const flow *f)
{
    const asked *q = f->asked;
    server *srv = q->server >= 0 ? f->t->eng->srv[q->server] : NULL;

    if (!srv || srv->be != f->be || srv == f->left_srv)
        return NULL;
    return at_load(&srv->live.up) || queue_takes_down(f) ? srv : NULL;
}

/* What its server is found by. */
static const lb_key *key_of(flow *f)
{
    const be_conf *c = &f->be->conf;

    if (likely(c->algo != LB_HASH))
        return NULL;
    if (c->lb_by == LB_BY_SOURCE)
        f->key = lb_client_key(f->be, f->f);
    else if (lb_by_bytes(f->be))
        f->key = lb_bytes_key(f->be, buf_data(&f->req.in), f->req.in.len);
    return &f->key;
}

/* Whether as many wait for <srv> (may be NULL) as may ("maxqueue"). */
static int has_long_queue(const server *srv)
{
    return srv && srv->conf.maxqueue && at_peek(&srv->live.queued) >= srv->conf.maxqueue;
}

/* Whether a stream whose client asked for one server may go to another. */
static int may_leave(const flow *f)
{
    return f->be->conf.redispatch && !(f->asked->said & V_F_FORCE);
}

/* Nobody serves it: too many wait for <srv> already. */
static int refuse(flow *f, server *srv)
{
    cnt_inc(srv->shard[f->t->tid].c.failed_conns);
    cnt_inc(f->be->shard[f->t->tid].c.failed_conns);
    flow_term(f, 'S', 'Q');
    return ASSIGN_NONE;
}

/* "option prefer-last-server": the server whose connection was kept for the client, unless too many wait for it; NULL: any
 * will do. Those that hash have chosen for good. */
static server *server_of_last(const flow *f)
{
    const be_conf *bc = &f->be->conf;
    server *srv = f->b->srv;
    uint32_t limit = lb_limit(srv);

    if (!bc->prefer_last || bc->algo == LB_HASH || srv->be != f->be || srv == f->left_srv || !at_load(&srv->live.up))
        return NULL;
    if (bc->ka_queue < 0 || !limit || at_peek(&srv->live.served) < limit)
        return srv;
    return at_load(&srv->live.queued) < (uint32_t)bc->ka_queue ? srv : NULL;
}

int flow_assign(flow *f)
{
    server *srv;

    if (f->srv)
        return ASSIGN_OK;
    if (!f->tw)
        f->t_mark = f->t->now_ms;
    if (unlikely(f->asked) && (srv = server_asked_for(f))) {
        if (lb_take(srv)) {
            bind_server(f, srv);
            return ASSIGN_OK;
        }
        if (!has_long_queue(srv))
            return wait_in_queue(f, srv);
        if (!may_leave(f))
            return refuse(f, srv);
        f->flags |= FL_REDISP;
    }
    if (unlikely(f->be->aside)) {
        bind_server(f, f->be->aside);
        return ASSIGN_OK;
    }
    if (unlikely(f->b) && (srv = server_of_last(f))) {
        if (!lb_take(srv))
            return wait_in_queue(f, srv);
        bind_server(f, srv);
        return ASSIGN_OK;
    }
    /* a limit that grows with the load ("minconn") may have let a server take one more: that is for who came first */
    if (unlikely(at_peek(&f->be->live.queued)) && f->be->conf.algo != LB_HASH && at_peek(&f->be->live.weight) &&
        queue_wants_any(f->be))
        return wait_in_queue(f, NULL);
    switch (lb_pick(f->be, key_of(f), f->left_srv, &srv)) {
    case LB_PICKED:
        bind_server(f, srv);
        return ASSIGN_OK;
    case LB_FULL:
        return has_long_queue(srv) ? refuse(f, srv) : wait_in_queue(f, srv);
    default:
        return ASSIGN_NONE;
    }
}

void flow_unassign(flow *f)
{
    backend *be = f->be;
    server *srv = f->srv;

    if (f->flags & FL_SRV_COUNTED) {
        f->flags &= ~FL_SRV_COUNTED;
        ctr32_sub(&be->live.served, 1);
        ctr32_sub(&srv->live.cur, 1);
        queue_return_slot(srv);
    }
    f->srv = NULL;
    if (f->flags & FL_BE_COUNTED) {
        f->flags &= ~FL_BE_COUNTED;
        ctr32_sub(&be->live.cur, 1);
    }
}

void flow_leave_server(flow *f)
{
    if (!(f->flags & FL_SRV_COUNTED))
        return;
    f->flags &= ~FL_SRV_COUNTED;
    ctr32_sub(&f->be->live.served, 1);
    ctr32_sub(&f->srv->live.cur, 1);
    queue_return_slot(f->srv);
    f->left_srv = f->srv;
    f->srv = NULL;
}

/* --- the connection --- */

void flow_detach_back(flow *f, int keep)
{
    conn *c = f->b;

    if (!c)
        return;
    f->b = NULL;
    c->flow = NULL;
    if (c->flags & CO_F_SERVED)
        ctr32_sub(&c->srv->live.used, 1);
    c->flags &= ~CO_F_SERVED;
    if (keep)
        idle_put(f->t, c);
    else
        conn_free(c);
}

static void attach_back(flow *f, conn *c)
{
    f->b = c;
    c->flow = f;
    c->streams++;
    c->flags |= CO_F_SERVED;
    ctr32_max(&f->srv->live.used_max, ctr32_add(&f->srv->live.used, 1));
}

/* Whether the server's connection is to be marked as no other stream's. */
static int has_own_socket(const flow *f)
{
    return unlikely(f->asked) && f->asked->own & (1 << FLOW_TOS_BACK | 1 << FLOW_MARK_BACK);
}

static void set_own_socket(flow *f, sock_how *how)
{
    const asked *q = f->asked;

    how->set_tos = q->own >> FLOW_TOS_BACK & 1;
    how->set_mark = q->own >> FLOW_MARK_BACK & 1;
    how->tos = (int)q->tos;
    how->mark = q->mark;
    f->flags &= ~FL_KA_SERVER; /* nor is it for others afterwards */
}

/* Whether a connection to it serves no other client: it was told of this one, or comes from its address, or goes to one that
 * this one has chosen. */
static int is_private(const server *s)
{
    return s->conf.send_proxy || s->conf.usesrc > SRC_FIXED || s->conf.addr_mapped || s->aside;
}

/* May this stream take a connection that others used? (manual, "http-reuse") */
static conn *find_idle(flow *f)
{
    uint32_t reuse = f->be->conf.reuse;

    if (f->kind != FLOW_EXCHANGE || reuse == REUSE_NEVER || f->flags & FL_RETRIED_STALE || has_own_socket(f) ||
        is_private(f->srv))
        return NULL;
    if (reuse == REUSE_SAFE && !(f->flags & FL_NOT_FIRST))
        return NULL;
    return idle_get(f->t, f->srv, reuse == REUSE_AGGRESSIVE && !(f->flags & FL_NOT_FIRST),
                    unlikely(f->srv->conf.name_tell) ? handshake_name(f) : 0);
}

/* Where the client wanted to go. 0, or -errno: -EDESTADDRREQ from clients of unix sockets. */
static int client_destination(const flow *f, sock_addr *dst)
{
    const asked *q = f->asked;
    int ret;

    if (q && q->has_dst)
        ret = sock_addr_set(dst, q->dst.family, (const char *)q->dst.addr, q->dst.family == AF_INET ? 4 : 16,
                            q->dst.port);
    else
        ret = sock_original(f->f->fd, dst);
    if (ret < 0)
        return ret;
    return sock_addr_family(dst) == AF_INET || sock_addr_family(dst) == AF_INET6 ? 0 : -EDESTADDRREQ;
}

/* Of a server whose port is the client's, moved by some. */
static void map_port(const flow *f, sock_addr *to)
{
    sock_addr dst;
    int port = f->asked && f->asked->has_dst ? f->asked->dst.port : f->lsn->port;
    char host[16];
    int len = sock_addr_host(to, host, sizeof(host));

    if (!port && sock_name(f->f->fd, &dst) == 0)
        port = sock_addr_port(&dst);
    sock_addr_set(to, sock_addr_family(to), host, len, port + f->srv->conf.port_offset);
}

/* Of one whose address is that which the client connected to. 0, or -errno. */
static int map_address(const flow *f, sock_addr *to)
{
    const srv_conf *s = &f->srv->conf;
    sock_addr dst;
    char host[16];
    int len, ret = client_destination(f, &dst);

    if (ret < 0)
        return ret;
    len = sock_addr_host(&dst, host, sizeof(host));
    return sock_addr_set(to, sock_addr_family(&dst), host, len,
                         s->port_mapped ? sock_addr_port(&dst) + s->port_offset : sock_addr_port(&s->addr));
}

int flow_server_address(const flow *f, sock_addr *to)
{
    const srv_conf *s = &f->srv->conf;

    if (unlikely(s->addr_mapped))
        return map_address(f, to);
    *to = s->addr;
    if (s->port_mapped)
        map_port(f, to);
    return 0;
}

/* Where connections of <f> go to, from a port of the server's range if it has one, which is told in <port>. As sock_connect(). */
static int connect_to(const flow *f, sock_how *how, uint32_t *port)
{
    server *srv = f->srv;
    const sock_addr *to = srv->conf.socks.len ? &srv->conf.socks : &srv->conf.addr;
    sock_addr mapped;

    if ((srv->conf.port_mapped || srv->conf.addr_mapped) && !srv->conf.socks.len) {
        int ret = flow_server_address(f, &mapped);

        if (ret < 0)
            return ret;
        to = &mapped;
    }
    return unlikely(srv->ports != NULL) ? ports_connect(srv->ports, to, how, port) : sock_connect(to, how);
}

/* No connection comes of what was taken for one. */
static void leave_room(server *srv, uint32_t port)
{
    if (srv->conf.strict)
        ctr32_sub(&srv->live.conns, 1);
    if (port)
        ports_give(srv->ports, port);
}

static conn *open_conn(flow *f, int *err)
{
    thr *t = f->t;
    server *srv = f->srv;
    const be_conf *bc = &f->be->conf;
    sock_how how = {
        .from = srv->conf.source.len ? &srv->conf.source : &bc->source,
        .ifname = srv->conf.ifname[0] ? srv->conf.ifname : bc->ifname,
        .tfo = (int)srv->conf.tfo,
        .no_quickack = !!(bc->options & PX_O_SMART_CONNECT),
        .user_timeout = (int)srv->conf.tcp_ut,
        .transparent = srv->conf.usesrc == SRC_FIXED,
        .ns = srv->conf.ns,
    };
    uint32_t port = 0;
    sock_addr from;
    int fd;

    if (has_own_socket(f))
        set_own_socket(f, &how);
    if (unlikely(srv->conf.usesrc > SRC_FIXED)) {
        how.transparent = handshake_source(f, &from);
        if (how.transparent < 0) {
            *err = how.transparent;
            return NULL;
        }
        if (how.transparent)
            how.from = &from;
    }
    if (unlikely(srv->conf.strict) && !idle_make_room(t, srv)) {
        *err = -EBUSY;
        return NULL;
    }
    fd = connect_to(f, &how, &port);
    if (fd < 0) {
        leave_room(srv, port);
        *err = fd;
        return NULL;
    }

    conn *c = conn_new(t, fd, CO_F_BACK | CO_F_CONNECTING, flow_server_iocb);

    if (!c) {
        leave_room(srv, port);
        *err = -ENOMEM;
        return NULL;
    }
    c->srv = srv;
    if (srv->conf.strict)
        c->flags |= CO_F_COUNTED;
    if (unlikely(port)) {
        ports_ref(srv->ports);
        c->ports = srv->ports;
        c->port = (uint16_t)port;
    }
    conn_dress(t, f->be, c);
    if (srv->conf.socks.len)
        c->flags |= CO_F_SOCKS;
    if (srv->conf.send_proxy)
        c->flags |= CO_F_PREFACE;
    if (is_private(srv)) {
        c->flags |= CO_F_PRIVATE;
        c->print = handshake_print(f, NULL, 0);
    } else if (unlikely(srv->conf.name_tell)) {
        c->flags |= CO_F_NAMED;
        c->print = handshake_name(f);
    }
    /* on a fast network the connection is there before we could be told: try to write at once. Servers that proved slow
     * are waited for, which spares an attempt. */
    if (at_peek(&srv->fast)) {
        c->flags |= CO_F_OPTIMIST;
        fd_may_send(&t->loop, c->e, fd);
    }
    return c;
}

int flow_connect(flow *f)
{
    uint32_t tid = f->t->tid;
    conn *c = find_idle(f);
    int err = 0;

    if (c) {
        c->flags |= CO_F_REUSED | CO_F_SAFE;
        cnt_inc(f->srv->shard[tid].c.reuse);
        cnt_inc(f->be->shard[tid].c.reuse);
    } else {
        c = open_conn(f, &err);
        if (!c)
            return err;
        cnt_inc(f->srv->shard[tid].c.connect);
        cnt_inc(f->be->shard[tid].c.connect);
    }
    attach_back(f, c);
    f->cs = CS_CONN;
    f->t_mark = f->t->now_ms;
    f->sexp = flow_exp(f, f->be->conf.t_connect);
    return 0;
}

/* Has its SOCKS proxy lead <c> to the server. As conn_established(). */
static int pass_socks(flow *f, conn *c)
{
    sock_addr to;
    int ret;

    ret = flow_server_address(f, &to);
    if (ret == 0)
        ret = socks4_go(c, &c->socks, &to);
    if (ret > 0)
        c->flags &= ~CO_F_SOCKS;
    return ret;
}

int flow_established(flow *f)
{
    conn *c = f->b;
    int ret = conn_established(c);

    if (ret > 0 && unlikely(c->flags & CO_F_SOCKS))
        ret = pass_socks(f, c);
    if (ret > 0 && unlikely(c->flags & CO_F_PREFACE))
        ret = handshake_send(f);
    if (ret < 0 && !(c->flags & CO_F_CONNECTING)) /* it stands, and the server was not told of us */
        tevt_add(f, TEVT_HS | TEVT_BACK | TEVT_PROTO);
    if (ret > 0) {
        f->cs = CS_EST;
        f->tc = (int32_t)(f->t->now_ms - f->t_mark);
        f->t_mark = f->t->now_ms;
        observe(f, f->srv, SEEN_L4_OK);
        /* no sooner than the clock can tell: near enough to try writing at once next time */
        if (!f->tc && !at_peek(&f->srv->fast))
            at_store(&f->srv->fast, 1);
    } else if (!ret && c->flags & CO_F_OPTIMIST) {
        c->flags &= ~CO_F_OPTIMIST;
        at_store(&f->srv->fast, 0);
    }
    return ret;
}

/* --- attempts --- */

/* Whether nobody cares about the server <old> in particular: another one may be tried at once. */
static int is_one_of_many(const flow *f, const server *old)
{
    int asked_for = f->asked && f->asked->server == (int32_t)old->index;

    return !asked_for && f->be->conf.algo != LB_HASH && at_load(&f->be->live.active) > 1;
}

/* Whether the attempt number <n> (from 1) of a retry goes to another server than <old>. */
static int redispatches(const flow *f, const server *old, uint32_t n)
{
    int32_t every = f->be->conf.redispatch;
    int64_t period = every > 0 ? every : (int64_t)f->max_retries + 1 + every;

    if (!every || !flow_has_choice(f) || (f->asked && f->asked->said & V_F_FORCE))
        return 0;
    return is_one_of_many(f, old) || !at_load(&old->live.up) || (period > 0 && n % period == 0);
}

/* Looks for another server at once; the one that failed is taken only if there is no other. As flow_retry(). */
static int redispatch(flow *f, server *old)
{
    px_shard *of_old = &old->shard[f->t->tid], *of_be = &f->be->shard[f->t->tid];
    int ret;

    flow_leave_server(f);
    f->cs = CS_NONE;
    ret = flow_assign(f);
    if (f->srv == old) {
        cnt_inc(of_old->c.retries);
        cnt_inc(of_be->c.retries);
        return 1;
    }
    f->flags |= FL_REDISP;
    cnt_inc(of_old->c.redispatches);
    cnt_inc(of_be->c.redispatches);
    return ret != ASSIGN_NONE;
}

int flow_retry(flow *f, int err)
{
    uint32_t tid = f->t->tid;
    server *old = f->srv;

    if (err != -ETIMEDOUT && (!f->b || f->b->flags & CO_F_CONNECTING))
        tevt_add(f, TEVT_FD | TEVT_BACK | TEVT_NO_CONN);
    flow_detach_back(f, 0);
    observe(f, old, SEEN_L4_ERR);
    if (f->retries >= f->max_retries || !(f->be->conf.retry_on & RETRY_CONN)) {
        cnt_inc(old->shard[tid].c.failed_conns);
        cnt_inc(f->be->shard[tid].c.failed_conns);
        return 0;
    }
    f->retries++;
    if (redispatches(f, old, f->retries))
        return redispatch(f, old);
    cnt_inc(old->shard[tid].c.retries);
    cnt_inc(f->be->shard[tid].c.retries);
    f->cs = CS_TAR;
    f->sexp = tick_add(f->t->now_ms, f->be->conf.t_connect && f->be->conf.t_connect < TURN_AROUND
                                         ? f->be->conf.t_connect
                                         : TURN_AROUND);
    return 1;
}
