/* sources: tmr */
/* Timers of a wheel, against a model that keeps a plain array of dates. */
#include "check.h"
#include "tmr.h"

#define TIMERS 300
#define STEPS 1000000

static uint32_t rnd(uint64_t *state)
{
    *state = *state * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(*state >> 33);
}

typedef struct model {
    wheel w;
    tmr t[TIMERS];
    uint32_t date[TIMERS]; /* 0: not set */
    uint32_t now;
    uint64_t seed;
    int meddle; /* the callback sets and deletes timers, too */
    unsigned expired;
} model;

static void set(model *m, int i, uint32_t when)
{
    tmr_set(&m->w, &m->t[i], when);
    m->date[i] = when;
}

static void del(model *m, int i)
{
    tmr_del(&m->w, &m->t[i]);
    m->date[i] = 0;
}

/* Delays of all magnitudes, up to 2^30 ms. */
static uint32_t some_date(model *m)
{
    uint32_t delay = rnd(&m->seed) >> (1 + rnd(&m->seed) % 30);

    if (rnd(&m->seed) % 20 == 0)
        return tick_add(m->now, -(delay & 0xffff));
    return tick_add(m->now, delay);
}

static void meddle(model *m)
{
    int i = (int)(rnd(&m->seed) % TIMERS);

    if (rnd(&m->seed) % 2) {
        del(m, i);
        return;
    }
    /* never a date that has passed: what becomes of it depends on whether its turn has come */
    set(m, i, tick_add(m->now, 1 + rnd(&m->seed) % 5000));
}

static void on_expiry(void *ctx, tmr *t)
{
    model *m = ctx;
    int i = (int)(t - m->t);

    if (!CHECK(tick_is_expired(m->date[i], m->now)))
        printf("    timer %d of date %u called at %u\n", i, m->date[i], m->now);
    CHECK(!tmr_is_set(t));
    m->date[i] = 0;
    m->expired++;
    if (m->meddle)
        meddle(m);
}

static void nothing_is_late(const model *m)
{
    for (int i = 0; i < TIMERS; i++) {
        if (tick_is_expired(m->date[i], m->now))
            printf("timer %d of date %u is late at %u\n", i, m->date[i], m->now);
        if (tick_is_expired(m->date[i], m->now) || tmr_is_set(&m->t[i]) != tick_isset(m->date[i]))
            CHECK(!"a timer is late, or lost");
    }
}

static uint32_t first_date(const model *m)
{
    uint32_t first = 0;

    for (int i = 0; i < TIMERS; i++)
        first = tick_first(first, m->date[i]);
    return first;
}

static void next_is_never_late(const model *m)
{
    uint32_t first = first_date(m);
    int ms = tmr_next(&m->w, m->now);

    if (ms < 0)
        CHECK(!tick_isset(first));
    else if (tick_isset(first) && ms > tick_remain(m->now, first))
        CHECK(!"tmr_next() is later than a timer");
}

static void advance(model *m)
{
    unsigned expired = m->expired;
    int calls;

    switch (rnd(&m->seed) % 8) {
    case 0: m->now += rnd(&m->seed) >> (2 + rnd(&m->seed) % 28); break;
    case 1: break;
    case 2: /* to where the wheel says that something is to do */
        if (tmr_next(&m->w, m->now) > 0)
            m->now += (uint32_t)tmr_next(&m->w, m->now);
        break;
    default: m->now += rnd(&m->seed) % 40;
    }
    calls = tmr_run(&m->w, m->now, on_expiry, m);
    if (calls != (int)(m->expired - expired))
        CHECK(!"tmr_run() counts wrong");
    nothing_is_late(m);
    next_is_never_late(m);
}

