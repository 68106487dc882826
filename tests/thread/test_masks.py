"""Thread sets as words and as bits, and the number of threads to run."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lbcore.thread import masks
from lbcore.thread.masks import cpu_count, format_mask, parse_mask, threads_of


@pytest.mark.parametrize(
    ("text", "mask"),
    [
        ("1", 0b0001),
        ("4", 0b1000),
        ("all", 0b1111),
        ("odd", 0b0101),
        ("even", 0b1010),
        ("2-3", 0b0110),
        ("3-2", 0b0110),
        ("2-", 0b1110),
        ("3-60", 0b1100),
        ("1,3", 0b0101),
        ("1,3-4,4", 0b1101),
        ("odd,2", 0b0111),
        ("1/2-3", 0b0110),
        ("1/all", 0b1111),
    ],
)
def test_reads_thread_sets_as_haproxy_does(text: str, mask: int) -> None:
    assert parse_mask(text, 4) == mask


@pytest.mark.parametrize(
    "text", ["", "0", "65", "1-65", "x", "ODD", "1-x", "-2", "1,", "1,,2", "1 2", "x/1", "1/", "٣"]
)
def test_refuses_what_is_no_thread_set(text: str) -> None:
    with pytest.raises(ValueError, match="is not a valid number/range"):
        parse_mask(text, 4)


def test_refuses_a_set_without_any_thread_there_is() -> None:
    with pytest.raises(ValueError, match="'5-7' only references non-existing threads"):
        parse_mask("5-7", 4)


def test_refuses_a_second_thread_group() -> None:
    with pytest.raises(ValueError, match="'2/1' references non-existing thread group 2"):
        parse_mask("2/1", 4)


@pytest.mark.parametrize(
    ("mask", "text"),
    [
        (0, "none"),
        (0b1111, "all"),
        (0b0101, "odd"),
        (0b1010, "even"),
        (0b1011, "1-2,4"),
        (1 << 3, "4"),
        (1 << 70, "none"),
    ],
)
def test_writes_the_shortest_words(mask: int, text: str) -> None:
    assert format_mask(mask, 4) == text


@given(st.integers(1, 64), st.data())
def test_reads_back_what_it_writes(nthreads: int, data: st.DataObject) -> None:
    mask = data.draw(st.integers(1, masks.mask_of(nthreads)))
    assert parse_mask(format_mask(mask, nthreads), nthreads) == mask


@given(st.integers(0, masks.ALL))
def test_threads_of_a_mask_are_its_bits(mask: int) -> None:
    assert list(threads_of(mask)) == [bit for bit in range(64) if mask >> bit & 1]


def affinity(monkeypatch: pytest.MonkeyPatch, cpus: int, quota: float | None) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(cpus)), raising=False)
    monkeypatch.setattr(masks, "cpu_quota", lambda _root: quota)


@pytest.mark.parametrize(
    ("cpus", "quota", "threads"), [(8, None, 8), (8, 2.0, 2), (8, 1.5, 2), (8, 0.1, 1), (2, 7.0, 2), (200, None, 64)]
)
def test_runs_as_many_threads_as_cpus_may_be_used(
    monkeypatch: pytest.MonkeyPatch, cpus: int, quota: float | None, threads: int
) -> None:
    affinity(monkeypatch, cpus, quota)
    assert cpu_count() == threads


def test_asks_for_all_cpus_where_there_is_no_affinity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    monkeypatch.setattr(masks, "cpu_quota", lambda _root: None)
    assert cpu_count() == 3


@pytest.mark.parametrize(("limit", "threads"), [(None, 8), (3, 3), (8, 8), (100, 8)])
def test_runs_no_more_threads_than_the_limit(monkeypatch: pytest.MonkeyPatch, limit: int | None, threads: int) -> None:
    affinity(monkeypatch, 8, None)
    assert cpu_count(limit) == threads
