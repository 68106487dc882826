"""`capture`: keeps a sample for the logs (manual 4.2; %hr, %hs)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lbcore.action.spec import Spec, decimal, needs_frontend, spec
from lbcore.proxy.settings import CaptureSlot, ProxySettings, Settings
from lbcore.sample.build import Build
from lbcore.sample.expression import Expression, parse_expression
from lbcore.sample.points import Point
from lbcore.sample.types import Type
from lbcore.sample.words import ParseError, Words
from lbcore.stream.rules import ACTIONS, Action, Outcome, Ruleset, Run

_USAGE = "expects <expression> [ 'len' <length> | id <idx> ]"


@dataclass(slots=True)
class _Place:
    """Where a rule puts its sample: slot number `index` of the frontend; known when the rule's proxy is."""

    index: int = -1


def capture(words: Words, ruleset: Ruleset) -> Spec:
    """`capture <expression> {len <length>|id <number>}`; in lists of responses only `id`."""
    start = words.at - 1
    if any(words.peek(ahead) in ("", "if", "unless") for ahead in range(3)):
        raise ParseError(_USAGE, words.at)
    expression = parse_expression(words)
    kind = words.take()
    if kind == "len" and ruleset is Ruleset.HTTP_REQUEST:
        return _declared(words, start, ruleset, expression, _length(words.take()))
    if kind != "id":
        wanted = "'len' or 'id'" if ruleset is Ruleset.HTTP_REQUEST else "'id'"
        raise ParseError(f"expects {wanted}, found '{kind}'" if kind else f"expects {wanted}")
    text = words.take()
    index = decimal(text)
    if index is None:
        raise ParseError(f"cannot parse id '{text}'" if text else "missing id value")
    return _numbered(words, start, ruleset, expression, index)


def capture_content(words: Words, ruleset: Ruleset) -> Spec:
    """`tcp-request content capture <expression> len <length>`."""
    start = words.at - 1
    try:
        expression = parse_expression(words)
        if words.peek() != "len":
            raise ParseError("a positive 'len' argument is mandatory", words.at)
        words.take()
        found = _declared(words, start, ruleset, expression, _length(words.take()))
    except ParseError as error:
        raise _of_content(error) from None
    bind = found.attach
    assert bind is not None, "a rule with a slot of its own has one"

    def attach(proxy: ProxySettings) -> None:
        try:
            bind(proxy)
        except ParseError as error:
            raise _of_content(error) from None

    found.attach, found.contents = attach, not expression.points & Point.FE_SESS
    return found


def _of_content(error: ParseError) -> ParseError:
    return ParseError(f"'tcp-request content capture' : {error}", error.at, error.hint)


def _length(text: str) -> int:
    length = decimal(text)
    if not length:
        raise ParseError("length must be > 0")
    return length


def _declared(words: Words, start: int, ruleset: Ruleset, expression: Expression, length: int) -> Spec:
    """A rule that has a slot of its own."""
    place = _Place()

    def attach(proxy: ProxySettings) -> None:
        needs_frontend(proxy)
        slots = slots_of(ruleset)(proxy)
        place.index = len(slots)
        slots.append(CaptureSlot(length))

    return spec(words, start, _maker(ruleset, expression, place), attach=attach)


def _numbered(words: Words, start: int, ruleset: Ruleset, expression: Expression, index: int) -> Spec:
    """A rule that fills a slot which another line declares. In a backend, the frontend's is meant, if it has one."""
    kind = "http-request" if ruleset is Ruleset.HTTP_REQUEST else "http-response"

    def check(proxy: ProxySettings, settings: Settings) -> str | None:
        if not proxy.has_frontend or index < len(slots_of(ruleset)(proxy)):
            return None
        return f"unable to find capture id '{index}' referenced by {kind} capture rule."

    return spec(words, start, _maker(ruleset, expression, _Place(index)), check=check)


def slots_of(ruleset: Ruleset) -> Callable[[ProxySettings], list[CaptureSlot]]:
    """The slots that rules of a list fill."""
    if ruleset in (Ruleset.HTTP_REQUEST, Ruleset.TCP_CONTENT):
        return lambda proxy: proxy.captures_request
    return lambda proxy: proxy.captures_response


def _maker(ruleset: Ruleset, expression: Expression, place: _Place) -> Callable[[Build], Run]:
    name = "captures_req" if ruleset in (Ruleset.HTTP_REQUEST, Ruleset.TCP_CONTENT) else "captures_res"
    slots = slots_of(ruleset)

    def make(build: Build) -> Run:
        fetch, index = expression.make(build, Type.STR), place.index

        def run(t: Any) -> Outcome | None:
            value = fetch(t)
            declared = slots(t.frontend.settings)
            if value is None or index >= len(declared):
                return None
            kept = getattr(t, name)
            if kept is None:
                kept = [None] * len(declared)
                setattr(t, name, kept)
            kept[index] = str(value)[: declared[index].length]
            t.kept = True  # until its line is written
            return None

        return run

    return make


ACTIONS.register(
    Action(
        "capture",
        (Ruleset.HTTP_REQUEST, Ruleset.HTTP_RESPONSE, Ruleset.HTTP_AFTER),
        capture,
        "Keeps a sample for the logs.",
    ),
    Action("capture", (Ruleset.TCP_CONTENT,), capture_content, "Keeps a sample for the logs."),
)
