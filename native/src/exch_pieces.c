/* Replies that are made while they are sent: Python gives the next piece when the client has taken all before it. */
#include "asked.h"
#include "engine.h"

#define PIECE_IOV 4 /* parts of a piece and its framing */

/* Whether <text> begins with the head of a reply in pieces, which is in the thread's scanner then. */
static int is_beginning(const flow *f, const char *text, uint32_t len)
{
    h1_head *h = &f->t->head;

    h1_response_init(h, H1_MAX_HDR);
    return h1_scan(h, text, len) == 1 && h->status >= 200 && !(h->flags & H1_F_CLEN);
}

/* Describes <len> bytes of the body, and its end if no more follow, as the client is sent them. Returns the parts. */
static int frame(const flow *f, struct iovec *v, char *size, const char *bytes, uint32_t len, int more)
{
    int n = 0, bare = !!(f->flags & FL_DECHUNK);

    if (len && !bare)
        v[n++] = (struct iovec){size, h1_emit_chunk_size(size, len)};
    if (len)
        v[n++] = (struct iovec){(char *)bytes, len};
    if (len && !bare)
        v[n++] = (struct iovec){(char *)"\r\n", 2};
    if (!more && !bare)
        v[n++] = (struct iovec){(char *)"0\r\n\r\n", 5};
    return n;
}

static void put(flow *f, struct iovec *v, int n, int more)
{
    f->cexp = flow_exp(f, f->t_client); /* all before it was taken */
    if (n && chan_send(f, &f->res, f->f, v, n, !more && exch_ends(f)) == MOVE_ERR_OUT) {
        exch_abort(f, 'C', 'D');
        return;
    }
    if (more)
        return;
    flow_term(f, f->asked->term[0], f->asked->term[1]);
    f->rs = RS_DONE;
}

static void bad(flow *f)
{
    ask_bad(f);
    exch_reply(f, 500, 0, 'I', exch_phase(f));
}

void exch_pieces_begin(flow *f, const lb_verdict *v, const char *text)
{
    thr *t = f->t;
    asked *q = f->asked;
    const h1_head *h = &t->head;
    char size[H1_CHUNK_SIZE_MAX];
    struct iovec parts[1 + PIECE_IOV];
    int n, bodiless;

    if (!is_beginning(f, text, v->len)) {
        bad(f);
        return;
    }
    exch_reply_begin(f, 0);
    bodiless = f->flags & FL_HEAD || h->flags & H1_F_NO_BODY;
    /* RFC 9112 6.1: no chunks for who did not say 1.1; nor where a rule has taken that out of the head */
    if (f->flags & FL_REQ10 || !(h->flags & H1_F_CHUNKED))
        f->flags |= FL_DECHUNK;
    if (v->flags & V_F_CLOSE || (f->flags & FL_DECHUNK && !bodiless))
        f->flags &= ~FL_KA_CLIENT;
    n = msg_response(f, h, text, t->compose, t->compose_size);
    if (n < 0) {
        bad(f);
        return;
    }
    f->rs = RS_PIECES;
    f->sexp = 0;
    f->status = (int16_t)(v->status ? v->status : h->status);
    exch_count_status(f, f->status);
    q->term[0] = v->term[0] ? v->term[0] : 'L';
    q->term[1] = v->term[0] ? v->term[1] : 'R';
    parts[0] = (struct iovec){t->compose, n};
    n = bodiless ? 0 : frame(f, parts + 1, size, text + h->len, v->len - h->len, 1);
    put(f, parts, 1 + n, !bodiless);
}

void exch_pieces_next(flow *f)
{
    if (f->asked->state == Q_NONE && !ask_put(f, ASK_PIECE, 0))
        exch_abort(f, 'R', 'D');
}

void verdict_piece(flow *f, const lb_verdict *v, const char *text)
{
    char size[H1_CHUNK_SIZE_MAX];
    struct iovec parts[PIECE_IOV];
    int more = !!(v->flags & V_F_MORE);

    if (v->action == V_REPLY) {
        put(f, parts, frame(f, parts, size, text, v->len, more), more);
        return;
    }
    if (v->action != V_CLOSE)
        ask_bad(f);
    exch_abort(f, 'I', 'D');
}
