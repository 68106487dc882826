"""How results of checks are counted, and told."""

from __future__ import annotations

import pytest

from lbcore.proxy.health import CheckResult, CheckState, CheckStatus, Outcome, Turn

OK = CheckResult(CheckStatus.L4OK)
BAD = CheckResult(CheckStatus.L4CON)


def counted(check: CheckState, *results: CheckResult) -> list[tuple[int, Turn]]:
    """Health and turn after each result."""
    return [(check.health, turn) for turn in (check.count(result)[0] for result in results)]


def test_goes_down_at_the_first_failure_after_the_start() -> None:
    assert counted(CheckState(rise=2, fall=3), BAD) == [(0, Turn.DOWN)]


def test_one_good_result_makes_it_whole() -> None:
    assert counted(CheckState(rise=2, fall=3), OK) == [(4, Turn.UP)]


def test_falls_after_that_many_failures_in_a_row() -> None:
    check = CheckState(rise=2, fall=3)
    check.count(OK)
    for result, (health, turn) in zip((BAD, BAD, OK), [(3, Turn.NONE), (2, Turn.NONE), (3, Turn.UP)], strict=True):
        assert check.count(result)[0] is turn
        assert check.health == (4 if turn is Turn.UP else health)
    assert counted(check, BAD, BAD, BAD) == [(3, Turn.NONE), (2, Turn.NONE), (0, Turn.DOWN)]


def test_rises_after_that_many_successes_in_a_row() -> None:
    check = CheckState(rise=3, fall=2)
    check.count(BAD)
    assert counted(check, OK, OK, BAD, OK, OK, OK) == [
        (1, Turn.NONE),
        (2, Turn.NONE),
        (0, Turn.DOWN),
        (1, Turn.NONE),
        (2, Turn.NONE),
        (4, Turn.UP),
    ]
    assert check.failed == 2


def test_result_that_says_nothing_changes_nothing_but_the_last_one() -> None:
    check = CheckState()
    assert check.count(CheckResult(CheckStatus.CHECKED)) == (Turn.NONE, False)
    assert (check.health, check.failed, check.last.status) == (2, 0, CheckStatus.CHECKED)


def test_conditional_success_takes_no_new_clients() -> None:
    assert counted(CheckState(), CheckResult(CheckStatus.L7OKC, 404)) == [(4, Turn.STOPPING)]


def test_rule_may_overrule_what_a_status_says() -> None:
    result = CheckResult(CheckStatus.L7OK, outcome_is=Outcome.FAILED)
    assert counted(CheckState(), result) == [(0, Turn.DOWN)]


@pytest.mark.parametrize("status", [CheckStatus.L4CON, CheckStatus.L4TOUT, CheckStatus.L7RSP])
def test_agent_that_cannot_be_asked_says_nothing(status: CheckStatus) -> None:
    agent = CheckState(rise=1, fall=1, agent=True)
    assert agent.count(CheckResult(status)) == (Turn.NONE, False)
    assert agent.passing


def test_agent_that_says_down_is_believed() -> None:
    assert counted(CheckState(rise=1, fall=1, agent=True), CheckResult(CheckStatus.L7STS)) == [(0, Turn.DOWN)]


def test_interval_follows_the_health() -> None:
    check = CheckState(rise=2, fall=3, inter=2000, fastinter=500, downinter=9000)
    assert check.interval(stopped=False) == 500  # it goes up or down
    check.count(OK)
    assert check.interval(stopped=False) == 2000
    counted(check, BAD, BAD, BAD)
    assert check.interval(stopped=True) == 9000
    check.count(OK)
    assert check.interval(stopped=True) == 500


def test_interval_without_others_is_one() -> None:
    check = CheckState(inter=700)
    assert check.interval(stopped=False) == 700
    check.count(BAD)
    assert check.interval(stopped=True) == 700


def test_description_has_what_is_known() -> None:
    assert CheckResult(CheckStatus.L4OK, duration_ms=3).describe() == (
        ", reason: Layer4 check passed, check duration: 3ms"
    )
    assert CheckResult(CheckStatus.L7STS, 503, "Service Unavailable").describe() == (
        ', reason: Layer7 wrong status, code: 503, info: "Service Unavailable"'
    )


def test_what_would_break_a_line_is_written_as_numbers() -> None:
    told = CheckResult(CheckStatus.L7RSP, info='a"b\n<é>').describe()
    assert told == ', reason: Layer7 invalid response, info: "a<22>b<0A><3C><C3><A9><3E>"'
