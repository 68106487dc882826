/* The HTTP/1 scanner: a request's or a response's head becomes an index of offsets (RFC 9112, RFC 9110).
 *
 * It copies nothing, allocates nothing, looks up nothing outside its arguments. The caller owns the bytes and the
 * h1_head; offsets count from the first byte given, so that the bytes may move between calls.
 *
 *     h1_request_init(&h, 101);
 *     while ((r = h1_scan(&h, buf, have)) == 0)
 *         read more behind buf[have];
 *     if (r < 0)
 *         answer 400; h1_error_text(-r) and h.err_pos say why and where
 *     GET is buf[h.method .. +h.method_len], the body begins at buf[h.len]
 *
 * The rule behind every choice below: what two parsers could read differently is refused.
 *
 *   lines          end in CR LF. CR elsewhere, LF alone, NUL are errors (9112 2.2; H1_OPT_LF allows LF alone).
 *   before it      at most H1_MAX_EMPTY empty lines before a request line are skipped (9112 2.2), none before a
 *                  response.
 *   request line   method SP target SP version, single spaces, nothing after. The method is a token. The target is
 *                  visible ASCII without "#", in one of the four forms (9112 3.2): /path; scheme://host[:port]...
 *                  without user-info (9110 4.2.4); host:port for CONNECT only; * for OPTIONS only.
 *   version        HTTP/1.x, upper case; from 1.1 on it counts as 1.1 (9110 2.5). Everything else (0.9, 2.0) is
 *                  H1_ERR_VERSION.
 *   status line    version SP three digits from 100 on, then SP reason (may be empty); the SP may be missing if there
 *                  is no reason.
 *   field line     token ":" OWS value OWS. No space before the colon (9112 5.1), no empty name, no folded line in
 *                  either direction (9112 5.2), no control character but HTAB in a value; bytes from 0x80 are allowed.
 *   Host           one and valid (uri-host [":" port], may be empty); needed in HTTP/1.1 requests (9112 3.2;
 *                  H1_OPT_NO_HOST waives that). With an absolute target or CONNECT it must name the same host and port;
 *                  a port left out is the scheme's (http 80, https 443; CONNECT either).
 *   Content-Length one field, digits only, at most 2^63 - 1. A second one is refused even if it repeats the first.
 *   Transfer-Encoding  one field, exactly "chunked" in any case; never with Content-Length, never in HTTP/1.0 (9112
 *                  6.1). Other codings are refused in both directions, as HAProxy does: nobody sends them in earnest,
 *                  and what looks like one is more often "chunked" obscured.
 *   body           CONNECT with a body, HTTP/1.0 GET, HEAD or DELETE with one: refused, for there is no agreed meaning
 *                  (H1_OPT_PAYLOAD allows the latter).
 *
 * 1xx, 204 and 304 have no body whatever their fields say: H1_F_NO_BODY. That the answer to HEAD has none, and that a
 * 2xx to CONNECT starts a tunnel, only the caller can know.
 */
#pragma once
#ifndef LB_CFFI
#include "h1word.h"
#endif

#define H1_MAX_HDR 256 /* room for fields in a h1_head; maxhdr may ask for fewer */
#define H1_MAX_EMPTY 8 /* empty lines skipped before a request line */

/* form: what the target is (9112 3.2) */
#define H1_FORM_ORIGIN 0    /* /path?query */
#define H1_FORM_ABSOLUTE 1  /* scheme://authority/path */
#define H1_FORM_AUTHORITY 2 /* host:port, CONNECT */
#define H1_FORM_ASTERISK 3  /* *, OPTIONS */

