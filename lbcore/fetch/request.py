"""The first line of a request, and the fields of messages of either direction (manual 7.3.6).

Each fetch of a field is made for one side: `side(t)` gives the message to look in, or None. In mode tcp there is none
but what the client's bytes say when they are read as HTTP/1; what they lack may still come.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from lbcore.fetch.rows import alias, given, inlined, plain, remembering
from lbcore.http.members import split_list
from lbcore.sample.build import Build
from lbcore.sample.points import EITHER, REQUEST, REQUEST_KEPT, RESPONSE, Point
from lbcore.sample.rows import Arg, ArgumentError, Fetch, Fetcher, ManyFetcher, add_fetches
from lbcore.sample.types import Addr, Type, Value, str_to_sint
from lbcore.shim import ffi, lib
from lbcore.stream.message import Fields, Request, Response
from lbcore.stream.txn import AT, Txn

HISTORY = 10  # occurrences that may be counted from the last one, as in HAProxy
MAXHDR = 101  # fields of a request that is looked for in the bytes of mode tcp

Message = Request | Response
Side = Callable[[Txn], Message | None]
Convert = Callable[[str], Value | None]
_KIND = AT["kind"]
_PORT = re.compile(r"([0-9.]+):([0-9]{1,5})\Z")


def request_of(t: Txn) -> Request | None:
    """The request: in mode tcp that which the client's bytes begin with, if they do."""
    req = t.req
    return req if req is not None or t.data is None else peek(t)


def response_of(t: Txn) -> Response | None:
    """The response."""
    return t.res


def message_of(t: Txn) -> Message | None:
    """The message at hand: the response once there is one."""
    found = t.res if t.res is not None else t.req
    return found if found is not None or t.data is None else peek(t)


def peek(t: Txn) -> Request | None:
    """What a client of mode tcp sent, read as a request; None if it is none, or not yet (then `t.missing` is set)."""
    data = t.data
    if data is None or t.ask[_KIND] == lib.ASK_RES_CONTENT:
        return None
    whole, request = _scanned(data)
    if not whole and not t.data_end:
        t.missing = True
    return request


@remembering
def _scanned(data: bytes) -> tuple[bool, Request | None]:
    """Whether it can be told what `data` begins with, and the request if it is one."""
    head: Any = ffi.new("h1_head *")
    lib.h1_request_init(head, MAXHDR)
    found = lib.h1_scan(head, data, len(data))
    return found != 0, _indexed(head, data) if found > 0 else None


def _indexed(head: Any, data: bytes) -> Request:
    """The request that the scanner found in `data`."""
    text = data.decode("latin-1")

    def piece(at: int, size: int) -> str:
        return text[at : at + size]

    fields = (head.hdr[i] for i in range(head.nhdr))
    lines = [f"{piece(f.name, f.name_len).lower()}: {piece(f.value, f.value_len)}\r\n" for f in fields]
    version = "HTTP/1.0" if head.version == 10 else "HTTP/1.1"
    method, target = piece(head.method, head.method_len), piece(head.target, head.target_len)
    request = Request.of(method, target, version, "\r\n" + "".join(lines))
    request.body_size = head.body_len
    request.has_body = request.body_size > 0
    request.body = data[head.len : head.len + request.body_size]
    request.whole_body = len(request.body) == request.body_size
    return request


# --- fields ---


def values_of(fields: Fields, name: str, *, whole: bool) -> list[str]:
    """The values of all fields called `name` ("": of any), whole or taken apart at commas."""
    if name:
        return fields.all(name) if whole else fields.values(name)
    found = (value for _, value in fields.items())
    return list(found) if whole else [part for value in found for part in split_list(value)]


def _outer(find: Callable[[Fields, str], str | None], part: int) -> Callable[[Fields, str], str | None]:
    """What gives the first (`part` 0) or the last (-1) comma-separated value of a field that `find` finds."""

    def value_of(fields: Fields, name: str) -> str | None:
        value = find(fields, name)
        return value if value is None or "," not in value else split_list(value)[part]

    return value_of


# By far most fetches ask for one of these: whether the value is whole, its number.
_FAST: dict[tuple[bool, int], Callable[[Fields, str], str | None]] = {
    (True, 1): Fields.get,
    (True, -1): Fields.last,
    (False, 1): _outer(Fields.get, 0),
    (False, -1): _outer(Fields.last, -1),
}


