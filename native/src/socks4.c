#include "socks4.h"

#define VERSION 4
#define CONNECT 1
#define GRANTED 90
#define USER "HAProxy" /* as HAProxy calls itself; the NUL ends it */
#define ANSWER 8       /* bytes: 0, the code, and six that mean nothing here */
#define ASKED 1        /* <state> from then on: with how many bytes of the answer came */

static int ask(conn *c, const sock_addr *to)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)to->raw;
    char text[8 + sizeof(USER)] = {VERSION, CONNECT};
    struct iovec v = {text, sizeof(text)};
    ssize_t done;

    if (sock_addr_family(to) != AF_INET)
        return -EAFNOSUPPORT;
    memcpy(text + 2, &in->sin_port, 2);
    memcpy(text + 4, &in->sin_addr, 4);
    memcpy(text + 8, USER, sizeof(USER));
    done = conn_send(c, &v, 1, 0);
    if (done < 0)
        return (int)done;
    return done == (ssize_t)sizeof(text) ? 0 : -ECONNRESET; /* a new connection takes so little whole */
}

/* Takes no more than the answer: what follows is the server's. */
static int hear(conn *c, uint8_t *state)
{
    while (*state < ASKED + ANSWER) {
        uint32_t have = *state - ASKED;
        char text[ANSWER];
        ssize_t n = conn_recv(c, text + have, ANSWER - have);

        if (n <= 0)
            return c->flags & (CO_F_EOF | CO_F_ERR) ? -ECONNRESET : 0;
        if (have <= 1 && have + n > 1 && text[1] != GRANTED)
            return -ECONNREFUSED;
        *state += (uint8_t)n;
    }
    return 1;
}

int socks4_go(conn *c, uint8_t *state, const sock_addr *to)
{
    if (!*state) {
        int ret = ask(c, to);

        if (ret < 0)
            return ret;
        *state = ASKED;
    }
    return hear(c, state);
}
