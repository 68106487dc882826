/* Hosts of HTTP/1: see h1host.h. */
#include "h1host.h"

/* Reads a port's digits, none of which is -1 too ("host:" is allowed, 3986 3.2.3). Returns 0 if malformed. */
static int read_port(h1_span s, int *port)
{
    int n = 0;

    *port = -1;
    if (s.p == s.end)
        return 1;
    for (; s.p < s.end; s.p++) {
        if (!H1_IS_DIGIT(*s.p))
            return 0;
        n = n * 10 + (*s.p - '0');
        if (n > 65535)
            return 0;
    }
    *port = n;
    return 1;
}

/* Returns the place behind the host that begins at s.p, NULL if it is malformed; an empty name is not. */
static const char *skip_host(h1_span s)
{
    const char *p = s.p;

    if (p < s.end && *p == '[') {
        for (p++; p < s.end && (h1_is(*p, H1_C_HEX) || *p == ':' || *p == '.');)
            p++;
        return p < s.end && *p == ']' && p > s.p + 2 ? p + 1 : NULL;
    }
    for (; p < s.end && h1_is(*p, H1_C_HOST); p++)
        if (*p == '%' && (s.end - p < 3 || !h1_is(p[1], H1_C_HEX) || !h1_is(p[2], H1_C_HEX)))
            return NULL;
    return p;
}

int h1_read_authority(h1_span s, h1_authority *a)
{
    const char *p = skip_host(s);

    if (!p || (p < s.end && *p != ':'))
        return 0;
    a->host = (h1_span){s.p, p};
    return read_port((h1_span){p < s.end ? p + 1 : p, s.end}, &a->port);
}

int h1_host_agrees(const h1_head *h, const char *buf)
{
    h1_span scheme = {buf + h->target, buf + h->authority};
    h1_authority target, host;
    int http = H1_ITEM_IS(scheme, "http://"), https = H1_ITEM_IS(scheme, "https://");

    h1_read_authority((h1_span){buf + h->authority, buf + h->authority + h->authority_len}, &target);
    h1_read_authority(h1_value(&h->hdr[h->host], buf), &host);
    if (!h1_same_nocase(target.host, host.host))
        return 0;
    if (target.port == host.port)
        return 1;
    if (h->form == H1_FORM_AUTHORITY)
        return host.port < 0 && (target.port == 80 || target.port == 443);
    if (!http && !https)
        return 0;
    return (target.port < 0 || host.port < 0) && target.port + host.port + 1 == (http ? 80 : 443);
}
