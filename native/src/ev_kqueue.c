/* kqueue, of the BSDs and macOS: a filter for each direction. An ordinary fd gets both once, with EV_CLEAR. */
#include "poll.h"

#ifdef LB_KQUEUE
#include <sys/event.h>
#include <sys/time.h>
#include <unistd.h>

typedef struct kqueue_set {
    int fd;
    struct kevent ev[FD_BATCH];
} kqueue_set;

/* The filter's user data is the generation. */
static int change(const fdloop *l, int fd, const fdent *e, int filter, int flags)
{
    const kqueue_set *s = l->priv;
    struct kevent ev;

    EV_SET(&ev, (uintptr_t)fd, filter, flags, 0, 0, (void *)(uintptr_t)at_peek(&e->gen));
    return kevent(s->fd, &ev, 1, NULL, 0, NULL) < 0 ? -errno : 1;
}

static void kqueue_drop(fdloop *l, int fd, fdent *e)
{
    if (!fd_is_polled(l, e))
        return;
    change(l, fd, e, EVFILT_READ, EV_DELETE); /* if it is gone already, so much the better */
    change(l, fd, e, EVFILT_WRITE, EV_DELETE);
    fd_clear_polled(l, e);
}

/* Adding what is there already changes it, so this serves for both. */
static int add(fdloop *l, int fd, fdent *e, unsigned dirs, int flags)
{
    int ret = 1;

    if (dirs & FD_R)
        ret = change(l, fd, e, EVFILT_READ, EV_ADD | flags);
    if (ret > 0 && (dirs & FD_W))
        ret = change(l, fd, e, EVFILT_WRITE, EV_ADD | flags);
    if (ret > 0)
        fd_set_polled(l, e);
    return ret;
}

static int kqueue_update(fdloop *l, int fd, fdent *e)
{
    if (!fd_is_level(e))
        return !e->want || fd_is_polled(l, e) ? 0 : add(l, fd, e, FD_R | FD_W, EV_CLEAR);
    kqueue_drop(l, fd, e);
    return e->want ? add(l, fd, e, e->want, 0) : 0;
}

/* The end of the stream comes with what is left to read; for the writing side it means that nobody reads any more. */
static unsigned bits_of(const struct kevent *ev)
{
    unsigned bits = ev->filter == EVFILT_WRITE ? FD_W : FD_R;

    if (ev->flags & EV_EOF)
        bits |= ev->filter == EVFILT_WRITE ? FD_EV_HUP | FD_R : FD_EV_RDHUP;
    if (((ev->flags & EV_EOF) && ev->fflags) || (ev->flags & EV_ERROR))
        bits |= FD_EV_ERR | FD_R | FD_W;
    return bits;
}

static int kqueue_wait(fdloop *l, int timeout_ms)
{
    kqueue_set *s = l->priv;
    struct timespec ts = {.tv_sec = timeout_ms / 1000, .tv_nsec = timeout_ms % 1000 * 1000000L};
    int n = kevent(s->fd, NULL, 0, s->ev, (int)l->maxbatch, timeout_ms < 0 ? NULL : &ts);

    if (n < 0)
        return -errno;
    for (int i = 0; i < n; i++) {
        int fd = (int)s->ev[i].ident;

        if (fd == l->wake_rd)
            fdloop_drain(l);
        else
            fd_event(l, fd, (uint32_t)(uintptr_t)s->ev[i].udata, bits_of(&s->ev[i]));
    }
    return (int)l->nbatch;
}

static int open_set(fdloop *l)
{
    kqueue_set *s = l->priv;
    struct kevent ev;
    int err;

    s->fd = kqueue();
    EV_SET(&ev, (uintptr_t)l->wake_rd, EVFILT_READ, EV_ADD, 0, 0, NULL);
    if (s->fd >= 0 && kevent(s->fd, &ev, 1, NULL, 0, NULL) == 0)
        return 0;
    err = errno;
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
    return -err;
}

static int kqueue_init(fdloop *l)
{
    int ret;

    l->priv = malloc(sizeof(kqueue_set));
    if (!l->priv)
        return -ENOMEM;
    ret = open_set(l);
    if (ret < 0) {
        free(l->priv);
        l->priv = NULL;
    }
    return ret;
}

static void kqueue_term(fdloop *l)
{
    kqueue_set *s = l->priv;

    if (s->fd >= 0)
        close(s->fd);
    free(s);
    l->priv = NULL;
}

/* A child doesn't inherit the queue: its number may stand for something else by now. */
static int kqueue_fork(fdloop *l) { return open_set(l); }

const poller poller_kqueue = {
    .name = "kqueue",
    .pref = 300,
    .flags = POLLER_F_EDGE | POLLER_F_REMOTE | POLLER_F_AUTODEL,
    .init = kqueue_init,
    .term = kqueue_term,
    .update = kqueue_update,
    .drop = kqueue_drop,
    .wait = kqueue_wait,
    .fork = kqueue_fork,
};
#endif
