/* sources: lockset lock ctr hash sock h1 h1body h1field h1host h1word lb lb_heap lb_rr lb_least lb_first lb_map lb_ring lb_key */
#include "lb_farm.h"

#include "hash.h"

#define KEYS 3000
#define MANY 2000

static uint32_t key_number(uint32_t i)
{
    return hash_avalanche(i * 2654435761u);
}

static farm *hashing(uint32_t type, uint32_t n, const uint32_t *weights)
{
    be_conf conf = {.algo = LB_HASH, .lb_type = type};
    farm *f = farm_of(&conf, n, weights);

    REQUIRE(lb_rebuild(&f->be) == 0);
    return f;
}

static void find_all(farm *f, int *where)
{
    for (uint32_t i = 0; i < KEYS; i++) {
        where[i] = pick_hash(f, key_number(i));
        CHECK(where[i] >= 0);
    }
}

/* --- map-based --- */

/* The map by the book: each server's score grows by its weight; who has most, in whole maps, gets the place and pays for it. */
static void map_by_the_book(const uint32_t *weights, uint32_t n, uint32_t total, uint32_t *place)
{
    int64_t *score = calloc(n, sizeof(*score));

    REQUIRE(score);
    for (uint32_t at = 0; at < total; at++) {
        uint32_t best = n;
        int64_t most = -1;

        for (uint32_t i = 0; i < n; i++) {
            score[i] += weights[i];
            if (weights[i] && (score[i] + total) / total > most) {
                most = (score[i] + total) / total;
                best = i;
            }
        }
        score[best] -= total;
        place[at] = best;
    }
    free(score);
}

static void the_map_is_the_one_by_the_book(void)
{
    uint32_t state = 7;

    for (int round = 0; round < 60; round++) {
        uint32_t n = 1 + hash_avalanche(state++) % 90, weights[90], total = 0, *place;
        farm *f;

        for (uint32_t i = 0; i < n; i++) {
            weights[i] = hash_avalanche(state++) % (round % 3 ? 256 : 5);
            weights[i] += i == 0; /* a weight of 1 somewhere keeps them from being divided */
            if (i == 0)
                weights[i] = 1;
            total += weights[i];
        }
        place = calloc(total, sizeof(*place));
        REQUIRE(place);
        map_by_the_book(weights, n, total, place);
        f = hashing(LB_TYPE_MAP, n, weights);
        for (uint32_t at = 0; at < total; at++)
            CHECK_EQ(pick_hash(f, at), place[at]);
        free(place);
        farm_del(f);
    }
}

static void the_map_is_as_short_as_the_weights_allow(void)
{
    static const uint32_t weights[] = {30, 20, 10};
    farm *f = hashing(LB_TYPE_MAP, 3, weights);

    for (uint32_t i = 0; i < 50; i++)
        CHECK_EQ(pick_hash(f, i), pick_hash(f, i + 6));
    CHECK(pick_hash(f, 0) != pick_hash(f, 3) || pick_hash(f, 1) != pick_hash(f, 4) || pick_hash(f, 2) != pick_hash(f, 5));
    farm_del(f);
}

/* --- consistent --- */

static void only_the_keys_of_a_server_that_leaves_move(void)
{
    static const uint32_t weights[] = {1, 2, 3, 5, 8};
    farm *f = hashing(LB_TYPE_CONSISTENT, 5, weights);
    int before[KEYS], without[KEYS], after[KEYS];

    find_all(f, before);
    farm_set(f, 3, 0, 5);
    find_all(f, without);
    farm_set(f, 3, 1, 5);
    find_all(f, after);
    for (uint32_t i = 0; i < KEYS; i++) {
        CHECK(without[i] != 3);
        CHECK(before[i] == 3 || without[i] == before[i]);
        CHECK_EQ(after[i], before[i]);
    }
    farm_del(f);
}

