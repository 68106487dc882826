/* sources: table_index */
#include "check.h"
#include "table_index.h"

enum { ENTRIES = 40, SLOTS = 61, STEPS = 30000 };

/* 0 .. n-1, the same in every run (splitmix64). */
static uint32_t chance(uint64_t *state, uint32_t n)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (uint32_t)((z ^ (z >> 31)) % n);
}

/* How many entries have the hash; all of them must be in <has>. */
static int count(const stk_index *ix, uint32_t hash, const uint32_t *has)
{
    uint64_t at = stk_index_home(ix, hash);
    int n = 0;

    for (uint32_t e; (e = stk_index_next(ix, hash, &at)); at = stk_index_after(ix, at), n++)
        CHECK_EQ(has[e], hash);
    return n;
}

static void there_are_half_as_many_slots_more_than_entries(void)
{
    CHECK_EQ(stk_index_slots(ENTRIES), SLOTS);
    CHECK_EQ(stk_index_slots(1), 2);
    CHECK_EQ(stk_index_slots(INT32_MAX), (uint64_t)INT32_MAX * 3 / 2 + 1);
}

static void every_hash_has_a_home_in_the_row(void)
{
    stk_index ix = {.slots = SLOTS};

    CHECK_EQ(stk_index_home(&ix, 0), 0);
    CHECK_EQ(stk_index_home(&ix, UINT32_MAX), SLOTS - 1);
    CHECK_EQ(stk_index_after(&ix, SLOTS - 1), 0);
}

static void what_stands_behind_the_end_of_the_row_is_found_at_its_beginning(void)
{
    uint64_t slot[3] = {0};
    stk_index ix = {.slot = slot, .slots = 3};
    uint32_t has[3] = {0, UINT32_MAX, UINT32_MAX - 1};

    stk_index_add(&ix, has[1], 1);
    stk_index_add(&ix, has[2], 2);
    CHECK(slot[2] && slot[0] && !slot[1]);
    CHECK_EQ(stk_index_guess(&ix, has[2]), 2);
    stk_index_remove(&ix, has[1], 1);
    CHECK(slot[2] && !slot[0]);
    CHECK_EQ(stk_index_guess(&ix, has[2]), 2);
    CHECK_EQ(stk_index_guess(&ix, has[1]), 0);
}

/* Few different hashes, near both ends of the row: runs are long and go round. */
static void whatever_is_added_and_removed_the_rest_is_found(void)
{
    static uint64_t slot[SLOTS];
    stk_index ix = {.slot = slot, .slots = SLOTS};
    uint32_t has[ENTRIES + 1] = {0}, n[24] = {0};
    uint64_t seed = 5;

    for (int step = 0; step < STEPS; step++) {
        uint32_t e = 1 + chance(&seed, ENTRIES), k = chance(&seed, 24);

        if (has[e]) {
            stk_index_remove(&ix, has[e], e);
            n[has[e] % 24]--;
            has[e] = 0;
        } else {
            has[e] = (0u - 12 * 0x04000000u + k * 0x04000000u) / 24 * 24 + k;
            has[e] += !has[e] ? 24 : 0;
            stk_index_add(&ix, has[e], e);
            n[k]++;
        }
        for (uint32_t other = 1; other <= ENTRIES; other++)
            if (has[other])
                CHECK_EQ(count(&ix, has[other], has), (int)n[has[other] % 24]);
    }
    for (uint32_t e = 1; e <= ENTRIES; e++)
        if (has[e])
            stk_index_remove(&ix, has[e], e);
    for (int i = 0; i < SLOTS; i++)
        CHECK_EQ(slot[i], 0);
}

int main(void)
{
    RUN(there_are_half_as_many_slots_more_than_entries);
    RUN(every_hash_has_a_home_in_the_row);
    RUN(what_stands_behind_the_end_of_the_row_is_found_at_its_beginning);
    RUN(whatever_is_added_and_removed_the_rest_is_found);
    return check_done();
}
