/* Ranges of source ports: of "source <address>:<low>-<high>" each connection has a port for its own.
 *
 * Ports are taken in turn, so that one that was given back rests as long as it can. No lock: each is a bit. A range is freed
 * with the last of its server and of the connections that have a port of it.
 */
#pragma once
#ifndef LB_CFFI
#include "base.h"
#include "sock.h"

#define PORT_TRIES 10 /* ports that one attempt to connect looks at, where others use them already */

typedef struct port_range {
    uint32_t refs;
    uint32_t low, n;  /* the first port, how many */
    uint32_t next;    /* where to look next */
    uint64_t taken[]; /* a bit a port */
} port_range;

/* The ports <low> to <high>, 1 to 65535, with one reference; NULL without memory. */
port_range *ports_new(uint32_t low, uint32_t high);
void ports_ref(port_range *r);
/* Frees it with the last reference. */
void ports_unref(port_range *r);
/* A port that nobody has, or -EADDRNOTAVAIL: there is none. */
int ports_take(port_range *r);
void ports_give(port_range *r, uint32_t port);
/* sock_connect() from <how>->from with a port of <r>, which is told in <port>, and is the caller's then. A port that somebody
 * else on this host uses is passed over. -EADDRNOTAVAIL, -EADDRINUSE: there is none to be had. */
int ports_connect(port_range *r, const sock_addr *to, sock_how *how, uint32_t *port);
#endif