def pick(side: Side, args: Sequence[Arg], *, whole: bool) -> Callable[[Txn], str | None]:
    """What fetches the value of a field that two arguments name: its name and its number, from 1, or below 0 from the
    last one. Without arguments there is none: an empty name means any field only where a number follows."""
    if not args:
        return lambda t: None
    name = args[0].lower()
    at = int(given(args, 1) or -1)
    fast = _FAST.get((whole, at))
    if fast is not None and name:

        def fetch_fast(t: Txn) -> str | None:
            fields = side(t)
            return None if fields is None else fast(fields, name)

        return fetch_fast

    def fetch(t: Txn) -> str | None:
        fields = side(t)
        if fields is None:
            return None
        found = values_of(fields, name, whole=whole)
        if at < 0:
            return found[at] if -at <= len(found) else None
        return found[at - 1] if at <= len(found) else None

    return fetch


def pick_all(side: Side, args: Sequence[Arg], *, whole: bool) -> Callable[[Txn], Iterable[str]]:
    """As `pick`, for ACLs: without a number all values."""
    if not args:
        return lambda t: ()
    if given(args, 1):
        one = pick(side, args, whole=whole)

        def fetch_one(t: Txn) -> Iterable[str]:
            value = one(t)
            return () if value is None else (value,)

        return fetch_one
    name = args[0].lower()
    if not name:
        return lambda t: () if (fields := side(t)) is None else values_of(fields, name, whole=whole)
    mark = f"\r\n{name}: "
    size = len(mark)

    def fetch(t: Txn) -> Iterable[str]:
        fields = side(t)
        if fields is None:
            return ()
        text = fields.text
        at = text.find(mark)
        if at < 0:
            return ()
        end = text.find("\r\n", at + size)
        value = text[at + size : end]
        if text.find(mark, end) < 0 and (whole or "," not in value):  # by far most fields are there once
            return (value,)
        return fields.all(name) if whole else fields.values(name)

    return fetch


def check_occurrence(args: Sequence[Arg]) -> None:
    number = given(args, 1)
    if number is not None and number < -HISTORY:
        raise ArgumentError(f"header occurrence must be >= -{HISTORY}", 1)


def to_address(text: str) -> Addr | None:
    """An address as proxies write them: IPv4 with or without a port, or IPv6. The port is dropped."""
    found = Addr.parse(text)
    if found is not None:
        return found
    with_port = _PORT.match(text)
    if with_port is None or int(with_port[2]) > 65535:
        return None
    return Addr.parse(with_port[1])


def _count(side: Side, args: Sequence[Arg], *, whole: bool) -> Fetcher:
    name = (given(args, 0) or "").lower()

    def fetch(t: Txn) -> int | None:
        fields = side(t)
        return None if fields is None else len(values_of(fields, name, whole=whole))

    return fetch


def _names(side: Side, args: Sequence[Arg]) -> Fetcher:
    delimiter = (given(args, 0) or ",")[0]

    def fetch(t: Txn) -> str | None:
        fields = side(t)
        return None if fields is None else delimiter.join(name for name, _ in fields.items())

    return fetch


def _block(side: Side) -> Callable[[Txn], Value | None]:
    def fetch(t: Txn) -> bytes | None:
        fields = side(t)
        return None if fields is None else f"{fields.text[2:]}\r\n".encode("latin-1")

    return fetch


def varint(number: int) -> bytes:
    """A length as SPOE has it (SPOE.txt 3.1): below 240 one byte, else the rest of it in groups of seven bits."""
    if number < 240:
        return bytes((number,))
    out = bytearray((number & 0xFF | 0xF0,))
    number = (number - 240) >> 4
    while number >= 128:
        out.append(number & 0xFF | 0x80)
        number = (number - 128) >> 7
    out.append(number)
    return bytes(out)


def _counted(text: str) -> bytes:
    return varint(len(text)) + text.encode("latin-1")


def _binary(side: Side) -> Callable[[Txn], Value | None]:
    def fetch(t: Txn) -> bytes | None:
        fields = side(t)
        if fields is None:
            return None
        return b"".join(_counted(name) + _counted(value) for name, value in fields.items()) + b"\0\0"

    return fetch


