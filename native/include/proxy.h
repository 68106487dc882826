/* Frontends, backends, servers and listeners as the shim sees them: what was configured, what is counted, who waits.
 *
 * Configuration structs (*_conf) are filled by Python before the threads start and only read afterwards. Live structs
 * (*_live) are changed by compare-and-swap by whichever thread passes. Counters have one shard a thread (counters.h).
 * Times are milliseconds; 0 means "no limit".
 */
#pragma once
#ifndef LB_CFFI
#include "counters.h"
#include "freq.h"
#include "lock.h"
#include "pend.h"
#include "sock.h"
#include "table.h"
#endif

/* mode of a frontend */
#define PX_TCP 0    /* bytes both ways */
#define PX_HTTP 1   /* HTTP/1 requests */
#define PX_APPLET 2 /* the other side of every connection is a Python applet */

/* Options of a frontend and of a backend; those of both are or-ed where it says so. */
#define PX_O_SERVER_CLOSE 0x1   /* http-server-close (either side) */
#define PX_O_CLOSE 0x2          /* httpclose (either side) */
#define PX_O_FORWARDFOR 0x4     /* forwardfor (either side) */
#define PX_O_FF_IFNONE 0x8      /* forwardfor if-none */
#define PX_O_NOLINGER 0x10      /* reset connections on close */
#define PX_O_KA_CLIENT 0x20     /* clitcpka */
#define PX_O_KA_SERVER 0x40     /* srvtcpka */
#define PX_O_ABORTONCLOSE 0x80  /* give up when the client closed while we wait */
#define PX_O_SPLICE_REQ 0x100   /* splice-request */
#define PX_O_SPLICE_RES 0x200   /* splice-response */
#define PX_O_SPLICE_AUTO 0x400  /* splice-auto: once a transfer shows to be bulk */
#define PX_O_CONTSTATS 0x800    /* frontends: bytes are counted as they pass, not when their stream ends */
#define PX_O_LOG 0x1000         /* frontends: raise an event for each finished stream */
#define PX_O_LOG_URI 0x2000     /* frontends: keep the request line for the log */
#define PX_O_DONTLOGNULL 0x4000 /* frontends: no event for a connection without data */
#define PX_O_SOCKET_STATS 0x8000 /* count for each listener too */
#define PX_O_DST 0x10000         /* frontends: learn the address that each client connected to */
#define PX_O_LOGASAP 0x20000     /* frontends: raise the event when the response head was sent */
#define PX_O_SMART_ACCEPT 0x40000  /* tcp-smart-accept */
#define PX_O_SMART_CONNECT 0x80000 /* tcp-smart-connect */
#define PX_O_ALLBACKUPS 0x100000   /* all backup servers are used, not only the first */
#define PX_O_PERSIST 0x200000      /* backends: a server that its client asked for is tried though it is down */
#define PX_O_BACK_END 0x400000     /* frontends: learn our own address of each server connection */
#define PX_O_NO_DELAY 0x800000     /* http-no-delay (either side): nothing waits for what may follow it */
#define PX_O_PRETEND_KA 0x1000000  /* backends: http-pretend-keepalive */
#define PX_O_IGNORE_PROBES 0x2000000 /* frontends: http-ignore-probes */
#define PX_O_NO_TRAILERS 0x4000000 /* frontends: http-drop-response-trailers; backends: http-drop-request-trailers */
#define PX_O_LATE_IDLE 0x8000000   /* frontends: idle-close-on-response */
#define PX_O_UNSAFE 0x10000000     /* accept-unsafe-violations-in-http-request (frontends), -response (backends) */
#define PX_O_CASE 0x20000000       /* names are written as eng_case_add() has them: to clients, to servers */
#define PX_O_INDEPENDENT 0x40000000 /* independent-streams: what a side is sent does not count as a sign of its life */

#define PX_IFNAME 16 /* bytes of an interface's name with its NUL */

/* retry-on: what besides a failed connection lets a request be sent again; statuses have their own list. */
#define RETRY_CONN 0x1    /* conn-failure */
#define RETRY_EMPTY 0x2   /* empty-response */
#define RETRY_TIMEOUT 0x4 /* response-timeout */
#define RETRY_JUNK 0x8    /* junk-response */
#define RETRY_STATUSES 16 /* statuses at most */

/* http-reuse */
#define REUSE_NEVER 0
#define REUSE_SAFE 1
#define REUSE_AGGRESSIVE 2
#define REUSE_ALWAYS 3

