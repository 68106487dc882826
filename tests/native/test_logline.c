/* sources: all */
/* Lines that the shim writes: all pieces, cut lines, many threads at once, nobody who listens, and no bad program. */
#include "eng_ask.h"
#include "logline.h"

#define THREADS 4
#define CLIENTS 6
#define REQUESTS 50 /* of each client */

#define CHECK_STR(a, b) check_text((a), (b), __FILE__, __LINE__)

static void check_text(const char *found, const char *wanted, const char *file, int line)
{
    if (strcmp(found, wanted))
        fprintf(stderr, "found \"%s\"\nnot   \"%s\"\n", found, wanted);
    check_one(!strcmp(found, wanted), file, line, "texts are equal");
}

static const char texts[] = "<134> tag: fe x-a xyz";
#define T_BEFORE 0
#define T_AFTER 5
#define T_FE 11
#define T_XA 14
#define T_XYZ 18

static const log_piece all[] = {
    {LOG_TEXT, T_XYZ, 3},
    {LOG_TEXT, 5, 1},
    {LOG_SOURCE, 0, 0},
    {LOG_TEXT, 5, 1},
    {LOG_BACKEND, T_FE, 2},
    {LOG_TEXT, 5, 1},
    {LOG_SERVER, 0, 0},
    {LOG_TEXT, 5, 1},
    {LOG_I32, offsetof(lb_rec, status), 4},
    {LOG_TEXT, 5, 1},
    {LOG_U32, offsetof(lb_rec, retries), 4},
    {LOG_PLUS, offsetof(lb_rec, redispatched), 4},
    {LOG_TEXT, 5, 1},
    {LOG_CHARS, offsetof(lb_rec, term), 4},
    {LOG_TEXT, 5, 1},
    {LOG_CAPTURES, 0, 0},
    {LOG_TEXT, 5, 1},
    {LOG_LINE, 0, 0},
};
static const log_piece dated[] = {{LOG_DATE, offsetof(lb_rec, accept_us), 8}, {LOG_MS, offsetof(lb_rec, accept_us), 8}};
static const log_capture captures[] = {{T_XA, 3, 4}, {T_FE, 2, 9}};

/* A socket that hears, and in *to one that sends to it. */
static int hear(int *to)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, SOCK_DGRAM, 0), size = 1 << 20;

    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    REQUIRE(bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
    REQUIRE(getsockname(fd, (struct sockaddr *)&a, &len) == 0);
    *to = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    REQUIRE(connect(*to, (struct sockaddr *)&a, sizeof(a)) == 0);
    return fd;
}

/* The next line, "" if none comes in time. */
static const char *next_line(int fd, int ms)
{
    static char room[LOG_LINE_MAX + 1];
    struct pollfd p = {.fd = fd, .events = POLLIN};
    ssize_t n = poll(&p, 1, ms) == 1 ? recv(fd, room, LOG_LINE_MAX, 0) : 0;

    room[n > 0 ? n : 0] = 0;
    return room;
}

static log_target target(int fd, uint32_t maxlen, uint32_t is_dated)
{
    return (log_target){.fd = fd,
                        .maxlen = maxlen,
                        .before = T_BEFORE,
                        .before_len = 5,
                        .after = T_AFTER,
                        .after_len = 6,
                        .dated = is_dated};
}

static log_conf conf(const log_piece *p, uint32_t n, const log_target *to, uint32_t nto)
{
    return (log_conf){.read = p,
                      .unread = p,
                      .nread = n,
                      .nunread = n,
                      .targets = to,
                      .ntargets = nto,
                      .captures = captures,
                      .ncaptures = 2,
                      .texts = texts,
                      .ntexts = sizeof(texts)};
}

static rig *logged_rig(int threads, const log_conf *c)
{
    rig *r = rig_make(PX_HTTP, threads);

    eng_fe_conf(r->e, r->fe_i)->options |= PX_O_LOG | PX_O_LOG_URI;
    REQUIRE(eng_be_name(r->e, r->be_i, "be", 2) == 0);
    REQUIRE(eng_fe_log(r->e, r->fe_i, c) == 0);
    CHECK_EQ(eng_fe_log(r->e, r->fe_i, c), -EBUSY);
    return r;
}

static void ask_once(rig *r, const char *request, int status)
{
    wire *w = wire_new(dial(r->port));

    says(w->fd, request);
    CHECK_EQ(wire_response(w, 0), status);
    hang_up(w);
}

static void a_line_says_all_that_its_pieces_say(void)
{
    peer *s = peer_start(serve_http, 0);
    int to, fd = hear(&to);
    log_target both[] = {target(to, 1024, 0), target(to, 20, 0)};
    log_conf c = conf(all, sizeof(all) / sizeof(*all), both, 2);
    rig *r = logged_rig(1, &c);

    rig_server(r, s);
    REQUIRE(eng_srv_name(r->e, 0, "s1", 2) == 0);
    rig_start(r);
    ask_once(r, "GET /len/10?a=b HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nfe: \r\nX-A: {|}456\r\n\r\n", 200);
    CHECK_STR(next_line(fd, RIG_PATIENCE),
              "<134>xyz 127.0.0.1 be s1 200 0 ---- {#7B#7C#7D4|} GET /len/10?a=b HTTP/1.1\n");
    CHECK_STR(next_line(fd, RIG_PATIENCE), "<134>xyz 127.0.0.1 \n");
    ask_once(r, "garbage\r\n\r\n", 400);
    CHECK_STR(next_line(fd, RIG_PATIENCE), "<134>xyz 127.0.0.1 fe <NOSRV> 400 0 PR--  <BADREQ>\n");
    rig_stop(r);
    peer_stop(s);
    close(fd);
    close(to);
}

