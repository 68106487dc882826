/* Handshakes: what comes on a connection before its first stream's bytes.
 *
 * Of a client: "tcp-request connection" rules, then the headers of other proxies that the listener or those rules expect
 * (proxyproto.h), then "tcp-request session" rules. Whoever connected counts as who the header says from then on. A header is
 * read by one call, whole or not at all; without one there is no session: it is not counted, only logged (REC_EMBRYONIC).
 * To a server: the header that "send-proxy" and its kin send, as soon as the connection is established.
 */
#pragma once
#ifndef LB_CFFI
#include "flow.h"

/* A connection was accepted, nothing was asked about it yet. The flow may be gone afterwards, as after all of these. */
void handshake_start(flow *f);
/* Its connection rules have let it pass, and expect the headers LSN_EXPECT_* besides the listener's. */
void handshake_expect(flow *f, uint32_t headers);
/* Its session rules end it: where headers were expected that is logged. */
void handshake_refused(flow *f);
/* Headers are waited for no longer. */
void handshake_timeout(flow *f);
/* Sends the header that f->srv wants first. 1, or -errno. */
int handshake_send(flow *f);
/* The name that f->srv wants connections of this stream to be used again by ("pool-conn-name"); 0: none, and so it has those
 * without one. */
uint64_t handshake_name(const flow *f);
/* What tells connections of clients' own from each other: of the address that f->srv wants this stream to come from, of the <n>
 * bytes of the PROXY header <s>, and of its name. */
uint64_t handshake_print(flow *f, const char *s, size_t n);
/* Whether f->b, which was kept for its client, begins with the header, comes from the address and has the name that f->srv
 * wants of this stream. */
int handshake_holds(flow *f);
/* The address that f->srv wants this stream to come from ("usesrc"): 1. 0: there is none, it is to come from ours.
 * -EDESTADDRREQ: the request does not have the field that ought to say. */
int handshake_source(flow *f, sock_addr *from);
#endif
