"""Commands about frontends, limits of the process and counters do what they say."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

import lbcore
from lbcore.cli.registry import Level
from tests.cli.servers import say
from tests.embedded import PATIENCE, REQUEST, Client, ask, balancer, config, named, until
from tests.peers.chaos import Chaos


@pytest.fixture
def lb() -> Iterator[lbcore.LoadBalancer]:
    with Chaos(named("s1")) as one, balancer(config(one.port, nbthread=2)) as running:
        yield running


def status(lb: lbcore.LoadBalancer) -> str:
    return lb.facts.frontends()["fe"].status


def test_disabled_frontend_accepts_nothing_until_it_is_enabled(lb: lbcore.LoadBalancer) -> None:
    told: list[str] = []
    lb.notify = told.append
    assert say(lb, "disable frontend fe") == "\n"
    assert until(lambda: status(lb) == "PAUSED")
    assert say(lb, "enable frontend fe") == "\n"
    assert ask(lb) == (200, b"s1")
    assert told == ["Paused frontend fe.", "Resumed frontend fe."]


def is_refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return True
    return False


def test_frontend_shut_down_gives_its_address_up(lb: lbcore.LoadBalancer) -> None:
    where = lb.address("fe")
    with Client(lb) as client:
        assert client.ask(REQUEST) == b"s1"
        assert say(lb, "shutdown frontend fe") == "\n"
        assert until(lambda: status(lb) == "STOP")
        assert client.ask(REQUEST) == b"s1"
    assert until(lambda: is_refused(where.port))  # the last thread that may be about to accept closes the socket


def test_signals_leave_a_frontend_that_is_shut_down_alone(lb: lbcore.LoadBalancer) -> None:
    say(lb, "shutdown frontend fe")
    told: list[str] = []
    lb.notify = told.append
    lb.pause()
    lb.resume()
    assert not told


def test_soft_stop_after_a_frontend_was_shut_down_ends_the_balancer(lb: lbcore.LoadBalancer) -> None:
    told: list[str] = []
    lb.notify = told.append
    say(lb, "shutdown frontend fe")
    lb.soft_stop()
    assert lb.wait(PATIENCE)
    assert [line.split("(")[0] for line in told if "stopped" in line] == ["Proxy fe stopped "]


@pytest.mark.parametrize("command", ["set maxconn frontend fe {}", "set maxconn global {}"])
def test_limit_holds_clients_back_until_it_is_raised(lb: lbcore.LoadBalancer, command: str) -> None:
    assert say(lb, command.format(1)) == "\n"
    with Client(lb) as first, Client(lb) as second:
        assert first.ask(REQUEST) == b"s1"
        second.send(REQUEST)
        assert until(lambda: status(lb) == "FULL")
        assert say(lb, command.format(2)) == "\n"
        assert second.response() == (200, b"s1")


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("set maxconn frontend fe foo", "Integer value expected."),
        ("set maxconn frontend fe 0", "Value out of range."),
        ("set maxconn global foo", "Expects an integer value."),
        ("set maxconn global -5", "Value out of range."),
        ("set rate-limit sessions global foo", "Expects an integer value."),
        ("set rate-limit ssl-sessions global 5", "'set rate-limit ssl-sessions global' is not done in this release."),
    ],
)
def test_what_is_no_limit_changes_nothing(lb: lbcore.LoadBalancer, command: str, answer: str) -> None:
    before = say(lb, "show info")
    assert say(lb, command) == f"{answer}\n\n"
    limits = [line for line in before.splitlines() if "axconn" in line or "RateLimit" in line]
    assert set(limits) <= set(say(lb, "show info").splitlines())


def test_limits_of_the_process_are_told(lb: lbcore.LoadBalancer) -> None:
    say(lb, "set maxconn global 50;set rate-limit connections global 6;set rate-limit sessions global 7")
    lines = say(lb, "show info").splitlines()
    assert {"Maxconn: 50", "ConnRateLimit: 6", "SessRateLimit: 7"} <= set(lines)


def figures(lb: lbcore.LoadBalancer) -> tuple[tuple[int, int], ...]:
    """The most sessions at a time and all of them: of the frontend, the backend, the server."""
    frontend, backend = lb.facts.frontends()["fe"], lb.facts.backends()["be"]
    served = ((side.max_sess, int(side.counters.cum_sess)) for side in (backend, backend.servers[0]))
    return (frontend.max_conn, int(frontend.counters.cum_sess)), *served


def test_clear_counters_forgets_maxima(lb: lbcore.LoadBalancer) -> None:
    ask(lb)
    assert until(lambda: figures(lb) == ((1, 1), (1, 1), (1, 1)))
    assert say(lb, "clear counters", Level.OPERATOR) == "\n"
    assert figures(lb) == ((0, 1), (0, 1), (0, 1))
    assert lb.facts.conn_rate_max <= 1


def test_clear_counters_all_forgets_everything(lb: lbcore.LoadBalancer) -> None:
    ask(lb)
    server = lb.states.find("be/s1")
    say(lb, "disable server be/s1;enable server be/s1")
    assert server.downs == server.backend.down_count == 1
    assert say(lb, "clear counters all") == "\n"
    assert figures(lb) == ((0, 0), (0, 0), (0, 0))
    assert server.downs == server.backend.down_count == 0
    assert server.lastsess == -1


def test_counting_goes_on_after_it_was_cleared(lb: lbcore.LoadBalancer) -> None:
    ask(lb)
    assert until(lambda: lb.facts.frontends()["fe"].cur_conn == 0)
    say(lb, "clear counters all")
    ask(lb)
    assert until(lambda: figures(lb) == ((1, 1), (1, 1), (1, 1)))
