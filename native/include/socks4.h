/* The way through a SOCKS4 proxy (the protocol's own memo, "SOCKS: A protocol for TCP proxy across firewalls"): one message
 * there, naming an IPv4 address, and eight bytes back, before anything else is said on a connection.
 */
#pragma once
#ifndef LB_CFFI
#include "conn.h"

/* Goes as far as it can on <c>, which is connected to the proxy, with what <state> tells, 0 at first. 1: the proxy leads to <to>
 * from now on; 0: its answer is to be waited for (FD_R); -ECONNREFUSED: it will not; -ECONNRESET: it has left, or speaks
 * something else; -EAFNOSUPPORT: <to> is no IPv4 address. */
int socks4_go(conn *c, uint8_t *state, const sock_addr *to);
#endif
