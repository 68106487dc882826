/* Run queues and inboxes. */
#include "runq.h"

/* --- a run queue: a pairing heap, which needs no memory of its own ----------------------------------------------- */

static task *meld(task *a, task *b)
{
    if (!a || !b)
        return a ? a : b;
    if (b->key < a->key) {
        task *swap = a;

        a = b;
        b = swap;
    }
    b->rq_next = a->rq_child;
    a->rq_child = b;
    return a;
}

/* Melds neighbours pairwise from the left, then all from the right. */
static task *meld_all(task *first)
{
    task *pairs = NULL, *root = NULL;

    while (first) {
        task *a = first, *b = a->rq_next;

        first = b ? b->rq_next : NULL;
        a->rq_next = NULL;
        if (b)
            b->rq_next = NULL;
        a = meld(a, b);
        a->rq_next = pairs;
        pairs = a;
    }
    while (pairs) {
        task *next = pairs->rq_next;

        pairs->rq_next = NULL;
        root = meld(root, pairs);
        pairs = next;
    }
    return root;
}

void runq_insert(runq *q, task *t)
{
    t->rq_child = t->rq_next = NULL;
    q->root = meld(q->root, t);
    seq_add(&q->len, 1);
}

/* A nice task stands back behind tasks that come later: at worst (1024) 32 times as many as are waiting now. One
 * that is not nice (-1024) overtakes as many. */
void runq_add(runq *q, task *t)
{
    int64_t offset = (int64_t)t->nice * (int64_t)(at_peek(&q->len) + 1) / 32;
    int64_t key = (int64_t)++q->counter + offset;

    t->key = key > 0 ? (uint64_t)key : 0;
    runq_insert(q, t);
}

task *runq_pop(runq *q)
{
    task *t = q->root;

    if (!t)
        return NULL;
    q->root = meld_all(t->rq_child);
    seq_add(&q->len, (uint32_t)-1);
    return t;
}

/* --- inboxes ----------------------------------------------------------------------------------------------------- */

void taskbox_init(taskbox *b, lockset *set)
{
    spin_init(&b->lock, set, LBL_RQ);
    b->first = NULL;
    b->end = &b->first;
    b->len = 0;
}

/* What was wished before and is wished now, in one. */
static uint64_t merge_wish(uint64_t old, uint64_t wish)
{
    if (old == NO_WISH || (wish & WISH_EXACT))
        return wish;
    return (old & ~(uint64_t)UINT32_MAX) | tick_first((uint32_t)old, (uint32_t)wish);
}

void taskbox_put(taskbox *b, task *t, uint64_t wish)
{
    spin_lock(&b->lock);
    if (wish)
        t->wish = merge_wish(t->wish, wish);
    else
        t->in_queue = 1;
    if (!t->in_inbox) {
        t->in_inbox = 1;
        t->in_next = NULL;
        *b->end = t;
        b->end = &t->in_next;
        seq_add(&b->len, 1);
    }
    spin_unlock(&b->lock);
}

task *taskbox_take(taskbox *b, uint64_t *wish, uint32_t *queue)
{
    task *t;

    spin_lock(&b->lock);
    t = b->first;
    if (t) {
        b->first = t->in_next;
        if (!b->first)
            b->end = &b->first;
        *wish = t->wish;
        *queue = t->in_queue;
        t->wish = NO_WISH;
        t->in_queue = t->in_inbox = 0;
        seq_add(&b->len, (uint32_t)-1);
    }
    spin_unlock(&b->lock);
    return t;
}
