/* sources: lockset lock fd poll loop ev_epoll ev_poll ev_select */
/* The fd table: generations, the fd cache, fds that are closed, reused, shared and moved while others look at them. */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "check.h"
#include "poll.h"

#define MAXFD 1024

static fdtab tab;
static fdloop loops[4];
static lockset *locks;
static const poller *with; /* the poller under test */

static void setup(int nloops)
{
    REQUIRE(fdtab_init(&tab, MAXFD, locks) == 0);
    for (int i = 0; i < nloops; i++)
        REQUIRE(fdloop_init(&loops[i], &tab, i, with, NULL) == 0);
}

static void teardown(int nloops)
{
    for (int i = 0; i < nloops; i++)
        fdloop_fini(&loops[i]);
    fdtab_fini(&tab);
}

static void make_pair(int sv[2])
{
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, sv) == 0);
}

static void put_byte(int fd) { CHECK_EQ(write(fd, "x", 1), 1); }

/* Reads all there is; returns how many bytes. */
static int drain(fdloop *l, fdent *e, int fd)
{
    char buf[256];
    int sum = 0;
    ssize_t n;

    while ((n = read(fd, buf, sizeof(buf))) > 0)
        sum += (int)n;
    fd_cant_recv(l, e, fd);
    return sum;
}

static void add_bytes(fdloop *l, fdent *e, int fd)
{
    int n = drain(l, e, fd);

    __atomic_add_fetch((int *)e->owner, n, __ATOMIC_RELAXED);
}

static void never(fdloop *l, fdent *e, int fd)
{
    (void)l;
    (void)e;
    printf("handler of fd %d called\n", fd);
    CHECK(!"this handler must not be called");
}

static void settle(fdloop *l)
{
    for (int i = 0; i < 10; i++)
        fdloop_run_cache(l), fdloop_wait(l, 0);
}

/* --- one thread -------------------------------------------------------------------------------------------------- */

static void generations_differ_and_are_never_0(void)
{
    int sv[2];
    uint32_t a, b;

    setup(1);
    make_pair(sv);
    a = fd_insert(&loops[0], sv[0], never, NULL, 1, 0);
    CHECK(a != 0);
    fd_remove(&loops[0], sv[0]);
    CHECK(fd_ent(&loops[0], sv[0])->gen != a);
    fd_ent(&loops[0], sv[0])->gen = UINT32_MAX;
    b = fd_insert(&loops[0], sv[0], never, NULL, 1, 0);
    CHECK_EQ(b, 1);
    fd_close(&loops[0], sv[0]);
    close(sv[1]);
    teardown(1);
}

static void refuses_what_does_not_fit(void)
{
    fd_info info;

    setup(1);
    CHECK_EQ(fd_insert(&loops[0], MAXFD, never, NULL, 1, 0), 0);
    CHECK_EQ(fd_insert(&loops[0], -1, never, NULL, 1, 0), 0);
    CHECK_EQ(fd_insert(&loops[0], 5, never, NULL, 0, 0), 0);
    CHECK_EQ(fd_close(&loops[0], MAXFD), -EBADF);
    CHECK_EQ(fd_close(&loops[0], -1), -EBADF);
    CHECK_EQ(fd_remove(&loops[0], 5), -EBADF);
    CHECK_EQ(fd_describe(&tab, MAXFD, &info), -EBADF);
    CHECK_EQ(fdtab_top(&tab), 0);
    CHECK_EQ(fdloop_init(&loops[1], &tab, FD_MAXTHREADS, with, NULL), -EINVAL);
    fdtab none;
    CHECK_EQ(fdtab_init(&none, 0, NULL), -EINVAL);
    teardown(1);
}

