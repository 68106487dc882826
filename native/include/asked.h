/* What is kept of a flow that Python was asked about (ask.h): the question, what its verdicts said, what was set meanwhile.
 *
 * Made by a connection's first question, and kept as long as the connection. What belongs to one stream is forgotten with
 * it: asked_next().
 *
 *     state     waits for             then
 *     NONE      nothing
 *     ASKED     the verdict           (verdicts change the state)
 *     PAUSED    time                  the question is put again
 *     BODY      a message's body, or time: as PAUSED
 *     MORE      bytes of a tunnel, their end, or time: as PAUSED
 *     TARPIT    time, or the client's end: the reply is sent
 *     HANDSHAKE the headers that come first, or time (handshake.h)
 *
 * There is one question of a flow at most. Each has a number of its own, f->gen: verdicts for others are stale.
 */
#pragma once
#ifndef LB_CFFI
#include "ask.h"
#include "exchange.h"

enum { Q_NONE, Q_ASKED, Q_PAUSED, Q_BODY, Q_MORE, Q_TARPIT, Q_HANDSHAKE };

/* An end of a connection. */
typedef struct ask_addr {
    uint8_t addr[16];
    uint16_t port;
    uint8_t family;
} ask_addr;

/* What is told to the servers that want <which>. */
typedef struct tell_head {
    uint32_t which, before, len;
} tell_head;

typedef struct asked {
    uint8_t state;      /* Q_* */
    uint8_t kind;       /* ASK_* of the question */
    uint8_t local;      /* ASK_LOCAL was asked of this stream */
    uint8_t early;      /* ASK_LOCAL: the page is an early one */
    uint8_t continued;  /* "100 Continue" was sent: Expect is answered */
    uint8_t told_eof;   /* Python knows that the sender has ended */
    uint8_t uncounted;  /* ASK_REQUEST: it is no request yet; eng_flow_request() makes it one */
    uint8_t keeps;      /* FL_KA_CLIENT was set before the response was looked at */
    uint32_t poll, at;  /* which call of eng_poll() the question was put in, and its place in thr.asks */
    uint32_t said;      /* V_F_* of this stream; V_F_TELL_CONN of the connection */
    uint32_t until;     /* tick at which waiting ends, 0: never */
    uint32_t goal;      /* BODY: bytes that are enough, 0: all */
    int32_t server;     /* index of the one that was asked for, -1: none */
    int32_t prio_class, prio_offset; /* in queues: pend_key() */
    uint16_t own;       /* bits 1 << FLOW_*: set for this stream */
    uint16_t status;    /* of the reply that waits (TARPIT), of the page (ASK_LOCAL), of the response */
    char term[2];       /* of the reply that waits, or is sent in pieces */
    buf text;           /* the reply that waits */
    buf index;          /* what the scanner made of the head that is asked about: h1_head, as far as it has fields */

    /* the message as received: a new head keeps its framing */
    uint32_t h1_flags;
    uint32_t head_len;  /* of a response */
    uint64_t clen;
    h1_chunk chunk;     /* how far its body was looked at, */
    uint32_t scanned;   /* bytes of it behind the head, framing included, */
    uint64_t known;     /* and payload */
    uint8_t whole;

    uint32_t t_client, t_server, t_tunnel, max_retries; /* those of which <own> has the bit */
    uint32_t tos, mark;                                 /* of the server's connection */
    uint8_t has_dst;    /* <dst> is known: learnt, or set */
    uint8_t moved;      /* bit 0: the source, bit 1: the destination was set for this stream only: <was> is what it was */
    uint8_t had_dst;
    uint8_t expects;    /* LSN_EXPECT_*: headers that are still to come */
    uint8_t proxied;    /* the connection began with a PROXY header, */
    uint8_t shaken;     /* or with any header, */
    uint8_t embryonic;  /* or ended before it was a session, */
    uint8_t err;        /* for this reason */
    int32_t th;         /* ms that handshakes took, -1: they never ended */
    char *tlvs;         /* what else the header said, */
    uint32_t ntlvs;     /* bytes */
    char *tell;         /* told to servers of this stream: a tell_head and its bytes, one after the other */
    uint32_t ntell;     /* bytes */
    uint64_t cpu_ns, lat_ns; /* "profiling.tasks": what the stream has cost, see lb_cost */
    ask_addr dst, was[2];
} asked;

/* --- questions (ask.c) --- */

/* The flow's, made if need be; NULL without memory. */
asked *asked_of(flow *f);
/* Puts question <kind> about <f>, which waits for its verdict now. The text is to be added at once. NULL without memory. */
lb_ask *ask_put(flow *f, uint32_t kind, uint32_t flags);
/* Adds a text, as the question's; 0 or -ENOMEM. */
int ask_text(flow *f, lb_ask *a, const char *text, uint32_t len);
/* Nothing is waited for any more: a question that was not given to Python yet is withdrawn. */
void ask_end(flow *f);
/* The stream is over, the connection goes on. */
void asked_next(flow *f);
/* The connection is over: tells Python if it wants to know, and frees. */
void asked_free(flow *f);
/* What was set for the stream holds in place of what its frontend and backend say. */
void asked_apply(flow *f);
/* Applies verdicts; 0 or -EINVAL. */
int ask_verdicts(thr *t, const char *p, int len);
/* Gives the questions of this turn to Python. */
void ask_deliver(thr *t);

