/* The index of a stick table: the entries whose keys have some hash.
 *
 * A ring of lines of the cache, each of them places for fifteen entries and a count. An entry stands in the first line that had
 * room from its hash's home on, and each full line before counts it as one that passed: a search ends at a line that nobody
 * passed, which nearly always is the first. Nothing is ever moved, so adding and removing visit no entry. Within a line the
 * search begins where the hash says, lest it look at half of the places.
 *
 *     home of <hash>: as far along the ring as <hash> is along 32 bits
 *     place:          31 .. bits: the lowest bits of the hash | bits-1 .. 0: number of the entry; all 0: free
 *
 * A place is no larger than numbers are, and that is the point: caches may keep the index of a table whose entries they cannot
 * keep, and then a look-up waits for memory once and not twice. That of a million entries has 5 MiB. In exchange a search may
 * be told of an entry with another hash: for a key that is not there once in 340 among a million entries, once in 21 among 16
 * millions. Who searches compares keys in any case.
 *
 * The table's lock guards it, but for stk_index_guess(), which may be called at any time.
 */
#pragma once
#include "base.h"

#define STK_PLACES 15 /* of a line */
#define STK_FILL 12   /* entries that there are for a line, when all are there */

typedef struct stk_line {
    uint32_t place[STK_PLACES];
    uint32_t passed; /* entries that have their homes here or before and stand behind */
} stk_line;

typedef struct stk_index {
    stk_line *line; /* zero to begin with, at the beginning of a cache line; the owner's */
    uint32_t lines;
    uint32_t bits; /* of a place, that are the entry's number */
} stk_index;

/* Where a search is. */
typedef struct stk_search {
    uint32_t line;
    uint32_t place; /* to be looked at next */
    uint32_t left;  /* places of the line to look at */
} stk_search;

/* Lines that an index of at most <entries> should have. */
static inline uint32_t stk_index_lines(uint32_t entries)
{
    return entries / STK_FILL + 1;
}

/* Bits that the numbers of <entries> take, 1 .. 2^31-1. */
static inline uint32_t stk_index_bits(uint32_t entries)
{
    return 32 - (uint32_t)__builtin_clz(entries);
}

static inline uint32_t stk_index_home(const stk_index *ix, uint32_t hash)
{
    return (uint32_t)((uint64_t)hash * ix->lines >> 32);
}

static inline uint32_t stk_index_after(const stk_index *ix, uint32_t line)
{
    return line + 1 < ix->lines ? line + 1 : 0;
}

static inline stk_search stk_index_search(const stk_index *ix, uint32_t hash)
{
    uint64_t at = (uint64_t)hash * ix->lines;

    return (stk_search){
        .line = (uint32_t)(at >> 32),
        .place = (uint32_t)((at & UINT32_MAX) * STK_PLACES >> 32),
        .left = STK_PLACES,
    };
}

static inline uint32_t stk_index_next_place(uint32_t i)
{
    return i + 1 < STK_PLACES ? i + 1 : 0;
}

/* The next entry that may have the hash; 0: there are no more. */
static inline uint32_t stk_index_next(const stk_index *ix, uint32_t hash, stk_search *s)
{
    uint32_t tag = hash << ix->bits, last = (1u << ix->bits) - 1, e;

    do {
        const stk_line *l = &ix->line[s->line];

        for (; s->left; s->left--) {
            e = at_peek(&l->place[s->place]) ^ tag;
            s->place = stk_index_next_place(s->place);
            if (e - 1 < last) { /* another tag leaves a number above all, no entry none */
                s->left--;
                return e;
            }
        }
        if (likely(!at_peek(&l->passed)))
            return 0;
        s->line = stk_index_after(ix, s->line);
        s->left = STK_PLACES;
    } while (s->line != stk_index_home(ix, hash));
    return 0;
}

/* Adds entry <e>. There must be room. */
void stk_index_add(stk_index *ix, uint32_t hash, uint32_t e);
/* Removes entry <e>, which is there. */
void stk_index_remove(stk_index *ix, uint32_t hash, uint32_t e);
/* An entry that probably has the hash, 0 if none does or others are changing the index: a guess, good for bringing memory near
 * before the lock is taken. It is, or once was, an entry of the index. */
uint32_t stk_index_guess(const stk_index *ix, uint32_t hash);
