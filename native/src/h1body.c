/* Bodies of HTTP/1 messages: see h1body.h. */
#include "h1body.h"

void h1_chunk_init(h1_chunk *c)
{
    memset(c, 0, sizeof(*c));
}

static int refuse(h1_chunk *c, int err)
{
    c->err = (uint8_t)err;
    c->state = H1_CHUNK_ERROR;
    return -err;
}

static int hex_digit(char b)
{
    if (b >= '0' && b <= '9')
        return b - '0';
    b |= 0x20;
    return b >= 'a' && b <= 'f' ? b - 'a' + 10 : -1;
}

/* What the byte behind the size, or behind spaces there, leads to; a state or a negative error. */
static int after_size(h1_chunk *c, char b)
{
    if (b == '\r')
        return H1_CHUNK_SIZE_LF;
    if (b == ';')
        return H1_CHUNK_EXT;
    return b == ' ' || b == '\t' ? H1_CHUNK_BWS : refuse(c, H1_ERR_CHUNK_SIZE);
}

static int in_size(h1_chunk *c, char b)
{
    int digit = hex_digit(b);

    if (digit < 0)
        return c->digits ? after_size(c, b) : refuse(c, H1_ERR_CHUNK_SIZE);
    if (c->digits == 16 || c->left > INT64_MAX >> 4)
        return refuse(c, H1_ERR_CHUNK_SIZE);
    c->digits++;
    c->left = c->left << 4 | (unsigned)digit;
    return H1_CHUNK_SIZE;
}

static int in_ext(h1_chunk *c, char b)
{
    if (b == '\r')
        return H1_CHUNK_SIZE_LF;
    return ((uint8_t)b < 0x20 && b != '\t') || b == 0x7f ? refuse(c, H1_ERR_CHUNK_EXT) : H1_CHUNK_EXT;
}

/* Spaces alone before CR LF are BWS without an extension: no grammar has them, so no two readers need agree. */
static int in_bws(h1_chunk *c, char b)
{
    return b == '\r' ? refuse(c, H1_ERR_CHUNK_SIZE) : after_size(c, b);
}

static int size_line_done(h1_chunk *c, char b)
{
    if (b != '\n')
        return refuse(c, H1_ERR_CHUNK_EXT);
    c->digits = 0;
    return c->left ? H1_CHUNK_DATA : H1_CHUNK_TRAILERS;
}

/* Eats one byte of framing. Returns the state behind it, or a negative error. */
static int eat(h1_chunk *c, char b)
{
    switch (c->state) {
    case H1_CHUNK_SIZE:
        return in_size(c, b);
    case H1_CHUNK_BWS:
        return in_bws(c, b);
    case H1_CHUNK_EXT:
        return in_ext(c, b);
    case H1_CHUNK_SIZE_LF:
        return size_line_done(c, b);
    case H1_CHUNK_DATA_CR:
        return b == '\r' ? H1_CHUNK_DATA_LF : refuse(c, H1_ERR_CHUNK_END);
    default:
        return b == '\n' ? H1_CHUNK_SIZE : refuse(c, H1_ERR_CHUNK_END);
    }
}

int h1_chunk_next(h1_chunk *c, const char *buf, uint32_t len, uint32_t *run)
{
    uint32_t i = 0;

    *run = 0;
    for (; i < len && c->state != H1_CHUNK_DATA && c->state < H1_CHUNK_TRAILERS; i++) {
        int state = eat(c, buf[i]);
        if (state < 0)
            return state;
        c->state = (uint8_t)state;
        c->ext += state == H1_CHUNK_EXT || state == H1_CHUNK_BWS;
        if (c->ext > H1_MAX_EXT)
            return refuse(c, H1_ERR_CHUNK_EXT);
    }
    if (c->state == H1_CHUNK_ERROR)
        return -c->err;
    if (c->state == H1_CHUNK_DATA)
        *run = c->left < len - i ? (uint32_t)c->left : len - i;
    return (int)i;
}

void h1_chunk_took(h1_chunk *c, uint64_t n)
{
    c->left -= n;
    if (!c->left && c->state == H1_CHUNK_DATA)
        c->state = H1_CHUNK_DATA_CR;
}

int h1_trailers_len(const char *buf, uint32_t len)
{
    h1_head h;
    int r;

    h1_trailers_init(&h, H1_MAX_HDR);
    r = h1_scan(&h, buf, len);
    return r > 0 ? (int)h.len : r;
}

int64_t h1_chunked_len(const char *buf, uint32_t len)
{
    uint32_t at = 0, run;
    h1_chunk c;
    int n;

    h1_chunk_init(&c);
    while ((n = h1_chunk_next(&c, buf + at, len - at, &run)) >= 0) {
        at += (uint32_t)n + run;
        if (!run)
            break;
        h1_chunk_took(&c, run);
    }
    if (n < 0 || c.state != H1_CHUNK_TRAILERS)
        return n < 0 ? n : 0;
    n = h1_trailers_len(buf + at, len - at);
    return n > 0 ? (int64_t)at + n : n;
}

int h1_emit_chunk_size(char *to, uint64_t n)
{
    int digits = 16 - (n ? __builtin_clzll(n) / 4 : 15);

    for (int i = 0; i < digits; i++)
        to[i] = "0123456789abcdef"[n >> 4 * (digits - 1 - i) & 15];
    to[digits] = '\r';
    to[digits + 1] = '\n';
    return digits + 2;
}
