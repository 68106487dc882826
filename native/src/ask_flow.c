/* What Python may set of a flow that it was asked about, and learn of it. */
#include "asked.h"
#include "engine.h"
#include "track.h"
#include <netinet/tcp.h>

static flow *flow_of(engine *e, int tid, uint64_t handle, uint64_t gen)
{
    flow *f = (flow *)(uintptr_t)handle;

    return f && gen && f->gen == gen && f->t == &e->threads[tid] && f->asked ? f : NULL;
}

/* --- settings --- */

static int set_back_socket(flow *f, int what, uint32_t value)
{
    asked *q = f->asked;
    int ret = 0;

    if (what == FLOW_TOS_BACK)
        q->tos = value;
    else
        q->mark = value;
    q->own |= (uint16_t)(1 << what);
    if (f->cs != CS_EST && f->cs != CS_CONN) /* what is kept from before is not for this stream */
        flow_detach_back(f, 0);
    else
        ret = what == FLOW_TOS_BACK ? sock_tos(f->b->fd, (int)value) : sock_mark(f->b->fd, value);
    f->flags &= ~FL_KA_SERVER;
    return ret;
}

static int32_t within(int32_t value, int32_t limit)
{
    return value < -limit ? -limit : value > limit ? limit : value;
}

int eng_flow_set(engine *e, int tid, uint64_t flow_, uint64_t gen, int what, uint32_t value)
{
    flow *f = flow_of(e, tid, flow_, gen);
    asked *q;

    if (!f)
        return -ESTALE;
    if ((what == FLOW_TOS_FRONT || what == FLOW_TOS_BACK) && value > 255)
        return -EINVAL;
    q = f->asked;
    switch (what) {
    case FLOW_T_CLIENT:
        q->t_client = value;
        break;
    case FLOW_T_SERVER:
        q->t_server = value;
        break;
    case FLOW_T_TUNNEL:
        q->t_tunnel = value;
        break;
    case FLOW_RETRIES:
        q->max_retries = value;
        break;
    case FLOW_NICE:
        if ((int32_t)value < -1024 || (int32_t)value > 1024)
            return -EINVAL;
        flow_be_nice(f, (int32_t)value);
        return 0;
    case FLOW_PRIO_CLASS:
        q->prio_class = within((int32_t)value, PEND_CLASS_MAX);
        return 0;
    case FLOW_PRIO_OFFSET:
        q->prio_offset = within((int32_t)value, PEND_OFFSET_MAX);
        return 0;
    case FLOW_TOS_FRONT:
        return sock_tos(f->f->fd, (int)value);
    case FLOW_MARK_FRONT:
        return sock_mark(f->f->fd, value);
    case FLOW_TOS_BACK:
    case FLOW_MARK_BACK:
        return set_back_socket(f, what, value);
    default:
        return -EINVAL;
    }
    q->own |= (uint16_t)(1 << what);
    asked_apply(f);
    return 0;
}

/* --- balancing --- */

int eng_flow_key(engine *e, int tid, uint64_t flow_, uint64_t gen, int be, const char *key, int len)
{
    flow *f = flow_of(e, tid, flow_, gen);

    if (!f)
        return -ESTALE;
    if (be < 0 || (uint32_t)be >= e->nbe || len < 0)
        return -EINVAL;
    f->key = (lb_key){.hash = lb_hash(e->be[be], key, (size_t)len), .has = 1};
    return 0;
}

/* --- limits --- */

int eng_flow_bwlim(engine *e, int tid, uint64_t flow_, uint64_t gen, int response, uint64_t id, uint32_t limit,
                   uint32_t period, uint32_t least)
{
    flow *f = flow_of(e, tid, flow_, gen);
    bwlim values = {.id = id, .limit = limit, .period = period, .least = least};

    if (!f)
        return -ESTALE;
    return bwlim_set(response ? &f->res.limits : &f->req.limits, f->t->now_ms, e->conf.bufsize, &values);
}

