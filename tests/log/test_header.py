"""Headers of log lines: layouts as HAProxy writes them, rendered at a fixed moment."""

import time
from collections.abc import Iterator

import pytest

from lbcore.log.header import LAYOUTS, Header, Origin, iso_zone
from lbcore.log.settings import FORMATS

NOW_US = 1_772_323_445_000_042  # 2026-03-01T00:04:05.000042Z: day and time need padding
LOCAL0 = 16
INFO = 6


@pytest.fixture(autouse=True)
def in_greenwich(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("iso", b"2026-03-01T00:04:05.000042+00:00 "),
        ("local", b"<134>Mar  1 00:04:05 tag[7]: "),
        ("priority", b"<134>"),
        ("raw", b""),
        ("rfc3164", b"<134>Mar  1 00:04:05 localhost tag[7]: "),
        ("rfc5424", b"<134>1 2026-03-01T00:04:05.000042+00:00 - tag 7 - - "),
        ("short", b"<6>"),
        ("timed", b"<6>2026-03-01T00:04:05.000042+00:00 "),
    ],
)
def test_layout(name: str, expected: bytes) -> None:
    assert Header(name, LOCAL0, Origin("tag", 7)).render(INFO, NOW_US) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("local", b"<134>Mar  1 00:04:05 tag[7]: "),
        ("rfc3164", b"<134>Mar  1 00:04:05 box tag[7]: "),
        ("rfc5424", b"<134>1 2026-03-01T00:04:05.000042+00:00 box tag 7 - - "),
    ],
)
def test_host_name_stands_where_the_format_has_one(name: str, expected: bytes) -> None:
    assert Header(name, LOCAL0, Origin("tag", 7, "box")).render(INFO, NOW_US) == expected


def test_every_format_of_the_configuration_has_a_layout() -> None:
    assert set(LAYOUTS) == set(FORMATS)


def test_a_new_second_renders_a_new_date() -> None:
    header = Header("local", LOCAL0, Origin("tag", 7))
    header.render(INFO, NOW_US)
    assert header.render(INFO, NOW_US + 1_000_000) == b"<134>Mar  1 00:04:06 tag[7]: "


def test_microseconds_follow_the_clock_within_a_second() -> None:
    header = Header("iso", None, Origin("tag", 7))
    header.render(INFO, NOW_US)
    assert header.render(INFO, NOW_US + 999_000) == b"2026-03-01T00:04:05.999042+00:00 "


def test_levels_of_one_second_are_not_mixed_up() -> None:
    header = Header("short", None, Origin("tag", 7))
    assert [header.render(level, NOW_US) for level in (6, 3, 6)] == [b"<6>", b"<3>", b"<6>"]


def test_formats_with_a_priority_need_a_facility() -> None:
    with pytest.raises(ValueError, match="'rfc5424' needs a facility"):
        Header("rfc5424", None, Origin("tag", 7))


def test_an_unknown_format_is_named() -> None:
    with pytest.raises(ValueError, match="'syslog'"):
        Header("syslog", 1, Origin("tag", 7))


@pytest.mark.parametrize(
    ("offset", "expected"), [(0, "+00:00"), (3600, "+01:00"), (-12600, "-03:30"), (20700, "+05:45")]
)
def test_zone_of_iso_dates(offset: int, expected: str) -> None:
    assert iso_zone(offset) == expected


def test_bytes_that_are_no_utf8_survive_in_the_tag() -> None:
    tag = b"\xe9t\xe9".decode("utf-8", "surrogateescape")
    assert b"\xe9t\xe9[7]" in Header("local", LOCAL0, Origin(tag, 7)).render(INFO, NOW_US)
