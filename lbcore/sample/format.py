"""Log-format strings: text with `%alias`, `%[expression]` and flags in it (manual 8.2.6), compiled into one function.

    format = parse_format("%ci:%cp %{+Q}[req.hdr(host)]", words)     while the configuration is read
    text_of = format.make(build)                                     when a balancer is built
    text_of(t)                                                       for each message

Where things differ by place is in the style: log lines put "-" for what is missing and merge blanks, values of headers
encode what must not go into a header.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING, Any

from lbcore.sample.alias import ALIASES, BLANK, ENCODED, FLAGS, NO_FLAGS, Alias, Flag, Item, Txn, merge
from lbcore.sample.build import Build
from lbcore.sample.expression import Expression, parse_prefix
from lbcore.sample.points import EVERYWHERE, Point
from lbcore.sample.sources import source_of
from lbcore.sample.style import HEADER, PLAIN, Style
from lbcore.sample.types import Type, caster
from lbcore.sample.words import ParseError, Words, wire

if TYPE_CHECKING:
    from lbcore.sample.render import Reading, TextOf

CASTS = {kind.value: kind for kind in (Type.BOOL, Type.SINT, Type.STR, Type.BIN, Type.IPV4, Type.IPV6)}


@dataclass(frozen=True, slots=True)
class Format:
    """A log-format string, read.

    `flags` are those of its last `%{...}o`: with json or cbor among them, the whole is one object of the named items.
    """

    text: str
    items: tuple[Item, ...]
    style: Style = PLAIN
    flags: Flag = NO_FLAGS

    @property
    def points(self) -> Point:
        """Where all its expressions may be asked for."""
        found = (item.expression.points for item in self.items if item.expression is not None)
        return reduce(Point.__and__, found, EVERYWHERE)

    @property
    def constant(self) -> str | None:
        """Its text if that is always the same, else None."""
        if self.flags & ENCODED or not all(item.literal for item in self.items):
            return None
        texts = [item.text for item in self.items]
        return "".join(merge(self.items, texts) if self.style.merge else texts)

    def requires_txn(self, settings: Any) -> bool:
        """Whether the record of a stream of a proxy is not enough for it."""
        aliases = (item.alias for item in self.items if item.alias is not None)
        return any(item.expression is not None for item in self.items) or any(
            alias.requires_txn is not None and alias.requires_txn(settings) for alias in aliases
        )

    def aliases(self) -> Iterator[str]:
        """The names of the aliases in it."""
        return (item.alias.name for item in self.items if item.alias is not None)

    def fetches(self) -> Iterator[str]:
        """The names of the fetches in it."""
        return (item.expression.row.name for item in self.items if item.expression is not None)

    def make(self, build: Build, settings: Any = None) -> Callable[[Txn], str]:
        """A function that gives the text for a transaction that goes on. Raises BuildError.

        `settings` are those of the frontend, for aliases that print nothing where their feature is off.
        """
        constant = self.constant
        if constant is not None:
            return lambda t: constant
        from lbcore.sample.render import Reading  # not to check a configuration, nor where all texts are constant

        return self.compile(build, Reading(live=True, settings=settings))

    def compile(self, build: Build | None, reading: Reading) -> TextOf:
        """A function that gives the text of what `reading` says. Raises BuildError.

        `build` may be None if there are no expressions.
        """
        from lbcore.sample.render import compile_text  # as above

        return compile_text(self.items, self.style, self.flags, build, reading)


def parse_format(text: str, words: Words, style: Style = HEADER) -> Format:
    """A log-format string. `words` tells its place: mode and point; none are taken of it.

    Raises ParseError in HAProxy's words.
    """
    return _Parser(wire(text), words, style).format()


_NAME = re.compile(r"[A-Za-z0-9]+")
_ITEM_NAME = re.compile(r"[A-Za-z0-9_.-]*")
_BLANKS = re.compile(r"[ \t\r\n\v\f]+")


class _Parser:
    """One format being read: `at` is the place of the next character."""

    def __init__(self, text: str, words: Words, style: Style) -> None:
        self._text = text
        self._words = words
        self._style = style
        self._at = 0
        self._flags = NO_FLAGS  # of the `%o` before
        self._items: list[Item] = []

    def format(self) -> Format:
        text = self._text
        while self._at < len(text):
            at = text.find("%", self._at)
            self._literal(text[self._at : at if at >= 0 else len(text)])
            if at < 0:
                break
            self._at = at + 1
            self._item()
        return Format(text, tuple(self._items), self._style, self._flags)

    def _literal(self, text: str) -> None:
        if not self._style.merge:
            self._add_text(text)
            return
        at = 0
        for blanks in _BLANKS.finditer(text):
            self._add_text(text[at : blanks.start()])
            self._items.append(BLANK)
            at = blanks.end()
        self._add_text(text[at:])

    def _add_text(self, text: str) -> None:
        if text:
            self._items.append(Item(text))

    def _item(self) -> None:
        """What follows a "%"."""
        text, start = self._text, self._at
        if text.startswith("%", start):
            self._add_text("%")
            self._at += 1
            return
        name, kind = self._named() if text.startswith("(", start) else ("", None)
        flags = self._modified() if text.startswith("{", self._at) else self._flags
        item = Item(flags=flags, name=name, cast=kind)
        if text.startswith("[", self._at):
            self._items.append(replace(item, expression=self._expression(kind)))
            return
        alias = self._alias(start)
        if alias == "o":
            self._flags = flags
            return
        self._items.append(replace(item, alias=self._known(alias)))

    def _named(self) -> tuple[str, Type | None]:
        """`(name:type)`."""
        end = self._text.find(")", self._at)
        if end < 0:
            raise ParseError(f"truncated line after '{self._text[self._at + 1 :]}'")
        name, colon, kind = self._text[self._at + 1 : end].partition(":")
        if _ITEM_NAME.fullmatch(name) is None:
            raise ParseError(f"invalid character in item name '{name}'")
        if colon and kind not in CASTS:
            raise ParseError(f"unexpected output type '{kind}' for item '{name}', expects one of {', '.join(CASTS)}")
        self._at = end + 1
        return name, CASTS.get(kind)

    def _modified(self) -> Flag:
        """`{+Q,-X}`, added to or taken from what holds."""
        start, end = self._at, self._text.find("}", self._at)
        if end < 0:
            raise ParseError(f"truncated line after '{self._text[start + 1 :]}'")
        flags = self._flags
        for word in self._text[start + 1 : end].replace(" ", "").split(","):
            flag = FLAGS.get(word[1:])
            if not word:
                continue
            if flag is None or word[0] not in "+-":
                raise ParseError(f"unknown flag '{word}', expects + or - before one of {', '.join(FLAGS)}")
            flags = flags | flag if word[0] == "+" else flags & ~flag
        self._at = end + 1
        rest = self._text[self._at : self._at + 1]
        if not (rest == "[" or _NAME.match(rest)):
            raise ParseError(f"parse argument modifier without variable name near '%{self._text[start : self._at]}'")
        return flags

    def _expression(self, kind: Type | None) -> Expression:
        text, start = self._text, self._at + 1
        try:
            found, end = parse_prefix(text, start, self._words)
        except ParseError as error:
            why = f"failed to parse sample expression <{text[start:]}> : {error}"
            raise ParseError(why, hint=error.hint) from None
        self._check_point(found)
        if end == len(text):
            raise ParseError(f"missing ']' after '{text[start:]}'")
        if text[end] != "]":
            raise ParseError(f"expected ']' after '{text[start:end]}', but found '{text[end]}'")
        if kind is not None and caster(found.type, kind) is None:
            raise ParseError(f"sample expression <{found.text}> can't be cast to type '{kind.value}'")
        self._at = end + 1
        return found

    def _check_point(self, expression: Expression) -> None:
        point = self._words.point
        if point and not expression.points & point:
            raise ParseError(
                f"sample fetch <{expression.row.name}> may not be reliably used here because it needs "
                f"'{source_of(expression.row)}' which is not available here"
            )

    def _alias(self, start: int) -> str:
        found = _NAME.match(self._text, self._at)
        if found is not None:
            self._at = found.end()
            return found[0]
        if self._at >= len(self._text):
            raise ParseError(f"truncated line after '{self._text[start:] or '%'}'")
        raise ParseError(
            f"unexpected variable name near '{self._text[self._at]}' at position {self._at} line : '{self._text}'. "
            "Maybe you want to write a single '%', use the syntax '%%'"
        )

    def _known(self, name: str) -> Alias:
        alias = ALIASES.get(name)
        if alias is None:
            raise ParseError(
                f"no such format variable '{name}'. "
                "If you wanted to emit the '%' character verbatim, you need to use '%%'"
            )
        if alias.http and self._words.mode != "http":
            raise ParseError(f"format variable '{name}' is reserved for HTTP mode")
        return alias
