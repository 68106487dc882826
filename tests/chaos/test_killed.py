"""A server that dies, stops, or resets idle connections costs clients no request that HAProxy would have saved."""

from __future__ import annotations

import pytest

from tests.chaos.killed import CASES, CLIENTS, LOADS, Case, compare, lost
from tests.peers.haproxy import Program
from tests.peers.installed import Peers

ROUNDS = 2
# Which of the requests under way are on the server that dies is chance, and differs from round to round by this much.
CHANCE = int(CLIENTS * ROUNDS**0.5)

NAMED = {case.name: case for case in CASES}


@pytest.mark.parametrize(
    ("case", "load"),
    [
        ("killed", "GET, kept"),
        ("killed", "GET, closed"),
        ("killed", "POST, kept"),
        ("killed, with checks", "GET, kept"),
        ("stopped", "GET, closed"),
        ("stopped, with checks", "POST, kept"),
        ("resets idle connections", "POST, kept"),
    ],
)
def test_no_request_is_lost_that_haproxy_saves(case: str, load: str, program: Program, peers: Peers) -> None:
    chosen: Case = NAMED[case]
    theirs, ours = compare(chosen, LOADS[load], [peers.haproxy, program], ROUNDS)
    assert ours.statuses[200] > 100
    assert not ours.wrong
    assert lost(ours) <= lost(theirs) + CHANCE, (theirs, ours)
    if not chosen.idle:
        assert lost(ours) <= chosen.bound * ROUNDS, ours


def test_requests_that_may_be_repeated_survive_resets_of_idle_connections(program: Program) -> None:
    """HAProxy lets go of their clients, who know that they may ask again."""
    (ours,) = compare(NAMED["resets idle connections"], LOADS["GET, kept"], [program], ROUNDS)
    assert ours.statuses[200] > 100
    assert lost(ours) == 0
