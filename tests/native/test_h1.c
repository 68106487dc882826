/* sources: h1word h1host h1field h1 h1body */
#include "check.h"

#include <dirent.h>

#define exact_copy guard_copy
#define exact_free guard_free
#include "h1_props.h"

#define CORPUS "corpus/h1" /* from the directory of the tests, in which they run */

static h1_head h;

static int scan(void (*init)(h1_head *, unsigned), const char *text)
{
    init(&h, 101);
    return props_scan(&h, text, (uint32_t)strlen(text));
}

static int request(const char *text)
{
    return scan(h1_request_init, text);
}

static int response(const char *text)
{
    return scan(h1_response_init, text);
}

#define HOST "Host: a\r\n"
#define GET "GET / HTTP/1.1\r\n" HOST
#define OK "HTTP/1.1 200 OK\r\n"
#define TEXT_IS(text, at, len, want) CHECK((len) == strlen(want) && !memcmp((text) + (at), want, len))

static void a_request_is_indexed(void)
{
    const char *text = "POST /a/b?c=d HTTP/1.1\r\nHost: www.example.com:80\r\nX-Any:\t two words \t\r\nX-None:\r\n"
                       "Content-Length: 3\r\n\r\nabcGET /next";

    CHECK_EQ(request(text), 1);
    TEXT_IS(text, h.method, h.method_len, "POST");
    TEXT_IS(text, h.target, h.target_len, "/a/b?c=d");
    TEXT_IS(text, h.path, h.path_len, "/a/b?c=d");
    CHECK_EQ(h.method_id, H1_POST);
    CHECK_EQ(h.form, H1_FORM_ORIGIN);
    CHECK_EQ(h.version, 11);
    CHECK_EQ(h.nhdr, 4);
    TEXT_IS(text, h.hdr[0].value, h.hdr[0].value_len, "www.example.com:80");
    TEXT_IS(text, h.hdr[1].name, h.hdr[1].name_len, "X-Any");
    TEXT_IS(text, h.hdr[1].value, h.hdr[1].value_len, "two words");
    CHECK_EQ(h.hdr[2].value_len, 0);
    CHECK_EQ(h.hdr[1].id, H1_ID_OTHER);
    CHECK_EQ(h.hdr[3].id, H1_ID_CONTENT_LENGTH);
    CHECK_EQ(h.host, 0);
    CHECK_EQ(h.body_len, 3);
    CHECK_EQ(h.flags, H1_F_CLEN | H1_F_HOST | H1_F_PERSIST);
    CHECK_EQ(h.len, strstr(text, "abc") - text);
    TEXT_IS(text, h.fields, 4, "Host");
    CHECK_EQ(h.fields_end, h.len - 2);
}

static void a_response_is_indexed(void)
{
    const char *text = "HTTP/1.0 404 Not  Found\r\nServer: x\r\nConnection: Keep-Alive, foo\r\n\r\n";

    CHECK_EQ(response(text), 1);
    CHECK_EQ(h.status, 404);
    CHECK_EQ(h.version, 10);
    TEXT_IS(text, h.reason, h.reason_len, "Not  Found");
    CHECK_EQ(h.flags, H1_F_RESPONSE | H1_F_CONN_KEEPALIVE | H1_F_CONN_OTHER | H1_F_PERSIST);
    CHECK_EQ(h.seen, 1u << H1_ID_SERVER | 1u << H1_ID_CONNECTION);
}

static void a_reason_may_be_empty_or_missing(void)
{
    CHECK_EQ(response("HTTP/1.1 200 \r\n\r\n"), 1);
    CHECK_EQ(h.reason_len, 0);
    CHECK_EQ(response("HTTP/1.1 200\r\n\r\n"), 1);
    CHECK_EQ(h.reason_len, 0);
    CHECK_EQ(response("HTTP/1.1 200\tOK\r\n\r\n"), -H1_ERR_STATUS);
}

