/* Buffers, taken only while data waits.
 *
 * What is read goes through a scratch area of the thread that reads; a connection owns a buffer only for bytes that
 * had to stay (an unfinished head, a request that may be sent again, what the peer would not take yet). Each thread
 * keeps its own free buffers, so no lock is needed; a buffer is given back to the pool it came from.
 */
#pragma once
#ifndef LB_CFFI
#include "base.h"

enum { BUF_SMALL, BUF_NORMAL, BUF_BIG, BUF_CLASSES };
#define BUF_SMALL_SIZE 1024
#define BUF_BIG_SIZE (256 * 1024)

/* Bytes [off, off + len) of <area> are data. An empty one (area NULL) costs nothing. */
typedef struct buf {
    char *area;
    uint32_t size, off, len;
} buf;

typedef struct bufpool {
    void *free[BUF_CLASSES];     /* linked through their first word */
    uint32_t nfree[BUF_CLASSES]; /* how many lie free; others may read it, and <used> */
    uint32_t used[BUF_CLASSES];  /* how many are out */
    uint32_t size[BUF_CLASSES];
    uint32_t keep[BUF_CLASSES]; /* how many free ones are kept */
    uint64_t failed;            /* allocations that failed */
} bufpool;

/* <bufsize>: bytes of a normal buffer ("tune.bufsize"), at least 1024. */
void bufpool_init(bufpool *p, uint32_t bufsize);
void bufpool_fini(bufpool *p);

static inline char *buf_data(const buf *b)
{
    return b->area + b->off;
}

/* Gives the memory back; the buffer is empty afterwards. */
void buf_release(bufpool *p, buf *b);
/* Makes <b> hold a copy of the <n> bytes at <from>, in the smallest class that fits (memory from malloc() if none
 * does). What it held is lost; <from> may lie inside it. 0, or -ENOMEM with the buffer empty. */
int buf_set(bufpool *p, buf *b, const char *from, uint32_t n);
/* Appends, moving to a larger class if needed. 0 or -ENOMEM (nothing changed). */
int buf_append(bufpool *p, buf *b, const char *from, uint32_t n);
/* Drops the first <n> bytes; releases the memory when nothing is left. */
static inline void buf_skip(bufpool *p, buf *b, uint32_t n)
{
    b->off += n;
    b->len -= n;
    if (!b->len)
        buf_release(p, b);
}
#endif