static void describes_an_fd(void)
{
    fd_info info;
    int sv[2];

    setup(1);
    make_pair(sv);
    uint32_t gen = fd_insert(&loops[0], sv[0], add_bytes, NULL, 1, FD_F_DUP);
    fdent *e = fd_ent(&loops[0], sv[0]);
    fd_want_recv(&loops[0], e, sv[0]);
    fd_may_send(&loops[0], e, sv[0]);
    fdloop_flush(&loops[0]);
    CHECK_EQ(fd_describe(&tab, sv[0], &info), 0);
    CHECK_EQ(info.gen, gen);
    CHECK_EQ(info.want, FD_R);
    CHECK_EQ(info.ready, FD_W);
    CHECK_EQ(info.flags, FD_F_DUP);
    CHECK_EQ(info.thread_mask, 1);
    CHECK_EQ(info.polled_mask, 1);
    CHECK_EQ(fdtab_top(&tab), sv[0] + 1);
    fd_close(&loops[0], sv[0]);
    CHECK_EQ(fd_describe(&tab, sv[0], &info), 0);
    CHECK_EQ(info.thread_mask, 0);
    close(sv[1]);
    teardown(1);
}

typedef struct twins {
    int fd[2];
    int peer[2];
    int calls;
} twins;

/* The other one's event is in the same batch. */
static void close_the_other(fdloop *l, fdent *e, int fd)
{
    twins *t = e->owner;
    int other = t->fd[0] == fd ? 1 : 0;

    t->calls++;
    drain(l, e, fd);
    CHECK_EQ(fd_close(l, t->fd[other]), 0);
    t->fd[other] = -1;
}

static void watched_twins(twins *t, fd_iocb cb)
{
    t->calls = 0;
    for (int i = 0; i < 2; i++) {
        int sv[2];

        make_pair(sv);
        t->fd[i] = sv[0];
        t->peer[i] = sv[1];
        fd_insert(&loops[0], sv[0], cb, t, 1, 0);
        fd_want_recv(&loops[0], fd_ent(&loops[0], sv[0]), sv[0]);
    }
    settle(&loops[0]);
    for (int i = 0; i < 2; i++)
        put_byte(t->peer[i]);
}

static void close_twins(twins *t)
{
    for (int i = 0; i < 2; i++) {
        if (t->fd[i] >= 0)
            fd_close(&loops[0], t->fd[i]);
        close(t->peer[i]);
    }
}

static void an_fd_closed_by_another_handler_of_the_batch_is_not_called(void)
{
    twins t;

    setup(1);
    watched_twins(&t, close_the_other);
    CHECK_EQ(fdloop_wait(&loops[0], 1000), 1);
    CHECK_EQ(t.calls, 1);
    CHECK_EQ(loops[0].fig.stale, 1);
    settle(&loops[0]);
    CHECK_EQ(t.calls, 1);
    close_twins(&t);
    teardown(1);
}

/* The number of the closed one stands for a new file, which has nothing to read. */
static void replace_the_other(fdloop *l, fdent *e, int fd)
{
    twins *t = e->owner;
    int other = t->fd[0] == fd ? 1 : 0, was = t->fd[other], sv[2];

    close_the_other(l, e, fd);
    make_pair(sv);
    CHECK_EQ(sv[0], was);
    CHECK(fd_insert(l, sv[0], never, NULL, 1, 0) != 0);
    fd_want_recv(l, fd_ent(l, sv[0]), sv[0]);
    close(t->peer[other]);
    t->fd[other] = sv[0];
    t->peer[other] = sv[1];
}

static void a_reused_number_does_not_get_the_events_of_its_forerunner(void)
{
    twins t;

    setup(1);
    watched_twins(&t, replace_the_other);
    CHECK_EQ(fdloop_wait(&loops[0], 1000), 1);
    settle(&loops[0]);
    CHECK_EQ(t.calls, 1);
    int bytes = 0, fd = t.fd[1];
    fdent *e = fd_ent(&loops[0], fd);
    if (e->iocb != never)
        e = fd_ent(&loops[0], fd = t.fd[0]);
    CHECK(e->iocb == never && e->ready != FD_R);
    e->iocb = add_bytes;
    e->owner = &bytes;
    put_byte(fd == t.fd[0] ? t.peer[0] : t.peer[1]);
    CHECK_EQ(fdloop_wait(&loops[0], 1000), 1);
    CHECK_EQ(bytes, 1);
    close_twins(&t);
    teardown(1);
}

