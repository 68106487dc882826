"""The program with its real balancer, as a whole process."""

from __future__ import annotations

import signal
from functools import partial

from tests.peers.haproxy import Balancer, Program, debian_haproxy
from tests.peers.ports import free_port, release_port
from tests.peers.process import wait_until

PATIENCE = 5.0
CONFIG = """\
global
    stats socket "${STATS}" level admin

defaults
    mode http
    timeout client 5s
    timeout connect 5s
    timeout server 5s

frontend fe
    bind "127.0.0.1:${FE}"
    default_backend be

backend be
    server s1 127.0.0.1:1
"""


WORDS = {signal.SIGTTOU: "Paused", signal.SIGTTIN: "Resumed", signal.SIGUSR1: "stopped"}


def told(program: Program) -> list[str]:
    """What the program writes about `fe` when it is paused, resumed and stopped, without its pid."""
    port = free_port()
    try:
        with Balancer(program, CONFIG, {"FE": port}) as lb:
            for signum, word in WORDS.items():
                lb.signal(signum)
                assert wait_until(partial(says, lb, word), PATIENCE)
            lines = lb.stderr().splitlines()
    finally:
        release_port(port)
    return [line.partition(" : ")[2] for line in lines if " fe" in line and line.startswith("[WARNING]")]


def says(lb: Balancer, word: str) -> bool:
    """Whether it has written `word` by now."""
    return word in lb.stderr()


def test_tells_of_its_frontends_as_haproxy_does(program: Program) -> None:
    haproxy = debian_haproxy()
    assert haproxy is not None
    assert told(program) == told(haproxy)
