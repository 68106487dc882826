"""Requests as clients write them: methods, versions, targets, Host, header lines."""

from __future__ import annotations

from itertools import pairwise

from tests.oracle.row import Differ, Row, get, ok, request
from tests.oracle.texts import refused
from tests.peers.script import Do

_METHODS = ("DELETE", "GET", "LINK", "OPTIONS", "PATCH", "PROPFIND", "PUT", "TRACE", "X-own_method!")


def _cut(data: bytes, *at: int) -> tuple[bytes | Do, ...]:
    """`data` sent in pieces that end at the given offsets."""
    bounds = (0, *at, len(data))
    steps: list[bytes | Do] = []
    for start, end in pairwise(bounds):
        steps += [data[start:end], Do.CUT]
    return (*steps[:-1], Do.REPLY, Do.SHUT, Do.END)


_PLAIN = get("/cut", "Accept: */*", "X-Last: value")

ROWS = (
    *(Row(f"method {method}", request(f"{method} /m HTTP/1.1", "Host: lb.example"), (ok(),)) for method in _METHODS),
    Row("method in lower case is another method", request("get / HTTP/1.1", "Host: lb.example"), (ok(),)),
    Row("one-letter method", request("G / HTTP/1.1", "Host: lb.example"), (ok(),)),
    # targets
    Row("asterisk target", request("OPTIONS * HTTP/1.1", "Host: lb.example"), (ok(),)),
    Row("absolute target", request("GET http://lb.example/abs?x=1 HTTP/1.1", "Host: lb.example"), (ok(),)),
    Row(
        "absolute target without path",
        request("GET http://lb.example HTTP/1.1", "Host: lb.example"),
        (ok(),),
        differ=Differ("2.8", "RFC 9110 4.2.3: an empty path of http is the same as /; a server is told the latter"),
    ),
    Row("absolute target with port", request("GET http://lb.example:8080/ HTTP/1.1", "Host: lb.example:8080"), (ok(),)),
    Row(
        "absolute target, host in another case",
        request("GET http://LB.example/ HTTP/1.1", "Host: lb.EXAMPLE"),
        (ok(),),
    ),
    Row("absolute target of https", request("GET https://lb.example/ HTTP/1.1", "Host: lb.example"), (ok(),)),
    Row("absolute target and another host", request("GET http://a.example/ HTTP/1.1", "Host: b.example"), (ok(),)),
    Row(
        "authority target without CONNECT",
        request("GET lb.example:80 HTTP/1.1", "Host: lb.example"),
        differ=Differ("2.6", "RFC 9112 3.2.3: only CONNECT has such a target"),
    ),
    Row(
        "relative target",
        request("GET index.html HTTP/1.1", "Host: lb.example"),
        differ=Differ("2.6", "RFC 9112 3.2: no form of target looks like this"),
    ),
    Row("query only", get("/?"), (ok(),)),
    Row("percent signs are left alone", get("/%7euser/%2F/%zz?q=%20"), (ok(),)),
    Row("dots and double slashes are left alone", get("//a/../b/./c//"), (ok(),)),
    Row("every printable character in a target", get("/!$&'()*+,-.:;=@_~|\\^`{}\"<>"), (ok(),)),
    Row("fragment in a target", get("/page#part"), (ok(),)),
    Row("raw UTF-8 in a target", get("/k\xc3\xa4se"), (ok(),)),
    Row("long target", get("/" + "a" * 4000), (ok(),)),
    Row("very long target", get("/" + "a" * 14000), (ok(),)),
    Row("target that fills the buffer", get("/" + "a" * 17000)),
    # versions
    Row("HTTP/1.0", request("GET / HTTP/1.0"), (ok(),)),
    Row("HTTP/1.0 with Host", request("GET / HTTP/1.0", "Host: lb.example"), (ok(),)),
    Row("HTTP/1.2 speaks 1.1", request("GET / HTTP/1.2", "Host: lb.example"), (ok(),)),
    Row(
        "HTTP/2.0 in text",
        request("GET / HTTP/2.0", "Host: lb.example"),
        departs=refused("RFC 9110 2.5: another major version is another protocol"),
    ),
    Row("HTTP/0.9", b"GET /\r\n"),
    Row("version in lower case", request("GET / http/1.1", "Host: lb.example")),
    Row("version of three digits", request("GET / HTTP/1.10", "Host: lb.example")),
    Row("no version number", request("GET / HTTP/", "Host: lb.example")),
    Row("another protocol", request("GET / ICY/1.0", "Host: lb.example")),
    # the request line's blanks
    Row("leading empty line", b"\r\n" + get("/"), (ok(),)),
    Row("five leading empty lines", b"\r\n" * 5 + get("/"), (ok(),)),
    Row(
        "two spaces before the target",
        request("GET  / HTTP/1.1", "Host: lb.example"),
        departs=refused("RFC 9112 3: single spaces; what parsers may split in different ways is refused"),
    ),
    Row(
        "two spaces before the version",
        request("GET /  HTTP/1.1", "Host: lb.example"),
        departs=refused("RFC 9112 3: single spaces; what parsers may split in different ways is refused"),
    ),
    Row(
        "tab in the request line",
        request("GET\t/ HTTP/1.1", "Host: lb.example"),
        departs=refused("RFC 9112 3: single spaces; what parsers may split in different ways is refused"),
    ),
    Row("space after the version", request("GET / HTTP/1.1 ", "Host: lb.example")),
    Row("space before the method", request(" GET / HTTP/1.1", "Host: lb.example")),
    # Host
    Row(
        "no Host in HTTP/1.1",
        request("GET / HTTP/1.1", "X-A: b"),
        departs=refused("RFC 9112 3.2: a request without Host MUST be answered 400"),
    ),
    Row("empty Host", request("GET / HTTP/1.1", "Host:"), (ok(),)),
    Row("two different Hosts", request("GET / HTTP/1.1", "Host: a.example", "Host: b.example")),
    Row(
        "the same Host twice",
        request("GET / HTTP/1.1", "Host: a.example", "Host: a.example"),
        departs=refused("RFC 9112 3.2: a request with more than one Host MUST be answered 400"),
    ),
    Row("Host with port", get("/", host="lb.example:8080"), (ok(),)),
    Row("Host with port 80", get("/", host="lb.example:80"), (ok(),)),
    Row("Host in upper case", get("/", host="LB.EXAMPLE"), (ok(),)),
    Row("IPv6 Host", get("/", host="[2001:db8::1]:8080"), (ok(),)),
    # header lines
    Row("names in every case", get("/", "ACCEPT: a", "x-lower: b", "X-MiXeD: c"), (ok(b"", "SERVER: s", "x-Low: d"),)),
    Row("empty values", get("/", "X-Empty:", "X-Blank:   ", "X-Last: z"), (ok(b"", "X-Empty:", "X-Blank: \t "),)),
    Row("blanks around values", get("/", "X-A:b", "X-C: \t d \t ", "X-E:   f"), (ok(b"", "X-A:b", "X-C:  d  "),)),
    Row("colons in values", get("/", "X-Time: 12:34:56", "X-Colon: :"), (ok(),)),
    Row("the same name many times", get("/", "X-A: 1", "X-B: 2", "X-A: 3", "x-a: 1"), (ok(b"", "X-A: 1", "x-A: 2"),)),
    Row("many headers", get("/", *(f"X-Number-{i}: {i}" for i in range(90))), (ok(),)),
    Row("more headers than are allowed", get("/", *(f"X-{i}: {i}" for i in range(110)))),
    Row("many headers in the response", get("/"), (ok(b"", *(f"X-Number-{i}: {i}" for i in range(90))),)),
    Row("long header value", get("/", "X-Long: " + "v" * 8000), (ok(b"", "X-Long: " + "w" * 8000),)),
    Row("bytes above 127 in values", get("/", "X-Name: J\xfcrgen \xe4\x80"), (ok(b"", "X-Name: \xfc"),)),
    Row("quoted strings and lists", get("/", 'Accept: text/html;q="0.5", */*', 'If-None-Match: "a,b", W/"c"'), (ok(),)),
    Row("cookies", get("/", "Cookie: a=b; c=d", "Cookie: e=f"), (ok(b"", "Set-Cookie: a=b", "Set-Cookie: c=d"),)),
    Row("every token character in a name", get("/", "!#$%&'*+-.^_`|~09AZaz: x"), (ok(),)),
    Row("space before the colon", get("/", "X-A : b")),
    Row("space in a name", get("/", "X A: b")),
    Row("no name", get("/", ": b")),
    Row("no colon", get("/", "X-A b")),
    Row("NUL in a value", get("/", "X-A: a\0b"), differ=Differ("2.8", "RFC 9110 5.5: NUL in a value is dangerous")),
    Row("bare CR in a value", get("/", "X-A: a\rb")),
    Row(
        "control character in a value",
        get("/", "X-A: a\x01b"),
        departs=refused("RFC 9110 5.5: control characters are invalid in values"),
    ),
    Row(
        "DEL in a value",
        get("/", "X-A: a\x7fb"),
        departs=refused("RFC 9110 5.5: control characters are invalid in values"),
    ),
    Row(
        "folded header line",
        get("/", "X-A: a\r\n b"),
        departs=refused(
            "RFC 9112 5.2: a server MUST reject a folded line or replace the fold by spaces; HAProxy does the latter"
        ),
    ),
    Row("folded first header line", request("GET / HTTP/1.1", " X: y", "Host: lb.example")),
    Row(
        "lines ended by LF only",
        b"GET / HTTP/1.1\nHost: lb.example\n\n",
        departs=refused("RFC 9112 2.2: CRLF ends a line; LF alone is what parsers disagree about"),
    ),
    Row(
        "head ended by LF after CRLF lines",
        b"GET / HTTP/1.1\r\nHost: lb.example\r\n\n",
        departs=refused("RFC 9112 2.2: CRLF ends a line; LF alone is what parsers disagree about"),
    ),
    Row("garbage", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03garbage\r\n\r\n"),
    Row("nothing but an empty line", (b"\r\n", Do.SHUT, Do.END)),
    Row("nothing at all", (Do.SHUT, Do.END)),
    Row("half a request line", (b"GET / HT", Do.SHUT, Do.END)),
    Row("half a head", (b"GET / HTTP/1.1\r\nHost: lb", Do.SHUT, Do.END)),
    # cuts
    Row("cut in the method", _cut(_PLAIN, 2), (ok(),)),
    Row("cut between CR and LF of the request line", _cut(_PLAIN, _PLAIN.index(b"\n")), (ok(),)),
    Row("cut in a header name", _cut(_PLAIN, _PLAIN.index(b"Accept") + 3), (ok(),)),
    Row("cut in the final line", _cut(_PLAIN, len(_PLAIN) - 2, len(_PLAIN) - 1), (ok(),)),
    Row("head in pieces of three bytes", _cut(get("/b"), *range(3, len(get("/b")), 3)), (ok(),)),
)
