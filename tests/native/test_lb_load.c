/* sources: lockset lock ctr hash sock lb lb_heap lb_rr lb_least lb_first lb_map lb_ring */
#include "lb_farm.h"

#define THREADS 4
#define MANY 2000

static const uint32_t ALGOS[] = {LB_ROUNDROBIN, LB_STATIC_RR, LB_LEASTCONN, LB_FIRST, LB_RANDOM, LB_HASH};
#define N_ALGOS (sizeof(ALGOS) / sizeof(*ALGOS))

/* --- leastconn --- */

static void leastconn_takes_the_one_with_the_fewest(void)
{
    static const uint32_t weights[] = {1, 1, 1, 0};
    farm *f = farm_new(LB_LEASTCONN, weights);

    CHECK_EQ(pick(f, NULL, NULL), 0);
    CHECK_EQ(pick(f, NULL, NULL), 1);
    CHECK_EQ(pick(f, NULL, NULL), 2);
    lb_release(&f->srv[1]);
    CHECK_EQ(pick(f, NULL, NULL), 1);
    lb_release(&f->srv[2]);
    CHECK_EQ(pick(f, NULL, NULL), 2);
    farm_del(f);
}

static void leastconn_takes_turns_among_equals(void)
{
    static const uint32_t weights[] = {1, 5, 1, 0};
    farm *f = farm_new(LB_LEASTCONN, weights);

    for (int i = 0; i < 9; i++) { /* each is idle again before the next one is picked: weights mean nothing then */
        int who = pick(f, NULL, NULL);

        CHECK_EQ(who, i % 3);
        lb_release(&f->srv[who]);
    }
    farm_del(f);
}

static void leastconn_loads_servers_by_their_weights(void)
{
    static const uint32_t weights[] = {1, 2, 5, 0};
    farm *f = farm_new(LB_LEASTCONN, weights);
    uint32_t got[3];

    pick_many(f, 800, got);
    CHECK_EQ(got[0] + got[1] + got[2], 800);
    for (int i = 0; i < 3; i++)
        CHECK(got[i] + 2 > weights[i] * 100 && got[i] < weights[i] * 100 + 2);
    farm_del(f);
}

static void leastconn_counts_those_who_wait_for_a_server(void)
{
    static const uint32_t weights[] = {1, 1, 0};
    farm *f = farm_new(LB_LEASTCONN, weights);

    at_store(&f->srv[0].live.queued, 2);
    lb_load_changed(&f->srv[0]);
    CHECK_EQ(pick(f, NULL, NULL), 1);
    CHECK_EQ(pick(f, NULL, NULL), 1);
    at_store(&f->srv[0].live.queued, 0);
    lb_load_changed(&f->srv[0]);
    CHECK_EQ(pick(f, NULL, NULL), 0);
    farm_del(f);
}

static void leastconn_sees_slots_that_were_taken_otherwise(void)
{
    static const uint32_t weights[] = {1, 1, 0};
    farm *f = farm_new(LB_LEASTCONN, weights);

    CHECK(lb_take(&f->srv[0]) && lb_take(&f->srv[0]));
    CHECK_EQ(pick(f, NULL, NULL), 1);
    CHECK_EQ(pick(f, NULL, NULL), 1);
    farm_del(f);
}

/* --- first --- */

static void first_fills_the_lowest_id_before_the_next(void)
{
    be_conf conf = {.algo = LB_FIRST};
    farm *f = farm_of(&conf, 3, NULL);

    f->srv[0].conf.id = 30;
    f->srv[1].conf.id = 10;
    f->srv[2].conf.id = 20;
    f->srv[1].conf.maxconn = 2;
    f->srv[2].conf.maxconn = 1;
    REQUIRE(lb_rebuild(&f->be) == 0);
    CHECK_EQ(pick(f, NULL, NULL), 1);
    CHECK_EQ(pick(f, NULL, NULL), 1);
    CHECK_EQ(pick(f, NULL, NULL), 2);
    CHECK_EQ(pick(f, NULL, NULL), 0);
    CHECK_EQ(pick(f, NULL, NULL), 0);
    lb_release(&f->srv[1]);
    CHECK_EQ(pick(f, NULL, NULL), 1);
    farm_del(f);
}

/* --- random --- */

static void random_keeps_to_weights(void)
{
    static const uint32_t weights[] = {10, 20, 70, 0};
    farm *f = farm_new(LB_RANDOM, weights);
    uint32_t got[3];

    pick_many(f, 10000, got); /* nobody leaves: the fewer of two for its weight is taken, which levels out what chance does */
    for (int i = 0; i < 3; i++)
        CHECK(got[i] > weights[i] * 95 && got[i] < weights[i] * 105);
    farm_del(f);
}

