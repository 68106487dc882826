"""The commands about stick tables."""

from __future__ import annotations

import os
import re
from pathlib import Path
from textwrap import dedent

import pytest

import lbcore
from lbcore.cli import registry
from lbcore.cli.cmd_table import STEP
from lbcore.cli.registry import Level
from lbcore.cli.session import Session
from lbcore.table.settings import Stored, TableSettings
from lbcore.table.table import Table
from lbcore.table.tables import Tables
from tests.cli.fakes import ShownProcess
from tests.cli.test_map import answer, answers
from tests.embedded import cli

MANY = 10 * STEP
NO_ENTRY = "No such entry\n"


def process(size: int = MANY, **values: object) -> tuple[ShownProcess, Table]:
    """One with a table of integers, `t`."""
    settings = TableSettings("t", "integer", size, store={"conn_cnt": Stored(), "gpc": Stored(2)})
    for name, value in values.items():
        setattr(settings, name, value)
    shown = ShownProcess(all_tables=Tables([settings]))
    return shown, next(iter(shown.tables()))


def filled(shown: ShownProcess, count: int) -> None:
    """Keys from 0, each with its own number as `conn_cnt`."""
    assert {*answers(shown, *(f"set table t key {key} data.conn_cnt {key}" for key in range(count)))} == {""}


def keys(text: str) -> list[int]:
    return sorted(int(found) for found in re.findall(r" key=(\d+)", text))


def test_an_entry_goes_by_the_number_that_is_shown() -> None:
    shown, _ = process()
    filled(shown, 3)
    line, pointer = re.findall(r"^((0x[0-9a-f]+): key=1 .*\n)", answer(shown, "show table t"), re.MULTILINE)[0]
    assert answer(shown, f"show table t ptr {pointer}").endswith(f"used:3\n{line}")
    assert answer(shown, f"set table t ptr {pointer} data.conn_cnt 77 data.gpc 2") == ""
    assert " conn_cnt=77 gpc0=2 gpc1=0\n" in answer(shown, "show table t key 1")
    assert answers(shown, f"clear table t ptr {pointer}", "show table t key 1") == ["", ""]
    for command in ("show", "clear", "set"):
        assert answer(shown, f"{command} table t ptr {pointer}") == NO_ENTRY


@pytest.mark.parametrize("command", ["show", "clear", "set"])
@pytest.mark.parametrize(
    ("given", "said"),
    [("", "Pointer value expected\n"), ("x", "Invalid pointer\n"), ("0x", "Invalid pointer\n"),
     ("-1", "Invalid pointer\n"), ("0x1g", "Invalid pointer\n"), ("0x11111111111111111", "Invalid pointer\n"),
     ("0x0", NO_ENTRY), ("0x2", NO_ENTRY), ("ffffffff", NO_ENTRY), ("0x100000001", NO_ENTRY)],
)  # fmt: skip
def test_a_number_that_means_no_entry_is_refused(command: str, given: str, said: str) -> None:
    shown, table = process()
    filled(shown, 1)
    assert answer(shown, f"{command} table t ptr {given}") == said
    assert table.used == 1


def test_an_entry_that_is_in_use_is_not_removed() -> None:
    shown, table = process()
    filled(shown, 2)
    entry = table.get((1).to_bytes(4, "big"))
    assert answer(shown, "clear table t key 1") == "Entry currently in use, cannot remove\n"
    assert answer(shown, "clear table t") == ""
    assert " use=1 " in answer(shown, "show table t")
    assert keys(answer(shown, "show table t")) == [1]
    table.release(entry)
    assert answers(shown, "clear table t key 1", "show table t key 1") == ["", ""]


