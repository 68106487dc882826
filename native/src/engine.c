#include "engine.h"
#include "ctr.h"
#include "flow.h"
#include "poll.h"
#include <stdio.h>
#include <unistd.h>

#define PURGE_EVERY 1000 /* ms between looks at idle connections and rates */

/* --- life --- */

static void wake_thread(void *ctx, int tid)
{
    engine *e = ctx;

    if (at_load(&e->threads[tid].running))
        fdloop_wake(&e->threads[tid].loop);
}

static int valid(const eng_conf *c)
{
    return c->nbthread >= 1 && c->nbthread <= 64 && c->bufsize >= 1024 && c->bufsize <= THR_SCRATCH / 2 &&
           c->maxrewrite < c->bufsize && c->maxhdr >= 1 && c->maxhdr <= H1_MAX_HDR && c->maxaccept >= 1 && c->maxfd >= 16;
}

engine *eng_new(const eng_conf *conf)
{
    engine *e;

    if (!valid(conf) || !(e = calloc(1, sizeof(*e))))
        return NULL;
    e->conf = *conf;
    e->locks = lockset_new(0);
    e->threads = aligned_alloc(LB_CACHELINE, ((sizeof(thr) * conf->nbthread + LB_CACHELINE - 1) & ~(size_t)(LB_CACHELINE - 1)));
    if (e->threads)
        memset(e->threads, 0, sizeof(thr) * conf->nbthread);
    if (!e->locks || !e->threads)
        goto fail;
    lockset_enable(e->locks, (int)conf->lock_flags);
    spin_init(&e->lqueue, e->locks, LBL_LQUEUE);
    e->tasks = tasksched_new((int)conf->nbthread, e->locks, wake_thread, e);
    if (!e->tasks || fdtab_init(&e->fds, (int)conf->maxfd, e->locks) < 0)
        goto fail;
    for (uint32_t i = 0; i < conf->nbthread; i++)
        if (thr_init(&e->threads[i], e, (int)i) < 0)
            goto fail;
    return e;
fail:
    eng_free(e);
    return NULL;
}

static void free_proxies(engine *e)
{
    for (uint32_t i = 0; i < e->nfe; i++) {
        free(e->fe[i]->snap);
        free(e->fe[i]->shard);
        free(e->fe[i]);
    }
    for (uint32_t i = 0; i < e->nsrv; i++) {
        free(e->srv[i]->shard);
        free(e->srv[i]->idle);
        free(e->srv[i]);
    }
    for (uint32_t i = 0; i < e->nbe; i++) {
        lb_free(e->be[i]);
        free(e->be[i]->snap);
        free(e->be[i]->shard);
        free(e->be[i]->srv);
        free(e->be[i]);
    }
    for (uint32_t i = 0; i < e->nlsn; i++) {
        listener_close_fd(e->lsn[i]);
        free(e->lsn[i]->shard);
        free(e->lsn[i]);
    }
    free(e->fe);
    free(e->srv);
    free(e->be);
    free(e->lsn);
}

void eng_free(engine *e)
{
    if (!e)
        return;
    free_proxies(e);
    for (uint32_t i = 0; e->threads && i < e->conf.nbthread; i++) {
        if (e->threads[i].looped)
            fdloop_fini(&e->threads[i].loop);
        thr_fini(&e->threads[i]);
    }
    while (e->pipes) {
        splice_pipe *p = e->pipes;

        e->pipes = p->next;
        close(p->rd);
        close(p->wr);
        free(p);
    }
    for (uint32_t i = 0; i < e->nerrors; i++)
        free(e->errors[i].text);
    free(e->errors);
    if (e->tasks)
        tasksched_free(e->tasks);
    if (e->fds.ent)
        fdtab_fini(&e->fds);
    free(e->threads);
    lockset_free(e->locks);
    free(e);
}

/* --- objects --- */

/* Appends <obj> to the array *<list> of *<n> pointers; its index, or -ENOMEM. */
static int append(void ***list, uint32_t *n, void *obj)
{
    void **bigger;

    if (!(*n & (*n - 1))) { /* at powers of two */
        bigger = realloc(*list, (*n ? *n * 2 : 1) * sizeof(void *));
        if (!bigger)
            return -ENOMEM;
        *list = bigger;
    }
    (*list)[*n] = obj;
    return (int)(*n)++;
}

