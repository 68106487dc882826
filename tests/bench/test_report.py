"""What the table says, from figures that are made up."""

from __future__ import annotations

import pytest

from tests.bench.load import Load
from tests.bench.measure import METRICS, FullLoad, StartTime
from tests.bench.profile import syscalls_per_request
from tests.bench.report import as_json, markdown, missed
from tests.bench.runner import Outcome, Plan
from tests.bench.scenarios import SCENARIOS, Scenario, choose
from tests.peers.haproxy import Program

_FAST = Scenario("fast", "a load", FullLoad("http", Load("/small")), budget={"rate": 1.2})
_START = Scenario("begin", "a start", StartTime("http", "/small"), limit={"start": 250})
_PLAN = Plan(Program("haproxy", ("haproxy",)), Program("lbcore", ("lbcore",)), rounds=3, seconds=4)


def _outcome(mine: list[float], theirs: list[float]) -> Outcome:
    return Outcome(
        _FAST,
        tuple({"rate": rate, "cpu": 2e-5} for rate in theirs),
        tuple({"rate": rate, "cpu": 1e-5} for rate in mine),
    )


def test_the_ratio_is_the_median_of_the_rounds_ratios() -> None:
    # Ratios 2, 1, 1.5; the ratio of the medians would be 2.
    assert _outcome([20, 100, 30], [10, 100, 20]).ratio("rate") == 1.5


@pytest.mark.parametrize(("rate", "bold"), [(119, True), (121, False)])
def test_a_missed_budget_is_bold(rate: float, bold: bool) -> None:
    table = markdown(_PLAN, [_outcome([rate], [100])])
    assert f"| a load | requests/s | 100 | {rate} | {'**1.19**' if bold else '1.21'} | ≥ 1.2x |" in table
    assert "|  | CPU us/request | 20.0 | 10.0 | 0.50 |  |" in table


@pytest.mark.parametrize(("seconds", "late"), [(0.3, True), (0.2, False)])
def test_an_absolute_limit_is_kept_by_the_program_alone(seconds: float, late: bool) -> None:
    outcome = Outcome(_START, ({"start": 9.0},), ({"start": seconds},))
    assert missed(outcome, "start") is late


def test_a_failed_scenario_has_no_figures() -> None:
    outcome = Outcome(_FAST, error="wrk saw errors")
    assert "| a load | **failed** |" in markdown(_PLAN, [outcome])
    assert as_json(_PLAN, [outcome])["scenarios"]["fast"] == {
        "error": "wrk saw errors",
        "reference": [],
        "program": [],
        "ratios": {},
    }


def test_every_scenario_has_known_metrics_and_budgets_for_them() -> None:
    for scenario in SCENARIOS:
        metrics = set(scenario.measurement.metrics)
        assert metrics <= set(METRICS)
        assert {*scenario.budget, *scenario.limit} <= metrics


def test_scenarios_that_need_something_run_only_by_name() -> None:
    assert [scenario.name for scenario in choose(["track", "keepalive"])] == ["keepalive", "track"]
    assert all(scenario.needs is None for scenario in choose([]))
    with pytest.raises(KeyError, match="nonsense"):
        choose(["keepalive", "nonsense"])


def test_system_calls_are_counted_per_request() -> None:
    table = "calls errors syscall\n--- --- ---\n 200 recvfrom\n 100 50 sendto\n--- --- ---\n 300 50 total\n"
    assert syscalls_per_request(table, 100).splitlines() == [
        "     3.000      0.500 failed  total",
        "     2.000      0.000 failed  recvfrom",
        "     1.000      0.500 failed  sendto",
    ]
