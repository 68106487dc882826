/* Flows: what the shim moves by itself.
 *
 * A tunnel carries bytes both ways between two connections. An exchange carries HTTP/1 requests and their responses,
 * one after the other, and may become a tunnel (101). A flow belongs to the thread of its front connection for life.
 *
 *     exchange, request side (rq)          back side (cs)                       response side (rs)
 *     IDLE   no byte of a request yet      NONE   no server wanted yet          NONE
 *     HEAD   part of a head                QUEUE  waits for a server            WAIT   no head yet
 *     BODY   head done, body to come       CONN   connecting                    BODY   head sent
 *     DONE   all received and sent         TAR    pauses before a retry         DONE   all received (maybe not sent)
 *                                          EST    head sent              ASK    a head waits for its verdict
 *                                          ASK    waits for a verdict               PIECES our own is made as it is sent
 *
 * FL_HELD flows do nothing of this: they wait for a verdict about all of them, or for what a verdict told them to wait
 * for (asked.h). A response is asked about in rs ASK, since its request's body may still be on its way.
 */
#pragma once
#ifndef LB_CFFI
#include "lb.h"
#include "bwlim.h"
#include "tevt.h"
#include "thr.h"

enum { FLOW_TUNNEL, FLOW_EXCHANGE };
enum { RQ_IDLE, RQ_HEAD, RQ_BODY, RQ_DONE };
enum { CS_NONE, CS_QUEUE, CS_CONN, CS_TAR, CS_EST, CS_ASK };
enum { RS_NONE, RS_WAIT, RS_ASK, RS_BODY, RS_PIECES, RS_DONE };
enum { BODY_NONE, BODY_LEN, BODY_CHUNKED, BODY_CLOSE };

#define FL_KA_CLIENT 0x1       /* keep the client's connection after this exchange */
#define FL_KA_SERVER 0x2       /* keep the server's */
#define FL_HEAD 0x4            /* the request was HEAD */
#define FL_REQ10 0x8           /* the client speaks HTTP/1.0 */
#define FL_RETRYABLE 0x10      /* the whole request is kept in <keep>, and may be sent twice by its method */
#define FL_UPGRADE 0x20        /* the request asks to switch protocols */
#define FL_CONNECT 0x40        /* the request was CONNECT */
#define FL_IDEMPOTENT 0x80     /* its method may be sent twice (RFC 9110 9.2.2) */
#define FL_LOCAL 0x100         /* the response is our own */
#define FL_DRAIN 0x200         /* the response went out, input is being thrown away before the close */
#define FL_IN_RUN 0x400        /* stands in its thread's list of flows to run */
#define FL_UNSCANNED 0x800     /* <req.in> has bytes that no scan has seen */
#define FL_BE_COUNTED 0x1000   /* counted in its backend's <cur> */
#define FL_SRV_COUNTED 0x2000  /* counted in its server's <cur> and <served> */
#define FL_REDISP 0x4000       /* was sent to another server */
#define FL_LOGGED 0x8000       /* its record was written (logasap) */
#define FL_TUNNELED 0x10000    /* an exchange that became a tunnel */
#define FL_REQ_COUNTED 0x20000 /* a request was begun on this stream and is not ended */
#define FL_FE_COUNTED 0x40000  /* counted in frontend, process and listener */
#define FL_RS_STARTED 0x80000  /* the first byte of the response came */
#define FL_HELD 0x100000       /* see above */
#define FL_SLOW_CLOSE 0x200000 /* request not wholly read: drain before closing */
#define FL_DECHUNK 0x400000    /* the response's chunks go out bare */
#define FL_SERVING 0x800000    /* inside flow_run(): don't free */
#define FL_DEAD 0x1000000      /* ended: freed when flow_run() returns */
#define FL_RETRIED_STALE 0x2000000 /* once sent again because an idle connection was dead */
#define FL_NOT_FIRST 0x4000000 /* not the first request of its connection */
#define FL_EARLY 0x8000000     /* the response is an early page: HAProxy's logs count no bytes of it */
#define FL_UNSENT 0x10000000   /* <req.in> begins with the head of the present request, <head_len> bytes */
#define FL_ASK_RES 0x20000000  /* ask about the response; a tunnel: about what the server says first */
#define FL_NO_L7 0x40000000    /* "retry-on" does not hold for this request but for failed connections */
#define FL_BODILESS 0x80000000u /* a HEAD that went on as another method: the body that comes is not for its client */

