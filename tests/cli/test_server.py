"""Commands about servers where HAProxy has no better answer, and what they do to clients."""

from collections.abc import Iterator

import pytest

import lbcore
from lbcore.cli.registry import Level
from lbcore.proxy.health import CheckState
from tests.cli.servers import say
from tests.embedded import Client, ask, balancer, config, named, until
from tests.peers.chaos import Chaos
from tests.peers.ports import HOST


@pytest.fixture
def lb() -> Iterator[lbcore.LoadBalancer]:
    """A balancer before s1 and s2, which answer with their names."""
    with Chaos(named("s1")) as one, Chaos(named("s2")) as other:
        with balancer(config(one.port, other.port, nbthread=2, back=["balance roundrobin"])) as running:
            yield running


def served(lb: lbcore.LoadBalancer) -> set[bytes]:
    return {ask(lb)[1] for _ in range(4)}


@pytest.mark.parametrize("command", ["set server be/s1 state drain", "disable server be/s1", "set weight be/s1 0",
                                     "set server be/s1 health down"])  # fmt: skip
def test_server_taken_out_gets_nothing(lb: lbcore.LoadBalancer, command: str) -> None:
    assert served(lb) == {b"s1", b"s2"}
    assert say(lb, command) == "\n"
    assert served(lb) == {b"s2"}


def test_enabled_server_is_used_again(lb: lbcore.LoadBalancer) -> None:
    say(lb, "disable server be/s1")
    assert say(lb, "enable server be/s1") == "\n"
    assert served(lb) == {b"s1", b"s2"}


def test_requests_go_where_the_address_says(lb: lbcore.LoadBalancer) -> None:
    port = lb.states.find("be/s2").settings.address.port
    assert "port changed from" in say(lb, f"set server be/s1 addr {HOST} port {port}")
    assert served(lb) == {b"s2"}


@pytest.mark.parametrize("port", ["70000", "65536"])
def test_port_out_of_range_is_not_taken(lb: lbcore.LoadBalancer, port: str) -> None:
    before = lb.states.find("be/s1").settings.address
    answer = say(lb, f"set server be/s1 addr {HOST} port {port}")
    assert answer == "no need to change the addr, provided port is not valid by 'stats socket command'\n\n"
    assert lb.states.find("be/s1").settings.address == before


def test_maxconn_is_in_force(lb: lbcore.LoadBalancer) -> None:
    assert say(lb, "set maxconn server be/s1 7") == "\n"
    assert lb.states.find("be/s1").maxconn == 7


def test_maxconn_that_does_not_fit_is_refused(lb: lbcore.LoadBalancer) -> None:
    before = lb.states.find("be/s1").maxconn
    assert say(lb, "set maxconn server be/s1 99999999999") == "maxconn must not be above 4294967295.\n\n"
    assert lb.states.find("be/s1").maxconn == before


def test_negative_maxconn_is_refused(lb: lbcore.LoadBalancer) -> None:
    assert say(lb, "set maxconn server be/s1 -1") == "maxconn must not be negative.\n\n"
    assert lb.states.find("be/s1").maxconn == 0


def test_health_of_a_tracking_server_is_not_its_own(lb: lbcore.LoadBalancer) -> None:
    lb.states.find("be/s1").tracks = lb.states.find("be/s2")
    assert say(lb, "set server be/s1 health up") == "cannot change health on a tracking server.\n\n"


def test_checks_are_switched_off_and_on(lb: lbcore.LoadBalancer) -> None:
    check = lb.states.find("be/s1").check = CheckState()
    hurried: list[int] = []
    check.hurry = hurried.append
    assert say(lb, "disable health be/s1") == "\n"
    assert not check.due
    assert not hurried
    assert say(lb, "enable health be/s1") == "\n"
    assert check.due
    assert hurried == [0]


def test_agent_that_is_switched_off_is_not_obeyed(lb: lbcore.LoadBalancer) -> None:
    lb.states.find("be/s1").agent = CheckState(agent=True)
    assert say(lb, "set server be/s1 agent down") == "\n"
    assert lb.states.find("be/s1").status == "DOWN (agent)"
    say(lb, "disable agent be/s1")
    assert say(lb, "set server be/s1 agent up") == "agent checks are not enabled on this server.\n\n"


def test_checked_server_tells_so_in_its_state(lb: lbcore.LoadBalancer) -> None:
    server = lb.states.find("be/s1")
    server.check = CheckState(rise=1, fall=5)
    server.agent = CheckState(agent=True)
    fields = say(lb, "show servers state be").splitlines()[2].split()
    assert fields[12:15] == ["1", "6", "22"]


def test_shutdown_ends_the_streams_of_a_server(lb: lbcore.LoadBalancer) -> None:
    with Client(lb) as client:
        client.ask(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n")
        assert until(lambda: sum(s.idle for s in lb.facts.backends()["be"].servers) == 1)
        rows = say(lb, "show servers conn be").splitlines()[1:3]
        assert sorted(row.split()[9] for row in rows) == ["0", "1"]
        for name in ("s1", "s2"):
            assert say(lb, f"shutdown sessions server be/{name}") == "\n"
        assert until(lambda: not any(s.idle for s in lb.facts.backends()["be"].servers))


@pytest.mark.parametrize("command", ["set server be/s1 state maint", "set weight be/s1 1", "enable server be/s1",
                                     "disable health be/s1", "set maxconn server be/s1 1",
                                     "shutdown sessions server be/s1"])  # fmt: skip
def test_changes_are_for_admins(lb: lbcore.LoadBalancer, command: str) -> None:
    assert say(lb, command, Level.OPERATOR) == "Permission denied\n\n"
