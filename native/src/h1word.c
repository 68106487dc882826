/* Words of HTTP/1: see h1word.h. */
#include "h1word.h"
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* The classes, worked out by the compiler. */
#define IS_UNRESERVED(c) (H1_IS_ALPHA(c) || H1_IS_DIGIT(c) || (c) == '-' || (c) == '.' || (c) == '_' || (c) == '~')
#define IS_SHARED(c) ((c) == '!' || (c) == '$' || (c) == '&' || (c) == '\'' || (c) == '*' || (c) == '+' || (c) == '%')
#define IS_TOKEN(c) (IS_UNRESERVED(c) || IS_SHARED(c) || (c) == '#' || (c) == '^' || (c) == '`' || (c) == '|')
#define IS_SUB(c) ((c) == '(' || (c) == ')' || (c) == ',' || (c) == ';' || (c) == '=')
#define IS_HOST(c) (IS_UNRESERVED(c) || IS_SHARED(c) || IS_SUB(c))
#define IS_HEX(c) (H1_IS_DIGIT(c) || (((c) | 0x20) >= 'a' && ((c) | 0x20) <= 'f'))
#define IS_SCHEME(c) (H1_IS_ALPHA(c) || H1_IS_DIGIT(c) || (c) == '+' || (c) == '-' || (c) == '.')
#define IS_TARGET(c) ((c) > 0x20 && (c) < 0x7f && (c) != '#')
#define IS_VALUE(c) (((c) >= 0x20 && (c) != 0x7f) || (c) == '\t')
#define C1(c)                                                                                                          \
    ((IS_TOKEN(c) ? H1_C_TOKEN : 0) | (IS_TARGET(c) ? H1_C_TARGET : 0) | (IS_VALUE(c) ? H1_C_VALUE : 0) |              \
     (IS_HOST(c) ? H1_C_HOST : 0) | (IS_HEX(c) ? H1_C_HEX : 0) | (IS_SCHEME(c) ? H1_C_SCHEME : 0))
#define C4(c) C1(c), C1((c) + 1), C1((c) + 2), C1((c) + 3)
#define C16(c) C4(c), C4((c) + 4), C4((c) + 8), C4((c) + 12)
#define C64(c) C16(c), C16((c) + 16), C16((c) + 32), C16((c) + 48)
const uint8_t h1_classes[256] = {C64(0), C64(64), C64(128), C64(192)};

#define NAME(lit, id) (h1_same_word(name, lit, sizeof(lit) - 1) ? (id) : H1_ID_OTHER)

int h1_name_id(const char *name, uint32_t n)
{
    switch (n) {
    case 2:
        return NAME("te", H1_ID_TE);
    case 3:
        return NAME("via", H1_ID_VIA);
    case 4:
        return NAME("host", H1_ID_HOST) + NAME("date", H1_ID_DATE);
    case 6:
        return NAME("cookie", H1_ID_COOKIE) + NAME("server", H1_ID_SERVER) + NAME("expect", H1_ID_EXPECT);
    case 7:
        return NAME("upgrade", H1_ID_UPGRADE) + NAME("trailer", H1_ID_TRAILER);
    case 9:
        return NAME("forwarded", H1_ID_FORWARDED);
    case 10:
        return NAME("connection", H1_ID_CONNECTION) + NAME("set-cookie", H1_ID_SET_COOKIE) +
               NAME("keep-alive", H1_ID_KEEP_ALIVE);
    case 12:
        return NAME("content-type", H1_ID_CONTENT_TYPE);
    case 14:
        return NAME("content-length", H1_ID_CONTENT_LENGTH);
    case 15:
        return NAME("x-forwarded-for", H1_ID_X_FORWARDED_FOR);
    case 16:
        return NAME("proxy-connection", H1_ID_PROXY_CONNECTION);
    case 17:
        return NAME("transfer-encoding", H1_ID_TRANSFER_ENCODING);
    default:
        return H1_ID_OTHER;
    }
}

int h1_method_id(const char *s, uint32_t n)
{
    static const struct {
        char word[8];
        uint8_t len;
    } known[] = {
        [H1_OPTIONS] = {"OPTIONS", 7}, [H1_GET] = {"GET", 3},       [H1_HEAD] = {"HEAD", 4},
        [H1_POST] = {"POST", 4},       [H1_PUT] = {"PUT", 3},       [H1_DELETE] = {"DELETE", 6},
        [H1_TRACE] = {"TRACE", 5},     [H1_CONNECT] = {"CONNECT", 7}, [H1_PATCH] = {"PATCH", 5},
    };
    for (int id = H1_OPTIONS; id <= H1_PATCH; id++)
        if (known[id].len == n && !memcmp(known[id].word, s, n))
            return id;
    return H1_OTHER;
}

int h1_next_item(h1_span *list, h1_span *item)
{
    const char *comma;

    if (!list->p)
        return 0;
    comma = list->p < list->end ? memchr(list->p, ',', (size_t)(list->end - list->p)) : NULL;
    *item = h1_trim((h1_span){list->p, comma ? comma : list->end});
    list->p = comma ? comma + 1 : NULL;
    return 1;
}

/* The first comma that is in no quoted string, <end> if there is none. */
static const char *comma_of(const char *p, const char *end)
{
    int quoted = 0;

    for (; p < end && (quoted || *p != ','); p++) {
        if (*p == '"')
            quoted = !quoted;
        else if (*p == '\\' && quoted && p + 1 < end)
            p++;
    }
    return p;
}

h1_span h1_first_member(h1_span list)
{
    return h1_trim((h1_span){list.p, comma_of(list.p, list.end)});
}

h1_span h1_last_member(h1_span list)
{
    for (const char *comma; (comma = comma_of(list.p, list.end)) < list.end;)
        list.p = comma + 1;
    return h1_trim(list);
}

int h1_same_nocase(h1_span a, h1_span b)
{
    if (a.end - a.p != b.end - b.p)
        return 0;
    for (; a.p < a.end; a.p++, b.p++)
        if (*a.p != *b.p && !(H1_IS_ALPHA(*a.p) && (*a.p ^ *b.p) == 0x20))
            return 0;
    return 1;
}

uint32_t h1_put_lower(char *to, const char *name, uint32_t n)
{
    uint32_t i = 0;
#ifdef __SSE2__
    for (; i + 16 <= n; i += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(name + i));
        __m128i from_a = _mm_sub_epi8(v, _mm_set1_epi8((char)('A' + 128))); /* "A" is the lowest signed byte now */
        __m128i upper = _mm_cmplt_epi8(from_a, _mm_set1_epi8(-128 + 26));
        _mm_storeu_si128((__m128i *)(to + i), _mm_or_si128(v, _mm_and_si128(upper, _mm_set1_epi8(0x20))));
    }
#endif
    for (; i < n; i++)
        to[i] = (char)(name[i] | (name[i] >= 'A' && name[i] <= 'Z' ? 0x20 : 0));
    return n;
}
