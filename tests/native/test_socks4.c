/* sources: all */
/* The way through a SOCKS4 proxy, whose side is played here. */
#include "eng_rig.h"
#include "socks4.h"

static ssize_t plain_recv(conn *c, char *to, size_t n)
{
    ssize_t ret = recv(c->fd, to, n, 0);

    return ret < 0 ? -errno : ret;
}

static ssize_t plain_send(conn *c, const struct iovec *v, int n, int more)
{
    ssize_t ret = writev(c->fd, v, n);

    (void)more;
    return ret < 0 ? -errno : ret;
}

static const xprt plain = {"PLAIN", plain_recv, plain_send, NULL, NULL};

typedef struct talk {
    conn c;
    fdent e;
    int far;
    uint8_t state;
} talk;

static sock_addr v4(void)
{
    sock_addr a;

    sock_addr_set(&a, AF_INET, "\x0a\x01\x02\x03", 4, 0x1234);
    return a;
}

/* A connection whose other end is the test's, and that always looks ready. */
static void begin(talk *k)
{
    int fd[2];

    memset(k, 0, sizeof(*k));
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) == 0);
    k->far = fd[1];
    k->c.fd = fd[0];
    k->c.xprt = &plain;
    k->c.e = &k->e;
    k->e.ready = FD_R | FD_W;
}

static void end(talk *k)
{
    close(k->c.fd);
    if (k->far >= 0)
        close(k->far);
}

static int go(talk *k)
{
    sock_addr to = v4();

    return socks4_go(&k->c, &k->state, &to);
}

static void it_names_the_address_and_waits_for_the_answer(void)
{
    static const char asked[] = "\4\1\x12\x34\x0a\1\2\3HAProxy";
    char got[64];
    talk k;

    begin(&k);
    CHECK_EQ(go(&k), 0);
    REQUIRE(send(k.far, "\0", 1, 0) == 1);
    CHECK_EQ(go(&k), 0);
    CHECK_EQ(recv(k.far, got, sizeof(got), 0), sizeof(asked));
    CHECK(!memcmp(got, asked, sizeof(asked)));
    REQUIRE(send(k.far, "\x5a", 1, 0) == 1);
    CHECK_EQ(go(&k), 0);
    REQUIRE(send(k.far, "abcdefhello", 11, 0) == 11);
    CHECK_EQ(go(&k), 1);
    CHECK_EQ(recv(k.c.fd, got, sizeof(got), 0), 5); /* no more was taken than the answer */
    CHECK(!memcmp(got, "hello", 5));
    CHECK_EQ(recv(k.far, got, sizeof(got), 0), -1); /* nor said twice */
    end(&k);
}

static void a_proxy_that_will_not_is_believed(void)
{
    talk k;

    begin(&k);
    REQUIRE(send(k.far, "\0\x5b", 2, 0) == 2);
    CHECK_EQ(go(&k), -ECONNREFUSED);
    end(&k);
}

static void a_proxy_that_leaves_is_an_error(void)
{
    talk k;

    begin(&k);
    REQUIRE(send(k.far, "\0\x5a" "abc", 5, 0) == 5);
    shutdown(k.far, SHUT_WR);
    CHECK_EQ(go(&k), -ECONNRESET);
    end(&k);
}

static void only_addresses_of_four_bytes_can_be_named(void)
{
    char six[16] = {1};
    sock_addr to;
    talk k;

    begin(&k);
    sock_addr_set(&to, AF_INET6, six, 16, 80);
    CHECK_EQ(socks4_go(&k.c, &k.state, &to), -EAFNOSUPPORT);
    CHECK_EQ(k.state, 0);
    end(&k);
}

int main(void)
{
    RUN(it_names_the_address_and_waits_for_the_answer);
    RUN(a_proxy_that_will_not_is_believed);
    RUN(a_proxy_that_leaves_is_an_error);
    RUN(only_addresses_of_four_bytes_can_be_named);
    return check_done();
}
