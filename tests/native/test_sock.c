/* sources: sock */
#include "sock.h"

#include "check.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static const sock_how plain;

static sock_addr loopback(int port)
{
    sock_addr a;

    REQUIRE(sock_addr_set(&a, AF_INET, "\x7f\0\0\1", 4, port) == 0);
    return a;
}

static int listen_on(const sock_addr *a)
{
    return sock_listen(a, 0, 0, 0, 0, NULL, -1, -1, -1);
}

static void wait_for(int fd, short what)
{
    struct pollfd p = {fd, what, 0};

    REQUIRE(poll(&p, 1, 10000) == 1);
}

static void addresses_say_what_was_set(void)
{
    char out[128], six[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    sock_addr a;

    CHECK_EQ(sock_addr_set(&a, AF_INET, "\1\2\3\4", 4, 65535), 0);
    CHECK(sock_addr_family(&a) == AF_INET && sock_addr_port(&a) == 65535);
    CHECK(sock_addr_host(&a, out, sizeof(out)) == 4 && !memcmp(out, "\1\2\3\4", 4));
    CHECK_EQ(sock_addr_set(&a, AF_INET6, six, 16, 1), 0);
    CHECK(sock_addr_host(&a, out, sizeof(out)) == 16 && !memcmp(out, six, 16));
    CHECK_EQ(sock_addr_set(&a, AF_UNIX, "/tmp/x", 6, 0), 0);
    CHECK(sock_addr_host(&a, out, sizeof(out)) == 6 && !memcmp(out, "/tmp/x", 6));
    CHECK_EQ(sock_addr_set(&a, AF_UNIX, "\0abc", 4, 0), 0);
    CHECK(sock_addr_host(&a, out, sizeof(out)) == 4 && !memcmp(out, "\0abc", 4));
    CHECK_EQ(sock_addr_host(&a, out, 2), 2);
}

static void lengths_that_do_not_fit_are_refused(void)
{
    char path[200];
    sock_addr a;

    memset(path, 'p', sizeof(path));
    CHECK_EQ(sock_addr_set(&a, AF_INET, "abc", 3, 0), -EINVAL);
    CHECK_EQ(sock_addr_set(&a, AF_INET6, "abcd", 4, 0), -EINVAL);
    CHECK_EQ(sock_addr_set(&a, AF_UNIX, path, 108, 0), -EINVAL);
    CHECK_EQ(sock_addr_set(&a, AF_UNIX, path, 0, 0), -EINVAL);
    CHECK_EQ(sock_addr_set(&a, 12345, "", 0, 0), -EINVAL);
    CHECK_EQ(sock_addr_family(&a), AF_UNSPEC);
}

static void listens_accepts_and_connects(void)
{
    sock_addr a = loopback(0), peer, me;
    int l = listen_on(&a), c, s;

    REQUIRE(l >= 0 && sock_name(l, &a) == 0 && sock_addr_port(&a) > 0);
    CHECK(fcntl(l, F_GETFL) & O_NONBLOCK && fcntl(l, F_GETFD) & FD_CLOEXEC);
    CHECK_EQ(sock_accept(l, &peer), -EAGAIN);
    c = sock_connect(&a, &plain);
    REQUIRE(c >= 0);
    wait_for(c, POLLOUT);
    CHECK_EQ(sock_error(c), 0);
    wait_for(l, POLLIN);
    s = sock_accept(l, &peer);
    REQUIRE(s >= 0);
    CHECK(fcntl(s, F_GETFL) & O_NONBLOCK && fcntl(s, F_GETFD) & FD_CLOEXEC);
    CHECK_EQ(sock_name(c, &me), 0);
    CHECK(me.len == peer.len && !memcmp(me.raw, peer.raw, peer.len));
    CHECK(sock_peer(c, &peer) == 0 && sock_addr_port(&peer) == sock_addr_port(&a));
    sock_reset_on_close(s);
    close(s);
    wait_for(c, POLLIN);
    CHECK_EQ(sock_error(c), ECONNRESET);
    close(c);
    close(l);
}

static void connects_from_a_given_address(void)
{
    sock_addr a = loopback(0), from = loopback(0), peer;
    int l = listen_on(&a), c;

    ((struct sockaddr_in *)from.raw)->sin_addr.s_addr = htonl(0x7f000009);
    REQUIRE(l >= 0 && sock_name(l, &a) == 0);
    c = sock_connect(&a, &(sock_how){.from = &from});
    REQUIRE(c >= 0);
    wait_for(l, POLLIN);
    close(sock_accept(l, &peer));
    CHECK_EQ(((struct sockaddr_in *)peer.raw)->sin_addr.s_addr, htonl(0x7f000009));
    close(c);
    close(l);
}

static void a_refusal_is_told_at_once_or_as_the_sockets_error(void)
{
    sock_addr a = loopback(0);
    int l = listen_on(&a), c;

    REQUIRE(l >= 0 && sock_name(l, &a) == 0);
    close(l);
    c = sock_connect(&a, &plain);
    if (c >= 0) {
        wait_for(c, POLLOUT);
        CHECK_EQ(sock_error(c), ECONNREFUSED);
        CHECK_EQ(sock_error(c), 0); /* cleared */
        close(c);
    } else {
        CHECK_EQ(c, -ECONNREFUSED);
    }
}

static void an_address_in_use_is_refused(void)
{
    sock_addr a = loopback(0);
    int l = listen_on(&a);

    REQUIRE(l >= 0 && sock_name(l, &a) == 0);
    CHECK_EQ(listen_on(&a), -EADDRINUSE);
    close(l);
}

/* The second listener takes the path over: new clients reach it, those that the old one has waiting are still there. */
static void a_unix_path_is_replaced_by_renaming(void)
{
    char dir[] = "/tmp/lbcore-sock-XXXXXX", path[64], tmp[96];
    sock_addr a, peer;
    struct stat st;
    int first, second, c1, c2, s;

    REQUIRE(mkdtemp(dir) != NULL);
    snprintf(path, sizeof(path), "%s/s", dir);
    snprintf(tmp, sizeof(tmp), "%s.%d.tmp", path, (int)getpid());
    REQUIRE(sock_addr_set(&a, AF_UNIX, path, (int)strlen(path), 0) == 0);
    first = sock_listen(&a, 0, 0, 0, 0, NULL, 0600, -1, -1);
    REQUIRE(first >= 0);
    CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
    c1 = sock_connect(&a, &plain);
    CHECK(c1 >= 0);
    second = sock_listen(&a, 0, 0, 0, 0, NULL, 0666, -1, -1);
    REQUIRE(second >= 0);
    CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0666);
    CHECK(stat(tmp, &st) < 0);
    c2 = sock_connect(&a, &plain);
    CHECK(c2 >= 0);
    s = sock_accept(first, &peer);
    CHECK(s >= 0);
    CHECK_EQ(sock_accept(first, &peer), -EAGAIN);
    close(s);
    s = sock_accept(second, &peer);
    CHECK(s >= 0 && sock_addr_family(&peer) == AF_UNIX);
    close(s);
    close(c1);
    close(c2);
    close(first);
    close(second);
    unlink(path);
    CHECK_EQ(rmdir(dir), 0); /* nothing else was left */
}

