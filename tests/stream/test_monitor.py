"""`monitor-uri` and `monitor fail`."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from lbcore.http.reply import Message, default_page
from lbcore.stream import monitor
from lbcore.stream.monitor import make_monitor
from lbcore.stream.rules import Reply, RuleLists
from lbcore.stream.txn import Txn
from tests.fetch.transactions import FakeBuild, FakeWorld, request


class FakeCondition:
    """A `lbcore.sample.acl.Condition`."""

    def __init__(self, holds: bool) -> None:
        self._holds = holds

    def make(self, build: Any) -> Callable[[Txn], bool]:
        return lambda t: self._holds


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What is counted in the shim, which no transaction made by hand has."""
    calls: list[tuple[Any, ...]] = []
    fake = SimpleNamespace(eng_count=lambda *args: calls.append(args), CNT_INTERCEPTED_REQ="intercepted")
    monkeypatch.setattr(monitor, "lib", fake)
    return calls


def watched(*conditions: bool) -> FakeWorld:
    world = FakeWorld()
    settings = world.frontends[0].settings
    settings.monitor_uri = "/up"
    settings.rules = RuleLists(monitor_fail=[FakeCondition(holds) for holds in conditions])
    return world


def ask(world: FakeWorld, target: str) -> tuple[Txn, Any]:
    t = request(f"GET {target} HTTP/1.1", world=world)
    step = make_monitor(world.frontends[0].settings, FakeBuild(world))
    assert step is not None
    return t, step(t)


def test_others_are_let_through(counted: list[tuple[Any, ...]]) -> None:
    for target in ("/", "/up?x", "/up/", "/UP", "http://h/up"):
        assert ask(watched(), target)[1] is None
    assert counted == []


def test_a_monitor_gets_200_and_is_counted_but_not_logged(counted: list[tuple[Any, ...]]) -> None:
    t, outcome = ask(watched(False), "/up")
    assert isinstance(outcome, Reply)
    assert (outcome.status, outcome.body) == (200, default_page(200).body)
    assert (t.log_level, t.kept) == (-1, True)
    assert [call[-1] for call in counted] == ["intercepted"]


def test_any_condition_makes_it_fail(counted: list[tuple[Any, ...]]) -> None:
    t, outcome = ask(watched(False, True), "/up")
    assert isinstance(outcome, Reply)
    assert (outcome.status, outcome.body) == (503, default_page(503).body)
    assert t.log_level == -1


def test_the_answer_is_a_page_of_the_proxy(counted: list[tuple[Any, ...]]) -> None:
    world = watched()
    world.frontends[0].settings.error_pages[200] = Message("HTTP/1.1 200 Fine\r\n\r\n", b"")
    outcome = ask(world, "/up")[1]
    assert isinstance(outcome, Reply)
    assert outcome.head == "HTTP/1.1 200 Fine\r\n\r\n"


def test_there_is_no_step_without_the_line() -> None:
    assert make_monitor(FakeWorld().frontends[0].settings, FakeBuild()) is None
