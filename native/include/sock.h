/* Sockets: addresses, listening, accepting, connecting. Thin, no policy, no threads: each call is a few system calls.
 */
#pragma once
#ifndef LB_CFFI
#include "base.h"
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#endif

#define SOCK_ADDR_MAX 128 /* bytes of the largest address kept */

/* A socket address as the kernel takes it, len 0: none. */
typedef struct sock_addr {
    uint32_t len;
    uint32_t pad;
    uint8_t raw[SOCK_ADDR_MAX];
} sock_addr;

/* Options of a listening socket, sock_listen(). */
#define SOCK_LF_REUSEPORT 1   /* several processes may listen on the address */
#define SOCK_LF_V6ONLY 2      /* IPv6 only */
#define SOCK_LF_V4V6 4        /* an IPv6 socket that takes IPv4 too */
#define SOCK_LF_TRANSPARENT 8 /* IP_TRANSPARENT */
#define SOCK_LF_DEFER 16      /* TCP_DEFER_ACCEPT */
#define SOCK_LF_TFO 32        /* TCP fast open */

/* Fills <a>. <family> AF_INET/AF_INET6: <host> is 4/16 bytes in network order; AF_UNIX: <host> is a path of <hostlen>
 * bytes, an abstract one begins with a NUL. <port> in host order. 0, -EINVAL for a length that does not fit. */
int sock_addr_set(sock_addr *a, int family, const char *host, int hostlen, int port);
int sock_addr_family(const sock_addr *a); /* AF_UNSPEC if none */
void sock_addr_set_port(sock_addr *a, int port); /* host order; nothing for families without ports */
int sock_addr_port(const sock_addr *a);   /* host order, 0 for families without ports */
/* Copies the bare address (4, 16 bytes, or a unix path of at most <n>) to <out>; returns its length. */
int sock_addr_host(const sock_addr *a, char *out, int n);

/* A non-blocking, close-on-exec socket bound to <a> and listening. <mss>, <tcp_ut> (ms), <backlog>: 0 for none (and
 * 1024); <ifname> NULL for any. For unix paths the old socket file is replaced by renaming, so that there is no moment
 * without one; <mode> (-1: leave), <uid>, <gid> (-1: leave) are applied before. Returns the fd; negative: -errno. */
int sock_listen(const sock_addr *a, int flags, int backlog, int mss, int tcp_ut, const char *ifname, int mode, int uid,
                int gid);
/* Has the calling thread make its sockets in the network namespace that descriptor <ns> (of a file in /run/netns) stands for.
 * Returns a descriptor to be given to sock_ns_leave(), or -errno (-EPERM without CAP_SYS_ADMIN, -EOPNOTSUPP where the
 * system has none). */
int sock_ns_enter(int ns);
/* Back to where it was; <home> is closed. 0, or -errno: the thread is of no more use. */
int sock_ns_leave(int home);
/* Whether sockets may be bound to addresses that are not ours: 0, or -errno. */
int sock_may_spoof(void);
/* Makes an inherited, already listening descriptor usable: non-blocking, its address into <a>. 0 or -errno. */
int sock_inherit(int fd, sock_addr *a);
int sock_name(int fd, sock_addr *a); /* the local address of <fd>. 0 or -errno */
/* Where a client wanted to go before the kernel's address translation (NAT) had it come here: else as sock_name(). 0 or -errno */
int sock_original(int fd, sock_addr *a);
int sock_peer(int fd, sock_addr *a); /* the remote address of <fd>. 0 or -errno */

/* Sends <n> datagrams over the connected socket <fd>, without waiting: the first is lens[0] bytes at <bytes>, the next
 * lens[1] bytes behind it, and so on. Returns how many went out, fewer than <n> if one could not (call again from there
 * to learn why), or -errno if it is the first that could not. */
int sock_send_many(int fd, const char *bytes, const uint32_t *lens, int n);

#ifndef LB_CFFI
/* Accepts one connection, non-blocking and close-on-exec. The fd, or -errno (-EAGAIN: none waits). */
int sock_accept(int fd, sock_addr *peer);
/* How a connection is to be opened. Zero: nothing special. */
typedef struct sock_how {
    const sock_addr *from; /* NULL, or without a length: any address */
    const char *ifname;    /* NULL or "": any interface */
    int tfo;               /* TCP fast open: the first bytes go with the SYN */
    int no_quickack;       /* "tcp-smart-connect": let the first bytes carry the last ACK of the handshake */
    int user_timeout;      /* ms, TCP_USER_TIMEOUT; 0: the system's */
    int set_tos, set_mark; /* 1: <tos>, <mark> are asked for */
    int tos;               /* IP_TOS, IPV6_TCLASS */
    uint32_t mark;         /* SO_MARK */
    int transparent;       /* 1: <from> need not be an address of ours (IP_TRANSPARENT; -EPERM without CAP_NET_RAW or _ADMIN) */
    int ns;                /* network namespace in which the socket is made, -1 or 0: ours. As sock_ns_enter() */
} sock_how;

/* Starts a connection to <to>. The fd (connected or in progress), or -errno. */
int sock_connect(const sock_addr *to, const sock_how *how);
/* The pending error of a socket, cleared: 0 or a positive errno. */
int sock_error(int fd);
void sock_nodelay(int fd);
void sock_keepalive(int fd);
/* TCP keep-alive probes: how many, after how many idle seconds, how many seconds apart; 0: leave. */
void sock_probes(int fd, int count, int idle, int interval);
void sock_no_quickack(int fd); /* spares the ACK of the first data: the reply will carry it */
void sock_user_timeout(int fd, int ms); /* TCP_USER_TIMEOUT */
/* IP_TOS, or IPV6_TCLASS, or both for an IPv6 socket that carries IPv4: 0 .. 255. 0 or -errno. */
int sock_tos(int fd, int tos);
int sock_mark(int fd, uint32_t mark); /* SO_MARK. 0 or -errno (-EPERM without CAP_NET_ADMIN) */
/* close() will send a reset and forget unsent data. */
void sock_reset_on_close(int fd);
/* close() will send nothing that the peer sees. With CAP_NET_ADMIN no packet leaves at all (TCP_REPAIR, tcp(7)). Without, a
 * reset leaves with a TTL of 1 and dies at the first router; a peer on the same link, or on loopback, sees it. What the peer
 * sends afterwards is answered by the kernel, which knows no such connection, with a reset in either case. A <ttl> (1 .. 255)
 * has a reset leave that lives for so many hops; 0: as said. */
void sock_forget(int fd, int ttl);
void sock_bufsizes(int fd, int rcv, int snd); /* 0: leave */
void sock_lowat(int fd, uint32_t bytes);      /* TCP_NOTSENT_LOWAT; 0: leave */
#endif
