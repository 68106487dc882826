#include "hash.h"

static uint32_t rotate_left(uint32_t v, unsigned by)
{
    return by ? v << by | v >> (32 - by) : v;
}

uint32_t hash_sdbm_more(uint32_t h, const void *data, size_t len)
{
    const unsigned char *p = (const unsigned char *)data;

    for (size_t i = 0; i < len; i++)
        h = p[i] + h * 65599u;
    return h;
}

uint32_t hash_sdbm(const void *data, size_t len)
{
    return hash_sdbm_more(0, data, len);
}

uint32_t hash_djb2(const void *data, size_t len)
{
    const unsigned char *p = (const unsigned char *)data;
    uint32_t h = 5381;

    for (size_t i = 0; i < len; i++)
        h = h * 33u + p[i];
    return h;
}

/* Two halves change places with each byte, rotated by distances that the halves themselves decide. */
uint32_t hash_wt6(const void *data, size_t len)
{
    const unsigned char *p = (const unsigned char *)data;
    uint32_t a = 0xa53c965a, b = 0x5ca6953a;
    unsigned turn_a = 18, turn_b = 6;

    for (size_t i = 0; i < len; i++) {
        uint32_t mixed_a = ~(a ^ p[i]), mixed_b = ~(b + p[i]), turns;

        a = rotate_left(mixed_b, turn_b);
        b = rotate_left(mixed_a, turn_a);
        turns = ((a >> 16) ^ b) & 0xffff;
        turn_b = turns & 31;
        turn_a = turns >> 11;
    }
    return a ^ b;
}

uint32_t hash_crc32(const void *data, size_t len)
{
    const unsigned char *p = (const unsigned char *)data;
    uint32_t crc = ~0u;

    for (size_t i = 0; i < len; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (0xedb88320 & -(crc & 1));
    }
    return ~crc;
}

uint32_t hash_avalanche(uint32_t a)
{
    a = (a + 0x7ed55d16) + (a << 12);
    a = (a ^ 0xc761c23c) ^ (a >> 19);
    a = (a + 0x165667b1) + (a << 5);
    a = (a + 0xd3a2646c) ^ (a << 9);
    a = (a + 0xfd7046c5) + (a << 3);
    a = (a ^ 0xb55a4f09) ^ (a >> 16);
    return a * 0xc0000001;
}

uint32_t hash_address(const void *addr, size_t len)
{
    const unsigned char *p = (const unsigned char *)addr;
    uint32_t h = 0;

    for (size_t i = 0; i + 4 <= len; i += 4)
        h ^= (uint32_t)p[i] << 24 | (uint32_t)p[i + 1] << 16 | (uint32_t)p[i + 2] << 8 | p[i + 3];
    return h;
}

static const struct {
    const char *name;
    hash_fn fn;
} FUNCTIONS[] = {
    {"crc32", hash_crc32},
    {"djb2", hash_djb2},
    {"sdbm", hash_sdbm},
    {"wt6", hash_wt6},
};

hash_fn hash_by_name(const char *name)
{
    for (size_t i = 0; i < sizeof(FUNCTIONS) / sizeof(FUNCTIONS[0]); i++)
        if (!strcmp(FUNCTIONS[i].name, name))
            return FUNCTIONS[i].fn;
    return NULL;
}
