/* sources: lockset lock ctr freq hash counters sock buf fd poll loop ev_epoll ev_poll ev_select ev_kqueue tmr runq waitq task h1 h1body h1field h1host h1word casing msg conn idle lb lb_heap lb_rr lb_least lb_first lb_map lb_ring lb_key servers listener chan flow flow_srv queue observe tunnel exchange exch_req exch_again exch_res exch_reply applet page ask ask_head ask_body ask_http ask_tcp ask_flow thr turn figures engine */
/* Servers that change while threads use them. */
#include "eng_ask.h"

static wire *client_of(const rig *r)
{
    return wire_new(dial(r->port));
}

static void put_state(rig *r, int i, uint32_t up)
{
    rig_meet(r);
    CHECK_EQ(eng_srv_state(r->e, i, up, up, 0), 0);
    if (!up)
        CHECK_EQ(eng_srv_end(r->e, i, SRV_END_IDLE), 0);
    rig_part(r);
}

static int status_of(rig *r, const char *path)
{
    wire *w = client_of(r);
    int status;

    ask_for(w->fd, path);
    status = wire_response(w, 0);
    hang_up(w);
    return status;
}

static void a_server_that_is_down_gets_nothing(void)
{
    peer *s = peer_start(serve_http, 0);
    rig *r = rig_make(PX_HTTP, 2);

    rig_server(r, s);
    rig_start(r);
    CHECK_EQ(status_of(r, "/len/3"), 200);
    put_state(r, 0, 0);
    EVENTUALLY(at_load(&eng_srv_live(r->e, 0)->idle) == 0);
    CHECK_EQ(status_of(r, "/len/3"), 503);
    put_state(r, 0, 1);
    CHECK_EQ(status_of(r, "/len/3"), 200);
    CHECK_EQ(eng_srv_state(r->e, 0, 1, LB_WEIGHT_MAX + 1, 0), -EINVAL);
    CHECK_EQ(eng_srv_state(r->e, 1, 1, 1, 0), -EINVAL);
    rig_stop(r);
    peer_stop(s);
}

static void who_waits_is_served_by_a_server_that_comes_up(void)
{
    peer *s = peer_start(serve_http, 0);
    rig *r = rig_make(PX_HTTP, 2);
    wire *first, *second;

    rig_server(r, s)->maxconn = 1;
    rig_server(r, s);
    rig_start(r);
    put_state(r, 1, 0);
    first = client_of(r);
    ask_for(first->fd, "/hang");
    EVENTUALLY(at_load(&eng_srv_live(r->e, 0)->served) == 1);
    second = client_of(r);
    ask_for(second->fd, "/len/3");
    EVENTUALLY(at_load(&eng_be_live(r->e, r->be_i)->queued) == 1);
    rig_meet(r);
    CHECK_EQ(eng_srv_grab(r->e, 1), 0); /* it is down */
    CHECK_EQ(eng_srv_state(r->e, 1, 1, 1, 0), 0);
    CHECK_EQ(eng_srv_grab(r->e, 1), 1);
    rig_part(r);
    CHECK_EQ(wire_response(second, 0), 200);
    hang_up(second);
    hang_up(first);
    rig_stop(r);
    peer_stop(s);
}

static void streams_end_with_their_server(void)
{
    peer *s = peer_start(serve_http, 0);
    rig *r = rig_make(PX_HTTP, 2);
    wire *w;

    r->fe->options |= PX_O_LOG;
    rig_server(r, s);
    rig_start(r);
    w = client_of(r);
    ask_for(w->fd, "/hang");
    EVENTUALLY(at_load(&s->reqs) == 1);
    rig_meet(r);
    CHECK_EQ(eng_srv_end(r->e, 0, 'D'), 0);
    CHECK_EQ(eng_srv_end(r->e, 1, 'D'), -EINVAL);
    rig_part(r);
    CHECK_EQ(wire_response(w, 0), 502);
    EVENTUALLY(at_load(&r->recs) == 1);
    CHECK_EQ(at_load(&r->term[0]), 'D');
    CHECK_EQ(at_load(&r->term[1]), 'H');
    hang_up(w);
    rig_stop(r);
    peer_stop(s);
}

/* --- servers that come and go --- */

typedef struct load {
    rig *r;
    uint32_t stop; /* atomic */
    uint32_t good, bad;
    pthread_t id;
} load;

static void *ask_on(void *arg)
{
    load *l = arg;
    wire *w = client_of(l->r);

    while (!at_load(&l->stop)) {
        ask_for(w->fd, "/len/3");
        if (wire_response(w, 0) == 200)
            l->good++;
        else
            l->bad++;
    }
    hang_up(w);
    return NULL;
}

static int is_unused(rig *r, int i)
{
    const px_live *v = eng_srv_live(r->e, i);

    return !at_load(&v->cur) && !at_load(&v->served) && !at_load(&v->used) && !at_load(&v->idle);
}

static int add_server(rig *r, const peer *s, int again)
{
    int i;

    rig_meet(r);
    i = again < 0 ? eng_server_add(r->e, r->be_i) : again;
    REQUIRE(i >= 0);
    if (again >= 0)
        CHECK_EQ(eng_server_again(r->e, again), 0);
    sock_addr_set(&eng_srv_conf(r->e, i)->addr, AF_INET, "\x7f\0\0\1", 4, s->port);
    CHECK_EQ(eng_srv_state(r->e, i, 1, 1, 0), 0);
    rig_part(r);
    return i;
}

static void remove_server(rig *r, int i)
{
    rig_meet(r);
    CHECK_EQ(eng_server_del(r->e, i), -EBUSY); /* it is up */
    rig_part(r);
    put_state(r, i, 0);
    EVENTUALLY(is_unused(r, i));
    rig_meet(r);
    CHECK_EQ(eng_server_del(r->e, i), 0);
    CHECK_EQ(eng_server_del(r->e, i), -EBUSY);
    rig_part(r);
}

static void servers_come_and_go_under_load(void)
{
    peer *s = peer_start(serve_http, 0);
    rig *r = rig_make(PX_HTTP, 4);
    load l[3] = {0};
    int made[3] = {-1, -1, -1};

    rig_server(r, s);
    rig_start(r);
    CHECK_EQ(eng_server_again(r->e, 0), -EINVAL);
    for (int i = 0; i < 3; i++) {
        l[i].r = r;
        REQUIRE(pthread_create(&l[i].id, NULL, ask_on, &l[i]) == 0);
    }
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 3; i++)
            made[i] = add_server(r, s, made[i]);
        CHECK_EQ(status_of(r, "/len/3"), 200);
        for (int i = 0; i < 3; i++)
            remove_server(r, made[i]);
    }
    for (int i = 0; i < 3; i++) {
        at_store(&l[i].stop, 1);
        pthread_join(l[i].id, NULL);
        CHECK(l[i].good > 0);
        CHECK_EQ(l[i].bad, 0);
    }
    rig_stop(r);
    peer_stop(s);
}

int main(void)
{
    RUN(a_server_that_is_down_gets_nothing);
    RUN(who_waits_is_served_by_a_server_that_comes_up);
    RUN(streams_end_with_their_server);
    RUN(servers_come_and_go_under_load);
    return check_done();
}
