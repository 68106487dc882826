/* Idle server connections: per server and thread, most recently used first. Those of a server that wants names stand in chains
 * by name as well. */
#include "engine.h"
#include "ctr.h"
#include "flow.h"

static conn **chain_of(const idle_list *l, uint64_t name)
{
    return &l->named[name & (IDLE_NAMES - 1)];
}

static void chain_link(idle_list *l, conn *c)
{
    conn **head = chain_of(l, c->print);

    c->nprev = NULL;
    c->nnext = *head;
    if (*head)
        (*head)->nprev = c;
    *head = c;
}

static void chain_unlink(idle_list *l, conn *c)
{
    if (c->nprev)
        c->nprev->nnext = c->nnext;
    else
        *chain_of(l, c->print) = c->nnext;
    if (c->nnext)
        c->nnext->nprev = c->nprev;
    c->nnext = c->nprev = NULL;
}

static void list_link(idle_list *l, conn *c)
{
    c->flags |= CO_F_IDLE;
    c->prev = NULL;
    c->next = l->head;
    if (l->head)
        l->head->prev = c;
    else
        l->tail = c;
    l->head = c;
    if (unlikely(l->named != NULL))
        chain_link(l, c);
    cnt_inc(l->n);
}

static void list_unlink(idle_list *l, conn *c)
{
    if (c->prev)
        c->prev->next = c->next;
    else
        l->head = c->next;
    if (c->next)
        c->next->prev = c->prev;
    else
        l->tail = c->prev;
    c->next = c->prev = NULL;
    if (unlikely(l->named != NULL))
        chain_unlink(l, c);
    c->flags &= ~CO_F_IDLE;
    cnt_add(l->n, -1);
}

/* Whether the kernel said that the server is leaving; known to the owner only. */
static int is_leaving(const conn *c)
{
    return c->e->ev & (FD_EV_HUP | FD_EV_ERR | FD_EV_RDHUP);
}

/* The newest of ours that will do. */
static conn *find_own(const idle_list *l, int safe, uint64_t name)
{
    conn *c;

    if (unlikely(l->named != NULL)) {
        c = *chain_of(l, name);
        while (c && (c->print != name || (safe && !(c->flags & CO_F_SAFE)) || is_leaving(c)))
            c = c->nnext;
        return c;
    }
    c = l->head;
    while (c && ((safe && !(c->flags & CO_F_SAFE)) || is_leaving(c)))
        c = c->next;
    return c;
}

/* The oldest of another thread's that will do. */
static conn *find_others(const idle_list *l, int safe, uint64_t name)
{
    conn *c, *found = NULL;

    if (unlikely(l->named != NULL)) {
        for (c = *chain_of(l, name); c; c = c->nnext)
            if (c->print == name && (!safe || c->flags & CO_F_SAFE))
                found = c;
        return found;
    }
    c = l->tail;
    while (c && safe && !(c->flags & CO_F_SAFE))
        c = c->prev;
    return c;
}

static conn *take_own(thr *t, server *s, int safe, uint64_t name)
{
    idle_list *l = &s->idle[t->tid];
    conn *c;

    if (!at_peek(&l->n))
        return NULL;
    spin_lock(&l->lock);
    c = find_own(l, safe, name);
    if (c)
        list_unlink(l, c);
    spin_unlock(&l->lock);
    return c;
}

/* Takes a connection over from another thread: its oldest, which that thread will miss least. Skipped if that thread is
 * just handling it. The memory goes back to the slab it is of, which lives as long as the engine. */
static conn *take_others(thr *t, server *s, int safe, uint64_t name)
{
    uint32_t n = t->eng->conf.nbthread;

    for (uint32_t i = 1; i < n; i++) {
        idle_list *l = &s->idle[(t->tid + i) % n];
        conn *c;

        if (at_peek(&l->n) <= s->conf.pool_low || !spin_trylock(&l->lock))
            continue;
        c = find_others(l, safe, name);
        if (c && fd_migrate(NULL, &t->loop, c->fd) == 0) {
            list_unlink(l, c);
            conn_take(t, c);
        } else {
            c = NULL;
        }
        spin_unlock(&l->lock);
        if (c)
            return c;
    }
    return NULL;
}

