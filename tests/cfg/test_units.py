"""Times, sizes, numbers, switches."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lbcore.cfg.units import UnitError, parse_bool, parse_int, parse_size, parse_time


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("0", 0),
        ("5", 5),
        ("5ms", 5),
        ("5s", 5_000),
        ("5m", 300_000),
        ("5h", 18_000_000),
        ("5d", 432_000_000),
        ("5000us", 5),
        ("0us", 0),
        ("2147483647", 2**31 - 1),
        ("24d", 2_073_600_000),
        ("007", 7),
    ],
)
def test_a_time_is_in_milliseconds(text: str, milliseconds: int) -> None:
    assert parse_time(text) == milliseconds


@pytest.mark.parametrize(("text", "milliseconds"), [("1us", 1), ("999us", 1), ("1001us", 2)])
def test_a_fraction_of_a_millisecond_is_rounded_up(text: str, milliseconds: int) -> None:
    assert parse_time(text) == milliseconds


@pytest.mark.parametrize(("text", "seconds"), [("5", 5), ("5s", 5), ("2m", 120), ("1500ms", 2), ("365d", 31_536_000)])
def test_a_time_may_be_in_seconds(text: str, seconds: int) -> None:
    assert parse_time(text, "s") == seconds


@pytest.mark.parametrize("text", ["2147483648", "99999999999", "2147484s", "25d", "9" * 5_000])
def test_a_time_has_a_limit(text: str) -> None:
    with pytest.raises(UnitError) as caught:
        parse_time(text, name="timeout client")
    assert caught.value.kind == "overflow"
    assert str(caught.value) == (
        f"timer overflow in argument '{text}' to 'timeout client' (maximum value is 2147483647 ms or ~24.8 days)"
    )


def test_a_time_in_seconds_has_its_own_limit() -> None:
    assert parse_time("24000d", "s") == 2_073_600_000
    with pytest.raises(UnitError, match=r"\(maximum value is 2147483647 s or ~68 years\)"):
        parse_time("25000000000", "s")


@pytest.mark.parametrize(
    ("text", "char"),
    [("x", "x"), ("-1", "-"), ("1.5s", "."), ("5S", "S"), ("5ms5", "5"), ("5 s", " "), ("5x", "x"), ("5mm", "m")],
)
def test_a_time_is_digits_and_one_unit(text: str, char: str) -> None:
    with pytest.raises(UnitError) as caught:
        parse_time(text, name="timeout client")
    assert (caught.value.kind, caught.value.char) == ("character", char)
    assert str(caught.value) == f"unexpected character '{char}' in 'timeout client'"


@pytest.mark.parametrize("parse", [parse_time, parse_size, parse_int, parse_bool])
def test_nothing_is_no_value(parse: object) -> None:
    assert callable(parse)
    with pytest.raises(UnitError) as caught:
        parse("")
    assert caught.value.kind == "empty"


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("512", 512),
        ("16k", 16_384),
        ("16K", 16_384),
        ("2m", 2_097_152),
        ("3G", 3_221_225_472),
        ("4294967295", 2**32 - 1),
    ],
)
def test_a_size_is_in_bytes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["4g", "4294967296", "99999999999"])
def test_a_size_has_a_limit(text: str) -> None:
    with pytest.raises(UnitError, match="size overflow") as caught:
        parse_size(text, name="size")
    assert caught.value.kind == "overflow"


@pytest.mark.parametrize(
    ("text", "char"), [("x", "x"), ("-1", "-"), ("1t", "t"), ("1kk", "k"), ("1kb", "b"), ("1.5k", ".")]
)
def test_a_size_is_digits_and_one_unit(text: str, char: str) -> None:
    with pytest.raises(UnitError) as caught:
        parse_size(text)
    assert (caught.value.kind, caught.value.char) == ("character", char)


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("-5", -5), ("+5", 5), ("10", 10), ("0" * 5_000, 0)])
def test_an_integer_may_have_a_sign(text: str, number: int) -> None:
    assert parse_int(text, -5, 10) == number


@pytest.mark.parametrize("text", ["-6", "11"])
def test_an_integer_has_a_range(text: str) -> None:
    with pytest.raises(UnitError) as caught:
        parse_int(text, -5, 10, name="nice")
    assert caught.value.kind == "range"
    assert str(caught.value) == f"'nice' must be between -5 and 10 inclusive (was {text})"


@pytest.mark.parametrize(
    ("text", "char"), [("5x", "x"), ("x", "x"), ("5.0", "."), ("0x5", "x"), (" 5", " "), ("٣", "٣")]
)
def test_an_integer_is_decimal(text: str, char: str) -> None:
    with pytest.raises(UnitError) as caught:
        parse_int(text)
    assert (caught.value.kind, caught.value.char) == ("character", char)


def test_a_switch_is_on_or_off() -> None:
    assert parse_bool("on") is True
    assert parse_bool("off") is False
    with pytest.raises(UnitError, match=r"'insecure' expects either 'on' or 'off' \(got 'yes'\)") as caught:
        parse_bool("yes", name="insecure")
    assert caught.value.kind == "word"


@given(st.integers(0, 2**31 - 1))
def test_any_milliseconds_come_back(value: int) -> None:
    assert parse_time(str(value)) == parse_time(f"{value}ms") == value


@given(st.text())
def test_any_text_is_a_time_or_an_error(text: str) -> None:
    try:
        assert 0 <= parse_time(text) < 2**31
    except UnitError as error:
        assert error.kind in ("empty", "character", "overflow")
