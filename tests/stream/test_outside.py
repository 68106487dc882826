"""Expressions that are asked for outside of any stream."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any, cast

from lbcore.sample.rows import Txn
from lbcore.stream.outside import evaluate
from lbcore.stream.txn import AT, World

WORLD = cast(World, SimpleNamespace(frontends={}, listeners={}, backends={}, servers={}, facts=None, proc_vars=None))


def got(fetch: Any) -> Any:
    return evaluate(WORLD, fetch)


def test_what_needs_no_stream_is_given() -> None:
    assert got(lambda t: 5) == 5


def test_the_clock_is_that_of_the_moment() -> None:
    before = time.time_ns() // 1000
    assert before <= got(lambda t: t.ask[AT["now_us"]]) <= time.time_ns() // 1000


def test_what_only_a_stream_has_is_no_sample() -> None:
    def path(t: Txn) -> Any:
        return t.req.path

    def frontend(t: Txn) -> Any:
        return t.frontend.settings.name

    assert [got(path), got(frontend)] == [None, None]


def test_variables_of_shorter_lives_are_empty() -> None:
    assert got(lambda t: (dict(t.vars), dict(t.session.vars))) == ({}, {})


def test_whoever_asks_from_no_worker_counts_as_the_first_thread() -> None:
    assert got(lambda t: t.worker.tid) == 0
