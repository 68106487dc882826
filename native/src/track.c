/* What a client's connection and its streams count on in stick tables. */
#include "track.h"
#include "engine.h"

static track_slot *stream_slot(struct track *k, uint32_t i)
{
    return &k->slot[i];
}

static track_slot *connection_slot(struct track *k, uint32_t i)
{
    return &k->slot[k->n + i];
}

/* The one that counts. */
static track_slot *slot_at(struct track *k, uint32_t i)
{
    track_slot *s = stream_slot(k, i);

    return s->entry ? s : connection_slot(k, i);
}

const track_slot *track_at(const flow *f, uint32_t i)
{
    const track_slot *s = f->track && i < f->track->n ? slot_at(f->track, i) : NULL;

    return s && s->entry ? s : NULL;
}

static struct track *track_of(flow *f)
{
    struct track *k = f->track;
    thr *t = f->t;

    if (k)
        return k;
    k = slab_get(&t->tracks);
    if (!k)
        return NULL;
    memset(k, 0, track_size(t->eng->conf.stick_counters));
    k->n = t->eng->conf.stick_counters;
    f->track = k;
    return k;
}

uint32_t track_blame(const flow *f, int status)
{
    uint32_t blame = status >= 0 && status < ENG_STATUSES ? f->t->eng->blame[status] : 0;

    return (blame & BLAME_ERR ? TRACK_ERR : 0) | (blame & BLAME_FAIL ? TRACK_FAIL : 0);
}

/* Its life begins anew: once a tick, unless each change is to be taught. */
static void touch(track_slot *s, uint32_t now)
{
    if (s->last == now && !stk_conf_of(s->table)->updates)
        return;
    s->last = now;
    stk_touch_local(s->table, s->entry, now, 0);
}

static void count(track_slot *s, uint32_t mask, uint64_t n, uint32_t now)
{
    stk_count(s->table, s->entry, mask, n, now);
    touch(s, now);
}

int track_begin(flow *f, uint32_t i, int connection, stk_table *t, const void *key, uint32_t len, uint32_t mask)
{
    uint32_t now = f->t->now_ms;
    struct track *k;
    track_slot *s;

    if (i >= f->t->eng->conf.stick_counters)
        return -EINVAL;
    k = track_of(f);
    if (!k)
        return -ENOMEM;
    s = connection ? connection_slot(k, i) : stream_slot(k, i);
    if (s->entry)
        return -EBUSY;
    s->entry = stk_set_anew(t, key, len, now);
    if (!s->entry)
        return 0;
    s->table = t;
    s->last = now;
    count(s, mask | 1u << STK_CONN_CNT | 1u << STK_CONN_RATE | 1u << STK_CONN_CUR, 1, now);
    return (int)s->entry;
}

void track_add(flow *f, uint32_t mask, uint64_t n)
{
    if (!mask || !n)
        return;
    for (uint32_t i = 0; i < f->track->n; i++) {
        track_slot *s = slot_at(f->track, i);

        if (s->entry)
            count(s, mask, n, f->t->now_ms);
    }
}

static void drop(flow *f, track_slot *s)
{
    uint32_t now = f->t->now_ms;

    if (!s->entry)
        return;
    stk_sub(s->table, s->entry, STK_CONN_CUR, 0, 1, now);
    stk_kill_if_expired(s->table, s->entry, now, 1);
    s->entry = 0;
}

void track_stream_over(flow *f)
{
    for (uint32_t i = 0; i < f->track->n; i++)
        drop(f, stream_slot(f->track, i));
}

void track_over(flow *f)
{
    for (uint32_t i = 0; i < 2 * f->track->n; i++)
        drop(f, &f->track->slot[i]);
    slab_put(&f->t->tracks, f->track);
    f->track = NULL;
}

/* --- limits --- */

/* An IPv4 address that an IPv6 one stands for: mapped, compatible, 6to4. NULL: none. */
static const uint8_t *v4_within(const uint8_t *a)
{
    static const uint8_t zero[12], mapped[12] = {[10] = 0xff, [11] = 0xff};

    if (!memcmp(a, zero, 12) || !memcmp(a, mapped, 12))
        return a + 12;
    return a[0] == 0x20 && a[1] == 0x02 ? a + 2 : NULL;
}

/* The client's address as a key of <len> bytes, NULL if it can't be one. */
static const uint8_t *source_key(const conn *c, uint32_t len, uint8_t room[16])
{
    if (c->family == AF_INET6)
        return len == 16 ? c->addr : v4_within(c->addr);
    if (c->family != AF_INET)
        return NULL;
    if (len == 4)
        return c->addr;
    memset(room, 0, 10);
    memset(room + 10, 0xff, 2);
    memcpy(room + 12, c->addr, 4);
    return room;
}

static int is_within(const fe_limit *l, int64_t v)
{
    for (uint32_t i = 0; i < l->nranges; i++)
        if (v >= l->range[i][0] && v <= l->range[i][1])
            return 1;
    return 0;
}

/* The last value of the last header of the limit's name, which may be empty; <p> is NULL if there is none. */
static h1_span header_key(const px_limit *l, const h1_head *h, const char *buf)
{
    int last = -1, i = -1;

    while ((i = h1_find(h, buf, l->name, l->name_len, (uint32_t)(i + 1))) >= 0)
        last = i;
    return last < 0 ? (h1_span){NULL, NULL} : h1_last_member(h1_value(&h->hdr[last], buf));
}

static void track_source(flow *f, const px_limit *l)
{
    uint32_t len = stk_conf_of(l->table)->key_len;
    uint8_t room[16];
    const uint8_t *key = source_key(f->f, len, room);

    if (key)
        track_begin(f, l->slot, 0, l->table, key, len, TRACK_REQ);
}

static void track_header(flow *f, const px_limit *l, const h1_head *h, const char *buf)
{
    h1_span key = header_key(l, h, buf);

    if (key.p)
        track_begin(f, l->slot, 0, l->table, key.p, (uint32_t)(key.end - key.p), TRACK_REQ);
}

track_expected track_expect(const flow *f)
{
    const px_limit *l = &at_load(&f->fe->limit)->l;
    uint32_t len = stk_conf_of(l->table)->key_len;
    uint8_t room[16];
    const uint8_t *key = l->name_len ? NULL : source_key(f->f, len, room);

    return key ? (track_expected){l->table, stk_expect(l->table, key, len)} : (track_expected){0};
}

int track_limit(flow *f, const h1_head *h, const char *buf)
{
    const fe_limit *found = at_load(&f->fe->limit);
    const px_limit *l = &found->l;
    const track_slot *s;

    if (l->name_len)
        track_header(f, l, h, buf);
    else
        track_source(f, l);
    s = found->nranges ? track_at(f, l->slot) : NULL;
    /* without an entry of the stream's that of the connection counts, whose table may store something else */
    if (!s || stk_conf_of(s->table)->count[l->type] <= l->element)
        return 0;
    return is_within(found, (int64_t)stk_read(s->table, s->entry, l->type, l->element, f->t->now_ms)) ? (int)l->status : 0;
}
