"""`filter bwlim-in`, `filter bwlim-out`: limits of bandwidth (manual of HAProxy 2.8, 9.7).

With `default-limit` each stream that a rule turns it on for has all of it. With `limit`, `key` and `table` it is shared
by the streams that have the same key, and the rate of bytes that the table keeps of that key is what is limited, each
period of that rate.

A pause is nobody's fault: no timeout of a peer runs in it, where HAProxy in mode tcp lets them end the stream and then
sends what is left at once. `min-size` makes pieces larger and never the rate smaller. Replies of our own are not
limited.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lbcore.base.units import UnitError, size, time
from lbcore.proxy.settings import BandwidthLimit
from lbcore.sample.expression import parse_expression
from lbcore.sample.words import ParseError, Words
from lbcore.stream.filters import FILTERS, Filter

Complain = Callable[..., ParseError]

_OWN = frozenset({"default-limit", "default-period"})
_SHARED = frozenset({"key", "limit", "table"})
_NUMBERS: dict[str, Callable[[str], int]] = {
    "default-limit": size, "default-period": time, "limit": size, "min-size": size,
}  # fmt: skip
_KINDS = {"key": "sample expression", "table": "table name"}
_OPTIONS = (*_NUMBERS, *_KINDS)


def _parser(word: str, response: bool) -> Callable[[Words], BandwidthLimit]:
    """The parser of `<name> default-limit <size> default-period <time> [min-size <size>]`, or
    `<name> limit <size> key <expression> [table <table>] [min-size <size>]`, in any order."""

    def complain(text: str, at: int | None = None) -> ParseError:
        return ParseError(f"'{word}' : {text}", at)

    def parse(words: Words) -> BandwidthLimit:
        name = words.take()
        if not name:
            raise complain("a name is expected as first argument ", words.at - 1)
        found: dict[str, Any] = {}
        while words.peek() in _OPTIONS:
            option = words.take()
            if not found.keys().isdisjoint(_OWN if option in _SHARED else _SHARED if option in _OWN else ()):
                raise complain("cannot mix per-stream and shared parameter")
            found[option] = _value(words, option, complain)
        if not words.more:
            _demand(found, complain)
        least = found.get("min-size", 0)
        if "key" not in found:
            return BandwidthLimit(name, response, found.get("default-limit", 0), found.get("default-period", 0), least)
        return BandwidthLimit(
            name, response, found.get("limit", 0), 0, least, found["key"], found.get("table", words.proxy)
        )

    return parse


def _value(words: Words, option: str, complain: Complain) -> Any:
    """What stands behind an option: a number, an expression, a name. Raises ParseError."""
    if not words.peek():
        raise complain(f"the {_KINDS.get(option, 'value')} is missing for '{option}' option", words.at)
    if option == "key":
        return parse_expression(words)
    if option == "table":
        return words.take()
    try:
        return _NUMBERS[option](words.take())
    except UnitError as error:
        detail = f"unexpected character '{error.char}'" if error.char else "value too large"
        raise complain(f"invalid value for option '{option}' ({detail})") from None


def _demand(found: dict[str, Any], complain: Complain) -> None:
    """Raises ParseError if a value that there must be is missing, or 0."""
    shared = not found.keys().isdisjoint(_SHARED)
    for option in ("key", "limit") if shared else ("default-period", "default-limit"):
        if not found.get(option):
            raise complain(f"<{option}> option is missing")


FILTERS.add(
    "bwlim-in",
    Filter("bwlim-in", "BWLIM", _parser("bwlim-in", response=False), "Limits the bandwidth of what clients send."),
)
FILTERS.add(
    "bwlim-out",
    Filter("bwlim-out", "BWLIM", _parser("bwlim-out", response=True), "Limits the bandwidth of what servers send."),
)
