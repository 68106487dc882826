/* The timing wheel. A slot is found by the tick's digits in base 64: the level is the highest digit in which it is
 * ahead of the wheel's own tick by less than a turn, the slot is that digit. */
#include "tmr.h"

#define LEVEL_BITS 6

static unsigned shift_of(int level) { return (unsigned)level * LEVEL_BITS; }

/* How many slots of <level> the tick lies ahead of the wheel. Ticks wrap, so do the digits. */
static uint32_t slots_ahead(const wheel *w, int level, uint32_t tick)
{
    unsigned shift = shift_of(level);

    return ((tick >> shift) - (w->now >> shift)) & (UINT32_MAX >> shift);
}

void wheel_init(wheel *w, uint32_t now)
{
    memset(w, 0, sizeof(*w));
    w->now = now;
}

static unsigned slot_of(int level, uint32_t tick) { return tick >> shift_of(level) & (TMR_SLOTS - 1); }

static int level_of(const wheel *w, uint32_t when)
{
    int level = 0;

    while (slots_ahead(w, level, when) >= TMR_SLOTS)
        level++;
    return level;
}

/* The tick at which to hang a timer: what has expired already is due in the next run, what lies too far ahead for the
 * coarsest level (12 days) is put off as far as that reaches, and looked at again then. */
static uint32_t tick_within(const wheel *w, uint32_t when)
{
    if (tick_is_lt(when, w->now))
        return w->now;
    if (slots_ahead(w, TMR_LEVELS - 1, when) >= TMR_SLOTS)
        return w->now + ((TMR_SLOTS - 1u) << shift_of(TMR_LEVELS - 1));
    return when;
}

/* On the first level the wheel's own tick has a slot, too. On others that slot is always empty: what would be in there
 * hangs on a finer level. */
static void link_at(wheel *w, tmr *t, uint32_t when)
{
    uint32_t tick = tick_within(w, when);
    int level = level_of(w, tick);
    unsigned slot = slot_of(level, tick);
    tmr **head = &w->slot[level][slot];

    t->when = when;
    t->at = tick >> shift_of(level) << shift_of(level);
    t->next = *head;
    t->pprev = head;
    if (t->next)
        t->next->pprev = &t->next;
    *head = t;
    w->used[level] |= 1ull << slot;
    if (!w->linked++ || tick_is_lt(t->at, w->due))
        w->due = t->at;
}

/* The pointer to the first of a slot lies in the wheel: this tells which slot became empty. */
static void mark_empty(wheel *w, tmr **head)
{
    size_t index = (size_t)(head - &w->slot[0][0]);

    w->used[index / TMR_SLOTS] &= ~(1ull << index % TMR_SLOTS);
}

static int is_in_wheel(const wheel *w, tmr *const *pprev)
{
    return (uintptr_t)pprev - (uintptr_t)w->slot < sizeof(w->slot);
}

void tmr_del(wheel *w, tmr *t)
{
    if (!t->pprev)
        return;
    *t->pprev = t->next;
    if (t->next)
        t->next->pprev = t->pprev;
    else if (!*t->pprev && is_in_wheel(w, t->pprev))
        mark_empty(w, t->pprev);
    t->pprev = NULL;
    t->next = NULL;
    w->linked--;
}

void tmr_move(wheel *w, tmr *t, uint32_t when)
{
    tmr_del(w, t);
    t->when = when;
    if (tick_isset(when))
        link_at(w, t, when);
}

/* Moves a slot's timers to the front of <list>, which they may leave one by one as from a slot. */
static void take_slot(wheel *w, int level, unsigned slot, tmr **list)
{
    tmr *first = w->slot[level][slot], *last = first;

    while (last->next)
        last = last->next;
    last->next = *list;
    if (*list)
        (*list)->pprev = &last->next;
    *list = first;
    first->pprev = list;
    w->slot[level][slot] = NULL;
    w->used[level] &= ~(1ull << slot);
}

void wheel_rebase(wheel *w, uint32_t now)
{
    tmr *list = NULL, *t;

    for (int level = 0; level < TMR_LEVELS; level++)
        while (w->used[level])
            take_slot(w, level, (unsigned)__builtin_ctzll(w->used[level]), &list);
    w->now = now;
    while ((t = list))
        tmr_move(w, t, t->when);
}

/* The slots of <level> that come due until <now>, as bits in the order of the ring: bit 0 is the wheel's own slot. */
static uint64_t due_bits(const wheel *w, int level, uint32_t now)
{
    uint32_t ahead = slots_ahead(w, level, now);

    return ahead >= TMR_SLOTS - 1 ? ~0ull : (2ull << ahead) - 1;
}

static uint64_t rotate_right(uint64_t bits, unsigned by) { return bits >> by | bits << (-by & 63); }

/* The slots in use of <level>, in the order of the ring. */
static uint64_t used_bits(const wheel *w, int level) { return rotate_right(w->used[level], slot_of(level, w->now)); }

/* Coarse slots first, so that the list ends up beginning with what expires soonest, roughly. */
static void take_due(wheel *w, uint32_t now, tmr **list)
{
    for (int level = TMR_LEVELS - 1; level >= 0; level--) {
        unsigned own = slot_of(level, w->now);
        uint64_t due = used_bits(w, level) & due_bits(w, level, now);

        for (; due; due &= ~(1ull << (63 - __builtin_clzll(due))))
            take_slot(w, level, (own + 63u - (unsigned)__builtin_clzll(due)) & (TMR_SLOTS - 1), list);
    }
}

/* The tick at which the next slot comes due; something must be linked. */
static uint32_t next_due(const wheel *w)
{
    uint32_t due = 0, found = 0;

    for (int level = 0; level < TMR_LEVELS; level++) {
        uint64_t used = used_bits(w, level);

        if (!used)
            continue;
        uint32_t at = ((w->now >> shift_of(level)) + (uint32_t)__builtin_ctzll(used)) << shift_of(level);

        if (!found++ || tick_is_lt(at, due))
            due = at;
    }
    return due;
}

int tmr_run(wheel *w, uint32_t now, void (*cb)(void *ctx, tmr *t), void *ctx)
{
    tmr *list = NULL, *t;
    int calls = 0;

    if (tick_is_lt(now, w->now))
        now = w->now;
    if (!w->linked || tick_is_lt(now, w->due)) {
        w->now = now;
        return 0;
    }
    take_due(w, now, &list);
    w->now = now;
    while ((t = list)) {
        uint32_t when = t->when;

        tmr_del(w, t);
        if (tick_is_expired(when, now)) {
            calls++;
            cb(ctx, t);
        } else if (tick_isset(when)) {
            link_at(w, t, when);
        }
    }
    if (w->linked)
        w->due = next_due(w);
    return calls;
}

int tmr_next(const wheel *w, uint32_t now)
{
    uint32_t due;

    if (!w->linked)
        return -1;
    due = next_due(w);
    return tick_is_lt(now, due) ? (int)(due - now) : 0;
}
