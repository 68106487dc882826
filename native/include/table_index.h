/* The index of a stick table: the entries whose keys have some hash.
 *
 * A row of slots, of which a third or more are always free. An entry's slot is the first one that was free from its hash's home
 * on, the row being closed to a ring; what is removed lets those behind it move up, so that a search ends at the first free slot.
 * A slot holds the hash beside the number of the entry: a search visits no entry but its own, and removing visits none.
 *
 *     home of <hash>: as far along the row as <hash> is along 32 bits
 *     slot:           63 .. 32 hash | 31 .. 0 number of the entry, 0: free
 *
 * The table's lock guards it, but for stk_index_guess(), which may be called at any time.
 */
#pragma once
#include "base.h"

typedef struct stk_index {
    uint64_t *slot; /* zero to begin with; the owner's */
    uint64_t slots;
} stk_index;

/* Slots that an index of at most <entries> should have. */
static inline uint64_t stk_index_slots(uint32_t entries)
{
    return (uint64_t)entries + entries / 2 + 1;
}

static inline uint64_t stk_index_home(const stk_index *ix, uint32_t hash)
{
    return hash * ix->slots >> 32;
}

static inline uint64_t stk_index_after(const stk_index *ix, uint64_t at)
{
    return at + 1 < ix->slots ? at + 1 : 0;
}

/* The next entry with that hash from slot *<at> on, which becomes its slot; 0: there are no more. Begins with the hash's home,
 * and goes on with stk_index_after(). */
static inline uint32_t stk_index_next(const stk_index *ix, uint32_t hash, uint64_t *at)
{
    uint64_t v;

    for (; (v = at_peek(&ix->slot[*at])); *at = stk_index_after(ix, *at))
        if (v >> 32 == hash)
            return (uint32_t)v;
    return 0;
}

/* Adds entry <e>. There must be room. */
void stk_index_add(stk_index *ix, uint32_t hash, uint32_t e);
/* Removes entry <e>, which is there. */
void stk_index_remove(stk_index *ix, uint32_t hash, uint32_t e);
/* An entry that probably has the hash, 0 if none does or others are changing the index: a guess, good for bringing memory near
 * before the lock is taken. */
uint32_t stk_index_guess(const stk_index *ix, uint32_t hash);
