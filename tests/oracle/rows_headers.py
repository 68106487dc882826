"""What the balancer adds to requests: option forwardfor in all its forms."""

from __future__ import annotations

from tests.oracle.row import Row, get, ok, request
from tests.peers.script import Do

_THEIRS = "X-Forwarded-For: 198.51.100.7"
_FORMS = ("fwd", "fwdexcept", "fwdother", "fwdheader", "fwdifnone", "fwdclose")

ROWS = (
    *(Row(f"{via}, no header yet", get("/"), (ok(),), via=via) for via in _FORMS),
    *(Row(f"{via}, header there", get("/", _THEIRS, "X-Last: z"), (ok(),), via=via) for via in _FORMS),
    *(
        Row(f"{via}, header there in another case", get("/", "x-forwarded-FOR: 198.51.100.7"), (ok(),), via=via)
        for via in ("fwd", "fwdifnone")
    ),
    Row("fwdifnone, empty header", get("/", "X-Forwarded-For:"), (ok(),), via="fwdifnone"),
    Row("fwdheader, its header there", get("/", "X-Client: 198.51.100.7"), (ok(),), via="fwdheader"),
    Row("two headers there", get("/", _THEIRS, "X-A: b", "X-Forwarded-For: 203.0.113.9"), (ok(),), via="fwd"),
    Row(
        "every request of a connection",
        (get("/1"), Do.REPLY, get("/2", _THEIRS), Do.REPLY, Do.SHUT, Do.END),
        (ok(b"one"), ok(b"two")),
        via="fwd",
    ),
    Row("pipelined requests", get("/1") + get("/2"), (ok(b"one"), ok(b"two")), via="fwd"),
    Row("HTTP/1.0", request("GET / HTTP/1.0"), (ok(),), via="fwd"),
    Row("close", get("/", "Connection: close"), (ok(),), via="fwd"),
    Row(
        "with a body",
        request("POST / HTTP/1.1", "Host: lb.example", "Content-Length: 4", body=b"body"),
        (ok(),),
        via="fwd",
    ),
)
