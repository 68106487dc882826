/* sources: lockset lock fd poll loop ev_epoll ev_poll ev_select */
/* Every poller of this build, through a loop: what it reports, what it costs, and how it sleeps and wakes. */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "check.h"
#include "poll.h"

#define MAXFD 4096

static fdtab tab;
static fdloop loop;
static const poller *with; /* the poller under test */

typedef struct spy {
    int calls;
    unsigned ready, ev; /* as of the last call */
    int drain;          /* reads all there is and says so */
} spy;

static void on_io(fdloop *l, fdent *e, int fd)
{
    spy *s = e->owner;
    char buf[256];
    ssize_t n;

    s->calls++;
    s->ready = e->ready;
    s->ev = e->ev;
    if (!s->drain || !(e->ready & FD_R))
        return;
    while ((n = read(fd, buf, sizeof(buf))) > 0)
        ;
    if (n < 0)
        fd_cant_recv(l, e, fd);
    else
        fd_stop_recv(l, e, fd);
}

static void setup(void)
{
    REQUIRE(fdtab_init(&tab, MAXFD, NULL) == 0);
    REQUIRE(fdloop_init(&loop, &tab, 0, with, NULL) == 0);
}

static void teardown(void)
{
    fdloop_fini(&loop);
    fdtab_fini(&tab);
}

static void make_pair(int sv[2])
{
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, sv) == 0);
}

/* A pair whose first end is in the table. */
static fdent *watched_pair(int sv[2], spy *s)
{
    make_pair(sv);
    CHECK(fd_insert(&loop, sv[0], on_io, s, loop.bit, 0) != 0);
    return fd_ent(&loop, sv[0]);
}

static void close_pair(int sv[2])
{
    CHECK_EQ(fd_close(&loop, sv[0]), 0);
    if (sv[1] >= 0)
        close(sv[1]);
}

/* Turns until nothing happens any more. */
static void settle(void)
{
    for (int i = 0; i < 20; i++)
        fdloop_run_cache(&loop), fdloop_wait(&loop, 0);
}

static fdloop_figures figures(void)
{
    fdloop_figures f;

    fdloop_read(&loop, &f);
    return f;
}

static int is_edge(void) { return with->flags & POLLER_F_EDGE; }

static void put_byte(int fd) { CHECK_EQ(write(fd, "x", 1), 1); }

static void calls_the_handler_when_bytes_arrive(void)
{
    spy s = {.drain = 1};
    int sv[2];
    fdent *e;

    setup();
    e = watched_pair(sv, &s);
    fd_want_recv(&loop, e, sv[0]);
    settle();
    CHECK_EQ(s.calls, 0);
    put_byte(sv[1]);
    CHECK_EQ(fdloop_wait(&loop, 1000), 1);
    CHECK_EQ(s.calls, 1);
    CHECK(s.ready & FD_R);
    CHECK_EQ(e->ready & FD_R, 0);
    settle();
    CHECK_EQ(s.calls, 1);
    put_byte(sv[1]);
    CHECK_EQ(fdloop_wait(&loop, 1000), 1);
    CHECK_EQ(s.calls, 2);
    close_pair(sv);
    teardown();
}

static void calls_the_handler_when_there_is_room_again(void)
{
    char block[4096] = {0};
    spy s = {0};
    int sv[2];
    fdent *e;

    setup();
    e = watched_pair(sv, &s);
    fd_want_send(&loop, e, sv[0]);
    CHECK_EQ(fdloop_wait(&loop, 1000), 1);
    CHECK(s.ready & FD_W);
    while (write(sv[0], block, sizeof(block)) > 0)
        ;
    fd_cant_send(&loop, e, sv[0]);
    s.calls = 0;
    settle();
    CHECK_EQ(s.calls, 0);
    while (read(sv[1], block, sizeof(block)) > 0)
        ;
    CHECK_EQ(fdloop_wait(&loop, 1000), 1);
    CHECK(s.ready & FD_W);
    fd_stop_send(&loop, e, sv[0]);
    s.calls = 0;
    settle();
    CHECK_EQ(s.calls, 0);
    close_pair(sv);
    teardown();
}

