"""`pool-conn-name`: idle connections of a server are used again by a name that each request has."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

import lbcore
from lbcore.cfg.loader import load
from tests.embedded import Client, balancer, config, until
from tests.peers.chaos import Chaos, read_request
from tests.peers.ports import HOST

NAMED = "pool-conn-name req.hdr(host)"
ALWAYS = ["http-reuse always"]


def serve_number(connection: socket.socket) -> None:
    """A server that answers with the port that the connection comes from: the same for all that share it."""
    pending = b""
    while True:
        pending, request = read_request(connection, pending)
        if not request:
            return
        port = str(connection.getpeername()[1]).encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(port), port))


@pytest.fixture
def server() -> Iterator[Chaos]:
    with Chaos(serve_number) as peer:
        yield peer


def request(host: str) -> bytes:
    return f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()


def visit(lb: lbcore.LoadBalancer, *hosts: str) -> list[bytes]:
    """The connections by which one client is served that asks for these hosts, and leaves."""
    with Client(lb) as client:
        found = [client.ask(request(host)) for host in hosts]
    assert until(lambda: lb.facts.cur_conns == 0)
    return found


def test_requests_of_one_name_share_a_connection(server: Chaos) -> None:
    with balancer(config(server.port, server=NAMED, back=ALWAYS)) as lb:
        a, b = visit(lb, "a", "b")
        assert a != b
        assert visit(lb, "b", "a", "a", "c")[:3] == [b, a, a]
    assert server.accepted == 3


def test_a_client_gets_a_connection_of_each_name_of_its_own(server: Chaos) -> None:
    with balancer(config(server.port, server=NAMED, back=["http-reuse never"])) as lb:
        seen = visit(lb, "a", "a", "b", "b", "a")
    assert seen[0] == seen[1] and seen[2] == seen[3]
    assert len(set(seen)) == 3  # it keeps one, the last


def test_requests_without_a_name_share_those_without(server: Chaos) -> None:
    with balancer(config(server.port, server="pool-conn-name req.hdr(x-name)", back=ALWAYS)) as lb:
        with Client(lb) as client:
            named = b"GET / HTTP/1.1\r\nHost: a\r\nX-Name: n\r\n\r\n"
            first, second, third = client.ask(request("a")), client.ask(named), client.ask(request("b"))
            assert first == third != second
            assert client.ask(named) == second


def test_a_server_without_the_word_beside_one_with_it_shares_all(server: Chaos) -> None:
    back = [*ALWAYS, "balance roundrobin", f"server named {HOST}:{server.port} {NAMED}"]
    with balancer(config(server.port, back=back)) as lb:
        # turn about: the named one has a, c; the other one b, b
        seen = visit(lb, "a", "b", "c", "b")
        assert len(set(seen)) == 3


def test_a_name_is_found_in_the_lists_of_other_threads(server: Chaos) -> None:
    with balancer(config(server.port, nbthread=4, server=NAMED, back=ALWAYS)) as lb, ExitStack() as stack:
        clients = [stack.enter_context(Client(lb)) for _ in range(40)]
        for number, client in enumerate(clients):
            client.ask(request("even" if number % 2 == 0 else "odd"))
        assert min(thread.connections for thread in lb.facts.threads()) > 0
    assert server.accepted <= 8


def test_options_behind_the_expression_are_options(server: Chaos) -> None:
    text = config(server.port, server="pool-conn-name src,lower weight 7")
    settings, diagnostics = load([("lb.cfg", text)])
    assert not diagnostics.errors
    assert settings.proxies[1].servers[0].weight == 7


def test_default_server_gives_all_servers_names(server: Chaos) -> None:
    with balancer(config(server.port, back=[*ALWAYS, f"default-server {NAMED}"])) as lb:
        a, b, again = visit(lb, "a", "b", "a")
    assert a == again != b
