"""What stands before the text of a log line, in each format of `log ... format <f>` (manual 4.2, `log`)."""

from __future__ import annotations

import time
from typing import NamedTuple

NO_DATA = b"- "
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Origin(NamedTuple):
    """Who writes: the tag (`log-tag`), the pid, and the host name of `log-send-hostname` (None: not sent)."""

    tag: str
    pid: int
    hostname: str | None = None


class Layout(NamedTuple):
    """One format: the header with `{us}` where the microseconds go, and what stands for a host name not sent."""

    header: str
    no_hostname: str = ""


class Header:
    """The headers of one target. Renders each (level, second) once; belongs to one thread.

    `facility` is an index in FACILITIES, needed by the formats that carry a priority.
    Raises ValueError for an unknown format and for a missing facility.
    """

    __slots__ = ("_facility", "_layout", "_origin", "_parts", "_second", "structured")

    def __init__(self, format_name: str, facility: int | None, origin: Origin) -> None:
        if format_name not in LAYOUTS:
            raise ValueError(f"unknown log format '{format_name}'")
        self._layout = LAYOUTS[format_name]
        self.structured = format_name == "rfc5424"  # structured data may stand for the NO_DATA at the end
        if facility is None and "{pri}" in self._layout.header:
            raise ValueError(f"log format '{format_name}' needs a facility")
        self._facility = facility or 0
        self._origin = origin
        self._second = -1
        self._parts: dict[int, tuple[bytes, bytes | None]] = {}

    def render(self, level: int, now_us: int) -> bytes:
        """The header of a line of this `level` written at `now_us` (wall clock, us since 1970)."""
        second, us = divmod(now_us, 1_000_000)
        if second != self._second:
            self._second = second
            self._parts.clear()
        parts = self._parts.get(level)
        if parts is None:
            parts = self._parts[level] = self._render_second(level, second)
        before, after = parts
        return before if after is None else b"%b%06d%b" % (before, us, after)

    def around_date(self, level: int) -> tuple[bytes, bytes | None]:
        """What of the headers of a level stands before and behind the date, in one of the STAMPED formats; None behind
        where there is no date."""
        before, mark, after = self._fill(level, stamp="\0").partition("\0")
        return encode(before), encode(after) if mark else None

    def _render_second(self, level: int, second: int) -> tuple[bytes, bytes | None]:
        now = time.localtime(second)
        text = self._fill(
            level,
            stamp=f"{MONTHS[now.tm_mon - 1]} {now.tm_mday:2d} {now.tm_hour:02d}:{now.tm_min:02d}:{now.tm_sec:02d}",
            iso=time.strftime("%Y-%m-%dT%H:%M:%S", now),
            zone=iso_zone(now.tm_gmtoff),
            us="\0",
        )
        before, mark, after = text.partition("\0")
        return encode(before), encode(after) if mark else None

    def _fill(self, level: int, **dates: str) -> str:
        origin = self._origin
        return self._layout.header.format(
            pri=self._facility * 8 + level,
            level=level,
            host=self._layout.no_hostname if origin.hostname is None else origin.hostname,
            tag=origin.tag,
            pid=origin.pid,
            **dates,
        )


def encode(text: str) -> bytes:
    """The bytes of `text` as the configuration file had them (undecodable ones survive)."""
    return text.encode("utf-8", "surrogateescape")


def iso_zone(offset: int) -> str:
    """`+01:00` for an `offset` of 3600 seconds east of Greenwich."""
    sign = "-" if offset < 0 else "+"
    hours, rest = divmod(abs(offset), 3600)
    return f"{sign}{hours:02d}:{rest // 60:02d}"


# Read off HAProxy 2.6's datagrams. `local` never carries the host name, `rfc3164` says "localhost" if none is sent.
LAYOUTS = {
    "iso": Layout("{iso}.{us}{zone} "),
    "local": Layout("<{pri}>{stamp} {tag}[{pid}]: "),
    "priority": Layout("<{pri}>"),
    "raw": Layout(""),
    "rfc3164": Layout("<{pri}>{stamp} {host} {tag}[{pid}]: ", "localhost"),
    "rfc5424": Layout("<{pri}>1 {iso}.{us}{zone} {host} {tag} {pid} - - ", "-"),
    "short": Layout("<{level}>"),
    "timed": Layout("<{level}>{iso}.{us}{zone} "),
}
# Those whose date, if they have one, is of the form `Nov  3 06:42:21`.
STAMPED = frozenset(name for name, layout in LAYOUTS.items() if "{iso}" not in layout.header)
