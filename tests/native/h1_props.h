/* What must hold of the HTTP/1 scanner for any input at all: shared by test_h1.c (over the corpus) and fuzz_h1.c.
 *
 * An input is one byte of choice and the text: bits 0-1 of the choice are the kind (request, response, trailers block,
 * chunked body), bit 2 sets H1_OPT_LF, bit 3 H1_OPT_NO_HOST, bit 4 allows three fields only. So "@" in front of a text
 * makes it a request, "A" a response, "B" trailers, "C" a chunked body.
 *
 * The includer defines CHECK(cond) first, and exact_copy()/exact_free(), which give a copy that must not be overrun.
 */
#ifndef LB_H1_PROPS_H
#define LB_H1_PROPS_H
#include "h1.h"
#include "h1body.h"

#define PROPS_ALL_CUTS 400 /* longer texts are cut at some places only */

struct props_kind {
    int kind; /* 0 request, 1 response, 2 trailers, 3 chunked */
    uint8_t opts;
    unsigned maxhdr;
};

static struct props_kind props_kind(uint8_t choice)
{
    return (struct props_kind){choice & 3, (uint8_t)(choice >> 2 & 3), choice & 16 ? 3 : 101};
}

static void props_init(h1_head *h, struct props_kind k)
{
    void (*const init[])(h1_head *, unsigned) = {h1_request_init, h1_response_init, h1_trailers_init};

    init[k.kind](h, k.maxhdr);
    h->opts = k.opts;
}

/* Scans the first <len> bytes from a copy that ends there, so that no call can rely on the place of an earlier one. */
static int props_scan(h1_head *h, const char *text, uint32_t len)
{
    char *copy = exact_copy(text, len);
    int r = h1_scan(h, copy, len);

    exact_free(copy, len);
    return r;
}

static int props_same_head(const h1_head *a, const h1_head *b)
{
    return !memcmp(a, b, offsetof(h1_head, hdr)) && !memcmp(a->hdr, b->hdr, a->nhdr * sizeof(h1_hdr));
}

/* However the text is cut, the outcome is that of the whole. */
static void props_every_cut_gives_the_same(struct props_kind k, const char *text, uint32_t len, const h1_head *whole,
                                           int r)
{
    static h1_head h, moved;
    uint32_t step = len > PROPS_ALL_CUTS ? len / PROPS_ALL_CUTS + 1 : 1;
    int got = 0;

    props_init(&h, k);
    for (uint32_t n = 0; !got && n <= len; n += n + step > len && n < len ? len - n : step) {
        h1_head_copy(&moved, &h);
        got = props_scan(&moved, text, n);
        h1_head_copy(&h, &moved);
    }
    CHECK(got == r && props_same_head(&h, whole));
    for (uint32_t cut = 0; cut <= len; cut += step) {
        props_init(&h, k);
        got = props_scan(&h, text, cut);
        got = got ? got : props_scan(&h, text, len);
        CHECK(got == r && props_same_head(&h, whole));
    }
}

static int props_is_ows(char c)
{
    return c == ' ' || c == '\t';
}

/* The line of field <i> is nothing but name, colon, OWS, value, OWS, line end. */
static void props_line_is_covered(const h1_head *h, const char *text, uint32_t i)
{
    const h1_hdr *f = &h->hdr[i];
    uint32_t line_end = i + 1 < h->nhdr ? h->hdr[i + 1].name : h->fields_end, at = f->name + f->name_len;

    CHECK(f->name_len > 0 && text[at] == ':' && f->value > at && f->value + f->value_len < line_end);
    for (at++; at < f->value; at++)
        CHECK(props_is_ows(text[at]));
    for (at = f->value + f->value_len; at < line_end && props_is_ows(text[at]); at++)
        ;
    CHECK(text[line_end - 1] == '\n' && line_end - at <= 2 && (line_end - at == 1 || text[at] == '\r'));
    CHECK(!f->value_len || (!props_is_ows(text[f->value]) && !props_is_ows(text[f->value + f->value_len - 1])));
    for (at = f->name; at < f->value + f->value_len; at++)
        CHECK((uint8_t)text[at] >= 0x20 ? text[at] != 0x7f : text[at] == '\t');
    CHECK(f->id == h1_name_id(text + f->name, f->name_len));
    CHECK(!f->id || h->seen & 1u << f->id);
}

