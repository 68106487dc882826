/* Log lines that are written without Python.
 *
 * A log-format that asks for nothing but the record of a stream, and for fields of its request as they came, is a list of
 * pieces, which eng_fe_log() takes over once. From then on the lines of streams that Python doesn't keep (V_F_TELL) are
 * written here when they end, and sent at the end of the turn, many in one call; no EV_DONE tells of such streams. All
 * others are logged by Python as before.
 */
#pragma once
#ifndef LB_CFFI
#include "base.h"
#endif

#define LOG_TEXT 0      /* <len> bytes at <at> of the texts */
#define LOG_I32 1       /* the number at offset <at> of lb_rec: an int32_t, */
#define LOG_U32 2       /* a uint32_t, */
#define LOG_U64 3       /* a uint64_t */
#define LOG_PLUS 4      /* "+" if the uint32_t at offset <at> of lb_rec is not 0 */
#define LOG_CHARS 5     /* <len> characters at offset <at> of lb_rec, at most up to a NUL */
#define LOG_DATE 6      /* local date of the us since 1970 at offset <at> of lb_rec, as in 23/Nov/2026:06:42:21 */
#define LOG_MS 7        /* their milliseconds, three digits */
#define LOG_SOURCE 8    /* address of the client; "unix" */
#define LOG_PORT 9      /* its port */
#define LOG_BACKEND 10  /* name of the backend; without one that of the frontend: <len> bytes at <at> of the texts */
#define LOG_SERVER 11   /* name of the server, "<NOSRV>" without one */
#define LOG_LINE 12     /* request line, what is not printable escaped (manual 8.6); "<BADREQ>" without one */
#define LOG_CAPTURES 13 /* captured fields: "{first|second}", escaped */
#define LOG_KINDS 14

#define LOG_LINE_MAX 8192 /* bytes of a line that are ever looked at */
#define LOG_TARGETS 8     /* most targets of a frontend */

typedef struct log_piece {
    uint32_t kind; /* LOG_* */
    uint32_t at, len;
} log_piece;

/* Where lines go: a connected datagram socket, which stays the caller's and open as long as the engine lives. Before a line
 * stands what lies in the texts: <before>, then the date as in "Nov  3 06:42:21" and <after> if <dated>. */
typedef struct log_target {
    int fd;
    uint32_t maxlen; /* bytes of a line with all of that and its LF, 1 .. LOG_LINE_MAX; what is longer is cut */
    uint32_t before, before_len;
    uint32_t after, after_len;
    uint32_t dated;
} log_target;

/* A "capture request header": <len> bytes of the texts at <at> are its name in lower case, <most> how much of the value. */
typedef struct log_capture {
    uint32_t at, len, most;
} log_capture;

typedef struct log_conf {
    const log_piece *read, *unread; /* the format; the same of a stream (mode http) whose request was not read */
    uint32_t nread, nunread;
    const log_target *targets;
    uint32_t ntargets; /* 1 .. LOG_TARGETS */
    const log_capture *captures;
    uint32_t ncaptures;
    const char *texts;
    uint32_t ntexts;
} log_conf;

#ifndef LB_CFFI
struct thr;
struct flow;
struct lb_rec;
struct h1_head;
typedef struct log_format log_format;
typedef struct log_area log_area;

#define LOG_DATES 4 /* seconds whose dates a thread remembers */
#define LOG_DATE_LEN 20
#define LOG_STAMP_LEN 15

typedef struct log_date {
    uint64_t sec;              /* UINT64_MAX: of none */
    char date[LOG_DATE_LEN];   /* 23/Nov/2026:06:42:21 */
    char stamp[LOG_STAMP_LEN]; /* Nov 23 06:42:21 */
} log_date;

/* Keeps the fields that <f>'s frontend captures of the head <h>, whose bytes are at <s>. */
void log_capture_fields(struct flow *f, const struct h1_head *h, const char *s);
/* Writes the line of <f>, of which <r> tells but for the request line; 0: it is not to be written here. */
int log_write(struct flow *f, const struct lb_rec *r);
/* Sends what was written. What can't leave at once is dropped, and counted. */
void log_flush(struct thr *t);
void log_format_free(log_format *l);
#endif
