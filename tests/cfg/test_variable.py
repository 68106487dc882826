"""Variables of the process in `global`, limits of all variables, and the engine of regular expressions."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from lbcore.cfg.loader import load
from lbcore.proxy.settings import Settings
from lbcore.sample import regex
from lbcore.sample.variable import VarLimits
from lbcore.stream.world import World


def messages(line: str) -> list[str]:
    return [one.text.removeprefix("config : parsing [lb.cfg:2] : ") for one in read(line)[1]]


def read(*lines: str) -> tuple[Settings, list]:  # type: ignore[type-arg]
    text = "global\n" + "".join(f" {line}\n" for line in lines)
    settings, diagnostics = load([("lb.cfg", text)], env={"HOME": "/h"})
    return settings, diagnostics.messages


def world(*lines: str) -> World:
    settings, found = read(*lines)
    assert found == []
    return World([], settings, SimpleNamespace(), None)  # type: ignore[arg-type]


def test_variables_have_their_values_at_the_start_in_the_order_of_the_lines() -> None:
    found = world(
        "set-var proc.a str(x)",
        "set-var proc.b int(5),add(1)",
        'set-var-fmt proc.c "%[var(proc.a)]-%[var(proc.b)]"',
        "set-var proc.d env(HOME)",
        "set-var proc.e env(NONE)",
    )
    assert found.proc_vars.snapshot() == {"a": "x", "b": 6, "c": "x-6", "d": "/h"}


def test_the_environment_is_that_behind_the_last_line() -> None:
    assert world("set-var proc.a env(A)", "setenv A b").proc_vars.snapshot() == {"a": "b"}


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (
            "set-var txn.a str(x)",
            "'set-var': cannot set variable 'txn.a', only scope 'proc' is permitted in the global section.",
        ),
        (
            "set-var proc.d",
            "'set-var' requires a process-wide variable name ('proc.<name>') and a sample expression.",
        ),
        ("set-var-fmt", "'set-var-fmt' requires a process-wide variable name ('proc.<name>') and a format string."),
        ("set-var proc.f nosuch", "unknown fetch method 'nosuch'"),
        ("set-var proc.j str(x),nosuch", "unknown converter 'nosuch'"),
        ("tune.vars.global-max-size x", "tune.vars.global-max-size: 'x' is an invalid size"),
        ("tune.vars.check-max-size x", "tune.vars.check-max-size: 'x' is an invalid size"),
        ("tune.vars.proc-max-size 10k", "tune.vars.proc-max-size: '10k' is an invalid size"),
        ("regex-engine pcre", "'regex-engine' expects 're' or 're2', not 'pcre'."),
    ],
)
def test_a_line_that_is_wrong_is_told(line: str, text: str) -> None:
    assert messages(line) == [text]


def test_what_there_is_no_stream_for_is_refused() -> None:
    (message,) = messages("set-var proc.g path")
    assert "extracts information from 'HTTP request headers', none of which is available here" in message


def test_limits_reach_the_variables() -> None:
    sizes = {"sess": 1000, "reqres": 100, "check": 50}
    limits = world(*(f"tune.vars.{scope}-max-size {size}" for scope, size in sizes.items())).proc_vars.limits
    assert limits == VarLimits(**sizes)


def test_without_limits_nobody_counts() -> None:
    assert world("tune.vars.sess-max-size 0").proc_vars.limits is None


def test_a_variable_that_does_not_fit_is_not_set() -> None:
    assert world("tune.vars.proc-max-size 10", "set-var proc.a str(x)").proc_vars.snapshot() == {}


@pytest.fixture
def chosen() -> Iterator[list[str]]:
    """The engine, which is the process's."""
    before = list(regex._chosen)
    yield regex._chosen
    regex._chosen[:] = before


def test_an_engine_is_chosen(chosen: list[str]) -> None:
    chosen[0] = "re2"
    assert read("regex-engine re")[1] == []
    assert chosen == ["re"]


def test_an_engine_that_is_not_installed_is_named(chosen: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "re2", None)
    assert messages("regex-engine re2") == ["'regex-engine re2' needs the package google-re2, which is not installed."]
    assert chosen == ["re"]