@pytest.mark.parametrize(
    ("operator", "wanted"),
    [("eq", [2]), ("ne", [0, 1, 3, 4]), ("le", [0, 1, 2]), ("ge", [2, 3, 4]), ("lt", [0, 1]), ("gt", [3, 4])],
)
def test_filters_choose_what_is_shown_and_removed(operator: str, wanted: list[int]) -> None:
    shown, _ = process()
    filled(shown, 5)
    assert keys(answer(shown, f"show table t data.conn_cnt {operator} 2")) == wanted
    assert answer(shown, f"clear table t data.conn_cnt {operator} 2 data.gpc eq 0") == ""
    assert keys(answer(shown, "show table t")) == sorted({0, 1, 2, 3, 4} - {*wanted})


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("data.gpc x", "Require a valid integer value to store"),
        ("data.foo 1", "Unknown data type"),
        ("data.bytes_in_cnt 1", "Data type not stored in this table"),
        ("foo", '"data.<type>" followed by a value expected'),
    ],
)
def test_a_command_that_is_refused_creates_no_entry_and_sets_no_value(wrong: str, told: str) -> None:
    """HAProxy makes the entry all the same, and sets the values before the wrong one."""
    shown, table = process()
    assert answer(shown, f"set table t key 1 data.conn_cnt 1 {wrong}") == f"{told}\n"
    assert table.used == 0


def test_setting_a_value_renews_the_life_of_an_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0]
    monkeypatch.setattr("lbcore.table.table.now_ms", lambda: now[0])
    shown, _ = process(expire=60_000)
    filled(shown, 1)
    now[0] = 20_000
    assert " exp=40000 " in answer(shown, "show table t key 0")
    answer(shown, "set table t key 0 data.conn_cnt 1")
    assert " exp=60000 " in answer(shown, "show table t key 0")


def test_a_large_table_is_shown_in_steps_that_hold_no_entry() -> None:
    shown, table = process()
    filled(shown, MANY)
    pieces = Session(registry(), shown, Level.ADMIN).answers(b"show table t\n")
    found = []
    for piece in pieces:
        assert isinstance(piece, bytes)
        found.append(piece.decode())
        assert all(table.facts(entry).refs == 0 for entry in table.entries())
    assert len(found) > MANY / STEP
    assert max(len(keys(piece)) for piece in found) <= STEP
    assert keys("".join(found)) == [*range(MANY)]


def test_a_filter_that_takes_nothing_pauses_too() -> None:
    shown, _ = process()
    filled(shown, MANY)
    pieces = [*Session(registry(), shown, Level.ADMIN).answers(b"show table t data.conn_cnt gt 1000000\n")]
    assert pieces.count(b"") >= MANY / STEP


# --- files ---


def test_a_table_comes_back_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "table file"
    typed = str(path).replace(" ", "\\ ")
    shown, _ = process()
    filled(shown, MANY)
    assert answer(shown, f"dump table t to {typed}") == f"{MANY} entries dumped.\n"
    other, _ = process()
    assert answer(other, f"load table t from {typed}") == f"{MANY} entries loaded.\n"
    assert data(answer(other, "show table t")) == data(answer(shown, "show table t")) != []


def data(text: str) -> list[str]:
    """The entries without their numbers."""
    return sorted(re.findall(r" key=.*", text))


def test_bad_lines_are_told_by_number_and_nothing_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "file"
    shown, table = process()
    filled(shown, 20)
    answer(shown, f"dump table t to {path}")
    lines = path.read_text().splitlines()
    lines[2], lines[4], lines[6] = "{", lines[3], lines[6].replace('"conn_cnt":[', '"conn_cnt":[-')
    path.write_text("\n".join(lines))
    answer(shown, "clear table t")
    said = answer(shown, f"load table t from {path}")
    assert re.fullmatch(
        r"Nothing is loaded:\nline 3: it is no JSON\nline 5: its key is that of line 4\n"
        r"line 7: -\d+ is no value of 'conn_cnt'\n",
        said,
    )
    assert table.used == 0
    path.write_text("\n".join([lines[0], *("x" * 12)]))
    said = answer(shown, f"load table t from {path}")
    assert said.splitlines()[10:] == ["line 11: it is no JSON", "and 2 more bad lines"]


