#include "sock.h"
#include <fcntl.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__linux__) && !defined(SO_ORIGINAL_DST)
#define SO_ORIGINAL_DST 80 /* of linux/netfilter_ipv4.h, which netinet/in.h does not go with; the same in IPv6 */
#endif

static const int one = 1;

int sock_addr_set(sock_addr *a, int family, const char *host, int hostlen, int port)
{
    memset(a, 0, sizeof(*a));
    if (family == AF_INET) {
        struct sockaddr_in *in = (struct sockaddr_in *)a->raw;

        if (hostlen != 4)
            return -EINVAL;
        in->sin_family = AF_INET;
        in->sin_port = htons(port);
        memcpy(&in->sin_addr, host, 4);
        a->len = sizeof(*in);
        return 0;
    }
    if (family == AF_INET6) {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)a->raw;

        if (hostlen != 16)
            return -EINVAL;
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(port);
        memcpy(&in6->sin6_addr, host, 16);
        a->len = sizeof(*in6);
        return 0;
    }
    if (family == AF_UNIX) {
        struct sockaddr_un *un = (struct sockaddr_un *)a->raw;

        if (hostlen < 1 || hostlen >= (int)sizeof(un->sun_path))
            return -EINVAL;
        un->sun_family = AF_UNIX;
        memcpy(un->sun_path, host, hostlen);
        /* an abstract name is as long as it says, a path ends with its NUL */
        a->len = offsetof(struct sockaddr_un, sun_path) + hostlen + (host[0] != 0);
        return 0;
    }
    return -EINVAL;
}

int sock_addr_family(const sock_addr *a)
{
    return a->len ? ((const struct sockaddr *)a->raw)->sa_family : AF_UNSPEC;
}

void sock_addr_set_port(sock_addr *a, int port)
{
    int family = sock_addr_family(a);

    if (family == AF_INET)
        ((struct sockaddr_in *)a->raw)->sin_port = htons((uint16_t)port);
    else if (family == AF_INET6)
        ((struct sockaddr_in6 *)a->raw)->sin6_port = htons((uint16_t)port);
}

int sock_addr_port(const sock_addr *a)
{
    switch (sock_addr_family(a)) {
    case AF_INET:
        return ntohs(((const struct sockaddr_in *)a->raw)->sin_port);
    case AF_INET6:
        return ntohs(((const struct sockaddr_in6 *)a->raw)->sin6_port);
    default:
        return 0;
    }
}

int sock_addr_host(const sock_addr *a, char *out, int n)
{
    const void *from;
    int len;

    switch (sock_addr_family(a)) {
    case AF_INET:
        from = &((const struct sockaddr_in *)a->raw)->sin_addr;
        len = 4;
        break;
    case AF_INET6:
        from = &((const struct sockaddr_in6 *)a->raw)->sin6_addr;
        len = 16;
        break;
    case AF_UNIX:
        from = ((const struct sockaddr_un *)a->raw)->sun_path;
        len = (int)a->len - (int)offsetof(struct sockaddr_un, sun_path);
        if (len > 0 && ((const char *)from)[0])
            len = strnlen(from, len);
        break;
    default:
        return 0;
    }
    if (len > n)
        len = n;
    if (len > 0)
        memcpy(out, from, len);
    return len > 0 ? len : 0;
}

/* --- namespaces --- */

int sock_ns_enter(int ns)
{
#ifdef CLONE_NEWNET
    int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC), ret;

    if (home < 0)
        return -errno;
    if (setns(ns, CLONE_NEWNET) == 0)
        return home;
    ret = -errno;
    close(home);
    return ret;
#else
    (void)ns;
    return -EOPNOTSUPP;
#endif
}

int sock_ns_leave(int home)
{
    int ret = 0;

#ifdef CLONE_NEWNET
    if (setns(home, CLONE_NEWNET) < 0)
        ret = -errno;
#endif
    close(home);
    return ret;
}

