"""Scripts of what befalls servers, played on HAProxy and on a balancer in this process, and what each says of it.

A step is a command for the stats socket, less its `set server` (`be/s2 state drain`), or what happens to the server
that is checked: `down`, `up`. Both sides check on: HAProxy every few milliseconds, the embedded one after each step, as
often as it takes until nothing changes any more.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import lbcore
from lbcore.cfg.loader import load
from lbcore.proxy.changes import Verdict
from lbcore.proxy.health import CheckResult, CheckState, CheckStatus
from lbcore.proxy.machine import Admin
from lbcore.proxy.server import Server
from lbcore.stats.fields import FIELDS, Selection, select
from tests.embedded import PATIENCE, until
from tests.peers.haproxy import Balancer, Program
from tests.peers.ports import HOST, free_port, release_port
from tests.peers.sinks import UdpSink

CONFIG = """
global
  log {host}:{log} local0
  stats socket "${{STATS}}" level admin
defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 5s
  log global
frontend fe
  bind {host}:{front}
  default_backend be
backend be
  server s1 {host}:{closed} {check1}
  server s2 {host}:{open} {check2}
  server s3 {host}:{closed} backup slowstart 1s
  server s4 {host}:{closed} {track2}
backend bt
  server t1 {host}:{closed} {track1}
backend bd
  server d1 {host}:{closed} disabled
