/* sources: table table_changes table_data table_index table_life freq lock lockset tmr runq waitq task */
#include "check.h"
#include "table.h"

enum { MINUTE = 60000, T0 = 1000000 };

static stk_table *table_with(uint32_t size, uint32_t expire, uint32_t nopurge)
{
    stk_conf c = {.key_len = 4, .size = size, .expire = expire, .nopurge = nopurge, .updates = 1};

    c.count[STK_CONN_CNT] = c.count[STK_CONN_CUR] = c.count[STK_BYTES_IN_CNT] = c.count[STK_CONN_RATE] = 1;
    c.count[STK_GPC] = 3;
    c.period[STK_CONN_RATE] = 10000;

    stk_table *t = stk_new(&c, NULL, 42);

    REQUIRE(t != NULL);
    return t;
}

static uint32_t set(stk_table *t, uint32_t key, uint32_t now)
{
    return stk_set(t, &key, 4, now, NULL);
}

static uint32_t get(stk_table *t, uint32_t key, uint32_t now)
{
    return stk_get(t, &key, 4, now);
}

/* Whether the key is there, without leaving a reference. */
static int has(stk_table *t, uint32_t key, uint32_t now)
{
    uint32_t e = get(t, key, now);

    if (e)
        stk_release(t, e);
    return e != 0;
}

static void put(stk_table *t, uint32_t key, uint32_t now)
{
    uint32_t e = set(t, key, now);

    REQUIRE(e != 0);
    stk_touch_local(t, e, now, 1);
}

/* 0 .. n-1, the same in every run (splitmix64). */
static uint32_t chance(uint64_t *state, uint32_t n)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (uint32_t)((z ^ (z >> 31)) % n);
}

static uint32_t used(stk_table *t)
{
    stk_figures f;

    stk_read_figures(t, &f);
    return f.used;
}

static uint32_t refs(stk_table *t)
{
    stk_figures f;

    stk_read_figures(t, &f);
    return f.refs;
}

/* --- configurations --- */

static void a_configuration_out_of_its_ranges_makes_no_table(void)
{
    stk_conf good = {.key_len = 4, .size = 10}, c = good;

    stk_table *t = stk_new(&c, NULL, 0);

    CHECK(t != NULL);
    stk_free(t);
    c = good, c.key_len = 0;
    CHECK(!stk_new(&c, NULL, 0));
    c = good, c.size = 0;
    CHECK(!stk_new(&c, NULL, 0));
    c = good, c.count[STK_CONN_CNT] = 2;
    CHECK(!stk_new(&c, NULL, 0));
    c = good, c.count[STK_GPT] = STK_ELEMENTS_MAX + 1;
    CHECK(!stk_new(&c, NULL, 0));
    c = good, c.count[STK_CONN_RATE] = 1;
    CHECK(!stk_new(&c, NULL, 0));
    stk_free(NULL);
}

static void every_type_has_a_kind(void)
{
    CHECK_EQ(stk_kind(STK_SERVER_ID), STK_KIND_SINT);
    CHECK_EQ(stk_kind(STK_BYTES_OUT_CNT), STK_KIND_ULL);
    CHECK_EQ(stk_kind(STK_GLITCH_RATE), STK_KIND_RATE);
    CHECK_EQ(stk_kind(STK_TYPES), -EINVAL);
    CHECK_EQ(stk_kind(-1), -EINVAL);
}

/* --- keys --- */

static void a_key_is_found_once_it_was_set_and_not_before(void)
{
    stk_table *t = table_with(10, MINUTE, 0);
    int fresh = -1;
    uint32_t key = 7, e;

    CHECK_EQ(get(t, 7, T0), 0);
    e = stk_set(t, &key, 4, T0, &fresh);
    CHECK(e && fresh == 1);
    CHECK_EQ(stk_set(t, &key, 4, T0, &fresh), e);
    CHECK_EQ(fresh, 0);
    CHECK_EQ(get(t, 7, T0), e);
    CHECK_EQ(get(t, 8, T0), 0);
    CHECK_EQ(refs(t), 3);
    CHECK(!memcmp(stk_key(t, e), &key, 4));
    stk_free(t);
}