static uint32_t props_count(const h1_head *h, const char *text, const char *name)
{
    uint32_t n = 0;

    for (int i = -1; (i = h1_find(h, text, name, (uint32_t)strlen(name), (uint32_t)(i + 1))) >= 0;)
        n++;
    return n;
}

/* What was accepted is framed in one way only. */
static void props_framing_is_single(const h1_head *h, const char *text)
{
    uint32_t clen = props_count(h, text, "content-length"), te = props_count(h, text, "transfer-encoding");

    CHECK(clen + te <= 1);
    CHECK(clen == !!(h->flags & H1_F_CLEN) && te == !!(h->flags & H1_F_CHUNKED));
    CHECK(!te || h->version == 11);
    CHECK(h->body_len <= INT64_MAX && (clen || !h->body_len));
    if (!(h->flags & H1_F_RESPONSE))
        CHECK(props_count(h, text, "host") == !!(h->flags & H1_F_HOST));
}

/* Writes the head again as a forwarder does; returns its length. <to> has room. */
static uint32_t props_emit(const h1_head *h, const char *text, char *to)
{
    char *p = to;
    const char *line_end = text + h->fields;

    while (line_end > text + h->start && (line_end[-1] == '\n' || line_end[-1] == '\r'))
        line_end--;
    if (!(h->flags & H1_F_TRAILERS)) {
        memcpy(p, text + h->start, (size_t)(line_end - text) - h->start);
        p += (size_t)(line_end - text) - h->start;
        *p++ = '\r', *p++ = '\n';
    }
    for (uint32_t i = 0; i < h->nhdr; i++) {
        p += h1_put_lower(p, text + h->hdr[i].name, h->hdr[i].name_len);
        *p++ = ':', *p++ = ' ';
        memcpy(p, text + h->hdr[i].value, h->hdr[i].value_len);
        p += h->hdr[i].value_len;
        *p++ = '\r', *p++ = '\n';
    }
    *p++ = '\r', *p++ = '\n';
    return (uint32_t)(p - to);
}

/* What is sent on reads as what was received. */
static void props_emitted_reads_the_same(struct props_kind k, const h1_head *h, const char *text)
{
    static h1_head again;
    char *out = (char *)malloc(h->len + 8 + h->nhdr * 4ul);
    uint32_t len = props_emit(h, text, out);

    k.opts &= H1_OPT_NO_HOST;
    props_init(&again, k);
    CHECK(props_scan(&again, out, len) == 1 && again.len == len);
    CHECK(again.nhdr == h->nhdr && again.flags == h->flags && again.body_len == h->body_len);
    CHECK(again.method_id == h->method_id && again.status == h->status && again.version == h->version);
    for (uint32_t i = 0; i < h->nhdr && i < again.nhdr; i++) {
        const h1_hdr *a = &h->hdr[i], *b = &again.hdr[i];
        CHECK(a->id == b->id && a->name_len == b->name_len && a->value_len == b->value_len);
        CHECK(!memcmp(text + a->value, out + b->value, a->value_len));
    }
    free(out);
}

static void props_head(struct props_kind k, const char *text, uint32_t len)
{
    static h1_head h;
    int r;

    props_init(&h, k);
    r = props_scan(&h, text, len);
    props_every_cut_gives_the_same(k, text, len, &h, r);
    CHECK(r == (h.err ? -h.err : h.len != 0) && h.nhdr <= h.maxhdr);
    CHECK(r >= 0 || (h.err < H1_ERR_N && h.err_pos <= len));
    if (r != 1)
        return;
    CHECK(h.len <= len && text[h.len - 1] == '\n' && h.start <= h.fields && h.fields <= h.fields_end);
    CHECK(h.len - h.fields_end <= 2);
    for (uint32_t i = 0; i < h.nhdr; i++)
        props_line_is_covered(&h, text, i);
    if (k.kind != 2)
        props_framing_is_single(&h, text);
    props_emitted_reads_the_same(k, &h, text);
}

