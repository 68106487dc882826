/* The engine: everything of one balancer, and the door through which Python drives it.
 *
 * Life: eng_new(), then objects are added (one thread, nothing runs), then each worker calls eng_thread_init() and
 * eng_poll() in a loop, then eng_thread_fini(); eng_free() when no thread is left in it. Several engines live side by
 * side in one process and know nothing of each other.
 */
#pragma once
#ifndef LB_CFFI
#include "ask.h"
#include "event.h"
#include "fd.h"
#include "logline.h"
#include "outgoing.h"
#include "proxy.h"
#include "rec.h"
#include "task.h"
#include "table.h"
#endif

#define ENG_SPREAD_EVER 0xffffffff

typedef struct eng_conf {
    uint32_t nbthread;    /* 1 .. 64 */
    uint32_t bufsize;     /* bytes, at least 1024 */
    uint32_t maxrewrite;  /* bytes of a head's buffer that are left free for rewriting */
    uint32_t maxhdr;      /* fields of a head */
    uint32_t maxaccept;   /* connections accepted at one event */
    uint32_t maxpollevents; /* events fetched by one poll; 0: as many as the shim can take */
    uint32_t maxconn;     /* client connections of the process; 0: no limit */
    uint32_t maxconnrate; /* per second; 0: no limit */
    uint32_t maxsessrate;
    uint32_t maxpipes;    /* pairs of descriptors for splicing */
    uint32_t pipesize;    /* bytes; 0: the kernel's */
    uint32_t maxfd;       /* size of the fd table */
    uint32_t nosplice;
    uint32_t idle_shared; /* idle server connections may change threads */
    uint32_t no_pollers;  /* bit i: poller i of poller_by_index() is off */
    uint32_t rcvbuf_client, sndbuf_client, rcvbuf_server, sndbuf_server; /* bytes; 0: the kernel's */
    uint32_t lowat_client, lowat_server; /* bytes not sent yet that a socket takes (TCP_NOTSENT_LOWAT); 0: the kernel's */
    uint32_t shuns_low;   /* 1: clients whose port is below 1024 are closed at once ("harden.reject-privileged-ports.tcp") */
    uint32_t line_max;    /* bytes of a request line that are kept for logs; 0: 1023 */
    uint32_t any_payload; /* 1: HTTP/1.0 GET, HEAD and DELETE may have a body ("h1-accept-payload-with-any-method") */
    uint32_t spread;      /* ms over which a soft stop spreads the ends of connections; 0: no time, ENG_SPREAD_EVER: they stay */
    uint32_t lock_flags;  /* LOCK_F_* */
    uint32_t stick_counters; /* slots for tracked entries, 0 .. 100 (track.h) */
    uint32_t profiling;   /* 1: "profiling.tasks": what streams cost is measured */
} eng_conf;

/* Figures of the process. Any thread, atomic. */
typedef struct eng_live {
    uint32_t jobs;      /* connections, listeners, and what else holds a stop back */
    uint32_t actconn;   /* client connections now */
    uint32_t actconn_max;
    uint32_t stopping;  /* 1: soft stop: no new connections, those that are done are closed */
    uint32_t pipes_used, pipes_free;
    uint64_t totalconn; /* client connections ever */
    uint64_t requests;  /* streams ever */
    uint64_t dropped;   /* connections that could not be served for lack of memory or descriptors */
    uint64_t limited_n; /* times a listener had to wait for the process's limit */
    uint64_t snapshots; /* messages refused of which a px_snapshot was taken */
    uint32_t conn_rate_max, sess_rate_max;
    uint64_t dropped_logs; /* lines that were written here and could not be sent */
} eng_live;

#define ENG_STATUSES 600
#define BLAME_ERR 0x1  /* http_err_cnt: the client's error */
#define BLAME_FAIL 0x2 /* http_fail_cnt: the server's failure */

#define BUF_SMALL_BYTES 1024  /* buffers[0] of thr_figures */
#define BUF_BIG_BYTES 262144 /* buffers[2]; buffers[1] are of "tune.bufsize" */

