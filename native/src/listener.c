#include "asked.h"
#include "ctr.h"
#include "engine.h"
#include "handshake.h"
#include "listener.h"
#include "rates.h"
#include "track.h"
#include <unistd.h>

#define RETRY_AFTER 100 /* ms until the next attempt when descriptors or memory ran out */

/* --- counting --- */

/* Reserves room for one connection everywhere; 1 if there is. */
static int reserve(listener *l)
{
    engine *e = l->eng;
    frontend *fe = l->fe;

    if (!ctr_inc_below(&l->live.cur, l->maxconn))
        return 0;
    if (ctr_inc_below(&fe->live.cur, fe->conf.maxconn)) {
        if (fe->conf.mode == PX_APPLET || ctr_inc_below(&e->live.actconn, e->conf.maxconn))
            return 1;
        ctr32_sub(&fe->live.cur, 1);
    }
    ctr32_sub(&l->live.cur, 1);
    return 0;
}

static void unreserve(listener *l)
{
    ctr32_sub(&l->live.cur, 1);
    ctr32_sub(&l->fe->live.cur, 1);
    if (l->fe->conf.mode != PX_APPLET)
        ctr32_sub(&l->eng->live.actconn, 1);
}

static uint32_t rate_wait(const freq_ctr_period *rate, uint32_t limit, const thr *t)
{
    return freqp_next_delay(rate, FREQ_SECOND, limit, 0, t->now_ms);
}

/* ms until the rates allow another session: 0 now. */
static uint32_t rate_delay(listener *l, const thr *t)
{
    engine *e = l->eng;
    uint32_t wait = 0, w;

    if (l->fe->conf.mode == PX_APPLET) /* who would lift a limit must get in */
        return 0;
    if (e->conf.maxconnrate && (w = rate_wait(&e->conn_rate, e->conf.maxconnrate, t)) > wait)
        wait = w;
    if (e->conf.maxsessrate && (w = rate_wait(&e->sess_rate, e->conf.maxsessrate, t)) > wait)
        wait = w;
    if (l->fe->conf.rate_sess &&
        rates_read(l->fe->shard, e->conf.nbthread, PX_RATE_SESS, t->now_ms) >= l->fe->conf.rate_sess) {
        w = 1000 / l->fe->conf.rate_sess;
        wait = w > wait ? w : wait ? wait : 1;
    }
    return wait;
}

/* --- limits --- */

static int has_room(const listener *l)
{
    const engine *e = l->eng;
    const frontend *fe = l->fe;

    return (!l->maxconn || at_load(&l->live.cur) < l->maxconn) &&
           (!fe->conf.maxconn || at_load(&fe->live.cur) < fe->conf.maxconn) &&
           (fe->conf.mode == PX_APPLET || !e->conf.maxconn || at_load(&e->live.actconn) < e->conf.maxconn);
}

static void set_state(listener *l, uint32_t state)
{
    at_store(&l->live.state, state);
}

/* Lets <l> go on if nothing holds it any more. LBL_LQUEUE must be held. */
static void try_resume(thr *t, listener *l)
{
    uint32_t state = at_load(&l->live.state), wake = at_load(&l->wake_at);

    if ((state != LSN_FULL && state != LSN_LIMITED) || !has_room(l))
        return;
    if (wake && !tick_is_expired(wake, t->now_ms))
        return;
    at_store(&l->wake_at, 0);
    set_state(l, LSN_READY);
    ctr32_sub(&l->eng->limited, 1);
    fd_want_recv(&t->loop, fd_ent(&t->loop, l->fd), l->fd);
}

