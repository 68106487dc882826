/* Who waits, in the order in which they are to be served: a leftist heap, linked through its members.
 *
 * Nothing is allocated, so nothing can fail. All three calls cost O(log n), in the worst case too, wherever in the heap
 * their member stands: the way down the right is never longer than the logarithm of what hangs below.
 *
 *     key    bits 63..52 class + PEND_CLASS_MAX    the lower class first,
 *            bits 51..0  date in ms                then who came earlier: a member's own offset is in it already,
 *     order  number of its arrival                 then in the order of arrival
 *
 * The lock of whoever owns the heap guards all of it.
 */
#pragma once
#ifndef LB_CFFI
#include "base.h"
#endif

#define PEND_CLASS_MAX 2047    /* of a priority class, either way */
#define PEND_OFFSET_MAX 524287 /* ms of a priority offset, either way */

#ifndef LB_CFFI
typedef struct pendconn pendconn;
struct pendconn {
    pendconn *left, *right, *up;
    uint64_t key, order;
    uint32_t dist; /* members on the way down the right, this one included */
};

/* Zero: nobody waits. */
typedef struct pend_heap {
    pendconn *top;
} pend_heap;

/* The key of who comes at <date> ms. <class> and <offset> are within the limits above, <date> is more than PEND_OFFSET_MAX. */
static inline uint64_t pend_key(int class, int offset, uint64_t date)
{
    return (uint64_t)(class + PEND_CLASS_MAX) << 52 | (date + (uint64_t)(int64_t)offset);
}
/* Whether <a> is served before <b>; either may be NULL, which comes last. */
static inline int pend_before(const pendconn *a, const pendconn *b)
{
    if (!a || !b)
        return a != NULL;
    return a->key != b->key ? a->key < b->key : a->order < b->order;
}
/* Adds <p>, whose key and order are set. */
void pend_put(pend_heap *h, pendconn *p);
/* Takes <p> out, which is in it. */
void pend_drop(pend_heap *h, pendconn *p);
/* How many of it are served before <p>. Costs O(1) for each of them. */
uint32_t pend_place(const pend_heap *h, const pendconn *p);
#endif
