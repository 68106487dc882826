/* sources: bwlim table table_changes table_data table_index table_life freq lock lockset tmr runq waitq task */
#include "bwlim.h"
#include "check.h"
#include "tmr.h"

#define BUFFER 16384
#define AT 1000000 /* any tick */

static bwlim *one(uint32_t limit, uint32_t period, uint32_t least)
{
    bwlim values = {.id = 1, .limit = limit, .period = period, .least = least}, *list = NULL;

    REQUIRE(bwlim_set(&list, AT, BUFFER, &values) == 0);
    return list;
}

/* Gives on what may go of <want> bytes; how many that were. */
static uint32_t give(bwlim *list, uint32_t now, uint32_t want)
{
    uint32_t n = bwlim_grant(list, now, want);

    bwlim_spend(list, now, n);
    return n;
}

/* Gives <total> bytes on, waiting as it is told to; the ms that it took. *least is the smallest piece but for the last. */
static uint64_t transfer(bwlim *list, uint32_t now, uint64_t total, uint32_t *least)
{
    uint64_t ms = 0;

    *least = UINT32_MAX;
    while (total) {
        uint32_t hand = total < BUFFER ? (uint32_t)total : BUFFER, n = bwlim_grant(list, now, hand);

        REQUIRE(n <= hand);
        if (!n) {
            uint32_t until = bwlim_until(list);

            REQUIRE(tick_is_lt(now, until));
            CHECK(bwlim_grant(list, until - 1, hand) == 0 || until - 1 == now); /* no sooner */
            ms += until - now;
            now = until;
            continue;
        }
        CHECK_EQ(bwlim_until(list), 0);
        bwlim_spend(list, now, n);
        total -= n;
        if (total && n < *least)
            *least = n;
    }
    return ms;
}

static void the_first_bytes_go_at_once_on_credit(void)
{
    bwlim *list = one(100000, 1000, 0);

    CHECK_EQ(bwlim_grant(list, AT, 5000), 5000);
    bwlim_spend(list, AT, 5000);
    CHECK_EQ(bwlim_grant(list, AT, 50000), BUFFER - 5000);
    bwlim_spend(list, AT, BUFFER - 5000);
    CHECK_EQ(bwlim_grant(list, AT, 1), 0);
    CHECK_EQ(bwlim_until(list), AT + 163 + 1); /* 16,384 bytes are paid for by then, and one more */
    bwlim_free(&list);
    list = one(1000, 1000, 0);
    CHECK_EQ(bwlim_grant(list, AT, 5000), 1000);
    bwlim_free(&list);
    CHECK(list == NULL);
}

static void the_rate_is_the_limit_whatever_the_period_and_the_piece(void)
{
    static const uint32_t rows[][3] = {
        {1000, 1000, 0},     {256 << 10, 1000, 0}, {256 << 10, 1000, 2896}, {1 << 20, 10000, 0}, {10, 1, 0},
        {3, 7, 0},           {1000, 1000, 500},    {1000, 1000, 99999},     {1, 1000, 0},        {100 << 20, 1000, 0},
        {UINT32_MAX, 60000, 0}, {5000000, 86400000, 1448},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        uint32_t limit = rows[i][0], period = rows[i][1], least, wish = rows[i][2] < limit ? rows[i][2] : limit;
        bwlim *list = one(limit, period, rows[i][2]);
        uint64_t total = 20ull * limit < 50000000 ? 20ull * limit + BUFFER : 50000000;
        uint64_t due = total * period / limit; /* what went on credit is paid for, too */
        uint64_t ms = transfer(list, AT, total, &least);

        CHECK(ms + 2 * BWLIM_BEAT >= due && ms <= due + 2 * BWLIM_BEAT);
        CHECK(least >= (wish < BUFFER ? wish : BUFFER));
        bwlim_free(&list);
    }
}

