#include "ports.h"

port_range *ports_new(uint32_t low, uint32_t high)
{
    uint32_t n = high - low + 1;
    port_range *r = calloc(1, sizeof(*r) + (n + 63) / 64 * sizeof(r->taken[0]));

    if (!r)
        return NULL;
    r->refs = 1;
    r->low = low;
    r->n = n;
    return r;
}

void ports_ref(port_range *r)
{
    at_add(&r->refs, 1);
}

void ports_unref(port_range *r)
{
    if (r && !at_sub(&r->refs, 1))
        free(r);
}

int ports_take(port_range *r)
{
    uint32_t start = at_add(&r->next, 1) % r->n;

    for (uint32_t i = 0; i < r->n; i++) {
        uint32_t at = (start + i) % r->n;
        uint64_t bit = 1ull << (at & 63), *word = &r->taken[at / 64];

        if (at_peek(word) & bit || at_or(word, bit) & bit)
            continue;
        if (i)
            at_store(&r->next, at + 1);
        return (int)(r->low + at);
    }
    return -EADDRNOTAVAIL;
}

void ports_give(port_range *r, uint32_t port)
{
    uint32_t at = port - r->low;

    at_and(&r->taken[at / 64], ~(1ull << (at & 63)));
}

int ports_connect(port_range *r, const sock_addr *to, sock_how *how, uint32_t *port)
{
    const sock_addr *base = how->from;
    sock_addr from = *base;
    int fd = -EADDRNOTAVAIL;

    how->from = &from;
    for (int i = 0; i < PORT_TRIES; i++) {
        int found = ports_take(r);

        if (found < 0) {
            fd = found;
            break;
        }
        sock_addr_set_port(&from, found);
        fd = sock_connect(to, how);
        if (fd >= 0) {
            *port = (uint32_t)found;
            break;
        }
        ports_give(r, (uint32_t)found);
        if (fd != -EADDRINUSE && fd != -EADDRNOTAVAIL)
            break;
    }
    how->from = base;
    return fd;
}