static void a_full_unix_backlog_fails_at_once(void)
{
    sock_addr a;
    int l, c[64], n = 0, last = 0;
    char name[32];
    int len = snprintf(name + 1, sizeof(name) - 1, "lbcore-%d", (int)getpid()) + 1;

    name[0] = 0;
    REQUIRE(sock_addr_set(&a, AF_UNIX, name, len, 0) == 0);
    l = sock_listen(&a, 0, 2, 0, 0, NULL, -1, -1, -1);
    REQUIRE(l >= 0);
    while (n < 64 && (last = sock_connect(&a, &plain)) >= 0)
        c[n++] = last;
    CHECK_EQ(last, -EAGAIN);
    while (n)
        close(c[--n]);
    close(l);
}

static void an_inherited_socket_is_made_usable_and_others_are_refused(void)
{
    sock_addr a = loopback(0), b;
    int l = listen_on(&a), pipes[2], unbound = socket(AF_INET, SOCK_STREAM, 0);

    REQUIRE(l >= 0 && sock_name(l, &a) == 0 && pipe(pipes) == 0);
    fcntl(l, F_SETFL, fcntl(l, F_GETFL) & ~O_NONBLOCK);
    fcntl(l, F_SETFD, 0);
    CHECK_EQ(sock_inherit(l, &b), 0);
    CHECK(fcntl(l, F_GETFL) & O_NONBLOCK);
    CHECK_EQ(fcntl(l, F_GETFD), 0); /* its owner's choice */
    CHECK_EQ(sock_addr_port(&b), sock_addr_port(&a));
    CHECK_EQ(sock_inherit(unbound, &b), -EINVAL);
    CHECK_EQ(sock_inherit(pipes[0], &b), -ENOTSOCK);
    CHECK_EQ(sock_inherit(9999, &b), -EBADF);
    close(pipes[0]);
    close(pipes[1]);
    close(unbound);
    close(l);
}

