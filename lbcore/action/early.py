"""`http-request early-hint`: a 103 response before the request is forwarded (RFC 8297)."""

from __future__ import annotations

from dataclasses import dataclass

from lbcore.action.header import field_name, find_unsafe, value_format
from lbcore.sample.build import Build
from lbcore.sample.format import Format
from lbcore.sample.words import ParseError, Words
from lbcore.shim import lib
from lbcore.stream.rules import ACTIONS, Action, Outcome, Ruleset, Run
from lbcore.stream.txn import Txn

_START = "HTTP/1.1 103 Early Hints\r\n"


@dataclass(slots=True)
class EarlyHint:
    """One rule. Rules without a condition that follow each other fill one response: all but the last have `more`."""

    name: str
    text: str
    field: str
    value: Format
    more: bool = False
    mutates: bool = False
    waits: bool = False

    def describe(self) -> str:
        """The action as it was written."""
        return self.text

    def make(self, build: Build) -> Run:
        """Compiled. Raises BuildError."""
        render, start, more = self.value.make(build), f"{self.field}: ", self.more

        def run(t: Txn) -> Outcome | None:
            value = render(t)
            if not find_unsafe(value):
                t.hints += f"{start}{value}\r\n"
            if not more and t.hints:
                _send(t, f"{_START}{t.hints}\r\n".encode("latin-1"))
                t.hints = ""
            return None

        return run


def _send(t: Txn, head: bytes) -> None:
    """A client that speaks HTTP/1.0, or is gone, misses nothing."""
    lib.eng_flow_interim(*t.flow(), head, len(head))


def early_hint(words: Words, ruleset: Ruleset) -> EarlyHint:
    """`early-hint <name> <format>`."""
    start = words.at - 1
    complaint = "expects exactly 2 arguments"
    if not words.peek(1):
        raise ParseError(complaint, words.at)
    name, value = field_name(words, complaint), value_format(words)
    text = " ".join(words.texts[start : words.at])
    return EarlyHint("early-hint", text, name, value)


ACTIONS.register(Action("early-hint", (Ruleset.HTTP_REQUEST,), early_hint, "Sends a field in a 103 response."))
