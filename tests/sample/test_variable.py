"""Variables: names, conditions, limits, and those of the process while threads set them."""

from __future__ import annotations

import threading

import pytest

from lbcore.sample.rows import ArgumentError
from lbcore.sample.types import Addr, Value
from lbcore.sample.variable import ENTRY_SIZE, ProcVars, Scope, VarLimits, parse_conditions, parse_name
from tests.fetch.transactions import FakeWorld, request, respond

STREAM = [scope for scope in Scope if scope is not Scope.CHECK]


@pytest.mark.parametrize("scope", STREAM)
def test_a_variable_keeps_value_and_type_until_it_is_unset(scope: Scope) -> None:
    t = request() if scope is not Scope.RES else respond(request())
    variable = parse_name(f"{scope.value}.x_1.y")
    assert (variable.scope, variable.name) == (scope, "x_1.y")
    assert variable.get(t) is None
    for value in (True, 5, "text", b"bin", Addr(b"\1\2\3\4")):
        assert variable.set(t, value)
        assert variable.get(t) is value
    variable.unset(t)
    variable.unset(t)
    assert variable.get(t) is None


def test_scopes_are_apart_and_live_as_long_as_they_say() -> None:
    world = FakeWorld()
    t = request(world=world)
    before = [scope for scope in STREAM if scope is not Scope.RES]
    for scope in before:
        assert parse_name(f"{scope.value}.x").set(t, scope.value)
    assert [parse_name(f"{scope.value}.x").get(t) for scope in before] == [scope.value for scope in before]
    respond(t)
    assert parse_name("res.x").set(t, "res")
    assert [parse_name(f"{scope.value}.x").get(t) for scope in STREAM] == ["proc", "sess", "txn", None, "res"]
    other = request(world=world)
    assert [parse_name(f"{scope.value}.x").get(other) for scope in STREAM] == ["proc", None, None, None, None]


def test_variables_of_checks_are_set_in_checks_only() -> None:
    t = request()
    assert not parse_name("check.x").set(t, 1)
    assert parse_name("check.x").get(t) is None
    t.checks, t.check_vars = True, {}
    assert parse_name("check.x").set(t, 1)
    assert parse_name("check.x").get(t) == 1
    assert parse_name("check.x").get(request()) is None


def test_variables_of_request_and_response_are_set_in_their_time_only() -> None:
    t = request()
    assert not parse_name("res.x").set(t, 1)
    assert parse_name("res.x").get(t) is None
    respond(t)
    assert not parse_name("req.x").set(t, 1)
    assert parse_name("req.x").get(t) is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Empty variable name cannot be accepted"),
        ("x", "invalid variable name 'x'. A variable name must be start by its scope. The scope can be 'proc'"),
        ("foo.x", "invalid variable name 'foo.x'. A variable name must be start by its scope."),
        ("txn.", "invalid variable name 'txn.'. A variable name must be start by its scope."),
        ("txn.a-b", "invalid syntax at char '-b'"),
    ],
)  # fmt: skip
def test_wrong_names_are_refused(text: str, sentence: str) -> None:
    with pytest.raises(ArgumentError) as told:
        parse_name(text)
    assert str(told.value).startswith(sentence)


@pytest.mark.parametrize(
    ("condition", "old", "new", "allowed"),
    [
        ("ifexists", None, 1, False), ("ifexists", 0, 1, True),
        ("ifnotexists", None, 1, True), ("ifnotexists", 0, 1, False),
        ("ifset", None, 1, False), ("ifset", "", 1, True),
        ("ifnotset", None, 1, True), ("ifnotset", 1, 1, False),
        ("ifempty", None, "", True), ("ifempty", None, "x", False), ("ifempty", "x", 0, False),
        ("ifempty", 1, b"", True),
        ("ifnotempty", None, "", False), ("ifnotempty", None, "x", True), ("ifnotempty", None, 0, True),
        ("ifgt", 5, 4, True), ("ifgt", 5, 5, False), ("ifgt", 5, 6, False), ("ifgt", None, 6, True),
        ("ifgt", "5", 6, True),
        ("ifgt", True, 6, True),
        ("iflt", 5, 6, True), ("iflt", 5, 5, False), ("iflt", 5, 4, False), ("iflt", 5, "4", True),
    ],
)  # fmt: skip
@pytest.mark.parametrize("scope", ["txn", "proc"])
def test_conditions_of_setting(scope: str, condition: str, old: Value | None, new: Value, allowed: bool) -> None:
    t = request()
    variable = parse_name(f"{scope}.x")
    if old is not None:
        variable.set(t, old)
    if scope == "proc" and condition in ("ifexists", "ifnotexists"):
        allowed = condition == "ifexists"  # it exists as soon as the configuration names it
    assert variable.setter(parse_conditions([condition]))(t, new) is allowed
    assert variable.get(t) == (new if allowed else old)


