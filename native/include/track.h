/* Tracking: entries of stick tables that a client's connection and its streams count on (manual 4.2, "track-sc0").
 *
 * A flow has "tune.stick-counters" slots for its connection, and as many for its present stream; both are empty until a rule
 * says what is tracked. A slot holds a reference to its entry and counts as one of its connections (conn_cur) until what it
 * belongs to is over. A stream counts on its connection's slots, too, and has none of its own of the same numbers: who tracks
 * something first goes on.
 *
 *     conn_cnt conn_rate conn_cur    when an entry is tracked
 *     sess_cnt sess_rate             when the connection has passed its rules: its slots
 *     http_req_cnt http_req_rate     when a request has come, whole or not, and "tcp-request content" has let it pass: its
 *                                    connection's slots; those that are tracked because of it count it themselves
 *     http_err_cnt http_err_rate     a server's responses of some statuses (eng_blame(): as a rule 4xx); what no request was
 *                                    made of (not: a timeout); what a verdict blames the client for (V_F_BLAME)
 *     http_fail_cnt http_fail_rate   a server's responses of other statuses (eng_blame(): as a rule 5xx but 501 and 505);
 *                                    a response that did not come, was none, or broke off
 *     bytes_*                        of the whole stream, as they are moved
 *
 * Whatever counts on an entry lets its life begin anew; the end of what it was tracked for does not.
 */
#pragma once
#ifndef LB_CFFI
#include "flow.h"
#include "table.h"

typedef struct track_slot {
    stk_table *table;
    uint32_t entry; /* 0: empty */
    uint32_t last;  /* tick of the last count */
} track_slot;

struct track {
    uint32_t n;        /* slots of each kind */
    track_slot slot[]; /* the stream's, then the connection's */
};

/* Bits of the types that count an event. */
#define TRACK_SESS (1u << STK_SESS_CNT | 1u << STK_SESS_RATE)
#define TRACK_REQ (1u << STK_HTTP_REQ_CNT | 1u << STK_HTTP_REQ_RATE)
#define TRACK_ERR (1u << STK_HTTP_ERR_CNT | 1u << STK_HTTP_ERR_RATE)
#define TRACK_FAIL (1u << STK_HTTP_FAIL_CNT | 1u << STK_HTTP_FAIL_RATE)
#define TRACK_IN (1u << STK_BYTES_IN_CNT | 1u << STK_BYTES_IN_RATE)
#define TRACK_OUT (1u << STK_BYTES_OUT_CNT | 1u << STK_BYTES_OUT_RATE)

/* Bytes of a record with <n> slots of each kind. */
static inline uint32_t track_size(uint32_t n)
{
    return (uint32_t)(sizeof(struct track) + 2 * n * sizeof(track_slot));
}

/* What a response of <status> to the flow's client counts as: TRACK_ERR, TRACK_FAIL, both or 0 (eng_blame()). */
uint32_t track_blame(const flow *f, int status);

/* Tracks the entry of a key in slot <i>: of the connection, or of the present stream; <mask> is counted on it as well. The
 * entry; 0: the table is full; -EBUSY: the slot is taken, or for a stream its connection's; -EINVAL: there is no such slot; -ENOMEM. */
int track_begin(flow *f, uint32_t i, int connection, stk_table *t, const void *key, uint32_t len, uint32_t mask);
/* Counts <n> of <mask> on all that the flow tracks. */
void track_add(flow *f, uint32_t mask, uint64_t n);
/* The stream is over, or all of the connection (then the record is gone, too). */
void track_stream_over(flow *f);
void track_over(flow *f);
/* The slot <i> that counts for the present stream, NULL if it is empty. */
const track_slot *track_at(const flow *f, uint32_t i);
/* An element of a data type (STK_*) of what counts for the present stream in slot <i>, as stk_read() has it. 0: the slot is empty,
 * or its table does not store that. */
int track_figure(const flow *f, uint32_t i, uint32_t type, uint32_t element, uint64_t *out);

/* track_add() of one, for flows of which most track nothing. */
static inline void track_count(flow *f, uint32_t mask)
{
    if (unlikely(f->track))
        track_add(f, mask, 1);
}
#endif
