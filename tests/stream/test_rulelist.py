"""Lists of rules as functions: order, last rules, locals, contents that have not come yet, errors."""

from __future__ import annotations

from typing import Any

import pytest

from lbcore.action import flow
from lbcore.sample.build import BuildError
from lbcore.sample.format import parse_format
from lbcore.sample.points import Point
from lbcore.sample.words import Words
from lbcore.stream.rulelist import (
    compile_rules,
    compile_use_backend,
    compile_use_server,
    failed_rule,
)
from lbcore.stream.rules import ACCEPT, BackendRule, Close, Rule, Ruleset, ServerRule, Wait
from lbcore.stream.txn import Txn
from tests.action.rules import Build, build_of, condition, recorded, rule, run
from tests.fetch.transactions import FakeWorld, request, tcp
from tests.thread.crew import crew


class Step:
    """An action that notes when it runs, and comes to `outcome`."""

    mutates = False
    waits = False

    def __init__(self, name: str, outcome: Any = None) -> None:
        self.name = name
        self.outcome = outcome

    def describe(self) -> str:
        return self.name

    def make(self, build: object) -> Any:
        def act(t: Txn) -> Any:
            if isinstance(self.outcome, Exception):
                raise self.outcome
            t.vars.setdefault("ran", "")
            t.vars["ran"] += self.name  # type: ignore[operator]
            return self.outcome

        return act


def steps(*actions: Step) -> list[Rule]:
    return [Rule(action, None, "lb.cfg", line, f"http-request {action.name}") for line, action in enumerate(actions, 1)]


def compiled(rules: list[Rule], point: Point = Point.FE_REQ_HDR) -> Any:
    return compile_rules(rules, Build(), point=point)


def test_rules_run_in_their_order() -> None:
    t = request()
    assert compiled(steps(Step("a"), Step("b"), Step("c")))(t) is None
    assert (t.vars["ran"], t.last_rule) == ("abc", None)


def test_a_final_rule_ends_the_list_and_is_remembered() -> None:
    t = request()
    assert compiled(steps(Step("a"), Step("b", ACCEPT), Step("c")))(t) is ACCEPT
    assert (t.vars["ran"], t.last_rule) == ("ab", ("lb.cfg", 2))


def test_an_empty_list_is_a_function_too() -> None:
    assert compiled([])(request()) is None


def test_conditions_choose() -> None:
    t = request("GET /a/b HTTP/1.1", "host: x")
    run(
        t,
        "set-header a 1 if { path_beg /a }",
        "set-header b 1 unless { path_beg /a }",
        "set-header c 1 if !{ path_beg /b } { req.hdr(host) x }",
        "set-header d 1 if { path_beg /b } or { req.hdr(host) x }",
        "set-header e 1 if { path_beg /b } or { req.hdr(host) y }",
    )
    assert t.req is not None
    assert t.req.text == "\r\nhost: x\r\na: 1\r\nc: 1\r\nd: 1\r\n"


def http(text: str, line: int = 1) -> Rule:
    """A rule of a frontend in mode http, whose condition may stand in the generated code."""
    return rule(text, line=line, point=Point.FE_REQ_HDR)


def test_what_several_conditions_read_is_read_once() -> None:
    rules = [http("set-var(txn.a) int(1) if { path_beg /a }"), http("set-var(txn.b) int(1) if { path /a/b }")]
    found = compiled(rules)
    assert found.source.count("t.req.abs_path") == 1
    t = request("GET /a/b HTTP/1.1")
    found(t)
    assert t.vars == {"a": 1, "b": 1}


def test_headers_are_looked_for_once() -> None:
    names = ("a", "b", "c")
    rules = [http(f"set-var(txn.{name}) int(1) if {{ req.hdr(host) {name} }}") for name in names]
    found = compiled(rules)
    assert found.source.count("(t)\n") == 1  # beside the calls of actions
    for name in names:
        t = request("GET / HTTP/1.1", f"host: {name}")
        found(t)
        assert t.vars == {name: 1}


def test_what_stands_behind_another_term_is_not_read_before() -> None:
    rules = [
        http("set-var(txn.a) int(1) if { path /a } { req.hdr(host) x }"),
        http("set-var(txn.b) int(1) if { path /b } { req.hdr(host) x }"),
    ]
    source = compiled(rules).source
    assert "v0 = t.req.abs_path" in source
    assert " = pure" not in source


def test_what_a_rule_has_changed_is_read_again() -> None:
    rules = [
        http("set-path /new if { path_beg /a }"),
        http("set-var(txn.b) int(1) if { path_beg /new }"),
        http("set-var(txn.c) int(1) if { path_beg /new }"),
    ]
    t = request("GET /a HTTP/1.1")
    compiled(rules)(t)
    assert t.vars == {"b": 1, "c": 1}


def test_a_list_without_waits_is_a_plain_function() -> None:
    assert not compiled(steps(Step("a"))).is_generator


