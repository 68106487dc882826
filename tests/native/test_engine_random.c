/* sources: all */
/* A few random worlds, always the same ones, and what others found. For more of them see fuzz_engine.c. */
#include "rnd_world.h"

static void honest_clients_among_wild_ones_get_what_they_asked_for(void)
{
    static const uint64_t seeds[] = {4, 5, 6, 7, 8, 9, 1030};
    uint32_t answered = 0;

    for (size_t i = 0; i < sizeof(seeds) / sizeof(*seeds); i++)
        answered += world_run(seeds[i]);
    CHECK(answered > 20);
}

/* Sends some of a body that ends with the connection, and no more. */
static void serve_without_end(peer *p, int fd)
{
    wire *w = wire_new(fd);

    if (wire_request(w) && says(fd, "HTTP/1.1 200 OK\r\n\r\nhello"))
        while (!at_load(&p->stop))
            pause_us(500);
    wire_del(w);
}

/* A body whose end is the connection's end, given up at a timeout, looked whole to its client. */
static void a_body_without_a_length_that_is_given_up_ends_in_a_reset(void)
{
    peer *s = peer_start(serve_without_end, 0);
    rig *r = rig_make(PX_HTTP, 1);
    wire *w;

    r->be->t_server = 100;
    rig_server(r, s);
    rig_start(r);
    w = wire_new(dial(r->port));
    ask_for(w->fd, "/");
    CHECK_EQ(wire_response(w, 0), 200);
    CHECK_EQ(w->body_len, 5);
    CHECK_EQ(w->ended, 2);
    close(w->fd);
    wire_del(w);
    rig_stop(r);
    peer_stop(s);
}

/* "nolinger": a server could not be told of its client's end, and both stayed until a timeout. */
static void a_tunnel_that_may_not_linger_ends_with_its_client(void)
{
    peer *s = peer_start(serve_echo, 0);
    rig *r = rig_make(PX_TCP, 1);
    uint64_t began = now_ms();
    wire *w;

    r->be->options |= PX_O_NOLINGER;
    rig_server(r, s);
    rig_start(r);
    w = wire_new(dial(r->port));
    says(w->fd, "hello\r\n\r\n");
    CHECK(wire_head(w));
    shutdown(w->fd, SHUT_WR);
    CHECK(!wire_more(w));
    EVENTUALLY(peer_open(s) == 0);
    CHECK(now_ms() - began < r->fe->t_client / 2);
    close(w->fd);
    wire_del(w);
    rig_stop(r);
    peer_stop(s);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN); /* as Python has it: splice(2) knows no MSG_NOSIGNAL */
    RUN(a_body_without_a_length_that_is_given_up_ends_in_a_reset);
    RUN(a_tunnel_that_may_not_linger_ends_with_its_client);
    RUN(honest_clients_among_wild_ones_get_what_they_asked_for);
    return check_done();
}
