"""The private variables of a load."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from lbcore.cfg.environment import Environment, VariableNameError


def test_it_starts_with_what_is_inherited() -> None:
    env = Environment({"A": "1", "EMPTY": ""})
    assert (env.get("A"), env.get("EMPTY"), env.get("NONE")) == ("1", "", None)


def test_it_inherits_the_process_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LBCORE_TEST_VARIABLE", "here")
    assert Environment().get("LBCORE_TEST_VARIABLE") == "here"


def test_the_process_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LBCORE_TEST_VARIABLE", "before")
    env = Environment()
    env.setenv("LBCORE_TEST_VARIABLE", "after")
    env.setenv("LBCORE_TEST_OTHER", "x")
    env.resetenv()
    assert os.environ["LBCORE_TEST_VARIABLE"] == "before"
    assert "LBCORE_TEST_OTHER" not in os.environ


def test_what_was_handed_in_is_left_alone() -> None:
    inherited = {"A": "1"}
    Environment(inherited).unsetenv(["A"])
    assert inherited == {"A": "1"}


def test_setenv_replaces() -> None:
    env = Environment({"A": "1"})
    env.setenv("A", "2")
    assert env.get("A") == "2"


def test_presetenv_keeps_what_is_there_even_if_empty() -> None:
    env = Environment({"A": "1", "EMPTY": ""})
    for name in ("A", "EMPTY", "NEW"):
        env.presetenv(name, "2")
    assert env.snapshot() == {"A": "1", "EMPTY": "", "NEW": "2"}


def test_unsetenv_removes_and_minds_not_if_there_is_nothing() -> None:
    env = Environment({"A": "1", "B": "2", "C": "3"})
    env.unsetenv(["A", "NONE", "C"])
    assert env.snapshot() == {"B": "2"}


def test_resetenv_keeps_what_is_named_with_its_present_value() -> None:
    env = Environment({"A": "1", "B": "2"})
    env.setenv("A", "new")
    env.setenv("C", "3")
    env.resetenv(["A", "C", "NONE"])
    assert env.snapshot() == {"A": "new", "C": "3"}


def test_resetenv_removes_all() -> None:
    env = Environment({"A": "1"})
    env.resetenv()
    assert env.snapshot() == {}


CHANGES: dict[str, Callable[[Environment, str], None]] = {
    "setenv": lambda env, name: env.setenv(name, "1"),
    "presetenv": lambda env, name: env.presetenv(name, "1"),
    "unsetenv": lambda env, name: env.unsetenv([name]),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", ["", "A=B", "="])
def test_a_name_that_no_variable_can_have_is_refused(change: str, name: str) -> None:
    with pytest.raises(VariableNameError, match=r"Invalid argument\.") as caught:
        CHANGES[change](Environment({}), name)
    assert caught.value.name == name


def test_a_snapshot_is_a_copy() -> None:
    env = Environment({"A": "1"})
    env.snapshot()["A"] = "2"
    assert env.get("A") == "1"
