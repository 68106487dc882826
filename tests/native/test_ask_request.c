/* sources: lockset lock ctr freq hash counters sock buf fd poll loop ev_epoll ev_poll ev_select ev_kqueue tmr runq waitq task h1 h1body h1field h1host h1word casing msg conn idle lb listener proxyproto handshake chan flow flow_srv tunnel exchange exch_req exch_again exch_res exch_reply applet page ask ask_head ask_body ask_http ask_tcp ask_flow thr turn figures engine */
/* Questions about requests: how they are put, and what their verdicts do. */
#include "eng_ask.h"

#define ASKS(kind) (1u << ASK_##kind)

/* --- the question --- */

static void shows_a_head_in_normal_form(rig *r, int tid, const lb_ask *a, const char *texts, verdicts *out)
{
    static const char normal[] = "GET http://host/a/b?c HTTP/1.1\r\nhost: host\r\nx-a: 1\r\nempty: \r\n\r\n";
    const char *text = texts + a->text;

    (void)tid;
    CHECK_EQ(a->kind, ASK_REQUEST);
    CHECK_EQ(a->len, sizeof(normal) - 1);
    CHECK(!memcmp(text, normal, sizeof(normal) - 1));
    CHECK_EQ(a->method_len, 3);
    CHECK_EQ(a->target_len, strlen("http://host/a/b?c"));
    CHECK_EQ(a->path_len, 6);
    CHECK(!memcmp(text + a->path, "/a/b?c", 6));
    CHECK_EQ(a->method, H1_GET);
    CHECK_EQ(a->backend, -1);
    CHECK_EQ(a->server, -1);
    CHECK_EQ(a->status, -1);
    CHECK_EQ(a->flags, ASK_F_FIRST | ASK_F_BODY_END);
    CHECK_EQ(a->req_count, 1);
    CHECK_EQ(a->family, AF_INET);
    CHECK_EQ(a->dport, r->port);
    CHECK(a->sport && a->saddr[0] == 127 && a->uniq && a->session && a->now_us >= a->request_us);
    say_verdict(out, go_on(a));
}

static void a_question_has_the_head_in_normal_form(void)
{
    peer *s = peer_start(serve_head, 0);
    rig *r = ask_rig(PX_HTTP, ASKS(REQUEST), shows_a_head_in_normal_form, s);
    wire *w;

    rig_start(r);
    w = wire_new(dial(r->port));
    says(w->fd, "GET http://host/a/b?c HTTP/1.1\r\nHost:host\r\nX-A:  1\t\r\nEmpty:\r\n\r\n");
    CHECK_EQ(wire_response(w, 0), 200);
    CHECK(body_has(w, "GET http://host/a/b?c HTTP/1.1\r\nhost: host\r\nx-a: 1\r\nempty: \r\n"));
    CHECK_EQ(at_load(&r->asked), 1);
    hang_up(w);
    rig_stop(r);
    peer_stop(s);
}

typedef struct seen {
    uint64_t uniq[8], session[8];
    uint32_t flags[8], n;
} seen;

static void notes_and_goes_on(rig *r, int tid, const lb_ask *a, const char *texts, verdicts *out)
{
    seen *k = r->arg;

    (void)tid, (void)texts;
    if (k->n < 8) {
        k->uniq[k->n] = a->uniq;
        k->session[k->n] = a->session;
        k->flags[k->n++] = a->flags;
    }
    say_verdict(out, go_on(a));
}