class Sleep(Step):
    waits = True


def test_a_list_that_waits_goes_on_where_it_stopped() -> None:
    wait = Wait("pause", 5)
    found = compiled(steps(Step("a"), Sleep("b", wait), Step("c", ACCEPT), Step("d")))
    assert found.is_generator
    t = request()
    running = found(t)
    assert next(running) is wait
    assert t.vars["ran"] == "ab"
    with pytest.raises(StopIteration) as end:
        next(running)
    assert (end.value.value, t.vars["ran"], t.last_rule) == (ACCEPT, "abc", ("lb.cfg", 3))


def test_a_wait_may_end_its_list_when_it_is_over() -> None:
    t = request()
    closed = Close()
    running = compiled(steps(Sleep("a", Wait("body", then=lambda t: closed)), Step("b")))(t)
    next(running)
    with pytest.raises(StopIteration) as end:
        next(running)
    assert (end.value.value, t.vars["ran"], t.last_rule) == (closed, "a", ("lb.cfg", 1))


def test_a_wait_may_be_followed_by_another() -> None:
    second = Wait("pause", 2)
    running = compiled(steps(Sleep("a", Wait("pause", 1, then=lambda t: second))))(request())
    assert [wait.ms for wait in running] == [1, 2]


def test_an_error_leads_to_its_rule() -> None:
    rules = steps(Step("a"), Step("b", ValueError("no")), Step("c"))
    with pytest.raises(ValueError, match="no") as error:
        compiled(rules)(request())
    assert failed_rule(error.value) is rules[1]


def test_an_error_of_a_condition_leads_to_its_rule() -> None:
    class Broken:
        def source(self, build: object, bind: Any) -> str:
            return f"{bind({}, 'table')}[0]"

    rules = [*steps(Step("a")), Rule(Step("b"), Broken(), "lb.cfg", 9)]
    with pytest.raises(KeyError) as error:
        compiled(rules)(request())
    assert failed_rule(error.value) is rules[1]


def test_a_traceback_shows_the_rule() -> None:
    import traceback

    with pytest.raises(ValueError, match="no") as error:
        compiled(steps(Step("set-header", ValueError("no"))))(request())
    assert "lb.cfg:1: http-request set-header" in "".join(traceback.format_exception(error.value))


def test_an_error_elsewhere_leads_to_no_rule() -> None:
    assert failed_rule(ValueError()) is None


def test_a_name_that_does_not_exist_is_told_when_compiled() -> None:
    with pytest.raises(BuildError, match="nosuch"):
        compile_use_backend([BackendRule("nosuch", None, "lb.cfg", 1)], Build())


# --- contents ---


def content(t: Txn, *lines: str) -> Any:
    rules = [rule(text, Ruleset.TCP_CONTENT, number, mode="tcp") for number, text in enumerate(lines, 1)]
    return compile_rules(rules, build_of(t), point=Point.FE_CONTENT)(t)


ACCEPTS_LONG = "accept if { req.len gt 3 }"


def test_a_condition_over_missing_data_waits() -> None:
    outcome = content(tcp(b"abc"), ACCEPTS_LONG, "reject")
    assert isinstance(outcome, Wait)
    assert outcome.what == "data"


def test_data_that_is_enough_is_not_waited_for() -> None:
    assert content(tcp(b"abcd"), ACCEPTS_LONG, "reject") is ACCEPT


def test_when_no_more_comes_the_rules_decide() -> None:
    assert isinstance(content(tcp(b"abc", end=True), ACCEPTS_LONG, "reject"), Close)


@pytest.mark.parametrize(
    ("text", "waits"),
    [
        ("if { req.len gt 3 }", True),
        ("if !{ req.len gt 3 }", True),
        ("unless { req.len gt 3 }", True),
        ("if { src 192.0.2.1 } { req.len gt 3 }", True),
        ("if { src 10.0.0.1 } { req.len gt 3 }", False),
        ("if { req.len gt 3 } { src 10.0.0.1 }", True),
        ("if { req.len gt 3 } or { src 192.0.2.1 }", False),
        ("if { req.len gt 3 } or { src 10.0.0.1 }", True),
        ("if { req.len gt 1 }", False),
        ("if { req.payload(0,2) -m str zz }", False),
        ("if { req.payload(0,9) -m str zz }", True),
    ],
)
def test_only_what_may_still_change_is_waited_for(text: str, waits: bool) -> None:
    outcome = content(tcp(b"abc"), f"accept {text}", "reject")
    assert isinstance(outcome, Wait) is waits


def test_an_error_while_data_may_still_come_leads_to_its_rule() -> None:
    rules = [rule(ACCEPTS_LONG, Ruleset.TCP_CONTENT, 1, mode="tcp"), *steps(Step("a"), Step("b", ValueError("no")))]
    with pytest.raises(ValueError, match="no") as error:
        compile_rules(rules[1:] + rules[:1], Build(), point=Point.FE_CONTENT)(tcp(b"abc"))
    assert failed_rule(error.value) is rules[2]