/* flags; those marked * are valid only when the head is done */
#define H1_F_CLEN 0x1             /* Content-Length: body_len holds it */
#define H1_F_CHUNKED 0x2          /* Transfer-Encoding: chunked */
#define H1_F_CONN_CLOSE 0x4       /* Connection: close */
#define H1_F_CONN_KEEPALIVE 0x8   /* Connection: keep-alive */
#define H1_F_CONN_UPGRADE 0x10    /* Connection: upgrade */
#define H1_F_CONN_TE 0x20         /* Connection: te */
#define H1_F_CONN_OTHER 0x40      /* Connection names something else: ask h1_nominated() for each field */
#define H1_F_UPGRADE 0x80         /* * an Upgrade field and Connection: upgrade, HTTP/2 not offered (else ignored) */
#define H1_F_EXPECT_100 0x100     /* * Expect: 100-continue in an HTTP/1.1 request (9110 10.1.1: ignored in 1.0) */
#define H1_F_HOST 0x200           /* Host: its place is hdr[h->host] */
#define H1_F_TE_TRAILERS 0x400    /* TE: trailers */
#define H1_F_NO_BODY 0x800        /* response 1xx, 204, 304 */
#define H1_F_PERSIST 0x1000       /* * the sender keeps the connection: 1.1 without close, 1.0 with keep-alive alone */
#define H1_F_RESPONSE 0x2000      /* this head is a response's */
#define H1_F_TRAILERS 0x4000      /* this head is a trailers block */

/* opts: to be set after an init function and before the first scan */
#define H1_OPT_LF 0x1      /* LF alone ends a line too */
#define H1_OPT_NO_HOST 0x2 /* an HTTP/1.1 request may lack Host */
/* Accepts "#" and bytes from 0x80 on in a target; any visible byte and those from 0x80 on in a field name; control
 * characters but NUL, CR, LF in a reason and in values of fields that have no H1_ID_*. Nothing that frames or routes a
 * message is read less strictly. */
#define H1_OPT_UNSAFE 0x4
#define H1_OPT_PAYLOAD 0x8 /* GET, HEAD, DELETE may have a body in HTTP/1.0 too */

/* errors: h1_scan() and its kin return them negated; err holds them positive */
#define H1_ERR_EMPTY_LINES 1   /* too many empty lines before the request line */
#define H1_ERR_METHOD 2        /* method is empty or no token */
#define H1_ERR_TARGET 3        /* target has a forbidden byte */
#define H1_ERR_TARGET_FORM 4   /* target in none of the four forms, or in one that its method may not have */
#define H1_ERR_VERSION 5       /* no HTTP/1.0 or HTTP/1.1 */
#define H1_ERR_STATUS 6        /* status is not three digits, or below 100 */
#define H1_ERR_REASON 7        /* reason has a forbidden byte */
#define H1_ERR_LINE_END 8      /* CR without LF, LF without CR */
#define H1_ERR_NAME 9          /* field name is empty, too long or no token */
#define H1_ERR_SPACE_COLON 10  /* space between field name and colon */
#define H1_ERR_FOLD 11         /* folded line, or a space before the first field */
#define H1_ERR_VALUE 12        /* field value has a control character */
#define H1_ERR_TOO_MANY 13     /* more than maxhdr fields */
#define H1_ERR_CLEN 14         /* Content-Length is not a number, or is too large */
#define H1_ERR_CLEN_DUP 15     /* more than one Content-Length */
#define H1_ERR_CLEN_TE 16      /* Content-Length with Transfer-Encoding */
#define H1_ERR_TE 17           /* Transfer-Encoding malformed, repeated, or chunked with something behind it */
#define H1_ERR_TE_CODING 18    /* a transfer coding other than chunked (9112 6.1 suggests 501 for requests) */
#define H1_ERR_TE_10 19        /* Transfer-Encoding in HTTP/1.0 */
#define H1_ERR_NO_HOST 20      /* HTTP/1.1 request without Host */
#define H1_ERR_HOST_DUP 21     /* more than one Host */
#define H1_ERR_HOST 22         /* Host is malformed */
#define H1_ERR_AUTHORITY 23    /* target's authority is malformed, or has user-info */
#define H1_ERR_HOST_MISMATCH 24 /* Host and the target's authority differ */
#define H1_ERR_BODY 25         /* a body where none may be: CONNECT; HTTP/1.0 GET, HEAD, DELETE */
#define H1_ERR_CHUNK_SIZE 26   /* chunk size is no hexadecimal number, or is too large */
#define H1_ERR_CHUNK_EXT 27    /* chunk extension has a forbidden byte, or is too long */
#define H1_ERR_CHUNK_END 28    /* chunk data is not followed by CR LF */
#define H1_ERR_N 29

/* One field. Its line runs from <name> to the next field's <name>, the last one's to h1_head.fields_end. */
typedef struct h1_hdr {
    uint32_t name, value; /* offsets; the value is trimmed of OWS */
    uint16_t name_len, id; /* id: H1_ID_* */
    uint32_t value_len;
} h1_hdr;

