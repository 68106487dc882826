"""The words of a line, as expressions, conditions and actions take them one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from lbcore.sample.points import Point


class ParseError(ValueError):
    """A line can't be used. The message is HAProxy's sentence without the place, `at` the index of the word at fault
    (None: the last one taken), `hint` the nearest known word."""

    def __init__(self, text: str, at: int | None = None, hint: str | None = None) -> None:
        super().__init__(text)
        self.at = at
        self.hint = hint


def _silent(text: str, at: int | None = None) -> None:
    """Nobody to warn."""


@dataclass(slots=True)
class Words:
    """A line being read. `texts` are its words as written, unquoted and with environment variables replaced; `at` is
    the index of the next one.

    What expressions need to know of their place: `file` and `line`, the `proxy` they stand in ("" for none) and its
    `mode`, the `point` of processing, the `place` as messages about names call it (""
    for none), `acls` the named ACLs declared so far in the proxy (name -> sample.acl.Acl; a
    later line with the same name adds to it), `warn` for what is odd but may stand. `notes` is the load's own storage
    (cfg.context.Context.notes): each module keeps its entry under its module name.
    """

    texts: Sequence[str]
    at: int = 0
    file: str = ""
    line: int = 0
    proxy: str = ""
    mode: str = "http"
    point: Point = Point(0)  # noqa: RUF009 - immutable
    acls: dict[str, Any] = field(default_factory=dict)
    warn: Callable[..., None] = _silent  # warn(text, at=None)
    notes: dict[str, object] = field(default_factory=dict)
    place: str = ""

    @property
    def more(self) -> bool:
        """Whether words are left."""
        return self.at < len(self.texts)

    def peek(self, ahead: int = 0) -> str:
        """The next word (or one behind it) without taking it, "" when there is none."""
        at = self.at + ahead
        return self.texts[at] if at < len(self.texts) else ""

    def take(self) -> str:
        """The next word, "" when there is none."""
        text = self.peek()
        self.at += 1
        return text

    @property
    def at_condition(self) -> bool:
        """Whether a condition begins here, or the line ends."""
        return self.peek() in ("if", "unless", "")


def wire(text: str) -> str:
    """A text of the configuration as it goes over the wire: UTF-8, one character a byte."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("latin-1")
