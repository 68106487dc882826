"""Dates as texts, and back (manual 7.3.1)."""

from __future__ import annotations

import calendar
import re
import time
from collections.abc import Callable, Sequence

from lbcore.conv.arguments import text_at
from lbcore.sample.build import Build
from lbcore.sample.rows import Arg, ArgumentError, Convert, Converter, add_converters
from lbcore.sample.types import Type

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
LONG_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_SECONDS = 2**55 - 1  # bits of a date that count: so HAProxy keeps years within what the C library knows
_NS = 1_000_000_000
_UNITS = {"s": 1, "ms": 1000, "us": 1_000_000}
_FRACTION = re.compile(r"%%|%([0-9]?)N")

_DATE = "(?P<day>[0-9]{2}) (?P<month>[A-Z][a-z]{2}) (?P<year>[0-9]{4})"
_WEEKDAY = "(?P<weekday>[A-Z][a-z]{2})"
_TIME = "(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
_HTTP_DATES = (  # RFC 9110 section 5.6.7
    re.compile(rf"{_WEEKDAY}, {_DATE} {_TIME} GMT"),
    re.compile(rf"(?P<weekday>[A-Z][a-z]{{5,8}}), {_DATE.replace(' ', '-').replace('{4}', '{2}')} {_TIME} GMT"),
    re.compile(rf"{_WEEKDAY} (?P<month>[A-Z][a-z]{{2}}) (?P<day>[ 0-9][0-9]) {_TIME} (?P<year>[0-9]{{4}})"),
)

ToStruct = Callable[[int], time.struct_time]


def _greenwich(second: int) -> time.struct_time:
    """The fields of a date in Greenwich, whose zone the C library calls GMT."""
    fields = time.gmtime(second)
    return time.struct_time(tuple(fields), {"tm_zone": "GMT", "tm_gmtoff": 0})


def http_date(second: int, fraction: str = "") -> str:
    """A date as HTTP has it (RFC 9110 section 5.6.7), with a fraction of the second behind it."""
    date = time.gmtime(second)
    day, month = DAYS[date.tm_wday], MONTHS[date.tm_mon - 1]
    clock = f"{date.tm_hour:02d}:{date.tm_min:02d}:{date.tm_sec:02d}{fraction}"
    return f"{day}, {date.tm_mday:02d} {month} {date.tm_year:04d} {clock} GMT"


def _check_http_date(args: Sequence[Arg]) -> None:
    if len(args) > 1 and args[1] not in _UNITS:
        raise ArgumentError(f"expects 's', 'ms' or 'us', got '{args[1]}'")


def _make_http_date(args: Sequence[Arg], build: Build) -> Convert:
    """The date of a number of seconds (or ms, us, which are then shown), an offset of the same unit added."""
    offset: int = args[0] if args else 0
    unit = _UNITS[args[1] if len(args) > 1 else "s"]
    if unit == 1:
        return lambda value: http_date(value + offset & _SECONDS)

    def convert(value: int) -> str:
        second, rest = divmod(value + offset, unit)
        return http_date(second & _SECONDS, f".{rest}")  # not padded, as in HAProxy

    return convert


def parse_http_date(text: str) -> int | None:
    """The seconds since 1970 of a date in one of the three forms of HTTP, None if it is none."""
    for pattern in _HTTP_DATES:
        match = pattern.fullmatch(text)
        if match is not None:
            return _seconds(match)
    return None


def _seconds(match: re.Match[str]) -> int | None:
    if match["weekday"] not in (*DAYS, *LONG_DAYS) or match["month"] not in MONTHS:
        return None
    year, month, day = int(match["year"]), MONTHS.index(match["month"]) + 1, int(match["day"])
    if len(match["year"]) == 2:
        year += 2000 if year < 70 else 1900
    hour, minute, second = int(match["hour"]), int(match["minute"]), int(match["second"])
    if not (1 <= day <= calendar.monthrange(year, month)[1] and hour < 24 and minute < 60 and second <= 60):
        return None
    return calendar.timegm((year, month, day, hour, minute, second))


def _formatted(name: str, unit: int, fields: ToStruct, doc: str) -> Converter:
    """The row of a date formatted by strftime(3), from a number that has `unit` steps a second, as its offset has.

    Of finer steps than the second `%N`, or `%3N` with fewer digits, is the fraction.
    """

    def make(args: Sequence[Arg], build: Build) -> Convert:
        pattern, offset = text_at(args, 0), args[1] if len(args) > 1 else 0

        def convert(value: int) -> str | None:
            second, rest = divmod((value & _SECONDS) + offset, unit)
            text = _with_fraction(pattern, f"{rest * (_NS // unit):09d}") if unit > 1 else pattern
            try:
                return time.strftime(text, fields(second))
            except (OSError, OverflowError, ValueError):  # a year that the C library has no number for
                return None

        return convert

    return Converter(name, "(string[,integer])", Type.SINT, Type.STR, make, doc)


def _with_fraction(pattern: str, nanoseconds: str) -> str:
    def digits(match: re.Match[str]) -> str:
        return match[0] if match[0] == "%%" else nanoseconds[: int(match[1] or 9) or 9]

    return _FRACTION.sub(digits, pattern)


add_converters(
    Converter("date", "", Type.STR, Type.SINT, lambda args, build: parse_http_date, "The seconds of a date of HTTP."),
    Converter(
        "http_date",
        "([integer,string])",
        Type.SINT,
        Type.STR,
        _make_http_date,
        "A date as HTTP has it.",
        _check_http_date,
    ),
    _formatted("ltime", 1, time.localtime, "A date where we are, formatted."),
    _formatted("ms_ltime", 1000, time.localtime, "A date in ms where we are, formatted."),
    _formatted("ms_utime", 1000, _greenwich, "A date in ms in Greenwich, formatted."),
    _formatted("us_ltime", 1_000_000, time.localtime, "A date in us where we are, formatted."),
    _formatted("us_utime", 1_000_000, _greenwich, "A date in us in Greenwich, formatted."),
    _formatted("utime", 1, _greenwich, "A date in Greenwich, formatted."),
)
