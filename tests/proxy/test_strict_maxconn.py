"""`strict-maxconn`: the `maxconn` of a server holds for its connections, the idle ones among them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

import lbcore
from tests.embedded import Client, balancer, config, until
from tests.peers.chaos import Chaos, read_request

NAMED = "pool-conn-name req.hdr(host)"


class Counting:
    """A server that knows how many connections it has at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.now = self.most = 0

    def __call__(self, connection: socket.socket) -> None:
        self._add(1)
        try:
            pending = b""
            while True:
                pending, request = read_request(connection, pending)
                if not request:
                    return
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        finally:
            self._add(-1)

    def _add(self, one: int) -> None:
        with self._lock:
            self.now += one
            self.most = max(self.most, self.now)


@pytest.fixture
def counting() -> Counting:
    return Counting()


@pytest.fixture
def server(counting: Counting) -> Iterator[Chaos]:
    with Chaos(counting) as peer:
        yield peer


def hosts(lb: lbcore.LoadBalancer, count: int) -> list[int]:
    """The statuses of requests that each need a connection of their own."""
    with Client(lb) as client:
        found = []
        for number in range(count):
            client.send(f"GET / HTTP/1.1\r\nHost: {number}\r\n\r\n".encode())
            found.append(client.status())
    return found


def test_idle_connections_make_room_for_new_ones(server: Chaos, counting: Counting) -> None:
    words = f"maxconn 2 strict-maxconn {NAMED}"
    with balancer(config(server.port, server=words, back=["http-reuse always"])) as lb:
        assert hosts(lb, 6) == [200] * 6
        backend = lb.proxies[1].backend
        assert backend is not None
        assert until(lambda: backend.servers[0].idle == 2)
        assert until(lambda: counting.now == 2)
    assert server.accepted == 6


def test_without_the_word_idle_connections_do_not_count(server: Chaos, counting: Counting) -> None:
    with balancer(config(server.port, server=f"maxconn 2 {NAMED}", back=["http-reuse always"])) as lb:
        assert hosts(lb, 6) == [200] * 6
        assert until(lambda: counting.now == 6)


def test_idle_connections_of_other_threads_make_room_too(server: Chaos, counting: Counting) -> None:
    words = f"maxconn 2 strict-maxconn {NAMED}"
    with balancer(config(server.port, nbthread=4, server=words, back=["http-reuse always"])) as lb:
        with ExitStack() as stack:
            clients = [stack.enter_context(Client(lb)) for _ in range(40)]
            for number, client in enumerate(clients):
                client.send(f"GET / HTTP/1.1\r\nHost: {number}\r\n\r\n".encode())
                assert client.status() == 200
            assert min(thread.connections for thread in lb.facts.threads()) > 0
        backend = lb.proxies[1].backend
        assert backend is not None
        assert backend.servers[0].idle <= 2
        assert until(lambda: counting.now <= 2)


def test_who_finds_no_room_gets_503(server: Chaos) -> None:
    words = "maxconn 1 strict-maxconn"
    with balancer(config(server.port, server=words, back=["http-reuse never", "retries 0"])) as lb:
        with Client(lb) as first, Client(lb) as second:
            first.send()
            assert first.status() == 200  # and keeps the connection for itself
            second.send()
            assert second.status() == 503
        assert until(lambda: lb.facts.cur_conns == 0)
        with Client(lb) as third:
            third.send()
            assert third.status() == 200


def test_what_checks_leave_behind_counts(server: Chaos, counting: Counting) -> None:
    words = f"maxconn 1 strict-maxconn check inter 20ms check-reuse-pool {NAMED}"
    check = ["option httpchk", "http-check send meth GET uri / ver HTTP/1.1 hdr host a"]
    with balancer(config(server.port, server=words, back=["http-reuse always", *check])) as lb:
        assert hosts(lb, 3) == [200] * 3
        backend = lb.proxies[1].backend
        assert backend is not None
        assert until(lambda: backend.servers[0].idle == 1)
