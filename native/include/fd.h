/* The descriptor table of an engine, and the poll loop of one thread.
 *
 * Each descriptor has an entry of one cache line. Two pairs of bits tell its state, one bit a direction:
 *
 *      want:  what we wish to do            fd_want_recv / fd_stop_recv, fd_want_send / fd_stop_send
 *      ready: what the kernel would let us  fd_may_recv  / fd_cant_recv, fd_may_send  / fd_cant_send
 *
 *                    ready = 0                          ready = 1
 *      want = 0      disabled                           ready: an event was kept, nobody asks for it
 *      want = 1      polled: the kernel will tell       active: (want & ready) != 0, the handler is to be called
 *
 * `ready` is raised by the poller, and stays until a system call returned EAGAIN (or moved less than it was asked
 * to) and the handler says "cant". What is active and was not just called stands in the fd cache of its thread, whose
 * handlers are called on the next turn without asking the kernel.
 *
 * Who may touch an entry: `thread_mask` names the threads that run it. With one bit, only that thread touches it and
 * no lock is taken. With several (a listener shared by threads) the entry's spinlock guards `want`, and the handler
 * may be run by several threads at the same time.
 *
 * One turn of a thread:
 *
 *      fdloop_run_cache(l);
 *      timeout = ...; if (fdloop_has_active(l)) timeout = 0;
 *      if (timeout) { fdloop_about_to_sleep(l); look at the queues that other threads fill; if any: timeout = 0; }
 *      fdloop_wait(l, timeout);
 *
 * Facts this rests on:
 *   - epoll forgets a descriptor when the last descriptor of its open file is closed, not when ours is: what was
 *     inherited, passed on or dup'd must be deleted explicitly before close() or it haunts us (FD_F_DUP).
 *   - EPOLL_CTL_ADD of an edge-triggered fd reports what is ready at once, so an event that was dropped on one
 *     thread comes again on the thread that adds the fd to its own poller.
 *   - epoll_ctl() may be called on another thread's epoll set, even while that one sleeps in epoll_wait().
 *   - EPOLLEXCLUSIVE cannot be used with EPOLL_CTL_MOD.
 *   - an event that was fetched in a batch survives the close() of its descriptor: hence the generations.
 */
#pragma once
#ifndef LB_CFFI
#include "base.h"
#include "lock.h"
#endif

#define FD_MAXTHREADS 64 /* bits of a thread mask */
#define FD_BATCH 256     /* events fetched by one wait, at most */

/* Directions, in `want` and `ready`. */
#define FD_R 1
#define FD_W 2
/* What else the kernel said, sticky in `ev` until the entry is inserted anew. */
#define FD_EV_HUP 4    /* both directions are gone */
#define FD_EV_ERR 8    /* an error is pending: SO_ERROR tells it */
#define FD_EV_RDHUP 16 /* the peer shut its writing side: after what is still to read there is the end */

/* Flags of an entry; the first four are given to fd_insert(). */
#define FD_F_EXCL 1     /* shared listener: level-triggered, and only one of the sleeping threads is woken */
#define FD_F_LEVEL 2    /* level-triggered: `ready` is not kept, the poller reports as long as there is something */
#define FD_F_DUP 4      /* its open file has other descriptors (inherited, passed, dup'd): delete before close */
#define FD_F_SHARED 8   /* any thread may change it; set by fd_insert() if several run it; implies level-triggered */
#define FD_F_CACHED 16  /* set by the loop: stands in its thread's fd cache */
#define FD_F_CLOSING 32 /* set by fd_close(): shared, and to be closed by the last thread that is still running it */

typedef struct fdent fdent;
typedef struct fdloop fdloop;
typedef struct fdtab fdtab;
typedef struct poller poller;

/* An fd's handler: called by a thread of its mask when (want & ready) != 0, or once when an error or a hang-up is
 * reported, whatever is wanted. It may close, insert or change any fd, its own included. It reads `e->ready` to learn
 * which direction to try and says cant_* when the kernel had no more. */
typedef void (*fd_iocb)(fdloop *l, fdent *e, int fd);

/* The state of one fd, for "show fd". */
typedef struct fd_info {
    uint64_t thread_mask; /* 0: not in the table */
    uint64_t polled_mask;
    uint32_t gen;
    uint8_t want, ready, ev, flags;
} fd_info;