/* One direction of bytes. */
typedef struct chan {
    buf in;        /* received, not used yet */
    buf out;       /* ready to be sent, not taken by the destination yet */
    uint64_t left; /* BODY_LEN: payload still to come */
    uint64_t total; /* bytes given to the destination */
    h1_chunk chunk;
    uint8_t body;  /* BODY_* */
    uint8_t eof;   /* the end was passed on (shutdown for writing of the destination) */
    uint8_t cork;  /* <out> begins with a head that goes out together with what follows */
    uint8_t pad;
    uint32_t seen;  /* bytes received of what was refused or answered by us, for the record */
    uint32_t rsize; /* bytes that the next read of a bulk transfer asks for */
    splice_pipe *pipe; /* NULL: none */
    bwlim *limits; /* NULL: none */
} chan;

typedef struct flow flow;
struct flow {
    tmr tmr;
    flow *next, *prev; /* thr.all */
    flow *rnext;       /* thr.run */
    pendconn pend;    /* where it stands in a queue, under the backend's queue lock; as the next two */
    pend_heap *queue; /* that queue, NULL: none */
    server *qsrv;     /* the only server that it waits for there, NULL: any */
    thr *t;
    frontend *fe;
    backend *be;
    server *srv;
    listener *lsn;
    conn *f, *b;
    uint64_t gen; /* another number for each life of this memory, and after a stay in a queue that was given up */
    uint32_t flags;
    uint8_t kind, rq, cs, rs;
    uint8_t method;
    uint32_t retries;
    char term[2];   /* termination state, 0: not known yet */
    int16_t status; /* sent to the client; -1: none */
    uint32_t cexp, sexp; /* ticks at which the client's, the server's side times out; 0: never */
    chan req, res;
    buf keep;       /* the request as received, to be sent again */
    h1_head *head;  /* of a request or a response that is not whole yet */
    /* for the record */
    uint64_t accept_us;  /* wall clock of the connection */
    uint64_t request_us; /* wall clock of the request's first byte */
    uint32_t t_start;    /* tick: the stream's begin (accepted, or the previous one's end) */
    uint32_t t_first;    /* tick: the first byte of the request */
    int32_t idle, tr, tw, tc, tresp; /* ms; -1: not reached */
    uint32_t t_mark;     /* tick at which the present phase began */
    uint32_t req_no;
    uint32_t head_len;   /* bytes of the request's head, as received or as a verdict made it */
    uint64_t body_len;   /* of the request, BODY_LEN */
    server *left_srv;    /* the server that failed it last, to be avoided */
    lb_key key;          /* what its server is found by, if the backend hashes something of it */
    uint32_t qbe, qonly; /* its place among those that were served while it waited for any server, for one alone; from 1 */
    uint32_t qmark;      /* how many had been served when it came */
    uint64_t bytes_in_told, bytes_out_told; /* already added to the counters */
    buf uri;             /* request line, and behind it <captured> bytes of what a log line says of captured fields */
    uint32_t captured;
    uint64_t uniq;    /* number of the stream in the process, 0: none yet */
    uint64_t session; /* number of the client's connection in the process */
    uint64_t events;  /* how its ends came about, see tevt.h */
    uint32_t t_client, t_server, t_tunnel; /* ms: of the frontend and the backend, or what a verdict set */
    uint32_t max_retries;                  /* as these */
    struct asked *asked; /* NULL: nobody was asked about anything of this connection */
    struct track *track; /* NULL: nothing is tracked */
    uint32_t patience; /* ms that an applet gives its client; 0: no limit */
    uint32_t calls;    /* of flow_run() for the present stream */
    int16_t nice;      /* "nice", -1024 .. 1024: when it has its turn among others, see flow_later() */
};

/* A flow for the accepted connection <c>, linked in its thread; NULL without memory. */
flow *flow_new(thr *t, listener *lsn, conn *c);
/* Looks at the flow: moves what can be moved, ends it if it is over. The flow may be gone afterwards. */
void flow_run(flow *f);
/* Has flow_run() called in this turn of the thread, once: after the events of others, the "nicer" ones last. */
void flow_later(flow *f);
/* Tells the counters, closes both sides, frees. Inside flow_run() the memory lives until that returns. */
void flow_free(flow *f);
/* Sets its "nice". Above 0 it is run after the events of others, later still the higher it is; below 0 before all that have 0. */
void flow_be_nice(flow *f, int nice);
/* What the present stream has cost so far. */
void flow_cost(const flow *f, lb_cost *to);
/* The handlers of the fds of flows: clients', and servers', which does the same; so whose an fd is can be told from the
 * table of fds, without a look at the connection. */