static void random_with_many_draws_finds_the_least_loaded(void)
{
    be_conf conf = {.algo = LB_RANDOM, .lb_draws = 64};
    farm *f = farm_of(&conf, 4, NULL);

    REQUIRE(lb_rebuild(&f->be) == 0);
    for (int i = 0; i < 4; i++)
        at_store(&f->srv[i].live.served, i == 2 ? 5 : 100);
    for (int i = 0; i < 50; i++)
        CHECK_EQ(pick(f, NULL, NULL), 2);
    farm_del(f);
}

/* --- all --- */

static void a_server_that_is_told_of_comes_and_goes(void)
{
    for (size_t a = 0; a < N_ALGOS; a++) {
        static const uint32_t weights[] = {2, 2, 2, 2, 0};
        farm *f = farm_new(ALGOS[a], weights);

        farm_set(f, 2, 0, 2);
        CHECK_EQ(f->be.live.active, 3);
        CHECK_EQ(f->be.live.weight, 6);
        for (uint32_t i = 0; i < 40; i++) {
            lb_key key = {.hash = i * 0x9e3779b9, .has = 1};

            CHECK(pick(f, &key, NULL) != 2);
        }
        farm_set(f, 2, 1, 0);
        for (uint32_t i = 0; i < 40; i++)
            CHECK(pick(f, NULL, NULL) != 2);
        farm_set(f, 2, 1, 2);
        for (int i = 0; i < 4; i++) /* alone it serves all */
            farm_set(f, (uint32_t)i, i == 2, 2);
        CHECK_EQ(pick(f, NULL, NULL), 2);
        farm_set(f, 2, 0, 2);
        CHECK_EQ(pick(f, NULL, NULL), -2);
        farm_del(f);
    }
}

static void round_robin_follows_weights_that_change(void)
{
    static const uint32_t weights[] = {4, 4, 4, 0};
    farm *f = farm_new(LB_ROUNDROBIN, weights);
    uint32_t got[3];

    pick_many(f, 7, got);
    farm_set(f, 1, 1, 12);
    pick_many(f, 2000, got);
    CHECK(got[0] >= 390 && got[0] <= 410 && got[2] >= 390 && got[2] <= 410);
    farm_set(f, 1, 1, 1);
    pick_many(f, 1800, got);
    CHECK(got[1] >= 190 && got[1] <= 215);
    farm_del(f);
}

/* slowstart: one sixteenth more of its weight at a time. */
static void round_robin_lets_a_server_in_by_sixteenths(void)
{
    static const uint32_t weights[] = {1, 1, 0};
    farm *f = farm_new(LB_ROUNDROBIN, weights);

    for (uint32_t step = 1; step <= 16; step++) {
        uint32_t got[2], share = 3200 * step / (16 + step);

        at_store(&f->srv[1].live.held, 16 - step);
        CHECK_EQ(lb_update(&f->srv[1]), 0);
        pick_many(f, 3200, got);
        CHECK(got[1] + 20 > share && got[1] < share + 20);
    }
    farm_del(f);
}

static void a_server_that_returns_does_not_get_all_at_once(void)
{
    static const uint32_t weights[] = {1, 1, 1, 1, 0};
    farm *f = farm_new(LB_ROUNDROBIN, weights);
    uint32_t got[4];

    pick_many(f, 5, got);
    farm_set(f, 3, 0, 1);
    pick_many(f, 1000, got);
    farm_set(f, 3, 1, 1);
    pick_many(f, 40, got);
    CHECK(got[3] <= 11);
    pick_many(f, 400, got);
    CHECK(got[3] >= 90 && got[3] <= 110);
    farm_del(f);
}

/* What is looked at must not grow with the number of those that are full. */
static void many_full_servers_stand_aside_and_come_back(void)
{
    static const uint32_t algos[] = {LB_ROUNDROBIN, LB_LEASTCONN, LB_FIRST};

    for (size_t a = 0; a < 3; a++) {
        be_conf conf = {.algo = algos[a]};
        farm *f = farm_of(&conf, MANY, NULL);
        uint32_t aside = 0;

        for (int i = 0; i < MANY; i++)
            f->srv[i].conf.maxconn = 1;
        REQUIRE(lb_rebuild(&f->be) == 0);
        for (int i = 0; i < MANY; i++)
            CHECK(pick(f, NULL, NULL) >= 0);
        for (int i = 0; i < 50; i++)
            CHECK_EQ(pick(f, NULL, NULL), -1);
        for (int i = 0; i < MANY; i++)
            aside += f->srv[i].lb_full;
        CHECK_EQ(aside, MANY);
        for (int i = 7; i < MANY; i += 400) {
            lb_release(&f->srv[i]);
            CHECK_EQ(pick(f, NULL, NULL), i);
            CHECK_EQ(pick(f, NULL, NULL), -1);
        }
        at_store(&f->srv[5].conf.maxconn, 2); /* its limit was raised */
        CHECK_EQ(lb_update(&f->srv[5]), 0);
        CHECK_EQ(pick(f, NULL, NULL), 5);
        farm_del(f);
    }
}

