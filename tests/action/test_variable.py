"""Actions on variables."""

from __future__ import annotations

import pytest

from lbcore.sample.words import ParseError
from lbcore.stream.rules import Ruleset
from tests.action.rules import parse, run
from tests.fetch.transactions import accepted, request


def test_a_variable_gets_what_the_expression_gives() -> None:
    t = request("GET /a?b=1 HTTP/1.1")
    run(t, "set-var(txn.a) path", "set-var(req.n) int(3),add(4)", "set-var(sess.b) url_param(b)")
    assert (t.vars, t.req_vars, t.session.vars) == ({"a": "/a"}, {"n": 7}, {"b": "1"})


def test_without_a_sample_a_variable_stays() -> None:
    t = request()
    run(t, "set-var(txn.a) int(1)", "set-var(txn.a) req.hdr(none)")
    assert t.vars == {"a": 1}


def test_a_variable_of_the_process_is_seen_everywhere() -> None:
    t = request()
    run(t, "set-var(proc.a) int(1)")
    assert request(world=t.world).world.proc_vars.get("a") == 1  # type: ignore[arg-type]


def test_a_format_makes_a_text() -> None:
    t = request("GET /a HTTP/1.1")
    run(t, 'set-var-fmt(txn.a) "%[path]-%[int(3)]"')
    assert t.vars == {"a": "/a-3"}


def test_unset_takes_it_away() -> None:
    t = request()
    run(t, "set-var(txn.a) int(1)", "set-var(txn.b) int(2)", "unset-var(txn.a)", "unset-var(txn.c)")
    assert t.vars == {"b": 2}


@pytest.mark.parametrize(
    ("conditions", "before", "after"),
    [
        ("ifexists", {}, {}),
        ("ifexists", {"a": 1}, {"a": 5}),
        ("ifnotexists", {"a": 1}, {"a": 1}),
        ("ifnotexists", {}, {"a": 5}),
        ("ifset", {"a": 1}, {"a": 5}),
        ("ifgt", {"a": 9}, {"a": 5}),
        ("ifgt", {"a": 1}, {"a": 1}),
        ("iflt", {"a": 1}, {"a": 5}),
        ("ifexists,ifgt", {"a": 1}, {"a": 1}),
    ],
)
def test_conditions_guard_the_setting(conditions: str, before: dict[str, int], after: dict[str, int]) -> None:
    t = request()
    t.vars.update(before)
    run(t, f"set-var(txn.a,{conditions}) int(5)")
    assert t.vars == after


def test_connections_have_variables_of_their_session() -> None:
    t = accepted()
    run(t, "set-var(sess.a) src", ruleset=Ruleset.TCP_CONNECTION)
    assert str(t.session.vars["a"]) == "192.0.2.1"


EXPECTS = "Expects 'set-var(<var-name>)', 'set-var-fmt(<var-name>)' or 'unset-var(<var-name>)'"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("set-var", f"invalid or incomplete action 'set-var'. {EXPECTS}"),
        ("set-var(", f"incomplete argument after action 'set-var('. {EXPECTS}"),
        ("unset-var", f"invalid or incomplete action 'unset-var'. {EXPECTS}"),
        ("unset-var()", "Empty variable name cannot be accepted"),
        ("set-var(txn.x)", "missing fetch method"),
        ("set-var(txn.x) foo", "unknown fetch method 'foo'"),
        ("set-var(txn.x,foo) int(1)", 'unknown condition "foo"'),
        ("set-var-fmt(txn.x)", "missing log-format argument"),
    ],
)
def test_wrong_arguments_are_told(text: str, complaint: str) -> None:
    with pytest.raises(ParseError) as error:
        parse(text)
    assert str(error.value) == complaint
