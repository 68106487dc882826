/* Exchanges, between their sources: exchange.c (the life of one, time), exch_req.c (the request and the way to a
 * server), exch_again.c (requests sent once more), exch_res.c (the response), exch_reply.c (replies of our own), exch_pieces.c
 * (those that are made while they are sent).
 */
#pragma once
#ifndef LB_CFFI
#include "engine.h"
#include "flow.h"

/* Whether the server's connection is its client's alone, and kept for it. */
static inline int exch_is_private(const flow *f)
{
    return f->be->conf.reuse == REUSE_NEVER || f->b->flags & CO_F_PRIVATE;
}

static inline int exch_dead(const flow *f)
{
    return f->flags & FL_DEAD;
}

/* Ready a head of the exchange for the scanner: "accept-unsafe-violations-in-http-request", "-response". What verdicts made
 * has no bare LF: no option may have it read as the end of a line. */
static inline uint8_t exch_unsafe(uint32_t options, int verdict)
{
    if (likely(!(options & PX_O_UNSAFE)))
        return 0;
    return verdict ? H1_OPT_UNSAFE : H1_OPT_UNSAFE | H1_OPT_LF;
}
static inline void exch_request_init(const flow *f, h1_head *h, unsigned maxhdr, int verdict)
{
    h1_request_init(h, maxhdr);
    h->opts = exch_unsafe(f->fe->conf.options, verdict);
    if (unlikely(f->t->eng->conf.any_payload))
        h->opts |= H1_OPT_PAYLOAD;
}
static inline void exch_response_init(const flow *f, h1_head *h, unsigned maxhdr, int verdict)
{
    h1_response_init(h, maxhdr);
    h->opts = exch_unsafe(f->be->conf.options, verdict);
}

/* The tick at which a soft stop, which has begun, ends the client's connection ("close-spread-time"): each has another one,
 * evenly spread. 0: it does not. */
uint32_t exch_leave_tick(const flow *f);
/* Whether that has come: no request but the present one is taken. */
static inline int exch_leaves(const flow *f)
{
    const engine *e = f->t->eng;

    if (likely(!at_peek(&e->live.stopping)))
        return 0;
    return !e->conf.spread || tick_is_expired(exch_leave_tick(f), f->t->now_ms);
}

/* Whether the client's connection is closed as soon as all of the response was sent: its last bytes wait for the end. */
static inline int exch_ends(const flow *f)
{
    return !(f->flags & (FL_KA_CLIENT | FL_SLOW_CLOSE)) && f->rq == RQ_DONE && !chan_holds(&f->req) && flow_may_hold(f);
}

/* FL_LOGGED if a connection on which nothing came is not to be told of ("option dontlognull"). */
static inline uint32_t exch_null(const flow *f)
{
    return f->fe->conf.options & PX_O_DONTLOGNULL ? FL_LOGGED : 0;
}

/* Answers with our own page and ends the server's side. <early>: the request was never understood. The termination state is
 * (<who>, <when>) if none is set. */
void exch_reply(flow *f, int status, int early, char who, char when);
/* Answers with the <len> bytes at <text>, a whole response, as exch_reply() does with a page; with <status> in the log,
 * 0: that of the text. If the text is no such response, the answer is 500. */
void exch_answer(flow *f, int status, const char *text, uint32_t len, char who, char when);
/* The exchange goes no further: what follows is our own. */
void exch_reply_begin(flow *f, int early);
/* Sends the page that exch_reply() put to Python. */
void exch_send_page(flow *f, int status, int early);
/* Tells record and counters that the present exchange is over. */
void exch_books(flow *f);
/* The backend of the present request. */
void exch_route(flow *f, backend *be);
/* "option abortonclose": a client that closes while it waits for a response gives up. */
void exch_watch_client(flow *f);
/* The request counts as one: for its frontend, and on what its connection tracks. */
void exch_count(flow *f);
/* Whether Python says when it does, since it looks at it first (ASK_CONTENT). */
static inline int exch_counts_late(const flow *f)
{
    return f->fe->conf.mode == PX_HTTP && f->fe->conf.asks & 1u << ASK_CONTENT;
}
int exch_may_watch(const flow *f);
/* How far the exchange has come: the second character of the termination state (manual 8.5). */
char exch_phase(const flow *f);
/* Sends the head <h> of <have> bytes at <s>, and goes on with the body. */
void exch_send_response(flow *f, const h1_head *h, char *s, uint32_t have);
/* Forgets what was to be sent to the server: it must never reach the one of the next request. */
void exch_drop_output(flow *f);
/* Ends without a word: the response can't be completed, or nobody is there to read it. */
void exch_abort(flow *f, char who, char when);
/* Keeps a refused message for "show errors" and counts nothing. */
void exch_snapshot(flow *f, int back, const h1_head *h, const char *data, uint32_t len);
/* Reads on in a head; begins the exchange when it is whole. */
void exch_read_request(flow *f);
/* Whether the method of <h> may be sent twice (RFC 9110 9.2.2). */
int exch_is_idempotent(const h1_head *h);
/* Brings the request to a server: assign, connect, send; what does not get on waits in <req.in>. <h> and <s> are the head
 * and the <have> bytes received, in the thread's areas, or NULL: both are made from <req.in>. */
void exch_forward(flow *f, const h1_head *h, char *s, uint32_t have);
/* Whether the server found sends such requests to another place ("redir"): then none is connected to. */
static inline int exch_redirects(const flow *f)
{
    return f->srv && f->srv->redir_len && f->cs == CS_NONE && (f->method == H1_GET || f->method == H1_HEAD);
}
/* Answers 302 with the place of the request whose head <h> stands at <s>. */
void exch_redirect(flow *f, const h1_head *h, const char *s);
/* Moves the request's body. */
void exch_request_body(flow *f);
/* The attempt to reach or to use the server failed (<err>: -errno): tries again or answers 503 / 502. */
void exch_server_failed(flow *f, int err);
/* Keeps the request if it may have to be sent once more: an idle connection may turn out to be dead, "retry-on" may ask
 * for it. Only as a whole: what was sent on cannot be had again; and only up to "tune.bufsize", with which it fits in the
 * receive area again. <used>: bytes of it at <s>. */
void exch_keep(flow *f, const char *s, uint32_t used);
/* A connection that was idle turned out to be dead before any byte of a response: sends the kept request again. 1 if so. */
int exch_resend(flow *f);
/* "retry-on": sends the kept request again, to a server chosen anew, because of <why> (RETRY_*, or a status). 1 if so. */
int exch_retry(flow *f, uint32_t why, int status);
void exch_read_response(flow *f);
void exch_response_body(flow *f);
/* A reply in pieces (V_F_MORE): its head with the first one; asks for the next one. */
void exch_pieces_begin(flow *f, const struct lb_verdict *v, const char *text);
void exch_pieces_next(flow *f);
/* Counts a response's status class. */
void exch_count_status(flow *f, int status);
#endif
