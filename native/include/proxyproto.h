/* What a proxy in front of us may say of a client before the client's own bytes: the PROXY protocol, versions 1 and 2
 * ("proxy-protocol.txt" of HAProxy), and the NetScaler Client IP header; and the PROXY header that we send to servers.
 *
 * Pure: bytes in, bytes out. A header has to be there as a whole: its sender writes it at once, in less than a segment,
 * and the specification has partial ones refused.
 *
 * Stricter than HAProxy, as the specification wants it: addresses of version 1 are what inet_pton(3) takes, ports are
 * numbers without leading zeros up to 65535. More generous where the specification is: "PROXY UNKNOWN" may be followed by
 * anything up to its CRLF, and a LOCAL command by any address.
 */
#pragma once
#ifndef LB_CFFI
#include "base.h"
#endif

/* Errors of a connection as HAProxy numbers them (manual 7.3.3, fc_err_str), those that may happen here. */
#define CO_ER_PRX_EMPTY 11
#define CO_ER_PRX_ABORT 12
#define CO_ER_PRX_TIMEOUT 13
#define CO_ER_PRX_TRUNCATED 14
#define CO_ER_PRX_NOT_HDR 15
#define CO_ER_PRX_BAD_HDR 16
#define CO_ER_PRX_BAD_PROTO 17
#define CO_ER_CIP_EMPTY 18
#define CO_ER_CIP_ABORT 19
#define CO_ER_CIP_TIMEOUT 20
#define CO_ER_CIP_TRUNCATED 21
#define CO_ER_CIP_BAD_MAGIC 22
#define CO_ER_CIP_BAD_PROTO 23

#define PP2_TYPE_CRC32C 3
#define PP2_TYPE_AUTHORITY 2
#define PP2_TYPE_NOOP 4
#define PP2_TYPE_UNIQUE_ID 5
#define PP2_AUTHORITY_MAX 255 /* bytes of the value */
#define PP2_UNIQUE_ID_MAX 128
#define PP2_TLV_MAX 1024      /* of all others but NOOP, which is padding (manual 7.3.3, fc_pp_tlv) */

#ifndef LB_CFFI
#define PP_V1_MAX 107 /* bytes of a header of version 1 */
#define PP_V2_MIN 16  /* bytes of a header of version 2 without addresses */
#define PP_V2_FIXED (PP_V2_MIN + 36 + 7) /* the most that is before its TLVs, but for a checksum */

/* Who is at the ends of a connection, as one proxy tells another. */
typedef struct pp_header {
    uint8_t family;   /* AF_INET, AF_INET6; AF_UNSPEC: nothing is told, the connection's own ends count */
    uint16_t sport, dport; /* host order */
    uint8_t src[16], dst[16]; /* network order, 4 or 16 bytes */
    uint32_t tlvs, ntlvs;  /* version 2: where in the header its TLVs begin, and their bytes */
} pp_header;

/* Reads the PROXY header at the beginning of <n> bytes. Returns its length, or -CO_ER_PRX_*. TLVs that are returned are well
 * formed, and a checksum among them is right. */
int pp_read(const char *s, uint32_t n, pp_header *h);
/* The same of a NetScaler Client IP header that begins with <magic>: -CO_ER_CIP_*. */
int pp_read_cip(const char *s, uint32_t n, uint32_t magic, pp_header *h);
/* The first TLV of <type>, not before place <at>, among <n> bytes of well-formed ones: the length of its value, whose place is
 * put in *value; -1: there is none. */
int pp_tlv_find(const char *tlvs, uint32_t n, uint32_t at, int type, uint32_t *value);
/* Writes a header of version 1 to <to>, which has room for PP_V1_MAX bytes. Returns its length. */
int pp_write_v1(const pp_header *h, char *to);
/* Writes a header of version 2 with the <n> bytes of <tlvs>, and a checksum before them if <crc>. They may lie in <to>, behind
 * where they will be. Returns its length, or
 * -EMSGSIZE if <size> is too small. */
int pp_write_v2(const pp_header *h, int crc, const char *tlvs, uint32_t n, char *to, uint32_t size);
#endif
