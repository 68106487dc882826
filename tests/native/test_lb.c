/* sources: lockset lock ctr hash sock lb lb_heap lb_rr lb_least lb_first lb_map lb_ring */
#include "lb_farm.h"

static void round_robin_gives_each_server_its_weight(void)
{
    static const uint32_t rows[][6] = {{1, 1, 1}, {1, 2, 3}, {256, 1}, {10, 10, 5, 1}, {7}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        farm *f = farm_new(LB_ROUNDROBIN, rows[i]);
        uint32_t total = 0, got[16] = {0};

        for (int k = 0; rows[i][k]; k++)
            total += rows[i][k];
        for (uint32_t k = 0; k < total * 10; k++)
            got[pick(f, NULL, NULL)]++;
        for (uint32_t k = 0; k < f->be.nsrv; k++)
            CHECK_EQ(got[k], rows[i][k] * 10);
        farm_del(f);
    }
}

static void round_robin_spreads_the_turns_of_heavy_servers(void)
{
    static const uint32_t weights[] = {8, 8, 0};
    farm *f = farm_new(LB_ROUNDROBIN, weights);
    int run = 0, longest = 0;

    for (int i = 0; i < 60; i++) {
        run = pick(f, NULL, NULL) ? 0 : run + 1;
        longest = run > longest ? run : longest;
    }
    CHECK_EQ(longest, 1);
    farm_del(f);
}

static void full_servers_are_passed_over_until_a_slot_is_given_back(void)
{
    static const uint32_t weights[] = {1, 1, 0};
    farm *f = farm_new(LB_ROUNDROBIN, weights);

    f->srv[0].conf.maxconn = 1;
    f->srv[1].conf.maxconn = 2;
    CHECK_EQ(pick(f, NULL, NULL) + pick(f, NULL, NULL) + pick(f, NULL, NULL), 2);
    CHECK_EQ(f->srv[0].live.served, 1);
    CHECK_EQ(f->srv[1].live.served, 2);
    CHECK_EQ(pick(f, NULL, NULL), -1);
    lb_release(&f->srv[0]);
    CHECK_EQ(pick(f, NULL, NULL), 0);
    CHECK_EQ(pick(f, NULL, NULL), -1);
    farm_del(f);
}

static void the_server_to_avoid_is_taken_only_if_there_is_no_other(void)
{
    static const uint32_t weights[] = {1, 1, 0}, alone[] = {1, 0};
    farm *f = farm_new(LB_ROUNDROBIN, weights), *one = farm_new(LB_ROUNDROBIN, alone);

    for (int i = 0; i < 5; i++)
        CHECK_EQ(pick(f, NULL, &f->srv[0]), 1);
    f->srv[1].conf.maxconn = 5;
    CHECK_EQ(pick(f, NULL, &f->srv[0]), 0);
    CHECK_EQ(pick(one, NULL, &one->srv[0]), 0);
    farm_del(f);
    farm_del(one);
}

static void the_first_backup_serves_when_all_others_are_down(void)
{
    for (uint32_t algo = LB_ROUNDROBIN; algo <= LB_HASH; algo++) {
        static const uint32_t weights[] = {1, 1, 5, 5, 0};
        lb_key client = {.hash = 0x7f000001, .has = 1};
        farm *f = farm_new(algo, weights);

        f->srv[2].conf.backup = f->srv[3].conf.backup = 1;
        lb_rebuild(&f->be);
        for (int i = 0; i < 8; i++)
            CHECK(pick(f, &client, NULL) < 2);
        CHECK_EQ(f->be.live.active, 2);
        CHECK_EQ(f->be.live.backup, 2);
        f->srv[0].live.up = f->srv[1].live.up = 0;
        lb_rebuild(&f->be);
        for (int i = 0; i < 8; i++)
            CHECK_EQ(pick(f, &client, NULL), 2);
        f->srv[2].live.up = f->srv[3].live.up = 0;
        lb_rebuild(&f->be);
        CHECK_EQ(pick(f, &client, NULL), -2);
        farm_del(f);
    }
}

