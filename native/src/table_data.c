/* Stick tables: the data of their entries. */
#include "table.h"

const uint8_t stk_kinds[STK_TYPES] = {
    [STK_SERVER_ID] = STK_KIND_SINT,       [STK_GPT0] = STK_KIND_UINT,
    [STK_GPC0] = STK_KIND_UINT,            [STK_GPC0_RATE] = STK_KIND_RATE,
    [STK_CONN_CNT] = STK_KIND_UINT,        [STK_CONN_RATE] = STK_KIND_RATE,
    [STK_CONN_CUR] = STK_KIND_UINT,        [STK_SESS_CNT] = STK_KIND_UINT,
    [STK_SESS_RATE] = STK_KIND_RATE,       [STK_HTTP_REQ_CNT] = STK_KIND_UINT,
    [STK_HTTP_REQ_RATE] = STK_KIND_RATE,   [STK_HTTP_ERR_CNT] = STK_KIND_UINT,
    [STK_HTTP_ERR_RATE] = STK_KIND_RATE,   [STK_BYTES_IN_CNT] = STK_KIND_ULL,
    [STK_BYTES_IN_RATE] = STK_KIND_RATE,   [STK_BYTES_OUT_CNT] = STK_KIND_ULL,
    [STK_BYTES_OUT_RATE] = STK_KIND_RATE,  [STK_GPC1] = STK_KIND_UINT,
    [STK_GPC1_RATE] = STK_KIND_RATE,       [STK_SERVER_KEY] = STK_KIND_DICT,
    [STK_HTTP_FAIL_CNT] = STK_KIND_UINT,   [STK_HTTP_FAIL_RATE] = STK_KIND_RATE,
    [STK_GPT] = STK_KIND_UINT,             [STK_GPC] = STK_KIND_UINT,
    [STK_GPC_RATE] = STK_KIND_RATE,        [STK_GLITCH_CNT] = STK_KIND_UINT,
    [STK_GLITCH_RATE] = STK_KIND_RATE,
};

int stk_kind(int type)
{
    return type < 0 || type >= STK_TYPES ? -EINVAL : stk_kinds[type];
}

uint32_t stk_element_size(int type)
{
    switch (stk_kinds[type]) {
    case STK_KIND_ULL:
        return 8;
    case STK_KIND_RATE:
        return sizeof(freq_ctr_period);
    default:
        return 4;
    }
}

static void *element(const stk_table *t, stk_entry *x, int type, uint32_t i)
{
    if (type < 0 || type >= STK_TYPES || i >= t->conf.count[type])
        return NULL;
    return (char *)x + t->off[type] + i * stk_element_size(type);
}

static uint64_t value(const stk_table *t, const void *p, int type, uint32_t now)
{
    switch (stk_kinds[type]) {
    case STK_KIND_ULL:
        return *(const uint64_t *)p;
    case STK_KIND_RATE:
        return freqp_read(p, t->conf.period[type], now);
    case STK_KIND_SINT:
        return (uint64_t)(int64_t)*(const int32_t *)p;
    default:
        return *(const uint32_t *)p;
    }
}

static void raise_by(const stk_table *t, void *p, int type, uint64_t n, uint32_t now)
{
    uint32_t by = n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;

    if (stk_kinds[type] == STK_KIND_RATE)
        freqp_update(p, t->conf.period[type], by, now);
    else if (stk_kinds[type] == STK_KIND_ULL)
        *(uint64_t *)p = n > UINT64_MAX - *(uint64_t *)p ? UINT64_MAX : *(uint64_t *)p + n;
    else
        *(uint32_t *)p = by > UINT32_MAX - *(uint32_t *)p ? UINT32_MAX : *(uint32_t *)p + by;
}

static void lower_by(const stk_table *t, void *p, int type, uint64_t n, uint32_t now)
{
    (void)t;
    (void)now;
    if (stk_kinds[type] == STK_KIND_RATE)
        return;
    if (stk_kinds[type] == STK_KIND_ULL)
        *(uint64_t *)p = *(uint64_t *)p > n ? *(uint64_t *)p - n : 0;
    else
        *(uint32_t *)p = *(uint32_t *)p > n ? *(uint32_t *)p - (uint32_t)n : 0;
}

static void set_to(void *p, int type, uint64_t v, uint32_t now)
{
    if (stk_kinds[type] == STK_KIND_RATE)
        *(freq_ctr_period *)p = (freq_ctr_period){.curr_tick = now & ~(uint32_t)FREQP_LOCKED, .curr_ctr = (uint32_t)v};
    else if (stk_kinds[type] == STK_KIND_ULL)
        *(uint64_t *)p = v;
    else
        *(uint32_t *)p = (uint32_t)v;
}

uint64_t stk_read(stk_table *t, uint32_t e, int type, uint32_t i, uint32_t now)
{
    stk_entry *x = stk_entry_at(t, e);
    const void *p = element(t, x, type, i);
    uint64_t v;

    if (!p)
        return 0;
    rw_rdlock(&x->lock);
    v = value(t, p, type, now);
    rw_rdunlock(&x->lock);
    return v;
}