/* Leaves the pollers until there is room, or until <wait> ms have passed. */
static void limit(thr *t, listener *l, uint32_t state, uint32_t wait)
{
    engine *e = l->eng;

    spin_lock(&e->lqueue);
    if (at_load(&l->live.state) == LSN_READY) {
        set_state(l, state);
        at_store(&l->wake_at, wait ? tick_add(t->now_ms, wait) : 0);
        ctr32_add(&e->limited, 1);
        if (!wait && e->conf.maxconn && at_load(&e->live.actconn) >= e->conf.maxconn)
            at_add(&e->live.limited_n, 1);
        fd_stop_recv(&t->loop, fd_ent(&t->loop, l->fd), l->fd);
        /* room may have been made between the refusal and now, by one who saw nobody waiting */
        try_resume(t, l);
    }
    spin_unlock(&e->lqueue);
}

static void resume_limited(thr *t, engine *e)
{
    spin_lock(&e->lqueue);
    for (uint32_t i = 0; i < e->nlsn && at_load(&e->limited); i++)
        try_resume(t, e->lsn[i]);
    spin_unlock(&e->lqueue);
}

void eng_limits_changed(engine *e)
{
    spin_lock(&e->lqueue);
    for (uint32_t i = 0; i < e->nlsn && at_load(&e->limited); i++) {
        uint32_t state = at_load(&e->lsn[i]->live.state);

        if ((state == LSN_FULL || state == LSN_LIMITED) && has_room(e->lsn[i]))
            at_store(&e->lsn[i]->wake_at, tick_add(e->threads[0].now_ms, 0)); /* the next who looks resumes it */
    }
    spin_unlock(&e->lqueue);
}

/* Gives room back, and lets those go on who found none. Who is refused counts itself among the limited and then looks
 * for room once more, here it is the other way round: one of the two sees the other. */
static void give_room(thr *t, listener *l)
{
    unreserve(l);
    if (unlikely(__atomic_load_n(&l->eng->limited, __ATOMIC_SEQ_CST)))
        resume_limited(t, l->eng);
}

void listener_release(thr *t, listener *l)
{
    ctr32_sub(&t->conns_now, 1);
    ctr32_sub(&l->eng->live.jobs, 1);
    give_room(t, l);
}

/* --- accepting --- */

/* The thread with the fewest connections, unless this one has hardly more: handing over costs a wake-up. */
static thr *choose_thread(thr *t, const listener *l)
{
    engine *e = l->eng;
    uint32_t mine = at_peek(&t->conns_now), least = mine;
    thr *best = t;

    for (uint32_t i = 0; i < e->conf.nbthread; i++) {
        uint32_t n = at_peek(&e->threads[i].conns_now);

        if (l->mask & (1ull << i) && n < least && at_load(&e->threads[i].running)) {
            least = n;
            best = &e->threads[i];
        }
    }
    return mine > least + 4 + least / 4 ? best : t;
}

static void set_peer(conn *c, const sock_addr *peer)
{
    c->family = (uint8_t)sock_addr_family(peer);
    c->port = (uint16_t)sock_addr_port(peer);
    sock_addr_host(peer, (char *)c->addr, c->family == AF_UNIX ? 0 : sizeof(c->addr));
}

/* What an accepted socket did not inherit from the listening one. */
static void set_options(const listener *l, int fd)
{
    const fe_conf *c = &l->fe->conf;

    if (l->inherited) {
        sock_nodelay(fd);
        if (c->options & PX_O_KA_CLIENT) {
            sock_keepalive(fd);
            sock_probes(fd, (int)c->ka_count, (int)c->ka_idle, (int)c->ka_interval);
        }
        sock_bufsizes(fd, (int)l->eng->conf.rcvbuf_client, (int)l->eng->conf.sndbuf_client);
        sock_lowat(fd, l->eng->conf.lowat_client);
    }
    if (c->options & PX_O_SMART_ACCEPT)
        sock_no_quickack(fd);
}

static void refused(thr *t, listener *l)
{
    at_add(&l->eng->live.dropped, 1);
    listener_release(t, l);
}

