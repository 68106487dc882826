"""Many connections at once."""

from __future__ import annotations

import pytest

from tests.chaos.rig import NOTHING, rig
from tests.peers.haproxy import Program
from tests.peers.idle import ask_all, close_all, open_idle
from tests.peers.nginx import Nginx

CONNECTIONS = 5000


@pytest.mark.parametrize("threads", [2, 4])
def test_five_thousand_connections_are_served_and_given_back(program: Program, threads: int) -> None:
    # Few connections to the server serve all clients, or descriptors would run out on small machines.
    with Nginx() as nginx, rig(program, [nginx.port], threads=threads, options=["http-reuse always"]) as lb:
        connections = open_idle(lb.port, "/small", CONNECTIONS)
        try:
            held = lb.held().connections - lb.before.connections
            ask_all(connections, "/small")
        finally:
            close_all(connections)
        nginx.close()
        assert held == CONNECTIONS
        assert lb.leaked() == NOTHING
