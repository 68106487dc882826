/* The fd table: inserting, changing, moving and closing fds. What a loop does with them is in loop.c. */
#include "fd.h"

#include <sys/mman.h>
#include <unistd.h>

#include "poll.h"

#ifndef MAP_NORESERVE
#define MAP_NORESERVE 0
#endif

void *fd_map(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return p == MAP_FAILED ? NULL : p;
}

void fd_unmap(void *p, size_t bytes)
{
    if (p)
        munmap(p, bytes);
}

int fdtab_init(fdtab *t, int maxfd, lockset *set)
{
    memset(t, 0, sizeof(*t));
    if (maxfd <= 0)
        return -EINVAL;
    t->ent = fd_map((size_t)maxfd * sizeof(*t->ent));
    if (!t->ent)
        return -ENOMEM;
    t->maxfd = maxfd;
    t->set = set;
    spin_init(&t->lock, set, LBL_FDTAB);
    return 0;
}

void fdtab_fini(fdtab *t)
{
    fd_unmap(t->ent, (size_t)t->maxfd * sizeof(*t->ent));
    t->ent = NULL;
    t->maxfd = 0;
}

int fdtab_top(const fdtab *t) { return at_load(&t->top); }

int fd_describe(const fdtab *t, int fd, fd_info *out)
{
    const fdent *e;

    memset(out, 0, sizeof(*out));
    if (fd < 0 || fd >= t->maxfd)
        return -EBADF;
    e = t->ent + fd;
    out->thread_mask = at_load(&e->thread_mask);
    out->polled_mask = at_peek(&e->polled_mask);
    out->gen = at_peek(&e->gen);
    out->want = at_peek(&e->want);
    out->ready = at_peek(&e->ready);
    out->ev = at_peek(&e->ev);
    out->flags = at_peek(&e->flags);
    return 0;
}

static void raise_top(fdtab *t, int fd)
{
    int top = at_peek(&t->top);

    while (top <= fd && !at_cas(&t->top, &top, fd + 1))
        ;
}

/* Makes all that was known of the fd stale. Sequentially consistent, see fd_migrate(). */
static uint32_t next_gen(fdent *e)
{
    uint32_t gen = at_peek(&e->gen) + 1;

    gen += !gen;
    __atomic_store_n(&e->gen, gen, __ATOMIC_SEQ_CST);
    return gen;
}

/* The entry of an fd that is in the table, else NULL. */
static fdent *find(const fdloop *l, int fd)
{
    if (fd < 0 || fd >= l->tab->maxfd || !at_load(&fd_ent(l, fd)->thread_mask))
        return NULL;
    return fd_ent(l, fd);
}

static int is_several(uint64_t mask) { return (mask & (mask - 1)) != 0; }

uint32_t fd_insert(fdloop *l, int fd, fd_iocb cb, void *owner, uint64_t mask, uint8_t flags)
{
    fdtab *t = l->tab;
    fdent *e;
    uint32_t gen;

    if (fd < 0 || fd >= t->maxfd || !mask)
        return 0;
    e = fd_ent(l, fd);
    /* The kernel gave us this number after another thread had closed it; this load, and that thread's last touch of the
     * entry before it did, say the same to the compiler and the memory: all it did to the entry is behind us. */
    (void)at_load(&e->polled_mask);
    flags &= FD_F_EXCL | FD_F_LEVEL | FD_F_DUP | FD_F_SHARED;
    if (is_several(mask))
        flags |= FD_F_SHARED;
    if (!e->lock.label)
        spin_init(&e->lock, t->set, LBL_FD);
    raise_top(t, fd);
    gen = next_gen(e);
    fd_put(&e->want, 0);
    fd_put(&e->ready, 0);
    fd_put(&e->ev, 0);
    fd_put(&e->flags, flags);
    fd_put(&e->iocb, cb);
    fd_put(&e->owner, owner);
    at_and(&e->polled_mask, 0);
    at_store(&e->thread_mask, mask);
    return gen;
}

void fd_set_handler(fdent *e, fd_iocb cb)
{
    fd_put(&e->iocb, cb);
}

/* --- changes that other loops must hear of ----------------------------------------------------------------------- */

/* upd_mask is what keeps a change from being missed: the bit is set after the entry was changed, and its thread
 * clears it before it reads the entry. So either that thread reads the new state, or the bit is found clear here and
 * the fd is handed over once more. */