void listener_serve(thr *t, listener *l, int fd, const sock_addr *peer)
{
    conn *c = conn_new(t, fd, 0, flow_iocb);
    flow *f;

    if (!c) {
        refused(t, l);
        return;
    }
    c->lsn = l;
    set_peer(c, peer);
    if (l->family != AF_UNIX)
        set_options(l, fd);
    f = flow_new(t, l, c);
    if (!f) {
        conn_free(c);
        refused(t, l);
        return;
    }
    f->flags |= FL_FE_COUNTED;
    if (unlikely(l->fe->conf.asks & (1u << ASK_CONN | 1u << ASK_SESSION) || l->expects))
        handshake_start(f);
    else
        listener_begin(f);
}

void listener_begin(flow *f)
{
    thr *t = f->t;
    conn *c = f->f;
    listener *l = f->lsn;

    cnt_inc(l->fe->shard[t->tid].c.cum_sess);
    if (l->shard)
        cnt_inc(l->shard[t->tid].c.cum_sess);
    track_count(f, TRACK_SESS);
    /* a new socket can be written to; whether its first bytes are there already is worth a try */
    fd_may_send(&t->loop, c->e, c->fd);
    fd_may_recv(&t->loop, c->e, c->fd);
    if (l->fe->conf.mode == PX_HTTP) {
        f->cexp = flow_exp(f, l->fe->conf.t_http_request ? l->fe->conf.t_http_request : f->t_client);
        flow_run(f);
    } else if (l->fe->conf.mode == PX_TCP) {
        tunnel_start(f);
    } else {
        applet_start(f);
    }
}

static void count_accepted(thr *t, listener *l)
{
    engine *e = l->eng;
    px_shard *s = &l->fe->shard[t->tid];

    cnt_inc(t->accepted);
    cnt_inc(s->c.cum_conn);
    rates_count(l->fe->shard, &l->fe->live, PX_RATE_CONN, t);
    /* counted here, not where the session is served: the next accept must know of those on their way to other threads */
    rates_count(l->fe->shard, &l->fe->live, PX_RATE_SESS, t);
    if (l->fe->conf.mode != PX_APPLET) {
        ctr32_max(&e->live.conn_rate_max, freqp_update(&e->conn_rate, FREQ_SECOND, 1, t->now_ms));
        ctr32_max(&e->live.sess_rate_max, freqp_update(&e->sess_rate, FREQ_SECOND, 1, t->now_ms));
    }
    if (l->shard) {
        cnt_inc(l->shard[t->tid].c.cum_conn);
        ctr32_max(&l->live.cur_max, at_peek(&l->live.cur));
    }
    at_add(&e->live.totalconn, 1);
    ctr32_add(&e->live.jobs, 1);
    ctr32_max(&l->fe->live.cur_max, at_peek(&l->fe->live.cur));
    ctr32_max(&e->live.actconn_max, at_peek(&e->live.actconn));
}

static void hand_over(thr *t, thr *to, listener *l, int fd, const sock_addr *peer)
{
    inmsg *m = to == t ? NULL : malloc(sizeof(*m));

    ctr32_add(m ? &to->conns_now : &t->conns_now, 1);
    if (!m) {
        listener_serve(t, l, fd, peer);
        return;
    }
    cnt_inc(t->handed);
    *m = (inmsg){.kind = IN_CONN, .fd = fd, .lsn = l, .peer = *peer};
    thr_post(to, m);
}

/* "harden.reject-privileged-ports.tcp": whether a client comes from a port that is for privileged programs, as those that
 * answer anybody have (DNS, NTP): who uses them to reach us is most often somebody else. */
static int is_shunned(const engine *e, const sock_addr *peer)
{
    return unlikely(e->conf.shuns_low) && sock_addr_family(peer) != AF_UNIX && sock_addr_port(peer) < 1024;
}

