"""Connections: keep-alive and close on either side, pipelining, interim responses, upgrades, early responses."""

from __future__ import annotations

from tests.oracle.row import Departure, Differ, Row, at_head, chunks, get, ok, request, response, then
from tests.peers.script import Do, Receive

_HOST = "Host: lb.example"
_CHUNKED = "Transfer-Encoding: chunked"
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_EXPECT = "Expect: 100-continue"
_MODES = ("keep", "always", "never", "serverclose", "close")

_HOP_BY_HOP = "RFC 9110 7.6.1: what concerns one connection is removed before a message is forwarded"
_HELLO = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"
_SEEN = b"GET /first HTTP/1.1\r\nhost: lb.example\r\n\r\n"
_SAME_HOST = "RFC 9112 3.2: Host is identical to the authority of the target, whose port CONNECT needs"
_CONNECT = b"CONNECT lb.example:443 HTTP/1.1\r\nhost: lb.example:443\r\n\r\n"


def _twice(first: bytes, second: bytes | None = None) -> tuple[bytes | Do, ...]:
    """One request after the other, the second when the first is answered: it tells whether the connection stays."""
    return (first, Do.REPLY, get("/second") if second is None else second, Do.REPLY, Do.SHUT, Do.END)


def _asks(*headers: str, version: str = "1.1") -> bytes:
    return request(f"GET /first HTTP/{version}", _HOST, *headers)


_CLIENTS = {
    "1.1": _asks(),
    "1.1 close": _asks("Connection: close"),
    "1.1 keep-alive": _asks("Connection: keep-alive"),
    "1.1 CLOSE": _asks("Connection: CLOSE"),
    "1.1 close and keep-alive": _asks("Connection: keep-alive, close"),
    "1.0": _asks(version="1.0"),
    "1.0 keep-alive": _asks("Connection: keep-alive", version="1.0"),
    "1.0 Keep-Alive": _asks("Connection: Keep-Alive", version="1.0"),
    "1.0 close": _asks("Connection: close", version="1.0"),
}
_SERVERS = {
    "1.1": ok(),
    "1.1 close": ok(b"hello", "Connection: close"),
    "1.1 keep-alive": ok(b"hello", "Connection: keep-alive"),
    "1.0": response("200 OK", "Content-Length: 5", body=b"hello", version="1.0"),
    "1.0 keep-alive": response("200 OK", "Connection: keep-alive", "Content-Length: 5", body=b"hello", version="1.0"),
}

