"""Cookies: of requests by their name, of responses as they are set (manual 7.3.6, RFC 6265 4.1, 4.2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from lbcore.fetch.request import Side, message_of, request_of, response_of
from lbcore.fetch.rows import alias, given
from lbcore.http.members import split_quoted
from lbcore.sample.build import Build
from lbcore.sample.points import EITHER, REQUEST, RESPONSE, Point
from lbcore.sample.rows import Arg, Fetch, Fetcher, ManyFetcher, add_fetches
from lbcore.sample.types import Type, Value, str_to_sint
from lbcore.stream.message import Fields, Request, Response
from lbcore.stream.txn import Txn

BLANKS = " \t"
Pairs = Iterator[tuple[str, str]]


def _pair(part: str) -> tuple[str, str] | None:
    """Name and value without the blanks around them, None without a "="."""
    name, equals, value = part.partition("=")
    return (name.strip(BLANKS), value.strip(BLANKS)) if equals else None


def cookies_of(message: Fields) -> Pairs:
    """(name, value) of all cookies: what a request brings, what a response sets (without the attributes).

    Commas part cookies, too, as they did of old. Names in requests that begin with "$" are attributes (RFC 2965 3.3.4).
    """
    if isinstance(message, Response):
        for value in message.values("set-cookie"):
            pair = _pair(next(split_quoted(value, ";")))
            if pair is not None:
                yield pair
        return
    for value in message.all("cookie"):
        for part in split_quoted(value, ";,"):
            pair = _pair(part)
            if pair is not None and pair[0][:1] != "$":
                yield pair


def values(side: Side, args: Sequence[Arg]) -> Callable[[Txn], list[str]]:
    """What gives the values of all cookies of a name, or of any."""
    name = given(args, 0)
    if name is None:
        return lambda t: [] if (message := side(t)) is None else [value for _, value in cookies_of(message)]
    find = _finder(name)

    def fetch(t: Txn) -> list[str]:
        message = side(t)
        if message is None:
            return []
        if isinstance(message, Request) and '"' not in (text := ";".join(message.all("cookie"))):
            return find(text)
        return [value for found, value in cookies_of(message) if found == name]

    return fetch


def _finder(name: str) -> Callable[[str], list[str]]:
    """What finds the values of a cookie in a request's list of them without quotes, faster than by taking it apart.
    Gives the same as `cookies_of`."""
    if name[:1] == "$":
        return lambda text: []
    found = re.compile(rf"(?:^|[;,])[ \t]*{re.escape(name)}[ \t]*=[ \t]*([^;,]*)").findall
    return lambda text: [value.rstrip(BLANKS) for value in found(text)]


def _one(side: Side, args: Sequence[Arg], convert: Callable[[str], Value] | None = None) -> Fetcher:
    """The last cookie of a name, the first one of any."""
    find, at = values(side, args), 0 if given(args, 0) is None else -1

    def fetch(t: Txn) -> Value | None:
        found = find(t)
        if not found:
            return None
        return found[at] if convert is None else convert(found[at])

    return fetch


def _count(side: Side, args: Sequence[Arg]) -> Fetcher:
    find = values(side, args)
    return lambda t: None if side(t) is None else len(find(t))


def _names(side: Side, args: Sequence[Arg]) -> Fetcher:
    delimiter = (given(args, 0) or ",")[0]

    def fetch(t: Txn) -> str | None:
        message = side(t)
        return None if message is None else delimiter.join(name for name, _ in cookies_of(message))

    return fetch


def _text_row(name: str, points: Point, side: Side) -> Fetch:
    return Fetch(
        name, "([string])", Type.STR, points, lambda args, build: _one(side, args),
        "A cookie's value: the last of its name, or the first of any.", many=lambda args, build: values(side, args),
    )  # fmt: skip


def _rows(prefix: str, points: Point, side: Side) -> tuple[Fetch, ...]:
    """The rows of one direction."""

    def integers(args: Sequence[Arg], build: Build) -> ManyFetcher:
        find = values(side, args)
        return lambda t: [str_to_sint(value) for value in find(t)]

    return (
        _text_row(f"{prefix}.cook", points, side),
        Fetch(
            f"{prefix}.cook_cnt", "([string])", Type.SINT, points, lambda args, build: _count(side, args),
            "How many cookies there are, of a name or of all.",
        ),
        Fetch(
            f"{prefix}.cook_names", "([string])", Type.STR, points, lambda args, build: _names(side, args),
            "The names of all cookies, with a delimiter between them.",
        ),
        Fetch(
            f"{prefix}.cook_val", "([string])", Type.SINT, points,
            lambda args, build: _one(side, args, str_to_sint), "As `cook`, an integer.", many=integers,
        ),
    )  # fmt: skip


def _with_aliases(prefix: str, old: str, points: Point, side: Side) -> Iterator[Fetch]:
    for row in _rows(prefix, points, side):
        word = row.name.partition(".")[2]
        yield from alias(row, *([] if word == "cook_names" else [old + word]))


add_fetches(
    _text_row("cookie", EITHER, message_of),
    *_with_aliases("req", "", REQUEST, request_of),
    *_with_aliases("res", "s", RESPONSE, response_of),
)
