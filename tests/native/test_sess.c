/* sources: all */
/* Walks over sessions, and their ends, while they come and go. */
#include "eng_ask.h"
#include "sess.h"

#define CLIENTS 40

typedef struct crowd {
    rig *r;
    wire *w[CLIENTS];
} crowd;

/* Clients whose requests are never answered. */
static void gather(crowd *c, rig *r)
{
    c->r = r;
    for (int i = 0; i < CLIENTS; i++) {
        c->w[i] = wire_new(dial(r->port));
        ask_for(c->w[i]->fd, "/hang");
    }
    EVENTUALLY(at_load(&eng_be_live(r->e, r->be_i)->cur) == CLIENTS);
}

static void leave(crowd *c)
{
    for (int i = 0; i < CLIENTS; i++)
        if (c->w[i])
            hang_up(c->w[i]);
}

static rig *begin(peer **s, int threads)
{
    rig *r = rig_make(PX_HTTP, threads);

    *s = peer_start(serve_http, 0);
    r->fe->options |= PX_O_LOG_URI; /* else nobody would keep it */
    r->be->options |= PX_O_ABORTONCLOSE;
    rig_server(r, *s);
    rig_start(r);
    return r;
}

/* Whether <id> is among the <n> of <seen>. */
static int is_in(const uint64_t *seen, int n, uint64_t id)
{
    for (int i = 0; i < n; i++)
        if (seen[i] == id)
            return 1;
    return 0;
}

static void a_walk_meets_each_session_once(void)
{
    static lb_sess out[3];
    uint64_t seen[CLIENTS + 1];
    peer *s;
    rig *r = begin(&s, 2);
    crowd c;
    wire *idle = wire_new(dial(r->port));
    sess_walk *w;
    int n = 0, got;

    gather(&c, r);
    rig_meet(r);
    w = sess_walk_new(r->e);
    while ((got = sess_walk_next(w, out, 3, 1000)) >= 0)
        for (int i = 0; i < got; i++) {
            CHECK(!is_in(seen, n, out[i].id));
            CHECK_EQ(out[i].back.state, SESS_END_EST);
            CHECK_EQ(out[i].server, 0);
            CHECK(out[i].front.fd >= 0 && out[i].back.fd >= 0);
            REQUIRE(n < CLIENTS + 1);
            seen[n++] = out[i].id;
        }
    CHECK_EQ(n, CLIENTS); /* and not the one that says nothing */
    sess_walk_free(w);
    rig_part(r);
    hang_up(idle);
    leave(&c);
    rig_stop(r);
    peer_stop(s);
}

static void a_look_ends_after_as_many_as_it_may_look_at(void)
{
    static lb_sess out[CLIENTS];
    peer *s;
    rig *r = begin(&s, 1);
    crowd c;
    sess_walk *w;

    gather(&c, r);
    rig_meet(r);
    w = sess_walk_new(r->e);
    CHECK_EQ(sess_walk_next(w, out, CLIENTS, 7), 7);
    CHECK_EQ(sess_walk_next(w, out, CLIENTS, 1000), CLIENTS - 7);
    CHECK_EQ(sess_walk_next(w, out, CLIENTS, 1000), -1);
    sess_walk_free(w);
    rig_part(r);
    leave(&c);
    rig_stop(r);
    peer_stop(s);
}

/* Those that a walk stands on end one by one: none is met after its end, the others once each. */
static void sessions_that_end_are_not_met(void)
{
    static lb_sess out[1];
    uint64_t seen[CLIENTS], last = 0;
    peer *s;
    rig *r = begin(&s, 2);
    crowd c;
    sess_walk *w;
    int n = 0;

    gather(&c, r);
    rig_meet(r);
    w = sess_walk_new(r->e);
    while (sess_walk_next(w, out, 1, 1000) == 1) {
        lb_sess next;

        REQUIRE(n < CLIENTS);
        CHECK(!is_in(seen, n, out->id));
        seen[n++] = last = out->id;
        CHECK_EQ(eng_sess_end(r->e, last, 'K'), 1);
        /* and the one that stands next in the walk's way, of every second */
        if (n % 2 && sess_walk_next(w, &next, 1, 1000) == 1) {
            seen[n++] = next.id;
            CHECK_EQ(eng_sess_end(r->e, next.id, 'K'), 1);
        }
        rig_part(r);
        EVENTUALLY(at_load(&eng_be_live(r->e, r->be_i)->cur) == (uint32_t)(CLIENTS - n));
        rig_meet(r);
        CHECK_EQ(eng_sess_find(r->e, last, out), 0);
        CHECK_EQ(eng_sess_end(r->e, last, 'K'), 0);
    }
    CHECK_EQ(n, CLIENTS);
    sess_walk_free(w);
    rig_part(r);
    leave(&c);
    rig_stop(r);
    peer_stop(s);
}

static void clients_that_leave_take_themselves_out_of_the_way(void)
{
    static lb_sess out[5];
    peer *s;
    rig *r = begin(&s, 2);
    crowd c;
    sess_walk *w;

    gather(&c, r);
    rig_meet(r);
    w = sess_walk_new(r->e);
    CHECK_EQ(sess_walk_next(w, out, 5, 1000), 5);
    rig_part(r);
    leave(&c);
    EVENTUALLY(at_load(&eng_be_live(r->e, r->be_i)->cur) == 0);
    rig_meet(r);
    CHECK_EQ(sess_walk_next(w, out, 5, 1000), -1);
    sess_walk_free(w);
    rig_part(r);
    rig_stop(r);
    peer_stop(s);
}

static void an_engine_ends_under_a_walk(void)
{
    static lb_sess out[5];
    peer *s;
    rig *r = begin(&s, 1);
    crowd c;
    sess_walk *w;

    gather(&c, r);
    rig_meet(r);
    w = sess_walk_new(r->e);
    CHECK_EQ(sess_walk_next(w, out, 5, 1000), 5);
    rig_part(r);
    leave(&c);
    rig_stop(r); /* frees the walk */
    peer_stop(s);
}

static void who_is_ended_is_answered(void)
{
    static lb_sess out[1];
    peer *s;
    rig *r = begin(&s, 1);
    wire *w = wire_new(dial(r->port));
    sess_walk *walk;

    ask_for(w->fd, "/hang");
    EVENTUALLY(at_load(&eng_be_live(r->e, r->be_i)->cur) == 1);
    rig_meet(r);
    walk = sess_walk_new(r->e);
    REQUIRE(sess_walk_next(walk, out, 1, 1000) == 1);
    sess_walk_free(walk);
    CHECK_EQ(eng_sess_find(r->e, out->id, out), 1);
    CHECK_EQ(out->uri_len, strlen("GET /hang HTTP/1.1"));
    CHECK_EQ(memcmp(out->uri, "GET /hang HTTP/1.1", out->uri_len), 0);
    CHECK_EQ(eng_sess_find(r->e, out->id + 1, out), 0);
    CHECK_EQ(eng_sess_find(r->e, 99ull << 48, out), 0);
    CHECK_EQ(eng_sess_end(r->e, out->id, 'K'), 1);
    rig_part(r);
    CHECK_EQ(wire_response(w, 0), 502);
    hang_up(w);
    rig_stop(r);
    peer_stop(s);
}

int main(void)
{
    RUN(a_walk_meets_each_session_once);
    RUN(a_look_ends_after_as_many_as_it_may_look_at);
    RUN(sessions_that_end_are_not_met);
    RUN(clients_that_leave_take_themselves_out_of_the_way);
    RUN(an_engine_ends_under_a_walk);
    RUN(who_is_ended_is_answered);
    return check_done();
}
