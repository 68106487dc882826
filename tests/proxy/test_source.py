"""Whose address servers see: `source`, `usesrc`. On loopback every address of 127.0.0.0/8 is ours."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

import lbcore
from lbcore.shim import lib
from tests.embedded import PATIENCE, Client, balancer, config, get, until
from tests.peers.chaos import Chaos, read_request
from tests.peers.haproxy import Balancer, Program, debian_haproxy, program_under_test
from tests.peers.ports import HOST, free_port, release_port

MAY_SPOOF = lib.sock_may_spoof() == 0
pytestmark = pytest.mark.xfail(not MAY_SPOOF, reason="foreign addresses take CAP_NET_RAW", run=False)


def tells_the_peer(connection: socket.socket) -> None:
    """Answers every request with the address that it comes from."""
    host, port = connection.getpeername()
    answer = f"{host}:{port}".encode()
    pending = b""
    while True:
        pending, request = read_request(connection, pending)
        if not request:
            return
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(answer), answer))


@pytest.fixture
def server() -> Iterator[Chaos]:
    with Chaos(tells_the_peer) as peer:
        yield peer


def seen(client: Client, *fields: str) -> str:
    """The host that the server says a request came from."""
    lines = "".join(f"{field}\r\n" for field in fields)
    return client.ask(f"GET / HTTP/1.1\r\nHost: test\r\n{lines}\r\n".encode()).decode().partition(":")[0]


def with_source(server: Chaos, words: str, *, back: bool = False) -> str:
    """A configuration with a `source` of the server, or of the backend."""
    lines = ["http-reuse always", *([f"source {words}"] if back else [])]
    return config(server.port, back=lines, server="" if back else f"source {words}")


def test_a_field_without_an_address_changes_nothing(server: Chaos) -> None:
    with balancer(with_source(server, "127.0.0.9 usesrc hdr_ip(x-ip)")) as lb, Client(lb) as client:
        assert seen(client, "X-IP: nonsense") == "127.0.0.9"


@pytest.mark.parametrize("back", [False, True], ids=["server", "backend"])
@pytest.mark.parametrize(
    ("words", "host"),
    [
        ("127.0.0.9", "127.0.0.9"),
        ("127.0.0.9 usesrc clientip", "127.0.0.5"),
        ("127.0.0.9 usesrc 127.0.0.77", "127.0.0.77"),
        ("127.0.0.9 usesrc hdr_ip(x-ip)", "127.8.8.8"),
        ("127.0.0.9 usesrc hdr_ip(x-ip,1)", "127.7.7.7"),
    ],
)
def test_the_server_sees_the_address_that_the_line_names(server: Chaos, words: str, host: str, back: bool) -> None:
    with balancer(with_source(server, words, back=back)) as lb, Client(lb, source="127.0.0.5") as client:
        assert seen(client, "X-IP: 127.7.7.7, 127.8.8.8") == host


def test_without_the_field_there_is_no_connection(server: Chaos) -> None:
    with balancer(with_source(server, "127.0.0.9 usesrc hdr_ip(x-ip)")) as lb, Client(lb) as client:
        client.send()
        assert client.status() == 500
    assert server.accepted == 0


def test_a_source_of_the_server_replaces_all_of_the_backends(server: Chaos) -> None:
    text = config(server.port, back=["source 127.0.0.9 usesrc clientip"], server="source 127.0.0.8")
    with balancer(text) as lb, Client(lb, source="127.0.0.5") as client:
        assert seen(client) == "127.0.0.8"


def test_a_clients_connections_are_not_lent_to_others(server: Chaos) -> None:
    with balancer(with_source(server, "127.0.0.9 usesrc clientip")) as lb:
        for host in ("127.0.0.5", "127.0.0.6"):
            with Client(lb, source=host) as client:
                assert [seen(client), seen(client)] == [host, host]
        assert server.accepted == 2


def test_another_address_in_the_field_is_another_connection(server: Chaos) -> None:
    with balancer(with_source(server, "127.0.0.9 usesrc hdr_ip(x-ip)")) as lb, Client(lb) as client:
        hosts = ["127.7.7.7", "127.7.7.7", "127.8.8.8", "127.7.7.7"]
        assert [seen(client, f"X-IP: {host}") for host in hosts] == hosts
        assert server.accepted == 3


def test_a_fixed_address_is_no_reason_not_to_share(server: Chaos) -> None:
    with balancer(with_source(server, "127.0.0.9 usesrc 127.0.0.77")) as lb:
        for _ in range(3):
            with Client(lb) as client:
                assert seen(client) == "127.0.0.77"
        assert server.accepted == 1


def test_what_rules_make_of_the_client_is_whom_the_server_sees(server: Chaos) -> None:
    text = config(server.port, front=["http-request set-src hdr(x-ip)"], server="source 127.0.0.9 usesrc clientip")
    with balancer(text) as lb, Client(lb) as client:
        assert seen(client, "X-IP: 127.4.4.4") == "127.4.4.4"
        assert seen(client, "X-IP: 127.4.4.5") == "127.4.4.5"


@contextmanager
def at_port(lb: lbcore.LoadBalancer, host: str, port: int) -> Iterator[socket.socket]:
    """A client whose port may be used once more towards somebody else."""
    with socket.socket() as client:
        client.settimeout(PATIENCE)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        client.bind((host, port))
        client.connect((HOST, lb.address("fe").port))
        yield client


@pytest.mark.parametrize("mode", ["http", "tcp"])
def test_client_means_its_port_too(server: Chaos, mode: str) -> None:
    port = free_port()
    try:
        text = config(server.port, mode=mode, server="source 127.0.0.9 usesrc client")
        with balancer(text) as lb, at_port(lb, "127.0.0.5", port) as client:
            client.sendall(get("/"))
            assert client.recv(1000).endswith(f"127.0.0.5:{port}".encode())
    finally:
        release_port(port)


def test_checks_come_from_the_fixed_address() -> None:
    hosts: list[str] = []
    with Chaos(lambda connection: hosts.append(connection.getpeername()[0])) as server:
        with balancer(config(server.port, server="check inter 20ms source 127.0.0.9 usesrc 127.0.0.77")):
            assert until(lambda: bool(hosts))
    assert set(hosts) == {"127.0.0.77"}


ORACLE = debian_haproxy()
BESIDE = """\
global
    stats socket "${STATS}" level admin

