/* The hashes of load balancing: "hash-type <method> <function> <modifier>" of the manual, and the converters of the
 * same names. Results are those of HAProxy, so that a mixed fleet sends a client to the same server.
 *
 * All are pure functions of any bytes; <len> 0 is allowed, with <data> unused then.
 */
#pragma once
#ifndef LB_HASH_H
#define LB_HASH_H
#include "base.h"
#endif

typedef uint32_t (*hash_fn)(const void *data, size_t len);

uint32_t hash_sdbm(const void *data, size_t len);  /* the default one: of the sdbm database library */
uint32_t hash_sdbm_more(uint32_t h, const void *data, size_t len); /* that of what gave <h> with this behind it; h 0: of this */
uint32_t hash_djb2(const void *data, size_t len);  /* D. J. Bernstein's, times 33 */
uint32_t hash_wt6(const void *data, size_t len);   /* W. Tarreau's, made for short similar keys */
uint32_t hash_crc32(const void *data, size_t len); /* the one of Ethernet, gzip and PNG */

/* Spreads each bit of <a> over all of the result: the modifier "avalanche". It is B. Jenkins's "full avalanche" for
 * integers, times the prime 3221225473 as HAProxy does (seen by asking its converter "sdbm(1)"), and also places
 * servers on the ring of "hash-type consistent". */
uint32_t hash_avalanche(uint32_t a);

/* What "balance source" makes of an address of <len> bytes in network order, 4 (IPv4) or 16 (IPv6): its 32-bit words
 * joined by exclusive or. Bytes past the last whole word do not count. The hash function has no part in it, but
 * "avalanche" does. */
uint32_t hash_address(const void *addr, size_t len);

/* The function called <name> ("sdbm", "djb2", "wt6", "crc32"), NULL if there is none. */
hash_fn hash_by_name(const char *name);
