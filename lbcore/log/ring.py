"""The last lines in memory: start-up messages, events, whatever a reader may ask for later."""

from __future__ import annotations

from collections import deque
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple


class RingRead(NamedTuple):
    """What `Ring.read` found: the lines, the number to ask from next time, and how many were already overwritten."""

    lines: list[str]
    next: int
    missed: int


class Ring:
    """At most `capacity` lines, the oldest giving way to the newest. Lines are numbered from 0 for ever.

    `lock` is the log ring's (the innermost: nothing is called while it is held); None where one thread alone uses it.
    Raises ValueError for a capacity below 1.
    """

    def __init__(self, capacity: int, lock: AbstractContextManager[object] | None = None) -> None:
        if capacity < 1:
            raise ValueError(f"a ring needs room for a line, not {capacity}")
        self._lines: deque[str] = deque(maxlen=capacity)  # under _lock
        self._written = 0  # under _lock
        self._lock: AbstractContextManager[object] = nullcontext() if lock is None else lock

    def append(self, line: str) -> None:
        """Adds one line. Takes the log ring's lock."""
        with self._lock:
            self._lines.append(line)
            self._written += 1

    def read(self, start: int = 0) -> RingRead:
        """The lines from number `start` on that are still there. Takes the log ring's lock."""
        with self._lock:
            lines, written = list(self._lines), self._written
        oldest = written - len(lines)
        return RingRead(lines[max(start - oldest, 0) :], written, max(oldest - start, 0))

    def clear(self) -> None:
        """Forgets the lines, not their numbers. Takes the log ring's lock."""
        with self._lock:
            self._lines.clear()
