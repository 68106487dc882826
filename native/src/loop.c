/* The turn of a loop: flush, wait, deliver. */
#include "poll.h"

#include <sched.h>
#include <unistd.h>

#define RETRY_MS 100 /* the longest sleep while the kernel refuses an update */
#define YIELD_LONG 4000 /* us after which the processor came back late */
#define YIELD_REST 512 /* sleeps that are then gone to at once */
#define YIELD_STEPS 7 /* the same at most when nothing came of it, many times */

/* Figures are written by one thread and read by any. */
static void count(uint64_t *figure, uint64_t n) { __atomic_store_n(figure, *figure + n, __ATOMIC_RELAXED); }

/* --- handling one fd --------------------------------------------------------------------------------------------- */

/* Closes what fd_close() left to the last thread that was running it. */
static void close_left(fdloop *l, int fd)
{
    fdent *e = l->ent + fd;
    int ours;

    spin_lock(&l->tab->lock);
    spin_lock(&e->lock);
    ours = (at_load(&e->flags) & FD_F_CLOSING) && !fd_is_running(l->tab, fd, l);
    if (ours) {
        at_store(&e->flags, e->flags & (uint8_t)~FD_F_CLOSING);
        at_and(&e->polled_mask, 0); /* the last touch, see fd_insert() */
    }
    spin_unlock(&e->lock);
    spin_unlock(&l->tab->lock);
    if (ours)
        close(fd);
}

/* The loop touches <fd> from now on, and no longer what it touched before; -1: nothing any more. This full barrier
 * is the price of moving and closing fds under the feet of other threads: one an event. */
static void touch(fdloop *l, int fd)
{
    int last = at_peek(&l->running);

    __atomic_store_n(&l->running, fd, __ATOMIC_SEQ_CST);
    if (last >= 0 && unlikely(__atomic_load_n(&l->ent[last].flags, __ATOMIC_SEQ_CST) & FD_F_CLOSING))
        close_left(l, last);
}

/* Says that this loop is about to touch the fd, and keeps off while another thread takes it away: see take_away() in
 * fd.c. What was read of the entry before is worth nothing. */
static void enter(fdloop *l, int fd)
{
    touch(l, fd);
    if (unlikely(__atomic_load_n(&l->claimed, __ATOMIC_SEQ_CST) == fd)) {
        spin_lock(&l->in_lock);
        spin_unlock(&l->in_lock);
    }
}

/* After the last of a series. */
static void leave(fdloop *l)
{
    if (at_peek(&l->running) >= 0)
        touch(l, -1);
}

static int is_current(const fdloop *l, const fdent *e, uint32_t gen)
{
    return __atomic_load_n(&e->gen, __ATOMIC_SEQ_CST) == gen && (at_load(&e->thread_mask) & l->bit);
}

/* Calls the handler of an fd of this thread alone, and sees afterwards to whatever the number stands for then: the same
 * fd, another one that was inserted by the handler, or something of another thread. */
static int call(fdloop *l, fdent *e, int fd)
{
    count(&l->fig.handlers, 1);
    e->iocb(l, e, fd);
    if (at_load(&e->thread_mask) != l->bit || fd_is_level(e))
        return 1;
    if ((e->want & e->ready) && !(e->flags & FD_F_CACHED))
        fd_cache_add(l, e, fd);
    return 1;
}

static int deliver_edge(fdloop *l, fdent *e, int fd, unsigned bits)
{
    fd_put(&e->ready, (uint8_t)(e->ready | (bits & (FD_R | FD_W))));
    fd_put(&e->ev, (uint8_t)(e->ev | (bits & (FD_EV_HUP | FD_EV_ERR | FD_EV_RDHUP))));
    if (!l->edge_bit)
        fd_update(l, e, fd);
    if (!(e->want & e->ready) && !(bits & (FD_EV_HUP | FD_EV_ERR)))
        return 0;
    return call(l, e, fd);
}

/* An event of a level-triggered fd that nobody wants: it was polled for before "stop" was said, maybe elsewhere. */
static int unwanted(fdloop *l, fdent *e, int fd)
{
    fd_update(l, e, fd);
    return 0;
}

static int deliver_level(fdloop *l, fdent *e, int fd, unsigned bits, uint32_t gen)
{
    if (!e->want)
        return unwanted(l, e, fd);
    if (!(e->want & bits) && !(bits & (FD_EV_HUP | FD_EV_ERR)))
        return 0;
    fd_put(&e->ready, (uint8_t)(bits & (FD_R | FD_W)));
    fd_put(&e->ev, (uint8_t)(e->ev | (bits & (FD_EV_HUP | FD_EV_ERR | FD_EV_RDHUP))));
    call(l, e, fd);
    if (at_load(&e->gen) == gen)
        fd_put(&e->ready, 0);
    return 1;
}

