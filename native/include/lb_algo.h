/* Balance algorithms: what each of them is to lb.c, and what they share.
 *
 * lb.c looks at what other threads say of servers (live.up, live.weight, live.held) in one place, and notes it in their seats: an
 * algorithm sees the servers whose seat.plain and seat.now are not 0, keeps what it needs in be->lb and in the rest of the
 * seats, and notes in seat.weight which weight it has placed a server with. All that it is asked happens under the
 * backend's lbprm lock.
 */
#pragma once
#ifndef LB_CFFI
#include "lb.h"

/* One algorithm. <pick> slots return LB_PICKED, with a slot taken on *out, or LB_FULL; at least one server is usable when
 * they are called. They take <avoid> only if nothing else has room. */
typedef struct lb_algo {
    const char *name;
    /* Makes be->lb anew from all servers, or first makes it. 0, or -ENOMEM with nothing changed. Write lock. */
    int (*build)(backend *be);
    /* Frees be->lb; no lock, nobody is left. */
    void (*destroy)(backend *be);
    /* Picks without a key. Write lock, or the read lock if <shared>. */
    int (*pick)(backend *be, const server *avoid, server **out);
    /* Picks by a hash. NULL: the algorithm has no keys. Read lock. */
    int (*pick_key)(backend *be, uint32_t hash, const server *avoid, server **out);
    /* <s> has come, has gone, has another weight, or is to be considered again. NULL: <build> is called. As <build>. */
    int (*update)(backend *be, server *s);
    /* The load of <s>, which is placed, has changed, or it has room again after it stood aside. NULL: that means nothing to the
     * algorithm. Write lock. */
    void (*load)(backend *be, server *s);
    uint8_t shared;   /* see <pick> */
    uint8_t by_load;  /* <load> is to be called for each stream that comes or goes, not only for those that stood aside */
    uint8_t dynamic;  /* weights count in sixteenths, and may change */
} lb_algo;

extern const lb_algo lb_roundrobin, lb_leastconn, lb_firstfit, lb_random, lb_map, lb_ring;

/* <s> is placed nowhere. */
static inline void lb_unseat(server *s)
{
    s->seat = (lb_seat){.plain = s->seat.plain, .now = s->seat.now};
}

/* Takes a slot on <s>, and no more than that. 1 if there was one. */
int lb_slot(server *s);
/* Whether <s> has one at this moment. */
int lb_has_room(const server *s);
/* "hash-preserve-affinity": whether a stream leaves <s>, the server of its key, for the next one. */
int lb_overflows(const server *s);
/* <s> was found full: it stands aside, out of all heaps, until <load> is called for it. Returns 0 if it has room all the same, or
 * if it can't be told when it has: then nothing was changed. */
int lb_stand_aside(server *s);

/* --- heaps (lb_heap.c): servers by key, and by the order in which they came where the keys are equal --- */

typedef struct lb_node {
    uint64_t key, order;
    server *s;
} lb_node;

typedef struct lb_heap {
    lb_node *node;
    uint32_t n;
    uint64_t order; /* of the next one that comes */
} lb_heap;

/* Room for all servers of <be>, of which none is in it. 0 or -ENOMEM. */
int heap_init(lb_heap *h, const backend *be);
void heap_free(lb_heap *h);
/* The one with the lowest key; NULL if it is empty. */
static inline server *heap_top(const lb_heap *h)
{
    return h->n ? h->node[0].s : NULL;
}
/* <s> must stand in no heap. */
void heap_put(lb_heap *h, server *s, uint64_t key);
/* Takes <s> out of the heap in which it stands, if any. */
void heap_drop(server *s);
/* The key that <s>, which stands in one, has. */
static inline uint64_t heap_key(const server *s)
{
    return s->seat.heap->node[s->seat.at].key;
}
/* Picks from a heap, whose order <moved> (may be NULL) restores for the one that was taken. As lb_algo.pick. */
int heap_pick(backend *be, lb_heap *h, const server *avoid, server **out, void (*moved)(backend *be, server *s));

/* The slots of algorithms whose be->lb is one heap and nothing else. */
int heap_build(backend *be, int (*update)(backend *be, server *s));
void heap_destroy(backend *be);
/* Places <s> by <key>, or nowhere if it has no weight now. 0. */
int heap_update(server *s, lb_heap *h, uint64_t (*key)(const server *s));
#endif