static void time_before_the_first_bytes_earns_nothing(void)
{
    bwlim *list = one(100000, 1000, 0);
    bwlim values = {.id = 1, .limit = 50000, .period = 1000};

    CHECK_EQ(bwlim_set(&list, AT + 5000, BUFFER, &values), 0);
    CHECK_EQ(bwlim_grant(list, AT + 60000, 50000), BUFFER);
    bwlim_spend(list, AT, BUFFER);
    CHECK_EQ(bwlim_grant(list, AT + 60000, 1), 0);
    CHECK_EQ(bwlim_until(list), AT + 60000 + 327 + 1);
    bwlim_free(&list);
}

static void an_idle_stream_earns_a_period_at_most(void)
{
    bwlim *list = one(1000, 1000, 0);

    give(list, AT, 1000);
    CHECK_EQ(bwlim_grant(list, AT + 1500, 5000), 500);
    CHECK_EQ(bwlim_grant(list, AT + 2500, 5000), 1000);
    CHECK_EQ(bwlim_grant(list, AT + 3600000, 5000), 1000);
    bwlim_free(&list);
}

static void the_rest_at_hand_goes_as_soon_as_it_is_paid_for(void)
{
    bwlim *list = one(1000, 1000, 500);

    give(list, AT, 1000);
    CHECK_EQ(bwlim_grant(list, AT + 1100, 2000), 0);
    CHECK_EQ(bwlim_until(list), AT + 1500);
    CHECK_EQ(bwlim_grant(list, AT + 1100, 100), 100);
    CHECK_EQ(bwlim_until(list), 0);
    bwlim_free(&list);
}

static void of_several_limits_each_must_let_bytes_pass(void)
{
    bwlim *list = one(1000, 1000, 0);
    bwlim slow = {.id = 2, .limit = 100, .period = 1000};

    CHECK_EQ(bwlim_set(&list, AT, BUFFER, &slow), 0);
    CHECK_EQ(bwlim_grant(list, AT, 5000), 100);
    bwlim_spend(list, AT, 100);
    CHECK_EQ(bwlim_grant(list, AT, 5000), 0);
    CHECK_EQ(bwlim_until(list), AT + 1010); /* the slow one's next byte */
    CHECK_EQ(bwlim_grant(list, AT + 1500, 5000), 50);
    bwlim_spend(list, AT, 50);
    CHECK_EQ(bwlim_grant(list->next, AT + 1500, 5000), 0);
    CHECK_EQ(list->purse, 950 * 1000); /* the other has paid, too: it was full */
    bwlim_free(&list);
}

static void a_pause_ends_when_there_is_nothing_to_ask_for(void)
{
    bwlim *list = one(10, 1000, 0);

    give(list, AT, 100);
    CHECK_EQ(bwlim_grant(list, AT, 100), 0);
    CHECK(bwlim_until(list) != 0);
    bwlim_resume(list);
    CHECK_EQ(bwlim_until(list), 0);
    CHECK_EQ(bwlim_grant(list, AT, 0), 0);
    CHECK_EQ(bwlim_until(list), 0);
    bwlim_free(&list);
}

static void a_limit_that_is_set_again_changes_and_gives_no_new_credit(void)
{
    bwlim values = {.id = 1, .limit = 1000, .period = 1000}, *list = one(1000, 1000, 0);

    give(list, AT, 1000);
    CHECK_EQ(bwlim_set(&list, AT + 10, BUFFER, &values), 0); /* the same */
    CHECK_EQ(bwlim_grant(list, AT + 10, 100), 0);
    CHECK_EQ(bwlim_until(list), AT + 1010);
    values.limit = 100000;
    CHECK_EQ(bwlim_set(&list, AT + 10, BUFFER, &values), 0);
    CHECK_EQ(bwlim_until(list), 0);
    CHECK_EQ(bwlim_grant(list, AT + 10, 100), 0);
    CHECK_EQ(bwlim_until(list), AT + 11);
    CHECK_EQ(bwlim_grant(list, AT + 15, 100), 100);
    CHECK(list->next == NULL);
    bwlim_free(&list);
}

