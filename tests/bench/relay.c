/* A blind relay: what is left of a balancer when it decides nothing and looks at nothing. It makes the four system calls of
 * a proxied keep-alive request and no more, so that its figures are the limit of what these calls allow on a machine.
 *
 *     gcc -O2 -pthread -o relay tests/bench/relay.c
 *     python -m tests.bench keepalive --program ./relay
 *
 * From the environment, as the balancers of the benchmark: FE, NGINX (ports), NBTHREAD, STATS (path of a socket that is
 * there once it serves). Each client connection gets a server connection of its own; threads take turns with them. A
 * message longer than the socket buffers ends the program: it is no balancer.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define BATCH 200
#define MAX_FD 65536
#define MAX_THREADS 64

static int nthread, listener, server_port, peer[MAX_FD], epolls[MAX_THREADS];
static unsigned turn;

static struct sockaddr_in loopback(int port)
{
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void watch(int ep, int fd, uint32_t events)
{
    struct epoll_event ev = {.events = events, .data.fd = fd};
    int one = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
}

static void take(void)
{
    struct sockaddr_in to = loopback(server_port);
    int ep = epolls[turn++ % nthread];
    int front = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), back;

    if (front < 0)
        return;
    back = socket(AF_INET, SOCK_STREAM, 0);
    if (back >= MAX_FD || connect(back, (struct sockaddr *)&to, sizeof(to)) < 0) {
        close(back);
        close(front);
        return;
    }
    peer[front] = back;
    peer[back] = front;
    watch(ep, front, EPOLLIN | EPOLLET);
    watch(ep, back, EPOLLIN | EPOLLET);
}

static void pass(int fd)
{
    static __thread char buf[16384];
    ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);

    if (n > 0) {
        if (send(peer[fd], buf, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL) != n)
            abort();
    } else if (!n || errno != EAGAIN) {
        close(peer[fd]);
        close(fd);
    }
}

static void *work(void *number)
{
    int ep = epolls[(intptr_t)number];
    struct epoll_event ev[BATCH];

    for (;;) {
        int n = epoll_wait(ep, ev, BATCH, -1);

        for (int i = 0; i < n; i++) {
            if (ev[i].data.fd == listener)
                take();
            else
                pass(ev[i].data.fd);
        }
    }
    return NULL;
}

static int listen_on(const struct sockaddr *at, socklen_t len)
{
    int fd = socket(at->sa_family, SOCK_STREAM | (at->sa_family == AF_INET ? SOCK_NONBLOCK : 0), 0), one = 1;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, at, len) < 0 || listen(fd, 1024) < 0) {
        perror("relay");
        exit(1);
    }
    return fd;
}

int main(void)
{
    struct sockaddr_in at = loopback(atoi(getenv("FE")));
    struct sockaddr_un told = {.sun_family = AF_UNIX};
    int ready;

    nthread = atoi(getenv("NBTHREAD"));
    server_port = atoi(getenv("NGINX"));
    listener = listen_on((struct sockaddr *)&at, sizeof(at));
    for (intptr_t i = 0; i < nthread; i++)
        epolls[i] = epoll_create1(EPOLL_CLOEXEC);
    watch(epolls[0], listener, EPOLLIN);
    for (intptr_t i = 0; i < nthread; i++)
        pthread_create(&(pthread_t){0}, NULL, work, (void *)i);
    snprintf(told.sun_path, sizeof(told.sun_path), "%s", getenv("STATS"));
    ready = listen_on((struct sockaddr *)&told, sizeof(told));
    for (;;)
        close(accept(ready, NULL, NULL));
}
