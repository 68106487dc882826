/* Connections: an fd, or a Python applet, behind one record of transport operations.
 *
 * A connection belongs to one thread and, while it carries something, to one flow. What its flow wants of it (to
 * receive, to send) is told once at the end of a handler, conn_want(); the fd layer turns that into polling.
 */
#pragma once
#ifndef LB_CFFI
#include "fd.h"
#include "ports.h"
#include "proxy.h"
#include <sys/uio.h>

struct thr;
struct flow;
typedef struct conn conn;
typedef struct thr thr;

/* A transport. Results are those of the system calls they stand for: bytes, 0 for the end (recv), or -errno, where
 * -EAGAIN has already told the fd layer that it can't go on. */
typedef struct xprt {
    const char *name;
    ssize_t (*recv)(conn *c, char *to, size_t n);
    ssize_t (*send)(conn *c, const struct iovec *v, int n, int more); /* more: 1 if more follows at once (MSG_MORE) */
    int (*shutw)(conn *c);                                            /* end our direction; 0 or -errno */
    void (*close)(conn *c);                                           /* both directions, for good */
} xprt;

#define CO_F_BACK 0x1        /* it leads to a server */
#define CO_F_CONNECTING 0x2  /* not yet known to be established */
#define CO_F_EOF 0x4         /* the peer will send no more */
#define CO_F_SHUTW 0x8       /* we ended our direction */
#define CO_F_ERR 0x10        /* broken */
#define CO_F_REUSED 0x20     /* carries at least its second stream */
#define CO_F_SAFE 0x40       /* has shown that it survives between streams */
#define CO_F_IDLE 0x100      /* in its server's idle list, whose lock guards flags then */
#define CO_F_RESET 0x200     /* to be reset on close: no FIN may leave */
#define CO_F_APPLET 0x400    /* no fd */
#define CO_F_SPLICE 0x800    /* raw on this side: may splice */
#define CO_F_OPTIMIST 0x2000 /* said to be writable without the kernel's word */
#define CO_F_HOLDS 0x4000    /* the kernel holds its last bytes back for what follows (MSG_MORE) */
#define CO_F_SERVED 0x1000   /* counted in its server's <served> */
#define CO_F_PREFACE 0x10000 /* the server is still to be told by a PROXY header whom it serves */
#define CO_F_PRIVATE 0x8000  /* was told of its client, comes from its address, or goes where it wanted: it may serve no other */
#define CO_F_SOCKS 0x20000   /* leads to a SOCKS proxy, which is still to be told where to */
#define CO_F_COUNTED 0x80000 /* has its place among those that its server may have ("strict-maxconn") */
#define CO_F_NAMED 0x40000   /* serves only streams of its name (pool-conn-name), which is <print> unless CO_F_PRIVATE */

struct conn {
    int fd;             /* -1: an applet's */
    uint32_t flags;     /* CO_F_* */
    fdent *e;           /* readiness; an applet brings its own */
    const xprt *xprt;
    struct thr *thr;    /* owner */
    struct thr *home;   /* whose slab this memory is of */
    struct flow *flow;  /* what it carries, NULL while idle */
    server *srv;        /* CO_F_BACK */
    listener *lsn;      /* front side */
    void *ctx;          /* the transport's own */
    conn *next, *prev;  /* in the idle list */
    conn *nnext, *nprev; /* CO_F_NAMED: there among those of names like its own */
    uint32_t idle_since;
    uint32_t streams;   /* carried so far */
    int32_t err;        /* errno of the failure, if CO_F_ERR */
    uint16_t port;      /* the client's, host order; of a server's: ours, if it is of <ports> */
    uint8_t family;     /* the client's */
    uint8_t socks;      /* CO_F_SOCKS: how far that has come (socks4.h) */
    union {
        uint8_t addr[16]; /* the client's */
        uint32_t moves;   /* CO_F_BACK: those of <srv> when it was made: if there are more by now, it leads to its old address */
    };
    port_range *ports;  /* whose port it has, NULL: the kernel's choice */
    uint64_t print;     /* CO_F_PRIVATE: fingerprint of the PROXY header that was sent, of the addresses of both ends, and of its
                         * name; CO_F_NAMED alone: that of its name */
};

extern const xprt xprt_raw;

/* A connection around <fd>, inserted in the fd table for thread <t> with handler <cb>. NULL without memory (<fd> is
 * closed then). */
conn *conn_new(struct thr *t, int fd, uint32_t flags, fd_iocb cb);
/* The one full close: transport, fd, memory. What it was counted in must be told before. */
void conn_free(conn *c);
/* What <be> wants of connections to its servers once they are made: sizes of buffers, probes, whether their end is a reset. */
void conn_dress(struct thr *t, const backend *be, conn *c);
/* Hands an idle connection over to thread <t>, by <t> itself, with the idle list's lock of its old thread held. */
void conn_take(struct thr *t, conn *c);

/* Whether more may come of it, now or later. */
static inline int conn_may_speak(const conn *c)
{
    return !(c->flags & (CO_F_EOF | CO_F_ERR));
}

/* What one that is not ready for its stream's bytes waits for. */
static inline int conn_awaits(const conn *c)
{
    return c->flags & CO_F_SOCKS && !(c->flags & CO_F_CONNECTING) ? FD_R : FD_W;
}

static inline int conn_can_recv(const conn *c)
{
    return (c->e->ready & FD_R) && !(c->flags & (CO_F_EOF | CO_F_ERR));
}

static inline int conn_can_send(const conn *c)
{
    return (c->e->ready & FD_W) && !(c->flags & (CO_F_SHUTW | CO_F_ERR));
}

/* Receives up to <n> bytes. >0 bytes; 0: nothing now (or CO_F_EOF was set by it); <0: -errno, CO_F_ERR set. */
ssize_t conn_recv(conn *c, char *to, size_t n);
/* Sends what can be sent of <v>. >=0 bytes; <0: -errno, CO_F_ERR set. */
ssize_t conn_send(conn *c, struct iovec *v, int n, int more);
/* <c> is broken, as receiving or sending (TEVT_RCV_ERR, TEVT_SND_ERR) has shown. */
void conn_broke(conn *c, int err, uint32_t found);
/* The peer of <c> has ended its direction. */
void conn_ended(conn *c);
/* Whether a connection that was started is established: 1, 0 (the fd layer will tell), or -errno. */
int conn_established(conn *c);
/* Commits what is wanted (FD_R | FD_W). */
void conn_want(conn *c, int dirs);
/* Ends our direction, unless the connection is to be reset. */
void conn_shutw(conn *c);
#endif