typedef struct phoenix {
    int calls, fd, peer;
} phoenix;

static void rise_again(fdloop *l, fdent *e, int fd)
{
    phoenix *p = e->owner;
    int sv[2];

    p->calls++;
    if (p->calls > 1) {
        drain(l, e, fd);
        return;
    }
    fd_close(l, fd);
    close(p->peer);
    make_pair(sv);
    CHECK_EQ(sv[0], fd);
    p->peer = sv[1];
    put_byte(sv[1]);
    fd_insert(l, sv[0], rise_again, p, 1, 0);
    fd_want_recv(l, fd_ent(l, sv[0]), sv[0]);
    fd_may_recv(l, fd_ent(l, sv[0]), sv[0]);
}

static void a_handler_may_close_its_fd_and_insert_one_of_the_same_number(void)
{
    phoenix p = {0};
    int sv[2];

    setup(1);
    make_pair(sv);
    p.fd = sv[0];
    p.peer = sv[1];
    fd_insert(&loops[0], sv[0], rise_again, &p, 1, 0);
    fd_want_recv(&loops[0], fd_ent(&loops[0], sv[0]), sv[0]);
    put_byte(sv[1]);
    CHECK_EQ(fdloop_wait(&loops[0], 1000), 1);
    CHECK(fdloop_has_active(&loops[0]));
    CHECK_EQ(fdloop_run_cache(&loops[0]), 1);
    CHECK_EQ(p.calls, 2);
    fd_close(&loops[0], p.fd);
    close(p.peer);
    teardown(1);
}

static void an_active_fd_is_called_once_a_turn(void)
{
    int sv[2], bytes = 0;

    setup(1);
    make_pair(sv);
    fd_insert(&loops[0], sv[0], add_bytes, &bytes, 1, 0);
    fdent *e = fd_ent(&loops[0], sv[0]);
    put_byte(sv[1]);
    for (int i = 0; i < 5; i++) {
        fd_may_recv(&loops[0], e, sv[0]);
        fd_want_recv(&loops[0], e, sv[0]);
        fd_stop_recv(&loops[0], e, sv[0]);
        fd_want_recv(&loops[0], e, sv[0]);
    }
    CHECK_EQ(fdloop_run_cache(&loops[0]), 1);
    CHECK_EQ(bytes, 1);
    CHECK_EQ(fdloop_run_cache(&loops[0]), 0);
    fd_close(&loops[0], sv[0]);
    close(sv[1]);
    teardown(1);
}

/* A number that comes and goes in one turn leaves a stale entry each time; there is room for one per fd. */
static void the_cache_holds_any_number_of_stale_entries(void)
{
    int sv[2], bytes = 0, fd[8], n = 0;

    REQUIRE(fdtab_init(&tab, 64, NULL) == 0);
    REQUIRE(fdloop_init(&loops[0], &tab, 0, with, NULL) == 0);
    make_pair(sv);
    for (; n < 8; n++) {
        fd[n] = dup(sv[0]);
        fd_insert(&loops[0], fd[n], add_bytes, &bytes, 1, FD_F_DUP);
        fd_may_recv(&loops[0], fd_ent(&loops[0], fd[n]), fd[n]);
        fd_want_recv(&loops[0], fd_ent(&loops[0], fd[n]), fd[n]);
    }
    for (int i = 0; i < 1000; i++) {
        fd_insert(&loops[0], sv[0], never, NULL, 1, 0);
        fd_may_recv(&loops[0], fd_ent(&loops[0], sv[0]), sv[0]);
        fd_want_recv(&loops[0], fd_ent(&loops[0], sv[0]), sv[0]);
        fd_remove(&loops[0], sv[0]);
    }
    put_byte(sv[1]);
    CHECK_EQ(fdloop_run_cache(&loops[0]), 8);
    CHECK_EQ(bytes, 1);
    while (n--)
        fd_close(&loops[0], fd[n]);
    close(sv[0]);
    close(sv[1]);
    teardown(1);
}

