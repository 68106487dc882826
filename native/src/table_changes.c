/* Stick tables: which entries were changed, in the order of their last changes, for those who teach them to peers. */
#include "table.h"

enum { SPAN = 1000 }; /* changes that a call looks at */

void stk_update_unlink(stk_table *t, uint32_t e)
{
    stk_update *u = stk_update_of(t, e);

    if (!u->number)
        return;
    if (u->prev)
        stk_update_of(t, u->prev)->next = u->next;
    else
        t->first = u->next;
    if (u->next)
        stk_update_of(t, u->next)->prev = u->prev;
    else
        t->last = u->prev;
    u->number = 0;
}

int stk_update_add(stk_table *t, uint32_t e, int local)
{
    stk_update *u = stk_update_of(t, e);
    int tell = local && t->watcher;

    if (!local && u->number)
        return 0;
    stk_update_unlink(t, e);
    if (!++t->updates)
        t->updates = 1;
    *u = (stk_update){.prev = t->last, .number = t->updates, .local = (uint32_t)local};
    if (t->last)
        stk_update_of(t, t->last)->next = e;
    else
        t->first = e;
    t->last = e;
    return tell;
}

/* The entry of the first change after number <after>. One that the caller knew may have been changed since, or be gone; then the place is
 * looked for from the end, where those who keep up are. */
static uint32_t place_after(const stk_table *t, uint32_t after, uint32_t at)
{
    uint32_t e, found = 0;

    if (!after)
        return t->first;
    if (at && at <= t->ever && stk_update_of(t, at)->number == after)
        return stk_update_of(t, at)->next;
    for (e = t->last; e && stk_sooner(after, stk_update_of(t, e)->number); e = stk_update_of(t, e)->prev)
        found = e;
    return found;
}

int stk_changes(stk_table *t, uint32_t after, uint32_t *at, int local, uint32_t now, stk_change *out, int max,
                uint32_t *reached)
{
    int n = 0;

    *reached = after;
    if (!t->conf.updates)
        return 0;
    spin_lock(&t->lock);
    uint32_t e = place_after(t, after, *at);

    for (int looks = 0; e && looks < SPAN && n < max; looks++) {
        stk_entry *x = stk_entry_at(t, e);
        const stk_update *u = stk_update_of(t, e);

        if ((u->local || !local) && stk_is_there(t, e, now)) {
            uint32_t left = t->conf.expire && !stk_expired(t, x, now) ? x->expire - now : 0;

            stk_ref_locked(t, x);
            out[n++] = (stk_change){.e = e, .number = u->number, .left = left, .local = u->local};
        }
        *at = e;
        *reached = u->number;
        e = u->next;
    }
    spin_unlock(&t->lock);
    return n;
}

uint32_t stk_watch(stk_table *t, tasksched *s, task *k)
{
    uint32_t last;

    spin_lock(&t->lock);
    t->sched = s;
    t->watcher = k;
    last = t->updates;
    spin_unlock(&t->lock);
    return last;
}

uint32_t stk_last_change(stk_table *t)
{
    uint32_t last;

    spin_lock(&t->lock);
    last = t->updates;
    spin_unlock(&t->lock);
    return last;
}
