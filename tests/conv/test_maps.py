"""Maps that change while they are in use."""

from __future__ import annotations

from pathlib import Path

import pytest

import lbcore.conv
import lbcore.fetch  # noqa: F401 - fills the tables, as lbcore.conv does
from lbcore.sample.acl import parse_acl
from lbcore.sample.expression import parse_expression
from lbcore.sample.files import Files, install
from lbcore.sample.reference import References
from lbcore.sample.rows import Fetcher
from lbcore.sample.words import ParseError, Words
from tests.fetch.transactions import FakeBuild, request


def made(build: FakeBuild, text: str) -> Fetcher:
    return parse_expression(Words([text])).make(build)


def test_change_of_a_map_is_seen_by_all_who_use_it(tmp_path: Path) -> None:
    file = tmp_path / "texts.map"
    file.write_text("a one\n")
    build = FakeBuild()
    plain, beginning = made(build, f"str(a),map({file})"), made(build, f"str(abc),map_beg({file},none)")
    t = request(world=build.world)
    assert (plain(t), beginning(t)) == ("one", "one")
    build.references.get(str(file), "map").put("a", "two")
    assert (plain(t), beginning(t)) == ("two", "two")


def test_key_added_later_is_found(tmp_path: Path) -> None:
    file = tmp_path / "numbers.map"
    file.write_text("")
    build = FakeBuild()
    number = made(build, f"str(a),map_str_int({file})")
    t = request(world=build.world)
    assert number(t) is None
    build.references.get(str(file), "map").put("a", "7")
    assert number(t) == 7


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("str(a),map(/nosuch)", "'map' : failed to open pattern file </nosuch>"),
        ("str(a),map_int({})", "'map_int' : 'a' is not a number at line 1 of file '{}'"),
        ("str(a),map_str_int({})", "'map_str_int' : unable to parse 'x' at line 2 of file '{}'"),
        ("str(a),map_str_ip({})", "'map_str_ip' : unable to parse '1' at line 1 of file '{}'"),
    ],
)
def test_a_file_that_does_not_fit_is_an_error_of_its_line(text: str, complaint: str, tmp_path: Path) -> None:
    file = tmp_path / "a.map"
    file.write_text("a 1\nb x\n")
    with pytest.raises(ParseError) as error:
        parse_expression(Words([text.format(file)]))
    assert str(error.value) == f"invalid args in converter {complaint.format(file)}"


def test_a_file_is_read_once_for_each_use_in_a_load(tmp_path: Path) -> None:
    file = tmp_path / "a.map"
    file.write_text("a 1\n")
    notes: dict[str, object] = {}
    parse_expression(Words([f"str(a),map({file})"], notes=notes))
    file.unlink()
    assert parse_expression(Words([f"path,map({file})"], notes=notes)).text == f"path,map({file})"


def test_a_file_of_patterns_is_no_map(tmp_path: Path) -> None:
    file = tmp_path / "list"
    file.write_text("a\n")
    notes: dict[str, object] = {}
    parse_acl(Words(["name", "path", "-f", str(file)], notes=notes))
    with pytest.raises(ParseError, match="is already used as one column file"):
        parse_expression(Words([f"path,map({file})"], notes=notes))


def test_a_file_may_be_elsewhere_than_its_name_says(tmp_path: Path) -> None:
    (tmp_path / "a.map").write_text("a one\n")
    notes: dict[str, object] = {}
    files = Files(lambda name, file: str(tmp_path / name))
    install(notes, files)
    fetch = parse_expression(Words(["str(a),map(a.map)"], notes=notes))
    build = FakeBuild()
    build.references = References(paths=files.patterns)
    assert fetch.make(build)(request()) == "one"
    assert [one.name for one in build.references] == ["a.map"]
