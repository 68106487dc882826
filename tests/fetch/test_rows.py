"""The rows of all fetches: names, signatures, types and places as HAProxy 3.2 lists them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import lbcore.fetch  # noqa: F401 - fills the table
from lbcore.sample.points import columns
from lbcore.sample.rows import FETCHES, Fetch
from tests.fetch.transactions import FakeBuild, FakeWorld, request

LISTED = Path(__file__).parent / "golden" / "fetches.txt"  # what `haproxy -dKsmp` of 3.2 prints
_LINE = re.compile(r"\[ ((?:[Y.] )+)\] (\S+?)(\((?:[^)]*)\))?: (\w+)$")
# Of TLS, FastCGI, SPOE, caches, compression, HTTP/2's frames, HAProxy's inside.
ELSEWHERE = re.compile(r"ssl_|fcgi\.|spoe\.|internal\.|res\.cache|res\.comp|[bf]s\.(debug_str|rst_code)")


def listed() -> dict[str, tuple[str, str, str]]:
    """Signature, type and columns of all words that HAProxy has."""
    found = {}
    for line in LISTED.read_text().splitlines():
        match = _LINE.match(line)
        assert match is not None, line
        marks, name, signature, kind = match.groups()
        found[name] = (signature or "", kind, marks.replace(" ", ""))
    return found


ROWS = sorted(FETCHES)


@pytest.mark.parametrize("name", ROWS)
def test_row_is_as_listed(name: str) -> None:
    row = FETCHES[name]
    signature, kind, marks = listed()[name]
    assert (row.signature, row.type.value, row.points) == (signature, kind, columns(marks))


def test_only_words_of_other_topics_are_missing() -> None:
    missing = set(listed()) - set(FETCHES)
    assert sorted(name for name in missing if not ELSEWHERE.match(name)) == []


def test_nothing_of_other_topics_is_registered() -> None:
    assert [name for name in ROWS if ELSEWHERE.match(name)] == []


@pytest.mark.parametrize("name", [name for name in ROWS if FETCHES[name].inline])
def test_inline_gives_what_the_function_gives(name: str) -> None:
    row = FETCHES[name]
    for line in ("GET /a?b HTTP/1.1", "OPTIONS * HTTP/1.1", "CONNECT h:1 HTTP/1.1", "GET http://h HTTP/1.1"):
        world = FakeWorld()
        t = request(line, "Host: h", src="::1", dst="::2", world=world)
        assert eval(row.inline, {"t": t}) == row.make((), FakeBuild(world))(t)


def test_docs_are_sentences() -> None:
    def well_formed(row: Fetch) -> bool:
        return row.doc.endswith(".") and "\n" not in row.doc

    assert [row.name for row in FETCHES.values() if not well_formed(row)] == []
