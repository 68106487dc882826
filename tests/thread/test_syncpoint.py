"""Threads that meet while one of them works."""

from __future__ import annotations

import os
import threading

import pytest

from lbcore.thread.labels import Label
from lbcore.thread.locks import LockSet, SpinLock
from lbcore.thread.syncpoint import SyncPoint, SyncRequest
from tests.thread.crew import crew

THREADS = 4


def ignore() -> None:
    """A wake that wakes nobody: the threads of these tests never sleep."""


class Workers:
    """Worker loops that do nothing but meet; `working` says who is in the middle of a turn."""

    def __init__(self, n: int = THREADS) -> None:
        self.point = SyncPoint(n, ignore)
        self.stop = threading.Event()
        self.working = [False] * n

    def loop(self, tid: int) -> None:
        self.point.enter(tid)
        while not self.stop.is_set():
            self.working[tid] = True
            os.sched_yield()
            self.working[tid] = False
            if self.point.pending:
                self.point.meet(tid)
        self.point.leave(tid)


def test_work_runs_once_while_nobody_else_moves() -> None:
    workers = Workers()
    seen: list[bool] = []

    def boss(index: int) -> None:
        if index < THREADS:
            workers.loop(index)
            return
        try:
            for _ in range(200):
                assert workers.point.request(lambda: seen.append(any(workers.working))).wait(30)
        finally:
            workers.stop.set()

    crew(THREADS + 1, boss)
    assert seen == [False] * 200
    assert not workers.point.pending


def test_requests_of_many_threads_all_run_in_their_order() -> None:
    workers = Workers()
    ran: list[tuple[int, int]] = []

    def body(index: int) -> None:
        if index < THREADS:
            workers.loop(index)
            return
        requests = [workers.point.request(lambda i=i: ran.append((index, i))) for i in range(100)]  # type: ignore[misc]
        assert all(request.wait(30) for request in requests)
        done.wait(30)
        workers.stop.set()

    done = threading.Barrier(3)
    crew(THREADS + 3, body)
    for index in range(THREADS, THREADS + 3):
        assert [i for who, i in ran if who == index] == list(range(100))


def test_a_request_wakes_the_workers_when_there_are_any() -> None:
    woken: list[int] = []
    point = SyncPoint(1, lambda: woken.append(1))
    assert point.request(ignore).done
    assert woken == []
    point.enter(0)
    request = point.request(ignore)
    assert (woken, point.pending, request.done) == ([1], True, False)
    point.meet(0)
    assert (point.pending, request.done) == (False, True)
    point.leave(0)


def test_a_thread_that_leaves_does_the_work_the_others_wait_for() -> None:
    point = SyncPoint(2, ignore)
    by: list[str] = []
    for tid in (0, 1):
        point.enter(tid)
    request = point.request(lambda: by.append(threading.current_thread().name))
    waiter = threading.Thread(target=point.meet, args=(0,), name="waiter", daemon=True)
    waiter.start()
    while not point.arrived:
        os.sched_yield()
    point.leave(1)
    waiter.join(30)
    assert request.done
    assert by == [threading.current_thread().name]


def test_the_last_to_leave_does_what_is_still_to_do() -> None:
    point = SyncPoint(1, ignore)
    point.enter(0)
    request = point.request(ignore)
    point.leave(0)
    assert request.done
    assert not point.pending


def test_a_thread_that_comes_while_the_work_runs_waits_for_its_end() -> None:
    point = SyncPoint(1, ignore)
    coming, entered = threading.Event(), threading.Event()

    def come() -> None:
        coming.set()
        point.enter(0)
        entered.set()

    newcomer = threading.Thread(target=come, daemon=True)

    def work() -> bool:
        newcomer.start()
        assert coming.wait(30)
        return entered.wait(0.05)

    early: list[bool] = []
    assert point.request(lambda: early.append(work())).wait(30)
    assert entered.wait(30)
    assert early == [False]
    point.leave(0)


def test_work_that_asks_for_more_gets_it_at_the_next_meeting() -> None:
    point = SyncPoint(1, ignore)
    point.enter(0)
    ran: list[str] = []

    def first() -> None:
        ran.append("first")
        point.request(lambda: ran.append("second"))

    point.request(first)
    point.meet(0)
    assert (ran, point.pending) == (["first"], True)
    point.meet(0)
    assert (ran, point.pending) == (["first", "second"], False)
    point.leave(0)


def test_work_that_asks_for_more_is_not_forgotten_without_workers() -> None:
    point = SyncPoint(1, ignore)
    ran: list[str] = []

    def first() -> None:
        ran.append("first")
        point.request(lambda: ran.append("second"))

    point.request(first)
    assert ran == ["first", "second"]


def test_work_that_raises_tells_who_asked_and_nobody_else() -> None:
    point = SyncPoint(1, ignore)
    point.enter(0)

    def fail() -> None:
        raise KeyError("lost")

    failed, fine = point.request(fail), point.request(ignore)
    point.meet(0)
    with pytest.raises(KeyError, match="lost"):
        failed.wait(0)
    assert fine.wait(0)
    point.leave(0)


def test_a_request_that_is_not_done_in_time_says_so() -> None:
    assert SyncRequest(ignore).wait(0) is False


def test_threads_may_come_and_go_while_requests_are_made() -> None:
    workers = Workers(THREADS)
    ran: list[int] = []

    def body(index: int) -> None:
        if index == THREADS:
            for i in range(300):
                assert workers.point.request(lambda i=i: ran.append(i)).wait(30)  # type: ignore[misc]
            workers.stop.set()
            return
        while not workers.stop.is_set():
            workers.point.enter(index)
            if workers.point.pending:
                workers.point.meet(index)
            workers.point.leave(index)

    crew(THREADS + 1, body)
    assert ran == list(range(300))


def test_meeting_with_a_lock_held_is_refused() -> None:
    point = SyncPoint(1, ignore)
    point.enter(0)
    with SpinLock(Label.SERVER, LockSet(order=True)), pytest.raises(RuntimeError, match="1 locks are held"):
        point.meet(0)
    point.leave(0)


def test_strangers_and_twins_are_refused() -> None:
    point = SyncPoint(1, ignore)
    with pytest.raises(ValueError, match="thread 1 is not one of 1"):
        point.enter(1)
    with pytest.raises(RuntimeError, match="not at the sync point"):
        point.meet(0)
    point.enter(0)
    with pytest.raises(RuntimeError, match="already"):
        point.enter(0)
