/* sources: proxyproto */
#include "check.h"

#define exact_copy guard_copy
#define exact_free guard_free
#include "pp_props.h"
#include <arpa/inet.h>

#define SIGN "\r\n\r\n\0\r\nQUIT\n"
#define ENDS "\x0a\1\2\3\x0a\4\5\6\x04\x57\x08\xae" /* 10.1.2.3:1111 to 10.4.5.6:2222 */
#define IP4 "\x45\0\0\x28\0\0\0\0\x40\6\0\0\x0a\1\2\3\x0a\4\5\6"
#define TCP "\x04\x57\x08\xae\0\0\0\0\0\0\0\0\x50\0\0\0\0\0\0\0"

#define ROW(s) s, sizeof(s) - 1

static int reads(const char *s, size_t n, pp_header *h)
{
    char *copy = guard_copy(s, n);
    int ret = pp_read(copy, (uint32_t)n, h);

    guard_free(copy, n);
    return ret;
}

static int is_end(int family, const uint8_t *end, uint16_t port, const char *text, uint16_t wanted)
{
    char name[INET6_ADDRSTRLEN];

    return inet_ntop(family, end, name, sizeof(name)) && !strcmp(name, text) && port == wanted;
}

static void headers_tell_who_is_at_the_ends(void)
{
    static const struct {
        const char *s;
        size_t n;
        int family;
        const char *src, *dst;
    } rows[] = {
        {ROW("PROXY TCP4 10.1.2.3 10.4.5.6 1111 2222\r\n"), AF_INET, "10.1.2.3", "10.4.5.6"},
        {ROW("PROXY TCP6 2001:db8::1 ::1 1111 2222\r\n"), AF_INET6, "2001:db8::1", "::1"},
        {ROW(SIGN "\x21\x11\0\x0c" ENDS), AF_INET, "10.1.2.3", "10.4.5.6"},
        {ROW(SIGN "\x21\x21\0\x24\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\4\x57\x08\xae"),
         AF_INET6, "2001:db8::1", "::1"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        pp_header h;

        CHECK_EQ(reads(rows[i].s, rows[i].n, &h), (int)rows[i].n);
        CHECK_EQ(h.family, rows[i].family);
        CHECK(is_end(h.family, h.src, h.sport, rows[i].src, 1111));
        CHECK(is_end(h.family, h.dst, h.dport, rows[i].dst, 2222));
        CHECK_EQ(h.ntlvs, 0);
        props_hold(rows[i].s, rows[i].n);
    }
}

static void headers_that_tell_nothing_are_read_to_their_end(void)
{
    static const struct {
        const char *s;
        size_t n;
        int len;
    } rows[] = {
        {ROW("PROXY UNKNOWN\r\n"), 15},
        {ROW("PROXY UNKNOWN\r\nGET"), 15},
        {ROW("PROXY UNKNOWN ffff::1 whatever\r\n\r\n"), 32},
        {ROW(SIGN "\x20\0\0\0"), 16},
        {ROW(SIGN "\x20\x11\0\x0c" ENDS "more"), 28},
        {ROW(SIGN "\x20\xff\0\x03" "abc"), 19},
        {ROW(SIGN "\x20\0\0\x04" "\2\0\x09z"), 20}, /* a TLV that is none */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        pp_header h;

        CHECK_EQ(reads(rows[i].s, rows[i].n, &h), rows[i].len);
        CHECK_EQ(h.family, AF_UNSPEC);
        CHECK_EQ(h.ntlvs, 0);
        props_hold(rows[i].s, rows[i].n);
    }
}

static void bad_headers_are_told_apart(void)
{
    static const struct {
        const char *s;
        size_t n;
        int err;
    } rows[] = {
        {ROW(""), CO_ER_PRX_TRUNCATED},
        {ROW("PROX"), CO_ER_PRX_TRUNCATED},
        {ROW("GET "), CO_ER_PRX_TRUNCATED}, /* too little to tell */
        {ROW("GET / HTTP/1.1\r\n"), CO_ER_PRX_NOT_HDR},
        {ROW("proxy TCP4 1.1.1.1 1.1.1.1 1 1\r\n"), CO_ER_PRX_NOT_HDR},
        {ROW("PROXY TCP4 1.1.1.1 1.1.1.1 1 1"), CO_ER_PRX_TRUNCATED},
        {ROW("PROXY TCP4 1.1.1.1 1.1.1.1 1 1\r"), CO_ER_PRX_TRUNCATED},
        {ROW("PROXY TCP4 1.1.1.1 1.1.1.1 1 1\rx"), CO_ER_PRX_BAD_HDR},
        {ROW("PROXY TCP4 1.1.1.1 1.1.1.1 1 1\n\r\n"), CO_ER_PRX_BAD_HDR},
        {ROW("PROXY TCP4 1.1.1.1 1.1.1.1 1\r\n"), CO_ER_PRX_BAD_HDR},
        {ROW("PROXY TCP4 1.1.1.1 1.1.1.1 1 \r\n"), CO_ER_PRX_BAD_HDR},
        {ROW("PROXY TCP4 1.1.1.1 1.1.1.1 1 1 \r\n"), CO_ER_PRX_BAD_HDR},
        {ROW("PROXY TCP4 1.1.1.1 1.1.1.1 1 65536\r\n"), CO_ER_PRX_BAD_HDR},
        {ROW("PROXY TCP4 1.1.1.1 1.1.1.1 01 1\r\n"), CO_ER_PRX_BAD_HDR},
        {ROW("PROXY TCP4 1.1.1.1 1.1.1.1 -1 1\r\n"), CO_ER_PRX_BAD_HDR},
        {ROW("PROXY TCP4 1.1.1.1 1.1.1.1 1 1\0\r\n"), CO_ER_PRX_BAD_HDR},
        {ROW("PROXY TCP4 1.1.1 1.1.1.1 1 1\r\n"), CO_ER_PRX_BAD_HDR},
        {ROW("PROXY TCP4 ::1 ::1 1 1\r\n"), CO_ER_PRX_BAD_HDR},
        {ROW("PROXY TCP6 1.1.1.1 1.1.1.1 1 1\r\n"), CO_ER_PRX_BAD_HDR},
        {ROW("PROXY UDP4 1.1.1.1 1.1.1.1 1 1\r\n"), CO_ER_PRX_BAD_PROTO},
        {ROW("PROXY TCP5 1.1.1.1 1.1.1.1 1 1\r\n"), CO_ER_PRX_BAD_PROTO},
        {ROW("PROXY \r\n"), CO_ER_PRX_BAD_PROTO},
        {ROW("PROXY TCP\r\n"), CO_ER_PRX_BAD_PROTO},
        {ROW("PROXY UNKNOWN\n\r\n"), CO_ER_PRX_BAD_PROTO},
        {ROW(SIGN "\x11\x11\0\x0c" ENDS), CO_ER_PRX_NOT_HDR},
        {ROW(SIGN "\x22\x11\0\x0c" ENDS), CO_ER_PRX_BAD_HDR},
        {ROW(SIGN "\x21\0\0\x0c" ENDS), CO_ER_PRX_BAD_HDR},
        {ROW(SIGN "\x21\x12\0\x0c" ENDS), CO_ER_PRX_BAD_HDR},
        {ROW(SIGN "\x21\x11\0\x0b\x0a\1\2\3\x0a\4\5\6\x04\x57\x08"), CO_ER_PRX_BAD_HDR},
        {ROW(SIGN "\x21\x11\0\x0e" ENDS "\2\0"), CO_ER_PRX_BAD_HDR},
        {ROW(SIGN "\x21\x11\0\x10" ENDS "\2\0\2a"), CO_ER_PRX_BAD_HDR},
        {ROW(SIGN "\x21\x11\0\x13" ENDS "\3\0\4\0\0\0\0"), CO_ER_PRX_BAD_HDR},
        {ROW(SIGN "\x21\x11\0\x10" ENDS "\3\0\1\0"), CO_ER_PRX_BAD_HDR},
        {ROW(SIGN "\x21\x11\0\x0d" ENDS), CO_ER_PRX_TRUNCATED},
        {ROW(SIGN "\x21\x11\0"), CO_ER_PRX_TRUNCATED},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        pp_header h;

        if (!CHECK(reads(rows[i].s, rows[i].n, &h) == -rows[i].err))
            printf("    row %zu\n", i);
        props_hold(rows[i].s, rows[i].n);
    }
}

static void a_line_of_version_1_has_107_bytes_at_most(void)
{
    char line[200];
    pp_header h;

    for (int n = 100; n < 120; n++) {
        memset(line, 'x', sizeof(line));
        memcpy(line, "PROXY UNKNOWN ", 14);
        memcpy(line + n - 2, "\r\n", 2);
        CHECK_EQ(reads(line, sizeof(line), &h), n <= PP_V1_MAX ? n : -CO_ER_PRX_BAD_HDR);
    }
}

static void values_have_limits(void)
{
    static const struct {
        int type;
        uint32_t most;
    } rows[] = {{PP2_TYPE_AUTHORITY, 255}, {PP2_TYPE_UNIQUE_ID, 128}, {0xe0, 1024}, {PP2_TYPE_NOOP, 2000}};
    static char tlv[2100], header[2200];
    pp_header ends = {.family = AF_INET}, h;

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        for (uint32_t n = rows[i].most; n <= rows[i].most + 1; n++) {
            tlv[0] = (char)rows[i].type;
            tlv[1] = (char)(n >> 8);
            tlv[2] = (char)n;

            int len = pp_write_v2(&ends, 0, tlv, n + 3, header, sizeof(header));
            int fits = n == rows[i].most || rows[i].type == PP2_TYPE_NOOP;

            CHECK_EQ(len, 28 + 3 + (int)n);
            CHECK_EQ(reads(header, (size_t)len, &h), fits ? len : -CO_ER_PRX_BAD_HDR);
        }
    }
}

