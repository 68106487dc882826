#include "proxyproto.h"
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define V1 "PROXY "
#define V1_LEN 6
#define V2 "\r\n\r\n\0\r\nQUIT\n"
#define V2_LEN 12
#define V2_LOCAL 0x20
#define V2_PROXY 0x21
#define V2_TCP4 0x11
#define V2_TCP6 0x21
#define TLV_HEAD 3

#define TCP_PROTO 6
#define TCP_HEAD 20
#define IP4_HEAD 20
#define IP6_HEAD 40

static uint32_t get16(const char *s)
{
    const uint8_t *u = (const uint8_t *)s;

    return (uint32_t)u[0] << 8 | u[1];
}

static uint32_t get32(const char *s)
{
    return get16(s) << 16 | get16(s + 2);
}

static char *put16(char *to, uint32_t value)
{
    to[0] = (char)(value >> 8);
    to[1] = (char)value;
    return to + 2;
}

static char *put32(char *to, uint32_t value)
{
    return put16(put16(to, value >> 16), value & 0xffff);
}

/* CRC32c (RFC 4960 appendix B), four bits at a time: headers are short. <crc> is what came before, 0 at first. */
static uint32_t crc32c(uint32_t crc, const char *s, uint32_t n)
{
    static const uint32_t quarter[16] = {
        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
        0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
    };

    crc = ~crc;
    for (uint32_t i = 0; i < n; i++) {
        crc ^= (uint8_t)s[i];
        crc = crc >> 4 ^ quarter[crc & 15];
        crc = crc >> 4 ^ quarter[crc & 15];
    }
    return ~crc;
}

/* --- version 1 --- */

/* Takes the word at *at, which ends with <end>, as a string of fewer than <size> bytes. 1, or 0 if there is none such. */
static int take_word(const char *s, uint32_t n, uint32_t *at, char end, char *word, uint32_t size)
{
    const char *from = s + *at, *stop = memchr(from, end, n - *at);
    uint32_t len = stop ? (uint32_t)(stop - from) : size;

    if (!len || len >= size || memchr(from, 0, len))
        return 0;
    memcpy(word, from, len);
    word[len] = 0;
    *at += len + 1;
    return 1;
}

/* 1 to 5 digits, without leading zeros; -1 if it is no port. */
static int port_of(const char *word)
{
    int port = 0;

    if (word[0] == '0' && word[1])
        return -1;
    for (; *word; word++) {
        if (*word < '0' || *word > '9')
            return -1;
        port = port * 10 + *word - '0';
    }
    return port <= 65535 ? port : -1;
}

static int read_v1_ends(const char *s, uint32_t n, uint32_t at, pp_header *h)
{
    char word[4][INET6_ADDRSTRLEN];
    int sport, dport;

    for (int i = 0; i < 4; i++)
        if (!take_word(s, n, &at, i == 3 ? '\r' : ' ', word[i], i < 2 ? INET6_ADDRSTRLEN : 6))
            return 0;
    sport = port_of(word[2]);
    dport = port_of(word[3]);
    if (at != n || sport < 0 || dport < 0)
        return 0;
    h->sport = (uint16_t)sport;
    h->dport = (uint16_t)dport;
    return inet_pton(h->family, word[0], h->src) == 1 && inet_pton(h->family, word[1], h->dst) == 1;
}

static int read_v1(const char *s, uint32_t n, pp_header *h)
{
    uint32_t most = n < PP_V1_MAX ? n : PP_V1_MAX, end;
    const char *cr = memchr(s, '\r', most), *what = s + V1_LEN;

    if (!cr || (cr + 1 == s + n))
        return n < PP_V1_MAX ? -CO_ER_PRX_TRUNCATED : -CO_ER_PRX_BAD_HDR;
    end = (uint32_t)(cr - s) + 1;
    if (cr[1] != '\n' || end == PP_V1_MAX)
        return -CO_ER_PRX_BAD_HDR;
    if (end - V1_LEN >= 8 && !memcmp(what, "UNKNOWN", 7) && (what[7] == ' ' || what[7] == '\r'))
        return (int)end + 1;
    if (end - V1_LEN < 5 || memcmp(what, "TCP", 3) || (what[3] != '4' && what[3] != '6') || what[4] != ' ')
        return -CO_ER_PRX_BAD_PROTO;
    h->family = what[3] == '4' ? AF_INET : AF_INET6;
    return read_v1_ends(s, end, V1_LEN + 5, h) ? (int)end + 1 : -CO_ER_PRX_BAD_HDR;
}

