"""Times and sizes as arguments of actions and filters (manual 2.5)."""

from __future__ import annotations

import re

_TIME = re.compile(r"([0-9]{1,18})(us|ms|[smhd]?)")
_SIZE = re.compile(r"([0-9]{1,18})([kKmMgG]?)")
_US = {"us": 1, "ms": 1_000, "": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}
_BYTES = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}

MS_MAX = 2**31 - 1
SIZE_MAX = 2**32 - 1


class UnitError(ValueError):
    """The text is no such value; `char` is the character at fault, "" if the value is too large."""

    def __init__(self, char: str) -> None:
        super().__init__(f"unexpected character '{char}'" if char else "value too large")
        self.char = char


def time(text: str) -> int:
    """Milliseconds, 0 .. 2147483647; a fraction of one counts as one. Raises UnitError."""
    number, unit = _parts(_TIME, text)
    ms = -(-number * _US[unit] // 1_000)
    if ms > MS_MAX:
        raise UnitError("")
    return ms


def size(text: str) -> int:
    """Bytes, 0 .. 4294967295. Raises UnitError."""
    number, unit = _parts(_SIZE, text)
    value = number * _BYTES[unit.lower()]
    if value > SIZE_MAX:
        raise UnitError("")
    return value


def _parts(pattern: re.Pattern[str], text: str) -> tuple[int, str]:
    match = pattern.match(text)
    if match is None:
        raise UnitError(text[:1])
    if match.end() < len(text):
        raise UnitError(text[match.end()])
    return int(match[1]), match[2]
