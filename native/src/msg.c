#include "engine.h"
#include "flow.h"
#include <arpa/inet.h>
#include <stdio.h>

/* Writes into [p, end); ok turns 0 when it does not fit. */
typedef struct writer {
    char *p, *end;
    int ok;
} writer;

static inline void put(writer *w, const char *from, uint32_t n)
{
    if (unlikely((size_t)(w->end - w->p) < n)) {
        w->ok = 0;
        return;
    }
    memcpy(w->p, from, n);
    w->p += n;
}
#define put_lit(w, text) put((w), (text), sizeof(text) - 1)

static inline void put_field(writer *w, const h1_hdr *d, const char *from)
{
    if (unlikely((size_t)(w->end - w->p) < (size_t)d->name_len + d->value_len + 4)) {
        w->ok = 0;
        return;
    }
    w->p += h1_put_lower(w->p, from + d->name, d->name_len);
    *w->p++ = ':';
    *w->p++ = ' ';
    memcpy(w->p, from + d->value, d->value_len);
    w->p += d->value_len;
    *w->p++ = '\r';
    *w->p++ = '\n';
}

static int token_is(const char *p, uint32_t n, const char *name)
{
    return strlen(name) == n && !strncasecmp(p, name, n);
}

/* Connection is ours to write (RFC 9110 7.6.1): of what came only "upgrade" and "te" go on, when they are honoured. */
static void put_connection(writer *w, const h1_hdr *d, const char *from, uint32_t flags)
{
    const char *p = from + d->value, *end = p + d->value_len;
    char *begin = w->p;
    int any = 0;

    while (p < end) {
        const char *comma = memchr(p, ',', end - p);
        const char *stop = comma ? comma : end;
        const char *tok = p, *last = stop;

        while (tok < last && (*tok == ' ' || *tok == '\t'))
            tok++;
        while (last > tok && (last[-1] == ' ' || last[-1] == '\t'))
            last--;
        if ((flags & H1_F_UPGRADE && token_is(tok, last - tok, "upgrade")) ||
            (flags & H1_F_TE_TRAILERS && token_is(tok, last - tok, "te"))) {
            if (any)
                put_lit(w, ", ");
            else
                put_lit(w, "connection: ");
            put(w, tok, last - tok);
            any = 1;
        }
        p = stop + 1;
    }
    if (any)
        put_lit(w, "\r\n");
    else
        w->p = begin;
}

/* One field of a head; returns without writing for those that end here. */
static void put_any(writer *w, const h1_head *h, uint32_t i, const char *from)
{
    const h1_hdr *d = &h->hdr[i];

    switch (d->id) {
    case H1_ID_CONNECTION:
        put_connection(w, d, from, h->flags);
        return;
    case H1_ID_KEEP_ALIVE:
    case H1_ID_PROXY_CONNECTION:
        return;
    case H1_ID_UPGRADE:
        /* of use without "Connection: upgrade" only as an offer in a response, which also ends with this hop */
        if (h->flags & H1_F_UPGRADE) /* Connection names it, and it goes on all the same */
            put_field(w, d, from);
        return;
    case H1_ID_CONTENT_LENGTH: /* one number, one way to write it */
        if (unlikely(d->value_len > 1 && from[d->value] == '0')) {
            char text[40];
            int n = snprintf(text, sizeof(text), "content-length: %llu\r\n", (unsigned long long)h->body_len);

            put(w, text, (uint32_t)n);
            return;
        }
        break;
    case H1_ID_TRANSFER_ENCODING: /* the scanner takes nothing but "chunked", in any case */
        put_lit(w, "transfer-encoding: chunked\r\n");
        return;
    case H1_ID_TE:
        if (h->flags & H1_F_TE_TRAILERS)
            put_lit(w, "te: trailers\r\n");
        return;
    default:
        break;
    }
    if (unlikely(h->flags & H1_F_CONN_OTHER) && h1_nominated(h, from, i))
        return;
    put_field(w, d, from);
}

