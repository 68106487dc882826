"""The commands about maps and the patterns of ACLs."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from lbcore.cli import registry
from lbcore.cli.registry import Level
from lbcore.cli.session import Session
from lbcore.sample.pattern import METHODS, Flags
from lbcore.sample.reference import Inline, References, Use
from tests.cli.fakes import ShownProcess

NO_MAP = "Unknown map identifier. Please use #<id> or <file>.\n"
NO_ACL = "Unknown ACL identifier. Please use #<id> or <file>.\n"


def process(tmp_path: Path, uses: Iterable[Use] = ()) -> ShownProcess:
    """One with a map `hosts`, looked up by `str`, and an ACL with two patterns."""
    hosts = tmp_path / "hosts"
    hosts.write_text("a.com one\nb.com two words\na.com again\n")
    references = References()
    references.declare(
        [
            Use(str(hosts), "map", "map", "lb.cfg", 3),
            Use(Inline("acl 'path_beg' file 'lb.cfg' line 4", ("/a", "/b")), "acl", "acl", "lb.cfg", 4, METHODS["beg"]),
            *uses,
        ]
    )
    references.get(str(hosts), "map").view(METHODS["str"], Flags(), "str")
    return ShownProcess(all_references=references)


def answers(shown: ShownProcess, *lines: str, level: Level = Level.ADMIN) -> list[str]:
    """What each of the commands is answered, in one session."""
    session = Session(registry(), shown, level)
    session.interactive = session.prompting = True
    found = (session.feed(line.encode("utf-8", "surrogateescape") + b"\n") for line in lines)
    return [text.decode("utf-8", "surrogateescape").removesuffix("\n> ") for text in found]


def answer(shown: ShownProcess, line: str) -> str:
    return answers(shown, line)[0]


def keys(shown: ShownProcess, name: str, kind: str = "map", version: str = "") -> list[str]:
    """The entries without their numbers."""
    return [line.partition(" ")[2] for line in answer(shown, f"show {kind} {version} {name}").splitlines()]


def test_references_are_listed_with_their_places_and_versions(tmp_path: Path) -> None:
    shown = process(tmp_path)
    hosts = tmp_path / "hosts"
    assert answers(shown, "show map", "show acl") == [
        ("# id (file) description\n"
        f"0 ({hosts}) pattern loaded from file '{hosts}' used by map at file 'lb.cfg' line 3. "
        "curr_ver=0 next_ver=0 entry_cnt=3\n"),
        ("# id (file) description\n"
        "1 () acl 'path_beg' file 'lb.cfg' line 4. curr_ver=0 next_ver=0 entry_cnt=2\n"),
    ]  # fmt: skip


def test_entries_are_shown_with_numbers_that_name_them(tmp_path: Path) -> None:
    shown = process(tmp_path)
    assert answer(shown, "show map #0") == "0x1 a.com one\n0x2 b.com two words\n0x3 a.com again\n"
    assert answers(shown, "del map #0 #0x1", "set map #0 #0x3 third") == ["", ""]
    assert keys(shown, "#0") == ["b.com two words", "a.com third"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("show map #1", NO_MAP),
        ("show acl #0", NO_ACL),
        ("show map nope", NO_MAP),
        ("show map @0", NO_MAP),
        ("get map nope x", NO_MAP),
        ("get acl", "Missing ACL identifier and/or key.\n"),
        ("add acl #0 x", ("This ACL is shared with a map containing samples. You must use the command 'add map' to "
                         "add values.\n")),
        ("add acl #1", "'add acl' expects two parameters: ACL identifier and pattern.\n"),
        ("add map #0 k", ("'add map' expects three parameters (map identifier, key and value) or one parameter "
                         "(map identifier) and a payload\n")),
        ("add map @1 #0 k v", "Version number in the future, please use 'prepare map' before.\n"),
        ("set map #0 k", "'set map' expects three parameters: map identifier, key and value.\n"),
        ("set map #0 nope v", "entry not found.\n"),
        ("set map #0 #0x99 v", "key or pattern not found.\n"),
        ("set map #0 #0xzz v", "Malformed identifier. Please use #<id> or <file>.\n"),
        ("del map #0", "This command expects two parameters: map identifier and key.\n"),
        ("del acl #0 x", NO_ACL),
        ("del map #0 nope", "Key not found.\n"),
        ("del map #0 #0x99", "Key not found.\n"),
        ("clear map", "Missing map identifier.\n"),
        ("clear acl #0", NO_ACL),
        ("prepare acl #0", NO_ACL),
        ("commit map #0", "Missing version number.\n"),
        ("commit map @1", "Missing map identifier.\n"),
        ("commit map @1 #0", "Version number out of range.\n"),
    ],
)  # fmt: skip
def test_refusals_change_nothing(tmp_path: Path, line: str, said: str) -> None:
    shown = process(tmp_path)
    before = answer(shown, "show map #0")
    assert answer(shown, line) == said
    assert answer(shown, "show map #0") == before


def test_a_lookup_tells_how_it_was_done(tmp_path: Path) -> None:
    shown = process(tmp_path)
    assert answers(shown, "get map #0 a.com", "get map #0 nope", "get acl #1 /bar") == [
        'type=str, case=sensitive, found=yes, idx=tree, key="a.com", value="one", type="str"\n',
        "type=str, case=sensitive, found=no\n",
        'type=beg, case=sensitive, match=yes, idx=tree, pattern="/b"\n',
    ]


@pytest.mark.parametrize(
    ("method", "gives", "entries", "key", "said"),
    [
        ("int", "int", "1:5 7", "3",
         'type=int, case=sensitive, found=yes, idx=list, key="1:5", value="7", type="sint"'),
        ("ip", "ip", "10.0.0.0/8 ::1", "10.1.2.3",
         'type=ip, case=sensitive, found=yes, idx=tree, key="10.0.0.0/8", value="::1", type="ipv6"'),
        ("ip", "str", "10.0.0.0/8 x", "foo", "type=ip, case=sensitive, found=no"),
        ("reg", "str", "^a+$ x", "aaa",
         'type=reg, case=sensitive, found=yes, idx=list, key="^a+$", value="x", type="str"'),
        ("end", "", ".com x", "a.com", 'type=end, case=sensitive, found=yes, idx=list, key=".com", value=none'),
    ],
)  # fmt: skip
def test_a_lookup_casts_the_key_and_names_the_type(
    tmp_path: Path, method: str, gives: str, entries: str, key: str, said: str
) -> None:
    shown = process(tmp_path)
    file = tmp_path / "other"
    file.write_text(entries + "\n")
    shown.all_references.get(str(file), "map").view(METHODS[method], Flags(), gives)
    assert answer(shown, f"get map {file} {key}") == said + "\n"


def test_what_is_added_is_found_at_once(tmp_path: Path) -> None:
    shown = process(tmp_path)
    hosts = shown.all_references.get(str(tmp_path / "hosts"), "map").view(METHODS["str"], Flags(), "str")
    assert answers(shown, "add map #0 c.com three") == [""]
    assert hosts.find("c.com") == "three"
    assert answers(shown, "set map #0 c.com four", "del map #0 a.com") == ["", ""]
    assert (hosts.find("c.com"), hosts.find("a.com")) == ("four", None)
    assert answers(shown, "clear map #0") == [""]
    assert hosts.find("c.com") is None


def test_a_payload_adds_many_until_a_line_without_a_value(tmp_path: Path) -> None:
    shown = process(tmp_path)
    *_, said = answers(shown, "add map #0 <<", "k1 v1", "k2  v2 with blanks ", "lonely", "k3 v3", "")
    assert said == "Missing value for key 'lonely'.\n"
    assert keys(shown, "#0")[3:] == ["k1 v1", "k2 v2 with blanks "]


def test_a_payload_for_an_acl_has_a_pattern_a_line(tmp_path: Path) -> None:
    shown = process(tmp_path)
    *_, said = answers(shown, "add acl #1 ignored <<", "/c", "/d e", "")
    assert said == ""
    assert keys(shown, "#1", "acl") == ["/a", "/b", "/c", "/d e"]


def test_a_pattern_that_can_not_be_read_is_refused(tmp_path: Path) -> None:
    numbers = Use(Inline("acl 'x' file 'f' line 1", ("1",)), "acl", "acl", "f", 1, METHODS["int"])
    shown = process(tmp_path, [numbers])
    assert answer(shown, "add acl #2 x") == "'x' is not a number.\n"
    assert keys(shown, "#2", "acl") == ["1"]


def test_a_version_is_filled_unseen_and_replaces_all_at_once(tmp_path: Path) -> None:
    shown = process(tmp_path)
    hosts = shown.all_references.get(str(tmp_path / "hosts"), "map").view(METHODS["str"], Flags(), "str")
    assert answers(shown, "prepare map #0", "prepare map #0") == [
        "New version created: 1\n",
        "New version created: 2\n",
    ]
    assert answers(shown, "add map @2 #0 new value") == [""]
    assert hosts.find("new") is None
    assert keys(shown, "#0", version="@2") == ["new value"]
    assert answers(shown, "commit map @2 #0") == [""]
    assert (hosts.find("new"), hosts.find("a.com")) == ("value", None)
    assert keys(shown, "#0", version="@0") == []
    assert "curr_ver=2 next_ver=2 entry_cnt=1\n" in answer(shown, "show map")


def test_clear_of_a_version_leaves_the_current_one(tmp_path: Path) -> None:
    shown = process(tmp_path)
    answers(shown, "prepare map #0", "add map @1 #0 new value", "clear map @1 #0")
    assert keys(shown, "#0", version="@1") == []
    assert len(keys(shown, "#0")) == 3


def test_numbers_of_the_configuration_are_left_to_those_who_asked_for_them(tmp_path: Path) -> None:
    def acl(name: str, number: int | None) -> Use:
        return Use(Inline(f"acl '{name}' file 'f' line 1", (), number), "acl", "acl", "f", 1)

    shown = process(tmp_path, [acl("next", None), acl("wanted", 2), acl("last", None)])
    lines = answer(shown, "show acl").splitlines()[1:]
    assert [line.split()[0] + line.split("'")[1] for line in lines] == ["1path_beg", "2wanted", "3next", "4last"]


def test_a_map_that_an_acl_uses_is_shown_as_both(tmp_path: Path) -> None:
    shown = process(tmp_path, [Use(str(tmp_path / "hosts"), "map", "acl", "lb.cfg", 9, METHODS["str"])])
    assert keys(shown, "#0", "acl") == keys(shown, "#0")
    assert "line 3, by map at file 'lb.cfg' line 9." in answer(shown, "show map")


def test_bytes_go_through_as_they_are(tmp_path: Path) -> None:
    shown = process(tmp_path)
    hosts = shown.all_references.get(str(tmp_path / "hosts"), "map").view(METHODS["str"], Flags(), "str")
    assert answers(shown, "add map #0 \xe9 \udcff") == [""]
    assert hosts.find("\xc3\xa9") == "\xff"
    assert keys(shown, "#0")[3] == "\xe9 \udcff"


def test_every_level_may_change_patterns_as_in_haproxy(tmp_path: Path) -> None:
    assert answers(process(tmp_path), "add map #0 k v", level=Level.USER) == [""]
