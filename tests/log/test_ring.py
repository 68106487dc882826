"""Rings: the last lines, their numbers, and what a slow reader is told."""

import threading

import pytest

from lbcore.log.ring import Ring


def test_lines_are_read_in_order() -> None:
    ring = Ring(4)
    for line in "abc":
        ring.append(line)
    assert ring.read() == (["a", "b", "c"], 3, 0)


def test_the_oldest_lines_give_way_and_are_counted_as_missed() -> None:
    ring = Ring(2)
    for line in "abcde":
        ring.append(line)
    assert ring.read() == (["d", "e"], 5, 3)


def test_reading_goes_on_from_the_number_of_the_last_read() -> None:
    ring = Ring(4)
    ring.append("a")
    first = ring.read()
    ring.append("b")
    assert ring.read(first.next) == (["b"], 2, 0)
    assert ring.read(2) == ([], 2, 0)


def test_clearing_keeps_the_numbers() -> None:
    ring = Ring(4)
    ring.append("a")
    ring.clear()
    ring.append("b")
    assert ring.read() == (["b"], 2, 1)


def test_a_ring_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="not 0"):
        Ring(0)


def test_no_line_of_any_thread_is_lost_under_the_lock() -> None:
    ring = Ring(4000, threading.Lock())

    def write(name: str) -> None:
        for n in range(1000):
            ring.append(f"{name}{n}")

    threads = [threading.Thread(target=write, args=[name]) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = ring.read().lines
    assert len(lines) == 4000
    assert [line for line in lines if line[0] == "c"] == [f"c{n}" for n in range(1000)]