static void the_largest_values_do_not_overflow_and_the_clock_may_wrap(void)
{
    bwlim values = {.id = 1, .limit = UINT32_MAX, .period = INT32_MAX, .least = UINT32_MAX}, *list = NULL;
    uint32_t least;

    REQUIRE(bwlim_set(&list, UINT32_MAX - 5, UINT32_MAX, &values) == 0);
    CHECK_EQ(bwlim_grant(list, UINT32_MAX - 5, UINT32_MAX), UINT32_MAX);
    bwlim_spend(list, AT, UINT32_MAX);
    CHECK_EQ(bwlim_grant(list, UINT32_MAX, 1), 0);
    CHECK_EQ(bwlim_until(list), tick_add(UINT32_MAX, BWLIM_WAIT_MAX)); /* weeks; looked at again sooner */
    bwlim_free(&list);
    values = (bwlim){.id = 1, .limit = 1000, .period = 100};
    REQUIRE(bwlim_set(&list, UINT32_MAX - 50, BUFFER, &values) == 0);
    CHECK(transfer(list, UINT32_MAX - 50, 20000, &least) - 1900 < 120);
    bwlim_free(&list);
}

static void what_is_no_limit_is_refused(void)
{
    static const uint32_t rows[][2] = {{0, 1000}, {1000, 0}, {1000, (uint32_t)INT32_MAX + 1}};

    for (size_t i = 0; i < 3; i++) {
        bwlim values = {.limit = rows[i][0], .period = rows[i][1]}, *list = NULL;

        CHECK_EQ(bwlim_set(&list, AT, BUFFER, &values), -EINVAL);
        CHECK(list == NULL);
    }
}

/* --- shared --- */

/* A table of one key, whose rate of bytes has that period. */
static stk_table *table_of(uint32_t period)
{
    stk_conf conf = {.key_len = 4, .size = 10, .count = {[STK_BYTES_OUT_RATE] = 1}, .period = {[STK_BYTES_OUT_RATE] = period}};
    stk_table *t = stk_new(&conf, NULL, 1);

    REQUIRE(t != NULL);
    return t;
}

static bwlim *sharer(stk_table *t, uint32_t limit, const char *key)
{
    bwlim *list = NULL, values = {.kind = BWLIM_SHARED, .id = 1, .limit = limit, .table = t, .type = STK_BYTES_OUT_RATE,
                                  .period = stk_conf_of(t)->period[STK_BYTES_OUT_RATE]};

    values.entry = stk_set(t, key, 4, AT, NULL);
    REQUIRE(values.entry && bwlim_set(&list, AT, BUFFER, &values) == 0);
    return list;
}

static void sharers_of_a_key_have_its_limit_together(void)
{
    stk_table *t = table_of(1000);
    bwlim *a = sharer(t, 1000, "same"), *b = sharer(t, 1000, "same"), *c = sharer(t, 1000, "else");

    CHECK_EQ(give(a, AT, 700), 700);
    CHECK_EQ(give(b, AT, 700), 300);
    CHECK_EQ(give(a, AT, 700), 0);
    CHECK_EQ(give(b, AT, 1), 0);
    CHECK_EQ(give(c, AT, 700), 700);
    bwlim_free(&a);
    bwlim_free(&b);
    bwlim_free(&c);
    stk_free(t);
}

static void a_sharer_waits_no_longer_than_it_must(void)
{
    static const uint32_t periods[] = {10, 100, 1000, 7000};

    for (size_t i = 0; i < 4; i++) {
        stk_table *t = table_of(periods[i]);
        bwlim *a = sharer(t, 50000, "same");
        uint32_t now = AT, waits = 0;
        uint64_t gone = 0;

        while (now - AT < 20 * periods[i]) {
            uint32_t n = give(a, now, 5000), until;

            gone += n;
            if (n)
                continue;
            until = bwlim_until(a);
            REQUIRE(tick_is_lt(now, until));
            if (until - now > 1 && until - now < BWLIM_WAIT_MAX)
                CHECK(bwlim_grant(a, until - 2, 5000) == 0);
            now = until;
            waits++;
        }
        CHECK(gone >= 18ull * 50000 && gone <= 21ull * 50000); /* less a piece, for which it waits */
        CHECK(waits <= 20 * (periods[i] < 100 ? periods[i] : periods[i] / BWLIM_BEAT));
        bwlim_free(&a);
        stk_free(t);
    }
}