static void dates_are_local(void)
{
    peer *s = peer_start(serve_http, 0);
    int to, fd = hear(&to);
    log_target one = target(to, 1024, 1);
    log_conf c = conf(dated, 2, &one, 1);
    rig *r = logged_rig(1, &c);
    char month[4], stamp[4], zero[2];
    int day, year, clock[3], ms, found;

    rig_server(r, s);
    REQUIRE(eng_srv_name(r->e, 0, "s1", 2) == 0);
    rig_start(r);
    ask_once(r, "GET /len/1 HTTP/1.1\r\nHost: h\r\n\r\n", 200);
    found = sscanf(next_line(fd, RIG_PATIENCE), "<134>%3s %d %*d:%*d:%*d tag: %d/%3s/%d:%2d:%2d:%2d%3d%1[\n]", stamp,
                   &day, &day, month, &year, &clock[0], &clock[1], &clock[2], &ms, zero);
    CHECK_EQ(found, 10);
    CHECK_STR(stamp, month);
    CHECK(year > 2025 && clock[0] < 24 && clock[1] < 60 && ms < 1000);
    rig_stop(r);
    peer_stop(s);
    close(fd);
    close(to);
}

static void *ask_again_and_again(void *arg)
{
    rig *r = arg;
    wire *w = wire_new(dial(r->port));

    for (int i = 0; i < REQUESTS; i++) {
        says(w->fd, "GET /len/10 HTTP/1.1\r\nHost: h\r\n\r\n");
        CHECK_EQ(wire_response(w, 0), 200);
    }
    hang_up(w);
    return NULL;
}

static void crowd(rig *r)
{
    pthread_t id[CLIENTS];

    for (int i = 0; i < CLIENTS; i++)
        REQUIRE(pthread_create(&id[i], NULL, ask_again_and_again, r) == 0);
    for (int i = 0; i < CLIENTS; i++)
        pthread_join(id[i], NULL);
}

static void threads_lose_and_mix_no_line(void)
{
    peer *s = peer_start(serve_http, 0);
    int to, fd = hear(&to), n = 0;
    log_target one = target(to, 1024, 0);
    log_conf c = conf(all, sizeof(all) / sizeof(*all), &one, 1);
    rig *r = logged_rig(THREADS, &c);
    const char *line;

    rig_server(r, s);
    REQUIRE(eng_srv_name(r->e, 0, "s1", 2) == 0);
    rig_start(r);
    crowd(r);
    rig_stop(r);
    while (*(line = next_line(fd, 0))) {
        CHECK_STR(line, "<134>xyz 127.0.0.1 be s1 200 0 ---- {|} GET /len/10 HTTP/1.1\n");
        n++;
    }
    CHECK_EQ(n, CLIENTS * REQUESTS);
    peer_stop(s);
    close(fd);
    close(to);
}

static void what_nobody_hears_stops_nobody(void)
{
    peer *s = peer_start(serve_http, 0);
    int to, fd = hear(&to);
    log_target one = target(to, 1024, 0);
    log_conf c = conf(all, sizeof(all) / sizeof(*all), &one, 1);
    rig *r = logged_rig(2, &c);

    rig_server(r, s);
    REQUIRE(eng_srv_name(r->e, 0, "s1", 2) == 0);
    close(fd);
    rig_start(r);
    crowd(r);
    CHECK(eng_live_figures(r->e)->dropped_logs <= CLIENTS * REQUESTS);
    rig_stop(r);
    peer_stop(s);
    close(to);
}

static void bad_programs_are_refused(void)
{
    const log_piece beyond[] = {{LOG_TEXT, sizeof(texts) - 1, 2}}, unknown[] = {{LOG_KINDS, 0, 0}},
                    outside[] = {{LOG_U64, sizeof(lb_rec) - 4, 8}}, far[] = {{LOG_CHARS, UINT32_MAX, 2}};
    const log_piece *bad[] = {beyond, unknown, outside, far};
    log_target one = target(1, 1024, 0),
               wrong[] = {target(-1, 1024, 0), target(1, 0, 0), target(1, LOG_LINE_MAX + 1, 0)};
    rig *r = rig_make(PX_HTTP, 1);
    log_conf c;

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        c = conf(bad[i], 1, &one, 1);
        CHECK_EQ(eng_fe_log(r->e, r->fe_i, &c), -EINVAL);
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        c = conf(all, 1, &wrong[i], 1);
        CHECK_EQ(eng_fe_log(r->e, r->fe_i, &c), -EINVAL);
    }
    c = conf(all, 1, &one, 0);
    CHECK_EQ(eng_fe_log(r->e, r->fe_i, &c), -EINVAL);
    c = conf(all, 1, &one, 1);
    CHECK_EQ(eng_fe_log(r->e, 99, &c), -EINVAL);
    rig_start(r);
    rig_stop(r);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);
    RUN(a_line_says_all_that_its_pieces_say);
    RUN(dates_are_local);
    RUN(threads_lose_and_mix_no_line);
    RUN(what_nobody_hears_stops_nobody);
    RUN(bad_programs_are_refused);
    return check_done();
}
