"""`init-state`: what a server that is checked is taken for until checks say more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

import lbcore
from lbcore.proxy.health import CheckResult, CheckStatus
from lbcore.proxy.machine import Admin, Op
from lbcore.proxy.server import Server
from lbcore.proxy.settings import InitState
from tests.check.peers import Peer, Peers
from tests.embedded import ask, balancer, config

GOOD = CheckResult(CheckStatus.L7OK)
BAD = CheckResult(CheckStatus.L7STS, 500)
SILENT = Peer()  # it never answers a check, whose results are reported by hand


@contextmanager
def checked(words: str, *back: str) -> Iterator[tuple[lbcore.LoadBalancer, Server]]:
    with Peers({"s1": SILENT}) as peers:
        text = config(peers.listening["s1"].port, server=f"check inter 1h rise 3 fall 4 {words}",
                      back=["option httpchk", *back])  # fmt: skip
        with balancer(text) as lb:
            yield lb, server(lb, "s1")


def server(lb: lbcore.LoadBalancer, name: str) -> Server:
    backend = lb.proxies[1].backend
    assert backend is not None
    return backend.by_name[name]


def results_until(lb: lbcore.LoadBalancer, one: Server, result: CheckResult, op: Op) -> int:
    """How many results like this bring a server to this state."""
    assert one.check is not None
    for count in range(1, 10):
        lb.states.report(one, one.check, result)
        lb.states.admin(one)  # when that is done, so is what was reported before
        if one.op is op:
            return count
    raise AssertionError("it never came to that")


@pytest.mark.parametrize(
    ("words", "result", "count"),
    [
        ("", BAD, 1),
        ("init-state up", BAD, 1),
        ("init-state fully-up", BAD, 4),
        ("init-state down", GOOD, 1),
        ("init-state fully-down", GOOD, 3),
    ],
)
def test_so_many_results_bring_it_to_the_other_side(words: str, result: CheckResult, count: int) -> None:
    with checked(words) as (lb, one):
        begins, ends = (Op.RUNNING, Op.STOPPED) if result is BAD else (Op.STOPPED, Op.RUNNING)
        assert one.op is begins
        assert results_until(lb, one, result, ends) == count


@pytest.mark.parametrize(("state", "status"), [("down", "DOWN 2/3"), ("fully-down", "DOWN"), ("fully-up", "UP")])
def test_leaving_maintenance_is_another_beginning(state: str, status: str) -> None:
    with checked(f"init-state {state}") as (lb, one):
        lb.states.admin(one, on=Admin.FMAINT)
        lb.states.admin(one, off=Admin.FMAINT)
        assert one.status == status


def test_a_server_that_begins_down_gets_no_request() -> None:
    with checked("init-state down") as (lb, one):
        assert ask(lb)[0] == 503
        assert one.downs == 0  # it has not gone down


def test_who_tracks_it_begins_as_it_does() -> None:
    with checked("init-state fully-down", "server t 127.0.0.1:1 track s1") as (lb, one):
        tracker = server(lb, "t")
        assert tracker.op is Op.STOPPED
        assert results_until(lb, one, GOOD, Op.RUNNING) == 3
        assert tracker.status == "UP"


def test_a_server_without_checks_is_up() -> None:
    with balancer(config(1, server="init-state fully-down")) as lb:
        assert server(lb, "s1").op is Op.RUNNING


def test_every_state_has_its_beginning() -> None:
    with checked("") as (_, one):
        assert one.check is not None
        for state in InitState:
            one.check.begin(state)
            assert one.check.passing is (state in (InitState.UP, InitState.FULLY_UP))
