/* sources: ctr */
#include "check.h"
#include "ctr.h"

enum { THREADS = 4, ROUNDS = 50000, LIMIT = 3 };

static void each_change_returns_the_new_value(void)
{
    uint64_t *c = ctr_new();
    uint32_t d = 0;

    REQUIRE(c);
    CHECK_EQ((uintptr_t)c % LB_CACHELINE, 0);
    CHECK_EQ(ctr_add(c, 5), 5);
    CHECK_EQ(ctr_sub(c, 2), 3);
    CHECK_EQ(ctr_read(c), 3);
    CHECK_EQ(ctr32_add(&d, 7), 7);
    CHECK_EQ(ctr32_sub(&d, 8), UINT32_MAX);
    CHECK_EQ(ctr32_read(&d), UINT32_MAX);
    ctr_del(c);
}

static void a_maximum_is_only_raised(void)
{
    uint64_t c = 0;
    uint32_t d = 9;

    CHECK_EQ(ctr_max(&c, (uint64_t)1 << 40), 1LL << 40);
    CHECK_EQ(ctr_max(&c, 7), 1LL << 40);
    CHECK_EQ(ctr32_max(&d, 8), 9);
    CHECK_EQ(ctr32_max(&d, 10), 10);
}

static void an_increment_stops_at_the_limit(void)
{
    uint32_t c = 0;
    uint64_t d = 4;

    CHECK_EQ(ctr_inc_below(&c, 2), 1);
    CHECK_EQ(ctr_inc_below(&c, 2), 2);
    CHECK_EQ(ctr_inc_below(&c, 2), 0);
    CHECK_EQ(ctr_inc_below(&c, 1), 0); /* lowered while in use */
    CHECK_EQ(ctr_inc_below(&c, 0), 3);
    CHECK_EQ(ctr64_inc_below(&d, 5), 5);
    CHECK_EQ(ctr64_inc_below(&d, 5), 0);
}

struct shared {
    uint64_t wide, wide_max, passed;
    uint32_t narrow, narrow_max, gauge, gauge_max;
};

static void hammer(void *arg, int index)
{
    struct shared *s = arg;
    uint32_t now;

    for (int i = 0; i < ROUNDS; i++) {
        ctr_add(&s->wide, 3);
        ctr_sub(&s->wide, 1);
        ctr32_add(&s->narrow, 2);
        ctr32_sub(&s->narrow, 1);
        ctr_max(&s->wide_max, (uint64_t)i * THREADS + (uint64_t)index);
        ctr32_max(&s->narrow_max, (uint32_t)(i * THREADS + index));
        now = ctr_inc_below(&s->gauge, LIMIT);
        if (!now)
            continue;
        ctr32_max(&s->gauge_max, now);
        ctr_add(&s->passed, 1);
        ctr32_sub(&s->gauge, 1);
    }
}

static void threads_lose_nothing_and_never_pass_the_limit(void)
{
    struct shared s = {0};

    check_threads(THREADS, hammer, &s);
    CHECK_EQ(s.wide, 2 * THREADS * ROUNDS);
    CHECK_EQ(s.narrow, THREADS * ROUNDS);
    CHECK_EQ(s.wide_max, THREADS * ROUNDS - 1);
    CHECK_EQ(s.narrow_max, THREADS * ROUNDS - 1);
    CHECK_EQ(s.gauge, 0);
    CHECK(s.gauge_max <= LIMIT);
    CHECK(s.passed > 0);
}

int main(void)
{
    RUN(each_change_returns_the_new_value);
    RUN(a_maximum_is_only_raised);
    RUN(an_increment_stops_at_the_limit);
    RUN(threads_lose_nothing_and_never_pass_the_limit);
    return check_done();
}