static void what_is_updated_is_what_is_built_anew(void)
{
    static const uint32_t weights[] = {4, 4, 4, 4, 4, 4};
    farm *f = hashing(LB_TYPE_CONSISTENT, 6, weights);
    int updated[KEYS], built[KEYS];

    for (uint32_t i = 0; i < 60; i++) {
        at_store(&f->srv[i % 6].live.held, i % 7);
        farm_set(f, i % 6, i % 11 != 0, 1 + i % 9);
        if (i % 5)
            continue;
        find_all(f, updated);
        CHECK_EQ(lb_rebuild(&f->be), 0);
        find_all(f, built);
        CHECK(!memcmp(updated, built, sizeof(built)));
    }
    farm_del(f);
}

static void a_smaller_weight_gives_keys_away_and_takes_none(void)
{
    static const uint32_t weights[] = {16, 16, 16};
    farm *f = hashing(LB_TYPE_CONSISTENT, 3, weights);
    int before[KEYS], after[KEYS];

    find_all(f, before);
    farm_set(f, 1, 1, 4);
    find_all(f, after);
    for (uint32_t i = 0; i < KEYS; i++)
        CHECK(after[i] == before[i] || (before[i] == 1 && after[i] != 1));
    farm_del(f);
}

/* Another order, other neighbours: the same address is where it was. */
static void servers_placed_by_address_keep_their_places_in_any_order(void)
{
    for (uint32_t node = LB_NODE_ADDR; node <= LB_NODE_ADDR_PORT; node++)
        for (int six = 0; six < 2; six++) {
            farm *f[2];

            for (int k = 0; k < 2; k++) {
                be_conf conf = {.algo = LB_HASH, .lb_type = LB_TYPE_CONSISTENT};

                f[k] = farm_of(&conf, 5, NULL);
                for (int i = 0; i < 5; i++) {
                    server *s = &f[k]->srv[k ? 4 - i : i];
                    uint8_t host[16] = {0x20, 1, 0xd, (uint8_t)i};

                    s->conf.lb_node = node;
                    s->conf.weight = s->live.weight = 1 + (uint32_t)i;
                    REQUIRE(sock_addr_set(&s->conf.addr, six ? AF_INET6 : AF_INET, (char *)host, six ? 16 : 4, 80) >= 0);
                }
                REQUIRE(lb_rebuild(&f[k]->be) == 0);
            }
            for (uint32_t i = 0; i < KEYS; i++)
                CHECK_EQ(pick_hash(f[0], key_number(i)), 4 - pick_hash(f[1], key_number(i)));
            farm_del(f[0]);
            farm_del(f[1]);
        }
}

static void a_port_places_a_server_only_if_it_is_said_to(void)
{
    for (uint32_t node = LB_NODE_ADDR; node <= LB_NODE_ADDR_PORT; node++) {
        be_conf conf = {.algo = LB_HASH, .lb_type = LB_TYPE_CONSISTENT};
        farm *f = farm_of(&conf, 2, NULL);
        int before[KEYS], after[KEYS];

        for (int i = 0; i < 2; i++) {
            uint8_t host[4] = {10, 0, 0, (uint8_t)i};

            f->srv[i].conf.lb_node = node;
            REQUIRE(sock_addr_set(&f->srv[i].conf.addr, AF_INET, (char *)host, 4, 80) >= 0);
        }
        REQUIRE(lb_rebuild(&f->be) == 0);
        find_all(f, before);
        REQUIRE(sock_addr_set(&f->srv[0].conf.addr, AF_INET, (char[]){10, 0, 0, 0}, 4, 81) >= 0);
        REQUIRE(lb_rebuild(&f->be) == 0);
        find_all(f, after);
        CHECK_EQ(!memcmp(before, after, sizeof(after)), node == LB_NODE_ADDR);
        farm_del(f);
    }
}

static void two_thousand_servers_are_a_ring(void)
{
    farm *f = hashing(LB_TYPE_CONSISTENT, MANY, NULL);
    uint32_t *got = calloc(MANY, sizeof(*got)), used = 0;

    REQUIRE(got);
    for (uint32_t i = 0; i < 40 * MANY; i++)
        got[pick_hash(f, key_number(i))]++;
    for (uint32_t i = 0; i < MANY; i++)
        used += got[i] != 0;
    CHECK(used > MANY * 99 / 100);
    free(got);
    farm_del(f);
}

/* --- limits --- */

