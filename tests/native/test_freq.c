/* sources: freq */
#include "check.h"
#include "freq.h"
#include <sched.h>

enum { THREADS = 4, ROUNDS = 20000, PERIOD = 1000 };
static const uint32_t T = 1800000000; /* any tick */

/* --- what a counter says ----------------------------------------------------------------------------------------- */

static void a_pause_forgets_the_previous_period(void)
{
    freq_ctr_period c = {0};

    freqp_update(&c, PERIOD, 100, T);
    freqp_update(&c, PERIOD, 1, T + 2 * PERIOD);
    CHECK_EQ(c.prev_ctr, 0);
    CHECK_EQ(freqp_read(&c, PERIOD, T + 2 * PERIOD), 1);
}

static void a_rate_of_one_does_not_flap(void)
{
    freq_ctr_period c = {0};

    freqp_update(&c, PERIOD, 1, T);
    CHECK_EQ(freqp_read(&c, PERIOD, T + 1999), 1);
    CHECK_EQ(freqp_read(&c, PERIOD, T + 2000), 0);
    CHECK_EQ(freqp_remain(&c, PERIOD, 1, 0, T + 1999), 1); /* limits are not held back by it */
}

static void a_clock_that_was_set_back_far_begins_anew(void)
{
    freq_ctr_period c = {0};
    uint32_t ahead = FREQ_AHEAD_MAX * 1000;

    freqp_update(&c, PERIOD, 10, T);
    CHECK_EQ(freqp_update(&c, PERIOD, 1, T - ahead), 11);
    CHECK_EQ(freqp_update(&c, PERIOD, 1, T - ahead - 2), 1);
    CHECK_EQ(freqp_read(&c, PERIOD, T - ahead - 2), 1);
}

static void what_remains_of_a_limit_counts_those_on_their_way(void)
{
    freq_ctr_period c = {0};

    CHECK_EQ(freqp_remain(&c, PERIOD, 10, 0, T), 10);
    freqp_update(&c, PERIOD, 6, T);
    CHECK_EQ(freqp_remain(&c, PERIOD, 10, 0, T), 4);
    CHECK_EQ(freqp_remain(&c, PERIOD, 10, 3, T), 1);
    CHECK_EQ(freqp_remain(&c, PERIOD, 10, 4, T), 0);
    CHECK_EQ(freqp_remain(&c, PERIOD, 10, UINT32_MAX, T), 0);
    CHECK_EQ(freqp_remain(&c, PERIOD, 5, 0, T), 0);
    CHECK_EQ(freqp_remain(&c, PERIOD, 10, 0, T + 1500), 7);
}

static void the_wait_under_a_limit_is_the_time_in_which_the_excess_leaves(void)
{
    freq_ctr_period c = {0};

    freqp_update(&c, PERIOD, 9, T);
    CHECK_EQ(freqp_next_delay(&c, PERIOD, 10, 0, T), 0);
    CHECK_EQ(freqp_next_delay(&c, PERIOD, 10, 1, T), 1); /* full, but nothing above: the least wait */
    CHECK_EQ(freqp_next_delay(&c, PERIOD, 10, 2, T), 100);
    CHECK_EQ(freqp_next_delay(&c, PERIOD, 10, 11, T), 1000);
    CHECK_EQ(freqp_next_delay(&c, PERIOD, 0, 0, T), 8000);
    CHECK(freqp_next_delay(&c, PERIOD, 1, UINT32_MAX, T) >= 4294967000u);
}

static void the_previous_period_counts_for_the_part_still_in_the_window(void)
{
    freq_ctr_period c = {0};
    uint32_t t = 4000000000u;

    CHECK_EQ(freqp_update(&c, PERIOD, 100, t), 100);
    CHECK_EQ(freqp_read(&c, PERIOD, t + 999), 100);
    CHECK_EQ(freqp_read(&c, PERIOD, t + 1250), 75);
    CHECK_EQ(freqp_read(&c, PERIOD, t + 2000), 0);
    CHECK_EQ(freqp_update(&c, PERIOD, 10, t + 1300), 10);
    CHECK_EQ(c.curr_tick, t + 1000); /* periods follow without a gap */
    CHECK_EQ(freqp_read(&c, PERIOD, t + 1500), 60);
    CHECK_EQ(freqp_read(&c, PERIOD, t + 1505), 59);
    CHECK(freqp_read_exact(&c, PERIOD, t + 1505) == 59.5);
    CHECK_EQ(freqp_remain(&c, PERIOD, 100, 5, t + 1500), 35);
    CHECK_EQ(freqp_next_delay(&c, PERIOD, 60, 0, t + 1500), 1);
    CHECK_EQ(freqp_next_delay(&c, PERIOD, 50, 0, t + 1500), 200);
    CHECK_EQ(freqp_update(&c, PERIOD, 1, t + 3001), 1);
    CHECK_EQ(c.curr_tick, t + 3000); /* after a pause it begins now; even */
    CHECK_EQ(c.prev_ctr, 0);
}

static void a_new_period_counter_takes_any_tick(void)
{
    static const uint32_t ticks[] = {0, 1, 999, 0x7fffffff, 0x80000000, 0xfffffffe};

    for (size_t i = 0; i < sizeof(ticks) / sizeof(ticks[0]); i++) {
        freq_ctr_period c = {0};

        freqp_update(&c, PERIOD, 2, ticks[i]);
        CHECK_EQ(freqp_read(&c, PERIOD, ticks[i]), 2);
    }
}