static px_shard *shards_new(const engine *e)
{
    size_t size = e->conf.nbthread * sizeof(px_shard);
    px_shard *s = aligned_alloc(LB_CACHELINE, size);

    if (s)
        memset(s, 0, size);
    return s;
}

int eng_frontend_add(engine *e)
{
    frontend *fe = calloc(1, sizeof(*fe));
    int ret = -ENOMEM;

    if (!fe)
        return ret;
    fe->eng = e;
    fe->index = e->nfe;
    fe->conf.backend = -1;
    rw_init(&fe->lock, e->locks, LBL_PROXY);
    fe->shard = shards_new(e);
    if (fe->shard)
        ret = append((void ***)&e->fe, &e->nfe, fe);
    if (ret < 0) {
        free(fe->shard);
        free(fe);
    }
    return ret;
}

int eng_backend_add(engine *e)
{
    backend *be = calloc(1, sizeof(*be));
    int ret = -ENOMEM;

    if (!be)
        return ret;
    be->eng = e;
    be->index = e->nbe;
    rw_init(&be->lock, e->locks, LBL_PROXY);
    rw_init(&be->lbprm, e->locks, LBL_LBPRM);
    spin_init(&be->queue.lock, e->locks, LBL_QUEUE);
    be->shard = shards_new(e);
    if (be->shard)
        ret = append((void ***)&e->be, &e->nbe, be);
    if (ret < 0) {
        free(be->shard);
        free(be);
    }
    return ret;
}

static void server_free(server *s)
{
    free(s->shard);
    free(s->idle);
    free(s);
}

int eng_server_add(engine *e, int backend_index)
{
    size_t idle_size = e->conf.nbthread * sizeof(idle_list);
    server *s;
    backend *be;
    int ret;

    if (backend_index < 0 || (uint32_t)backend_index >= e->nbe)
        return -EINVAL;
    be = e->be[backend_index];
    s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    s->be = be;
    s->index = e->nsrv;
    s->rank = be->nsrv;
    s->fast = 1;
    s->conf.weight = 1;
    s->conf.pool_max = s->conf.max_reuse = -1;
    s->shard = shards_new(e);
    s->idle = aligned_alloc(LB_CACHELINE, idle_size);
    if (!s->shard || !s->idle) {
        server_free(s);
        return -ENOMEM;
    }
    memset(s->idle, 0, idle_size);
    for (uint32_t i = 0; i < e->conf.nbthread; i++)
        spin_init(&s->idle[i].lock, e->locks, LBL_IDLE);
    ret = append((void ***)&be->srv, &be->nsrv, s);
    if (ret >= 0) {
        ret = append((void ***)&e->srv, &e->nsrv, s);
        if (ret < 0)
            be->nsrv--;
    }
    if (ret < 0)
        server_free(s);
    return ret;
}

int eng_listener_add(engine *e, int fe, int fd, int inherited, uint32_t maxconn, uint64_t mask)
{
    uint64_t all = e->conf.nbthread == 64 ? ~0ull : (1ull << e->conf.nbthread) - 1;
    listener *l;
    sock_addr a;
    int ret;

    if (fe < 0 || (uint32_t)fe >= e->nfe)
        return -EINVAL;
    if ((uint32_t)fd >= e->conf.maxfd)
        return -EMFILE;
    ret = sock_name(fd, &a);
    if (ret < 0)
        return ret;
    l = calloc(1, sizeof(*l));
    if (!l)
        return -ENOMEM;
    l->eng = e;
    l->fe = e->fe[fe];
    l->index = e->nlsn;
    l->fd = fd;
    l->inherited = inherited;
    l->maxconn = maxconn;
    l->mask = mask & all ? mask & all : all;
    l->port = (uint16_t)sock_addr_port(&a);
    l->family = (uint8_t)sock_addr_family(&a);
    spin_init(&l->lock, e->locks, LBL_LISTENER);
    if (l->fe->conf.options & PX_O_SOCKET_STATS)
        l->shard = shards_new(e);
    /* accepted sockets inherit these from ours, which spares calls for each; a foreign socket is not changed */
    if (!inherited && l->family != AF_UNIX) {
        sock_nodelay(fd);
        if (l->fe->conf.options & PX_O_KA_CLIENT) {
            const fe_conf *c = &l->fe->conf;

            sock_keepalive(fd);
            sock_probes(fd, (int)c->ka_count, (int)c->ka_idle, (int)c->ka_interval);
        }
        sock_bufsizes(fd, (int)e->conf.rcvbuf_client, (int)e->conf.sndbuf_client);
    }
    ret = append((void ***)&e->lsn, &e->nlsn, l);
    if (ret < 0) {
        free(l->shard);
        free(l);
    }
    return ret;
}

