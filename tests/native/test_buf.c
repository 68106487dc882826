/* sources: buf */
#include "buf.h"

#include "check.h"

#define NORMAL 16384

static void fill(char *to, uint32_t n, unsigned seed)
{
    for (uint32_t i = 0; i < n; i++)
        to[i] = (char)(i * 31 + seed);
}

static int holds(const buf *b, const char *want, uint32_t n)
{
    return b->len == n && (!n || !memcmp(buf_data(b), want, n));
}

static void takes_the_smallest_class_that_fits(void)
{
    static const struct {
        uint32_t n, size;
    } rows[] = {{1, 1024}, {1024, 1024}, {1025, NORMAL}, {NORMAL, NORMAL}, {NORMAL + 1, BUF_BIG_SIZE},
                {BUF_BIG_SIZE, BUF_BIG_SIZE}, {BUF_BIG_SIZE + 1, BUF_BIG_SIZE + 1}};
    char *data = malloc(BUF_BIG_SIZE + 1);
    bufpool p;

    bufpool_init(&p, NORMAL);
    fill(data, BUF_BIG_SIZE + 1, 1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        buf b = {0};

        CHECK_EQ(buf_set(&p, &b, data, rows[i].n), 0);
        CHECK_EQ(b.size, rows[i].size);
        CHECK(holds(&b, data, rows[i].n));
        buf_release(&p, &b);
        CHECK(!b.area && !b.len);
    }
    for (int c = 0; c < BUF_CLASSES; c++)
        CHECK_EQ(p.used[c], 0);
    bufpool_fini(&p);
    free(data);
}

static void keeps_a_copy_of_a_part_of_itself(void)
{
    char data[1000];
    bufpool p;
    buf b = {0};

    bufpool_init(&p, NORMAL);
    fill(data, sizeof(data), 2);
    buf_set(&p, &b, data, sizeof(data));
    CHECK_EQ(buf_set(&p, &b, buf_data(&b) + 300, 700), 0);
    CHECK(holds(&b, data + 300, 700));
    CHECK_EQ(buf_set(&p, &b, "", 0), 0);
    CHECK(!b.area);
    bufpool_fini(&p);
}

/* Against a plain array, with all sizes around the classes' limits. */
static void appends_and_skips_like_a_plain_array(void)
{
    static const uint32_t steps[] = {1, 7, 500, 1016, 1024, 3000, 15000, 16384, 100000, 262144};
    enum { ALL = 700000 };
    char *model = malloc(ALL), *data = malloc(262144);
    uint32_t len = 0, seed = 12345;
    bufpool p;
    buf b = {0};

    bufpool_init(&p, NORMAL);
    for (int i = 0; i < 400; i++) {
        uint32_t n = steps[(seed = seed * 1103515245 + 12345) >> 16 & 7];

        if (seed >> 24 & 1 && len + n <= ALL / 2) {
            fill(data, n, seed);
            CHECK_EQ(buf_append(&p, &b, data, n), 0);
            memcpy(model + len, data, n);
            len += n;
        } else if (len) {
            uint32_t skip = n < len ? n : len;

            buf_skip(&p, &b, skip);
            memmove(model, model + skip, len - skip);
            len -= skip;
        }
        if (!CHECK(holds(&b, model, len)))
            break;
        CHECK(len || !b.area);
    }
    buf_release(&p, &b);
    for (int c = 0; c < BUF_CLASSES; c++)
        CHECK_EQ(p.used[c], 0);
    bufpool_fini(&p);
    free(model);
    free(data);
}

static void keeps_only_so_many_free_ones(void)
{
    enum { N = 100 };
    bufpool p;
    buf b[N];
    char byte = 'x';

    memset(b, 0, sizeof(b));
    bufpool_init(&p, 4096);
    for (int i = 0; i < N; i++) {
        CHECK_EQ(buf_set(&p, &b[i], &byte, 1), 0);
        for (int k = 0; k < 2000; k++)
            buf_append(&p, &b[i], &byte, 1);
    }
    CHECK_EQ(p.used[BUF_NORMAL], N);
    CHECK_EQ(p.used[BUF_SMALL], 0);
    for (int i = 0; i < N; i++)
        buf_release(&p, &b[i]);
    CHECK_EQ(p.nfree[BUF_NORMAL], p.keep[BUF_NORMAL]);
    CHECK(p.nfree[BUF_SMALL] <= p.keep[BUF_SMALL]);
    bufpool_fini(&p);
}

/* "tune.bufsize" may be as small as a small buffer. */
static void classes_of_one_size_share_a_list(void)
{
    bufpool p;
    buf b = {0};
    char data[1024];

    bufpool_init(&p, BUF_SMALL_SIZE);
    fill(data, sizeof(data), 3);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(buf_set(&p, &b, data, sizeof(data)), 0);
        buf_release(&p, &b);
    }
    CHECK_EQ(p.nfree[BUF_SMALL], 1);
    CHECK_EQ(p.used[BUF_SMALL] + p.used[BUF_NORMAL], 0);
    bufpool_fini(&p);
}

int main(void)
{
    RUN(takes_the_smallest_class_that_fits);
    RUN(keeps_a_copy_of_a_part_of_itself);
    RUN(appends_and_skips_like_a_plain_array);
    RUN(keeps_only_so_many_free_ones);
    RUN(classes_of_one_size_share_a_list);
    return check_done();
}
