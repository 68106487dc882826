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

int track_figure(const flow *f, uint32_t i, uint32_t type, uint32_t element, uint64_t *out)
{
    const track_slot *s = track_at(f, i);

    if (!s || type >= STK_TYPES || stk_conf_of(s->table)->count[type] <= element)
        return 0;
    *out = stk_read(s->table, s->entry, (int)type, element, f->t->now_ms);
    return 1;
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

/* What the present stream has moved and others have counted; what nobody has comes with the next flow_count_bytes(). */
static void count_told(const flow *f, track_slot *s, uint32_t now)
{
    if (f->bytes_in_told)
        stk_count(s->table, s->entry, TRACK_IN, f->bytes_in_told, now);
    if (f->bytes_out_told)
        stk_count(s->table, s->entry, TRACK_OUT, f->bytes_out_told, now);
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
    if (slot_at(k, i)->entry)
        return -EBUSY;
    s->entry = stk_set_anew(t, key, len, now);
    if (!s->entry)
        return 0;
    s->table = t;
    s->last = now;
    count(s, mask | 1u << STK_CONN_CNT | 1u << STK_CONN_RATE | 1u << STK_CONN_CUR, 1, now);
    count_told(f, s, now);
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