/* A pool of objects of one size. */
typedef struct pool_figures {
    uint32_t size;   /* bytes of one */
    uint32_t used;   /* given out now */
    uint32_t total;  /* that there is memory for */
    uint32_t failed; /* times that there was no memory for more */
} pool_figures;
#define POOL_PIPE_BYTES 24 /* of a splice_pipe; what the kernel keeps for it is not counted */
#define POOL_CONN 0
#define POOL_FLOW 1
#define POOL_ASKED 2 /* what is kept of questions about a flow */
#define POOL_TRACK 3 /* what a flow tracks */

/* Figures of one thread. */
typedef struct thr_figures {
    uint64_t turns, events, updates, wakeups, handlers;
    uint64_t stale;     /* events dropped, their descriptor having been closed or moved meanwhile */
    uint64_t polls;     /* times that Python has called */
    uint64_t accepted;  /* connections, */
    uint64_t handed;    /* of which another thread got so many */
    uint64_t streams;   /* ever */
    pool_figures pools[4]; /* POOL_* */
    uint64_t buffers_failed; /* buffers there was no memory for */
    uint32_t flows;     /* now */
    uint32_t conns;     /* client connections now */
    uint32_t buffers[3], free_buffers[3]; /* small, normal, big */
    uint32_t conn_objects;
    uint32_t idle;      /* idle server connections */
    uint32_t poller;    /* index of its poller */
} thr_figures;

typedef struct engine engine;

/* A new engine, nothing running; NULL without memory or if the configuration is out of its ranges. */
engine *eng_new(const eng_conf *conf);
/* Frees all. Every thread must have called eng_thread_fini(). Closes what listens, except inherited descriptors. */
void eng_free(engine *e);

/* --- objects; before threads start. Returns the index, or -errno. --- */
int eng_frontend_add(engine *e);
int eng_backend_add(engine *e);
int eng_server_add(engine *e, int backend); /* also at the sync point, once threads run: it is not up then */
/* "dispatch", "option transparent": where the backend's streams go that nothing has given to one of its servers. Without limits,
 * queue, or a name; records and questions have no server then. Its address is set as a server's. Once a backend, before the
 * threads start. The index for eng_srv_conf(), -EINVAL, -ENOMEM. */
int eng_aside_add(engine *e, int backend);
/* What http-send-name-header and log lines call server <i>: <len> bytes, copied, none of them a control character. 0, -EINVAL,
 * -ENOMEM. */
int eng_srv_name(engine *e, int i, const char *name, int len);
int eng_be_name(engine *e, int i, const char *name, int len); /* the same of a backend, for log lines */
/* "redir": the prefix of <len> bytes that server <i> sends GET and HEAD to; as eng_srv_name(). */
int eng_srv_redir(engine *e, int i, const char *prefix, int len);
/* "pool-conn-name": idle connections of server <i> serve only streams of the name that they were made for, which are the 8 bytes
 * that eng_flow_tell() gives under <tell> (not 0); streams without share those without. Before it is up. 0, -EINVAL, -ENOMEM. */
int eng_srv_named(engine *e, int i, uint32_t tell);
/* "source <address>:<low>-<high>": connections to server <i> come from ports 1 <= <low> < <high> <= 65535 of srv_conf.source,
 * each from its own. Before it is up. 0, -EINVAL, -ENOMEM. */
int eng_srv_ports(engine *e, int i, uint32_t low, uint32_t high);
/* A descriptor of the network namespace whose file is <path>, for srv_conf.ns and out_conf.ns; the engine closes it in the end.
 * The same for the same path. -errno: there is none, or it may not be opened. Before the threads start, or at the sync
 * point. */
int eng_namespace(engine *e, const char *path);
/* h1-case-adjust: a header's name of <len> bytes as PX_O_CASE writes it. 0, -EINVAL if it is no token, -EEXIST if it was
 * told already, -ENOMEM. */
int eng_case_add(engine *e, const char *name, int len);
/* What a response of <status>, 100 to ENG_STATUSES - 1, that comes from a server counts as for those whom its client is tracked
 * by (track.h): BLAME_*, or-ed; 0, as long as nothing is told: as nothing. 0 or -EINVAL. Before the threads start. */