/* balance (manual 4.2) */
#define LB_ROUNDROBIN 0
#define LB_STATIC_RR 1
#define LB_LEASTCONN 2
#define LB_FIRST 3
#define LB_RANDOM 4
#define LB_HASH 5 /* a key of the stream (LB_BY_*) finds the server, on a map or on a ring (LB_TYPE_*) */

/* What is hashed. */
#define LB_BY_SOURCE 0     /* the client's address */
#define LB_BY_URI 1
#define LB_BY_URL_PARAM 2
#define LB_BY_HDR 3
#define LB_BY_RDP_COOKIE 4
#define LB_BY_EXPR 5       /* what eng_flow_key() is told */

/* hash-type */
#define LB_TYPE_MAP 0        /* map-based */
#define LB_TYPE_CONSISTENT 1
#define LB_FN_SDBM 0
#define LB_FN_DJB2 1
#define LB_FN_WT6 2
#define LB_FN_CRC32 3
#define LB_FN_NONE 4 /* the key is a decimal number already */

/* balance uri */
#define LB_URI_WHOLE 0x1     /* with the query string */
#define LB_URI_PATH_ONLY 0x2 /* without what stands before the path in an absolute target */

/* hash-preserve-affinity: when a stream leaves the server of its key for the next one. */
#define LB_AFFINITY_ALWAYS 0  /* never */
#define LB_AFFINITY_MAXCONN 1 /* it has all connections that it may have */
#define LB_AFFINITY_MAXQUEUE 2 /* as many wait for it besides as may (maxqueue) */

/* hash-key of a server: what places it on the ring. */
#define LB_NODE_ID 0
#define LB_NODE_ADDR 1
#define LB_NODE_ADDR_PORT 2

#define LB_NAME_MAX 128  /* bytes of the name of a header, parameter or cookie that is hashed */
#define LB_WEIGHT_STEPS 16 /* effective weights of dynamic algorithms are in units of 1/16 */
#define LB_WEIGHT_MAX 256  /* of a server */

/* send-proxy */
#define PX_SEND_V1 0x1
#define PX_SEND_V2 0x2        /* comes before version 1 */
#define PX_SEND_CRC 0x4       /* proxy-v2-options crc32c */
#define PX_SEND_AUTHORITY 0x8 /* proxy-v2-options authority: the one that the client's own header told */

/* usesrc: whose address connections to a server come from, instead of that of "source" */
#define SRC_OWN 0      /* "source" itself */
#define SRC_FIXED 1    /* <source> is an address of others */
#define SRC_CLIENT 2   /* the client's, with its port */
#define SRC_CLIENTIP 3 /* the client's, with any port */
#define SRC_TOLD 4     /* the one that Python tells of the stream, if it does: eng_flow_tell(), <src_tell> */

#define PX_FF_MAX 64 /* bytes of the name of forwardfor's header, and of http-send-name-header's */

typedef struct fe_conf {
    uint32_t mode;          /* PX_TCP, PX_HTTP, PX_APPLET */
    uint32_t options;       /* PX_O_* */
    uint32_t asks;          /* 1 << ASK_*: what Python is asked about; ASK_CONTENT in mode http: eng_flow_request() counts */
    uint32_t maxconn;       /* connections at once; 0: as many as the process */
    uint32_t rate_sess;     /* sessions per second; 0: no limit */
    int32_t backend;        /* index of the default backend, -1: none (HTTP: 503) */
    uint32_t t_client, t_client_fin, t_http_request, t_http_keep_alive;
    uint32_t t_client_hs;   /* handshakes of a client's connection; 0: t_client */
    uint32_t ka_count, ka_idle, ka_interval; /* probes to idle clients: number, seconds, seconds; 0: the system's */
    uint32_t ff_len;        /* forwardfor: length of the header's name */
    char ff_name[PX_FF_MAX];/* forwardfor: the name */
    uint8_t ff_except[16];  /* forwardfor: network that is left out */
    uint32_t ff_family;     /* AF_INET, AF_INET6; 0: none is left out */
    uint32_t ff_bits;       /* prefix length of the network */
} fe_conf;

