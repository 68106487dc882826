/* Bodies of HTTP/1 messages: chunked decoding, chunk sizes to send, the length of the trailers block (RFC 9112 7.1).
 *
 * The decoder is pulled: it walks framing, and tells where the next run of payload is. The caller takes the run, in one
 * piece or many, or even without ever having it in a buffer (splice):
 *
 *     h1_chunk_init(&c);
 *     ...
 *     for (;;) {
 *         int n = h1_chunk_next(&c, p, end - p, &run);
 *         if (n < 0)
 *             the peer is wrong: -H1_ERR_CHUNK_*
 *         p += n;                          // framing: chunk sizes, extensions, CR LF
 *         if (!run)
 *             break;                       // more bytes wanted, or the trailers begin at p
 *         forward(p, run);
 *         h1_chunk_took(&c, run);          // c.left says what the chunk still has to come
 *         p += run;
 *     }
 *     if (c.state == H1_CHUNK_TRAILERS && (n = h1_trailers_len(p, end - p)) > 0)
 *         the message ends at p + n;       // p[0 .. n-1]: h1_trailers_init() and h1_scan() index its fields
 *
 * Strict: a size is 1 to 16 hexadecimal digits, at most 2^63 - 1, with nothing before it. Behind it CR LF, or an
 * extension that begins with ";" at once, or after spaces or tabs (BWS, 7.1.1); spaces without one are refused.
 * Extensions have no control character but HTAB and are bounded in sum by H1_MAX_EXT; the caller never sees them. Data
 * is followed by CR LF and nothing else.
 */
#pragma once
#ifndef LB_CFFI
#include "h1.h"
#endif

#define H1_MAX_EXT 4096     /* bytes of extensions a whole body may have */
#define H1_CHUNK_SIZE_MAX 18 /* most that h1_emit_chunk_size() writes */

/* h1_chunk.state */
#define H1_CHUNK_SIZE 0      /* before or inside the digits of a size */
#define H1_CHUNK_BWS 1       /* spaces behind the size */
#define H1_CHUNK_EXT 2       /* inside an extension */
#define H1_CHUNK_SIZE_LF 3   /* LF behind the size is wanted */
#define H1_CHUNK_DATA 4      /* <left> bytes of payload are to come */
#define H1_CHUNK_DATA_CR 5   /* CR behind the payload is wanted */
#define H1_CHUNK_DATA_LF 6   /* LF behind the payload is wanted */
#define H1_CHUNK_TRAILERS 7  /* the last chunk's line has been read: the trailers block begins */
#define H1_CHUNK_ERROR 8     /* refused: err tells why */

typedef struct h1_chunk {
    uint64_t left;   /* payload bytes of the present chunk that were not taken yet */
    uint32_t ext;    /* bytes of extensions so far */
    uint8_t state;   /* H1_CHUNK_* */
    uint8_t digits;  /* of the size being read */
    uint8_t err;     /* H1_ERR_CHUNK_*, 0: none */
} h1_chunk;

void h1_chunk_init(h1_chunk *c);

/* Eats framing from the <len> bytes at <buf>. Returns how many bytes of framing it ate; *run is how many of the bytes
 * behind them are payload (0: none here now). The payload is not eaten: h1_chunk_took() tells what was used of it.
 * Negative: -H1_ERR_CHUNK_*, again and again. In state H1_CHUNK_TRAILERS it returns 0 with *run 0. */
int h1_chunk_next(h1_chunk *c, const char *buf, uint32_t len, uint32_t *run);

/* <n> bytes of payload were taken, at most c->left. */
void h1_chunk_took(h1_chunk *c, uint64_t n);

/* Bytes of the trailers block that begins at <buf>, its last CR LF with it (2 if there are no fields); 0 if some of it
 * is missing; -H1_ERR_* if it is malformed. Fields obey the rules of h1.h, at most H1_MAX_HDR of them; which names may
 * be trailers is the caller's affair (9110 6.5.1), and h1_scan() after h1_trailers_init() gives their index. */
int h1_trailers_len(const char *buf, uint32_t len);

/* Bytes of the whole chunked body that begins at <buf>, framing and trailers included; 0 if some of it is missing;
 * -H1_ERR_* if it is malformed. */
int64_t h1_chunked_len(const char *buf, uint32_t len);

/* Writes <n> in hexadecimal, lower case, without leading zeros, and CR LF. Returns the bytes written, 3 to
 * H1_CHUNK_SIZE_MAX, for which <to> has room. */
int h1_emit_chunk_size(char *to, uint64_t n);