static void tlvs_are_found_in_their_order(void)
{
    const char tlvs[] = "\2\0\1a\5\0\0\2\0\2bc";
    uint32_t n = sizeof(tlvs) - 1, at = 99;

    CHECK_EQ(pp_tlv_find(tlvs, n, 0, 2, &at), 1);
    CHECK_EQ(at, 3);
    CHECK_EQ(pp_tlv_find(tlvs, n, 4, 2, &at), 2);
    CHECK_EQ(at, 10);
    CHECK_EQ(pp_tlv_find(tlvs, n, 0, 5, &at), 0);
    CHECK_EQ(pp_tlv_find(tlvs, n, 0, 7, &at), -1);
    CHECK_EQ(pp_tlv_find(tlvs, 0, 0, 2, &at), -1);
}

/* As HAProxy 2.6 sends it for the same connection, from a capture. */
static void a_checksum_is_haproxys(void)
{
    static const char wanted[] = SIGN "\x21\x11\0\x1c\x0a\1\2\3\x0a\4\5\6\x04\x57\x08\xae"
                                      "\3\0\4\0\0\0\0\2\0\6host.x";
    static const char bare[] = SIGN "\x21\x11\0\x13\x0a\1\2\3\x0a\4\5\6\x04\x57\x08\xae\3\0\4\xbe\x14\x50\x02";
    pp_header h;
    char to[64];

    CHECK_EQ(reads(bare, sizeof(bare) - 1, &h), sizeof(bare) - 1);
    CHECK_EQ(pp_write_v2(&h, 1, NULL, 0, to, sizeof(to)), sizeof(bare) - 1);
    CHECK(!memcmp(to, bare, sizeof(bare) - 1));
    CHECK_EQ(pp_write_v2(&h, 1, "\2\0\6host.x", 9, to, sizeof(to)), sizeof(wanted) - 1);
    CHECK(!memcmp(to, wanted, 31) && !memcmp(to + 35, wanted + 35, sizeof(wanted) - 36));
    CHECK_EQ(reads(to, sizeof(wanted) - 1, &h), sizeof(wanted) - 1);
}

