/* "observe": what traffic shows of a server's health (manual 5.2). Errors in a row are counted, and as many as "error-limit"
 * are an event for Python, which decides what follows.
 *
 *                                      layer4    layer7
 *     connected                        good      -
 *     could not be connected           error     error
 *     a valid response                 -         good (its status is below 500, or 501, 505: those are the client's doing)
 *     any other response, or none      -         error
 */
#pragma once
#ifndef LB_CFFI
#include "base.h"
#endif

/* srv_conf.observe */
#define OBSERVE_NONE 0
#define OBSERVE_LAYER4 1
#define OBSERVE_LAYER7 2

/* What was seen last: <arg> of EV_ERRORS. */
#define SEEN_L4_OK 0
#define SEEN_L4_ERR 1
#define SEEN_HTTP_OK 2
#define SEEN_HTTP_STATUS 3  /* a status that tells of trouble */
#define SEEN_HTTP_HEAD 4    /* an invalid head */
#define SEEN_HTTP_BODY 5    /* an invalid body */
#define SEEN_HTTP_READ 6    /* a broken connection */
#define SEEN_HTTP_TIMEOUT 7
#define SEEN_HTTP_CLOSE 8   /* the end of the connection in the place of a response */

#ifndef LB_CFFI
#include "flow.h"

/* Of a server that is observed. */
void observe_note(flow *f, server *s, uint32_t seen);
/* <seen> happened to <f> on server <s>. */
static inline void observe(flow *f, server *s, uint32_t seen)
{
    if (unlikely(s->conf.observe))
        observe_note(f, s, seen);
}
static inline void observe_status(flow *f, int status)
{
    observe(f, f->srv, status < 500 || status == 501 || status == 505 ? SEEN_HTTP_OK : SEEN_HTTP_STATUS);
}
#endif