static void a_short_key_is_followed_by_nuls_and_a_long_one_is_cut(void)
{
    stk_conf c = {.key_len = 8, .size = 10};
    stk_table *t = stk_new(&c, NULL, 1);
    uint32_t e = stk_set(t, "ab", 2, T0, NULL), f = stk_set(t, "abcdefghij", 10, T0, NULL);

    CHECK(!memcmp(stk_key(t, e), "ab\0\0\0\0\0\0", 8));
    CHECK_EQ(stk_get(t, "ab\0\0", 4, T0), e);
    CHECK_EQ(stk_get(t, "a", 1, T0), 0);
    CHECK_EQ(stk_get(t, "abc", 3, T0), 0);
    CHECK_EQ(stk_get(t, "abcdefgh", 8, T0), f);
    CHECK_EQ(stk_get(t, "abcdefg", 7, T0), 0);
    CHECK(stk_set(t, "", 0, T0, NULL) != 0);
    CHECK(stk_set(t, "\0\0\0\0\0\0\0\1", 8, T0, NULL) != 0);
    CHECK_EQ(used(t), 4);
    stk_free(t);
}

static void a_key_is_read_no_further_than_it_goes(void)
{
    stk_conf c = {.key_len = 40, .size = 10};
    stk_table *t = stk_new(&c, NULL, 1);

    for (size_t n = 0; n < 40; n++) {
        char *key = guard_copy("0123456789012345678901234567890123456789", n);

        CHECK(stk_set(t, key, (uint32_t)n, T0, NULL) || n >= 10);
        guard_free(key, n);
    }
    stk_free(t);
}

/* --- expiry, purge, kill --- */

static void an_entry_lives_until_it_was_not_touched_for_its_time(void)
{
    stk_table *t = table_with(10, MINUTE, 0);

    put(t, 1, T0);
    CHECK(has(t, 1, T0 + MINUTE - 1));
    put(t, 1, T0 + MINUTE - 1);
    CHECK(has(t, 1, T0 + MINUTE));
    CHECK_EQ(stk_expire(t, T0 + MINUTE, 100), MINUTE - 1);
    CHECK_EQ(stk_expire(t, T0 + 2 * MINUTE - 1, 100), -1);
    CHECK_EQ(used(t), 0);
    stk_free(t);
}

static void an_entry_that_is_due_is_not_found_even_before_it_was_removed(void)
{
    stk_table *t = table_with(10, MINUTE, 0);

    put(t, 1, T0);
    CHECK_EQ(used(t), 1);
    CHECK(!has(t, 1, T0 + MINUTE));
    CHECK_EQ(used(t), 0);
    stk_free(t);
}

static void what_is_set_anew_lives_its_time_from_now_and_nothing_is_to_be_taught_yet(void)
{
    stk_table *t = table_with(10, MINUTE, 0);
    uint32_t key = 1, e = set(t, key, T0);
    stk_info info;

    CHECK_EQ(stk_set_anew(t, &key, 4, T0 + 500), e);
    CHECK_EQ(refs(t), 2);
    stk_look(t, e, T0 + 500, &info);
    CHECK_EQ(info.expires, MINUTE);
    CHECK_EQ(info.update, 0);
    key = 2;
    e = stk_set_anew(t, &key, 4, T0);
    stk_look(t, e, T0, &info);
    CHECK_EQ(info.expires, MINUTE);
    stk_free(t);
}

static void what_is_expected_is_neither_stored_nor_held(void)
{
    stk_table *t = table_with(10, MINUTE, 0), *other = table_with(1000, MINUTE, 0);
    uint32_t key = 1;

    stk_expect_entry(t, stk_expect(t, &key, 4));
    CHECK_EQ(used(t), 0);
    put(t, key, T0);
    stk_expect_entry(t, stk_expect(t, &key, 4));
    stk_expect_entry(t, stk_expect(other, &key, 4));
    CHECK_EQ(refs(t), 0);
    CHECK(!has(t, key, T0 + MINUTE));
    stk_expect_entry(t, stk_expect(t, &key, 4));
    CHECK_EQ(used(t), 0);
    stk_free(t);
    stk_free(other);
}

