/* The HTTP/1 scanner: see h1.h.
 *
 * A head is walked once. Each scan_*() below eats one element from <p> and returns the place behind it, or NULL with
 * h->err set, or NULL with h->pos set where to go on when there are more bytes. Runs (targets, values) are skipped
 * 16 bytes at a time with SSE2, 8 with plain words elsewhere; names, which are short, byte by byte through a table.
 */
#include "h1.h"

#include "h1field.h"
#include "h1host.h"
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { S_EMPTY, S_METHOD, S_TARGET, S_VERSION, S_LINE_END, S_RVERSION, S_STATUS, S_REASON, S_NAME, S_VALUE, S_DONE };

/* ---- runs ---- */

#ifdef __SSE2__
/* Bits of the bytes at <p> that may not stand in a target: 0x00-0x20, "#", 0x7f and up. */
static inline unsigned bad_target(const char *p)
{
    __m128i v = _mm_loadu_si128((const __m128i *)p);
    __m128i good = _mm_cmpgt_epi8(v, _mm_set1_epi8(0x20)); /* signed: 0x80 and up are below */
    __m128i bad = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('#')), _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f)));
    return (unsigned)_mm_movemask_epi8(_mm_andnot_si128(bad, good)) ^ 0xffff;
}

/* Bits of the bytes at <p> that may not stand in a value: 0x00-0x1f without HTAB, 0x7f. */
static inline unsigned bad_value(const char *p)
{
    __m128i v = _mm_loadu_si128((const __m128i *)p);
    __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);
    __m128i ctl = _mm_andnot_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('\t')), low);
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(ctl, _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f))));
}

#define RUN_STEP 16
#else
#define ONES 0x0101010101010101ull
#define HIGH(x) ((x)&0x8080808080808080ull)

