"""Requests that are sent again: retry-on, disable-l7-retry."""

from __future__ import annotations

from tests.oracle.configs import REFUSED, SERVER, Topic
from tests.oracle.row import Row, at_head, get, ok, request, response, then
from tests.peers.script import Do, Step

TOPIC = Topic(
    "retries",
    "http",
    {
        "retried": ("retry-on 503 404", "retries 2", SERVER),
        "empty": ("retry-on empty-response", "retries 2", SERVER),
        "all": ("retry-on all-retryable-errors", "retries 1", SERVER),
        "junk": ("retry-on junk-response", "retries 1", SERVER),
        "none": ("retry-on none", "retries 2", SERVER),
        "timed": ("retry-on response-timeout", "retries 1", "timeout server 60ms", SERVER),
        "unretried": ("retry-on 503 empty-response", "retries 2", "http-request disable-l7-retry if METH_POST", SERVER),
        "elsewhere": (
            "retry-on conn-failure",
            "retries 1",
            "option redispatch 1",
            "timeout connect 50ms",
            REFUSED,
            SERVER,
        ),
    },
    logs=True,
)


def _once(sent: bytes) -> tuple[Step, ...]:
    """The client reads one reply, however often the request is sent again."""
    return (sent, Do.REPLY, Do.SHUT, Do.END)


# The connection ends with the reply, so that it is certain which connection brings the next request.
_503 = then(response("503 Busy", "Content-Length: 4", "Connection: close", body=b"busy"), Do.CLOSE)
_404 = then(response("404 No", "Content-Length: 0", "Connection: close"), Do.CLOSE)
_CLOSING = at_head(Do.CLOSE)
_POST = request("POST / HTTP/1.1", "Host: lb.example", "Content-Length: 5", body=b"hello")

ROWS = (
    Row("retried: 503, then fine", _once(get("/")), (_503, ok()), via="retried", lines=1),
    Row(
        "retried: 404 and 503, then fine",
        _once(get("/")),
        (_404, _503, ok()),
        via="retried",
        lines=1,
    ),
    Row("retried: in vain", _once(get("/")), (_503, _503, _503), via="retried", lines=1),
    Row("retried: a status that is not listed", get("/"), (response("500 Oops", "Content-Length: 0"),), via="retried"),
    Row("retried: with a body", _once(_POST), (_503, ok()), via="retried", lines=1),
    Row("retried: closed without a word", get("/"), (_CLOSING,), via="retried"),
    Row("empty: closed, then fine", _once(get("/")), (_CLOSING, ok()), via="empty", lines=1),
    Row("empty: a 503 is none", get("/"), (_503,), via="empty"),
    Row("all: 503, then fine", _once(get("/")), (_503, ok()), via="all", lines=1),
    Row("all: junk, then fine", _once(get("/")), (at_head(b"junk\r\n\r\n", Do.CLOSE), ok()), via="all", lines=1),
    Row("junk: junk, then fine", _once(get("/")), (at_head(b"junk\r\n\r\n", Do.CLOSE), ok()), via="junk", lines=1),
    Row("none: closed", get("/"), (_CLOSING,), via="none"),
    Row("timed: silent, then fine", _once(get("/")), (at_head(Do.END), ok()), via="timed", lines=1),
    Row("unretried: a GET is", _once(get("/")), (_503, ok()), via="unretried", lines=1),
    Row("unretried: a POST is not", _POST, (_503,), via="unretried"),
    Row("elsewhere: refused, then another", get("/"), (ok(),), via="elsewhere"),
)
