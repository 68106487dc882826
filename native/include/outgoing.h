/* Outgoing connections that belong to Python: health checks and agents now, whatever else speaks to somebody later. To
 * Python they are applets of which it is the client: their events are an applet's (event.h).
 *
 *     eng_out_open() --EV_CONNECTED, error--> gone
 *           |  EV_CONNECTED, 0 (of an OUT_PROBE: gone, too)
 *           v
 *         open: EV_DATA, EV_ROOM --EV_EOF--> the peer has ended, we may still send --EV_CLOSE--> gone
 *
 * It may also be one of a server's idle connections: eng_out_borrow() takes it, instead of opening one, and eng_out_lend() puts
 * it, or one that was opened, among them for streams to use.
 *
 * A connection belongs to the thread that opened it, which alone may name its handle. Once gone, or closed by us, a handle
 * is dead: it is never used again, and every call with it returns -ESTALE.
 */
#pragma once
#ifndef LB_CFFI
#include "base.h"
#include "fd.h"
#include "proxy.h"
#include "sock.h"
#endif

#define OUT_PROBE 1  /* only to learn whether it can be established: closed at once */
#define OUT_LINGER 2 /* closed with a FIN; else by a reset, which leaves no TIME_WAIT behind */
#define OUT_TIMEOUT 0x10000 /* EV_CONNECTED's <arg>, where else there is an errno: it took too long */

/* How a connection is to be opened; may be used for many. */
typedef struct out_conf {
    sock_addr to;
    sock_addr from;         /* len 0: any */
    char ifname[PX_IFNAME]; /* "": any */
    uint32_t flags;         /* OUT_* */
    uint32_t tcp_ut;        /* ms, TCP_USER_TIMEOUT; 0: the system's */
    uint32_t spoof;         /* 1: <from> is no address of ours (sock_how.transparent) */
    int32_t ns;             /* as srv_conf.ns */
    int32_t ports;          /* 1 + the index of the server whose range of ports it comes from too; 0: none */
    sock_addr socks;        /* SOCKS4 proxy that leads to <to>; len 0: none */
} out_conf;

typedef struct engine engine;

/* Begins a connection, which must be there within <ms> (0: no limit). What is put before that goes as soon as it is. Returns
 * the handle, of which EV_CONNECTED will tell, or -errno if it failed at once: then no event comes. */
int64_t eng_out_open(engine *e, int tid, const out_conf *conf, uint32_t ms);
/* Takes an idle connection to server <i> that has <name> (conn.print; 0: none), as a stream would. Returns the handle, of which
 * EV_CONNECTED will tell as of any other, or 0: there is none. */
int64_t eng_out_borrow(engine *e, int tid, int i, uint64_t name);
/* Puts a connection that leads to server <i>, and on which nothing is under way, among its idle ones, under <name>. The handle is
 * dead then, as after eng_out_close(); what is of no use to streams is closed. 0 or -ESTALE. */
int eng_out_lend(engine *e, int tid, int64_t handle, int i, uint64_t name);
/* Sends <len> bytes (copied). The bytes that wait now, of which, if any, EV_ROOM tells once all have gone; -ESTALE, -ENOMEM. What
 * can't be sent is no error: the reason is that the peer has gone, which is told when all it sent was read. */
int eng_out_put(engine *e, int tid, int64_t handle, const char *bytes, int len);
/* Ends our direction once all that was put has gone. 0 or -ESTALE. */
int eng_out_end(engine *e, int tid, int64_t handle);
/* Closes it at once: no more events, but those that were fetched already. 0 or -ESTALE. */
int eng_out_close(engine *e, int tid, int64_t handle);
/* Our own address of it. 0, -ESTALE, or what the kernel says. */
int eng_out_name(engine *e, int tid, int64_t handle, sock_addr *out);

#ifndef LB_CFFI
struct thr;
/* The handler of their descriptors. */
void outgoing_iocb(fdloop *l, fdent *e, int fd);
/* Those of a thread that took too long; and how many ms until there may be more, -1: none. */
int outgoing_tick(struct thr *t);
/* Closes all of a thread. */
void outgoing_fini(struct thr *t);
#endif
