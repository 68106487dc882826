"""Threads for tests: they begin together, and what one of them raises fails the test."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


def crew(n: int, body: Callable[[int], None], seconds: float = 60) -> None:
    """Runs `body(index)` in `n` threads at the same moment, and waits for them all."""
    start = threading.Barrier(n)

    def run(index: int) -> None:
        start.wait(seconds)
        body(index)

    with ThreadPoolExecutor(n) as pool:
        for done in [pool.submit(run, index) for index in range(n)]:
            done.result(seconds)
