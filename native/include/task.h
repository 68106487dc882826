/* Tasks: what Python runs, woken by an event or by the time.
 *
 * The scheduler of an engine keeps, as in HAProxy, a wait queue (tasks that have an expiry date) and a run queue
 * (tasks that were woken, ordered by nice value). A task whose mask has several threads stands in the queues that
 * all share; one bound to a single thread stands in that thread's own, without a lock, and others who wake it or
 * schedule it leave their wish in the thread's inbox.
 *
 *     idle --wakeup--> QUEUED --pick--> RUNNING --done--> idle
 *                                          |
 *                      a wakeup meanwhile: done --> QUEUED again
 *
 * A task never runs on two threads at once, and a wakeup is never lost: either the reason is reported by the pick
 * that follows, or the task runs once more.
 *
 * One turn of thread <tid>:
 *     task_expire(s, tid, now);
 *     n = task_pick(s, tid, evs, max);  for each: run it by its cookie, task_done(s, evs[i].t);
 *     timeout = task_next(s, tid, now);   before it sleeps, and after fdloop_about_to_sleep()
 *
 * Locks: LBL_WQ (rwlock, shared wait queue), LBL_RQ (spinlock: shared run queue, and each inbox). LBL_WQ comes
 * first. The wake function is called with neither held.
 */
#pragma once
#ifndef LB_CFFI
#include "base.h"
#include "lock.h"
#include "tmr.h"
#endif

/* Why it was woken. */
#define TASK_WOKEN_INIT 0x0100   /* for the first time */
#define TASK_WOKEN_TIMER 0x0200  /* its date expired */
#define TASK_WOKEN_IO 0x0400     /* an fd or a stream moved */
#define TASK_WOKEN_SIGNAL 0x0800 /* a signal of the process */
#define TASK_WOKEN_MSG 0x1000    /* another task has news */
#define TASK_WOKEN_RES 0x2000    /* a resource it waited for is there */
#define TASK_WOKEN_OTHER 0x4000
#define TASK_WOKEN_ANY 0x7f00
/* Where it stands. */
#define TASK_RUNNING 0x0001 /* picked, not done */
#define TASK_QUEUED 0x0002  /* in a run queue or an inbox */
#define TASK_FREED 0x0004   /* to be freed as soon as it leaves the queue, or its run ends */

#define TASK_NICE_MIN -1024 /* runs before others */
#define TASK_NICE_MAX 1024
#define TASK_MAXTHREADS 64

typedef struct tasksched tasksched;

/* A task. The fields are the scheduler's; read `cookie`, `mask` and `nice` as you like, `expire` by the thread that
 * runs it. */
typedef struct task {
    uint64_t cookie;       /* the user's, given back with each pick */
    uint64_t mask;         /* threads that may run it */
    uint32_t state;        /* TASK_*; atomic */
    uint32_t expire;       /* its date in the wait queue, TICK_ETERNITY if none */
    int16_t nice;          /* TASK_NICE_MIN..TASK_NICE_MAX */
    int16_t owner;         /* the only thread that may run it, -1 if there are several */
    uint32_t calls;        /* times it was picked */
    tmr timer;             /* its place in the wait queue */
    uint64_t key;          /* its place in the run queue */
    struct task *rq_child, *rq_next; /* pairing heap of the run queue */
    struct task *in_next;  /* next in the inbox of its thread */
    uint64_t wish;         /* the date asked for by other threads; this and the next two under the inbox's lock */
    uint32_t in_inbox;     /* stands in the inbox */
    uint32_t in_queue;     /* ... and from there is to be put in the run queue */
} task;

/* A task that is to be run: what task_pick() gives. */
typedef struct task_ev {
    uint64_t cookie;
    task *t;
    uint32_t state; /* the reasons: TASK_WOKEN_* */
    uint32_t pad;
} task_ev;

/* Makes a scheduler for the threads 0..nbthread-1 (1..64). <set> may be NULL. <wake>(ctx, tid) is to make a thread that
 * sleeps call task_pick() again; any thread calls it, with no lock held; may be NULL if nobody sleeps. Returns NULL for
 * lack of memory or a bad <nbthread>. */
tasksched *tasksched_new(int nbthread, lockset *set, void (*wake)(void *ctx, int tid), void *ctx);
/* Frees it, and the tasks whose task_free() still stood in a queue; others must have been freed before, or are lost. No
 * thread may use it any more. */
void tasksched_free(tasksched *s);

/* Makes a task, idle and without a date. <mask>: threads that may run it, 0 or ~0 for all; those beyond nbthread are
 * ignored. <nice> is brought within its range. Returns NULL for lack of memory, or if no thread is left in the mask. */
task *task_new(tasksched *s, uint64_t mask, uint64_t cookie, int nice);
/* Ends a task, by any thread and in any state; don't use <t> any more, except that whoever picked it still calls
 * task_done(). A queued one is not picked any more. */
void task_free(tasksched *s, task *t);

/* Wakes it for <reason> (TASK_WOKEN_*). Any thread. Nothing if it is freed. */
void task_wakeup(tasksched *s, task *t, uint32_t reason);
/* Lets it be woken (TASK_WOKEN_TIMER) at <when>, or at the date it has already if that is sooner. Nothing if <when> is
 * TICK_ETERNITY. Any thread. */
void task_schedule(tasksched *s, task *t, uint32_t when);
/* Lets it be woken at <when> and at no other date; TICK_ETERNITY: at none. Any thread. */
void task_queue_at(tasksched *s, task *t, uint32_t when);

/* Wakes the tasks whose date is at or before <now>: those of thread <tid>, and the shared ones. By that thread. Returns
 * how many. */
int task_expire(tasksched *s, int tid, uint32_t now);
/* Takes up to <max> tasks from the run queues that thread <tid> may run, sooner woken and less nice first; its own and
 * the shared ones in turn. Each is now running, until its task_done(). By that thread. Returns how many. */
int task_pick(tasksched *s, int tid, task_ev *out, int max);
/* Its run is over: by the thread that picked it. */
void task_done(tasksched *s, task *t);
/* The ms from <now> until there is something for thread <tid> to do: 0 now, -1 nothing known. By that thread. After a
 * result other than 0 the thread counts as asleep, and is the one to be woken for shared tasks, until its next
 * task_expire() or task_pick(). */
int task_next(tasksched *s, int tid, uint32_t now);
/* Tasks alive / in the run queues, as in "show info" (Tasks, Run_queue). Any thread; roughly. */
unsigned tasksched_tasks(const tasksched *s);
unsigned tasksched_queued(const tasksched *s);