int eng_blame(engine *e, int status, uint32_t blame);
/* A listener on <fd>, which is bound and listens already; the engine closes it unless <inherited>. <maxconn>: 0 for no limit of
 * its own; <mask>: threads that accept on it (0: all). */
int eng_listener_add(engine *e, int frontend, int fd, int inherited, uint32_t maxconn, uint64_t mask);
/* "nice" of the streams of listener <i>, -1024 to 1024. 0 or -EINVAL. */
int eng_listener_nice(engine *e, int i, int nice);
/* To be called once all objects are there: builds what balancing needs. 0 or -errno. */
int eng_ready(engine *e);
#define LSN_EXPECT_PROXY 1 /* "accept-proxy" */
#define LSN_EXPECT_CIP 2   /* "accept-netscaler-cip" */
/* Which headers come first on each connection of listener <i>: LSN_EXPECT_*. <magic>: what a NetScaler's begins with. 0, -EINVAL. */
int eng_listener_expect(engine *e, int i, int headers, uint32_t magic);

fe_conf *eng_fe_conf(engine *e, int i);
be_conf *eng_be_conf(engine *e, int i);
srv_conf *eng_srv_conf(engine *e, int i);
px_live *eng_fe_live(engine *e, int i);
px_live *eng_be_live(engine *e, int i);
px_live *eng_srv_live(engine *e, int i);
px_live *eng_lsn_live(engine *e, int i);
/* Sums of the counters over all threads. Any thread. */
void eng_fe_counters(engine *e, int i, lb_counters *out);
void eng_be_counters(engine *e, int i, lb_counters *out);
void eng_srv_counters(engine *e, int i, lb_counters *out);
void eng_lsn_counters(engine *e, int i, lb_counters *out);
/* Events per second now: connections, sessions, requests into out[0..2]. */
void eng_fe_rates(engine *e, int i, uint32_t *out);
void eng_be_rates(engine *e, int i, uint32_t *out);
void eng_srv_rates(engine *e, int i, uint32_t *out);
void eng_rates(engine *e, uint32_t *out);
/* The process's connections and sessions per second now, not rounded, into out[0..1]. */
void eng_rates_exact(engine *e, double *out);
/* Copies the last refused message of a frontend (back 0) or backend (back 1). 1 if there was one, else 0. Takes LBL_PROXY. */
int eng_snapshot(engine *e, int back, int i, px_snapshot *out);
eng_live *eng_live_figures(engine *e);
/* How many of the idle connections of server <i> thread <tid> keeps. Any thread, no lock. */
uint32_t eng_srv_idle(engine *e, int i, int tid);
/* Sets what was the most so far to 0, in all objects and of the process; with <all>, all counters of all objects too. At the
 * sync point. */
void eng_clear_counters(engine *e, int all);
/* The engine's configuration, of which maxconn, maxconnrate and maxsessrate may be written at the sync point. */
eng_conf *eng_limits(engine *e);
/* A limit of the engine or of a frontend was raised: listeners that wait for room look for it again. At the sync point. Takes
 * LBL_LQUEUE. */
void eng_limits_changed(engine *e);
void eng_thread_figures(engine *e, int tid, thr_figures *out);
lockset *eng_locks(engine *e);
tasksched *eng_tasks(engine *e);
int eng_fd_describe(engine *e, int fd, fd_info *out);
int eng_fd_top(engine *e);
#define ENG_FD_NONE 0     /* not in the table */
#define ENG_FD_LISTENER 1
#define ENG_FD_CONN 2     /* a client's connection */
#define ENG_FD_OTHER 3
#define ENG_FD_SERVER 4   /* a connection to a server */
#define ENG_FD_OUT 5      /* one that Python has opened: a check's */
int eng_fd_kind(engine *e, int fd); /* what <fd> belongs to: ENG_FD_*. Any thread, a snapshot */

/* Sets an error page for <status>, 200 .. 599: a whole HTTP message, which is copied and replaces the one set before.
 * <early>: the one sent, verbatim, when no request was understood; the other one has its Connection field written by us.
 * An empty text: nothing is sent, the connection is closed. A backend's page comes before its frontend's, that before the
 * engine's. -EINVAL if it has no end of head. Before threads start. */