static void a_referenced_entry_neither_expires_nor_is_purged(void)
{
    stk_table *t = table_with(2, MINUTE, 0);
    uint32_t e = set(t, 1, T0);

    put(t, 2, T0 + 1);
    put(t, 3, T0 + 2); /* 2 has to go: 1 is older and held */
    CHECK(!has(t, 2, T0 + 2));
    CHECK_EQ(stk_expire(t, T0 + 2 * MINUTE, 100), -1);
    CHECK_EQ(used(t), 1);
    CHECK_EQ(get(t, 1, T0 + 2 * MINUTE), e);
    stk_release(t, e);
    stk_release(t, e);
    CHECK_EQ(stk_expire(t, T0 + 2 * MINUTE, 100), -1);
    CHECK_EQ(used(t), 0);
    stk_free(t);
}

static void a_full_table_lets_the_one_go_that_would_expire_first(void)
{
    stk_table *t = table_with(3, MINUTE, 0);

    put(t, 1, T0);
    put(t, 2, T0 + 1);
    put(t, 3, T0 + 2);
    put(t, 1, T0 + 3);
    put(t, 4, T0 + 4);
    CHECK(has(t, 1, T0 + 4) && !has(t, 2, T0 + 4) && has(t, 3, T0 + 4) && has(t, 4, T0 + 4));
    stk_free(t);
}

static void a_full_table_that_must_not_purge_takes_nothing(void)
{
    stk_table *t = table_with(2, MINUTE, 1);

    put(t, 1, T0);
    put(t, 2, T0);
    CHECK_EQ(set(t, 3, T0), 0);
    CHECK(has(t, 1, T0) && has(t, 2, T0));
    CHECK_EQ(stk_expire(t, T0 + MINUTE, 100), -1);
    CHECK(set(t, 3, T0 + MINUTE) != 0);
    stk_free(t);
}

static void a_table_full_of_held_entries_takes_nothing(void)
{
    stk_table *t = table_with(2, MINUTE, 0);
    stk_figures f;

    CHECK(set(t, 1, T0) && set(t, 2, T0));
    CHECK_EQ(set(t, 3, T0), 0);
    stk_read_figures(t, &f);
    CHECK_EQ(f.refused, 1);
    stk_free(t);
}

static void without_expiry_the_one_that_was_not_touched_longest_goes(void)
{
    stk_table *t = table_with(2, 0, 0);

    put(t, 1, T0);
    put(t, 2, T0 + 10);
    put(t, 1, T0 + 20);
    CHECK_EQ(stk_expire(t, T0 + 100 * MINUTE, 100), -1);
    CHECK_EQ(used(t), 2);
    put(t, 3, T0 + 30);
    CHECK(has(t, 1, T0 + 30) && !has(t, 2, T0 + 30));
    stk_free(t);
}

static void what_is_killed_is_gone_unless_somebody_holds_it(void)
{
    stk_table *t = table_with(5, MINUTE, 0);
    uint32_t e = set(t, 1, T0);

    CHECK_EQ(stk_kill(t, e, 0), 0);
    stk_ref(t, e);
    CHECK_EQ(stk_kill(t, e, 1), 0);
    CHECK_EQ(stk_kill(t, e, 1), 1);
    CHECK_EQ(used(t), 0);
    CHECK_EQ(refs(t), 0);
    CHECK_EQ(stk_kill(t, e, 0), 0);
    e = set(t, 1, T0);
    stk_kill_if_expired(t, e, T0 + MINUTE - 1, 0);
    CHECK_EQ(refs(t), 1);
    stk_kill_if_expired(t, e, T0 + MINUTE - 1, 1);
    CHECK(has(t, 1, T0));
    e = set(t, 1, T0);
    stk_kill_if_expired(t, e, T0 + MINUTE, 1);
    CHECK_EQ(used(t), 0);
    stk_free(t);
}

static void an_expired_entry_says_nothing_to_the_one_that_takes_its_place(void)
{
    stk_table *t = table_with(1, MINUTE, 0);
    uint32_t e = set(t, 1, T0);

    stk_add(t, e, STK_CONN_CNT, 0, 5, T0);
    stk_add(t, e, STK_GPC, 2, 5, T0);
    stk_touch_local(t, e, T0, 1);
    e = set(t, 2, T0 + 1);
    CHECK_EQ(stk_read(t, e, STK_CONN_CNT, 0, T0), 0);
    CHECK_EQ(stk_read(t, e, STK_GPC, 2, T0), 0);
    stk_free(t);
}

