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

/* As bwlim_grant(), of one. */
static uint32_t grant(bwlim *b, uint32_t now, uint32_t want)
{
    uint32_t have, enough = piece(b);

    fill(b, now);
    have = holds(b);
    if (enough > want)
        enough = want;
    if (have >= enough) {
        b->until = 0;
        return have < want ? have : want;
    }
    b->until = when(b, now, enough);
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

void bwlim_spend(bwlim *list, uint32_t n)
{
    for (bwlim *b = list; b; b = b->next)
        b->purse -= worth(b, n);
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
    b->purse = worth(b, bytes < b->limit ? bytes : b->limit);
}

static void change(bwlim *b, uint32_t now, uint32_t first, const bwlim *values)
{
    int began = b->since != 0;

    b->least = values->least;
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

    if (!values->limit || !values->period || values->period > INT32_MAX)
        return -EINVAL;
    while (*list && (*list)->id != values->id)
        list = &(*list)->next;
    if (*list) {
        change(*list, now, first, values);
        return 0;
    }
    b = calloc(1, sizeof(*b));
    if (!b)
        return -ENOMEM;
    b->id = values->id;
    b->least = values->least;
    take(b, values, first);
    *list = b;
    return 0;
}

void bwlim_free(bwlim **list)
{
    while (*list) {
        bwlim *b = *list;

        *list = b->next;
        free(b);
    }
}
