"""The rows of all converters: names, signatures and types as HAProxy 3.2 lists them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import lbcore.conv  # noqa: F401 - fills the table
from lbcore.sample.rows import CONVERTERS, Converter

LISTED = Path(__file__).parent / "golden" / "converters.txt"  # what `haproxy -dKcnv` of 3.2 prints
_LINE = re.compile(r"([^:(]+)(\([^)]*\))?: (\w+) => (\w+)")
# What a type argument makes a number of is told to those who come behind it.
NUMBERS_TOO = ("protobuf", "ungrpc")


def listed() -> dict[str, tuple[str, str, str]]:
    """Signature, type given and type taken of all words that HAProxy has."""
    found = {}
    for line in LISTED.read_text().splitlines():
        match = _LINE.fullmatch(line)
        assert match is not None, line
        found[match[1]] = (match[2] or "", match[3], match[4])
    return found


@pytest.mark.parametrize("name", list(CONVERTERS))
def test_row_is_as_listed(name: str) -> None:
    row = CONVERTERS[name]
    signature, gives, takes = listed()[name]
    assert (row.signature, row.takes.value) == (signature, takes)
    assert row.gives.value == ("any" if name in NUMBERS_TOO else gives)


def test_only_words_of_other_topics_are_missing() -> None:
    missing = set(listed()) - set(CONVERTERS)
    assert sorted(missing) == []


def test_docs_are_sentences() -> None:
    def well_formed(row: Converter) -> bool:
        return row.doc.endswith(".") and "\n" not in row.doc

    assert [row.name for row in CONVERTERS.values() if not well_formed(row)] == []
