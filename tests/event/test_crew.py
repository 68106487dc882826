"""All workers of a balancer: they start together, meet, and stop."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest

from lbcore.event.crew import Crew
from lbcore.event.engine import Engine, EngineSettings
from lbcore.event.worker import Worker
from lbcore.shim import lib
from tests.embedded import PATIENCE, Background, balancer, config, held
from tests.thread.crew import crew as at_once

NBTHREAD = 4


@pytest.fixture
def engine() -> Iterator[Engine]:
    """An engine without proxies."""
    made = Engine(EngineSettings(nbthread=NBTHREAD, lock_order=True))
    yield made
    made.close()


@pytest.fixture
def crew(engine: Engine) -> Iterator[Crew]:
    """Four running threads that have nothing to do."""
    running = Crew(engine)
    running.start()
    yield running
    running.stop_soon()
    assert running.wait(PATIENCE)


def test_every_worker_has_passed_its_hooks_when_start_returns(engine: Engine) -> None:
    begun: list[int] = []
    ended: list[int] = []
    crew = Crew(engine)
    crew.hooks.add(lambda worker: begun.append(worker.tid), lambda worker: ended.append(worker.tid))
    crew.start()
    assert sorted(begun) == list(range(NBTHREAD))
    assert ended == []
    crew.stop_soon()
    assert crew.wait(PATIENCE)
    assert sorted(ended) == list(range(NBTHREAD))


def test_worker_that_cannot_begin_ends_all_and_its_error_is_raised(engine: Engine) -> None:
    told: list[BaseException] = []
    crew = Crew(engine, report=told.append)

    def refuse(worker: Worker) -> None:
        if worker.tid == 2:
            raise ValueError("not this one")

    crew.hooks.add(refuse)
    with pytest.raises(ValueError, match="not this one"):
        crew.start()
    assert [str(error) for error in told] == ["not this one"]
    assert crew.wait(0)
    assert not any(worker.is_alive() for worker in crew.workers)


def test_lack_of_threads_ends_those_that_began(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_thread() -> None:
        raise RuntimeError("can't start new thread")

    crew = Crew(engine)
    monkeypatch.setattr(crew.workers[2], "start", no_thread)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        crew.start()
    assert crew.wait(0)
    assert not any(worker.is_alive() for worker in crew.workers)


def test_balancer_without_threads_gives_everything_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_thread(self: Worker) -> None:
        raise RuntimeError("can't start new thread")

    with balancer(config()):
        pass
    before = held()
    monkeypatch.setattr(Worker, "start", no_thread)
    with pytest.raises(RuntimeError, match="can't start"), balancer(config(nbthread=2)):
        pass
    assert held() == before


def test_work_at_the_sync_point_runs_once_from_outside(crew: Crew) -> None:
    where: list[threading.Thread] = []
    request = crew.sync.request(lambda: where.append(threading.current_thread()))
    assert request.wait(PATIENCE)
    assert len(where) == 1
    assert where[0] in crew.workers


def test_no_other_worker_moves_during_work_at_the_sync_point(crew: Crew) -> None:
    turns: list[int] = []
    tasks = [crew.tasks.add(lambda why: turns.append(1), mask=1 << tid) for tid in range(NBTHREAD)]

    def work() -> tuple[int, int]:
        before = len(turns)
        for task in tasks:
            task.wakeup()
        for _ in range(1000):
            os.sched_yield()
        seen.append((before, len(turns)))
        return seen[-1]

    seen: list[tuple[int, int]] = []
    for _ in range(20):
        assert crew.sync.request(work).wait(PATIENCE)
    assert [before for before, _ in seen] == [after for _, after in seen]


def test_many_threads_ask_for_meetings(crew: Crew) -> None:
    done: list[int] = []

    def ask(index: int) -> None:
        for _ in range(50):
            assert crew.sync.request(lambda: done.append(index)).wait(PATIENCE)

    at_once(4, ask)
    assert len(done) == 200


def test_work_requested_by_a_task_is_done(crew: Crew) -> None:
    done = threading.Event()

    def ask_for_work(why: int) -> None:
        crew.sync.request(done.set)

    crew.tasks.add(ask_for_work).wakeup()
    assert done.wait(PATIENCE)


def test_work_that_raises_is_told_to_who_asked(crew: Crew) -> None:
    with pytest.raises(ZeroDivisionError):
        crew.sync.request(lambda: 1 // 0).wait(PATIENCE)
    assert crew.sync.request(lambda: None).wait(PATIENCE)


def test_work_after_the_end_is_done_by_who_asks(engine: Engine) -> None:
    crew = Crew(engine)
    crew.start()
    crew.stop_soon()
    assert crew.wait(PATIENCE)
    where: list[threading.Thread] = []
    assert crew.sync.request(lambda: where.append(threading.current_thread())).wait(0)
    assert where == [threading.current_thread()]


def test_stop_ends_workers_that_wait_for_a_meeting(engine: Engine) -> None:
    crew = Crew(engine)
    crew.start()
    release, entered = threading.Event(), threading.Event()

    def hold(why: int) -> None:
        entered.set()
        release.wait(PATIENCE)

    crew.tasks.add(hold, mask=1).wakeup()
    assert entered.wait(PATIENCE)
    request = crew.sync.request(lambda: None)
    crew.stop_soon()
    assert not crew.wait(0)
    release.set()
    assert crew.wait(PATIENCE)
    assert request.done


def test_wait_gives_up_after_its_time(crew: Crew) -> None:
    assert not crew.wait(0.001)


def test_finish_waits_for_what_lingers(crew: Crew) -> None:
    busy = threading.Event()
    busy.set()
    looked = threading.Event()

    def lingers() -> bool:
        looked.set()
        return busy.is_set()

    crew.finish(lingers)
    assert looked.wait(PATIENCE)
    assert not crew.wait(0)
    busy.clear()
    assert crew.wait(PATIENCE)


def test_handlers_get_the_events_of_their_kind(engine: Engine) -> None:
    crew = Crew(engine)
    kinds: list[tuple[int, int]] = []
    met = threading.Event()
    handler = crew.handlers[lib.EV_SYNC]

    def note(worker: Worker, event: object) -> None:
        kinds.append((worker.tid, event.kind))  # type: ignore[attr-defined]
        handler(worker, event)

    crew.handlers[lib.EV_SYNC] = note
    crew.start()
    crew.sync.request(met.set)
    assert met.wait(PATIENCE)
    crew.stop_soon()
    assert crew.wait(PATIENCE)
    assert sorted(kinds) == [(tid, lib.EV_SYNC) for tid in range(NBTHREAD)]


def test_handler_that_raises_does_not_end_its_worker(crew: Crew) -> None:
    told: list[BaseException] = []
    crew.report = told.append
    handler = crew.handlers[lib.EV_TASK]

    def fail(worker: Worker, event: object) -> None:
        handler(worker, event)
        raise OSError("on purpose")

    ran = threading.Event()
    crew.handlers[lib.EV_TASK] = fail
    crew.tasks.add(lambda why: ran.set()).wakeup()
    assert ran.wait(PATIENCE)
    crew.handlers[lib.EV_TASK] = handler
    assert crew.sync.request(lambda: None).wait(PATIENCE)
    assert [str(error) for error in told] == ["on purpose"]
    assert all(worker.is_alive() for worker in crew.workers)


def test_worker_stays_on_the_processors_it_is_given() -> None:
    cpu = min(os.sched_getaffinity(0))
    before = os.sched_getaffinity(0)
    seen: list[set[int]] = []
    done = threading.Event()
    with balancer(config(nbthread=2, settings=[f"cpu-map 1/1 {cpu}"])) as lb:

        def look(why: int) -> None:
            seen.append(os.sched_getaffinity(0))
            done.set()

        for tid, expected in ((0, {cpu}), (1, before)):
            done.clear()
            lb.crew.tasks.add(look, mask=1 << tid).wakeup()
            assert done.wait(PATIENCE)
            assert seen[-1] == expected
    assert os.sched_getaffinity(0) == before


def test_soft_stop_of_a_crew_without_clients_ends_it(engine: Engine) -> None:
    crew = Crew(engine)
    crew.start()
    waiter = Background(lambda: crew.wait(PATIENCE))
    crew.finish()
    assert waiter.join() is True


def test_named_threads_are_told_from_the_host_s() -> None:
    with balancer(config(nbthread=2)) as lb:
        assert [worker.name for worker in lb.crew.workers] == ["lbcore-1", "lbcore-2"]
