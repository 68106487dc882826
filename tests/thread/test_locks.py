"""Labelled locks from Python."""

from __future__ import annotations

import gc
import threading

import pytest

from lbcore.thread.labels import Label
from lbcore.thread.locks import LockSet, RWLock, SpinLock, locks_held
from tests.thread.crew import crew

ROUNDS = 2000


@pytest.mark.parametrize("watched", [False, True])
def test_no_addition_under_a_spinlock_is_lost(watched: bool) -> None:
    lock = SpinLock(Label.SERVER, LockSet(order=True, figures=True) if watched else None)
    total = [0]

    def add(_index: int) -> None:
        for _ in range(ROUNDS):
            with lock:
                seen = total[0]
                total[0] = seen + 1

    crew(4, add)
    assert total == [4 * ROUNDS]


def test_readers_see_whole_changes() -> None:
    lock = RWLock(Label.PROXY, LockSet(order=True))
    pair = [0, 0]

    def change(index: int) -> None:
        for i in range(ROUNDS):
            if (i + index) % 4:
                with lock.read():
                    assert pair[0] == pair[1]
            else:
                with lock.write():
                    pair[0] += 1
                    pair[1] += 1

    crew(4, change)
    assert pair == [ROUNDS, ROUNDS]


def test_readers_share_and_writers_do_not() -> None:
    lock = RWLock(Label.PROXY)
    with lock.read():
        assert lock.read().try_lock()
        lock.read().unlock()
        assert not lock.write().try_lock()
    with lock.write():
        assert not lock.read().try_lock()
        assert not lock.write().try_lock()
    assert lock.write().try_lock()
    lock.write().unlock()


def test_a_block_that_raises_releases_the_lock() -> None:
    lock = SpinLock(Label.SERVER)
    with pytest.raises(KeyError), lock:
        raise KeyError
    assert lock.try_lock()
    lock.unlock()


def test_who_waits_does_not_keep_the_interpreter() -> None:
    """If the wait held the GIL, the holder could never run again and release."""
    locks = LockSet(figures=True)
    lock = SpinLock(Label.SERVER, locks)
    held, waiting = threading.Event(), threading.Event()

    def hold(index: int) -> None:
        if index == 0:
            with lock:
                held.set()
                assert waiting.wait(30)
        else:
            assert held.wait(30)
            waiting.set()
            with lock:
                pass

    crew(2, hold)
    assert locks.figures(Label.SERVER).writes == 2


def test_figures_tell_readers_from_writers() -> None:
    locks = LockSet(figures=True)
    lock = RWLock(Label.PROXY, locks)
    for _ in range(3):
        with lock.read():
            pass
    with lock.write():
        pass
    figures = locks.figures(Label.PROXY)
    assert (figures.reads, figures.writes, figures.waits, figures.wait_ns, figures.longest_ns) == (3, 1, 0, 0, 0)
    assert locks.figures(Label.SERVER).writes == 0


def test_a_wrong_order_is_counted_and_told() -> None:
    locks = LockSet(order=True)
    outer, inner = SpinLock(Label.PROXY, locks), SpinLock(Label.SERVER, locks)
    with outer, inner:
        assert locks_held() == 2
    assert (locks.violations, locks.violation) == (0, "")
    with inner, outer:
        pass
    assert (locks.violations, locks.violation) == (1, "proxy (3) wanted while server (6) is held")
    assert locks_held() == 0


def test_each_thread_holds_its_own_locks() -> None:
    locks = LockSet(order=True)
    guards = [SpinLock(Label.PROXY, locks), SpinLock(Label.SERVER, locks)]
    both = threading.Barrier(2)

    def hold(index: int) -> None:
        with guards[index]:
            both.wait(30)
            assert locks_held() == 1
            both.wait(30)

    crew(2, hold)
    assert locks.violations == 0


def test_a_borrowed_set_sees_the_same_figures_and_frees_nothing() -> None:
    locks = LockSet()
    view = LockSet.borrowed(locks.handle)
    view.enable(figures=True)
    with SpinLock(Label.SERVER, locks):
        pass
    assert view.figures(Label.SERVER).writes == 1
    del view
    gc.collect()
    assert locks.figures(Label.SERVER).writes == 1


def test_a_lock_keeps_its_set_alive() -> None:
    lock = SpinLock(Label.SERVER, LockSet(order=True))
    gc.collect()
    with lock:
        assert locks_held() == 1