int eng_flow_bwlim_shared(engine *e, int tid, uint64_t flow_, uint64_t gen, int response, uint64_t id, uint32_t limit,
                          uint32_t least, stk_table *table, const char *key, int len)
{
    flow *f = flow_of(e, tid, flow_, gen);
    int type = response ? STK_BYTES_OUT_RATE : STK_BYTES_IN_RATE, ret;
    const stk_conf *conf = stk_conf_of(table);
    bwlim values = {.kind = BWLIM_SHARED, .id = id, .limit = limit, .period = conf->period[type], .least = least,
                    .table = table, .type = (uint8_t)type};

    if (!f)
        return -ESTALE;
    if (!conf->count[type] || len < 0)
        return -EINVAL;
    values.entry = stk_set(table, key, (uint32_t)len, f->t->now_ms, NULL);
    if (!values.entry)
        return 0;
    ret = bwlim_set(response ? &f->res.limits : &f->req.limits, f->t->now_ms, e->conf.bufsize, &values);
    return ret < 0 ? ret : 1;
}

int eng_flow_tap(engine *e, int tid, uint64_t flow_, uint64_t gen, int response, uint64_t id, int keep, int random)
{
    flow *f = flow_of(e, tid, flow_, gen);
    bwlim values = {.kind = BWLIM_TAP, .id = id, .keep = !!keep, .random = !!random};

    if (!f)
        return -ESTALE;
    values.dice = (uint32_t)f->uniq | 1;
    return bwlim_set(response ? &f->res.limits : &f->req.limits, f->t->now_ms, e->conf.bufsize, &values);
}

/* --- what it costs --- */

int eng_flow_cost(engine *e, int tid, uint64_t flow_, uint64_t gen, lb_cost *out)
{
    flow *f = flow_of(e, tid, flow_, gen);

    if (!f)
        return -ESTALE;
    flow_cost(f, out);
    return 0;
}

uint64_t eng_flow_events(engine *e, int tid, uint64_t flow_, uint64_t gen)
{
    const flow *f = flow_of(e, tid, flow_, gen);

    return f ? f->events : 0;
}

int eng_flow_spent(engine *e, int tid, uint64_t flow_, uint64_t gen, uint64_t ns)
{
    flow *f = flow_of(e, tid, flow_, gen);

    if (!f)
        return -ESTALE;
    f->asked->cpu_ns += ns;
    return 0;
}

/* --- addresses --- */

/* Whether what is set holds for the whole connection. */
static int is_of_connection(const asked *q)
{
    return q->kind == ASK_CONN || q->kind == ASK_SESSION;
}

static void set_src(flow *f, const ask_addr *to)
{
    asked *q = f->asked;
    conn *c = f->f;

    if (!is_of_connection(q) && !(q->moved & 1)) {
        q->was[0] = (ask_addr){.port = c->port, .family = c->family};
        memcpy(q->was[0].addr, c->addr, sizeof(c->addr));
        q->moved |= 1;
    }
    memcpy(c->addr, to->addr, sizeof(c->addr));
    c->port = to->port;
    c->family = to->family;
}

static void set_dst(flow *f, const ask_addr *to)
{
    asked *q = f->asked;

    if (!is_of_connection(q) && !(q->moved & 2)) {
        q->was[1] = q->dst;
        q->had_dst = q->has_dst;
        q->moved |= 2;
    }
    q->dst = *to;
    q->has_dst = 1;
}

int eng_flow_addr(engine *e, int tid, uint64_t flow_, uint64_t gen, int dst, int family, int port, const uint8_t *addr16)
{
    flow *f = flow_of(e, tid, flow_, gen);
    ask_addr to = {.port = (uint16_t)port, .family = (uint8_t)family};

    if (!f)
        return -ESTALE;
    if ((family != AF_INET && family != AF_INET6) || port < 0 || port > 65535)
        return -EINVAL;
    memcpy(to.addr, addr16, family == AF_INET ? 4 : 16);
    if (dst)
        set_dst(f, &to);
    else
        set_src(f, &to);
    return 0;
}

/* --- the kernel's view --- */

static int fd_of(const flow *f, int back)
{
    const conn *c = back ? f->b : f->f;

    return c ? c->fd : -1;
}

