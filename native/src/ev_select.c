/* select: two bit maps. It tells neither hang-ups nor errors; both make an fd readable and writable.
 *
 * Linux takes maps of any length, elsewhere fds end at FD_SETSIZE. The maps are our own words, since FD_SET() may
 * refuse what lies beyond. */
#include <fcntl.h>
#include <sys/select.h>

#include "poll.h"

#define WORD_BITS (8 * sizeof(unsigned long))

typedef struct select_map {
    unsigned long *want; /* what is to be watched */
    unsigned long *got;  /* the kernel's answer */
} select_map;

typedef struct select_set {
    select_map in, out;
    uint32_t *gen; /* of each fd, when it was put there */
    int top;       /* one more than the highest fd in the maps */
    int start;     /* the fd with which the next look at the results begins */
    size_t maxfd;
} select_set;

static int has(const unsigned long *map, int fd) { return map[(size_t)fd / WORD_BITS] >> ((size_t)fd % WORD_BITS) & 1; }

static void put(unsigned long *map, int fd, int on)
{
    unsigned long bit = 1ul << ((size_t)fd % WORD_BITS), *word = &map[(size_t)fd / WORD_BITS];

    *word = on ? *word | bit : *word & ~bit;
}

static int is_watched(const select_set *s, int fd) { return has(s->in.want, fd) || has(s->out.want, fd); }

static void select_drop(fdloop *l, int fd, fdent *e)
{
    select_set *s = l->priv;

    put(s->in.want, fd, 0);
    put(s->out.want, fd, 0);
    while (s->top > l->wake_rd + 1 && !is_watched(s, s->top - 1))
        s->top--;
    fd_clear_polled(l, e);
}

static int select_update(fdloop *l, int fd, fdent *e)
{
    select_set *s = l->priv;
    unsigned dirs = fd_interest(e);

    if (!dirs) {
        int was = is_watched(s, fd);

        select_drop(l, fd, e);
        return was;
    }
    put(s->in.want, fd, (dirs & FD_R) != 0);
    put(s->out.want, fd, (dirs & FD_W) != 0);
    s->gen[fd] = at_peek(&e->gen);
    if (s->top <= fd)
        s->top = fd + 1;
    fd_set_polled(l, e);
    return 1;
}

/* Some fd was closed without a word: then select() says nothing about any. */
static void forget_closed(fdloop *l, select_set *s)
{
    for (int fd = 0; fd < s->top; fd++)
        if (is_watched(s, fd) && fd != l->wake_rd && fcntl(fd, F_GETFD) < 0)
            select_drop(l, fd, fd_ent(l, fd));
}

static void report(fdloop *l, const select_set *s, int fd)
{
    unsigned bits = (has(s->in.got, fd) ? FD_R : 0) | (has(s->out.got, fd) ? FD_W : 0);

    if (bits && fd != l->wake_rd)
        fd_event(l, fd, s->gen[fd], bits);
}

static int is_word_idle(const select_set *s, int fd)
{
    size_t word = (size_t)fd / WORD_BITS;

    return !(s->in.got[word] | s->out.got[word]);
}

static void collect_range(fdloop *l, select_set *s, int from, int to)
{
    for (int fd = from; fd < to && l->nbatch < l->maxbatch; s->start = ++fd) {
        if (is_word_idle(s, fd))
            fd |= (int)WORD_BITS - 1;
        else
            report(l, s, fd);
    }
}

/* Goes round once, from where it ended last time. What doesn't fit in the batch is reported again by the next call. */
static void collect(fdloop *l, select_set *s)
{
    int start = s->start < s->top ? s->start : 0;

    s->start = start;
    collect_range(l, s, start, s->top);
    collect_range(l, s, 0, start);
}

static fd_set *copy_of(select_map *m, size_t words)
{
    memcpy(m->got, m->want, words * sizeof(*m->got));
    return (fd_set *)m->got;
}

static int select_wait(fdloop *l, int timeout_ms)
{
    select_set *s = l->priv;
    struct timeval tv = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};
    size_t words = ((size_t)s->top + WORD_BITS - 1) / WORD_BITS;
    fd_set *in = copy_of(&s->in, words), *out = copy_of(&s->out, words);
    int n = select(s->top, in, out, NULL, timeout_ms < 0 ? NULL : &tv);

    if (n < 0 && errno != EBADF)
        return -errno;
    if (n < 0)
        forget_closed(l, s);
    if (n <= 0)
        return 0;
    if (has(s->in.got, l->wake_rd))
        fdloop_drain(l);
    collect(l, s);
    return (int)l->nbatch;
}

/* Room for the fds of the table and for what wakes the loop, which may lie beyond; a whole fd_set at least. */
static size_t map_bytes(const select_set *s)
{
    size_t bytes = (s->maxfd + WORD_BITS - 1) / WORD_BITS * sizeof(unsigned long);

    return bytes > sizeof(fd_set) ? bytes : sizeof(fd_set);
}

static void select_term(fdloop *l)
{
    select_set *s = l->priv;

    fd_unmap(s->in.want, map_bytes(s));
    fd_unmap(s->in.got, map_bytes(s));
    fd_unmap(s->out.want, map_bytes(s));
    fd_unmap(s->out.got, map_bytes(s));
    fd_unmap(s->gen, s->maxfd * sizeof(*s->gen));
    free(s);
    l->priv = NULL;
}

static void begin(const fdloop *l, select_set *s)
{
    memset(s->in.want, 0, map_bytes(s));
    memset(s->out.want, 0, map_bytes(s));
    put(s->in.want, l->wake_rd, 1);
    s->top = l->wake_rd + 1;
}

static int fits(const select_set *s)
{
#ifdef __linux__
    (void)s;
    return 1;
#else
    return s->maxfd <= FD_SETSIZE;
#endif
}

static int select_init(fdloop *l)
{
    select_set *s = calloc(1, sizeof(*s));

    if (!s)
        return -ENOMEM;
    l->priv = s;
    s->maxfd = (size_t)(l->tab->maxfd > l->wake_rd ? l->tab->maxfd : l->wake_rd + 1);
    s->in = (select_map){fd_map(map_bytes(s)), fd_map(map_bytes(s))};
    s->out = (select_map){fd_map(map_bytes(s)), fd_map(map_bytes(s))};
    s->gen = fd_map(s->maxfd * sizeof(*s->gen));
    if (!s->in.want || !s->in.got || !s->out.want || !s->out.got || !s->gen || !fits(s)) {
        int ret = fits(s) ? -ENOMEM : -EINVAL;

        select_term(l);
        return ret;
    }
    begin(l, s);
    return 0;
}

/* As for poll: only the wake-up fd is another one. It may not fit if the parent has opened many since. */
static int select_fork(fdloop *l)
{
    select_set *s = l->priv;

    if ((size_t)l->wake_rd >= s->maxfd)
        return -EMFILE;
    begin(l, s);
    return 0;
}

const poller poller_select = {
    .name = "select",
    .pref = 150,
    .init = select_init,
    .term = select_term,
    .update = select_update,
    .drop = select_drop,
    .wait = select_wait,
    .fork = select_fork,
};
