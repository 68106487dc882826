/* Applets: connections whose other end is Python. To the flow they are a connection like any other; what it sends becomes
 * events, what it receives was put there by eng_applet_put().
 */
#include "engine.h"
#include "flow.h"

#define OUT_FULL 65536 /* bytes that wait for the client above which nothing is taken from it */

typedef struct applet {
    fdent ent; /* the readiness that an fd would have */
    uint64_t handle;
    flow *f;
    buf out; /* from Python, to the client */
    int ended;
    int asked; /* Python waits to hear that all has gone */
    struct applet *next;
} applet;

static void tell_room(conn *c, applet *a)
{
    lb_event *ev = thr_event(c->thr, EV_ROOM);

    if (ev) {
        ev->handle = a->handle;
        a->asked = 0;
    }
}

static ssize_t applet_recv(conn *c, char *to, size_t n)
{
    applet *a = c->ctx;

    if (!a->out.len) {
        if (a->ended)
            return 0;
        a->ent.ready &= (uint8_t)~FD_R;
        if (a->asked)
            tell_room(c, a);
        return -EAGAIN;
    }
    if (n > a->out.len)
        n = a->out.len;
    memcpy(to, buf_data(&a->out), n);
    buf_skip(&c->thr->bufs, &a->out, n);
    if (!a->out.len && !(a->ent.ready & FD_W)) {
        a->ent.ready |= FD_W;
        flow_later(a->f);
    }
    if (!a->out.len && !a->ended)
        tell_room(c, a);
    return (ssize_t)n;
}

static ssize_t applet_send(conn *c, const struct iovec *v, int n, int more)
{
    applet *a = c->ctx;
    size_t total = 0;

    (void)more;
    if (a->out.len > OUT_FULL) { /* who does not read answers asks no more questions */
        a->ent.ready &= (uint8_t)~FD_W;
        return -EAGAIN;
    }
    for (int i = 0; i < n; i++) {
        uint32_t at = thr_text(c->thr, v[i].iov_base, v[i].iov_len);
        lb_event *ev = at == UINT32_MAX ? NULL : thr_event(c->thr, EV_DATA);

        if (!ev)
            return total ? (ssize_t)total : -ENOMEM;
        ev->handle = a->handle;
        ev->data = (void *)(uintptr_t)at;
        ev->len = v[i].iov_len;
        total += v[i].iov_len;
    }
    return (ssize_t)total;
}

static int applet_shutw(conn *c)
{
    applet *a = c->ctx;
    lb_event *ev = thr_event(c->thr, EV_EOF);

    if (ev)
        ev->handle = a->handle;
    return 0;
}

static void applet_close(conn *c)
{
    applet *a = c->ctx, **at = &c->thr->applets;
    lb_event *ev = thr_event(c->thr, EV_CLOSE);

    if (ev)
        ev->handle = a->handle;
    while (*at != a)
        at = &(*at)->next;
    *at = a->next;
    buf_release(&c->thr->bufs, &a->out);
    free(a);
}

static const xprt xprt_applet = {"APPLET", applet_recv, applet_send, applet_shutw, applet_close};

void applet_start(flow *f)
{
    thr *t = f->t;
    applet *a = calloc(1, sizeof(*a));
    conn *c = a ? slab_get(&t->conns) : NULL;
    lb_event *ev = c ? thr_event(t, EV_OPEN) : NULL;

    if (!ev) {
        if (c)
            slab_put(&t->conns, c);
        free(a);
        flow_free(f);
        return;
    }
    memset(c, 0, sizeof(*c));
    c->fd = -1;
    c->flags = CO_F_BACK | CO_F_APPLET;
    c->e = &a->ent;
    c->xprt = &xprt_applet;
    c->thr = c->home = t;
    c->flow = f;
    c->ctx = a;
    a->ent.ready = FD_W;
    a->f = f;
    a->handle = (uint64_t)t->tid << 48 | ++t->flow_gen;
    a->next = t->applets;
    t->applets = a;
    ev->handle = a->handle;
    ev->arg = f->lsn->index;
    cnt_inc(t->streams); /* which what is asked of the balancer itself is, too */
    f->b = c;
    f->cs = CS_EST;
    f->patience = f->fe->conf.t_client;
    f->cexp = flow_exp(f, f->patience);
    fd_may_recv(&t->loop, f->f->e, f->f->fd);
    flow_run(f);
}

static applet *find(engine *e, int tid, uint64_t handle)
{
    applet *a = e->threads[tid].applets;

    while (a && a->handle != handle)
        a = a->next;
    return a;
}

int eng_applet_put(engine *e, int tid, uint64_t handle, const char *bytes, int len)
{
    applet *a = find(e, tid, handle);

    if (!a || a->ended)
        return -ESTALE;
    if (len && buf_append(&e->threads[tid].bufs, &a->out, bytes, len) < 0)
        return -ENOMEM;
    a->asked = 1;
    a->f->cexp = flow_exp(a->f, a->f->patience); /* it is not the client that is slow */
    a->ent.ready |= FD_R;
    flow_later(a->f);
    return (int)a->out.len;
}

int eng_applet_fds(engine *e, int tid, uint64_t handle, const char *bytes, int len, const int *fds, int n)
{
    applet *a = find(e, tid, handle);
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int) * ENG_FDS_AT_ONCE)];
    } control;
    struct iovec v = {(char *)bytes, (size_t)len};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
    ssize_t ret;

    if (!a || a->ended)
        return -ESTALE;
    if (n < 0 || n > ENG_FDS_AT_ONCE || len < 1 || a->f->f->family != AF_UNIX)
        return -EINVAL;
    if (a->out.len || chan_holds(&a->f->res))
        return -EAGAIN;
    if (n) {
        memset(&control, 0, sizeof(control));
        control.head.cmsg_len = CMSG_LEN(sizeof(int) * (size_t)n);
        control.head.cmsg_level = SOL_SOCKET;
        control.head.cmsg_type = SCM_RIGHTS;
        memcpy(CMSG_DATA(&control.head), fds, sizeof(int) * (size_t)n);
        m.msg_control = &control;
        m.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)n);
    }
    do
        ret = sendmsg(a->f->f->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (ret < 0 && errno == EINTR);
    if (ret < 0)
        return -errno;
    return ret == len ? 0 : -EAGAIN;
}

int eng_applet_end(engine *e, int tid, uint64_t handle)
{
    applet *a = find(e, tid, handle);

    if (!a)
        return -ESTALE;
    a->ended = 1;
    a->ent.ready |= FD_R;
    flow_later(a->f);
    return 0;
}

int eng_applet_patience(engine *e, int tid, uint64_t handle, uint32_t ms)
{
    applet *a = find(e, tid, handle);

    if (!a)
        return -ESTALE;
    a->f->patience = ms;
    a->f->cexp = flow_exp(a->f, ms);
    flow_later(a->f);
    return 0;
}

int eng_applet_peer(engine *e, int tid, uint64_t handle, uint32_t *family, uint32_t *port, uint8_t *addr16)
{
    applet *a = find(e, tid, handle);

    if (!a)
        return -ESTALE;
    *family = a->f->f->family;
    *port = a->f->f->port;
    memcpy(addr16, a->f->f->addr, 16);
    return 0;
}
