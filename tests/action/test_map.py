"""Actions on pattern files and maps: their users see the change."""

from __future__ import annotations

from pathlib import Path

import pytest

from lbcore.sample.words import ParseError
from lbcore.stream.rules import Ruleset
from tests.action.rules import build_of, parse, run
from tests.fetch.transactions import request, respond


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "hosts.map"
    path.write_text("a 1\nb 2\n")
    return path


def test_set_map_replaces_a_value_and_adds_one(file: Path) -> None:
    t = request("GET / HTTP/1.1", "host: a")
    look = f"set-var(txn.%s) str(%s),map({file})"
    run(
        t,
        f"set-map({file}) %[req.hdr(host)] 7",
        f"set-map({file}) c 3",
        *(look % (key, key) for key in "abc"),
    )
    assert t.vars == {"a": "7", "b": "2", "c": "3"}


def test_del_map_takes_a_key_out(file: Path) -> None:
    t = request()
    run(t, f"del-map({file}) a", f"set-var(txn.a) str(a),map({file},none)", f"set-var(txn.b) str(b),map({file})")
    assert t.vars == {"a": "none", "b": "2"}


def test_acls_see_what_is_added_and_deleted(tmp_path: Path) -> None:
    file = tmp_path / "paths"
    file.write_text("/a\n")
    t = request("GET /b HTTP/1.1")
    build = build_of(t)
    run(t, f"set-header x 1 if {{ path -f {file} }}", build=build)
    run(t, f"add-acl({file}) %[path]", f"set-header y 1 if {{ path -f {file} }}", build=build)
    run(t, f"del-acl({file}) /b", f"set-header z 1 if {{ path -f {file} }}", build=build)
    assert t.req is not None
    assert t.req.text == "\r\ny: 1\r\n"


def test_an_acl_gets_no_pattern_twice(tmp_path: Path) -> None:
    file = tmp_path / "paths"
    file.write_text("")
    t = request("GET /b HTTP/1.1")
    build = build_of(t)
    run(t, f"add-acl({file}) /b", f"add-acl({file}) /b", build=build)
    assert [entry.text for entry in build.reference(str(file), "acl").entries()] == ["/b"]


def test_responses_change_maps_too(file: Path) -> None:
    t = respond(request())
    run(t, f"set-map({file}) s %[status]", f"set-var(txn.s) str(s),map({file})", ruleset=Ruleset.HTTP_RESPONSE)
    assert t.vars == {"s": "200"}


@pytest.mark.parametrize(
    ("text", "count"), [("set-map", 2), ("set-map(f)", 2), ("set-map(f) a", 2), ("del-map(f)", 1), ("add-acl()", 1)]
)
def test_wrong_arguments_are_told(text: str, count: int) -> None:
    with pytest.raises(ParseError) as error:
        parse(text)
    assert str(error.value) == f"expects exactly {count} arguments"
