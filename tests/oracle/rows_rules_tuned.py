"""Words of `global` that change what requests may be, and what is kept of them for logs."""

from __future__ import annotations

from tests.oracle.configs import Topic, served
from tests.oracle.row import Row, get, ok, request

TOPIC = Topic(
    "tuned",
    "http",
    {"tuned": served("capture cookie a= len 63")},
    logs=True,
    globals=(
        "tune.http.logurilen 30",
        "tune.http.cookielen 5",
        "h1-accept-payload-with-any-method",
    ),
)

_HOST = "Host: lb.example"


def _old(method: str, *headers: str, body: bytes = b"") -> bytes:
    return request(f"{method} / HTTP/1.0", _HOST, *headers, body=body)


ROWS = (
    # GET, the path and HTTP/1.1 are 13 bytes and the path
    *(
        Row(f"a request line of {length} bytes", get("/" + "a" * (length - 14)), (ok(),), via="tuned")
        for length in (29, 30, 31, 200)
    ),
    Row(
        "long cookies",
        get("/", "Cookie: a=12345678"),
        (ok(b"x", "Set-Cookie: a=abcdefg; path=/"),),
        via="tuned",
    ),
    Row("a short cookie", get("/", "Cookie: a=1"), (ok(),), via="tuned"),
    *(
        Row(
            f"{method} of HTTP/1.0 with a body",
            _old(method, "Content-Length: 5", body=b"hello"),
            (ok(b""),),
            via="tuned",
        )
        for method in ("GET", "HEAD", "DELETE")
    ),
)
