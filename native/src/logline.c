/* Lines are rendered once, and copied behind the header of each target into the thread's area. */
#include "logline.h"

#include <arpa/inet.h>

#include "engine.h"
#include "flow.h"

#define AREA 65536 /* bytes of lines that wait for the end of the turn */
#define WAITING 64 /* lines that do */

struct log_format {
    log_piece *piece[2]; /* [1]: of streams whose request was not read */
    uint32_t npieces[2];
    log_target target[LOG_TARGETS];
    uint32_t ntargets;
    log_capture *capture;
    uint32_t ncaptures;
    char *texts;
};

struct log_area {
    uint32_t n, used;
    struct {
        int fd; /* -1: it was sent, or dropped */
        uint32_t at, len;
    } line[WAITING];
    char bytes[AREA];
};

/* --- formats --- */

void log_format_free(log_format *l)
{
    if (!l)
        return;
    free(l->piece[0]);
    free(l->piece[1]);
    free(l->capture);
    free(l->texts);
    free(l);
}

static void *copied(const void *from, size_t n)
{
    void *p = malloc(n ? n : 1);

    if (p && n)
        memcpy(p, from, n);
    return p;
}

static int lies_within(uint32_t at, uint32_t len, size_t size)
{
    return at <= size && len <= size - at;
}

static int is_good(const log_piece *p, uint32_t n, uint32_t ntexts)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t len = p[i].len;

        switch (p[i].kind) {
        case LOG_TEXT:
        case LOG_BACKEND:
            if (!lies_within(p[i].at, len, ntexts))
                return 0;
            continue;
        case LOG_I32:
        case LOG_U32:
        case LOG_PLUS:
            len = 4;
            break;
        case LOG_U64:
        case LOG_DATE:
        case LOG_MS:
            len = 8;
            break;
        }
        if (p[i].kind >= LOG_KINDS || !lies_within(p[i].at, len, sizeof(lb_rec)))
            return 0;
    }
    return 1;
}

static int conf_is_good(const log_conf *c)
{
    if (!c->ntargets || c->ntargets > LOG_TARGETS || !is_good(c->read, c->nread, c->ntexts) ||
        !is_good(c->unread, c->nunread, c->ntexts))
        return 0;
    for (uint32_t i = 0; i < c->ntargets; i++) {
        const log_target *to = &c->targets[i];

        if (to->fd < 0 || !to->maxlen || to->maxlen > LOG_LINE_MAX ||
            !lies_within(to->before, to->before_len, c->ntexts) || !lies_within(to->after, to->after_len, c->ntexts))
            return 0;
    }
    for (uint32_t i = 0; i < c->ncaptures; i++)
        if (!lies_within(c->captures[i].at, c->captures[i].len, c->ntexts))
            return 0;
    return 1;
}

int eng_fe_log(engine *e, int fe, const log_conf *c)
{
    log_format *l, *none = NULL;

    if (fe < 0 || (uint32_t)fe >= e->nfe || !conf_is_good(c))
        return -EINVAL;
    l = calloc(1, sizeof(*l));
    if (!l)
        return -ENOMEM;
    l->piece[0] = copied(c->read, c->nread * sizeof(log_piece));
    l->piece[1] = copied(c->unread, c->nunread * sizeof(log_piece));
    l->capture = copied(c->captures, c->ncaptures * sizeof(log_capture));
    l->texts = copied(c->texts, c->ntexts);
    if (!l->piece[0] || !l->piece[1] || !l->capture || !l->texts) {
        log_format_free(l);
        return -ENOMEM;
    }
    l->npieces[0] = c->nread;
    l->npieces[1] = c->nunread;
    l->ncaptures = c->ncaptures;
    l->ntargets = c->ntargets;
    memcpy(l->target, c->targets, c->ntargets * sizeof(log_target));
    if (!at_cas(&e->fe[fe]->log, &none, l)) {
        log_format_free(l);
        return -EBUSY;
    }
    return 0;
}

/* --- writing --- */

typedef struct writer {
    char *p, *end;
} writer;

static void put(writer *w, const char *from, size_t n)
{
    if (n > (size_t)(w->end - w->p))
        n = (size_t)(w->end - w->p);
    if (!n)
        return; /* <from> may be nowhere */
    memcpy(w->p, from, n);
    w->p += n;
}

static void put_number(writer *w, uint64_t v)
{
    char room[20], *p = room + sizeof(room);

    do
        *--p = (char)('0' + v % 10);
    while (v /= 10);
    put(w, p, (size_t)(room + sizeof(room) - p));
}

