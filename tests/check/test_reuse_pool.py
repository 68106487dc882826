"""`check-reuse-pool`: health checks over idle connections of requests, and back."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

import lbcore
from lbcore.cfg.loader import load
from lbcore.proxy.machine import Op
from lbcore.proxy.server import Server
from tests.embedded import Client, balancer, until
from tests.embedded import config as lb_config
from tests.peers.chaos import Chaos, read_request

HTTPCHK = ["http-reuse always", "option httpchk", "http-check send meth GET uri /check ver HTTP/1.1 hdr host a"]
REUSE = "check inter 20ms check-reuse-pool"
CLOSED = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Witness:
    """A server that remembers who asked for what, by the port that a connection comes from."""

    def __init__(self, answer: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", most: int = 0) -> None:
        """`most`: requests after which a connection is closed, 0: never."""
        self.seen: list[tuple[int, str]] = []
        self.heads: list[bytes] = []
        self._answer = answer
        self._most = most

    def __call__(self, connection: socket.socket) -> None:
        pending, count = b"", 0
        while not self._most or count < self._most:
            pending, request = read_request(connection, pending)
            if not request:
                return
            count += 1
            self.heads.append(request)
            self.seen.append((connection.getpeername()[1], request.split(b" ")[1].decode()))
            connection.sendall(self._answer)

    def ports(self, path: str) -> list[int]:
        return [port for port, asked in self.seen if asked == path]


@pytest.fixture
def witness() -> Witness:
    return Witness()


@pytest.fixture
def server(witness: Witness) -> Iterator[Chaos]:
    with Chaos(witness) as peer:
        yield peer


def config(port: int, words: str = REUSE, back: list[str] = HTTPCHK, nbthread: int = 1) -> str:
    return lb_config(port, server=words, back=back, nbthread=nbthread)


def one_of(lb: lbcore.LoadBalancer) -> Server:
    backend = lb.proxies[1].backend
    assert backend is not None
    return backend.servers[0]


def test_checks_and_requests_share_one_connection(server: Chaos, witness: Witness) -> None:
    with balancer(config(server.port)) as lb, Client(lb) as client:
        assert until(lambda: len(witness.ports("/check")) > 1)
        client.ask()
        assert until(lambda: one_of(lb).idle == 1)
        seen = len(witness.ports("/check"))
        assert until(lambda: len(witness.ports("/check")) > seen + 1)
    assert server.accepted <= 2  # a request may come while a check has it
    assert set(witness.ports("/")) <= set(witness.ports("/check"))


def test_without_the_word_each_check_has_a_connection_of_its_own(server: Chaos, witness: Witness) -> None:
    with balancer(config(server.port, "check inter 20ms check-reuse-pool no-check-reuse-pool")) as lb:
        assert until(lambda: len(witness.ports("/check")) > 2)
        assert one_of(lb).idle == 0
    assert server.accepted >= 3
    assert b"connection: close" in witness.heads[0]


def test_a_check_that_may_go_back_does_not_say_that_it_ends(server: Chaos, witness: Witness) -> None:
    with balancer(config(server.port)):
        assert until(lambda: bool(witness.heads))
    assert b"connection" not in witness.heads[0]


def test_a_server_that_left_an_idle_connection_is_not_taken_for_ill() -> None:
    witness = Witness(most=1)  # says nothing of it, and closes
    with Chaos(witness) as server, balancer(config(server.port, REUSE + " fall 1")) as lb:
        assert until(lambda: len(witness.ports("/check")) > 5)
        check = one_of(lb).check
        assert check is not None and not check.failed
        assert one_of(lb).op is Op.RUNNING


@pytest.mark.parametrize(
    "answer",
    [
        CLOSED,
        b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nuntil the end",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nmore than that",
    ],
)
def test_a_connection_on_which_more_may_come_is_no_streams(answer: bytes) -> None:
    witness = Witness(answer)
    with Chaos(witness) as server, balancer(config(server.port)) as lb:
        assert until(lambda: len(witness.ports("/check")) > 2)
        assert one_of(lb).idle == 0
    assert len(set(witness.ports("/check"))) == len(witness.ports("/check"))


@pytest.mark.parametrize("words", ["port {port}", "addr 127.0.0.1:{port}", "check-send-proxy", "send-proxy"])
def test_a_check_that_goes_another_way_takes_no_connection_of_streams(
    server: Chaos, witness: Witness, words: str
) -> None:
    with balancer(config(server.port, f"{REUSE} {words.format(port=server.port)}")) as lb:
        assert until(lambda: server.accepted > 2)
        assert one_of(lb).idle == 0


def test_an_explicit_connect_is_a_connection_of_its_own(server: Chaos, witness: Witness) -> None:
    back = [*HTTPCHK[:2], f"http-check connect port {server.port}", HTTPCHK[2]]
    with balancer(config(server.port, back=back)):
        assert until(lambda: len(witness.ports("/check")) > 2)
    assert server.accepted >= 3


def test_checks_use_connections_of_their_name(server: Chaos, witness: Witness) -> None:
    words = f"{REUSE} pool-conn-name req.hdr(host) check-pool-conn-name a"
    with balancer(config(server.port, words)) as lb:
        assert until(lambda: len(witness.ports("/check")) > 2)
        with Client(lb) as client:
            client.ask(b"GET /b HTTP/1.1\r\nHost: b\r\n\r\n")
    assert not set(witness.ports("/b")) & set(witness.ports("/check"))
    assert len(set(witness.ports("/check"))) == 1


def test_a_name_of_checks_alone_is_no_streams(server: Chaos, witness: Witness) -> None:
    with balancer(config(server.port, f"{REUSE} check-pool-conn-name a")) as lb:
        assert until(lambda: len(witness.ports("/check")) > 2)
        with Client(lb) as client:
            client.ask()
    assert not set(witness.ports("/")) & set(witness.ports("/check"))
    assert len(set(witness.ports("/check"))) == 1


def test_checks_find_connections_of_all_threads(server: Chaos, witness: Witness) -> None:
    with balancer(config(server.port, nbthread=4)) as lb:
        for _ in range(8):
            with Client(lb) as client:
                client.ask()
        assert until(lambda: len(witness.ports("/check")) > 5)
        assert until(lambda: one_of(lb).idle > 0)
    assert server.accepted <= 3


def test_nothing_but_checks_by_requests_can_use_them() -> None:
    settings, diagnostics = load(
        [("lb.cfg", lb_config(80, server="check check-reuse-pool", back=["option tcp-check"]))]
    )
    where = settings.proxies[1].servers[0].where
    text = (
        f"config : parsing [{where}] : 'server be/s1' : 'check-reuse-pool' ignored because only 'option httpchk' of a "
        "backend in mode http can use connections of requests."
    )
    assert [message.text for message in diagnostics.messages] == [text]
