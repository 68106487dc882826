"""Fetches evaluated over hand-made transactions, as text, so that they can be set beside what a HAProxy answers."""

from __future__ import annotations

from collections.abc import Callable

import lbcore.fetch  # noqa: F401 - fills the table
from lbcore.sample.expression import Expression, parse_expression
from lbcore.sample.types import Type, Value
from lbcore.sample.words import Words
from lbcore.stream.txn import Txn
from tests.fetch.transactions import FakeBuild

TAILS: dict[str, Callable[[Value], Value]] = {
    ",hex": lambda value: (value if isinstance(value, bytes) else str(value).encode("latin-1")).hex().upper(),
    ",length": lambda value: len(value) if isinstance(value, (bytes, str)) else len(str(value)),
}


def parse(text: str) -> Expression:
    """The expression that `text` is. Raises ParseError."""
    return parse_expression(Words([text]))


def value(t: Txn, text: str, build: FakeBuild | None = None) -> Value | None:
    """What an expression gives."""
    found: Value | None = parse(text).make(build or FakeBuild(t.world))(t)  # type: ignore[arg-type]
    return found


def values(t: Txn, text: str, build: FakeBuild | None = None) -> list[Value]:
    """What an ACL sees of an expression: all values."""
    return list(parse(text).make_many(build or FakeBuild(t.world))(t))  # type: ignore[arg-type]


def printed(t: Txn, text: str, build: FakeBuild | None = None) -> str | None:
    """What a log-format prints for an expression, None where there is no sample.

    It may end in one of TAILS: enough of the converters to see all bytes of a value.
    """
    tail = next((tail for tail in TAILS if text.endswith(tail)), "")
    expression = parse(text.removesuffix(tail))
    if tail:
        found = value(t, text.removesuffix(tail), build)
        return None if found is None else str(TAILS[tail](found))
    shown: str | None = expression.make(build or FakeBuild(t.world), Type.STR)(t)  # type: ignore[arg-type,assignment]
    return shown