int eng_ready(engine *e)
{
    for (uint32_t i = 0; i < e->nsrv; i++) {
        server *s = e->srv[i];

        s->live.weight = s->conf.weight;
        s->live.up = !s->conf.disabled;
    }
    for (uint32_t i = 0; i < e->nbe; i++) {
        int ret = lb_rebuild(e->be[i]);

        if (ret < 0)
            return ret;
    }
    return 0;
}

/* --- what others read --- */

fe_conf *eng_fe_conf(engine *e, int i)
{
    return &e->fe[i]->conf;
}

be_conf *eng_be_conf(engine *e, int i)
{
    return &e->be[i]->conf;
}

srv_conf *eng_srv_conf(engine *e, int i)
{
    return &e->srv[i]->conf;
}

px_live *eng_fe_live(engine *e, int i)
{
    return &e->fe[i]->live;
}

px_live *eng_be_live(engine *e, int i)
{
    return &e->be[i]->live;
}

px_live *eng_srv_live(engine *e, int i)
{
    return &e->srv[i]->live;
}

px_live *eng_lsn_live(engine *e, int i)
{
    return &e->lsn[i]->live;
}

/* As counters_sum(), over shards, which are wider than what they count. */
static void shards_sum(const engine *e, const px_shard *s, lb_counters *out)
{
    lb_counters both[2];

    memset(out, 0, sizeof(*out));
    if (!s)
        return;
    for (uint32_t i = 0; i < e->conf.nbthread; i++) {
        both[0] = *out;
        counters_sum(&s[i].c, 1, &both[1]);
        counters_sum(both, 2, out);
    }
}

void eng_fe_counters(engine *e, int i, lb_counters *out)
{
    shards_sum(e, e->fe[i]->shard, out);
}

void eng_be_counters(engine *e, int i, lb_counters *out)
{
    shards_sum(e, e->be[i]->shard, out);
}

void eng_srv_counters(engine *e, int i, lb_counters *out)
{
    shards_sum(e, e->srv[i]->shard, out);
}

void eng_lsn_counters(engine *e, int i, lb_counters *out)
{
    shards_sum(e, e->lsn[i]->shard, out);
}

static void shards_rates(const engine *e, const px_shard *s, uint32_t *out)
{
    thr now = {0};
    uint32_t usec;

    thr_clock(&now);
    usec = (uint32_t)(now.wall_us % 1000000);
    out[0] = out[1] = out[2] = 0;
    for (uint32_t i = 0; i < e->conf.nbthread; i++) {
        out[0] += freq_read(&s[i].conn_rate, now.now_sec, usec);
        out[1] += freq_read(&s[i].sess_rate, now.now_sec, usec);
        out[2] += freq_read(&s[i].req_rate, now.now_sec, usec);
    }
}

static void rates(const engine *e, const px_shard *s, px_live *live, uint32_t *out)
{
    shards_rates(e, s, out);
    ctr32_max(&live->conn_rate_max, out[0]);
    ctr32_max(&live->sess_rate_max, out[1]);
    ctr32_max(&live->req_rate_max, out[2]);
}

void eng_fe_rates(engine *e, int i, uint32_t *out)
{
    rates(e, e->fe[i]->shard, &e->fe[i]->live, out);
}

void eng_be_rates(engine *e, int i, uint32_t *out)
{
    rates(e, e->be[i]->shard, &e->be[i]->live, out);
}

void eng_srv_rates(engine *e, int i, uint32_t *out)
{
    rates(e, e->srv[i]->shard, &e->srv[i]->live, out);
}

void eng_rates(engine *e, uint32_t *out)
{
    thr now = {0};
    uint32_t usec;

    thr_clock(&now);
    usec = (uint32_t)(now.wall_us % 1000000);
    out[0] = freq_read(&e->conn_rate, now.now_sec, usec);
    out[1] = freq_read(&e->sess_rate, now.now_sec, usec);
    out[2] = 0;
    ctr32_max(&e->live.conn_rate_max, out[0]);
    ctr32_max(&e->live.sess_rate_max, out[1]);
}

