#include "ctr.h"

uint64_t ctr_add(uint64_t *c, uint64_t n)
{
    return at_add(c, n);
}

uint64_t ctr_sub(uint64_t *c, uint64_t n)
{
    return at_sub(c, n);
}

uint32_t ctr32_add(uint32_t *c, uint32_t n)
{
    return at_add(c, n);
}

uint32_t ctr32_sub(uint32_t *c, uint32_t n)
{
    return at_sub(c, n);
}

uint64_t ctr_max(uint64_t *c, uint64_t v)
{
    uint64_t seen = at_load(c);

    while (seen < v)
        if (at_cas(c, &seen, v))
            return v;
    return seen;
}

uint32_t ctr32_max(uint32_t *c, uint32_t v)
{
    uint32_t seen = at_load(c);

    while (seen < v)
        if (at_cas(c, &seen, v))
            return v;
    return seen;
}

uint32_t ctr_inc_below(uint32_t *c, uint32_t limit)
{
    uint32_t seen = at_load(c);

    while (!limit || seen < limit)
        if (at_cas(c, &seen, seen + 1))
            return seen + 1;
    return 0;
}

uint64_t ctr64_inc_below(uint64_t *c, uint64_t limit)
{
    uint64_t seen = at_load(c);

    while (!limit || seen < limit)
        if (at_cas(c, &seen, seen + 1))
            return seen + 1;
    return 0;
}

uint64_t ctr_read(const uint64_t *c)
{
    return at_load(c);
}

uint32_t ctr32_read(const uint32_t *c)
{
    return at_load(c);
}

uint64_t *ctr_new(void)
{
    void *p;

    if (posix_memalign(&p, LB_CACHELINE, LB_CACHELINE))
        return NULL;
    memset(p, 0, LB_CACHELINE);
    return (uint64_t *)p;
}

void ctr_del(uint64_t *c)
{
    free(c);
}