def test_all_conditions_must_hold() -> None:
    t = request()
    put = parse_name("txn.x").setter(parse_conditions(["ifset", "ifnotempty"]))
    assert not put(t, "a")
    t.vars["x"] = "old"
    assert not put(t, "")
    assert put(t, "a")


def test_unknown_conditions_are_told_with_their_place() -> None:
    assert parse_conditions(["", ""]) == ()
    with pytest.raises(ArgumentError, match='unknown condition "foo"') as told:
        parse_conditions(["ifset", "foo"])
    assert told.value.at == 2


def test_what_does_not_fit_is_not_set_and_the_old_value_stays() -> None:
    t = request()
    t.world.proc_vars.limits = VarLimits(txn=2 * ENTRY_SIZE + 10)
    first, second = parse_name("txn.a"), parse_name("txn.b")
    assert first.set(t, "12345")
    assert second.set(t, "12345")
    assert not second.set(t, "123456")
    assert not parse_name("txn.c").set(t, 1)
    assert [first.get(t), second.get(t), parse_name("txn.c").get(t)] == ["12345", "12345", None]
    first.unset(t)
    assert second.set(t, "123456")


@pytest.mark.parametrize(
    ("limits", "full"),
    [
        (VarLimits(reqres=ENTRY_SIZE), {"req.b", "res.b"}),
        (VarLimits(txn=ENTRY_SIZE), {"req.b", "res.b", "txn.b"}),
        (VarLimits(sess=ENTRY_SIZE), {"req.b", "res.b", "txn.b", "sess.b"}),
        (VarLimits(proc=ENTRY_SIZE), {"req.b", "res.b", "txn.b", "sess.b"}),
        (VarLimits(total=ENTRY_SIZE), {"req.b", "res.b", "txn.b", "sess.b"}),
    ],
)
def test_the_limit_of_a_scope_includes_the_finer_ones(limits: VarLimits, full: set[str]) -> None:
    names = ["req.b", "res.b", "txn.b", "sess.b"]
    refused = set()
    for name in names:
        t = request()
        t.world.proc_vars.limits = limits
        part = name if name == "res.b" else "req.b"
        if part == "res.b":
            respond(t)
        assert parse_name(f"{part[:3]}.a").set(t, 1)
        if not parse_name(name).set(t, 1):
            refused.add(name)
    assert refused == full


@pytest.mark.parametrize("limits", [VarLimits(check=ENTRY_SIZE), VarLimits(total=ENTRY_SIZE)])
def test_variables_of_a_check_have_a_limit(limits: VarLimits) -> None:
    t = request()
    t.checks, t.check_vars = True, {}
    t.world.proc_vars.limits = limits
    assert parse_name("check.a").set(t, 1)
    assert not parse_name("check.b").set(t, 1)
    assert not parse_name("check.a").set(t, "text")
    assert t.check_vars == {"a": 1}


def test_variables_of_the_process_have_a_limit() -> None:
    values = ProcVars()
    values.limits = VarLimits(proc=ENTRY_SIZE + 3)
    assert values.set("x", "abc")
    assert not values.set("y", "a")
    assert not values.set("x", "abcd")
    assert values.snapshot() == {"x": "abc"}


def test_no_limits_are_none() -> None:
    assert not VarLimits().any
    assert VarLimits(sess=0).any


def test_a_condition_and_the_setting_are_one_step() -> None:
    values = ProcVars()
    tests = parse_conditions(["ifnotset"])
    won: list[int] = []
    barrier = threading.Barrier(4)

    def run(at: int) -> None:
        barrier.wait()
        won.extend(turn for turn in range(200) if values.set(f"v{turn}", at, tests))

    threads = [threading.Thread(target=run, args=(at,)) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == list(range(200))
