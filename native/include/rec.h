/* The record of one finished stream, from which Python writes its log line.
 *
 * Records live in a per-thread array that poll() fills and Python reads before it polls again; a pointer into it,
 * or into the texts it points at, is dead after the next eng_poll() of that thread.
 */
#pragma once
#ifndef LB_CFFI
#include "base.h"
#endif

/* What a stream has cost. */
typedef struct lb_cost {
    uint64_t cpu_ns;  /* "profiling.tasks": spent on it by the shim and by those who decided about it */
    uint64_t lat_ns;  /* and how long it had to wait for its turns */
    uint32_t calls;   /* turns */
    uint32_t streams; /* that the server's connection has carried, with this one; 0: there is none */
} lb_cost;

/* Term: first character of the termination state (manual of HAProxy, 8.5): who ended it. */
#define REC_TCP 0  /* flags: a tunnel (mode tcp) */
#define REC_HTTP 1 /* flags: an exchange (mode http) */
#define REC_LOG 2  /* flags: to be logged */
#define REC_EMBRYONIC 8 /* flags: no session came of the connection, <err> says why: there was no stream */
#define REC_TELL 4 /* flags: the stream is over, and V_F_TELL was said of it */

typedef struct lb_rec {
    uint32_t frontend;    /* index of the frontend, as given by eng_frontend_add() */
    int32_t backend;      /* index of the backend, -1 if none was chosen */
    int32_t server;       /* index of the server inside the engine, -1 if none ("<NOSRV>") */
    uint32_t listener;    /* index of the listener */
    uint32_t flags;       /* REC_* */
    uint64_t accept_us;   /* wall clock at which the connection was accepted, us since 1970 */
    uint64_t request_us;  /* wall clock of the request's first byte (accept_us + th + ti), us since 1970 */
    int32_t th, ti;       /* ms: handshakes, idle before the request's first byte */
    int32_t tr;           /* ms: client's request head (TR), -1 if it never came whole */
    int32_t tw, tc, tresp; /* ms: in queue (Tw), connecting (Tc), until the response head (Tr); -1 if not reached */
    int32_t td, ta, tt;   /* ms: data (Td), active (Ta), total (Tt) */
    int32_t status;       /* HTTP status sent to the client, -1 if none */
    uint64_t bytes_read;  /* from server to client, head and framing included (%B) */
    uint64_t bytes_uploaded; /* from client to server (%U) */
    char term[4];         /* termination state; two characters in TCP mode, four in HTTP ("----") */
    uint32_t actconn, feconn, beconn, srvconn; /* connections now: process, frontend, backend, server */
    uint32_t retries;     /* connection attempts made again */
    uint32_t redispatched; /* 1: sent to another server than first chosen ("+" before the retries) */
    uint32_t srv_queue, backend_queue; /* its place among those served from the server's, the backend's queue while it waited
                                        * there, from 1; 0: it did not wait there */
    const char *uri;      /* request line of the client without CRLF, at most eng_conf.line_max bytes, or NULL if never parsed */
    uint32_t uri_len;
    uint8_t family;       /* AF_INET, AF_INET6, AF_UNIX of the client */
    uint8_t reused;       /* 1: the server connection was an idle one */
    uint16_t sport;       /* client's port, host order */
    uint16_t dport;       /* frontend's port, host order */
    uint8_t saddr[16];    /* client's address: 4 or 16 bytes, network order */
    uint8_t daddr[16];    /* address the client connected to */
    uint8_t bfamily;      /* AF_INET, AF_INET6, AF_UNIX of our end of the server's connection; 0: there is none, or
                           * nobody wants to know (PX_O_BACK_END) */
    uint16_t bport;       /* its port, host order */
    uint8_t baddr[16];    /* its address */
    uint64_t req_count;   /* number of this request on its connection, from 1 */
    uint64_t uniq;        /* number of the stream in the process */
    uint64_t session;     /* number of the client's connection in the process */
    uint64_t events;      /* how the ends of the stream came about (tevt.h) */
    uint32_t tid;         /* thread */
    uint32_t err;         /* of the client's connection (proxyproto.h); 0: none */
    uint8_t cost[24];     /* an lb_cost, which few ask for */
} lb_rec;