int eng_set_error(engine *e, int status, int early, const char *text, int len);
int eng_fe_error(engine *e, int i, int status, int early, const char *text, int len);
int eng_be_error(engine *e, int i, int status, int early, const char *text, int len);

/* Has log lines of frontend <i> written in the shim. All is copied but the sockets. Any thread. 0, -EINVAL, -ENOMEM, -EBUSY if it
 * was told before. */
int eng_fe_log(engine *e, int i, const log_conf *c);

/* Gives frontend <i> a limit in place of the one it has: figures in one of the <n> ranges, of which <ranges> has the lowest and
 * the highest values in turn, are refused. All is copied. Any thread, one at a time. 0, -EINVAL, -ENOMEM. */
int eng_fe_limit(engine *e, int i, const px_limit *limit, const int64_t *ranges, int n);

/* --- threads --- */
/* Sets up the loop of worker <tid>, in that thread. 0 or -errno. */
int eng_thread_init(engine *e, int tid);
/* Ends it: all its connections are closed. */
void eng_thread_fini(engine *e, int tid);
/* Applies the <len> bytes of verdicts (ask.h), then works until there is something for Python, <timeout_ms> have passed
 * (-1: no end), or eng_wake() is called. Returns the number of events, to be read at *eng_events() before the next call;
 * -EINVAL if the verdicts end in the middle of one (those before it were applied). */
int eng_poll(engine *e, int tid, int timeout_ms, const char *verdicts, int len);
/* Where it stands where the events are: the same place as long as the engine lives, so that it is asked for once. */
lb_event *const *eng_events(engine *e, int tid);
/* Ends the present or the next wait of a thread. Any thread. */
void eng_wake(engine *e, int tid);
/* Asks all threads to meet: each gets an EV_SYNC as soon as it can. */
void eng_ask_sync(engine *e);

/* --- flows that were asked about; by their thread, <flow> and <gen> as the question has them ---
 * All return -ESTALE if the flow is gone, or was asked about anew since. */
/* Sets FLOW_* (ask.h) for the present stream; what belongs to the client's connection, for all of it. 0, -EINVAL, or what
 * the kernel says (-EPERM: a mark needs a privilege). */
int eng_flow_set(engine *e, int tid, uint64_t flow, uint64_t gen, int what, uint32_t value);
/* Limits the payload of the stream's request (<response> 0) or response (1) to <limit> bytes each <period> ms, 1 to 2^31-1;
 * no fewer than <least> bytes go at a time (bwlim.h). <id> tells the limits of a direction from each other: one that is
 * there is changed. All hold until the stream's end. 0, -EINVAL, or -ENOMEM. */
int eng_flow_bwlim(engine *e, int tid, uint64_t flow, uint64_t gen, int response, uint64_t id, uint32_t limit,
                   uint32_t period, uint32_t least);
/* The same by the rate of bytes (STK_BYTES_IN_RATE, or _OUT_RATE of responses) that the entry of a key in <t> keeps, which all
 * streams with that key share: <limit> bytes each period of that rate. 1; 0: the table is full, so nothing is limited;
 * -EINVAL, or -ENOMEM. */
int eng_flow_bwlim_shared(engine *e, int tid, uint64_t flow, uint64_t gen, int response, uint64_t id, uint32_t limit,
                          uint32_t least, stk_table *t, const char *key, int len);
/* Has the payload of a direction told as it passes (EV_PASSED), the bytes themselves too if <keep>; <random>: it passes in
 * parts of random sizes. 0 or -ENOMEM. */
int eng_flow_tap(engine *e, int tid, uint64_t flow, uint64_t gen, int response, uint64_t id, int keep, int random);
/* What the stream has cost so far. 0. */
int eng_flow_cost(engine *e, int tid, uint64_t flow, uint64_t gen, lb_cost *out);
/* How its ends came about so far, as in lb_rec; 0: nothing, or there is no such stream any more. */
uint64_t eng_flow_events(engine *e, int tid, uint64_t flow, uint64_t gen);
/* Adds what deciding about it took, so that it stands in its cost. 0. */
int eng_flow_spent(engine *e, int tid, uint64_t flow, uint64_t gen, uint64_t ns);
/* The client's address (<dst> 0), or the one that it connected to (1), as records, later questions, balancing and forwardfor
 * shall see it: for the present stream, or, while ASK_CONN or ASK_SESSION is asked, for the whole connection. 0 or -EINVAL. */