/* The lock is what makes "no longer wanted" and "removed" final: who said so returned before, or comes after. */
static int deliver_shared(fdloop *l, fdent *e, int fd, unsigned bits, uint32_t gen)
{
    fd_iocb cb = NULL;
    int want = 0;

    spin_lock(&e->lock);
    if (is_current(l, e, gen)) {
        want = e->want;
        cb = e->iocb;
    }
    spin_unlock(&e->lock);
    if (!cb)
        return 0;
    if (!want)
        return unwanted(l, e, fd);
    if (!(want & bits) && !(bits & (FD_EV_HUP | FD_EV_ERR)))
        return 0;
    count(&l->fig.handlers, 1);
    cb(l, e, fd);
    return 1;
}

/* Returns the number of handlers called. The one place where events that came too late are dropped. */
static int deliver(fdloop *l, const fdevent *ev)
{
    fdent *e = l->ent + ev->fd;

    enter(l, ev->fd);
    if (!is_current(l, e, ev->gen)) {
        count(&l->fig.stale, 1);
        return 0;
    }
    if (likely(!fd_is_level(e)))
        return deliver_edge(l, e, ev->fd, ev->bits);
    if (at_peek(&e->flags) & FD_F_SHARED)
        return deliver_shared(l, e, ev->fd, ev->bits, ev->gen);
    return deliver_level(l, e, ev->fd, ev->bits, ev->gen);
}

static int run_cached(fdloop *l, uint64_t key)
{
    int fd = (int)(uint32_t)key;
    fdent *e = l->ent + fd;

    enter(l, fd);
    if (!is_current(l, e, (uint32_t)(key >> 32)))
        return 0;
    fd_put(&e->flags, e->flags & (uint8_t)~FD_F_CACHED);
    return e->want & e->ready ? call(l, e, fd) : 0;
}

int fdloop_run_cache(fdloop *l)
{
    int called = 0;

    l->cache_turn = l->cache_len;
    while (l->cache_turn) {
        uint64_t key = l->cache[l->cache_head & (l->cache_size - 1)];

        l->cache_turn--;
        l->cache_head++;
        l->cache_len--;
        called += run_cached(l, key);
    }
    leave(l);
    return called;
}

/* --- the update list --------------------------------------------------------------------------------------------- */

static void take_inbox(fdloop *l)
{
    spin_lock(&l->in_lock);
    memcpy(l->upd + l->nupd, l->inbox, l->ninbox * sizeof(*l->inbox));
    l->nupd += l->ninbox;
    at_store(&l->ninbox, 0);
    spin_unlock(&l->in_lock);
}

/* Such a file (a regular one) can't be polled, and needn't be: it never makes anybody wait. */
static int always_ready(fdloop *l, fdent *e, int fd)
{
    if (fd_is_level(e))
        return -EPERM;
    fd_set_polled(l, e);
    fd_put(&e->ready, FD_R | FD_W);
    if (e->want && !(e->flags & FD_F_CACHED))
        fd_cache_add(l, e, fd);
    return 0;
}

static int update(fdloop *l, fdent *e, int fd)
{
    int ret = l->poll->update(l, fd, e);

    if (ret > 0)
        count(&l->fig.updates, 1);
    return ret == -EPERM ? always_ready(l, e, fd) : ret;
}

static int drop(fdloop *l, fdent *e, int fd)
{
    l->poll->drop(l, fd, e);
    return 0;
}

/* A shared fd is handed to the kernel under its lock: else another thread could take it out of our poller and close it
 * between our look at the entry and our call. */
static int update_shared(fdloop *l, fdent *e, int fd)
{
    int ret;

    spin_lock(&e->lock);
    ret = at_load(&e->thread_mask) & l->bit ? update(l, e, fd) : drop(l, e, fd);
    spin_unlock(&e->lock);
    return ret;
}

/* The mask is looked at once: if it isn't the present one any more, whoever changed it handed us the fd again. */
static int reconcile(fdloop *l, fdent *e, int fd)
{
    uint64_t mask = at_load(&e->thread_mask);

    if (!(mask & l->bit))
        return drop(l, e, fd);
    return at_peek(&e->flags) & FD_F_SHARED ? update_shared(l, e, fd) : update(l, e, fd);
}

static int flush_one(fdloop *l, int fd)
{
    fdent *e = l->ent + fd;

    at_and(&e->upd_mask, ~l->bit);
    enter(l, fd);
    return reconcile(l, e, fd);
}

