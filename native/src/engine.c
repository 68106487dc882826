#include "engine.h"
#include "ports.h"
#include "flow.h"
#include <fcntl.h>
#include <unistd.h>

#define LINE_MAX_DEFAULT 1023 /* HAProxy's default of 1024 has room for a NUL */

/* --- life --- */

static int valid(const eng_conf *c)
{
    return c->nbthread >= 1 && c->nbthread <= 64 && c->bufsize >= 1024 && c->bufsize <= THR_SCRATCH / 2 &&
           c->maxrewrite < c->bufsize && c->maxhdr >= 1 && c->maxhdr <= H1_MAX_HDR && c->maxaccept >= 1 && c->maxfd >= 16 &&
           c->stick_counters <= 100;
}

engine *eng_new(const eng_conf *conf)
{
    engine *e;

    if (!valid(conf) || !(e = calloc(1, sizeof(*e))))
        return NULL;
    e->conf = *conf;
    if (!e->conf.line_max)
        e->conf.line_max = LINE_MAX_DEFAULT;
    e->locks = lockset_new(0);
    e->threads = aligned_alloc(LB_CACHELINE, ((sizeof(thr) * conf->nbthread + LB_CACHELINE - 1) & ~(size_t)(LB_CACHELINE - 1)));
    if (e->threads)
        memset(e->threads, 0, sizeof(thr) * conf->nbthread);
    if (!e->locks || !e->threads)
        goto fail;
    lockset_enable(e->locks, (int)conf->lock_flags);
    spin_init(&e->lqueue, e->locks, LBL_LQUEUE);
    e->tasks = tasksched_new((int)conf->nbthread, e->locks, eng_wake_thread, e);
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

/* An array that grows while others read it: who has an old one may go on reading, it is freed with the engine. Two words
 * stand before its items: the array before it, and how many items fit. */
enum { LIST_OLDER = -2, LIST_FITS = -1, LIST_WORDS = 2 };

static int list_grow(void ***list, uint32_t n)
{
    uint32_t fits = n ? n * 2 : 1;
    void **bigger = malloc((fits + LIST_WORDS) * sizeof(void *));

    if (!bigger)
        return -ENOMEM;
    bigger += LIST_WORDS;
    bigger[LIST_OLDER] = *list;
    bigger[LIST_FITS] = (void *)(uintptr_t)fits;
    if (n)
        memcpy(bigger, *list, n * sizeof(void *));
    at_store(list, bigger);
    return 0;
}

static void list_free(void *list)
{
    void **at = list;

    while (at) {
        void **older = at[LIST_OLDER];

        free(at - LIST_WORDS);
        at = older;
    }
}

/* Appends <obj> to the array *<list> of *<n> pointers; its index, or -ENOMEM. */
static int append(void ***list, uint32_t *n, void *obj)
{
    if ((!*list || *n == (uintptr_t)(*list)[LIST_FITS]) && list_grow(list, *n) < 0)
        return -ENOMEM;
    (*list)[*n] = obj;
    at_store(n, *n + 1);
    return (int)*n - 1;
}

/* What it was given besides its configuration. */
static void free_extras(server *s)
{
    free(s->names);
    ports_unref(s->ports);
    s->names = NULL;
    s->ports = NULL;
}

static void server_free(server *s)
{
    free(s->shard);
    free_extras(s);
    free(s->idle);
    free(s->name);
    free(s->redir);
    free(s);
}

static void free_limits(fe_limit *l)
{
    while (l) {
        fe_limit *before = l->before;

        free(l);
        l = before;
    }
}

static void free_proxies(engine *e)
{
    for (uint32_t i = 0; i < e->nfe; i++) {
        err_pages_free(&e->fe[i]->errors);
        free_limits(e->fe[i]->limit);
        log_format_free(e->fe[i]->log);
        free(e->fe[i]->snap);
        free(e->fe[i]->shard);
        free(e->fe[i]);
    }
    for (uint32_t i = 0; i < e->nsrv; i++)
        server_free(e->srv[i]);
    for (uint32_t i = 0; i < e->nbe; i++) {
        lb_free(e->be[i]);
        err_pages_free(&e->be[i]->errors);
        free(e->be[i]->name);
        free(e->be[i]->snap);
        free(e->be[i]->shard);
        list_free(e->be[i]->srv);
        free(e->be[i]);
    }
    for (uint32_t i = 0; i < e->nlsn; i++) {
        listener_close_fd(e->lsn[i]);
        free(e->lsn[i]->shard);
        free(e->lsn[i]);
    }
    list_free(e->fe);
    list_free(e->srv);
    list_free(e->be);
    list_free(e->lsn);
}

typedef struct eng_ns {
    struct eng_ns *next;
    int fd;
    char path[];
} eng_ns;

int eng_namespace(engine *e, const char *path)
{
    size_t size = strlen(path) + 1;
    eng_ns *ns;

    for (ns = e->namespaces; ns; ns = ns->next)
        if (!strcmp(ns->path, path))
            return ns->fd;
    ns = malloc(sizeof(*ns) + size);
    if (!ns)
        return -ENOMEM;
    memcpy(ns->path, path, size);
    ns->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (ns->fd < 0) {
        int ret = -errno;

        free(ns);
        return ret;
    }
    ns->next = e->namespaces;
    e->namespaces = ns;
    return ns->fd;
}

static void namespaces_free(engine *e)
{
    while (e->namespaces) {
        eng_ns *ns = e->namespaces;

        e->namespaces = ns->next;
        close(ns->fd);
        free(ns);
    }
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
    err_pages_free(&e->errors);
    case_free(&e->cases);
    namespaces_free(e);
    if (e->tasks)
        tasksched_free(e->tasks);
    if (e->fds.ent)
        fdtab_fini(&e->fds);
    free(e->threads);
    lockset_free(e->locks);
    free(e);
}

/* --- objects --- */

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

/* Copies <len> bytes that may stand in a header to *<to>. */
static int set_text(char **to, uint32_t *to_len, const char *text, int len)
{
    char *copy;

    if (len < 1)
        return -EINVAL;
    for (int at = 0; at < len; at++)
        if (!h1_is(text[at], H1_C_VALUE))
            return -EINVAL;
    copy = malloc((size_t)len);
    if (!copy)
        return -ENOMEM;
    memcpy(copy, text, (size_t)len);
    free(*to);
    *to = copy;
    *to_len = (uint32_t)len;
    return 0;
}

int eng_srv_name(engine *e, int i, const char *name, int len)
{
    if (i < 0 || (uint32_t)i >= e->nsrv)
        return -EINVAL;
    return set_text(&e->srv[i]->name, &e->srv[i]->name_len, name, len);
}

int eng_be_name(engine *e, int i, const char *name, int len)
{
    if (i < 0 || (uint32_t)i >= e->nbe)
        return -EINVAL;
    return set_text(&e->be[i]->name, &e->be[i]->name_len, name, len);
}

int eng_srv_redir(engine *e, int i, const char *prefix, int len)
{
    if (i < 0 || (uint32_t)i >= e->nsrv)
        return -EINVAL;
    return set_text(&e->srv[i]->redir, &e->srv[i]->redir_len, prefix, len);
}

int eng_srv_named(engine *e, int i, uint32_t tell)
{
    server *s = i >= 0 && (uint32_t)i < e->nsrv ? e->srv[i] : NULL;
    uint32_t n = e->conf.nbthread;

    if (!s || !tell || s->names)
        return -EINVAL;
    s->names = calloc((size_t)n * IDLE_NAMES, sizeof(*s->names));
    if (!s->names)
        return -ENOMEM;
    for (uint32_t tid = 0; tid < n; tid++)
        s->idle[tid].named = s->names + (size_t)tid * IDLE_NAMES;
    s->conf.name_tell = tell;
    return 0;
}

int eng_srv_ports(engine *e, int i, uint32_t low, uint32_t high)
{
    server *s = i >= 0 && (uint32_t)i < e->nsrv ? e->srv[i] : NULL;

    if (!s || s->ports || !low || low >= high || high > 65535)
        return -EINVAL;
    s->ports = ports_new(low, high);
    return s->ports ? 0 : -ENOMEM;
}

int eng_case_add(engine *e, const char *name, int len)
{
    return len < 1 ? -EINVAL : case_add(&e->cases, name, (uint32_t)len);
}

int eng_blame(engine *e, int status, uint32_t blame)
{
    if (status < 100 || status >= ENG_STATUSES || blame & ~(BLAME_ERR | BLAME_FAIL))
        return -EINVAL;
    e->blame[status] = (uint8_t)blame;
    return 0;
}

static server *server_new(engine *e)
{
    size_t idle_size = e->conf.nbthread * sizeof(idle_list);
    server *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    s->shard = shards_new(e);
    s->idle = aligned_alloc(LB_CACHELINE, idle_size);
    if (!s->shard || !s->idle) {
        server_free(s);
        return NULL;
    }
    memset(s->idle, 0, idle_size);
    for (uint32_t i = 0; i < e->conf.nbthread; i++)
        spin_init(&s->idle[i].lock, e->locks, LBL_IDLE);
    return s;
}

static void server_reset(engine *e, server *s)
{
    free_extras(s);
    free(s->name);
    free(s->redir);
    s->name = s->redir = NULL;
    s->name_len = s->redir_len = 0;
    memset(&s->conf, 0, sizeof(s->conf));
    memset(&s->live, 0, sizeof(s->live));
    memset(s->shard, 0, e->conf.nbthread * sizeof(*s->shard));
    for (uint32_t tid = 0; tid < e->conf.nbthread; tid++)
        s->idle[tid].named = NULL;
    memset(&s->seat, 0, sizeof(s->seat));
    s->removed = s->lb_full = 0;
    s->fast = 1;
    s->conf.weight = 1;
    s->conf.pool_max = s->conf.max_reuse = -1;
}

/* Puts <s> at the end of its backend's servers, as if it had just been made. 0 or -ENOMEM. */
static int server_join(engine *e, server *s, backend *be)
{
    server_reset(e, s);
    s->be = be;
    s->rank = be->nsrv;
    s->conf.id = s->rank + 1;
    if (append((void ***)&be->srv, &be->nsrv, s) < 0)
        return -ENOMEM;
    if (!be->lb_algo || lb_rebuild(be) == 0) /* before eng_ready() nothing was built */
        return 0;
    be->nsrv--;
    return -ENOMEM;
}

int eng_server_add(engine *e, int backend_index)
{
    server *s;

    if (backend_index < 0 || (uint32_t)backend_index >= e->nbe)
        return -EINVAL;
    s = server_new(e);
    if (!s)
        return -ENOMEM;
    s->index = e->nsrv;
    if (server_join(e, s, e->be[backend_index]) < 0) {
        server_free(s);
        return -ENOMEM;
    }
    if (append((void ***)&e->srv, &e->nsrv, s) < 0) {
        e->be[backend_index]->nsrv--;
        server_free(s);
        return -ENOMEM;
    }
    return (int)s->index;
}

int eng_aside_add(engine *e, int backend_index)
{
    backend *be = backend_index >= 0 && (uint32_t)backend_index < e->nbe ? e->be[backend_index] : NULL;
    server *s = be && !be->aside ? server_new(e) : NULL;

    if (!s)
        return be && !be->aside ? -ENOMEM : -EINVAL;
    s->index = e->nsrv;
    server_reset(e, s);
    s->be = be;
    s->aside = 1;
    if (append((void ***)&e->srv, &e->nsrv, s) < 0) {
        server_free(s);
        return -ENOMEM;
    }
    be->aside = s;
    return (int)s->index;
}

int eng_server_again(engine *e, int i)
{
    server *s = i >= 0 && (uint32_t)i < e->nsrv ? e->srv[i] : NULL;

    if (!s || !s->removed)
        return -EINVAL;
    return server_join(e, s, s->be);
}

static int is_used(const server *s)
{
    return at_load(&s->live.up) || at_load(&s->live.cur) || at_load(&s->live.served) || at_load(&s->live.used) ||
           at_load(&s->live.idle) || at_load(&s->live.queued) || at_load(&s->live.conns);
}

int eng_server_del(engine *e, int i)
{
    server *s = i >= 0 && (uint32_t)i < e->nsrv ? e->srv[i] : NULL;
    backend *be;

    if (!s || s->removed || s->aside || is_used(s))
        return -EBUSY;
    be = s->be;
    for (uint32_t at = s->rank + 1; at < be->nsrv; at++) {
        be->srv[at - 1] = be->srv[at];
        be->srv[at - 1]->rank = at - 1;
    }
    be->nsrv--;
    s->removed = 1;
    return lb_rebuild(be);
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
        sock_lowat(fd, e->conf.lowat_client);
    }
    ret = append((void ***)&e->lsn, &e->nlsn, l);
    if (ret < 0) {
        free(l->shard);
        free(l);
    }
    return ret;
}

