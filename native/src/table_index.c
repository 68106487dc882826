/* Which entries of a stick table have keys of some hash. */
#include "table_index.h"

enum { GUESSES = 8 }; /* slots that a guess looks at: about a cache line */

void stk_index_add(stk_index *ix, uint32_t hash, uint32_t e)
{
    uint64_t at = stk_index_home(ix, hash);

    while (at_peek(&ix->slot[at]))
        at = stk_index_after(ix, at);
    at_poke(&ix->slot[at], (uint64_t)hash << 32 | e);
}

/* Whether what belongs to <home> and stands at <at> may move up to <hole>: the hole does not lie before its home. */
static int may_fill(uint64_t hole, uint64_t home, uint64_t at)
{
    return hole <= at ? home <= hole || home > at : home <= hole && home > at;
}

void stk_index_remove(stk_index *ix, uint32_t hash, uint32_t e)
{
    uint64_t hole = stk_index_home(ix, hash), at, v;

    while ((uint32_t)at_peek(&ix->slot[hole]) != e)
        hole = stk_index_after(ix, hole);
    for (at = stk_index_after(ix, hole); (v = at_peek(&ix->slot[at])); at = stk_index_after(ix, at))
        if (may_fill(hole, stk_index_home(ix, (uint32_t)(v >> 32)), at)) {
            at_poke(&ix->slot[hole], v);
            hole = at;
        }
    at_poke(&ix->slot[hole], 0);
}

uint32_t stk_index_guess(const stk_index *ix, uint32_t hash)
{
    uint64_t at = stk_index_home(ix, hash), v;

    for (int i = 0; i < GUESSES && (v = at_peek(&ix->slot[at])); i++, at = stk_index_after(ix, at))
        if (v >> 32 == hash)
            return (uint32_t)v;
    return 0;
}
