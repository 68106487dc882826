"""Times, sizes and numbers as the configuration writes them (manual 2.5 Time format)."""

from __future__ import annotations

import re

_TIME_UNITS = {"us": 1, "ms": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}
_TIME_LIMITS = {"ms": "2147483647 ms or ~24.8 days", "s": "2147483647 s or ~68 years"}
_SIZE_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}

_DIGITS = re.compile(r"[0-9]*")
_TIME_UNIT = re.compile(r"us|ms|[smhd]?")
_SIZE_UNIT = re.compile(r"[kKmMgG]?")
_INTEGER = re.compile(r"[+-]?[0-9]+")

TIME_MAX = 2**31 - 1
SIZE_MAX = 2**32 - 1


class UnitError(ValueError):
    """The text is no value of that kind; the message says why, mostly in HAProxy's words.

    Keywords differ in how they word it, so the parts are there too: `kind` is "empty", "character" (then `char` is the
    offending one), "overflow", "range" or "word".
    """

    def __init__(self, message: str, kind: str, char: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        self.char = char


def parse_time(text: str, default_unit: str = "ms", *, name: str = "") -> int:
    """A time, in the unit it has if it names none: `default_unit`, one of "us", "ms", "s".

    0 .. 2147483647; the units are us, ms, s, m, h, d, and a fraction of the default unit is rounded up. Raises
    UnitError; `name` is the keyword its message mentions. Source: manual 2.5.
    """
    digits = _digits(text, name)
    unit = _unit(_TIME_UNIT, text, len(digits), name)
    scale = _TIME_UNITS[default_unit]
    value = -(-_number(digits) * _TIME_UNITS[unit or default_unit] // scale)
    if value > TIME_MAX:
        limit = _TIME_LIMITS.get(default_unit, f"{TIME_MAX} {default_unit}")
        raise UnitError(f"timer overflow in argument '{text}' to '{name}' (maximum value is {limit})", "overflow")
    return value


def parse_size(text: str, *, name: str = "") -> int:
    """A size in bytes: digits and at most one of k, m, g in either case (powers of 1024), 0 .. 4294967295.

    Raises UnitError; `name` is the keyword its message mentions.
    """
    digits = _digits(text, name)
    unit = _unit(_SIZE_UNIT, text, len(digits), name)
    value = _number(digits) * _SIZE_UNITS[unit.lower()]
    if value > SIZE_MAX:
        raise UnitError(f"size overflow in argument '{text}' to '{name}' (maximum value is {SIZE_MAX})", "overflow")
    return value


def parse_int(text: str, low: int = -(2**31), high: int = 2**31 - 1, *, name: str = "") -> int:
    """A whole decimal number with an optional sign, `low` .. `high`. Raises UnitError."""
    if not text:
        raise UnitError(f"'{name}' expects an integer argument", "empty")
    match = _INTEGER.match(text)
    if not match or match.end() < len(text):
        char = text[match.end() if match else 0]
        raise UnitError(f"'{name}' expects an integer argument (got '{text}')", "character", char)
    value = _number(text)
    if not low <= value <= high:
        raise UnitError(f"'{name}' must be between {low} and {high} inclusive (was {text})", "range")
    return value


def parse_bool(text: str, *, name: str = "") -> bool:
    """`on` or `off`. Raises UnitError for anything else."""
    if text not in ("on", "off"):
        raise UnitError(f"'{name}' expects either 'on' or 'off' (got '{text}')", "word" if text else "empty")
    return text == "on"


def _number(text: str) -> int:
    # Python refuses to convert thousands of digits. Thirty are past every limit here already.
    sign, digits = (text[0], text[1:]) if text[0] in "+-" else ("", text)
    return int(sign + (digits.lstrip("0")[:30] or "0"))


def _digits(text: str, name: str) -> str:
    match = _DIGITS.match(text)
    digits = match[0] if match else ""
    if digits:
        return digits
    if not text:
        raise UnitError(f"'{name}' expects an integer value", "empty")
    raise UnitError(f"unexpected character '{text[0]}' in '{name}'", "character", text[0])


def _unit(pattern: re.Pattern[str], text: str, start: int, name: str) -> str:
    match = pattern.match(text, start)
    end = match.end() if match else start
    if end < len(text):
        raise UnitError(f"unexpected character '{text[end]}' in '{name}'", "character", text[end])
    return text[start:end]