/* A connection over the loopback: the accepted end, and the client's in *far. */
static int connected(int *far)
{
    sock_addr a = loopback(0), peer;
    int l = listen_on(&a), fd = -EAGAIN;

    REQUIRE(l >= 0 && sock_name(l, &a) == 0);
    *far = sock_connect(&a, &plain);
    REQUIRE(*far >= 0);
    while (fd == -EAGAIN)
        fd = sock_accept(l, &peer);
    REQUIRE(fd >= 0);
    close(l);
    return fd;
}

static int option(int fd, int level, int name)
{
    int v = -1;
    socklen_t len = sizeof(v);

    return getsockopt(fd, level, name, &v, &len) < 0 ? -errno : v;
}

static void the_class_of_service_is_set_before_and_after_connecting(void)
{
    sock_how how = {.set_tos = 1, .tos = 0x48};
    sock_addr a = loopback(0);
    int l = listen_on(&a), fd;

    REQUIRE(l >= 0 && sock_name(l, &a) == 0);
    fd = sock_connect(&a, &how);
    REQUIRE(fd >= 0);
    CHECK_EQ(option(fd, IPPROTO_IP, IP_TOS), 0x48);
    CHECK_EQ(sock_tos(fd, 0x10), 0);
    CHECK_EQ(option(fd, IPPROTO_IP, IP_TOS), 0x10);
    CHECK_EQ(sock_tos(-1, 0x10), -EBADF);
    close(fd);
    close(l);
}

static void a_mark_is_set_where_that_is_allowed(void)
{
    int far, fd = connected(&far), ret = sock_mark(fd, 7);

    CHECK(ret == 0 || ret == -EPERM);
    CHECK_EQ(option(fd, SOL_SOCKET, SO_MARK), ret ? 0 : 7);
    close(fd);
    close(far);
}

/* Gives up what lets a process repair connections. */
static void drop_privileges(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {0};

    REQUIRE(syscall(SYS_capset, &head, none) == 0);
}

/* In a process of its own: what the peer of a forgotten connection sees. */
static int seen_of_a_forgotten_one(int privileged, int ttl)
{
    int far, fd = connected(&far);
    struct pollfd p = {.fd = far, .events = POLLIN};
    ssize_t n = 0;

    if (!privileged)
        drop_privileges();
    sock_forget(fd, ttl);
    if (!privileged || ttl) {
        struct linger l = {0};
        socklen_t len = sizeof(l);

        REQUIRE(getsockopt(fd, SOL_SOCKET, SO_LINGER, &l, &len) == 0);
        CHECK(l.l_onoff == 1 && l.l_linger == 0);
        CHECK_EQ(option(fd, IPPROTO_IP, IP_TTL), ttl ? ttl : 1); /* 1: the next router is the last to see the reset */
    }
    REQUIRE(send(far, "unread", 6, 0) == 6);
    close(fd);
    if (poll(&p, 1, privileged && !ttl ? 100 : 5000) > 0)
        n = recv(far, &n, 1, 0) < 0 ? -errno : 1;
    CHECK_EQ(n, privileged && !ttl ? 0 : -ECONNRESET);
    return check_failures != 0;
}