/* --- shared fds -------------------------------------------------------------------------------------------------- */

typedef struct meeting {
    int sv[2];
    int bytes; /* atomic */
    int stop;  /* atomic */
    int calls[4];
    pthread_barrier_t all;
} meeting;

static void count_shared(fdloop *l, fdent *e, int fd)
{
    meeting *m = e->owner;
    char c;

    m->calls[l->tid]++;
    while (read(fd, &c, 1) == 1)
        __atomic_add_fetch(&m->bytes, 1, __ATOMIC_RELAXED);
}

#define SHARED_BYTES 3000

static void serve_until_stopped(void *arg, int index)
{
    meeting *m = arg;

    if (index == 0) {
        for (int i = 0; i < SHARED_BYTES; i++) {
            while (write(m->sv[1], "x", 1) != 1)
                sched_yield();
            if (i % 100 == 0)
                sched_yield();
        }
        while (__atomic_load_n(&m->bytes, __ATOMIC_RELAXED) < SHARED_BYTES)
            sched_yield();
        at_store(&m->stop, 1);
        fdloop_wake(&loops[0]);
        fdloop_wake(&loops[1]);
        return;
    }
    while (!at_load(&m->stop))
        fdloop_wait(&loops[index - 1], -1);
}

static void shared_by_two(meeting *m, uint8_t flags)
{
    memset(m, 0, sizeof(*m));
    make_pair(m->sv);
    CHECK(fd_insert(&loops[0], m->sv[0], count_shared, m, 3, flags) != 0);
    CHECK(fd_is_level(fd_ent(&loops[0], m->sv[0])));
}

static void two_threads_serve_a_shared_fd(void)
{
    for (int excl = 0; excl < 2; excl++) {
        meeting m;

        setup(2);
        shared_by_two(&m, excl ? FD_F_EXCL : 0);
        fd_want_recv(&loops[0], fd_ent(&loops[0], m.sv[0]), m.sv[0]);
        check_threads(3, serve_until_stopped, &m);
        CHECK_EQ(m.bytes, SHARED_BYTES);
        fd_close(&loops[0], m.sv[0]);
        close(m.sv[1]);
        teardown(2);
    }
}

static void what_one_thread_wants_of_a_shared_fd_all_poll_for(void)
{
    meeting m;

    setup(2);
    shared_by_two(&m, 0);
    fdent *e = fd_ent(&loops[0], m.sv[0]);
    put_byte(m.sv[1]);
    settle(&loops[1]);
    CHECK_EQ(m.calls[1], 0);
    fd_want_recv(&loops[0], e, m.sv[0]);
    CHECK(fdloop_wait(&loops[1], 1000) == 1 || fdloop_wait(&loops[1], 1000) == 1);
    CHECK_EQ(m.calls[1], 1);
    fd_stop_recv(&loops[0], e, m.sv[0]);
    put_byte(m.sv[1]);
    settle(&loops[0]);
    settle(&loops[1]);
    CHECK_EQ(m.calls[0] + m.calls[1], 1);
    /* and the poller is silent, rather than its events dropped */
    uint64_t events = loops[1].fig.events;
    settle(&loops[1]);
    CHECK_EQ(loops[1].fig.events, events);
    fd_close(&loops[1], m.sv[0]);
    close(m.sv[1]);
    teardown(2);
}

static void a_loop_that_comes_later_serves_shared_fds(void)
{
    meeting m;

    setup(1);
    shared_by_two(&m, FD_F_EXCL);
    fd_want_recv(&loops[0], fd_ent(&loops[0], m.sv[0]), m.sv[0]);
    put_byte(m.sv[1]);
    REQUIRE(fdloop_init(&loops[1], &tab, 1, with, NULL) == 0);
    CHECK_EQ(fdloop_wait(&loops[1], 1000), 1);
    fdloop_fini(&loops[1]);
    put_byte(m.sv[1]);
    CHECK_EQ(fdloop_wait(&loops[0], 1000), 1);
    CHECK_EQ(m.bytes, 2);
    fd_close(&loops[0], m.sv[0]);
    close(m.sv[1]);
    teardown(1);
}

