"""Which server connections are used again: counted at the server."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

import lbcore
from tests.embedded import PATIENCE, Client, ask, balancer, config, named, until
from tests.peers.chaos import Chaos, Gate, echo, read_request
from tests.peers.ports import HOST

MODES = ("never", "safe", "aggressive", "always")


@pytest.fixture
def server() -> Iterator[Chaos]:
    with Chaos(named("s1")) as peer:
        yield peer


def visit(lb: lbcore.LoadBalancer, requests: int) -> None:
    """A client that makes so many requests and leaves; returns when the balancer has seen it leave."""
    with Client(lb) as client:
        for _ in range(requests):
            assert client.ask() == b"s1"
    assert until(lambda: lb.facts.cur_conns == 0)


@pytest.mark.parametrize("mode", MODES)
def test_requests_of_one_client_share_a_connection(server: Chaos, mode: str) -> None:
    with balancer(config(server.port, back=[f"http-reuse {mode}"])) as lb:
        visit(lb, 5)
    assert server.accepted == 1


@pytest.mark.parametrize(("mode", "expected"), [("never", 2), ("safe", 2), ("aggressive", 2), ("always", 1)])
def test_first_request_of_another_client(server: Chaos, mode: str, expected: int) -> None:
    with balancer(config(server.port, back=[f"http-reuse {mode}"])) as lb:
        visit(lb, 1)
        visit(lb, 1)
    assert server.accepted == expected


@pytest.mark.parametrize(("mode", "expected"), [("never", 2), ("safe", 2), ("aggressive", 1), ("always", 1)])
def test_first_request_of_another_client_where_the_connection_has_proved_itself(
    server: Chaos, mode: str, expected: int
) -> None:
    with balancer(config(server.port, back=[f"http-reuse {mode}"])) as lb:
        visit(lb, 2)
        visit(lb, 1)
    assert server.accepted == expected


@pytest.mark.parametrize("mode", ["http-server-close", "httpclose"])
def test_closing_modes_use_none_again(server: Chaos, mode: str) -> None:
    with balancer(config(server.port, back=["http-reuse always", f"option {mode}"])) as lb:
        for _ in range(3):
            visit(lb, 1)
    assert server.accepted == 3


def test_pool_of_none_keeps_none(server: Chaos) -> None:
    with balancer(config(server.port, server="pool-max-conn 0", back=["http-reuse always"])) as lb:
        visit(lb, 1)
        visit(lb, 1)
        assert lb.proxies[1].backend is not None
        assert until(lambda: lb.proxies[1].backend.servers[0].idle == 0)  # type: ignore[union-attr]
    assert server.accepted == 2


@pytest.mark.parametrize(("most", "expected"), [(0, 4), (1, 2), (3, 1)])
def test_connection_is_used_again_so_many_times(server: Chaos, most: int, expected: int) -> None:
    with balancer(config(server.port, server=f"max-reuse {most}", back=["http-reuse always"])) as lb:
        for _ in range(4):
            visit(lb, 1)
    assert server.accepted == expected


def test_idle_connections_are_shared_by_the_threads(server: Chaos) -> None:
    with balancer(config(server.port, nbthread=4, back=["http-reuse always"])) as lb, ExitStack() as stack:
        clients = [stack.enter_context(Client(lb)) for _ in range(40)]
        for client in clients:  # they sit on all threads, and ask one at a time
            assert client.ask() == b"s1"
        assert min(thread.connections for thread in lb.facts.threads()) > 0
    assert server.accepted <= 4


def test_idle_connections_stay_with_their_thread_where_that_is_wanted(server: Chaos) -> None:
    settings = ["tune.idle-pool.shared off"]
    with balancer(config(server.port, nbthread=4, settings=settings, back=["http-reuse always"])) as lb:
        with ExitStack() as stack:
            clients = [stack.enter_context(Client(lb)) for _ in range(40)]
            for client in clients:
                assert client.ask() == b"s1"
            assert min(thread.connections for thread in lb.facts.threads()) > 0
    assert server.accepted == 4


@pytest.mark.parametrize("mode", MODES)
def test_connection_in_use_serves_nobody_after_the_address_has_changed(mode: str) -> None:
    """It went idle, and was taken for one to the new address, for ever if it was used often enough."""
    gate = Gate()
    with Chaos(gate) as old, Chaos(named("new")) as new, ExitStack() as stack:
        lb = stack.enter_context(balancer(config(old.port, back=[f"http-reuse {mode}"])))
        client = stack.enter_context(Client(lb))
        client.send()
        assert gate.wait_for(1, PATIENCE)
        server = lb.states.find("be/s1")
        lb.states.address(server, replace(server.settings.address, port=new.port))
        gate.open()
        assert client.body() == b"/"
        with Client(lb) as other:
            assert [other.ask(), other.ask(), client.ask()] == [b"new"] * 3


@pytest.mark.parametrize("mode", MODES)
def test_connection_of_a_mapped_port_serves_that_port_only(mode: str) -> None:
    """A request that had come to one port went to the server's port for another one."""
    more = f"\nfrontend other\n bind {HOST}:0\n default_backend be\n"
    text = config(back=[f"http-reuse {mode}", "server s1 127.0.0.2:+0"]) + more
    with balancer(text) as lb, ExitStack() as stack:
        for name in ("fe", "other"):
            listener = socket.create_server(("127.0.0.2", lb.address(name).port))
            stack.enter_context(Chaos(named(name), listener))
        for name in ("fe", "other", "fe", "other"):
            with Client(lb, name) as client:
                assert [client.ask(), client.ask()] == [name.encode()] * 2


