"""Servers behind a SOCKS4 proxy: streams and checks."""

from __future__ import annotations

import socket

import pytest

import lbcore
from lbcore.proxy.health import CheckResult, CheckStatus
from tests.embedded import Client, ask, balancer, config, get, named, until
from tests.peers.chaos import Chaos, Refusing
from tests.peers.socks4 import Socks4

BEHIND = "192.0.2.7"  # nobody's (RFC 5737): only the proxy can lead there


def behind(proxy: int | str, more: str = "", **words: object) -> str:
    """A server that only the SOCKS proxy on that port leads to."""
    text = config(80, server=f"socks4 127.0.0.1:{proxy} {more}", **words)  # type: ignore[arg-type]
    return text.replace("server s1 127.0.0.1:80", f"server s1 {BEHIND}:80")


def last_check(lb: lbcore.LoadBalancer) -> CheckResult:
    """What came of the last check of the server."""
    backend = lb.proxies[1].backend
    assert backend is not None
    state = backend.servers[0].check
    assert state is not None
    return state.last


@pytest.mark.parametrize("mode", ["http", "tcp"])
def test_streams_go_through_the_proxy(mode: str) -> None:
    with Chaos(named("far")) as server, Socks4(server.port) as proxy, balancer(behind(proxy.port, mode=mode)) as lb:
        assert ask(lb) == (200, b"far")
        assert ask(lb) == (200, b"far")
        assert set(proxy.asked) == {(BEHIND, 80, b"HAProxy")}


def test_who_speaks_first_behind_the_proxy_is_heard_whole() -> None:
    def greets(connection: socket.socket) -> None:
        connection.sendall(b"220 hello\r\n")
        connection.recv(100)

    with Chaos(greets) as server, Socks4(server.port) as proxy, balancer(behind(proxy.port, mode="tcp")) as lb:
        with Client(lb) as client:
            assert client.socket.recv(100) == b"220 hello\r\n"


def test_connections_behind_the_proxy_are_reused() -> None:
    text = behind("PORT", back=["http-reuse always"])
    with Chaos(named("far")) as server, Socks4(server.port) as proxy:
        with balancer(text.replace("PORT", str(proxy.port))) as lb:
            assert [ask(lb) for _ in range(3)] == [(200, b"far")] * 3
            assert len(proxy.asked) == 1


def test_a_proxy_header_comes_behind_the_proxys_answer() -> None:
    heard: list[bytes] = []

    def listens(connection: socket.socket) -> None:
        data = connection.recv(1000)
        while b"\r\n\r\n" not in data:
            data += connection.recv(1000)
        heard.append(data.partition(b"\r\n")[0])
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with Chaos(listens) as server, Socks4(server.port) as proxy, balancer(behind(proxy.port, "send-proxy")) as lb:
        assert ask(lb) == (200, b"")
        assert heard[0].startswith(b"PROXY TCP4 127.0.0.1 127.0.0.1 ")


@pytest.mark.parametrize("mode", ["http", "tcp"])
def test_a_proxy_that_refuses_is_a_server_that_refuses(mode: str) -> None:
    with (
        Socks4(None) as proxy,
        balancer(behind(proxy.port, mode=mode, back=["retries 1", "timeout connect 400ms"])) as lb,
    ):
        assert ask(lb)[0] == (503 if mode == "http" else 0)
        assert len(proxy.asked) == 2


def test_a_proxy_that_leaves_without_an_answer_is_a_server_that_fails() -> None:
    def says_nothing(connection: socket.socket) -> None:
        connection.recv(1)

    with Chaos(says_nothing) as proxy:
        with balancer(behind(proxy.port, back=["retries 0"])) as lb:
            assert ask(lb)[0] == 503


@pytest.mark.parametrize("words", ["check-via-socks4", ""])
def test_checks_go_through_the_proxy_if_they_are_to(words: str) -> None:
    with Chaos(named("far")) as server, Socks4(server.port) as proxy, Refusing() as nobody:
        text = config(nobody.port, server=f"socks4 127.0.0.1:{proxy.port} check inter 20ms fall 1 {words}")
        with balancer(text) as lb:
            wanted = CheckStatus.L4OK if words else CheckStatus.L4CON
            assert until(lambda: last_check(lb).status is wanted)
            assert bool(proxy.asked) == bool(words)


def test_a_step_of_checks_may_go_through_the_proxy() -> None:
    lines = ["option tcp-check", "tcp-check connect via-socks4", "tcp-check send x", "tcp-check expect string far"]

    def answers(connection: socket.socket) -> None:
        assert connection.recv(1) == b"x"
        connection.sendall(b"far")
        connection.recv(1)

    with Chaos(answers) as server, Socks4(server.port) as proxy:
        with balancer(behind(proxy.port, "check inter 20ms", back=lines)) as lb:
            assert until(lambda: last_check(lb).status is CheckStatus.L7OK)
            assert proxy.asked[0] == (BEHIND, 80, b"HAProxy")


def test_checks_of_a_proxy_that_refuses_fail() -> None:
    with Socks4(None) as proxy, balancer(behind(proxy.port, "check check-via-socks4 inter 20ms fall 1")) as lb:
        assert until(lambda: last_check(lb).status is CheckStatus.L4CON)


def test_get_is_what_the_server_behind_gets() -> None:
    seen: list[bytes] = []

    def notes(connection: socket.socket) -> None:
        seen.append(connection.recv(1000))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with Chaos(notes) as server, Socks4(server.port) as proxy, balancer(behind(proxy.port)) as lb:
        with Client(lb) as client:
            client.send(get("/path"))
            assert client.status() == 200
    assert seen[0].startswith(b"GET /path HTTP/1.1\r\n")