static void put_signed(writer *w, int64_t v)
{
    if (v < 0)
        put(w, "-", 1);
    put_number(w, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

static void put_digits(writer *w, uint32_t v, int n)
{
    char room[4];

    for (int i = n; i-- > 0; v /= 10)
        room[i] = (char)('0' + v % 10);
    put(w, room, (size_t)n);
}

static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

static void put_clock(writer *w, const struct tm *at)
{
    put_digits(w, (uint32_t)at->tm_hour, 2);
    put(w, ":", 1);
    put_digits(w, (uint32_t)at->tm_min, 2);
    put(w, ":", 1);
    put_digits(w, (uint32_t)at->tm_sec, 2);
}

static struct tm local_time(uint64_t sec)
{
    time_t at = (time_t)sec;
    struct tm found;

    memset(&found, 0, sizeof(found));
    localtime_r(&at, &found);
    return found;
}

/* The dates of a second, as records and headers have them; the last few seconds are remembered. */
static const log_date *date_of(thr *t, uint64_t sec)
{
    log_date *d = &t->dates[sec % LOG_DATES];
    struct tm at;
    writer w;

    if (d->sec == sec)
        return d;
    at = local_time(sec);
    w = (writer){d->date, d->date + sizeof(d->date)};
    put_digits(&w, (uint32_t)at.tm_mday, 2);
    put(&w, "/", 1);
    put(&w, months[at.tm_mon], 3);
    put(&w, "/", 1);
    put_digits(&w, (uint32_t)at.tm_year + 1900, 4);
    put(&w, ":", 1);
    put_clock(&w, &at);
    w = (writer){d->stamp, d->stamp + sizeof(d->stamp)};
    put(&w, months[at.tm_mon], 3);
    put(&w, at.tm_mday < 10 ? "  " : " ", at.tm_mday < 10 ? 2 : 1);
    put_number(&w, (uint32_t)at.tm_mday);
    put(&w, " ", 1);
    put_clock(&w, &at);
    d->sec = sec;
    return d;
}

/* What is not printable, and the <marks>, as "#" and two digits. */
static void put_escaped(writer *w, const char *s, size_t n, const char *marks)
{
    static const char hex[] = "0123456789ABCDEF";
    const char *from = s, *end = s + n;

    for (; s < end; s++) {
        unsigned char c = (unsigned char)*s;
        char room[3] = {'#', hex[c >> 4], hex[c & 15]};

        if (c >= ' ' && c <= '~' && !strchr(marks, c))
            continue;
        put(w, from, (size_t)(s - from));
        put(w, room, 3);
        from = s + 1;
    }
    put(w, from, (size_t)(s - from));
}

static void put_address(writer *w, const lb_rec *r)
{
    char room[INET6_ADDRSTRLEN];

    if (r->family == AF_INET) {
        for (int i = 0; i < 4; i++) {
            put(w, ".", i > 0);
            put_number(w, r->saddr[i]);
        }
    } else if (r->family == AF_INET6 && inet_ntop(AF_INET6, r->saddr, room, sizeof(room))) {
        put(w, room, strlen(room));
    } else {
        put(w, "unix", 4);
    }
}

/* Request lines and captured fields lie in one buffer. */
static void put_piece(writer *w, flow *f, const lb_rec *r, const log_format *l, const log_piece *p)
{
    const char *at = (const char *)r + p->at;
    const char *line = buf_data(&f->uri);
    uint32_t nline = f->uri.len - f->captured;
    uint64_t us;

    switch (p->kind) {
    case LOG_TEXT:
        put(w, l->texts + p->at, p->len);
        break;
    case LOG_I32:
        put_signed(w, *(const int32_t *)at);
        break;
    case LOG_U32:
        put_number(w, *(const uint32_t *)at);
        break;
    case LOG_U64:
        put_number(w, *(const uint64_t *)at);
        break;
    case LOG_PLUS:
        put(w, "+", *(const uint32_t *)at != 0);
        break;
    case LOG_CHARS:
        put(w, at, strnlen(at, p->len));
        break;
    case LOG_DATE:
        us = *(const uint64_t *)at;
        put(w, date_of(f->t, us / 1000000)->date, LOG_DATE_LEN);
        break;
    case LOG_MS:
        put_digits(w, (uint32_t)(*(const uint64_t *)at / 1000 % 1000), 3);
        break;
    case LOG_SOURCE:
        put_address(w, r);
        break;
    case LOG_PORT:
        put_number(w, r->sport);
        break;
    case LOG_BACKEND:
        put(w, f->be ? f->be->name : l->texts + p->at, f->be ? f->be->name_len : p->len);
        break;
    case LOG_SERVER:
        put(w, r->server >= 0 ? f->srv->name : "<NOSRV>", r->server >= 0 ? f->srv->name_len : 7);
        break;
    case LOG_LINE:
        if (nline)
            put_escaped(w, line, nline, "\"#");
        else
            put(w, "<BADREQ>", 8);
        break;
    case LOG_CAPTURES:
        put(w, line + nline, f->captured);
        break;
    }
}

static void put_field(writer *w, const char *s, const h1_hdr *d, uint32_t most)
{
    put_escaped(w, s + d->value, d->value_len < most ? d->value_len : most, "\"#{|}");
}

void log_capture_fields(flow *f, const h1_head *h, const char *s)
{
    const log_format *l = at_load(&f->fe->log);
    char room[LOG_LINE_MAX];
    writer w = {room, room + sizeof(room) - 1};

    if (!l || !l->ncaptures)
        return;
    put(&w, "{", 1);
    for (uint32_t i = 0; i < l->ncaptures; i++) {
        const log_capture *c = &l->capture[i];
        int found = -1;

        for (int at; (at = h1_find(h, s, l->texts + c->at, c->len, (uint32_t)(found + 1))) >= 0;)
            found = at;
        if (found >= 0)
            put_field(&w, s, &h->hdr[found], c->most);
        if (i + 1 < l->ncaptures)
            put(&w, "|", 1);
    }
    w.end++;
    put(&w, "}", 1);
    f->captured = (uint32_t)(w.p - room);
    if (buf_append(&f->t->bufs, &f->uri, room, f->captured) < 0)
        f->captured = 0;
}

/* --- sending --- */

static void drop(engine *e, uint32_t n)
{
    at_add(&e->live.dropped_logs, n);
}

/* Those that wait for the socket of line <first>, in one call; how many lines of it are dealt with. */
static void send_lines(thr *t, log_area *a, uint32_t first)
{
    struct mmsghdr msgs[WAITING];
    struct iovec v[WAITING];
    int fd = a->line[first].fd, n = 0, done = 0, again = 1;

    memset(msgs, 0, sizeof(msgs));
    for (uint32_t i = first; i < a->n; i++) {
        if (a->line[i].fd != fd)
            continue;
        v[n] = (struct iovec){a->bytes + a->line[i].at, a->line[i].len};
        msgs[n].msg_hdr.msg_iov = &v[n];
        msgs[n++].msg_hdr.msg_iovlen = 1;
        a->line[i].fd = -1;
    }
    while (done < n) {
        int ret = sendmmsg(fd, msgs + done, (unsigned)(n - done), MSG_DONTWAIT | MSG_NOSIGNAL);

        if (ret > 0) {
            done += ret;
            again = 1;
        } else if ((errno == ECONNREFUSED || errno == EINTR) && again) {
            again = 0; /* that was about the datagram before; this one was not sent */
        } else if (errno == EAGAIN || errno == ENOBUFS) {
            drop(t->eng, (uint32_t)(n - done));
            return;
        } else {
            drop(t->eng, 1);
            done++;
            again = 1;
        }
    }
}

void log_flush(thr *t)
{
    log_area *a = t->lines;

    if (!a || !a->n)
        return;
    for (uint32_t i = 0; i < a->n; i++)
        if (a->line[i].fd >= 0)
            send_lines(t, a, i);
    a->n = a->used = 0;
}

static void queue(thr *t, const log_format *l, const log_target *to, const char *text, size_t n)
{
    log_area *a = t->lines;
    writer w;

    if (a->n == WAITING || AREA - a->used < LOG_LINE_MAX)
        log_flush(t);
    w = (writer){a->bytes + a->used, a->bytes + a->used + to->maxlen - 1};
    put(&w, l->texts + to->before, to->before_len);
    if (to->dated) {
        put(&w, date_of(t, t->now_sec)->stamp, LOG_STAMP_LEN);
        put(&w, l->texts + to->after, to->after_len);
    }
    put(&w, text, n);
    *w.p++ = '\n';
    a->line[a->n].fd = to->fd;
    a->line[a->n].at = a->used;
    a->line[a->n].len = (uint32_t)(w.p - a->bytes) - a->used;
    a->used += a->line[a->n++].len;
}

int log_write(flow *f, const lb_rec *r)
{
    const log_format *l = at_load(&f->fe->log);
    char text[LOG_LINE_MAX];
    writer w = {text, text + sizeof(text)};
    thr *t = f->t;
    int unread;

    if (!l || (r->flags & (REC_LOG | REC_TELL | REC_EMBRYONIC)) != REC_LOG || !r->sport)
        return 0;
    if ((f->be && !f->be->name) || (r->server >= 0 && !f->srv->name))
        return 0;
    if (!t->lines && !(t->lines = calloc(1, sizeof(log_area))))
        return 0;
    unread = r->flags & REC_HTTP && r->tr < 0;
    for (uint32_t i = 0; i < l->npieces[unread]; i++)
        put_piece(&w, f, r, l, &l->piece[unread][i]);
    for (uint32_t i = 0; i < l->ntargets; i++)
        queue(t, l, &l->target[i], text, (size_t)(w.p - text));
    return 1;
}
