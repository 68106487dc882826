"""HAProxy's CSV."""

import csv
import io

import pytest

from lbcore.stats.csv import HEADER, cell, line


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (0, "0"),
        (-1, "-1"),
        ("UP 1/2", "UP 1/2"),
        ("a,b", '"a,b"'),
        ('say "x"', '"say ""x"""'),
        ("a\nb", '"a\nb"'),
    ],
)
def test_cells(value: int | str | None, text: str) -> None:
    assert cell(value) == text


def test_every_value_has_a_comma_behind_it() -> None:
    assert line(["a", None, 3]) == "a,,3,\n"


def test_what_is_written_can_be_read_back() -> None:
    row: list[int | str | None] = ["a", 'b,"c"', "d\ne", "1"]
    assert next(csv.reader(io.StringIO(line(row)))) == [*row, ""]


def test_the_header_names_the_columns() -> None:
    assert HEADER.startswith("# pxname,svname,qcur,")
