/* What eng_poll() gives to Python: a batch of flat records. */
#pragma once
#ifndef LB_CFFI
#include "base.h"
#endif

/* EV_DONE's <data> are <len> lb_rec; the texts they point at lie in the <arg> bytes at address <handle>. All of it is dead
 * after the next poll. It comes before the other events of its batch, and EV_ASK after them. */
#define EV_DONE 1   /* streams ended (or sent their heads, logasap) */
#define EV_OPEN 2   /* an applet got a connection: <handle>, <arg> index of the listener */
#define EV_DATA 3   /* an applet got bytes: <data>, <len>; dead after the next poll */
#define EV_EOF 4    /* an applet's client will send no more */
#define EV_CLOSE 5  /* an applet's connection is gone: the handle is dead; <arg> of an outgoing one: the errno */
#define EV_ROOM 6   /* an applet's output has all gone */
#define EV_TASK 7   /* a task is due: <handle> its cookie, <arg> why (TASK_WOKEN_*), <data> the task */
#define EV_SYNC 8   /* the sync point is asked for */
#define EV_ASK 9    /* flows wait for verdicts: <data> are <len> lb_ask, see ask.h */
#define EV_SESSION_END 10 /* a client's connection of which V_F_TELL_CONN was said is over: <handle> its session */
#define EV_CONNECTED 11 /* what became of an outgoing one (outgoing.h): <handle>, <arg> 0 or why not, <len> 1: it is gone */
#define EV_ERRORS 12 /* "observe": <len> errors in a row of server <handle>, the last was <arg> (SEEN_*, observe.h) */
#define EV_PASSED 13 /* taps (bwlim.h): <data> are <len> bytes of lb_passed, each with what is kept of it. It comes before EV_DONE */

/* What passed a tap: this, followed by <kept> bytes of it, and as many as make it a multiple of 8. */
typedef struct lb_passed {
    uint64_t uniq; /* number of the stream */
    uint64_t id;   /* of the tap, as the one who set it numbers them */
    uint64_t at;   /* bytes that passed before */
    uint32_t len;  /* bytes that pass, */
    uint32_t hand; /* of so many at hand */
    uint32_t kept; /* 0, or <len> */
    uint32_t pad;
} lb_passed;

typedef struct lb_event {
    uint32_t kind; /* EV_* */
    uint32_t arg;
    uint64_t handle;
    void *data;
    uint64_t len;
} lb_event;
