"""What `global` says of sockets: buffers, what waits in them, which clients they are for."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from lbcore.base.address import Address
from lbcore.log.sender import open_datagrams
from tests.embedded import Client, balancer, config, named, until
from tests.peers.chaos import Chaos
from tests.peers.ports import HOST
from tests.peers.sinks import UdpSink

TCP_NOTSENT_LOWAT = 25  # tcp(7)
SIZES = ("tune.notsent-lowat.client 20k", "tune.notsent-lowat.server 30k")


@pytest.fixture
def server() -> Iterator[Chaos]:
    with Chaos(named("s1")) as peer:
        yield peer


def ours(peer: socket.socket) -> socket.socket:
    """A duplicate of the other end of a connection that both ends of are in this process."""
    for entry in Path("/proc/self/fd").iterdir():
        try:
            end = socket.socket(fileno=os.dup(int(entry.name)))
        except OSError:
            continue
        try:
            if end.getpeername() == peer.getsockname():
                return end
        except OSError:
            pass
        end.close()
    raise AssertionError("there is no other end")


def lowat(peer: socket.socket) -> int:
    with ours(peer) as end:
        return end.getsockopt(socket.IPPROTO_TCP, TCP_NOTSENT_LOWAT)


def test_sockets_of_clients_and_servers_take_no_more_unsent_bytes_than_was_said() -> None:
    found: list[int] = []

    def look(connection: socket.socket) -> None:
        connection.recv(1, socket.MSG_PEEK)  # a connection is seen here before the balancer has set it up
        found.append(lowat(connection))
        named("s1")(connection)

    with Chaos(look) as server, balancer(config(server.port, settings=SIZES)) as lb, Client(lb) as client:
        assert client.ask() == b"s1"
        assert lowat(client.socket) == 20 << 10
    assert found == [30 << 10]


def test_an_inherited_listener_gives_its_sockets_the_limit_too(server: Chaos) -> None:
    with socket.create_server((HOST, 0)) as listening:
        text = config(server.port, settings=SIZES, bind=f"bind fd@{listening.fileno()}")
        with balancer(text) as lb, Client(lb) as client:
            assert client.ask() == b"s1"
            assert lowat(client.socket) == 20 << 10


@pytest.mark.parametrize("size", [0, 100_000])
def test_sockets_of_logs_have_the_send_buffer_that_was_said(size: int) -> None:
    with UdpSink() as sink, open_datagrams(Address(socket.AF_INET, HOST, sink.port), size) as opened:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as usual:
            if size:
                usual.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)
            expected = usual.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
        assert opened.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) == expected


def from_low_port(port: int) -> socket.socket:
    """A connection from a port that is for the privileged. Skips the test where that may not be."""
    for low in range(1023, 512, -1):
        client = socket.socket()
        client.settimeout(10)
        try:
            client.bind((HOST, low))
            client.connect((HOST, port))
        except PermissionError:
            client.close()
            pytest.skip("may not use ports below 1024")
        except OSError as error:
            client.close()
            if error.errno not in (errno.EADDRINUSE, errno.EADDRNOTAVAIL):
                raise
            continue
        return client
    raise AssertionError("all ports are taken")


@pytest.mark.parametrize("nbthread", [1, 2])
def test_a_client_from_a_privileged_port_is_closed_and_not_counted(server: Chaos, nbthread: int) -> None:
    text = config(server.port, nbthread=nbthread, settings=["harden.reject-privileged-ports.tcp on"])
    with balancer(text) as lb, from_low_port(lb.address("fe").port) as shunned, Client(lb) as welcome:
        assert shunned.recv(1) == b""
        assert welcome.ask() == b"s1"
        assert lb.facts.cur_conns == 1


def test_a_client_from_a_privileged_port_is_served_unless_told_otherwise(server: Chaos) -> None:
    with balancer(config(server.port)) as lb, from_low_port(lb.address("fe").port) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.recv(8) == b"HTTP/1.1"


def test_room_that_a_shunned_client_took_is_given_back(server: Chaos) -> None:
    text = config(server.port, settings=["maxconn 1", "harden.reject-privileged-ports.tcp on"])
    with balancer(text) as lb:
        for _ in range(3):
            with from_low_port(lb.address("fe").port) as shunned:
                assert shunned.recv(1) == b""
        with Client(lb) as client:
            assert client.ask() == b"s1"
            assert until(lambda: lb.facts.cur_conns == 1)