static void a_removed_shared_fd_leaves_all_pollers(void)
{
    meeting m;

    setup(2);
    shared_by_two(&m, 0);
    fd_want_recv(&loops[0], fd_ent(&loops[0], m.sv[0]), m.sv[0]);
    settle(&loops[0]);
    settle(&loops[1]);
    CHECK_EQ(fd_remove(&loops[0], m.sv[0]), 0);
    put_byte(m.sv[1]);
    settle(&loops[1]);
    uint64_t events = loops[1].fig.events;
    settle(&loops[1]);
    CHECK_EQ(loops[1].fig.events, events);
    CHECK_EQ(m.calls[0] + m.calls[1], 0);
    close(m.sv[0]);
    close(m.sv[1]);
    teardown(2);
}

/* The handler of one thread stays inside while another one closes the fd. */
static void stay_inside(fdloop *l, fdent *e, int fd)
{
    meeting *m = e->owner;
    char c;

    (void)l;
    pthread_barrier_wait(&m->all); /* entered */
    pthread_barrier_wait(&m->all); /* the other has closed it */
    CHECK(read(fd, &c, 1) == 1 && c == 'x');
}

static void close_while_inside(void *arg, int index)
{
    meeting *m = arg;

    if (index == 0) {
        CHECK_EQ(fdloop_wait(&loops[0], 1000), 1);
        return;
    }
    pthread_barrier_wait(&m->all);
    CHECK_EQ(fd_close(&loops[1], m->sv[0]), 0);
    CHECK(fcntl(m->sv[0], F_GETFD) >= 0);
    pthread_barrier_wait(&m->all);
}

static void a_shared_fd_closed_under_a_handler_stays_open_until_it_returns(void)
{
    meeting m;

    setup(2);
    shared_by_two(&m, 0);
    fd_ent(&loops[0], m.sv[0])->iocb = stay_inside;
    pthread_barrier_init(&m.all, NULL, 2);
    fd_want_recv(&loops[0], fd_ent(&loops[0], m.sv[0]), m.sv[0]);
    put_byte(m.sv[1]);
    check_threads(2, close_while_inside, &m);
    CHECK(fcntl(m.sv[0], F_GETFD) < 0);
    pthread_barrier_destroy(&m.all);
    close(m.sv[1]);
    teardown(2);
}

/* Shared fds come and go while threads serve them: numbers are reused at once, no event may reach the wrong one. */
#define SHARED_ROUNDS 3000

typedef struct numbered {
    int fd, stopped;
} numbered;

static numbered pool_of[SHARED_ROUNDS];

static void check_identity(fdloop *l, fdent *e, int fd)
{
    numbered *n = e->owner;
    char c;

    (void)l;
    if (n->fd != fd)
        CHECK(!"an event reached the owner of another fd");
    while (read(fd, &c, 1) == 1)
        ;
}

static void come_and_go(void *arg, int index)
{
    meeting *m = arg;

    while (index && !at_load(&m->stop))
        fdloop_wait(&loops[index], -1);
    for (int i = 0; !index && i < SHARED_ROUNDS; i++) {
        int sv[2];

        make_pair(sv);
        pool_of[i].fd = sv[0];
        fd_insert(&loops[0], sv[0], check_identity, &pool_of[i], 7, i % 2 ? FD_F_EXCL : 0);
        fd_want_recv(&loops[0], fd_ent(&loops[0], sv[0]), sv[0]);
        put_byte(sv[1]);
        fdloop_wait(&loops[0], 0);
        fd_close(&loops[0], sv[0]);
        close(sv[1]);
    }
    if (!index) {
        at_store(&m->stop, 1);
        fdloop_wake(&loops[1]);
        fdloop_wake(&loops[2]);
    }
}

static void shared_fds_come_and_go_under_load(void)
{
    meeting m = {.stop = 0};

    setup(3);
    check_threads(3, come_and_go, &m);
    teardown(3);
}