/* What a loop did since its init. Counted by its thread alone; another may read them at any time. */
typedef struct fdloop_figures {
    uint64_t waits;      /* turns: calls of the kernel's wait, but for second looks */
    uint64_t yields;     /* times it gave the processor away before it went to sleep */
    uint64_t events;     /* events it returned */
    uint64_t handlers;   /* handlers called, from events or from the cache */
    uint64_t stale;      /* events dropped, their fd having been closed or moved meanwhile */
    uint64_t updates;    /* fds registered with the poller, or changed there; deletions are not counted */
    uint64_t ctl_errors; /* those the kernel refused (retried on the next turn) */
    uint64_t wakeups;    /* times another thread ended a wait */
} fdloop_figures;

/* Fills *out for <fd>. Returns 0, or -EBADF when <fd> is beyond the table. Any thread, no lock: a snapshot that may be
 * torn between fields. */
int fd_describe(const fdtab *t, int fd, fd_info *out);
/* The number of fds at and above which nothing was ever inserted: where to stop when walking the table. */
int fdtab_top(const fdtab *t);
/* Copies the figures of <l>. Any thread. */
void fdloop_read(const fdloop *l, fdloop_figures *out);
/* The poller in use by <l>, as "epoll". */
const char *fdloop_poller(const fdloop *l);

#ifndef LB_CFFI

struct fdent {
    spinlock lock;        /* LBL_FD; taken for shared fds only */
    uint64_t thread_mask; /* threads that may run it; 0: not in the table */
    uint64_t upd_mask;    /* threads that have it in their update list or their inbox; atomic */
    uint64_t polled_mask; /* threads whose poller holds it; atomic */
    uint32_t gen;         /* never 0 in a used entry; another number after each insert, remove and migration */
    uint8_t want;         /* FD_R | FD_W: by us */
    uint8_t ready;        /* FD_R | FD_W: by the kernel; if level-triggered only while its handler runs, 0 if shared */
    uint8_t ev;           /* FD_EV_*, sticky */
    uint8_t flags;        /* FD_F_* */
    fd_iocb iocb;
    void *owner; /* the handler's: a connection, a listener */
};
_Static_assert(sizeof(struct fdent) == LB_CACHELINE, "an fd's entry is one cache line");

struct fdtab {
    fdent *ent;    /* <maxfd> entries, mapped zeroed and touched when used */
    int maxfd;     /* one more than the highest fd that fits */
    int top;       /* one more than the highest ever inserted; atomic */
    lockset *set;  /* may be NULL */
    spinlock lock; /* LBL_FDTAB: guards loop[] while an fd is changed that others may be using */
    fdloop *loop[FD_MAXTHREADS];
};

/* An event as the pollers deliver it to the loop. */
typedef struct fdevent {
    int32_t fd;
    uint32_t gen;
    uint32_t bits; /* FD_R | FD_W | FD_EV_* */
} fdevent;

struct fdloop {
    /* what the inline functions below touch */
    fdent *ent;        /* tab->ent */
    uint64_t bit;      /* 1 << tid */
    uint64_t edge_bit; /* <bit> if the poller is edge-triggered, else 0 */
    int running;       /* the fd being looked at or run last, -1 if none; atomic, others read it */
    int tid;
    uint32_t nupd;       /* entries of upd[] */
    uint32_t *upd;       /* the update list: fds, each once (upd_mask); room for all */
    void *ctx;           /* the thread; the user's */
    void (*woke)(fdloop *l); /* may be NULL; called when a wait returned, before any handler: set the clock */
    fdtab *tab;
    const poller *poll;
    void *priv; /* the poller's own */
    /* the fd cache: a ring of (gen << 32 | fd) */
    uint64_t *cache;
    uint32_t cache_size; /* a power of two, maxfd at least */
    uint32_t cache_head, cache_len;
    uint32_t cache_turn; /* entries still to be called in this turn */
    uint32_t nbatch;
    uint32_t maxbatch; /* events that one wait may fetch, 1..FD_BATCH; FD_BATCH at first, the thread may lower it */
    fdevent *batch; /* FD_BATCH of them: what the poller's wait fills */
    fdloop_figures fig;
    int retry;       /* the kernel refused an update in the last flush: don't sleep for long */
    uint32_t yield_skip; /* sleeps before which the processor is not given away */
    uint32_t yield_step; /* how many it will be the next time that brings nothing */
    char pad[LB_CACHELINE];
    /* what other threads touch */
    spinlock in_lock; /* LBL_POLL: guards inbox[], ninbox and claimed */
    uint32_t *inbox;  /* fds whose state another thread changed, each once (upd_mask); room for all */
    uint32_t ninbox;  /* written atomically */
    int claimed;      /* the fd that fd_migrate() is taking away at this instant, -1 if none; atomic */
    int sleeping;     /* atomic: in the kernel's wait, or about to be */
    int waking;   /* atomic: somebody wants it awake */
    int wake_rd, wake_wr; /* eventfd (both the same), or a pipe */
};

