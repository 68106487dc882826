"""Messages that two parsers could read differently, their innocent neighbours, the scanner's verdict, and why.

`haproxy` says why HAProxy 2.6 decides otherwise: where it is empty, HAProxy gives the same verdict; the differential
test checks both. UNSTEADY means that HAProxy's verdict depends on what it parsed before. RFC 9112 is meant where a
section stands alone.
"""

from __future__ import annotations

from dataclasses import dataclass

ACCEPTED = ""
UNSTEADY = "HAProxy accepts it or refuses it"
HOST = "Host: a"


@dataclass(frozen=True, slots=True)
class Row:
    """`text` must be refused with H1_ERR_<error>, or be accepted if that is empty."""

    name: str
    text: bytes
    error: str
    why: str
    haproxy: str = ""


def _head(line: str, *fields: str, body: str = "") -> bytes:
    return ("".join(f"{text}\r\n" for text in (line, *fields)) + "\r\n" + body).encode("latin-1")


def get(*fields: str, line: str = "GET / HTTP/1.1", body: str = "") -> bytes:
    """A request with a Host field and the given ones behind it."""
    return _head(line, HOST, *fields, body=body)


def post(*fields: str, body: str = "", line: str = "POST / HTTP/1.1") -> bytes:
    """The same with a method that may have a body."""
    return _head(line, HOST, *fields, body=body)


def ok(*fields: str, line: str = "HTTP/1.1 200 OK", body: str = "") -> bytes:
    """A response."""
    return _head(line, *fields, body=body)


def _chunked(body: str) -> bytes:
    return post("Transfer-Encoding: chunked", body=body)


_END = "0\r\n\r\n"
_MERGES = "HAProxy merges values that are the same; two readers that take the first and the last agree, others need not"
_LAX = "HAProxy skips any number of spaces and tabs there"
_LF = "HAProxy takes LF alone for a line end (section 2.2 allows that)"
_CTL = "HAProxy lets control characters in values pass"
_DIGITS = "HAProxy takes any two digits and sends 1.1 on"
_AUTHORITY = "HAProxy 2.6 does not look inside Host"

REQUEST_LINES = (
    Row("plain", get(), ACCEPTED, "nothing is wrong with it"),
    Row("unknown method", get(line="X-own_method! / HTTP/1.1"), ACCEPTED, "any token, RFC 9110 9.1"),
    Row("lower-case method", get(line="get / HTTP/1.1"), ACCEPTED, "another method, RFC 9110 9.1"),
    Row("empty lines first", b"\r\n\r\n" + get(), ACCEPTED, "2.2: skip at least one"),
    Row("too many empty lines", b"\r\n" * 9 + get(), "EMPTY_LINES", "2.2: at least one, ours are eight", "no bound"),
    Row("space first", b" " + get(), "METHOD", "3.1: a method is a token"),
    Row("separator in method", get(line="G(T / HTTP/1.1"), "METHOD", "RFC 9110 5.6.2"),
    Row("NUL in method", get(line="GE\0T / HTTP/1.1"), "METHOD", "RFC 9110 5.6.2"),
    Row("tab after method", get(line="GET\t/ HTTP/1.1"), "METHOD", "3: single SP", _LAX),
    Row("two spaces after method", get(line="GET  / HTTP/1.1"), "TARGET", "3: single SP", _LAX),
    Row("two spaces after target", get(line="GET /  HTTP/1.1"), "VERSION", "3: single SP", _LAX),
    Row("tab after target", get(line="GET /\tHTTP/1.1"), "TARGET", "3: single SP", _LAX),
    Row("space after version", get(line="GET / HTTP/1.1 "), "VERSION", "3: nothing behind the version"),
    Row("second version", get(line="GET / HTTP/1.1 HTTP/1.1"), "VERSION", "3: the target has no space"),
    Row("no version", b"GET /\r\n", "VERSION", "HTTP/0.9 is not spoken"),
    Row("HTTP/0.9", get(line="GET / HTTP/0.9"), "VERSION", "2.3", _DIGITS),
    Row("HTTP/1.2", get(line="GET / HTTP/1.2"), ACCEPTED, "9110 2.5: read as the latest version that is known"),
    Row("HTTP/2.0", get(line="GET / HTTP/2.0"), "VERSION", "2.3: another major version", _DIGITS),
    Row("HTTP/3.7", get(line="GET / HTTP/3.7"), "VERSION", "2.3: another major version", _DIGITS),
    Row("HTTP/1.10", get(line="GET / HTTP/1.10"), "VERSION", "2.3: one digit"),
    Row("HTTP/11", get(line="GET / HTTP/11"), "VERSION", "2.3"),
    Row("HTTP/1,1", get(line="GET / HTTP/1,1"), "VERSION", "2.3"),
    Row("lower-case version", get(line="GET / http/1.1"), "VERSION", "2.3: case-sensitive"),
    Row("other protocol", get(line="GET / RTSP/1.0"), "VERSION", "2.3"),
    Row("CR behind target", get(line="GET /\rHTTP/1.1"), "VERSION", "2.2: bare CR"),
    Row("bare CR ends line", b"GET / HTTP/1.1\rHost: a\r\n\r\n", "LINE_END", "2.2: bare CR"),
    Row("LF ends request line", b"GET / HTTP/1.1\nHost: a\r\n\r\n", "LINE_END", "2.2: CR LF", _LF),
    Row("LF before request line", b"\n" + get(), "LINE_END", "2.2: CR LF", _LF),
)

