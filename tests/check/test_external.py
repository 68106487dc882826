"""`option external-check` through HAProxy and through lbcore: what the program is told, what comes of how it ends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.check.play import SECONDS, first_lines
from tests.peers.haproxy import Balancer, Program, debian_haproxy, program_under_test
from tests.peers.ports import HOST, free_port, release_port
from tests.peers.process import wait_until
from tests.peers.sinks import UdpSink

CONFIG = """
global
  stats socket "${STATS}" level admin
  log 127.0.0.1:%d local0
  external-check
  insecure-fork-wanted
  max-spread-checks 100ms
defaults
  log global
  option log-health-checks
  external-check path /bin:/usr/bin
  timeout connect 2s
  timeout client 3s
  timeout server 3s
frontend front
  bind "127.0.0.1:${FE}"
"""
DUMP = """#!/bin/sh
told={folder}/$HAPROXY_PROXY_NAME
(echo "argv=$*"; env) > $told.new
mv $told.new $told
"""
SCRIPTS = {
    "dump": DUMP,
    "five": "#!/bin/sh\nexit 5\n",
    "killed": "#!/bin/sh\nkill -9 $$\n",
    "loud": "#!/bin/sh\necho out\necho err >&2\nexit 1\n",
    "slow": "#!/bin/sh\nexec sleep 60\n",
}


@dataclass(frozen=True, slots=True)
class Case:
    """A proxy: its kind, its lines, its server, and the program that checks it."""

    name: str
    script: str = "dump"
    lines: tuple[str, ...] = ()
    server: str = f"{HOST}:99"
    kind: str = "backend"

    def text(self, folder: Path) -> str:
        """Its part of a configuration."""
        command = ("option external-check", f"external-check command {folder / self.script}")
        lines = (*command, *self.lines, f"server s {self.server} check inter 1m")
        return f"{self.kind} {self.name}\n" + "".join(f"  {line}\n" for line in lines)


CASES = (
    Case("plain"),
    Case("limited", server="127.0.0.9:81 maxconn 12 weight 3"),
    Case("elsewhere", server="127.0.0.9:81 port 90 addr 127.0.0.3"),
    Case("unported", server="127.0.0.1 port 12"),
    Case("unix", server="unix@/tmp/nobody"),
    Case("six", server="[::1]:99"),
    Case("web", lines=("mode http",)),
    Case("listen-four", kind="listen", lines=('bind "127.0.0.1:${LISTEN}"',)),
    Case("listen-unix", kind="listen", lines=('bind "unix@${STATS}.listen"',)),
    Case("five", "five"),
    Case("killed", "killed"),
    Case("loud", "loud"),
    Case("slow", "slow", lines=("timeout check 60s", "timeout connect 200ms")),
)


@dataclass(frozen=True, slots=True)
class Seen:
    """The first log line of each check, its columns, and what its program was told."""

    lines: dict[str, str]
    codes: dict[str, tuple[str, str, str, str]]
    told: dict[str, list[str]]


def play(program: Program, folder: Path) -> Seen:
    for name, script in SCRIPTS.items():
        (folder / name).write_text(script.format(folder=folder))
        (folder / name).chmod(0o755)
    with ports() as (front, listen), UdpSink() as log:
        text = CONFIG % log.port + "".join(case.text(folder) for case in CASES)
        with Balancer(program, text, {"FE": front, "LISTEN": listen}) as balancer:
            assert wait_until(lambda: len(first_lines(log.lines())) == len(CASES), SECONDS)
            stats = balancer.stats()
    rows = {case.name: stats[case.name, "s"] for case in CASES}
    codes = {
        name: (row["status"], row["check_status"], row["check_code"], row["last_chk"]) for name, row in rows.items()
    }
    told = {case.name: said(folder / case.name, listen) for case in CASES if case.script == "dump"}
    return Seen(first_lines(log.lines()), codes, told)


@contextmanager
def ports() -> Iterator[tuple[int, int]]:
    found = free_port(), free_port()
    try:
        yield found
    finally:
        for port in found:
            release_port(port)


def said(path: Path, listen: int) -> list[str]:
    """What a program has written down, without what a shell adds and what differs from run to run."""
    text = path.read_text().replace(str(listen), "LISTEN")
    text = re.sub(r"\S*/stats\.listen", "SOCKET", text)
    return sorted(line for line in text.splitlines() if not re.match("(_|PWD|OLDPWD|SHLVL|HAPROXY_PROXY_ID)=", line))


def test_programs_are_told_and_judged_as_by_haproxy(tmp_path: Path) -> None:
    oracle = debian_haproxy()
    if oracle is None:
        pytest.skip("haproxy is not installed")
    for name in ("theirs", "ours"):
        (tmp_path / name).mkdir()
    theirs, ours = play(oracle, tmp_path / "theirs"), play(program_under_test(), tmp_path / "ours")
    assert ours.lines == theirs.lines
    assert ours.codes == theirs.codes
    assert ours.told == theirs.told
