"""`warn-blocked-traffic-after`: a thread that lets traffic wait is told of, once it goes on."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any, cast

import pytest

from lbcore.event.blocked import APART, Blocked
from lbcore.event.crew import Crew
from lbcore.event.engine import Engine, EngineSettings
from lbcore.event.worker import Worker
from lbcore.shim import lib
from tests.embedded import balancer, config, until

LIMIT = 100  # ms


class Clock:
    """Time that goes on when something takes some."""

    now = 50.0

    def __call__(self) -> float:
        return self.now


class Watched:
    """A crew that does not run, whose records take as long as a test wants."""

    def __init__(self, engine: Engine) -> None:
        self.clock = Clock()
        self.told: list[str] = []
        self.met = 0
        crew = Crew(engine)
        crew.handlers[lib.EV_DONE] = self._take
        crew.handlers[lib.EV_SYNC] = self._take
        Blocked(crew, LIMIT, self.told.append, self.clock)
        self._crew = crew

    def _take(self, _worker: Worker, event: Any) -> None:
        self.clock.now += event.seconds
        self.met += 1

    def spend(self, seconds: float, *, tid: int = 0, kind: int = lib.EV_DONE) -> None:
        """An event comes to a thread, which is busy for `seconds`."""
        event = SimpleNamespace(seconds=seconds)
        self._crew.handlers[kind](cast("Worker", SimpleNamespace(tid=tid)), event)


@pytest.fixture
def watched() -> Any:
    engine = Engine(EngineSettings(nbthread=2))
    yield Watched(engine)
    engine.close()


def test_what_takes_as_long_as_the_limit_is_told(watched: Watched) -> None:
    watched.spend(0.099)
    assert watched.told == []
    watched.spend(0.15, tid=1)
    [text] = watched.told
    assert text.startswith("thread 2 has served no traffic for 150 milliseconds, being busy with 'records' (see ")
    assert watched.met == 2


def test_a_thread_is_told_of_once_a_second(watched: Watched) -> None:
    for _ in range(4):
        watched.spend(0.2)
    watched.spend(0.2, tid=1)
    assert len(watched.told) == 2
    watched.clock.now += APART
    watched.spend(0.2)
    assert "as 3 times before since the last warning" in watched.told[2]


def test_waiting_for_other_threads_is_their_fault(watched: Watched) -> None:
    watched.spend(0.2, kind=lib.EV_SYNC)
    assert watched.told == []


def test_what_fails_is_told_too(watched: Watched) -> None:
    with pytest.raises(AttributeError):
        watched._crew.handlers[lib.EV_DONE](cast("Worker", SimpleNamespace(tid=0)), object())
    assert watched.told == []


@pytest.mark.parametrize("setting", ["warn-blocked-traffic-after 20ms", ""])
def test_a_balancer_tells_its_host_if_it_was_asked_to(setting: str) -> None:
    told: list[str] = []
    done: list[int] = []

    def be_busy(_reasons: int) -> None:
        time.sleep(0.03)  # longer than the limit
        done.append(1)

    with balancer(config(settings=[setting], back=["server s 127.0.0.1:1"])) as lb:
        lb.notify = told.append
        lb.crew.tasks.add(be_busy).schedule_at(0)
        assert until(lambda: bool(done))
        assert until(lambda: bool(told), 10 if setting else 0.05) is bool(setting)
    assert all("be_busy'" in text for text in told)
