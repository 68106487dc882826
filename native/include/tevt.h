/* Termination events: where and how the ends of a stream came about, in the order in which they were noticed ("term_events").
 *
 * A flow keeps the first TEVT_MAX of its present stream in <events>, a byte each, the newest lowest: its place, TEVT_BACK on
 * the server's side, and what happened there. One that comes twice in a row is kept once; later ones are not kept, since what
 * comes first is the cause of the rest. A stream that ends as it should, on connections that are kept, has none.
 *
 *          what                     FD   HS   MUX   SE   STRM
 *     1    SHUTW                    x                          we ended our direction
 *     2    SHUTR                    x               x          the peer ended its direction, which a stream may have waited for
 *     3    RCV_ERR                  x                          broken: found by receiving, or told by the poller,
 *     4    SND_ERR                  x               x          by sending,
 *     5    TRUNCATED                     x    x     x          ended in the midst of what it says
 *     6    BROKEN                        x    x     x          the same, by an error
 *     7    TOUT                          x    x          x     too late
 *     8    INTERCEPTED                                   x     answered or refused by rules
 *     9    PROTO                         x    x                not understood
 *     10   INTERNAL                                      x     we failed
 *     11   NO_CONN                  x                    x     an attempt to connect failed; no server could be had
 *     12   KILLED                                        x     shut down by an operator, or with its server
 */
#pragma once
#ifndef LB_CFFI
#include "base.h"

struct conn;
struct flow;
#endif

#define TEVT_MAX 8

#define TEVT_FD 0x20   /* the socket */
#define TEVT_HS 0x40   /* what comes before HTTP or the payload: PROXY headers, a SOCKS proxy's answer */
#define TEVT_XPRT 0x60 /* the transport, if it is more than the socket */
#define TEVT_MUX 0x80  /* the client's requests, the server's responses as messages */
#define TEVT_SE 0xa0   /* what the stream was told by a side of its ends */
#define TEVT_STRM 0xc0 /* the stream itself */
#define TEVT_PLACE 0xe0
#define TEVT_BACK 0x10

#define TEVT_SHUTW 1
#define TEVT_SHUTR 2
#define TEVT_RCV_ERR 3
#define TEVT_SND_ERR 4
#define TEVT_TRUNCATED 5
#define TEVT_BROKEN 6
#define TEVT_TOUT 7
#define TEVT_INTERCEPTED 8
#define TEVT_PROTO 9
#define TEVT_INTERNAL 10
#define TEVT_NO_CONN 11
#define TEVT_KILLED 12
#define TEVT_WHAT 0xf

#ifndef LB_CFFI
/* Notes an event of the present stream. */
void tevt_add(struct flow *f, uint32_t event);
/* Notes what happened to the socket of <c>, if it carries a stream. */
void tevt_fd(const struct conn *c, uint32_t what);
/* The stream ends for the reason of its termination state: <who> and <when> (manual 8.5). */
void tevt_end(struct flow *f, char who, char when);
#endif