defaults
    mode http
    timeout client 10s
    timeout server 10s
    timeout connect 10s

frontend fe
    bind "127.0.0.1:${FE}"
    use_backend %[path,field(2,/)]

backend clientip
    source 127.0.0.9 usesrc clientip
    server s1 "127.0.0.1:${SERVER}"

backend last
    server s1 "127.0.0.1:${SERVER}" source 127.0.0.9 usesrc hdr_ip(x-ip)

backend first
    server s1 "127.0.0.1:${SERVER}" source 127.0.0.9 usesrc hdr_ip(x-ip,1)

backend before
    server s1 "127.0.0.1:${SERVER}" source 127.0.0.9 usesrc hdr_ip(x-ip,-2)

backend fixed
    source 127.0.0.9
    server s1 "127.0.0.1:${SERVER}" source 127.0.0.8 usesrc 127.0.0.77
"""
FIELDS = ("X-IP: 127.7.7.7", "X-IP: 127.7.7.7, 127.8.8.8", "X-IP: nonsense", "X-Other: 1", "X-IP: 127.6.6.6:80")


def answers_of(program: Program, server: Chaos) -> list[bytes]:
    port = free_port()
    found = []
    try:
        with Balancer(program, BESIDE, {"FE": port, "SERVER": server.port}):
            for name in ("clientip", "last", "first", "before", "fixed"):
                for field in FIELDS:
                    with socket.create_connection((HOST, port), 10, ("127.0.0.5", 0)) as client:
                        client.sendall(f"GET /{name} HTTP/1.1\r\nHost: a\r\n{field}\r\n\r\n".encode())
                        found.append(client.recv(1000).rpartition(b"\r\n")[2].partition(b":")[0])
        return found
    finally:
        release_port(port)


@pytest.mark.skipif(ORACLE is None, reason="HAProxy is not installed")
def test_servers_see_what_they_see_behind_haproxy(server: Chaos) -> None:
    assert ORACLE is not None
    assert answers_of(program_under_test(), server) == answers_of(ORACLE, server)