/* A stream socket in namespace <ns>; or -errno. */
static int socket_in(int ns, int family)
{
    int home = ns > 0 ? sock_ns_enter(ns) : -1, fd, ret;

    if (ns > 0 && home < 0)
        return home;
    fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ret = fd < 0 ? -errno : fd;
    if (home >= 0 && sock_ns_leave(home) < 0)
        abort(); /* this thread would serve others from there */
    return ret;
}

/* --- addresses of others --- */

static int set_transparent(int fd, int family)
{
#ifdef IP_TRANSPARENT
    int v6 = family == AF_INET6;

    return setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_TRANSPARENT : IP_TRANSPARENT, &one, sizeof(one)) < 0
               ? -errno
               : 0;
#else
    (void)fd, (void)family;
    return -EOPNOTSUPP;
#endif
}

int sock_may_spoof(void)
{
    int fd = socket_in(-1, AF_INET), ret;

    if (fd < 0)
        return fd;
    ret = set_transparent(fd, AF_INET);
    close(fd);
    return ret;
}

static int listen_options(int fd, int family, int flags, int mss, int tcp_ut, const char *ifname)
{
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
#ifdef SO_REUSEPORT
    if (flags & SOCK_LF_REUSEPORT)
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)); /* refused by old kernels: no harm */
#endif
    if (family == AF_INET6 && (flags & (SOCK_LF_V6ONLY | SOCK_LF_V4V6))) {
        int only = !!(flags & SOCK_LF_V6ONLY);

        if (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only)) < 0)
            return -errno;
    }
    if (flags & SOCK_LF_TRANSPARENT) {
        int ret = set_transparent(fd, family);

        if (ret < 0)
            return ret;
    }
#ifdef SO_BINDTODEVICE
    if (ifname && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, ifname, strlen(ifname) + 1) < 0)
        return -errno;
#else
    if (ifname)
        return -EOPNOTSUPP;
#endif
    if (mss && setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &mss, sizeof(mss)) < 0)
        return -errno;
#ifdef TCP_USER_TIMEOUT
    if (tcp_ut && setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &tcp_ut, sizeof(tcp_ut)) < 0)
        return -errno;
#endif
#ifdef TCP_DEFER_ACCEPT
    if (flags & SOCK_LF_DEFER && setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &one, sizeof(one)) < 0)
        return -errno;
#endif
#ifdef TCP_FASTOPEN
    if (flags & SOCK_LF_TFO) {
        int queue = 256;

        if (setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN, &queue, sizeof(queue)) < 0)
            return -errno;
    }
#endif
    return 0;
}

/* Binds under a temporary name, listens, then renames over the path: clients always find a socket there. */
static int listen_unix_path(int fd, const sock_addr *a, int backlog, int mode, int uid, int gid)
{
    const char *path = ((const struct sockaddr_un *)a->raw)->sun_path;
    struct sockaddr_un tmp = {.sun_family = AF_UNIX};
    int ret;

    ret = snprintf(tmp.sun_path, sizeof(tmp.sun_path), "%s.%d.tmp", path, (int)getpid());
    if (ret < 0 || ret >= (int)sizeof(tmp.sun_path))
        return -ENAMETOOLONG;
    if (unlink(tmp.sun_path) < 0 && errno != ENOENT)
        return -errno;
    if (bind(fd, (struct sockaddr *)&tmp, sizeof(tmp)) < 0)
        return -errno;
    if ((uid != -1 || gid != -1) && chown(tmp.sun_path, uid, gid) < 0)
        goto fail;
    if (mode != -1 && chmod(tmp.sun_path, mode) < 0)
        goto fail;
    if (listen(fd, backlog) < 0 || rename(tmp.sun_path, path) < 0)
        goto fail;
    return 0;
fail:
    ret = -errno;
    unlink(tmp.sun_path);
    return ret;
}

