"""What all actions of this folder are made of: a function that compiles them, and what the lists of rules must know."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lbcore.proxy.settings import ProxySettings, Settings
from lbcore.sample.build import Build
from lbcore.sample.regex import RegexError, compile_regex
from lbcore.sample.words import ParseError, Words, wire
from lbcore.stream.rules import Run

_NUMBER = re.compile(r"0[xX][0-9a-fA-F]{1,16}|0[0-7]{0,20}|[1-9][0-9]{0,18}")
_DECIMAL = re.compile(r"[0-9]{1,18}")
UINT_MAX = 2**32 - 1


@dataclass(slots=True)
class Spec:
    """An action with its arguments (`lbcore.stream.rules.ActionSpec`).

    `attach(proxy)` is called with the settings of its proxy when its line has been read, and raises ParseError if it
    can't stand there; `check(proxy, settings)` when all lines have been read, and gives the complaint, None if there is
    none.
    """

    name: str
    text: str
    maker: Callable[[Build], Run]
    mutates: bool = False
    waits: bool = False
    attach: Callable[[ProxySettings], None] | None = None
    check: Callable[[ProxySettings, Settings], str | None] | None = None
    shim: Any = None  # what the shim needs to do it by itself (lbcore.stream.limit); None: it can't
    contents: bool = False  # of mode tcp: it reads bytes, which may not have come yet

    def make(self, build: Build) -> Run:
        """Compiled, over live objects. Raises BuildError."""
        return self.maker(build)

    def describe(self) -> str:
        """The action as it was written."""
        return self.text


def spec(
    words: Words,
    start: int,
    maker: Callable[[Build], Run],
    *,
    mutates: bool = False,
    waits: bool = False,
    attach: Callable[[ProxySettings], None] | None = None,
    check: Callable[[ProxySettings, Settings], str | None] | None = None,
) -> Spec:
    """The spec of the action whose word stands at `start`, its last argument being the one taken last."""
    taken = words.texts[start : words.at]
    return Spec(taken[0].partition("(")[0], " ".join(taken), maker, mutates, waits, attach, check)


def needs_frontend(proxy: ProxySettings) -> None:
    """Raises ParseError if a proxy has no clients. A `defaults` section may be inherited by either side."""
    if proxy.kind == "backend":
        raise ParseError(f"proxy '{proxy.name}' has no frontend capability")


def needs_backend(proxy: ProxySettings) -> None:
    """Raises ParseError if a proxy has no servers."""
    if proxy.kind == "frontend":
        raise ParseError(f"proxy '{proxy.name}' has no backend capability")


def inside(word: str) -> list[str] | None:
    """What stands between the parentheses of `word(a,b)`, cut at commas; None if there are no parentheses."""
    name, opened, rest = word.partition("(")
    del name
    return rest.partition(")")[0].split(",") if opened else None


def argument(words: Words, complaint: str) -> str:
    """Takes the argument that the action must have. Raises ParseError with `complaint` if there is none."""
    if not words.peek():
        raise ParseError(complaint, words.at)
    return words.take()


def behind_number(text: str) -> str:
    """What of a text does not belong to the number that it begins with."""
    found = _NUMBER.match(text)
    return text[found.end() :] if found else text


def decimal(text: str) -> int | None:
    """A number of decimal digits, None if the text is none, or too long a one."""
    return int(text) if _DECIMAL.fullmatch(text) else None


def unsigned(text: str) -> int | None:
    """A number of 32 bits as C writes it: decimal, 0x hexadecimal, 0 octal; None if the text is none."""
    if not _NUMBER.fullmatch(text):
        return None
    value = int(text, 0) if text[1:2] in ("x", "X") else int(text, 8) if text[0] == "0" else int(text)
    return value if value <= UINT_MAX else None


def regex(text: str) -> Callable[[str], re.Match[str] | None]:
    """The search of a regular expression. Raises ParseError about the word taken last."""
    try:
        return compile_regex(wire(text)).search
    except RegexError as error:
        raise ParseError(str(error)) from None