/* --- version 2 --- */

/* The most bytes that the value of a TLV may have. */
static uint32_t tlv_limit(int type)
{
    switch (type) {
    case PP2_TYPE_AUTHORITY:
        return PP2_AUTHORITY_MAX;
    case PP2_TYPE_UNIQUE_ID:
        return PP2_UNIQUE_ID_MAX;
    case PP2_TYPE_NOOP:
        return UINT16_MAX;
    default:
        return PP2_TLV_MAX;
    }
}

/* The checksum of a header of <n> bytes whose own four at <at> count as zeros. */
static uint32_t checksum(const char *s, uint32_t n, uint32_t at)
{
    uint32_t crc = crc32c(crc32c(0, s, at), "\0\0\0", 4);

    return crc32c(crc, s + at + 4, n - at - 4);
}

/* Whether the TLVs at <at> of a header of <n> bytes are well formed, and a checksum among them right. */
static int tlvs_are_right(const char *s, uint32_t n, uint32_t at)
{
    while (at < n) {
        uint32_t len;

        if (n - at < TLV_HEAD || (len = get16(s + at + 1)) > n - at - TLV_HEAD || len > tlv_limit((uint8_t)s[at]))
            return 0;
        if (s[at] == PP2_TYPE_CRC32C && (len != 4 || get32(s + at + TLV_HEAD) != checksum(s, n, at + TLV_HEAD)))
            return 0;
        at += TLV_HEAD + len;
    }
    return 1;
}

/* Bytes of the addresses of a family; of what is none that we know, all <len>. */
static uint32_t address_bytes(int family, uint32_t len)
{
    switch (family >> 4) {
    case 0:
        return 0;
    case 1:
        return 12;
    case 2:
        return 36;
    case 3:
        return 216;
    default:
        return len;
    }
}

static void read_v2_ends(const char *s, pp_header *h)
{
    uint32_t size = h->family == AF_INET ? 4 : 16;

    memcpy(h->src, s, size);
    memcpy(h->dst, s + size, size);
    h->sport = (uint16_t)get16(s + 2 * size);
    h->dport = (uint16_t)get16(s + 2 * size + 2);
}

static int read_v2(const char *s, uint32_t n, pp_header *h)
{
    uint32_t len, at;
    int family;

    if (n > V2_LEN && (s[V2_LEN] & 0xf0) != V2_LOCAL)
        return -CO_ER_PRX_NOT_HDR;
    if (n < PP_V2_MIN || n - PP_V2_MIN < (len = get16(s + 14)))
        return -CO_ER_PRX_TRUNCATED;
    family = (uint8_t)s[13];
    at = PP_V2_MIN + address_bytes(family, len);
    n = PP_V2_MIN + len;
    if (s[V2_LEN] == V2_LOCAL) { /* whatever it says of addresses is to be skipped */
        if (at < n && tlvs_are_right(s, n, at)) {
            h->tlvs = at;
            h->ntlvs = n - at;
        }
        return (int)n;
    }
    if (s[V2_LEN] != V2_PROXY || (family != V2_TCP4 && family != V2_TCP6) || at > n || !tlvs_are_right(s, n, at))
        return -CO_ER_PRX_BAD_HDR;
    h->family = family == V2_TCP4 ? AF_INET : AF_INET6;
    read_v2_ends(s + PP_V2_MIN, h);
    h->tlvs = at;
    h->ntlvs = n - at;
    return (int)n;
}

/* Whether the first of <n> bytes are those of <sign>, as far as they go. */
static int begins(const char *s, uint32_t n, const char *sign, uint32_t len)
{
    return !memcmp(s, sign, n < len ? n : len);
}

int pp_read(const char *s, uint32_t n, pp_header *h)
{
    memset(h, 0, sizeof(*h));
    if (n < V1_LEN) /* whatever it is the beginning of */
        return -CO_ER_PRX_TRUNCATED;
    if (begins(s, n, V1, V1_LEN))
        return read_v1(s, n, h);
    if (begins(s, n, V2, V2_LEN))
        return n >= V2_LEN ? read_v2(s, n, h) : -CO_ER_PRX_TRUNCATED;
    return -CO_ER_PRX_NOT_HDR;
}

