/* What a server is found by: the key of a stream, hashed. */
#include "hash.h"
#include "lb.h"

/* --- hashes --- */

/* A decimal number with a sign, as far as it goes: what a converter has hashed already. */
static uint32_t number(const char *p, size_t len)
{
    const char *end = p + len;
    uint32_t n = 0;
    int minus = p < end && *p == '-';

    for (p += p < end && (*p == '-' || *p == '+'); p < end && H1_IS_DIGIT(*p); p++)
        n = n * 10 + (uint32_t)(*p - '0');
    return minus ? -n : n;
}

static uint32_t plain_hash(uint32_t fn, const char *key, size_t len)
{
    switch (fn) {
    case LB_FN_DJB2:
        return hash_djb2(key, len);
    case LB_FN_WT6:
        return hash_wt6(key, len);
    case LB_FN_CRC32:
        return hash_crc32(key, len);
    case LB_FN_NONE:
        return number(key, len);
    default:
        return hash_sdbm(key, len);
    }
}

uint32_t lb_hash(const backend *be, const char *key, size_t len)
{
    uint32_t h = plain_hash(be->conf.lb_fn, key, len);

    return be->conf.avalanche ? hash_avalanche(h) : h;
}

static lb_key key_of(const backend *be, h1_span s)
{
    return (lb_key){.hash = lb_hash(be, s.p, (size_t)(s.end - s.p)), .has = 1};
}

/* --- clients --- */

lb_key lb_client_key(const backend *be, const conn *client)
{
    uint32_t len = client->family == AF_INET ? 4 : client->family == AF_INET6 ? 16 : 0, h;

    if (!len)
        return (lb_key){0};
    h = hash_address(client->addr, len); /* whatever function "hash-type" names */
    return (lb_key){.hash = be->conf.avalanche ? hash_avalanche(h) : h, .has = 1};
}

/* --- heads --- */

/* The URI as far as "len", "depth" and, without "whole", its query reach. */
static lb_key uri_key(const backend *be, const h1_head *h, const char *s)
{
    const be_conf *c = &be->conf;
    h1_span uri = {s + h->target, s + h->target + h->target_len};
    uint32_t slashes = 0;
    const char *p;

    if (c->lb_uri & LB_URI_PATH_ONLY)
        uri = (h1_span){s + h->path, s + h->path + h->path_len};
    if (c->lb_uri_len && uri.end - uri.p > c->lb_uri_len)
        uri.end = uri.p + c->lb_uri_len;
    for (p = uri.p; p < uri.end; p++) {
        if (*p == '/' && c->lb_uri_depth && ++slashes > c->lb_uri_depth)
            break;
        if (*p == '?' && !(c->lb_uri & LB_URI_WHOLE))
            break;
    }
    uri.end = p;
    return key_of(be, uri);
}

/* The value of the first parameter of the query with the name. */
static lb_key param_key(const backend *be, const h1_head *h, const char *s)
{
    const be_conf *c = &be->conf;
    const char *p = s + h->target, *end = p + h->target_len;

    p = memchr(p, '?', h->target_len);
    while (p && (uint32_t)(end - ++p) > c->lb_name_len) {
        const char *next = memchr(p, '&', (size_t)(end - p));

        if (p[c->lb_name_len] == '=' && !memcmp(p, c->lb_name, c->lb_name_len))
            return key_of(be, (h1_span){p + c->lb_name_len + 1, next ? next : end});
        p = next;
    }
    return (lb_key){0};
}

/* Of a host's name the part before its last dot, back to the dot before that: of "haproxy.1wt.eu" it is "1wt". All of a name
 * without a dot behind its first letter. */
static h1_span domain(h1_span s)
{
    const char *dot = s.end > s.p ? memrchr(s.p + 1, '.', (size_t)(s.end - s.p - 1)) : NULL, *p;

    if (!dot)
        return s;
    for (p = dot - 1; p > s.p && p[-1] != '.'; p--)
        ;
    return (h1_span){p, dot};
}

/* The first value of the first header of the name; an empty one is none. */
static lb_key header_key(const backend *be, const h1_head *h, const char *s)
{
    const be_conf *c = &be->conf;
    int i = h1_find(h, s, c->lb_name, c->lb_name_len, 0);
    h1_span value;

    if (i < 0)
        return (lb_key){0};
    value = h1_first_member(h1_value(&h->hdr[i], s));
    if (value.p == value.end)
        return (lb_key){0};
    return key_of(be, c->lb_domain ? domain(value) : value);
}

lb_key lb_head_key(const backend *be, const h1_head *h, const char *s)
{
    switch (be->conf.lb_by) {
    case LB_BY_URI:
        return uri_key(be, h, s);
    case LB_BY_URL_PARAM:
        return param_key(be, h, s);
    default:
        return header_key(be, h, s);
    }
}

/* --- first bytes --- */

/* Takes <word> in any case off the front of *<s>; 0 if it does not begin so. */
static int skip_word(h1_span *s, const char *word, uint32_t n)
{
    if (s->end - s->p < n || !h1_same_nocase((h1_span){s->p, s->p + n}, (h1_span){word, word + n}))
        return 0;
    s->p += n;
    return 1;
}

/* RDP: behind the 11 bytes of TPKT and X.224 stands "Cookie: <name>=<value>" CR LF. */
lb_key lb_bytes_key(const backend *be, const char *bytes, uint32_t len)
{
    const be_conf *c = &be->conf;
    h1_span s = {bytes + 11, bytes + len};
    const char *eol;

    if (len <= 11 || !skip_word(&s, "Cookie:", 7))
        return (lb_key){0};
    while (s.p < s.end && *s.p == ' ')
        s.p++;
    if (!skip_word(&s, c->lb_name, c->lb_name_len) || s.p == s.end || *s.p++ != '=')
        return (lb_key){0};
    eol = memchr(s.p, '\r', (size_t)(s.end - s.p));
    if (!eol || eol + 1 == s.end || eol[1] != '\n' || eol == s.p)
        return (lb_key){0};
    return key_of(be, (h1_span){s.p, eol});
}
