/* Which entries of a stick table have keys of some hash. */
#include "table_index.h"

/* The place of <line> that holds <what>, looking from <from> on; STK_PLACES: none does. */
static uint32_t place_of(const stk_line *line, uint32_t from, uint32_t what)
{
    uint32_t i = from;

    do {
        if (at_peek(&line->place[i]) == what)
            return i;
        i = stk_index_next_place(i);
    } while (i != from);
    return STK_PLACES;
}

/* Puts <what> in place of the first <was> from <hash>'s home on; each line before counts <step> more of those that passed. */
static void replace(stk_index *ix, uint32_t hash, uint32_t was, uint32_t what, uint32_t step)
{
    stk_search s = stk_index_search(ix, hash);
    uint32_t i;

    for (; (i = place_of(&ix->line[s.line], s.place, was)) == STK_PLACES; s.line = stk_index_after(ix, s.line))
        at_poke(&ix->line[s.line].passed, ix->line[s.line].passed + step);
    at_poke(&ix->line[s.line].place[i], what);
}

void stk_index_add(stk_index *ix, uint32_t hash, uint32_t e)
{
    replace(ix, hash, 0, hash << ix->bits | e, 1);
}

void stk_index_remove(stk_index *ix, uint32_t hash, uint32_t e)
{
    replace(ix, hash, hash << ix->bits | e, 0, UINT32_MAX);
}

uint32_t stk_index_guess(const stk_index *ix, uint32_t hash)
{
    stk_search s = stk_index_search(ix, hash);

    return stk_index_next(ix, hash, &s);
}