int eng_snapshot(engine *e, int back, int i, px_snapshot *out)
{
    rwlock *lock = back ? &e->be[i]->lock : &e->fe[i]->lock;
    px_snapshot **at = back ? &e->be[i]->snap : &e->fe[i]->snap;
    int found;

    rw_rdlock(lock);
    found = *at != NULL;
    if (found)
        *out = **at;
    rw_rdunlock(lock);
    return found;
}

eng_live *eng_live_figures(engine *e)
{
    uint64_t streams = 0;

    for (uint32_t i = 0; i < e->conf.nbthread; i++)
        streams += at_peek(&e->threads[i].streams);
    at_store(&e->live.requests, streams);
    return &e->live;
}

void eng_thread_figures(engine *e, int tid, thr_figures *out)
{
    thr *t = &e->threads[tid];
    fdloop_figures fig = {0};

    memset(out, 0, sizeof(*out));
    if (!at_load(&t->running))
        return;
    fdloop_read(&t->loop, &fig);
    out->turns = fig.waits;
    out->events = fig.events;
    out->updates = fig.updates;
    out->wakeups = fig.wakeups;
    out->handlers = fig.handlers;
    out->flows = at_peek(&t->nflows);
    out->conns = at_peek(&t->conns_now);
    for (int c = 0; c < BUF_CLASSES; c++) {
        out->buffers[c] = at_peek(&t->bufs.used[c]);
        out->free_buffers[c] = at_peek(&t->bufs.nfree[c]);
    }
    out->conn_objects = at_peek(&t->conns.used);
    for (uint32_t i = 0; i < e->nsrv; i++)
        out->idle += at_peek(&e->srv[i]->idle[tid].n);
    out->poller = (uint32_t)poller_index(fdloop_poller(&t->loop));
}

lockset *eng_locks(engine *e)
{
    return e->locks;
}

tasksched *eng_tasks(engine *e)
{
    return e->tasks;
}

int eng_fd_describe(engine *e, int fd, fd_info *out)
{
    return fd_describe(&e->fds, fd, out);
}

int eng_fd_top(engine *e)
{
    return fdtab_top(&e->fds);
}

int eng_fd_kind(engine *e, int fd)
{
    fd_info info;
    fd_iocb cb;

    if (fd_describe(&e->fds, fd, &info) < 0 || !info.thread_mask)
        return ENG_FD_NONE;
    cb = at_peek(&e->fds.ent[fd].iocb);
    return cb == listener_iocb ? ENG_FD_LISTENER : cb == flow_iocb ? ENG_FD_CONN : ENG_FD_OTHER;
}

int eng_listener_count(engine *e)
{
    return (int)e->nlsn;
}

/* --- error pages --- */

const err_page *eng_error(const engine *e, int status, int early)
{
    for (uint32_t i = 0; i < e->nerrors; i++)
        if (e->errors[i].status == status && e->errors[i].early == early)
            return &e->errors[i];
    return NULL;
}

int eng_set_error(engine *e, int status, int early, const char *text, int len)
{
    const char *end = len > 0 ? memmem(text, len, "\r\n\r\n", 4) : NULL;
    err_page *pages;

    if (!end)
        return -EINVAL;
    pages = realloc(e->errors, (e->nerrors + 1) * sizeof(*pages));
    if (!pages)
        return -ENOMEM;
    e->errors = pages;
    pages += e->nerrors;
    *pages = (err_page){.status = status, .early = !!early, .len = (uint32_t)len, .head_len = (uint32_t)(end - text) + 4};
    pages->text = malloc(len);
    if (!pages->text)
        return -ENOMEM;
    memcpy(pages->text, text, len);
    e->nerrors++;
    return 0;
}

/* --- a worker's turn --- */

static void woke(fdloop *l)
{
    thr_clock(l->ctx);
}

int eng_thread_init(engine *e, int tid)
{
    thr *t;
    int ret = -ENODEV;

    if (tid < 0 || (uint32_t)tid >= e->conf.nbthread)
        return -EINVAL;
    t = &e->threads[tid];
    if (t->looped)
        return -EBUSY;
    for (unsigned off = e->conf.no_pollers; ret < 0;) {
        const poller *p = poller_best(off);

        if (!p)
            return ret;
        ret = fdloop_init(&t->loop, &e->fds, tid, p, t);
        off |= 1u << poller_index(p->name);
    }
    t->loop.woke = woke;
    if (e->conf.maxpollevents && e->conf.maxpollevents < t->loop.maxbatch)
        t->loop.maxbatch = e->conf.maxpollevents;
    t->looped = 1;
    thr_clock(t);
    at_store(&t->running, 1);
    at_or(&e->running_mask, t->bit);
    return 0;
}