int sock_listen(const sock_addr *a, int flags, int backlog, int mss, int tcp_ut, const char *ifname, int mode, int uid,
                int gid)
{
    int family = sock_addr_family(a);
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int ret;

    if (fd < 0)
        return -errno;
    if (!backlog)
        backlog = 1024;
    if (family == AF_UNIX && ((const struct sockaddr_un *)a->raw)->sun_path[0]) {
        ret = listen_unix_path(fd, a, backlog, mode, uid, gid);
    } else {
        ret = family == AF_UNIX ? 0 : listen_options(fd, family, flags, mss, tcp_ut, ifname);
        if (!ret && (bind(fd, (const struct sockaddr *)a->raw, a->len) < 0 || listen(fd, backlog) < 0))
            ret = -errno;
    }
    if (ret < 0) {
        close(fd);
        return ret;
    }
    return fd;
}

int sock_name(int fd, sock_addr *a)
{
    socklen_t len = sizeof(a->raw);

    a->len = 0;
    if (getsockname(fd, (struct sockaddr *)a->raw, &len) < 0)
        return -errno;
    a->len = len;
    return 0;
}

int sock_original(int fd, sock_addr *a)
{
    int ret = sock_name(fd, a);
#ifdef SO_ORIGINAL_DST
    int level = sock_addr_family(a) == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP;
    socklen_t len = sizeof(a->raw);
    sock_addr was;

    /* fails where nothing is tracked, or this was not translated */
    if (ret == 0 && sock_addr_family(a) != AF_UNIX && getsockopt(fd, level, SO_ORIGINAL_DST, was.raw, &len) == 0) {
        *a = was;
        a->len = len;
    }
#endif
    return ret;
}

int sock_peer(int fd, sock_addr *a)
{
    socklen_t len = sizeof(a->raw);

    a->len = 0;
    if (getpeername(fd, (struct sockaddr *)a->raw, &len) < 0)
        return -errno;
    a->len = len;
    return 0;
}

int sock_inherit(int fd, sock_addr *a)
{
    int listening = 0;
    socklen_t len = sizeof(listening);
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0)
        return -errno;
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) < 0)
        return -errno;
    if (!listening)
        return -EINVAL;
    if (!(flags & O_NONBLOCK) && fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return -errno;
    return sock_name(fd, a);
}

int sock_accept(int fd, sock_addr *peer)
{
    socklen_t len = sizeof(peer->raw);
    int ret = accept4(fd, (struct sockaddr *)peer->raw, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (ret < 0)
        return -errno;
    peer->len = len;
    return ret;
}

/* An IPv6 socket may carry IPv4. */
static int set_tos(int fd, int family, int tos)
{
    int v4 = setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof(tos)) < 0 ? -errno : 0;

    if (family != AF_INET6)
        return v4;
    return setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof(tos)) < 0 ? -errno : 0;
}

static int connect_options(int fd, const sock_addr *to, const sock_how *how)
{
    sock_nodelay(fd);
#ifdef SO_BINDTODEVICE
    if (how->ifname && *how->ifname &&
        setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, how->ifname, strlen(how->ifname) + 1) < 0)
        return -errno;
#endif
#ifdef TCP_FASTOPEN_CONNECT
    if (how->tfo)
        setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &one, sizeof(one)); /* an optimisation: no harm if refused */
#endif
    if (how->no_quickack)
        sock_no_quickack(fd);
    if (how->user_timeout)
        sock_user_timeout(fd, how->user_timeout);
    if (how->set_tos)
        set_tos(fd, sock_addr_family(to), how->tos);
    if (how->set_mark)
        sock_mark(fd, how->mark);
    return how->transparent ? set_transparent(fd, sock_addr_family(to)) : 0;
}

static int connect_from(int fd, const sock_addr *from)
{
    if (!from || !from->len)
        return 0;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
#ifdef IP_BIND_ADDRESS_NO_PORT
    /* the port is chosen when the destination is known: many more connections per source address */
    if (!sock_addr_port(from))
        setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
#endif
    return bind(fd, (const struct sockaddr *)from->raw, from->len) < 0 ? -errno : 0;
}

