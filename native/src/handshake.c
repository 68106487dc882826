#include "handshake.h"
#include "asked.h"
#include "engine.h"
#include "hash.h"
#include "proxyproto.h"

/* --- from clients --- */

/* Errors of a header that did not come, of either kind. */
static int empty_error(const asked *q)
{
    return q->expects & LSN_EXPECT_CIP ? CO_ER_CIP_EMPTY : CO_ER_PRX_EMPTY;
}

static int abort_error(const asked *q)
{
    return q->expects & LSN_EXPECT_CIP ? CO_ER_CIP_ABORT : CO_ER_PRX_ABORT;
}

static int timeout_error(const asked *q)
{
    return q->expects & LSN_EXPECT_CIP ? CO_ER_CIP_TIMEOUT : CO_ER_PRX_TIMEOUT;
}

static void embryonic(flow *f)
{
    f->asked->embryonic = 1;
    f->status = 0;
    flow_term(f, 'P', 'R');
    flow_record(f);
}

/* What a failed header is noted as (tevt.h). */
static uint32_t what_failed(const flow *f, int err)
{
    if (err == timeout_error(f->asked))
        return TEVT_TOUT;
    if (err == empty_error(f->asked))
        return TEVT_TRUNCATED;
    return f->f->flags & CO_F_ERR ? TEVT_BROKEN : TEVT_PROTO;
}

/* No session comes of it. Who has said something is told by a reset that it was not understood. "dontlognull" is about those
 * who said nothing. */
static void fail(flow *f, int err, int said)
{
    if (said)
        f->f->flags |= CO_F_RESET;
    else if (f->fe->conf.options & PX_O_DONTLOGNULL)
        f->flags |= FL_LOGGED;
    f->asked->err = (uint8_t)err;
    tevt_add(f, TEVT_HS | what_failed(f, err));
    f->asked->th = err == timeout_error(f->asked) ? -1 : (int32_t)(f->t->now_ms - f->t_start);
    embryonic(f);
    flow_free(f);
}

void handshake_refused(flow *f)
{
    if (f->asked->shaken)
        embryonic(f);
}

static void begin(flow *f)
{
    f->flags &= ~FL_HELD;
    if (f->fe->conf.asks & 1u << ASK_SESSION)
        ask_session(f);
    else
        listener_begin(f);
}

/* Whom a header names is at the ends of the connection from now on. */
static void take_ends(flow *f, const pp_header *h)
{
    asked *q = f->asked;
    conn *c = f->f;

    if (h->family == AF_UNSPEC)
        return;
    c->family = h->family;
    c->port = h->sport;
    memcpy(c->addr, h->src, sizeof(c->addr));
    q->dst.family = h->family;
    q->dst.port = h->dport;
    memcpy(q->dst.addr, h->dst, sizeof(q->dst.addr));
    q->has_dst = 1;
}

/* 0 or -ENOMEM. */
static int take_tlvs(asked *q, const char *s, const pp_header *h)
{
    if (!h->ntlvs)
        return 0;
    free(q->tlvs);
    q->tlvs = malloc(h->ntlvs);
    if (!q->tlvs)
        return -ENOMEM;
    memcpy(q->tlvs, s + h->tlvs, h->ntlvs);
    q->ntlvs = h->ntlvs;
    return 0;
}

/* Takes the headers that are expected from the beginning of <n> bytes, the NetScaler's first. Returns their length, or
 * -CO_ER_*. */
static int take_headers(flow *f, const char *s, uint32_t n)
{
    asked *q = f->asked;
    pp_header h;
    int used = 0, ret;

    if (q->expects & LSN_EXPECT_CIP) {
        used = pp_read_cip(s, n, f->lsn->cip_magic, &h);
        if (used < 0)
            return used;
        take_ends(f, &h);
        q->expects &= (uint8_t)~LSN_EXPECT_CIP;
    }
    if (!q->expects)
        return used;
    ret = pp_read(s + used, n - (uint32_t)used, &h);
    if (ret < 0)
        return ret;
    if (take_tlvs(q, s + used, &h) < 0)
        return -CO_ER_PRX_ABORT;
    take_ends(f, &h);
    q->expects = 0;
    q->proxied = 1;
    return used + ret;
}

