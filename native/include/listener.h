/* Listeners: shared by all threads of their mask, each of which accepts in batches.
 *
 * Limits: a listener's own (FULL), its frontend's, the process's, or a rate (LIMITED). A limited listener leaves the
 * pollers and comes back when room is made or the rate allows; who waits for what is kept under one lock for all
 * (LBL_LQUEUE), which is taken only at the limits.
 */
#pragma once
#ifndef LB_CFFI
#include "conn.h"
#include "proxy.h"
#include "task.h"

struct engine;
typedef struct thr thr;

struct listener {
    uint32_t index;
    frontend *fe;
    struct engine *eng;
    px_live live;     /* state: LSN_*, under <lock>; cur: connections, by compare-and-swap */
    spinlock lock;    /* LBL_LISTENER */
    px_shard *shard;  /* NULL unless "socket-stats" */
    uint32_t maxconn; /* 0: no limit of its own */
    uint64_t mask;
    int fd;
    int inherited;
    uint16_t port;    /* host order */
    uint8_t family;
    uint8_t expects;    /* LSN_EXPECT_*: headers that come first on each connection */
    int16_t nice;       /* of its streams */
    uint32_t cip_magic; /* what a NetScaler's begins with */
    uint32_t asked;   /* LSN_* that another thread wants, LSN_NEW: nothing; atomic */
    uint64_t leaving; /* threads that may still use the descriptor of a closed listener; atomic */
    uint32_t wake_at; /* LIMITED by a rate: tick at which to try again, 0: none; atomic */
};

/* The handler of a listening fd: accepts up to "maxaccept" connections. */
void listener_iocb(fdloop *l, fdent *e, int fd);
/* A connection of <l> ended: uncounts it, and lets those go on that waited for room. */
void listener_release(struct thr *t, listener *l);
/* Begins to serve connection <fd>, counted already, in thread <t>. */
void listener_serve(struct thr *t, listener *l, int fd, const sock_addr *peer);
/* Its connection rules have passed: the session begins. The flow may be gone afterwards. */
void listener_begin(struct flow *f);
/* Whether a closed listener waits for <t> to be past every use of it. */
int listener_must_pass(const struct thr *t);
/* <t> ends: nobody waits for it any longer. Takes LBL_LQUEUE. */
void listener_leave(struct thr *t);
/* Closes the descriptor unless it was inherited; no thread may use it any more. */
void listener_close_fd(listener *l);
/* Looks whether limited listeners may go on; by any worker, once a turn. Returns ms until the next look, -1: none. */
int listener_tick(struct thr *t);
#endif
