/* sources: h1word h1host h1field h1 h1body */
#include "check.h"

#define exact_copy guard_copy
#define exact_free guard_free
#include "h1_props.h"

/* Decodes <text> in steps of <step> bytes; the payload goes to <payload>. Returns the decoder's end. */
static h1_chunk decode(const char *text, uint32_t step, char *payload, struct props_body *b)
{
    h1_chunk c;

    *b = (struct props_body){payload, 0, 0, 0};
    h1_chunk_init(&c);
    props_walk(&c, text, (uint32_t)strlen(text), step, b);
    payload[b->len] = 0;
    return c;
}

static void bodies_are_decoded_however_they_are_cut(void)
{
    static const struct {
        const char *text, *payload;
        uint32_t used;
    } rows[] = {
        {"0\r\n\r\n", "", 3},
        {"5\r\nhello\r\n0\r\n\r\n", "hello", 13},
        {"5\r\nhello\r\n0B\r\n, new world\r\n0\r\nX: y\r\n\r\nnext", "hello, new world", 30},
        {"a;x=y;z=\"q r\"\r\n0123456789\r\n000;last\r\n\r\n", "0123456789", 37},
        {"2 ; x\r\nab\r\n1\t;\r\nc\r\n0\r\n", "abc", 22},
        {"4\r\n\r\n\r\n\r\n0\r\n\r\n", "\r\n\r\n", 12},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        for (uint32_t step = 1; step <= strlen(rows[i].text); step++) {
            char payload[64];
            struct props_body b;
            h1_chunk c = decode(rows[i].text, step, payload, &b);

            CHECK_EQ(c.state, H1_CHUNK_TRAILERS);
            CHECK_EQ(b.used, rows[i].used);
            CHECK(!strcmp(payload, rows[i].payload));
        }
    }
}

static void malformed_framing_is_refused(void)
{
    static const struct {
        const char *text;
        int err;
    } rows[] = {
        {"g\r\n", H1_ERR_CHUNK_SIZE},
        {"\r\n", H1_ERR_CHUNK_SIZE},
        {";x\r\n", H1_ERR_CHUNK_SIZE},
        {" 5\r\n", H1_ERR_CHUNK_SIZE},
        {"5 \r\n", H1_ERR_CHUNK_SIZE},
        {"5 5\r\n", H1_ERR_CHUNK_SIZE},
        {"+5\r\n", H1_ERR_CHUNK_SIZE},
        {"-5\r\n", H1_ERR_CHUNK_SIZE},
        {"0x5\r\n", H1_ERR_CHUNK_SIZE},
        {"5_0\r\n", H1_ERR_CHUNK_SIZE},
        {"5\n", H1_ERR_CHUNK_SIZE},
        {"5,\r\n", H1_ERR_CHUNK_SIZE},
        {"8000000000000000\r\n", H1_ERR_CHUNK_SIZE},
        {"ffffffffffffffff\r\n", H1_ERR_CHUNK_SIZE},
        {"10000000000000005\r\n", H1_ERR_CHUNK_SIZE},
        {"00000000000000005\r\n", H1_ERR_CHUNK_SIZE}, /* seventeen digits */
        {"5\rhello", H1_ERR_CHUNK_EXT},
        {"5\r\r\nhello", H1_ERR_CHUNK_EXT},
        {"5;a\nhello", H1_ERR_CHUNK_EXT},
        {"5;a\x01\r\n", H1_ERR_CHUNK_EXT},
        {"5;a\x7f\r\n", H1_ERR_CHUNK_EXT},
        {"2\r\nabX\r\n", H1_ERR_CHUNK_END},
        {"2\r\nab\n", H1_ERR_CHUNK_END},
        {"2\r\nab\rX", H1_ERR_CHUNK_END},
        {"2\r\nab0\r\n\r\n", H1_ERR_CHUNK_END},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char payload[64];
        struct props_body b;
        h1_chunk c = decode(rows[i].text, 64, payload, &b);
        uint32_t run;

        if (!CHECK(b.err == -rows[i].err))
            printf("    %s\n", rows[i].text);
        CHECK_EQ(c.state, H1_CHUNK_ERROR);
        CHECK_EQ(h1_chunk_next(&c, "0\r\n", 3, &run), -rows[i].err);
    }
}

static void the_largest_size_is_2_63_less_1(void)
{
    const char *text = "7FFFFFFFFFFFFFFF\r\nab";
    uint32_t run;
    h1_chunk c;

    h1_chunk_init(&c);
    CHECK_EQ(h1_chunk_next(&c, text, 20, &run), 18);
    CHECK_EQ(run, 2);
    CHECK_EQ(c.left, INT64_MAX);
    h1_chunk_took(&c, INT64_MAX);
    CHECK_EQ(c.state, H1_CHUNK_DATA_CR);
    CHECK_EQ(h1_chunk_next(&c, "\r\n0\r\n", 5, &run), 5);
    CHECK_EQ(c.state, H1_CHUNK_TRAILERS);
}