static void an_unread_fd_stays_active_without_the_kernel(void)
{
    spy s = {0};
    int sv[2];
    fdent *e;

    setup();
    e = watched_pair(sv, &s);
    fd_want_recv(&loop, e, sv[0]);
    settle();
    put_byte(sv[1]);
    CHECK_EQ(fdloop_wait(&loop, 1000), 1);
    CHECK(fdloop_has_active(&loop));
    CHECK_EQ(fdloop_run_cache(&loop), 1);
    CHECK_EQ(fdloop_run_cache(&loop), 1);
    CHECK_EQ(s.calls, 3);
    fdloop_figures before = figures();
    fdloop_wait(&loop, 0);
    CHECK_EQ(figures().events - before.events, 0);
    fd_stop_recv(&loop, e, sv[0]);
    CHECK_EQ(fdloop_run_cache(&loop), 0);
    CHECK(!fdloop_has_active(&loop));
    close_pair(sv);
    teardown();
}

static void what_was_ready_before_it_was_wanted_is_not_lost(void)
{
    spy s = {.drain = 1};
    int sv[2];
    fdent *e;

    setup();
    e = watched_pair(sv, &s);
    fd_want_recv(&loop, e, sv[0]);
    settle();
    fd_stop_recv(&loop, e, sv[0]);
    put_byte(sv[1]);
    settle();
    CHECK_EQ(s.calls, 0);
    fd_want_recv(&loop, e, sv[0]);
    settle();
    CHECK_EQ(s.calls, 1);
    close_pair(sv);
    teardown();
}

static void change_of_mind(fdloop *l, fdent *e, int fd)
{
    fd_stop_recv(l, e, fd);
    fd_want_recv(l, e, fd);
    on_io(l, e, fd);
}

static void a_handler_that_reads_all_leaves_nothing_active(void)
{
    spy s = {.drain = 1};
    int sv[2];

    setup();
    make_pair(sv);
    fd_insert(&loop, sv[0], change_of_mind, &s, loop.bit, 0);
    fd_want_recv(&loop, fd_ent(&loop, sv[0]), sv[0]);
    put_byte(sv[1]);
    CHECK_EQ(fdloop_wait(&loop, 1000), 1);
    CHECK(!fdloop_has_active(&loop));
    close_pair(sv);
    teardown();
}

static void tells_that_the_peer_has_finished_writing(void)
{
    spy s = {.drain = 1};
    int sv[2];
    fdent *e;

    setup();
    e = watched_pair(sv, &s);
    fd_want_recv(&loop, e, sv[0]);
    settle();
    shutdown(sv[1], SHUT_WR);
    CHECK_EQ(fdloop_wait(&loop, 1000), 1);
    CHECK(s.ready & FD_R);
    if (with != &poller_select)
        CHECK(s.ev & FD_EV_RDHUP);
    CHECK_EQ(s.ev & FD_EV_HUP, 0);
    close_pair(sv);
    teardown();
}

static void tells_that_the_peer_is_gone(void)
{
    spy s = {.drain = 1};
    int sv[2];
    fdent *e;

    setup();
    e = watched_pair(sv, &s);
    fd_want_recv(&loop, e, sv[0]);
    settle();
    close(sv[1]);
    sv[1] = -1;
    CHECK_EQ(fdloop_wait(&loop, 1000), 1);
    CHECK(s.ready & FD_R);
    if (with != &poller_select)
        CHECK(s.ev & FD_EV_HUP);
    close_pair(sv);
    teardown();
}

static void changes_of_mind_cost_no_call_when_edge_triggered(void)
{
    spy s = {.drain = 1};
    int sv[2];
    fdent *e;

    if (!is_edge())
        return;
    setup();
    e = watched_pair(sv, &s);
    fd_want_recv(&loop, e, sv[0]);
    settle();
    fdloop_figures before = figures();
    CHECK_EQ(before.updates, 1);
    for (int i = 0; i < 100; i++) {
        fd_stop_recv(&loop, e, sv[0]);
        fd_want_send(&loop, e, sv[0]);
        settle();
        fd_stop_send(&loop, e, sv[0]);
        fd_cant_send(&loop, e, sv[0]);
        fd_want_recv(&loop, e, sv[0]);
        CHECK_EQ(loop.nupd, 0);
        put_byte(sv[1]);
        settle();
    }
    CHECK_EQ(figures().updates, before.updates);
    CHECK(s.calls >= 100);
    close_pair(sv);
    teardown();
}