static void dates_wrap(void)
{
    stk_table *t = table_with(2, MINUTE, 0);
    uint32_t now = 0u - 30000;

    put(t, 1, now);
    put(t, 2, now + 10000);
    CHECK(has(t, 1, now + MINUTE - 1));
    CHECK_EQ(stk_expire(t, now + 40000, 100), 20000);
    CHECK_EQ(stk_expire(t, now + MINUTE, 100), 10000);
    CHECK(!has(t, 1, now + MINUTE) && has(t, 2, now + MINUTE));
    stk_free(t);
}

static void expiry_stops_when_it_has_done_its_share(void)
{
    stk_table *t = table_with(10, MINUTE, 0);

    for (uint32_t i = 0; i < 10; i++)
        put(t, i, T0);
    CHECK_EQ(stk_expire(t, T0 + MINUTE, 4), 0);
    CHECK_EQ(used(t), 6);
    stk_free(t);
}

/* --- data --- */

static void data_are_read_added_and_set_by_type_and_element(void)
{
    stk_table *t = table_with(10, MINUTE, 0);
    uint32_t e = set(t, 1, T0);

    CHECK_EQ(stk_add(t, e, STK_CONN_CNT, 0, 3, T0), 3);
    CHECK_EQ(stk_add(t, e, STK_GPC, 1, 4, T0), 4);
    CHECK_EQ(stk_read(t, e, STK_GPC, 0, T0), 0);
    CHECK_EQ(stk_read(t, e, STK_GPC, 2, T0), 0);
    CHECK_EQ(stk_read(t, e, STK_GPC, 3, T0), 0);
    CHECK_EQ(stk_add(t, e, STK_GPC, 3, 1, T0), 0);
    CHECK_EQ(stk_sub(t, e, STK_CONN_CNT, 0, 5, T0), 0);
    CHECK_EQ(stk_write(t, e, STK_BYTES_IN_CNT, 0, 1ull << 40, T0), 0);
    CHECK_EQ(stk_read(t, e, STK_BYTES_IN_CNT, 0, T0), 1ull << 40);
    CHECK_EQ(stk_add(t, e, STK_CONN_CNT, 0, 0xfffffffe, T0), 0xfffffffe);
    CHECK_EQ(stk_add(t, e, STK_CONN_CNT, 0, 9, T0), 0xffffffff);
    CHECK_EQ(stk_add(t, e, STK_GPT0, 0, 9, T0), 0);
    stk_free(t);
}

static void a_rate_is_of_its_period(void)
{
    stk_table *t = table_with(10, MINUTE, 0);
    uint32_t e = set(t, 1, T0), age = 0, curr = 0, prev = 0;

    CHECK_EQ(stk_add(t, e, STK_CONN_RATE, 0, 10, T0), 10);
    CHECK_EQ(stk_read(t, e, STK_CONN_RATE, 0, T0 + 15000), 5);
    CHECK_EQ(stk_rate_parts(t, e, STK_CONN_RATE, 0, T0 + 500, 0, &age, &curr, &prev), 0);
    CHECK(age == 500 && curr == 10 && prev == 0);
    age = 5000, curr = 4, prev = 20;
    CHECK_EQ(stk_rate_parts(t, e, STK_CONN_RATE, 0, T0 + 500, 1, &age, &curr, &prev), 0);
    CHECK_EQ(stk_read(t, e, STK_CONN_RATE, 0, T0 + 500), 14);
    CHECK_EQ(stk_rate_parts(t, e, STK_CONN_CNT, 0, T0, 0, &age, &curr, &prev), -EINVAL);
    CHECK_EQ(stk_write(t, e, STK_CONN_RATE, 0, 6, T0 + 500), 14);
    CHECK_EQ(stk_read(t, e, STK_CONN_RATE, 0, T0 + 500), 6);
    stk_free(t);
}

static void several_types_are_counted_at_once_if_they_are_stored(void)
{
    stk_table *t = table_with(10, MINUTE, 0);
    uint32_t e = set(t, 1, T0);

    stk_count(t, e, 1u << STK_CONN_CNT | 1u << STK_CONN_CUR | 1u << STK_CONN_RATE | 1u << STK_GPT0, 1, T0);
    CHECK_EQ(stk_read(t, e, STK_CONN_CNT, 0, T0), 1);
    CHECK_EQ(stk_read(t, e, STK_CONN_CUR, 0, T0), 1);
    CHECK_EQ(stk_read(t, e, STK_CONN_RATE, 0, T0), 1);
    CHECK_EQ(stk_read(t, e, STK_BYTES_IN_CNT, 0, T0), 0);
    stk_count(t, e, 1u << STK_GPT0, 1, T0);
    stk_free(t);
}

