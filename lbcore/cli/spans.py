"""Spans of time in words of commands and in answers."""

from __future__ import annotations

import re

_SPAN = re.compile(r"(\d+)(us|ms|s|m|h|d)?")
_UNIT_US = {"us": 1, "ms": 1000, None: 1_000_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000,
            "d": 86_400_000_000}  # fmt: skip
_PARTS = ((86_400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "s"))


def parse_span(text: str) -> int | None:
    """The milliseconds of `5`, `5s`, `100ms`: seconds if no unit is given, parts of a millisecond count as one.

    None: it is no span.
    """
    match = _SPAN.fullmatch(text)
    return -(-int(match[1]) * _UNIT_US[match[2]] // 1000) if match else None


def human(seconds: int) -> str:
    """`0s`, `8m18s`, `10m`, `3d4h`: the two largest units, as HAProxy has them."""
    for whole, unit, part, smaller in _PARTS:
        if seconds >= whole:
            rest = seconds % whole // part
            return f"{seconds // whole}{unit}" + (f"{rest}{smaller}" if rest else "")
    return f"{seconds}s"