static void an_fd_closed_in_the_turn_of_its_insertion_never_reaches_the_kernel(void)
{
    spy s = {0};
    int sv[2];

    setup();
    for (int i = 0; i < 10; i++) {
        fdent *e = watched_pair(sv, &s);

        fd_want_recv(&loop, e, sv[0]);
        close_pair(sv);
    }
    settle();
    CHECK_EQ(figures().updates, 0);
    CHECK_EQ(figures().ctl_errors, 0);
    teardown();
}

static void an_fd_that_wants_nothing_is_not_polled(void)
{
    spy s = {0};
    int sv[2];

    setup();
    fdent *e = watched_pair(sv, &s);
    fd_want_recv(&loop, e, sv[0]);
    fd_stop_recv(&loop, e, sv[0]);
    put_byte(sv[1]);
    settle();
    CHECK_EQ(figures().updates, 0);
    CHECK_EQ(e->polled_mask, 0);
    close_pair(sv);
    teardown();
}

static void a_regular_file_is_always_ready(void)
{
    char name[] = "/tmp/lbcore-test-XXXXXX";
    spy s = {0};
    int fd = mkstemp(name);
    fdent *e;

    REQUIRE(fd >= 0);
    unlink(name);
    setup();
    e = fd_ent(&loop, fd);
    fd_insert(&loop, fd, on_io, &s, loop.bit, 0);
    fd_want_send(&loop, e, fd);
    settle();
    CHECK(s.calls >= 10);
    CHECK_EQ(figures().ctl_errors, 0);
    fd_close(&loop, fd);
    teardown();
}

static void a_removed_fd_is_open_and_silent(void)
{
    spy s = {0};
    int sv[2];

    setup();
    fdent *e = watched_pair(sv, &s);
    fd_want_recv(&loop, e, sv[0]);
    settle();
    CHECK_EQ(fd_remove(&loop, sv[0]), 0);
    CHECK_EQ(fd_remove(&loop, sv[0]), -EBADF);
    fdloop_figures before = figures();
    put_byte(sv[1]);
    settle();
    CHECK_EQ(s.calls, 0);
    CHECK_EQ(figures().events, before.events);
    put_byte(sv[0]);
    close(sv[0]);
    close(sv[1]);
    teardown();
}

/* The registration of an fd whose file lives on elsewhere would haunt the poller. */
static void a_closed_fd_with_a_twin_is_silent(void)
{
    spy s = {0};
    int sv[2], twin;

    setup();
    make_pair(sv);
    twin = dup(sv[0]);
    fd_insert(&loop, sv[0], on_io, &s, loop.bit, FD_F_DUP);
    fd_want_recv(&loop, fd_ent(&loop, sv[0]), sv[0]);
    settle();
    CHECK_EQ(fd_close(&loop, sv[0]), 0);
    fdloop_figures before = figures();
    put_byte(sv[1]);
    settle();
    CHECK_EQ(s.calls, 0);
    CHECK_EQ(figures().events, before.events);
    close(twin);
    close(sv[1]);
    teardown();
}

static void serves_more_fds_than_a_batch_holds(void)
{
    enum { N = FD_BATCH + 150 };
    static spy s[N];
    static int sv[N][2];

    memset(s, 0, sizeof(s));
    setup();
    for (int i = 0; i < N; i++) {
        fdent *e = watched_pair(sv[i], &s[i]);

        s[i].drain = 1;
        fd_want_recv(&loop, e, sv[i][0]);
        put_byte(sv[i][1]);
    }
    settle();
    for (int i = 0; i < N; i++) {
        CHECK_EQ(s[i].calls, 1);
        close_pair(sv[i]);
    }
    teardown();
}

