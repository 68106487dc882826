"""The border between lines of the configuration and what rules are written in: expressions, conditions, actions.

What reads them is loaded with the first line that needs it, and the words of that language one topic at a time: a
configuration without rules starts sooner, one with few rules too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeVar

from lbcore.cfg.arguments import SPACED, Args, KeywordError
from lbcore.sample.points import Point
from lbcore.sample.words import ParseError, Words

T = TypeVar("T")


@cache
def load_vocabulary() -> None:
    """Names all fetches, converters, actions, filters and aliases of log-format for their tables. May be called again.

    Nobody adds to the names after that; the files of words are imported as lines have them.
    """
    import lbcore.action
    import lbcore.conv
    import lbcore.fetch
    import lbcore.filter
    import lbcore.stream.vocabulary  # noqa: F401 - importing them is all
    from lbcore.sample.alias import ALIASES
    from lbcore.sample.rows import CONVERTERS, FETCHES
    from lbcore.stream.filters import FILTERS
    from lbcore.stream.rules import ACTIONS

    for table in (FETCHES, CONVERTERS, ALIASES, ACTIONS, FILTERS):
        table.freeze()


# How messages about names call the place of an expression, by the keyword of its line.
_PLACES = {
    "error-log-format": "log-format string",
    "http-after-response": "http-response response",
    "http-error": "http-error directive",
    "http-request": "http-request expression",
    "http-response": "http-response response",
    "log-format": "log-format string",
    "log-format-sd": "log-format-sd string",
    "redirect": "redirect format string",
    "unique-id-format": "unique-id-format string",
    "use-server": "use-server or balance expression",
    "use_backend": "use_backend expression",
}


def place_of(texts: Sequence[str]) -> str:
    """How messages about names call the place of an expression in a line of these words."""
    keyword, *rest = texts
    if keyword in ("tcp-request", "tcp-response"):
        return f"{keyword} {rest[0]} expression"
    if rest[:1] == ["redirect"]:
        return _PLACES["redirect"]
    return _PLACES.get(keyword, "")


def words_of(args: Args, point: Point) -> Words:
    """The rest of a line for those who read expressions and actions; `taken` gives back what they have used."""
    load_vocabulary()
    line = args.line

    def warn(text: str, at: int | None = None) -> None:
        # HAProxy names no line where it speaks of patterns
        args.warn(text, "" if text.startswith("parsing acl keyword") else SPACED, at)

    texts = line.texts()
    return Words(
        texts,
        args.position,
        line.file,
        line.number,
        args.proxy.name,
        args.proxy.mode,
        point,
        args.proxy.acls,
        warn,
        args.context.notes,
        place_of(texts),
    )


def read(args: Args, words: Words, parse: Callable[[Words], T], sentence: str = "{}", *, lead: str = SPACED) -> T:
    """What `parse` makes of the words, which count as taken from `args`.

    Raises KeywordError: `sentence` with what is wrong for `{}`.
    """
    try:
        found = parse(words)
    except ParseError as error:
        at = error.at if error.at is not None else words.at - 1
        raise KeywordError(sentence.replace("{}", str(error)), at, error.hint, lead) from None
    finally:
        args.position = min(words.at, len(words.texts))
    return found


def condition(args: Args, words: Words, point: Point, sentence: str) -> Any:
    """The condition that ends a line, None if it has none; `words.at` stands at `if`, `unless` or the end.

    It is asked at `point`; whether it can hold there is for `order.warn_conflicts` to say. Raises KeywordError:
    `sentence` with what is wrong for `{}`.
    """
    if not words.more:
        return None
    from lbcore.sample.acl import parse_condition  # with the vocabulary

    before, words.point = words.point, Point(0)
    found = read(args, words, parse_condition, sentence)
    words.point = before
    found.point, found.inline = point, has_messages(words.mode, point)
    return found


def has_messages(mode: str, point: Point) -> bool:
    """Whether transactions have their messages at a point, so that conditions may read them without looking."""
    from lbcore.sample.acl import WITH_REQUEST, WITH_RESPONSE  # with the vocabulary

    return mode == "http" and bool(point & (WITH_REQUEST | WITH_RESPONSE))