int eng_flow_name(engine *e, int tid, uint64_t flow_, uint64_t gen, int back, int peer, uint32_t *family, uint32_t *port,
                  uint8_t *addr16)
{
    const flow *f = flow_of(e, tid, flow_, gen);
    sock_addr a;
    int fd, ret;

    if (!f)
        return -ESTALE;
    fd = fd_of(f, back);
    if (fd < 0)
        return -ENOTCONN;
    ret = peer ? sock_peer(fd, &a) : sock_name(fd, &a);
    if (ret < 0)
        return ret;
    *family = (uint32_t)sock_addr_family(&a);
    *port = (uint32_t)sock_addr_port(&a);
    memset(addr16, 0, 16);
    if (*family != AF_UNIX)
        sock_addr_host(&a, (char *)addr16, 16);
    return 0;
}

int eng_flow_tlvs(engine *e, int tid, uint64_t flow_, uint64_t gen, char *to, int len)
{
    const flow *f = flow_of(e, tid, flow_, gen);
    int n;

    if (!f)
        return -ESTALE;
    n = (int)f->asked->ntlvs;
    if (n && len > 0)
        memcpy(to, f->asked->tlvs, (size_t)(n < len ? n : len));
    return n;
}

int eng_flow_tell(engine *e, int tid, uint64_t flow_, uint64_t gen, int tell, int before, const char *tlvs, int len)
{
    flow *f = flow_of(e, tid, flow_, gen);
    asked *q = f ? f->asked : NULL;
    tell_head head = {(uint32_t)tell, (uint32_t)before, (uint32_t)len};
    char *grown;

    if (!f)
        return -ESTALE;
    if (tell <= 0 || before < 0 || len < before)
        return -EINVAL;
    grown = realloc(q->tell, q->ntell + sizeof(head) + (size_t)len);
    if (!grown)
        return -ENOMEM;
    q->tell = grown;
    memcpy(grown + q->ntell, &head, sizeof(head));
    if (len)
        memcpy(grown + q->ntell + sizeof(head), tlvs, (size_t)len);
    q->ntell += (uint32_t)sizeof(head) + (uint32_t)len;
    return 0;
}

int eng_flow_tcpinfo(engine *e, int tid, uint64_t flow_, uint64_t gen, int back, void *to, int len)
{
    const flow *f = flow_of(e, tid, flow_, gen);
    socklen_t n = (socklen_t)len;
    int fd;

    if (!f)
        return -ESTALE;
    fd = fd_of(f, back);
    if (fd < 0)
        return -ENOTCONN;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, to, &n) < 0)
        return -errno;
    return (int)n;
}

/* --- interim responses --- */

int eng_flow_interim(engine *e, int tid, uint64_t flow_, uint64_t gen, const char *head, int len)
{
    flow *f = flow_of(e, tid, flow_, gen);
    h1_head *h;
    int n;

    if (!f)
        return -ESTALE;
    if (f->kind != FLOW_EXCHANGE || f->asked->kind != ASK_REQUEST || f->asked->state != Q_ASKED || len < 0)
        return -EINVAL;
    h = &f->t->head;
    h1_response_init(h, H1_MAX_HDR);
    if (h1_scan(h, head, (uint32_t)len) != 1 || h->len != (uint32_t)len || h->status > 199 || h->status < 102)
        return -EINVAL;
    if (f->flags & FL_REQ10)
        return 0;
    n = msg_response(f, h, head, f->t->compose, f->t->compose_size);
    if (n < 0)
        return -EINVAL;

    struct iovec v = {f->t->compose, n};

    if (chan_send(f, &f->res, f->f, &v, 1, 0) == MOVE_ERR_OUT)
        f->f->flags |= CO_F_ERR; /* seen with the verdict */
    return 1;
}

/* --- counters --- */

static lb_counters *counters_of(engine *e, int tid, int side, uint32_t i)
{
    px_shard *s = NULL;

    if (side == 0 && i < e->nfe)
        s = e->fe[i]->shard;
    else if (side == 1 && i < e->nbe)
        s = e->be[i]->shard;
    else if (side == 2 && i < e->nsrv)
        s = e->srv[i]->shard;
    else if (side == 3 && i < e->nlsn)
        s = e->lsn[i]->shard;
    return s ? &s[tid].c : NULL;
}

