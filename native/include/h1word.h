/* Words of HTTP/1: byte classes, names of methods and fields, lists. What the scanner and its kin share.
 *
 * Nothing here knows a head or keeps anything. Names are compared in any case of ASCII letters, methods exactly.
 */
#pragma once
#ifndef LB_CFFI
#include "base.h"
#endif

/* method_id */
#define H1_OTHER 0
#define H1_OPTIONS 1
#define H1_GET 2
#define H1_HEAD 3
#define H1_POST 4
#define H1_PUT 5
#define H1_DELETE 6
#define H1_TRACE 7
#define H1_CONNECT 8
#define H1_PATCH 9

/* id of a field name; 0 is any other name. h1_head.seen has bit (1 << id) set for each that came. */
#define H1_ID_OTHER 0
#define H1_ID_CONNECTION 1
#define H1_ID_CONTENT_LENGTH 2
#define H1_ID_CONTENT_TYPE 3
#define H1_ID_COOKIE 4
#define H1_ID_DATE 5
#define H1_ID_EXPECT 6
#define H1_ID_FORWARDED 7
#define H1_ID_HOST 8
#define H1_ID_KEEP_ALIVE 9
#define H1_ID_PROXY_CONNECTION 10
#define H1_ID_SERVER 11
#define H1_ID_SET_COOKIE 12
#define H1_ID_TE 13
#define H1_ID_TRAILER 14
#define H1_ID_TRANSFER_ENCODING 15
#define H1_ID_UPGRADE 16
#define H1_ID_VIA 17
#define H1_ID_X_FORWARDED_FOR 18
#define H1_ID_N 19

/* H1_ID_* of a field name (a token) in any case, 0 if it is none of them. */
int h1_name_id(const char *name, uint32_t n);

/* Copies <n> bytes of <name> to <to>, ASCII letters in lower case. Returns <n>. They may be the same place. */
uint32_t h1_put_lower(char *to, const char *name, uint32_t n);

/* H1_GET ... of a method, H1_OTHER if it is none of them (9110 9.1: methods are case-sensitive). */
int h1_method_id(const char *s, uint32_t n);

#ifndef LB_CFFI
/* Classes of bytes: bits of h1_classes[]. */
#define H1_C_TOKEN 1  /* tchar, 9110 5.6.2 */
#define H1_C_TARGET 2 /* visible ASCII but "#" */
#define H1_C_VALUE 4  /* what a field value or reason may hold: no control character but HTAB */
#define H1_C_HOST 8   /* reg-name, 3986 3.2.2, "%" included */
#define H1_C_HEX 16
#define H1_C_SCHEME 32 /* 3986 3.1, behind the first letter */
extern const uint8_t h1_classes[256];

#define H1_IS_ALPHA(c) (((c) | 0x20) >= 'a' && ((c) | 0x20) <= 'z')
#define H1_IS_DIGIT(c) ((c) >= '0' && (c) <= '9')

static inline int h1_is(char c, int class)
{
    return h1_classes[(uint8_t)c] & class;
}

static inline const char *h1_skip_class(const char *p, const char *end, int class)
{
    while (p < end && h1_is(*p, class))
        p++;
    return p;
}

/* A part of the input. */
typedef struct h1_span {
    const char *p, *end;
} h1_span;

static inline int h1_is_ows(char c)
{
    return c == ' ' || c == '\t';
}

static inline h1_span h1_trim(h1_span s)
{
    while (s.p < s.end && h1_is_ows(*s.p))
        s.p++;
    while (s.p < s.end && h1_is_ows(s.end[-1]))
        s.end--;
    return s;
}

/* Whether the <n> bytes at <s> are <lit>, which is in lower case and of the same length. <lit> is
 * letters, digits, "-", ":" and "/" only: or-ing 0x20 folds letters, and no other byte that may stand in a token, a
 * target or a value is moved onto one of these. Few instructions where <n> is known. */
static inline int h1_same_word(const char *s, const char *lit, uint32_t n)
{
    uint64_t a, b, fold = 0x2020202020202020ull;
    uint32_t a4, b4;

    for (; n >= 8; s += 8, lit += 8, n -= 8) {
        memcpy(&a, s, 8);
        memcpy(&b, lit, 8);
        if ((a | fold) != b)
            return 0;
    }
    if (n >= 4) {
        memcpy(&a4, s, 4);
        memcpy(&b4, lit, 4);
        if ((a4 | (uint32_t)fold) != b4)
            return 0;
        s += 4, lit += 4, n -= 4;
    }
    for (; n; s++, lit++, n--)
        if ((*s | 0x20) != *lit)
            return 0;
    return 1;
}

#define H1_IS_WORD(s, n, lit) ((n) == sizeof(lit) - 1 && h1_same_word(s, lit, sizeof(lit) - 1))
#define H1_ITEM_IS(item, lit) H1_IS_WORD((item).p, (size_t)((item).end - (item).p), lit)

/* Takes the next element off a comma-separated list into *<item>, trimmed, perhaps empty; <list> is used up.
 * Returns 0 when none is left. */
int h1_next_item(h1_span *list, h1_span *item);

/* The first and the last element of a comma-separated list, trimmed, perhaps empty. Commas in quoted strings are none (9110
 * 5.6.1, 5.6.4). */
h1_span h1_first_member(h1_span list);
h1_span h1_last_member(h1_span list);

/* Whether two texts are the same but for the case of ASCII letters. */
int h1_same_nocase(h1_span a, h1_span b);
#endif