TARGETS = (
    Row("visible ASCII", get(line="GET /!$&'()*+,-.:;=@_~|\\^`{}\"<>?[%zz] HTTP/1.1"), ACCEPTED, "passed on as it is"),
    Row("fragment", get(line="GET /a#b HTTP/1.1"), "TARGET", "3.2: a target has no fragment"),
    Row("high byte", get(line="GET /\xe9 HTTP/1.1"), "TARGET", "RFC 3986 2"),
    Row("control in target", get(line="GET /\x01 HTTP/1.1"), "TARGET", "RFC 3986 2"),
    Row("DEL in target", get(line="GET /\x7f HTTP/1.1"), "TARGET", "RFC 3986 2"),
    Row("NUL in target", get(line="GET /\0 HTTP/1.1"), "TARGET", "RFC 3986 2"),
    Row("relative", get(line="GET index.html HTTP/1.1"), "TARGET_FORM", "3.2: none of the forms"),
    Row("asterisk", get(line="OPTIONS * HTTP/1.1"), ACCEPTED, "3.2.4"),
    Row("GET asterisk", get(line="GET * HTTP/1.1"), "TARGET_FORM", "3.2.4: OPTIONS only", "HAProxy does not mind"),
    Row("asterisk and more", get(line="OPTIONS *x HTTP/1.1"), "TARGET_FORM", "3.2.4", "HAProxy looks at one byte"),
    Row("absolute", get(line="GET http://a/ HTTP/1.1"), ACCEPTED, "3.2.2"),
    Row("absolute, port of scheme", get(line="GET http://A:80 HTTP/1.1"), ACCEPTED, "RFC 9110 4.2.3: the same host"),
    Row("absolute, other scheme", get(line="GET ftp://a/ HTTP/1.1"), ACCEPTED, "3.2.2: any absolute URI"),
    Row("absolute, port of https", _head("GET https://a/ HTTP/1.1", "Host: a:443"), ACCEPTED, "RFC 9110 4.2.3"),
    Row("absolute, port of http with https", get(line="GET https://a:80/ HTTP/1.1"), "HOST_MISMATCH", "3.2.2"),
    Row("absolute, other host", get(line="GET http://b/ HTTP/1.1"), "HOST_MISMATCH", "3.2.2: which one routes it?"),
    Row("absolute, other port", get(line="GET http://a:8/ HTTP/1.1"), "HOST_MISMATCH", "3.2.2: which one routes it?"),
    Row(
        "absolute, user",
        get(line="GET http://u@a/ HTTP/1.1"),
        "AUTHORITY",
        "RFC 9110 4.2.4: treat as an error",
        "HAProxy ignores user-info",
    ),
    Row(
        "absolute, no host",
        _head("GET http:/// HTTP/1.1", "Host:"),
        "AUTHORITY",
        "RFC 9110 4.2.1: an empty host is invalid",
        "HAProxy does not look inside the authority",
    ),
    Row("no double slash", get(line="GET mailto:x HTTP/1.1"), "TARGET_FORM", "nothing to route by"),
    Row(
        "authority without CONNECT",
        _head("GET a:80 HTTP/1.1", "Host: a:80"),
        "TARGET_FORM",
        "3.2.3: CONNECT only",
        "HAProxy passes it on",
    ),
    Row("CONNECT", _head("CONNECT a:443 HTTP/1.1", "Host: a:443"), ACCEPTED, "3.2.3"),
    Row("CONNECT, Host without port", _head("CONNECT a:443 HTTP/1.1", HOST), ACCEPTED, "the port is a scheme's"),
    Row("CONNECT, other host", _head("CONNECT b:443 HTTP/1.1", HOST), "HOST_MISMATCH", "3.2.3"),
    Row("CONNECT, other port", _head("CONNECT a:443 HTTP/1.1", "Host: a:80"), "HOST_MISMATCH", "3.2.3"),
    Row("CONNECT, port of no scheme", _head("CONNECT a:8 HTTP/1.1", HOST), "HOST_MISMATCH", "3.2.3"),
    Row("CONNECT without port", _head("CONNECT a HTTP/1.1", HOST), "AUTHORITY", "3.2.3: host and port"),
    Row("CONNECT path", _head("CONNECT / HTTP/1.1", HOST), "TARGET_FORM", "3.2.3"),
)