/* --- walks and updates --- */

static void a_walk_meets_each_entry_once(void)
{
    stk_table *t = table_with(5000, MINUTE, 0);
    uint32_t met = 0;

    CHECK_EQ(stk_next(t, 0, T0), 0);
    for (uint32_t i = 0; i < 5000; i++)
        put(t, i, T0);
    for (uint32_t i = 0; i < 5000; i++)
        if (i != 17 && i != 4999) {
            uint32_t e = get(t, i, T0);

            CHECK_EQ(stk_kill(t, e, 1), 1);
        }
    for (uint32_t e = 0; (e = stk_next(t, e, T0)); stk_release(t, e))
        met++;
    CHECK_EQ(met, 2);
    CHECK_EQ(refs(t), 0);
    CHECK_EQ(stk_next(t, 0, T0 + MINUTE), 0);
    CHECK_EQ(stk_at(t, 1, T0), 0);
    CHECK_EQ(stk_at(t, 6000, T0), 0);
    CHECK_EQ(stk_at(t, 0, T0), 0);
    stk_free(t);
}

/* The entry of the first change after number <after>, without leaving a reference; 0: there is none. */
static uint32_t changed(stk_table *t, uint32_t after, int local)
{
    uint32_t at = 0, reached;
    stk_change c;

    if (!stk_changes(t, after, &at, local, T0, &c, 1, &reached))
        return 0;
    stk_release(t, c.e);
    return c.e;
}

static void changes_are_numbered_and_those_of_peers_are_told_apart(void)
{
    stk_table *t = table_with(10, MINUTE, 0);
    uint32_t a = set(t, 1, T0), b = set(t, 2, T0), c = set(t, 3, T0);
    stk_info info;

    CHECK_EQ(changed(t, 0, 0), 0);
    stk_touch_local(t, a, T0, 0);
    stk_touch_remote(t, b, T0, 500, 0);
    stk_touch_local(t, c, T0, 0);
    CHECK_EQ(changed(t, 0, 1), a);
    CHECK_EQ(changed(t, 1, 1), c);
    CHECK_EQ(changed(t, 1, 0), b);
    CHECK_EQ(changed(t, 3, 0), 0);
    stk_touch_local(t, a, T0, 0); /* is taught anew */
    CHECK_EQ(changed(t, 3, 1), a);
    stk_look(t, b, T0, &info);
    CHECK(info.expires == 500 && info.update == 2 && info.local == 0);
    stk_look(t, a, T0 + 1, &info);
    CHECK(info.expires == MINUTE - 1 && info.update == 4 && info.local == 1);
    stk_free(t);
}

static void a_change_made_here_is_still_to_be_taught_when_a_peer_speaks_of_the_entry(void)
{
    stk_table *t = table_with(10, MINUTE, 0);
    uint32_t a = set(t, 1, T0);

    stk_touch_local(t, a, T0, 0);
    stk_touch_remote(t, a, T0, 500, 0);
    CHECK_EQ(changed(t, 0, 1), a);
    stk_free(t);
}

static void changes_come_in_batches_from_where_the_last_one_ended(void)
{
    enum { N = 5000, BATCH = 64 };
    stk_table *t = table_with(N, MINUTE, 0);
    uint32_t after = 0, at = 0, reached, seen = 0, batch;
    stk_change out[BATCH];

    for (uint32_t i = 0; i < N; i++)
        put(t, i, T0);
    do {
        batch = (uint32_t)stk_changes(t, after, &at, 1, T0 + 1, out, BATCH, &reached);
        for (uint32_t i = 0; i < batch; i++) {
            CHECK_EQ(out[i].number, ++seen);
            CHECK_EQ(out[i].left, MINUTE - 1);
            stk_release(t, out[i].e);
        }
        if (seen == 10 * BATCH) { /* the place that it left is no more */
            put(t, seen - 1, T0);
            stk_kill(t, set(t, seen - 2, T0), 1);
        }
        CHECK_EQ(reached, batch ? after + batch : after);
        after = reached;
    } while (batch);
    CHECK_EQ(seen, N + 1);
    stk_free(t);
}