/* --- moving ------------------------------------------------------------------------------------------------------ */

static void a_moved_fd_is_served_by_its_new_thread_only(void)
{
    int sv[2], bytes = 0;

    setup(2);
    make_pair(sv);
    uint32_t gen = fd_insert(&loops[0], sv[0], add_bytes, &bytes, 1, 0);
    fdent *e = fd_ent(&loops[0], sv[0]);
    fd_want_recv(&loops[0], e, sv[0]);
    settle(&loops[0]);
    CHECK_EQ(fd_migrate(NULL, &loops[1], sv[0]), 0);
    CHECK(e->gen != gen);
    CHECK_EQ(e->thread_mask, 2);
    settle(&loops[1]);
    put_byte(sv[1]);
    settle(&loops[0]);
    CHECK_EQ(bytes, 0);
    settle(&loops[1]);
    CHECK_EQ(bytes, 1);
    CHECK_EQ(e->polled_mask, 2);
    CHECK_EQ(fd_migrate(&loops[1], &loops[1], sv[0]), 0);
    CHECK_EQ(fd_close(&loops[1], sv[0]), 0);
    close(sv[1]);
    teardown(2);
}

static void what_is_not_one_threads_cannot_be_moved(void)
{
    meeting m;

    setup(2);
    shared_by_two(&m, 0);
    CHECK_EQ(fd_migrate(NULL, &loops[1], m.sv[0]), -EINVAL);
    CHECK_EQ(fd_migrate(NULL, &loops[1], m.sv[1]), -EBADF);
    fd_close(&loops[0], m.sv[0]);
    CHECK_EQ(fd_migrate(NULL, &loops[1], m.sv[0]), -EBADF);
    close(m.sv[1]);
    make_pair(m.sv);
    fd_insert(&loops[0], m.sv[0], never, NULL, 8, 0);
    CHECK_EQ(fd_migrate(NULL, &loops[1], m.sv[0]), -ESRCH);
    fd_close(&loops[0], m.sv[0]);
    close(m.sv[1]);
    teardown(2);
}

static int migration;

static void try_to_be_moved(fdloop *l, fdent *e, int fd)
{
    (void)e;
    migration = fd_migrate(l, &loops[1], fd);
    drain(l, e, fd);
}

static void an_fd_that_is_being_run_cannot_be_moved(void)
{
    int sv[2];

    setup(2);
    make_pair(sv);
    fd_insert(&loops[0], sv[0], try_to_be_moved, NULL, 1, 0);
    fd_want_recv(&loops[0], fd_ent(&loops[0], sv[0]), sv[0]);
    put_byte(sv[1]);
    migration = 1;
    CHECK_EQ(fdloop_wait(&loops[0], 1000), 1);
    CHECK_EQ(migration, -EBUSY);
    CHECK_EQ(fd_migrate(&loops[0], &loops[1], sv[0]), 0);
    fd_close(&loops[1], sv[0]);
    close(sv[1]);
    teardown(2);
}

static void the_event_that_an_fd_brings_along_is_not_lost(void)
{
    int sv[2], bytes = 0;

    setup(2);
    make_pair(sv);
    fd_insert(&loops[0], sv[0], add_bytes, &bytes, 1, 0);
    fd_want_recv(&loops[0], fd_ent(&loops[0], sv[0]), sv[0]);
    settle(&loops[0]);
    put_byte(sv[1]);
    CHECK_EQ(fd_migrate(&loops[0], &loops[1], sv[0]), 0);
    CHECK_EQ(fdloop_wait(&loops[1], 1000), 1);
    CHECK_EQ(bytes, 1);
    fd_close(&loops[1], sv[0]);
    close(sv[1]);
    teardown(2);
}

/* The instant in which fd_migrate() has looked and not yet changed the entry, drawn out: an event comes in. */
static int waiter_done;

