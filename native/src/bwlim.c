#include "bwlim.h"
#include "tmr.h"
#include <stdlib.h>

static uint64_t worth(const bwlim *b, uint32_t bytes)
{
    return (uint64_t)bytes * b->period;
}

static uint32_t holds(const bwlim *b)
{
    return (uint32_t)(b->purse / b->period);
}

/* The credit of a new one is what its purse holds: it is paid for by the time in which nothing fills it. */
static void begin(bwlim *b, uint32_t now)
{
    b->since = tick_add(now, (uint32_t)(b->purse / b->limit));
}

static void fill(bwlim *b, uint32_t now)
{
    uint64_t most = worth(b, b->limit);
    uint32_t ms;

    if (!b->since)
        begin(b, now);
    if (tick_is_lt(now, b->since))
        return;
    ms = now - b->since;
    b->since = now;
    b->purse += (uint64_t)b->limit * (ms < b->period ? ms : b->period);
    if (b->purse > most)
        b->purse = most;
}

/* Bytes that are worth a wake-up. */
static uint32_t piece(const bwlim *b)
{
    uint32_t beat = (uint32_t)((uint64_t)b->limit * BWLIM_BEAT / b->period < b->limit
                                   ? (uint64_t)b->limit * BWLIM_BEAT / b->period
                                   : b->limit);
    uint32_t bytes = b->least > beat ? b->least : beat;

    if (!bytes)
        return 1;
    return bytes < b->limit ? bytes : b->limit;
}

/* The tick at which the purse, filled now, will hold <bytes>. */
static uint32_t when(const bwlim *b, uint32_t now, uint32_t bytes)
{
    uint64_t ms = (b->since - now) + (worth(b, bytes) - b->purse + b->limit - 1) / b->limit;

    return tick_add(now, ms < BWLIM_WAIT_MAX ? (uint32_t)ms : BWLIM_WAIT_MAX);
}

/* --- limits that streams share --- */

/* What the entry's rate leaves. */
static uint32_t shared_holds(const bwlim *b, uint32_t now)
{
    uint64_t rate = stk_read(b->table, b->entry, b->type, 0, now);

    return rate < b->limit ? b->limit - (uint32_t)rate : 0;
}

/* The tick at which the rate will leave <bytes>, if nobody else has any: what was counted in this period counts in full
 * until that is over, and then, as what was counted in the one before it does now, less with each ms. */
static uint32_t shared_when(const bwlim *b, uint32_t now, uint32_t bytes)
{
    uint32_t age, curr, prev, room = b->limit - bytes;
    uint64_t ms = 0;

    if (stk_rate_parts(b->table, b->entry, b->type, 0, now, 0, &age, &curr, &prev) < 0)
        return tick_add(now, 1);
    if (age >= b->period) {
        prev = age - b->period < b->period ? curr : 0;
        age = age - b->period < b->period ? age - b->period : b->period;
        curr = 0;
    }
    if (curr > room) {
        ms = b->period - age;
        age = 0;
        prev = curr;
        curr = 0;
    }
    if (prev) {
        uint64_t gone = b->period - (uint64_t)(room - curr) * b->period / prev; /* of the period, when it is enough */

        if ((uint64_t)(room - curr) < prev && gone > age)
            ms += gone - age;
    }
    return tick_add(now, !ms ? 1 : ms < BWLIM_WAIT_MAX ? (uint32_t)ms : BWLIM_WAIT_MAX);
}

static void shared_spend(bwlim *b, uint32_t now, uint32_t n)
{
    stk_add(b->table, b->entry, b->type, 0, n, now);
    if (b->since == now && !stk_conf_of(b->table)->updates)
        return;
    b->since = now;
    stk_touch_local(b->table, b->entry, now, 0);
}

static void leave_entry(const bwlim *b)
{
    if (b->kind == BWLIM_SHARED)
        stk_release(b->table, b->entry);
}

/* --- taps --- */

