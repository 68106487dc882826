"""Events per period, over a sliding window. The rules are in native/include/freq.h."""

from __future__ import annotations

from typing import Any

from lbcore.shim import ffi, lib

PERIOD_MAX = 0x7FFFFFFF
TICKS = 0xFFFFFFFF
COUNT_MAX = 0xFFFFFFFF


class FreqCounter:
    """How many events the last `period` milliseconds saw; any thread may update and read it, no lock.

    Each call takes the clock of the calling thread, in milliseconds from any common origin. Clocks of two threads may
    disagree: one that is behind by up to a minute counts into the period it finds.
    """

    __slots__ = ("handle", "period")

    def __init__(self, period: int = 1000) -> None:
        """`period` is 1 to 2^31-1 ms, else ValueError."""
        if not 1 <= period <= PERIOD_MAX:
            raise ValueError(f"a period must be 1 to {PERIOD_MAX} ms, not {period}")
        self.period = period
        self.handle: Any = ffi.new("freq_ctr_period *")

    def update(self, now_ms: int, n: int = 1) -> int:
        """Counts `n` events; how many the current period has then."""
        return int(lib.freqp_update(self.handle, self.period, n, now_ms & TICKS))

    def read(self, now_ms: int) -> int:
        """Events in the window that ends now."""
        return int(lib.freqp_read(self.handle, self.period, now_ms & TICKS))

    def remain(self, freq: int, now_ms: int, pend: int = 0) -> int:
        """How many more may happen now under a limit of `freq` per period, when `pend` others are on their way."""
        return int(lib.freqp_remain(self.handle, self.period, freq, min(pend, COUNT_MAX), now_ms & TICKS))

    def next_delay(self, freq: int, now_ms: int, pend: int = 0) -> int:
        """Milliseconds until the next one may happen under that limit: 0 at once, else 1 or more."""
        return int(lib.freqp_next_delay(self.handle, self.period, freq, min(pend, COUNT_MAX), now_ms & TICKS))
