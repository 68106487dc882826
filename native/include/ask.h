/* Questions: where a decision is Python's, the flow stops and asks; the verdict comes with the next eng_poll().
 *
 * Which points ask is said by `asks` of fe_conf and be_conf (a bit for each ASK_*), so that a configuration without rules asks
 * nothing. An EV_ASK carries all questions of a turn: <data> are <len> lb_ask, whose texts lie in the <arg> bytes at
 * address <handle>. All of it is dead after the next eng_poll(). While it waits for its verdict a flow reads nothing, but
 * for "option abortonclose"; a request's body goes on while its response is asked about, and what a client says while its
 * server's first bytes are.
 *
 * Verdicts are written one after the other into one piece of memory, each an lb_verdict followed at once by its <len> bytes of
 * text, without padding, and given to eng_poll(). Each question must get one: a flow without would wait for ever. Each
 * question has a <gen> of its own, by which a verdict is dropped that comes too late, or twice; by <flow> and <gen> the
 * flow may also be set and looked at (eng_flow_set() and its kin) until the next question about it. What a question
 * can't have as its verdict is counted in internal_errors, and answered with 500, or the end of the connection.
 *
 *     question       asked when                                        verdicts
 *     ASK_CONN       a connection was accepted, nothing was read       V_FORWARD V_CLOSE V_RESET V_DROP
 *     ASK_SESSION    its handshakes are over: the headers that other    as ASK_CONN
 *                    proxies send first were read, if any were expected
 *     ASK_CONTENT    mode tcp: the client sent something, or ended,    V_FORWARD V_WAIT V_CLOSE V_RESET V_DROP V_HTTP
 *                    or the time of a V_WAIT has passed; also once at  V_PAUSE
 *                    the start, with what is there
 *     ASK_REQUEST    a request's head is whole                         V_FORWARD V_REPLY V_TARPIT V_PAUSE V_BODY V_CLOSE
 *                                                                      V_RESET V_DROP
 *     ASK_RESPONSE   a final response's head is whole (101 too)        V_FORWARD V_REPLY V_PAUSE V_BODY V_CLOSE V_RESET
 *                                                                      V_DROP
 *     ASK_RES_CONTENT mode tcp: the server was reached; put again       V_FORWARD V_WAIT V_CLOSE V_RESET V_DROP V_PAUSE
 *                    after V_WAIT when it sent something
 *     ASK_LOCAL      the shim is about to answer by itself (a page     V_FORWARD V_REPLY
 *                    for an error): the text is that page
 *     ASK_PIECE      the client has taken all that there was of a      V_REPLY V_CLOSE
 *                    reply in pieces
 *
 * A question put again after V_BODY, V_WAIT or V_PAUSE has the kind of the first one and ASK_F_AGAIN; if it was because
 * of the time, also after V_PAUSE, ASK_F_TIMEOUT too. Its text is there again. The time runs from the verdict. 0 ms means
 * the client's timeout (V_BODY of a response: the server's; V_WAIT of ASK_RES_CONTENT: no limit of its own), and 1 ms for
 * V_PAUSE and V_TARPIT. A V_BODY that has nothing to wait for puts the question again at once. A client that waits for
 * "100 Continue" gets it from V_BODY, and its Expect is not forwarded then.
 *
 * The text of a request or a response is its head in normal form: the first line, then for each field CR LF, its
 * name in lower case, ": ", its value without the blanks around it; at the end CR LF CR LF. What a verdict gives as a
 * new head has the same form, and is scanned as strictly as what comes from the wire: what Python made of it can't make
 * two messages of one (a bad one is answered with 500, or 502 for a response, and counted in failed_rewrites), nor can
 * it be longer than "tune.bufsize". The framing stays that of the message as received: Content-Length and
 * Transfer-Encoding of a new head count for nothing but the place where it is told. Connection counts for what the server is told of "upgrade" and
 * "te"; what becomes of the client's connection was decided by what it said itself.
 *
 * With V_F_ADDS the text is not a head but whole fields ("name: value" CR LF each), which go behind those of the head as it
 * was asked about. Nothing else of it changes, and only they are scanned.
 *
 * A new method is what the server gets; the client's decides how its answer is framed. So HEAD may become another
 * method (the body that comes then is not sent, and the server's connection closed), but nothing becomes HEAD, and nothing
 * becomes CONNECT or ceases to be: these are bad heads. A response may become another final one; 101, and what answers
 * CONNECT with success, stay what they are and nothing becomes that. One that becomes 204 or 304 loses its body, one
 * that was 204 or 304 gets an empty one.
 *
 * The text of V_REPLY and V_TARPIT is a whole response in normal form with its body. Its Connection is written by us. It
 * must not be chunked; without Content-Length it ends with the client's connection, a wrong one makes it a bad text: then
 * 500 is sent in its place, and counted in internal_errors. The server's connection is kept if its response had come whole.
 *
 * A reply may be made while it is sent: with V_F_MORE, which ASK_REQUEST alone may have, the text is a head that says
 * "transfer-encoding: chunked" (without that it ends with the client's connection), and behind it the first bytes of the body, without any framing. As soon as the client has
 * taken these, ASK_PIECE asks for the next ones: the text of its V_REPLY, with V_F_MORE if more will follow (it may be empty
 * then: ask again in the next turn). A client of HTTP/1.0 gets no chunks but the end of its connection. If the client
 * leaves, or wanted no body (HEAD), nothing is asked any more; the record tells that it is over (V_F_TELL). V_CLOSE ends a
 * reply that can't be completed, in a way that its client notices.
 */
