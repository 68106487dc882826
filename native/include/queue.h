/* Streams that wait for a server of their backend.
 *
 * A backend has a queue for those who wait for any server, and each server one for those that a cookie, a rule or a hash
 * sends to it alone (flow.qsrv). A server's own count (live.queued) is of these, the backend's of all. A free server serves
 * whoever is first of both: by priority class (manual, "set-priority-class"), then by the date of arrival with the
 * stream's offset ("set-priority-offset"). Getting in and out of a queue costs O(log n).
 *
 * Who gives a slot back, and who has just queued, calls queue_serve(): whichever comes last sees both. What leaves the
 * queue is told to its thread by a message: IN_FLOW with a server of which a slot was taken, IN_LOOK to look anew.
 */
#pragma once
#ifndef LB_CFFI
#include "flow.h"

/* Adds <f>, which wants <only> (NULL: any). Takes LBL_QUEUE. */
void queue_add(flow *f, server *only);
/* How many that want the same are served before <f>, which waits in CS_QUEUE. Takes LBL_QUEUE. */
uint32_t queue_place(const flow *f);
/* Takes <f> out, if it waits in CS_QUEUE; a server that is on its way to it will not reach it. Takes LBL_QUEUE. */
void queue_remove(flow *f);
/* Gives free slots of <be> to those who wait; <freed> (may be NULL) has one, maybe. Takes LBL_QUEUE. */
void queue_serve(backend *be, server *freed);
/* A slot of <srv> that nobody uses goes to the next one that waits. Takes LBL_QUEUE. */
void queue_return_slot(server *srv);
/* Gives free slots of <srv>, which takes streams again, to those who wait; how many got one. Takes LBL_QUEUE. */
uint32_t queue_grab(server *srv);
/* Has those who wait for <srv> alone, which takes none now, look for another server; how many. Those who want it though
 * it is down stay. Takes LBL_QUEUE. */
uint32_t queue_leave(server *srv);
/* Whether somebody waits for no server in particular: who wants any has to wait behind. Of the moment, without a lock. */
int queue_wants_any(const backend *be);
/* Whether the server that a verdict asked for is to be tried though it is down: its client asked for it, and "option
 * persist" says so, or "force-persist" does. */
int queue_takes_down(const flow *f);
#endif
