"""A balancer in front of chosen servers, with its state before the test, to which it must return."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass

from tests.peers.haproxy import Balancer, Program
from tests.peers.ports import HOST, free_port, release_port

SETTLE_SECONDS = 5.0
_LOOKS = 5
_LOOK_SECONDS = 0.05

_CONFIG = """\
global
    stats socket "${{STATS}}" level admin
    nbthread {threads}
    maxconn 6000

defaults
    mode http
    timeout connect 1s
    timeout client 10s
    timeout server {server_timeout}
    retries 3
    option redispatch 1
{options}

frontend fe
    bind "127.0.0.1:${{FE}}"
    default_backend be

backend be
    balance roundrobin
{servers}
"""


@dataclass(frozen=True, slots=True)
class Held:
    """What a process holds: descriptors, threads, connections by its own account."""

    fds: int
    threads: int
    connections: int


NOTHING = Held(0, 0, 0)


class Rig:
    """A running balancer; `port` is its frontend's."""

    def __init__(self, balancer: Balancer, port: int) -> None:
        self.balancer = balancer
        self.port = port
        # The least of a few looks: the connection over which the program was asked before may still be closing.
        looks = [self.held() for _ in range(_LOOKS)]
        self.before = Held(*(min(figures) for figures in zip(*map(astuple, looks), strict=True)))

    def held(self) -> Held:
        """What it holds now. The connection that asks is part of it, before and after alike."""
        connections = int(self.balancer.info()["CurrConns"])
        return Held(self.balancer.fd_count(), self.balancer.thread_count(), connections)

    def leaked(self) -> Held:
        """What it holds beyond what it held at first, after it had some time to give everything back.

        To be called when clients and servers are gone: connections to servers that are kept for reuse are no leak.
        """
        deadline = time.monotonic() + SETTLE_SECONDS
        while (surplus := self._surplus()) != NOTHING and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)
        return surplus

    def _surplus(self) -> Held:
        pairs = zip(astuple(self.held()), astuple(self.before), strict=True)
        return Held(*(max(0, now - before) for now, before in pairs))


@contextmanager
def rig(
    program: Program,
    servers: Sequence[int],
    *,
    threads: int = 2,
    options: Sequence[str] = (),
    server_timeout: str = "5s",
) -> Iterator[Rig]:
    """A started balancer in front of servers on these ports, in this order."""
    lines = "\n".join(f'    server s{i} "{HOST}:{port}"' for i, port in enumerate(servers))
    config = _CONFIG.format(
        threads=threads,
        server_timeout=server_timeout,
        options="\n".join(f"    {option}" for option in options),
        servers=lines,
    )
    port = free_port()
    try:
        with Balancer(program, config, {"FE": port}) as balancer:
            yield Rig(balancer, port)
    finally:
        release_port(port)
