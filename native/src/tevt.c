/* Termination events, all of them off the way of streams that go well. */
#include "tevt.h"
#include "flow.h"

void tevt_add(flow *f, uint32_t event)
{
    if (f->events >> (8 * (TEVT_MAX - 1)) || (f->events & 0xff) == event)
        return;
    f->events = f->events << 8 | event;
}

void tevt_fd(const conn *c, uint32_t what)
{
    if (c->flow && !(c->flags & CO_F_APPLET))
        tevt_add(c->flow, TEVT_FD | (c->flags & CO_F_BACK ? TEVT_BACK : 0) | what);
}

/* What happened last to the socket of a side (0, TEVT_BACK); 0: nothing. */
static uint32_t last_of(const flow *f, uint32_t side)
{
    for (uint64_t e = f->events; e; e >>= 8)
        if ((e & (TEVT_PLACE | TEVT_BACK)) == (TEVT_FD | side))
            return e & TEVT_WHAT;
    return 0;
}

/* What its side had to tell when it ended the stream. */
static uint32_t left(const flow *f, uint32_t side)
{
    switch (last_of(f, side)) {
    case TEVT_SND_ERR:
        return TEVT_SND_ERR;
    case TEVT_RCV_ERR:
        return TEVT_BROKEN;
    default:
        return TEVT_TRUNCATED;
    }
}

/* Where the end of a client is noticed: before its request is whole there is no stream yet. */
static uint32_t front_place(const flow *f)
{
    return f->kind == FLOW_EXCHANGE && f->rq <= RQ_HEAD ? TEVT_MUX : TEVT_SE;
}

static void client_left(flow *f)
{
    uint32_t last = last_of(f, 0);

    if ((!last || last == TEVT_SHUTW) && f->f->e->ev & FD_EV_ERR)
        tevt_fd(f->f, TEVT_RCV_ERR);
    tevt_add(f, front_place(f) | left(f, 0));
}

static void server_left(flow *f, char when)
{
    if (when == 'C' || when == 'Q')
        tevt_add(f, TEVT_STRM | TEVT_BACK | TEVT_NO_CONN);
    else
        tevt_add(f, TEVT_SE | TEVT_BACK | left(f, TEVT_BACK));
}

/* Our own doing, unless the reason was just noted: a message or a header that was not understood, or can't be sent. */
static void we_ended(flow *f)
{
    switch (f->events & TEVT_PLACE) {
    case TEVT_HS:
    case TEVT_MUX:
    case TEVT_STRM:
        break;
    default:
        tevt_add(f, TEVT_STRM | TEVT_INTERCEPTED);
        break;
    }
}

void tevt_end(flow *f, char who, char when)
{
    switch (who) {
    case 'C':
        client_left(f);
        break;
    case 'c':
        tevt_add(f, (front_place(f) == TEVT_MUX ? TEVT_MUX : TEVT_STRM) | TEVT_TOUT);
        break;
    case 'S':
        server_left(f, when);
        break;
    case 's':
        tevt_add(f, TEVT_STRM | TEVT_BACK | TEVT_TOUT);
        break;
    case 'R':
    case 'I':
        tevt_add(f, TEVT_STRM | TEVT_INTERNAL);
        break;
    case 'D':
    case 'U':
    case 'K':
        tevt_add(f, TEVT_STRM | TEVT_KILLED);
        break;
    default:
        we_ended(f);
        break;
    }
}