/* The headers are read, and <left> bytes of the client's own with them. */
static void passed(flow *f, const char *s, uint32_t left)
{
    asked *q = f->asked;

    q->state = Q_NONE;
    q->until = 0;
    q->shaken = 1;
    q->th = (int32_t)(f->t->now_ms - f->t_start);
    tmr_del(&f->t->timers, &f->tmr);
    fd_set_handler(f->f->e, flow_iocb);
    if (left && buf_set(&f->t->bufs, &f->req.in, s, left) < 0) {
        flow_free(f);
        return;
    }
    if (left && f->kind == FLOW_EXCHANGE)
        f->flags |= FL_UNSCANNED;
    begin(f);
}

static void read_headers(flow *f)
{
    thr *t = f->t;
    conn *c = f->f;
    ssize_t n = conn_recv(c, t->scratch, t->eng->conf.bufsize);
    int used;

    if (n < 0) {
        fail(f, abort_error(f->asked), 0);
        return;
    }
    if (!n) {
        if (c->flags & CO_F_EOF)
            fail(f, empty_error(f->asked), 0);
        return;
    }
    used = take_headers(f, t->scratch, (uint32_t)n);
    if (used < 0)
        fail(f, -used, 1);
    else
        passed(f, t->scratch + used, (uint32_t)(n - used));
}

static void handshake_iocb(fdloop *l, fdent *e, int fd)
{
    conn *c = e->owner;

    if (e->ev & (FD_EV_ERR | FD_EV_HUP)) /* read, to be understood */
        fd_may_recv(l, e, fd);
    read_headers(c->flow);
}

static void wait_for_headers(flow *f, uint32_t headers)
{
    thr *t = f->t;
    conn *c = f->f;
    asked *q = asked_of(f);
    const fe_conf *conf = &f->fe->conf;

    if (!q) {
        at_add(&t->eng->live.dropped, 1);
        flow_free(f);
        return;
    }
    q->state = Q_HANDSHAKE;
    q->expects = (uint8_t)headers;
    q->until = flow_exp(f, conf->t_client_hs ? conf->t_client_hs : f->t_client);
    f->flags |= FL_HELD;
    fd_set_handler(c->e, handshake_iocb);
    conn_want(c, FD_R);
    tmr_set(&t->timers, &f->tmr, q->until);
    /* whether it is there already is worth a try */
    fd_may_recv(&t->loop, c->e, c->fd);
    read_headers(f);
}

void handshake_start(flow *f)
{
    if (f->fe->conf.asks & 1u << ASK_CONN)
        ask_conn(f);
    else
        handshake_expect(f, 0);
}

void handshake_expect(flow *f, uint32_t headers)
{
    headers |= f->lsn->expects;
    if (headers)
        wait_for_headers(f, headers);
    else
        begin(f);
}


void handshake_timeout(flow *f)
{
    fail(f, timeout_error(f->asked), 0);
}

/* --- to servers --- */

/* Who is at the ends of the client's connection, as this stream has it. */
static void front_ends(flow *f, pp_header *h)
{
    const asked *q = asked_of(f); /* where the destination is kept, which the kernel is asked for once */
    flow_ends ends;

    memset(h, 0, sizeof(*h));
    if (!q)
        return;
    flow_get_ends(f, &ends);
    if (!q->has_dst)
        flow_learn_dst(f, &ends);
    if ((ends.family != AF_INET && ends.family != AF_INET6) || q->dst.family != ends.family)
        return;
    h->family = ends.family;
    h->sport = ends.sport;
    h->dport = ends.dport;
    memcpy(h->src, ends.saddr, sizeof(h->src));
    memcpy(h->dst, ends.daddr, sizeof(h->dst));
}

/* What Python has told of this stream under the number <which>, NULL: nothing. */
static const char *told(const flow *f, uint32_t which, tell_head *head)
{
    const asked *q = f->asked;

    for (uint32_t at = 0; which && q && at < q->ntell; at += (uint32_t)sizeof(*head) + head->len) {
        memcpy(head, q->tell + at, sizeof(*head));
        if (head->which == which)
            return q->tell + at + sizeof(*head);
    }
    *head = (tell_head){0};
    return NULL;
}

/* Bytes that are being put together. */
typedef struct pile {
    char *at;
    uint32_t n, size;
} pile;

/* 0, or -EMSGSIZE. */
static int add(pile *p, const char *s, uint32_t n)
{
    if (n > p->size - p->n)
        return -EMSGSIZE;
    if (n)
        memcpy(p->at + p->n, s, n);
    p->n += n;
    return 0;
}

