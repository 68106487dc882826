"""What a load tells the stats socket about the patterns in it."""

from __future__ import annotations

from pathlib import Path

import pytest

import lbcore.conv
import lbcore.fetch  # noqa: F401 - fills the tables
from lbcore.sample.acl import parse_acl, parse_condition
from lbcore.sample.expression import parse_expression
from lbcore.sample.files import files_of
from lbcore.sample.format import parse_format
from lbcore.sample.reference import Inline, Use
from lbcore.sample.words import Words


def uses(words: Words) -> list[Use]:
    return files_of(words.notes).uses


def shown(use: Use) -> tuple[str, str, int]:
    """What it is called, by whom it is used and where."""
    return use.source.display if isinstance(use.source, Inline) else use.source, use.role, use.line


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "patterns"
    path.write_text("a 1\nb 2\n")
    return str(path)


def test_a_file_comes_before_the_patterns_in_the_line(file: str) -> None:
    words = Words(["x", "path", "-M", "-f", file, "c"], file="lb.cfg", line=7)
    parse_acl(words)
    assert [shown(use) for use in uses(words)] == [(file, "acl", 7), ("acl 'path' file 'lb.cfg' line 7", "acl", 7)]
    assert uses(words)[0].kind == "map"


def test_an_acl_without_patterns_counts_too() -> None:
    words = Words(["x", "hdr(a)", "-m", "found"], file="lb.cfg", line=7)
    parse_acl(words)
    [use] = uses(words)
    assert (shown(use), use.method) == (("acl 'hdr' file 'lb.cfg' line 7", "acl", 7), None)


def test_each_use_of_a_map_is_noted_although_expressions_are_kept(file: str) -> None:
    notes: dict[str, object] = {}
    for line in (1, 2):
        words = Words([f"path,map({file})"], line=line, notes=notes)
        parse_expression(words)
    words = Words([], line=3, notes=notes)
    parse_format(f"%[path,map({file})]%[path,map_beg({file})]", words)
    assert [shown(use) for use in uses(words)] == [(file, "map", line) for line in (1, 2, 3, 3)]


def test_predefined_acls_count_where_a_proxy_names_them_first() -> None:
    notes: dict[str, object] = {}
    for proxy, line in (("fe", 1), ("fe", 2), ("be", 3)):
        words = Words(["if", "METH_GET"], file="lb.cfg", line=line, proxy=proxy, notes=notes)
        parse_condition(words)
    assert [shown(use) for use in uses(words)] == [
        ("acl 'method' file 'lb.cfg' line 1", "acl", 1),
        ("acl 'method' file 'lb.cfg' line 3", "acl", 3),
    ]