typedef struct be_conf {
    uint32_t mode;          /* PX_TCP, PX_HTTP */
    uint32_t options;       /* PX_O_* */
    uint32_t asks;          /* 1 << ASK_*: what Python is asked about; those of the frontend are asked too */
    uint32_t t_connect, t_server, t_server_fin, t_queue, t_tunnel;
    uint32_t retries;       /* connection attempts after the first */
    int32_t redispatch;     /* interval of "option redispatch": -1: on the last retry; n: on every n-th; 0: off */
    uint32_t retry_on;      /* RETRY_* */
    uint16_t retry_status[RETRY_STATUSES]; /* statuses of responses that let a request be sent again; 0: the end */
    uint32_t reuse;         /* REUSE_* */
    uint32_t algo;          /* LB_ROUNDROBIN ... LB_HASH */
    uint32_t lb_by;         /* LB_HASH: LB_BY_* */
    uint32_t lb_type;       /* LB_HASH: LB_TYPE_* */
    uint32_t lb_fn;         /* LB_HASH: LB_FN_* */
    uint32_t avalanche;     /* 1: mix the hash */
    uint32_t lb_factor;     /* hash-balance-factor, percent, above 100; 0: none */
    uint32_t lb_affinity;   /* LB_AFFINITY_* */
    uint32_t lb_draws;      /* LB_RANDOM: servers that are compared, at least 1 */
    uint32_t lb_uri;        /* LB_URI_* */
    uint32_t lb_uri_len;    /* bytes of the URI that count; 0: all */
    uint32_t lb_uri_depth;  /* slashes after the first one at which it ends; 0: any */
    uint32_t lb_domain;     /* LB_BY_HDR: use_domain_only */
    uint32_t lb_name_len;   /* LB_BY_HDR, _URL_PARAM, _RDP_COOKIE: the name */
    char lb_name[LB_NAME_MAX];
    uint32_t prefer_last;   /* 1: the server whose connection its client has kept comes first, */
    int32_t ka_queue;       /* if fewer than this wait for it, -1: no limit (max-keep-alive-queue) */
    uint32_t fullconn;      /* connections at which servers reach maxconn (minconn); 0: a tenth of the frontends' */
    uint32_t ka_count, ka_idle, ka_interval; /* keep-alive probes to servers */
    uint32_t ff_len;
    char ff_name[PX_FF_MAX];
    uint8_t ff_except[16];
    uint32_t ff_family, ff_bits;
    char ifname[PX_IFNAME]; /* interface to connect through; "": any */
    uint32_t sn_len;        /* http-send-name-header: length of the header's name; 0: not sent */
    char sn_name[PX_FF_MAX];/* http-send-name-header: the name */
    sock_addr source;       /* address to connect from */
} be_conf;

typedef struct srv_conf {
    sock_addr addr;
    sock_addr source;       /* len 0: the backend's */
    uint32_t weight;        /* 0 .. LB_WEIGHT_MAX */
    uint32_t id;            /* number that the configuration shows it by: its order in "first", its place on the ring */
    uint32_t lb_node;       /* LB_NODE_* */
    uint32_t maxconn;       /* 0: no limit */
    uint32_t minconn;       /* 0: maxconn does not depend on the load */
    uint32_t observe;       /* OBSERVE_* (observe.h) */
    uint32_t error_limit;   /* errors in a row that are an event, at least 1 */
    uint32_t strict;        /* 1: <maxconn> holds for connections too, idle ones among them */
    uint32_t maxqueue;      /* streams that may wait for it alone; 0: no limit */
    uint32_t backup;        /* 1: only when no other is up */
    uint32_t disabled;      /* 1: out of service from the start */
    int32_t port_offset;    /* added to the client's destination port when port_mapped is 1 */
    uint32_t port_mapped;
    uint32_t addr_mapped;   /* 1: not <addr>, but the address that the client connected to; the port is as said */
    int32_t pool_max;       /* idle connections kept; -1: no limit */
    uint32_t pool_low;      /* idle connections below which other threads may not take some */
    uint32_t pool_purge;    /* ms between two looks at whether too many are kept; 0: never */
    int32_t max_reuse;      /* times a connection may be used again; -1: no limit */
    uint32_t tcp_ut;        /* ms, TCP_USER_TIMEOUT */
    uint32_t tfo;           /* 1: TCP fast open */
    uint32_t send_proxy;    /* PX_SEND_*: the header that its connections begin with; 0: none */
    uint32_t tell;          /* what else it tells: which of those that eng_flow_tell() was given; 0: nothing */
    char ifname[PX_IFNAME]; /* "": the backend's */
    uint32_t usesrc;        /* SRC_* */
    uint32_t src_tell;      /* SRC_TOLD: the number under which eng_flow_tell() gave a byte of family, and the address */
    uint32_t name_tell;     /* eng_srv_named(): the number under which it gave the name that connections are used again by; 0: none */
    int32_t ns;             /* descriptor of the network namespace that it is in (eng_namespace()), 0: ours */
    sock_addr socks;        /* SOCKS4 proxy that leads to it; len 0: none */
} srv_conf;