int pp_tlv_find(const char *tlvs, uint32_t n, uint32_t at, int type, uint32_t *value)
{
    for (uint32_t next = 0; n - next >= TLV_HEAD; next += TLV_HEAD + get16(tlvs + next + 1)) {
        if (next < at || (uint8_t)tlvs[next] != type)
            continue;
        *value = next + TLV_HEAD;
        return (int)get16(tlvs + next + 1);
    }
    return -1;
}

/* --- NetScaler Client IP --- */

/* The ends that the packet of <n> bytes at <s> has, an IP header with a TCP header behind it. */
static int read_packet(const char *s, uint32_t n, pp_header *h)
{
    uint32_t version = n ? (uint8_t)s[0] >> 4 : 0, ip, size, at;

    if (version != 4 && version != 6)
        return -CO_ER_CIP_BAD_PROTO;
    ip = version == 4 ? 4u * (s[0] & 15) : IP6_HEAD;
    if (ip < IP4_HEAD || n < ip + TCP_HEAD || (uint8_t)s[version == 4 ? 9 : 6] != TCP_PROTO)
        return -CO_ER_CIP_BAD_PROTO;
    h->family = version == 4 ? AF_INET : AF_INET6;
    size = version == 4 ? 4 : 16;
    at = version == 4 ? 12 : 8;
    memcpy(h->src, s + at, size);
    memcpy(h->dst, s + at + size, size);
    h->sport = (uint16_t)get16(s + ip);
    h->dport = (uint16_t)get16(s + ip + 2);
    return 0;
}

/* Behind the magic number comes a length. In the older form it is that of the packet, which comes at once; in the newer one
 * that of all, a type and the packet's length come next. A packet begins with its version, 4 or 6, a type with zeros. */
int pp_read_cip(const char *s, uint32_t n, uint32_t magic, pp_header *h)
{
    uint32_t at, len;
    int ret;

    memset(h, 0, sizeof(*h));
    if (n >= 4 && get32(s) != magic)
        return -CO_ER_CIP_BAD_MAGIC;
    if (n < 12)
        return -CO_ER_CIP_TRUNCATED;
    at = (uint8_t)s[8] >> 4 ? 8 : 12;
    len = at == 8 ? get32(s + 4) : get16(s + 10);
    if (len > n - at)
        return -CO_ER_CIP_TRUNCATED;
    ret = read_packet(s + at, len, h);
    return ret < 0 ? ret : (int)(at + len);
}

/* --- what we send --- */

int pp_write_v1(const pp_header *h, char *to)
{
    char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN], line[PP_V1_MAX + 1];
    int n;

    if (h->family == AF_UNSPEC) {
        n = snprintf(line, sizeof(line), "PROXY UNKNOWN\r\n");
    } else {
        inet_ntop(h->family, h->src, src, sizeof(src));
        inet_ntop(h->family, h->dst, dst, sizeof(dst));
        n = snprintf(line, sizeof(line), "PROXY TCP%c %s %s %u %u\r\n", h->family == AF_INET ? '4' : '6', src, dst,
                     (unsigned)h->sport, (unsigned)h->dport);
    }
    memcpy(to, line, n);
    return n;
}

int pp_write_v2(const pp_header *h, int crc, const char *tlvs, uint32_t n, char *to, uint32_t size)
{
    uint32_t one = h->family == AF_INET ? 4 : h->family == AF_INET6 ? 16 : 0, ends = one ? 2 * one + 4 : 0;
    uint32_t body = ends + (crc ? TLV_HEAD + 4 : 0) + n;
    char *at = to, *sum = NULL;

    if (body > UINT16_MAX || PP_V2_MIN + body > size)
        return -EMSGSIZE;
    if (n) /* first: they may be where the rest comes */
        memmove(to + PP_V2_MIN + body - n, tlvs, n);
    memcpy(at, V2, V2_LEN);
    at += V2_LEN;
    *at++ = ends ? V2_PROXY : V2_LOCAL;
    *at++ = one == 4 ? V2_TCP4 : one ? V2_TCP6 : 0;
    at = put16(at, body);
    if (ends) {
        memcpy(at, h->src, one);
        memcpy(at + one, h->dst, one);
        at = put16(put16(at + 2 * one, h->sport), h->dport);
    }
    if (crc) {
        *at++ = PP2_TYPE_CRC32C;
        sum = at = put16(at, 4);
        at = put32(at, 0);
    }
    if (sum)
        put32(sum, crc32c(0, to, PP_V2_MIN + body));
    return (int)(PP_V2_MIN + body);
}