def test_a_file_that_does_not_fit_is_not_loaded(tmp_path: Path) -> None:
    path = tmp_path / "file"
    shown, _ = process()
    filled(shown, 5)
    answer(shown, f"dump table t to {path}")
    small, table = process(size=4)
    assert answer(small, f"load table t from {path}") == "Nothing is loaded: 5 new entries, but room for 4 only\n"
    full, table = process(size=6, nopurge=True)
    answers(full, "set table t key 2", "set table t key 100", "set table t key 101")
    assert answer(full, f"load table t from {path}") == "Nothing is loaded: 4 new entries, but room for 3 only\n"
    assert answer(full, "clear table t key 101") == ""
    assert answer(full, f"load table t from {path}") == "5 entries loaded.\n"
    assert table.used == 6


def test_a_dump_that_is_broken_off_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    shown, _ = process()
    filled(shown, MANY)
    steps = Session(registry(), shown, Level.ADMIN).answers(f"dump table t to {path}\n".encode())
    for _ in range(4):
        next(steps)
    assert len(os.listdir(tmp_path)) == 2
    steps.close()  # type: ignore[attr-defined]
    assert os.listdir(tmp_path) == ["file"]
    assert path.read_text() == "old"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("dump table", "Required arguments: dump table <table> to <file>\n"),
        ("dump table t", "Required arguments: dump table <table> to <file>\n"),
        ("dump table t from x", "Required arguments: dump table <table> to <file>\n"),
        ("dump table t to", "Required arguments: dump table <table> to <file>\n"),
        ("dump table t to a b", "Required arguments: dump table <table> to <file>\n"),
        ("load table t to x", "Required arguments: load table <table> from <file>\n"),
        ("load table nope from x", "No such table\n"),
        ("dump table nope to x", "No such table\n"),
        ("load table t from DIR/none", "DIR/none: No such file or directory\n"),
        ("load table t from DIR", "DIR: Is a directory\n"),
        ("load table t from DIR/pipe", "DIR/pipe: not a regular file\n"),
        ("load table t from DIR/empty", "Nothing is loaded:\nline 1: it is no JSON\n"),
        ("dump table t to DIR", "DIR: not a regular file\n"),
        ("dump table t to DIR/pipe", "DIR/pipe: not a regular file\n"),
        ("user;dump table t to DIR/x", "Permission denied\n"),
        ("operator;load table t from DIR/empty", "Permission denied\n"),
    ],
)
def test_what_can_not_be_done_is_refused(tmp_path: Path, line: str, said: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "empty").touch()
    shown, _ = process()
    typed = line.replace("DIR", str(tmp_path))
    assert answer(shown, typed).removeprefix("\n> ") == said.replace("DIR", str(tmp_path))
    assert sorted(os.listdir(tmp_path)) == ["empty", "pipe"]


def test_a_file_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    shown, _ = process()
    said = answer(shown, f"dump table t to {tmp_path}/none/file")
    assert said.startswith(f"{tmp_path}/none/") and said.endswith(": No such file or directory\n")


def test_messages_about_files_have_their_severity(tmp_path: Path) -> None:
    shown, _ = process()
    _, good, bad = answers(
        shown, "set severity-output string", f"dump table t to {tmp_path}/x", f"load table t from {tmp_path}/y"
    )
    assert good == "[info]: 0 entries dumped.\n"
    assert bad == f"[err]: {tmp_path}/y: No such file or directory\n"


def test_tables_of_a_running_balancer_are_shown_and_changed(tmp_path: Path) -> None:
    stats = tmp_path / "stats"
    config = f"""
    global
        stats socket {stats} level admin
    defaults
        timeout client 5s
    frontend f
        bind unix@{tmp_path}/f
    backend b
        stick-table type string size 10 expire 1h store conn_cnt
    """
    with lbcore.LoadBalancer(dedent(config)):
        assert cli(stats, "show table") == "# table: b, type: string, size:10, used:0\n\n"
        assert cli(stats, "set table b key x data.conn_cnt 5") == "\n"
        assert cli(stats, f"dump table b to {tmp_path}/file") == "1 entries dumped.\n\n"
        assert cli(stats, "clear table b") == "\n"
        assert cli(stats, f"load table b from {tmp_path}/file") == "1 entries loaded.\n\n"
        shown = cli(stats, "show table b data.conn_cnt eq 5")
    assert re.fullmatch(r"# table: b, .* used:1\n0x1: key=x use=0 exp=\d+ shard=0 conn_cnt=5\n\n", shown)
