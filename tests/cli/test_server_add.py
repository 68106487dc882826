"""Servers that are added while it runs are servers like all others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import lbcore
from lbcore.cli.registry import Level
from tests.cli.servers import say
from tests.embedded import ask, balancer, config, named
from tests.peers.chaos import Chaos
from tests.peers.ports import HOST


@pytest.fixture
def lb() -> Iterator[lbcore.LoadBalancer]:
    with Chaos(named("s1")) as one, balancer(config(one.port, nbthread=2, back=["balance roundrobin"])) as running:
        yield running


def test_added_server_gets_its_share_once_it_is_enabled(lb: lbcore.LoadBalancer) -> None:
    with Chaos(named("n1")) as other:
        assert say(lb, f"add server be/n1 {HOST}:{other.port} weight 3") == "New server registered.\n\n"
        assert {ask(lb)[1] for _ in range(4)} == {b"s1"}
        assert say(lb, "enable server be/n1") == "\n"
        answers = [ask(lb)[1] for _ in range(8)]
        assert (answers.count(b"n1"), answers.count(b"s1")) == (6, 2)


def test_added_server_has_the_options_of_its_line(lb: lbcore.LoadBalancer) -> None:
    say(lb, f"add server be/n1 {HOST}:9 weight 3 maxconn 5 backup id 44 cookie 'a")
    server = lb.states.find("be/n1")
    assert (server.uweight, server.maxconn, server.backup, server.sid, server.cookie) == (3, 5, True, 44, "'a")
    assert server.status == "MAINT"


def test_deleted_server_is_gone_and_its_name_free(lb: lbcore.LoadBalancer) -> None:
    say(lb, f"add server be/n1 {HOST}:9")
    assert say(lb, "del server be/n1") == "Server deleted.\n\n"
    assert "n1" not in say(lb, "show servers state be")
    assert say(lb, f"add server be/n1 {HOST}:9") == "New server registered.\n\n"


def test_tracking_of_an_added_server_is_refused_by_name(lb: lbcore.LoadBalancer) -> None:
    before = say(lb, "show servers state be")
    answer = say(lb, f"add server be/n1 {HOST}:9 track s1")
    assert answer == "'track' is not done for servers that are added at run time\n\n"
    assert say(lb, "show servers state be") == before


@pytest.mark.parametrize("command", [f"add server be/n1 {HOST}:9", "del server be/s1"])
def test_is_for_admins(lb: lbcore.LoadBalancer, command: str) -> None:
    assert say(lb, command, Level.OPERATOR) == "Permission denied\n\n"