static void migrate_slowly(void *arg, int index)
{
    int fd = *(int *)arg;
    fdent *e = fd_ent(&loops[0], fd);

    if (index == 0) {
        while (at_load(&loops[0].claimed) != fd)
            sched_yield();
        CHECK_EQ(fdloop_wait(&loops[0], 1000), 0);
        at_store(&waiter_done, 1);
        return;
    }
    spin_lock(&loops[0].in_lock);
    at_store(&loops[0].claimed, fd);
    while (at_load(&loops[0].running) != fd && !at_load(&waiter_done))
        sched_yield();
    at_add(&e->gen, 1);
    at_store(&e->thread_mask, 2);
    at_store(&loops[0].claimed, -1);
    spin_unlock(&loops[0].in_lock);
}

static void a_loop_keeps_off_an_fd_that_is_being_moved(void)
{
    int sv[2];

    setup(2);
    make_pair(sv);
    fd_insert(&loops[0], sv[0], never, NULL, 1, 0);
    fd_want_recv(&loops[0], fd_ent(&loops[0], sv[0]), sv[0]);
    fdloop_flush(&loops[0]);
    put_byte(sv[1]);
    waiter_done = 0;
    check_threads(2, migrate_slowly, &sv[0]);
    CHECK_EQ(loops[0].fig.stale, 1);
    fd_close(&loops[1], sv[0]);
    close(sv[1]);
    teardown(2);
}

/* Threads take idle fds from each other while bytes come in for them: each byte is read once, by the owner. As with
 * idle connections, who owns one is told by a list under a lock, and the handler takes that lock, too. */
#define IDLE_FDS 8
#define MOVES 20000
#define FEEDS 6000

typedef struct idle {
    int fd, peer;
    int owner;       /* guarded by the lock */
    int in_use;      /* the same: taken off the list by its owner */
    int bytes;       /* plain: only one thread at a time may read the fd */
    int last_thread; /* the same */
} idle;

static idle idles[IDLE_FDS];
static spinlock idle_lock;
static int fed, movers_left, moved, busy;

static void read_idle(fdloop *l, fdent *e, int fd)
{
    idle *it = e->owner;

    it->bytes += drain(l, e, fd);
    it->last_thread = l->tid;
    spin_lock(&idle_lock);
    if (it->owner != l->tid || it->in_use)
        CHECK(!"a thread runs an fd that was taken away");
    spin_unlock(&idle_lock);
}

static void take_one(fdloop *l, idle *it)
{
    int ret;

    spin_lock(&idle_lock);
    ret = it->owner == l->tid || it->in_use ? 1 : fd_migrate(&loops[it->owner], l, it->fd);
    if (!ret) {
        it->owner = l->tid;
        it->in_use = 1;
    }
    spin_unlock(&idle_lock);
    __atomic_add_fetch(ret ? &busy : &moved, ret <= 0, __ATOMIC_RELAXED);
    if (ret)
        return;
    it->bytes += drain(l, fd_ent(l, it->fd), it->fd); /* it is ours now: no lock */
    it->last_thread = l->tid;
    spin_lock(&idle_lock);
    it->in_use = 0;
    spin_unlock(&idle_lock);
}

static void feed(void)
{
    for (int i = 0; i < FEEDS; i++) {
        while (write(idles[i % IDLE_FDS].peer, "x", 1) != 1)
            sched_yield();
        if (i % 16 == 0)
            sched_yield();
    }
    at_store(&fed, 1);
}

static void steal(void *arg, int index)
{
    fdloop *l = &loops[index];
    unsigned seed = (unsigned)index * 7919u + 1;

    (void)arg;
    if (index == 3) {
        feed();
        return;
    }
    for (int i = 0; i < MOVES || !at_load(&fed); i++) {
        seed = seed * 1103515245u + 12345u;
        take_one(l, &idles[(seed >> 16) % IDLE_FDS]);
        if (i % 4 == 0)
            fdloop_run_cache(l), fdloop_wait(l, 0);
        if (i % 16 == 0)
            sched_yield();
    }
    at_sub(&movers_left, 1);
    while (at_load(&movers_left)) /* others may take from us still: what they don't is ours to serve */
        fdloop_wait(l, 0);
    settle(l);
}

