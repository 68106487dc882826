"""`source <address>:<low>-<high>`: each connection to the server has a port of the range for its own."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.embedded import Client, balancer, config, until
from tests.peers.chaos import Chaos, read_request
from tests.peers.haproxy import Balancer, Program, debian_haproxy, program_under_test
from tests.peers.ports import HOST, free_port, release_port

LOW, HIGH = 21_000, 21_003  # of an address that nobody else uses
SOURCE = f"source 127.0.0.83:{LOW}-{HIGH}"
PORTS = set(range(LOW, HIGH + 1))


class Patient:
    """A server that tells each connection's port, once it is let."""

    def __init__(self) -> None:
        self.may_answer = threading.Event()
        self.ports: list[int] = []

    def __call__(self, connection: socket.socket) -> None:
        host, port = connection.getpeername()
        assert host == "127.0.0.83"
        read_request(connection, b"")
        self.ports.append(port)
        self.may_answer.wait(20)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1)  # the balancer closes first: its port does not rest in TIME_WAIT on our side


@pytest.fixture
def patient() -> Iterator[Patient]:
    peer = Patient()
    yield peer
    peer.may_answer.set()


@pytest.fixture
def server(patient: Patient) -> Iterator[Chaos]:
    with Chaos(patient) as running:
        yield running


def test_connections_at_once_have_all_ports_of_the_range(server: Chaos, patient: Patient) -> None:
    with balancer(config(server.port, nbthread=2, server=SOURCE)) as lb, ExitStack() as stack:
        clients = [stack.enter_context(Client(lb)) for _ in PORTS]
        for client in clients:
            client.send()
        assert until(lambda: len(patient.ports) == len(PORTS))
        assert set(patient.ports) == PORTS
        patient.may_answer.set()
        assert [client.status() for client in clients] == [200] * len(PORTS)


def test_who_finds_no_port_gets_503_and_ports_come_back(server: Chaos, patient: Patient) -> None:
    with balancer(config(server.port, server=SOURCE, back=["retries 0"])) as lb, ExitStack() as stack:
        clients = [stack.enter_context(Client(lb)) for _ in PORTS]
        for client in clients:
            client.send()
        assert until(lambda: len(patient.ports) == len(PORTS))
        with Client(lb) as late:
            late.send()
            assert late.status() == 503
        patient.may_answer.set()
        assert [client.status() for client in clients] == [200] * len(PORTS)
        for _ in range(3 * len(PORTS)):
            with Client(lb) as client:
                client.send()
                assert client.status() == 200


def test_checks_have_ports_of_the_range_too() -> None:
    seen: list[int] = []
    with Chaos(lambda connection: seen.append(connection.getpeername()[1])) as server:
        with balancer(config(server.port, server=f"{SOURCE} check inter 20ms")):
            assert until(lambda: len(seen) > 3)
    assert set(seen) <= PORTS


BESIDE = """\
global
    stats socket "${STATS}" level admin
    log 127.0.0.1:${LOG} local0

defaults
    mode http
    timeout client 10s
    timeout server 10s
    timeout connect 10s
    retries 1
    log global
    option httplog

frontend fe
    bind "127.0.0.1:${FE}"
    default_backend be

backend be
    server s1 "127.0.0.1:${SERVER}" source 127.0.0.83:21010-21011
"""


def outcome(program: Program) -> tuple[list[int], bytes]:
    """The ports that two requests at once have, and what a third one is answered."""
    peer, port = Patient(), free_port()
    try:
        with Chaos(peer) as server, Balancer(program, BESIDE, {"FE": port, "SERVER": server.port, "LOG": port}):
            with ExitStack() as stack:
                for count in (1, 2):
                    client = stack.enter_context(socket.create_connection((HOST, port), 10))
                    client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                    assert until(lambda count=count: len(peer.ports) == count)  # type: ignore[misc]
                with socket.create_connection((HOST, port), 10) as late:
                    late.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                    answer = late.recv(1000).partition(b"\r\n")[0]
                peer.may_answer.set()
        return sorted(peer.ports), answer
    finally:
        release_port(port)


@pytest.mark.skipif(debian_haproxy() is None, reason="HAProxy is not installed")
def test_haproxy_does_the_same_with_them() -> None:
    oracle = debian_haproxy()
    assert oracle is not None
    assert outcome(program_under_test()) == outcome(oracle)
