/* sources: pend */
#include "check.h"
#include "pend.h"

#define DATE (1ull << 32)

static uint64_t state = 42;

static uint32_t chance(uint32_t n)
{
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(state >> 33) % n;
}

/* The height of the right side, and that every member comes after the one above it, and knows it. */
static uint32_t check_heap(const pendconn *p, const pendconn *up)
{
    uint32_t left, right;

    if (!p)
        return 0;
    CHECK(p->up == up);
    CHECK(!up || pend_before(up, p));
    left = check_heap(p->left, p);
    right = check_heap(p->right, p);
    CHECK(left >= right);
    CHECK_EQ(p->dist, right + 1);
    return right + 1;
}

static pendconn *pop(pend_heap *h)
{
    pendconn *p = h->top;

    pend_drop(h, p);
    return p;
}

static void equals_leave_in_the_order_in_which_they_came(void)
{
    pendconn all[100];
    pend_heap h = {0};

    for (uint32_t i = 0; i < 100; i++) {
        all[i] = (pendconn){.key = pend_key(0, 0, DATE), .order = i};
        pend_put(&h, &all[i]);
    }
    for (int i = 0; i < 100; i++)
        CHECK(pop(&h) == &all[i]);
    CHECK(!h.top);
}

static void a_class_counts_before_a_date_and_an_offset_moves_it(void)
{
    static const struct {
        int class, offset, date;
    } rows[] = {/* in the order in which they are to leave */
        {-PEND_CLASS_MAX, PEND_OFFSET_MAX, 9}, {-1, -5, 8}, {-1, 0, 7}, {0, -PEND_OFFSET_MAX, 6}, {0, -3, 3},
        {0, 0, 1}, {0, 4, 0}, {0, 0, 5}, {0, PEND_OFFSET_MAX, 0}, {1, -PEND_OFFSET_MAX, 0}, {PEND_CLASS_MAX, 0, 2}};
    enum { N = sizeof(rows) / sizeof(*rows) };

    for (int turn = 0; turn < 20; turn++) {
        pendconn all[N];
        pend_heap h = {0};
        int at[N];

        for (int i = 0; i < N; i++)
            at[i] = i;
        for (int i = N - 1; i > 0; i--) {
            int other = (int)chance((uint32_t)i + 1), kept = at[i];

            at[i] = at[other];
            at[other] = kept;
        }
        for (int i = 0; i < N; i++) {
            int k = at[i];

            all[k] = (pendconn){.key = pend_key(rows[k].class, rows[k].offset, DATE + (uint64_t)rows[k].date), .order = (uint64_t)k};
            pend_put(&h, &all[k]);
        }
        for (int i = 0; i < N; i++)
            CHECK_EQ(pop(&h) - all, i);
    }
}

static void nobody_comes_before_somebody(void)
{
    pendconn one = {.key = ~0ull, .order = ~0ull};

    CHECK(pend_before(&one, NULL));
    CHECK(!pend_before(NULL, &one));
    CHECK(!pend_before(NULL, NULL));
    CHECK(!pend_before(&one, &one));
}

static void any_member_may_leave_at_any_time(void)
{
    enum { N = 500 };
    static pendconn all[N];
    static uint8_t in[N];
    pend_heap h = {0};

    for (uint64_t step = 0; step < 20000; step++) {
        uint32_t i = chance(N);

        if (in[i]) {
            pend_drop(&h, &all[i]);
        } else {
            all[i] = (pendconn){.key = chance(50), .order = step};
            pend_put(&h, &all[i]);
        }
        in[i] = !in[i];
        for (int k = 0; k < N && step % 97 == 0; k++)
            CHECK(!in[k] || !pend_before(&all[k], h.top));
        if (step % 97 == 0)
            check_heap(h.top, NULL);
    }
}

static void a_place_is_how_many_are_served_before(void)
{
    enum { N = 300 };
    static pendconn all[N];
    pend_heap h = {0};

    for (uint32_t i = 0; i < N; i++) {
        all[i] = (pendconn){.key = chance(20), .order = i};
        pend_put(&h, &all[i]);
        for (uint32_t k = 0; k <= i && i % 37 == 0; k++) {
            uint32_t n = 0;

            for (uint32_t other = 0; other <= i; other++)
                n += (uint32_t)pend_before(&all[other], &all[k]);
            CHECK_EQ(pend_place(&h, &all[k]), n);
        }
    }
}

/* However they come: the way that a change takes is no longer than the logarithm. */
static void the_right_side_is_short(void)
{
    enum { N = 1 << 14 };
    static pendconn all[N];

    for (int turn = 0; turn < 3; turn++) {
        pend_heap h = {0};

        for (uint32_t i = 0; i < N; i++) {
            all[i] = (pendconn){.key = turn == 0 ? i : turn == 1 ? N - i : chance(N), .order = i};
            pend_put(&h, &all[i]);
            CHECK(h.top->dist <= 15);
        }
        check_heap(h.top, NULL);
        for (uint32_t i = 0; i < N; i++) {
            pop(&h);
            CHECK(!h.top || h.top->dist <= 15);
        }
    }
}

int main(void)
{
    RUN(equals_leave_in_the_order_in_which_they_came);
    RUN(a_class_counts_before_a_date_and_an_offset_moves_it);
    RUN(nobody_comes_before_somebody);
    RUN(any_member_may_leave_at_any_time);
    RUN(a_place_is_how_many_are_served_before);
    RUN(the_right_side_is_short);
    return check_done();
}