def test_a_source_that_was_changed_is_read_again() -> None:
    rules = [
        http("set-var(txn.a) int(1) if { src 192.0.2.1 }"),
        http("set-src ipv4(10.0.0.1) if { src 192.0.2.1 }", 2),
        http("set-var(txn.b) int(1) if { src 192.0.2.1 }", 3),
        http("set-var(txn.c) int(1) if { src 10.0.0.1 }", 4),
    ]
    t = request()
    with recorded(flow):
        compiled(rules)(t)
    assert t.vars == {"a": 1, "c": 1}


def test_rules_before_the_wait_are_run_again() -> None:
    t = tcp(b"abc")
    content(t, "set-var(sess.n) var(sess.n,0),add(1)", ACCEPTS_LONG)
    t.data = b"abcd"
    content(t, "set-var(sess.n) var(sess.n,0),add(1)", ACCEPTS_LONG)
    assert t.session.vars["n"] == 2


def test_in_mode_http_contents_are_never_waited_for() -> None:
    t = request("GET /a HTTP/1.1")
    t.data_end = False
    assert content(t, "accept if { path /a }", "reject") is ACCEPT


# --- choices ---


def test_the_first_rule_that_applies_names_the_backend() -> None:
    world = FakeWorld()
    other = world.backends[1] = type(world.backends[0])(settings=world.backends[0].settings, index=1)
    build = Build(world)
    rules = [
        BackendRule("be", condition("if { path_beg /a }"), "lb.cfg", 1),
        BackendRule("be", condition("if { path_beg /b }"), "lb.cfg", 2),
    ]
    choose = compile_use_backend(rules, build)
    assert choose(request("GET /b HTTP/1.1")) is world.backends[0]
    assert choose(request("GET /c HTTP/1.1")) is None
    assert other is not None


@pytest.mark.parametrize(("path", "found"), [("/be", True), ("/nosuch", False), ("/", False)])
def test_a_backend_may_be_computed(path: str, found: bool) -> None:
    world = FakeWorld()
    name = parse_format("%[path,field(2,/)]", Words([]))
    choose = compile_use_backend([BackendRule(name, None, "lb.cfg", 1)], Build(world))
    for _ in range(2):
        assert choose(request(f"GET {path} HTTP/1.1")) is (world.backends[0] if found else None)


def test_a_computed_name_that_nothing_has_means_the_default_backend() -> None:
    """No further rule is looked at, as in HAProxy."""
    name = parse_format("%[path]", Words([]))
    rules = [BackendRule(name, None, "lb.cfg", 1), BackendRule("be", None, "lb.cfg", 2)]
    assert compile_use_backend(rules, Build())(request()) is None


def servers(*rules: ServerRule, world: FakeWorld) -> Any:
    return compile_use_server(list(rules), Build(world, "be"))


def test_a_server_is_chosen_unless_it_is_down() -> None:
    world = FakeWorld()
    s1, s2 = world.backends[0].servers
    choose = servers(ServerRule("s1", None, "lb.cfg", 1), ServerRule("s2", None, "lb.cfg", 2), world=world)
    assert choose(request()) is s1
    s1.usable = False
    assert choose(request()) is s2
    s2.usable = False
    assert choose(request()) is None


def test_with_option_persist_a_server_that_is_down_is_chosen() -> None:
    world = FakeWorld()
    world.backends[0].settings.options.add("persist")
    world.backends[0].servers[0].usable = False
    assert servers(ServerRule("s1", None, "lb.cfg", 1), world=world)(request()) is world.backends[0].servers[0]


def test_a_server_may_be_computed() -> None:
    world = FakeWorld()
    name = parse_format("%[req.hdr(x)]", Words([]))
    choose = servers(ServerRule(name, None, "lb.cfg", 1), world=world)
    assert choose(request("GET / HTTP/1.1", "x: s2")) is world.backends[0].servers[1]
    assert choose(request("GET / HTTP/1.1", "x: s3")) is None


def test_a_condition_guards_a_server() -> None:
    world = FakeWorld()
    choose = servers(ServerRule("s2", condition("if { path /2 }"), "lb.cfg", 1), world=world)
    assert choose(request("GET /2 HTTP/1.1")) is world.backends[0].servers[1]
    assert choose(request("GET /1 HTTP/1.1")) is None


def test_lists_that_are_compiled_at_once_have_sources_of_their_own() -> None:
    files: list[list[str]] = [[] for _ in range(4)]
    kept: list[Any] = []  # a source is forgotten with its function

    def work(number: int) -> None:
        for _ in range(100):
            function = compiled(steps(Step("a")))
            kept.append(function)
            files[number].append(function.__code__.co_filename)

    crew(4, work)
    assert len(set().union(*files)) == 400
