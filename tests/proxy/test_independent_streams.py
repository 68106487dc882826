"""`option independent-streams`: what a side is sent is no sign of its life (manual 4.2)."""

from __future__ import annotations

import socket
import threading

import pytest

from tests.embedded import Client, balancer, config
from tests.peers.chaos import Chaos

PATIENCE_MS = 150
STEPS = 8  # of 50 ms each: longer than the patience
STEP = 0.05


class Dripping:
    """A server that says something all the time, to a client that says nothing."""

    def __init__(self) -> None:
        self._over = threading.Event()

    def __call__(self, connection: socket.socket) -> None:
        for _ in range(STEPS):
            connection.sendall(b"x")
            if self._over.wait(STEP):
                return


@pytest.mark.parametrize(("option", "whole"), [("", True), ("option independent-streams", False)])
def test_a_client_that_only_listens_is_alive_unless_streams_are_independent(option: str, whole: bool) -> None:
    front = [f"timeout client {PATIENCE_MS}ms", option]
    with (
        Chaos(Dripping()) as server,
        balancer(config(server.port, mode="tcp", front=front)) as lb,
        Client(lb) as client,
    ):
        assert (len(client.rest()) == STEPS) is whole