#pragma once
#ifndef LB_CFFI
#include "base.h"
#endif

#define ASK_CONN 0
#define ASK_CONTENT 1
#define ASK_REQUEST 2
#define ASK_RESPONSE 3
#define ASK_RES_CONTENT 4
#define ASK_LOCAL 5
#define ASK_SESSION 6
#define ASK_PIECE 7

#define ASK_F_FIRST 0x1     /* the first request of its connection */
#define ASK_F_AGAIN 0x2     /* put again */
#define ASK_F_TIMEOUT 0x4   /* put again because the time was over */
#define ASK_F_BODY 0x8      /* the message has a body */
#define ASK_F_BODY_END 0x10 /* all of the body is here (true without a body) */
#define ASK_F_EOF 0x20      /* the sender has closed its direction */
#define ASK_F_FULL 0x40     /* no more fits: waiting for more is useless */
#define ASK_F_EARLY 0x80    /* ASK_LOCAL: no request was understood */
#define ASK_F_REUSED 0x100  /* the server connection had served before */
#define ASK_F_REDISP 0x200  /* the server is not the first one chosen */
#define ASK_F_PROXY 0x400   /* the connection began with a PROXY header */

typedef struct lb_ask {
    uint64_t flow, gen;    /* to be given back in the verdict */
    uint64_t session;      /* number of the client's connection in the process: the same for all its streams */
    uint64_t uniq;         /* number of the stream in the process; 0: there is none yet (ASK_CONN) */
    uint64_t accept_us;    /* wall clock at which the connection was accepted, us since 1970 */
    uint64_t request_us;   /* wall clock of the request's first byte */
    uint64_t now_us;       /* wall clock of this turn */
    uint64_t body_size;    /* Content-Length, or what of a chunked body is known; 0: none */
    uint32_t kind;         /* ASK_* */
    uint32_t flags;        /* ASK_F_* */
    uint32_t frontend;     /* index */
    int32_t backend;       /* index, -1: none yet */
    int32_t server;        /* index in the engine, -1: none */
    uint32_t listener;     /* index */
    uint32_t text, len;    /* of the head in normal form, the page, or the bytes that came: offset in the text area */
    uint32_t body, body_len; /* of what of the body is here, without its framing (V_BODY); 0 length: not asked for */
    uint32_t method_len;   /* requests: the first line is method SP target SP version */
    uint32_t target_len;
    uint32_t path, path_len; /* offset in <text> and length of path and query inside the target; length 0: none */
    int32_t status;        /* responses */
    uint32_t req_count;    /* number of the request on its connection, from 1 */
    int32_t th, ti, tr, tw, tc, tresp; /* ms, as in lb_rec; -1: not reached */
    uint32_t retries;
    uint16_t sport, dport; /* host order */
    uint8_t family;        /* AF_INET, AF_INET6, AF_UNIX of the client */
    uint8_t method;        /* H1_GET ...; 0: another */
    uint8_t pad[2];
    uint8_t saddr[16], daddr[16]; /* network order, 4 or 16 bytes of them */
} lb_ask;

