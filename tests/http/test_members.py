"""Values taken apart at marks that are not quoted."""

from __future__ import annotations

import pytest

from lbcore.http.members import split_list, split_quoted


@pytest.mark.parametrize(
    ("value", "members"),
    [
        ("a", ["a"]),
        ("a, b ,c", ["a", "b", "c"]),
        ("a,,b,", ["a", "", "b", ""]),
        ('a, "b, c", d', ["a", '"b, c"', "d"]),
        ('a="x\\",y", b', ['a="x\\",y"', "b"]),
        ('"open, end', ['"open, end']),
    ],
)
def test_commas_part_members_but_in_quotes(value: str, members: list[str]) -> None:
    assert split_list(value) == members


def test_any_of_two_marks_parts() -> None:
    assert list(split_quoted('a=1; b="x;,y", c', ";,")) == ["a=1", ' b="x;,y"', " c"]
    assert list(split_quoted("a;b,c", ";,")) == ["a", "b", "c"]