static void a_limit_that_follows_the_load_is_always_looked_at(void)
{
    static const uint32_t weights[] = {1, 1, 0};
    static const uint32_t algos[] = {LB_ROUNDROBIN, LB_LEASTCONN, LB_FIRST};

    for (size_t a = 0; a < 3; a++) {
        farm *f = farm_new(algos[a], weights);

        f->be.conf.fullconn = 10;
        for (int i = 0; i < 2; i++) {
            f->srv[i].conf.minconn = 1;
            f->srv[i].conf.maxconn = 10;
        }
        CHECK(pick(f, NULL, NULL) >= 0 && pick(f, NULL, NULL) >= 0);
        CHECK_EQ(pick(f, NULL, NULL), -1);
        at_store(&f->be.live.cur, 5);
        CHECK(pick(f, NULL, NULL) >= 0); /* nobody left, but the limit is 5 now */
        farm_del(f);
    }
}

/* --- threads --- */

typedef struct shared {
    farm *f;
    uint32_t *got; /* by server; atomic */
    uint32_t rounds;
} shared;

static void pick_and_release(void *arg, int index)
{
    shared *s = arg;

    for (uint32_t i = 0; i < s->rounds; i++) {
        lb_key key = {.hash = (i * THREADS + (uint32_t)index) * 0x9e3779b9, .has = 1};
        server *srv;

        if (lb_pick(&s->f->be, s->f->be.conf.algo == LB_HASH ? &key : NULL, NULL, &srv) != LB_PICKED)
            continue;
        CHECK(at_load(&srv->live.served) <= srv->conf.maxconn);
        at_add(&s->got[srv->rank], 1);
        lb_release(srv);
    }
}

/* Two threads change the same servers while others pick. */
static void pick_or_change(void *arg, int index)
{
    shared *s = arg;

    if (index > 1) {
        pick_and_release(arg, index);
        return;
    }
    for (uint32_t i = 0; i < 200; i++) {
        server *srv = &s->f->srv[(i * (uint32_t)(index + 1)) % s->f->be.nsrv];

        at_store(&srv->live.up, i & 1);
        at_store(&srv->live.weight, i % 5);
        at_store(&srv->live.held, i % 16);
        CHECK_EQ(lb_update(srv), 0);
    }
}

static void run_threads(uint32_t algo, uint32_t type, uint32_t n, uint32_t maxconn, void (*body)(void *, int))
{
    be_conf conf = {.algo = algo, .lb_type = type, .lb_draws = 2};
    farm *f = farm_of(&conf, n, NULL);
    shared s = {.f = f, .got = calloc(n, sizeof(uint32_t)), .rounds = 1000};

    REQUIRE(s.got);
    for (uint32_t i = 0; i < n; i++)
        f->srv[i].conf.maxconn = maxconn;
    REQUIRE(lb_rebuild(&f->be) == 0);
    check_threads(THREADS, body, &s);
    for (uint32_t i = 0; i < n; i++)
        CHECK_EQ(f->srv[i].live.served, 0);
    if (algo == LB_ROUNDROBIN && body == pick_and_release && maxconn > THREADS)
        for (uint32_t i = 0; i < n; i++)
            CHECK_EQ(s.got[i], THREADS * s.rounds / n);
    free(s.got);
    farm_del(f);
}

static void threads_lose_no_turn_and_no_slot(void)
{
    for (size_t a = 0; a < N_ALGOS; a++)
        for (uint32_t type = 0; type < (ALGOS[a] == LB_HASH ? 2 : 1); type++) {
            run_threads(ALGOS[a], type, MANY, 100, pick_and_release);
            run_threads(ALGOS[a], type, 3, 1, pick_and_release);
            run_threads(ALGOS[a], type, 5, 2, pick_or_change);
        }
}

int main(void)
{
    RUN(leastconn_takes_the_one_with_the_fewest);
    RUN(leastconn_takes_turns_among_equals);
    RUN(leastconn_loads_servers_by_their_weights);
    RUN(leastconn_counts_those_who_wait_for_a_server);
    RUN(leastconn_sees_slots_that_were_taken_otherwise);
    RUN(first_fills_the_lowest_id_before_the_next);
    RUN(random_keeps_to_weights);
    RUN(random_with_many_draws_finds_the_least_loaded);
    RUN(a_server_that_is_told_of_comes_and_goes);
    RUN(round_robin_follows_weights_that_change);
    RUN(round_robin_lets_a_server_in_by_sixteenths);
    RUN(a_server_that_returns_does_not_get_all_at_once);
    RUN(many_full_servers_stand_aside_and_come_back);
    RUN(a_limit_that_follows_the_load_is_always_looked_at);
    RUN(threads_lose_no_turn_and_no_slot);
    return check_done();
}
