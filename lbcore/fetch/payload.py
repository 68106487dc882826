"""Raw bytes of mode tcp, and the cookie of RDP in them (manual 7.3.5).

`t.data` has what came from the side whose rules run. Where it is not enough but more may come there is no sample yet,
and `t.missing` is set, so that content rules wait; it is set, too, of what may grow. Mode http has no raw bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from lbcore.fetch.rows import alias, given, plain
from lbcore.sample.build import Build
from lbcore.sample.points import EITHER, REQUEST, RESPONSE, Point
from lbcore.sample.rows import Arg, ArgumentError, Fetch, Fetcher, add_fetches
from lbcore.sample.types import Type
from lbcore.shim import lib
from lbcore.stream.txn import AT, Txn

Data = Callable[[Txn], bytes | None]
_KIND = AT["kind"]


def request_data(t: Txn) -> bytes | None:
    """What came from the client."""
    return None if t.ask[_KIND] == lib.ASK_RES_CONTENT else t.data


def response_data(t: Txn) -> bytes | None:
    """What came from the server."""
    return t.data if t.ask[_KIND] == lib.ASK_RES_CONTENT else None


def data_at_hand(t: Txn) -> bytes | None:
    """What came from the side whose rules run."""
    return t.data


def pending(t: Txn) -> None:
    """Says that what is fetched may come, or change, with more bytes."""
    if not t.data_end:
        t.missing = True


def _length(data: Data) -> Callable[[Txn], int | None]:
    def fetch(t: Txn) -> int | None:
        found = data(t)
        if found is None:
            return None
        pending(t)
        return len(found)

    return fetch


# --- blocks of bytes ---


def _payload(data: Data, args: Sequence[Arg]) -> Fetcher:
    """(offset, length); a length of 0 means up to the end."""
    offset, length = args

    def fetch(t: Txn) -> bytes | None:
        found = data(t)
        if found is None or offset < 0:
            return None
        if not length or offset + length > len(found):
            pending(t)
        if not found or offset + length > len(found):
            return None
        return found[offset : offset + length] if length else found[offset:]

    return fetch


_OFFSET = re.compile(r"([+-]?)([0-9]+)\Z")


def offset_of(args: Sequence[Arg]) -> int:
    """Where the block of `payload_lv` begins: at its third argument, which with a sign counts from behind the length.
    Raises ArgumentError."""
    behind = int(args[0]) + int(args[1])
    text = given(args, 2)
    if text is None:
        return behind
    found = _OFFSET.match(text)
    if found is None:
        raise ArgumentError("payload offset2 is not a number", 2)
    number = int(found[1] + found[2])
    at = behind + number if found[1] else number
    if at < 0:
        raise ArgumentError("payload offset2 too negative", 2)
    return at


def check_counted(args: Sequence[Arg]) -> None:
    if args[1] <= 0:
        raise ArgumentError("payload length must be > 0", 1)
    offset_of(args)


def _counted(data: Data, args: Sequence[Arg]) -> Fetcher:
    """(offset of a length, its size in bytes, offset of the block): a block that says how long it is."""
    where, behind, start = args[0], args[0] + args[1], offset_of(args)

    def fetch(t: Txn) -> bytes | None:
        found = data(t)
        if found is None or where < 0:
            return None
        end = start + int.from_bytes(found[where:behind], "big")
        if max(behind, end) <= len(found):
            return found[start:end] or None
        pending(t)
        return None

    return fetch


# --- the cookie of RDP ([MS-RDPBCGR] 2.2.1.1) ---

_RDP_PREFIX = 11  # bytes of TPKT and X.224 before the cookie
_COOKIE = b"cookie:"
_NO_SUCH = object()


def rdp_cookie(data: bytes, name: bytes | None) -> bytes | object | None:
    """The value of the cookie that a connection request begins with; _NO_SUCH if there is none (of that name, in any
    case), None if that can't be told yet."""
    text = data[_RDP_PREFIX:]
    if len(text) <= len(_COOKIE):
        return None
    if text[: len(_COOKIE)].lower() != _COOKIE:
        return _NO_SUCH
    line, end, rest = text[len(_COOKIE) :].lstrip(b" ").partition(b"\r")
    found, equals, value = line.partition(b"=")
    if not equals:
        hopeless = end or b"\n" in line or (name is not None and len(line) > len(name))
        return _NO_SUCH if hopeless else None
    if name is not None and found.lower() != name.lower():
        return _NO_SUCH
    if not rest:
        return None
    return value if rest[:1] == b"\n" else _NO_SUCH


def _find_rdp(args: Sequence[Arg]) -> Callable[[Txn], bytes | object | None]:
    wanted = given(args, 0)
    name = None if wanted is None else wanted.encode("latin-1")

    def find(t: Txn) -> bytes | object | None:
        data = request_data(t)
        found = _NO_SUCH if data is None else rdp_cookie(data, name)
        if found is None:
            pending(t)
        return found

    return find


def make_rdp_cookie(args: Sequence[Arg], build: Build) -> Fetcher:
    find = _find_rdp(args)

    def fetch(t: Txn) -> str | None:
        found = find(t)
        return found.decode("latin-1") if isinstance(found, bytes) else None

    return fetch


def make_rdp_count(args: Sequence[Arg], build: Build) -> Fetcher:
    """0 or 1: only the first one is looked for."""
    find = _find_rdp(args)

    def fetch(t: Txn) -> int | None:
        found = find(t)
        return None if found is None else int(found is not _NO_SUCH)

    return fetch


def _rows(prefix: str, points: Point, data: Data) -> tuple[Fetch, ...]:
    return (
        Fetch(
            f"{prefix}payload", "(integer,integer)", Type.BIN, points, lambda args, build: _payload(data, args),
            "Bytes from an offset on, so many or (0) all.", match="bin",
        ),
        Fetch(
            f"{prefix}payload_lv", "(integer,integer[,string])", Type.BIN, points,
            lambda args, build: _counted(data, args),
            "A block that says its length: offset and size of that, offset of the block.",
            check=check_counted, match="bin",
        ),
    )  # fmt: skip


add_fetches(
    *_rows("", EITHER, data_at_hand),
    *alias(
        plain("req.len", Type.SINT, REQUEST, _length(request_data), "How many bytes came from the client."), "req_len"
    ),
    *_rows("req.", REQUEST, request_data),
    *alias(
        Fetch(
            "req.rdp_cookie", "([string])", Type.STR, REQUEST, make_rdp_cookie,
            "The cookie of an RDP connection request, of a name or any.",
        ),
        "rdp_cookie",
    ),
    *alias(
        Fetch("req.rdp_cookie_cnt", "([string])", Type.SINT, REQUEST, make_rdp_count, "1 if there is such a cookie."),
        "rdp_cookie_cnt",
    ),
    plain("res.len", Type.SINT, RESPONSE, _length(response_data), "How many bytes came from the server."),
    *_rows("res.", RESPONSE, response_data),
)  # fmt: skip