static void a_walk_goes_on_past_more_changes_of_peers_than_it_looks_at(void)
{
    enum { N = 3000 };
    stk_table *t = table_with(N + 1, MINUTE, 0);
    uint32_t after = 0, at = 0, reached = 0;
    stk_change c;
    int n;

    for (uint32_t i = 0; i < N; i++)
        stk_touch_remote(t, set(t, i, T0), T0, 0, 1);
    put(t, N, T0);
    while (!(n = stk_changes(t, after, &at, 1, T0, &c, 1, &reached)) && reached != after)
        after = reached;
    REQUIRE(n == 1);
    CHECK(c.number == N + 1 && c.local);
    stk_free(t);
}

static void the_watcher_is_woken_by_the_next_change_alone(void)
{
    stk_table *t = table_with(10, MINUTE, 0);
    tasksched *s = tasksched_new(1, NULL, NULL, NULL);
    task *k = task_new(s, 0, 7, 0);
    task_ev ev;

    put(t, 1, T0); /* nobody watches */
    CHECK_EQ(tasksched_queued(s), 0);
    CHECK_EQ(stk_watch(t, s, k), 1);
    stk_touch_remote(t, set(t, 2, T0), T0, 0, 1); /* nothing that is to be taught */
    CHECK_EQ(tasksched_queued(s), 0);
    put(t, 1, T0);
    CHECK_EQ(task_pick(s, 0, &ev, 1), 1);
    CHECK(ev.cookie == 7 && ev.state & TASK_WOKEN_MSG);
    task_done(s, k);
    put(t, 1, T0);
    CHECK_EQ(tasksched_queued(s), 0);
    CHECK_EQ(stk_last_change(t), 4);
    task_free(s, k);
    tasksched_free(s);
    stk_free(t);
}

static void all_data_are_read_and_written_at_once(void)
{
    stk_table *t = table_with(10, MINUTE, 0);
    uint32_t a = set(t, 1, T0), b = set(t, 2, T0);
    uint64_t v[9];

    CHECK_EQ(stk_width(t), 9); /* conn_cnt, conn_rate (3), conn_cur, bytes_in_cnt, gpc (3) */
    stk_add(t, a, STK_CONN_CNT, 0, 4, T0);
    stk_add(t, a, STK_CONN_RATE, 0, 5, T0);
    stk_add(t, a, STK_CONN_CUR, 0, 6, T0);
    stk_add(t, a, STK_BYTES_IN_CNT, 0, 1ull << 40, T0);
    stk_add(t, a, STK_GPC, 2, 7, T0);
    stk_read_all(t, a, T0, v);
    stk_write_all(t, b, T0, ~(1u << STK_CONN_CUR), v);
    CHECK_EQ(stk_read(t, b, STK_CONN_CNT, 0, T0), 4);
    CHECK_EQ(stk_read(t, b, STK_CONN_RATE, 0, T0), 5);
    CHECK_EQ(stk_read(t, b, STK_CONN_CUR, 0, T0), 0);
    CHECK_EQ(stk_read(t, b, STK_BYTES_IN_CNT, 0, T0), 1ull << 40);
    CHECK_EQ(stk_read(t, b, STK_GPC, 2, T0), 7);
    stk_free(t);
}

static void an_entry_that_a_peer_says_is_old_goes_first(void)
{
    stk_table *t = table_with(2, MINUTE, 0);
    uint32_t e;

    put(t, 1, T0);
    e = set(t, 2, T0 + 1);
    stk_touch_remote(t, e, T0 + 1, 10, 1);
    put(t, 3, T0 + 2);
    CHECK(has(t, 1, T0 + 2) && !has(t, 2, T0 + 2));
    stk_free(t);
}

/* --- against a model that is too simple to be wrong --- */

enum { KEYS = 64, ROOM = 24, STEPS = 1000000 };

typedef struct model_entry {
    uint32_t there, date, refs, e, cnt;
} model_entry;

static uint32_t model_used(const model_entry *m)
{
    uint32_t n = 0;

    for (int k = 0; k < KEYS; k++)
        n += m[k].there;
    return n;
}

/* What is due and idle may still take room: it is removed when it is in the way. */
static int model_oldest(const model_entry *m)
{
    int best = -1;

    for (int k = 0; k < KEYS; k++)
        if (m[k].there && !m[k].refs && (best < 0 || m[k].date < m[best].date))
            best = k;
    return best;
}