static int in_network(const conn *c, uint32_t family, const uint8_t *net, uint32_t bits)
{
    if (family != c->family)
        return 0;
    for (uint32_t i = 0; i < bits; i += 8) {
        uint8_t mask = bits - i >= 8 ? 0xff : (uint8_t)(0xff << (8 - (bits - i)));

        if ((c->addr[i / 8] ^ net[i / 8]) & mask)
            return 0;
    }
    return 1;
}

static void put_forwardfor(writer *w, flow *f, const h1_head *h, const char *from)
{
    const fe_conf *fc = &f->fe->conf;
    const be_conf *bc = &f->be->conf;
    const char *name = bc->ff_len ? bc->ff_name : fc->ff_name;
    uint32_t len = bc->ff_len ? bc->ff_len : fc->ff_len;
    char text[INET6_ADDRSTRLEN];

    if (f->f->family != AF_INET && f->f->family != AF_INET6)
        return;
    /* a frontend's "if-none" may be overruled by its backend's plain option: the stricter of the two holds */
    if ((fc->options | bc->options) & PX_O_FF_IFNONE && h1_find(h, from, name, len, 0) >= 0)
        return;
    if ((fc->options & PX_O_FORWARDFOR && fc->ff_family &&
         in_network(f->f, fc->ff_family, fc->ff_except, fc->ff_bits)) ||
        (bc->options & PX_O_FORWARDFOR && bc->ff_family &&
         in_network(f->f, bc->ff_family, bc->ff_except, bc->ff_bits)))
        return;
    if (!inet_ntop(f->f->family, f->f->addr, text, sizeof(text)))
        return;
    put(w, name, len);
    put_lit(w, ": ");
    put(w, text, strlen(text));
    put_lit(w, "\r\n");
}

/* "http-send-name-header": the name of the server that the request goes to, whatever field of that name there was. */
static void put_server_name(writer *w, const flow *f)
{
    put(w, f->be->conf.sn_name, f->be->conf.sn_len);
    put_lit(w, ": ");
    put(w, f->srv->name, f->srv->name_len);
    put_lit(w, "\r\n");
}

static int is_server_name(const flow *f, const h1_hdr *d, const char *from)
{
    const be_conf *c = &f->be->conf;

    return d->name_len == c->sn_len && !strncasecmp(from + d->name, c->sn_name, c->sn_len);
}

/* What was written goes out; in the case that the peer wants, if it is one of those ("h1-case-adjust"). */
static int written(const flow *f, const writer *w, char *to, uint32_t options)
{
    if (!w->ok)
        return -EMSGSIZE;
    if (unlikely(options & PX_O_CASE))
        case_adjust(&f->t->eng->cases, to, (uint32_t)(w->p - to));
    return (int)(w->p - to);
}

int msg_request(flow *f, const h1_head *h, const char *from, char *to, uint32_t size)
{
    uint32_t options = f->be->conf.options;
    int named = f->be->conf.sn_len && f->srv->name;
    writer w = {to, to + size, 1};

    put(&w, from + h->method, h->method_len);
    put_lit(&w, " ");
    put(&w, from + h->target, h->target_len);
    if (h->form == H1_FORM_ABSOLUTE && !h->path_len) /* RFC 9110 4.2.3: the empty path is "/" */
        put_lit(&w, "/");
    if (h->version == 10)
        put_lit(&w, " HTTP/1.0\r\n");
    else
        put_lit(&w, " HTTP/1.1\r\n");
    for (uint32_t i = 0; i < h->nhdr; i++)
        if (likely(!named) || !is_server_name(f, &h->hdr[i], from))
            put_any(&w, h, i, from);
    if ((f->fe->conf.options | f->be->conf.options) & PX_O_FORWARDFOR)
        put_forwardfor(&w, f, h, from);
    if (f->flags & FL_KA_SERVER || (options & PX_O_PRETEND_KA && !(h->flags & H1_F_UPGRADE))) {
        if (h->version == 10)
            put_lit(&w, "connection: keep-alive\r\n");
    } else if (h->version == 11 && !(h->flags & H1_F_UPGRADE)) {
        put_lit(&w, "connection: close\r\n");
    }
    if (unlikely(named))
        put_server_name(&w, f);
    put_lit(&w, "\r\n");
    return written(f, &w, to, options);
}