"""
CHECKS = {"check1": "check inter 20 fall 1 rise 1", "check2": "check inter 20 fall 3 rise 2"}
TRACKS = {"track1": "track be/s1", "track2": "track be/s2"}
RISE_FALL = {"be/s1": (1, 1), "be/s2": (2, 3)}
COLUMNS = (
    "pxname", "svname", "status", "weight", "act", "bck", "chkfail", "chkdown", "tracked", "check_status", "check_desc",
    "last_chk", "check_rise", "check_fall", "check_health", "hanafail", "qlimit",
)  # fmt: skip

_HEADER = re.compile(r"^<(\d+)>.*?\]: ")
_DURATION = re.compile(r"check duration: \d+ms")
_STATES = {
    "ready": (Admin(0), Admin.FMAINT | Admin.FDRAIN),
    "drain": (Admin.FDRAIN, Admin.FMAINT),
    "maint": (Admin.FMAINT, Admin.FDRAIN),
}
OK = CheckResult(CheckStatus.L4OK, duration_ms=0)
REFUSED = CheckResult(CheckStatus.L4CON, info="Connection refused", duration_ms=0)


@dataclass
class Played:
    """What one side said: the lines of each step, with the level of syslog, and the rows of statistics after it."""

    lines: list[list[str]] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)


def plain(datagram: bytes) -> str:
    """A line of a log without its date and without what is different each time."""
    text = _HEADER.sub(lambda match: f"<{int(match[1]) & 7}> ", datagram.decode().rstrip("\n"))
    return _DURATION.sub("check duration: Nms", text)


@contextmanager
def ports(*names: str) -> Iterator[dict[str, int]]:
    """Free ports by name."""
    found = {name: free_port() for name in names}
    try:
        yield found
    finally:
        for port in found.values():
            release_port(port)


# --- here ---


def play_here(steps: Sequence[str]) -> Played:
    """Plays `steps` on a balancer in this process."""
    with UdpSink() as sink, ports("front", "closed", "open") as free:
        blank = dict.fromkeys([*CHECKS, *TRACKS], "")
        text = CONFIG.format(host=HOST, log=sink.port, **free, **blank).replace('"${STATS}"', "/dev/null/x")
        settings, diagnostics = load([("lb.cfg", re.sub(r".*stats socket.*\n", "", text))], env={})
        assert not diagnostics.errors
        servers = {f"{proxy.name}/{s.name}": s for proxy in settings.proxies for s in proxy.servers}
        servers["be/s4"].track, servers["bt/t1"].track = "be/s2", "be/s1"
        balancer = lbcore.LoadBalancer.from_settings(settings)
        balancer.bind()
        for name, (rise, fall) in RISE_FALL.items():
            balancer.states.find(name).check = CheckState(rise=rise, fall=fall)
        balancer.start()
        try:
            sink.wait_for(4, PATIENCE)  # that proxies have started
            return _Here(balancer, sink).play(steps)
        finally:
            balancer.close()


class _Here:
    def __init__(self, balancer: lbcore.LoadBalancer, sink: UdpSink) -> None:
        self._balancer = balancer
        self._states = balancer.states
        self._sink = sink
        self._works = {"be/s1": False, "be/s2": True}
        self._told: list[str] = []
        self._seen = sink.count
        tell = balancer.states._teller._tell

        def listen(line: object) -> None:
            self._told.append("")
            tell(line)  # type: ignore[arg-type]

        balancer.states._teller._tell = listen

    def play(self, steps: Sequence[str]) -> Played:
        played = Played()
        for step in ["", *steps]:
            self._do(step)
            self._settle()
            played.lines.append(self._lines())
            played.rows.append(self._rows())
        return played

    def _do(self, step: str) -> None:
        if step in ("down", "up"):
            self._works["be/s2"] = step == "up"
            return
        if step == "warm":
            assert until(lambda: self._states.find("be/s3").throttle is None)
            return
        if not step:
            return
        name, what, value = step.split()
        server = self._states.find(name)
        if what == "state":
            on, off = _STATES[value]
            self._states.admin(server, on=on, off=off)
        elif what == "health":
            self._states.health(server, Verdict(value))
        else:
            self._states.weight(server, int(value))

    def _settle(self) -> None:
        for name, works in self._works.items():
            server = self._states.find(name)
            assert server.check is not None
            for _ in range(server.check.rise + server.check.fall):
                self._report(server, server.check, OK if works else REFUSED)

    def _report(self, server: Server, check: CheckState, result: CheckResult) -> None:
        self._states.report(server, check, result)
        self._balancer.crew.together(lambda: None)  # what was reported has been looked at

    def _lines(self) -> list[str]:
        assert until(lambda: not self._states._teller._lines)
        begin, self._seen = self._seen, self._seen + len(self._told)
        self._told.clear()
        assert self._sink.wait_for(self._seen, PATIENCE)
        return [plain(line) for line in self._sink.lines()[begin : self._seen]]

    def _rows(self) -> list[str]:
        names = [column.name for column in FIELDS]
        places = [names.index(column) for column in COLUMNS]
        rows = select(self._balancer.proxies, Selection(types=6))
        return [",".join("" if row[at] is None else str(row[at]) for at in places) for row in rows]


# --- HAProxy ---


def play_there(program: Program, steps: Sequence[str], expected: Played) -> Played:
    """Plays `steps` on HAProxy. A step is over when as many lines have come as are `expected` of it."""
    with UdpSink() as sink, ports("front", "closed", "open") as free:
        text = CONFIG.format(host=HOST, log=sink.port, **free, **CHECKS, **TRACKS)
        listener = socket.create_server((HOST, free["open"]))
        with Balancer(program, text) as balancer:
            there = _There(balancer, sink, listener, free["open"])
            try:
                return there.play(steps, expected)
            finally:
                there.listener.close()


class _There:
    def __init__(self, balancer: Balancer, sink: UdpSink, listener: socket.socket, port: int) -> None:
        self._balancer = balancer
        self._sink = sink
        self.listener = listener
        self._port = port
        self._seen = 0

    def play(self, steps: Sequence[str], expected: Played) -> Played:
        played = Played()
        for step, lines, rows in zip(["", *steps], expected.lines, expected.rows, strict=True):
            self._do(step)
            played.rows.append(self._wait(len(lines), rows))
            new = self._new()
            self._seen += len(new)
            played.lines.append([plain(line) for line in new])
        return played

    def _wait(self, count: int, rows: list[str]) -> list[str]:
        """The rows, once so many lines have come; those of a check under way are not what is left of it."""
        until(lambda: len(self._new()) >= count, 3.0)
        seen: list[str] = []

        def settled() -> bool:
            seen[:] = self._rows()
            return seen == rows

        until(settled, 2.0)
        return seen

    def _new(self) -> list[bytes]:
        return [line for line in self._sink.lines() if b" started." not in line][self._seen :]

    def _do(self, step: str) -> None:
        if step == "down":
            self.listener.close()
        elif step == "up":
            self.listener = socket.create_server((HOST, self._port))
        elif step and step != "warm":
            self._balancer.cli(f"set server {step}")

    def _rows(self) -> list[str]:
        header, *lines = self._balancer.cli("show stat -1 6 -1").strip().splitlines()
        names = header.removeprefix("# ").split(",")
        places = [names.index(column) for column in COLUMNS]
        # a check under way is told by a star, which depends on the moment
        return [",".join(cell.removeprefix("* ") for cell in (line.split(",")[at] for at in places))
                for line in lines]  # fmt: skip