/* What a frontend does with each request before anybody is asked: it tracks the entry of a key in a slot of the stream, and
 * refuses the request if a figure of the entry that counts there then lies in a range ("http-request track-sc0 src",
 * "http-request deny if { sc_http_req_rate(0) gt 10 }"). */
#define PX_KEY_SRC 0    /* key: the client's address; the table's keys have 4 or 16 bytes */
#define PX_KEY_HDR 1    /* the last comma-separated value of the last header <name> (table of texts, as the next two) */
#define PX_KEY_PATH 2   /* the path without the query; "*" and what CONNECT asks for have none */
#define PX_KEY_URL 3    /* the target as received */
#define PX_KEY_BASE32 4 /* the hash of the Host field and the path, four bytes */
#define PX_KEY_URL32 5  /* the same with the query */
#define PX_LIMIT_NAME 64
typedef struct px_limit {
    stk_table *table;
    uint32_t slot;
    int32_t type;        /* STK_* of the figure; -1: nothing is refused */
    uint32_t element;
    uint32_t status;     /* of the page that refuses */
    uint32_t key;        /* PX_KEY_* */
    uint32_t sourced;    /* 1: behind a hash stands the client's address: "base32+src" */
    uint32_t name_len;   /* bytes of <name> */
    char name[PX_LIMIT_NAME];
} px_limit;

/* Rates per second. */
#define PX_RATE_CONN 0
#define PX_RATE_SESS 1
#define PX_RATE_REQ 2
#define PX_RATES 3

/* Figures of the moment. Any thread, atomic. */
typedef struct px_live {
    uint32_t cur, cur_max;       /* connections (frontend, listener) or streams (backend, server) now; the most ever */
    uint32_t queued, queued_max; /* streams waiting in its queue; the most ever */
    uint32_t served;             /* streams that have a server now (backend, server) */
    uint32_t used, idle;         /* server: connections carrying a stream; idle ones */
    uint32_t used_max;           /* server: the most used since the last purge */
    uint32_t conns;              /* server: connections, where they are counted ("strict-maxconn") */
    uint32_t limit;              /* server: connections it may have now (maxconn, what minconn makes of it); 0: any */
    uint32_t up;                 /* server: 1: may be picked */
    uint32_t weight;             /* backend: of its servers that are up; server: its own now */
    uint32_t errors;             /* server: in a row, as far as "observe" has seen */
    uint32_t held;               /* server: sixteenths of its weight that are held back (slowstart), 0 .. 15 */
    uint32_t active, backup;     /* backend: servers up of each kind */
    uint32_t last_ms;            /* tick of the last stream (backend, server), 0: none */
    uint32_t rate_max[PX_RATES]; /* the most events in a second; PX_RATE_* */
    uint32_t state;              /* listener: LSN_* */
} px_live;

/* A head or body that was refused, for people to look at. */
typedef struct px_snapshot {
    uint64_t when_us;    /* wall clock; 0: there is none */
    uint64_t number;     /* of all snapshots of the engine, from 1 */
    int32_t frontend, backend, server;
    uint32_t side;       /* 0: from a client, 1: from a server */
    int32_t err;         /* H1_ERR_* */
    uint32_t err_pos;    /* offset of the offending byte in <data> */
    uint32_t family, port;
    uint8_t addr[16];    /* the client's */
    uint32_t len;        /* bytes of <data> */
    uint32_t total;      /* bytes that were there */
    char data[16384];
} px_snapshot;

typedef struct frontend frontend;
typedef struct backend backend;
typedef struct server server;
typedef struct listener listener;

#ifndef LB_CFFI
/* One thread's counters of one object. */
typedef struct px_shard {
    lb_counters c;
    freq_ctr_period rate[PX_RATES]; /* per second; PX_RATE_* */
} __attribute__((aligned(LB_CACHELINE))) px_shard;

struct conn;
struct flow;

typedef struct err_page {
    int status, early;
    char *text;
    uint32_t len, head_len; /* 0: nothing is sent, the connection is closed */
    uint8_t version;        /* 10, 11; 0: its head is none that we understand */
    uint8_t framed;         /* its head tells where it ends; if not, the end of the connection does */
} err_page;

typedef struct err_pages {
    err_page *page;
    uint32_t n;
} err_pages;

#define IDLE_NAMES 64 /* a power of two */

/* Idle connections of one server in one thread, most recently used first, in the list and in each chain. */
typedef struct idle_list {
    spinlock lock;     /* LBL_IDLE */
    struct conn *head; /* all; <safe> says of each whether it carried more than one stream */
    struct conn *tail;
    struct conn **named; /* IDLE_NAMES chains of those that have a name, by it; NULL: the server wants none */
    uint32_t n;
} __attribute__((aligned(LB_CACHELINE))) idle_list;