static void idle_fds_are_taken_over_under_load(void)
{
    setup(3);
    spin_init(&idle_lock, locks, LBL_IDLE);
    fed = moved = busy = 0;
    movers_left = 3;
    for (int i = 0; i < IDLE_FDS; i++) {
        int sv[2];

        make_pair(sv);
        idles[i] = (idle){.fd = sv[0], .peer = sv[1], .owner = i % 3};
        fd_insert(&loops[i % 3], sv[0], read_idle, &idles[i], 1ull << i % 3, 0);
        fd_want_recv(&loops[i % 3], fd_ent(&loops[i % 3], sv[0]), sv[0]);
    }
    check_threads(4, steal, NULL);
    int sum = 0;
    for (int i = 0; i < IDLE_FDS; i++) {
        sum += idles[i].bytes;
        CHECK_EQ(fd_close(&loops[idles[i].owner], idles[i].fd), 0);
        close(idles[i].peer);
    }
    CHECK_EQ(sum, FEEDS);
    CHECK(moved > 1000);
    teardown(3);
}

/* Each thread opens and closes its own fds as fast as it can, so that numbers go from thread to thread. */
static void churn(void *arg, int index)
{
    fdloop *l = &loops[index];

    (void)arg;
    for (int i = 0; i < 2000; i++) {
        int sv[2], bytes = 0;

        make_pair(sv);
        CHECK(fd_insert(l, sv[0], add_bytes, &bytes, l->bit, 0) != 0);
        fd_want_recv(l, fd_ent(l, sv[0]), sv[0]);
        put_byte(sv[1]);
        for (int turn = 0; !bytes && turn < 1000; turn++)
            fdloop_wait(l, 10);
        CHECK_EQ(bytes, 1);
        if (i % 3)
            put_byte(sv[1]), fdloop_flush(l);
        fd_close(l, sv[0]);
        close(sv[1]);
    }
    CHECK_EQ(l->fig.ctl_errors, 0);
}

static void numbers_wander_between_threads(void)
{
    setup(4);
    check_threads(4, churn, NULL);
    teardown(4);
}

static void every_claim(void)
{
    RUN(generations_differ_and_are_never_0);
    RUN(refuses_what_does_not_fit);
    RUN(describes_an_fd);
    RUN(an_fd_closed_by_another_handler_of_the_batch_is_not_called);
    RUN(a_reused_number_does_not_get_the_events_of_its_forerunner);
    RUN(a_handler_may_close_its_fd_and_insert_one_of_the_same_number);
    RUN(an_active_fd_is_called_once_a_turn);
    RUN(the_cache_holds_any_number_of_stale_entries);
    RUN(two_threads_serve_a_shared_fd);
    RUN(what_one_thread_wants_of_a_shared_fd_all_poll_for);
    RUN(a_loop_that_comes_later_serves_shared_fds);
    RUN(a_removed_shared_fd_leaves_all_pollers);
    RUN(a_shared_fd_closed_under_a_handler_stays_open_until_it_returns);
    RUN(shared_fds_come_and_go_under_load);
    RUN(a_moved_fd_is_served_by_its_new_thread_only);
    RUN(what_is_not_one_threads_cannot_be_moved);
    RUN(an_fd_that_is_being_run_cannot_be_moved);
    RUN(the_event_that_an_fd_brings_along_is_not_lost);
    RUN(a_loop_keeps_off_an_fd_that_is_being_moved);
    RUN(idle_fds_are_taken_over_under_load);
    RUN(numbers_wander_between_threads);
}

int main(void)
{
    char text[128];

    REQUIRE((locks = lockset_new(0)) != NULL);
    lockset_enable(locks, LOCK_F_ORDER);
    for (int i = 0; poller_by_index(i); i++) {
        with = poller_by_index(i);
        printf("%s\n", with->name);
        every_claim();
    }
    if (!CHECK(!lockset_violations(locks)))
        printf("%s\n", lockset_violation(locks, text, sizeof(text)) ? text : "");
    lockset_free(locks);
    return check_done();
}
