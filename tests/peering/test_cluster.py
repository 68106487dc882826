"""Peers as people run them: lbcore with HAProxy 2.6, with 2.8, and with lbcore, each a process of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.embedded import until
from tests.peering.cluster import ORACLES, PATIENCE, TABLES, Member, agree, fill, pair
from tests.peers.haproxy import Program, program_under_test

MINUTE = 60_000


def program(name: str) -> Program:
    found = ORACLES[name]()
    if found is None:
        pytest.skip(f"there is no HAProxy {name}")
    return found


@pytest.fixture(scope="module", params=ORACLES)
def filled(request: pytest.FixtureRequest) -> Iterator[tuple[Member, Member]]:
    """lbcore and another balancer, each of which was told something by its own clients."""
    with pair(program_under_test(), program(request.param)) as (ours, theirs):
        fill(ours, 1)
        fill(theirs, 2)
        yield ours, theirs


@pytest.mark.parametrize("table", TABLES)
def test_both_get_to_know_what_either_has_counted(filled: tuple[Member, Member], table: str) -> None:
    ours, theirs = filled
    assert until(lambda: min(len(ours.entries(table)), len(theirs.entries(table))) >= 2, PATIENCE)
    assert agree(ours, theirs, [table]), (ours.entries(table), theirs.entries(table))


def test_a_servers_name_is_learned_with_its_number(filled: tuple[Member, Member]) -> None:
    ours, theirs = filled
    assert agree(ours, theirs, ["sticky"])
    assert {one["server_key"] for one in theirs.entries("sticky").values()} <= {"web1", "web2"}
    assert {len(one) for one in ours.entries("sticky").values()} == {2}


def test_entries_live_as_long_on_both_sides(filled: tuple[Member, Member]) -> None:
    ours, theirs = filled
    assert agree(ours, theirs, ["scalars"])
    for key in ("10.0.0.1", "10.0.0.2"):
        assert abs(ours.lives("scalars", key) - theirs.lives("scalars", key)) < 5000
        assert 0 < ours.lives("scalars", key) <= MINUTE


def test_changes_follow_each_other(filled: tuple[Member, Member]) -> None:
    ours, theirs = filled
    for count in range(2, 6):
        ours.put("v6", "2001:db8::9", conn_cnt=count)
        assert until(lambda: theirs.entries("v6").get("2001:db8::9") == {"conn_cnt": str(count)}, PATIENCE)  # noqa: B023
        theirs.put("v6", "2001:db8::9", conn_cnt=count * 10)
        assert until(lambda: ours.entries("v6").get("2001:db8::9") == {"conn_cnt": str(count * 10)}, PATIENCE)  # noqa: B023


@pytest.mark.parametrize("other", ORACLES)
@pytest.mark.parametrize("ours", [True, False], ids=["ours", "theirs"])
@pytest.mark.timeout(90)
def test_one_that_starts_anew_is_told_everything(other: str, ours: bool) -> None:
    with pair(program_under_test(), program(other)) as (one, two):
        fill(one, 1)
        fill(two, 2)
        assert until(lambda: len(one.entries("sticky")) == len(two.entries("sticky")) == 2, PATIENCE)
        assert agree(one, two)
        before = {name: one.entries(name) for name in TABLES}
        anew = one if ours else two
        anew.restart()
        assert agree(one, two)
        assert {name: anew.entries(name) for name in TABLES} == before


@pytest.mark.parametrize("other", ORACLES)
@pytest.mark.timeout(90)
def test_a_hundred_thousand_entries_are_taught(other: str) -> None:
    count = 100_000
    with pair(program_under_test(), program(other)) as (ours, theirs):
        _put_many(ours, count)
        assert ours.used("many") == count
        assert until(lambda: theirs.used("many") == count, 60)
        assert theirs.balancer.cli(f"show table many key {count}").rstrip().endswith("gpc0=1")


def _put_many(member: Member, count: int) -> None:
    batch = 500
    for start in range(1, count + 1, batch):
        lines = ";".join(f"set table many key {key} data.gpc0 1" for key in range(start, start + batch))
        member.balancer.cli(lines)