/* A head being scanned. Up to <flags> it is small; <hdr> is never cleared: only hdr[0 .. nhdr-1] mean anything. */
typedef struct h1_head {
    /* the scanner's own: where it goes on (pos), where the present token began (token), in which state */
    uint32_t pos, token;
    uint8_t state, empty;
    uint8_t opts;      /* H1_OPT_* */
    uint8_t form;      /* H1_FORM_* (requests) */
    uint32_t maxhdr;   /* most fields that are accepted, 0 .. H1_MAX_HDR */
    uint32_t nhdr;     /* fields scanned so far */
    uint32_t len;      /* bytes of the head with its empty line, and with empty lines before it; when done, else 0 */
    uint32_t start;    /* offset of the request or status line (after empty lines) */
    uint32_t fields;   /* offset behind the first line: of the first field, or of the empty line */
    uint32_t fields_end; /* offset of the empty line */
    uint32_t method, target;         /* offsets; requests */
    uint32_t method_len, target_len;
    uint32_t authority, authority_len; /* inside the target, without user-info: absolute form and CONNECT; else 0 */
    uint32_t path, path_len;         /* path and query inside the target; 0 length: none (absolute form: means "/") */
    uint32_t reason, reason_len;     /* responses; may be empty */
    uint16_t method_id; /* H1_GET ... */
    uint16_t status;    /* responses: 100 .. 999 */
    uint16_t version;   /* 10 or 11 */
    uint16_t host;      /* index in hdr of Host, if H1_F_HOST */
    uint64_t body_len;  /* Content-Length, if H1_F_CLEN; else 0 */
    uint32_t seen;      /* bit (1 << H1_ID_*) for each well-known name that came */
    int32_t err;        /* H1_ERR_*, 0: none */
    uint32_t err_pos;   /* offset of the byte that broke the rule */
    uint32_t flags;     /* H1_F_* */
    h1_hdr hdr[H1_MAX_HDR];
} h1_head;

/* Makes <h> ready for a request, a response, or a trailers block, of at most <maxhdr> fields (cut to H1_MAX_HDR;
 * HAProxy's tune.http.maxhdr is 101). Cheap: some hundred bytes are cleared. */
void h1_request_init(h1_head *h, unsigned maxhdr);
void h1_response_init(h1_head *h, unsigned maxhdr);
void h1_trailers_init(h1_head *h, unsigned maxhdr);

/* Opens a head that is done at its end again: with other bytes from buf[fields_end] on, more fields and an empty line, h1_scan()
 * goes on there. At most H1_MAX_HDR fields are accepted then, read as <opts> says. */
void h1_reopen(h1_head *h, uint8_t opts);

/* Scans on. <buf> has all <len> bytes from the message's first one, in which those seen before are unchanged.
 * Returns 1: the head is whole, h->len bytes; 0: more bytes are wanted; -H1_ERR_*: refused, for good.
 * Called again after 1 or an error it returns the same. Every byte is looked at once, however the input is cut; an
 * error is found with the byte that makes it (at the end of its line, or of the head, for what needs the whole). */
int h1_scan(h1_head *h, const char *buf, uint32_t len);

/* Copies a head, whole or not, without the unused part of <hdr>. They may not overlap. */
void h1_head_copy(h1_head *dst, const h1_head *src);

/* A few words in English for H1_ERR_* (positive or negated). Static text; never NULL. */
const char *h1_error_text(int err);

/* Index of the next field called <name> (<n> bytes, any case) from index <from> on, or -1. */
int h1_find(const h1_head *h, const char *buf, const char *name, uint32_t n, uint32_t from);

/* 1 if a Connection field names field <i> and it must not be forwarded (9110 7.6.1), else 0. Fields that frame or route
 * the message (Host, Content-Length, Transfer-Encoding) stay whatever it says. Ask only if H1_F_CONN_OTHER. */
int h1_nominated(const h1_head *h, const char *buf, uint32_t i);

#ifndef LB_CFFI
/* The value of a field, as a part of the bytes it was scanned in. */
static inline h1_span h1_value(const h1_hdr *f, const char *buf)
{
    return (h1_span){buf + f->value, buf + f->value + f->value_len};
}
#endif
