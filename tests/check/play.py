"""Plays checks through a program: a backend for each, side by side, until each check has ended once."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tests.check.peers import Peers
from tests.check.row import Row
from tests.peers.haproxy import Balancer, Program
from tests.peers.ports import free_port, release_port
from tests.peers.sinks import UdpSink

CONFIG = """
global
  stats socket "${STATS}" level admin
  log 127.0.0.1:%d local0
  nbthread 1
  max-spread-checks 500ms
defaults
  log global
  option log-health-checks
  timeout connect 2s
  timeout check 2s
  timeout client 3s
  timeout server 3s
frontend fe
  bind "127.0.0.1:${FE}"
  mode tcp
"""
SECONDS = 20.0  # until each check has ended


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of a check: its first log line, the state of its server, what an agent is said to have said, what the
    server heard."""

    line: str
    status: str
    weight: str
    limit: str
    agent: tuple[str, str] = ("", "")
    heard: bytes = b""


def play(program: Program, part: Sequence[Row]) -> dict[str, Seen]:
    """All rows of a part, each with the server that it describes."""
    with Peers({row.name: row.peer for row in part}) as peers:
        seen = play_on(program, part, {name: one.port for name, one in peers.listening.items()})
        heard = {name: (one.received or [b""])[0] for name, one in peers.listening.items()}
    return {name: replace(one, heard=masked(heard[name])) for name, one in seen.items()}


def play_on(program: Program, part: Sequence[Row], ports: Mapping[str, int]) -> dict[str, Seen]:
    """All rows of a part, with servers that are there: their ports by the rows' names."""
    with UdpSink() as log:
        text = CONFIG % log.port + "".join(row.backend(ports[row.name]) for row in part)
        port = free_port()
        try:
            with Balancer(program, text, {"FE": port}) as balancer:
                wait_for(balancer, log, part)
                lines = first_lines(log.lines())
                stats = balancer.stats()
        finally:
            release_port(port)
    return {row.name: _seen(row, lines.get(row.name, ""), stats[row.name, "s"]) for row in part}


def _seen(row: Row, line: str, state: Mapping[str, str]) -> Seen:
    # Agents are asked once; what they have said is gone from HAProxy's columns while it asks again.
    agent = (state["agent_status"], state["last_agt"]) if row.is_agent else ("", "")
    return Seen(line, state["status"], state["weight"], state["slim"], agent)


def wait_for(balancer: Balancer, log: UdpSink, part: Sequence[Row]) -> None:
    """Returns when all checks have ended once."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        stats = balancer.stats()
        found = [stats[row.name, "s"]["agent_status" if row.is_agent else "check_status"] for row in part]
        if all(status.lstrip("* ") not in ("", "INI") for status in found):
            break
        log.wait_for(log.count + 1, 0.2)
    log.wait_for(log.count + len(part), 0.3)  # what is on its way


def first_lines(lines: Sequence[bytes]) -> dict[str, str]:
    """The first line about a check of each server, without what differs from time to time."""
    found: dict[str, str] = {}
    for line in lines:
        text = line.decode("latin-1")
        about = re.search(r"(?:Health|Agent) check for server (\S+)/s .*", text)
        if about is not None:
            found.setdefault(about[1], re.sub(r"check duration: \d+ms", "check duration: -", about[0]))
    return found


def masked(heard: bytes) -> bytes:
    """What a server heard, without ports and without the time of day in the hello of SSL."""
    heard = re.sub(rb"\d{4,5}", b"PORT", heard)
    return re.sub(rb"(?<=\x03\x00).{4}(?=HAPROXYSSLCHK)", b"TIME", heard, flags=re.DOTALL)