#define V_FORWARD 1 /* go on: a request to <backend> (and <server>, if >= 0); with the text as its new head, if any */
#define V_REPLY 2   /* answer with the text, a whole response */
#define V_TARPIT 3  /* as V_REPLY, after <ms>, or when the client leaves */
#define V_CLOSE 4   /* close without a word */
#define V_RESET 5   /* reset the connection */
#define V_DROP 6    /* silent-drop: the client's connection is forgotten; the client is not told: see sock_forget() */
#define V_PAUSE 7   /* ask again after <ms> */
#define V_BODY 8    /* ask again when the body is whole, <bytes> of it are here, no more fits, or <ms> have passed */
#define V_WAIT 9    /* ask again when more has come, or after <ms> (0: no limit) */
#define V_HTTP 10   /* tcp-request content switch-mode http: what came is the beginning of an exchange */

#define V_F_CLOSE 0x1    /* close the client's connection afterwards: after a reply, a response, what a server said so far */
#define V_F_TELL 0x2     /* tell when the stream ends (a record in EV_DONE, REC_TELL), whether it is logged or not */
#define V_F_TELL_CONN 0x4 /* tell when the client's connection ends (EV_SESSION_END, <handle>: its number) */
#define V_F_ASK_RESPONSE 0x8 /* ask about the response, whatever `asks` says */
#define V_F_STICKY 0x10  /* <server> is the client's own (cookie): PX_O_PERSIST has it tried though it is down */
#define V_F_NO_RETRY 0x20 /* disable-l7-retry */
#define V_F_FORCE 0x40    /* force-persist: <server> is tried though it is down, and never left for another */
#define V_F_ADDS 0x100    /* V_FORWARD with a text: see above */
#define V_F_PROXY 0x200   /* ASK_CONN: a PROXY header comes first, */
#define V_F_CIP 0x400     /* a NetScaler's does */
#define V_F_BLAME 0x800   /* a client's error for what it is tracked by (http_err_cnt) */
#define V_F_SERVED 0x1000 /* V_REPLY of ASK_REQUEST: an applet's; the record tells of a server that had it at once */
#define V_F_MORE 0x10000  /* V_REPLY: more of its body will come */
#define V_F_NO_TR 0x80    /* what ends a stream at its request: its record has no time of the request (tr is -1) */

typedef struct lb_verdict {
    uint64_t flow, gen; /* of the question */
    uint32_t action;    /* V_* */
    uint32_t flags;     /* V_F_* */
    int32_t backend;    /* index, -1: none (V_FORWARD of ASK_REQUEST: 503; of ASK_CONTENT: the frontend's default). ASK_REQUEST,
                         * and the ends of ASK_CONTENT: whose rules said so, if those of a backend did; it stays this one */
    int32_t server;     /* V_FORWARD: index in the engine, -1: any. One that is of another backend, is down, or has failed
                         * this stream is not taken; one that is full is waited for */
    uint32_t ms;        /* V_DROP: the time to live of a reset that leaves all the same, 0: none shall */
    uint32_t bytes;     /* V_BODY: that are enough, 0: all */
    uint32_t len;       /* bytes of text that follow */
    uint16_t status;    /* replies: as it will be logged; 0: that of the text. V_CLOSE, V_RESET, V_DROP: as it will be logged;
                         * 0: none */
    char term[2];       /* replies, V_CLOSE, V_RESET, V_DROP: termination state, e.g. "PR" */
} lb_verdict;

/* What may be set of a flow between question and verdict, by its own thread: eng_flow_set(). Times are ms, 0: none; they
 * and the attempts hold for the present stream. */
#define FLOW_T_CLIENT 1
#define FLOW_T_SERVER 2
#define FLOW_T_TUNNEL 3
#define FLOW_TOS_FRONT 4  /* IP_TOS / IPV6_TCLASS of the client's connection, 0 .. 255 */
#define FLOW_MARK_FRONT 5 /* SO_MARK */
#define FLOW_TOS_BACK 6   /* of the server's connection, also of one that is still to be opened; such a one serves no other */
#define FLOW_MARK_BACK 7  /* stream, before or afterwards */
#define FLOW_RETRIES 8    /* attempts after the first, instead of the backend's "retries" */
#define FLOW_PRIO_CLASS 9   /* in queues: an int32_t, brought within PEND_CLASS_MAX either way */
#define FLOW_PRIO_OFFSET 10 /* ms in queues: an int32_t, brought within PEND_OFFSET_MAX either way */
#define FLOW_NICE 11       /* a number from -1024 to 1024, as "nice" has it: when it has its turn among other flows */
