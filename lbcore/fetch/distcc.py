"""What a client of distcc says: tokens, each with a number and, most of them, with so many bytes (manual 7.3.5).

    DIST00000002 ARGC00000003 ARGV00000003gcc ARGV00000002-c ... DOTI00000c3f<a source file>

A token is four characters, its number eight hexadecimal digits. As in `fetch.payload` there is no sample yet where more
bytes may bring one. HAProxy gives a body that has not come whole with zeros in the place of the rest; here it waits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from lbcore.fetch.payload import data_at_hand, pending
from lbcore.fetch.rows import given
from lbcore.sample.build import Build
from lbcore.sample.points import EITHER
from lbcore.sample.rows import Arg, ArgumentError, Fetch, Fetcher, add_fetches
from lbcore.sample.types import Type
from lbcore.stream.txn import Txn

_TOKEN = 4
_HEAD = _TOKEN + 8
_BARE = frozenset({b"ARGC", b"DIST", b"DONE", b"NFIL", b"STAT"})  # their number is no length: nothing follows
_HEX = frozenset(b"0123456789abcdefABCDEF")

Found = tuple[int, bytes | None]  # the number, and the body as far as it is whole


def tokens(data: bytes) -> Iterator[tuple[bytes, int, bytes | None]]:
    """Token, number and body of each that has come with its number. A body that is not whole is None, and the last."""
    at = 0
    while at + _HEAD <= len(data):
        token, digits = data[at : at + _TOKEN], data[at + _TOKEN : at + _HEAD]
        if not _HEX.issuperset(digits):
            return
        number, at = int(digits, 16), at + _HEAD
        end = at if token in _BARE else at + number
        yield token, number, data[at:end] if end <= len(data) else None
        at = end


def _finder(args: Sequence[Arg]) -> Callable[[Txn], Found | None]:
    """What finds a token: (name, occurrence from 1; without one, or with one that can't be, the first)."""
    wanted, turn = args[0].encode("latin-1"), max(given(args, 1) or 1, 1)

    def find(t: Txn) -> Found | None:
        met = 0
        for token, number, body in tokens(data_at_hand(t) or b""):
            met += token == wanted
            if met == turn:
                return number, body
        pending(t)
        return None

    return find


def make_param(args: Sequence[Arg], build: Build) -> Fetcher:
    find = _finder(args)

    def fetch(t: Txn) -> int | None:
        found = find(t)
        return None if found is None else found[0]

    return fetch


def make_body(args: Sequence[Arg], build: Build) -> Fetcher:
    find = _finder(args)

    def fetch(t: Txn) -> bytes | None:
        found = find(t)
        if found is None:
            return None
        if found[1] is None:
            pending(t)
        return found[1] or None

    return fetch


def check(args: Sequence[Arg]) -> None:
    if len(args[0]) != _TOKEN:
        raise ArgumentError("token name must be exactly 4 characters", 0)


add_fetches(
    Fetch(
        "distcc_body", "(string[,integer])", Type.BIN, EITHER, make_body,
        "The bytes behind a token of distcc's, by its name and occurrence.", check=check,
    ),
    Fetch(
        "distcc_param", "(string[,integer])", Type.SINT, EITHER, make_param,
        "The number of a token of distcc's, by its name and occurrence.", check=check,
    ),
)  # fmt: skip