void flow_iocb(fdloop *l, fdent *e, int fd);
void flow_server_iocb(fdloop *l, fdent *e, int fd);
/* Called by the timer wheel. */
void flow_expired(void *ctx, tmr *tm);
/* Sets the two characters of the termination state if they are not set yet. */
static inline void flow_term(flow *f, char who, char when)
{
    if (!f->term[0]) {
        f->term[0] = who;
        f->term[1] = when;
        tevt_end(f, who, when);
    }
}
/* Writes the record of the stream that ends (or, logasap, that has sent its head). */
void flow_record(flow *f);
/* The client's connection: who is at its ends. Of AF_UNIX only the family is known. */
typedef struct flow_ends {
    uint8_t saddr[16], daddr[16];
    uint16_t sport, dport;
    uint8_t family;
} flow_ends;
void flow_get_ends(flow *f, flow_ends *ends);
/* Asks the kernel for the address that the client connected to, and notes it in f->asked if that is there. */
void flow_learn_dst(flow *f, flow_ends *ends);
/* ms that the handshakes before this stream took. */
int32_t flow_handshake_time(const flow *f);
/* Adds the bytes moved since the last call to the counters. */
void flow_count_bytes(flow *f);
/* Whether bytes of <c> wait for their destination. */
static inline int chan_holds(const chan *c)
{
    return c->out.len || (c->pipe && c->pipe->len);
}
/* Whether it waits for a limit of bandwidth, as its last move left it. */
static inline int chan_paused(const chan *c)
{
    return unlikely(c->limits != NULL) && bwlim_until(c->limits);
}
/* "http-no-delay": nothing that can be sent waits for what may follow it. */
static inline int flow_hurries(const flow *f)
{
    return (f->fe->conf.options | (f->be ? f->be->conf.options : 0)) & PX_O_NO_DELAY;
}
/* Whether the last bytes of a direction may wait for its end, which follows at once, to leave in one segment with it. Not if
 * that end may be a reset ("nolinger"), which throws away what was not sent. */
static inline int flow_may_hold(const flow *f)
{
    return !((f->fe->conf.options | (f->be ? f->be->conf.options : 0)) & (PX_O_NO_DELAY | PX_O_NOLINGER));
}
/* Ends both sides at once, without a word to the client: by a reset, or (<forget>) in a way that it is not told of, where a
 * <ttl> lets a reset leave that lives for so many hops (0: none leaves if that can be). */
void flow_kill(flow *f, int forget, uint32_t ttl);
/* Ends the flow once its output is gone: at once, or, if input is left that would make the kernel reset the connection
 * (which may overtake what was sent), after it was read and thrown away for a while (RFC 9112 9.6). */
void flow_close(flow *f);
static inline uint32_t flow_exp(const flow *f, uint32_t ms)
{
    return ms ? tick_add(f->t->now_ms, ms) : 0;
}

/* --- the back side, common to both kinds (flow_srv.c) --- */

/* Results of looking for a server. */
enum { ASSIGN_OK, ASSIGN_WAIT, ASSIGN_NONE };
/* The number of its server, -1: none that anybody knows of. */
static inline int32_t flow_server(const flow *f)
{
    return f->srv && !f->srv->aside ? (int32_t)f->srv->index : -1;
}
/* Sets f->be and counts the stream in it. */
void flow_set_backend(flow *f, backend *be);
/* Takes a slot on a server (f->srv), or queues the flow until f->sexp. f->left_srv is taken only if there is no other. */
int flow_assign(flow *f);
/* Opens f->b, or takes an idle connection. 0, or -errno (-EDESTADDRREQ: the request does not say whom the server is to see). */
int flow_connect(flow *f);
/* Where f->srv is: what is not its own is where the client wanted to go. 0, or -errno: -EDESTADDRREQ from clients of unix
 * sockets. */
int flow_server_address(const flow *f, sock_addr *to);
/* Whether f->b is established: 1 (f->cs is EST then), 0 not yet, or -errno. */
int flow_established(flow *f);
/* Gives the slot and the server back. */
void flow_unassign(flow *f);
/* Gives the slot back and leaves the server, but not the backend. */
void flow_leave_server(flow *f);
/* Closes f->b, or puts it among the idle ones if <keep>. */
void flow_detach_back(flow *f, int keep);
/* Whether a stream that leaves its server may find another one. */
static inline int flow_has_choice(const flow *f)
{
    return f->be->aside ? f->srv != f->be->aside : f->be->nsrv > 1;
}
/* Counts a failed attempt; returns 1 if another may be made (f->cs says when: TAR or at once), 0 if not. */
int flow_retry(flow *f, int err);
/* A server is ready for a queued flow, by its thread. */
void flow_dequeued(flow *f, server *srv);
/* The server <left> that a queued flow waited for takes none now: looks for another one. By its thread. */
void flow_look_again(flow *f, server *left);
/* The flow's server is not to be used any more: ends the stream, <why> is the first character of the termination state. The
 * client gets 502 (503 if no server was reached) unless the response has begun. By its thread. */
