"""Python functions that workers run when they are woken or when their time has come."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sized

import pytest

import lbcore
from lbcore.event.task import Task
from lbcore.shim import lib
from tests.embedded import PATIENCE, balancer, config, until
from tests.thread.crew import crew

NBTHREAD = 4


@pytest.fixture
def lb() -> Iterator[lbcore.LoadBalancer]:
    """A balancer with four threads and nothing else to do."""
    with balancer(config(nbthread=NBTHREAD)) as running:
        yield running


class Runs:
    """A task that notes when, why and where it ran."""

    def __init__(self, lb: lbcore.LoadBalancer, *, mask: int = 0, nice: int = 0) -> None:
        self.times: list[float] = []
        self.reasons: list[int] = []
        self.threads: list[threading.Thread] = []
        self.seen = threading.Event()
        self.task: Task = lb.crew.tasks.add(self._run, mask=mask, nice=nice)

    def _run(self, reasons: int) -> None:
        self.times.append(time.monotonic())
        self.reasons.append(reasons)
        self.threads.append(threading.current_thread())
        self.seen.set()

    def wait(self) -> None:
        """Waits for the next run."""
        assert self.seen.wait(PATIENCE)
        self.seen.clear()


def test_woken_task_runs_in_a_worker_with_the_reason(lb: lbcore.LoadBalancer) -> None:
    runs = Runs(lb)
    runs.task.wakeup(lib.TASK_WOKEN_MSG)
    runs.wait()
    assert runs.reasons == [lib.TASK_WOKEN_MSG]
    assert runs.threads[0] in lb.crew.workers


def test_task_sleeps_until_it_is_asked_for(lb: lbcore.LoadBalancer) -> None:
    sleeping, woken = Runs(lb), Runs(lb)
    woken.task.wakeup()
    woken.wait()
    assert sleeping.times == []


@pytest.mark.parametrize("tid", range(NBTHREAD))
def test_mask_says_which_thread_runs_it(lb: lbcore.LoadBalancer, tid: int) -> None:
    runs = Runs(lb, mask=1 << tid)
    for _ in range(20):
        runs.task.wakeup()
        runs.wait()
    runs.task.schedule(1)
    runs.wait()
    assert set(runs.threads) == {lb.crew.workers[tid]}


def test_mask_of_several_threads(lb: lbcore.LoadBalancer) -> None:
    runs = Runs(lb, mask=0b0101)
    for _ in range(50):
        runs.task.wakeup()
        runs.wait()
    assert set(runs.threads) <= {lb.crew.workers[0], lb.crew.workers[2]}


def test_mask_without_a_thread_is_refused(lb: lbcore.LoadBalancer) -> None:
    with pytest.raises(MemoryError):
        lb.crew.tasks.add(lambda why: None, mask=1 << NBTHREAD)


@pytest.mark.parametrize("ms", [0, 1, 30])
def test_scheduled_task_runs_in_its_time_and_not_before(lb: lbcore.LoadBalancer, ms: int) -> None:
    runs = Runs(lb)
    start = time.monotonic()
    runs.task.schedule(ms)
    runs.wait()
    assert runs.reasons == [lib.TASK_WOKEN_TIMER]
    assert runs.times[0] - start >= ms / 1000 - 0.001  # dates are whole milliseconds


def test_schedule_keeps_the_sooner_date(lb: lbcore.LoadBalancer) -> None:
    runs = Runs(lb)
    runs.task.schedule(1)
    runs.task.schedule(3_600_000)
    runs.wait()
    runs.task.schedule(3_600_000)
    runs.task.schedule(1)
    runs.wait()
    assert len(runs.times) == 2


def test_schedule_at_replaces_the_date(lb: lbcore.LoadBalancer) -> None:
    replaced, witness = Runs(lb, mask=1), Runs(lb, mask=1)
    replaced.task.schedule(5)
    replaced.task.schedule_at(3_600_000)
    witness.task.schedule(30)
    witness.wait()
    assert replaced.times == []
    replaced.task.schedule_at(1)
    replaced.wait()


def test_date_can_be_taken_away(lb: lbcore.LoadBalancer) -> None:
    cancelled, witness = Runs(lb, mask=1), Runs(lb, mask=1)
    cancelled.task.schedule(5)
    cancelled.task.schedule_at(None)
    witness.task.schedule(30)
    witness.wait()
    assert cancelled.times == []


def note(order: list[int], number: int) -> Callable[[int], None]:
    """A task's function that appends its number."""
    return lambda why: order.append(number)


def grows_to(told: Sized, count: int) -> bool:
    """Whether it has so many elements before long."""
    return until(lambda: len(told) == count)