/* Those that are level-triggered in the kernel must not serve the same first ones for ever. */
static void nobody_starves_behind_a_full_batch(void)
{
    enum { N = FD_BATCH * 2 };
    static spy s[N];
    static int sv[N][2];
    int unserved = 0;

    memset(s, 0, sizeof(s));
    setup();
    for (int i = 0; i < N; i++) {
        make_pair(sv[i]);
        fd_insert(&loop, sv[i][0], on_io, &s[i], loop.bit, FD_F_LEVEL);
        fd_want_recv(&loop, fd_ent(&loop, sv[i][0]), sv[i][0]);
        put_byte(sv[i][1]);
    }
    for (int i = 0; i < 4; i++)
        fdloop_wait(&loop, 0);
    for (int i = 0; i < N; i++) {
        unserved += !s[i].calls;
        close_pair(sv[i]);
    }
    CHECK_EQ(unserved, 0);
    teardown();
}

static void a_level_triggered_fd_is_reported_until_it_is_read(void)
{
    spy s = {0};
    int sv[2];
    fdent *e;

    setup();
    make_pair(sv);
    fd_insert(&loop, sv[0], on_io, &s, loop.bit, FD_F_LEVEL);
    e = fd_ent(&loop, sv[0]);
    fd_want_recv(&loop, e, sv[0]);
    put_byte(sv[1]);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(fdloop_wait(&loop, 1000), 1);
    CHECK(!fdloop_has_active(&loop));
    CHECK_EQ(e->ready, 0);
    fd_stop_recv(&loop, e, sv[0]);
    settle();
    CHECK_EQ(s.calls, 3);
    fd_want_send(&loop, e, sv[0]);
    CHECK_EQ(fdloop_wait(&loop, 1000), 1);
    CHECK_EQ(s.ready, FD_W);
    fd_want_recv(&loop, e, sv[0]);
    CHECK_EQ(fdloop_wait(&loop, 1000), 1);
    CHECK_EQ(s.ready, FD_R | FD_W);
    s.drain = 1;
    fd_stop_send(&loop, e, sv[0]);
    settle();
    CHECK_EQ(s.calls, 6);
    close_pair(sv);
    teardown();
}

static void an_exclusive_fd_follows_what_is_wanted(void)
{
    spy s = {0};
    int sv[2];
    fdent *e;

    setup();
    make_pair(sv);
    fd_insert(&loop, sv[0], on_io, &s, loop.bit, FD_F_EXCL);
    e = fd_ent(&loop, sv[0]);
    put_byte(sv[1]);
    for (int i = 0; i < 3; i++) {
        s.calls = 0;
        fd_want_recv(&loop, e, sv[0]);
        CHECK_EQ(fdloop_wait(&loop, 1000), 1);
        fd_stop_recv(&loop, e, sv[0]);
        settle();
        CHECK_EQ(s.calls, 1);
    }
    CHECK_EQ(figures().ctl_errors, 0);
    close_pair(sv);
    teardown();
}

/* --- sleeping ---------------------------------------------------------------------------------------------------- */

static int64_t now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000ll + ts.tv_nsec / 1000000;
}

static void waits_as_long_as_it_is_told(void)
{
    int64_t start;

    setup();
    start = now_ms();
    CHECK_EQ(fdloop_wait(&loop, 30), 0);
    CHECK(now_ms() - start >= 29);
    teardown();
}

static void who_gives_way_for_nothing_does_so_less_often(void)
{
    setup();
    for (int i = 0; i < 100; i++)
        CHECK_EQ(fdloop_wait(&loop, 1), 0);
    CHECK(figures().yields >= 1);
    CHECK(figures().yields < 20);
    CHECK_EQ(figures().waits, 100);
    teardown();
}

static void a_wake_up_before_the_wait_makes_it_return_at_once(void)
{
    setup();
    fdloop_wake(&loop);
    CHECK_EQ(fdloop_wait(&loop, -1), 0);
    CHECK_EQ(figures().wakeups, 1);
    fdloop_about_to_sleep(&loop);
    fdloop_wake(&loop);
    fdloop_wake(&loop);
    CHECK_EQ(fdloop_wait(&loop, -1), 0);
    CHECK_EQ(figures().wakeups, 2);
    teardown();
}

