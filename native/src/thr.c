#include "track.h"
#include "engine.h"
#include "asked.h"
#include "sess.h"
#include <fcntl.h>
#include <unistd.h>

/* --- slabs --- */

#define SLAB_CHUNK (64 * 1024)

void slab_init(slab *s, uint32_t size)
{
    *s = (slab){.size = (size + 15) & ~15u};
}

void slab_fini(slab *s)
{
    while (s->chunks) {
        void *chunk = s->chunks;

        memcpy(&s->chunks, chunk, sizeof(void *));
        free(chunk);
    }
    s->free = NULL;
}

static int slab_grow(slab *s)
{
    char *chunk = malloc(SLAB_CHUNK);

    if (!chunk) {
        cnt_inc(s->failed);
        return -ENOMEM;
    }
    cnt_add(s->total, (SLAB_CHUNK - 16) / s->size);
    memcpy(chunk, &s->chunks, sizeof(void *));
    s->chunks = chunk;
    /* cut from the end, so that objects are handed out in the order of their addresses */
    for (uint32_t n = (SLAB_CHUNK - 16) / s->size; n > 0; n--) {
        char *p = chunk + 16 + (size_t)(n - 1) * s->size;

        memcpy(p, &s->free, sizeof(void *));
        s->free = p;
    }
    return 0;
}

/* Takes back what other threads returned, all at once: nobody else takes from that list, so none can come back to it
 * between a look and a swap. */
static void slab_reclaim(slab *s)
{
    void *p = at_xchg(&s->returned, NULL);

    while (p) {
        void *next;

        memcpy(&next, p, sizeof(next));
        slab_put(s, p);
        p = next;
    }
}

void *slab_get(slab *s)
{
    if (!s->free)
        slab_reclaim(s);
    if (!s->free && slab_grow(s) < 0)
        return NULL;

    void *p = s->free;

    memcpy(&s->free, p, sizeof(void *));
    cnt_inc(s->used);
    return p;
}

void slab_put(slab *s, void *p)
{
    memcpy(p, &s->free, sizeof(void *));
    s->free = p;
    cnt_add(s->used, -1);
}

void slab_return(slab *s, void *p)
{
    void *first = at_peek(&s->returned);

    do
        memcpy(p, &first, sizeof(first));
    while (!at_cas(&s->returned, &first, p));
}

/* --- clocks --- */

