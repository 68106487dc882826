"""Which regular expressions are told to take exponential time."""

from __future__ import annotations

import pytest

from lbcore.lint.backtrack import exponential

SLOW = (
    r"^(a+)+$",
    r"(a*)*b",
    r"(?:a|aa)+$",
    r"(\w+\s?)*:",
    r"^(a|b|ab)*$",
    r"([a-z]+)*\d",
    r"(.*a)*x",
    r"^(([a-z])+.)+[A-Z]([a-z])+$",
    r"(x+x+)+y",
)
FAST = (
    r"^/api/v[0-9]+/.*$",
    r"^(a+/)+$",
    r"(?:[a-z0-9-]+\.)*example\.com$",
    r"(a|b|c)*$",
    r"(ab|cd)+$",
    r"(a+)+",  # nothing behind it: the first way is as good as any
    r"^(?:[0-9]{1,3}\.){3}[0-9]{1,3}$",
    r"^\s*(\S+)\s*$",
    r"(?:%[0-9a-f]{2})+$",
    r"([^/]+/)*[^/]*$",
)


@pytest.mark.parametrize("pattern", SLOW)
def test_what_can_be_cut_in_many_ways_is_told(pattern: str) -> None:
    assert exponential(pattern) is not None


@pytest.mark.parametrize("pattern", FAST)
def test_what_can_be_cut_in_one_way_is_not(pattern: str) -> None:
    assert exponential(pattern) is None


def test_possessive_repeats_never_give_back() -> None:
    assert exponential(r"(?:a+)++$") is None


def test_what_is_no_pattern_is_not_judged() -> None:
    assert exponential("(") is None
