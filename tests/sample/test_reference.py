"""References: files, views, changes while threads look, versions."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from lbcore.sample.build import BuildError
from lbcore.sample.pattern import METHODS, Flags, PatternError
from lbcore.sample.reference import Inline, Reference, References, Union, Use, check_file, read_file
from lbcore.sample.types import Addr
from tests.thread.crew import crew

MAP = "#comment\n\n/a first\n  /b\tsecond  word  \n/c\n /d  4 \r\n"


@pytest.fixture
def hosts(tmp_path: Path) -> Path:
    path = tmp_path / "hosts.map"
    path.write_text(MAP)
    return path


def reference(*texts: str, kind: str = "acl") -> Reference:
    return References().get(Inline("", texts), kind)


def mapped(**values: str) -> Reference:
    found = reference(kind="map")
    for key, value in values.items():
        found.add(key, value)
    return found


def test_maps_are_read_as_keys_and_values(hosts: Path) -> None:
    found = [(one.text, one.value, one.line) for one in read_file(str(hosts), mapped=True)]
    assert found == [("/a", "first", 3), ("/b", "second  word", 4), ("/c", "", 5), ("/d", "4", 6)]


def test_pattern_files_keep_blanks_inside_and_behind(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_bytes(b"#no\n  a b \n\xe9\r\n\n\t#sharp\nlast")
    assert [one.text for one in read_file(str(path), mapped=False)] == ["a b ", "\xe9", "#sharp", "last"]


def test_a_file_is_one_reference_for_all(hosts: Path) -> None:
    references = References()
    assert references.get(str(hosts), "map") is references.get(str(hosts), "map")
    assert references.find(str(hosts)) is references.get(str(hosts), "map")


def test_a_file_is_of_one_kind_only(hosts: Path) -> None:
    references = References()
    references.get(str(hosts), "map")
    with pytest.raises(BuildError, match="already used as two column file and cannot be used by as one column file"):
        references.get(str(hosts), "acl")


def test_a_missing_file_is_told_in_haproxys_words(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=f"failed to open pattern file <{tmp_path}/none>"):
        References().get(f"{tmp_path}/none", "acl")


def test_an_optional_file_may_be_missing_and_a_virtual_one_is_none(hosts: Path) -> None:
    references = References()
    assert len(references.get("opt@/nonexistent", "map")) == 0
    assert len(references.get("virt@anything", "map")) == 0
    assert len(references.get(f"file@{hosts}", "map")) == 4
    assert len(references.get(f"opt@{hosts}", "map")) == 4


def test_values_that_are_no_numbers_are_told_with_their_line(hosts: Path) -> None:
    with pytest.raises(PatternError, match=f"unable to parse 'first' at line 3 of file '{hosts}'"):
        References().get(str(hosts), "map").view(METHODS["str"], Flags(), "int")


def test_a_file_can_be_looked_at_while_the_configuration_is_read(hosts: Path) -> None:
    check_file(str(hosts), "map", METHODS["beg"], gives="str")
    with pytest.raises(PatternError, match="'/a' is not a valid IPv4 or IPv6 address at line 3 of file"):
        check_file(str(hosts), "map", METHODS["ip"])
    with pytest.raises(PatternError, match="unable to parse 'first' at line 3 of file"):
        check_file(str(hosts), "map", METHODS["str"], gives="ip")


def test_views_give_values_by_type() -> None:
    found = mapped(a="1", b="2")
    assert found.view(METHODS["str"], Flags(), "int").find("b") == 2
    assert found.view(METHODS["str"], Flags(), "key").find("b") == "b"
    assert mapped(a="10.0.0.1").view(METHODS["str"], Flags(), "ip").find("a") == Addr(b"\n\0\0\1")
    entry = found.view(METHODS["str"]).find("a")
    assert entry is not None
    assert (entry.text, entry.value) == ("a", "1")


def test_who_looks_the_same_way_shares_a_view() -> None:
    found = mapped(a="1")
    assert found.view(METHODS["str"], Flags(), "int") is found.view(METHODS["str"], Flags(), "int")
    assert found.view(METHODS["str"], Flags(), "int") is not found.view(METHODS["str"], Flags(), "str")


@pytest.mark.parametrize("method", ["str", "beg", "end", "sub", "dir", "dom", "reg"])
@pytest.mark.parametrize("ignore_case", [False, True])
def test_every_index_follows_changes(method: str, ignore_case: bool) -> None:
    found = mapped(one="1")
    view = found.view(METHODS[method], Flags(ignore_case=ignore_case), "str")
    assert [view.find("one"), view.find("two")] == ["1", None]
    found.add("two", "2")
    assert [view.match("one"), view.find("two")] == [True, "2"]
    assert found.set("two", "3") == 1
    assert view.find("two") == "3"
    assert found.delete("one") == 1
    assert [view.match("one"), view.match("two")] == [False, True]
    found.clear()
    assert [view.find("one"), view.find("two")] == [None, None]


def test_networks_and_numbers_follow_changes() -> None:
    found = reference("10.0.0.0/8")
    view = found.view(METHODS["ip"])
    found.add("192.0.2.0/24")
    found.delete("10.0.0.0/8")
    assert [view.match(Addr(b"\n\0\0\1")), view.match(Addr(b"\xc0\0\2\1"))] == [False, True]
    found = reference("1")
    view = found.view(METHODS["int"])
    assert [value in view.keys for value in (1, 7)] == [True, False]
    found.add("5:9")
    assert [value in view.keys for value in (1, 7, None)] == [True, True, False]


def test_of_entries_with_the_same_key_the_first_counts_until_it_goes() -> None:
    found = reference(kind="map")
    first = found.add("k", "1")
    found.add("k", "2")
    view = found.view(METHODS["str"], Flags(), "str")
    assert view.find("k") == "1"
    assert found.delete_number(first.number)
    assert view.find("k") == "2"
    found.add("k", "3")
    assert found.set("k", "4") == 2
    assert view.find("k") == "4"
    assert found.delete("k") == 2
    assert view.find("k") is None


def test_put_sets_what_is_there_and_adds_what_is_not() -> None:
    found = mapped(a="1")
    found.put("a", "2")
    found.put("b", "3")
    assert [(one.text, one.value) for one in found.entries()] == [("a", "2"), ("b", "3")]


def test_an_entry_that_a_view_cannot_read_changes_nothing() -> None:
    found = mapped(a="1")
    view = found.view(METHODS["str"], Flags(), "int")
    with pytest.raises(PatternError, match="unable to parse 'x'"):
        found.add("b", "x")
    with pytest.raises(PatternError, match="unable to parse 'x'"):
        found.set("a", "x")
    assert [(one.text, one.value) for one in found.entries()] == [("a", "1")]
    assert view.find("a") == 1


def test_a_prepared_version_is_seen_when_it_is_committed() -> None:
    found = mapped(a="1")
    view = found.view(METHODS["str"], Flags(), "str")
    version = found.prepare()
    found.add("a", "2", version)
    found.add("b", "3", version)
    assert [view.find("a"), view.find("b")] == ["1", None]
    assert [one.value for one in found.entries(version)] == ["2", "3"]
    assert found.commit(version)
    assert [view.find("a"), view.find("b")] == ["2", "3"]
    assert found.version == version
    assert len(found) == 2


def test_a_version_that_was_overtaken_or_never_prepared_is_not_committed() -> None:
    found = mapped(a="1")
    older, newer = found.prepare(), found.prepare()
    assert found.commit(newer)
    assert not found.commit(older)
    assert not found.commit(newer + 1)
    assert len(found) == 0


def test_clearing_a_prepared_version_leaves_the_current_one() -> None:
    found = mapped(a="1")
    version = found.prepare()
    found.add("b", "2", version)
    found.clear(version)
    assert found.entries(version) == []
    assert [one.text for one in found.entries()] == ["a"]


def test_a_union_has_the_patterns_of_all_its_views_and_follows_them() -> None:
    references = References()
    first, second = (references.get(Inline("", (text,)), "acl") for text in ("a", "b"))
    joined = Union([first.view(METHODS["str"]), second.view(METHODS["str"])])
    prefixes = Union([first.view(METHODS["beg"]), second.view(METHODS["beg"])])
    assert (set(joined.keys), set(prefixes.texts)) == ({"a", "b"}, {"a", "b"})
    second.add("c")
    first.delete("a")
    assert (set(joined.keys), set(prefixes.texts)) == ({"b", "c"}, {"b", "c"})
    second.clear()
    assert (set(joined.keys), set(prefixes.texts)) == (set(), set())


def test_numbers_are_given_in_order_around_those_that_were_asked_for() -> None:
    references = References()
    assert references.get(Inline("one", (), 0), "acl").number == 0
    assert references.get(Inline("two", ("x",)), "acl").number == 1
    third = references.get(Inline("three", ("x",), 7), "acl")
    assert references.find("#7") is third
    assert references.find("#9") is None
    assert [one.display for one in references] == ["one", "two", "three"]


def test_readers_see_the_old_or_the_new_while_a_writer_commits() -> None:
    found = mapped(**{f"k{at}": "0" for at in range(50)})
    view = found.view(METHODS["str"], Flags(), "str")
    wrong: list[str | None] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            for at in range(50):
                value = view.find(f"k{at}")
                if value is None or not value.isdecimal():
                    wrong.append(value)

    readers = [threading.Thread(target=look) for _ in range(2)]
    for reader in readers:
        reader.start()
    for turn in range(1, 30):
        version = found.prepare()
        for at in range(50):
            found.add(f"k{at}", str(turn), version)
        assert found.commit(version)
        for at in range(50):
            found.put(f"k{at}", str(turn))
    done.set()
    for reader in readers:
        reader.join()
    assert wrong == []


def used(source: str | Inline, role: str = "acl", line: int = 1, method: str | None = None) -> Use:
    kind = "acl" if isinstance(source, Inline) else "map"
    return Use(source, kind, role, "lb.cfg", line, METHODS[method] if method else None)


def test_declared_references_are_numbered_in_the_order_of_their_lines(hosts: Path) -> None:
    references = References()
    inline, numbered, last = Inline("first", ()), Inline("second", (), number=0), Inline("last", ())
    references.declare([used(inline), used(str(hosts), "map"), used(numbered), used(last)])
    assert [(one.number, one.display or one.name) for one in references] == [
        (0, "second"),
        (1, "first"),
        (2, f"pattern loaded from file '{hosts}'"),
        (3, "last"),
    ]


def test_a_file_is_described_with_all_its_uses(hosts: Path) -> None:
    references = References()
    references.declare([used(str(hosts), "map", 3), used(str(hosts), "acl", 4, "str")])
    found = references.get(str(hosts), "map")
    assert found.description == (
        f"pattern loaded from file '{hosts}' used by map at file 'lb.cfg' line 3, by map at file 'lb.cfg' line 4"
    )
    assert found.roles == {"acl", "map"}


def test_a_reference_that_only_rules_change_has_the_role_of_its_kind(hosts: Path) -> None:
    assert References().get(str(hosts), "map").roles == {"map"}


def test_patterns_that_no_rule_asks_for_are_still_looked_at() -> None:
    references, inline = References(), Inline("", ("1",))
    references.declare([used(inline, method="int")])
    with pytest.raises(PatternError, match="'x' is not a number"):
        references.get(inline, "acl").add("x")


@pytest.mark.parametrize(
    ("method", "folds", "gives", "key", "found"),
    [
        ("str", False, "", "/a", 1),
        ("str", False, "str", "/a", 1),
        ("str", True, "str", "/A", 1),
        ("str", False, "key", "/z", None),
        ("beg", False, "str", "/da", 4),
        ("beg", True, "key", "/DA", 4),
    ],
)
def test_look_gives_the_entry_whatever_the_view_gives(
    hosts: Path, method: str, folds: bool, gives: str, key: str, found: int | None
) -> None:
    one = References().get(str(hosts), "map")
    entry = one.look(one.view(METHODS[method], Flags(ignore_case=folds), gives), key)
    assert (entry.number if entry else None) == found


def test_look_sees_the_current_version_only(hosts: Path) -> None:
    one = References().get(str(hosts), "map")
    view = one.view(METHODS["str"], Flags(), "str")
    one.add("/new", "x", version=one.prepare())
    assert one.look(view, "/new") is None
    assert (one.count, len(one)) == (5, 4)


def test_entries_are_counted_and_listed_while_others_change_them() -> None:
    found = mapped(**{f"k{number}": "v" for number in range(50)})

    def work(number: int) -> None:
        for turn in range(300):
            if number % 2:
                found.add(f"n{number}-{turn}")
                found.delete(f"n{number}-{turn}")
            else:
                assert 50 <= len(found) <= 52
                assert 50 <= len(list(found.walk())) <= 52

    crew(4, work)
    assert len(found) == 50