static void a_tick_that_is_behind_neither_rotates_nor_loses_its_count(void)
{
    uint32_t t = 500; /* a moment after the ticks wrapped */
    freq_ctr_period c = {.curr_tick = t - PERIOD};

    freqp_update(&c, PERIOD, 10, t - PERIOD);
    freqp_update(&c, PERIOD, 20, t);
    CHECK_EQ(freqp_update(&c, PERIOD, 3, t - PERIOD), 23);
    CHECK_EQ(c.prev_ctr, 10);
    CHECK_EQ(c.curr_tick, t);
    CHECK_EQ(freqp_read(&c, PERIOD, t - PERIOD), 33);
}

static void the_shortest_and_the_longest_period_work(void)
{
    freq_ctr_period a = {0}, b = {0};
    uint32_t longest = 0x7fffffff;

    for (uint32_t t = 1000; t < 1010; t++)
        freqp_update(&a, 1, 1, t);
    CHECK(freqp_read(&a, 1, 1009) <= 2);
    CHECK_EQ(freqp_read(&a, 1, 1012), 0);
    freqp_update(&b, longest, UINT32_MAX, 0);
    CHECK_EQ(freqp_update(&b, longest, UINT32_MAX, longest), -1u);
    CHECK_EQ(freqp_remain(&b, longest, 5, UINT32_MAX, longest), 0);
    CHECK_EQ(freqp_next_delay(&b, longest, 1, UINT32_MAX, longest), UINT32_MAX);
}

/* --- threads ----------------------------------------------------------------------------------------------------- */

struct race {
    freq_ctr_period per;
    uint32_t clock, met;
};

/* Returns when <n> threads have called it <round> times. */
static void meet(struct race *r, uint32_t n, uint32_t round)
{
    at_add(&r->met, 1);
    while (at_load(&r->met) < n * round)
        sched_yield();
}

enum { RACES = 3000, BURST = 40 };
static struct race races[RACES];

/* In each race one thread sees the next second already and rotates in the middle of what the others count. */
static void count_with_clocks_a_second_apart(void *arg, int index)
{
    struct race *r = arg;

    for (uint32_t i = 0; i < RACES; i++) {
        uint32_t ahead = (uint32_t)index == i % THREADS;

        meet(r, THREADS, i + 1);
        for (int n = 0; n < BURST; n++) {
            freqp_update(&races[i].per, PERIOD, 1, T + ahead * PERIOD);
        }
    }
}

static void clocks_a_second_apart_lose_no_event(void)
{
    struct race r = {.met = 0};

    for (int i = 0; i < RACES; i++) {
        freqp_update(&races[i].per, PERIOD, 1, T);
    }
    check_threads(THREADS, count_with_clocks_a_second_apart, &r);
    for (int i = 0; i < RACES; i++) {
        CHECK_EQ(races[i].per.curr_ctr + races[i].per.prev_ctr, 1 + THREADS * BURST);
        CHECK_EQ(races[i].per.curr_tick, T + PERIOD);
    }
}

/* All threads race to each rotation, in the same second; a round ends when everybody counted. */
static void rotate_together(void *arg, int index)
{
    struct race *r = arg;

    (void)index;
    for (uint32_t s = 1; s <= 300; s++) {
        freqp_update(&r->per, PERIOD, 1, T + s * PERIOD);
        meet(r, THREADS, s);
        if (freqp_read(&r->per, PERIOD, T + (s + 1) * PERIOD) < THREADS)
            CHECK(!"a rotation that all threads made lost an event");
    }
}

static void one_of_many_threads_rotates(void)
{
    struct race r = {0};

    check_threads(THREADS, rotate_together, &r);
    CHECK_EQ(r.per.curr_ctr, THREADS);
    CHECK_EQ(r.per.prev_ctr, THREADS);
}

/* Thread 0 counts 1000 and 3000 events in turn: a reader sees one of them or both, but never one of them twice. Its
 * clock runs fast: what a reader sees that meanwhile fell behind by a minute does not count. */
static void read_while_it_rotates(void *arg, int index)
{
    struct race *r = arg;

    if (index == 0) {
        for (uint32_t s = 1; s <= 5 * ROUNDS; s++) {
            at_store(&r->clock, T + s * PERIOD);
            freqp_update(&r->per, PERIOD, s & 1 ? 3000 : 1000, T + s * PERIOD);
        }
        at_store(&r->clock, 0);
        return;
    }
    for (uint32_t now; (now = at_load(&r->clock));) {
        uint32_t seen = freqp_read(&r->per, PERIOD, now);

        if (at_load(&r->clock) - now < FREQ_AHEAD_MAX * 1000 && seen != 1000 && seen != 3000 && seen != 4000)
            CHECK_EQ(seen, 4000);
    }
}

static void a_reader_never_sees_half_of_a_rotation(void)
{
    struct race r = {.clock = T};

    freqp_update(&r.per, PERIOD, 1000, T);
    check_threads(3, read_while_it_rotates, &r);
    CHECK_EQ(r.per.prev_ctr, 3000);
    CHECK_EQ(r.per.curr_ctr, 1000);
}

int main(void)
{
    RUN(a_pause_forgets_the_previous_period);
    RUN(a_rate_of_one_does_not_flap);
    RUN(a_clock_that_was_set_back_far_begins_anew);
    RUN(what_remains_of_a_limit_counts_those_on_their_way);
    RUN(the_wait_under_a_limit_is_the_time_in_which_the_excess_leaves);
    RUN(the_previous_period_counts_for_the_part_still_in_the_window);
    RUN(a_new_period_counter_takes_any_tick);
    RUN(a_tick_that_is_behind_neither_rotates_nor_loses_its_count);
    RUN(the_shortest_and_the_longest_period_work);
    RUN(clocks_a_second_apart_lose_no_event);
    RUN(one_of_many_threads_rotates);
    RUN(a_reader_never_sees_half_of_a_rotation);
    return check_done();
}
