"""Each check through HAProxy and through lbcore: what is logged, what becomes of the server, what the server heard."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from tests.check import rows, rows_protocols
from tests.check.peers import Peers
from tests.check.row import Row
from tests.peers.haproxy import Balancer, Program, debian_haproxy, program_under_test
from tests.peers.ports import free_port, release_port
from tests.peers.sinks import UdpSink

CONFIG = """
global
  stats socket "${STATS}" level admin
  log 127.0.0.1:%d local0
  nbthread 1
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
PARTS = 6  # so many balancers one after the other: a check must not wait for hundreds of others
ALL = (*rows.ROWS, *rows_protocols.ROWS)


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of a check: its first log line, the state of its server, what the server heard."""

    line: str
    status: str
    weight: str
    heard: bytes


def play(program: Program, part: Sequence[Row]) -> dict[str, Seen]:
    """All rows of a part, side by side."""
    with UdpSink() as log, Peers({row.name: row.peer for row in part}) as peers:
        text = CONFIG % log.port + "".join(row.backend(peers.listening[row.name].port) for row in part)
        port = free_port()
        try:
            with Balancer(program, text, {"FE": port}) as balancer:
                wait_for(balancer, log, part)
                lines = first_lines(log.lines())
                states = {row.name: balancer.stat(row.name, "s") for row in part}
        finally:
            release_port(port)
        heard = {name: (one.received or [b""])[0] for name, one in peers.listening.items()}
    return {
        row.name: Seen(
            lines.get(row.name, ""), states[row.name]["status"], states[row.name]["weight"], masked(heard[row.name])
        )
        for row in part
    }


def wait_for(balancer: Balancer, log: UdpSink, part: Sequence[Row]) -> None:
    """Returns when all checks have ended once."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        states = [balancer.stat(row.name, "s") for row in part]
        columns = ["agent_status" if row.is_agent else "check_status" for row in part]
        if all(state[column].lstrip("* ") not in ("", "INI") for state, column in zip(states, columns, strict=True)):
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


@pytest.mark.parametrize("part", range(PARTS))
def test_checks_end_as_with_haproxy(part: int) -> None:
    oracle = debian_haproxy()
    if oracle is None:
        pytest.skip("haproxy is not installed")
    chosen = ALL[part::PARTS]
    theirs, ours = play(oracle, chosen), play(program_under_test(), chosen)
    assert {name: seen for name, seen in ours.items() if seen != theirs[name]} == {
        name: seen for name, seen in theirs.items() if seen != ours[name]
    }


def test_names_of_rows_are_unique() -> None:
    assert len({row.name for row in ALL}) == len(ALL)
