"""`filter bwlim-in`, `filter bwlim-out`: limits of bandwidth (manual of HAProxy 2.8, 9.7).

One limit a stream: each that a rule turns it on for has all of it. Limits that streams share by an entry of a stick
table (`limit`, `key`, `table`) are refused.

A pause is nobody's fault: no timeout of a peer runs in it, where HAProxy in mode tcp lets them end the stream and then
sends what is left at once. `min-size` makes pieces larger and never the rate smaller. Replies of our own are not
limited.
"""

from __future__ import annotations

from collections.abc import Callable

from lbcore.base.units import UnitError, size, time
from lbcore.proxy.settings import BandwidthLimit
from lbcore.sample.words import ParseError, Words
from lbcore.stream.filters import FILTERS, Filter
from lbcore.version import __version__

_SHARED = frozenset({"key", "limit", "table"})
_OPTIONS: dict[str, Callable[[str], int]] = {"default-limit": size, "default-period": time, "min-size": size}


def _parser(word: str, response: bool) -> Callable[[Words], BandwidthLimit]:
    """The parser of `<name> default-limit <size> default-period <time> [min-size <size>]`, in any order."""

    def complain(text: str, at: int | None = None) -> ParseError:
        return ParseError(f"'{word}' : {text}", at)

    def value(words: Words, option: str) -> int:
        if not words.peek():
            raise complain(f"the value is missing for '{option}' option", words.at)
        try:
            return _OPTIONS[option](words.take())
        except UnitError as error:
            detail = f"unexpected character '{error.char}'" if error.char else "value too large"
            raise complain(f"invalid value for option '{option}' ({detail})") from None

    def parse(words: Words) -> BandwidthLimit:
        name = words.take()
        if not name:
            raise complain("a name is expected as first argument ", words.at - 1)
        found: dict[str, int] = {}
        while words.peek() in _OPTIONS or words.peek() in _SHARED:
            option = words.take()
            if option in _SHARED:
                raise complain(_no_sharing(option, found))
            found[option] = value(words, option)
        if not words.more:
            _demand(found, complain)
        return BandwidthLimit(
            name, response, found.get("default-limit", 0), found.get("default-period", 0), found.get("min-size", 0)
        )

    return parse


def _no_sharing(option: str, found: dict[str, int]) -> str:
    if "default-limit" in found or "default-period" in found:
        return "cannot mix per-stream and shared parameter"
    return (
        f"the '{option}' option, of limits that streams share by an entry of a stick table, is HAProxy's but is not "
        f"supported by lbcore {__version__} yet"
    )


def _demand(found: dict[str, int], complain: Callable[[str], ParseError]) -> None:
    """Raises ParseError if one of the two values is missing, or 0."""
    for option in ("default-period", "default-limit"):
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