static void waking_one_who_is_awake_makes_no_system_call(void)
{
    uint64_t count;

    setup();
    fdloop_wake(&loop);
    CHECK(read(loop.wake_rd, &count, sizeof(count)) < 0 && errno == EAGAIN);
    fdloop_wait(&loop, 0);
    fdloop_about_to_sleep(&loop);
    fdloop_wake(&loop);
    fdloop_wake(&loop);
    CHECK_EQ(read(loop.wake_rd, &count, sizeof(count)), sizeof(count));
    CHECK_EQ(count, 1);
    teardown();
}

static void *wake_it(void *arg)
{
    while (!at_load(&loop.sleeping))
        sched_yield();
    fdloop_wake(arg);
    return NULL;
}

static void a_wake_up_ends_a_sleep(void)
{
    pthread_t t;

    setup();
    for (unsigned i = 1; i <= 20; i++) {
        REQUIRE(pthread_create(&t, NULL, wake_it, &loop) == 0);
        while (figures().wakeups < i) /* the write of the wake-up before may come late, and end a sleep, too */
            CHECK_EQ(fdloop_wait(&loop, -1), 0);
        pthread_join(t, NULL);
    }
    CHECK_EQ(figures().wakeups, 20);
    CHECK_EQ(figures().handlers, 0);
    teardown();
}

#define ROUNDS 20000

/* A queue between two threads: what is put in it before a wake-up is seen, whenever the wake-up comes. */
static uint32_t produced;

static void play(void *arg, int index)
{
    uint32_t seen = 0;

    (void)arg;
    if (index) {
        for (uint32_t i = 1; i <= ROUNDS; i++) {
            __atomic_store_n(&produced, i, __ATOMIC_RELAXED);
            fdloop_wake(&loop);
        }
        return;
    }
    while (seen < ROUNDS) {
        fdloop_about_to_sleep(&loop);
        if (at_peek(&produced) == seen)
            fdloop_wait(&loop, -1);
        else
            fdloop_wait(&loop, 0);
        seen = at_peek(&produced);
    }
}

static void no_wake_up_is_ever_missed(void)
{
    setup();
    produced = 0;
    check_threads(2, play, NULL);
    CHECK_EQ(produced, ROUNDS);
    teardown();
}

static int woke_calls, handlers_at_woke;

static void on_woke(fdloop *l)
{
    woke_calls++;
    handlers_at_woke = (int)l->fig.handlers;
}

static void tells_when_it_woke_before_any_handler_runs(void)
{
    spy s = {.drain = 1};
    int sv[2];

    setup();
    loop.woke = on_woke;
    woke_calls = 0;
    fdent *e = watched_pair(sv, &s);
    fd_want_recv(&loop, e, sv[0]);
    put_byte(sv[1]);
    CHECK_EQ(fdloop_wait(&loop, 1000), 1);
    CHECK_EQ(woke_calls, 1);
    CHECK_EQ(handlers_at_woke, 0);
    close_pair(sv);
    teardown();
}

/* --- fork -------------------------------------------------------------------------------------------------------- */

static int child(int fd, spy *s)
{
    if (fdloop_fork(&loop) < 0)
        return 2;
    put_byte(fd);
    for (int i = 0; i < 10 && !s->calls; i++)
        fdloop_wait(&loop, 100);
    fdloop_about_to_sleep(&loop);
    fdloop_wake(&loop);
    return s->calls == 1 && fdloop_wait(&loop, -1) >= 0 ? 0 : 3;
}

static void a_child_has_a_poller_of_its_own(void)
{
    spy s = {.drain = 1};
    int sv[2], status = -1;
    uint64_t count;
    pid_t pid;

    setup();
    fdent *e = watched_pair(sv, &s);
    fd_want_recv(&loop, e, sv[0]);
    settle();
    pid = fork();
    if (!pid)
        _exit(child(sv[1], &s));
    REQUIRE(waitpid(pid, &status, 0) == pid);
    CHECK_EQ(status, 0);
    CHECK_EQ(s.calls, 0);
    CHECK(read(loop.wake_rd, &count, sizeof(count)) < 0 && errno == EAGAIN); /* nor does the child wake us */
    put_byte(sv[1]);
    CHECK_EQ(fdloop_wait(&loop, 1000), 1);
    close_pair(sv);
    teardown();
}

