"""What h11 refuses the scanner refuses; what both accept they read alike.

Three things that h11 alone refuses are not generated: empty lines before a request (RFC 9112 2.2 asks to skip them),
spaces before the semicolon of a chunk extension (allowed by 7.1.1), and a 101 that nobody asked for (the caller's
affair).
"""

from __future__ import annotations

from dataclasses import dataclass

import h11
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.http.scanner import Head, scanner

UNHURRIED = settings(deadline=None, max_examples=300, database=None)  # the first call compiles the scanner


def mostly(good: list[str], bad: list[str]) -> st.SearchStrategy[str]:
    """One of `good`, rarely of `bad`: a head has many parts, and a single bad one ends the comparison."""
    return st.integers(0, 29).flatmap(lambda n: st.sampled_from(bad if n == 17 else good))


LINE_ENDS = mostly(["\r\n"], ["\n", "\r", "\r\r\n", "\n\r\n", ""])
SPACES = mostly([" "], ["", "  ", "\t", "\x0b"])
COLONS = mostly([": ", ":", ":\t "], [" : ", "\t:", "", "::"])
BYTES = st.sampled_from('\0\x01\t\n\x0b\r !"#%,-/0:;=?@AZ[_az|\x7f\x80\xa0\xff')
METHODS = mostly(["GET", "HEAD", "POST", "PUT", "OPTIONS", "CONNECT", "get", "X-Y!"], ["G(T", "", "G\0"])
TARGETS = mostly(
    ["/", "/a?b=c", "//", "/|", "*", "http://a/", "http://a", "a:80", "https://a:443/p"],
    ["http://b/", "/#x", "/\xe9", "/\x7f", "a", ""],
)
VERSIONS = mostly(["HTTP/1.1", "HTTP/1.1", "HTTP/1.0"], ["HTTP/1.2", "HTTP/2.0", "http/1.1", "HTTP/1.", "HTTP/11"])
STATUSES = mostly(["200", "100", "204", "304", "404", "599", "999"], ["99", "000", "2000", "2x0", ""])
NUMBERS = mostly(["0", "2", "05"], ["2,2", "2, 3", "+2", "-2", "0x2", "", "2 2", str(2**63), str(2**64), "9" * 21])
CODINGS = mostly(
    ["chunked", "Chunked"], ["chunked, chunked", "chunked, gzip", "gzip, chunked", "xchunked", "chunked;a", ""]
)
TEXTS = st.one_of(
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=40),
    mostly(["a", "", "a b", "a\tb", "\xe9", "a" * 40], ["\0", "a\x01", "\x0b", "\x7f", "a\rb", "\x80\x0c"]),
)
NAMES = mostly(
    ["X-Any", "Accept", "a", "Cookie", "x_y", "Expect", "Upgrade", "Server"], ["X(", "", "X Y", "\xe9", "X\0"]
)


@st.composite
def fields(draw: st.DrawFn, *, plain: bool = False) -> str:
    """One line behind the first, with its end; a field without meaning to the scanner if `plain`."""
    kind = draw(st.integers(4 if plain else 0, 12))
    name, value = {
        0: (st.just("Host"), mostly(["a"], ["a:80", "", "a b", "b", "[::1]"])),
        1: (st.sampled_from(["Content-Length", "content-length"]), NUMBERS),
        2: (st.sampled_from(["Transfer-Encoding", "TRANSFER-ENCODING"]), CODINGS),
        3: (st.just("Connection"), st.sampled_from(["close", "keep-alive", "upgrade, x", ",", "Close, TE"])),
    }.get(kind, (NAMES, TEXTS))
    return draw(name) + draw(COLONS) + draw(value) + draw(st.sampled_from(["", "", " ", "\t "])) + draw(LINE_ENDS)


@st.composite
def heads(draw: st.DrawFn, first: st.SearchStrategy[str]) -> bytes:
    """A head, often a good one, perhaps with one byte put in, taken out or changed."""
    host = draw(mostly(["Host: a\r\n"], [""]))
    text = draw(first) + draw(LINE_ENDS) + host + "".join(draw(st.lists(fields(), max_size=4))) + draw(LINE_ENDS)
    if draw(st.integers(0, 9)) == 0:
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.one_of(BYTES, st.just(""))) + text[at + draw(st.integers(0, 1)) :]
    return text.encode("latin-1") + draw(st.sampled_from([b"", b"ab", b"GET / HTTP/1.1\r\n"]))


