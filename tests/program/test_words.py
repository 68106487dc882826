"""The lists of `-dK` have HAProxy's layouts, and say of each word what HAProxy says."""

from __future__ import annotations

from pathlib import Path

import pytest

from lbcore import dump
from lbcore.sample.rows import CONVERTERS, FETCHES
from lbcore.words import configuration, criteria, legend
from tests.program.command import lbcore

LISTED = Path(__file__).parent / "golden" / "words.txt"  # what `haproxy -dKacl,cnv,smp` of 3.2 prints
COLUMNS = 22


def theirs() -> list[str]:
    return LISTED.read_text().splitlines()


@pytest.mark.parametrize("kind", ["acl", "cnv", "smp"])
def test_every_line_is_haproxys_to_the_letter(kind: str) -> None:
    lines = list(dump.keywords([kind]))
    assert len(lines) > 50
    assert [line for line in lines if line not in set(theirs())] == []


@pytest.mark.parametrize("kind", ["acl", "cnv", "smp"])
def test_lines_stand_in_haproxys_order(kind: str) -> None:
    names = [line.rpartition("] ")[2].split("(")[0].split(":")[0] for line in dump.keywords([kind])]
    words = [name for name in names if not name.startswith("#")]
    assert words == sorted(words)


def test_everything_registered_is_listed() -> None:
    assert len([line for line in dump.keywords(["smp"]) if line.startswith("[")]) == len(FETCHES)
    assert len(list(dump.keywords(["cnv"]))) - 1 == len(CONVERTERS)


def test_the_legend_leads_each_name_to_its_column() -> None:
    lines = list(legend())
    assert lines == [line for line in theirs() if line.startswith("# ") and "List" not in line]
    assert len(lines) == COLUMNS + 2


def test_criteria_mean_a_fetch_and_a_method() -> None:
    lines = list(criteria())
    assert "path_beg = path -m beg" in lines
    assert "method = method -m str" in lines


def test_configuration_words_stand_below_their_section() -> None:
    places: dict[str, list[str]] = {}
    for line in configuration():
        if line.startswith("\t"):
            places[next(reversed(places))].append(line.strip())
        else:
            assert line not in places
            places[line] = []
    assert list(places)[:2] == ["global", "listen"]
    assert "nbthread" in places["global"]
    assert {"bind <addr> name +1", "server <name> <addr> weight +1", "option persist [ BE ]"} <= set(places["listen"])
    assert {"http-request set-var*", "http-request deny", "tcp-request content reject"} <= set(places["listen"])
    assert "user" in places["userlist"]


def told(line: str) -> str:
    """What a line tells of, without how."""
    words = line.split(" [ ")[0].split()
    return " ".join(word for word in words if not word.startswith("+"))


@pytest.mark.parametrize("kind", ["cfg", "cli"])
def test_what_haproxy_lists_is_listed_to_the_letter(kind: str) -> None:
    lines = {told(line): line for line in theirs()}
    ours = [line for line in dump.keywords([kind]) if not line.startswith("#")]
    known = [line for line in ours if told(line) in lines]
    assert len(known) > 40
    # there is no master here
    assert [line for line in known if line != lines[told(line)].replace("[MASTER] ", "")] == []


def test_classes_are_joined_by_commas(tmp_path: Path) -> None:
    (tmp_path / "lb.cfg").write_text("global\n")
    done = lbcore("-q", "-c", "-dKcnv,smp", "-f", str(tmp_path / "lb.cfg"))
    assert done.stdout.splitlines() == list(dump.keywords(["cnv", "smp"]))