/* One connection. 1: done; 0: none is waiting, or none may be taken now. */
static int accept_one(thr *t, listener *l)
{
    uint32_t wait = rate_delay(l, t);
    sock_addr peer;
    int fd;

    if (wait) {
        limit(t, l, LSN_LIMITED, wait);
        return 0;
    }
    if (!reserve(l)) {
        limit(t, l, l->maxconn && at_load(&l->live.cur) >= l->maxconn ? LSN_FULL : LSN_LIMITED, 0);
        return 0;
    }
    fd = sock_accept(l->fd, &peer);
    if (fd >= 0 && is_shunned(l->eng, &peer)) {
        close(fd);
        give_room(t, l);
        return 1;
    }
    if (fd >= 0) {
        count_accepted(t, l);
        hand_over(t, choose_thread(t, l), l, fd, &peer);
        return 1;
    }
    give_room(t, l);
    switch (fd) {
    case -EAGAIN:
        return 0;
    case -ECONNABORTED:
    case -EINTR:
        return 1;
    case -EMFILE:
    case -ENFILE:
    case -ENOBUFS:
    case -ENOMEM:
        at_add(&l->eng->live.dropped, 1);
        break;
    default: /* a firewall's or the network's word, or another process shut the socket down: it stays ready to be read */
        break;
    }
    limit(t, l, LSN_LIMITED, RETRY_AFTER);
    return 0;
}

void listener_iocb(fdloop *loop, fdent *e, int fd)
{
    thr *t = loop->ctx;
    listener *l = e->owner;
    uint32_t n = 0;

    (void)fd;
    if (at_load(&l->live.state) != LSN_READY)
        return;
    /* as many as came last time, and twice that when all of them were there: an accept() that finds nothing is avoided,
     * and so is a turn of the loop for each connection of a crowd */
    if (!t->burst)
        t->burst = 1;
    while (n < t->burst && accept_one(t, l))
        n++;
    if (n < t->burst)
        t->burst = n;
    else
        t->burst = n * 2 < l->eng->conf.maxaccept ? n * 2 : l->eng->conf.maxaccept;
}

/* --- state changes asked for by other threads --- */

int eng_listener_enable(engine *e, int tid, int i)
{
    thr *t = &e->threads[tid];
    listener *l = i >= 0 && (uint32_t)i < e->nlsn ? e->lsn[i] : NULL;

    if (!l)
        return -EINVAL;
    spin_lock(&e->lqueue);
    if (at_load(&l->live.state) == LSN_NEW) {
        /* shared even if one thread alone accepts: whoever makes room, or is told to unbind, changes it */
        if (fd_insert(&t->loop, l->fd, listener_iocb, l, l->mask,
                      FD_F_SHARED | (l->mask & (l->mask - 1) ? FD_F_EXCL : 0) | (l->inherited ? FD_F_DUP : 0))) {
            set_state(l, LSN_READY);
            ctr32_add(&e->live.jobs, 1);
            if (at_load(&l->asked) != LSN_NEW)
                at_add(&e->lsn_epoch, 1);
            fd_want_recv(&t->loop, fd_ent(&t->loop, l->fd), l->fd);
        }
    }
    spin_unlock(&e->lqueue);
    return at_load(&l->live.state) == LSN_READY ? 0 : -EBADF;
}

static int ask(engine *e, int i, uint32_t what)
{
    if (i < 0 || (uint32_t)i >= e->nlsn)
        return -EINVAL;
    at_store(&e->lsn[i]->asked, what);
    at_add(&e->lsn_epoch, 1);
    for (uint32_t n = 0; n < e->conf.nbthread; n++)
        if (at_load(&e->threads[n].running))
            fdloop_wake(&e->threads[n].loop);
    return 0;
}

int eng_listener_pause(engine *e, int i)
{
    return ask(e, i, LSN_PAUSED);
}

int eng_listener_resume(engine *e, int i)
{
    return ask(e, i, LSN_READY);
}

int eng_listener_unbind(engine *e, int i)
{
    return ask(e, i, LSN_CLOSED);
}