/* Changes an element by <how>; the value afterwards. */
static uint64_t change(stk_table *t, uint32_t e, int type, uint32_t i, uint64_t n, uint32_t now,
                       void (*how)(const stk_table *t, void *p, int type, uint64_t n, uint32_t now))
{
    stk_entry *x = stk_entry_at(t, e);
    void *p = element(t, x, type, i);
    uint64_t v;

    if (!p)
        return 0;
    rw_wrlock(&x->lock);
    how(t, p, type, n, now);
    v = value(t, p, type, now);
    rw_wrunlock(&x->lock);
    return v;
}

uint64_t stk_add(stk_table *t, uint32_t e, int type, uint32_t i, uint64_t n, uint32_t now)
{
    return change(t, e, type, i, n, now, raise_by);
}

uint64_t stk_sub(stk_table *t, uint32_t e, int type, uint32_t i, uint64_t n, uint32_t now)
{
    return change(t, e, type, i, n, now, lower_by);
}

uint64_t stk_write(stk_table *t, uint32_t e, int type, uint32_t i, uint64_t v, uint32_t now)
{
    stk_entry *x = stk_entry_at(t, e);
    void *p = element(t, x, type, i);
    uint64_t old;

    if (!p)
        return 0;
    rw_wrlock(&x->lock);
    old = value(t, p, type, now);
    set_to(p, type, v, now);
    rw_wrunlock(&x->lock);
    return old;
}

void stk_count(stk_table *t, uint32_t e, uint32_t mask, uint64_t n, uint32_t now)
{
    stk_entry *x = stk_entry_at(t, e);

    mask &= t->stored;
    if (!mask)
        return;
    rw_wrlock(&x->lock);
    for (; mask; mask &= mask - 1) {
        int type = __builtin_ctz(mask);

        raise_by(t, (char *)x + t->off[type], type, n, now);
    }
    rw_wrunlock(&x->lock);
}

static void read_parts(const freq_ctr_period *c, uint32_t now, uint32_t *age, uint32_t *curr, uint32_t *prev)
{
    *age = now - c->curr_tick;
    *curr = c->curr_ctr;
    *prev = c->prev_ctr;
}

int stk_rate_parts(stk_table *t, uint32_t e, int type, uint32_t i, uint32_t now, int write, uint32_t *age, uint32_t *curr,
                   uint32_t *prev)
{
    stk_entry *x = stk_entry_at(t, e);
    freq_ctr_period *c = element(t, x, type, i);

    if (!c || stk_kinds[type] != STK_KIND_RATE)
        return -EINVAL;
    rw_wrlock(&x->lock);
    if (write)
        *c = (freq_ctr_period){(now - *age) & ~(uint32_t)FREQP_LOCKED, *curr, *prev};
    else
        read_parts(c, now, age, curr, prev);
    rw_wrunlock(&x->lock);
    return 0;
}

/* --- as peers have it --- */

/* Numbers that an element is sent as. */
static uint32_t parts_of(int type)
{
    return stk_kinds[type] == STK_KIND_RATE ? 3 : 1;
}

uint32_t stk_width(const stk_table *t)
{
    uint32_t n = 0;

    for (int i = 0; i < STK_TYPES; i++)
        n += t->conf.count[i] * parts_of(i);
    return n;
}

static void read_element(const stk_table *t, const void *p, int type, uint32_t now, uint64_t *out)
{
    uint32_t part[3];

    if (stk_kinds[type] != STK_KIND_RATE) {
        *out = value(t, p, type, now);
        return;
    }
    read_parts(p, now, &part[0], &part[1], &part[2]);
    for (int i = 0; i < 3; i++)
        out[i] = part[i];
}

static void write_element(void *p, int type, uint32_t now, const uint64_t *in)
{
    if (stk_kinds[type] != STK_KIND_RATE)
        set_to(p, type, *in, now);
    else
        *(freq_ctr_period *)p =
            (freq_ctr_period){(now - (uint32_t)in[0]) & ~(uint32_t)FREQP_LOCKED, (uint32_t)in[1], (uint32_t)in[2]};
}

void stk_read_all(stk_table *t, uint32_t e, uint32_t now, uint64_t *out)
{
    stk_entry *x = stk_entry_at(t, e);

    rw_rdlock(&x->lock);
    for (uint32_t types = t->stored; types; types &= types - 1) {
        int type = __builtin_ctz(types);

        for (uint32_t i = 0; i < t->conf.count[type]; i++, out += parts_of(type))
            read_element(t, element(t, x, type, i), type, now, out);
    }
    rw_rdunlock(&x->lock);
}

void stk_write_all(stk_table *t, uint32_t e, uint32_t now, uint32_t mask, const uint64_t *in)
{
    stk_entry *x = stk_entry_at(t, e);

    rw_wrlock(&x->lock);
    for (uint32_t types = t->stored; types; types &= types - 1) {
        int type = __builtin_ctz(types);

        for (uint32_t i = 0; i < t->conf.count[type]; i++, in += parts_of(type))
            if (mask >> type & 1)
                write_element(element(t, x, type, i), type, now, in);
    }
    rw_wrunlock(&x->lock);
}