static void a_sharer_gives_its_entry_back_and_may_change_it(void)
{
    stk_table *t = table_of(1000);
    bwlim *a = sharer(t, 1000, "same"), values = *a;
    stk_figures figures;

    CHECK_EQ(give(a, AT, 1000), 1000);
    CHECK_EQ(give(a, AT, 1), 0);
    values.entry = stk_set(t, "else", 4, AT, NULL);
    CHECK_EQ(bwlim_set(&a, AT, BUFFER, &values), 0);
    CHECK_EQ(bwlim_until(a), 0);
    CHECK_EQ(give(a, AT, 500), 500);
    stk_read_figures(t, &figures);
    CHECK_EQ(figures.refs, 1);
    values.entry = stk_set(t, "else", 4, AT, NULL);
    values.limit = 0;
    CHECK_EQ(bwlim_set(&a, AT, BUFFER, &values), -EINVAL);
    bwlim_free(&a);
    stk_read_figures(t, &figures);
    CHECK_EQ(figures.refs, 0);
    CHECK_EQ(figures.used, 2);
    stk_free(t);
}

/* --- taps --- */

static void a_tap_lets_all_pass_and_counts_it(void)
{
    bwlim *list = NULL, values = {.kind = BWLIM_TAP, .id = 1};

    REQUIRE(bwlim_set(&list, AT, BUFFER, &values) == 0);
    CHECK_EQ(give(list, AT, 100000), 100000);
    CHECK_EQ(give(list, AT, 7), 7);
    CHECK_EQ(give(list, AT, 0), 0);
    CHECK_EQ(list->purse, 100007);
    CHECK_EQ(list->hand, 0);
    CHECK_EQ(bwlim_until(list), 0);
    bwlim_free(&list);
}

static void a_random_tap_lets_a_part_pass_at_least_a_byte(void)
{
    bwlim *list = NULL, values = {.kind = BWLIM_TAP, .id = 1, .random = 1, .dice = 77};
    uint32_t parts = 0;

    REQUIRE(bwlim_set(&list, AT, BUFFER, &values) == 0);
    for (int i = 0; i < 1000; i++) {
        uint32_t n = give(list, AT, 10);

        CHECK(n >= 1 && n <= 10);
        parts += n < 10;
    }
    CHECK(parts > 700 && parts < 1000);
    CHECK_EQ(give(list, AT, 1), 1);
    bwlim_free(&list);
}

int main(void)
{
    RUN(the_first_bytes_go_at_once_on_credit);
    RUN(the_rate_is_the_limit_whatever_the_period_and_the_piece);
    RUN(time_before_the_first_bytes_earns_nothing);
    RUN(an_idle_stream_earns_a_period_at_most);
    RUN(the_rest_at_hand_goes_as_soon_as_it_is_paid_for);
    RUN(of_several_limits_each_must_let_bytes_pass);
    RUN(a_pause_ends_when_there_is_nothing_to_ask_for);
    RUN(a_limit_that_is_set_again_changes_and_gives_no_new_credit);
    RUN(the_largest_values_do_not_overflow_and_the_clock_may_wrap);
    RUN(what_is_no_limit_is_refused);
    RUN(sharers_of_a_key_have_its_limit_together);
    RUN(a_sharer_waits_no_longer_than_it_must);
    RUN(a_sharer_gives_its_entry_back_and_may_change_it);
    RUN(a_tap_lets_all_pass_and_counts_it);
    RUN(a_random_tap_lets_a_part_pass_at_least_a_byte);
    return check_done();
}