static void source_gives_a_client_the_same_server_and_each_server_its_part(void)
{
    static const uint32_t weights[] = {1, 2, 1, 0};
    farm *f = farm_new(LB_HASH, weights);
    int got[3] = {0};

    for (int i = 0; i < 256; i++) {
        lb_key client = {.hash = 0x0a000000 + (uint32_t)i, .has = 1};
        int first = pick(f, &client, NULL);

        CHECK_EQ(pick(f, &client, NULL), first);
        got[first]++;
    }
    CHECK_EQ(got[0], 64);
    CHECK_EQ(got[1], 128);
    CHECK_EQ(got[2], 64);
    farm_del(f);
}

static void source_names_the_full_server_that_its_client_must_wait_for(void)
{
    static const uint32_t weights[] = {1, 1, 0};
    farm *f = farm_new(LB_HASH, weights);
    lb_key client = {.hash = 0x0a000001, .has = 1};
    server *s, *again;

    f->srv[0].conf.maxconn = f->srv[1].conf.maxconn = 1;
    CHECK_EQ(lb_pick(&f->be, &client, NULL, &s), LB_PICKED);
    CHECK_EQ(lb_pick(&f->be, &client, NULL, &again), LB_FULL);
    CHECK(again == s);
    CHECK_EQ(lb_pick(&f->be, &client, s, &again), LB_PICKED); /* it failed: the next one on the map */
    CHECK(again != s);
    farm_del(f);
}

static void the_limit_follows_the_load_between_minconn_and_maxconn(void)
{
    static const uint32_t weights[] = {1, 0};
    static const struct {
        uint32_t load, limit;
    } rows[] = {{0, 10}, {9, 10}, {50, 50}, {99, 99}, {100, 100}, {5000, 100}};
    farm *f = farm_new(LB_ROUNDROBIN, weights);
    server *s = &f->srv[0];

    CHECK_EQ(lb_limit(s), 0);
    s->conf.maxconn = 100;
    CHECK_EQ(lb_limit(s), 100);
    s->conf.minconn = 10;
    CHECK_EQ(lb_limit(s), 100); /* no fullconn: always full */
    f->be.conf.fullconn = 100;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        f->be.live.cur = rows[i].load;
        CHECK_EQ(lb_limit(s), rows[i].limit);
    }
    farm_del(f);
}

static void pick_and_release(void *arg, int index)
{
    farm *f = arg;

    for (int i = 0; i < 3000; i++) {
        server *s;

        if (lb_pick(&f->be, NULL, index & 1 ? &f->srv[0] : NULL, &s) != LB_PICKED)
            continue;
        CHECK(at_load(&s->live.served) <= s->conf.maxconn);
        lb_release(s);
    }
}

static void threads_never_pass_a_limit_and_lose_no_slot(void)
{
    static const uint32_t weights[] = {3, 2, 1, 0};
    farm *f = farm_new(LB_ROUNDROBIN, weights);

    f->srv[0].conf.maxconn = f->srv[1].conf.maxconn = f->srv[2].conf.maxconn = 1;
    check_threads(4, pick_and_release, f);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(f->srv[i].live.served, 0);
    farm_del(f);
}

int main(void)
{
    RUN(round_robin_gives_each_server_its_weight);
    RUN(round_robin_spreads_the_turns_of_heavy_servers);
    RUN(full_servers_are_passed_over_until_a_slot_is_given_back);
    RUN(the_server_to_avoid_is_taken_only_if_there_is_no_other);
    RUN(the_first_backup_serves_when_all_others_are_down);
    RUN(source_gives_a_client_the_same_server_and_each_server_its_part);
    RUN(source_names_the_full_server_that_its_client_must_wait_for);
    RUN(the_limit_follows_the_load_between_minconn_and_maxconn);
    RUN(threads_never_pass_a_limit_and_lose_no_slot);
    return check_done();
}
