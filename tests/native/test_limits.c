/* sources: all */
/* Limits of bandwidth in a running engine: what a verdict's stream gets of them, and what is left when one ends in a pause. */
#include "eng_ask.h"

#define ASKS(kind) (1u << ASK_##kind)
#define SIZE 40000

/* Limits the direction that the rig's <arg> says, to a first buffer's worth and then next to nothing; not where the
 * request says "free". */
static void limits(rig *r, int tid, const lb_ask *a, const char *texts, verdicts *out)
{
    const int *response = r->arg;

    if (!a->len || !memmem(texts + a->text, a->len, "free", 4))
        CHECK_EQ(eng_flow_bwlim(r->e, tid, a->flow, a->gen, *response, 1, SIZE, 3600000, 0), 0);
    CHECK_EQ(eng_flow_bwlim(r->e, tid, a->flow, a->gen + 1, *response, 1, 1, 1, 0), -ESTALE);
    CHECK_EQ(eng_flow_bwlim(r->e, tid, a->flow, a->gen, *response, 2, 0, 1, 0), -EINVAL);
    say_verdict(out, go_on(a));
}

static rig *limited(int mode, int *response, const peer *s)
{
    rig *r = ask_rig(mode, mode == PX_HTTP ? ASKS(REQUEST) : ASKS(CONTENT), limits, s);

    r->arg = response;
    return r;
}

/* Reads until a pause has begun: a buffer's worth of payload is here. */
static void read_to_the_pause(int fd)
{
    char buf[4096];
    size_t got = 0;
    ssize_t n;

    while (got < 16384 && (n = recv(fd, buf, sizeof(buf), 0)) > 0)
        got += (size_t)n;
    CHECK(got >= 16384);
}

static void serve_and_leave(peer *p, int fd)
{
    wire *w = wire_new(fd);

    if (wire_head(w)) {
        at_add(&p->reqs, 1);
        says(fd, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", SIZE);
        send_pattern(fd, SIZE / 2);
        reset_on_close(fd);
    }
    wire_del(w);
}

static void who_leaves_in_a_pause_takes_all_of_the_stream_along(void)
{
    static const int modes[] = {PX_HTTP, PX_TCP};
    int response = 1;

    for (int i = 0; i < 4; i++) {
        peer *s = peer_start(i & 1 ? serve_and_leave : serve_http, 0);
        rig *r = limited(modes[i / 2], &response, s);
        wire *w;

        rig_start(r);
        w = wire_new(dial(r->port));
        ask_for(w->fd, "/len/40000");
        read_to_the_pause(w->fd);
        reset_on_close(w->fd);
        hang_up(w);
        EVENTUALLY(at_load(&r->e->live.actconn) == 0);
        rig_stop(r);
        peer_stop(s);
    }
}

static void a_client_leaves_in_the_pause_of_its_request(void)
{
    static const int modes[] = {PX_HTTP, PX_TCP};
    int response = 0;

    for (int i = 0; i < 2; i++) {
        peer *s = peer_start(serve_echo, 0);
        rig *r = limited(modes[i], &response, s);
        wire *w;

        rig_start(r);
        w = wire_new(dial(r->port));
        says(w->fd, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", SIZE);
        send_pattern(w->fd, SIZE);
        EVENTUALLY(at_load(&s->reqs) > 0);
        reset_on_close(w->fd);
        hang_up(w);
        EVENTUALLY(at_load(&r->e->live.actconn) == 0);
        rig_stop(r);
        peer_stop(s);
    }
}

static void the_next_stream_of_a_connection_is_free(void)
{
    int response = 1;
    peer *s = peer_start(serve_http, 0);
    rig *r = limited(PX_HTTP, &response, s);
    wire *w;

    rig_start(r);
    w = wire_new(dial(r->port));
    ask_for(w->fd, "/len/9000"); /* less than its credit */
    CHECK_EQ(wire_response(w, 0), 200);
    CHECK(body_is_pattern(w, 9000));
    says(w->fd, "GET /len/900000 HTTP/1.1\r\nHost: free\r\n\r\n");
    CHECK_EQ(wire_response(w, 0), 200);
    CHECK(body_is_pattern(w, 900000));
    hang_up(w);
    rig_stop(r);
    peer_stop(s);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);
    RUN(who_leaves_in_a_pause_takes_all_of_the_stream_along);
    RUN(a_client_leaves_in_the_pause_of_its_request);
    RUN(the_next_stream_of_a_connection_is_free);
    return check_done();
}
