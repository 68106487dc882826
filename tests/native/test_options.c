/* sources: all */
/* What options of HTTP change of the bytes on the wire, and of what is said to nobody. */
#include "eng_ask.h"

static wire *client_of(const rig *r)
{
    return wire_new(dial(r->port));
}

static rig *plain_rig(const peer *s)
{
    rig *r = rig_make(PX_HTTP, 1);

    if (s)
        rig_server(r, s);
    return r;
}

/* --- http-send-name-header --- */

static void set_name_header(rig *r, const char *name)
{
    r->be->sn_len = (uint32_t)strlen(name);
    strcpy(r->be->sn_name, name);
}

static void a_server_is_told_its_name(void)
{
    peer *s = peer_start(serve_head, 0);
    rig *r = plain_rig(s);
    wire *w;

    set_name_header(r, "x-name");
    CHECK_EQ(eng_srv_name(r->e, 0, "old", 3), 0);
    CHECK_EQ(eng_srv_name(r->e, 0, "first", 5), 0);
    CHECK_EQ(eng_srv_name(r->e, 0, "a\r\nb", 4), -EINVAL);
    CHECK_EQ(eng_srv_name(r->e, 1, "a", 1), -EINVAL);
    rig_start(r);
    w = client_of(r);
    says(w->fd, "GET / HTTP/1.1\r\nHost: a\r\nX-NAME: forged\r\nx-name2: kept\r\n\r\n");
    CHECK_EQ(wire_response(w, 0), 200);
    CHECK(body_has(w, "x-name: first\r\n") && body_has(w, "x-name2: kept\r\n") && !body_has(w, "forged"));
    hang_up(w);
    rig_stop(r);
    peer_stop(s);
}

