/* sources: sock ports */
#include "check.h"

#include "ports.h"
#include <arpa/inet.h>
#include <pthread.h>
#include <unistd.h>

#define THREADS 4
#define ROUNDS 20000

static void gives_each_port_once_and_in_turn(void)
{
    port_range *r = ports_new(1000, 1002);

    CHECK_EQ(ports_take(r), 1001);
    CHECK_EQ(ports_take(r), 1002);
    CHECK_EQ(ports_take(r), 1000);
    CHECK_EQ(ports_take(r), -EADDRNOTAVAIL);
    ports_give(r, 1002);
    CHECK_EQ(ports_take(r), 1002);
    CHECK_EQ(ports_take(r), -EADDRNOTAVAIL);
    ports_unref(r);
}

static void has_all_ports_of_its_range(void)
{
    port_range *r = ports_new(1, 65535);
    static char seen[65536];

    for (int i = 1; i <= 65535; i++) {
        int port = ports_take(r);

        REQUIRE(port >= 1 && port <= 65535 && !seen[port]);
        seen[port] = 1;
    }
    CHECK_EQ(ports_take(r), -EADDRNOTAVAIL);
    ports_unref(r);
}

static void goes_with_the_last_who_has_it(void)
{
    port_range *r = ports_new(5, 6);

    ports_ref(r);
    ports_unref(r);
    CHECK_EQ(ports_take(r), 6); /* it is still there */
    ports_give(r, 6);
    ports_unref(r);
    ports_unref(NULL);
}

static uint32_t holders[9];

static void *take_and_give(void *arg)
{
    port_range *r = arg;

    for (int i = 0; i < ROUNDS; i++) {
        int port = ports_take(r);

        if (port < 0)
            continue;
        CHECK_EQ(at_add(&holders[port - 10], 1), 1);
        at_sub(&holders[port - 10], 1);
        ports_give(r, (uint32_t)port);
    }
    return NULL;
}

static void threads_never_share_a_port(void)
{
    port_range *r = ports_new(10, 18);
    pthread_t id[THREADS];

    for (int i = 0; i < THREADS; i++)
        pthread_create(&id[i], NULL, take_and_give, r);
    for (int i = 0; i < THREADS; i++)
        pthread_join(id[i], NULL);
    for (int i = 0; i < 9; i++)
        CHECK(ports_take(r) > 0); /* all came back */
    CHECK_EQ(ports_take(r), -EADDRNOTAVAIL);
    ports_unref(r);
}

/* A socket on 127.0.0.1 that listens; its address in <a>. */
static int listening(sock_addr *a)
{
    char host[4] = {127, 0, 0, 1};
    int fd;

    REQUIRE(sock_addr_set(a, AF_INET, host, 4, 0) == 0);
    fd = sock_listen(a, 0, 8, 0, 0, NULL, -1, -1, -1);
    REQUIRE(fd >= 0 && sock_name(fd, a) == 0);
    return fd;
}

static void passes_over_ports_of_others(void)
{
    char host[4] = {127, 0, 0, 9};
    sock_addr to, taken, from;
    int server = listening(&to), other = listening(&taken), port_of_other, fd;
    uint32_t port = 0;
    sock_how how = {.from = &from};
    port_range *r;

    /* the port that somebody listens on, and the next one */
    close(other);
    REQUIRE(sock_addr_set(&from, AF_INET, host, 4, sock_addr_port(&taken)) == 0);
    other = sock_listen(&from, 0, 8, 0, 0, NULL, -1, -1, -1);
    REQUIRE(other >= 0);
    port_of_other = sock_addr_port(&from);
    r = ports_new((uint32_t)port_of_other - 1, (uint32_t)port_of_other); /* looked at first: the second one */
    REQUIRE(sock_addr_set(&from, AF_INET, host, 4, 0) == 0);
    fd = ports_connect(r, &to, &how, &port);
    REQUIRE(fd >= 0);
    CHECK_EQ(port, port_of_other - 1);
    CHECK(how.from == &from && sock_addr_port(&from) == 0);
    CHECK(ports_connect(r, &to, &how, &port) < 0); /* one is ours, one is another's */
    CHECK_EQ(ports_take(r), port_of_other);        /* which was given back */
    close(fd);
    close(other);
    close(server);
    ports_unref(r);
}

int main(void)
{
    RUN(gives_each_port_once_and_in_turn);
    RUN(has_all_ports_of_its_range);
    RUN(goes_with_the_last_who_has_it);
    RUN(threads_never_share_a_port);
    RUN(passes_over_ports_of_others);
    return check_done();
}
