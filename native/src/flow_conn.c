/* The connection of a flow to its server: where it goes, an idle one or one of its own, until it is established. */
#include "asked.h"
#include "ctr.h"
#include "engine.h"
#include "handshake.h"
#include "observe.h"
#include "socks4.h"

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
 * this one has chosen, or to a port. */
static int is_private(const server *s)
{
    return s->conf.send_proxy || s->conf.usesrc > SRC_FIXED || s->conf.addr_mapped ||
           s->conf.port_mapped || s->aside;
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
    c->moves = srv->moves;
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
