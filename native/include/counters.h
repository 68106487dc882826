/* Counters of a frontend, listener, backend or server.
 *
 * Each object has one shard a thread, written by that thread alone (relaxed stores, no bus lock) and summed on
 * reading: nothing is lost and nothing is shared. What a limit is held against (connections now) can't be sharded:
 * those are the gauges, changed by compare-and-swap.
 */
#pragma once
#ifndef LB_CFFI
#include "base.h"
#endif

typedef struct lb_counters {
    uint64_t cum_conn;        /* connections accepted (frontend, listener), or made or reused for a stream (server) */
    uint64_t cum_sess;        /* sessions: connections that passed the connection rules; streams on a backend, server */
    uint64_t cum_req;         /* HTTP requests received */
    uint64_t cum_lbconn;      /* times a server was picked by the balancing algorithm */
    uint64_t bytes_in;        /* from the client */
    uint64_t bytes_out;       /* to the client */
    uint64_t denied_conn;     /* by "tcp-request connection" */
    uint64_t denied_sess;     /* by "tcp-request session" */
    uint64_t denied_req;      /* requests denied for security */
    uint64_t denied_resp;     /* responses denied for security */
    uint64_t failed_req;      /* requests that were invalid or ended early (ereq) */
    uint64_t failed_conns;    /* connection to a server failed (econ) */
    uint64_t failed_resp;     /* response was invalid or ended early (eresp) */
    uint64_t internal_errors; /* our own fault */
    uint64_t failed_rewrites; /* heads that could not be changed as rules wanted (wrew) */
    uint64_t retries;         /* connection attempts made again (wretr) */
    uint64_t redispatches;    /* streams sent to another server (wredis) */
    uint64_t intercepted_req; /* answered by the balancer itself: redirects, statistics */
    uint64_t rsp1xx, rsp2xx, rsp3xx, rsp4xx, rsp5xx, rspother;
    uint64_t connect;         /* connection attempts */
    uint64_t reuse;           /* requests sent over an idle connection */
    uint64_t cli_aborts;      /* transfers ended early by the client */
    uint64_t srv_aborts;      /* transfers ended early by the server or by us */
    uint64_t time_n;          /* how many streams stand behind the four sums below */
    uint64_t q_time, c_time, d_time, t_time; /* sums of ms in queue, connecting, waiting for the head, in all */
    uint64_t q_max, c_max, d_max, t_max;     /* ms, the largest seen (summing shards takes the largest) */
} lb_counters;

/* What eng_count() counts. */
#define CNT_DENIED_CONN 1
#define CNT_DENIED_SESS 2
#define CNT_DENIED_REQ 3
#define CNT_DENIED_RESP 4
#define CNT_FAILED_REQ 5
#define CNT_FAILED_RESP 6
#define CNT_INTERNAL_ERRORS 7
#define CNT_FAILED_REWRITES 8
#define CNT_INTERCEPTED_REQ 9

/* Adds the shard at <shard> to <out>; maxima are the larger ones. Any thread may read, no lock. */
void counters_add(lb_counters *out, const lb_counters *shard);
/* Adds the <n> shards at <shard> into <out> (which is zeroed first); maxima are the largest. Any thread, no lock. */
void counters_sum(const lb_counters *shard, int n, lb_counters *out);

#ifndef LB_CFFI
#define cnt_add(field, v) __atomic_store_n(&(field), at_peek(&(field)) + (v), __ATOMIC_RELAXED)
#define cnt_inc(field) cnt_add(field, 1)
#define cnt_max(field, v)                                                                                              \
    do {                                                                                                               \
        if ((uint64_t)(v) > __atomic_load_n(&(field), __ATOMIC_RELAXED))                                               \
            __atomic_store_n(&(field), (uint64_t)(v), __ATOMIC_RELAXED);                                               \
    } while (0)
#endif