static inline uint64_t load8(const char *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

/* Not 0 if some byte of <v> is below <n> (1 .. 128), or is <c>; bytes from 0x80 on are neither. A borrow may cry wolf
 * for the byte behind a true one, which is harmless: the class table looks at the eight bytes again. */
static inline uint64_t some_below(uint64_t v, unsigned n)
{
    return HIGH((v - ONES * n) & ~v);
}

static inline uint64_t some_is(uint64_t v, unsigned c)
{
    return some_below(v ^ (ONES * c), 1);
}

static inline unsigned bad_target(const char *p)
{
    uint64_t v = load8(p);
    uint64_t bad = some_below(v, 0x21) | some_is(v, '#') | some_is(v, 0x7f) | HIGH(v);
    return bad ? (unsigned)(1u << (h1_skip_class(p, p + 8, H1_C_TARGET) - p)) & 0xff : 0;
}

static inline unsigned bad_value(const char *p)
{
    uint64_t v = load8(p);
    uint64_t bad = some_below(v, 0x20) | some_is(v, 0x7f);
    return bad ? (unsigned)(1u << (h1_skip_class(p, p + 8, H1_C_VALUE) - p)) & 0xff : 0;
}

#define RUN_STEP 8
#endif

static inline const char *skip_target(const char *p, const char *end)
{
    for (; end - p >= RUN_STEP; p += RUN_STEP) {
        unsigned bad = bad_target(p);
        if (bad)
            return p + __builtin_ctz(bad);
    }
    return h1_skip_class(p, end, H1_C_TARGET);
}

static inline const char *skip_value(const char *p, const char *end)
{
    for (; end - p >= RUN_STEP; p += RUN_STEP) {
        unsigned bad = bad_value(p);
        if (bad)
            return p + __builtin_ctz(bad);
    }
    return h1_skip_class(p, end, H1_C_VALUE);
}

/* ---- H1_OPT_UNSAFE: what may stand behind the end of a strict run ---- */

static inline int in_unsafe_target(char c)
{
    return (uint8_t)c >= 0x80 || c == '#';
}

static inline int in_unsafe_name(char c)
{
    return ((uint8_t)c > 0x20 && c != ':' && c != 0x7f);
}

static inline int in_unsafe_value(char c)
{
    return c && c != '\r' && c != '\n';
}

/* ---- stopping ---- */

static inline const char *want_more(h1_head *h, const char *buf, const char *p)
{
    h->pos = (uint32_t)(p - buf);
    return NULL;
}

static __attribute__((cold, noinline)) const char *refuse(h1_head *h, const char *buf, const char *p, int err)
{
    h->err = err;
    h->err_pos = h->pos = (uint32_t)(p - buf);
    return NULL;
}

/* The state that follows, whose token begins at <p>. */
static inline const char *enter(h1_head *h, const char *buf, const char *p, int state)
{
    h->state = (uint8_t)state;
    h->token = (uint32_t)(p - buf);
    return p;
}

/* Eats the end of a line; <err> is what another byte than CR or LF here would be. */
static inline const char *scan_eol(h1_head *h, const char *buf, const char *p, const char *end, int err)
{
    if (end - p >= 2 && p[0] == '\r' && p[1] == '\n')
        return p + 2;
    if (p == end)
        return want_more(h, buf, p);
    if (*p == '\n')
        return h->opts & H1_OPT_LF ? p + 1 : refuse(h, buf, p, H1_ERR_LINE_END);
    if (*p != '\r')
        return refuse(h, buf, p, err);
    return end - p == 1 ? want_more(h, buf, p) : refuse(h, buf, p, H1_ERR_LINE_END);
}

/* The end of a value that means nothing to us, or of a reason. */
static inline const char *skip_text(const h1_head *h, const char *p, const char *end)
{
    p = skip_value(p, end);
    while (unlikely(h->opts & H1_OPT_UNSAFE) && p < end && in_unsafe_value(*p))
        p = skip_value(p + 1, end);
    return p;
}

/* ---- first line ---- */

static const char *scan_empty_lines(h1_head *h, const char *buf, const char *p, const char *end)
{
    for (;;) {
        if (p == end)
            return want_more(h, buf, p);
        if (*p != '\r' && *p != '\n')
            break;
        if (h->empty == H1_MAX_EMPTY)
            return refuse(h, buf, p, H1_ERR_EMPTY_LINES);
        p = scan_eol(h, buf, p, end, H1_ERR_LINE_END);
        if (!p)
            return NULL;
        h->empty++;
    }
    h->start = (uint32_t)(p - buf);
    return enter(h, buf, p, S_METHOD);
}

static const char *scan_method(h1_head *h, const char *buf, const char *p, const char *end)
{
    p = h1_skip_class(p, end, H1_C_TOKEN);
    if (p == end)
        return want_more(h, buf, p);
    h->method = h->token;
    h->method_len = (uint32_t)(p - buf) - h->token;
    if (*p != ' ' || !h->method_len)
        return refuse(h, buf, p, H1_ERR_METHOD);
    h->method_id = (uint16_t)h1_method_id(buf + h->method, h->method_len);
    return enter(h, buf, p + 1, S_TARGET);
}

static int read_connect_target(h1_head *h, const char *buf, h1_span t)
{
    h1_authority a;

    h->form = H1_FORM_AUTHORITY;
    h->authority = (uint32_t)(t.p - buf);
    h->authority_len = (uint32_t)(t.end - t.p);
    if (*t.p == '/' || *t.p == '*')
        return H1_ERR_TARGET_FORM;
    return h1_read_authority(t, &a) && a.port >= 0 && a.host.p < a.host.end ? 0 : H1_ERR_AUTHORITY;
}

static int read_absolute_target(h1_head *h, const char *buf, h1_span t)
{
    const char *p = h1_skip_class(t.p, t.end, H1_C_SCHEME), *path;
    h1_authority a;

    if (!H1_IS_ALPHA(*t.p) || t.end - p < 3 || memcmp(p, "://", 3) != 0)
        return H1_ERR_TARGET_FORM;
    p += 3;
    for (path = p; path < t.end && *path != '/' && *path != '?';)
        path++;
    h->form = H1_FORM_ABSOLUTE;
    h->authority = (uint32_t)(p - buf);
    h->authority_len = (uint32_t)(path - p);
    h->path = (uint32_t)(path - buf);
    h->path_len = (uint32_t)(t.end - path);
    return h1_read_authority((h1_span){p, path}, &a) && a.host.p < a.host.end ? 0 : H1_ERR_AUTHORITY;
}

/* Which of the four forms the target has; an error if it is none, or not its method's. */
static int read_target(h1_head *h, const char *buf, h1_span t)
{
    if (h->method_id == H1_CONNECT)
        return read_connect_target(h, buf, t);
    if (*t.p == '/') {
        h->path = h->target;
        h->path_len = h->target_len;
        return 0;
    }
    if (*t.p != '*')
        return read_absolute_target(h, buf, t);
    h->form = H1_FORM_ASTERISK;
    return h->method_id == H1_OPTIONS && h->target_len == 1 ? 0 : H1_ERR_TARGET_FORM;
}

static const char *scan_target(h1_head *h, const char *buf, const char *p, const char *end)
{
    const char *token = buf + h->token;
    int err;

    p = skip_target(p, end);
    while (unlikely(h->opts & H1_OPT_UNSAFE) && p < end && in_unsafe_target(*p))
        p = skip_target(p + 1, end);
    if (p == end)
        return want_more(h, buf, p);
    h->target = h->token;
    h->target_len = (uint32_t)(p - token);
    if (p == token)
        return refuse(h, buf, p, H1_ERR_TARGET);
    if (*p != ' ')
        return refuse(h, buf, p, *p == '\r' || *p == '\n' ? H1_ERR_VERSION : H1_ERR_TARGET);
    err = read_target(h, buf, (h1_span){token, p});
    if (err)
        return refuse(h, buf, token, err);
    return enter(h, buf, p + 1, S_VERSION);
}

static const char *scan_version(h1_head *h, const char *buf, const char *p, const char *end, int next)
{
    static const char want[] = "HTTP/1.";
    const char *token = buf + h->token;

    for (; p < end && p - token < 7; p++)
        if (*p != want[p - token])
            return refuse(h, buf, p, H1_ERR_VERSION);
    if (p == end)
        return want_more(h, buf, p);
    if (*p < '0' || *p > '9')
        return refuse(h, buf, p, H1_ERR_VERSION);
    h->version = *p == '0' ? 10 : 11; /* a later minor version is read as the latest that is known (9110 2.5) */
    return enter(h, buf, p + 1, next);
}

static const char *first_line_done(h1_head *h, const char *buf, const char *p)
{
    h->fields = (uint32_t)(p - buf);
    return enter(h, buf, p, S_NAME);
}

static const char *scan_request_line(h1_head *h, const char *buf, const char *p, const char *end)
{
    if (h->state == S_EMPTY && !(p = scan_empty_lines(h, buf, p, end)))
        return NULL;
    if (h->state == S_METHOD && !(p = scan_method(h, buf, p, end)))
        return NULL;
    if (h->state == S_TARGET && !(p = scan_target(h, buf, p, end)))
        return NULL;
    if (h->state == S_VERSION && !(p = scan_version(h, buf, p, end, S_LINE_END)))
        return NULL;
    p = scan_eol(h, buf, p, end, H1_ERR_VERSION);
    return p ? first_line_done(h, buf, p) : NULL;
}

/* SP and three digits, and SP if there is one. */
static const char *scan_status(h1_head *h, const char *buf, const char *p, const char *end)
{
    const char *token = buf + h->token;

    for (; p < end && p - token < 4; p++)
        if (p == token ? *p != ' ' : !H1_IS_DIGIT(*p) || (p - token == 1 && *p == '0'))
            return refuse(h, buf, p, p == token ? H1_ERR_VERSION : H1_ERR_STATUS);
    if (p == end)
        return want_more(h, buf, p);
    if (*p != ' ' && *p != '\r' && *p != '\n')
        return refuse(h, buf, p, H1_ERR_STATUS);
    h->status = (uint16_t)((token[1] - '0') * 100 + (token[2] - '0') * 10 + (token[3] - '0'));
    if (h->status < 200 || h->status == 204 || h->status == 304)
        h->flags |= H1_F_NO_BODY;
    return enter(h, buf, *p == ' ' ? p + 1 : p, S_REASON);
}

static const char *scan_reason(h1_head *h, const char *buf, const char *p, const char *end)
{
    const char *line_end = skip_text(h, p, end);

    p = scan_eol(h, buf, line_end, end, H1_ERR_REASON);
    if (!p)
        return NULL;
    h->reason = h->token;
    h->reason_len = (uint32_t)(line_end - buf) - h->token;
    return first_line_done(h, buf, p);
}

static const char *scan_status_line(h1_head *h, const char *buf, const char *p, const char *end)
{
    if (h->state == S_RVERSION && !(p = scan_version(h, buf, p, end, S_STATUS)))
        return NULL;
    if (h->state == S_STATUS && !(p = scan_status(h, buf, p, end)))
        return NULL;
    return scan_reason(h, buf, p, end);
}

/* ---- field lines ---- */

/* What is wrong with the byte at which a field name ended, if that is not the colon. */
static __attribute__((cold)) const char *refuse_name(h1_head *h, const char *buf, const char *p)
{
    if (*p != ' ' && *p != '\t')
        return refuse(h, buf, p, H1_ERR_NAME);
    return refuse(h, buf, p, p == buf + h->token ? H1_ERR_FOLD : H1_ERR_SPACE_COLON);
}

static inline const char *scan_name(h1_head *h, const char *buf, const char *p, const char *end)
{
    h1_hdr *f = &h->hdr[h->nhdr];
    const char *token = buf + h->token;

    if (h->nhdr == h->maxhdr)
        return refuse(h, buf, p, H1_ERR_TOO_MANY);
    p = h1_skip_class(p, end, H1_C_TOKEN);
    while (unlikely(h->opts & H1_OPT_UNSAFE) && p < end && in_unsafe_name(*p))
        p = h1_skip_class(p + 1, end, H1_C_TOKEN);
    if (p == end)
        return want_more(h, buf, p);
    if (*p != ':')
        return refuse_name(h, buf, p);
    if (p == token || p - token > UINT16_MAX)
        return refuse(h, buf, token, H1_ERR_NAME);
    f->name = h->token;
    f->name_len = (uint16_t)(p - token);
    f->id = (uint16_t)h1_name_id(token, (uint32_t)(p - token));
    return enter(h, buf, p + 1, S_VALUE);
}

static inline const char *scan_value(h1_head *h, const char *buf, const char *p, const char *end)
{
    h1_hdr *f = &h->hdr[h->nhdr];
    const char *line_end = f->id ? skip_value(p, end) : skip_text(h, p, end);
    h1_span v;
    int err;

    p = scan_eol(h, buf, line_end, end, H1_ERR_VALUE);
    if (!p)
        return NULL;
    v = h1_trim((h1_span){buf + h->token, line_end});
    f->value = (uint32_t)(v.p - buf);
    f->value_len = (uint32_t)(v.end - v.p);
    if (f->id) {
        h->seen |= 1u << f->id;
        err = h->flags & H1_F_TRAILERS ? 0 : h1_note_field(h, f->id, v);
        if (err)
            return refuse(h, buf, v.p, err);
    }
    h->nhdr++;
    return enter(h, buf, p, S_NAME);
}

/* Returns the place behind the empty line. */
static const char *scan_fields(h1_head *h, const char *buf, const char *p, const char *end)
{
    for (;;) {
        if (h->state == S_NAME) {
            if (p == end)
                return want_more(h, buf, p);
            if (p == buf + h->token && (*p == '\r' || *p == '\n'))
                return scan_eol(h, buf, p, end, H1_ERR_LINE_END);
            if (!(p = scan_name(h, buf, p, end)))
                return NULL;
        }
        if (!(p = scan_value(h, buf, p, end)))
            return NULL;
    }
}

/* ---- the whole ---- */

/* Whether an Upgrade field offers HTTP/2: a server that took it would answer requests which nobody here has looked at. */
static int offers_h2(const h1_head *h, const char *buf)
{
    for (uint32_t i = 0; i < h->nhdr; i++) {
        h1_span v = h1_value(&h->hdr[i], buf), item;

        if (h->hdr[i].id != H1_ID_UPGRADE)
            continue;
        while (h1_next_item(&v, &item))
            if (H1_ITEM_IS(item, "h2c") || H1_ITEM_IS(item, "h2"))
                return 1;
    }
    return 0;
}

static int upgrades(const h1_head *h, const char *buf)
{
    return (h->flags & H1_F_CONN_UPGRADE) && (h->seen & (1u << H1_ID_UPGRADE)) && h->version == 11 &&
           !offers_h2(h, buf);
}

static int finish(h1_head *h, const char *buf, uint32_t len)
{
    h->fields_end = h->token;
    if (!(h->flags & (H1_F_RESPONSE | H1_F_TRAILERS)))
        h->err = h1_check_request(h, buf, &h->err_pos);
    h->pos = len;
    if (h->err)
        return -h->err;
    if (!(h->flags & H1_F_CONN_CLOSE) && (h->version == 11 || (h->flags & H1_F_CONN_KEEPALIVE)))
        h->flags |= H1_F_PERSIST;
    if (upgrades(h, buf))
        h->flags |= H1_F_UPGRADE;
    h->len = len;
    h->state = S_DONE;
    return 1;
}

int h1_scan(h1_head *h, const char *buf, uint32_t len)
{
    const char *p = buf + h->pos, *end = buf + len;

    if (h->err)
        return -h->err;
    if (h->state == S_DONE)
        return 1;
    if (h->state < S_RVERSION)
        p = scan_request_line(h, buf, p, end);
    else if (h->state < S_NAME)
        p = scan_status_line(h, buf, p, end);
    if (p)
        p = scan_fields(h, buf, p, end);
    return p ? finish(h, buf, (uint32_t)(p - buf)) : -h->err;
}

static void head_init(h1_head *h, unsigned maxhdr, int state, uint32_t flags)
{
    memset(h, 0, offsetof(h1_head, hdr));
    h->maxhdr = maxhdr < H1_MAX_HDR ? maxhdr : H1_MAX_HDR;
    h->state = (uint8_t)state;
    h->flags = flags;
}

void h1_request_init(h1_head *h, unsigned maxhdr)
{
    head_init(h, maxhdr, S_EMPTY, 0);
}

void h1_response_init(h1_head *h, unsigned maxhdr)
{
    head_init(h, maxhdr, S_RVERSION, H1_F_RESPONSE);
}

void h1_trailers_init(h1_head *h, unsigned maxhdr)
{
    head_init(h, maxhdr, S_NAME, H1_F_TRAILERS);
}

void h1_reopen(h1_head *h, uint8_t opts)
{
    h->state = S_NAME;
    h->pos = h->token = h->fields_end;
    h->len = 0;
    h->flags &= ~(H1_F_PERSIST | H1_F_UPGRADE);
    h->maxhdr = H1_MAX_HDR;
    h->opts = opts;
}

void h1_head_copy(h1_head *dst, const h1_head *src)
{
    uint32_t n = src->nhdr + (src->state == S_VALUE); /* the one whose value is being scanned has a name already */

    memcpy(dst, src, offsetof(h1_head, hdr) + n * sizeof(h1_hdr));
}

/* ---- questions about a head ---- */

static inline h1_span name_of(const h1_hdr *f, const char *buf)
{
    return (h1_span){buf + f->name, buf + f->name + f->name_len};
}

int h1_find(const h1_head *h, const char *buf, const char *name, uint32_t n, uint32_t from)
{
    for (uint32_t i = from; i < h->nhdr; i++)
        if (h->hdr[i].name_len == n && h1_same_nocase(name_of(&h->hdr[i], buf), (h1_span){name, name + n}))
            return (int)i;
    return -1;
}

/* Whether a Connection field's value holds the option <name>. */
static int has_option(h1_span v, h1_span name)
{
    h1_span item;

    while (h1_next_item(&v, &item))
        if (h1_same_nocase(item, name))
            return 1;
    return 0;
}

int h1_nominated(const h1_head *h, const char *buf, uint32_t i)
{
    const h1_hdr *f = &h->hdr[i];

    if (f->id == H1_ID_HOST || f->id == H1_ID_CONTENT_LENGTH || f->id == H1_ID_TRANSFER_ENCODING)
        return 0;
    for (uint32_t c = 0; c < h->nhdr; c++)
        if (h->hdr[c].id == H1_ID_CONNECTION && has_option(h1_value(&h->hdr[c], buf), name_of(f, buf)))
            return 1;
    return 0;
}

const char *h1_error_text(int err)
{
    static const char *const texts[H1_ERR_N] = {
        [0] = "no error",
        [H1_ERR_EMPTY_LINES] = "too many empty lines before the request line",
        [H1_ERR_METHOD] = "invalid method",
        [H1_ERR_TARGET] = "invalid byte in the request target",
        [H1_ERR_TARGET_FORM] = "request target of a form its method may not have",
        [H1_ERR_VERSION] = "invalid or unsupported HTTP version",
        [H1_ERR_STATUS] = "invalid status code",
        [H1_ERR_REASON] = "invalid byte in the reason phrase",
        [H1_ERR_LINE_END] = "line does not end in CR LF",
        [H1_ERR_NAME] = "invalid field name",
        [H1_ERR_SPACE_COLON] = "space between field name and colon",
        [H1_ERR_FOLD] = "folded field line",
        [H1_ERR_VALUE] = "control character in a field value",
        [H1_ERR_TOO_MANY] = "too many fields",
        [H1_ERR_CLEN] = "invalid Content-Length",
        [H1_ERR_CLEN_DUP] = "more than one Content-Length",
        [H1_ERR_CLEN_TE] = "Content-Length with Transfer-Encoding",
        [H1_ERR_TE] = "invalid Transfer-Encoding",
        [H1_ERR_TE_CODING] = "unsupported transfer coding",
        [H1_ERR_TE_10] = "Transfer-Encoding in HTTP/1.0",
        [H1_ERR_NO_HOST] = "no Host field",
        [H1_ERR_HOST_DUP] = "more than one Host field",
        [H1_ERR_HOST] = "invalid Host field",
        [H1_ERR_AUTHORITY] = "invalid authority in the request target",
        [H1_ERR_HOST_MISMATCH] = "Host differs from the target's authority",
        [H1_ERR_BODY] = "body in a request that may have none",
        [H1_ERR_CHUNK_SIZE] = "invalid chunk size",
        [H1_ERR_CHUNK_EXT] = "invalid or too long chunk extension",
        [H1_ERR_CHUNK_END] = "chunk data not followed by CR LF",
    };
    unsigned n = err < 0 ? 0u - (unsigned)err : (unsigned)err;

    return n < H1_ERR_N ? texts[n] : "unknown error";
}