struct frontend {
    uint32_t index;
    fe_conf conf;
    px_live live;
    rwlock lock; /* LBL_PROXY: guards <snap> */
    px_snapshot *snap;
    px_shard *shard;
    struct engine *eng;
    err_pages errors;
    struct fe_limit *limit; /* NULL: none; atomic. Replaced as a whole, and freed with the frontend */
    struct log_format *log; /* NULL: its lines are Python's; atomic. Set once */
};

typedef struct fe_limit {
    px_limit l;
    struct fe_limit *before; /* the one that it replaced, which somebody may still look at */
    uint32_t nranges;
    int64_t range[][2];      /* lowest, highest */
} fe_limit;

/* Streams that wait for any server of a backend, and what the order of those that wait for one alone is told by. */
typedef struct flow_queue {
    spinlock lock;   /* LBL_QUEUE: also guards the server_queues of the backend */
    pend_heap any;
    uint64_t order;  /* of the next one that comes */
    uint64_t date;   /* of the last one that came, ms; starts anew when nobody waits */
    uint32_t passed; /* of <any> that were served */
    uint32_t choosy; /* that want one server only; atomic, so that it may be looked at without the lock */
} flow_queue;

/* Streams that wait for one server and no other. */
typedef struct server_queue {
    pend_heap leaves; /* until it is down, */
    pend_heap stays;  /* or even then: queue_takes_down() */
    uint32_t passed;  /* of both that were served */
} server_queue;

struct backend {
    uint32_t index;
    be_conf conf;
    px_live live;
    rwlock lock; /* LBL_PROXY: guards <snap> */
    px_snapshot *snap;
    px_shard *shard;
    char *name;     /* of <name_len> bytes, for log lines; NULL: none was told */
    uint32_t name_len;
    struct engine *eng;
    err_pages errors;
    server **srv; /* in the order of the configuration */
    uint32_t nsrv;
    server *aside; /* what takes a stream that nothing has given to a server, none of <srv>; NULL: balancing finds one */
    flow_queue queue;
    rwlock lbprm; /* LBL_LBPRM: guards what follows */
    const struct lb_algo *lb_algo; /* NULL: nothing was built yet */
    void *lb;            /* the algorithm's own */
    uint32_t lb_usable;  /* servers that may be picked */
    uint32_t use_backup; /* they are backup servers, */
    server *lb_first;    /* and this one only, if it is not NULL */
};

/* A server as its backend's algorithm sees it. Under the backend's lbprm lock. */
typedef struct lb_seat {
    uint32_t plain, now;  /* its weight, and that in sixteenths, when all were last looked at; 0: it is not to be picked */
    uint32_t weight;      /* that of <now> with which the algorithm has placed it; 0: it has not */
    struct lb_heap *heap; /* in which it stands; NULL: in none */
    uint32_t at;          /* its place there */
    uint32_t turn, rest;  /* roundrobin: date of its next turn: whole turns, and parts of <weight> */
    uint32_t last;        /* roundrobin: date of its last turn */
    uint32_t before;      /* consistent: weight of the servers before it */
    server *aside;        /* roundrobin: the next one that was passed over during a choice */
} lb_seat;

struct server {
    uint32_t index; /* in the engine */
    uint32_t rank;  /* in its backend, from 0 */
    srv_conf conf;
    char *name;     /* of <name_len> bytes, for http-send-name-header and log lines; NULL: none was told */
    uint32_t name_len;
    char *redir;    /* of <redir_len> bytes: the prefix that GET and HEAD are sent to; NULL: none */
    uint32_t redir_len;
    px_live live;
    backend *be;
    server_queue queue; /* under the backend's queue lock */
    px_shard *shard;
    struct port_range *ports; /* source ports of its connections, NULL: the kernel chooses (eng_srv_ports()) */
    idle_list *idle;   /* one a thread */
    struct conn **names; /* their chains by name, NULL: it wants none (eng_srv_named()) */
    uint32_t moves;    /* times that its address was changed (eng_srv_moved()) */
    uint32_t fast;     /* the last connection could be written to at once */
    uint32_t removed;  /* out of its backend: its place waits for another server */
    uint32_t aside;    /* it is its backend's <aside>: nobody outside knows of it as a server */
    uint32_t lb_full;  /* stands aside until it has a slot again; atomic */
    lb_seat seat;
};
#endif
