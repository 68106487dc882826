"""Loggers: every target of a proxy, with its levels, its sample and its format (manual 4.2, `log`)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext

from lbcore.log.header import NO_DATA, Header, Origin, encode
from lbcore.log.sender import Sender, Senders
from lbcore.log.settings import LogTarget

Line = tuple[int, str]  # level (an index in LEVELS), text with one character a byte (latin-1)
Clock = Callable[[], int]  # wall clock, us since 1970


def wall_clock_us() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1000


class Sampler:
    """Which lines of a target that samples are sent: `sample 1,3-4:5` sends the 1st, 3rd and 4th of every 5.

    One a target, shared by the threads, since the figure is of all lines. `lock` is the log ring's.
    Raises ValueError for a range that is empty, starts below 1 or ends above `size`.
    """

    def __init__(
        self, ranges: Iterable[tuple[int, int]], size: int, lock: AbstractContextManager[object] | None = None
    ) -> None:
        self._taken = [False] * size
        for first, last in ranges:
            if not 1 <= first <= last <= size:
                raise ValueError(f"sample range {first}-{last} does not fit into {size}")
            self._taken[first - 1 : last] = [True] * (last - first + 1)
        self._next = 0  # under _lock
        self._lock: AbstractContextManager[object] = nullcontext() if lock is None else lock

    def take(self, lines: Sequence[bytes]) -> list[bytes]:
        """Those of the next `lines` that are in the sample. Takes the log ring's lock."""
        size = len(self._taken)
        with self._lock:
            start = self._next
            self._next = (start + len(lines)) % size
        return [line for index, line in enumerate(lines, start) if self._taken[index % size]]


class LogSink:
    """One target as one thread sees it."""

    def __init__(self, target: LogTarget, origin: Origin, sender: Sender, sampler: Sampler | None = None) -> None:
        self._level = target.level
        self._minlevel = target.minlevel
        self._maxlen = target.maxlen
        self._header = Header(target.format or default_format(target, origin), target.facility, origin)
        self._sampler = sampler
        self._sender = sender

    def send_many(self, lines: Iterable[tuple[int, bytes]], now_us: int, structured: bytes = b"") -> None:
        """Sends those lines that the levels and the sample let through, in order. No lock but the sampler's.

        `structured` is the structured data of all of them (RFC 5424 6.3), for the format that has it.
        """
        ready = []
        present, header, room = -1, b"", 0
        for level, text in lines:
            if level > self._level:
                continue
            if level != present:
                present = level
                header = self._render(level, now_us, structured)
                room = self._maxlen - 1 - len(header)
            ready.append(header + text[:room] + b"\n")
        if self._sampler is not None:
            ready = self._sampler.take(ready)
        self._sender.send_batch(ready)

    def _render(self, level: int, now_us: int, structured: bytes) -> bytes:
        """What stands before the text of lines of a level, no longer than a line may be."""
        header = self._header.render(max(level, self._minlevel), now_us)
        if structured and self._header.structured:
            header = header.removesuffix(NO_DATA) + structured + b" "
        return header[: self._maxlen - 1]


class Logger:
    """All targets of one proxy (or of the globals) for one thread.

    `samplers` comes from `make_samplers(targets)`, called once, so that all threads share each sample.
    Raises ValueError where a target can't be used (unknown format, no facility).
    """

    def __init__(
        self,
        targets: Sequence[LogTarget],
        origin: Origin,
        senders: Senders,
        samplers: Sequence[Sampler | None] | None = None,
        clock: Clock = wall_clock_us,
    ) -> None:
        if samplers is None:
            samplers = make_samplers(targets)
        self._clock = clock
        self._sinks = [
            LogSink(target, origin, senders.get(target.address), sampler)
            for target, sampler in zip(targets, samplers, strict=True)
        ]

    def __bool__(self) -> bool:
        """Whether there is any target: where not, no line needs to be made."""
        return bool(self._sinks)

    def send(self, level: int, text: str) -> None:
        """Sends one line, such as "Proxy fe started.", of any characters."""
        self.send_many([(level, encode(text).decode("latin-1"))])

    def send_many(self, lines: Iterable[Line], structured: str = "") -> None:
        """Sends lines in order to every target. They leave at once or are dropped and counted by the senders.

        `structured` is the structured data of all of them, for targets in format rfc5424.
        """
        encoded = [(level, text.encode("latin-1")) for level, text in lines]
        now_us, data = self._clock(), structured.encode("latin-1")
        for sink in self._sinks:
            sink.send_many(encoded, now_us, data)


def default_format(target: LogTarget, origin: Origin) -> str:
    """The format of a `log` line that names none: `raw` to descriptors, else `local`, `rfc3164` with a host name."""
    if target.address.fd is not None:
        return "raw"
    return "local" if origin.hostname is None else "rfc3164"


def make_samplers(
    targets: Sequence[LogTarget], lock: AbstractContextManager[object] | None = None
) -> list[Sampler | None]:
    """One sampler for each of `targets` that samples. Made once and handed to the Loggers of all threads."""
    return [Sampler(t.sample_ranges, t.sample_size, lock) if t.sample_ranges else None for t in targets]
