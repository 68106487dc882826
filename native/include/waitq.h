/* Wait queues: tasks by the dates at which they are to be woken.
 *
 * A thread has one for the tasks that are bound to it, and all threads share another one, with a lock. Dates come as
 * wishes, since that is how threads leave them for each other. For task.c alone.
 */
#pragma once
#ifndef LB_CFFI
#include "task.h"

/* A wish for a date: one of these and the tick. */
#define NO_WISH 0
#define WISH_SOONER ((uint64_t)1 << 32) /* task_schedule() */
#define WISH_EXACT ((uint64_t)2 << 32)  /* task_queue_at() */

/* One thread's, which alone calls the functions. */
typedef struct waitq {
    wheel w;
    int started; /* <w> knows the time; atomic */
} waitq;

void waitq_init(waitq *q);
/* Grants <t> its wish; nothing for NO_WISH. */
void waitq_set(waitq *q, task *t, uint64_t wish);
void waitq_remove(waitq *q, task *t);
/* Hands <cb> the timers whose date is at or before <now>, with their tasks' `expire` still set. */
void waitq_run(waitq *q, uint32_t now, void (*cb)(void *ctx, tmr *t), void *ctx);
/* The ms from <now> until waitq_run() has something to do, 0: at once, -1: no date is set. */
int waitq_next(const waitq *q, uint32_t now);

/* The one of all threads. The functions take LBL_WQ themselves; those that find nothing to do don't. */
typedef struct shared_waitq {
    rwlock lock;  /* LBL_WQ: guards <q>, and the timers and dates of shared tasks */
    waitq q;
    uint64_t due; /* DUE_SET and the date before which nothing expires, 0 if no date is set; atomic */
} shared_waitq;

void shared_waitq_init(shared_waitq *q, lockset *set);
/* As waitq_set(); returns whether a date is sooner than all there were before. */
int shared_waitq_set(shared_waitq *q, task *t, uint64_t wish);
void shared_waitq_remove(shared_waitq *q, task *t);
/* As waitq_run(), with <cb> called under the lock. */
void shared_waitq_run(shared_waitq *q, uint32_t now, void (*cb)(void *ctx, tmr *t), void *ctx);
int shared_waitq_next(shared_waitq *q, uint32_t now);
#endif
