"""When something goes wrong: error replies, retries, timeouts, aborts."""

from __future__ import annotations

from tests.oracle.row import Departure, Row, at_accept, at_head, chunks, get, ok, request, response, then
from tests.peers.script import Do

_HOST = "Host: lb.example"
_POST = request("POST / HTTP/1.1", _HOST, "Content-Length: 5", body=b"hello")
_TWICE = (get("/1"), Do.REPLY, get("/2"), Do.REPLY, Do.SHUT, Do.END)

ROWS = (
    # 503
    Row("503, the server refuses", get("/"), via="refused"),
    Row("503, and the connection stays", _TWICE, via="refused"),
    Row("503 to HTTP/1.0", request("GET / HTTP/1.0"), via="refused"),
    Row("503 to a request with close", get("/", "Connection: close"), via="refused"),
    Row("503 to HEAD", (request("HEAD / HTTP/1.1", _HOST), Do.HEAD_REPLY, Do.SHUT, Do.END), via="refused"),
    Row("503 to a POST", _POST, via="refused"),
    Row("503 after retries", get("/"), via="retry"),
    Row("503, no server is defined", get("/"), via="noserver"),
    Row("503, the server is disabled", get("/"), via="disabled"),
    # another server is tried
    Row("redispatch", get("/"), (ok(),), via="redispatch"),
    Row("redispatch again", get("/"), (ok(),), via="redispatch"),
    Row("redispatch of a POST", _POST, (ok(),), via="redispatch"),
    Row("redispatch on a kept connection", _TWICE, (ok(b"one"), ok(b"two")), via="redispatch"),
    # 502
    Row("502, the server closes at once", get("/"), (at_head(Do.CLOSE),)),
    Row("502, the server resets", get("/"), (at_head(Do.RESET),)),
    Row("502, and the connection stays", _TWICE, (at_head(Do.CLOSE), ok(b"two"))),
    Row("502 to HTTP/1.0", request("GET / HTTP/1.0"), (at_head(Do.CLOSE),)),
    Row("502 to HEAD", (request("HEAD / HTTP/1.1", _HOST), Do.HEAD_REPLY, Do.SHUT, Do.END), (at_head(Do.CLOSE),)),
    Row("502 to a POST", _POST, (then(Do.CLOSE),)),
    Row("502, reset after half a head", get("/"), (at_head(b"HTTP/1.1 200 OK\r\nContent-", Do.CUT, Do.CLOSE),)),
    Row("502, the server speaks TLS", get("/"), (at_head(b"\x15\x03\x01\x00\x02\x02\x16", Do.CLOSE),)),
    # the server fails in the body: nothing can be said any more
    Row(
        "the server closes in the body",
        (get("/"), Do.END),
        (then(response("200 OK", "Content-Length: 9"), b"abc", Do.CLOSE),),
    ),
    Row(
        "the server closes in a chunk",
        (get("/"), Do.END),
        (then(response("200 OK", "Transfer-Encoding: chunked"), b"9\r\nabc", Do.CUT, Do.CLOSE),),
        rechunked=True,
    ),
    # timeouts
    Row("504, the server does not answer", get("/"), (at_head(Do.END),), via="slowserver"),
    Row("504, and the connection stays", _TWICE, (at_head(Do.END), ok(b"two")), via="slowserver"),
    Row("504 to HTTP/1.0", request("GET / HTTP/1.0"), (at_head(Do.END),), via="slowserver"),
    Row(
        "504 to HEAD",
        (request("HEAD / HTTP/1.1", _HOST), Do.HEAD_REPLY, Do.SHUT, Do.END),
        (at_head(Do.END),),
        via="slowserver",
    ),
    Row("504, half a head", get("/"), (at_head(b"HTTP/1.1 200 OK\r\nConte", Do.END),), via="slowserver"),
    Row(
        "the server stalls in the body",
        (get("/"), Do.END),
        (then(response("200 OK", "Content-Length: 9"), b"abc", Do.END),),
        via="slowserver",
    ),
    Row("408, nothing is sent", (Do.END,), via="slowclient"),
    Row("408, half a request line", (b"GET / HT", Do.END), via="slowclient"),
    Row("408, half a head", (b"GET / HTTP/1.1\r\nHost: lb.ex", Do.END), via="slowclient"),
    Row(
        "408, the second request is cut",
        (get("/"), Do.REPLY, b"GET /2 HTTP/1.1\r\nHos", Do.END),
        (ok(),),
        via="slowclient",
    ),
    Row("an idle connection is closed quietly", (get("/"), Do.REPLY, Do.END), (ok(),), via="slowidle"),
    # clients that leave
    Row(
        "the client resets in its body",
        (request("POST / HTTP/1.1", _HOST, "Content-Length: 9", body=b"abc"), Do.CUT, Do.RESET),
    ),
    Row("the client sends FIN and waits", (get("/"), Do.SHUT, Do.END), (then(Do.CUT, ok()),)),
    # the server leaves between requests
    Row(
        "the server closes an idle connection",
        (get("/1"), Do.REPLY, Do.CUT, get("/2"), Do.REPLY, Do.SHUT, Do.END),
        (then(ok(b"one"), Do.CLOSE), ok(b"two")),
    ),
    Row("the server answers before it is asked", get("/"), (at_accept(ok(), Do.REQUEST),)),
    Row(
        "the server refuses the body and closes",
        (
            request("POST / HTTP/1.1", _HOST, "Transfer-Encoding: chunked"),
            Do.CUT,
            b"5\r\nhello\r\n",
            Do.REPLY,
            Do.SHUT,
            Do.END,
        ),
        (at_head(response("413 Too Large", "Content-Length: 0", "Connection: close"), Do.CLOSE),),
        early=True,
        departs=Departure(
            "RFC 9112 9.6: who is about to close the connection says so",
            b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            (b"POST / HTTP/1.1\r\nhost: lb.example\r\ntransfer-encoding: chunked\r\n\r\n",),
        ),
    ),
    Row(
        "bad chunk after a good one",
        (
            request("POST / HTTP/1.1", _HOST, "Transfer-Encoding: chunked", body=b"5\r\nhello\r\n"),
            Do.CUT,
            b"zz\r\n",
            Do.END,
        ),
    ),
    Row(
        "a request in the trailers",
        (
            request(
                "POST / HTTP/1.1",
                _HOST,
                "Transfer-Encoding: chunked",
                body=chunks(b"hello", trailers=b"GET / HTTP/1.1\r\n"),
            ),
            Do.END,
        ),
    ),
)