static void a_full_server_keeps_its_keys_unless_affinity_ends_there(void)
{
    for (uint32_t type = 0; type < 2; type++) {
        be_conf conf = {.algo = LB_HASH, .lb_type = type};
        farm *f = farm_of(&conf, 4, NULL);
        lb_key key = {.hash = 12345, .has = 1};
        server *own, *other;

        for (int i = 0; i < 4; i++)
            f->srv[i].conf.maxconn = 1;
        REQUIRE(lb_rebuild(&f->be) == 0);
        CHECK_EQ(lb_pick(&f->be, &key, NULL, &own), LB_PICKED);
        CHECK_EQ(lb_pick(&f->be, &key, NULL, &other), LB_FULL);
        CHECK(other == own);
        f->be.conf.lb_affinity = LB_AFFINITY_MAXCONN;
        for (int i = 0; i < 3; i++) {
            CHECK_EQ(lb_pick(&f->be, &key, NULL, &other), LB_PICKED);
            CHECK(other != own);
        }
        CHECK_EQ(lb_pick(&f->be, &key, NULL, &other), LB_FULL); /* none has room: its own is waited for */
        CHECK(other == own);
        farm_del(f);
    }
}

static void a_full_server_keeps_its_keys_until_its_queue_is_full_where_affinity_ends_there(void)
{
    for (uint32_t type = 0; type < 2; type++) {
        be_conf conf = {.algo = LB_HASH, .lb_type = type, .lb_affinity = LB_AFFINITY_MAXQUEUE};
        farm *f = farm_of(&conf, 4, NULL);
        lb_key key = {.hash = 12345, .has = 1};
        server *own, *other;

        for (int i = 0; i < 4; i++)
            f->srv[i].conf.maxconn = 1;
        REQUIRE(lb_rebuild(&f->be) == 0);
        CHECK_EQ(lb_pick(&f->be, &key, NULL, &own), LB_PICKED);
        at_store(&own->live.queued, 2);
        CHECK_EQ(lb_pick(&f->be, &key, NULL, &other), LB_FULL); /* any number may wait */
        CHECK(other == own);
        own->conf.maxqueue = 3;
        CHECK_EQ(lb_pick(&f->be, &key, NULL, &other), LB_FULL);
        CHECK(other == own);
        own->conf.maxqueue = 2;
        CHECK_EQ(lb_pick(&f->be, &key, NULL, &other), LB_PICKED);
        CHECK(other != own);
        lb_release(own);
        CHECK_EQ(lb_pick(&f->be, &key, NULL, &other), LB_PICKED); /* it has room again, whoever waits */
        CHECK(other == own);
        farm_del(f);
    }
}

static void the_balance_factor_bounds_what_a_server_gets(void)
{
    be_conf conf = {.algo = LB_HASH, .lb_type = LB_TYPE_CONSISTENT, .lb_factor = 150};
    static const uint32_t weights[] = {1, 1, 2};
    farm *f = farm_of(&conf, 3, weights);
    uint32_t most[] = {38, 38, 75}; /* of 100 streams: 1.5 times a quarter, a quarter, a half */

    REQUIRE(lb_rebuild(&f->be) == 0);
    for (uint32_t i = 0; i < 100; i++) { /* one key, again and again */
        CHECK(pick_hash(f, 99) >= 0);
        at_store(&f->be.live.served, i + 1);
    }
    for (int i = 0; i < 3; i++)
        CHECK(f->srv[i].live.served <= most[i]);
    farm_del(f);
}

static void what_has_no_key_is_served_in_turn(void)
{
    static const uint32_t weights[] = {1, 2, 1};

    for (uint32_t type = 0; type < 2; type++) {
        farm *f = hashing(type, 3, weights);
        uint32_t got[3];

        pick_many(f, 6400, got);
        for (int i = 0; i < 3; i++)
            CHECK_EQ(got[i], weights[i] * 1600);
        farm_del(f);
    }
}

/* --- keys --- */

static backend keyed(uint32_t by, const char *name)
{
    backend be = {.conf = {.algo = LB_HASH, .lb_by = by, .lb_name_len = (uint32_t)strlen(name)}};

    memcpy(be.conf.lb_name, name, strlen(name));
    return be;
}

