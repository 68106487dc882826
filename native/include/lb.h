/* Choosing a server, and keeping idle server connections.
 *
 * A choice is made under the backend's lbprm lock; a slot on the server is taken by compare-and-swap, so that a server
 * never has more streams than its limit, however many threads choose.
 */
#pragma once
#ifndef LB_CFFI
#include "conn.h"
#include "proxy.h"

enum { LB_PICKED, LB_FULL, LB_DOWN };

/* Builds what the backend's algorithm needs; called again when a server's state or weight changes. 0 or -ENOMEM. Takes
 * LBL_LBPRM. */
int lb_rebuild(backend *be);
void lb_free(backend *be);
/* Picks a server and takes a slot on it. <avoid> (may be NULL) only if no other one can take it. LB_FULL: all that may
 * be picked are full; *out is then the only one that the algorithm allows, NULL if there are several. LB_DOWN: none is
 * up. <client> may be NULL with LB_ROUNDROBIN. Takes LBL_LBPRM. */
int lb_pick(backend *be, const conn *client, const server *avoid, server **out);
/* Takes a slot on <s>; 1 if there was one. */
int lb_take(server *s);
/* Gives a slot back. */
void lb_release(server *s);
/* The connections <s> may have now (maxconn, or what minconn and the load make of it); 0: no limit. */
uint32_t lb_limit(const server *s);

/* An idle connection to <s> that thread <t> may use: its own newest one, else another thread's oldest (if shared).
 * <safe>: only one that has shown to survive between streams. NULL if there is none. Takes LBL_IDLE. */
conn *idle_get(thr *t, server *s, int safe);
/* Puts a connection that carries nothing among the idle ones of its thread; closes it if too many are. Takes
 * LBL_IDLE. */
void idle_put(thr *t, conn *c);
/* Closes <t>'s idle connections of <s> that exceed what was needed since the last look; <all>: every one. */
void idle_purge(thr *t, server *s, int all);
/* An idle connection of thread <t> had an event: unless it was a false alarm, it is of no more use. By its handler. */
void idle_gone(thr *t, conn *c);
#endif
