/* Servers while the engine runs: their state, those who use them, and more of them.
 *
 * What a server's state is, is decided in Python; here it takes effect. All of this is called at the sync point: by one
 * thread, while the others stand outside of eng_poll(), or before they run. Configuration (eng_srv_conf()) may be written
 * then too. Figures may be read by anybody meanwhile.
 *
 *     <up> <weight>   streams of clients that ask for it by a cookie     all others
 *      0      any     only if they are to try a server that is down      none
 *      1       0      yes                                                none: it drains, or stops
 *      1      > 0     yes                                                by the algorithm
 */
#pragma once
#ifndef LB_CFFI
#include "proxy.h"
#endif

/* Sets whether server <i> may have streams, the weight that its algorithm sees, and how many sixteenths of that are held back
 * (slowstart). Also after its limits (maxconn, minconn) were changed. 0, -EINVAL or -ENOMEM. Takes LBL_LBPRM. */
int eng_srv_state(engine *e, int i, uint32_t up, uint32_t weight, uint32_t held);
/* Whether weights of backend <i> may change while it runs. Any time. */
int eng_be_dynamic(const engine *e, int i);
/* Has those who wait for server <i> alone look for another one; how many. */
int eng_srv_leave(engine *e, int i);
/* Gives those who wait what server <i> has free; how many got it. */
int eng_srv_grab(engine *e, int i);

/* Says that the address of server <i> has been changed: connections that lead to the old one carry what they carry, and nothing
 * after that. At the sync point. 0 or -EINVAL. */
int eng_srv_moved(engine *e, int i);

#define SRV_END_IDLE 0 /* only connections that carry nothing */
/* Has each thread close its connections to server <i>: the idle ones, or, if <why> is the first character of a termination
 * state ('D' down, 'U' another one is up, 'K' killed), all, with their streams. They do so as soon as they poll again. 0, or
 * -ENOMEM: some threads do not. */
int eng_srv_end(engine *e, int i, uint32_t why);

/* Takes server <i> out of its backend, once nobody uses it: it is not up, and has no stream, no connection, nobody who waits.
 * 0, or -EBUSY. Takes LBL_LBPRM. */
int eng_server_del(engine *e, int i);
/* Puts server <i>, which was taken out, back among those of its backend, blank as eng_server_add() makes them. Whoever adds and
 * removes servers for long keeps the number of the engine's servers at bay with it. 0, -EINVAL or -ENOMEM. */
int eng_server_again(engine *e, int i);

#ifndef LB_CFFI
struct thr;
/* Closes what <t> has of <s>, as eng_srv_end() says. By that thread. */
void server_end(struct thr *t, server *s, char why);
#endif
