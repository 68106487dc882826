"""Actions that wait, as the generator of their list shows."""

from __future__ import annotations

from typing import Any

import pytest

from lbcore.sample.points import Point
from lbcore.sample.words import ParseError
from lbcore.shim import lib
from lbcore.stream.rulelist import compile_rules
from lbcore.stream.rules import Reply, Ruleset, Wait
from lbcore.stream.txn import AT, Txn
from tests.action.rules import build_of, parse, rule
from tests.fetch.transactions import request, respond


def started(t: Txn, *lines: str, ruleset: Ruleset = Ruleset.HTTP_REQUEST) -> Any:
    """The generator of a list of rules."""
    found = compile_rules([rule(text, ruleset) for text in lines], build_of(t), point=Point(0))
    assert found.is_generator
    return found(t)


def result(steps: Any) -> Any:
    """What a generator that has nothing more to wait for returns."""
    with pytest.raises(StopIteration) as end:
        next(steps)
    return end.value.value


def asked_again(t: Txn, flags: int = 0) -> None:
    """The question comes again: with `flags`."""
    ask = list(t.ask)
    ask[AT["flags"]] = lib.ASK_F_AGAIN | flags
    t.ask = tuple(ask)


def test_pause_waits_before_the_next_rule() -> None:
    t = request()
    steps = started(t, "set-header a 1", "pause 250ms", "set-header b 2")
    assert next(steps) == Wait("pause", 250)
    assert t.req is not None
    assert (t.req.get("a"), t.req.get("b")) == ("1", None)
    assert result(steps) is None
    assert t.req.get("b") == "2"


@pytest.mark.parametrize(("value", "ms"), [("300", 300), ("99999999999", 2**31 - 1)])
def test_pause_may_be_computed(value: str, ms: int) -> None:
    assert next(started(request("GET / HTTP/1.1", f"x: {value}"), "pause req.hdr(x)")) == Wait("pause", ms)


@pytest.mark.parametrize("text", ["pause 0", "pause int(0)", "pause int(-3)", "pause req.hdr(none)"])
def test_no_time_is_no_pause(text: str) -> None:
    assert result(started(request(), text)) is None


def test_a_whole_body_is_not_waited_for() -> None:
    assert result(started(request(body=b"abc"), "wait-for-body time 1s")) is None


def test_a_request_without_a_body_is_not_waited_for() -> None:
    assert result(started(request(), "wait-for-body time 1s")) is None


def test_a_body_that_fills_the_buffer_is_asked_for_once_as_rules_see_none_of_it_before() -> None:
    t = request(body=b"", whole=False)
    assert t.req is not None
    t.req.body = None
    ask = list(t.ask)
    ask[AT["flags"]] |= lib.ASK_F_FULL
    t.ask = tuple(ask)
    steps = started(t, "wait-for-body time 1s", "allow")
    assert next(steps).what == "body"
    t.req.body = b"x" * 16384
    asked_again(t, lib.ASK_F_FULL)
    result(steps)


def test_a_body_is_waited_for() -> None:
    t = request(body=b"", whole=False)
    steps = started(t, "wait-for-body time 1s at-least 2k", "allow")
    wait = next(steps)
    assert (wait.what, wait.ms, wait.bytes) == ("body", 1000, 2048)
    asked_again(t)
    assert t.req is not None
    t.req.body, t.req.whole_body = b"x" * 100, True
    assert result(steps) is not None


def test_enough_of_a_body_is_not_waited_for() -> None:
    assert result(started(request(body=b"abc", whole=False), "wait-for-body at-least 3 time 1s")) is None


def test_a_buffer_that_is_full_is_not_waited_for() -> None:
    t = request(body=b"abc", whole=False)
    asked_again(t, lib.ASK_F_FULL)
    assert result(started(t, "wait-for-body time 1s")) is None


def test_a_request_whose_body_is_late_is_answered_with_408() -> None:
    t = request(body=b"abc", whole=False)
    steps = started(t, "wait-for-body time 1s", "allow")
    next(steps)
    asked_again(t, lib.ASK_F_TIMEOUT)
    outcome = result(steps)
    assert isinstance(outcome, Reply)
    assert (outcome.status, outcome.term, outcome.close) == (408, "cR", True)


def test_a_response_whose_body_is_late_is_answered_with_504() -> None:
    t = respond(request(), body=b"abc", whole=False)
    steps = started(t, "wait-for-body time 1s", ruleset=Ruleset.HTTP_RESPONSE)
    next(steps)
    asked_again(t, lib.ASK_F_TIMEOUT)
    outcome = result(steps)
    assert isinstance(outcome, Reply)
    assert (outcome.status, outcome.term) == (504, "sH")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("wait-for-body", "expects time <time> [ at-least <bytes> ]"),
        ("wait-for-body time", "missing argument for 'time'"),
        ("wait-for-body time x", "unexpected character 'x'"),
        ("wait-for-body time 1s at-least", "missing argument for 'at-least'"),
        ("wait-for-body time 1s at-least 3q", "unexpected character 'q'"),
        ("pause", "expects exactly 1 argument (a time or an expression)"),
        ("pause 3q", "unexpected character 'q'"),
    ],
)
def test_wrong_arguments_are_told(text: str, complaint: str) -> None:
    with pytest.raises(ParseError) as error:
        parse(text)
    assert str(error.value) == complaint
