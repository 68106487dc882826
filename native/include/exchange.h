/* Exchanges, between their three sources: exchange.c (the life of one, replies of our own, time), exch_req.c (the
 * request and the way to a server), exch_res.c (the response).
 */
#pragma once
#ifndef LB_CFFI
#include "flow.h"

static inline int exch_dead(const flow *f)
{
    return f->flags & FL_DEAD;
}

/* Answers with our own page and ends the server's side. <early>: the request was never understood. The termination state is
 * (<who>, <when>) if none is set. */
void exch_reply(flow *f, int status, int early, char who, char when);
/* Forgets what was to be sent to the server: it must never reach the one of the next request. */
void exch_drop_output(flow *f);
/* Ends without a word: the response can't be completed, or nobody is there to read it. */
void exch_abort(flow *f, char who, char when);
/* Keeps a refused message for "show errors" and counts nothing. */
void exch_snapshot(flow *f, int back, const h1_head *h, const char *data, uint32_t len);
/* Reads on in a head; begins the exchange when it is whole. */
void exch_read_request(flow *f);
/* Brings the request to a server: assign, connect, send; what does not get on waits in <req.in>. <h> and <s> are the head
 * and the <have> bytes received, in the thread's areas, or NULL: both are made from <req.in>. */
void exch_forward(flow *f, const h1_head *h, char *s, uint32_t have);
/* Moves the request's body. */
void exch_request_body(flow *f);
/* The attempt to reach or to use the server failed (<err>: -errno): tries again or answers 503 / 502. */
void exch_server_failed(flow *f, int err);
/* A connection that was idle turned out to be dead before any byte of a response: sends the kept request again. 1 if so. */
int exch_resend(flow *f);
/* "retry-on": sends the kept request again, to a server chosen anew, because of <why> (RETRY_*, or a status). 1 if so. */
int exch_retry(flow *f, uint32_t why, int status);
void exch_read_response(flow *f);
void exch_response_body(flow *f);
/* Counts a response's status class. */
void exch_count_status(flow *f, int status);
#endif
