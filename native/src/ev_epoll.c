/* epoll: each thread has its own set. An ordinary fd is added once, edge-triggered, for all it can ever report; after
 * that no change of what is wanted costs a call. */
#ifdef __linux__
#include <sys/epoll.h>
#include <unistd.h>

#include "poll.h"

#define WAKE UINT64_MAX /* no fd has this number */

typedef struct epoll_set {
    int fd;
    struct epoll_event ev[FD_BATCH];
} epoll_set;

static int control(const fdloop *l, int op, int fd, const fdent *e, uint32_t events)
{
    const epoll_set *s = l->priv;
    struct epoll_event ev = {.events = events, .data.u64 = (uint64_t)at_peek(&e->gen) << 32 | (uint32_t)fd};

    return epoll_ctl(s->fd, op, fd, &ev) < 0 ? -errno : 1;
}

/* The set may know the file by this number from before, if it was put in the table anew without having been removed. */
static int add(fdloop *l, int fd, fdent *e, uint32_t events)
{
    int ret = control(l, EPOLL_CTL_ADD, fd, e, events);

    if (ret == -EEXIST) {
        control(l, EPOLL_CTL_DEL, fd, e, 0);
        ret = control(l, EPOLL_CTL_ADD, fd, e, events);
    }
    if (ret > 0)
        fd_set_polled(l, e);
    return ret;
}

static void epoll_drop(fdloop *l, int fd, fdent *e)
{
    if (!fd_is_polled(l, e))
        return;
    control(l, EPOLL_CTL_DEL, fd, e, 0); /* if it is gone already, so much the better */
    fd_clear_polled(l, e);
}

/* An exclusive registration can't be changed, only replaced. */
static int update_level(fdloop *l, int fd, fdent *e)
{
    uint32_t events = (e->want & FD_R ? EPOLLIN : 0) | (e->want & FD_W ? EPOLLOUT : 0);
    int polled = fd_is_polled(l, e);

    if (!polled && !events)
        return 0;
    if (polled && events && !(e->flags & FD_F_EXCL))
        return control(l, EPOLL_CTL_MOD, fd, e, events | EPOLLRDHUP);
    epoll_drop(l, fd, e);
    if (!events)
        return 1;
    return add(l, fd, e, events | (e->flags & FD_F_EXCL ? (uint32_t)EPOLLEXCLUSIVE : (uint32_t)EPOLLRDHUP));
}

static int epoll_update(fdloop *l, int fd, fdent *e)
{
    if (unlikely(fd_is_level(e)))
        return update_level(l, fd, e);
    if (!e->want || fd_is_polled(l, e))
        return 0;
    return add(l, fd, e, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
}

static unsigned bits_of(uint32_t events)
{
    unsigned bits = 0;

    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        bits |= FD_R;
    if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
        bits |= FD_W;
    if (events & EPOLLRDHUP)
        bits |= FD_EV_RDHUP;
    if (events & EPOLLHUP)
        bits |= FD_EV_HUP;
    if (events & EPOLLERR)
        bits |= FD_EV_ERR;
    return bits;
}

/* The eventfd is edge-triggered, too: each write to it is an event, and its count needs not be read. */
static int epoll_wait_events(fdloop *l, int timeout_ms)
{
    epoll_set *s = l->priv;
    int n = epoll_wait(s->fd, s->ev, (int)l->maxbatch, timeout_ms);

    if (n < 0)
        return -errno;
    for (int i = 0; i < n; i++) {
        uint64_t data = s->ev[i].data.u64;

        if (data != WAKE)
            fd_event(l, (int)(uint32_t)data, (uint32_t)(data >> 32), bits_of(s->ev[i].events));
    }
    return (int)l->nbatch;
}

static int open_set(fdloop *l)
{
    struct epoll_event ev = {.events = EPOLLIN | EPOLLET, .data.u64 = WAKE};
    epoll_set *s = l->priv;
    int err;

    s->fd = epoll_create1(EPOLL_CLOEXEC);
    if (s->fd >= 0 && epoll_ctl(s->fd, EPOLL_CTL_ADD, l->wake_rd, &ev) == 0)
        return 0;
    err = errno;
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
    return -err;
}

static int epoll_init(fdloop *l)
{
    int ret;

    l->priv = malloc(sizeof(epoll_set));
    if (!l->priv)
        return -ENOMEM;
    ret = open_set(l);
    if (ret < 0) {
        free(l->priv);
        l->priv = NULL;
    }
    return ret;
}

static void epoll_term(fdloop *l)
{
    epoll_set *s = l->priv;

    if (s->fd >= 0)
        close(s->fd);
    free(s);
    l->priv = NULL;
}

static int epoll_fork(fdloop *l)
{
    close(((epoll_set *)l->priv)->fd);
    return open_set(l);
}

const poller poller_epoll = {
    .name = "epoll",
    .pref = 300,
    .flags = POLLER_F_EDGE | POLLER_F_REMOTE | POLLER_F_AUTODEL,
    .init = epoll_init,
    .term = epoll_term,
    .update = epoll_update,
    .drop = epoll_drop,
    .wait = epoll_wait_events,
    .fork = epoll_fork,
};
#else
typedef int no_epoll_here;
#endif
