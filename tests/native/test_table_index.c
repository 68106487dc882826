/* sources: table_index */
#include "check.h"
#include "table_index.h"

enum { ENTRIES = 60, LINES = 6, STEPS = 30000 };

/* 0 .. n-1, the same in every run (splitmix64). */
static uint32_t chance(uint64_t *state, uint32_t n)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (uint32_t)((z ^ (z >> 31)) % n);
}

static stk_index index_of(stk_line *line, uint32_t entries)
{
    return (stk_index){.line = line, .lines = stk_index_lines(entries), .bits = stk_index_bits(entries)};
}

/* How often a search for the hash tells of <e>. */
static int told(const stk_index *ix, uint32_t hash, uint32_t e)
{
    stk_search s = stk_index_search(ix, hash);
    int n = 0;

    for (uint32_t other; (other = stk_index_next(ix, hash, &s));)
        n += other == e;
    return n;
}

static void there_are_places_for_a_quarter_more_than_there_are_entries(void)
{
    CHECK_EQ(sizeof(stk_line), LB_CACHELINE);
    CHECK_EQ(stk_index_lines(1), 1);
    CHECK_EQ(stk_index_lines(ENTRIES), LINES);
    CHECK_EQ(stk_index_lines(INT32_MAX), INT32_MAX / 12 + 1);
}

static void numbers_have_as_many_bits_as_they_need(void)
{
    CHECK_EQ(stk_index_bits(1), 1);
    CHECK_EQ(stk_index_bits(7), 3);
    CHECK_EQ(stk_index_bits(8), 4);
    CHECK_EQ(stk_index_bits(INT32_MAX), 31);
}

static void every_hash_has_a_home_in_the_ring(void)
{
    stk_index ix = {.lines = LINES};

    CHECK_EQ(stk_index_home(&ix, 0), 0);
    CHECK_EQ(stk_index_home(&ix, UINT32_MAX), LINES - 1);
    CHECK_EQ(stk_index_search(&ix, UINT32_MAX).place, STK_PLACES - 1);
    CHECK_EQ(stk_index_after(&ix, LINES - 1), 0);
}

static void what_has_no_room_at_home_stands_behind_and_is_found_until_it_is_removed(void)
{
    stk_line line[2] = {0};
    stk_index ix = index_of(line, 2 * STK_FILL - 1);
    uint32_t hash = UINT32_MAX; /* the last line's: behind it comes the first */

    for (uint32_t e = 1; e <= STK_PLACES + 2; e++)
        stk_index_add(&ix, hash, e);
    CHECK_EQ(line[1].passed, 2);
    for (uint32_t e = 1; e <= STK_PLACES + 2; e++)
        CHECK_EQ(told(&ix, hash, e), 1);
    stk_index_remove(&ix, hash, 3);
    CHECK_EQ(line[1].passed, 2);
    CHECK_EQ(told(&ix, hash, STK_PLACES + 1), 1);
    stk_index_remove(&ix, hash, STK_PLACES + 1);
    CHECK_EQ(line[1].passed, 1);
    CHECK_EQ(told(&ix, hash, STK_PLACES + 2), 1);
    CHECK_EQ(told(&ix, hash, 3) + told(&ix, hash, STK_PLACES + 1), 0);
}

static void an_entry_is_told_to_searches_for_its_hash_alone_while_numbers_leave_bits_for_it(void)
{
    stk_line line[1] = {0};
    stk_index ix = index_of(line, 7);
    uint64_t seed = 1;

    stk_index_add(&ix, 0x12345678, 5);
    CHECK_EQ(stk_index_guess(&ix, 0x12345678), 5);
    for (int i = 0; i < STEPS; i++)
        CHECK_EQ(stk_index_guess(&ix, 0x12345679 + chance(&seed, UINT32_MAX / 8)), 0);
}

static void a_hash_without_bits_in_a_place_tells_of_no_free_one(void)
{
    stk_line line[1] = {0};
    stk_index ix = index_of(line, 7);

    CHECK_EQ(stk_index_guess(&ix, 0), 0);
    stk_index_add(&ix, 0, 7);
    CHECK_EQ(stk_index_guess(&ix, 0), 7);
}

/* Eight different hashes, near both ends of the ring: lines overflow, and those behind them, and round. */
static void whatever_is_added_and_removed_the_rest_is_found(void)
{
    static stk_line line[LINES];
    stk_index ix = index_of(line, ENTRIES);
    uint32_t hash[ENTRIES + 1] = {0}, here[ENTRIES + 1] = {0};
    uint64_t seed = 5;

    for (int step = 0; step < STEPS; step++) {
        uint32_t e = 1 + chance(&seed, ENTRIES);

        if (!here[e]) {
            hash[e] = chance(&seed, 8) - 4;
            stk_index_add(&ix, hash[e], e);
        } else {
            stk_index_remove(&ix, hash[e], e);
        }
        here[e] = !here[e];
        for (uint32_t other = 1; other <= ENTRIES; other++)
            CHECK_EQ(told(&ix, hash[other], other), (int)here[other]);
    }
    for (uint32_t e = 1; e <= ENTRIES; e++)
        if (here[e])
            stk_index_remove(&ix, hash[e], e);
    for (int i = 0; i < LINES; i++) {
        CHECK_EQ(line[i].passed, 0);
        for (int k = 0; k < STK_PLACES; k++)
            CHECK_EQ(line[i].place[k], 0);
    }
}

int main(void)
{
    RUN(there_are_places_for_a_quarter_more_than_there_are_entries);
    RUN(numbers_have_as_many_bits_as_they_need);
    RUN(every_hash_has_a_home_in_the_ring);
    RUN(what_has_no_room_at_home_stands_behind_and_is_found_until_it_is_removed);
    RUN(an_entry_is_told_to_searches_for_its_hash_alone_while_numbers_leave_bits_for_it);
    RUN(a_hash_without_bits_in_a_place_tells_of_no_free_one);
    RUN(whatever_is_added_and_removed_the_rest_is_found);
    return check_done();
}
