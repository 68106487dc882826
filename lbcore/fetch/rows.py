"""Helpers that rows of fetches are made with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from lbcore.sample.build import Build
from lbcore.sample.points import Point
from lbcore.sample.rows import Arg, ArgumentError, Fetch, Fetcher, ManyFetcher
from lbcore.sample.types import Type, Value
from lbcore.stream.txn import Txn

T = TypeVar("T")
Fetched = Callable[[Txn], Value | None]
Make = Callable[[Sequence[Arg], Build], Fetcher]


def plain(
    name: str,
    kind: Type,
    points: Point,
    fetch: Fetched,
    doc: str,
    *,
    many: Callable[[Txn], Iterable[Value]] | None = None,
    inline: str = "",
) -> Fetch:
    """The row of a fetch without arguments: `fetch` itself is what is made."""

    def make(args: Sequence[Arg], build: Build) -> Fetcher:
        return fetch

    def make_many(args: Sequence[Arg], build: Build) -> ManyFetcher:
        assert many is not None
        return many

    return Fetch(name, "", kind, points, make, doc, many=make_many if many is not None else None, inline=inline)


def inlined(name: str, kind: Type, points: Point, source: str, doc: str) -> Fetch:
    """The row of a fetch that is one Python expression over the transaction `t`."""
    fetch: Fetched = eval(f"lambda t: {source}")  # a text of ours
    return plain(name, kind, points, fetch, doc, inline=source)


def given(args: Sequence[Arg], at: int) -> Arg | None:
    """An optional argument, None if it is not there or empty."""
    return (args[at] if args[at] != "" else None) if len(args) > at else None


def alias(row: Fetch, *names: str, points: Point | None = None) -> tuple[Fetch, ...]:
    """The row under its own name and under others."""
    return (row, *(_renamed(row, name, points) for name in names))


def _renamed(row: Fetch, name: str, points: Point | None) -> Fetch:
    fields: dict[str, Any] = {key: getattr(row, key) for key in Fetch.__slots__}
    fields |= {"name": name, "doc": f"The same as `{row.name}`.", "points": points or row.points}
    return Fetch(**fields)


def remembering(read: Callable[[bytes], T]) -> Callable[[bytes], T]:
    """`read`, which remembers what it made of the last bytes: several fetches of one decision look at the same ones.

    Bytes are told by their identity. Any thread: there is one entry, replaced at once. What raises is not remembered.
    """
    last: list[tuple[bytes, T]] = []

    def remembered(data: bytes) -> T:
        for known, found in last:
            if known is data:
                return found
        made = read(data)
        last[:] = [(data, made)]
        return made

    return remembered


UNITS = {"s": 1_000_000, "ms": 1_000, "us": 1}  # microseconds of each


def unit_of(args: Sequence[Arg], at: int) -> int:
    """Microseconds of the unit that an optional argument names, a second without one."""
    return UNITS[given(args, at) or "s"]


def check_unit(at: int) -> Callable[[Sequence[Arg]], None]:
    """The check of an optional argument that is a unit of time."""

    def check(args: Sequence[Arg]) -> None:
        name = given(args, at)
        if name is not None and name not in UNITS:
            raise ArgumentError(f"expects 's', 'ms' or 'us', got '{name}'", at)

    return check