void eng_thread_fini(engine *e, int tid)
{
    thr *t = &e->threads[tid];

    if (!at_load(&t->running))
        return;
    while (t->all) {
        flow *f = t->all;

        f->flags &= ~FL_SERVING;
        flow_free(f);
    }
    for (uint32_t i = 0; i < e->nsrv; i++)
        idle_purge(t, e->srv[i], 1);
    at_store(&t->running, 0);
    listener_leave(t);
    /* the loop itself stays: somebody may be about to wake it, and its descriptor must not become another one's */
}

static void read_inbox(thr *t)
{
    inmsg *m;

    if (!at_peek(&t->in.head))
        return;
    spin_lock(&t->in.lock);
    m = t->in.head;
    at_store(&t->in.head, NULL);
    t->in.tail = NULL;
    spin_unlock(&t->in.lock);
    while (m) {
        inmsg *next = m->next;

        if (m->kind == IN_CONN)
            listener_serve(t, m->lsn, m->fd, &m->peer);
        else if (m->flow->gen == m->gen)
            flow_dequeued(m->flow, m->srv);
        else
            flow_return_slot(m->srv);
        free(m);
        m = next;
    }
}

static void run_list(thr *t)
{
    flow *f = t->run;

    t->run = NULL;
    while (f) {
        flow *next = f->rnext;

        f->flags &= ~FL_IN_RUN;
        if (!f->gen) {
            f->flags = 0;
            slab_put(&t->flows, f);
        } else {
            flow_run(f);
        }
        f = next;
    }
}

/* Soft stop: what is idle ends now, the rest after its present request. */
static void see_stopping(thr *t)
{
    flow *f = t->all;

    t->stopping_seen = 1;
    while (f) {
        flow *next = f->next;

        if (f->kind == FLOW_EXCHANGE && f->rq == RQ_IDLE && !(f->flags & FL_DRAIN))
            flow_close(f);
        f = next;
    }
    for (uint32_t i = 0; i < t->eng->nsrv; i++)
        idle_purge(t, t->eng->srv[i], 1);
}

static void periodic(thr *t)
{
    engine *e = t->eng;
    uint32_t out[3];

    t->next_purge = tick_add(t->now_ms, PURGE_EVERY);
    t->keeps_idle = 0;
    for (uint32_t i = 0; i < e->nsrv; i++)
        if (at_peek(&e->srv[i]->idle[t->tid].n)) {
            idle_purge(t, e->srv[i], 0);
            t->keeps_idle = 1;
        }
    if (t->tid)
        return;
    for (uint32_t i = 0; i < e->nfe; i++)
        eng_fe_rates(e, (int)i, out);
    for (uint32_t i = 0; i < e->nbe; i++)
        eng_be_rates(e, (int)i, out);
    for (uint32_t i = 0; i < e->nsrv; i++)
        eng_srv_rates(e, (int)i, out);
    eng_rates(e, out);
}

static void due_tasks(thr *t)
{
    engine *e = t->eng;
    int n;

    task_expire(e->tasks, (int)t->tid, t->now_ms);
    n = task_pick(e->tasks, (int)t->tid, t->tasks, (int)(sizeof(t->tasks) / sizeof(t->tasks[0])));
    for (int i = 0; i < n; i++) {
        lb_event *ev = thr_event(t, EV_TASK);

        if (!ev) {
            task_done(e->tasks, t->tasks[i].t);
            continue;
        }
        ev->handle = t->tasks[i].cookie;
        ev->arg = t->tasks[i].state;
        ev->data = t->tasks[i].t;
    }
}

static void due_sync(thr *t)
{
    lb_event *ev;

    if (!(at_load(&t->eng->sync_mask) & t->bit))
        return;
    at_and(&t->eng->sync_mask, ~t->bit);
    ev = thr_event(t, EV_SYNC);
    if (!ev)
        at_or(&t->eng->sync_mask, t->bit);
}