void fd_update_remote(fdloop *to, fdent *e, int fd)
{
    if (at_or(&e->upd_mask, to->bit) & to->bit)
        return;
    spin_lock(&to->in_lock);
    to->inbox[to->ninbox] = (uint32_t)fd;
    at_store(&to->ninbox, to->ninbox + 1);
    spin_unlock(&to->in_lock);
    fdloop_wake(to);
}

void fd_update(fdloop *l, fdent *e, int fd)
{
    if (at_peek(&e->upd_mask) & l->bit)
        return;
    if (at_or(&e->upd_mask, l->bit) & l->bit)
        return; /* another thread just put it in our inbox, which is flushed with the list */
    l->upd[l->nupd++] = (uint32_t)fd;
}

/* Lets all loops of <mask> look at <fd>. The table's lock must be held: it keeps the loops alive. */
static void update_all(fdloop *l, fdent *e, int fd, uint64_t mask)
{
    for (; mask; mask &= mask - 1) {
        fdloop *to = l->tab->loop[__builtin_ctzll(mask)];

        if (to == l)
            fd_update(l, e, fd);
        else if (to)
            fd_update_remote(to, e, fd);
    }
}

static int set_want(fdent *e, uint8_t dir, int on)
{
    uint8_t want = on ? e->want | dir : e->want & (uint8_t)~dir;

    if (want == e->want)
        return 0;
    fd_put(&e->want, want);
    return 1;
}

void fd_level_set(fdloop *l, fdent *e, int fd, uint8_t dir, int on)
{
    if (!(at_peek(&e->flags) & FD_F_SHARED)) {
        if (set_want(e, dir, on))
            fd_update(l, e, fd);
        return;
    }
    spin_lock(&l->tab->lock);
    spin_lock(&e->lock);
    int changed = set_want(e, dir, on);
    spin_unlock(&e->lock);
    if (changed)
        update_all(l, e, fd, at_load(&e->thread_mask));
    spin_unlock(&l->tab->lock);
}

/* --- the fd cache ------------------------------------------------------------------------------------------------ */

static int is_cached(const fdloop *l, uint64_t key)
{
    const fdent *e = l->ent + (uint32_t)key;

    return at_load(&e->gen) == key >> 32 && at_load(&e->thread_mask) == l->bit && (e->flags & FD_F_CACHED);
}

/* Closed and moved fds are left in the ring until they are met. When it is full, enough of them are there: fds that are
 * really cached stand there once, and one that could stand there, the one to be added, does not. */
static void cache_compact(fdloop *l)
{
    uint32_t kept = 0, turn = l->cache_turn, mask = l->cache_size - 1;

    for (uint32_t i = 0; i < l->cache_len; i++) {
        uint64_t key = l->cache[(l->cache_head + i) & mask];

        if (is_cached(l, key))
            l->cache[(l->cache_head + kept++) & mask] = key;
        else if (i < turn)
            l->cache_turn--;
    }
    l->cache_len = kept;
}

void fd_cache_add(fdloop *l, fdent *e, int fd)
{
    if (unlikely(l->cache_len == l->cache_size))
        cache_compact(l);
    fd_put(&e->flags, e->flags | FD_F_CACHED);
    l->cache[(l->cache_head + l->cache_len++) & (l->cache_size - 1)] = (uint64_t)at_peek(&e->gen) << 32 | (uint32_t)fd;
}

/* --- leaving ----------------------------------------------------------------------------------------------------- */

int fd_is_running(const fdtab *t, int fd, const fdloop *but)
{
    for (int i = 0; i < FD_MAXTHREADS; i++) {
        const fdloop *o = t->loop[i];

        if (o && o != but && __atomic_load_n(&o->running, __ATOMIC_SEQ_CST) == fd)
            return 1;
    }
    return 0;
}

/* Takes <fd> out of the poller of <from>. A poller whose set is private memory is told to do it by itself: meanwhile
 * its events are dropped by their generation. */
static void leave_poller(fdloop *l, fdloop *from, int fd, fdent *e)
{
    if (from == l || (from->poll->flags & POLLER_F_REMOTE))
        from->poll->drop(from, fd, e);
    else
        fd_update_remote(from, e, fd);
}

/* Takes <fd> out of all pollers that hold it, except those that will notice its close(). */
static void leave_pollers(fdloop *l, int fd, fdent *e, int closing)
{
    int noticed = closing && !(e->flags & (FD_F_SHARED | FD_F_DUP));

    for (uint64_t left = at_load(&e->polled_mask); left; left &= left - 1) {
        fdloop *from = at_load(&l->tab->loop[__builtin_ctzll(left)]);

        if (from && !(noticed && (from->poll->flags & POLLER_F_AUTODEL)))
            leave_poller(l, from, fd, e);
    }
    at_and(&e->polled_mask, 0); /* the last touch, see fd_insert() */
}

