/* Pollers: how a loop learns from the kernel which fds are ready.
 *
 * A poller is one record, at the end of its source file; poll.c lists them all. Each thread's loop has its own set
 * in the kernel. A poller knows nothing of handlers: it is told what changed, and fills l->batch with what happened;
 * the loop (loop.c) judges what is stale and calls handlers.
 *
 * Two kinds:
 *   edge-triggered (epoll, kqueue): an fd is registered once for both directions, when something is wanted for the
 *     first time, and costs no further call, whatever is wanted later. Level-triggered fds follow `want`.
 *   level-triggered (poll, select): their sets follow fd_interest(), (want & ~ready), so that what the kernel said once
 *     is not asked again.
 */
#pragma once
#ifndef LB_CFFI
#include "base.h"
#include "fd.h"
#include_next <poll.h> /* the system's, which this name would hide */
#endif

#define POLLER_F_EDGE 1    /* edge-triggered for ordinary fds */
#define POLLER_F_REMOTE 2  /* drop() may be called by other threads */
#define POLLER_F_AUTODEL 4 /* close() of a file's last descriptor takes it out of the kernel's set */

struct poller {
    const char *name; /* as in "noepoll", "-de", "show info" */
    int pref;         /* the highest that works is taken */
    int flags;        /* POLLER_F_* */
    /* Makes the set of <l>, with l->wake_rd in it, and stores it in l->priv. By fdloop_init(). Returns 0 or -errno;
     * then the next poller is tried. */
    int (*init)(fdloop *l);
    /* Undoes init(). Never called if init() failed. */
    void (*term)(fdloop *l);
    /* Makes the set of <l> agree with <e>, and the loop's bit in e->polled_mask tell whether it is in there. By the
     * thread of <l>, for each entry of its update list that it may run; under e->lock if the fd is shared. Returns 1 if
     * the kernel was asked, 0 if nothing was to do, -errno: -EPERM says that such files are always ready (the loop then
     * takes them so), anything else is tried again on the next turn. */
    int (*update)(fdloop *l, int fd, fdent *e);
    /* Takes <fd> out of the set of <l>, if it is there, and clears its bit in polled_mask. By the thread of <l>, or by
     * another one if POLLER_F_REMOTE. */
    void (*drop)(fdloop *l, int fd, fdent *e);
    /* Waits for <timeout_ms> (-1: for ever) until something happens and fills l->batch with up to FD_BATCH events, each
     * with the generation its fd had when it was registered. What wakes the loop (wake_rd) is consumed here and not
     * reported. Returns the number of events, -errno (also -EINTR). */
    int (*wait)(fdloop *l, int timeout_ms);
    /* In a child of fork(): replaces a set that the kernel shares with the parent by a new, empty one. The loop then
     * hands every fd to update() again. Returns 0 or -errno. NULL: nothing is shared. */
    int (*fork)(fdloop *l);
};

/* The <i>th poller of this build, by falling preference; NULL behind the last. */
const poller *poller_by_index(int i);
/* The preferred one whose bit (1 << index) isn't in <disabled_mask>; NULL if none is left. It may still fail to start:
 * then disable it and ask again. */
const poller *poller_best(unsigned disabled_mask);
/* The index of the poller called <name> for poller_by_index() and the mask above, -1 if this build has none such. */
int poller_index(const char *name);
/* Of poller <i>: its name (NULL behind the last) and preference. */
const char *poller_name(int i);
int poller_pref(int i);

#ifndef LB_CFFI
#if defined(__FreeBSD__) || defined(__OpenBSD__) || defined(__NetBSD__) || defined(__DragonFly__) || defined(__APPLE__)
#define LB_KQUEUE 1
#endif

extern const poller poller_epoll, poller_kqueue, poller_poll, poller_select;

/* What a level-triggered set has to watch for <e>: a mask of FD_R and FD_W, 0 if nothing. */
static inline unsigned fd_interest(const fdent *e)
{
    return fd_is_level(e) ? e->want : (unsigned)(e->want & ~e->ready);
}

/* Appends an event to the batch. The poller sees to it that there is room (l->nbatch < FD_BATCH). */
static inline void fd_event(fdloop *l, int fd, uint32_t gen, unsigned bits)
{
    l->batch[l->nbatch++] = (fdevent){.fd = fd, .gen = gen, .bits = bits};
}

/* The loop's word that it holds <fd>, or no longer does. */
static inline void fd_set_polled(fdloop *l, fdent *e) { at_or(&e->polled_mask, l->bit); }
static inline void fd_clear_polled(fdloop *l, fdent *e) { at_and(&e->polled_mask, ~l->bit); }
static inline int fd_is_polled(const fdloop *l, const fdent *e) { return (at_load(&e->polled_mask) & l->bit) != 0; }

/* Empties the eventfd or pipe that ended a wait, for a poller to which it would stay ready. */
void fdloop_drain(const fdloop *l);
#endif
