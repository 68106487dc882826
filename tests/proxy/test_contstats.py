"""`option contstats`: bytes are counted as they pass (manual 4.2)."""

from __future__ import annotations

import socket
import threading

import pytest

import lbcore
from tests.embedded import PATIENCE, Client, balancer, config, until
from tests.peers.chaos import Chaos

PART = b"x" * 1000


class Halting:
    """A server that sends part of its response, and the rest when the gate opens."""

    def __init__(self) -> None:
        self.go_on = threading.Event()

    def __call__(self, connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + PART)
        self.go_on.wait(PATIENCE)
        connection.sendall(PART)


def bytes_out(lb: lbcore.LoadBalancer) -> list[int]:
    """Bytes sent to clients, as the frontend, the backend and the server have counted them."""
    front, back = lb.proxies[0].frontend, lb.proxies[1].backend
    assert front is not None
    assert back is not None
    return [front.counters.bytes_out, back.counters.bytes_out, back.servers[0].counters.bytes_out]


@pytest.mark.parametrize("option", ["option contstats", ""])
def test_bytes_count_before_the_end_of_their_stream(option: str) -> None:
    behaviour = Halting()
    with (
        Chaos(behaviour) as server,
        balancer(config(server.port, front=[option])) as lb,
        Client(lb) as client,
    ):
        client.send()
        assert len(client.socket.recv(65536, socket.MSG_PEEK)) > 0
        early = until(lambda: min(bytes_out(lb)) > len(PART), PATIENCE if option else 0.2)
        assert early is bool(option)
        behaviour.go_on.set()
        assert len(client.body()) == 2000
        assert until(lambda: min(bytes_out(lb)) > 2000)
        assert len(set(bytes_out(lb))) == 1