static inline int asks(const flow *f, uint32_t kind)
{
    return ((f->fe->conf.asks | (f->be ? f->be->conf.asks : 0)) >> kind) & 1;
}

/* Waits for <ms>, 0: for <otherwise>. */
static inline void ask_wait(flow *f, uint8_t state, uint32_t ms, uint32_t otherwise)
{
    f->asked->state = state;
    f->asked->until = flow_exp(f, ms ? ms : otherwise);
}

/* Whether the client is to be listened to, although nothing is read: what is never polled is not told of errors either. Once
 * it has something to say it is polled, and need not be listened to any more. A verdict comes too soon for that. */
static inline int ask_must_watch(const flow *f)
{
    return f->asked->state != Q_ASKED && !(f->f->e->ready & FD_R);
}

/* --- flows that wait (FL_HELD) --- */

/* An event, or time. */
void ask_run(flow *f);
void ask_time(flow *f);
/* Ends it without a word, because of <who>, the first character of its termination state: the client has left, somebody ends
 * it. */
void ask_stop(flow *f, char who);
/* Commits what is wanted of the client. */
void ask_commit(flow *f);
/* Reads from <c> into <to>, as far as "tune.bufsize". 1: something came; 0: nothing now; -1: the end, or an error. */
int ask_read(flow *f, conn *c, buf *to);
/* What was wrong with a verdict: an internal error. */
void ask_bad(flow *f);

/* --- connections and tunnels (ask_tcp.c) --- */
void ask_conn(flow *f);
void ask_session(flow *f);
void ask_content(flow *f, uint32_t flags);
/* The server's first bytes; returns what is wanted of the server (FD_R), -1: it is broken. */
int ask_res_content(flow *f);
void ask_res_content_again(flow *f, uint32_t flags);
void verdict_conn(flow *f, const lb_verdict *v);
void verdict_content(flow *f, const lb_verdict *v);
void verdict_res_content(flow *f, const lb_verdict *v);

/* --- exchanges (ask_http.c) --- */
/* <h> is the whole head of the <have> bytes at <s>. */
void ask_request(flow *f, const h1_head *h, const char *s, uint32_t have);
void ask_response(flow *f, const h1_head *h, const char *s, uint32_t have);
void ask_request_again(flow *f, uint32_t flags);
void ask_response_again(flow *f, uint32_t flags);
/* Puts the page that is about to be sent to Python. 0, or -ENOMEM: it is to be sent. */
int ask_local(flow *f, int status, int early);
void verdict_request(flow *f, const lb_verdict *v, const char *text);
void verdict_response(flow *f, const lb_verdict *v, const char *text);
void verdict_local(flow *f, const lb_verdict *v, const char *text);
void verdict_piece(flow *f, const lb_verdict *v, const char *text);
/* The time of a tarpit is over, or its client has left. */
void ask_tarpit_over(flow *f);

/* --- heads (ask_head.c) --- */

/* Adds the head <h> in normal form to the question; 0 or -ENOMEM. */
int ask_head(flow *f, lb_ask *a, const h1_head *h, const char *from);
/* The head at the beginning of <in> into the thread's scanner. 1, or 0 if it is none. */
int ask_rescan(flow *f, const buf *in, int response);
/* Keeps the index of the head that is asked about; 0 or -ENOMEM. */
int ask_keep_index(flow *f, const h1_head *h);
/* The request as verdict <v> has it, with what came of its body, in the thread's receive area, its head in the scanner. The
 * bytes there, 0: the new head is refused. */
uint32_t ask_judged_request(flow *f, const lb_verdict *v, const char *text);
/* The same of a response. */
uint32_t ask_judged_response(flow *f, const lb_verdict *v, const char *text);

/* --- bodies (ask_body.c) --- */

/* Notes the framing of message <h>, of which nothing of the body was looked at yet. */
void ask_framing(asked *q, const h1_head *h);
/* Looks at what came of the body behind the <head> bytes of c->in. 0, or -H1_ERR_*: it is malformed. */
int ask_look(asked *q, const chan *c, uint32_t head);
/* ASK_F_* that tell of the body. */
uint32_t ask_body_flags(const flow *f, const asked *q, const chan *c, const conn *from);
/* Puts what is here of the body, q->known bytes, at <to>; <head> bytes stand before it. */
void ask_copy_body(char *to, const asked *q, const chan *c, uint32_t head);
/* Adds what is here of the body to the question; 0 or -ENOMEM. */
int ask_body(flow *f, lb_ask *a, const chan *c, uint32_t head);
/* Waits for a body as verdict <v> says. */
void ask_wait_body(flow *f, const lb_verdict *v, uint32_t otherwise);
/* Whether BODY needs to wait no longer. */
int ask_body_done(const flow *f, const asked *q, const chan *c);
/* Sends "100 Continue" if the client waits for that, and forgets that it did. */
void ask_continue(flow *f);
/* Reads on in the body of a request, of a response. */
void ask_request_body(flow *f);
void ask_response_body(flow *f);
#endif
