"""Actions that wait: `pause`, `wait-for-body` (manual 4.2)."""

from __future__ import annotations

from collections.abc import Callable

from lbcore.action.failure import error_reply
from lbcore.action.spec import Spec, argument, spec
from lbcore.base.units import MS_MAX, UnitError, size, time
from lbcore.sample.build import Build
from lbcore.sample.expression import parse_expression
from lbcore.sample.types import Type
from lbcore.sample.words import ParseError, Words
from lbcore.shim import lib
from lbcore.stream.message import Request, Response
from lbcore.stream.rules import ACTIONS, GONE, Action, Outcome, Ruleset, Run, Wait
from lbcore.stream.txn import AT, Txn

MESSAGES = (Ruleset.HTTP_REQUEST, Ruleset.HTTP_RESPONSE)
_FLAGS = AT["flags"]


def pause(words: Words, ruleset: Ruleset) -> Spec:
    """`pause {<time>|<expression>}`: the next rule comes that many milliseconds later."""
    start = words.at - 1
    text = argument(words, "expects exactly 1 argument (a time or an expression)")
    if text[0].isdecimal():
        wait = Wait("pause", _value(time, text))
        return spec(words, start, lambda build: lambda t: wait if wait.ms else None, waits=True)
    words.at -= 1
    expression = parse_expression(words)

    def make(build: Build) -> Run:
        fetch = expression.make(build, Type.SINT)

        def run(t: Txn) -> Outcome | None:
            ms = fetch(t)
            return Wait("pause", min(int(ms), MS_MAX)) if ms and int(ms) > 0 else None

        return run

    return spec(words, start, make, waits=True)


def wait_for_body(words: Words, ruleset: Ruleset) -> Spec:
    """`wait-for-body time <time> [at-least <bytes>]`: until the body is here, as much of it, or the buffer is full.

    When the time is over the stream ends: 408 for a request, 504 for a response. So does that of a client which leaves
    before all of its request has come: no server sees a part of it.
    """
    start = words.at - 1
    ms, least = _limits(words)
    response = ruleset is Ruleset.HTTP_RESPONSE

    def over(t: Txn) -> Outcome | None:
        flags = t.ask[_FLAGS]
        if not flags & (lib.ASK_F_TIMEOUT | lib.ASK_F_EOF) or _enough(_message(t), least):
            return None
        if flags & lib.ASK_F_EOF:  # what a server left out is told, and ends the stream, where it is forwarded
            return None if response else GONE
        return error_reply(t, 504, "sH") if response else error_reply(t, 408, "cR", close=True)

    wait = Wait("body", ms, least, over)

    def _message(t: Txn) -> Request | Response:
        found = t.res if response else t.req
        assert found is not None, "rules run over a message"
        return found

    def run(t: Txn) -> Outcome | None:
        message = _message(t)
        # What came with the head is shown from the first wait on, also of a body that has filled the buffer already.
        full = message.body is not None and t.ask[_FLAGS] & lib.ASK_F_FULL
        return None if not message.has_body or full or _enough(message, least) else wait

    return spec(words, start, lambda build: run, mutates=True, waits=True)


def _enough(message: Request | Response, least: int) -> bool:
    return message.whole_body or bool(least and message.body is not None and len(message.body) >= least)


def _limits(words: Words) -> tuple[int, int]:
    """Time and size, in any order. The time is mandatory."""
    ms, least = None, 0
    while not words.at_condition:
        if words.peek() == "time":
            words.take()
            ms = _value(time, argument(words, "missing argument for 'time'"))
        elif words.peek() == "at-least":
            words.take()
            least = _value(size, argument(words, "missing argument for 'at-least'"))
        else:
            break
    if ms is None:
        raise ParseError("expects time <time> [ at-least <bytes> ]")
    return ms, least


def _value(read: Callable[[str], int], text: str) -> int:
    try:
        return read(text)
    except UnitError as error:
        raise ParseError(str(error)) from None


ACTIONS.register(
    Action("pause", MESSAGES, pause, "Waits before the next rule."),
    Action("wait-for-body", MESSAGES, wait_for_body, "Waits for the body of the message."),
)
