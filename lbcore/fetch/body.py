"""Bodies of messages, as far as they are here (manual 7.3.6)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lbcore.fetch.request import Side, request_of, response_of
from lbcore.fetch.rows import given, plain
from lbcore.fetch.url import finder
from lbcore.sample.build import Build
from lbcore.sample.points import REQUEST, RESPONSE, Point
from lbcore.sample.rows import Arg, ArgumentError, Fetch, Fetcher, ManyFetcher, add_fetches
from lbcore.sample.types import Type
from lbcore.shim import ffi, lib
from lbcore.stream.txn import Txn


def bytes_of(side: Side) -> Callable[[Txn], bytes | None]:
    """What gives the part of a body that is here: empty without a body, None without a message."""

    def fetch(t: Txn) -> bytes | None:
        message = side(t)
        if message is None:
            return None
        if message.body is None and message.has_body:  # nobody has waited for it: what came with the head
            message.body = _come(t)
        return message.body or b""

    return fetch


def _come(t: Txn) -> bytes:
    """What the shim has of the body of the message that it asks about."""
    flow = t.flow()
    size = lib.eng_flow_body(*flow, ffi.NULL, 0)
    if size <= 0:
        return b""
    room: Any = ffi.new("char[]", size)
    lib.eng_flow_body(*flow, room, size)
    return bytes(ffi.buffer(room))


def _length(side: Side) -> Callable[[Txn], int | None]:
    body = bytes_of(side)

    def fetch(t: Txn) -> int | None:
        found = body(t)
        return None if found is None else len(found)

    return fetch


def _size(side: Side) -> Callable[[Txn], int | None]:
    """As announced, or, of a chunked body, what is known."""

    def fetch(t: Txn) -> int | None:
        message = side(t)
        return None if message is None else max(message.body_size, len(message.body or b""))

    return fetch


def make_params(args: Sequence[Arg], build: Build) -> ManyFetcher:
    find, body = finder(given(args, 0), "&", fold=given(args, 1) == "i"), bytes_of(request_of)

    def fetch(t: Txn) -> list[bytes]:
        text = (body(t) or b"").decode("latin-1")
        return [value.encode("latin-1") for value in find(text)]

    return fetch


def make_param(args: Sequence[Arg], build: Build) -> Fetcher:
    find = make_params(args, build)
    return lambda t: next(iter(find(t)), None)


def check_param(args: Sequence[Arg]) -> None:
    flag = given(args, 1)
    if flag not in (None, "i"):
        raise ArgumentError(f"'{flag}' is no flag of it, only 'i' is", 1)


def _rows(prefix: str, points: Point, side: Side) -> tuple[Fetch, ...]:
    return (
        plain(f"{prefix}.body", Type.BIN, points, bytes_of(side), "What is here of the body."),
        plain(f"{prefix}.body_len", Type.SINT, points, _length(side), "How many bytes of the body are here."),
        plain(f"{prefix}.body_size", Type.SINT, points, _size(side), "How many bytes the body is said to have."),
    )


add_fetches(
    *_rows("req", REQUEST, request_of),
    Fetch(
        "req.body_param", "([string,string])", Type.BIN, REQUEST, make_param,
        "A parameter of an url-encoded form: name, flag `i`.", many=make_params, check=check_param,
    ),
    *_rows("res", RESPONSE, response_of),
)  # fmt: skip