static void after_a_redispatch_it_is_the_other_servers_name(void)
{
    peer *s = peer_start(serve_head, 0);
    rig *r = rig_make(PX_HTTP, 1);
    wire *w;

    rig_server_port(r, port_refused())->weight = 256;
    rig_server(r, s);
    set_name_header(r, "x-name");
    eng_srv_name(r->e, 0, "dead", 4);
    eng_srv_name(r->e, 1, "alive", 5);
    r->be->retry_on = RETRY_CONN;
    r->be->retries = 1;
    r->be->redispatch = 1;
    r->be->t_connect = 1000;
    rig_start(r);
    w = client_of(r);
    for (int i = 0; i < 3; i++) {
        says(w->fd, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        CHECK_EQ(wire_response(w, 0), 200);
        CHECK(body_has(w, "x-name: alive\r\n") && !body_has(w, "dead"));
    }
    hang_up(w);
    rig_stop(r);
    peer_stop(s);
}

/* --- http-pretend-keepalive --- */

static void a_server_is_made_believe_that_its_connection_is_kept(void)
{
    static const char *const ask[] = {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.0\r\n\r\n"};

    for (int pretend = 0; pretend < 2; pretend++) {
        peer *s = peer_start(serve_head, 0);
        rig *r = plain_rig(s);

        r->be->options = PX_O_SERVER_CLOSE | (pretend ? PX_O_PRETEND_KA : 0);
        rig_start(r);
        for (int old = 0; old < 2; old++) {
            wire *w = client_of(r);

            says(w->fd, "%s", ask[old]);
            CHECK_EQ(wire_response(w, 0), 200);
            CHECK_EQ(body_has(w, "connection: close"), !pretend && !old);
            CHECK_EQ(body_has(w, "connection: keep-alive"), pretend && old);
            EVENTUALLY(peer_open(s) == 0);
            hang_up(w);
        }
        rig_stop(r);
        peer_stop(s);
    }
}

/* --- http-no-delay --- */

static void in_a_hurry_chunks_arrive_whole(void)
{
    peer *s = peer_start(serve_http, 0);
    rig *r = plain_rig(s);
    wire *w;

    r->fe->options |= PX_O_NO_DELAY;
    rig_start(r);
    w = client_of(r);
    for (int i = 0; i < 20; i++) {
        ask_for(w->fd, i % 2 ? "/tiny/300" : "/chunk/50000");
        CHECK_EQ(wire_response(w, 0), 200);
        CHECK(body_is_pattern(w, i % 2 ? 300 : 50000));
    }
    hang_up(w);
    rig_stop(r);
    peer_stop(s);
}

/* --- http-ignore-probes --- */

static void a_probe_is_told_nothing_and_nobody_of_it(void)
{
    for (int how = 0; how < 3; how++) {
        rig *r = plain_rig(NULL);
        wire *w;

        r->fe->options |= PX_O_IGNORE_PROBES | PX_O_LOG;
        r->fe->t_http_request = 100;
        rig_start(r);
        w = client_of(r);
        if (how == 0)
            shutdown(w->fd, SHUT_WR);
        else if (how == 1)
            says(w->fd, "GET /");
        CHECK_EQ(wire_response(w, 0), how == 1 ? 408 : -1);
        hang_up(w);
        rig_check_quiet(r);
        EVENTUALLY(at_load(&r->recs) == (how == 1));
        CHECK_EQ(FE_COUNT(r, failed_req), how == 1);
        rig_stop(r);
    }
}

/* --- accept-unsafe-violations --- */

static void what_is_unsafe_passes_only_where_it_may(void)
{
    static const struct {
        const char *text, *passed;
    } rows[] = {
        {"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", "GET /a#b HTTP/1.1\r\n"},
        {"GET /\xe9 HTTP/1.1\r\nHost: a\r\n\r\n", "GET /\xe9 HTTP/1.1\r\n"},
        {"GET / HTTP/1.1\r\nHost: a\r\nx[1]: 2\r\n\r\n", "x[1]: 2\r\n"},
        {"GET / HTTP/1.1\r\nHost: a\r\nx: a\x0b" "b\r\n\r\n", "x: a\x0b" "b\r\n"},
        {"GET / HTTP/1.1\nHost: a\nx: y\n\n", "host: a\r\nx: y\r\n"},
    };
    peer *s = peer_start(serve_head, 0);

    for (int on = 0; on < 2; on++) {
        rig *r = plain_rig(s);

        r->fe->options |= on ? PX_O_UNSAFE : 0;
        rig_start(r);
        for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
            wire *w = client_of(r);

            says(w->fd, "%s", rows[i].text);
            CHECK_EQ(wire_response(w, 0), on ? 200 : 400);
            CHECK(!on || body_has(w, rows[i].passed));
            hang_up(w);
        }
        rig_stop(r);
    }
    peer_stop(s);
}

static void adds_the_line(rig *r, int tid, const lb_ask *a, const char *texts, verdicts *out)
{
    char *text = with_line(texts + a->text, a->len, r->arg);

    (void)tid;
    say_text(out, go_on(a), text);
    free(text);
}

/* A rule that adds "x: 1" LF "y: 2" would add two fields to what only bare LF separates. */
static void what_a_verdict_made_ends_its_lines_as_ever(void)
{
    static const struct {
        const char *line;
        int status;
    } rows[] = {{"x: 1\ny: 2", 500}, {"x[1]: a\x0b" "b", 200}};
    peer *s = peer_start(serve_head, 0);

    for (size_t i = 0; i < 2; i++) {
        rig *r = ask_rig(PX_HTTP, 1u << ASK_REQUEST, adds_the_line, s);
        wire *w;

        r->arg = (void *)rows[i].line;
        r->fe->options |= PX_O_UNSAFE;
        rig_start(r);
        w = client_of(r);
        says(w->fd, "GET /#a HTTP/1.1\nHost: a\n\n");
        CHECK_EQ(wire_response(w, 0), rows[i].status);
        hang_up(w);
        rig_stop(r);
    }
    peer_stop(s);
}

/* --- h1-case-adjust --- */

static void serve_trailers(peer *p, int fd)
{
    wire *w = wire_new(fd);

    while (wire_request(w)) {
        at_add(&p->reqs, 1);
        if (!says(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nx-odd: 1\r\n\r\n2\r\nok\r\n0\r\nx-odd: 2\r\n\r\n"))
            break;
    }
    wire_del(w);
}

/* All bytes up to <end>. */
static void read_to(wire *w, const char *end)
{
    while (!memmem(w->buf, w->len, end, strlen(end)) && wire_more(w))
        ;
}

static int has(const wire *w, const char *text)
{
    return w->len && memmem(w->buf, w->len, text, strlen(text)) != NULL;
}

static void names_are_written_as_their_reader_wants_them(void)
{
    peer *s = peer_start(serve_head, 0), *t = peer_start(serve_trailers, 0);

    for (int side = 0; side < 2; side++) {
        rig *r = plain_rig(side ? s : t);
        wire *w;

        CHECK_EQ(eng_case_add(r->e, "X-oDD", 5), 0);
        CHECK_EQ(eng_case_add(r->e, "Transfer-Encoding", 17), 0);
        CHECK_EQ(eng_case_add(r->e, "Connection", 10), 0);
        CHECK_EQ(eng_case_add(r->e, "hosT", 4), 0);
        CHECK_EQ(eng_case_add(r->e, "x-odd", 5), -EEXIST);
        CHECK_EQ(eng_case_add(r->e, "x odd", 5), -EINVAL);
        CHECK_EQ(eng_case_add(r->e, "", 0), -EINVAL);
        if (side)
            r->be->options |= PX_O_CASE | PX_O_SERVER_CLOSE;
        else
            r->fe->options |= PX_O_CASE;
        rig_start(r);
        w = client_of(r);
        says(w->fd, "GET /hosT:x-odd:%%0ax-odd: HTTP/1.1\r\nHost: host\r\nx-odd: x-odd\r\nx-odd2: 1\r\n\r\n");
        if (side) {
            CHECK_EQ(wire_response(w, 0), 200);
            CHECK(body_has(w, "GET /hosT:x-odd:%0ax-odd: ") && body_has(w, "\r\nhosT: host\r\nX-oDD: x-odd\r\nx-odd2: 1\r\n"));
            CHECK(body_has(w, "\r\nConnection: close\r\n"));
            CHECK(strstr(w->head, "content-length"));
        } else {
            read_to(w, "X-oDD: 2\r\n\r\n");
            CHECK(has(w, "\r\nTransfer-Encoding: chunked\r\nX-oDD: 1\r\n"));
            CHECK(has(w, "\r\nok\r\n0\r\nX-oDD: 2\r\n\r\n"));
        }
        hang_up(w);
        rig_stop(r);
    }
    peer_stop(s);
    peer_stop(t);
}

/* --- http-drop-*-trailers --- */

static void trailers_are_dropped_where_they_are_not_wanted(void)
{
    peer *s = peer_start(serve_trailers, 0);

    for (int drop = 0; drop < 2; drop++) {
        rig *r = plain_rig(s);
        wire *w;

        r->fe->options |= drop ? PX_O_NO_TRAILERS : 0;
        rig_start(r);
        w = client_of(r);
        ask_for(w->fd, "/");
        read_to(w, drop ? "0\r\n\r\n" : "x-odd: 2\r\n\r\n");
        CHECK_EQ(has(w, "x-odd: 2"), !drop);
        CHECK(has(w, "\r\nok\r\n0\r\n"));
        ask_for(w->fd, "/"); /* what follows is read as it should */
        read_to(w, drop ? "0\r\n\r\nHTTP/1.1 200" : "x-odd: 2\r\n\r\nHTTP/1.1 200");
        CHECK(has(w, "\r\n\r\nHTTP/1.1 200"));
        hang_up(w);
        rig_stop(r);
    }
    peer_stop(s);
}

/* --- idle-close-on-response --- */

static void an_idle_client_has_one_more_request_of_a_balancer_that_stops(void)
{
    peer *s = peer_start(serve_http, 0);
    rig *r = plain_rig(s);
    wire *w;

    r->fe->options |= PX_O_LATE_IDLE;
    rig_start(r);
    w = client_of(r);
    ask_for(w->fd, "/len/3");
    CHECK_EQ(wire_response(w, 0), 200);
    eng_stopping(r->e);
    eng_wake(r->e, 0);
    EVENTUALLY(at_load(&eng_srv_live(r->e, 0)->idle) == 0); /* what it means for servers was done */
    ask_for(w->fd, "/len/3");
    CHECK_EQ(wire_response(w, 0), 200);
    CHECK(wire_field(w, "connection:") && !strncmp(wire_field(w, "connection:"), "close", 5));
    CHECK(!wire_more(w) && w->ended == 1);
    hang_up(w);
    rig_stop(r);
    peer_stop(s);
}

/* --- what verdicts say --- */

static void closes_with_a_status(rig *r, int tid, const lb_ask *a, const char *texts, verdicts *out)
{
    lb_verdict v = verdict(a, *(uint32_t *)r->arg);

    (void)tid, (void)texts;
    v.status = 403;
    v.ms = v.action == V_DROP ? 7 : 0;
    say_verdict(out, v);
}

static void a_silent_end_has_its_status_in_the_log(void)
{
    static uint32_t actions[] = {V_CLOSE, V_RESET, V_DROP};

    for (int i = 0; i < 3; i++) {
        rig *r = ask_rig(PX_HTTP, 1u << ASK_REQUEST, closes_with_a_status, NULL);
        wire *w;

        r->arg = &actions[i];
        r->fe->options |= PX_O_LOG;
        rig_start(r);
        w = client_of(r);
        ask_for(w->fd, "/");
        CHECK(!wire_more(w)); /* a time to live of some hops is enough on loopback */
        EVENTUALLY(at_load(&r->recs) == 1);
        CHECK_EQ(r->status, 403);
        hang_up(w);
        rig_stop(r);
    }
}

static void forces_the_second(rig *r, int tid, const lb_ask *a, const char *texts, verdicts *out)
{
    lb_verdict v = go_on(a);

    (void)tid, (void)texts;
    v.server = 1;
    v.flags = *(uint32_t *)r->arg;
    say_verdict(out, v);
}

static void a_server_that_is_down_is_tried_if_that_is_forced(void)
{
    static uint32_t flags[] = {0, V_F_STICKY, V_F_FORCE};

    for (int i = 0; i < 3; i++) {
        peer *up = peer_start(serve_http, 0), *down = peer_start(serve_http, 0);
        rig *r = ask_rig(PX_HTTP, 1u << ASK_REQUEST, forces_the_second, up);
        wire *w;

        rig_server(r, down)->disabled = 1;
        r->arg = &flags[i];
        rig_start(r);
        w = client_of(r);
        ask_for(w->fd, "/len/3");
        CHECK_EQ(wire_response(w, 0), 200);
        CHECK_EQ(at_load(&down->reqs), flags[i] == V_F_FORCE);
        hang_up(w);
        rig_stop(r);
        peer_stop(up);
        peer_stop(down);
    }
}

static void who_is_forced_is_not_redispatched(void)
{
    static uint32_t flags[] = {0, V_F_FORCE};

    for (int i = 0; i < 2; i++) {
        peer *up = peer_start(serve_http, 0);
        rig *r = ask_rig(PX_HTTP, 1u << ASK_REQUEST, forces_the_second, up);
        wire *w;

        rig_server_port(r, port_refused());
        r->arg = &flags[i];
        r->be->retry_on = RETRY_CONN;
        r->be->retries = 1;
        r->be->redispatch = 1;
        r->be->t_connect = 50;
        rig_start(r);
        w = client_of(r);
        ask_for(w->fd, "/len/3");
        CHECK_EQ(wire_response(w, 0), flags[i] ? 503 : 200);
        hang_up(w);
        rig_stop(r);
        peer_stop(up);
    }
}

int main(void)
{
    RUN(a_server_is_told_its_name);
    RUN(after_a_redispatch_it_is_the_other_servers_name);
    RUN(a_server_is_made_believe_that_its_connection_is_kept);
    RUN(in_a_hurry_chunks_arrive_whole);
    RUN(a_probe_is_told_nothing_and_nobody_of_it);
    RUN(what_is_unsafe_passes_only_where_it_may);
    RUN(what_a_verdict_made_ends_its_lines_as_ever);
    RUN(names_are_written_as_their_reader_wants_them);
    RUN(trailers_are_dropped_where_they_are_not_wanted);
    RUN(an_idle_client_has_one_more_request_of_a_balancer_that_stops);
    RUN(a_silent_end_has_its_status_in_the_log);
    RUN(a_server_that_is_down_is_tried_if_that_is_forced);
    RUN(who_is_forced_is_not_redispatched);
    return check_done();
}
