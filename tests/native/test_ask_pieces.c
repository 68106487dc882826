/* sources: all */
/* Replies that are made while they are sent: questions for pieces, their framing, and their ends. */
#include "eng_ask.h"

#define HEAD "HTTP/1.1 200 Fine\r\ntransfer-encoding: chunked\r\n\r\n"
#define BULK 100000

/* What a rig's answer says: set by each test. */
typedef struct script {
    const char *head;
    const char *pieces[4]; /* the last one says that there is no more */
    uint32_t endless;      /* pieces of BULK bytes, and no end */
    uint32_t action;       /* of a piece; 0: V_REPLY */
    /* what was seen */
    uint32_t asked, piece;
} script;

static void in_pieces(rig *r, int tid, const lb_ask *a, const char *texts, verdicts *out)
{
    static char bulk[BULK];
    script *k = r->arg;
    lb_verdict v = verdict(a, V_REPLY);
    uint32_t n = k->piece;

    (void)tid;
    (void)texts;
    v.flags = V_F_MORE | V_F_TELL;
    if (a->kind == ASK_REQUEST) {
        k->piece = 0;
        say_text(out, v, k->head);
        return;
    }
    CHECK_EQ(a->kind, ASK_PIECE);
    at_add(&k->asked, 1);
    if (k->action)
        v.action = k->action;
    if (k->endless) {
        verdict_add(out, v, bulk, sizeof(bulk));
        return;
    }
    if (!k->pieces[n + 1])
        v.flags = 0;
    k->piece++;
    say_text(out, v, k->pieces[n]);
}

static rig *scripted(script *k)
{
    rig *r = ask_rig(PX_HTTP, 1u << ASK_REQUEST, in_pieces, NULL);

    r->arg = k;
    rig_start(r);
    return r;
}

static void pieces_are_chunks_in_their_order(void)
{
    script k = {.head = HEAD "one ", .pieces = {"two ", "", "three"}};
    rig *r = scripted(&k);
    wire *w = wire_new(dial(r->port));

    says(w->fd, "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(wire_response(w, 0), 200);
        CHECK(w->chunked && body_has(w, "one two three"));
        CHECK(!strstr(w->head, "connection:"));
    }
    EVENTUALLY(at_load(&r->recs) == 2);
    CHECK(r->term[0] == 'L' && r->term[1] == 'R' && r->status == 200);
    CHECK_EQ(at_load(&k.asked), 6);
    hang_up(w);
    rig_stop(r);
}

static void an_empty_body_has_an_end(void)
{
    script k = {.head = HEAD, .pieces = {""}};
    rig *r = scripted(&k);
    wire *w = wire_new(dial(r->port));

    says(w->fd, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK_EQ(wire_response(w, 0), 200);
    CHECK(w->chunked && !w->body_len);
    hang_up(w);
    rig_stop(r);
}

static void without_chunks_the_end_of_the_connection_is_the_end(void)
{
    static const struct {
        const char *head, *version;
    } rows[] = {{HEAD, "1.0"}, {"HTTP/1.1 200 Fine\r\n\r\n", "1.1"}};

    for (int i = 0; i < 2; i++) {
        script k = {.head = rows[i].head, .pieces = {"two ", "three"}};
        rig *r = scripted(&k);
        wire *w = wire_new(dial(r->port));

        says(w->fd, "GET / HTTP/%s\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", rows[i].version);
        CHECK_EQ(wire_response(w, 0), 200);
        CHECK(!w->chunked && body_has(w, "two three") && w->ended == 1);
        hang_up(w);
        rig_stop(r);
    }
}

static void who_wants_no_body_is_asked_for_none(void)
{
    script k = {.head = HEAD "one", .pieces = {"two"}};
    rig *r = scripted(&k);
    wire *w = wire_new(dial(r->port));

    for (int i = 0; i < 2; i++) {
        says(w->fd, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
        CHECK_EQ(wire_response(w, 1), 200);
        CHECK(strstr(w->head, "transfer-encoding: chunked\r\n") != NULL);
    }
    EVENTUALLY(at_load(&r->recs) == 2);
    CHECK_EQ(at_load(&k.asked), 0);
    hang_up(w);
    rig_stop(r);
}

static void heads_that_frame_otherwise_are_refused(void)
{
    static const char *const heads[] = {"HTTP/1.1 200 Fine\r\ncontent-length: 3\r\n\r\none", "HTTP/1.1 102 No\r\n\r\n",
                                        ""};

    for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++) {
        script k = {.head = heads[i], .pieces = {"two"}};
        rig *r = scripted(&k);
        wire *w = wire_new(dial(r->port));

        says(w->fd, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        CHECK_EQ(wire_response(w, 0), 500);
        CHECK_EQ(at_load(&k.asked), 0);
        hang_up(w);
        rig_stop(r);
    }
}

static void who_takes_nothing_is_made_nothing(void)
{
    script k = {.head = HEAD, .endless = 1};
    rig *r = scripted(&k);
    wire *w = wire_new(dial(r->port));
    uint32_t before = 0;

    says(w->fd, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    EVENTUALLY(at_load(&k.asked) > 1);
    while (before != at_load(&k.asked)) {
        before = at_load(&k.asked);
        pause_us(50000);
    }
    CHECK(before < 200); /* what two sockets hold */
    for (int i = 0; i < 100; i++)
        wire_more(w);
    EVENTUALLY(at_load(&k.asked) > before);
    hang_up(w); /* and who leaves, too */
    EVENTUALLY(at_load(&r->recs) == 1);
    CHECK(r->term[0] == 'C' && r->term[1] == 'D');
    rig_stop(r);
}

static void a_piece_that_is_none_cuts_the_reply(void)
{
    static const uint32_t actions[] = {V_CLOSE, V_FORWARD, V_PAUSE};

    for (int i = 0; i < 3; i++) {
        script k = {.head = HEAD "one", .pieces = {"two"}, .action = actions[i]};
        rig *r = scripted(&k);
        wire *w = wire_new(dial(r->port));

        says(w->fd, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        CHECK_EQ(wire_response(w, 0), -1);
        CHECK(w->ended && w->body_len == 3 && body_has(w, "one"));
        EVENTUALLY(at_load(&r->recs) == 1);
        CHECK(r->term[0] == 'I' && r->term[1] == 'D');
        hang_up(w);
        rig_stop(r);
    }
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);
    RUN(pieces_are_chunks_in_their_order);
    RUN(an_empty_body_has_an_end);
    RUN(without_chunks_the_end_of_the_connection_is_the_end);
    RUN(who_wants_no_body_is_asked_for_none);
    RUN(heads_that_frame_otherwise_are_refused);
    RUN(who_takes_nothing_is_made_nothing);
    RUN(a_piece_that_is_none_cuts_the_reply);
    return check_done();
}