int eng_flow_addr(engine *e, int tid, uint64_t flow, uint64_t gen, int dst, int family, int port, const uint8_t *addr16);
/* Address and port of an end of the client's (<back> 0) or the server's (1) connection, as the kernel has it: ours (<peer> 0),
 * or the other side's (1). 0, -ENOTCONN, or what the kernel says. */
int eng_flow_name(engine *e, int tid, uint64_t flow, uint64_t gen, int back, int peer, uint32_t *family, uint32_t *port,
                  uint8_t *addr16);
/* Copies at most <len> bytes of the TLVs of the PROXY header that the client's connection began with: type, two bytes of length,
 * value, one after the other, all well formed. Their bytes, which may be more than <len>; 0: none came. */
int eng_flow_tlvs(engine *e, int tid, uint64_t flow, uint64_t gen, char *to, int len);
/* What PROXY headers of this stream tell servers whose srv_conf has <tell>, which is not 0: <len> bytes of TLVs, of which the
 * first <before> come before those that the shim adds. Each <tell> once. Numbers serve for other things too that the shim is
 * told of a stream (src_tell, name_tell). 0, -EINVAL, -ENOMEM. */
int eng_flow_tell(engine *e, int tid, uint64_t flow, uint64_t gen, int tell, int before, const char *tlvs, int len);
/* Copies at most <len> bytes of the kernel's struct tcp_info. The bytes copied, -ENOTCONN, or what the kernel says. */
int eng_flow_tcpinfo(engine *e, int tid, uint64_t flow, uint64_t gen, int back, void *to, int len);
/* What the stream's server is to be found by in backend <be>: the <len> bytes at <key>, hashed as its hash-type says. 0 or
 * -EINVAL. */
int eng_flow_key(engine *e, int tid, uint64_t flow, uint64_t gen, int be, const char *key, int len);
/* Sends an interim response (102 .. 199, in normal form) at once, before the request has its verdict. 1: sent; 0: this client
 * speaks HTTP/1.0 and knows none; -EINVAL: there is no request, or that is no such head. */
int eng_flow_interim(engine *e, int tid, uint64_t flow, uint64_t gen, const char *head, int len);
/* What is asked about as a request counts as one from now on: in mode http with ASK_CONTENT, whose rules of contents come
 * before that. 0, also if it does already. */
int eng_flow_request(engine *e, int tid, uint64_t flow, uint64_t gen);
/* Tracks the entry of a key of <t>, stored if it is absent, in slot <slot>: of the connection while ASK_CONN is asked, else
 * of the present stream (track.h). The number of the entry, which the flow holds until then; 0: the table is full;
 * -EBUSY: the slot is taken; -EINVAL: there is no such slot; -ENOMEM. */
int eng_flow_track(engine *e, int tid, uint64_t flow, uint64_t gen, int slot, stk_table *t, const char *key, int len);
/* The entry of <t> that counts for the present stream in slot <slot>; 0: none, or one of another table. */
int eng_flow_tracked(engine *e, int tid, uint64_t flow, uint64_t gen, int slot, const stk_table *t);
/* An element of a data type (STK_*) of the entry that counts for the present stream in slot <slot>, whatever table it is of.
 * ENG_NO_FIGURE: there is none, or its table does not store that; or it is this number. */
#define ENG_NO_FIGURE 0xffffffffffffffff
uint64_t eng_flow_figure(engine *e, int tid, uint64_t flow, uint64_t gen, int slot, int type, uint32_t element);
/* What has come of the body of the message that is asked about, without its framing, is put at <to> if that has <room> for it.
 * Its bytes, 0: nothing has, or nothing of it is the question's; -ESTALE. */
int eng_flow_body(engine *e, int tid, uint64_t flow, uint64_t gen, char *to, uint32_t room);
/* Counts one CNT_* for the frontend (<side> 0), backend (1), server (2) or listener (3) of index <i>; by thread <tid>. 0 or
 * -EINVAL. */
