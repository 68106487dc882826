/* The pollers of this build, and the birth and death of loops. */
#include "poll.h"

#include <fcntl.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/eventfd.h>
#endif

static const poller *const pollers[] = {
#ifdef __linux__
    &poller_epoll,
#endif
#ifdef LB_KQUEUE
    &poller_kqueue,
#endif
    &poller_poll,
    &poller_select,
};

const poller *poller_by_index(int i)
{
    return i >= 0 && (size_t)i < sizeof(pollers) / sizeof(*pollers) ? pollers[i] : NULL;
}

const poller *poller_best(unsigned disabled_mask)
{
    const poller *best = NULL;

    for (int i = 0; poller_by_index(i); i++)
        if (!(disabled_mask >> i & 1) && (!best || pollers[i]->pref > best->pref))
            best = pollers[i];
    return best;
}

int poller_index(const char *name)
{
    for (int i = 0; poller_by_index(i); i++)
        if (!strcmp(pollers[i]->name, name))
            return i;
    return -1;
}

const char *poller_name(int i) { return poller_by_index(i) ? pollers[i]->name : NULL; }
int poller_pref(int i) { return poller_by_index(i) ? pollers[i]->pref : 0; }

/* --- birth and death --------------------------------------------------------------------------------------------- */

#ifdef __linux__
static int open_wake(fdloop *l)
{
    l->wake_rd = l->wake_wr = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return l->wake_rd < 0 ? -errno : 0;
}
#else
static int open_wake(fdloop *l)
{
    int p[2];

    if (pipe(p) < 0)
        return -errno;
    for (int i = 0; i < 2; i++) {
        fcntl(p[i], F_SETFL, O_NONBLOCK);
        fcntl(p[i], F_SETFD, FD_CLOEXEC);
    }
    l->wake_rd = p[0];
    l->wake_wr = p[1];
    return 0;
}
#endif

static void close_wake(fdloop *l)
{
    if (l->wake_rd >= 0)
        close(l->wake_rd);
    if (l->wake_wr >= 0 && l->wake_wr != l->wake_rd)
        close(l->wake_wr);
    l->wake_rd = l->wake_wr = -1;
}

static int start_poller(fdloop *l, const poller *p)
{
    int ret;

    l->poll = p;
    l->edge_bit = p->flags & POLLER_F_EDGE ? l->bit : 0;
    ret = p->init(l);
    if (ret < 0)
        l->poll = NULL;
    return ret;
}

static int start_best_poller(fdloop *l)
{
    const poller *p;
    unsigned disabled = 0;
    int ret = -ENOSYS;

    while ((p = poller_best(disabled))) {
        ret = start_poller(l, p);
        if (ret >= 0)
            return ret;
        disabled |= 1u << poller_index(p->name);
    }
    return ret;
}

static void free_memory(fdloop *l)
{
    size_t n = (size_t)l->tab->maxfd;

    fd_unmap(l->upd, n * sizeof(*l->upd));
    fd_unmap(l->inbox, n * sizeof(*l->inbox));
    fd_unmap(l->cache, (size_t)l->cache_size * sizeof(*l->cache));
    free(l->batch);
    close_wake(l);
}

static int get_memory(fdloop *l)
{
    size_t n = (size_t)l->tab->maxfd;

    for (l->cache_size = 1; l->cache_size < n; l->cache_size *= 2)
        ;
    l->upd = fd_map(n * sizeof(*l->upd));
    l->inbox = fd_map(n * sizeof(*l->inbox));
    l->cache = fd_map((size_t)l->cache_size * sizeof(*l->cache));
    l->maxbatch = FD_BATCH;
    l->batch = malloc(FD_BATCH * sizeof(*l->batch));
    return l->upd && l->inbox && l->cache && l->batch ? open_wake(l) : -ENOMEM;
}

/* Puts in the update list what others inserted before this loop was there. */
static void adopt_shared(fdloop *l)
{
    for (int fd = 0; fd < fdtab_top(l->tab); fd++) {
        uint64_t mask = at_load(&l->ent[fd].thread_mask);

        if ((mask & l->bit) && (at_peek(&l->ent[fd].flags) & FD_F_SHARED))
            fd_update(l, l->ent + fd, fd);
    }
}

int fdloop_init(fdloop *l, fdtab *t, int tid, const poller *p, void *ctx)
{
    int ret;

    memset(l, 0, sizeof(*l));
    if (tid < 0 || tid >= FD_MAXTHREADS)
        return -EINVAL;
    *l = (fdloop){.ent = t->ent, .bit = (uint64_t)1 << tid, .running = -1, .tid = tid, .ctx = ctx, .tab = t,
                  .claimed = -1, .wake_rd = -1, .wake_wr = -1};
    spin_init(&l->in_lock, t->set, LBL_POLL);
    ret = get_memory(l);
    if (ret >= 0)
        ret = p ? start_poller(l, p) : start_best_poller(l);
    if (ret < 0) {
        free_memory(l);
        return ret;
    }
    spin_lock(&t->lock);
    at_store(&t->loop[tid], l);
    adopt_shared(l);
    spin_unlock(&t->lock);
    return 0;
}

void fdloop_fini(fdloop *l)
{
    spin_lock(&l->tab->lock);
    at_store(&l->tab->loop[l->tid], NULL);
    for (int fd = 0; fd < fdtab_top(l->tab); fd++) {
        at_and(&l->ent[fd].polled_mask, ~l->bit);
        at_and(&l->ent[fd].upd_mask, ~l->bit);
    }
    spin_unlock(&l->tab->lock);
    l->poll->term(l);
    free_memory(l);
}

/* The wake-up fd is shared with the parent as well. */
int fdloop_fork(fdloop *l)
{
    int ret;

    close_wake(l);
    ret = open_wake(l);
    if (ret >= 0 && l->poll->fork)
        ret = l->poll->fork(l);
    if (ret < 0)
        return ret;
    for (int fd = 0; fd < fdtab_top(l->tab); fd++) {
        fd_clear_polled(l, l->ent + fd);
        if (at_load(&l->ent[fd].thread_mask) & l->bit)
            fd_update(l, l->ent + fd, fd);
    }
    return 0;
}

void fdloop_read(const fdloop *l, fdloop_figures *out)
{
    const uint64_t *from = (const uint64_t *)&l->fig;
    uint64_t *to = (uint64_t *)out;

    for (size_t i = 0; i < sizeof(*out) / sizeof(*to); i++)
        to[i] = at_peek(from + i);
}

const char *fdloop_poller(const fdloop *l) { return l->poll->name; }
