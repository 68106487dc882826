"""Events per sliding period, against the obvious model."""

from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lbcore.thread.freqctr import FreqCounter
from tests.thread.crew import crew


def test_the_previous_period_counts_for_the_part_still_in_the_window() -> None:
    c = FreqCounter(10_000)
    c.update(0, 100)
    assert [c.read(9_999), c.read(12_500), c.read(19_998), c.read(20_000)] == [100, 75, 0, 0]


def test_limits() -> None:
    c = FreqCounter()
    assert c.update(5, 8) == 8
    assert c.remain(10, 5) == 2
    assert c.remain(10, 5, pend=2) == 0
    assert c.next_delay(10, 5) == 0
    assert c.next_delay(10, 5, pend=4) == 200
    assert c.next_delay(10, 5, pend=2**40) > 10**9


@pytest.mark.parametrize("period", [0, -1, 2**31])
def test_refuses_a_period_that_ticks_cannot_measure(period: int) -> None:
    with pytest.raises(ValueError, match="a period must be 1 to 2147483647 ms"):
        FreqCounter(period)


def test_a_clock_may_be_of_any_size() -> None:
    c = FreqCounter()
    now = 2**40 - 300
    c.update(now, 10)
    assert c.update(now + 200, 1) == 11
    assert c.read(now + 600) >= 10


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)  # a busy machine is no fault
@given(st.lists(st.tuples(st.integers(0, 700), st.integers(0, 50)), min_size=1), st.integers(0, 2**33))
def test_agrees_with_counting_in_even_windows(steps: list[tuple[int, int]], origin: int) -> None:
    """The model keeps all events, and windows that follow each other or begin anew after a pause."""
    period = 500
    c = FreqCounter(period)
    start, curr, prev = origin & ~1, 0, 0
    c.handle.curr_tick = start & 0xFFFFFFFF
    for now, (_, n) in zip(accumulate((ms for ms, _ in steps), initial=start), [(0, 0), *steps], strict=True):
        if now - start >= 2 * period:
            start, curr, prev = now & ~1, 0, 0
        elif now - start >= period:
            start, curr, prev = start + period, 0, curr
        curr += n
        c.update(now, n)
        exact = curr + prev * (period - (now - start)) // period
        assert c.read(now) == (prev if not curr and prev <= 1 else exact)


def test_threads_with_clocks_a_period_apart_lose_nothing() -> None:
    c = FreqCounter(1000)
    c.update(5000, 1)

    def count(index: int) -> None:
        for _ in range(2000):
            c.update(5000 + 1000 * (index % 2))

    crew(4, count)
    assert c.handle.curr_ctr + c.handle.prev_ctr == 8001
