"""Actions on fields: what the table of rewrites does not show."""

from __future__ import annotations

import pytest

from lbcore.action import failure
from lbcore.sample.words import ParseError
from lbcore.stream.rules import Reply, Ruleset
from tests.action.rules import parse, recorded, run
from tests.fetch.transactions import request, respond


def test_a_response_is_changed_by_rules_of_responses() -> None:
    t = respond(request("GET / HTTP/1.1", "x: 1"), "HTTP/1.1 200 OK", "X: 2", "Y: 3")
    run(t, "set-header X %[status]", "add-header Z z", "del-header Y", ruleset=Ruleset.HTTP_RESPONSE)
    assert (t.res.text, t.req.text) == ("\r\nx: 200\r\nz: z\r\n", "\r\nx: 1\r\n")  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["a b", "a:", 'a"', "ä", "a\tb", "(a)"])
def test_a_name_that_no_field_may_have_is_refused(name: str) -> None:
    with pytest.raises(ParseError, match="contains forbidden character"):
        parse(f"set-header '{name}' x")


@pytest.mark.parametrize("text", ['"a\\nb"', '"a\\rb"', '"%[path]\\r\\nx: y"'])
def test_a_constant_with_a_line_break_is_refused(text: str) -> None:
    with pytest.raises(ParseError, match="line break"):
        parse(f"set-header x {text}")


@pytest.mark.parametrize(
    "text", ["set-header", "set-header x", "add-header x", "replace-header x y", "replace-value x"]
)
def test_a_missing_argument_is_told(text: str) -> None:
    with pytest.raises(ParseError, match=r"expects exactly [23] arguments"):
        parse(text)


def test_a_regular_expression_that_is_none_is_told() -> None:
    with pytest.raises(ParseError, match=r"regex '\(' is invalid"):
        parse("replace-header x ( y")


def test_an_unknown_method_of_del_header_is_told() -> None:
    with pytest.raises(ParseError, match="-m with unsupported matching method 'foo'"):
        parse("del-header x -m foo")


def test_a_failed_rewrite_is_counted_and_answered_with_500() -> None:
    t = request("GET / HTTP/1.1", "x: a")
    t.backend = t.world.backends[0]
    with recorded(failure) as shim:
        outcome = run(t, 'replace-header x a "b\\\\"')
    assert isinstance(outcome, Reply)
    assert (outcome.status, outcome.term) == (500, "PR")
    assert shim.of("eng_count") == [
        (None, 0, side, 0, what)
        for what in (shim.CNT_FAILED_REWRITES, shim.CNT_INTERNAL_ERRORS)
        for side in (failure.FRONTEND, failure.BACKEND, failure.LISTENER)
    ]


def test_without_strict_mode_a_failed_rewrite_is_only_counted() -> None:
    t = request("GET / HTTP/1.1", "x: a")
    with recorded(failure) as shim:
        assert run(t, "strict-mode off", 'replace-header x a "b\\\\"', "set-header y 1") is None
    assert {call[-1] for call in shim.of("eng_count")} == {shim.CNT_FAILED_REWRITES}
    assert t.req is not None
    assert t.req.get("y") == "1"


@pytest.mark.parametrize("action", ["set-header y ", "add-header y ", "replace-header x ^.*$ ", "set-uri /"])
def test_what_does_not_fit_into_the_buffer_is_a_failed_rewrite(action: str) -> None:
    t = request("GET / HTTP/1.1", "x: " + "a" * 8000)
    t.world.facts.bufsize = 16384
    with recorded(failure):
        outcome = run(t, f"{action}%[req.hdr(x)]%[req.hdr(x)]%[req.hdr(x)]")
    assert isinstance(outcome, Reply)
    assert outcome.status == 500
    assert not t.req.changed  # type: ignore[union-attr]


def test_without_strict_mode_what_does_not_fit_is_left_out() -> None:
    t = request("GET / HTTP/1.1", "x: " + "a" * 8000)
    t.world.facts.bufsize = 16384
    with recorded(failure):
        assert run(t, "strict-mode off", "set-header y %[req.hdr(x)]%[req.hdr(x)]", "set-header z 1") is None
    assert t.req is not None
    assert (t.req.get("y"), t.req.get("z")) == (None, "1")


def test_a_long_head_takes_what_still_fits() -> None:
    t = request("GET / HTTP/1.1", "x: " + "a" * 8000)
    t.world.facts.bufsize = 16384
    with recorded(failure):
        assert run(t, "set-header y %[req.hdr(x)]") is None
    assert t.req is not None
    assert t.req.get("y") == "a" * 8000


def test_rules_after_a_response_never_end_it() -> None:
    t = respond(request(), "HTTP/1.1 200 OK", "x: a")
    with recorded(failure):
        assert run(t, 'replace-header x a "b\\\\"', ruleset=Ruleset.HTTP_AFTER) is None


def test_a_request_that_no_rule_changes_is_not_marked_as_changed() -> None:
    t = request("GET / HTTP/1.1", "x: a")
    run(t, "del-header y", "replace-header x b c", "replace-header z a b")
    assert t.req is not None
    assert not t.req.changed
