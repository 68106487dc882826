"""`filter <word> ...`: the filters of a proxy, in the order of their lines (manual 9)."""

from __future__ import annotations

from typing import Any

from lbcore.cfg.arguments import Args, KeywordError, kind_word
from lbcore.cfg.diagnostics import suggest
from lbcore.cfg.keywords import KEYWORDS, PROXIES, Keyword
from lbcore.cfg.known import known_words, knows, not_yet
from lbcore.cfg.vocabulary import read, words_of
from lbcore.proxy.settings import BandwidthLimit
from lbcore.sample.points import Point


def filter_(args: Args) -> None:
    """`filter <word> [<argument>...]`."""
    proxy, word = args.proxy, args.peek()
    if args.in_defaults:
        raise KeywordError("filter is not allowed in a 'default' section.", 0)
    if not word:
        raise KeywordError(f"missing argument for 'filter' in {kind_word(proxy)} '{proxy.name}'.", args.position)
    words = words_of(args, Point(0))
    from lbcore.stream.filters import FILTERS  # with the vocabulary

    row = FILTERS.get(word)
    if row is None:
        raise _unknown(word, list(FILTERS))
    words.take()
    found = read(args, words, row.parse, "'filter' : '{}'")
    if words.more:
        raise KeywordError(f"'filter {word}' : unknown keyword '{words.peek()}'.", words.at)
    if isinstance(found, BandwidthLimit) and any(_is_limit(other, found.name) for other in proxy.filters):
        raise KeywordError(f"'filter' : 'bwlim filter '{found.name}' already declared for proxy '{proxy.name}''", 2)
    proxy.filters.append(found)


def _is_limit(other: Any, name: str) -> bool:
    return isinstance(other, BandwidthLimit) and other.name == name


def _unknown(word: str, rows: list[str]) -> KeywordError:
    if knows("filter", word):
        return KeywordError(not_yet(f"filter {word}"), 1)
    hint = suggest(word, known_words("filter").union(rows))
    return KeywordError(f"'filter' : unknown keyword '{word}'. Registered keywords : {', '.join(rows)}", 1, hint)


KEYWORDS.register(
    Keyword(
        ("filter",),
        PROXIES,
        filter_,
        "{bwlim-in|bwlim-out} <name> default-limit <size> default-period <time> [min-size <size>] | "
        "{bwlim-in|bwlim-out} <name> limit <size> key <expression> [table <table>] [min-size <size>] | "
        "trace [name <name>] [quiet] [hexdump] [random-forwarding]",
        "Adds a filter.",
        "0.2",
    ),
)
