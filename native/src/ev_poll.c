/* poll: a dense array of what is to be watched, and for each fd its place in it. */
#include "poll.h"

#ifndef POLLRDHUP
#define POLLRDHUP 0
#endif

typedef struct poll_set {
    struct pollfd *pfd; /* [0] is what wakes the loop */
    uint32_t *gen;      /* of each, when it was put there */
    uint32_t *place;    /* of each fd in pfd, 0 if none */
    uint32_t n;
    uint32_t start; /* where the last look at the results ended, so that none is always the last to be served */
    size_t maxfd;
} poll_set;

static void forget(poll_set *s, int fd)
{
    uint32_t at = s->place[fd], last = s->n - 1;

    if (!at)
        return;
    s->place[fd] = 0;
    s->n = last;
    if (at == last)
        return;
    s->pfd[at] = s->pfd[last];
    s->gen[at] = s->gen[last];
    s->place[s->pfd[at].fd] = at;
}

static void poll_drop(fdloop *l, int fd, fdent *e)
{
    forget(l->priv, fd);
    fd_clear_polled(l, e);
}

static int poll_update(fdloop *l, int fd, fdent *e)
{
    poll_set *s = l->priv;
    unsigned dirs = fd_interest(e);
    uint32_t at = s->place[fd];

    if (!dirs) {
        poll_drop(l, fd, e);
        return at != 0;
    }
    if (!at)
        at = s->place[fd] = s->n++;
    s->pfd[at].fd = fd;
    s->pfd[at].events = (short)((dirs & FD_R ? POLLIN | POLLRDHUP : 0) | (dirs & FD_W ? POLLOUT : 0));
    s->gen[at] = at_peek(&e->gen);
    fd_set_polled(l, e);
    return 1;
}

static unsigned bits_of(int events)
{
    unsigned bits = 0;

    if (events & (POLLIN | POLLRDHUP | POLLHUP | POLLERR))
        bits |= FD_R;
    if (events & (POLLOUT | POLLHUP | POLLERR))
        bits |= FD_W;
    if (events & POLLRDHUP)
        bits |= FD_EV_RDHUP;
    if (events & POLLHUP)
        bits |= FD_EV_HUP;
    if (events & POLLERR)
        bits |= FD_EV_ERR;
    return bits;
}

/* Whether the fd at <at> was forgotten: somebody closed it without a word, and another stands here now. */
static int report(fdloop *l, poll_set *s, uint32_t at)
{
    const struct pollfd *p = &s->pfd[at];

    if (p->revents & POLLNVAL) {
        poll_drop(l, p->fd, fd_ent(l, p->fd));
        return 1;
    }
    if (p->revents)
        fd_event(l, p->fd, s->gen[at], bits_of(p->revents));
    return 0;
}

/* Goes round once, from where it ended last time. What doesn't fit in the batch is reported by the next poll(). */
static void collect(fdloop *l, poll_set *s)
{
    uint32_t at = s->start;

    for (uint32_t left = s->n - 1; left && l->nbatch < l->maxbatch; left--) {
        if (at < 1 || at >= s->n)
            at = 1;
        if (!report(l, s, at))
            at++;
    }
    s->start = at;
}

static int poll_wait(fdloop *l, int timeout_ms)
{
    poll_set *s = l->priv;
    int n = poll(s->pfd, s->n, timeout_ms);

    if (n < 0)
        return -errno;
    if (s->pfd[0].revents) {
        fdloop_drain(l);
        n--;
    }
    if (n)
        collect(l, s);
    return (int)l->nbatch;
}

static void poll_term(fdloop *l)
{
    poll_set *s = l->priv;

    fd_unmap(s->pfd, (s->maxfd + 1) * sizeof(*s->pfd));
    fd_unmap(s->gen, (s->maxfd + 1) * sizeof(*s->gen));
    fd_unmap(s->place, s->maxfd * sizeof(*s->place));
    free(s);
    l->priv = NULL;
}

static void begin(fdloop *l, poll_set *s)
{
    s->pfd[0] = (struct pollfd){.fd = l->wake_rd, .events = POLLIN};
    s->n = 1;
}

static int poll_init(fdloop *l)
{
    poll_set *s = calloc(1, sizeof(*s));

    if (!s)
        return -ENOMEM;
    l->priv = s;
    s->maxfd = (size_t)l->tab->maxfd;
    s->pfd = fd_map((s->maxfd + 1) * sizeof(*s->pfd));
    s->gen = fd_map((s->maxfd + 1) * sizeof(*s->gen));
    s->place = fd_map(s->maxfd * sizeof(*s->place));
    if (!s->pfd || !s->gen || !s->place) {
        poll_term(l);
        return -ENOMEM;
    }
    begin(l, s);
    return 0;
}

/* Nothing is shared but the number of what wakes the loop, which is another one now. */
static int poll_fork(fdloop *l)
{
    poll_set *s = l->priv;

    while (s->n > 1)
        forget(s, s->pfd[s->n - 1].fd);
    begin(l, s);
    return 0;
}

const poller poller_poll = {
    .name = "poll",
    .pref = 200,
    .init = poll_init,
    .term = poll_term,
    .update = poll_update,
    .drop = poll_drop,
    .wait = poll_wait,
    .fork = poll_fork,
};
