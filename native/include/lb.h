/* Choosing a server, and keeping idle server connections.
 *
 * A choice is made under the backend's lbprm lock; a slot on the server is taken by compare-and-swap, so that a server
 * never has more streams than its limit, however many threads choose.
 *
 * Who changes a server's live.up, live.weight or live.held, or its limit, calls lb_update() afterwards; who changes how
 * many streams it has or keeps waiting in another way than by lb_take() and lb_release(), lb_load_changed().
 */
#pragma once
#ifndef LB_CFFI
#include "conn.h"
#include "h1.h"
#include "proxy.h"

enum { LB_PICKED, LB_FULL, LB_DOWN };

/* What a stream's server is found by, where the algorithm hashes something. */
typedef struct lb_key {
    uint32_t hash;
    uint32_t has; /* 0: it has none of what is hashed */
} lb_key;

/* Makes all that the backend's algorithm needs, anew; also to be called when servers were added or removed. 0, or -ENOMEM: it goes
 * on with what it had. Takes LBL_LBPRM. */
int lb_rebuild(backend *be);
/* Server <s> may be picked now, or no longer, or has another weight, another limit. Costs a look at each server to count them, and
 * O(log n) to move it; a pass over the ring (consistent, random); all anew if the algorithm has a map, and when backup servers
 * take over or hand back. As lb_rebuild(). */
int lb_update(server *s);
void lb_free(backend *be);
/* Picks a server and takes a slot on it. <avoid> (may be NULL) only if no other one can take it. <key> may be NULL: what has
 * no key is served in turn. LB_FULL: all that may be picked are full; *out is then the only one that the algorithm allows,
 * NULL if there are several. LB_DOWN: none is up. Takes LBL_LBPRM. */
int lb_pick(backend *be, const lb_key *key, const server *avoid, server **out);
/* Takes a slot on <s>; 1 if there was one. May take LBL_LBPRM, as the next two. */
int lb_take(server *s);
/* Gives a slot back. */
void lb_release(server *s);
/* The streams that wait for <s> and no other (live.queued) are more or fewer. */
void lb_load_changed(server *s);
/* The connections <s> may have now (maxconn, or what minconn and the load make of it); 0: no limit. */
uint32_t lb_limit(const server *s);
/* Whether weights may change while it runs ("dynamic"): if not, only 0 and the configured one mean something. */
int lb_is_dynamic(const backend *be);

/* --- keys (lb_key.c) --- */

/* The hash of <len> bytes, as the backend's hash-type wants it. */
uint32_t lb_hash(const backend *be, const char *key, size_t len);
/* Whether a key is made of a request's head, of a tunnel's first bytes. */
static inline int lb_by_head(const backend *be)
{
    return be->conf.algo == LB_HASH && be->conf.lb_by >= LB_BY_URI && be->conf.lb_by <= LB_BY_HDR;
}
static inline int lb_by_bytes(const backend *be)
{
    return be->conf.algo == LB_HASH && be->conf.lb_by == LB_BY_RDP_COOKIE;
}
/* The key of a client, of a request whose head <h> stands at <s>, of a tunnel that begins with <len> bytes. No key if the backend
 * hashes something else, or if it is not there. */
lb_key lb_client_key(const backend *be, const conn *client);
lb_key lb_head_key(const backend *be, const h1_head *h, const char *s);
lb_key lb_bytes_key(const backend *be, const char *bytes, uint32_t len);

/* --- idle connections (idle.c) --- */

/* An idle connection to <s> that thread <t> may use: its own newest one, else another thread's oldest (if shared).
 * <safe>: only one that has shown to survive between streams. <name>: that it must have, where the server wants names; 0: none.
 * NULL if there is none. Takes LBL_IDLE. */
conn *idle_get(thr *t, server *s, int safe, uint64_t name);
/* Puts a connection that carries nothing among the idle ones of its thread; closes it if too many are. Takes
 * LBL_IDLE. */
void idle_put(thr *t, conn *c);
/* Closes <t>'s idle connections of <s> that exceed what was needed since the last look; <all>: every one. */
void idle_purge(thr *t, server *s, int all);
/* Closes an idle connection to <s>, the oldest of <t>'s own before others'. Whether there was one. Takes LBL_IDLE. */
int idle_drop(thr *t, server *s);
/* Counts one more connection to <s> if "strict-maxconn" permits, which closes an idle one if there must be room. Whether it does. */
int idle_make_room(thr *t, server *s);
/* An idle connection of thread <t> had an event: unless it was a false alarm, it is of no more use. By its handler. */
void idle_gone(thr *t, conn *c);
#endif