static uint32_t tap_grant(bwlim *b, uint32_t want)
{
    b->hand = want;
    if (!b->random || !want)
        return want;
    b->dice ^= b->dice << 13;
    b->dice ^= b->dice >> 17;
    b->dice ^= b->dice << 5;
    return 1 + b->dice % want;
}

/* --- all of them --- */

/* As bwlim_grant(), of one. */
static uint32_t grant(bwlim *b, uint32_t now, uint32_t want)
{
    uint32_t have, enough;

    if (b->kind == BWLIM_TAP)
        return tap_grant(b, want);
    if (b->kind == BWLIM_OWN)
        fill(b, now);
    have = b->kind == BWLIM_OWN ? holds(b) : shared_holds(b, now);
    enough = piece(b);
    if (enough > want)
        enough = want;
    if (have >= enough) {
        b->until = 0;
        return have < want ? have : want;
    }
    b->until = b->kind == BWLIM_OWN ? when(b, now, enough) : shared_when(b, now, enough);
    return 0;
}

uint32_t bwlim_grant(bwlim *list, uint32_t now, uint32_t want)
{
    uint32_t least = want;

    for (bwlim *b = list; b; b = b->next) {
        uint32_t n = grant(b, now, want);

        if (n < least)
            least = n;
    }
    return least;
}

void bwlim_spend(bwlim *list, uint32_t now, uint32_t n)
{
    for (bwlim *b = list; b && n; b = b->next) {
        if (b->kind == BWLIM_SHARED)
            shared_spend(b, now, n);
        else if (b->kind == BWLIM_OWN)
            b->purse -= worth(b, n);
        else
            b->purse += n;
    }
}

uint32_t bwlim_until(const bwlim *list)
{
    uint32_t until = 0;

    for (const bwlim *b = list; b; b = b->next) {
        if (b->until && (!until || tick_is_lt(until, b->until)))
            until = b->until;
    }
    return until;
}

void bwlim_resume(bwlim *list)
{
    for (bwlim *b = list; b; b = b->next)
        b->until = 0;
}

static void take(bwlim *b, const bwlim *values, uint32_t bytes)
{
    b->limit = values->limit;
    b->period = values->period;
    b->purse = b->kind == BWLIM_OWN ? worth(b, bytes < b->limit ? bytes : b->limit) : 0;
}

/* Another key: what it waited for was the other entry's. */
static void move_to(bwlim *b, const bwlim *values)
{
    leave_entry(b);
    b->table = values->table;
    b->entry = values->entry;
    b->type = values->type;
    b->limit = values->limit;
    b->period = values->period;
    b->since = 0;
    b->until = 0;
}

static void change(bwlim *b, uint32_t now, uint32_t first, const bwlim *values)
{
    int began = b->since != 0;

    b->least = values->least;
    if (b->kind == BWLIM_TAP)
        return;
    if (b->kind == BWLIM_SHARED) {
        move_to(b, values);
        return;
    }
    if (b->limit == values->limit && b->period == values->period)
        return;
    if (began)
        fill(b, now);
    take(b, values, began ? holds(b) : first);
    b->since = began ? now : 0;
    b->until = 0;
}

int bwlim_set(bwlim **list, uint32_t now, uint32_t first, const bwlim *values)
{
    bwlim *b;

    if (values->kind != BWLIM_TAP && (!values->limit || !values->period || values->period > INT32_MAX)) {
        leave_entry(values);
        return -EINVAL;
    }
    while (*list && (*list)->id != values->id)
        list = &(*list)->next;
    if (*list) {
        change(*list, now, first, values);
        return 0;
    }
    b = malloc(sizeof(*b));
    if (!b) {
        leave_entry(values);
        return -ENOMEM;
    }
    *b = *values;
    b->next = NULL;
    take(b, values, first);
    *list = b;
    return 0;
}

void bwlim_free(bwlim **list)
{
    while (*list) {
        bwlim *b = *list;

        *list = b->next;
        leave_entry(b);
        free(b);
    }
}