int eng_listener_expect(engine *e, int i, int headers, uint32_t magic)
{
    if (i < 0 || (uint32_t)i >= e->nlsn || headers & ~(LSN_EXPECT_PROXY | LSN_EXPECT_CIP))
        return -EINVAL;
    e->lsn[i]->expects = (uint8_t)headers;
    e->lsn[i]->cip_magic = magic;
    return 0;
}

int eng_listener_nice(engine *e, int i, int nice)
{
    if (i < 0 || (uint32_t)i >= e->nlsn || nice < -1024 || nice > 1024)
        return -EINVAL;
    e->lsn[i]->nice = (int16_t)nice;
    return 0;
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

int eng_fe_limit(engine *e, int i, const px_limit *limit, const int64_t *ranges, int n)
{
    fe_limit *l;

    if (i < 0 || (uint32_t)i >= e->nfe || n < 0 || limit->slot >= e->conf.stick_counters)
        return -EINVAL;
    l = malloc(sizeof(*l) + (size_t)n * sizeof(l->range[0]));
    if (!l)
        return -ENOMEM;
    l->l = *limit;
    l->nranges = (uint32_t)n;
    if (n)
        memcpy(l->range, ranges, (size_t)n * sizeof(l->range[0]));
    l->before = e->fe[i]->limit;
    at_store(&e->fe[i]->limit, l);
    return 0;
}
