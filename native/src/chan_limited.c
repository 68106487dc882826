/* Moving bytes of a direction that has limits of bandwidth (bwlim.h). What came ahead of its time waits in <in>. */
#include "engine.h"
#include "flow.h"

#define PUMP_TURNS 4 /* pieces before others have a turn */

/* Reads as far as one buffer, and no further than the payload. As conn_recv(); -ENOMEM, too. */
static ssize_t read_ahead(flow *f, chan *c, conn *src, const uint64_t *left)
{
    uint32_t size = f->t->eng->conf.bufsize, room;
    ssize_t n;

    if (left && *left < size)
        size = (uint32_t)*left;
    room = c->in.len < size ? size - c->in.len : 0;
    if (!room)
        return 0;
    n = conn_recv(src, f->t->scratch, room);
    if (n > 0 && buf_append(&f->t->bufs, &c->in, f->t->scratch, (uint32_t)n) < 0)
        return -ENOMEM;
    return n;
}

/* Gives on what may go of <in>. MOVE_PAUSE: nothing may. */
static int give(flow *f, chan *c, conn *dst, uint64_t *left)
{
    uint32_t n = left && *left < c->in.len ? (uint32_t)*left : c->in.len;
    int ret;

    n = chan_allowance(f, c, n);
    if (!n)
        return MOVE_PAUSE;

    struct iovec v = {buf_data(&c->in), n};

    chan_spend(f, c, v.iov_base, n);
    ret = chan_send(f, c, dst, &v, 1, 0);
    buf_skip(&f->t->bufs, &c->in, n);
    if (left)
        *left -= n;
    return ret;
}

/* Has Python told what passes a tap. Without memory it is not. */
static void tell(flow *f, const bwlim *b, const struct iovec *v, int nv, uint32_t n)
{
    uint32_t kept = b->keep ? n : 0;
    char *to = thr_taps_room(f->t, (uint32_t)sizeof(lb_passed) + ((kept + 7) & ~7u));
    lb_passed head = {.uniq = f->uniq, .id = b->id, .at = b->purse, .len = n, .hand = b->hand, .kept = kept};

    if (!to)
        return;
    memcpy(to, &head, sizeof(head));
    to += sizeof(head);
    for (int i = 0; i < nv && kept; i++) {
        memcpy(to, v[i].iov_base, v[i].iov_len);
        to += v[i].iov_len;
    }
}

void chan_passed(flow *f, chan *c, const struct iovec *v, int nv, uint32_t n)
{
    for (const bwlim *b = c->limits; b && n; b = b->next)
        if (b->kind == BWLIM_TAP)
            tell(f, b, v, nv, n);
    bwlim_spend(c->limits, f->t->now_ms, n);
}

int chan_goes_on_pausing(const flow *f, const conn *dst)
{
    conn *c = f->f;
    int err = c->fd >= 0 ? sock_error(c->fd) : 0;

    if (likely(!err))
        return MOVE_PAUSE;
    conn_broke(c, err, TEVT_RCV_ERR);
    return dst == c ? MOVE_ERR_OUT : MOVE_ERR_IN;
}

int chan_pump_limited(flow *f, chan *c, conn *src, conn *dst, uint64_t *left)
{
    int ret = chan_flush(f, c, dst);

    bwlim_resume(c->limits);
    for (int turn = 0; turn < PUMP_TURNS && ret == MOVE_DONE; turn++) {
        ssize_t got;

        if (left && !*left)
            return MOVE_DONE;
        got = read_ahead(f, c, src, left);
        if (got == -ENOMEM)
            return MOVE_ERR_OUT;
        if (!c->in.len)
            return chan_no_input(src, got);
        ret = give(f, c, dst, left);
        if (ret == MOVE_PAUSE && !turn)
            return chan_goes_on_pausing(f, dst);
    }
    return ret == MOVE_DONE && !(left && !*left) ? MOVE_YIELD : ret;
}
