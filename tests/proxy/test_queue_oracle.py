"""Queues beside a real HAProxy: who is served when, and what the log says of the place."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack
from functools import partial

import pytest

from tests.embedded import Turnstile, get, until
from tests.peers.chaos import Chaos
from tests.peers.haproxy import Balancer, Program, debian_haproxy, newer_haproxy, program_under_test
from tests.peers.ports import HOST, free_port, release_port
from tests.peers.sinks import UdpSink

ORACLES = [program for program in (debian_haproxy(), newer_haproxy()) if program is not None]
pytestmark = pytest.mark.skipif(not ORACLES, reason="HAProxy is not installed")

CONFIG = """\
global
    stats socket "${STATS}" level admin
    nbthread 1

defaults
    mode http
    timeout client 20s
    timeout connect 20s
    timeout server 20s

frontend fe
    bind "127.0.0.1:${FE}"
    log "127.0.0.1:${LOG}" local0
    log-format "%HU %s %sq/%bq %[prio_class] %[prio_offset]"
    default_backend be

backend be
    balance roundrobin
    http-request set-priority-class url_param(c),add(0) if { url_param(c) -m found }
    http-request set-priority-offset url_param(o),add(0) if { url_param(o) -m found }
    use-server s1 if { path_beg /one }
    server s1 "127.0.0.1:${SERVER}" maxconn 1
"""

# Offsets are seconds apart: what one program needs longer than the other changes no order. None is so low that HAProxy
# takes it for the highest one after a moment of waiting: its dates have 20 bits.
TARGETS = (
    "/any1", "/one1", "/any2?c=5", "/one2?c=-3", "/any3?o=-30000", "/one3?o=-40000", "/any4?o=30000", "/one4?o=40000",
    "/any5?c=99999&o=-500000", "/any6?c=-99999&o=99999999", "/one5?c=-2047", "/any7?c=-3&o=-2000", "/any8",
    "/one6?c=2047", "/one7?c=5&o=10000", "/any9?c=5&o=-10000", "/one8?c=0", "/any10?o=0", "/any11?c=x",
    "/one9?o=-500000",
)  # fmt: skip


def of_requests(sink: UdpSink) -> list[str]:
    texts = (line.partition(b"]: ")[2].decode().strip() for line in sink.lines())
    return [text for text in texts if text.startswith("/")]


def has_streams(balancer: Balancer, count: int) -> bool:
    return int(balancer.stat("be", "BACKEND")["scur"]) == count


def log_of(program: Program) -> list[str]:
    """What the log says, line by line, of requests that all waited behind the first one, in the order in which they
    ended.
    """
    turnstile, port = Turnstile(), free_port()
    try:
        with Chaos(turnstile) as server, UdpSink() as sink, ExitStack() as stack:
            variables = {"FE": port, "SERVER": server.port, "LOG": sink.port}
            balancer = stack.enter_context(Balancer(program, CONFIG, variables))
            for number, target in enumerate(("/first", *TARGETS), 1):
                client = stack.enter_context(socket.create_connection((HOST, port), timeout=20))
                client.sendall(get(target))
                assert until(partial(has_streams, balancer, number))
                time.sleep(0.005)  # who comes in the same millisecond has no order in HAProxy
            turnstile.let(1 + len(TARGETS))
            assert until(lambda: len(of_requests(sink)) == 1 + len(TARGETS))
            return of_requests(sink)
    finally:
        release_port(port)


@pytest.mark.parametrize("oracle", ORACLES, ids=lambda program: program.name)
def test_twenty_who_wait_are_served_in_the_same_order(oracle: Program) -> None:
    assert log_of(program_under_test()) == log_of(oracle)
