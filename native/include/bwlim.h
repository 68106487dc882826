/* Limits of bandwidth: how many bytes of payload a direction of a stream may give on, and when.
 *
 * A limit is <limit> bytes each <period> ms, kept by a purse that fills evenly, <limit> / <period> bytes a ms, and holds no
 * more than a period's worth: what an idle stream may give at once when it speaks again. The first bytes, as many as a
 * buffer holds, go at once, on credit: what is small is not delayed, and the purse fills once they are paid for.
 *
 *     purse, in bytes times period (so that nothing is lost to rounding)
 *     0 ............ piece ........ limit
 *        wait until .|  what is here may go, as far as the purse reaches
 *
 * Bytes go in pieces that are worth a wake-up: BWLIM_BEAT ms of the rate, or <least> bytes ("min-size") if that is more,
 * but all of the limit at most. What is the rest of the bytes at hand goes as soon as it is paid for.
 *
 * A direction (chan) has a list of them, empty for nearly all: then they cost the look at one pointer. With several each must
 * let bytes pass. A direction that is limited is read ahead as far as one buffer, is not spliced, and pauses (MOVE_PAUSE)
 * until a tick, for which its flow keeps a timer. Time in a pause is nobody's fault: no timeout runs for it.
 *
 * No lock: they belong to their flow, and so to its thread.
 */
#pragma once
#ifndef LB_CFFI
#include "base.h"

#define BWLIM_BEAT 10             /* ms between two pieces, unless "min-size" makes it more */
#define BWLIM_WAIT_MAX 5000       /* ms after which a pause is looked at again, however long it is */

typedef struct bwlim bwlim;
struct bwlim {
    bwlim *next;
    uint64_t id;     /* which limit of the direction it is, as the one who sets it numbers them */
    uint32_t limit;  /* bytes each */
    uint32_t period; /* ms */
    uint32_t least;  /* bytes worth being sent, 0: no wish */
    uint32_t since;  /* tick at which the purse was filled last, or (later than now) from which it will be; 0: nothing was
                      * asked for yet */
    uint32_t until;  /* tick at which it may go on, 0: it does not pause */
    uint64_t purse;
};

/* Sets limit <id> of a list, or adds it, at its end, with a credit of <first> bytes at most. What the purse of a limit that
 * was there holds is kept, as far as its new limit allows. 0, -ENOMEM, or -EINVAL: a limit or a period of 0, or a period
 * that no tick can tell. */
int bwlim_set(bwlim **list, uint32_t now, uint32_t first, const bwlim *values);
void bwlim_free(bwlim **list);
/* How many of <want> bytes at hand may go now; 0: none, and bwlim_until() is when some may. <want> is not 0. */
uint32_t bwlim_grant(bwlim *list, uint32_t now, uint32_t want);
/* <n> bytes went, no more than were granted. */
void bwlim_spend(bwlim *list, uint32_t n);
/* The tick at which a list that granted nothing lets bytes pass; 0: it does not pause. */
uint32_t bwlim_until(const bwlim *list);
/* It does not pause: there was nothing to be asked for. */
void bwlim_resume(bwlim *list);
#endif
