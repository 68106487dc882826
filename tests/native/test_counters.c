/* sources: counters */
#include "counters.h"

#include "check.h"

static void sums_what_is_counted_and_takes_the_largest_of_maxima(void)
{
    lb_counters shard[3] = {{0}}, out;

    for (int i = 0; i < 3; i++) {
        cnt_add(shard[i].cum_conn, 10 + i);
        cnt_add(shard[i].t_time, 100);
        cnt_max(shard[i].q_max, i == 1 ? 77 : i);
        cnt_max(shard[i].q_max, 1);
        cnt_max(shard[i].t_max, i);
    }
    memset(&out, 0xff, sizeof(out));
    counters_sum(shard, 3, &out);
    CHECK_EQ(out.cum_conn, 33);
    CHECK_EQ(out.t_time, 300);
    CHECK_EQ(out.q_max, 77);
    CHECK_EQ(out.t_max, 2);
    CHECK_EQ(out.rsp2xx, 0);
}

static void no_shard_is_nothing(void)
{
    lb_counters out = {.cum_conn = 5};

    counters_sum(NULL, 0, &out);
    CHECK_EQ(out.cum_conn, 0);
}

static void count_or_read(void *arg, int index)
{
    lb_counters *shard = arg, out;
    uint64_t seen = 0;

    for (int i = 0; i < 20000; i++) {
        if (index < 2) {
            cnt_inc(shard[index].bytes_in);
        } else if (i % 100 == 0) {
            counters_sum(shard, 2, &out);
            CHECK(out.bytes_in >= seen && out.bytes_in <= 40000);
            seen = out.bytes_in;
        }
    }
}

static void may_be_read_while_others_count(void)
{
    lb_counters shard[2] = {{0}}, out;

    check_threads(3, count_or_read, shard);
    counters_sum(shard, 2, &out);
    CHECK_EQ(out.bytes_in, 40000);
}

int main(void)
{
    RUN(sums_what_is_counted_and_takes_the_largest_of_maxima);
    RUN(no_shard_is_nothing);
    RUN(may_be_read_while_others_count);
    return check_done();
}
