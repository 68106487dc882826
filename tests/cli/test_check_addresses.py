"""Checks go where `set server` sends them, and agents hear what it says."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.cli.servers import say
from tests.embedded import balancer, config, until
from tests.peers.ports import HOST

CHECKED = "check inter 20ms fall 1 rise 1"


class Listener:
    """What accepts connections, notes what each said first, and answers as an agent does."""

    def __init__(self, answer: bytes = b"") -> None:
        self.heard: list[bytes] = []
        self._answer = answer
        self._socket = socket.create_server((HOST, 0))
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            with client:
                client.settimeout(5)
                try:
                    self.heard.append(client.recv(100) if self._answer else b"")
                    client.sendall(self._answer)
                except OSError:
                    continue

    def close(self) -> None:
        # what waits in accept() is not woken by a close alone
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@contextmanager
def listener(answer: bytes = b"") -> Iterator[Listener]:
    made = Listener(answer)
    try:
        yield made
    finally:
        made.close()


def test_health_checks_go_to_another_port() -> None:
    with listener() as one, listener() as two, balancer(config(one.port, server=CHECKED)) as lb:
        assert until(lambda: bool(one.heard))
        assert say(lb, f"set server be/s1 check-port {two.port}") == "\n"
        assert until(lambda: bool(two.heard))
        one.heard.clear()
        seen = len(two.heard)
        assert until(lambda: len(two.heard) > seen + 2)
        assert len(one.heard) <= 1  # one may have been on its way
        assert lb.states.find("be/s1").status == "UP"


def test_health_checks_go_to_another_address() -> None:
    with listener() as one, balancer(config(one.port, server=CHECKED)) as lb:
        assert until(lambda: bool(one.heard))
        say(lb, "set server be/s1 check-addr 127.0.0.77")
        assert until(lambda: lb.states.find("be/s1").status == "DOWN")
        say(lb, f"set server be/s1 check-addr {HOST}")
        assert until(lambda: lb.states.find("be/s1").status == "UP")


def test_an_agent_is_asked_elsewhere_and_told_something_else() -> None:
    with listener(b"ready\n") as one, listener(b"ready\n") as two:
        line = f"agent-check agent-inter 20ms agent-port {one.port} agent-send first"
        with balancer(config(9, server=line)) as lb:
            assert until(lambda: b"first" in one.heard)
            say(lb, f"set server be/s1 agent-addr {HOST} port {two.port}")
            assert until(lambda: b"first" in two.heard)
            say(lb, "set server be/s1 agent-send hello")
            assert until(lambda: b"hello" in two.heard)