/* "proxy-v2-options authority": what the client's own header said. */
static int add_authority(const flow *f, pile *p)
{
    const asked *q = f->asked;
    uint32_t at;
    int len = q && q->ntlvs ? pp_tlv_find(q->tlvs, q->ntlvs, 0, PP2_TYPE_AUTHORITY, &at) : -1;

    return len > 0 ? add(p, q->tlvs + at - 3, (uint32_t)len + 3) : 0;
}

/* Writes the header to the thread's room for composing. Its length, or -EMSGSIZE. */
static int compose(flow *f)
{
    thr *t = f->t;
    uint32_t what = f->srv->conf.send_proxy;
    pile p = {t->compose + PP_V2_FIXED, 0, t->compose_size - PP_V2_FIXED};
    tell_head head;
    const char *more;
    pp_header h;

    front_ends(f, &h);
    if (!(what & PX_SEND_V2))
        return pp_write_v1(&h, t->compose);
    more = told(f, f->srv->conf.tell, &head);
    if (add(&p, more, head.before) < 0 || (what & PX_SEND_AUTHORITY && add_authority(f, &p) < 0) ||
        add(&p, more ? more + head.before : NULL, head.len - head.before) < 0)
        return -EMSGSIZE;
    return pp_write_v2(&h, !!(what & PX_SEND_CRC), p.at, p.n, t->compose, t->compose_size);
}

/* --- whose address they see --- */

/* "usesrc hdr_ip": what Python found, a byte for the family and the address; only a byte if there is a field, but no address
 * in it. */
static int told_source(const flow *f, sock_addr *from)
{
    tell_head head;
    const char *s = told(f, f->srv->conf.src_tell, &head);

    if (!s)
        return f->kind == FLOW_EXCHANGE ? -EDESTADDRREQ : 0;
    return head.len > 1 && sock_addr_set(from, s[0], s + 1, (int)head.len - 1, 0) == 0;
}

int handshake_source(flow *f, sock_addr *from)
{
    uint32_t use = f->srv->conf.usesrc;
    flow_ends ends;

    if (use == SRC_TOLD)
        return told_source(f, from);
    flow_get_ends(f, &ends);
    if (use <= SRC_FIXED || (ends.family != AF_INET && ends.family != AF_INET6))
        return 0;
    return sock_addr_set(from, ends.family, (const char *)ends.saddr, ends.family == AF_INET ? 4 : 16,
                         use == SRC_CLIENT ? ends.sport : 0) == 0;
}

uint64_t handshake_name(const flow *f)
{
    tell_head head;
    const char *s = told(f, f->srv->conf.name_tell, &head);
    uint64_t name = 0;

    if (s && head.len == sizeof(name))
        memcpy(&name, s, sizeof(name));
    return name;
}

static uint64_t fingerprint(const char *s, size_t n)
{
    return (uint64_t)hash_sdbm(s, n) << 32 | hash_djb2(s, n);
}

uint64_t handshake_print(flow *f, const char *s, size_t n)
{
    sock_addr from, to;
    uint64_t print = n ? fingerprint(s, n) : 0;

    if (f->srv->conf.usesrc > SRC_FIXED && handshake_source(f, &from) > 0)
        print ^= fingerprint((const char *)from.raw, from.len) * 3;
    if ((f->srv->conf.addr_mapped || f->srv->conf.port_mapped) && flow_server_address(f, &to) == 0)
        print ^= fingerprint((const char *)to.raw, to.len) * 5;
    return print ^ handshake_name(f);
}

int handshake_send(flow *f)
{
    int n = compose(f);
    struct iovec v = {f->t->compose, (size_t)n};
    ssize_t done;

    if (n < 0)
        return n;
    /* a request follows at once; who talks in a tunnel first is not known */
    done = conn_send(f->b, &v, 1, f->kind == FLOW_EXCHANGE);
    if (done < 0)
        return (int)done;
    if (done != n) /* a new connection takes what is less than a segment, or nothing ever */
        return -ECONNRESET;
    f->b->flags &= ~CO_F_PREFACE;
    f->b->print = handshake_print(f, f->t->compose, (size_t)n);
    return 1;
}

int handshake_holds(flow *f)
{
    int n;

    if (!(f->b->flags & CO_F_PRIVATE))
        return f->b->print == handshake_name(f);
    n = f->srv->conf.send_proxy ? compose(f) : 0;
    return n >= 0 && f->b->print == handshake_print(f, f->t->compose, (size_t)n);
}