static void each_of_pipelined_requests_is_asked_about(void)
{
    peer *s = peer_start(serve_http, 0);
    seen k = {0};
    rig *r = ask_rig(PX_HTTP, ASKS(REQUEST), notes_and_goes_on, s);
    wire *w;

    r->arg = &k;
    rig_start(r);
    w = wire_new(dial(r->port));
    says(w->fd, "GET /len/3 HTTP/1.1\r\nHost: a\r\n\r\nPOST /echo/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab"
                "GET /len/5 HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK_EQ(wire_response(w, 0), 200);
    CHECK_EQ(w->body_len, 3);
    CHECK_EQ(wire_response(w, 0), 200);
    CHECK(w->body_len == 2 && !memcmp(w->body, "ab", 2));
    CHECK_EQ(wire_response(w, 0), 200);
    CHECK_EQ(w->body_len, 5);
    hang_up(w);
    rig_check_quiet(r);
    CHECK_EQ(k.n, 3);
    CHECK(k.session[0] == k.session[1] && k.session[1] == k.session[2]);
    CHECK(k.uniq[0] != k.uniq[1] && k.uniq[1] != k.uniq[2]);
    CHECK_EQ(k.flags[0], ASK_F_FIRST | ASK_F_BODY_END);
    CHECK_EQ(k.flags[1] & ~(uint32_t)ASK_F_REUSED, ASK_F_BODY | ASK_F_BODY_END);
    CHECK_EQ(k.flags[2] & ~(uint32_t)ASK_F_REUSED, ASK_F_BODY_END);
    rig_stop(r);
    peer_stop(s);
}

/* --- new heads --- */

/* Makes the head what r->arg says: "-" the one that came, else a line more. */
static void adds_a_line(rig *r, int tid, const lb_ask *a, const char *texts, verdicts *out)
{
    char *text = with_line(texts + a->text, a->len, r->arg);

    (void)tid;
    if (a->kind == ASK_REQUEST)
        say_text(out, go_on(a), text);
    else
        say_text(out, verdict(a, V_FORWARD), text);
    free(text);
}

static void a_new_head_keeps_the_framing_of_the_message(void)
{
    static const char *const lines[] = {"x-new: 1", "x-new: 1\r\nContent-Length: 99", "x-new: 1\r\ntransfer-encoding: chunked",
                                        "x-new: 1\r\nTransfer-Encoding: identity\r\ncontent-length: 1"};
    peer *s = peer_start(serve_head, 0);

    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
        rig *r = ask_rig(PX_HTTP, ASKS(REQUEST), adds_a_line, s);
        wire *w;

        r->arg = (void *)lines[i];
        rig_start(r);
        w = wire_new(dial(r->port));
        says(w->fd, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
        CHECK_EQ(wire_response(w, 0), 200);
        CHECK(body_has(w, "x-new: 1\r\n") && body_has(w, "content-length: 5\r\n") && body_has(w, "\r\n\r\nhello"));
        CHECK(!body_has(w, "transfer-encoding"));
        says(w->fd, "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nbye\r\n0\r\n\r\n");
        CHECK_EQ(wire_response(w, 0), 200);
        CHECK(body_has(w, "x-new: 1\r\n") && body_has(w, "transfer-encoding: chunked\r\n") && body_has(w, "\r\n\r\nbye"));
        CHECK(!body_has(w, "content-length"));
        says(w->fd, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
        CHECK_EQ(wire_response(w, 0), 200);
        CHECK(!body_has(w, "content-length") && !body_has(w, "transfer-encoding"));
        hang_up(w);
        rig_stop(r);
    }
    peer_stop(s);
}

static void a_new_head_that_is_none_is_refused(void)
{
    static const char *const lines[] = {"x: a\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: b", "x: a\nb: c", "x: a\rb", "x : a",
                                        "content-length : 5", "\tfolded", " content-length: 7", "x", "host: other",
                                        "x: \x01", ": x"};
    peer *s = peer_start(serve_head, 0);

    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
        rig *r = ask_rig(PX_HTTP, ASKS(REQUEST), adds_a_line, s);
        wire *w;

        r->arg = (void *)lines[i];
        rig_start(r);
        w = wire_new(dial(r->port));
        says(w->fd, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
        if (!CHECK(wire_response(w, 0) == 500))
            printf("    line %zu gave %d\n", i, w->status);
        CHECK_EQ(FE_COUNT(r, failed_rewrites), 1);
        hang_up(w);
        rig_stop(r);
    }
    CHECK_EQ(at_load(&s->reqs), 0);
    peer_stop(s);
}

/* The text of r->arg is the new head. */
static void says_another_head(rig *r, int tid, const lb_ask *a, const char *texts, verdicts *out)
{
    (void)tid, (void)texts;
    say_text(out, go_on(a), r->arg);
}

static void a_method_changes_only_where_the_answer_is_not_misread(void)
{
    static const struct {
        const char *sent, *head;
        int status;
        const char *expect;
    } rows[] = {
        {"GET /x HTTP/1.1\r\nHost: a\r\n\r\n", "PUT /y?z HTTP/1.1\r\nhost: b\r\n\r\n", 200, "PUT /y?z HTTP/1.1\r\nhost: b\r\n"},
        {"GET /x HTTP/1.1\r\nHost: a\r\n\r\n", "HEAD /x HTTP/1.1\r\nhost: a\r\n\r\n", 500, NULL},
        {"GET /x HTTP/1.1\r\nHost: a\r\n\r\n", "CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\n", 500, NULL},
        {"GET /x HTTP/1.1\r\nHost: a\r\n\r\n", "GET /x HTTP/1.1\r\n\r\n", 500, NULL},
        {"GET /x HTTP/1.1\r\nHost: a\r\n\r\n", "GET /x HTTP/2.0\r\nhost: a\r\n\r\n", 500, NULL},
        {"GET /x HTTP/1.1\r\nHost: a\r\n\r\n", "GET /x HTTP/1.0\r\nx: y\r\n\r\n", 200, "GET /x HTTP/1.0\r\nx: y\r\n"},
        {"GET /x HTTP/1.1\r\nHost: a\r\n\r\n", "GET /x HTTP/1.1\r\nhost: a\r\n", 500, NULL},
        {"GET /x HTTP/1.1\r\nHost: a\r\n\r\n", "\r\nGET /x HTTP/1.1\r\nhost: a\r\n\r\n", 500, NULL},
    };
    peer *s = peer_start(serve_head, 0);

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        rig *r = ask_rig(PX_HTTP, ASKS(REQUEST), says_another_head, s);
        wire *w;

        r->arg = (void *)rows[i].head;
        rig_start(r);
        w = wire_new(dial(r->port));
        says(w->fd, "%s", rows[i].sent);
        if (!CHECK(wire_response(w, 0) == rows[i].status))
            printf("    row %zu gave %d\n", i, w->status);
        if (rows[i].expect)
            CHECK(body_has(w, rows[i].expect));
        hang_up(w);
        rig_stop(r);
    }
    peer_stop(s);
}

static void head_that_goes_on_as_get_gets_no_body(void)
{
    peer *s = peer_start(serve_head, 0);
    rig *r = ask_rig(PX_HTTP, ASKS(REQUEST), says_another_head, s);
    wire *w;

    r->arg = (void *)"GET /x HTTP/1.1\r\nhost: a\r\n\r\n";
    rig_start(r);
    w = wire_new(dial(r->port));
    for (int i = 0; i < 3; i++) { /* a body would be taken for the next response */
        says(w->fd, "HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n");
        CHECK_EQ(wire_response(w, 1), 200);
        CHECK(wire_field(w, "x-from:") != NULL);
    }
    CHECK_EQ(w->len, 0);
    hang_up(w);
    rig_stop(r);
    peer_stop(s);
}

/* --- where it goes --- */

static void sends_nowhere(rig *r, int tid, const lb_ask *a, const char *texts, verdicts *out)
{
    lb_verdict v = go_on(a);

    (void)tid, (void)texts;
    v.backend = r->arg ? 9 : -1;
    say_verdict(out, v);
}

static void without_a_backend_the_answer_is_503(void)
{
    peer *s = peer_start(serve_http, 0);

    for (int wrong = 0; wrong < 2; wrong++) {
        rig *r = ask_rig(PX_HTTP, ASKS(REQUEST), sends_nowhere, s);
        wire *w;

        r->arg = wrong ? r : NULL;
        rig_start(r);
        w = wire_new(dial(r->port));
        says(w->fd, "POST /echo/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /len/1 HTTP/1.1\r\nHost: a\r\n\r\n");
        for (int i = 0; i < 2; i++) /* the second one came with the first */
            CHECK_EQ(wire_response(w, 0), wrong ? 500 : 503);
        CHECK_EQ(FE_COUNT(r, internal_errors), wrong ? 2 : 0);
        hang_up(w);
        rig_stop(r);
    }
    peer_stop(s);
}

/* The server is the number behind "/srv". */
static void sends_where_the_path_says(rig *r, int tid, const lb_ask *a, const char *texts, verdicts *out)
{
    char *path = string_of(texts + a->text + a->path, a->path_len);
    lb_verdict v = go_on(a);

    (void)tid;
    v.server = atoi(path + 4);
    v.flags = r->arg ? V_F_STICKY : 0;
    say_verdict(out, v);
    free(path);
}

static void serve_name(peer *p, int fd)
{
    wire *w = wire_new(fd);

    while (wire_request(w)) {
        at_add(&p->reqs, 1);
        if (strstr(w->head, "/hold"))
            peer_wait(p);
        if (!says(fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n%5d", p->port))
            break;
    }
    wire_del(w);
}

static int served_by(rig *r, const char *path, const peer *p)
{
    wire *w = wire_new(dial(r->port));
    char name[16];
    int yes;

    ask_for(w->fd, path);
    snprintf(name, sizeof(name), "%5d", p->port);
    yes = wire_response(w, 0) == 200 && body_has(w, name);
    hang_up(w);
    return yes;
}

static void the_server_asked_for_is_used(void)
{
    peer *s[3] = {peer_start(serve_name, 0), peer_start(serve_name, 0), peer_start(serve_name, 0)};
    rig *r = ask_rig(PX_HTTP, ASKS(REQUEST), sends_where_the_path_says, NULL);

    for (int i = 0; i < 3; i++)
        rig_server(r, s[i]);
    rig_start(r);
    for (int i = 0; i < 9; i++) {
        char path[16];

        snprintf(path, sizeof(path), "/srv%d", i % 3);
        CHECK(served_by(r, path, s[i % 3]));
    }
    rig_stop(r);
    for (int i = 0; i < 3; i++)
        peer_stop(s[i]);
}

static void a_server_that_is_down_is_passed_over_unless_it_persists(void)
{
    for (int persist = 0; persist < 2; persist++) {
        peer *s[2] = {peer_start(serve_name, 0), peer_start(serve_name, 0)};
        rig *r = ask_rig(PX_HTTP, ASKS(REQUEST), sends_where_the_path_says, NULL);

        r->arg = r;
        rig_server(r, s[0])->disabled = 1;
        rig_server(r, s[1]);
        if (persist)
            r->be->options |= PX_O_PERSIST;
        rig_start(r);
        CHECK(served_by(r, "/srv0", s[!persist]));
        rig_stop(r);
        peer_stop(s[0]);
        peer_stop(s[1]);
    }
}

static void a_server_that_fails_is_left_for_another(void)
{
    peer *s = peer_start(serve_name, 0);
    rig *r = ask_rig(PX_HTTP, ASKS(REQUEST), sends_where_the_path_says, NULL);

    r->be->retries = 1;
    r->be->redispatch = 1;
    rig_server_port(r, port_refused());
    rig_server(r, s);
    rig_start(r);
    CHECK(served_by(r, "/srv0", s));
    rig_stop(r);
    peer_stop(s);
}

typedef struct crowd {
    rig *r;
    peer *s[2];
    uint32_t good;
} crowd;

static void one_of_a_crowd(void *arg, int index)
{
    crowd *c = arg;
    int which = index == 0;

    for (int i = 0; i < 20; i++)
        at_add(&c->good, (uint32_t)served_by(c->r, which ? "/srv1" : "/srv0", c->s[which]));
}

/* All but one want the server that takes one at a time: they wait for it though another one is free. */
static void who_wants_a_full_server_waits_for_it(void)
{
    peer *s[2] = {peer_start(serve_name, 0), peer_start(serve_name, 0)};
    rig *r = rig_make(PX_HTTP, 2);
    crowd c = {r, {s[0], s[1]}, 0};

    r->fe->asks = ASKS(REQUEST);
    r->answer = sends_where_the_path_says;
    rig_server(r, s[0])->maxconn = 1;
    rig_server(r, s[1]);
    rig_start(r);
    check_threads(6, one_of_a_crowd, &c);
    CHECK_EQ(c.good, 120);
    rig_stop(r);
    peer_stop(s[0]);
    peer_stop(s[1]);
}

/* --- trying again with a new head --- */

static void serve_second_time(peer *p, int fd)
{
    wire *w = wire_new(fd);

    while (wire_request(w)) {
        if (at_add(&p->reqs, 1) % 2 == 1)
            says(fd, "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n");
        else
            says(fd, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(w->head), w->head);
    }
    wire_del(w);
}

static void adds_a_line_and_forbids_retries(rig *r, int tid, const lb_ask *a, const char *texts, verdicts *out)
{
    char *text = with_line(texts + a->text, a->len, "x-new: 1");
    lb_verdict v = go_on(a);

    (void)tid;
    v.flags = r->arg ? V_F_NO_RETRY : 0;
    say_text(out, v, text);
    free(text);
}

static void what_is_sent_again_has_the_new_head(void)
{
    for (int forbidden = 0; forbidden < 2; forbidden++) {
        peer *s = peer_start(serve_second_time, 0);
        rig *r = ask_rig(PX_HTTP, ASKS(REQUEST), adds_a_line_and_forbids_retries, NULL);
        wire *w;

        r->arg = forbidden ? r : NULL;
        r->be->retries = 3;
        r->be->redispatch = 1;
        r->be->retry_status[0] = 503;
        rig_server_port(r, port_refused());
        rig_server(r, s);
        rig_start(r);
        w = wire_new(dial(r->port));
        says(w->fd, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
        CHECK_EQ(wire_response(w, 0), forbidden ? 503 : 200);
        if (!forbidden)
            CHECK(body_has(w, "x-new: 1\r\n") && body_has(w, "content-length: 5\r\n"));
        hang_up(w);
        rig_stop(r);
        peer_stop(s);
    }
}

static void serve_once(peer *p, int fd)
{
    wire *w = wire_new(fd);

    if (wire_request(w)) {
        at_add(&p->reqs, 1);
        says(fd, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(w->head), w->head);
        peer_wait(p);
    }
    wire_del(w);
}

static void a_stale_connection_is_replaced_with_the_new_head(void)
{
    peer *s = peer_start(serve_once, 0);
    rig *r = ask_rig(PX_HTTP, ASKS(REQUEST), adds_a_line, s);
    wire *w;

    r->arg = (void *)"x-new: 1";
    rig_start(r);
    w = wire_new(dial(r->port));
    for (int i = 0; i < 2; i++) {
        ask_for(w->fd, "/x");
        CHECK_EQ(wire_response(w, 0), 200);
        CHECK(body_has(w, "x-new: 1\r\n"));
        if (!i) {
            EVENTUALLY(at_load(&eng_srv_live(r->e, 0)->idle) == 1);
            at_store(&s->gate, 1);
            EVENTUALLY(peer_open(s) == 0 || at_load(&eng_srv_live(r->e, 0)->idle) == 0);
        }
    }
    hang_up(w);
    rig_stop(r);
    peer_stop(s);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);
    RUN(a_question_has_the_head_in_normal_form);
    RUN(each_of_pipelined_requests_is_asked_about);
    RUN(a_new_head_keeps_the_framing_of_the_message);
    RUN(a_new_head_that_is_none_is_refused);
    RUN(a_method_changes_only_where_the_answer_is_not_misread);
    RUN(head_that_goes_on_as_get_gets_no_body);
    RUN(without_a_backend_the_answer_is_503);
    RUN(the_server_asked_for_is_used);
    RUN(a_server_that_is_down_is_passed_over_unless_it_persists);
    RUN(a_server_that_fails_is_left_for_another);
    RUN(who_wants_a_full_server_waits_for_it);
    RUN(what_is_sent_again_has_the_new_head);
    RUN(a_stale_connection_is_replaced_with_the_new_head);
    return check_done();
}
