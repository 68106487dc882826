/* A worker thread of an engine: its loop, clock, timers, buffers, scratch space, flows, and what it has for Python.
 * Everything here belongs to that thread, except what says who else may touch it.
 */
#pragma once
#ifndef LB_CFFI
#include "buf.h"
#include "conn.h"
#include "ask.h"
#include "event.h"
#include "fd.h"
#include "h1.h"
#include "h1body.h"
#include "logline.h"
#include "rec.h"
#include "task.h"
#include "tmr.h"

struct engine;
struct flow;
struct sess_walk;
struct thr;

/* Fixed-size objects, carved from chunks that live as long as the thread: a stale pointer to one may still be read. */
typedef struct slab {
    void *free;
    void *chunks;
    void *returned; /* put back by other threads, linked as <free> is; atomic */
    uint32_t size;
    uint32_t used; /* objects out of <free>; others may read it, and the next two */
    uint32_t total; /* objects that were carved */
    uint32_t failed; /* times that there was no memory for a chunk */
} slab;

void slab_init(slab *s, uint32_t size);
void slab_fini(slab *s);
void *slab_get(slab *s); /* not cleared; NULL without memory */
void slab_put(slab *s, void *p);
void slab_return(slab *s, void *p); /* as slab_put(), by a thread that <s> does not belong to */

/* What other threads hand over: accepted connections, flows that got a server or must look for another one, servers whose
 * connections are to be closed, sessions to be ended. */
typedef struct inbox {
    spinlock lock; /* LBL_INBOX */
    struct inmsg *head, *tail;
} inbox;

typedef struct inmsg {
    struct inmsg *next;
    int kind; /* IN_* */
    int fd; /* IN_CONN; IN_END, IN_SESS: why */
    listener *lsn;
    struct flow *flow;
    uint64_t gen; /* IN_SESS: the session's id */
    server *srv;
    sock_addr peer;
} inmsg;
enum { IN_CONN, IN_FLOW, IN_LOOK, IN_END, IN_SESS };

/* A kernel pipe with bytes on their way from one socket to another. */
typedef struct splice_pipe {
    int rd, wr;
    uint32_t len;  /* bytes inside */
    uint32_t full; /* no more goes in before something went out */
    struct splice_pipe *next;
} splice_pipe;

/* An empty pipe, from those of the engine or a new one; NULL if "maxpipes" are in use. Takes LBL_LQUEUE. */
splice_pipe *pipe_get(struct thr *t);
/* Gives it back; one with bytes inside is closed. Takes LBL_LQUEUE. */
void pipe_put(struct thr *t, splice_pipe *p);

#define THR_SCRATCH BUF_BIG_SIZE /* bytes of the receive area */
#define THR_NICE 4               /* classes of flows that are "nice": 256 steps each */
#define THR_RECS 64              /* records after which Python is asked to read them */

typedef struct thr thr;
struct thr {
    fdloop loop; /* loop.ctx is this thr */
    struct engine *eng;
    uint32_t tid;
    uint64_t bit;
    uint32_t now_ms;    /* tick: monotonic, never 0 */
    uint64_t mono_us;   /* monotonic */
    uint64_t wall_us;   /* since 1970 */
    uint32_t now_sec;   /* of wall_us */
    wheel timers;
    bufpool bufs;
    slab conns, flows, asked, tracks;
    struct flow *all;   /* every flow of this thread, the latest first */
    struct sess_walk *walks; /* that stand on one of them; changed at the sync point (sess.h) */
    struct flow *run;   /* flows to be looked at in this turn without an event of theirs, */
    struct flow *nice[THR_NICE]; /* and after them those that are "nice", by how much */
    uint32_t hasty;     /* flows with a "nice" below 0: others let them go first */
    uint32_t nflows;
    struct applet *applets;
    struct outgoing **outs; /* <nouts> that ever were, each in use or in the list of free ones */
    struct outgoing *outs_free;
    uint32_t nouts, outs_used;
    wheel outs_timers; /* looked at while <outs_used> only */
    char *scratch;      /* THR_SCRATCH: where everything is received */
    char *compose;      /* where heads to be sent are written */
    uint32_t compose_size;
    h1_head head;       /* the head under the scanner */
    uint32_t lsn_epoch; /* of the last look at the listeners */
    lb_event *ev;       /* the batch being filled; during eng_poll() only */
    uint32_t nev, maxev;
    lb_rec *recs; /* uri: an offset in <text> until eng_poll() returns */
    uint32_t nrecs, maxrecs;
    lb_ask *asks; /* one with <flow> 0 was withdrawn */
    uint32_t nasks, maxasks, withdrawn;
    uint32_t polls; /* calls of eng_poll(), so that questions not given to Python yet are told from others */
    char *text;   /* what records, questions and events point at */
    uint32_t ntext, maxtext;
    char *taps;   /* lb_passed and their bytes */
    uint32_t ntaps, maxtaps;
    uint32_t stopping_seen;
    uint32_t stop_from; /* tick at which it was */
    uint64_t flow_gen;
    uint64_t streams; /* ever; others may read it, and the next two */
    uint64_t accepted; /* connections, */
    uint64_t handed;   /* of which another thread got so many */
    uint32_t next_purge;
    uint32_t keeps_idle; /* has had idle server connections since the last purge */
    uint32_t burst;     /* connections to accept at one event */
    uint32_t running;   /* between eng_thread_init() and _fini(); atomic */
    uint32_t looped;    /* its loop was made */
    uint32_t woken;     /* eng_wake() was called; atomic */
    uint32_t blind;     /* 1: the last turn ended without a look at fds */
    uint32_t conns_now; /* client connections (atomic: other threads compare) */
    struct log_area *lines; /* of logs, that wait for the end of the turn; NULL: there were none ever */
    log_date dates[LOG_DATES];
    inbox in;
    task_ev tasks[32];
};

/* Sets up what a thread needs besides its loop. 0 or -ENOMEM. */
int thr_init(thr *t, struct engine *e, int tid);
void thr_fini(thr *t);
/* Appends an event; NULL without memory. */
lb_event *thr_event(thr *t, uint32_t kind);
/* Appends a cleared record; NULL without memory. */
lb_rec *thr_rec(thr *t);
/* Appends a cleared question; NULL without memory. */
lb_ask *thr_ask(thr *t);
/* Room for <n> bytes more at the end of <text>, which the caller counts in <ntext> once they are written; NULL without memory. */
char *thr_text_room(thr *t, uint32_t n);
/* Room for an lb_passed and its bytes, <n> in all, a multiple of 8; NULL without memory. */
char *thr_taps_room(thr *t, uint32_t n);
/* Copies bytes to where events may point until the next poll; returns their offset in <text>, UINT32_MAX without
 * memory. */
uint32_t thr_text(thr *t, const char *from, uint32_t n);
void thr_clock(thr *t);             /* reads the clocks */
void thr_post(thr *t, inmsg *m);    /* hands <m> (malloc'ed, taken) to <t> and wakes it; any thread */
#endif