/* The usual reasons (RFC 9110 15), for servers that send none: some clients want one. */
static const char *reason_of(int status)
{
    static const struct {
        int status;
        const char *text;
    } known[] = {
        {100, "Continue"},
        {101, "Switching Protocols"},
        {102, "Processing"},
        {103, "Early Hints"},
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {203, "Non-Authoritative Information"},
        {204, "No Content"},
        {205, "Reset Content"},
        {206, "Partial Content"},
        {300, "Multiple Choices"},
        {301, "Moved Permanently"},
        {302, "Moved Temporarily"},
        {303, "See Other"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {413, "Payload Too Large"},
        {421, "Misdirected Request"},
        {429, "Too Many Requests"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (known[i].status == status)
            return known[i].text;
    return "";
}

/* The end of a response's head: the connection's fate. */
static void put_fate(writer *w, const flow *f, const h1_head *h)
{
    if (f->flags & FL_KA_CLIENT) {
        if (h->version == 10 || f->flags & FL_REQ10)
            put_lit(w, "connection: keep-alive\r\n");
    } else if (h->version == 11) {
        put_lit(w, "connection: close\r\n");
    }
}

int msg_response(flow *f, const h1_head *h, const char *from, char *to, uint32_t size)
{
    writer w = {to, to + size, 1};
    int informational = h->status < 200;

    if (h->version == 10)
        put_lit(&w, "HTTP/1.0 ");
    else
        put_lit(&w, "HTTP/1.1 ");
    /* the three digits stand right behind "HTTP/1.x " */
    put(&w, from + h->start + 9, 3);
    put_lit(&w, " ");
    if (likely(h->reason_len))
        put(&w, from + h->reason, h->reason_len);
    else
        put(&w, reason_of(h->status), strlen(reason_of(h->status)));
    put_lit(&w, "\r\n");
    for (uint32_t i = 0; i < h->nhdr; i++) {
        uint16_t id = h->hdr[i].id;

        /* RFC 9110 8.6: no Content-Length in 1xx and 204; 9112 6.1: no Transfer-Encoding there either */
        if ((id == H1_ID_CONTENT_LENGTH || id == H1_ID_TRANSFER_ENCODING) && (informational || h->status == 204))
            continue;
        if (id == H1_ID_TRANSFER_ENCODING && f->flags & FL_DECHUNK)
            continue;
        put_any(&w, h, i, from);
    }
    if (!informational)
        put_fate(&w, f, h);
    put_lit(&w, "\r\n");
    return written(f, &w, to, f->fe->conf.options);
}

/* The page's head ends in an empty line, before which the connection's fate is written, as in any other response. */
int msg_error(flow *f, int status, int early, char *to, uint32_t size)
{
    const err_page *page = eng_error(f->t->eng, f->fe, f->be, status, early);
    writer w = {to, to + size, 1};

    if (!page)
        return -ENOENT;
    if (early || !page->len) {
        put(&w, page->text, page->len);
        return w.ok ? (int)(w.p - to) : -EMSGSIZE;
    }
    put(&w, page->text, page->head_len - 2);
    if (f->flags & FL_KA_CLIENT) {
        if (page->version == 10 || f->flags & FL_REQ10)
            put_lit(&w, "connection: keep-alive\r\n");
    } else if (page->version != 10) {
        put_lit(&w, "connection: close\r\n");
    }
    put_lit(&w, "\r\n");
    if (written(f, &w, to, f->fe->conf.options) < 0)
        return -EMSGSIZE;
    if (!(f->flags & FL_HEAD))
        put(&w, page->text + page->head_len, page->len - page->head_len);
    return w.ok ? (int)(w.p - to) : -EMSGSIZE;
}
