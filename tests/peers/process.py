"""A started program: its way from exec to accepting, what it costs, and its end.

Figures come from /proc and include the program's descendants, because a master and its workers are one program to the
one who measures. CPU times have the resolution of the kernel's clock tick (10 ms); memory is the resident set.
"""

from __future__ import annotations

import atexit
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.peers.closing import Started

Address = tuple[str, int] | str

START_SECONDS = 20.0
STOP_SECONDS = 5.0
_TICKS = os.sysconf("SC_CLK_TCK")

_started: set[Child] = set()


class PeerError(Exception):
    """A peer did not do what the test needs; the text carries what it wrote to standard error."""


@dataclass(frozen=True, slots=True)
class Cpu:
    """CPU time in seconds."""

    user: float
    system: float

    @property
    def total(self) -> float:
        """User and system together, in seconds."""
        return self.user + self.system

    def __sub__(self, earlier: Cpu) -> Cpu:
        return Cpu(self.user - earlier.user, self.system - earlier.system)


class Child(Started):
    """A program started in the foreground with its output kept in files of a private directory."""

    def __init__(self, argv: Sequence[str], *, name: str, environment: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.argv = list(argv)
        self.environment = dict(environment or {})
        self._folder = tempfile.TemporaryDirectory(prefix="lb-")  # short: unix socket paths have 107 bytes
        self.folder = Path(self._folder.name)
        self._popen: subprocess.Popen[bytes] | None = None

    def ready(self) -> bool:
        """True once the program can be used. Programs that accept connections override it."""
        return True

    def start(self) -> None:
        """Starts the program and returns when `ready()`. Raises PeerError if it ends or takes too long."""
        self.launch()
        self.wait_ready(time.monotonic() + START_SECONDS)

    def launch(self) -> None:
        """Starts the program and returns at once."""
        # A process group of its own: ^C at a terminal must reach the owner only, who then stops peers in order.
        with open(self.folder / "stdout", "wb") as out, open(self.folder / "stderr", "wb") as err:
            self._popen = subprocess.Popen(
                self.argv,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=self.folder,
                env={**os.environ, **self.environment},
                process_group=0,
            )
        _started.add(self)

    def wait_ready(self, deadline: float, step: float = 0.002) -> None:
        """Returns when `ready()`, asking every `step` seconds. Raises PeerError at the monotonic `deadline`."""
        while not self.ready():
            if self.exit_code() is not None:
                raise PeerError(f"{self.name} ended with {self.exit_code()} while starting:\n{self.stderr()}")
            if time.monotonic() > deadline:
                raise PeerError(f"{self.name} does not accept connections:\n{self.stderr()}")
            time.sleep(step)

    @property
    def pid(self) -> int:
        """The pid of the started program. Raises PeerError if there is none."""
        if self._popen is None:
            raise PeerError(f"{self.name} is not started")
        return self._popen.pid

    def exit_code(self) -> int | None:
        """None while it runs; the exit code, or minus the signal that ended it."""
        return self._popen.poll() if self._popen else None

    def wait(self, seconds: float) -> int:
        """The exit code, waiting up to `seconds`. Raises PeerError if it still runs then."""
        if self._popen is None:
            raise PeerError(f"{self.name} is not started")
        try:
            return self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise PeerError(f"{self.name} still runs after {seconds} s:\n{self.stderr()}") from None

    def signal(self, number: int) -> None:
        """Sends a signal to the program (only to its pid); harmless if it has ended."""
        if self._popen is not None and self._popen.poll() is None:
            self._popen.send_signal(number)

    def close(self) -> None:
        """Stops the program (SIGTERM, then SIGKILL) and removes its directory; harmless if done before."""
        if self._popen is not None and self._popen.poll() is None:
            self.signal(signal.SIGTERM)
            try:
                self._popen.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.signal(signal.SIGKILL)
                self._popen.wait()
        _started.discard(self)
        self._folder.cleanup()

    def stderr(self) -> str:
        """What the program has written to standard error so far."""
        return _text(self.folder / "stderr")

    def stdout(self) -> str:
        """What the program has written to standard output so far."""
        return _text(self.folder / "stdout")

    def cpu(self) -> Cpu:
        """CPU time used since its start by all threads of the program and of its descendants, living or waited for."""
        user = system = 0
        for pid in descendants(self.pid):
            fields = _stat(pid)
            user += int(fields[11]) + int(fields[13])
            system += int(fields[12]) + int(fields[14])
        return Cpu(user / _TICKS, system / _TICKS)

    def rss(self) -> int:
        """Resident memory in bytes of the program and its descendants."""
        return sum(_smaps_rollup_rss(pid) for pid in descendants(self.pid))

    def fd_count(self) -> int:
        """Open descriptors of the program (its descendants are not counted)."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def thread_count(self) -> int:
        """Threads of the program (its descendants are not counted)."""
        return len(os.listdir(f"/proc/{self.pid}/task"))


def accepts(address: Address) -> bool:
    """True if a connection to (host, port) or to a unix socket's path is accepted; it is closed at once."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(address)
        except OSError:
            return False
    return True


def wait_until(condition: Callable[[], bool], seconds: float, step: float = 0.005) -> bool:
    """True as soon as `condition()` is, False if it is not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(step)
    return True


def descendants(pid: int) -> list[int]:
    """The pid itself, its children, their children, and so on: those that live now."""
    found = [pid]
    for parent in found:
        for task in _listdir(f"/proc/{parent}/task"):
            found += [int(child) for child in _text(Path(f"/proc/{parent}/task/{task}/children")).split()]
    return found


def _stat(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat after the name, which may hold spaces; utime is the 12th of them."""
    return _text(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()


def _smaps_rollup_rss(pid: int) -> int:
    for line in _text(Path(f"/proc/{pid}/smaps_rollup")).splitlines():
        if line.startswith("Rss:"):
            return int(line.split()[1]) * 1024
    raise PeerError(f"no memory figures for pid {pid}")


def _listdir(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except FileNotFoundError:
        return []


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except FileNotFoundError:
        return ""


def _close_all() -> None:
    for child in list(_started):
        child.close()


atexit.register(_close_all)