static uint64_t *counter_of(lb_counters *c, int what)
{
    switch (what) {
    case CNT_DENIED_CONN:
        return &c->denied_conn;
    case CNT_DENIED_SESS:
        return &c->denied_sess;
    case CNT_DENIED_REQ:
        return &c->denied_req;
    case CNT_DENIED_RESP:
        return &c->denied_resp;
    case CNT_FAILED_REQ:
        return &c->failed_req;
    case CNT_FAILED_RESP:
        return &c->failed_resp;
    case CNT_INTERNAL_ERRORS:
        return &c->internal_errors;
    case CNT_FAILED_REWRITES:
        return &c->failed_rewrites;
    case CNT_INTERCEPTED_REQ:
        return &c->intercepted_req;
    default:
        return NULL;
    }
}

int eng_count(engine *e, int tid, int side, int i, int what)
{
    lb_counters *c = counters_of(e, tid, side, (uint32_t)i);
    uint64_t *n = c ? counter_of(c, what) : NULL;

    /* a listener counts by itself only with "socket-stats" */
    if (!c && side == 3 && i >= 0 && (uint32_t)i < e->nlsn)
        return 0;
    if (!n)
        return -EINVAL;
    cnt_inc(*n);
    return 0;
}

/* --- what is tracked --- */

/* What is counted on an entry besides its connections: the message because of which it is tracked. */
static uint32_t occasion(const flow *f)
{
    const asked *q = f->asked;

    if (q->kind == ASK_CONN || f->kind != FLOW_EXCHANGE || (q->kind == ASK_REQUEST && q->uncounted))
        return 0;
    return TRACK_REQ | (q->kind == ASK_RESPONSE ? track_blame(f, q->status) : 0);
}

int eng_flow_track(engine *e, int tid, uint64_t flow_, uint64_t gen, int slot, stk_table *t, const char *key, int len)
{
    flow *f = flow_of(e, tid, flow_, gen);

    if (!f)
        return -ESTALE;
    return track_begin(f, (uint32_t)slot, f->asked->kind == ASK_CONN, t, key, (uint32_t)len, occasion(f));
}

int eng_flow_request(engine *e, int tid, uint64_t flow_, uint64_t gen)
{
    flow *f = flow_of(e, tid, flow_, gen);

    if (!f)
        return -ESTALE;
    if (f->asked->uncounted)
        exch_count(f);
    f->asked->uncounted = 0;
    return 0;
}

int eng_flow_tracked(engine *e, int tid, uint64_t flow_, uint64_t gen, int slot, const stk_table *t)
{
    const flow *f = flow_of(e, tid, flow_, gen);
    const track_slot *s = f ? track_at(f, (uint32_t)slot) : NULL;

    if (!f)
        return -ESTALE;
    return s && s->table == t ? (int)s->entry : 0;
}

uint64_t eng_flow_figure(engine *e, int tid, uint64_t flow_, uint64_t gen, int slot, int type, uint32_t element)
{
    const flow *f = flow_of(e, tid, flow_, gen);
    uint64_t v;

    return f && track_figure(f, (uint32_t)slot, (uint32_t)type, element, &v) ? v : ENG_NO_FIGURE;
}

/* --- bodies --- */

int eng_flow_body(engine *e, int tid, uint64_t flow_, uint64_t gen, char *to, uint32_t room)
{
    const flow *f = flow_of(e, tid, flow_, gen);
    const asked *q = f ? f->asked : NULL;

    if (!f)
        return -ESTALE;
    if (f->kind != FLOW_EXCHANGE || (q->kind != ASK_REQUEST && q->kind != ASK_RESPONSE))
        return 0;
    if (room && room >= q->known)
        ask_copy_body(to, q, q->kind == ASK_REQUEST ? &f->req : &f->res, q->kind == ASK_REQUEST ? f->head_len : q->head_len);
    return (int)q->known;
}