static void random_walk(uint32_t start, int meddling)
{
    model *m = calloc(1, sizeof(*m));

    m->now = start;
    m->meddle = meddling;
    m->seed = start + (unsigned)meddling;
    wheel_init(&m->w, start);
    for (int step = 0; step < STEPS / 4; step++) {
        int i = (int)(rnd(&m->seed) % TIMERS);

        switch (rnd(&m->seed) % 16) {
        case 0: advance(m); break;
        case 1: case 2: del(m, i); break;
        case 3: set(m, i, TICK_ETERNITY); break;
        case 4: case 5: /* put off, as a connection's timeout is at each transfer */
            if (tick_isset(m->date[i]))
                set(m, i, tick_add(m->date[i], rnd(&m->seed) % 100));
            break;
        default: set(m, i, some_date(m));
        }
    }
    CHECK(m->expired > 1000);
    for (int i = 0; i < TIMERS; i++)
        del(m, i);
    CHECK_EQ(m->w.linked, 0);
    CHECK_EQ(tmr_next(&m->w, m->now), -1);
    for (int level = 0; level < TMR_LEVELS; level++)
        CHECK_EQ(m->w.used[level], 0);
    free(m);
}

static void agrees_with_a_naive_model(void)
{
    random_walk(12345, 0);
    random_walk(777, 1);
}

static void agrees_with_a_naive_model_across_the_wrap(void)
{
    random_walk(UINT32_MAX - 100000, 0);
    random_walk(UINT32_MAX - 3, 1);
}

static int calls;
static tmr *last;

static void count_call(void *ctx, tmr *t)
{
    (void)ctx;
    calls++;
    last = t;
}

static void expires_to_the_millisecond(void)
{
    static const uint32_t delays[] = {1, 2, 63, 64, 65, 4095, 4096, 4097, 262143, 262144, 3600000, 86400000,
                                      16777216, 1073741824, 2147483647};

    for (size_t i = 0; i < sizeof(delays) / sizeof(*delays); i++) {
        for (uint32_t start = 1; start < 2000000000; start = start * 7 + 3) {
            wheel w;
            tmr t = {.next = NULL};
            uint32_t now = start;
            int ms, runs = 0;

            wheel_init(&w, start);
            tmr_set(&w, &t, tick_add(start, delays[i]));
            calls = 0;
            while ((ms = tmr_next(&w, now)) > 0) {
                now += (uint32_t)ms;
                tmr_run(&w, now, count_call, NULL);
                runs++;
            }
            CHECK_EQ(now - start, delays[i]);
            CHECK_EQ(calls, 1);
            CHECK(last == &t);
            CHECK(runs <= 3 * TMR_LEVELS);
        }
    }
}

static void putting_off_does_not_move_a_timer(void)
{
    wheel w;
    tmr t = {.next = NULL};

    wheel_init(&w, 1000);
    tmr_set(&w, &t, 6000);
    tmr before = t;
    tmr_set(&w, &t, 9000);
    CHECK(t.pprev == before.pprev && t.at == before.at);
    CHECK_EQ(t.when, 9000);
    calls = 0;
    tmr_run(&w, 8999, count_call, NULL);
    CHECK_EQ(calls, 0);
    tmr_run(&w, 9000, count_call, NULL);
    CHECK_EQ(calls, 1);
}

static void can_be_set_sooner(void)
{
    wheel w;
    tmr t = {.next = NULL};

    wheel_init(&w, 1000);
    tmr_set(&w, &t, 600000);
    tmr_set(&w, &t, 1010);
    CHECK_EQ(tmr_next(&w, 1000), 10);
    calls = 0;
    CHECK_EQ(tmr_run(&w, 1010, count_call, NULL), 1);
    CHECK_EQ(tmr_next(&w, 1010), -1);
}

static void a_passed_date_is_due_at_once(void)
{
    wheel w;
    tmr t = {.next = NULL};

    wheel_init(&w, 1000);
    tmr_set(&w, &t, 900);
    CHECK_EQ(tmr_next(&w, 1000), 0);
    CHECK_EQ(tmr_run(&w, 1000, count_call, NULL), 1);
}

static void an_idle_wheel_keeps_up_with_the_time(void)
{
    wheel w;
    tmr t = {.next = NULL};
    uint32_t now = 1000;

    wheel_init(&w, now);
    for (int i = 0; i < 7; i++)
        tmr_run(&w, now += 900000000u, count_call, NULL);
    tmr_set(&w, &t, tick_add(now, 10));
    CHECK_EQ(tmr_next(&w, now), 10);
    tmr_del(&w, &t);
}