void flow_shutdown(flow *f, char why);
/* Ends its stream, and its connection with it, wherever it stands, as flow_shutdown() does; one that waits for a verdict ends
 * without a word. By its thread. */
void flow_stop(flow *f, char why);

/* --- kinds --- */
void tunnel_run(flow *f);
void tunnel_timeout(flow *f);
void tunnel_shutdown(flow *f, char why);
/* Begins as a tunnel: chooses a server, connects. */
void tunnel_start(flow *f);
/* Chooses the backend with the index <i> (-1: there is none). Whether there was one; if not, the flow has ended. */
int tunnel_route(flow *f, int32_t i);
/* Tells record and counters that it is over. */
void tunnel_books(flow *f);
/* Ends it, politely. */
void tunnel_end(flow *f);
/* Goes on as a tunnel (101, CONNECT). */
void tunnel_switch(flow *f);
/* Begins with the applet at its back (PX_APPLET). */
void applet_start(flow *f);
void exch_run(flow *f);
void exch_timeout(flow *f);
void exch_shutdown(flow *f, char why);

/* --- moving (chan.c) --- */
enum { MOVE_DONE, MOVE_IN, MOVE_OUT, MOVE_EOF, MOVE_ERR_IN, MOVE_ERR_OUT, MOVE_YIELD, MOVE_PAUSE };
/* Sends what waits in <c>->out (and its pipe). MOVE_DONE, MOVE_OUT or MOVE_ERR_OUT. */
int chan_flush(flow *f, chan *c, conn *dst);
/* Sends <v>; what the destination does not take is kept in <c>->out. MOVE_DONE, MOVE_OUT, MOVE_ERR_OUT (also without
 * memory). */
int chan_send(flow *f, chan *c, conn *dst, struct iovec *v, int n, int more);
/* Moves raw bytes, at most *left of them (NULL: no end), from <src> to <dst> until something stops it:
 * MOVE_DONE *left is 0 and all was sent; MOVE_IN no more to read now; MOVE_OUT the destination is full; MOVE_EOF <src>
 * ended; MOVE_ERR_IN, MOVE_ERR_OUT; MOVE_YIELD others shall have a turn; MOVE_PAUSE a limit of bandwidth is reached. */
int chan_pump(flow *f, chan *c, conn *src, conn *dst, uint64_t *left, int splice);
/* As chan_pump(), of a direction with limits. */
int chan_pump_limited(flow *f, chan *c, conn *src, conn *dst, uint64_t *left);
/* Tells limits and taps of <n> bytes, which lie in <v>, that they go. */
void chan_passed(flow *f, chan *c, const struct iovec *v, int nv, uint32_t n);
/* How many of <n> bytes of payload at hand may go now. What goes is to be told: chan_spend(). */
static inline uint32_t chan_allowance(const flow *f, const chan *c, uint32_t n)
{
    return likely(!c->limits) ? n : bwlim_grant(c->limits, f->t->now_ms, n);
}
static inline void chan_spend(flow *f, chan *c, const char *data, uint32_t n)
{
    struct iovec v = {(void *)(uintptr_t)data, n};

    if (unlikely(c->limits != NULL))
        chan_passed(f, c, &v, 1, n);
}
/* Whether more is to be read: always, but in a pause only as far as one buffer. */
static inline int chan_takes_more(const flow *f, const chan *c)
{
    return !chan_paused(c) || c->in.len < f->t->bufs.size[BUF_NORMAL];
}
/* A pause that goes on: MOVE_PAUSE; MOVE_ERR_IN or MOVE_ERR_OUT if the client has broken its connection meanwhile, for which
 * there may be no event where nothing is wanted of it. */
int chan_goes_on_pausing(const flow *f, const conn *dst);
/* How a read that returned nothing is to be understood: MOVE_IN, MOVE_EOF, MOVE_ERR_IN. */
int chan_no_input(const conn *src, ssize_t ret);
/* Moves a chunked body, framed anew (<bare>: without framing), its trailers too. Results as chan_pump(); MOVE_ERR_IN with
 * f->t->head.err set if the framing is wrong. */
int chan_chunks(flow *f, chan *c, conn *src, conn *dst, int bare);
void chan_release(flow *f, chan *c);

/* --- messages (msg.c) --- */
/* Writes the head to be sent to the server; returns its length or -EMSGSIZE. */
int msg_request(flow *f, const h1_head *h, const char *from, char *to, uint32_t size);
int msg_response(flow *f, const h1_head *h, const char *from, char *to, uint32_t size);
/* Writes the error page of <status>; <early>: the verbatim one for requests that were never understood. Its length,
 * 0 if it is empty, -ENOENT if there is no such page, -EMSGSIZE. */
int msg_error(flow *f, int status, int early, char *to, uint32_t size);
#endif