/* The key of a request is the hash of <text>, or there is none (NULL). */
static void head_has(const backend *be, const char *request, const char *text)
{
    size_t n = strlen(request);
    char *copy = guard_copy(request, n);
    h1_head h;
    lb_key key;

    h1_request_init(&h, 100);
    REQUIRE(h1_scan(&h, copy, (uint32_t)n) == 1);
    key = lb_head_key(be, &h, copy);
    CHECK_EQ(key.has, text != NULL);
    if (text)
        CHECK_EQ(key.hash, hash_sdbm(text, strlen(text)));
    guard_free(copy, n);
}

#define GET(target) "GET " target " HTTP/1.1\r\nhost: a.b\r\n\r\n"
#define FIELD(field) "GET / HTTP/1.1\r\nhost: a.b\r\n" field "\r\n\r\n"

static void keys_of_uris(void)
{
    backend be = keyed(LB_BY_URI, "");

    head_has(&be, GET("/a/b/c?d=/e"), "/a/b/c");
    head_has(&be, GET("http://a.b/c?d"), "http://a.b/c");
    be.conf.lb_uri = LB_URI_WHOLE;
    head_has(&be, GET("/a/b/c?d=/e"), "/a/b/c?d=/e");
    be.conf.lb_uri_depth = 2;
    head_has(&be, GET("/a/b/c?d=/e"), "/a/b");
    head_has(&be, GET("/a?b"), "/a?b");
    be.conf.lb_uri_len = 3;
    head_has(&be, GET("/a/b/c?d=/e"), "/a/");
    be.conf.lb_uri_depth = be.conf.lb_uri_len = 0;
    be.conf.lb_uri = LB_URI_PATH_ONLY;
    head_has(&be, GET("http://a.b/c?d"), "/c");
    head_has(&be, GET("http://a.b"), "");
    head_has(&be, "OPTIONS * HTTP/1.1\r\nhost: a.b\r\n\r\n", "");
}

static void keys_of_parameters(void)
{
    backend be = keyed(LB_BY_URL_PARAM, "id");

    head_has(&be, GET("/?id=1"), "1");
    head_has(&be, GET("/?x=2&id=a=b&id=3"), "a=b");
    head_has(&be, GET("/?id="), "");
    head_has(&be, GET("/?&&id=4"), "4");
    head_has(&be, GET("/?id"), NULL);
    head_has(&be, GET("/?"), NULL);
    head_has(&be, GET("/id=1"), NULL);
    head_has(&be, GET("/?xid=1&ID=2&idx=3"), NULL);
}

static void keys_of_headers(void)
{
    backend be = keyed(LB_BY_HDR, "X-Key");

    head_has(&be, FIELD("x-kEY:  v , w"), "v");
    head_has(&be, FIELD("x-key: \"a,\\\",b\" ,c"), "\"a,\\\",b\"");
    head_has(&be, FIELD("x-key: a\r\nx-key: b"), "a");
    head_has(&be, FIELD("x-key:"), NULL);
    head_has(&be, FIELD("x-key: ,a"), NULL);
    head_has(&be, FIELD("x-key: \r\nx-key: b"), NULL);
    head_has(&be, FIELD("x-keys: a"), NULL);
}

static void keys_of_domains(void)
{
    backend be = keyed(LB_BY_HDR, "x-key");

    be.conf.lb_domain = 1;
    head_has(&be, FIELD("x-key: haproxy.1wt.eu"), "1wt");
    head_has(&be, FIELD("x-key: 1wt.eu"), "1wt");
    head_has(&be, FIELD("x-key: eu"), "eu");
    head_has(&be, FIELD("x-key: .eu"), ".eu");
    head_has(&be, FIELD("x-key: a..eu"), "a.");
    head_has(&be, FIELD("x-key: a.eu."), "eu");
}

static void bytes_have(const backend *be, const char *bytes, const char *text)
{
    size_t n = strlen(bytes);
    char *copy = guard_copy(bytes, n);
    lb_key key = lb_bytes_key(be, copy, (uint32_t)n);

    CHECK_EQ(key.has, text != NULL);
    if (text)
        CHECK_EQ(key.hash, hash_sdbm(text, strlen(text)));
    guard_free(copy, n);
}