static int model_tied(const model_entry *m, uint32_t date)
{
    int n = 0;

    for (int k = 0; k < KEYS; k++)
        n += m[k].there && !m[k].refs && m[k].date == date;
    return n > 1;
}

/* One that the table let go among several of the same date: which, is its own choice. */
static void model_follow(stk_table *t, model_entry *m, uint32_t date)
{
    for (uint32_t k = 0; k < KEYS; k++)
        if (m[k].there && !m[k].refs && m[k].date == date) {
            uint32_t e = stk_get(t, &k, 4, date - 1);

            if (e) {
                stk_release(t, e);
            } else {
                m[k].there = 0;
                return;
            }
        }
}

static void a_long_random_life_is_that_of_a_plain_table(void)
{
    static model_entry m[KEYS];
    stk_table *t = table_with(ROOM, 5000, 0);
    uint64_t seed = 7;
    uint32_t now = 10000;

    memset(m, 0, sizeof(m));
    for (int step = 0; step < STEPS; step++) {
        uint32_t k = chance(&seed, KEYS), what = chance(&seed, 16), e;
        model_entry *x = &m[k];

        now += chance(&seed, 8) ? 0 : chance(&seed, 600);
        if (what < 6) {
            int fresh, oldest = -1;
            int known = x->there && (x->refs || x->date > now);

            e = stk_set(t, &k, 4, now, &fresh);
            if (x->there && !known)
                x->there = 0;
            if (!known && model_used(m) >= ROOM) {
                oldest = model_oldest(m);
                if (oldest < 0) {
                    CHECK_EQ(e, 0);
                    continue;
                }
                if (model_tied(m, m[oldest].date))
                    model_follow(t, m, m[oldest].date);
                else
                    m[oldest].there = 0;
            }
            REQUIRE(e != 0);
            CHECK_EQ(fresh, !known);
            if (!known)
                *x = (model_entry){.there = 1, .e = e, .date = now + 5000};
            CHECK_EQ(x->e, e);
            x->refs++;
        } else if (what < 9) {
            int known = x->there && (x->refs || x->date > now);

            e = stk_get(t, &k, 4, now);
            CHECK_EQ(e != 0, known);
            if (known)
                x->refs++;
            else
                x->there = 0;
        } else if (what < 14 && x->refs) {
            CHECK_EQ(stk_add(t, x->e, STK_CONN_CNT, 0, 1, now), ++x->cnt);
            if (what < 12) {
                stk_touch_local(t, x->e, now, 1);
                x->date = now + 5000;
            } else {
                stk_release(t, x->e);
            }
            x->refs--;
        } else if (what == 14 && x->refs) {
            CHECK_EQ(stk_kill(t, x->e, 1), x->refs == 1);
            x->there = --x->refs > 0;
        } else if (what == 15) {
            stk_expire(t, now, UINT32_MAX);
            for (int i = 0; i < KEYS; i++)
                m[i].there &= m[i].refs || m[i].date > now;
        }
        CHECK_EQ(used(t), model_used(m));
    }
    for (int k = 0; k < KEYS; k++)
        for (; m[k].refs; m[k].refs--)
            stk_release(t, m[k].e);
    CHECK_EQ(refs(t), 0);
    stk_expire(t, now + 5000, UINT32_MAX);
    CHECK_EQ(used(t), 0);
    stk_free(t);
}

/* --- threads --- */

enum { THREADS = 4, ROUNDS = 20000 };

static void hammer_one(void *arg, int index)
{
    stk_table *t = arg;

    for (int i = 0; i < ROUNDS; i++) {
        uint32_t e = set(t, 1, T0 + (uint32_t)index);

        stk_count(t, e, 1u << STK_CONN_CNT | 1u << STK_CONN_RATE, 1, T0 + (uint32_t)index);
        stk_add(t, e, STK_GPC, (uint32_t)index % 3, 1, T0);
        stk_touch_local(t, e, T0 + (uint32_t)index, 1);
    }
}

