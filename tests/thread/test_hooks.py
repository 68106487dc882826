"""What a worker does first and last."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lbcore.thread.hooks import ThreadHooks

Log = list[str]


def noting(word: str) -> Callable[[Log], None]:
    return lambda log: log.append(word)


def failing(word: str) -> Callable[[Log], None]:
    def fail(log: Log) -> None:
        log.append(word)
        raise OSError(word)

    return fail


def test_deinits_run_in_reverse() -> None:
    hooks: ThreadHooks[Log] = ThreadHooks()
    hooks.add(noting("+a"), noting("-a"))
    hooks.add(noting("+b"))
    hooks.add(noting("+c"), noting("-c"))
    log: Log = []
    with hooks.running(log):
        log.append("loop")
    assert log == ["+a", "+b", "+c", "loop", "-c", "-a"]


def test_a_failing_init_undoes_those_before_it() -> None:
    hooks: ThreadHooks[Log] = ThreadHooks()
    hooks.add(noting("+a"), noting("-a"))
    hooks.add(failing("+b"), noting("-b"))
    hooks.add(noting("+c"), noting("-c"))
    log: Log = []
    with pytest.raises(OSError, match=r"\+b"), hooks.running(log):
        log.append("loop")
    assert log == ["+a", "+b", "-a"]


def test_a_failing_deinit_does_not_keep_the_others() -> None:
    hooks: ThreadHooks[Log] = ThreadHooks()
    hooks.add(noting("+a"), noting("-a"))
    hooks.add(noting("+b"), failing("-b"))
    log: Log = []
    with pytest.raises(OSError, match="-b"), hooks.running(log):
        pass
    assert log == ["+a", "+b", "-b", "-a"]


def test_a_loop_that_raises_is_cleaned_up_after() -> None:
    hooks: ThreadHooks[Log] = ThreadHooks()
    hooks.add(noting("+a"), noting("-a"))
    log: Log = []
    with pytest.raises(KeyError), hooks.running(log):
        raise KeyError
    assert log == ["+a", "-a"]


def test_nothing_is_added_once_threads_run() -> None:
    hooks: ThreadHooks[Log] = ThreadHooks()
    with hooks.running([]):
        pass
    with pytest.raises(RuntimeError, match="before the threads start"):
        hooks.add(noting("+a"))
