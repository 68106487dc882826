"""The sub-command: its formats, its exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lbcore.lint.finding import LINTS
from tests.lint.cases import CASES, config
from tests.program.command import lbcore, messages
from tests.program.conftest import write

FAULTY = CASES[1]


def test_clean_is_0_and_silent(tmp_path: Path) -> None:
    done = lbcore("lint", "-f", write(tmp_path, "lb.cfg", config()))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_findings_are_1_with_place_level_id_and_advice(tmp_path: Path) -> None:
    path = write(tmp_path, "lb.cfg", FAULTY.fails)
    done = lbcore("lint", "-f", path)
    first, advice, count = done.stdout.splitlines()
    assert done.returncode == 1
    assert first.startswith(f"{path}:11:5: error: never reached: ")
    assert first.endswith("[LB102 unreachable-rule]")
    assert (advice, count) == (f"    {LINTS['LB102'].advice}", "1 finding")


def test_a_broken_configuration_is_2_and_told_as_in_check_mode(tmp_path: Path) -> None:
    path = write(tmp_path, "lb.cfg", "backend b\n    nonsense\n")
    done = lbcore("lint", "-f", path)
    assert (done.returncode, done.stdout) == (2, "")
    assert messages(done.stderr) == messages(lbcore("-c", "-f", path).stderr)


def test_a_file_that_is_not_there_is_2(tmp_path: Path) -> None:
    assert lbcore("lint", "-f", str(tmp_path / "none")).returncode == 2


def test_all_lints_are_listed_with_their_advice() -> None:
    done = lbcore("lint", "--list")
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines()[::3]] == list(LINTS)


def test_without_a_configuration_there_is_nothing_to_do() -> None:
    assert lbcore("lint").returncode == 2


def test_disabled_lints_find_nothing(tmp_path: Path) -> None:
    path = write(tmp_path, "lb.cfg", FAULTY.fails)
    assert lbcore("lint", "-f", path, "--disable", "LB999,LB102").returncode == 2
    assert lbcore("lint", "-f", path, "--disable", "LB201,LB102").returncode == 0


def test_json_is_a_list_of_objects(tmp_path: Path) -> None:
    path = write(tmp_path, "lb.cfg", FAULTY.fails)
    [one] = json.loads(lbcore("lint", "-f", path, "--format", "json").stdout)
    assert one.pop("text").startswith("never reached")
    assert one == {
        "id": "LB102",
        "name": "unreachable-rule",
        "level": "error",
        "file": path,
        "line": 11,
        "column": 5,
        "advice": LINTS["LB102"].advice,
    }


@pytest.fixture
def sarif(tmp_path: Path) -> dict[str, Any]:
    path = write(tmp_path, "with blank.cfg", FAULTY.fails)
    found: dict[str, Any] = json.loads(lbcore("lint", "-f", path, "--format", "sarif").stdout)
    return found


def test_sarif_is_a_log_of_version_2_1_0_with_all_rules(sarif: dict[str, Any]) -> None:
    assert sarif["version"] == "2.1.0"
    [run] = sarif["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == list(LINTS)
    for rule in rules:
        assert rule["shortDescription"]["text"]
        assert rule["help"]["text"]
        assert rule["defaultConfiguration"]["level"] in ("error", "warning", "note")


def test_sarif_results_point_at_their_rule_and_at_a_file_by_its_uri(sarif: dict[str, Any], tmp_path: Path) -> None:
    [run] = sarif["runs"]
    [result] = run["results"]
    rule = run["tool"]["driver"]["rules"][result["ruleIndex"]]
    assert rule["id"] == result["ruleId"] == "LB102"
    assert result["level"] == "error"
    [location] = result["locations"]
    physical = location["physicalLocation"]
    assert physical["artifactLocation"]["uri"] == (tmp_path / "with blank.cfg").as_uri()
    assert physical["region"] == {"startLine": 11, "startColumn": 5}
