#include "ctr.h"
#include "engine.h"
#include "tevt.h"
#include "thr.h"
#include <unistd.h>

/* --- the raw transport --- */

/* After a read that filled less than it was given the socket is empty, unless the peer has ended: then the end is still
 * to be read, and no further event will tell (epoll(7), "edge-triggered"). */
static void raw_drained(conn *c)
{
    if (!(c->e->ev & (FD_EV_RDHUP | FD_EV_HUP | FD_EV_ERR)))
        fd_cant_recv(&c->thr->loop, c->e, c->fd);
}

static ssize_t raw_recv(conn *c, char *to, size_t n)
{
    ssize_t ret;

    do
        ret = recv(c->fd, to, n, 0);
    while (ret < 0 && errno == EINTR);
    if (ret > 0) {
        if ((size_t)ret < n)
            raw_drained(c);
        return ret;
    }
    if (!ret)
        return 0;
    if (errno == EAGAIN)
        fd_cant_recv(&c->thr->loop, c->e, c->fd);
    return -errno;
}

static ssize_t raw_send(conn *c, const struct iovec *v, int n, int more)
{
    struct msghdr m = {.msg_iov = (struct iovec *)v, .msg_iovlen = n};
    size_t asked = 0;
    ssize_t ret;

    do {
        if (n == 1)
            ret = send(c->fd, v->iov_base, v->iov_len, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
        else
            ret = sendmsg(c->fd, &m, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
    } while (ret < 0 && errno == EINTR);
    if (ret < 0) {
        if (errno != EAGAIN && errno != ENOTCONN)
            return -errno;
        fd_cant_send(&c->thr->loop, c->e, c->fd);
        return -EAGAIN;
    }
    for (int i = 0; i < n; i++)
        asked += v[i].iov_len;
    if ((size_t)ret < asked)
        fd_cant_send(&c->thr->loop, c->e, c->fd);
    c->flags = more ? c->flags | CO_F_HOLDS : c->flags & ~CO_F_HOLDS;
    return ret;
}

static int raw_shutw(conn *c)
{
    return shutdown(c->fd, SHUT_WR) < 0 ? -errno : 0;
}

/* What is held back goes out with the end. close() alone would not do: should input be there that nobody read, it resets
 * the connection and throws away what was not sent. */
static void raw_close(conn *c)
{
    if (c->flags & CO_F_RESET)
        sock_reset_on_close(c->fd);
    else if (c->flags & CO_F_HOLDS)
        shutdown(c->fd, SHUT_WR);
}

const xprt xprt_raw = {"RAW", raw_recv, raw_send, raw_shutw, raw_close};

/* --- connections --- */

conn *conn_new(thr *t, int fd, uint32_t flags, fd_iocb cb)
{
    conn *c = slab_get(&t->conns);

    if (!c || fd >= (int)t->eng->conf.maxfd) {
        if (c)
            slab_put(&t->conns, c);
        close(fd);
        return NULL;
    }
    memset(c, 0, sizeof(*c));
    c->fd = fd;
    c->flags = flags | CO_F_SPLICE;
    c->xprt = &xprt_raw;
    c->thr = c->home = t;
    c->e = fd_ent(&t->loop, fd);
    fd_insert(&t->loop, fd, cb, c, t->bit, 0);
    return c;
}

/* What it had of its server, now that the kernel has forgotten it. */
static void give_back(conn *c)
{
    if (c->ports) {
        ports_give(c->ports, c->port);
        ports_unref(c->ports);
    }
    if (c->flags & CO_F_COUNTED)
        ctr32_sub(&c->srv->live.conns, 1);
}

void conn_free(conn *c)
{
    thr *t = c->thr;

    c->xprt->close(c);
    if (c->fd >= 0)
        fd_close(&t->loop, c->fd);
    if (unlikely(c->ports || c->flags & CO_F_COUNTED))
        give_back(c);
    if (likely(c->home == t))
        slab_put(&t->conns, c);
    else
        slab_return(&c->home->conns, c);
}

void conn_dress(thr *t, const backend *be, conn *c)
{
    const be_conf *bc = &be->conf;

    sock_bufsizes(c->fd, t->eng->conf.rcvbuf_server, t->eng->conf.sndbuf_server);
    sock_lowat(c->fd, t->eng->conf.lowat_server);
    if (bc->options & PX_O_KA_SERVER) {
        sock_keepalive(c->fd);
        sock_probes(c->fd, (int)bc->ka_count, (int)bc->ka_idle, (int)bc->ka_interval);
    }
    if (bc->options & PX_O_NOLINGER)
        c->flags |= CO_F_RESET;
}

void conn_take(thr *t, conn *c)
{
    c->thr = t;
}

void conn_ended(conn *c)
{
    c->flags |= CO_F_EOF;
    tevt_fd(c, TEVT_SHUTR);
}

void conn_broke(conn *c, int err, uint32_t found)
{
    c->flags |= CO_F_ERR;
    c->err = err;
    if (!(c->flags & CO_F_CONNECTING)) /* that attempt fails as a whole */
        tevt_fd(c, found);
}

ssize_t conn_recv(conn *c, char *to, size_t n)
{
    ssize_t ret;

    if (!conn_can_recv(c))
        return 0;
    ret = c->xprt->recv(c, to, n);
    if (ret > 0)
        return ret;
    if (!ret) {
        conn_ended(c);
        return 0;
    }
    if (ret == -EAGAIN)
        return 0;
    conn_broke(c, (int)-ret, TEVT_RCV_ERR);
    return ret;
}

ssize_t conn_send(conn *c, struct iovec *v, int n, int more)
{
    ssize_t ret;

    if (!conn_can_send(c))
        return c->flags & (CO_F_SHUTW | CO_F_ERR) ? -EPIPE : 0;
    ret = c->xprt->send(c, v, n, more);
    if (ret >= 0)
        return ret;
    if (ret == -EAGAIN)
        return 0;
    conn_broke(c, (int)-ret, TEVT_SND_ERR);
    return ret;
}

int conn_established(conn *c)
{
    sock_addr peer;

    if (!(c->flags & CO_F_CONNECTING))
        return 1;
    if (c->e->ev & (FD_EV_ERR | FD_EV_HUP)) {
        int err = sock_error(c->fd);

        return err ? -err : -ECONNRESET;
    }
    if (!(c->e->ready & FD_W))
        return 0;
    /* what we assumed has to be asked; what the kernel said is so */
    if (c->flags & CO_F_OPTIMIST && sock_peer(c->fd, &peer) < 0) {
        int err = sock_error(c->fd);

        if (err)
            return -err;
        fd_cant_send(&c->thr->loop, c->e, c->fd);
        return 0;
    }
    c->flags &= ~(CO_F_CONNECTING | CO_F_OPTIMIST);
    return 1;
}

void conn_want(conn *c, int dirs)
{
    fdloop *l = &c->thr->loop;

    if (c->flags & CO_F_APPLET) {
        c->e->want = dirs;
        return;
    }
    if (dirs & FD_R)
        fd_want_recv(l, c->e, c->fd);
    else
        fd_stop_recv(l, c->e, c->fd);
    if (dirs & FD_W)
        fd_want_send(l, c->e, c->fd);
    else
        fd_stop_send(l, c->e, c->fd);
}

void conn_shutw(conn *c)
{
    if (c->flags & (CO_F_SHUTW | CO_F_RESET))
        return;
    c->flags |= CO_F_SHUTW;
    c->flags &= ~CO_F_HOLDS;
    tevt_fd(c, TEVT_SHUTW);
    c->xprt->shutw(c);
}
