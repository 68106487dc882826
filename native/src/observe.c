#include "observe.h"

enum { NOTHING, GOOD, ERROR };

/* What each SEEN_* means to a server that observes layer 4, layer 7. */
static const uint8_t meaning[][2] = {
    [SEEN_L4_OK] = {GOOD, NOTHING},      [SEEN_L4_ERR] = {ERROR, ERROR},        [SEEN_HTTP_OK] = {NOTHING, GOOD},
    [SEEN_HTTP_STATUS] = {NOTHING, ERROR}, [SEEN_HTTP_HEAD] = {NOTHING, ERROR}, [SEEN_HTTP_BODY] = {NOTHING, ERROR},
    [SEEN_HTTP_READ] = {NOTHING, ERROR}, [SEEN_HTTP_TIMEOUT] = {NOTHING, ERROR}, [SEEN_HTTP_CLOSE] = {NOTHING, ERROR},
};

void observe_note(flow *f, server *s, uint32_t seen)
{
    uint32_t *errors = &s->live.errors;
    lb_event *ev;
    uint32_t n;

    switch (meaning[seen][s->conf.observe - 1]) {
    case GOOD:
        if (at_peek(errors))
            at_store(errors, 0);
        return;
    case ERROR:
        break;
    default:
        return;
    }
    n = at_add(errors, 1);
    if (n < s->conf.error_limit)
        return;
    at_store(errors, 0);
    ev = thr_event(f->t, EV_ERRORS);
    if (!ev)
        return;
    ev->handle = s->index;
    ev->arg = seen;
    ev->len = n;
}