int sock_connect(const sock_addr *to, const sock_how *how)
{
    int family = sock_addr_family(to);
    int fd = socket_in(how->ns, family);
    int ret;

    if (fd < 0)
        return fd;
    ret = family == AF_UNIX ? 0 : connect_options(fd, to, how);
    if (!ret)
        ret = connect_from(fd, how->from);
    /* a unix socket answers EAGAIN when the listener's backlog is full: a failure, there will be no event for it */
    if (!ret && connect(fd, (const struct sockaddr *)to->raw, to->len) < 0 && errno != EINPROGRESS)
        ret = -errno;
    if (!ret)
        return fd;
    close(fd);
    return ret;
}

int sock_error(int fd)
{
    int err = 0;
    socklen_t len = sizeof(err);

    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
        return errno;
    return err;
}

void sock_nodelay(int fd)
{
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

void sock_keepalive(int fd)
{
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
}

void sock_reset_on_close(int fd)
{
    struct linger l = {.l_onoff = 1, .l_linger = 0};

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
}

int sock_tos(int fd, int tos)
{
    sock_addr a;
    int ret = sock_name(fd, &a);

    if (ret < 0)
        return ret;
    return sock_addr_family(&a) == AF_UNIX ? -EOPNOTSUPP : set_tos(fd, sock_addr_family(&a), tos);
}

int sock_mark(int fd, uint32_t mark)
{
#ifdef SO_MARK
    return setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0 ? -errno : 0;
#else
    (void)fd, (void)mark;
    return -EOPNOTSUPP;
#endif
}

void sock_forget(int fd, int ttl)
{
    int hops = ttl ? ttl : 1;

#ifdef TCP_REPAIR
    if (!ttl && setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &one, sizeof(one)) == 0)
        return;
#endif
    setsockopt(fd, IPPROTO_IP, IP_TTL, &hops, sizeof(hops));
    setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hops, sizeof(hops));
    sock_reset_on_close(fd);
}

void sock_bufsizes(int fd, int rcv, int snd)
{
    if (rcv)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcv, sizeof(rcv));
    if (snd)
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &snd, sizeof(snd));
}

void sock_lowat(int fd, uint32_t bytes)
{
#ifdef TCP_NOTSENT_LOWAT
    if (bytes)
        setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes, sizeof(bytes));
#else
    (void)fd, (void)bytes;
#endif
}

void sock_probes(int fd, int count, int idle, int interval)
{
#ifdef TCP_KEEPCNT
    if (count)
        setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
    if (idle)
        setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
    if (interval)
        setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
#else
    (void)fd, (void)count, (void)idle, (void)interval;
#endif
}

void sock_no_quickack(int fd)
{
#ifdef TCP_QUICKACK
    static const int off = 0;

    setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof(off));
#else
    (void)fd;
#endif
}

void sock_user_timeout(int fd, int ms)
{
#ifdef TCP_USER_TIMEOUT
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
#else
    (void)fd, (void)ms;
#endif
}

#define SEND_AT_ONCE 64

int sock_send_many(int fd, const char *bytes, const uint32_t *lens, int n)
{
    struct mmsghdr msgs[SEND_AT_ONCE];
    struct iovec v[SEND_AT_ONCE];
    int done = 0;

    memset(msgs, 0, sizeof(msgs));
    while (done < n) {
        int some = n - done < SEND_AT_ONCE ? n - done : SEND_AT_ONCE, ret;

        for (int i = 0; i < some; i++) {
            v[i] = (struct iovec){(char *)bytes, lens[done + i]};
            msgs[i].msg_hdr.msg_iov = &v[i];
            msgs[i].msg_hdr.msg_iovlen = 1;
            bytes += lens[done + i];
        }
        ret = sendmmsg(fd, msgs, some, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (ret < 0)
            return done ? done : -errno;
        done += ret;
        if (ret < some)
            return done;
    }
    return done;
}
