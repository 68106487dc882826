#include "pend.h"

static uint32_t dist_of(const pendconn *p)
{
    return p ? p->dist : 0;
}

static void hang(pendconn **place, pendconn *p, pendconn *up)
{
    *place = p;
    if (p)
        p->up = up;
}

/* The longer side goes left. Whether <p> has another distance now. */
static int settle(pendconn *p)
{
    uint32_t dist;

    if (dist_of(p->left) < dist_of(p->right)) {
        pendconn *longer = p->right;

        p->right = p->left;
        p->left = longer;
    }
    dist = dist_of(p->right) + 1;
    if (dist == p->dist)
        return 0;
    p->dist = dist;
    return 1;
}

/* Makes one heap of two, and returns its top: down the right sides of both, and settling on the way back. */
static pendconn *merge(pendconn *a, pendconn *b)
{
    pendconn *top = NULL, *last = NULL, **place = &top;

    while (a && b) {
        if (pend_before(b, a)) {
            pendconn *later = a;

            a = b;
            b = later;
        }
        hang(place, a, last);
        last = a;
        place = &a->right;
        a = a->right;
    }
    hang(place, a ? a : b, last);
    for (; last; last = last->up)
        settle(last);
    return top;
}

void pend_put(pend_heap *h, pendconn *p)
{
    p->left = p->right = p->up = NULL;
    p->dist = 1;
    hang(&h->top, merge(h->top, p), NULL);
}

void pend_drop(pend_heap *h, pendconn *p)
{
    pendconn *up = p->up, **place = !up ? &h->top : up->left == p ? &up->left : &up->right;

    hang(place, merge(p->left, p->right), up);
    while (up && settle(up)) /* above who kept its distance nothing has changed */
        up = up->up;
}

/* Down to the left, then to the right, then up again: who is served later than <p> has nobody below him who is not. */
uint32_t pend_place(const pend_heap *h, const pendconn *p)
{
    const pendconn *x = h->top, *from = NULL, *next;
    uint32_t n = 0;

    for (; x; from = x, x = next) {
        next = x->up;
        if (from == x->up) {
            if (!pend_before(x, p))
                continue;
            n++;
            if (x->left || x->right)
                next = x->left ? x->left : x->right;
        } else if (from == x->left && x->right) {
            next = x->right;
        }
    }
    return n;
}
