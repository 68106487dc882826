"""What agents, answers and commands do to servers, step by step, through HAProxy and through lbcore: each line of the
log, each state."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.peers.closing import Started
from tests.peers.haproxy import Balancer, Program, debian_haproxy, program_under_test
from tests.peers.ports import HOST, free_port, release_port
from tests.peers.process import wait_until
from tests.peers.sinks import UdpSink

CHECKS = 'weight 20 check inter 10ms rise 2 fall 2 agent-check agent-inter 10ms agent-port "${AGENT}"'
CONFIG = """
global
  stats socket "${STATS}" level admin
  log 127.0.0.1:%(log)d local0
  nbthread 1
  max-spread-checks 10ms
defaults
  log global
  mode http
  timeout connect 2s
  timeout client 3s
  timeout server 3s
  timeout check 5s
frontend front
  bind "127.0.0.1:${FE}"
backend be
  option httpchk
  http-check disable-on-404
  server s1 "127.0.0.1:${HTTP}" %(checks)s
  server s2 127.0.0.1:9 backup
backend alone
  option httpchk
  http-check disable-on-404
  server s1 "127.0.0.1:${HTTP}" %(checks)s
listen bt
  bind "unix@${STATS}.bt"
  http-check disable-on-404
  server t1 127.0.0.1:9 track be/s1
  server t2 127.0.0.1:9 track be/s1 backup
"""
SERVERS = (("be", "s1"), ("be", "s2"), ("alone", "s1"), ("bt", "t1"), ("bt", "t2"))
COLUMNS = ("status", "weight", "chkdown", "check_health", "agent_health", "tracked")
ASKED = 5  # times that a step must be looked at: rise and fall are less
SECONDS = 10.0

AGENT = """
agent down
agent up
agent drain
agent ready
agent maint
agent ready
agent 0%
agent 50%
agent 100%
agent down # out of memory
agent up # again
agent fail
agent up
agent stopped # gone
agent up drain
agent down
agent up ready
agent maint down
agent ready
agent up
agent nonsense
"""
ANSWERS = """
http 500
http 200
http 404
http 200
http 404
http 500
http 404
http 200
http 404
agent drain
http 200
agent ready
http 500
agent down
http 200
agent up
"""
COMMANDS = """
cli set server alone/s1 state drain
cli set server alone/s1 state maint
cli set server alone/s1 state ready
cli disable health alone/s1
cli set server alone/s1 health down
cli set server alone/s1 health up
cli set server alone/s1 health stopping
cli set server alone/s1 health up
cli enable health alone/s1
cli disable agent alone/s1
cli enable agent alone/s1
cli disable health be/s1
cli disable agent be/s1
cli set server be/s1 health down
cli set server be/s1 health stopping
cli set server be/s1 health up
cli set server be/s1 state maint
cli set server be/s1 state drain
cli set server be/s1 state ready
cli enable agent be/s1
cli enable health be/s1
cli set server bt/t1 state maint
cli set server be/s1 state maint
cli set server be/s1 state ready
cli set server bt/t1 state ready
cli disable server be/s2
agent maint
agent ready
cli enable server be/s2
cli set weight be/s1 0
cli set weight be/s1 100%
"""


class Answering(Started):
    """Says one thing to everybody who connects: what `say` gives at that moment, once the other side has spoken if
    `listens`."""

    def __init__(self, *, listens: bool) -> None:
        self.port = free_port()
        self.asked = 0  # connections that were answered
        self.said = b""
        self.answers: int | None = None  # so many are answered, all others wait; None: all are
        self._silent: list[socket.socket] = []
        self._listens = listens
        self._socket: socket.socket | None = None
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def start(self) -> None:
        self._socket = socket.create_server((HOST, self.port))
        self._thread.start()

    def close(self) -> None:
        if self._socket is not None:
            self._socket.shutdown(socket.SHUT_RDWR)
            self._thread.join()
            for sock in (self._socket, *self._silent):
                sock.close()
        release_port(self.port)

    def wait_asked(self, often: int) -> None:
        """Returns once that many were answered."""
        assert wait_until(lambda: self.asked >= often, SECONDS)

    def _serve(self) -> None:
        assert self._socket is not None
        while True:
            try:
                sock, _ = self._socket.accept()
            except OSError:
                return
            if self.asked == self.answers:
                self._silent.append(sock)
                continue
            with sock:
                try:
                    if self._listens:
                        sock.recv(65536)
                    sock.sendall(self.said)
                except OSError:
                    continue
            self.asked += 1


def play(program: Program, steps: Sequence[str]) -> list[tuple[str, list[str], list[tuple[str, ...]]]]:
    """Each step with the lines that it has led to, by proxy, and the states of all servers after it."""
    front = free_port()
    with Answering(listens=True) as http, Answering(listens=False) as agent, UdpSink() as log:
        http.said, agent.said = b"HTTP/1.0 200 OK\r\n\r\n", b"up\n"
        variables = {"FE": front, "HTTP": http.port, "AGENT": agent.port}
        with Balancer(program, CONFIG % {"log": log.port, "checks": CHECKS}, variables) as balancer:
            for peer in (http, agent):
                peer.wait_asked(ASKED * 2)
            told, seen = log.count, []
            for step in steps:
                word, _, rest = step.partition(" ")
                if word == "cli":
                    balancer.cli(rest)
                elif word == "agent":
                    agent.said = f"{rest}\n".encode()
                else:
                    http.said = f"HTTP/1.0 {rest} Because\r\n\r\n".encode()
                settle(balancer, http, agent, log)
                lines, told = by_proxy(log.lines()[told:]), log.count
                stats = balancer.stats()
                seen.append((step, lines, [tuple(stats[name][column] for column in COLUMNS) for name in SERVERS]))
    release_port(front)
    return seen


def settle(balancer: Balancer, http: Answering, agent: Answering, log: UdpSink) -> None:
    """Returns when whoever still asks has asked often enough, no server is half way up or down, and no line comes."""
    for peer, column in ((agent, "agent_status"), (http, "check_status")):
        if any(row[column] for row in balancer.stats().values()):
            peer.wait_asked(peer.asked + ASKED * 2)  # of two servers
    wait_until(lambda: not any("/" in row["status"] for row in balancer.stats().values()), 1.0, 0.02)
    while log.wait_for(log.count + 1, 0.05):
        pass


def by_proxy(lines: Sequence[bytes]) -> list[str]:
    """The lines of each proxy in their order. Which of two checks brings a server up is left to chance."""
    texts = [re.sub(r"check duration: \d+ms", "check duration: -", line.decode().partition("]: ")[2]) for line in lines]
    texts = [re.sub(r"is UP, reason: .*?, check duration: -", "is UP, reason", text.strip()) for text in texts]
    return sorted(texts, key=lambda text: next(name for name, _ in SERVERS if re.search(rf"\b{name}\b", text)))


@pytest.mark.parametrize("script", [AGENT, ANSWERS, COMMANDS], ids=["agent", "answers", "commands"])
def test_changes_are_told_as_by_haproxy(script: str) -> None:
    oracle = debian_haproxy()
    if oracle is None:
        pytest.skip("haproxy is not installed")
    steps = script.split("\n")[1:-1]
    with ThreadPoolExecutor() as pool:
        theirs, ours = pool.map(lambda program: play(program, steps), (oracle, program_under_test()))
    assert [one for one, other in zip(ours, theirs, strict=True) if one != other] == [
        other for one, other in zip(ours, theirs, strict=True) if one != other
    ]


HANGING = """
global
  stats socket "${STATS}" level admin
