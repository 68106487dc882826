"""Counters that threads share."""

from __future__ import annotations

from lbcore.thread.counters import Counter
from tests.thread.crew import crew


def test_each_change_gives_the_new_value() -> None:
    c = Counter()
    assert [c.add(5), c.sub(2), c.add(), c.sub(), c.max(9), c.max(4), c.value] == [5, 3, 4, 3, 9, 9, 9]


def test_wraps_at_64_bits() -> None:
    assert Counter().sub(1) == 2**64 - 1


def test_stops_at_the_limit() -> None:
    c = Counter()
    assert [c.inc_below(2), c.inc_below(2), c.inc_below(2), c.inc_below(0)] == [1, 2, 0, 3]


def test_threads_lose_nothing() -> None:
    total, top, gauge = Counter(), Counter(), Counter()

    def count(index: int) -> None:
        for i in range(2000):
            total.add(2)
            total.sub(1)
            top.max(i * 4 + index)
            if now := gauge.inc_below(3):
                assert now <= 3
                gauge.sub()

    crew(4, count)
    assert (total.value, top.value, gauge.value) == (8000, 7999, 0)