/* Makes an empty table for the fds 0..maxfd-1; entries cost no memory before they are used. <set> may be NULL.
 * Returns 0, -EINVAL or -ENOMEM. */
int fdtab_init(fdtab *t, int maxfd, lockset *set);
/* Gives its memory back. All loops must have ended. */
void fdtab_fini(fdtab *t);

/* Makes the loop of thread <tid> (0..63, once each). <p> is the poller to use; NULL takes the preferred one that
 * starts. Shared fds that have this thread in their mask are polled from its first flush on. To be called by the
 * thread itself, or before it starts. Returns 0 or -errno. */
int fdloop_init(fdloop *l, fdtab *t, int tid, const poller *p, void *ctx);
/* Ends it: its poller is closed, no fd is. Other threads may go on using theirs. */
void fdloop_fini(fdloop *l);
/* In the child of a fork(): replaces what the poller shares with the parent. Returns 0 or -errno. */
int fdloop_fork(fdloop *l);

/* Puts <fd> in the table with nothing wanted and nothing ready; <mask> are the threads that run it (bits of threads
 * that don't exist do no harm), <flags> FD_F_EXCL, FD_F_LEVEL, FD_F_DUP, FD_F_SHARED. A mask of several threads makes
 * it shared. Returns its generation, 0 if the fd doesn't fit in the table or no thread is in the mask.
 * <l> is the calling thread's; it needs not be in the mask, but then must not call the functions below for the fd. */
uint32_t fd_insert(fdloop *l, int fd, fd_iocb cb, void *owner, uint64_t mask, uint8_t flags);
/* Has events handled by <cb> from now on; by the one thread that may run it. */
void fd_set_handler(fdent *e, fd_iocb cb);
/* Forgets <fd> and leaves it open: it leaves all pollers; events already fetched will be dropped. To be called by
 * the thread that owns it, by any if shared. For a shared fd, another thread may still be inside its handler when
 * this returns: what <owner> points to must live, and the fd stay open, until all threads have passed their turn (the
 * sync point). Returns 0, or -EBADF if it isn't in the table. */
int fd_remove(fdloop *l, int fd);
/* As fd_remove(), then closes it. Costs no system call besides close(), unless the fd is shared or FD_F_DUP. A shared
 * fd that another thread is just running is closed by that thread, when its handler returns. */
int fd_close(fdloop *l, int fd);
/* Moves <fd> from its thread to the one that calls, whose loop <to> is; <from> may be NULL (it is found). For an fd of
 * one thread that is idle there: that thread's upper layers no longer touch it (the caller took it off a locked list
 * of idle connections and still holds that lock), nothing but FD_R is wanted. Its handler will not run again on the old
 * thread; `want`, `ready` and `ev` are kept, the generation is a new one. Returns 0 (also if it is <to>'s already);
 * -EBUSY if the old thread is handling it at this instant: nothing was changed, leave it where it was; -EBADF if it
 * isn't in the table; -EINVAL if it is shared; -ESRCH if its thread has no loop any more. Takes LBL_POLL. */
int fd_migrate(fdloop *from, fdloop *to, int fd);

/* Brings the poller up to date with the update list. fdloop_wait() does it by itself. */
void fdloop_flush(fdloop *l);
/* Flushes, waits for events for <timeout_ms> at most (-1: for ever, 0: only looks), and calls the handlers. Returns how
 * many it called, 0 when interrupted by a signal, -errno if the poller fails. */
int fdloop_wait(fdloop *l, int timeout_ms);
/* Calls the handlers of the fds that stand in the fd cache, once each. Returns how many. */
int fdloop_run_cache(fdloop *l);
/* From here on fdloop_wake() writes to the loop's eventfd. Call it, then look once more at the queues that other
 * threads fill, then wait; whoever fills a queue first and calls fdloop_wake() then cannot be missed. */
void fdloop_about_to_sleep(fdloop *l);
/* Ends the present wait of <l>, or makes its next one return at once. Any thread; async-signal-safe. No system call
 * if <l> doesn't sleep, or was woken already. */
void fdloop_wake(fdloop *l);