FIELDS = (
    Row("tab and high byte in value", get("X:\ta\tb\xe9 "), ACCEPTED, "RFC 9110 5.5"),
    Row("no value", get("X:"), ACCEPTED, "RFC 9110 5.5"),
    Row("space before colon", get("X : b"), "SPACE_COLON", "5.1: must be refused"),
    Row("tab before colon", get("X\t: b"), "SPACE_COLON", "5.1: must be refused"),
    Row("Content-Length, space, colon", post("Content-Length : 2", body="ab"), "SPACE_COLON", "5.1"),
    Row("no name", get(": b"), "NAME", "5.1"),
    Row("no colon", get("X"), "NAME", "5"),
    Row("separator in name", get("X(: b"), "NAME", "RFC 9110 5.6.2"),
    Row("high byte in name", get("X\xe9: b"), "NAME", "RFC 9110 5.6.2"),
    Row("NUL in name", get("X\0: b"), "NAME", "RFC 9110 5.6.2"),
    Row("CR in name", get("X\rY: b"), "NAME", "RFC 9110 5.6.2"),
    Row("space first", _head("GET / HTTP/1.1", " X: b", HOST), "FOLD", "2.2: space before the first field"),
    Row(
        "folded",
        get("X: b", " c"),
        "FOLD",
        "5.2: refuse, or replace by spaces",
        "HAProxy replaces the fold by spaces (5.2 allows that)",
    ),
    Row(
        "folded Transfer-Encoding",
        post("Transfer-Encoding:", " chunked", body=_END),
        "TE",
        "5.2: its first line alone is an empty coding",
        "HAProxy replaces the fold by spaces (5.2 allows that)",
    ),
    Row("bare CR in value", get("X: a\rb"), "LINE_END", "2.2: bare CR"),
    Row("bare CR ends value", get("X: a\rY: b"), "LINE_END", "2.2: bare CR"),
    Row("two CR", b"GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", "LINE_END", "2.2: bare CR"),
    Row("LF ends field", b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", "LINE_END", "2.2: CR LF", _LF),
    Row("LF ends head", b"GET / HTTP/1.1\r\nHost: a\r\n\n", "LINE_END", "2.2: CR LF", _LF),
    Row("NUL in value", get("X: a\0"), "VALUE", "RFC 9110 5.5", _CTL),
    Row("control in value", get("X: a\x01"), "VALUE", "RFC 9110 5.5", _CTL),
    Row("vertical tab in value", get("X: a\x0bb"), "VALUE", "RFC 9110 5.5", _CTL),
    Row("DEL in value", get("X: a\x7f"), "VALUE", "RFC 9110 5.5", _CTL),
    Row("too many", get(*["X: y"] * 101), "TOO_MANY", "tune.http.maxhdr"),
)

HOSTS = (
    Row("HTTP/1.0 without", _head("GET / HTTP/1.0"), ACCEPTED, "3.2"),
    Row("HTTP/1.1 without", _head("GET / HTTP/1.1"), "NO_HOST", "3.2: must be refused", "HAProxy lets it pass"),
    Row(
        "absolute without",
        _head("GET http://a/ HTTP/1.1"),
        "NO_HOST",
        "3.2: must be refused",
        "HAProxy lets it pass",
    ),
    Row("empty", _head("GET / HTTP/1.1", "Host:"), ACCEPTED, "3.2: what a target without authority asks for"),
    Row("port", _head("GET / HTTP/1.1", "Host: a.example:8080"), ACCEPTED, "RFC 9110 7.2"),
    Row("IPv6", _head("GET / HTTP/1.1", "Host: [::1]:8080"), ACCEPTED, "RFC 3986 3.2.2"),
    Row("two that differ", get("Host: b"), "HOST_DUP", "3.2: must be refused"),
    Row("two that agree", get(HOST), "HOST_DUP", "3.2: must be refused", _MERGES),
    Row("space inside", _head("GET / HTTP/1.1", "Host: a b"), "HOST", "3.2: invalid", _AUTHORITY),
    Row("path inside", _head("GET / HTTP/1.1", "Host: a/b"), "HOST", "3.2: invalid", _AUTHORITY),
    Row("user inside", _head("GET / HTTP/1.1", "Host: u@a"), "HOST", "3.2: invalid", _AUTHORITY),
    Row("port of letters", _head("GET / HTTP/1.1", "Host: a:x"), "HOST", "3.2: invalid", _AUTHORITY),
    Row("port too large", _head("GET / HTTP/1.1", "Host: a:65536"), "HOST", "no such port", _AUTHORITY),
    Row("high byte", _head("GET / HTTP/1.1", "Host: \xe9"), "HOST", "3.2: invalid", _AUTHORITY),
    Row("percent alone", _head("GET / HTTP/1.1", "Host: a%2"), "HOST", "RFC 3986 2.1", _AUTHORITY),
    Row("open bracket", _head("GET / HTTP/1.1", "Host: [::1"), "HOST", "RFC 3986 3.2.2", _AUTHORITY),
)

_TOO_LARGE = "HAProxy lets it wrap"

LENGTHS = (
    Row("plain", post("Content-Length: 2", body="ab"), ACCEPTED, "6.2"),
    Row("zeros first", post("Content-Length: 0002", body="ab"), ACCEPTED, "RFC 9110 8.6: any digits"),
    Row("GET with a body", get("Content-Length: 2", body="ab"), ACCEPTED, "RFC 9110 9.3.1: discouraged, but framed"),
    Row("two that differ", post("Content-Length: 2", "Content-Length: 3", body="abc"), "CLEN_DUP", "6.3"),
    Row("two that agree", post("Content-Length: 2", "Content-Length: 2", body="ab"), "CLEN_DUP", "6.3", _MERGES),
    Row("list that agrees", post("Content-Length: 2, 2", body="ab"), "CLEN", "6.3", _MERGES),
    Row("list that differs", post("Content-Length: 2, 3", body="abc"), "CLEN", "6.3"),
    Row("empty", post("Content-Length:", body="ab"), "CLEN", "RFC 9110 8.6"),
    Row("plus", post("Content-Length: +2", body="ab"), "CLEN", "RFC 9110 8.6"),
    Row("minus", post("Content-Length: -2", body="ab"), "CLEN", "RFC 9110 8.6"),
    Row("hexadecimal", post("Content-Length: 0x2", body="ab"), "CLEN", "RFC 9110 8.6"),
    Row("fraction", post("Content-Length: 2.0", body="ab"), "CLEN", "RFC 9110 8.6"),
    Row("space inside", post("Content-Length: 2 2", body="ab"), "CLEN", "RFC 9110 8.6"),
    Row("underscore", post("Content-Length: 1_0", body="ab"), "CLEN", "RFC 9110 8.6"),
    Row("quoted", post('Content-Length: "2"', body="ab"), "CLEN", "RFC 9110 8.6"),
    Row("high digit", post("Content-Length: \xb2", body="ab"), "CLEN", "RFC 9110 8.6: superscript two is none"),
    Row("2^63", post(f"Content-Length: {2**63}", body="ab"), "CLEN", "a signed length would wrap"),
    Row("2^64", post(f"Content-Length: {2**64}", body="ab"), "CLEN", "any length would wrap", _TOO_LARGE),
    Row("2^64 and 2", post(f"Content-Length: {2**64 + 2}", body="ab"), "CLEN", "any length would wrap", _TOO_LARGE),
    Row(
        "then chunked",
        post("Content-Length: 5", "Transfer-Encoding: chunked", body=_END),
        "CLEN_TE",
        "6.3: ought to be handled as an error",
        "HAProxy drops Content-Length",
    ),
    Row(
        "after chunked",
        post("Transfer-Encoding: chunked", "Content-Length: 5", body=_END),
        "CLEN_TE",
        "6.3: ought to be handled as an error",
        "HAProxy drops Content-Length",
    ),
    Row(
        "HTTP/1.0 GET with a body",
        get("Content-Length: 2", line="GET / HTTP/1.0", body="ab"),
        "BODY",
        "HTTP/1.0 knows no such thing: some servers take the body for the next request",
    ),
    Row(
        "CONNECT with a body",
        _head("CONNECT a:443 HTTP/1.1", HOST, "Content-Length: 2", body="ab"),
        "BODY",
        "RFC 9110 9.3.6: no defined meaning: body, or tunnel?",
        "HAProxy drops the length and tunnels",
    ),
)

_DECODES = "HAProxy passes it on as it came"

CODINGS = (
    Row("chunked", _chunked(_END), ACCEPTED, "7.1"),
    Row("any case", post("transfer-encoding:CHUNKED", body=_END), ACCEPTED, "7: case-insensitive"),
    Row("obscured name", post("Transfer-Encoding: xchunked", body=_END), "TE_CODING", "6.1: unknown coding"),
    Row("longer name", post("Transfer-Encoding: chunkedx", body=_END), "TE", "6.1: unknown coding"),
    Row("vertical tab first", post("Transfer-Encoding: \x0bchunked", body=_END), "VALUE", "RFC 9110 5.5"),
    Row("no-break space first", post("Transfer-Encoding: \xa0chunked", body=_END), "TE", "6.1"),
    Row("quoted", post('Transfer-Encoding: "chunked"', body=_END), "TE", "6.1"),
    Row("parameter", post("Transfer-Encoding: chunked;q=1", body=_END), "TE", "7.1: chunked has none"),
    Row("space inside", post("Transfer-Encoding: chunked x", body=_END), "TE", "6.1"),
    Row("twice in a list", post("Transfer-Encoding: chunked, chunked", body=_END), "TE", "6.1: once"),
    Row("two fields", post(*["Transfer-Encoding: chunked"] * 2, body=_END), "TE", "6.1: once"),
    Row("not last", post("Transfer-Encoding: chunked, gzip", body=_END), "TE", "6.3: length unknown"),
    Row("another before it", post("Transfer-Encoding: gzip, chunked", body=_END), "TE_CODING", "6.1: 501"),
    Row("in two fields", post("Transfer-Encoding: gzip", "Transfer-Encoding: chunked"), "TE_CODING", "6.1"),
    Row("identity", post("Transfer-Encoding: identity"), "TE_CODING", "withdrawn by RFC 7230 A.2"),
    Row("empty", post("Transfer-Encoding:"), "TE", "6.1"),
    Row("comma first", post("Transfer-Encoding: ,chunked", body=_END), "TE", "one reader's empty coding"),
    Row(
        "comma last",
        post("Transfer-Encoding: chunked,", body=_END),
        "TE",
        "one reader's empty coding",
        "HAProxy overlooks it",
    ),
    Row(
        "in HTTP/1.0",
        post("Transfer-Encoding: chunked", line="POST / HTTP/1.0", body=_END),
        "TE_10",
        "6.1: must be treated as faulty",
        _DECODES,
    ),
    Row(
        "with CONNECT",
        _head("CONNECT a:443 HTTP/1.1", HOST, "Transfer-Encoding: chunked", body=_END),
        "BODY",
        "RFC 9110 9.3.6: no defined meaning",
        _DECODES,
    ),
)

CHUNKS = (
    Row("one", _chunked("2\r\nab\r\n" + _END), ACCEPTED, "7.1"),
    Row("upper case, zeros first", _chunked("000A\r\n0123456789\r\n" + _END), ACCEPTED, "7.1: any hex digits"),
    Row("extension", _chunked('2;a=b;c="d"\r\nab\r\n' + _END), ACCEPTED, "7.1.1: ignored and dropped"),
    Row("trailers", _chunked("2\r\nab\r\n0\r\nX: y\r\n\r\n"), ACCEPTED, "7.1.2"),
    Row("no digits", _chunked("\r\nab\r\n" + _END), "CHUNK_SIZE", "7.1"),
    Row("space before size", _chunked(" 2\r\nab\r\n" + _END), "CHUNK_SIZE", "7.1"),
    Row(
        "space behind size",
        _chunked("2 \r\nab\r\n" + _END),
        "CHUNK_SIZE",
        "7.1.1: spaces belong to an extension",
        "HAProxy skips spaces behind a size",
    ),
    Row("sign", _chunked("+2\r\nab\r\n" + _END), "CHUNK_SIZE", "7.1"),
    Row("0x", _chunked("0x2\r\nab\r\n" + _END), "CHUNK_SIZE", "7.1"),
    Row("no hex digit", _chunked("g\r\nab\r\n" + _END), "CHUNK_SIZE", "7.1"),
    Row("underscore", _chunked("1_0\r\nab\r\n" + _END), "CHUNK_SIZE", "7.1"),
    Row("wraps to 2", _chunked("10000000000000002\r\nab\r\n" + _END), "CHUNK_SIZE", "7.1: no overflow"),
    Row("wraps to 2 in 32 bits", _chunked("8000000000000002\r\nab\r\n" + _END), "CHUNK_SIZE", "7.1: no overflow"),
    Row("LF ends size", _chunked("2\nab\r\n" + _END), "CHUNK_SIZE", "2.2: CR LF", _LF),
    Row("bare CR ends size", _chunked("2\rab\r\n" + _END), "CHUNK_EXT", "2.2: bare CR"),
    Row("LF in extension", _chunked("2;\nab\r\n" + _END), "CHUNK_EXT", "2.2: one reader's line end", _LF),
    Row("CR in extension", _chunked("2;\rx\r\nab\r\n" + _END), "CHUNK_EXT", "2.2: bare CR"),
    Row("NUL in extension", _chunked("2;\0\r\nab\r\n" + _END), "CHUNK_EXT", "7.1.1", "HAProxy skips extensions unread"),
    Row("data too long", _chunked("2\r\nabc\r\n" + _END), "CHUNK_END", "7.1"),
    Row("data too short", _chunked("3\r\nab\r\n" + _END), "CHUNK_END", "7.1", _LF),
    Row("LF behind data", _chunked("2\r\nab\n" + _END), "CHUNK_END", "2.2: CR LF", _LF),
    Row("nothing behind data", _chunked("2\r\nab" + _END), "CHUNK_END", "7.1"),
    Row("space before colon in trailer", _chunked("0\r\nX : y\r\n\r\n"), "SPACE_COLON", "5.1", UNSTEADY),
    Row("bare CR in trailer", _chunked("0\r\nX: y\rz\r\n\r\n"), "LINE_END", "2.2: bare CR"),
    Row("LF ends trailer", _chunked("0\r\nX: y\n\r\n"), "LINE_END", "2.2: CR LF", _LF),
    Row("folded trailer", _chunked("0\r\nX: y\r\n z\r\n\r\n"), "FOLD", "5.2", "HAProxy replaces it"),
)

_STATUS = "HAProxy takes any number for a status"

RESPONSES = (
    Row("plain", ok("Content-Length: 2", body="ok"), ACCEPTED, "nothing is wrong with it"),
    Row("no reason", ok("Content-Length: 0", line="HTTP/1.1 200 "), ACCEPTED, "4: may be empty"),
    Row("nothing behind status", ok("Content-Length: 0", line="HTTP/1.1 200"), ACCEPTED, "4: lenient as all are"),
    Row("status 999", ok("Content-Length: 0", line="HTTP/1.1 999 Odd"), ACCEPTED, "RFC 9110 15: like 500"),
    Row("HTTP/1.0", ok("Content-Length: 2", line="HTTP/1.0 200 OK", body="ok"), ACCEPTED, "2.3"),
    Row("chunked", ok("Transfer-Encoding: chunked", body=_END), ACCEPTED, "7.1"),
    Row("empty line first", b"\r\n" + ok("Content-Length: 0"), "VERSION", "2.2: for requests", "HAProxy skips it"),
    Row("HTTP/2.0", ok("Content-Length: 0", line="HTTP/2.0 200 OK"), "VERSION", "2.3", _DIGITS),
    Row("no HTTP", ok("Content-Length: 0", line="ICY 200 OK"), "VERSION", "2.3"),
    Row("status of two digits", ok("Content-Length: 0", line="HTTP/1.1 20 OK"), "STATUS", "4: three digits", _STATUS),
    Row(
        "status of four digits", ok("Content-Length: 0", line="HTTP/1.1 2000 OK"), "STATUS", "4: three digits", _STATUS
    ),
    Row("status 099", ok("Content-Length: 0", line="HTTP/1.1 099 OK"), "STATUS", "RFC 9110 15", _STATUS),
    Row("status with sign", ok("Content-Length: 0", line="HTTP/1.1 +20 OK"), "STATUS", "4: three digits"),
    Row("two spaces", ok("Content-Length: 0", line="HTTP/1.1  200 OK"), "STATUS", "4: single SP", _LAX),
    Row("control in reason", ok("Content-Length: 0", line="HTTP/1.1 200 a\x01"), "REASON", "4", _CTL),
    Row("bare CR in reason", ok("Content-Length: 0", line="HTTP/1.1 200 a\rb"), "LINE_END", "2.2"),
    Row("LF ends lines", b"HTTP/1.1 200 OK\nContent-Length: 0\n\n", "LINE_END", "2.2: CR LF", _LF),
    Row("two lengths that differ", ok("Content-Length: 1", "Content-Length: 2", body="ab"), "CLEN_DUP", "6.3"),
    Row("two that agree", ok("Content-Length: 2", "Content-Length: 2", body="ab"), "CLEN_DUP", "6.3", _MERGES),
    Row(
        "length with chunked",
        ok("Content-Length: 5", "Transfer-Encoding: chunked", body=_END),
        "CLEN_TE",
        "6.3: ought to be handled as an error",
        "HAProxy drops Content-Length",
    ),
    Row("chunked not last", ok("Transfer-Encoding: chunked, gzip", body=_END), "TE", "6.1"),
    Row("chunked twice", ok("Transfer-Encoding: chunked, chunked", body=_END), "TE", "6.1"),
    Row(
        "chunked in HTTP/1.0",
        ok("Transfer-Encoding: chunked", line="HTTP/1.0 200 OK", body=_END),
        "TE_10",
        "6.1: must be treated as faulty",
        _DECODES,
    ),
    Row("chunked in two fields", ok(*["Transfer-Encoding: chunked"] * 2, body=_END), "TE", "6.1"),
    Row(
        "another coding", ok("Transfer-Encoding: gzip, chunked", body=_END), "TE_CODING", "6.1: we could not tell it on"
    ),
    Row("obscured name", ok("Transfer-Encoding: xchunked", body=_END), "TE_CODING", "6.1"),
    Row("space before colon", ok("Content-Length: 0", "X : b"), "SPACE_COLON", "5.1"),
    Row("folded", ok("Content-Length: 0", "X: b", " c"), "FOLD", "5.2: discard, or replace", "HAProxy replaces it"),
    Row("NUL in value", ok("Content-Length: 0", "X: \0"), "VALUE", "RFC 9110 5.5", _CTL),
)

REQUESTS = {
    f"{topic}: {row.name}": row
    for topic, rows in (
        ("request line", REQUEST_LINES),
        ("target", TARGETS),
        ("field", FIELDS),
        ("Host", HOSTS),
        ("Content-Length", LENGTHS),
        ("Transfer-Encoding", CODINGS),
        ("chunk", CHUNKS),
    )
    for row in rows
}
