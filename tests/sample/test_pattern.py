"""Indexes of patterns: what a map finds of several that match, and what many patterns change."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lbcore.sample.pattern import FEW_PREFIXES, METHODS, Flags, Index, PatternError, lower, with_operator
from lbcore.sample.types import Addr

TEXTS = st.text("ab./", max_size=4)


def index(method: str, *patterns: str, ignore_case: bool = False) -> Index:
    """An index whose patterns give themselves."""
    flags = Flags(ignore_case)
    found = METHODS[method]
    return found.build([(found.parse(text, flags), text) for text in patterns], flags)


def test_a_map_finds_the_longest_prefix() -> None:
    found = index("beg", "/", "/a", "/a/b", "/b")
    assert [found.find(text) for text in ("/a/b/c", "/a/c", "/x", "x")] == ["/a/b", "/a", "/", None]


@pytest.mark.parametrize("method", ["end", "sub", "reg", "dir", "dom"])
def test_other_maps_find_the_first_in_order(method: str) -> None:
    assert index(method, "x", "b", "a/b").find("/a/b") == "b"
    assert index(method, "x", "a/b", "b").find("/a/b") == "a/b"


def test_a_map_of_numbers_finds_the_first_in_order() -> None:
    found = index("int", "10:20", "15", "1:100", "7")
    assert [found.find(number) for number in (15, 7, 50, 200)] == ["10:20", "1:100", "1:100", None]
    assert index("int", "15", "10:20").find(15) == "15"


def test_a_map_of_networks_finds_the_narrowest() -> None:
    found = index("ip", "0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "::/0")
    wanted = {"10.1.2.3": "10.1.2.3", "10.1.2.4": "10.1.0.0/16", "10.2.0.0": "10.0.0.0/8", "1.1.1.1": "0.0.0.0/0"}
    for text, network in wanted.items():
        address = Addr.parse(text)
        assert address is not None
        assert found.find(address) == network
        assert found.find(address.v6) == "::/0"


@given(st.lists(TEXTS, max_size=FEW_PREFIXES * 3), TEXTS)
def test_many_prefixes_and_suffixes_match_as_few_do(patterns: list[str], value: str) -> None:
    assert index("beg", *patterns).match(value) is any(value.startswith(one) for one in patterns)
    assert index("end", *patterns).match(value) is any(value.endswith(one) for one in patterns)
    found = index("beg", *patterns).find(value)
    assert found == max((one for one in patterns if value.startswith(one)), key=len, default=None)
    assert index("end", *patterns).find(value) == next((one for one in patterns if value.endswith(one)), None)


RANGES = st.tuples(st.integers(-20, 20), st.integers(0, 8)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@given(st.lists(RANGES, max_size=12), st.integers(-30, 40))
def test_ranges_find_what_looking_at_each_would(ranges: list[tuple[int, int]], value: int) -> None:
    found = METHODS["int"].build([(one, one) for one in ranges], Flags())
    expected = next(((low, high) for low, high in ranges if low <= value <= high), None)
    assert found.find(value) == expected
    assert found.match(value) is (expected is not None)
    assert (value in found.keys) is (expected is not None)


@given(st.lists(TEXTS.filter(bool), max_size=5), TEXTS)
def test_parts_between_delimiters_match_as_comparing_all_of_them(patterns: list[str], value: str) -> None:
    parts = {"/".join(value.split("/")[i:j]).strip("/") for i in range(6) for j in range(i + 1, 7)} - {""}
    expected = any(one.strip("/?") in parts for one in patterns if one.strip("/?"))
    assert index("dir", *patterns).match(value) is expected


def test_case_is_that_of_ascii() -> None:
    assert lower("AbC") == "abc"
    assert lower("\xc9A") == "\xc9a"
    found = index("str", "caf\xe9", ignore_case=True)
    assert [found.match(text) for text in ("CAF\xe9", "CAF\xc9")] == [True, False]
    assert index("reg", "^caf\xe9", ignore_case=True).match("CAF\xe9")


@pytest.mark.parametrize("method", ["str", "beg", "end", "sub", "dir", "dom", "reg"])
def test_every_text_method_can_ignore_case(method: str) -> None:
    assert index(method, "AbC", ignore_case=True).match("aBc")
    assert not index(method, "AbC").match("aBc")


@pytest.mark.parametrize(
    ("operator", "text", "pattern"),
    [
        ("eq", "5", "5"), ("ge", "5", "5:"), ("gt", "5", "6:"), ("le", "5", ":5"), ("lt", "5", ":4"),
        ("lt", "1:3", "1:3"), ("gt", "-4", "-4"),
    ],
)  # fmt: skip
def test_operators_are_ranges(operator: str, text: str, pattern: str) -> None:
    assert with_operator(operator, text, METHODS["int"]) == pattern


def test_operators_want_numbers() -> None:
    with pytest.raises(PatternError, match="'x' is neither a number nor a supported operator"):
        with_operator("lt", "x", METHODS["int"])


def test_lengths_of_blocks_and_texts_are_ranges() -> None:
    found = index("len", "3", "5:6")
    assert [found.match("x" * size) for size in range(7)] == [False, False, False, True, False, True, True]
    assert found.match(b"abc")
