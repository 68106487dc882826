/* Lock sets: the names, the figures and the order of nesting of locks.
 *
 * Every lock has a label, a small number that says what kind of structure it guards. The number is also its rank: a
 * thread that holds a label may only wait for higher ones, so outer structures have lower numbers (the list below is
 * the order of nesting). A try-lock cannot deadlock and is free of the rule, but what it took counts as held.
 *
 * A lock set keeps names, figures and the order check of all labels of one engine. Everything in it is off at first,
 * and costs a test of one word then: lock.h goes the long way, and calls the functions at the end, only for sets that
 * are watched.
 */
#pragma once
#ifndef LB_LOCKSET_H
#define LB_LOCKSET_H
#include "base.h"

/* Labels, in the order of nesting. 0 is a label like any other, left to users outside of this list. */
#define LBL_GLOBAL 1     /* process-wide variables */
#define LBL_RESOLVERS 2  /* a resolvers section; its answers change servers */
#define LBL_PROXY 3      /* a proxy and its error snapshot */
#define LBL_LBPRM 4      /* load-balancing parameters of a backend */
#define LBL_QUEUE 5      /* a server's or a backend's queue; may nest: the server's, then its backend's */
#define LBL_SERVER 6     /* a server */
#define LBL_IDLE 7       /* a server's idle connections of one thread */
#define LBL_LQUEUE 8     /* all queues of listeners that wait for room */
#define LBL_LISTENER 9   /* a listener */
#define LBL_MAILERS 10   /* an email alert queue */
#define LBL_PEERS 11     /* a peers section; it walks its tables */
#define LBL_TABLE 12     /* a stick table: look-up, insertion, expiry, reference counts */
#define LBL_TENTRY 13    /* the data of a stick table's entry */
#define LBL_PATTERNS 14  /* a map or ACL file, compiled patterns */
#define LBL_CERTS 15     /* generated certificates */
#define LBL_SHCTX 16     /* a shared context */
#define LBL_APPLETS 17   /* active applets */
#define LBL_WQ 18        /* wait queue */
#define LBL_RQ 19        /* run queue */
#define LBL_INBOX 20     /* what other threads hand to a thread */
#define LBL_FDTAB 21     /* the fd table */
#define LBL_FD 22        /* an fd's entry */
#define LBL_FDCACHE 23   /* an fd cache */
#define LBL_POLL 24      /* poll information */
#define LBL_BUF 25       /* buffers and those who wait for one */
#define LBL_SLAB 26      /* memory pools */
#define LBL_LOGRING 27   /* a log ring: innermost, anything may log */
#define LBL_COUNT 28

#define LOCKSET_MAX 64 /* labels in a set at most */

/* Flags of a set, see lockset_enable(). */
#define LOCK_F_FIGURES 1 /* count acquisitions and waits */
#define LOCK_F_ORDER 2   /* check the order of nesting */
#define LOCK_F_ABORT 4   /* with LOCK_F_ORDER: a violation ends the process with abort() */

typedef struct lockset lockset;

/* What happened to all locks of one label since their set was made, while LOCK_F_FIGURES was on. */
typedef struct lock_figures {
    uint64_t writes;     /* acquisitions: spinlocks and writers */
    uint64_t reads;      /* acquisitions: readers */
    uint64_t waits;      /* those of both that found the lock taken */
    uint64_t wait_ns;    /* nanoseconds they waited together */
    uint64_t longest_ns; /* the longest of these waits */
} lock_figures;

/* A new set for labels 0 .. <nlabels>-1, nameless, nothing enabled. <nlabels> 0 stands for the list above, with
 * names and with the labels that may nest marked. NULL without memory or if <nlabels> is out of 0 .. LOCKSET_MAX. */
lockset *lockset_new(int nlabels);
/* No lock of the set may be used any more. NULL is accepted. */
void lockset_free(lockset *set);
int lockset_count(const lockset *set); /* number of labels */
/* Names <label>; at most 23 bytes are kept. -EINVAL if there is no such label. Only before threads use the set. */
int lockset_name(lockset *set, int label, const char *name);
/* The name of <label>, owned by the set; "" if it has none, NULL if there is no such label. */
const char *lockset_label(const lockset *set, int label);
/* Lets a thread hold several locks of <label>; their order is the caller's affair. Only before threads use the set. */
int lockset_nestable(lockset *set, int label);
/* Sets the flags to <flags>, LOCK_F_*, at any time from any thread. Locks taken before LOCK_F_ORDER are not known to
 * be held. Returns the flags that were set before. */
int lockset_enable(lockset *set, int flags);
int lockset_flags(const lockset *set);
/* Copies the figures of <label>; each is exact, all together are not a snapshot. -EINVAL if there is no such label. */
int lockset_read(lockset *set, int label, lock_figures *out);
/* Number of order violations so far. */
uint64_t lockset_violations(lockset *set);
/* Describes the first violation in <buf> of <n> bytes, always terminated: "server (6) wanted while idle (7) is held".
 * Returns the length of the text, 0 if there was no violation. */
int lockset_violation(lockset *set, char *buf, int n);
/* Number of locks that this thread holds, of all sets, as far as LOCK_F_ORDER was on when they were taken. */
int lock_held(void);

#ifndef LB_CFFI
/* Only the first word is read outside of lockset.c. */
struct lockset_head {
    uint32_t flags;
};

/* Whether the locks of <set> must go the long way. */
static inline int lockset_watched(const lockset *set)
{
    return set && at_peek(&((const struct lockset_head *)set)->flags);
}

/* <label> if <set> is NULL or has it, else the set's last one. */
uint16_t lockset_valid(const lockset *set, int label);

/* What lock.c tells of the locks of a watched set. Not to be called by others. */

/* This thread is going to wait for a lock of <label> if need be: checks the order. */
void lockset_wanted(lockset *set, int label);
/* This thread took <lock>, as a reader if <reading>, after it waited for <waited> nanoseconds; 0: it did not wait. */
void lockset_taken(lockset *set, const void *lock, int label, int reading, uint64_t waited);
/* This thread is about to release <lock>. */
void lockset_released(const void *lock);
#endif
#endif
