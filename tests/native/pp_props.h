/* What must hold of the headers of other proxies for any input at all: shared by test_proxyproto.c and fuzz_proxyproto.c.
 *
 * The includer defines CHECK(cond) first, and exact_copy()/exact_free(), which give a copy that must not be overrun.
 */
#ifndef LB_PP_PROPS_H
#define LB_PP_PROPS_H
#include "proxyproto.h"
#include <sys/socket.h>

#define PROPS_MAGIC 0x12345678

/* TLVs that were let through can be walked to their end. */
static void props_tlvs(const char *s, const pp_header *h)
{
    const char *tlvs = s + h->tlvs;
    uint32_t at = 0, value;

    while (at < h->ntlvs) {
        int len = pp_tlv_find(tlvs, h->ntlvs, at, (uint8_t)tlvs[at], &value);

        CHECK(len >= 0 && value == at + 3 && value + (uint32_t)len <= h->ntlvs);
        at = value + (uint32_t)len;
    }
    CHECK(at == h->ntlvs);
}

/* What was understood is written and understood again as the same. */
static void props_again(const pp_header *h)
{
    char line[PP_V1_MAX], block[PP_V2_MIN + 36 + 7 + 5];
    const char *tlv = "\xe0\0\2ab";
    pp_header back;
    int n = pp_write_v1(h, line);

    CHECK(n > 0 && n <= PP_V1_MAX);
    CHECK(pp_read(line, (uint32_t)n, &back) == n && back.family == h->family && back.sport == h->sport);
    CHECK(!memcmp(back.src, h->src, 16) && !memcmp(back.dst, h->dst, 16) && back.dport == h->dport);
    n = pp_write_v2(h, 1, tlv, 5, block, sizeof(block));
    CHECK(n > 0 && pp_read(block, (uint32_t)n, &back) == n && back.family == h->family && back.sport == h->sport);
    CHECK(!memcmp(back.src, h->src, 16) && !memcmp(back.dst, h->dst, 16) && back.dport == h->dport);
    CHECK(back.ntlvs == 12);
    props_tlvs(block, &back);
}

static void props_one(const char *s, uint32_t n, int cip)
{
    char *copy = exact_copy(s, n);
    pp_header h, less;
    int ret = cip ? pp_read_cip(copy, n, PROPS_MAGIC, &h) : pp_read(copy, n, &h);

    if (ret > 0) {
        CHECK((uint32_t)ret <= n && h.tlvs + h.ntlvs <= (uint32_t)ret);
        CHECK(h.family == AF_UNSPEC || h.family == AF_INET || h.family == AF_INET6);
        props_tlvs(copy, &h);
        props_again(&h);
        /* nothing behind it counts, and nothing of it is missing */
        for (int i = 0; i <= ret; i++) {
            char *part = exact_copy(s, (size_t)i);
            int got = cip ? pp_read_cip(part, (uint32_t)i, PROPS_MAGIC, &less) : pp_read(part, (uint32_t)i, &less);

            CHECK(got == (i == ret ? ret : cip ? -CO_ER_CIP_TRUNCATED : -CO_ER_PRX_TRUNCATED));
            exact_free(part, (size_t)i);
        }
    } else if (cip) {
        CHECK(ret <= -CO_ER_CIP_TRUNCATED && ret >= -CO_ER_CIP_BAD_PROTO);
    } else {
        CHECK(ret <= -CO_ER_PRX_TRUNCATED && ret >= -CO_ER_PRX_BAD_PROTO);
    }
    exact_free(copy, n);
}

static void props_hold(const void *data, size_t n)
{
    props_one(data, (uint32_t)n, 0);
    props_one(data, (uint32_t)n, 1);
}
#endif
