/* Limits: what a frontend has the shim do by itself with each of its requests (px_limit): track a key, refuse from a figure on.
 *
 * It is the beginning of the frontend's rules, so that what comes to it later, rules included, sees what it has tracked as if a
 * rule had. Nothing here waits but for the locks of the table.
 */
#pragma once
#ifndef LB_CFFI
#include "h1.h"
#include "track.h"

/* What a limit will look up soon: an address. What the request says is not known before it has come. */
typedef struct limit_soon {
    const stk_table *table; /* NULL: nothing */
    uint32_t hash;
} limit_soon;

/* Has memory bring near what limit_status() will want; the flow's frontend has a limit. The second step, a while later, is
 * limit_expect_entry(); see stk_expect(). */
limit_soon limit_expect(const flow *f);

static inline void limit_expect_entry(limit_soon x)
{
    if (unlikely(x.table))
        stk_expect_entry(x.table, x.hash);
}

/* Does what the limit of the flow's frontend says of the request with head <h>, scanned in <buf>. The status of the page that it
 * is refused with, 0: it goes on. */
int limit_status(flow *f, const h1_head *h, const char *buf);
#endif
