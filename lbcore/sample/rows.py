"""The tables of sample fetches and converters. `fetch` and `conv` fill them; frozen before threads start."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from lbcore.base.registry import Registry
from lbcore.sample.build import Build
from lbcore.sample.points import Point
from lbcore.sample.types import Type, Value

Txn = Any  # lbcore.stream.txn.Txn, which this floor hands through
Fetcher = Callable[[Txn], Value | None]
ManyFetcher = Callable[[Txn], Iterable[Value]]
Convert = Callable[[Any], Value | None]
TxnConvert = Callable[[Txn, Any], Value | None]
Arg = Any  # what the signature says: str, int, Addr, a compiled pattern, a name to be resolved

ARG_KINDS = frozenset(
    {
        "string", "integer", "time", "size", "frontend", "backend", "server", "table", "user list", "regex",
        "IPv4 address", "IPv6 address", "IPv4 mask", "IPv6 mask", "variable", "Protocol buffers field number",
    }
)  # fmt: skip


class ArgumentError(ValueError):
    """An argument of a fetch or converter can't be used; the message says why, without naming the word itself.

    `at` is the index of the argument from 0, None if it is about all of them.
    """

    def __init__(self, text: str, at: int | None = None) -> None:
        super().__init__(text)
        self.at = at


class Signature:
    """The arguments of a word: `(integer,string[,integer])` in HAProxy's notation. `kinds` and how many are
    `needed`."""

    __slots__ = ("kinds", "needed", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        inner = text[1:-1] if text else ""
        needed = inner.partition("[")[0].rstrip(",")
        self.kinds = tuple(kind for kind in re.split(r"[\[\],]+", inner) if kind)
        self.needed = len([kind for kind in needed.split(",") if kind])
        assert all(kind in ARG_KINDS for kind in self.kinds), text


def accept(args: Sequence[Arg]) -> None:
    """The check of a word whose arguments need none."""


@dataclass(frozen=True, slots=True)
class Fetch:
    """A sample fetch.

    `signature` is HAProxy's text of its arguments, "" for none; missing optional arguments are not in `args`.
    `check(args)` looks at them while the line is read and raises ArgumentError. `make(args, build)` gives the function
    that fetches, once, when a balancer is built; `many(args, build)`, for words of which a message may hold several
    (`req.hdr`), one that yields all of them, which ACLs use. `inline` is a Python expression over `t` that gives the
    same as `make` without arguments, for words on the fast path; `stable` says that it costs little and may be kept
    until a rule changes the message. `reads` names what must be there for it ("body"), so that the stream can wait
    for it.
    """

    name: str
    signature: str
    type: Type
    points: Point
    make: Callable[[Sequence[Arg], Build], Fetcher]
    doc: str
    many: Callable[[Sequence[Arg], Build], ManyFetcher] | None = None
    check: Callable[[Sequence[Arg]], None] = accept
    inline: str = ""
    match: str = ""  # the matching method of an ACL that names none ("str", "int", "ip", "bool", ...); "": by the type


@dataclass(frozen=True, slots=True)
class Converter:
    """A converter: what goes in is cast to `takes` before, what comes out is of type `gives`.

    `check` and `signature` as in a fetch; `check_file(name, path)` looks at the file that the first argument names,
    which is to be read from `path`, and raises ArgumentError. `make(args, build)` gives a function of the value, or, if
    `txn`, of the transaction and the value. Returning None ends the expression without a sample.
    """

    name: str
    signature: str
    takes: Type
    gives: Type
    make: Callable[[Sequence[Arg], Build], Any]
    doc: str
    check: Callable[[Sequence[Arg]], None] = accept
    txn: bool = False
    check_file: Callable[[str, str], None] | None = None
    parsed: Signature = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "parsed", Signature(self.signature))


FETCHES: Registry[Fetch] = Registry("sample fetch")
CONVERTERS: Registry[Converter] = Registry("converter")


def add_fetches(*rows: Fetch) -> None:
    """Registers fetches. Raises RegistryError if a name is claimed twice."""
    for row in rows:
        Signature(row.signature)
        FETCHES.add(row.name, row)


def add_converters(*rows: Converter) -> None:
    """Registers converters. Raises RegistryError if a name is claimed twice."""
    for row in rows:
        CONVERTERS.add(row.name, row)
