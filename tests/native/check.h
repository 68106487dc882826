/* What a C test needs: checks that count, threads that start together, bytes that end before a forbidden page.
 *
 * A test is one file test_<name>.c. Its first line names the sources it is built with, from native/src:
 *
 *     / * sources: lock ctr * /       (or: all)
 *
 * and it ends so, with one RUN per claim (the function's name is the claim):
 *
 *     int main(void)
 *     {
 *         RUN(an_empty_queue_gives_nothing);
 *         return check_done();
 *     }
 *
 * Run all of them with "python tests/native/run.py", see there.
 */
#ifndef LB_CHECK_H
#define LB_CHECK_H
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static unsigned check_count, check_failures;

/* Counts, and says where a condition does not hold. Any thread. The value tells whether it holds. */
#define CHECK(cond) check_one(!!(cond), __FILE__, __LINE__, #cond)

/* Two integers must be equal; prints both if not. */
#define CHECK_EQ(a, b)                                                                                                \
    do {                                                                                                              \
        long long check_a = (long long)(a), check_b = (long long)(b);                                                 \
                                                                                                                      \
        if (!CHECK(check_a == check_b))                                                                               \
            printf("    %s is %lld, %s is %lld\n", #a, check_a, #b, check_b);                                         \
    } while (0)

/* Like CHECK, but there is no use in going on: ends the process. */
#define REQUIRE(cond)                                                                                                 \
    do {                                                                                                              \
        if (!CHECK(cond))                                                                                             \
            exit(1);                                                                                                  \
    } while (0)

/* Runs one claim and says so if it fails. */
#define RUN(claim)                                                                                                    \
    do {                                                                                                              \
        unsigned check_before = check_failures;                                                                       \
                                                                                                                      \
        claim();                                                                                                      \
        if (check_failures != check_before)                                                                           \
            printf("FAILED %s\n", #claim);                                                                            \
    } while (0)

static inline int check_one(int good, const char *file, int line, const char *cond)
{
    __atomic_add_fetch(&check_count, 1, __ATOMIC_RELAXED);
    if (!good) {
        __atomic_add_fetch(&check_failures, 1, __ATOMIC_RELAXED);
        printf("%s:%d: %s\n", file, line, cond);
    }
    return good;
}

/* The exit code of main(). A test that checked nothing has failed. */
static inline int check_done(void)
{
    printf("%u checks, %u failed\n", check_count, check_failures);
    return check_failures || !check_count;
}

/* A copy of <data> that ends right before a page that must not be touched, whatever sanitizer runs. Writable. */
static inline char *guard_copy(const void *data, size_t len)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (len + page - 1) / page * page;
    char *base = (char *)mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (base == MAP_FAILED || mprotect(base + room, page, PROT_NONE)) {
        perror("guard_copy");
        exit(1);
    }
    if (len)
        memcpy(base + room - len, data, len);
    return base + room - len;
}

/* Gives back what guard_copy() gave for <len> bytes. */
static inline void guard_free(char *copy, size_t len)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (len + page - 1) / page * page;

    munmap(copy + len - room, room + page);
}

#define CHECK_THREADS_MAX 64

/* Runs <body>(<arg>, index) in <n> threads, which begin at the same moment, and waits for them all. */
struct check_thread {
    void (*body)(void *arg, int index);
    void *arg;
    int index;
    pthread_barrier_t *start;
};

static inline void *check_thread_main(void *p)
{
    struct check_thread *t = (struct check_thread *)p;

    pthread_barrier_wait(t->start);
    t->body(t->arg, t->index);
    return NULL;
}

static inline void check_threads(int n, void (*body)(void *arg, int index), void *arg)
{
    struct check_thread t[CHECK_THREADS_MAX];
    pthread_t id[CHECK_THREADS_MAX];
    pthread_barrier_t start;

    REQUIRE(n > 0 && n <= CHECK_THREADS_MAX);
    pthread_barrier_init(&start, NULL, (unsigned)n);
    for (int i = 0; i < n; i++) {
        t[i] = (struct check_thread){body, arg, i, &start};
        REQUIRE(pthread_create(&id[i], NULL, check_thread_main, &t[i]) == 0);
    }
    for (int i = 0; i < n; i++)
        pthread_join(id[i], NULL);
    pthread_barrier_destroy(&start);
}
#endif
