"""The program is stopped while it works."""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Callable

import pytest

from tests.chaos.rig import rig
from tests.peers import chaos
from tests.peers.chaos import Chaos, Gate
from tests.peers.haproxy import Program
from tests.peers.load import Crowd, Tally, ask
from tests.peers.ports import HOST
from tests.peers.process import accepts, wait_until

THREADS = (2, 4)
RUNNING = 30
STOP_SECONDS = 1.0
PATIENCE_SECONDS = 5.0
BODY = bytes(range(256)) * (16 << 10)  # more than the sockets on the way can hold


@pytest.mark.parametrize("threads", THREADS)
def test_soft_stop_finishes_what_runs(program: Program, threads: int) -> None:
    gate = Gate()
    tally = Tally()
    with Chaos(gate) as server, rig(program, [server.port], threads=threads) as lb:
        clients = _in_background(lambda: tally.add(ask(lb.port, Crowd(RUNNING, requests=1))))
        assert gate.wait_for(RUNNING, PATIENCE_SECONDS)
        lb.balancer.signal(signal.SIGUSR1)
        assert wait_until(lambda: not accepts((HOST, lb.port)), PATIENCE_SECONDS)
        assert lb.balancer.exit_code() is None
        gate.open()
        clients.join()
        assert lb.balancer.wait(PATIENCE_SECONDS) == 0
    assert (tally.statuses, tally.broken, tally.wrong) == ({200: RUNNING}, 0, [])


def test_soft_stop_finishes_a_body_that_is_being_read(program: Program) -> None:
    reader = _SlowReader()
    with Chaos(_send_big) as server, rig(program, [server.port]) as lb:
        client = _in_background(lambda: reader.read(lb.port))
        assert reader.begun.wait(PATIENCE_SECONDS)
        lb.balancer.signal(signal.SIGUSR1)
        assert wait_until(lambda: not accepts((HOST, lb.port)), PATIENCE_SECONDS)
        reader.go_on.set()
        client.join()
        assert lb.balancer.wait(PATIENCE_SECONDS) == 0
    assert reader.received.endswith(BODY)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("threads", THREADS)
def test_stop_under_load_takes_less_than_a_second(program: Program, number: signal.Signals, threads: int) -> None:
    stop = threading.Event()
    tally = Tally()
    with Chaos(chaos.good) as server, rig(program, [server.port], threads=threads) as lb:
        crowd = Crowd(clients=16, requests=1_000_000)
        clients = _in_background(lambda: tally.add(ask(lb.port, crowd, stop.is_set)))
        assert wait_until(lambda: int(lb.balancer.stat("fe", "FRONTEND")["req_tot"]) > 500, PATIENCE_SECONDS)
        start = time.monotonic()
        lb.balancer.signal(number)
        code = lb.balancer.wait(PATIENCE_SECONDS)
        took = time.monotonic() - start
        stop.set()
        clients.join()
        stderr = lb.balancer.stderr()
    assert took < STOP_SECONDS
    assert code in (0, -number)
    assert "Traceback" not in stderr
    assert tally.wrong == []


def test_soft_stop_when_idle_ends_at_once(program: Program) -> None:
    with Chaos(chaos.good) as server, rig(program, [server.port]) as lb:
        ask(lb.port, Crowd(clients=4, requests=5))
        lb.balancer.signal(signal.SIGUSR1)
        assert lb.balancer.wait(PATIENCE_SECONDS) == 0


class _SlowReader:
    """A client that reads the beginning of an answer and the rest only when it is told to."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go_on = threading.Event()
        self.received = b""

    def read(self, port: int) -> None:
        """Asks, and reads to the end."""
        with socket.create_connection((HOST, port), timeout=PATIENCE_SECONDS) as connection:
            connection.sendall(b"GET /big HTTP/1.1\r\nHost: chaos\r\nConnection: close\r\n\r\n")
            self.received = connection.recv(1024)
            self.begun.set()
            self.go_on.wait(PATIENCE_SECONDS)
            while data := connection.recv(1 << 20):
                self.received += data


def _send_big(connection: socket.socket) -> None:
    chaos.read_request(connection, b"")
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY))


def _in_background(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread
