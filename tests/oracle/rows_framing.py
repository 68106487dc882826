"""Bodies: by length, chunked, until close, none; trailers; and messages whose length could be read in two ways."""

from __future__ import annotations

from tests.oracle.row import Departure, Differ, Row, chunks, get, ok, request, response, then
from tests.oracle.texts import bad_gateway, refused
from tests.peers.script import Do, Receive

_HOST = "Host: lb.example"
_CHUNKED = "Transfer-Encoding: chunked"
_SEEN = get("/").replace(b"Host", b"host")  # what the server sees of it
_BODY = bytes(range(256)) * 8


def _post(*headers: str, body: bytes = b"", version: str = "1.1") -> bytes:
    return request(f"POST /post HTTP/{version}", _HOST, *headers, body=body)


def _ask(name: str, *reply: bytes | Do, rechunked: bool = False, version: str = "1.1") -> Row:
    """A GET whose response is what matters."""
    return Row(name, request(f"GET / HTTP/{version}", _HOST), (then(*reply),), rechunked=rechunked)


ROWS = (
    # requests with bodies
    Row("body by length", _post("Content-Length: 5", body=b"12345"), (ok(),)),
    Row("empty body by length", _post("Content-Length: 0"), (ok(),)),
    Row("no length at all", _post(), (ok(),)),
    Row(
        "length with leading zeros",
        _post("Content-Length: 0005", body=b"12345"),
        (ok(),),
        differ=Differ("2.8", "it writes the number as it understood it, so that nobody takes it for an octal one"),
    ),
    Row("binary body", _post(f"Content-Length: {len(_BODY)}", body=_BODY), (ok(_BODY),)),
    Row("body larger than a buffer", _post("Content-Length: 100000", body=b"b" * 100_000), (ok(b"r" * 100_000),)),
    Row("GET with a body", request("GET / HTTP/1.1", _HOST, "Content-Length: 3", body=b"abc"), (ok(),)),
    Row(
        "body after the head in a segment of its own",
        (_post("Content-Length: 6"), Do.CUT, b"123", Do.CUT, b"456", Do.REPLY, Do.SHUT, Do.END),
        (ok(),),
    ),
    Row("chunked request", _post(_CHUNKED, body=chunks(b"hello")), (ok(),)),
    Row("empty chunked request", _post(_CHUNKED, body=chunks()), (ok(),)),
    Row("several chunks", _post(_CHUNKED, body=chunks(b"a", b"bc", b"def")), (ok(),), rechunked=True),
    Row("large chunk", _post(_CHUNKED, body=chunks(b"c" * 50_000)), (ok(),), rechunked=True),
    Row(
        "chunk sizes in upper case with zeros",
        _post(_CHUNKED, body=b"000A\r\n0123456789\r\n000\r\n\r\n"),
        (ok(),),
        rechunked=True,
    ),
    Row("chunk extensions are dropped", _post(_CHUNKED, body=b'5;a=b;c="d"\r\nhello\r\n0;e\r\n\r\n'), (ok(),)),
    Row(
        "request trailers",
        _post(_CHUNKED, "Trailer: X-Sum", body=chunks(b"hello", trailers=b"X-Sum: 1\r\nX-Other:  2\r\n")),
        (ok(),),
    ),
    Row(
        "chunked in another case",
        _post("Transfer-Encoding: CHUNKED", body=chunks(b"hello")),
        (ok(),),
        differ=Differ("2.8", "it writes the word as it understood it, so that the server does too"),
    ),
    Row(
        "chunk cut everywhere",
        (
            *(_post(_CHUNKED), b"5", Do.CUT, b"\r", Do.CUT, b"\nhel", Do.CUT, b"lo\r\n0\r\n", Do.CUT, b"\r\n"),
            *(Do.REPLY, Do.SHUT, Do.END),
        ),
        (ok(),),
        rechunked=True,
    ),
    # responses with bodies
    _ask("empty response body", response("200 OK", "Content-Length: 0")),
    _ask("chunked response", response("200 OK", _CHUNKED, body=chunks(b"hello"))),
    _ask("empty chunked response", response("200 OK", _CHUNKED, body=chunks())),
    _ask("response of several chunks", response("200 OK", _CHUNKED, body=chunks(b"a", b"bc", b"def")), rechunked=True),
    _ask(
        "chunks that come one by one",
        response("200 OK", _CHUNKED),
        Do.CUT,
        b"3\r\nabc\r\n",
        Do.CUT,
        b"3\r\ndef\r\n",
        Do.CUT,
        b"0\r\n\r\n",
        rechunked=True,
    ),
    _ask("large chunked response", response("200 OK", _CHUNKED, body=chunks(*[b"d" * 9000] * 9)), rechunked=True),
    _ask("response trailers", response("200 OK", _CHUNKED, body=chunks(b"hello", trailers=b"X-Sum: 1\r\nX-B:c\r\n"))),
    _ask("extensions in the response are dropped", response("200 OK", _CHUNKED, body=b"5;x=y\r\nhello\r\n0\r\n\r\n")),
    _ask("until close", response("200 OK", body=b"until the end"), Do.CLOSE),
    _ask("until close in pieces", response("200 OK", body=b"until "), Do.CUT, b"the ", Do.CUT, b"end", Do.CLOSE),
    _ask("until close without a byte", response("200 OK"), Do.CLOSE),
    _ask("until close from HTTP/1.0", response("200 OK", body=b"old", version="1.0"), Do.CLOSE),
    _ask("until close with connection: close", response("200 OK", "Connection: close", body=b"bye"), Do.CLOSE),
    _ask("large body until close", response("200 OK", body=b"e" * 80_000), Do.CLOSE),
    Row(
        "chunked response to HTTP/1.0",
        request("GET / HTTP/1.0", _HOST),
        (response("200 OK", _CHUNKED, body=chunks(b"hello")),),
        departs=Departure(
            "RFC 9112 6.1: Transfer-Encoding MUST NOT be sent in response to HTTP/1.0, whose clients cannot read it",
            b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello",
            (b"GET / HTTP/1.0\r\nhost: lb.example\r\nconnection: keep-alive\r\n\r\n",),
        ),
    ),
    _ask("until close to HTTP/1.0", response("200 OK", body=b"hello"), Do.CLOSE, version="1.0"),
    _ask("HTTP/1.0 response with a length", response("200 OK", "Content-Length: 2", body=b"hi", version="1.0")),
    _ask("204 without length", response("204 No Content")),
    _ask("204 with a length of zero", response("204 No Content", "Content-Length: 0")),
    _ask("304 with a length", response("304 Not Modified", "Content-Length: 500", 'ETag: "a"')),
    _ask("304 without length", response("304 Not Modified", 'ETag: "a"')),
    _ask("304 that claims to be chunked", response("304 Not Modified", _CHUNKED)),
    *(
        Row(title, get("/"), (reply,), differ=Differ("2.8", "it puts the status's usual reason where there is none"))
        for title, reply in (
            ("no reason", b"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nhi"),
            ("neither reason nor space", b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nhi"),
        )
    ),
    _ask("unknown status", response("299 Whatever you say", "Content-Length: 2", body=b"hi")),
    _ask("status 999", response("999 Top", "Content-Length: 2", body=b"hi")),
    _ask("reason in UTF-8", response("404 Nicht gefunden \xc3\xa4", "Content-Length: 0")),
    _ask("server errors pass", response("500 Internal Server Error", "Content-Length: 4", body=b"oops")),
    _ask("redirects pass", response("302 Found", "Location: http://lb.example/else", "Content-Length: 0")),
    _ask(
        "206 with a range",
        response("206 Partial Content", "Content-Range: bytes 0-1/9", "Content-Length: 2", body=b"ab"),
    ),
    # HEAD
    *(
        Row(
            f"HEAD, {title}",
            (request("HEAD / HTTP/1.1", _HOST), Do.HEAD_REPLY, get("/next"), Do.REPLY, Do.SHUT, Do.END),
            (reply, ok()),
        )
        for title, reply in (
            ("length", response("200 OK", "Content-Length: 5000")),
            ("chunked", response("200 OK", _CHUNKED)),
            ("no length", response("200 OK", "X-A: b")),
            ("404", response("404 Not Found", "Content-Length: 9")),
        )
    ),
    Row("HEAD in HTTP/1.0", request("HEAD / HTTP/1.0"), (response("200 OK", "Content-Length: 50"),)),
    # lengths that two parsers could read differently
    Row("negative length", _post("Content-Length: -1")),
    Row("length with a sign", _post("Content-Length: +5", body=b"12345")),
    Row("hexadecimal length", _post("Content-Length: 0x5", body=b"12345")),
    Row("length with letters", _post("Content-Length: 5a", body=b"12345")),
    Row("empty length", _post("Content-Length:")),
    Row("length of two numbers", _post("Content-Length: 5 5", body=b"12345")),
    Row("length that overflows", _post("Content-Length: 18446744073709551621", body=b"12345")),
    Row("two different lengths", _post("Content-Length: 5", "Content-Length: 6", body=b"12345")),
    Row("different lengths in a list", _post("Content-Length: 5, 6", body=b"12345")),
    Row(
        "the same length twice",
        _post("Content-Length: 5", "Content-Length: 5", body=b"12345"),
        departs=refused("RFC 9112 6.3: a repeated length may be refused; servers may read it differently"),
    ),
    Row(
        "the same length in a list",
        _post("Content-Length: 5, 5", body=b"12345"),
        departs=refused("RFC 9112 6.3: a repeated length may be refused; servers may read it differently"),
    ),
    Row(
        "length and chunked",
        _post("Content-Length: 5", _CHUNKED, body=chunks(b"hello")),
        departs=refused("RFC 9112 6.1: this might be an attempt at request smuggling"),
    ),
    Row(
        "chunked and length",
        _post(_CHUNKED, "Content-Length: 5", body=chunks(b"hello")),
        departs=refused("RFC 9112 6.1: this might be an attempt at request smuggling"),
    ),
    Row("chunked twice in a list", _post("Transfer-Encoding: chunked, chunked", body=chunks(b"hello"))),
    Row("chunked in two lines", _post(_CHUNKED, _CHUNKED, body=chunks(b"hello"))),
    Row("chunked is not last", _post("Transfer-Encoding: chunked, gzip", body=chunks(b"hello"))),
    Row("unknown coding", _post("Transfer-Encoding: xchunked", body=chunks(b"hello"))),
    Row(
        "coding before chunked",
        _post("Transfer-Encoding: gzip, chunked", body=chunks(b"hello")),
        departs=refused("no coding but chunked is understood: 400 for all of them, where HAProxy has 422 for some"),
    ),
    Row("identity", _post("Transfer-Encoding: identity", "Content-Length: 5", body=b"12345")),
    Row("vertical tab before chunked", _post("Transfer-Encoding: \x0bchunked", body=chunks(b"hello"))),
    Row(
        "chunked in HTTP/1.0",
        _post(_CHUNKED, body=chunks(b"hello"), version="1.0"),
        departs=refused("RFC 9112 6.1: a Transfer-Encoding in HTTP/1.0 is to be treated as faulty framing"),
    ),
    Row("chunk size is no number", _post(_CHUNKED, body=b"xyz\r\nhello\r\n0\r\n\r\n")),
    Row("chunk size with a sign", _post(_CHUNKED, body=b"+5\r\nhello\r\n0\r\n\r\n")),
    Row("chunk size with 0x", _post(_CHUNKED, body=b"0x5\r\nhello\r\n0\r\n\r\n")),
    Row("chunk size that overflows", _post(_CHUNKED, body=b"10000000000000005\r\nhello\r\n0\r\n\r\n")),
    Row("chunk without its CRLF", _post(_CHUNKED, body=b"5\r\nhelloX\r\n0\r\n\r\n")),
    # responses that cannot be read
    *(
        Row(f"bad response, {title}", get("/"), (then(reply, Do.CLOSE),))
        for title, reply in (
            ("garbage", b"\x00\x01garbage\r\n\r\n"),
            ("no version", b"200 OK\r\nContent-Length: 0\r\n\r\n"),
            ("letters in the status", b"HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n"),
            ("space before a colon", response("200 OK", "X-A : b", "Content-Length: 0")),
            ("bad length", response("200 OK", "Content-Length: 5x", body=b"hello")),
            ("two different lengths", response("200 OK", "Content-Length: 5", "Content-Length: 6", body=b"hello")),
            ("head that never ends", b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 20_000),
            ("half a head", b"HTTP/1.1 200 OK\r\nContent-Le"),
            ("nothing", b""),
        )
    ),
    Row(
        "bad response, another protocol",
        get("/"),
        (b"HTTQ/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",),
        differ=Differ("2.8", "RFC 9112 2.3: the name of the protocol is HTTP"),
    ),
    Row(
        "bad response, two-digit status",
        # HAProxy passes it on, and then nobody knows whether a response is still to come.
        (get("/"), Receive(16), Do.SHUT, Do.END),
        (b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",),
        departs=bad_gateway("RFC 9112 4: a status has three digits", _SEEN),
    ),
    Row(
        "bad response, length and chunked",
        get("/"),
        (response("200 OK", "Content-Length: 5", _CHUNKED, body=chunks(b"hello")),),
        departs=bad_gateway("RFC 9112 6.3: ought to be handled as an error", _SEEN),
    ),
    Row(
        "bad response, the same length twice",
        get("/"),
        (response("200 OK", "Content-Length: 5", "Content-Length: 5", body=b"hello"),),
        departs=bad_gateway("RFC 9112 6.3: a repeated length may be refused", _SEEN),
    ),
    Row(
        "response shorter than its length",
        (get("/"), Do.END),
        (then(response("200 OK", "Content-Length: 50", body=b"only this"), Do.CLOSE),),
    ),
    Row(
        "chunked response without its end",
        (get("/"), Do.END),
        (then(response("200 OK", _CHUNKED, body=b"5\r\nhello\r\n"), Do.CLOSE),),
        rechunked=True,
    ),
    Row(
        "bad chunk in a response",
        (get("/"), Do.END),
        (then(response("200 OK", _CHUNKED, body=b"5\r\nhello\r\n"), Do.CUT, b"zz\r\n", Do.CLOSE),),
        rechunked=True,
    ),
)