void fdloop_flush(fdloop *l)
{
    uint32_t n, kept = 0;

    if (likely(!l->nupd && !at_load(&l->ninbox)))
        return;
    take_inbox(l);
    n = l->nupd;
    for (uint32_t i = 0; i < n; i++) {
        int fd = (int)l->upd[i];

        if (likely(flush_one(l, fd) >= 0))
            continue;
        count(&l->fig.ctl_errors, 1);
        if (!(at_or(&l->ent[fd].upd_mask, l->bit) & l->bit))
            l->upd[kept++] = (uint32_t)fd;
    }
    leave(l);
    l->nupd = kept;
    l->retry = kept != 0;
}

/* --- sleeping ---------------------------------------------------------------------------------------------------- */

/* The waker sets `waking` and then looks at `sleeping`; the loop sets `sleeping` and then looks at `waking`. All
 * sequentially consistent: one of them sees the other, and no wake-up is missed even if it comes before the wait. */
void fdloop_about_to_sleep(fdloop *l) { __atomic_store_n(&l->sleeping, 1, __ATOMIC_SEQ_CST); }

void fdloop_wake(fdloop *l)
{
    static const uint64_t one = 1;
    ssize_t ret;

    if (__atomic_exchange_n(&l->waking, 1, __ATOMIC_SEQ_CST))
        return;
    if (!__atomic_load_n(&l->sleeping, __ATOMIC_SEQ_CST))
        return;
    ret = write(l->wake_wr, &one, sizeof(one));
    (void)ret; /* a full pipe wakes as well */
}

void fdloop_drain(const fdloop *l)
{
    char buf[64];

    while (read(l->wake_rd, buf, sizeof(buf)) == (ssize_t)sizeof(buf))
        ; /* an eventfd gives 8 bytes, once */
}

static int time_to_sleep(const fdloop *l, int timeout_ms)
{
    if (l->cache_len || __atomic_load_n(&l->waking, __ATOMIC_SEQ_CST))
        return 0;
    if (l->retry && (timeout_ms < 0 || timeout_ms > RETRY_MS))
        return RETRY_MS;
    return timeout_ms;
}

/* Gives the processor to those who have work before the thread says that it has none: what they did meanwhile is then there
 * as one batch, and they need not wake anybody (which costs the waker more than the rest of its packet, above all
 * between virtual processors). 1: look for it. After it brought nothing, it is left out more and more often; after it took
 * long, for many turns: somebody uses the processor up, and being woken brings a thread in front of him. */
static int give_way(fdloop *l)
{
    uint64_t begun;

    if (l->yield_skip) {
        l->yield_skip--;
        return 0;
    }
    begun = mono_ns();
    sched_yield();
    if (mono_ns() - begun > YIELD_LONG * 1000ull)
        l->yield_skip = YIELD_REST;
    return 1;
}

static void note_yield(fdloop *l, int n)
{
    if (n > 0) {
        l->yield_step = 0;
    } else if (!l->yield_skip) {
        l->yield_skip = l->yield_step;
        l->yield_step = l->yield_step < YIELD_STEPS ? l->yield_step * 2 + 1 : YIELD_STEPS;
    }
}

/* Nobody looks for what is not worth a wait, and the second look tells what came since the first. */
static int wait_for_events(fdloop *l, int timeout_ms)
{
    int wait = timeout_ms ? time_to_sleep(l, timeout_ms) : 0;

    if (wait && give_way(l)) {
        int n = l->poll->wait(l, 0);

        count(&l->fig.yields, 1);
        note_yield(l, n);
        if (n)
            return n;
        wait = time_to_sleep(l, timeout_ms);
    }
    return l->poll->wait(l, wait);
}

/* Clearing `waking` by an exchange makes the caller see all that was queued before the wake-ups it swallows. */
static void wake_up(fdloop *l)
{
    at_store(&l->sleeping, 0);
    if (at_peek(&l->waking) && __atomic_exchange_n(&l->waking, 0, __ATOMIC_SEQ_CST))
        count(&l->fig.wakeups, 1);
}

int fdloop_wait(fdloop *l, int timeout_ms)
{
    int n, called = 0;

    if (timeout_ms && !at_peek(&l->sleeping))
        fdloop_about_to_sleep(l);
    fdloop_flush(l);
    l->nbatch = 0;
    n = wait_for_events(l, timeout_ms);
    wake_up(l);
    count(&l->fig.waits, 1);
    if (l->woke)
        l->woke(l);
    if (n < 0)
        return n == -EINTR ? 0 : n;
    count(&l->fig.events, (uint64_t)n);
    for (int i = 0; i < n; i++)
        called += deliver(l, &l->batch[i]);
    leave(l);
    return called;
}
