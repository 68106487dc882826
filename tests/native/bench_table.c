/* sources: table table_changes table_data table_index table_life freq lock lockset tmr runq waitq task
 *
 * What an update of a stick table takes, in ns, and an entry of a full one, in bytes: build with -O2 and run; not a test.
 *   gcc -std=gnu11 -O2 -pthread -Inative/include -o /tmp/bench_table tests/native/bench_table.c \
 *       native/src/{table,table_changes,table_data,table_index,freq,lock,lockset,tmr,runq,waitq,task}.c
 *   /tmp/bench_table [threads at most, 2]
 *
 * An update is what a request costs its table: the entry of its key, a count, a new date, the reference given back. "hot" takes one
 * of a thousand entries; "cold" one of a million, each a visit to memory that the caches do not have; "expected" the same after
 * stk_expect() and stk_expect_entry(), with as much other work before each next step as a balancer has there (WORK; it is not
 * counted). "visit" is what a visit takes here, and no update of a cold entry can take less: of a random line of as much memory
 * as the entries have, known only when the one before is there. How much two threads gain there is all that they can gain.
 * Times are of all threads together, and the best of some tries: others use the machine, too.
 */
#include "table.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MILLION = 1000000, UPDATES = 4000, TRIES = 400, THREADS_MAX = 16, WORK = 250 };

static double resident(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    long all, here = 0;

    if (!f || fscanf(f, "%ld %ld", &all, &here) != 2)
        here = 0;
    if (f)
        fclose(f);
    return (double)here * (double)sysconf(_SC_PAGESIZE);
}

/* A key for each number, in no order. */
static uint32_t scatter(uint32_t i)
{
    return i * 2654435761u;
}

static uint32_t chance(uint64_t *state, uint32_t n)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((*state >> 32) * n >> 32);
}

typedef struct job {
    stk_table *t;
    const uint32_t *lines; /* zero, to be visited */
    uint32_t keys, mask, now;
    uint64_t seed;
    int table; /* 0: the work alone */
} job;

static void *visits(void *arg)
{
    job *j = arg;
    uint32_t zero = 0;

    for (int i = 0; i < UPDATES; i++)
        zero = at_peek(&j->lines[(size_t)(chance(&j->seed, MILLION) + zero) * (LB_CACHELINE / 4)]);
    return NULL;
}

static void update(const job *j, uint32_t key)
{
    uint32_t e = stk_set(j->t, &key, 4, j->now, NULL);

    stk_count(j->t, e, j->mask, 1, j->now);
    stk_touch_local(j->t, e, j->now, 1);
}

static void *updates(void *arg)
{
    job *j = arg;

    for (int i = 0; i < UPDATES; i++)
        update(j, scatter(chance(&j->seed, j->keys)));
    return NULL;
}

/* Some hundred ns of what visits no memory. */
static void work(void)
{
    for (uint32_t i = 0, x = 1; i < WORK; i++) {
        x *= 2654435761u;
        __asm__ volatile("" : "+r"(x));
    }
}

static void *updates_expected(void *arg)
{
    job *j = arg;

    for (int i = 0; i < UPDATES; i++) {
        uint32_t key = scatter(chance(&j->seed, j->keys)), hash = 0;

        if (j->table)
            hash = stk_expect(j->t, &key, 4);
        work();
        if (j->table)
            stk_expect_entry(j->t, hash);
        work();
        if (j->table)
            update(j, key);
    }
    return NULL;
}

/* ns of what a job does UPDATES times, of all threads together. */
static double measure(void *(*what)(void *), job like, int threads)
{
    static uint64_t seed;
    static uint32_t now;
    double best = 1e9;

    for (int try = 0; try < TRIES; try++) {
        pthread_t who[THREADS_MAX];
        job jobs[THREADS_MAX];
        uint64_t start = mono_ns();
        double ns;

        like.now = ++now;
        for (int i = 0; i < threads; i++) {
            jobs[i] = like;
            jobs[i].seed = ++seed << 20;
            if (i)
                pthread_create(&who[i], NULL, what, &jobs[i]);
        }
        what(&jobs[0]);
        for (int i = 1; i < threads; i++)
            pthread_join(who[i], NULL);
        ns = (double)(mono_ns() - start) / (UPDATES * threads);
        best = ns < best ? ns : best;
    }
    return best;
}

static void bench_visits(int threads)
{
    size_t bytes = (size_t)MILLION * LB_CACHELINE;
    void *lines = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (lines == MAP_FAILED)
        return;
    madvise(lines, bytes, MADV_HUGEPAGE);
    memset(lines, 0, bytes);
    for (int n = 1; n <= threads; n *= 2)
        printf("visit      %2d thread%s %4.0f ns\n", n, n > 1 ? "s" : " ", measure(visits, (job){.lines = lines}, n));
    munmap(lines, bytes);
}

static void bench(const char *name, stk_conf conf, uint32_t mask, int threads)
{
    double before = resident();
    stk_table *t = stk_new(&conf, NULL, 0x5eed);
    job hot = {.t = t, .keys = 1000, .mask = mask, .table = 1}, cold = hot, idle = hot;

    cold.keys = MILLION;
    idle.table = 0;
    for (uint32_t i = 0; i < MILLION; i++) {
        uint32_t key = scatter(i), e = stk_set(t, &key, 4, 0, NULL);

        stk_touch_local(t, e, 0, 1);
    }
    printf("%-10s %5.1f bytes of memory an entry\n", name, (resident() - before) / MILLION);
    for (int n = 1; n <= threads; n *= 2)
        printf("%-10s %2d thread%s hot %4.0f ns  cold %4.0f ns  expected %4.0f ns an update\n", name, n,
               n > 1 ? "s" : " ", measure(updates, hot, n), measure(updates, cold, n),
               measure(updates_expected, cold, n) - measure(updates_expected, idle, n));
    stk_free(t);
}

int main(int argc, char **argv)
{
    stk_conf c = {.key_len = 4, .size = MILLION, .expire = 3600000};
    int threads = argc > 1 ? atoi(argv[1]) : 2;

    if (threads < 1 || threads > THREADS_MAX)
        return 1;
    bench_visits(threads);
    c.count[STK_HTTP_REQ_RATE] = 1;
    c.period[STK_HTTP_REQ_RATE] = 10000;
    bench("rate", c, 1u << STK_HTTP_REQ_RATE, threads);
    c.count[STK_GPC0] = c.count[STK_CONN_CUR] = c.count[STK_BYTES_IN_RATE] = 1;
    c.period[STK_BYTES_IN_RATE] = 10000;
    bench("four types", c, 1u << STK_GPC0 | 1u << STK_HTTP_REQ_RATE | 1u << STK_BYTES_IN_RATE, threads);
    return 0;
}
