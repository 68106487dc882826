"""What a backend and each of its servers tell alike of the streams they serve."""

from __future__ import annotations

import time
from typing import Any

from lbcore.proxy.figures import SESS, Figures

TICKS = 0xFFFFFFFF


def seconds_since(tick: int) -> int:
    """Whole seconds from a tick of the shim's until now, -1 if it is 0 (never)."""
    if not tick:
        return -1
    return ((time.monotonic_ns() // 1_000_000 - tick) & TICKS) // 1000


class Serving:
    """The common part of `Backend` and `Server` (`lbcore.stats.views.ServingView`), read from `figures`."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures
        self.changed = time.monotonic()  # when its state did; written at the sync point

    @property
    def counters(self) -> Any:
        return self._figures.counters

    @property
    def cur_sess(self) -> int:
        return int(self._figures.live.cur)

    @property
    def max_sess(self) -> int:
        return int(self._figures.live.cur_max)

    @property
    def queue(self) -> int:
        return int(self._figures.live.queued)

    @property
    def queue_max(self) -> int:
        return int(self._figures.live.queued_max)

    @property
    def rate(self) -> int:
        return self._figures.rate(SESS)

    @property
    def rate_max(self) -> int:
        return self._figures.rate_max(SESS)

    @property
    def lastchg(self) -> int:
        return int(time.monotonic() - self.changed)

    @property
    def lastsess(self) -> int:
        return seconds_since(int(self._figures.live.last_ms))