static void statuses_without_a_body_are_flagged(void)
{
    static const struct {
        const char *text;
        uint32_t no_body;
    } rows[] = {
        {"HTTP/1.1 100 x\r\n\r\n", H1_F_NO_BODY}, {"HTTP/1.1 199 x\r\n\r\n", H1_F_NO_BODY},
        {"HTTP/1.1 200 x\r\n\r\n", 0},            {"HTTP/1.1 204 x\r\n\r\n", H1_F_NO_BODY},
        {"HTTP/1.1 205 x\r\n\r\n", 0},            {"HTTP/1.1 304 x\r\n\r\n", H1_F_NO_BODY},
        {"HTTP/1.1 999 x\r\n\r\n", 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        CHECK_EQ(response(rows[i].text), 1);
        CHECK_EQ(h.flags & H1_F_NO_BODY, rows[i].no_body);
    }
}

static void the_parts_of_a_target_are_found(void)
{
    static const struct {
        const char *line, *authority, *path;
        int form;
    } rows[] = {
        {"GET /?a=/b HTTP/1.1\r\nHost:\r\n\r\n", "", "/?a=/b", H1_FORM_ORIGIN},
        {"GET http://h:8/p?q HTTP/1.1\r\nHost: H:8\r\n\r\n", "h:8", "/p?q", H1_FORM_ABSOLUTE},
        {"GET http://h?q HTTP/1.1\r\nHost: h:80\r\n\r\n", "h", "?q", H1_FORM_ABSOLUTE},
        {"GET HTTPS://h:443 HTTP/1.1\r\nHost: h\r\n\r\n", "h:443", "", H1_FORM_ABSOLUTE},
        {"GET x-a+b.1://[::1]/ HTTP/1.1\r\nHost: [::1]\r\n\r\n", "[::1]", "/", H1_FORM_ABSOLUTE},
        {"CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n", "h:443", "", H1_FORM_AUTHORITY},
        {"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "", "", H1_FORM_ASTERISK},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        CHECK_EQ(request(rows[i].line), 1);
        TEXT_IS(rows[i].line, h.authority, h.authority_len, rows[i].authority);
        TEXT_IS(rows[i].line, h.path, h.path_len, rows[i].path);
        CHECK_EQ(h.form, rows[i].form);
    }
}

static void methods_have_their_numbers(void)
{
    static const char *const names[] = {"LINK",   "OPTIONS", "GET",   "HEAD",    "POST",
                                        "PUT",    "DELETE",  "TRACE", "CONNECT", "PATCH"};
    for (int id = H1_OTHER; id <= H1_PATCH; id++)
        CHECK_EQ(h1_method_id(names[id], (uint32_t)strlen(names[id])), id);
    CHECK_EQ(h1_method_id("get", 3), H1_OTHER);
    CHECK_EQ(h1_method_id("GETS", 4), H1_OTHER);
}

static const char *const field_names[H1_ID_N] = {
    [H1_ID_CONNECTION] = "connection",
    [H1_ID_CONTENT_LENGTH] = "content-length",
    [H1_ID_CONTENT_TYPE] = "content-type",
    [H1_ID_COOKIE] = "cookie",
    [H1_ID_DATE] = "date",
    [H1_ID_EXPECT] = "expect",
    [H1_ID_FORWARDED] = "forwarded",
    [H1_ID_HOST] = "host",
    [H1_ID_KEEP_ALIVE] = "keep-alive",
    [H1_ID_PROXY_CONNECTION] = "proxy-connection",
    [H1_ID_SERVER] = "server",
    [H1_ID_SET_COOKIE] = "set-cookie",
    [H1_ID_TE] = "te",
    [H1_ID_TRAILER] = "trailer",
    [H1_ID_TRANSFER_ENCODING] = "transfer-encoding",
    [H1_ID_UPGRADE] = "upgrade",
    [H1_ID_VIA] = "via",
    [H1_ID_X_FORWARDED_FOR] = "x-forwarded-for",
};

/* Every letter in both cases; every single byte changed to any other token byte must make it another name. */
static void field_names_have_their_numbers_in_any_case(void)
{
    for (int id = 1; id < H1_ID_N; id++) {
        uint32_t n = (uint32_t)strlen(field_names[id]);
        char *name = guard_copy(field_names[id], n);

        for (uint32_t i = 0; i < n; i++) {
            for (int c = 0x21; c < 0x7f; c++) {
                int same = c == field_names[id][i] || (c >= 'A' && c <= 'Z' && (c | 0x20) == field_names[id][i]);
                name[i] = (char)c;
                if (h1_is((char)c, H1_C_TOKEN))
                    CHECK_EQ(h1_name_id(name, n), same ? id : H1_ID_OTHER);
            }
            name[i] = field_names[id][i];
        }
        CHECK_EQ(h1_name_id(name, n - 1), H1_ID_OTHER);
        guard_free(name, n);
    }
}

static void connection_options_are_found_across_fields_and_lists(void)
{
    CHECK_EQ(request(GET "Connection: , Upgrade ,\tCLOSE\r\nX: y\r\nconnection: te\r\nUpgrade: h\r\n\r\n"), 1);
    CHECK_EQ(h.flags, H1_F_HOST | H1_F_CONN_UPGRADE | H1_F_CONN_CLOSE | H1_F_CONN_TE | H1_F_UPGRADE);
    CHECK_EQ(request(GET "Connection: closed, clos, xclose\r\n\r\n"), 1);
    CHECK_EQ(h.flags, H1_F_HOST | H1_F_CONN_OTHER | H1_F_PERSIST);
}

static void persistence_follows_version_and_connection(void)
{
    static const struct {
        const char *text;
        int persist;
    } rows[] = {
        {GET "\r\n", 1},
        {GET "Connection: close\r\n\r\n", 0},
        {GET "Connection: keep-alive, close\r\n\r\n", 0},
        {"GET / HTTP/1.0\r\n\r\n", 0},
        {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 1},
        {"GET / HTTP/1.0\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n", 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        CHECK_EQ(request(rows[i].text), 1);
        CHECK_EQ(!!(h.flags & H1_F_PERSIST), rows[i].persist);
    }
}

static void upgrade_needs_its_connection_option_and_http_1_1(void)
{
    CHECK_EQ(request(GET "Upgrade: x\r\n\r\n"), 1);
    CHECK(!(h.flags & H1_F_UPGRADE));
    CHECK_EQ(request(GET "Connection: upgrade\r\n\r\n"), 1);
    CHECK(!(h.flags & H1_F_UPGRADE));
    CHECK_EQ(request("GET / HTTP/1.0\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"), 1);
    CHECK(!(h.flags & H1_F_UPGRADE));
    CHECK_EQ(response("HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"), 1);
    CHECK(h.flags & H1_F_UPGRADE);
}

static void expect_counts_in_http_1_1_requests_only(void)
{
    CHECK_EQ(request(GET "Expect: 100-Continue\r\n\r\n"), 1);
    CHECK(h.flags & H1_F_EXPECT_100);
    CHECK_EQ(request("GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n"), 1);
    CHECK(!(h.flags & H1_F_EXPECT_100));
    CHECK_EQ(request(GET "Expect: 100-continued\r\n\r\n"), 1);
    CHECK(!(h.flags & H1_F_EXPECT_100));
    CHECK_EQ(response(OK "Expect: 100-continue\r\n\r\n"), 1);
    CHECK(!(h.flags & H1_F_EXPECT_100));
}

static void te_trailers_is_found(void)
{
    CHECK_EQ(request(GET "TE: gzip;q=0.5, Trailers\r\n\r\n"), 1);
    CHECK(h.flags & H1_F_TE_TRAILERS);
    CHECK_EQ(request(GET "TE: trailers;q=1\r\n\r\n"), 1);
    CHECK(!(h.flags & H1_F_TE_TRAILERS));
}

static void transfer_encoding_is_chunked_or_refused_in_both_directions(void)
{
    CHECK_EQ(response(OK "Transfer-Encoding: Chunked\r\n\r\n"), 1);
    CHECK_EQ(h.flags, H1_F_RESPONSE | H1_F_CHUNKED | H1_F_PERSIST);
    CHECK_EQ(request(GET "Transfer-Encoding: \tCHUNKED \r\n\r\n"), 1);
    CHECK_EQ(h.flags, H1_F_HOST | H1_F_CHUNKED | H1_F_PERSIST);
    CHECK_EQ(response(OK "Transfer-Encoding: gzip, chunked\r\n\r\n"), -H1_ERR_TE_CODING);
    CHECK_EQ(response(OK "Transfer-Encoding: chunked, gzip\r\n\r\n"), -H1_ERR_TE);
    CHECK_EQ(response(OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"), -H1_ERR_TE);
}

static void the_offending_byte_is_told(void)
{
    const char *text = GET "X: a\rb\r\n\r\n";

    CHECK_EQ(request(text), -H1_ERR_LINE_END);
    CHECK_EQ(h.err_pos, strstr(text, "\rb") - text);
    CHECK_EQ(request(GET "Content-Length: 2\r\nContent-Length: 2\r\n\r\n"), -H1_ERR_CLEN_DUP);
    CHECK_EQ(h.err_pos, strlen(GET "Content-Length: 2\r\nContent-Length: "));
    CHECK_EQ(request("GET / HTTP/1.1\r\n\r\n"), -H1_ERR_NO_HOST);
    CHECK_EQ(h.err_pos, strlen("GET / HTTP/1.1\r\n"));
}

static void an_error_is_found_without_waiting_for_more(void)
{
    CHECK_EQ(request("("), -H1_ERR_METHOD);
    CHECK_EQ(request("GET /\x01"), -H1_ERR_TARGET);
    CHECK_EQ(request("GET / HTTQ"), -H1_ERR_VERSION);
    CHECK_EQ(request("GET / HTTP/2"), -H1_ERR_VERSION);
    CHECK_EQ(request("GET / HTTP/1.1\r\nX\x01"), -H1_ERR_NAME);
    CHECK_EQ(request("GET / HTTP/1.1\r\n "), -H1_ERR_FOLD);
    CHECK_EQ(response("HTTP/1.1 0"), -H1_ERR_STATUS);
    CHECK_EQ(response("\r\n"), -H1_ERR_VERSION);
}

static void done_and_refused_stay_so(void)
{
    CHECK_EQ(request(GET "\r\n"), 1);
    CHECK_EQ(props_scan(&h, GET "\r\nGET", sizeof(GET) + 4), 1);
    CHECK_EQ(request("\x01"), -H1_ERR_METHOD);
    CHECK_EQ(props_scan(&h, GET "\r\n", sizeof(GET) + 1), -H1_ERR_METHOD);
}

static void field_count_is_bounded(void)
{
    const char *two = "GET / HTTP/1.1\r\nHost: a\r\nB: c\r\n\r\n";

    h1_request_init(&h, 2);
    CHECK_EQ(props_scan(&h, two, (uint32_t)strlen(two)), 1);
    h1_request_init(&h, 1);
    CHECK_EQ(props_scan(&h, two, (uint32_t)strlen(two)), -H1_ERR_TOO_MANY);
    h1_request_init(&h, 0);
    CHECK_EQ(props_scan(&h, two, (uint32_t)strlen(two)), -H1_ERR_TOO_MANY);
    h1_request_init(&h, 1u << 30);
    CHECK_EQ(h.maxhdr, H1_MAX_HDR);
}

/* A head of as many fields as there is room for, and then one more. */
static void the_index_is_never_overrun(void)
{
    for (uint32_t n = H1_MAX_HDR; n <= H1_MAX_HDR + 1; n++) {
        char text[64 + 5 * (H1_MAX_HDR + 1)] = "GET / HTTP/1.0\r\n";
        for (uint32_t i = 0; i < n; i++)
            strcat(text, "a:b\r\n");
        strcat(text, "\r\n");
        h1_request_init(&h, H1_MAX_HDR);
        CHECK_EQ(props_scan(&h, text, (uint32_t)strlen(text)), n == H1_MAX_HDR ? 1 : -H1_ERR_TOO_MANY);
    }
}

static void a_name_longer_than_its_field_is_refused(void)
{
    size_t n = UINT16_MAX + 1;
    char *text = malloc(n + 64);

    memset(text, 'x', n + 64);
    memcpy(text, "GET / HTTP/1.0\r\n", 16);
    memcpy(text + 16 + n, ":\r\n\r\n", 5);
    h1_request_init(&h, 101);
    CHECK_EQ(h1_scan(&h, text, (uint32_t)n + 21), -H1_ERR_NAME);
    memcpy(text + 16 + n - 1, ":\r\n\r\n", 5);
    h1_request_init(&h, 101);
    CHECK_EQ(h1_scan(&h, text, (uint32_t)n + 20), 1);
    CHECK_EQ(h.hdr[0].name_len, UINT16_MAX);
    free(text);
}

static void empty_lines_before_a_request_are_bounded(void)
{
    char text[2 * H1_MAX_EMPTY + 64] = "";

    for (int i = 0; i < H1_MAX_EMPTY; i++)
        strcat(text, "\r\n");
    strcat(text, GET "\r\n");
    CHECK_EQ(request(text), 1);
    CHECK_EQ(h.start, 2 * H1_MAX_EMPTY);
    CHECK_EQ(h.len, strlen(text));
    memmove(text + 2, text, strlen(text) + 1);
    CHECK_EQ(request(text), -H1_ERR_EMPTY_LINES);
}

/* Every byte value at every distance from the end of a run, against the rule written out plainly. */
static void runs_stop_at_exactly_the_bytes_they_may_not_hold(void)
{
    for (uint32_t at = 0; at < 40; at++) {
        for (int c = 0; c < 256; c++) {
            char target[] = "GET /0123456789012345678901234567890123456789 HTTP/1.0\r\n\r\n";
            char value[] = "GET / HTTP/1.0\r\nx:0123456789012345678901234567890123456789\r\n\r\n";

            target[5 + at] = value[18 + at] = (char)c;
            h1_request_init(&h, 101);
            CHECK_EQ(props_scan(&h, target, sizeof(target) - 1) == 1, c > 0x20 && c < 0x7f && c != '#');
            h1_request_init(&h, 101);
            CHECK_EQ(props_scan(&h, value, sizeof(value) - 1) == 1, (c >= 0x20 && c != 0x7f) || c == '\t');
        }
    }
}

static void names_hold_token_bytes_only(void)
{
    for (int c = 0; c < 256; c++) {
        char text[] = "GET / HTTP/1.0\r\na?b: c\r\n\r\n";
        int token = c && (strchr("!#$%&'*+-.^_`|~", c) || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                          (c >= 'A' && c <= 'Z'));

        text[17] = (char)c;
        h1_request_init(&h, 101);
        CHECK_EQ(props_scan(&h, text, sizeof(text) - 1) == 1, token || c == ':');
    }
}

static void a_copy_of_half_a_head_goes_on_elsewhere(void)
{
    static h1_head kept;
    const char *text = GET "Content-Length: 12\r\n\r\n";

    h1_request_init(&h, 101);
    CHECK_EQ(props_scan(&h, text, (uint32_t)strlen(GET "Content-Length: 1")), 0);
    memset(&kept, 0xa5, sizeof(kept));
    h1_head_copy(&kept, &h);
    CHECK_EQ(kept.hdr[2].name, 0xa5a5a5a5u); /* the unused part is left alone */
    memset(&h, 0x5a, sizeof(h));
    CHECK_EQ(props_scan(&kept, text, (uint32_t)strlen(text)), 1);
    CHECK_EQ(kept.body_len, 12);
    CHECK_EQ(kept.hdr[1].id, H1_ID_CONTENT_LENGTH);
}

static void fields_are_found_by_name(void)
{
    const char *text = GET "X_a: 1\r\nx-B: 2\r\nX_A: 3\r\nX^a: 4\r\n\r\n";

    CHECK_EQ(request(text), 1);
    CHECK_EQ(h1_find(&h, text, "x_a", 3, 0), 1);
    CHECK_EQ(h1_find(&h, text, "x_a", 3, 2), 3);
    CHECK_EQ(h1_find(&h, text, "X_A", 3, 4), -1);
    CHECK_EQ(h1_find(&h, text, "x~a", 3, 0), -1);
    CHECK_EQ(h1_find(&h, text, "x", 1, 0), -1);
}

static void fields_named_by_connection_are_told(void)
{
    const char *text = GET "Connection: x-a, host, content-length\r\nX-A: 1\r\nX-B: 2\r\nContent-Length: 0\r\n"
                           "Connection: X-C\r\nx-c: 3\r\n\r\n";

    CHECK_EQ(request(text), 1);
    CHECK(h.flags & H1_F_CONN_OTHER);
    for (uint32_t i = 0; i < h.nhdr; i++)
        CHECK_EQ(h1_nominated(&h, text, i), i == 2 || i == 6);
}

static void options_relax_one_rule_each(void)
{
    const char *lf = "GET / HTTP/1.1\nHost: a\r\nB: c\n\n", *no_host = "GET / HTTP/1.1\r\n\r\n";

    CHECK_EQ(request(lf), -H1_ERR_LINE_END);
    CHECK_EQ(request(no_host), -H1_ERR_NO_HOST);
    h1_request_init(&h, 101);
    h.opts = H1_OPT_LF;
    CHECK_EQ(props_scan(&h, lf, (uint32_t)strlen(lf)), 1);
    TEXT_IS(lf, h.hdr[1].value, h.hdr[1].value_len, "c");
    h1_request_init(&h, 101);
    h.opts = H1_OPT_NO_HOST;
    CHECK_EQ(props_scan(&h, no_host, (uint32_t)strlen(no_host)), 1);
}

static int unsafe(const char *text)
{
    h1_request_init(&h, 101);
    h.opts = H1_OPT_UNSAFE;
    return props_scan(&h, text, (uint32_t)strlen(text));
}

static void unsafe_heads_are_framed_and_routed_as_strictly_as_others(void)
{
    CHECK_EQ(unsafe("GET /a#b\x80 HTTP/1.1\r\nHost: a\r\n\"x\x80\": \x01\x7f\r\n\r\n"), 1);
    CHECK_EQ(h.path_len, 5);
    CHECK_EQ(h.hdr[1].name_len, 4);
    CHECK_EQ(h.hdr[1].value_len, 2);
    CHECK_EQ(unsafe("GET /a\x7f HTTP/1.1\r\nHost: a\r\n\r\n"), -H1_ERR_TARGET);
    CHECK_EQ(unsafe("GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n"), -H1_ERR_TARGET);
    CHECK_EQ(unsafe("GET http://a#b/ HTTP/1.1\r\nHost: a\r\n\r\n"), -H1_ERR_AUTHORITY);
    CHECK_EQ(unsafe("GET / HTTP/1.1\r\nHost: a\x01\r\n\r\n"), -H1_ERR_VALUE);
    CHECK_EQ(unsafe("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\x0b\r\n\r\n"), -H1_ERR_VALUE);
    CHECK_EQ(unsafe("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0b" "chunked\r\n\r\n"), -H1_ERR_VALUE);
    CHECK_EQ(unsafe("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding\x0b: chunked\r\n\r\n"), -H1_ERR_NAME);
    CHECK_EQ(unsafe("GET / HTTP/1.1\r\nHost: a\r\nx : 1\r\n\r\n"), -H1_ERR_SPACE_COLON);
    CHECK_EQ(unsafe("GET / HTTP/1.1\r\nHost: a\r\n y: 1\r\n\r\n"), -H1_ERR_FOLD);
    CHECK_EQ(unsafe("GET / HTTP/1.1\r\nHost: a\r\nx: a\rb\r\n\r\n"), -H1_ERR_LINE_END);
    CHECK_EQ(unsafe("GET / HTTP/1.1\r\nHost: a\nx: a\r\n\r\n"), -H1_ERR_LINE_END);
}

static void lower_case_is_ascii_only_and_stays_inside(void)
{
    char in[256], want[256];

    for (int c = 0; c < 256; c++) {
        in[c] = (char)c;
        want[c] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    for (uint32_t start = 0; start < 256; start += 7) {
        uint32_t n = 256 - start;
        char *to = guard_copy(in + start, n), *from = guard_copy(in + start, n);

        CHECK_EQ(h1_put_lower(to, from, n), n);
        CHECK(!memcmp(to, want + start, n));
        CHECK_EQ(h1_put_lower(from, from, n), n);
        CHECK(!memcmp(from, want + start, n));
        guard_free(to, n);
        guard_free(from, n);
    }
}

static void every_error_has_a_text_of_its_own(void)
{
    for (int a = 0; a < H1_ERR_N; a++) {
        CHECK(h1_error_text(a) && *h1_error_text(a));
        CHECK(h1_error_text(-a) == h1_error_text(a));
        for (int b = 0; b < a; b++)
            CHECK(strcmp(h1_error_text(a), h1_error_text(b)) != 0);
    }
    CHECK(h1_error_text(H1_ERR_N) && h1_error_text(INT32_MIN));
}

static void a_trailers_block_has_fields_without_meaning(void)
{
    CHECK_EQ(scan(h1_trailers_init, "Content-Length: x\r\nHost: a b\r\nHost:\r\n\r\nmore"), 1);
    CHECK_EQ(h.nhdr, 3);
    CHECK_EQ(h.len, strlen("Content-Length: x\r\nHost: a b\r\nHost:\r\n\r\n"));
    CHECK(h.seen & 1u << H1_ID_CONTENT_LENGTH);
    CHECK(!(h.flags & H1_F_CLEN));
}

static void check_corpus_file(const char *path)
{
    uint8_t input[65536];
    FILE *f = fopen(path, "rb");
    size_t n;

    REQUIRE(f);
    n = fread(input, 1, sizeof(input), f);
    fclose(f);
    props_hold(input, n);
}

static void the_properties_hold_for_the_corpus(void)
{
    DIR *dir = opendir(CORPUS);
    int files = 0;

    REQUIRE(dir);
    for (struct dirent *e; (e = readdir(dir));) {
        char path[512];

        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), CORPUS "/%s", e->d_name);
        check_corpus_file(path);
        files++;
    }
    closedir(dir);
    CHECK(files > 100);
}

static void lists_have_a_first_and_a_last_member(void)
{
    static const char *const lists[][3] = {
        {"a", "a", "a"},       {"a, b ,\tc ", "a", "c"},     {" a,", "a", ""},           {",a", "", "a"},
        {"", "", ""},          {"\"a,b\", c", "\"a,b\"", "c"}, {"a, \"b,c\"", "a", "\"b,c\""}, {"a, \"b,c", "a", "\"b,c"},
        {"\"a\\\",b\",c", "\"a\\\",b\"", "c"}, {"a\\,b", "a\\", "b"},
    };

    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
        size_t n = strlen(lists[i][0]);
        char *list = memcpy(malloc(n ? n : 1), lists[i][0], n); /* exact, so that a sanitizer sees a byte too far */
        h1_span all = {list, list + n}, first = h1_first_member(all), last = h1_last_member(all);

        CHECK((size_t)(first.end - first.p) == strlen(lists[i][1]) && !memcmp(first.p, lists[i][1], strlen(lists[i][1])));
        CHECK((size_t)(last.end - last.p) == strlen(lists[i][2]) && !memcmp(last.p, lists[i][2], strlen(lists[i][2])));
        free(list);
    }
}

int main(void)
{
    RUN(a_request_is_indexed);
    RUN(a_response_is_indexed);
    RUN(a_reason_may_be_empty_or_missing);
    RUN(statuses_without_a_body_are_flagged);
    RUN(the_parts_of_a_target_are_found);
    RUN(methods_have_their_numbers);
    RUN(field_names_have_their_numbers_in_any_case);
    RUN(connection_options_are_found_across_fields_and_lists);
    RUN(persistence_follows_version_and_connection);
    RUN(upgrade_needs_its_connection_option_and_http_1_1);
    RUN(expect_counts_in_http_1_1_requests_only);
    RUN(te_trailers_is_found);
    RUN(transfer_encoding_is_chunked_or_refused_in_both_directions);
    RUN(the_offending_byte_is_told);
    RUN(an_error_is_found_without_waiting_for_more);
    RUN(done_and_refused_stay_so);
    RUN(field_count_is_bounded);
    RUN(the_index_is_never_overrun);
    RUN(a_name_longer_than_its_field_is_refused);
    RUN(empty_lines_before_a_request_are_bounded);
    RUN(runs_stop_at_exactly_the_bytes_they_may_not_hold);
    RUN(names_hold_token_bytes_only);
    RUN(a_copy_of_half_a_head_goes_on_elsewhere);
    RUN(fields_are_found_by_name);
    RUN(fields_named_by_connection_are_told);
    RUN(lists_have_a_first_and_a_last_member);
    RUN(options_relax_one_rule_each);
    RUN(unsafe_heads_are_framed_and_routed_as_strictly_as_others);
    RUN(lower_case_is_ascii_only_and_stays_inside);
    RUN(every_error_has_a_text_of_its_own);
    RUN(a_trailers_block_has_fields_without_meaning);
    RUN(the_properties_hold_for_the_corpus);
    return check_done();
}