ROWS = (
    *(Row(f"client {name}", _twice(data), (ok(), ok(b"again"))) for name, data in _CLIENTS.items()),
    *(Row(f"server {name}", _twice(_asks()), (reply, ok(b"again"))) for name, reply in _SERVERS.items()),
    Row("server 1.1 that closes", _twice(_asks()), (then(ok(b"x", "Connection: close"), Do.CLOSE), ok(b"again"))),
    Row("client 1.0 keep-alive, server 1.0", _twice(_CLIENTS["1.0 keep-alive"]), (_SERVERS["1.0"], ok(b"again"))),
    Row(
        "client 1.0 keep-alive, until close",
        _twice(_CLIENTS["1.0 keep-alive"]),
        (then(response("200 OK"), b"x", Do.CLOSE),),
    ),
    Row("client close, server close", _twice(_CLIENTS["1.1 close"]), (_SERVERS["1.1 close"],)),
    Row(
        "client close, server chunked",
        _twice(_CLIENTS["1.1 close"]),
        (response("200 OK", _CHUNKED, body=chunks(b"x")),),
    ),
    Row("TE", _asks("TE: trailers", "Connection: TE"), (ok(),)),
    Row("TE of something else", _asks("TE: gzip;q=0.5, trailers", "Connection: TE"), (ok(),)),
    *(
        Row(title, _asks(*headers), (ok(),), departs=Departure(_HOP_BY_HOP, _HELLO, (_SEEN,)))
        for title, headers in (
            ("Keep-Alive header alone", ("Keep-Alive: timeout=5",)),
            ("Proxy-Connection", ("Proxy-Connection: keep-alive",)),
            ("client names another header in Connection", ("Connection: X-Hop", "X-Hop: 1")),
            ("client names a header that is not there", ("Connection: X-Hop",)),
        )
    ),
    Row(
        "client names another header and close",
        _asks("X-Hop: 1", "Connection: x-hop, Close"),
        (ok(),),
        departs=Departure(_HOP_BY_HOP, _HELLO.replace(b"5\r\n", b"5\r\nconnection: close\r\n"), (_SEEN,)),
    ),
    *(
        Row(title, _asks(), (ok(b"hello", *headers),), departs=Departure(_HOP_BY_HOP, _HELLO, (_SEEN,)))
        for title, headers in (
            ("server names another header in Connection", ("Connection: X-Hop", "X-Hop: 1")),
            ("Keep-Alive of the server", ("Connection: keep-alive", "Keep-Alive: timeout=9")),
        )
    ),
    Row("two Connection lines", _twice(_asks("Connection: keep-alive", "Connection: close")), (ok(), ok(b"again"))),
    # modes
    *(Row(f"two requests through {mode}", _twice(_asks()), (ok(), ok(b"again")), via=mode) for mode in _MODES),
    *(
        Row(f"1.0 keep-alive through {mode}", _twice(_CLIENTS["1.0 keep-alive"]), (ok(), ok(b"again")), via=mode)
        for mode in _MODES
    ),
    *(
        Row(f"server keep-alive through {mode}", _twice(_asks()), (_SERVERS["1.1 keep-alive"], ok(b"again")), via=mode)
        for mode in ("serverclose", "close")
    ),
    *(Row(f"HTTP/1.0 through {mode}", _asks(version="1.0"), (ok(),), via=mode) for mode in ("serverclose", "close")),
    *(
        Row(
            f"chunked both ways through {mode}",
            request("POST / HTTP/1.1", _HOST, _CHUNKED, body=chunks(b"hello")),
            (response("200 OK", _CHUNKED, body=chunks(b"world")),),
            via=mode,
        )
        for mode in ("serverclose", "close")
    ),
    # pipelining
    Row("two requests in one segment", get("/1") + get("/2"), (ok(b"one"), ok(b"two"))),
    Row(
        "five requests in one segment",
        b"".join(get(f"/{i}") for i in range(5)),
        tuple(ok(b"r%d" % i) for i in range(5)),
    ),
    Row(
        "pipelined requests with bodies",
        request("POST /1 HTTP/1.1", _HOST, "Content-Length: 3", body=b"abc")
        + request("POST /2 HTTP/1.1", _HOST, _CHUNKED, body=chunks(b"de"))
        + get("/3"),
        (ok(b"one"), ok(b"two"), ok(b"three")),
    ),
    Row(
        "a pipelined request is cut",
        (get("/1") + b"GET /2 HT", Do.REPLY, b"TP/1.1\r\nHost: lb.example\r\n\r\n", Do.REPLY, Do.SHUT, Do.END),
        (ok(b"one"), ok(b"two")),
    ),
    Row("empty lines between pipelined requests", get("/1") + b"\r\n\r\n" + get("/2"), (ok(b"one"), ok(b"two"))),
    Row("pipelined after close is not read", _asks("Connection: close") + get("/2"), (ok(b"one"),)),
    Row("garbage after a request", (get("/1"), Do.REPLY, b"\x01\x02garbage\r\n\r\n", Do.END), (ok(b"one"),)),
    Row("pipelined after HTTP/1.0 is not read", _asks(version="1.0") + get("/2"), (ok(b"one"),)),
    Row(
        "pipelined HEAD and GET",
        (request("HEAD /1 HTTP/1.1", _HOST) + get("/2"), Do.HEAD_REPLY, Do.REPLY, Do.SHUT, Do.END),
        (response("200 OK", "Content-Length: 9"), ok(b"two")),
    ),
    Row("a server that sends more than asked", _twice(get("/1")), (then(ok(b"one") + ok(b"more")), ok(b"two"))),
    # half-closed and aborting clients
    Row("client sends FIN with its request", (get("/"), Do.SHUT, Do.END), (ok(),)),
    Row(
        "client sends FIN in its body",
        (request("POST / HTTP/1.1", _HOST, "Content-Length: 9", body=b"abc"), Do.CUT, Do.SHUT, Do.END),
    ),
    Row(
        "client sends FIN in a chunked body",
        (request("POST / HTTP/1.1", _HOST, _CHUNKED, body=b"5\r\nhel"), Do.CUT, Do.SHUT, Do.END),
    ),
    # interim responses
    Row(
        "client waits for 100 Continue",
        (
            request("POST / HTTP/1.1", _HOST, _EXPECT, "Content-Length: 5"),
            Do.INTERIM,
            b"hello",
            Do.REPLY,
            Do.SHUT,
            Do.END,
        ),
        (at_head(_CONTINUE, Do.REQUEST, ok()),),
    ),
    Row(
        "client expects and does not wait",
        request("POST / HTTP/1.1", _HOST, _EXPECT, "Content-Length: 5", body=b"hello"),
        (at_head(_CONTINUE, Do.REQUEST, ok()),),
    ),
    Row(
        "chunked body after 100 Continue",
        (request("POST / HTTP/1.1", _HOST, _EXPECT, _CHUNKED), Do.INTERIM, chunks(b"hello"), Do.REPLY, Do.SHUT, Do.END),
        (at_head(_CONTINUE, Do.REQUEST, ok()),),
    ),
    Row(
        "server refuses instead of 100 Continue",
        (request("POST / HTTP/1.1", _HOST, _EXPECT, "Content-Length: 5"), Do.REPLY, Do.SHUT, Do.END),
        (at_head(response("417 Expectation Failed", "Content-Length: 0")),),
        early=True,
    ),
    Row(
        "Expect in HTTP/1.0",
        request("POST / HTTP/1.0", _HOST, _EXPECT, "Content-Length: 5", body=b"hello"),
        (ok(),),
    ),
    Row("100 Continue that nobody expects", get("/"), (then(_CONTINUE + ok()),)),
    Row("103 Early Hints", get("/"), (then(response("103 Early Hints", "Link: </a.css>; rel=preload") + ok()),)),
    Row(
        "102 and 103 in segments",
        get("/"),
        (then(response("102 Processing"), Do.CUT, response("103 Early Hints", "Link: </b>"), Do.CUT, ok()),),
    ),
    Row(
        "interim to HTTP/1.0",
        _asks(version="1.0"),
        (then(_CONTINUE, Do.CUT, ok()),),
        departs=Departure(
            "RFC 9110 15.2: HTTP/1.0 has no 1xx, such a response MUST NOT be sent to its clients",
            b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello",
            (b"GET /first HTTP/1.0\r\nhost: lb.example\r\nconnection: keep-alive\r\n\r\n",),
        ),
    ),
    Row("interim response with a length", get("/"), (then(response("103 Early Hints", "Content-Length: 5") + ok()),)),
    Row("interim, then the server closes", get("/"), (then(_CONTINUE, Do.CUT, Do.CLOSE),)),
    # upgrades
    Row(
        "websocket",
        (
            get("/chat", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
            Do.REPLY,
            b"from client",
            Receive(11),
            Do.SHUT,
            Do.END,
        ),
        (
            then(
                response(
                    "101 Switching Protocols",
                    "Connection: Upgrade",
                    "Upgrade: websocket",
                    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
                ),
                Receive(11),
                b"from server",
                Do.END,
                Do.CLOSE,
            ),
        ),
    ),
    Row(
        "upgrade to another protocol, the server speaks first",
        (get("/", "Connection: upgrade", "Upgrade: foo/2"), Do.REPLY, Receive(5), b"pong", Do.END),
        (
            then(
                response("101 Switching Protocols", "Connection: upgrade", "Upgrade: foo/2"),
                Do.CUT,
                b"ping!",
                Receive(4),
                Do.CLOSE,
            ),
        ),
    ),
    Row(
        "server declines the upgrade",
        _twice(get("/", "Connection: Upgrade", "Upgrade: foo")),
        (ok(b"no"), ok(b"again")),
    ),
    Row(
        "Upgrade without Connection",
        get("/", "Upgrade: websocket"),
        (ok(),),
        differ=Differ("2.8", "RFC 9110 7.8: without the connection option there is no upgrade to pass on"),
    ),
    Row(
        "Connection: upgrade without Upgrade",
        get("/", "Connection: upgrade"),
        (ok(),),
        differ=Differ("2.8", "RFC 9110 7.8: there is nothing to upgrade to"),
    ),
    Row(
        "upgrade in HTTP/1.0",
        request("GET / HTTP/1.0", _HOST, "Connection: upgrade", "Upgrade: foo"),
        (ok(),),
        departs=Departure(
            "RFC 9110 7.8: an Upgrade in an HTTP/1.0 request is ignored, and it ends at this hop",
            _HELLO.replace(b"5\r\n", b"5\r\nconnection: close\r\n"),
            (b"GET / HTTP/1.0\r\nhost: lb.example\r\nconnection: keep-alive\r\n\r\n",),
        ),
    ),
    Row("upgrade among other options", get("/", "Connection: keep-alive, Upgrade", "Upgrade: foo"), (ok(),)),
    Row(
        "upgrade among options that name other fields",
        get("/", "Connection: Upgrade, X-Hop", "Upgrade: foo"),
        (ok(),),
        departs=Departure(
            "RFC 9110 7.6.1: the other option ends at this hop",
            _HELLO,
            (b"GET / HTTP/1.1\r\nhost: lb.example\r\nconnection: Upgrade\r\nupgrade: foo\r\n\r\n",),
        ),
    ),
    Row(
        "upgrade beside a body",
        request("POST / HTTP/1.1", _HOST, "Connection: Upgrade", "Upgrade: foo", "Content-Length: 3", body=b"abc"),
        (ok(),),
        differ=Differ("2.8", "RFC 9110 7.8: a request that asks for an upgrade may have a body"),
    ),
    *(
        Row(
            f"upgrade to {offer}",
            get("/", "Connection: Upgrade", f"Upgrade: {offer}"),
            (ok(),),
            differ=Differ("2.8", "what a server that speaks HTTP/2 was then asked would pass by all rules"),
        )
        for offer in ("h2c", "H2")
    ),
    Row(
        "upgrade to h2c or another protocol",
        get("/", "Connection: Upgrade", "Upgrade: foo, h2c"),
        (ok(),),
        departs=Departure(
            "RFC 9110 7.8: an Upgrade may be ignored, which is done with the whole offer",
            _HELLO,
            (b"GET / HTTP/1.1\r\nhost: lb.example\r\n\r\n",),
        ),
        differ=Differ("2.8", "2.6 passes all of the offer on, 2.8 the rest of it"),
    ),
    Row(
        "101 that nobody asked for",
        (get("/"), Do.REPLY, Do.SHUT, Do.END),
        (then(response("101 Switching Protocols", "Connection: upgrade", "Upgrade: foo"), Do.CLOSE),),
    ),
    Row(
        "CONNECT",
        (
            request("CONNECT lb.example:443 HTTP/1.1", "Host: lb.example:443"),
            Do.HEAD_REPLY,
            b"hello",
            Receive(5),
            Do.SHUT,
            Do.END,
        ),
        (then(b"HTTP/1.1 200 Connection established\r\n\r\n", Receive(5), b"world", Do.END, Do.CLOSE),),
        departs=Departure(_SAME_HOST, b"HTTP/1.1 200 Connection established\r\n\r\nworld", (_CONNECT + b"hello",)),
    ),
    Row(
        "CONNECT refused",
        request("CONNECT lb.example:443 HTTP/1.1", "Host: lb.example:443"),
        (response("405 Method Not Allowed", "Content-Length: 2", body=b"no"),),
        departs=Departure(_SAME_HOST, b"HTTP/1.1 405 Method Not Allowed\r\ncontent-length: 2\r\n\r\nno", (_CONNECT,)),
    ),
    # responses before the request's end
    Row(
        "early response, then the rest of the body",
        (
            request("POST / HTTP/1.1", _HOST, "Content-Length: 10", body=b"12345"),
            Do.REPLY,
            b"67890",
            Do.SHUT,
            Do.END,
        ),
        (at_head(response("403 Forbidden", "Content-Length: 2", body=b"no"), Do.REQUEST),),
    ),
    Row(
        "early response and close",
        (request("POST / HTTP/1.1", _HOST, "Content-Length: 10", body=b"12345"), Do.REPLY, Do.SHUT, Do.END),
        (at_head(response("413 Too Large", "Connection: close", "Content-Length: 2", body=b"no"), Do.CLOSE),),
        early=True,
        departs=Departure(
            "RFC 9112 9.6: who is about to close the connection says so",
            b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno",
            (b"POST / HTTP/1.1\r\nhost: lb.example\r\ncontent-length: 10\r\n\r\n",),
        ),
    ),
)