static void what_does_not_fit_is_not_written(void)
{
    pp_header h = {.family = AF_INET6};
    static char tlvs[65536];
    char *to = guard_copy(tlvs, 59);

    CHECK_EQ(pp_write_v2(&h, 1, NULL, 0, to, 59), 59);
    CHECK_EQ(pp_write_v2(&h, 1, NULL, 0, to, 58), -EMSGSIZE);
    guard_free(to, 59);
    CHECK_EQ(pp_write_v2(&h, 0, tlvs, 65536, tlvs, sizeof(tlvs)), -EMSGSIZE);
}

static int reads_cip(const char *s, size_t n, pp_header *h)
{
    char *copy = guard_copy(s, n);
    int ret = pp_read_cip(copy, (uint32_t)n, PROPS_MAGIC, h);

    guard_free(copy, n);
    return ret;
}

static void headers_of_a_netscaler_are_read_in_both_forms(void)
{
    static const struct {
        const char *s;
        size_t n;
        int ret;
    } rows[] = {
        {ROW("\x12\x34\x56\x78\0\0\0\x34\0\1\0\x28" IP4 TCP), 52},
        {ROW("\x12\x34\x56\x78\0\0\0\x34\0\1\0\x28" IP4 TCP "GET"), 52},
        {ROW("\x12\x34\x56\x78\0\0\0\x28" IP4 TCP), 48},
        {ROW("\x12\x34\x56\x78\0\0\0\x2c" IP4 TCP "opts"), 52},
        {ROW("\x12\x34\x56\x78\0\0\0\x27" IP4 TCP), -CO_ER_CIP_BAD_PROTO},
        {ROW("\x12\x34\x56\x78\0\0\0\x29" IP4 TCP), -CO_ER_CIP_TRUNCATED},
        {ROW("\x12\x34\x56\x79\0\0\0\x28" IP4 TCP), -CO_ER_CIP_BAD_MAGIC},
        {ROW("\x12\x34"), -CO_ER_CIP_TRUNCATED},
        {ROW("\x12\x34\x56\x78\0\0\0\x34\0\1\0\0abcd"), -CO_ER_CIP_BAD_PROTO},
        {ROW("\x12\x34\x56\x78\0\0\0\x28\x55" IP4 TCP), -CO_ER_CIP_BAD_PROTO},
        {ROW("\x12\x34\x56\x78\0\0\0\x28\x44\0\0\x28\0\0\0\0\x40\6\0\0\x0a\1\2\3\x0a\4\5\6" TCP), -CO_ER_CIP_BAD_PROTO},
        {ROW("\x12\x34\x56\x78\0\0\0\x28\x45\0\0\x28\0\0\0\0\x40\x11\0\0\x0a\1\2\3\x0a\4\5\6" TCP),
         -CO_ER_CIP_BAD_PROTO},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        pp_header h;

        CHECK_EQ(reads_cip(rows[i].s, rows[i].n, &h), rows[i].ret);
        if (rows[i].ret > 0)
            CHECK(is_end(AF_INET, h.src, h.sport, "10.1.2.3", 1111) && is_end(AF_INET, h.dst, h.dport, "10.4.5.6", 2222));
        props_hold(rows[i].s, rows[i].n);
    }
}