def joined(*parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(*parts).map("".join)


REQUEST_LINES = joined(METHODS, SPACES, TARGETS, SPACES, VERSIONS)
STATUS_LINES = joined(VERSIONS, SPACES, STATUSES, SPACES, st.sampled_from(["OK", "", "Not Found", "\xe9", "a\x01"]))
SIZES = mostly(["1", "2", "0a", "A", "02", "f" * 15], ["", " 2", "2 ", "+2", "0x2", "g", "f" * 16, "7" + "f" * 19])
EXTENSIONS = mostly(["", "", ";a", ";a=b", ';a="b c"', ";\xe9"], [";\x01", "; \t", "x", ";\0", ";\x0b"])


@st.composite
def chunked_bodies(draw: st.DrawFn) -> bytes:
    """A chunked body, often a good one, with a tail that does not belong to it."""
    text = ""
    for _ in range(draw(st.integers(0, 3))):
        data = draw(TEXTS.filter(bool))
        size = draw(mostly([f"{len(data):x}", f"0{len(data):X}"], [draw(SIZES)]))
        text += size + draw(EXTENSIONS) + draw(LINE_ENDS) + data + draw(LINE_ENDS)
    text += draw(mostly(["0", "00"], ["", "1"])) + draw(EXTENSIONS) + draw(LINE_ENDS)
    text += "".join(draw(st.lists(fields(plain=True), max_size=2))) + draw(LINE_ENDS)
    return text.encode("latin-1") + draw(st.sampled_from([b"", b"GET"]))


@dataclass(frozen=True)
class Reading:
    """What h11 made of some bytes: `refused`, or an event, or neither if it wants more."""

    refused: bool
    event: h11.Request | h11.InformationalResponse | h11.Response | None = None


def h11_reads(connection: h11.Connection, data: bytes) -> Reading:
    """The first event of `data` in h11's eyes."""
    connection.receive_data(data)
    try:
        event = connection.next_event()
    except h11.RemoteProtocolError:
        return Reading(refused=True)
    if isinstance(event, h11.Request | h11.InformationalResponse | h11.Response):
        return Reading(refused=False, event=event)
    return Reading(refused=False)


def a_client() -> h11.Connection:
    """A connection of h11 that waits for a response."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("Host", "a")]))
    connection.send(h11.EndOfMessage())
    return connection


def check_fields(head: Head, reading: Reading) -> None:
    """The same fields in the same order; h11 gives names, and codings, in lower case."""
    assert reading.event is not None

    def folded(name: bytes, value: bytes) -> tuple[bytes, bytes]:
        return name.lower(), value.lower() if name.lower() == b"transfer-encoding" else value

    assert [folded(*field) for field in head.fields] == [(bytes(n), bytes(v)) for n, v in reading.event.headers]


def check_agreement(head: Head, reading: Reading) -> bool:
    """Whether both accepted; fails if h11 refused what the scanner took, or either waits for what the other has."""
    if reading.refused:
        assert head.error or not head.length
        return False
    if reading.event is None:
        assert not head.length
        return False
    assert head.error or head.length
    return not head.error


@UNHURRIED
@given(heads(REQUEST_LINES))
def test_requests_are_read_as_h11_reads_them(data: bytes) -> None:
    head, reading = scanner().request(data), h11_reads(h11.Connection(h11.SERVER), data)
    if not check_agreement(head, reading):
        return
    event = reading.event
    assert isinstance(event, h11.Request)
    assert (head.method, head.target) == (event.method, event.target)
    assert head.version == (10 if event.http_version == b"1.0" else 11)  # HTTP/1.x is read as 1.1: RFC 9110 2.5
    check_fields(head, reading)


@UNHURRIED
@given(heads(STATUS_LINES))
def test_responses_are_read_as_h11_reads_them(data: bytes) -> None:
    head, reading = scanner().response(data), h11_reads(a_client(), data)
    if not check_agreement(head, reading):
        return
    event = reading.event
    assert isinstance(event, h11.InformationalResponse | h11.Response)
    assert (head.status, head.reason) == (event.status_code, event.reason)
    check_fields(head, reading)


@UNHURRIED
@given(chunked_bodies())
def test_chunked_bodies_are_decoded_as_h11_decodes_them(data: bytes) -> None:
    body, connection = scanner().chunked(data), h11.Connection(h11.SERVER)
    connection.receive_data(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + data)
    payload, done = b"", False
    try:
        while not done and (event := connection.next_event()) is not h11.NEED_DATA:
            payload += bytes(event.data) if isinstance(event, h11.Data) else b""
            done = isinstance(event, h11.EndOfMessage)
    except h11.RemoteProtocolError:
        assert not body.length
        return
    if body.error:
        return
    assert done == bool(body.length)
    assert payload == body.payload
    assert not done or connection.trailing_data[0] == data[body.length :]


@UNHURRIED
@given(heads(st.one_of(REQUEST_LINES, STATUS_LINES)), st.lists(st.integers(0, 120), max_size=6))
def test_pieces_are_read_as_the_whole(data: bytes, cuts: list[int]) -> None:
    ordered = tuple(sorted(min(cut, len(data)) for cut in cuts))
    assert scanner().request(data, ordered) == scanner().request(data)
    assert scanner().response(data, ordered) == scanner().response(data)