/* --- births and deaths ------------------------------------------------------------------------------------------- */

static int count_fds(void)
{
    int n = 0;

    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static void many_loops_leave_no_fd_behind(void)
{
    int before = count_fds();

    for (int i = 0; i < 200; i++) {
        setup();
        fdloop_wait(&loop, 0);
        teardown();
    }
    CHECK_EQ(count_fds(), before);
}

static void without_fds_to_spare_a_loop_refuses_to_start(void)
{
    struct rlimit old, none;
    int ret, before = count_fds();

    getrlimit(RLIMIT_NOFILE, &old);
    none = old;
    none.rlim_cur = 0;
    REQUIRE(fdtab_init(&tab, 64, NULL) == 0);
    setrlimit(RLIMIT_NOFILE, &none);
    ret = fdloop_init(&loop, &tab, 0, with, NULL);
    setrlimit(RLIMIT_NOFILE, &old);
    CHECK_EQ(ret, -EMFILE);
    CHECK_EQ(count_fds(), before);
    fdtab_fini(&tab);
}

static void every_claim(void)
{
    RUN(calls_the_handler_when_bytes_arrive);
    RUN(calls_the_handler_when_there_is_room_again);
    RUN(an_unread_fd_stays_active_without_the_kernel);
    RUN(what_was_ready_before_it_was_wanted_is_not_lost);
    RUN(a_handler_that_reads_all_leaves_nothing_active);
    RUN(tells_that_the_peer_has_finished_writing);
    RUN(tells_that_the_peer_is_gone);
    RUN(changes_of_mind_cost_no_call_when_edge_triggered);
    RUN(an_fd_closed_in_the_turn_of_its_insertion_never_reaches_the_kernel);
    RUN(an_fd_that_wants_nothing_is_not_polled);
    RUN(a_regular_file_is_always_ready);
    RUN(a_removed_fd_is_open_and_silent);
    RUN(a_closed_fd_with_a_twin_is_silent);
    RUN(serves_more_fds_than_a_batch_holds);
    RUN(nobody_starves_behind_a_full_batch);
    RUN(a_level_triggered_fd_is_reported_until_it_is_read);
    RUN(an_exclusive_fd_follows_what_is_wanted);
    RUN(waits_as_long_as_it_is_told);
    RUN(who_gives_way_for_nothing_does_so_less_often);
    RUN(a_wake_up_before_the_wait_makes_it_return_at_once);
    RUN(waking_one_who_is_awake_makes_no_system_call);
    RUN(a_wake_up_ends_a_sleep);
    RUN(no_wake_up_is_ever_missed);
    RUN(tells_when_it_woke_before_any_handler_runs);
    RUN(a_child_has_a_poller_of_its_own);
    RUN(many_loops_leave_no_fd_behind);
    RUN(without_fds_to_spare_a_loop_refuses_to_start);
}

static void the_preferred_poller_that_is_not_disabled_is_taken(void)
{
    CHECK(poller_best(0) == poller_by_index(0));
    CHECK(!strcmp(poller_best(1u << poller_index("epoll"))->name, "poll"));
    CHECK(!strcmp(poller_best(1u << poller_index("epoll") | 1u << poller_index("poll"))->name, "select"));
    CHECK(!poller_best(~0u));
    CHECK_EQ(poller_index("devpoll"), -1);
    CHECK(!poller_by_index(-1) && !poller_by_index(99) && !poller_name(99));
    CHECK_EQ(poller_pref(poller_index("select")), 150);
    with = NULL;
    setup();
    CHECK(!strcmp(fdloop_poller(&loop), "epoll"));
    teardown();
}

int main(void)
{
    struct rlimit lim;

    getrlimit(RLIMIT_NOFILE, &lim);
    lim.rlim_cur = lim.rlim_max < MAXFD ? lim.rlim_max : MAXFD;
    REQUIRE(setrlimit(RLIMIT_NOFILE, &lim) == 0);
    RUN(the_preferred_poller_that_is_not_disabled_is_taken);
    for (int i = 0; poller_by_index(i); i++) {
        with = poller_by_index(i);
        printf("%s\n", with->name);
        every_claim();
    }
    return check_done();
}