conn *idle_get(thr *t, server *s, int safe, uint64_t name)
{
    conn *c;

    if (!at_peek(&s->live.idle))
        return NULL;
    c = take_own(t, s, safe, name);
    if (!c && t->eng->conf.idle_shared)
        c = take_others(t, s, safe, name);
    if (!c)
        return NULL;
    ctr32_sub(&s->live.idle, 1);
    if (unlikely(c->moves != s->moves)) { /* its thread has not yet come to close it */
        conn_free(c);
        return NULL;
    }
    return c;
}

/* Whether nothing has come on a connection that ought to be silent: what a server sends beyond its response would be taken
 * for the answer to somebody else's request. A read that got all it had asked for leaves readiness behind, and only the
 * kernel can tell. Nobody takes a connection over while its handler runs, so it may be touched without the lock. */
static int is_silent(conn *c)
{
    char byte;

    if (is_leaving(c))
        return 0;
    if (!(c->e->ready & FD_R))
        return 1;
    if (recv(c->fd, &byte, 1, MSG_PEEK) >= 0 || errno != EAGAIN)
        return 0;
    fd_cant_recv(&c->thr->loop, c->e, c->fd);
    return 1;
}

void idle_put(thr *t, conn *c)
{
    server *s = c->srv;
    idle_list *l = &s->idle[t->tid];

    c->flow = NULL;
    if (c->flags & CO_F_PRIVATE || c->moves != s->moves || at_peek(&t->eng->live.stopping) || !at_load(&s->live.up) ||
        !is_silent(c) ||
        (s->conf.max_reuse >= 0 && c->streams > (uint32_t)s->conf.max_reuse) ||
        (s->conf.pool_max >= 0 && at_peek(&s->live.idle) >= (uint32_t)s->conf.pool_max)) {
        conn_free(c);
        return;
    }
    ctr32_add(&s->live.idle, 1);
    t->keeps_idle = 1;
    c->idle_since = t->now_ms;
    conn_want(c, FD_R);
    spin_lock(&l->lock);
    list_link(l, c);
    spin_unlock(&l->lock);
}

/* Idle connections don't speak: bytes, an end or an error all mean that it must go. Another thread may be taking it at
 * this moment; who unlinks it under the lock has it. */
void idle_gone(thr *t, conn *c)
{
    server *s = c->srv;
    idle_list *l = &s->idle[t->tid];
    int mine;

    if (is_silent(c))
        return;
    spin_lock(&l->lock);
    mine = c->flags & CO_F_IDLE && c->thr == t;
    if (mine)
        list_unlink(l, c);
    spin_unlock(&l->lock);
    if (!mine)
        return;
    ctr32_sub(&s->live.idle, 1);
    conn_free(c);
}

void idle_purge(thr *t, server *s, int all)
{
    idle_list *l = &s->idle[t->tid];
    uint32_t age = s->conf.pool_purge;

    for (;;) {
        conn *c;

        spin_lock(&l->lock);
        c = l->tail;
        if (c && !all && (!age || (int32_t)(t->now_ms - c->idle_since) < (int32_t)age))
            c = NULL;
        if (c)
            list_unlink(l, c);
        spin_unlock(&l->lock);
        if (!c)
            return;
        ctr32_sub(&s->live.idle, 1);
        conn_free(c);
    }
}

int idle_drop(thr *t, server *s)
{
    uint32_t n = t->eng->conf.nbthread;

    for (uint32_t i = 0; i < n; i++) {
        idle_list *l = &s->idle[(t->tid + i) % n];
        conn *c;

        if (!at_peek(&l->n))
            continue;
        spin_lock(&l->lock);
        c = l->tail;
        if (c && c->thr != t && fd_migrate(NULL, &t->loop, c->fd) < 0)
            c = NULL;
        if (c) {
            list_unlink(l, c);
            conn_take(t, c);
        }
        spin_unlock(&l->lock);
        if (!c)
            continue;
        ctr32_sub(&s->live.idle, 1);
        conn_free(c);
        return 1;
    }
    return 0;
}

int idle_make_room(thr *t, server *s)
{
    while (!ctr_inc_below(&s->live.conns, at_peek(&s->conf.maxconn)))
        if (!idle_drop(t, s))
            return 0;
    return 1;
}