/* ---- chunked bodies ---- */

struct props_body {
    char *payload;
    size_t len;    /* of the payload */
    uint32_t used; /* framing and payload eaten */
    int err;
};

/* Walks what lies in <text>[b->used .. len-1] on, giving the decoder at most <step> bytes at a time. */
static void props_walk(h1_chunk *c, const char *text, uint32_t len, uint32_t step, struct props_body *b)
{
    uint32_t have = b->used;

    while (!b->err && have < len) {
        have = have + step < len ? have + step : len;
        for (uint32_t run = 1; run;) {
            char *copy = exact_copy(text + b->used, have - b->used);
            int n = h1_chunk_next(c, copy, have - b->used, &run);

            if (n < 0)
                b->err = n;
            CHECK(n <= (int)(have - b->used) && (n < 0 || run <= have - b->used - (uint32_t)n) && run <= c->left);
            if (run) {
                memcpy(b->payload + b->len, copy + n, run);
                b->len += run;
                h1_chunk_took(c, run);
            }
            b->used += n < 0 ? 0 : (uint32_t)n + run;
            exact_free(copy, have - b->used + (n < 0 ? 0 : (uint32_t)n + run));
        }
        if (c->state == H1_CHUNK_TRAILERS)
            return;
    }
}

static void props_trailers_len_is_that_of_the_scan(const char *text, uint32_t len)
{
    static h1_head h;
    char *copy = exact_copy(text, len);
    int r = h1_trailers_len(copy, len);

    exact_free(copy, len);
    h1_trailers_init(&h, H1_MAX_HDR);
    CHECK(r == (props_scan(&h, text, len) > 0 ? (int)h.len : -h.err));
}

static void props_payload_survives_a_round_trip(const struct props_body *b)
{
    char *wire = (char *)malloc(b->len + 2 * H1_CHUNK_SIZE_MAX), *back = (char *)malloc(b->len + 1);
    struct props_body again = {back, 0, 0, 0};
    h1_chunk c;
    size_t n = 0;

    if (b->len) {
        n = (size_t)h1_emit_chunk_size(wire, b->len);
        memcpy(wire + n, b->payload, b->len);
        memcpy(wire + n + b->len, "\r\n", 2);
        n += b->len + 2;
    }
    n += (size_t)h1_emit_chunk_size(wire + n, 0);
    h1_chunk_init(&c);
    props_walk(&c, wire, (uint32_t)n, (uint32_t)n, &again);
    CHECK(c.state == H1_CHUNK_TRAILERS && !again.err && again.used == n);
    CHECK(again.len == b->len && !memcmp(back, b->payload, b->len));
    free(wire);
    free(back);
}

static void props_chunked(const char *text, uint32_t len)
{
    struct props_body whole = {(char *)malloc(len + 1), 0, 0, 0}, cut = {(char *)malloc(len + 1), 0, 0, 0};
    h1_chunk a, b;

    h1_chunk_init(&a);
    h1_chunk_init(&b);
    props_walk(&a, text, len, len, &whole);
    props_walk(&b, text, len, 1, &cut);
    CHECK(whole.err == cut.err && a.state == b.state && a.left == b.left && whole.len == cut.len);
    CHECK(whole.err || whole.used == cut.used);
    CHECK(!memcmp(whole.payload, cut.payload, whole.len));
    if (a.state == H1_CHUNK_TRAILERS) {
        props_payload_survives_a_round_trip(&whole);
        props_trailers_len_is_that_of_the_scan(text + whole.used, len - whole.used);
    }
    free(whole.payload);
    free(cut.payload);
}

static inline void props_hold(const uint8_t *input, size_t n)
{
    struct props_kind k;

    if (!n)
        return;
    k = props_kind(input[0]);
    if (k.kind == 3)
        props_chunked((const char *)input + 1, (uint32_t)n - 1);
    else
        props_head(k, (const char *)input + 1, (uint32_t)n - 1);
}
#endif