@pytest.mark.parametrize(
    ("woken", "expected"),
    [
        ([0, 0, 0], [0, 0, 0]),
        ([0, 0, -1024], [-1024, 0, 0]),
        ([1024, 0, 0], [0, 0, 1024]),
        ([1024, 0, -1024], [-1024, 0, 1024]),
    ],
)
def test_nice_tasks_stand_back_and_others_go_first(
    lb: lbcore.LoadBalancer, woken: list[int], expected: list[int]
) -> None:
    order: list[int] = []
    tasks = [lb.crew.tasks.add(note(order, nice), mask=1, nice=nice) for nice in woken]

    def wake_all(why: int) -> None:  # in the thread that is to run them: none can begin before all are queued
        for task in tasks:
            task.wakeup()

    lb.crew.tasks.add(wake_all, mask=1).wakeup()
    assert until(lambda: len(order) == len(woken))
    assert order == expected


def test_equally_nice_tasks_run_in_the_order_of_their_wakeups(lb: lbcore.LoadBalancer) -> None:
    order: list[int] = []
    tasks = [lb.crew.tasks.add(note(order, number), mask=1) for number in range(10)]

    def wake_all(why: int) -> None:
        for task in reversed(tasks):
            task.wakeup()

    lb.crew.tasks.add(wake_all, mask=1).wakeup()
    assert until(lambda: len(order) == 10)
    assert order == list(reversed(range(10)))


def test_never_runs_on_two_threads_at_once_and_no_wakeup_is_lost(lb: lbcore.LoadBalancer) -> None:
    inside = threading.Lock()
    overlaps: list[int] = []
    wakeups = [0]
    seen = [0]

    def run(why: int) -> None:
        if not inside.acquire(blocking=False):
            overlaps.append(1)
            return
        seen[0] = wakeups[0]
        inside.release()

    task = lb.crew.tasks.add(run)
    counting = threading.Lock()

    def wake(_: int) -> None:
        for _ in range(500):
            with counting:
                wakeups[0] += 1
            task.wakeup()

    crew(4, wake)
    assert until(lambda: seen[0] == 2000)
    assert overlaps == []


def test_who_is_woken_while_it_runs_runs_again(lb: lbcore.LoadBalancer) -> None:
    runs: list[int] = []
    done = threading.Event()

    def run(why: int) -> None:
        runs.append(why)
        if len(runs) < 100:
            task.wakeup()
        else:
            done.set()

    task = lb.crew.tasks.add(run)
    task.wakeup()
    assert done.wait(PATIENCE)


def test_task_that_schedules_itself_goes_on(lb: lbcore.LoadBalancer) -> None:
    done = threading.Event()
    runs: list[int] = []

    def run(why: int) -> None:
        runs.append(why)
        if len(runs) == 10:
            done.set()
        else:
            task.schedule(1)

    task = lb.crew.tasks.add(run)
    task.schedule(1)
    assert done.wait(PATIENCE)
    assert runs == [lib.TASK_WOKEN_TIMER] * 10


def test_removed_task_does_not_run(lb: lbcore.LoadBalancer) -> None:
    removed, witness = Runs(lb, mask=1), Runs(lb, mask=1)
    removed.task.schedule(5)
    before = lb.facts.tasks
    lb.crew.tasks.remove(removed.task)
    lb.crew.tasks.remove(removed.task)
    witness.task.schedule(30)
    witness.wait()
    assert removed.times == []
    assert until(lambda: lb.facts.tasks == before - 1)


def test_task_may_remove_itself(lb: lbcore.LoadBalancer) -> None:
    done = threading.Event()

    def run(why: int) -> None:
        lb.crew.tasks.remove(task)
        done.set()

    before = lb.facts.tasks
    task = lb.crew.tasks.add(run)
    task.wakeup()
    assert done.wait(PATIENCE)
    assert until(lambda: lb.facts.tasks == before)


def test_task_that_raises_is_reported_and_runs_again(lb: lbcore.LoadBalancer) -> None:
    told: list[BaseException] = []
    lb.crew.report = told.append
    calls: list[int] = []

    def run(why: int) -> None:
        calls.append(why)
        raise ValueError("on purpose")

    task = lb.crew.tasks.add(run)
    for count in (1, 2):
        task.wakeup()
        assert grows_to(told, count)
    assert [str(error) for error in told] == ["on purpose"] * 2
    assert len(calls) == 2


def test_tasks_that_were_not_removed_end_with_the_balancer() -> None:
    with balancer(config()) as lb:
        lb.crew.tasks.add(lambda why: None).schedule(3_600_000)
        asleep = lb.crew.tasks.add(lambda why: None)
        tasks = lb.crew.tasks
    tasks.remove(asleep)  # forgotten already: frees nothing twice


def test_who_still_has_a_removed_task_can_do_nothing_with_it(lb: lbcore.LoadBalancer) -> None:
    removed, witness = Runs(lb, mask=1), Runs(lb, mask=1)
    before = lb.facts.tasks
    lb.crew.together(lambda: lb.crew.tasks.remove(removed.task))
    assert until(lambda: lb.facts.tasks == before - 1)
    removed.task.wakeup()
    removed.task.schedule(1)
    removed.task.schedule_at(1)
    witness.task.schedule(20)
    witness.wait()
    assert removed.times == []