static wheel *rearm_in;

static void rearm_for_now(void *ctx, tmr *t)
{
    (void)ctx;
    calls++;
    tmr_set(rearm_in, t, 1000);
}

static void one_set_to_now_by_its_callback_waits_for_the_next_run(void)
{
    wheel w;
    tmr t = {.next = NULL};

    wheel_init(&w, 1000);
    rearm_in = &w;
    tmr_set(&w, &t, 1000);
    calls = 0;
    CHECK_EQ(tmr_run(&w, 1000, rearm_for_now, NULL), 1);
    CHECK_EQ(calls, 1);
    CHECK_EQ(tmr_next(&w, 1000), 0);
    CHECK_EQ(tmr_run(&w, 1000, rearm_for_now, NULL), 1);
    tmr_del(&w, &t);
}

typedef struct pair {
    wheel w;
    tmr a, b;
} pair;

static void delete_the_other(void *ctx, tmr *t)
{
    pair *p = ctx;

    calls++;
    tmr_del(&p->w, t == &p->a ? &p->b : &p->a);
}

static void a_callback_may_delete_one_that_expired_as_well(void)
{
    pair p;

    memset(&p, 0, sizeof(p));
    wheel_init(&p.w, 1);
    tmr_set(&p.w, &p.a, 50);
    tmr_set(&p.w, &p.b, 50);
    calls = 0;
    tmr_run(&p.w, 50, delete_the_other, &p);
    CHECK_EQ(calls, 1);
    CHECK_EQ(p.w.linked, 0);
}

static void a_rebased_wheel_keeps_its_timers(void)
{
    wheel w;
    tmr t[3] = {{.next = NULL}, {.next = NULL}, {.next = NULL}};

    wheel_init(&w, 0);
    for (uint32_t i = 0; i < 3; i++)
        tmr_set(&w, &t[i], 3000000000u + 100 * i);
    wheel_rebase(&w, 3000000050u);
    calls = 0;
    CHECK_EQ(tmr_run(&w, 3000000050u, count_call, NULL), 1);
    CHECK_EQ(tmr_run(&w, 3000000099u, count_call, NULL), 0);
    CHECK_EQ(tmr_run(&w, 3000000200u, count_call, NULL), 2);
}

static void ticks_compare_across_the_wrap(void)
{
    CHECK(tick_is_lt(UINT32_MAX, 5));
    CHECK(!tick_is_lt(5, UINT32_MAX));
    CHECK(tick_is_expired(UINT32_MAX, 5));
    CHECK(tick_is_expired(5, 5));
    CHECK(!tick_is_expired(6, 5));
    CHECK(!tick_is_expired(TICK_ETERNITY, 5));
    CHECK_EQ(tick_add(UINT32_MAX, 1), 1);
    CHECK_EQ(tick_add(UINT32_MAX, 2), 1);
    CHECK_EQ(tick_add_ifset(7, 0), TICK_ETERNITY);
    CHECK_EQ(tick_add_ifset(7, 3), 10);
    CHECK_EQ(tick_first(0, 9), 9);
    CHECK_EQ(tick_first(9, 0), 9);
    CHECK_EQ(tick_first(3, UINT32_MAX), UINT32_MAX);
    CHECK_EQ(tick_remain(10, 0), -1);
    CHECK_EQ(tick_remain(10, 10), 0);
    CHECK_EQ(tick_remain(UINT32_MAX, 4), 5);
}

int main(void)
{
    RUN(expires_to_the_millisecond);
    RUN(putting_off_does_not_move_a_timer);
    RUN(can_be_set_sooner);
    RUN(a_passed_date_is_due_at_once);
    RUN(an_idle_wheel_keeps_up_with_the_time);
    RUN(one_set_to_now_by_its_callback_waits_for_the_next_run);
    RUN(a_callback_may_delete_one_that_expired_as_well);
    RUN(a_rebased_wheel_keeps_its_timers);
    RUN(ticks_compare_across_the_wrap);
    RUN(agrees_with_a_naive_model);
    RUN(agrees_with_a_naive_model_across_the_wrap);
    return check_done();
}