/* 0 .. n-1, in an order that is always the same. */
static uint32_t below(uint32_t *state, uint32_t n)
{
    *state = *state * 1664525 + 1013904223;
    return (*state >> 8) % n;
}

/* Headers with some bytes changed: whatever comes of them holds. */
static void spoilt_headers_hold(void)
{
    static const struct {
        const char *s;
        size_t n;
    } rows[] = {
        {ROW("PROXY TCP4 10.1.2.3 10.4.5.6 1111 2222\r\n")},
        {ROW(SIGN "\x21\x11\0\x18" ENDS "\2\0\1a\5\0\0\2\0\2bc")},
        {ROW(SIGN "\x20\0\0\x0c\2\0\1a\5\0\0\2\0\2bc")},
        {ROW("\x12\x34\x56\x78\0\0\0\x34\0\1\0\x28" IP4 TCP)},
    };
    uint32_t state = 1;

    for (int turn = 0; turn < 20000; turn++) {
        char text[80];
        size_t row = (size_t)turn % 4, n = rows[row].n;

        memcpy(text, rows[row].s, n);
        for (uint32_t changes = 1 + below(&state, 3); changes; changes--)
            text[below(&state, (uint32_t)n)] = (char)below(&state, 256);
        props_hold(text, n);
    }
}

int main(void)
{
    RUN(headers_tell_who_is_at_the_ends);
    RUN(headers_that_tell_nothing_are_read_to_their_end);
    RUN(bad_headers_are_told_apart);
    RUN(a_line_of_version_1_has_107_bytes_at_most);
    RUN(values_have_limits);
    RUN(tlvs_are_found_in_their_order);
    RUN(a_checksum_is_haproxys);
    RUN(what_does_not_fit_is_not_written);
    RUN(headers_of_a_netscaler_are_read_in_both_forms);
    RUN(spoilt_headers_hold);
    return check_done();
}
