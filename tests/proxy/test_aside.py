"""Streams that nothing has given to a server, and servers that are where their client wanted to go (manual 4.2, 5)."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

import lbcore
from tests.embedded import REQUEST, Client, balancer, cli, config, named, until
from tests.peers.chaos import Behaviour, Chaos, read_request
from tests.peers.ports import HOST

LINKED = "127.0.0.5"  # another address of this host


@contextmanager
def servers(*hosts: str) -> Iterator[tuple[int, list[str]]]:
    """Servers on the same port of each address, which answer with it; and the addresses of connections that came."""
    came: list[str] = []
    with ExitStack() as stack:
        port = 0
        for host in hosts:
            listener = socket.create_server((host, port))
            port = listener.getsockname()[1]
            stack.enter_context(Chaos(_telling(host, came), listener))
        yield port, came


def _telling(host: str, came: list[str]) -> Behaviour:
    def behave(connection: socket.socket) -> None:
        came.append(host)
        named(host)(connection)

    return behave


def proxied(dst: str, port: int) -> bytes:
    """The PROXY header of a client that wanted to go there."""
    return f"PROXY TCP4 192.0.2.1 {dst} 1234 {port}\r\n".encode()


@pytest.mark.parametrize("nbthread", [1, 2])
@pytest.mark.parametrize("mode", ["tcp", "http"])
def test_dispatch_takes_all_streams(mode: str, nbthread: int) -> None:
    with Chaos(named("there")) as server:
        text = config(mode=mode, nbthread=nbthread, back=[f"dispatch {HOST}:{server.port}"])
        with balancer(text) as lb:
            for _ in range(3):
                with Client(lb) as client:
                    assert [client.ask(), client.ask()] == [b"there"] * 2


@pytest.mark.parametrize("mode", ["tcp", "http"])
def test_a_transparent_backend_goes_where_the_client_wanted(mode: str) -> None:
    with (
        servers(HOST, LINKED) as (port, _),
        balancer(config(mode=mode, bind=f"bind {HOST}:0 accept-proxy", back=["option transparent"])) as lb,
    ):
        for host in (HOST, LINKED):
            with Client(lb) as client:
                client.send(proxied(host, port) + REQUEST)
                assert client.body() == host.encode()


@pytest.mark.parametrize("mode", ["tcp", "http"])
@pytest.mark.parametrize("host", [HOST, LINKED])
def test_a_server_without_an_address_is_at_the_one_its_client_came_to(mode: str, host: str) -> None:
    with servers(HOST, LINKED) as (port, _):
        text = config(mode=mode, bind="bind 0.0.0.0:0", back=[f"server any *:{port}"])
        with balancer(text) as lb, socket.create_connection((host, lb.address("fe").port), timeout=10) as client:
            client.sendall(REQUEST)
            answer = b""
            while not answer.endswith(host.encode()):
                answer += client.recv(4096)


def test_connections_that_clients_have_chosen_serve_no_others() -> None:
    with servers(HOST, LINKED) as (port, came):
        back = ["http-reuse always", f"server any 0.0.0.0:{port}"]
        with balancer(config(bind=f"bind {HOST}:0 accept-proxy", back=back)) as lb, ExitStack() as stack:
            for host in (HOST, LINKED, HOST):
                client = stack.enter_context(Client(lb))
                client.send(proxied(host, 1) + REQUEST)
                assert client.body() == host.encode()
                assert client.ask() == host.encode()
            assert came == [HOST, LINKED, HOST]


def test_a_request_that_goes_elsewhere_has_another_connection() -> None:
    with servers(HOST, LINKED) as (port, came):
        front = ["http-request set-dst req.hdr(x-to)"]
        with balancer(config(front=front, back=[f"server any 0.0.0.0:{port}"])) as lb, Client(lb) as client:
            for host in (HOST, HOST, LINKED, HOST):
                assert client.ask(f"GET / HTTP/1.1\r\nHost: a\r\nX-To: {host}\r\n\r\n".encode()) == host.encode()
            assert came == [HOST, LINKED, HOST]


@pytest.mark.parametrize(("mode", "answer"), [("http", b"HTTP/1.1 500"), ("tcp", b"")])
def test_a_client_of_a_unix_socket_wanted_to_go_nowhere(tmp_path: Path, mode: str, answer: bytes) -> None:
    path = tmp_path / "sock"
    text = config(mode=mode, bind=f"bind {path}", back=["option transparent", "retries 0"])
    with balancer(text), socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(str(path))
        client.sendall(REQUEST)
        assert client.recv(12) == answer


def figures(lb: lbcore.LoadBalancer) -> tuple[int, int]:
    """Streams of the backend so far, and those that balancing has given to a server."""
    back = lb.proxies[1].backend
    assert back is not None
    return int(back.counters.cum_sess), int(back.counters.cum_lbconn)


def test_nobody_sees_what_streams_go_aside_to(tmp_path: Path) -> None:
    path = tmp_path / "cli"
    with Chaos(named("there")) as server:
        text = config(settings=[f"stats socket {path} level admin"], back=[f"dispatch {HOST}:{server.port}"])
        with balancer(text) as lb, Client(lb) as client:
            assert client.ask() == b"there"
            assert until(lambda: figures(lb) == (1, 0))
            states = cli(path, "show servers state be").splitlines()
            assert [line for line in states if line and not line.startswith(("#", "1"))] == []
            header, *lines = cli(path, "show stat").removeprefix("# ").splitlines()
            [row] = [dict(zip(header.split(","), line.split(","), strict=True)) for line in lines if line[:3] == "be,"]
            assert (row["svname"], row["status"], row["algo"]) == ("BACKEND", "UP", "none")


def held_request(connection: socket.socket) -> None:
    read_request(connection, b"")
    connection.recv(1)  # until the balancer gives up


def test_a_stream_aside_is_shown_and_can_be_ended(tmp_path: Path) -> None:
    path = tmp_path / "cli"
    with Chaos(held_request) as server:
        text = config(settings=[f"stats socket {path} level admin"], back=[f"dispatch {HOST}:{server.port}"])
        with balancer(text) as lb, Client(lb) as client:
            client.send()
            assert until(lambda: "be=be" in cli(path, "show sess"))
            [line] = [line for line in cli(path, "show sess").splitlines() if "be=be" in line]
            assert "srv=<none>" in line
            cli(path, f"shutdown session {line.split(':')[0]}")
            assert client.status() in (0, 502)