/* Memory that is zero, and takes room once it is touched; NULL if there is none. */
void *fd_map(size_t bytes);
void fd_unmap(void *p, size_t bytes);

/* Lets the thread of <to>, which isn't the caller's, look at <fd> in its next flush, and wakes it. */
void fd_update_remote(fdloop *to, fdent *e, int fd);
/* Whether a loop other than <but> is running <fd>. The table's lock must be held. */
int fd_is_running(const fdtab *t, int fd, const fdloop *but);

/* The fields of an entry are written by one thread at a time, but anybody may look at them (fd_describe()). */
#define fd_put(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)

/* The rare halves of the functions below. */
void fd_level_set(fdloop *l, fdent *e, int fd, uint8_t dir, int on);
void fd_cache_add(fdloop *l, fdent *e, int fd);
void fd_update(fdloop *l, fdent *e, int fd);

static inline fdent *fd_ent(const fdloop *l, int fd) { return l->ent + fd; }

/* Whether some fd waits in the cache: then don't sleep. */
static inline int fdloop_has_active(const fdloop *l) { return l->cache_len != 0; }

static inline int fd_is_level(const fdent *e)
{
    return at_peek(&e->flags) & (FD_F_EXCL | FD_F_LEVEL | FD_F_SHARED);
}

/* Puts the fd in the fd cache if it is active, not there yet and not just being run (its loop looks at it then). */
static inline void fd_wake_if_active(fdloop *l, fdent *e, int fd)
{
    if ((e->want & e->ready) && !(e->flags & FD_F_CACHED) && at_peek(&l->running) != fd)
        fd_cache_add(l, e, fd);
}

static inline void fd_want(fdloop *l, fdent *e, int fd, uint8_t dir)
{
    if (unlikely(fd_is_level(e))) {
        fd_level_set(l, e, fd, dir, 1);
        return;
    }
    if (e->want & dir)
        return;
    fd_put(&e->want, (uint8_t)(e->want | dir));
    fd_wake_if_active(l, e, fd);
    if (!(at_peek(&e->polled_mask) & l->edge_bit))
        fd_update(l, e, fd);
}

static inline void fd_stop(fdloop *l, fdent *e, int fd, uint8_t dir)
{
    if (unlikely(fd_is_level(e))) {
        fd_level_set(l, e, fd, dir, 0);
        return;
    }
    if (!(e->want & dir))
        return;
    fd_put(&e->want, (uint8_t)(e->want & ~dir));
    if (unlikely(!l->edge_bit))
        fd_update(l, e, fd);
}

static inline void fd_may(fdloop *l, fdent *e, int fd, uint8_t dir)
{
    if ((e->ready & dir) || unlikely(fd_is_level(e)))
        return;
    fd_put(&e->ready, (uint8_t)(e->ready | dir));
    fd_wake_if_active(l, e, fd);
    if (unlikely(!l->edge_bit))
        fd_update(l, e, fd);
}

static inline void fd_cant(fdloop *l, fdent *e, int fd, uint8_t dir)
{
    if (!(e->ready & dir))
        return;
    fd_put(&e->ready, (uint8_t)(e->ready & ~dir));
    if (unlikely(!l->edge_bit))
        fd_update(l, e, fd);
}

/* We wish to read / no longer wish to. By a thread of the fd's mask (any thread may for a shared fd). */
static inline void fd_want_recv(fdloop *l, fdent *e, int fd) { fd_want(l, e, fd, FD_R); }
static inline void fd_stop_recv(fdloop *l, fdent *e, int fd) { fd_stop(l, e, fd, FD_R); }
/* We wish to write (or to learn that connect() is done) / no longer wish to. */
static inline void fd_want_send(fdloop *l, fdent *e, int fd) { fd_want(l, e, fd, FD_W); }
static inline void fd_stop_send(fdloop *l, fdent *e, int fd) { fd_stop(l, e, fd, FD_W); }
/* The kernel would let us read / has nothing to read. Of no effect on a level-triggered fd. */
static inline void fd_may_recv(fdloop *l, fdent *e, int fd) { fd_may(l, e, fd, FD_R); }
static inline void fd_cant_recv(fdloop *l, fdent *e, int fd) { fd_cant(l, e, fd, FD_R); }
/* The kernel would let us write / has no room. */
static inline void fd_may_send(fdloop *l, fdent *e, int fd) { fd_may(l, e, fd, FD_W); }
static inline void fd_cant_send(fdloop *l, fdent *e, int fd) { fd_cant(l, e, fd, FD_W); }
#endif