static void keys_of_rdp_cookies(void)
{
    static const char whole[] = "\3_______________Cookie: mstshash=user\r\n";
    backend be = keyed(LB_BY_RDP_COOKIE, "mstshash");
    const char *text = whole + 5; /* 11 bytes before it */

    bytes_have(&be, text, "user");
    for (size_t n = 0; n < strlen(text); n++) { /* not all of it has come */
        char *part = strndup(text, n);

        bytes_have(&be, part, NULL);
        free(part);
    }
    bytes_have(&be, "___________COOKIE:MSTSHASH=a b\r\n", "a b");
    bytes_have(&be, "___________Cookie: mstshash=\r\n", NULL);
    bytes_have(&be, "___________Cookie: mstshash=a\rb\n", NULL);
    bytes_have(&be, "___________Cookie: other=user\r\n", NULL);
    bytes_have(&be, "___________Cookies: mstshash=user\r\n", NULL);
}

static void functions_and_their_modifier(void)
{
    static const hash_fn fns[] = {
        [LB_FN_SDBM] = hash_sdbm, [LB_FN_DJB2] = hash_djb2, [LB_FN_WT6] = hash_wt6, [LB_FN_CRC32] = hash_crc32};
    backend be = keyed(LB_BY_EXPR, "");

    for (uint32_t fn = 0; fn < 4; fn++) {
        be.conf.lb_fn = fn;
        be.conf.avalanche = 0;
        CHECK_EQ(lb_hash(&be, "key", 3), fns[fn]("key", 3));
        be.conf.avalanche = 1;
        CHECK_EQ(lb_hash(&be, "key", 3), hash_avalanche(fns[fn]("key", 3)));
    }
    be.conf = (be_conf){.lb_fn = LB_FN_NONE};
    CHECK_EQ(lb_hash(&be, "4294967295", 10), 4294967295u);
    CHECK_EQ(lb_hash(&be, "-1x", 3), 4294967295u);
    CHECK_EQ(lb_hash(&be, "+12 3", 5), 12);
    CHECK_EQ(lb_hash(&be, "", 0), 0);
    CHECK_EQ(lb_hash(&be, "x", 1), 0);
}

static void clients_without_an_address_have_no_key(void)
{
    backend be = keyed(LB_BY_SOURCE, "");
    conn four = {.family = AF_INET, .addr = {10, 0, 0, 1, 9}}, six = {.family = AF_INET6, .addr = {1, [15] = 2}},
         local = {.family = AF_UNIX};

    CHECK_EQ(lb_client_key(&be, &four).hash, 0x0a000001);
    CHECK_EQ(lb_client_key(&be, &six).hash, 0x01000002);
    CHECK_EQ(lb_client_key(&be, &local).has, 0);
    be.conf.avalanche = 1;
    CHECK_EQ(lb_client_key(&be, &four).hash, hash_avalanche(0x0a000001));
}

int main(void)
{
    RUN(the_map_is_the_one_by_the_book);
    RUN(the_map_is_as_short_as_the_weights_allow);
    RUN(only_the_keys_of_a_server_that_leaves_move);
    RUN(what_is_updated_is_what_is_built_anew);
    RUN(a_smaller_weight_gives_keys_away_and_takes_none);
    RUN(servers_placed_by_address_keep_their_places_in_any_order);
    RUN(a_port_places_a_server_only_if_it_is_said_to);
    RUN(two_thousand_servers_are_a_ring);
    RUN(a_full_server_keeps_its_keys_unless_affinity_ends_there);
    RUN(a_full_server_keeps_its_keys_until_its_queue_is_full_where_affinity_ends_there);
    RUN(the_balance_factor_bounds_what_a_server_gets);
    RUN(what_has_no_key_is_served_in_turn);
    RUN(keys_of_uris);
    RUN(keys_of_parameters);
    RUN(keys_of_headers);
    RUN(keys_of_domains);
    RUN(keys_of_rdp_cookies);
    RUN(functions_and_their_modifier);
    RUN(clients_without_an_address_have_no_key);
    return check_done();
}