/* LBL_LQUEUE must be held. */
static void apply(thr *t, listener *l)
{
    engine *e = l->eng;
    uint32_t asked = at_xchg(&l->asked, LSN_NEW), state = at_load(&l->live.state);
    int limited = state == LSN_FULL || state == LSN_LIMITED;
    fdent *ent;

    if (asked == LSN_NEW || state == LSN_CLOSED || state == asked)
        return;
    if (asked == LSN_PAUSED && state == LSN_NEW) { /* there is nothing to pause before it was enabled */
        state = LSN_NEW;
        at_cas(&l->asked, &state, asked); /* unless something else was asked meanwhile */
        return;
    }
    ent = fd_ent(&t->loop, l->fd);
    if (asked == LSN_READY) {
        if (state != LSN_PAUSED)
            return;
        set_state(l, LSN_READY);
        fd_want_recv(&t->loop, ent, l->fd);
        return;
    }
    if (limited)
        ctr32_sub(&e->limited, 1);
    set_state(l, asked);
    if (asked == LSN_PAUSED) {
        fd_stop_recv(&t->loop, ent, l->fd);
        return;
    }
    if (state != LSN_NEW) {
        fd_remove(&t->loop, l->fd);
        ctr32_sub(&e->live.jobs, 1);
    }
    /* another thread may be about to accept on it: the number must not be used again before all have passed */
    at_add(&e->nleaving, 1);
    at_store(&l->leaving, at_load(&e->running_mask));
}

/* Says that thread <t> is past every use of listeners that were closed before; the last one closes. */
static void pass(thr *t, engine *e)
{
    if (likely(!at_load(&e->nleaving)))
        return;
    for (uint32_t i = 0; i < e->nlsn; i++) {
        listener *l = e->lsn[i];

        if (!(at_load(&l->leaving) & t->bit))
            continue;
        if ((at_and(&l->leaving, ~t->bit) & ~t->bit) == 0) {
            at_sub(&e->nleaving, 1);
            listener_close_fd(l);
        }
    }
}

int listener_must_pass(const thr *t)
{
    const engine *e = t->eng;

    for (uint32_t i = 0; at_load(&e->nleaving) && i < e->nlsn; i++)
        if (at_load(&e->lsn[i]->leaving) & t->bit)
            return 1;
    return 0;
}

/* Under the lock, so that a listener that is being closed is told of all its threads before or after, not in between. */
void listener_leave(thr *t)
{
    engine *e = t->eng;

    spin_lock(&e->lqueue);
    at_and(&e->running_mask, ~t->bit);
    pass(t, e);
    spin_unlock(&e->lqueue);
}

void listener_close_fd(listener *l)
{
    int fd = l->fd;

    l->fd = -1;
    if (fd >= 0 && !l->inherited)
        close(fd);
}

int listener_tick(thr *t)
{
    engine *e = t->eng;
    int wait = -1;

    pass(t, e);
    if (unlikely(at_load(&e->lsn_epoch) != at_load(&e->lsn_done))) {
        spin_lock(&e->lqueue);
        at_store(&e->lsn_done, at_load(&e->lsn_epoch));
        for (uint32_t i = 0; i < e->nlsn; i++)
            apply(t, e->lsn[i]);
        spin_unlock(&e->lqueue);
        for (uint32_t n = 0; n < e->conf.nbthread; n++)
            if (at_load(&e->threads[n].running))
                fdloop_wake(&e->threads[n].loop);
        wait = 0;
    }
    if (likely(!at_load(&e->limited)))
        return wait;
    for (uint32_t i = 0; i < e->nlsn; i++) {
        uint32_t at = at_load(&e->lsn[i]->wake_at);
        int left = tick_remain(t->now_ms, at);

        if (left < 0)
            continue;
        if (!left)
            resume_limited(t, e);
        else if (wait < 0 || left < wait)
            wait = left;
    }
    return wait;
}
