/* sources: hash */
#include "check.h"
#include "hash.h"

/* What Debian's HAProxy 2.6 answered for %[url_param(x),sdbm] and so on. */
static const struct {
    const char *text;
    uint32_t sdbm, djb2, wt6, crc32, spread; /* spread: sdbm(1) */
} ROWS[] = {
    {"a", 97, 177670, 1900802597, 3904355907, 1830748055},
    {"abc", 807794786, 193485963, 2483038440, 891568578, 659243622},
    {"hello", 684824882, 261238937, 3538347703, 907060870, 2061535398},
    {"/index.html", 858007926, 3776231887, 822151038, 3928116034, 4217574924},
    {"0123456789abcdefghijkl", 904334987, 4283448800, 212923777, 3106082106, 3205107970},
};

static void every_function_gives_what_haproxy_gives(void)
{
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        size_t len = strlen(ROWS[i].text);
        char *text = guard_copy(ROWS[i].text, len);

        CHECK_EQ(hash_sdbm(text, len), ROWS[i].sdbm);
        CHECK_EQ(hash_djb2(text, len), ROWS[i].djb2);
        CHECK_EQ(hash_wt6(text, len), ROWS[i].wt6);
        CHECK_EQ(hash_crc32(text, len), ROWS[i].crc32);
        CHECK_EQ(hash_avalanche(hash_sdbm(text, len)), ROWS[i].spread);
        guard_free(text, len);
    }
}

static void nothing_hashes_to_the_start_value(void)
{
    CHECK_EQ(hash_sdbm(NULL, 0), 0);
    CHECK_EQ(hash_djb2(NULL, 0), 5381);
    CHECK_EQ(hash_wt6(NULL, 0), 0xa53c965a ^ 0x5ca6953a);
    CHECK_EQ(hash_crc32(NULL, 0), 0);
    CHECK_EQ(hash_address(NULL, 0), 0);
}

static void an_address_is_the_sum_of_its_words(void)
{
    const unsigned char v4[] = {127, 0, 0, 9}, v6[16] = {0x20, 1, 0xd, 0xb8, [12] = 1, [15] = 2};
    char *four = guard_copy(v4, 4), *sixteen = guard_copy(v6, 16);

    CHECK_EQ(hash_address(four, 4), 0x7f000009);
    CHECK_EQ(hash_address(sixteen, 16), 0x20010db8 ^ 0x01000002);
    CHECK_EQ(hash_address(sixteen, 7), 0x20010db8);
    guard_free(four, 4);
    guard_free(sixteen, 16);
}

static void functions_are_found_by_name(void)
{
    CHECK(hash_by_name("sdbm") == hash_sdbm);
    CHECK(hash_by_name("djb2") == hash_djb2);
    CHECK(hash_by_name("wt6") == hash_wt6);
    CHECK(hash_by_name("crc32") == hash_crc32);
    CHECK(!hash_by_name("crc"));
}

int main(void)
{
    RUN(every_function_gives_what_haproxy_gives);
    RUN(nothing_hashes_to_the_start_value);
    RUN(an_address_is_the_sum_of_its_words);
    RUN(functions_are_found_by_name);
    return check_done();
}
