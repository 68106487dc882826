"""Maps that change while they are in use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lbcore.conv
import lbcore.fetch  # noqa: F401 - fills the tables, as lbcore.conv does
from lbcore.sample.expression import parse_expression
from lbcore.sample.reference import References
from lbcore.sample.rows import Fetcher
from lbcore.sample.words import Words
from tests.fetch.transactions import FakeBuild, request


class Build(FakeBuild):
    """A build with files of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.files = References()

    def reference(self, name: str, kind: str) -> Any:
        return self.files.get(name, kind)


def made(build: Build, text: str) -> Fetcher:
    return parse_expression(Words([text])).make(build)


def test_change_of_a_map_is_seen_by_all_who_use_it(tmp_path: Path) -> None:
    file = tmp_path / "texts.map"
    file.write_text("a one\n")
    build = Build()
    plain, beginning = made(build, f"str(a),map({file})"), made(build, f"str(abc),map_beg({file},none)")
    t = request(world=build.world)
    assert (plain(t), beginning(t)) == ("one", "one")
    build.files.get(str(file), "map").put("a", "two")
    assert (plain(t), beginning(t)) == ("two", "two")


def test_key_added_later_is_found(tmp_path: Path) -> None:
    file = tmp_path / "numbers.map"
    file.write_text("")
    build = Build()
    number = made(build, f"str(a),map_str_int({file})")
    t = request(world=build.world)
    assert number(t) is None
    build.files.get(str(file), "map").put("a", "7")
    assert number(t) == 7
