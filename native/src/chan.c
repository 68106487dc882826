/* Moving bytes of one direction: from a connection, through the thread's receive area or a kernel pipe, to another.
 *
 * What was received and could be sent at once never touches a buffer of the flow's. <in> keeps received bytes that are
 * not payload to be moved yet (part of a chunk size, the next request); <out> keeps what the destination did not take,
 * and nothing more is received before it has gone: that is all the flow control there is.
 */
#include "engine.h"
#include "exchange.h"
#include <fcntl.h>

#define PUMP_FIRST 16384   /* the first read of a transfer; doubled while it fills and all of it is taken */
#define PUMP_TURNS 4       /* reads before others have a turn */
#define SPLICE_MIN 32768   /* "splice-auto": bytes left from which a pipe is worth its price */
#define SPLICE_MAX (1 << 30)
#define CHUNK_IOV 60

/* Moves what is in the pipe on. MOVE_DONE: it is empty. */
static int pipe_drain(chan *c, conn *dst)
{
    splice_pipe *p = c->pipe;

    while (p->len) {
        if (!conn_can_send(dst))
            return dst->flags & (CO_F_SHUTW | CO_F_ERR) ? MOVE_ERR_OUT : MOVE_OUT;

        ssize_t n = splice(p->rd, NULL, dst->fd, NULL, p->len, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

        if (n <= 0) {
            if (n < 0 && errno == EINTR)
                continue;
            if (n < 0 && errno == EAGAIN) {
                fd_cant_send(&dst->thr->loop, dst->e, dst->fd);
                return MOVE_OUT;
            }
            conn_broke(dst, n < 0 ? errno : EPIPE, TEVT_SND_ERR);
            return MOVE_ERR_OUT;
        }
        p->len -= n;
        p->full = 0;
        c->total += n;
    }
    return MOVE_DONE;
}

int chan_flush(flow *f, chan *c, conn *dst)
{
    while (c->out.len) {
        struct iovec v = {buf_data(&c->out), c->out.len};
        ssize_t n = conn_send(dst, &v, 1, 0);

        if (n < 0)
            return MOVE_ERR_OUT;
        if (!n)
            return MOVE_OUT;
        c->total += n;
        buf_skip(&f->t->bufs, &c->out, n);
    }
    /* what went into the pipe came after what is in <out> */
    return c->pipe ? pipe_drain(c, dst) : MOVE_DONE;
}

int chan_send(flow *f, chan *c, conn *dst, struct iovec *v, int n, int more)
{
    struct iovec all[CHUNK_IOV + 4];
    ssize_t sent;

    if (c->out.len) {
        all[0] = (struct iovec){buf_data(&c->out), c->out.len};
        memcpy(&all[1], v, n * sizeof(*v));
        sent = conn_send(dst, all, n + 1, more);
    } else {
        sent = conn_send(dst, v, n, more);
    }
    if (sent < 0)
        return MOVE_ERR_OUT;
    c->total += sent;
    c->cork = 0;
    if (c->out.len) {
        uint32_t first = (size_t)sent < c->out.len ? (uint32_t)sent : c->out.len;

        buf_skip(&f->t->bufs, &c->out, first);
        sent -= first;
    }
    for (int i = 0; i < n; i++) {
        size_t len = v[i].iov_len;

        if ((size_t)sent >= len) {
            sent -= len;
            continue;
        }
        if (buf_append(&f->t->bufs, &c->out, (char *)v[i].iov_base + sent, len - sent) < 0)
            return MOVE_ERR_OUT;
        sent = 0;
    }
    return c->out.len ? MOVE_OUT : MOVE_DONE;
}

void chan_release(flow *f, chan *c)
{
    buf_release(&f->t->bufs, &c->in);
    buf_release(&f->t->bufs, &c->out);
    if (c->pipe) {
        pipe_put(f->t, c->pipe);
        c->pipe = NULL;
    }
}

int chan_no_input(const conn *src, ssize_t ret)
{
    if (ret < 0)
        return MOVE_ERR_IN;
    if (src->flags & CO_F_EOF)
        return MOVE_EOF;
    return src->flags & CO_F_ERR ? MOVE_ERR_IN : MOVE_IN; /* known from an earlier read, while Python was asked */
}

/* --- splice(2) --- */

/* Fills the pipe. >0 bytes, 0: the end, -EAGAIN: no input now, -ENOSPC: the pipe is full (wait for room), -EINVAL: these
 * sockets can't be spliced. */
static ssize_t pipe_fill(splice_pipe *p, conn *src, uint64_t max)
{
    ssize_t n;

    if (p->full)
        return -ENOSPC;
    do
        n = splice(src->fd, NULL, p->wr, NULL, max < SPLICE_MAX ? max : SPLICE_MAX, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    while (n < 0 && errno == EINTR);
    if (n > 0) {
        p->len += n;
        return n;
    }
    if (!n)
        return 0;
    if (errno != EAGAIN)
        return -errno;
    /* EAGAIN says either that nothing is there to be read, or that the pipe has no room: with bytes inside the latter
     * is the likelier, and costs only one more attempt once they are gone */
    if (p->len) {
        p->full = 1;
        return -ENOSPC;
    }
    fd_cant_recv(&src->thr->loop, src->e, src->fd);
    return -EAGAIN;
}

/* As chan_pump(), through a pipe; -1 if these connections can't be spliced (nothing was lost). */
static int pump_spliced(chan *c, conn *src, conn *dst, uint64_t *left)
{
    for (int turn = 0; turn < PUMP_TURNS * 2; turn++) {
        uint64_t max = left ? *left : SPLICE_MAX;
        int ret = pipe_drain(c, dst);

        if (ret == MOVE_ERR_OUT)
            return ret;
        if (left && !*left)
            return ret; /* MOVE_DONE or MOVE_OUT */
        if (src->flags & CO_F_EOF)
            return c->pipe->len ? MOVE_OUT : MOVE_EOF;
        if (!conn_can_recv(src))
            return c->pipe->len ? MOVE_OUT : src->flags & CO_F_ERR ? MOVE_ERR_IN : MOVE_IN;

        ssize_t n = pipe_fill(c->pipe, src, max);

        if (n > 0) {
            if (left)
                *left -= n;
            continue;
        }
        if (!n) {
            conn_ended(src);
            continue;
        }
        if (n == -ENOSPC) {
            if (ret == MOVE_OUT)
                return MOVE_OUT;
            continue;
        }
        if (n == -EAGAIN)
            return MOVE_IN;
        if (n == -EINVAL && !c->pipe->len)
            return -1;
        conn_broke(src, (int)-n, TEVT_RCV_ERR);
        return MOVE_ERR_IN;
    }
    return MOVE_YIELD;
}

static int want_splice(const flow *f, const conn *src, const conn *dst, const uint64_t *left, int splice)
{
    if (!splice || f->t->eng->conf.nosplice || !(src->flags & dst->flags & CO_F_SPLICE))
        return 0;
    return !left || *left >= SPLICE_MIN;
}

/* --- through memory --- */

/* Whether the end of the direction follows at once what is sent now, which may wait for it then. <left>: as chan_pump(). */
static int is_last(const flow *f, const chan *c, const conn *src, const uint64_t *left)
{
    if (left)
        return !*left && c == &f->res && exch_ends(f);
    return src->e->ev & FD_EV_RDHUP && flow_may_hold(f);
}

static int pump_in(flow *f, chan *c, conn *dst, uint64_t *left)
{
    uint32_t n = c->in.len;

    if (left && *left < n)
        n = (uint32_t)*left;
    if (!n)
        return MOVE_DONE;

    struct iovec v = {buf_data(&c->in), n};
    int ret = chan_send(f, c, dst, &v, 1, 0);

    if (ret == MOVE_ERR_OUT)
        return ret;
    buf_skip(&f->t->bufs, &c->in, n);
    if (left)
        *left -= n;
    return ret;
}

int chan_pump(flow *f, chan *c, conn *src, conn *dst, uint64_t *left, int splice)
{
    int ret;

    if (unlikely(c->limits != NULL))
        return chan_pump_limited(f, c, src, dst, left);
    ret = chan_flush(f, c, dst);
    if (ret == MOVE_DONE)
        ret = pump_in(f, c, dst, left);
    if (ret != MOVE_DONE)
        return ret;
    if (c->pipe || want_splice(f, src, dst, left, splice)) {
        if (!c->pipe)
            c->pipe = pipe_get(f->t);
        if (c->pipe) {
            ret = pump_spliced(c, src, dst, left);
            if (ret >= 0)
                return ret;
            src->flags &= ~CO_F_SPLICE;
            pipe_put(f->t, c->pipe);
            c->pipe = NULL;
        }
    }
    if (!c->rsize)
        c->rsize = PUMP_FIRST;
    for (int turn = 0; turn < PUMP_TURNS; turn++) {
        uint32_t max = c->rsize;

        if (left && !*left)
            return MOVE_DONE;
        if (left && *left < max)
            max = (uint32_t)*left;

        ssize_t n = conn_recv(src, f->t->scratch, max);

        if (n <= 0)
            return chan_no_input(src, n);
        if (left)
            *left -= n;

        struct iovec v = {f->t->scratch, n};

        ret = chan_send(f, c, dst, &v, 1, is_last(f, c, src, left));
        if (ret != MOVE_DONE) {
            c->rsize = PUMP_FIRST;
            return ret;
        }
        if ((uint32_t)n == c->rsize && c->rsize < THR_SCRATCH)
            c->rsize *= 2;
        if (!conn_can_recv(src) && !(left && !*left))
            return chan_no_input(src, src->flags & CO_F_ERR ? -1 : 0);
    }
    return left && !*left ? MOVE_DONE : MOVE_YIELD;
}

/* --- chunked bodies --- */

/* What one pass over received bytes yields: runs of payload, to go out as one chunk. */
typedef struct runs {
    struct iovec v[CHUNK_IOV + 3]; /* [0] is the size line, the last ones CR LF and trailers */
    int n;
    uint64_t bytes;
    char size[H1_CHUNK_SIZE_MAX];
} runs;

static void runs_begin(runs *r)
{
    r->n = 1;
    r->bytes = 0;
}

/* Walks the framing of [p, p + len), collecting <max> bytes of payload at most. Returns the bytes used, or -H1_ERR_*. */
static int collect(h1_chunk *c, char *p, uint32_t len, runs *r, uint32_t max)
{
    uint32_t at = 0;

    while (r->n < CHUNK_IOV) {
        uint32_t run;
        int n = h1_chunk_next(c, p + at, len - at, &run);

        if (n < 0)
            return n;
        at += n;
        if (run > max - r->bytes)
            run = max - (uint32_t)r->bytes;
        if (!run)
            break;
        r->v[r->n++] = (struct iovec){p + at, run};
        r->bytes += run;
        h1_chunk_took(c, run);
        at += run;
    }
    return (int)at;
}

static void frame(runs *r, int bare)
{
    if (!r->bytes || bare) {
        r->v[0] = (struct iovec){r->size, 0};
        return;
    }
    r->v[0] = (struct iovec){r->size, h1_emit_chunk_size(r->size, r->bytes)};
    r->v[r->n++] = (struct iovec){(char *)"\r\n", 2};
}

/* The last chunk and its trailers, written to the thread's compose area; the bytes used, 0 if some are missing, or
 * -H1_ERR_*. Names go out in lower case as those of the head do; what frames or routes a message may not be there. */
static int trailers(flow *f, const chan *c, const char *p, uint32_t len, struct iovec *v)
{
    uint32_t options = c == &f->req ? f->be->conf.options : f->fe->conf.options;
    h1_head *h = &f->t->head;
    char *to = f->t->compose;
    int n = h1_trailers_len(p, len);

    if (n <= 0)
        return n;
    if ((uint32_t)n > f->t->eng->conf.bufsize) /* what is written below has to fit, with a space more a field */
        return -H1_ERR_TOO_MANY;
    h1_trailers_init(h, f->t->eng->conf.maxhdr);
    if (h1_scan(h, p, n) != 1)
        return h->err ? -h->err : -H1_ERR_NAME;
    memcpy(to, "0\r\n", 3);
    to += 3;
    for (uint32_t i = 0; i < h->nhdr && !(options & PX_O_NO_TRAILERS); i++) {
        const h1_hdr *d = &h->hdr[i];

        switch (d->id) {
        case H1_ID_CONTENT_LENGTH:
        case H1_ID_TRANSFER_ENCODING:
        case H1_ID_HOST:
        case H1_ID_CONNECTION:
        case H1_ID_TE:
        case H1_ID_TRAILER:
        case H1_ID_UPGRADE:
            continue;
        default:
            break;
        }
        to += h1_put_lower(to, p + d->name, d->name_len);
        *to++ = ':';
        *to++ = ' ';
        memcpy(to, p + d->value, d->value_len);
        to += d->value_len;
        *to++ = '\r';
        *to++ = '\n';
    }
    *to++ = '\r';
    *to++ = '\n';
    if (unlikely(options & PX_O_CASE))
        case_adjust(&f->t->eng->cases, f->t->compose, (uint32_t)(to - f->t->compose));
    *v = (struct iovec){f->t->compose, to - f->t->compose};
    return n;
}

/* The end of the body, if it is there: trailers go out behind the runs. Returns the bytes used, or -H1_ERR_*. */
static int finish(flow *f, chan *c, const char *p, uint32_t len, runs *r, int bare)
{
    struct iovec v;
    int n = trailers(f, c, p, len, &v);

    if (!n && len >= f->t->eng->conf.bufsize)
        return -H1_ERR_TOO_MANY;
    if (n <= 0)
        return n;
    if (!bare)
        r->v[r->n++] = v;
    c->body = BODY_NONE;
    return n;
}

/* Takes what the decoder finds in <have> bytes of the receive area, <max> bytes of payload at most, sends it, keeps the
 * rest in <in>. *again is set when there were more runs than fit in one call. */
static int chunks_pass(flow *f, chan *c, conn *dst, uint32_t have, int bare, uint32_t max, int *again)
{
    char *s = f->t->scratch;
    int ret = MOVE_DONE, used, n = 0;
    runs r;

    runs_begin(&r);
    used = collect(&c->chunk, s, have, &r, max);
    if (used >= 0) {
        if (unlikely(c->limits != NULL))
            chan_passed(f, c, r.v + 1, r.n - 1, (uint32_t)r.bytes);
        frame(&r, bare);
        *again = r.n >= CHUNK_IOV;
        if (c->chunk.state == H1_CHUNK_TRAILERS)
            n = finish(f, c, s + used, have - used, &r, bare);
    }
    if (used < 0 || n < 0) {
        f->t->head.err = used < 0 ? -used : -n;
        f->t->head.err_pos = 0;
        return MOVE_ERR_IN;
    }
    used += n;
    if (r.bytes || c->body == BODY_NONE) {
        int more = c->body == BODY_NONE ? c == &f->res && exch_ends(f) : *again && !flow_hurries(f);

        ret = chan_send(f, c, dst, r.v, r.n, more);
    }
    /* only now: the runs lie in the receive area, and may have been copied from <in> */
    if (buf_set(&f->t->bufs, &c->in, s + used, have - used) < 0)
        return MOVE_ERR_OUT;
    return ret;
}

/* How much to read: as much as a fast sender gives, but a limited one is read ahead as far as one buffer. */
static uint32_t chunks_room(const flow *f, const chan *c)
{
    uint32_t have = c->in.len, size = f->t->eng->conf.bufsize;

    if (unlikely(c->limits != NULL))
        return have < size ? size - have : 0;
    return c->rsize < THR_SCRATCH - have ? c->rsize : THR_SCRATCH - have;
}

/* Whether the bytes that were left in <in> begin with payload. */
static int has_payload(const chan *c)
{
    return c->chunk.state == H1_CHUNK_DATA && c->in.len;
}

/* As chan_chunks(), but a head that still waits in <out> may be left there if nothing follows it. */
static int move_chunks(flow *f, chan *c, conn *src, conn *dst, int bare)
{
    int ret = c->cork ? MOVE_DONE : chan_flush(f, c, dst);

    if (unlikely(c->limits != NULL))
        bwlim_resume(c->limits);
    if (!c->rsize)
        c->rsize = PUMP_FIRST;
    for (int turn = 0; turn < PUMP_TURNS && ret == MOVE_DONE; turn++) {
        uint32_t have = c->in.len;
        uint32_t max = chunks_room(f, c), allowed;
        int again = 0;

        if (have)
            memcpy(f->t->scratch, buf_data(&c->in), have);

        ssize_t got = max ? conn_recv(src, f->t->scratch + have, max) : 0;

        if (got > 0)
            have += got;
        if ((uint32_t)got == c->rsize && c->rsize < THR_SCRATCH / 2)
            c->rsize *= 2;
        allowed = likely(!c->limits) ? UINT32_MAX : chan_allowance(f, c, have);
        ret = chunks_pass(f, c, dst, have, bare, allowed, &again);
        if (ret != MOVE_DONE || c->body == BODY_NONE)
            return ret;
        if (again)
            continue;
        if (unlikely(c->limits != NULL)) {
            if (!allowed && has_payload(c))
                return turn ? MOVE_PAUSE : chan_goes_on_pausing(f, dst);
            bwlim_resume(c->limits);
            if (has_payload(c))
                continue;
        }
        if (got <= 0)
            return chan_no_input(src, got);
        if (!conn_can_recv(src))
            return chan_no_input(src, src->flags & CO_F_ERR ? -1 : 0);
    }
    return ret == MOVE_DONE ? MOVE_YIELD : ret;
}

int chan_chunks(flow *f, chan *c, conn *src, conn *dst, int bare)
{
    int ret = move_chunks(f, c, src, dst, bare);

    if (likely(!c->cork))
        return ret;
    c->cork = 0;

    int flushed = chan_flush(f, c, dst);

    return flushed == MOVE_DONE || ret == MOVE_ERR_IN ? ret : flushed;
}