defaults
  timeout connect 5s
  timeout client 5s
  timeout server 5s
  timeout check 1m
backend be
  option httpchk
  server s1 "127.0.0.1:${HTTP}" check inter 20ms agent-check agent-inter 20ms agent-port "${AGENT}"
frontend front
  bind "127.0.0.1:${FE}"
"""


@pytest.mark.parametrize("program", [debian_haproxy(), program_under_test()], ids=["haproxy", "lbcore"])
def test_a_running_check_is_marked_before_the_last_result(program: Program | None) -> None:
    if program is None:
        pytest.skip("haproxy is not installed")
    front = free_port()
    with Answering(listens=True) as http, Answering(listens=False) as agent:
        http.said, agent.said = b"HTTP/1.0 500 Because\r\n\r\n", b"down\n"
        http.answers = agent.answers = 1
        with Balancer(program, HANGING, {"FE": front, "HTTP": http.port, "AGENT": agent.port}) as balancer:
            marked = ("* L7STS", "* L7STS")
            wait_until(lambda: columns(balancer, "check_status", "agent_status") == marked, SECONDS)
            assert columns(balancer, "check_status", "agent_status") == marked
            assert columns(balancer, "check_desc", "status") == ("Layer7 wrong status", "DOWN (agent)")
    release_port(front)


def columns(balancer: Balancer, *names: str) -> tuple[str, ...]:
    """Columns of the one server."""
    row = balancer.stat("be", "s1")
    return tuple(row[name] for name in names)
