"""What streams cost: turns are always counted, time only where it is asked for."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.embedded import PATIENCE, Client, balancer, config
from tests.peers.installed import Peers
from tests.peers.ports import HOST
from tests.peers.sinks import UdpSink

FIELDS = "%[cpu_calls] %[cpu_ns_tot] %[cpu_ns_avg] %[lat_ns_tot] %[lat_ns_avg] %[bs.id]"


def logged(peers: Peers, requests: int, *, settings: Sequence[str] = (), back: Sequence[str] = ()) -> list[list[str]]:
    """The fields of as many requests on one connection."""
    with UdpSink() as sink:
        front = [f"log {HOST}:{sink.port} format raw local0", f'log-format "{FIELDS}"', "http-request set-header X y"]
        text = config(peers.nginx.port, front=front, settings=settings, back=back)
        with balancer(text) as lb, Client(lb) as client:
            for _ in range(requests):
                client.ask(b"GET /16k HTTP/1.1\r\nHost: h\r\n\r\n")
            assert sink.wait_for(requests + 1, PATIENCE)  # the first tells of the start
        return [line.decode().split() for line in sink.lines()[-requests:]]


def test_turns_are_counted_for_each_request(peers: Peers) -> None:
    for calls, *times, _ in logged(peers, 3):
        assert 1 <= int(calls) <= 20
        assert times == ["0"] * 4


def test_time_is_measured_if_it_is_asked_for(peers: Peers) -> None:
    for line in logged(peers, 3, settings=["profiling.tasks on"]):
        calls, total, average, waited, waited_average = map(int, line[:5])
        assert 1_000 < total < 1_000_000_000
        assert 0 <= waited < 10_000_000_000
        assert (average, waited_average) == (total // calls, waited // calls)


def test_streams_of_a_servers_connection_are_numbered(peers: Peers) -> None:
    assert [line[5] for line in logged(peers, 3)] == ["1", "2", "3"]
    assert [line[5] for line in logged(peers, 2, back=["option http-server-close"])] == ["1", "1"]


def test_rules_see_what_it_has_cost_so_far(peers: Peers) -> None:
    front = ['http-request return status 200 content-type text/plain lf-string "%[cpu_calls] %[cpu_ns_tot]"']
    with balancer(config(peers.nginx.port, front=front)) as lb, Client(lb) as client:
        # the request may come with the connection, or be waited for
        assert client.ask(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n") in (b"1 0", b"2 0")


@pytest.mark.parametrize(("value", "taken"), [("on", True), ("off", True), ("auto", False), ("", False)])
def test_profiling_is_on_or_off(value: str, taken: bool) -> None:
    from lbcore.cfg.loader import load

    _, found = load([("lb", config(1, settings=[f"profiling.tasks {value}"]))], env={})
    assert any("profiling.tasks" in message.text for message in found.messages) is not taken
