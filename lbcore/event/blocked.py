"""Who lets traffic wait: `warn-blocked-traffic-after` (manual 3.2).

A thread that decides serves nobody else meanwhile. What handles events is replaced, before the threads start, by
functions that look at the clock before and after: it costs nothing where nobody asks for it. A warning comes when the
thread goes on, once a second at most from each, and says how many there were besides.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lbcore.event.profile import UNTIMED, event_name

if TYPE_CHECKING:
    from lbcore.event.crew import Crew
    from lbcore.event.worker import Handler, Worker

Tell = Callable[[str], None]
APART = 1.0  # seconds between two warnings of a thread


class Blocked:
    """Tells what keeps a thread of a crew from its traffic for `limit` ms or more. Made before the threads start."""

    def __init__(self, crew: Crew, limit: int, tell: Tell, clock: Callable[[], float] = time.monotonic) -> None:
        self._crew = crew
        self._limit = limit / 1000
        self._tell = tell
        self._clock = clock
        # Of each thread, changed by it alone: when it was told last, and what was left out since.
        self._told = [float("-inf")] * len(crew.workers)
        self._untold = [0] * len(crew.workers)
        for kind, handler in crew.handlers.items():
            if kind not in UNTIMED:
                crew.handlers[kind] = self._timed(kind, handler)

    def _timed(self, kind: int, handler: Handler) -> Handler:
        clock, limit = self._clock, self._limit

        def handle(worker: Worker, event: Any) -> None:
            begun = clock()
            name = event_name(self._crew, kind, event)  # a task may be gone afterwards
            try:
                handler(worker, event)
            finally:
                took = clock() - begun
                if took >= limit:
                    self._late(worker.tid, name, took)

        return handle

    def _late(self, tid: int, name: str, took: float) -> None:
        now = self._clock()
        if now - self._told[tid] < APART:
            self._untold[tid] += 1
            return
        more = f", as {self._untold[tid]} times before since the last warning" if self._untold[tid] else ""
        self._told[tid], self._untold[tid] = now, 0
        self._tell(
            f"thread {tid + 1} has served no traffic for {took * 1000:.0f} milliseconds, being busy with "
            f"'{name}'{more} (see 'warn-blocked-traffic-after')."
        )
