"""Where text comes from: files, directories, text at hand; and what a line is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lbcore.cfg.source import RawLine, Source, SourceError, decode, expand, open_sources, split_lines


def test_a_file_is_one_source(tmp_path: Path) -> None:
    file = tmp_path / "lb.conf"
    file.write_bytes(b"global\n")
    assert open_sources([file]) == [Source(str(file), "global\n")]


def test_sources_keep_their_order_and_may_repeat(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / name).write_text(f"{name}\n")
    names = [str(tmp_path / name) for name in ("b", "a", "b")]
    assert [source.text for source in open_sources(names)] == ["b\n", "a\n", "b\n"]


def test_text_at_hand_has_a_name() -> None:
    assert open_sources([("one", "global\n"), ("two", b"\xe9\n")]) == [
        Source("one", "global\n"),
        Source("two", "\udce9\n"),
    ]


def test_letters_and_bytes_come_to_the_same() -> None:
    assert decode("größe") == decode("größe".encode()) == decode("gr\udcc3\udcb6\udcc3\udc9fe")


def test_a_directory_stands_for_its_cfg_files_in_byte_order(tmp_path: Path) -> None:
    for name in ("b.cfg", "a.cfg", "B.cfg", "10.cfg", "9.cfg", "é.cfg", ".hidden.cfg", "c.cfg.old", "d.txt", ".cfg"):
        (tmp_path / name).write_text("")
    (tmp_path / "sub.cfg").mkdir()
    (tmp_path / "sub.cfg" / "x.cfg").write_text("")
    (tmp_path / "link.cfg").symlink_to("d.txt")
    names = [os.path.basename(path) for path in expand(str(tmp_path))]
    assert names == ["10.cfg", "9.cfg", "B.cfg", "a.cfg", "b.cfg", "link.cfg", "é.cfg"]


def test_the_files_of_a_directory_are_named_as_haproxy_names_them(tmp_path: Path) -> None:
    (tmp_path / "a.cfg").write_text("")
    assert expand(f"{tmp_path}/") == [f"{tmp_path}//a.cfg"]


def test_an_empty_directory_is_no_source(tmp_path: Path) -> None:
    assert open_sources([tmp_path]) == []


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        open_sources([tmp_path / "none"])
    assert str(caught.value) == f"Cannot open configuration file/directory {tmp_path}/none : No such file or directory"


def test_a_file_that_can_t_be_read_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "lb.cfg"
    os.mkfifo(file)
    file.unlink()
    file.symlink_to(tmp_path / "loop")
    (tmp_path / "loop").symlink_to(file)
    with pytest.raises(SourceError, match="Too many levels of symbolic links"):
        open_sources([file])


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", []),
        ("\n", [(1, "", "")]),
        ("a\nb\n", [(1, "a", ""), (2, "b", "")]),
        ("a\n\n b \n", [(1, "a", ""), (2, "", ""), (3, " b ", "")]),
        ("a\r\nb\rc\n", [(1, "a\r", ""), (2, "b\rc", "")]),
        ("a\x0bb\x0cc\x1cd\x85e\n", [(1, "a\x0bb\x0cc\x1cd\x85e", "")]),
    ],
)
def test_only_lf_ends_a_line(text: str, lines: list[tuple[int, str, str]]) -> None:
    assert list(split_lines(text)) == [RawLine(*line) for line in lines]


@pytest.mark.parametrize(("text", "position"), [("a", 2), ("global\nabc", 4), ("global\n  ", 3)])
def test_the_last_line_needs_its_lf(text: str, position: int) -> None:
    *_, last = split_lines(text)
    assert last.fault == f"Missing LF on last line, file might have been truncated at position {position}."


def test_a_nul_byte_ends_the_file() -> None:
    assert list(split_lines("a\nbc\0d\ne\n")) == [
        RawLine(1, "a", ""),
        RawLine(2, "bc", "Stray NUL character at position 3."),
    ]


@pytest.mark.parametrize("text", ["bc\0d\n", "bc\0", "bc\0\0d"])
def test_a_nul_byte_on_the_last_line_hides_its_lf(text: str) -> None:
    fault = "Missing LF on last line, file might have been truncated at position 3."
    assert list(split_lines(text)) == [RawLine(1, "bc", fault)]


@given(st.lists(st.text(st.characters(exclude_characters="\n\0"))))
def test_lines_come_back(lines: list[str]) -> None:
    text = "".join(f"{line}\n" for line in lines)
    assert [raw.text for raw in split_lines(text)] == lines
    assert [raw.number for raw in split_lines(text)] == list(range(1, len(lines) + 1))
