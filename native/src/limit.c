/* What the shim does by itself with each request of a frontend: it tracks, and refuses. */
#include "limit.h"
#include "engine.h"
#include "hash.h"

/* --- keys --- */

/* The client's address as a key of <len> bytes, NULL if it can't be one: of IPv6 addresses only mapped ones are IPv4, too. */
static const uint8_t *source_key(const conn *c, uint32_t len, uint8_t room[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

    if (c->family == AF_INET6) {
        if (len == 16)
            return c->addr;
        return memcmp(c->addr, mapped, sizeof(mapped)) ? NULL : c->addr + sizeof(mapped);
    }
    if (c->family != AF_INET)
        return NULL;
    if (len == 4)
        return c->addr;
    memcpy(room, mapped, sizeof(mapped));
    memcpy(room + sizeof(mapped), c->addr, 4);
    return room;
}

/* The last value of the last header of the limit's name, which may be empty; <p> is NULL if there is none. */
static h1_span header_key(const px_limit *l, const h1_head *h, const char *buf)
{
    int last = -1, i = -1;

    while ((i = h1_find(h, buf, l->name, l->name_len, (uint32_t)(i + 1))) >= 0)
        last = i;
    return last < 0 ? (h1_span){NULL, NULL} : h1_last_member(h1_value(&h->hdr[last], buf));
}

/* The path of a target and what stands behind it: the query with its mark, or nothing. An absolute target without a path has
 * "/" (RFC 9110 4.2.3). <path.p> is NULL if there can't be one. */
typedef struct split_path {
    h1_span path, query;
} split_path;

static split_path path_of(const h1_head *h, const char *buf)
{
    h1_span whole = {buf + h->path, buf + h->path + h->path_len};
    const char *mark;

    if (h->form != H1_FORM_ORIGIN && h->form != H1_FORM_ABSOLUTE)
        return (split_path){0};
    mark = memchr(whole.p, '?', h->path_len);
    if (!mark)
        mark = whole.end;
    if (mark == whole.p)
        return (split_path){{"/", "/" + 1}, {mark, whole.end}};
    return (split_path){{whole.p, mark}, {mark, whole.end}};
}

static uint32_t hash_more(uint32_t hash, h1_span s)
{
    return s.p ? hash_sdbm_more(hash, s.p, (size_t)(s.end - s.p)) : hash;
}

/* Puts the client's address there; its bytes, 0 if it has none. */
static uint32_t address_of(const conn *c, uint8_t *to)
{
    uint32_t n = c->family == AF_INET ? 4 : c->family == AF_INET6 ? 16 : 0;

    memcpy(to, c->addr, n);
    return n;
}

/* "base32", "url32" (manual 7.3.6) as the first bytes of a key, in network order; how many. <room> has 4 + 16. */
static uint32_t hash_key(const px_limit *l, const conn *c, const h1_head *h, const char *buf, uint8_t *room)
{
    split_path target = path_of(h, buf);
    uint32_t hash = 0, n = sizeof(hash);

    if (h->flags & H1_F_HOST)
        hash = hash_more(hash, h1_value(&h->hdr[h->host], buf));
    hash = hash_more(hash, target.path);
    if (l->key == PX_KEY_URL32)
        hash = hash_more(hash, target.query);
    hash = htonl(hash_avalanche(hash));
    memcpy(room, &hash, n);
    if (l->sourced)
        n += address_of(c, room + n);
    return n;
}

/* --- what is done --- */

static void track_span(flow *f, const px_limit *l, h1_span key)
{
    if (key.p)
        track_begin(f, l->slot, 0, l->table, key.p, (uint32_t)(key.end - key.p), TRACK_REQ);
}

static void track_source(flow *f, const px_limit *l)
{
    uint32_t len = stk_conf_of(l->table)->key_len;
    uint8_t room[16];
    const uint8_t *key = source_key(f->f, len, room);

    if (key)
        track_begin(f, l->slot, 0, l->table, key, len, TRACK_REQ);
}

static void track_hash(flow *f, const px_limit *l, const h1_head *h, const char *buf)
{
    uint8_t room[4 + 16];
    uint32_t len = hash_key(l, f->f, h, buf, room);

    track_begin(f, l->slot, 0, l->table, room, len, TRACK_REQ);
}

static void track_key(flow *f, const px_limit *l, const h1_head *h, const char *buf)
{
    switch (l->key) {
    case PX_KEY_SRC:
        track_source(f, l);
        break;
    case PX_KEY_HDR:
        track_span(f, l, header_key(l, h, buf));
        break;
    case PX_KEY_PATH:
        track_span(f, l, path_of(h, buf).path);
        break;
    case PX_KEY_URL:
        track_span(f, l, (h1_span){buf + h->target, buf + h->target + h->target_len});
        break;
    default:
        track_hash(f, l, h, buf);
    }
}

static int is_within(const fe_limit *l, int64_t v)
{
    for (uint32_t i = 0; i < l->nranges; i++)
        if (v >= l->range[i][0] && v <= l->range[i][1])
            return 1;
    return 0;
}

limit_soon limit_expect(const flow *f)
{
    const px_limit *l = &at_load(&f->fe->limit)->l;
    uint32_t len = stk_conf_of(l->table)->key_len;
    uint8_t room[16];
    const uint8_t *key = l->key == PX_KEY_SRC ? source_key(f->f, len, room) : NULL;

    return key ? (limit_soon){l->table, stk_expect(l->table, key, len)} : (limit_soon){0};
}

int limit_status(flow *f, const h1_head *h, const char *buf)
{
    const fe_limit *found = at_load(&f->fe->limit);
    const px_limit *l = &found->l;
    uint64_t v;

    track_key(f, l, h, buf);
    /* without an entry of the stream's that of the connection counts, whose table may store something else */
    if (!found->nranges || !track_figure(f, l->slot, (uint32_t)l->type, l->element, &v))
        return 0;
    return is_within(found, (int64_t)v) ? (int)l->status : 0;
}