def _field_row(
    name: str, kind: Type, points: Point, side: Side, doc: str, convert: Convert | None, whole: bool
) -> Fetch:
    """A row of `hdr`'s kin: values of a field, each of them converted."""

    def make(args: Sequence[Arg], build: Build) -> Fetcher:
        one = pick(side, args, whole=whole)
        return one if convert is None else lambda t: None if (value := one(t)) is None else convert(value)

    def many(args: Sequence[Arg], build: Build) -> ManyFetcher:
        several = pick_all(side, args, whole=whole)
        if convert is None:
            return several
        return lambda t: [found for value in several(t) if (found := convert(value)) is not None]

    return Fetch(name, "([string,integer])", kind, points, make, doc, many=many, check=check_occurrence)


def _rows(prefix: str, points: Point, side: Side) -> tuple[Fetch, ...]:
    """The rows of one direction; `prefix` is "req." or "res."."""

    def counter(name: str, whole: bool, doc: str) -> Fetch:
        return Fetch(name, "([string])", Type.SINT, points, lambda args, build: _count(side, args, whole=whole), doc)

    names = Fetch(
        f"{prefix}hdr_names", "([string])", Type.STR, points, lambda args, build: _names(side, args),
        "The names of all fields, with a delimiter between them.",
    )  # fmt: skip
    return (
        _field_row(f"{prefix}fhdr", Type.STR, points, side, "A field's whole value, the last one's.", None, True),
        counter(f"{prefix}fhdr_cnt", True, "How many fields there are, of a name or of all."),
        _field_row(f"{prefix}hdr", Type.STR, points, side, "A field's comma-separated value, the last.", None, False),
        counter(f"{prefix}hdr_cnt", False, "How many comma-separated values there are, of a name or of all."),
        _field_row(f"{prefix}hdr_ip", Type.ADDR, points, side, "As `hdr`, an address.", to_address, False),
        _field_row(f"{prefix}hdr_val", Type.SINT, points, side, "As `hdr`, an integer.", str_to_sint, False),
        names,
        plain(f"{prefix}hdrs", Type.BIN, points, _block(side), "All fields, and the empty line behind them."),
        plain(f"{prefix}hdrs_bin", Type.BIN, points, _binary(side), "All fields in the binary form of SPOE."),
    )


# --- the first line ---


def fetch_method(t: Txn) -> str | None:
    req = request_of(t)
    return None if req is None else req.method


def fetch_version(t: Txn) -> str | None:
    req = request_of(t)
    return None if req is None else req.version.partition("/")[2]


def fetch_proto_http(t: Txn) -> bool | None:
    """Mode tcp: true once a request is there; what is none gives no sample."""
    return True if t.data is None or request_of(t) is not None else None


def _with_aliases() -> Iterable[Fetch]:
    """The rows of both directions with the old names of some."""
    old = {
        "req.hdr_cnt": ("hdr_cnt",), "req.hdr_ip": ("hdr_ip",), "req.hdr_val": ("hdr_val",),
        "res.hdr": ("shdr",), "res.hdr_cnt": ("shdr_cnt",), "res.hdr_ip": ("shdr_ip",), "res.hdr_val": ("shdr_val",),
    }  # fmt: skip
    for row in (*_rows("req.", REQUEST, request_of), *_rows("res.", RESPONSE, response_of)):
        yield from alias(row, *old.get(row.name, ()))


add_fetches(
    _field_row("hdr", Type.STR, EITHER, message_of, "As `req.hdr` or `res.hdr`, by where it stands.", None, False),
    *_with_aliases(),
    inlined(
        "http_first_req", Type.BOOL, REQUEST_KEPT, f"t.ask[{AT['req_count']}] <= 1",
        "Whether the request is the first one of its connection.",
    ),
    plain("method", Type.METH, REQUEST_KEPT, fetch_method, "The method.", inline="(t.req and t.req.method)"),
    *alias(
        plain("req.proto_http", Type.BOOL, REQUEST_KEPT, fetch_proto_http, "Whether the client speaks HTTP."),
        "req_proto_http",
    ),
    *alias(plain("req.ver", Type.STR, REQUEST, fetch_version, "The version of the request, as 1.1."), "req_ver"),
)  # fmt: skip