def test_port_that_was_mapped_can_be_fixed_and_mapped_again(server: Chaos) -> None:
    with balancer(config(back=["server s1 127.0.0.1:+1"])) as lb:
        one = lb.states.find("be/s1")
        lb.states.address(one, replace(one.settings.address, port=server.port, port_offset=None))
        assert ask(lb) == (200, b"s1")
        offset = server.port - lb.address("fe").port
        lb.states.address(one, replace(one.settings.address, port=0, port_offset=offset))
        assert ask(lb) == (200, b"s1")


def leaves_after(count: int) -> Callable[[socket.socket], None]:
    """A server that closes each connection after so many answers, without a word."""

    def serve(connection: socket.socket) -> None:
        pending = b""
        for _ in range(count):
            pending, request = read_request(connection, pending)
            if not request:
                return
            connection.sendall(echo(request))

    return serve


@pytest.mark.parametrize("mode", MODES)
def test_request_is_not_lost_when_the_server_has_left(mode: str) -> None:
    with Chaos(leaves_after(1)) as server, balancer(config(server.port, back=[f"http-reuse {mode}"])) as lb:
        with Client(lb) as client:
            assert [client.ask() for _ in range(5)] == [b"/"] * 5
        assert server.accepted == 5


def test_idle_connection_that_the_server_closes_is_forgotten() -> None:
    with Chaos(leaves_after(1)) as server, balancer(config(server.port, back=["http-reuse always"])) as lb:
        with Client(lb) as client:
            client.ask()
        backend = lb.proxies[1].backend
        assert backend is not None
        assert until(lambda: backend.servers[0].idle == 0)
        assert until(lambda: sum(thread.idle for thread in lb.facts.threads()) == 0)


@pytest.mark.parametrize("size", [10, 16_384, 100_000, 1_000_000])
def test_what_a_server_says_too_much_answers_nobody(size: int) -> None:
    """Bytes behind a response are not taken for the response to the next request on that connection."""

    def talkative(connection: socket.socket) -> None:
        pending = b""
        while True:
            pending, asked = read_request(connection, pending)
            if not asked:
                return
            body = b"x" * size
            head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size
            connection.sendall(head + body + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")

    with Chaos(talkative) as server, balancer(config(server.port, back=["http-reuse always"])) as lb:
        for _ in range(5):
            with Client(lb) as client:
                assert client.ask() == b"x" * size
    assert server.accepted == 5
