"""From where relative names are read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lbcore.cfg.defaultpath import DefaultPath
from lbcore.cfg.loader import load


@pytest.mark.parametrize(
    ("mode", "file", "resolved"),
    [
        ("current", "conf/lb.cfg", "maps/a"),
        ("config", "conf/lb.cfg", "conf/maps/a"),
        ("config", "/etc/lb/lb.cfg", "/etc/lb/maps/a"),
        ("config", "lb.cfg", "maps/a"),
        ("parent", "conf/lb.cfg", "conf/../maps/a"),
        ("parent", "lb.cfg", "../maps/a"),
    ],
)
def test_a_relative_name_follows_the_mode(mode: str, file: str, resolved: str) -> None:
    path = DefaultPath()
    path.select(mode)
    assert path.resolve("maps/a", file) == resolved


@pytest.mark.parametrize("mode", ["current", "config", "parent"])
def test_an_absolute_name_stays(mode: str) -> None:
    path = DefaultPath()
    path.select(mode)
    assert path.resolve("/maps/a", "conf/lb.cfg") == "/maps/a"


def test_an_origin_is_a_directory(tmp_path: Path) -> None:
    path = DefaultPath()
    path.select("origin", str(tmp_path))
    assert path.resolve("a", "conf/lb.cfg") == f"{tmp_path}/a"
    assert path.resolve("/a", "conf/lb.cfg") == "/a"


def test_the_process_stays_where_it_is(tmp_path: Path) -> None:
    here = os.getcwd()
    path = DefaultPath()
    path.select("origin", str(tmp_path))
    path.resolve("a", "lb.cfg")
    assert os.getcwd() == here


def test_it_starts_as_current() -> None:
    assert DefaultPath().resolve("a", "conf/lb.cfg") == "a"


def test_the_last_one_wins(tmp_path: Path) -> None:
    path = DefaultPath()
    path.select("origin", str(tmp_path))
    path.select("current")
    assert path.resolve("a", "conf/lb.cfg") == "a"


@pytest.mark.parametrize(
    ("mode", "origin", "message"),
    [
        (
            "",
            "",
            (
                "missing default-path mode '' for 'default-path', "
                "supported modes include 'current', 'config', 'parent', and 'origin'."
            ),
        ),
        (
            "here",
            "",
            (
                "unsupported default-path mode 'here' for 'default-path', "
                "supported modes include 'current', 'config', 'parent', and 'origin'."
            ),
        ),
        ("origin", "", "'default-path origin' expects a directory as an argument."),
        ("origin", "/none/such", "couldn't set 'default-path' to origin '/none/such': No such file or directory."),
        ("origin", __file__, f"couldn't set 'default-path' to origin '{__file__}': Not a directory."),
    ],
)
def test_a_bad_choice_is_refused_and_changes_nothing(mode: str, origin: str, message: str) -> None:
    path = DefaultPath()
    path.select("config")
    with pytest.raises(ValueError) as caught:
        path.select(mode, origin)
    assert str(caught.value) == message
    assert path.resolve("a", "conf/lb.cfg") == "conf/a"


@pytest.mark.parametrize(
    "line",
    [
        "acl a src -f nets",
        "http-request set-header x %[path,map(texts)]",
        "http-request set-var(txn.a) path,map(opt@texts)",
        "http-request set-var(txn.a) path,map(file@texts)",
    ],
)
def test_pattern_files_and_maps_follow_it(line: str, tmp_path: Path) -> None:
    (tmp_path / "nets").write_text("10.0.0.0/8\n")
    (tmp_path / "texts").write_text("/a one\n")
    text = f"global\n default-path origin {tmp_path}\nbackend b\n mode http\n {line}\n"
    settings, diagnostics = load([("lb.cfg", text)], env={})
    assert not diagnostics.messages
    ((name, path),) = settings.pattern_paths.items()
    assert Path(path.removeprefix("opt@").removeprefix("file@")).parent == tmp_path
    assert path.endswith(name.partition("@")[2] or name)


def test_what_is_not_there_is_told_by_its_own_name(tmp_path: Path) -> None:
    text = f"global\n default-path origin {tmp_path}\nbackend b\n mode http\n acl a src -f nosuch\n"
    (message,) = load([("lb.cfg", text)], env={})[1].messages
    assert "failed to open pattern file <nosuch>" in message.text
