/* sources: table table_changes table_data table_index freq lock lockset tmr runq waitq task
 *
 * What an update of a stick table takes, in ns, and an entry of a full one, in bytes: build with -O2 and run; not a test.
 *   gcc -std=gnu11 -O2 -pthread -Inative/include -o /tmp/bench_table tests/native/bench_table.c \
 *       native/src/{table,table_data,table_index,freq,lock,lockset}.c
 *
 * An update is what a request costs its table: the entry of its key, a count, a new date, the reference given back. "cold" takes
 * a random one of a million entries, each a visit to memory that the caches do not have; "floor" is what such a visit takes here.
 * Times are the best of some tries: others use the machine, too.
 */
#include "table.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { MILLION = 1000000, UPDATES = 20000, TRIES = 200, THREADS_MAX = 16 };

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

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

/* How long a random visit takes to memory that is as large as a table, when its place is known only from the one before. */
static double floor_of_a_visit(void)
{
    enum { LINE = LB_CACHELINE / 4 };
    size_t bytes = (size_t)MILLION * LB_CACHELINE;
    uint32_t *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), i = 0;
    uint64_t seed = 3;
    double best = 1e9;

    if (at == MAP_FAILED)
        return -1;
    madvise(at, bytes, MADV_HUGEPAGE);
    for (uint32_t k = 0; k < MILLION; k++)
        at[k * LINE] = chance(&seed, MILLION);
    for (int try = 0; try < TRIES; try++) {
        double start = seconds(), ns;

        for (uint32_t k = 0; k < UPDATES; k++)
            i = (at[i * LINE] + k + (uint32_t)try * 7919) % MILLION;
        __asm__ volatile("" : : "r"(i));
        ns = (seconds() - start) / UPDATES * 1e9;
        best = ns < best ? ns : best;
    }
    munmap(at, bytes);
    return best;
}

typedef struct job {
    stk_table *t;
    uint32_t keys, mask, now;
    uint64_t seed;
} job;

static void *updates(void *arg)
{
    job *j = arg;

    for (int i = 0; i < UPDATES; i++) {
        uint32_t key = scatter(chance(&j->seed, j->keys)), e = stk_set(j->t, &key, 4, j->now, NULL);

        stk_count(j->t, e, j->mask, 1, j->now);
        stk_touch_local(j->t, e, j->now, 1);
    }
    return NULL;
}

/* ns of an update, of all threads together, the best of some tries. */
static double measure(stk_table *t, uint32_t keys, uint32_t mask, int threads)
{
    static uint64_t seed;
    static uint32_t now;
    double best = 1e9;

    for (int try = 0; try < TRIES; try++) {
        pthread_t who[THREADS_MAX];
        job jobs[THREADS_MAX];
        double start = seconds(), ns;

        now++;
        for (int i = 1; i < threads; i++) {
            jobs[i] = (job){t, keys, mask, now, ++seed << 20};
            pthread_create(&who[i], NULL, updates, &jobs[i]);
        }
        jobs[0] = (job){t, keys, mask, now, ++seed << 20};
        updates(&jobs[0]);
        for (int i = 1; i < threads; i++)
            pthread_join(who[i], NULL);
        ns = (seconds() - start) / (UPDATES * threads) * 1e9;
        best = ns < best ? ns : best;
    }
    return best;
}

static void bench(const char *name, stk_conf conf, uint32_t mask, int threads)
{
    double before = resident();
    stk_table *t = stk_new(&conf, NULL, 0x5eed);

    for (uint32_t i = 0; i < MILLION; i++) {
        uint32_t key = scatter(i), e = stk_set(t, &key, 4, 0, NULL);

        stk_touch_local(t, e, 0, 1);
    }
    printf("%-12s %5.1f bytes of memory an entry\n", name, (resident() - before) / MILLION);
    for (int n = 1; n <= threads; n *= 2) {
        double hot = measure(t, 1000, mask, n), cold = measure(t, MILLION, mask, n);

        printf("%-12s %d thread%s   hot %5.0f ns   cold %5.0f ns an update\n", name, n, n > 1 ? "s" : " ", hot, cold);
    }
    stk_free(t);
}

int main(int argc, char **argv)
{
    stk_conf c = {.key_len = 4, .size = MILLION, .expire = 3600000};
    int threads = argc > 1 ? atoi(argv[1]) : 2;

    printf("floor        %5.0f ns a visit\n", floor_of_a_visit());
    c.count[STK_HTTP_REQ_RATE] = 1;
    c.period[STK_HTTP_REQ_RATE] = 10000;
    bench("rate", c, 1u << STK_HTTP_REQ_RATE, threads);
    c.count[STK_GPC0] = c.count[STK_CONN_CUR] = c.count[STK_BYTES_IN_RATE] = 1;
    c.period[STK_BYTES_IN_RATE] = 10000;
    bench("four types", c, 1u << STK_GPC0 | 1u << STK_HTTP_REQ_RATE | 1u << STK_BYTES_IN_RATE, threads);
    return 0;
}
