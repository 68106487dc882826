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
 * A limit that streams share (BWLIM_SHARED) is one of the rate of bytes that an entry of a stick table keeps, each <period>
 * of that table: what all of them gave on in the last period, as the counter tells it, is no more than <limit>, but for the
 * pieces that threads give on in the same instant. Each such stream holds a reference to the entry.
 *
 * A tap (BWLIM_TAP) limits nothing: it has Python told what passes (EV_PASSED), and may let random parts of it pass at a time,
 * which is what the filter "trace" is for.
 *
 * A direction (chan) has a list of them, empty for nearly all: then they cost the look at one pointer. With several each must
 * let bytes pass. A direction that is limited is read ahead as far as one buffer, is not spliced, and pauses (MOVE_PAUSE)
 * until a tick, for which its flow keeps a timer. Time in a pause is nobody's fault: no timeout runs for it.
 *
 * No lock: they belong to their flow, and so to its thread.
 */
#pragma once
#ifndef LB_CFFI
#include "table.h"


#define BWLIM_BEAT 10             /* ms between two pieces, unless "min-size" makes it more */
#define BWLIM_WAIT_MAX 5000       /* ms after which a pause is looked at again, however long it is */

enum { BWLIM_OWN, BWLIM_SHARED, BWLIM_TAP };

typedef struct bwlim bwlim;
struct bwlim {
    bwlim *next;
    uint64_t id;     /* which limit of the direction it is, as the one who sets it numbers them */
    uint8_t kind;    /* BWLIM_* */
    uint8_t random;  /* tap: parts pass at a time */
    uint8_t keep;    /* tap: the bytes themselves are told, too */
    uint8_t type;    /* shared: STK_BYTES_IN_RATE, STK_BYTES_OUT_RATE */
    uint32_t entry;  /* shared: a reference, */
    stk_table *table; /* to this one's */
    uint32_t limit;  /* bytes each */
    uint32_t period; /* ms */
    uint32_t least;  /* bytes worth being sent, 0: no wish */
    uint32_t since;  /* tick at which the purse was filled last, or (later than now) from which it will be; 0: nothing was
                      * asked for yet; shared: at which the entry was touched last */
    uint32_t until;  /* tick at which it may go on, 0: it does not pause */
    uint64_t purse;  /* tap: bytes that passed */
    uint32_t hand;   /* tap: bytes at hand when it was asked last */
    uint32_t dice;   /* tap: state of its random numbers */
};

/* Sets limit <id> of a list, or adds it, at its end, with a credit of <first> bytes at most. What the purse of a limit that
 * was there holds is kept, as far as its new limit allows. 0, -ENOMEM, or -EINVAL: a limit or a period of 0, or a period
 * that no tick can tell. A reference to an entry is taken over, whatever comes of it. */
int bwlim_set(bwlim **list, uint32_t now, uint32_t first, const bwlim *values);
void bwlim_free(bwlim **list);
/* How many of <want> bytes at hand may go now; 0: none, and bwlim_until() is when some may. <want> is not 0. */
uint32_t bwlim_grant(bwlim *list, uint32_t now, uint32_t want);
/* <n> bytes go, no more than were granted. */
void bwlim_spend(bwlim *list, uint32_t now, uint32_t n);
/* The tick at which a list that granted nothing lets bytes pass; 0: it does not pause. */
uint32_t bwlim_until(const bwlim *list);
/* It does not pause: there was nothing to be asked for. */
void bwlim_resume(bwlim *list);
#endif