/* Its handler isn't called any more once the generation is another one. */
static void retire(fdent *e)
{
    next_gen(e);
    at_store(&e->thread_mask, 0);
    fd_put(&e->want, 0);
    fd_put(&e->ready, 0);
}

/* A shared fd's number must not be given to another file while some thread stands between looking at the entry and
 * using it. Whether one does is told by `running`; who sets FD_F_CLOSING before looking there is seen by a thread
 * that leaves after that (both sequentially consistent), and the last to leave closes. */
static int retire_shared(fdloop *l, int fd, fdent *e, int closing)
{
    int busy = 0;

    spin_lock(&l->tab->lock);
    spin_lock(&e->lock);
    if (!at_load(&e->thread_mask)) {
        spin_unlock(&e->lock);
        spin_unlock(&l->tab->lock);
        return -EBADF;
    }
    retire(e);
    leave_pollers(l, fd, e, closing);
    if (closing) {
        __atomic_store_n(&e->flags, e->flags | FD_F_CLOSING, __ATOMIC_SEQ_CST);
        busy = fd_is_running(l->tab, fd, l);
        if (!busy)
            at_store(&e->flags, e->flags & (uint8_t)~FD_F_CLOSING);
    }
    spin_unlock(&e->lock);
    spin_unlock(&l->tab->lock);
    return busy;
}

int fd_remove(fdloop *l, int fd)
{
    fdent *e = find(l, fd);

    if (!e)
        return -EBADF;
    if (at_peek(&e->flags) & FD_F_SHARED)
        return retire_shared(l, fd, e, 0);
    retire(e);
    leave_pollers(l, fd, e, 0);
    return 0;
}

int fd_close(fdloop *l, int fd)
{
    fdent *e = find(l, fd);
    int busy = 0;

    if (!e)
        return -EBADF;
    if (at_peek(&e->flags) & FD_F_SHARED) {
        busy = retire_shared(l, fd, e, 1);
    } else {
        retire(e);
        leave_pollers(l, fd, e, 1);
    }
    if (busy < 0)
        return busy;
    if (!busy)
        close(fd);
    return 0;
}

/* --- moving ------------------------------------------------------------------------------------------------------ */

/* The old thread may be anywhere: asleep, or with an event of this fd in the batch it works off, about to call its
 * handler. Before it touches any entry, a loop says which (`running`) and then looks whether that one is claimed;
 * here it is claimed first, and then `running` is looked at. All four are sequentially consistent, so at least one
 * side sees the other:
 *   - we see it running: nothing was changed yet, we give up;
 *   - it sees the claim: it waits for in_lock, and then finds a generation and a mask that are not its own;
 *   - it sees a claim that is over (-1): that store was a release after the new generation and mask, so it finds these.
 * What the old thread wrote to the entry before is visible here: it left the fd by a release store to `running`, or
 * put it on the caller's list under the caller's lock. */
static int take_away(fdloop *from, fdloop *to, int fd, fdent *e)
{
    int busy;

    spin_lock(&from->in_lock);
    __atomic_store_n(&from->claimed, fd, __ATOMIC_SEQ_CST);
    busy = __atomic_load_n(&from->running, __ATOMIC_SEQ_CST) == fd;
    if (!busy) {
        next_gen(e);
        at_store(&e->thread_mask, to->bit);
        fd_put(&e->flags, e->flags & (uint8_t)~FD_F_CACHED);
    }
    at_store(&from->claimed, -1);
    spin_unlock(&from->in_lock);
    return busy ? -EBUSY : 0;
}

int fd_migrate(fdloop *from, fdloop *to, int fd)
{
    fdent *e = find(to, fd);
    uint64_t mask = e ? at_load(&e->thread_mask) : 0;

    if (!mask)
        return -EBADF;
    if (is_several(mask))
        return -EINVAL;
    if (mask == to->bit)
        return 0;
    if (!from)
        from = at_load(&to->tab->loop[__builtin_ctzll(mask)]);
    if (!from)
        return -ESRCH;
    if (take_away(from, to, fd, e))
        return -EBUSY;
    if (at_load(&e->polled_mask) & from->bit)
        leave_poller(to, from, fd, e);
    fd_wake_if_active(to, e, fd);
    fd_update(to, e, fd);
    return 0;
}