static void a_forgotten_connection_is_silent_or_dies_on_its_way(void)
{
    for (int i = 0; i < 4; i++) {
        int status = 0, privileged = i & 1, ttl = i & 2 ? 64 : 0;
        pid_t pid;

        if (privileged && geteuid() != 0)
            continue;
        pid = fork();
        if (!pid)
            _exit(seen_of_a_forgotten_one(privileged, ttl));
        REQUIRE(pid > 0 && waitpid(pid, &status, 0) == pid);
        CHECK_EQ(status, 0);
    }
}

static int may_spoof(void)
{
    int ret = sock_may_spoof();

    CHECK(ret == 0 || ret == -EPERM);
    return ret == 0;
}

/* In the network of documentation (RFC 5737): nobody's. */
static void an_address_of_others_is_taken_where_that_is_allowed(void)
{
    sock_addr a = loopback(0), from, got;
    sock_how how = {.from = &from};
    int l = listen_on(&a), fd, spoof = may_spoof();

    sock_addr_set(&from, AF_INET, "\xc0\x00\x02\x07", 4, 0);
    CHECK_EQ(sock_connect(&a, &how), -EADDRNOTAVAIL);
    how.transparent = 1;
    fd = sock_connect(&a, &how);
    CHECK_EQ(fd >= 0 ? 0 : fd, spoof ? 0 : -EPERM);
    if (fd >= 0) {
        CHECK_EQ(sock_name(fd, &got), 0);
        CHECK(!memcmp(&got.raw[4], "\xc0\x00\x02\x07", 4)); /* sin_addr */
        close(fd);
    }
    close(l);
}

/* A namespace of this test's own has nothing but a loopback device that is down. */
static void sockets_are_made_in_a_namespace_and_the_thread_comes_back(void)
{
    sock_addr a = loopback(0);
    int l = listen_on(&a), home = open("/proc/thread-self/ns/net", O_RDONLY), other, fd;

    if (unshare(CLONE_NEWNET) < 0) { /* a privilege */
        CHECK_EQ(errno, EPERM);
        CHECK_EQ(sock_ns_enter(home), -EPERM);
    } else {
        other = open("/proc/thread-self/ns/net", O_RDONLY);
        REQUIRE(setns(home, CLONE_NEWNET) == 0);
        CHECK_EQ(sock_connect(&a, &(sock_how){.ns = other}), -ENETUNREACH);
        fd = sock_connect(&a, &(sock_how){0});
        CHECK(fd >= 0);
        close(fd);
        close(other);
    }
    CHECK_EQ(sock_ns_enter(l), -EINVAL); /* no namespace at all */
    close(home);
    close(l);
}

int main(void)
{
    RUN(addresses_say_what_was_set);
    RUN(lengths_that_do_not_fit_are_refused);
    RUN(listens_accepts_and_connects);
    RUN(connects_from_a_given_address);
    RUN(a_refusal_is_told_at_once_or_as_the_sockets_error);
    RUN(an_address_in_use_is_refused);
    RUN(a_unix_path_is_replaced_by_renaming);
    RUN(a_full_unix_backlog_fails_at_once);
    RUN(an_inherited_socket_is_made_usable_and_others_are_refused);
    RUN(the_class_of_service_is_set_before_and_after_connecting);
    RUN(a_mark_is_set_where_that_is_allowed);
    RUN(a_forgotten_connection_is_silent_or_dies_on_its_way);
    RUN(an_address_of_others_is_taken_where_that_is_allowed);
    RUN(sockets_are_made_in_a_namespace_and_the_thread_comes_back);
    return check_done();
}