static void threads_lose_nothing_at_one_entry(void)
{
    stk_table *t = table_with(10, MINUTE, 0);
    uint32_t e;

    check_threads(THREADS, hammer_one, t);
    e = get(t, 1, T0);
    CHECK_EQ(stk_read(t, e, STK_CONN_CNT, 0, T0), THREADS * ROUNDS);
    CHECK_EQ(stk_read(t, e, STK_CONN_RATE, 0, T0), THREADS * ROUNDS);
    CHECK_EQ(stk_read(t, e, STK_GPC, 0, T0), 2 * ROUNDS);
    CHECK_EQ(refs(t), 1);
    stk_free(t);
}

static void hammer_many(void *arg, int index)
{
    stk_table *t = arg;
    uint64_t seed = (uint64_t)index + 1;
    uint32_t now = T0 + 1000 * (uint32_t)index; /* clocks may be a second apart */

    for (int i = 0; i < ROUNDS; i++) {
        uint32_t key = chance(&seed, 200), e;

        stk_expect_entry(t, stk_expect(t, &key, 4));
        e = i & 1 ? stk_set_anew(t, &key, 4, now + (uint32_t)i) : set(t, key, now + (uint32_t)i);
        if (!e)
            continue;
        stk_count(t, e, 1u << STK_CONN_CUR, 1, now);
        stk_sub(t, e, STK_CONN_CUR, 0, 1, now);
        switch (chance(&seed, 4)) {
        case 0:
            stk_kill(t, e, 1);
            break;
        case 1:
            stk_release(t, e);
            stk_expire(t, now + (uint32_t)i, 3);
            break;
        default:
            stk_touch_local(t, e, now + (uint32_t)i, 1);
        }
    }
}

static void threads_leave_no_reference_in_a_table_that_overflows(void)
{
    stk_table *t = table_with(50, 2000, 0);

    check_threads(THREADS, hammer_many, t);
    CHECK_EQ(refs(t), 0);
    CHECK(used(t) <= 50);
    for (uint32_t e = 0; (e = stk_next(t, e, T0)); stk_release(t, e))
        CHECK_EQ(stk_read(t, e, STK_CONN_CUR, 0, T0), 0);
    stk_expire(t, T0 + 1000000, UINT32_MAX);
    CHECK_EQ(used(t), 0);
    stk_free(t);
}

int main(void)
{
    RUN(a_configuration_out_of_its_ranges_makes_no_table);
    RUN(every_type_has_a_kind);
    RUN(a_key_is_found_once_it_was_set_and_not_before);
    RUN(a_short_key_is_followed_by_nuls_and_a_long_one_is_cut);
    RUN(a_key_is_read_no_further_than_it_goes);
    RUN(an_entry_lives_until_it_was_not_touched_for_its_time);
    RUN(an_entry_that_is_due_is_not_found_even_before_it_was_removed);
    RUN(what_is_set_anew_lives_its_time_from_now_and_nothing_is_to_be_taught_yet);
    RUN(what_is_expected_is_neither_stored_nor_held);
    RUN(a_referenced_entry_neither_expires_nor_is_purged);
    RUN(a_full_table_lets_the_one_go_that_would_expire_first);
    RUN(a_full_table_that_must_not_purge_takes_nothing);
    RUN(a_table_full_of_held_entries_takes_nothing);
    RUN(without_expiry_the_one_that_was_not_touched_longest_goes);
    RUN(what_is_killed_is_gone_unless_somebody_holds_it);
    RUN(an_expired_entry_says_nothing_to_the_one_that_takes_its_place);
    RUN(dates_wrap);
    RUN(expiry_stops_when_it_has_done_its_share);
    RUN(data_are_read_added_and_set_by_type_and_element);
    RUN(a_rate_is_of_its_period);
    RUN(several_types_are_counted_at_once_if_they_are_stored);
    RUN(a_walk_meets_each_entry_once);
    RUN(changes_are_numbered_and_those_of_peers_are_told_apart);
    RUN(a_change_made_here_is_still_to_be_taught_when_a_peer_speaks_of_the_entry);
    RUN(changes_come_in_batches_from_where_the_last_one_ended);
    RUN(a_walk_goes_on_past_more_changes_of_peers_than_it_looks_at);
    RUN(the_watcher_is_woken_by_the_next_change_alone);
    RUN(all_data_are_read_and_written_at_once);
    RUN(an_entry_that_a_peer_says_is_old_goes_first);
    RUN(a_long_random_life_is_that_of_a_plain_table);
    RUN(threads_lose_nothing_at_one_entry);
    RUN(threads_leave_no_reference_in_a_table_that_overflows);
    return check_done();
}
