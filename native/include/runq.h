/* Where woken tasks stand: run queues, and the inboxes through which threads reach each other's.
 *
 * Both are made of the tasks themselves and need no memory. A task stands in one run queue at the most; only who sets
 * TASK_QUEUED puts it there. For task.c alone.
 */
#pragma once
#ifndef LB_CFFI
#include "waitq.h"

/* The caller holds the lock of a shared one; `len` is read without. */
typedef struct runq {
    task *root;       /* of a pairing heap, the smallest key first */
    uint32_t len;     /* atomic */
    uint64_t counter; /* of insertions: the key of a task with nice 0 */
} runq;

/* First come, first served. */
typedef struct taskbox {
    spinlock lock; /* LBL_RQ: guards what follows, and the wishes of the tasks in it */
    task *first, **end;
    uint32_t len; /* atomic */
} taskbox;

/* Changes of figures that threads look at before they go to sleep: sequentially consistent, as `asleep` is. */
static inline void seq_add(uint32_t *p, uint32_t n) { __atomic_fetch_add(p, n, __ATOMIC_SEQ_CST); }
static inline uint32_t seq_load(const uint32_t *p) { return __atomic_load_n(p, __ATOMIC_SEQ_CST); }

/* Puts <t> behind the tasks that came before, further back or further in front by its nice value. */
void runq_add(runq *q, task *t);
/* Puts back a task that was popped, in its old place. */
void runq_insert(runq *q, task *t);
/* Takes the first one out; NULL if there is none. */
task *runq_pop(runq *q);

void taskbox_init(taskbox *b, lockset *set);
/* Leaves <t> in its owner's inbox <b>: to be put in the run queue if <wish> is NO_WISH, to get that date otherwise. Any
 * thread; takes the inbox's lock. */
void taskbox_put(taskbox *b, task *t, uint64_t wish);
/* Takes out the oldest, what was wished for it, and whether it is to be put in the run queue; NULL if it is empty. By
 * the owner; takes the inbox's lock. */
task *taskbox_take(taskbox *b, uint64_t *wish, uint32_t *queue);
#endif
