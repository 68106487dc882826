"""The benchmark from its command line, with HAProxy on both sides: short, but real."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from tests.bench.__main__ import main
from tests.peers.installed import Peers

_SHORT = ["--rounds", "1", "--seconds", "1"]


def test_prints_a_table_and_writes_every_figure(
    peers: Peers, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "report.json"
    program = shlex.join(peers.newer_haproxy.argv)
    assert main(["keepalive", "httplog", "start", *_SHORT, "--program", program, "--json", str(report)]) == 0
    table = capsys.readouterr().out
    assert all(title in table for title in ("HTTP keep-alive, small reply", "httplog to UDP", "exec to first reply"))
    scenarios = json.loads(report.read_text())["scenarios"]
    assert scenarios["keepalive"]["program"][0]["rate"] > 100
    assert scenarios["httplog"]["ratios"]["cpu"] > 0
    assert 0 < scenarios["start"]["program"][0]["start"] < 10


def test_a_program_that_does_not_start_gives_no_figures(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keepalive", "start", *_SHORT, "--program", "/bin/false"]) == 1
    assert capsys.readouterr().out.count("**failed**") == 2


def test_an_unknown_scenario_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["nonsense"])
    assert stopped.value.code == 2
    assert "unknown scenario 'nonsense'" in capsys.readouterr().err
