/* Hosts of HTTP/1: the authority of a target and the value of Host (RFC 3986 3.2, RFC 9110 7.2). */
#pragma once
#ifndef LB_CFFI
#include "h1.h"

/* host [":" port]. The host is a registered name (may be empty), an IPv4 address or an IPv6 one in brackets. */
typedef struct h1_authority {
    h1_span host;
    int port; /* 0 .. 65535, -1: none, or an empty one ("host:") */
} h1_authority;

/* Reads all of <s>. Returns 0 if it is malformed: user-info, a port above 65535, "%" without two digits, an IP literal
 * that is not of version 6 among the reasons. */
int h1_read_authority(h1_span s, h1_authority *a);

/* Whether Host and the target's authority, both read well before, name the same. A port left out on one side is the
 * scheme's: http 80, https 443, and either with CONNECT. */
int h1_host_agrees(const h1_head *h, const char *buf);
#endif
