/* Binary heaps of servers. A server knows its place, so that it can be moved when its key changes. */
#include "lb_algo.h"

int heap_init(lb_heap *h, const backend *be)
{
    h->n = 0;
    h->order = 0;
    h->node = malloc((be->nsrv ? be->nsrv : 1) * sizeof(*h->node));
    return h->node ? 0 : -ENOMEM;
}

void heap_free(lb_heap *h)
{
    free(h->node);
    h->node = NULL;
}

static int before(const lb_node *a, const lb_node *b)
{
    return a->key != b->key ? a->key < b->key : a->order < b->order;
}

static void place(lb_heap *h, uint32_t i, lb_node node)
{
    h->node[i] = node;
    node.s->seat.at = i;
}

static void up(lb_heap *h, uint32_t i)
{
    lb_node node = h->node[i];

    for (; i && before(&node, &h->node[(i - 1) / 2]); i = (i - 1) / 2)
        place(h, i, h->node[(i - 1) / 2]);
    place(h, i, node);
}

static void down(lb_heap *h, uint32_t i)
{
    lb_node node = h->node[i];

    for (;;) {
        uint32_t kid = 2 * i + 1;

        if (kid + 1 < h->n && before(&h->node[kid + 1], &h->node[kid]))
            kid++;
        if (kid >= h->n || !before(&h->node[kid], &node))
            break;
        place(h, i, h->node[kid]);
        i = kid;
    }
    place(h, i, node);
}

void heap_put(lb_heap *h, server *s, uint64_t key)
{
    s->seat.heap = h;
    h->node[h->n] = (lb_node){.key = key, .order = h->order++, .s = s};
    up(h, h->n++);
}

void heap_drop(server *s)
{
    lb_heap *h = s->seat.heap;
    uint32_t i = s->seat.at;
    server *last;

    if (!h)
        return;
    s->seat.heap = NULL;
    last = h->node[--h->n].s;
    if (last == s)
        return;
    h->node[i] = h->node[h->n];
    last->seat.at = i;
    up(h, i);
    down(h, last->seat.at);
}

/* The first one with room under place <i>, if it stands before *best. What stands behind one that will do needs no look. */
static void search(const lb_heap *h, uint32_t i, const server *avoid, const lb_node **best)
{
    const lb_node *node = &h->node[i];

    if (i >= h->n || (*best && !before(node, *best)))
        return;
    if (node->s != avoid && lb_has_room(node->s)) {
        *best = node;
        return;
    }
    search(h, 2 * i + 1, avoid, best);
    search(h, 2 * i + 2, avoid, best);
}

/* The first one with room that is not <avoid>, NULL if there is none. Looks at those that stand before it, no others. */
static server *roomy(const lb_heap *h, const server *avoid)
{
    const lb_node *best = NULL;

    search(h, 0, avoid, &best);
    return best ? best->s : NULL;
}

int heap_pick(backend *be, lb_heap *h, const server *avoid, server **out, void (*moved)(backend *be, server *s))
{
    server *s;

    *out = NULL;
    while ((s = heap_top(h)) && !lb_has_room(s) && lb_stand_aside(s))
        ;
    do { /* the slot that was seen may be another thread's by now */
        s = roomy(h, avoid);
        if (!s && avoid)
            s = roomy(h, avoid = NULL);
        if (!s)
            return LB_FULL;
    } while (!lb_slot(s));
    if (moved)
        moved(be, s);
    *out = s;
    return LB_PICKED;
}

void heap_destroy(backend *be)
{
    if (be->lb)
        heap_free(be->lb);
    free(be->lb);
}

int heap_build(backend *be, int (*update)(backend *be, server *s))
{
    lb_heap *h = malloc(sizeof(*h));

    if (!h || heap_init(h, be) < 0) {
        free(h);
        return -ENOMEM;
    }
    heap_destroy(be);
    be->lb = h;
    for (uint32_t i = 0; i < be->nsrv; i++) {
        lb_unseat(be->srv[i]);
        update(be, be->srv[i]);
    }
    return 0;
}

int heap_update(server *s, lb_heap *h, uint64_t (*key)(const server *s))
{
    heap_drop(s);
    s->seat.weight = s->seat.now;
    if (s->seat.weight)
        heap_put(h, s, key(s));
    return 0;
}