void thr_clock(thr *t)
{
    struct timespec ts;

    t->mono_us = mono_ns() / 1000;
    t->now_ms = tick_of(t->mono_us);
    clock_gettime(CLOCK_REALTIME, &ts);
    t->wall_us = (uint64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
    t->now_sec = (uint32_t)ts.tv_sec;
}

/* --- what Python is told --- */

/* Room for <need> elements of <size> bytes in *p, which has *max; 0 or -ENOMEM. */
static int grow(void **p, uint32_t *max, uint32_t need, size_t size, uint32_t first)
{
    uint32_t n = *max ? *max : first;

    if (need <= *max)
        return 0;
    while (n < need)
        n *= 2;

    void *bigger = realloc(*p, n * size);

    if (!bigger)
        return -ENOMEM;
    *p = bigger;
    *max = n;
    return 0;
}

lb_event *thr_event(thr *t, uint32_t kind)
{
    if (grow((void **)&t->ev, &t->maxev, t->nev + 1, sizeof(lb_event), 32) < 0)
        return NULL;

    lb_event *ev = &t->ev[t->nev++];

    *ev = (lb_event){.kind = kind};
    return ev;
}

lb_rec *thr_rec(thr *t)
{
    if (grow((void **)&t->recs, &t->maxrecs, t->nrecs + 1, sizeof(lb_rec), THR_RECS) < 0)
        return NULL;

    lb_rec *r = &t->recs[t->nrecs++];

    memset(r, 0, sizeof(*r));
    return r;
}

lb_ask *thr_ask(thr *t)
{
    if (grow((void **)&t->asks, &t->maxasks, t->nasks + 1, sizeof(lb_ask), 16) < 0)
        return NULL;

    lb_ask *a = &t->asks[t->nasks++];

    memset(a, 0, sizeof(*a));
    return a;
}

char *thr_text_room(thr *t, uint32_t n)
{
    if (grow((void **)&t->text, &t->maxtext, t->ntext + n + 1, 1, 4096) < 0)
        return NULL;
    return t->text + t->ntext;
}

char *thr_taps_room(thr *t, uint32_t n)
{
    char *to;

    if (grow((void **)&t->taps, &t->maxtaps, t->ntaps + n, 1, 4096) < 0)
        return NULL;
    to = t->taps + t->ntaps;
    t->ntaps += n;
    return to;
}

uint32_t thr_text(thr *t, const char *from, uint32_t n)
{
    uint32_t at = t->ntext;
    char *to = thr_text_room(t, n);

    if (!to)
        return UINT32_MAX;
    memcpy(to, from, n);
    t->ntext += n;
    return at;
}

/* --- between threads --- */

void thr_post(thr *t, inmsg *m)
{
    m->next = NULL;
    spin_lock(&t->in.lock);
    if (t->in.tail)
        t->in.tail->next = m;
    else
        at_store(&t->in.head, m); /* looked at without the lock */
    t->in.tail = m;
    spin_unlock(&t->in.lock);
    fdloop_wake(&t->loop);
}

/* --- pipes --- */

_Static_assert(sizeof(splice_pipe) == POOL_PIPE_BYTES || sizeof(void *) != 8, "what figures say of pipes");

static splice_pipe *pipe_make(uint32_t size)
{
    splice_pipe *p = malloc(sizeof(*p));
    int fds[2];

    if (!p)
        return NULL;
    if (pipe2(fds, O_NONBLOCK | O_CLOEXEC) < 0) {
        free(p);
        return NULL;
    }
#ifdef F_SETPIPE_SZ
    fcntl(fds[0], F_SETPIPE_SZ, size ? size : 1 << 20); /* as much as the kernel lets us have */
#endif
    *p = (splice_pipe){.rd = fds[0], .wr = fds[1]};
    return p;
}

splice_pipe *pipe_get(thr *t)
{
    engine *e = t->eng;
    splice_pipe *p;
    int may = 0;

    spin_lock(&e->lqueue);
    p = e->pipes;
    if (p) {
        e->pipes = p->next;
        e->live.pipes_free--;
        e->live.pipes_used++;
    } else if (e->live.pipes_used < e->conf.maxpipes) {
        e->live.pipes_used++;
        may = 1;
    }
    spin_unlock(&e->lqueue);
    if (may) {
        p = pipe_make(e->conf.pipesize);
        if (!p) {
            spin_lock(&e->lqueue);
            e->live.pipes_used--;
            spin_unlock(&e->lqueue);
        }
    }
    return p;
}

void pipe_put(thr *t, splice_pipe *p)
{
    engine *e = t->eng;
    int keep = !p->len && !at_peek(&e->live.stopping);

    spin_lock(&e->lqueue);
    e->live.pipes_used--;
    if (keep) {
        p->full = 0;
        p->next = e->pipes;
        e->pipes = p;
        e->live.pipes_free++;
    }
    spin_unlock(&e->lqueue);
    if (keep)
        return;
    close(p->rd);
    close(p->wr);
    free(p);
}

/* --- life --- */

int thr_init(thr *t, engine *e, int tid)
{
    t->eng = e;
    t->tid = tid;
    t->bit = 1ull << tid;
    spin_init(&t->in.lock, e->locks, LBL_INBOX);
    thr_clock(t);
    for (int i = 0; i < LOG_DATES; i++)
        t->dates[i].sec = UINT64_MAX;
    wheel_init(&t->timers, t->now_ms);
    wheel_init(&t->outs_timers, t->now_ms);
    bufpool_init(&t->bufs, e->conf.bufsize);
    slab_init(&t->conns, sizeof(conn));
    slab_init(&t->flows, sizeof(flow));
    slab_init(&t->asked, sizeof(asked));
    slab_init(&t->tracks, track_size(e->conf.stick_counters));
    t->scratch = malloc(THR_SCRATCH);
    t->compose_size = e->conf.bufsize + 16384;
    t->compose = malloc(t->compose_size);
    return t->scratch && t->compose ? 0 : -ENOMEM;
}

void thr_fini(thr *t)
{
    while (t->in.head) {
        inmsg *m = t->in.head;

        t->in.head = m->next;
        if (m->kind == IN_CONN)
            close(m->fd);
        free(m);
    }
    sess_walks_fini(t);
    slab_fini(&t->conns);
    slab_fini(&t->flows);
    slab_fini(&t->asked);
    slab_fini(&t->tracks);
    bufpool_fini(&t->bufs);
    free(t->scratch);
    free(t->compose);
    free(t->ev);
    free(t->recs);
    free(t->asks);
    free(t->text);
    free(t->lines);
    t->lines = NULL;
    free(t->taps);
    t->scratch = t->compose = NULL;
    t->ev = NULL;
    t->recs = NULL;
    t->asks = NULL;
    t->text = t->taps = NULL;
}
