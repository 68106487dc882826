"""Texts of the socket: as the rest of the program keeps them, one character a byte; times as it shows them."""

from __future__ import annotations

import time

from lbcore.log.header import MONTHS


def given(text: str) -> str:
    """A word of a command."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("latin-1")


def shown(text: str) -> str:
    """The reverse of `given`, for answers."""
    return text if text.isascii() else text.encode("latin-1").decode("utf-8", "surrogateescape")


def local_time(us: int, digits: int) -> str:
    """A time of the wall clock, in us, as logs show it, with `digits` (0 .. 6) of its second's fraction:
    `23/Nov/2026:10:56:54.064`."""
    now = time.localtime(us // 1_000_000)
    day = f"{now.tm_mday:02d}/{MONTHS[now.tm_mon - 1]}/{now.tm_year}"
    fraction = f"{us % 1_000_000:06d}"[:digits]
    return f"{day}:{now.tm_hour:02d}:{now.tm_min:02d}:{now.tm_sec:02d}.{fraction}"