static void payload_may_be_taken_in_pieces(void)
{
    const char *text = "6\r\nabcdef\r\n";
    uint32_t run;
    h1_chunk c;

    h1_chunk_init(&c);
    CHECK_EQ(h1_chunk_next(&c, text, 7, &run), 3);
    CHECK_EQ(run, 4);
    h1_chunk_took(&c, 3);
    CHECK_EQ(c.left, 3);
    CHECK_EQ(h1_chunk_next(&c, text + 6, 5, &run), 0);
    CHECK_EQ(run, 3);
    h1_chunk_took(&c, 3);
    CHECK_EQ(h1_chunk_next(&c, text + 9, 2, &run), 2);
    CHECK_EQ(run, 0);
    CHECK_EQ(c.state, H1_CHUNK_SIZE);
}

static void nothing_is_eaten_of_nothing_nor_behind_the_last_chunk(void)
{
    uint32_t run = 7;
    h1_chunk c;

    h1_chunk_init(&c);
    CHECK_EQ(h1_chunk_next(&c, "", 0, &run), 0);
    CHECK_EQ(run, 0);
    CHECK_EQ(h1_chunk_next(&c, "0\r\n5\r\n", 6, &run), 3);
    CHECK_EQ(h1_chunk_next(&c, "5\r\n", 3, &run), 0);
    CHECK_EQ(run, 0);
}

static void extensions_are_bounded_over_the_whole_body(void)
{
    uint32_t run, eaten = 0;
    h1_chunk c;
    int n = 0;

    h1_chunk_init(&c);
    while (n >= 0 && eaten < 2 * H1_MAX_EXT) {
        n = h1_chunk_next(&c, "1;\r\n", 4, &run);
        if (n < 0)
            break;
        h1_chunk_took(&c, 1);
        n = h1_chunk_next(&c, "\r\n", 2, &run);
        eaten++; /* the ";" */
    }
    CHECK_EQ(n, -H1_ERR_CHUNK_EXT);
    CHECK_EQ(eaten, H1_MAX_EXT);
}

static void the_trailers_block_is_measured(void)
{
    static const struct {
        const char *text;
        int len;
    } rows[] = {
        {"", 0},
        {"\r", 0},
        {"\r\n", 2},
        {"\r\n0\r\n", 2},
        {"X: y\r\n", 0},
        {"X: y\r\n\r", 0},
        {"X: y\r\n\r\n", 8},
        {"X: y\r\nZ:\r\n\r\nGET", 12},
        {"X : y\r\n\r\n", -H1_ERR_SPACE_COLON},
        {"X: y\r\n z\r\n\r\n", -H1_ERR_FOLD},
        {"X: y\n\n", -H1_ERR_LINE_END},
        {"\n", -H1_ERR_LINE_END},
        {"\rX", -H1_ERR_LINE_END},
        {"GET / HTTP/1.1\r\n\r\n", -H1_ERR_SPACE_COLON},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        uint32_t n = (uint32_t)strlen(rows[i].text);
        char *copy = guard_copy(rows[i].text, n);

        CHECK_EQ(h1_trailers_len(copy, n), rows[i].len);
        guard_free(copy, n);
    }
}

static void sizes_are_written_as_printf_would(void)
{
    for (int bits = 0; bits <= 64; bits++) {
        for (int less = 0; less <= 2; less++) {
            uint64_t n = (bits == 64 ? 0 : UINT64_C(1) << bits) - (uint64_t)less;
            char want[32], *got = guard_copy("..................", H1_CHUNK_SIZE_MAX);
            int len = snprintf(want, sizeof(want), "%llx\r\n", (unsigned long long)n);

            CHECK_EQ(h1_emit_chunk_size(got, n), len);
            CHECK(!memcmp(got, want, (size_t)len));
            guard_free(got, H1_CHUNK_SIZE_MAX);
        }
    }
}

int main(void)
{
    RUN(bodies_are_decoded_however_they_are_cut);
    RUN(malformed_framing_is_refused);
    RUN(the_largest_size_is_2_63_less_1);
    RUN(payload_may_be_taken_in_pieces);
    RUN(nothing_is_eaten_of_nothing_nor_behind_the_last_chunk);
    RUN(extensions_are_bounded_over_the_whole_body);
    RUN(the_trailers_block_is_measured);
    RUN(sizes_are_written_as_printf_would);
    return check_done();
}
