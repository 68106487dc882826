/* The sessions of an engine, as others look at them: a walk over the flows of all threads, and the end of one of them.
 *
 * A walk looks while all threads stand still (the sync point), at some flows each time, and holds nothing in between: a flow
 * that ends then takes itself out of the way of the walks that stand on it. What came after a walk began is not seen by it.
 * Flows of which there is no stream are passed over: clients that have not sent a whole request yet.
 */
#pragma once
#ifndef LB_CFFI
#include "base.h"
#include "engine.h"

struct flow;
struct thr;
#endif

#define SESS_URI_MAX 1024 /* bytes of a request line that are told */

/* States of a session's ends, as HAProxy numbers those of its stream connectors. */
#define SESS_END_INI 0
#define SESS_END_REQ 1
#define SESS_END_QUE 2
#define SESS_END_TAR 3
#define SESS_END_CON 5
#define SESS_END_EST 8

#define SESS_HELD 1   /* waits for a verdict, or for what one has told it to wait for */
#define SESS_SUSP 2   /* its timer has run out and nothing came of it, or it has ended on a side and has no timer */
#define SESS_QUEUED 4 /* in the queue of its backend */
#define SESS_KEPT 8   /* its request may be sent again */
#define SESS_LOCAL 16 /* its response is our own */

/* One direction: what it is about, what waits in it, what has passed. */
typedef struct sess_way {
    uint32_t state;  /* RQ_* of native/include/flow.h, or RS_* */
    uint32_t body;   /* BODY_* */
    uint32_t waits;  /* bytes received that are not used yet, */
    uint32_t out;    /* and ready to be sent: in memory, */
    uint32_t pipe;   /* and in a pipe */
    uint32_t eof;    /* the end was passed on */
    uint64_t left;   /* of a body whose length is known: bytes still to come */
    uint64_t total;  /* bytes passed on */
} sess_way;

/* One end. */
typedef struct sess_end {
    int32_t fd;      /* -1: none */
    uint32_t state;  /* SESS_END_* */
    uint32_t flags;  /* CO_F_* of native/include/conn.h */
    int32_t expire;  /* ms until its timeout, negative if that has passed; SESS_ETERNITY: none */
    uint32_t streams; /* streams that its connection has carried */
    uint32_t fd_want, fd_ready, fd_ev;
} sess_end;

#define SESS_ETERNITY 2147483647

typedef struct lb_sess {
    uint64_t id;      /* of the client's connection: never used twice by an engine */
    uint64_t uniq;    /* number of the stream, 0: none */
    uint64_t accept_us, request_us; /* wall clock */
    uint32_t tid;
    uint32_t frontend, listener;
    int32_t backend, server; /* -1: none */
    uint32_t http;    /* 1: an exchange, 0: a tunnel from its begin on */
    uint32_t tunneled; /* an exchange that became a tunnel */
    uint32_t applet;  /* the other end is an applet */
    uint32_t marks;   /* SESS_* */
    uint32_t flags;   /* FL_* of native/include/flow.h */
    uint32_t method;  /* index of h1's methods */
    int32_t status;
    uint32_t age;     /* ms since the stream began */
    int32_t expire;   /* ms until its timer runs out; SESS_ETERNITY: none */
    uint32_t retries, requests, queue_pos;
    uint32_t family, sport, lport;
    uint8_t saddr[16];
    sess_way req, res;
    sess_end front, back;
    uint32_t uri_len;
    char uri[SESS_URI_MAX];
} lb_sess;

typedef struct sess_walk sess_walk;

/* A walk that has not begun; NULL without memory. */
sess_walk *sess_walk_new(engine *e);
/* The next sessions, at most <max>, of walk <w> into <out>, after a look at <look> flows at most. How many; -1: the walk is at
 * its end. At the sync point. */
int sess_walk_next(sess_walk *w, lb_sess *out, int max, int look);
/* Ends it. At the sync point. One that is not at its end ends with its engine. */
void sess_walk_free(sess_walk *w);

/* The session <id>. 1: there it is, 0: there is none (any more). At the sync point. */
int eng_sess_find(engine *e, uint64_t id, lb_sess *out);
/* Ends session <id> for the reason <why>, the first character of its termination state; its thread does so as soon as it runs.
 * 1, or 0: there is none; -ENOMEM. At the sync point. */
int eng_sess_end(engine *e, uint64_t id, uint32_t why);

#ifndef LB_CFFI
/* Takes <f>, which is about to leave its thread's list, out of the way of all walks. */
void sess_walks_pass(struct thr *t, const struct flow *f);
/* Frees the walks that stand in the flows of a thread that has ended. */
void sess_walks_fini(struct thr *t);
/* Ends session <id> of this thread, if it is still there. */
void sess_end_here(struct thr *t, uint64_t id, char why);
#endif