/* The sooner of two waits, of which -1 is none. */
static int sooner(int a, int b)
{
    if (a < 0)
        return b;
    return b < 0 || a < b ? a : b;
}

/* All work that does not come from an fd. Returns ms until there is more of it. */
static int internal_work(thr *t)
{
    engine *e = t->eng;
    int wait;

    wait = listener_tick(t);
    read_inbox(t);
    if (unlikely(at_peek(&e->live.stopping) && !t->stopping_seen))
        see_stopping(t);
    tmr_run(&t->timers, t->now_ms, flow_expired, t);
    due_tasks(t);
    due_sync(t);
    run_list(t);
    if (tick_is_expired(t->next_purge ? t->next_purge : 1, t->now_ms) || !t->next_purge)
        periodic(t);
    wait = sooner(wait, tmr_next(&t->timers, t->now_ms));
    wait = sooner(wait, task_next(e->tasks, (int)t->tid, t->now_ms));
    if (t->nflows || t->keeps_idle || at_peek(&e->live.actconn))
        wait = sooner(wait, tick_remain(t->now_ms, t->next_purge));
    return t->run || fdloop_has_active(&t->loop) ? 0 : wait;
}

/* Whether somebody handed something over after internal_work(); asked when the loop has said that it will sleep. */
static int has_news(const thr *t)
{
    const engine *e = t->eng;

    return at_load(&t->in.head) != NULL || at_load(&t->woken) || (at_load(&e->sync_mask) & t->bit) ||
           at_load(&e->lsn_epoch) != at_load(&e->lsn_done) || listener_must_pass(t) ||
           (at_load(&e->live.stopping) && !t->stopping_seen) || task_next(e->tasks, (int)t->tid, t->now_ms) == 0;
}

/* Pointers are made of the offsets, now that the text area stays where it is. */
static int deliver(thr *t)
{
    for (uint32_t i = 0; i < t->nrecs; i++)
        t->recs[i].uri = t->recs[i].uri_len ? t->text + (uintptr_t)t->recs[i].uri : NULL;
    for (uint32_t i = 0; i < t->nev; i++)
        if (t->ev[i].kind == EV_DATA)
            t->ev[i].data = t->text + (uintptr_t)t->ev[i].data;
    if (t->nrecs) {
        lb_event *ev = thr_event(t, EV_DONE);

        if (ev) {
            ev->data = t->recs;
            ev->len = t->nrecs;
        }
    }
    return (int)t->nev;
}

int eng_poll(engine *e, int tid, int timeout_ms)
{
    thr *t = &e->threads[tid];
    uint32_t until = 0;

    t->nev = t->nrecs = t->ntext = 0;
    thr_clock(t);
    if (timeout_ms >= 0)
        until = tick_add(t->now_ms, (uint32_t)timeout_ms);
    for (;;) {
        int wait, n;

        fdloop_run_cache(&t->loop); /* first: what its handlers set counts in how long there is to sleep */
        wait = internal_work(t);
        if (t->nev || t->nrecs >= THR_RECS || at_xchg(&t->woken, 0))
            return deliver(t);
        if (until)
            wait = sooner(wait, tick_remain(t->now_ms, until));
        /* records are worth a GIL when there is a good number of them, or when there is nothing else to do */
        if (t->nrecs)
            wait = 0;
        if (wait) {
            fdloop_about_to_sleep(&t->loop);
            if (has_news(t))
                wait = 0;
        }
        n = fdloop_wait(&t->loop, wait);
        if (n < 0)
            return n;
        if (t->nrecs && !n)
            return deliver(t);
        if (until && tick_is_expired(until, t->now_ms))
            return deliver(t);
    }
}

lb_event *eng_events(engine *e, int tid)
{
    return e->threads[tid].ev;
}

lb_rec *eng_recs(engine *e, int tid)
{
    return e->threads[tid].recs;
}

void eng_wake(engine *e, int tid)
{
    at_store(&e->threads[tid].woken, 1);
    wake_thread(e, tid);
}

void eng_ask_sync(engine *e)
{
    at_or(&e->sync_mask, at_load(&e->running_mask));
    for (uint32_t i = 0; i < e->conf.nbthread; i++)
        wake_thread(e, (int)i);
}

void eng_stopping(engine *e)
{
    at_store(&e->live.stopping, 1);
    for (uint32_t i = 0; i < e->conf.nbthread; i++)
        wake_thread(e, (int)i);
}