int eng_count(engine *e, int tid, int side, int i, int what);

/* --- listeners --- */
#define LSN_NEW 0      /* bound and listening, not enabled yet */
#define LSN_READY 1    /* accepts */
#define LSN_FULL 2     /* its own limit is reached */
#define LSN_LIMITED 3  /* the frontend's or the process's limit, or a rate, is reached */
#define LSN_PAUSED 4   /* SIGTTOU */
#define LSN_CLOSED 5
/* Enables listener <i>; called by worker threads only (the first one does it). */
int eng_listener_enable(engine *e, int tid, int i);
int eng_listener_pause(engine *e, int i);
int eng_listener_resume(engine *e, int i);
/* Stops listening; the descriptor is closed unless inherited. */
int eng_listener_unbind(engine *e, int i);
int eng_listener_count(engine *e);

/* Soft stop: idle client connections are closed, the others after their present request. */
void eng_stopping(engine *e);

/* --- applets; by the thread that got the event --- */
/* Gives <len> bytes to the client (copied). The bytes that wait to be sent now, or -ESTALE, -ENOMEM. EV_ROOM comes when all has
 * gone, at the next turn if there is nothing: that is how an applet with much to do lets others go first. */
int eng_applet_put(engine *e, int tid, uint64_t handle, const char *bytes, int len);
/* Sends <len> bytes with <n> descriptors, at most ENG_FDS_AT_ONCE, to the client, which must be on a unix socket. At once, so nothing
 * that was put may wait. 0, -ESTALE, -EAGAIN, or what the system says. */
#define ENG_FDS_AT_ONCE 252
int eng_applet_fds(engine *e, int tid, uint64_t handle, const char *bytes, int len, const int *fds, int n);
/* Ends: after what was put, the connection is closed. 0 or -ESTALE. */
int eng_applet_end(engine *e, int tid, uint64_t handle);
/* How long the client may be silent, ms; 0: for ever. At first it is its frontend's t_client. 0 or -ESTALE. */
int eng_applet_patience(engine *e, int tid, uint64_t handle, uint32_t ms);
/* The client's family, port and address of an applet's connection. 0 or -ESTALE. */
int eng_applet_peer(engine *e, int tid, uint64_t handle, uint32_t *family, uint32_t *port, uint8_t *addr16);

#ifndef LB_CFFI
#include "casing.h"
#include "lb.h"
#include "listener.h"
#include "servers.h"
#include "thr.h"

struct engine {
    eng_conf conf;
    eng_live live;
    fdtab fds;
    lockset *locks;
    tasksched *tasks;
    thr *threads; /* nbthread, cache-line aligned */
    frontend **fe;
    backend **be;
    server **srv;
    listener **lsn;
    uint32_t nfe, nbe, nsrv, nlsn;
    err_pages errors;
    case_map cases;
    uint8_t blame[ENG_STATUSES]; /* BLAME_* by status */
    struct eng_ns *namespaces;
    freq_ctr_period conn_rate, sess_rate; /* per second */
    spinlock lqueue; /* LBL_LQUEUE: guards which listeners are limited, and <pipes> */
    uint32_t limited;   /* listeners that wait for room; changed under <lqueue>, read by anyone */
    uint32_t lsn_epoch; /* counts requests to change listeners, */
    uint32_t lsn_done;  /* and those that were looked at */
    uint32_t nleaving;  /* closed listeners whose descriptor is still open */
    uint64_t running_mask; /* threads between init and fini; atomic */
    splice_pipe *pipes; /* unused, empty */
    uint64_t uniq;
    uint64_t sync_mask; /* threads that were asked to meet and were not told yet */
};

/* Wakes thread <tid> of <e> if it runs; the scheduler of tasks calls it. Any thread. */
void eng_wake_thread(void *e, int tid);
/* The page that <fe> and <be> (NULL: none) send for <status>; NULL if there is none. */
const err_page *eng_error(const engine *e, const frontend *fe, const backend *be, int status, int early);
void err_pages_free(err_pages *pages);
#endif
