"""Runs the command line: this tree's lbcore, the two HAProxies beside it, and lbcore with a fake balancer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.peers.haproxy import Program, debian_haproxy, newer_haproxy
from tests.peers.readable import readable

TREE = Path(__file__).resolve().parent.parent.parent
LBCORE = (sys.executable, "-m", "lbcore")
FAKE = (sys.executable, "-m", "tests.program.fake")
SECONDS = 20.0  # how long anything may take before the test has failed

Done = subprocess.CompletedProcess[str]


def environment(**more: str) -> dict[str, str]:
    """The environment in which the tree's packages are found from any directory."""
    return {**os.environ, "PYTHONPATH": str(TREE), **more}


def lbcore(*words: str, folder: Path | None = None) -> Done:
    """What `lbcore <words>` did."""
    return execute([*LBCORE, *words], folder)


def execute(words: Sequence[str], folder: Path | None = None) -> Done:
    """What a command did, with its output."""
    return subprocess.run(
        words,
        cwd=folder,
        env=environment(),
        check=False,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        stdin=subprocess.DEVNULL,
    )


def oracles() -> list[Program]:
    """The HAProxies of this machine."""
    return [found for found in (debian_haproxy(), newer_haproxy()) if found]


def messages(text: str) -> list[str]:
    """The framed messages of standard error without the number of the process and what introduces them."""
    found = []
    for line in text.splitlines():
        frame, colon, message = line.partition(") : ")
        if colon and frame.startswith("[") and not frame.startswith("[NOTICE]"):
            found.append(f"{frame.partition(' ')[0]} {message}")
    return found


def limited(descriptors: int | None) -> list[str]:
    """What launches a command with that soft limit of open files, in the same process."""
    return [] if descriptors is None else ["sh", "-c", f'ulimit -S -n {descriptors}; exec "$@"', "sh"]


class Fake:
    """A running lbcore whose balancer is `tests.program.fake`: no traffic, but all its calls can be seen, in order."""

    def __init__(self, folder: Path, words: Sequence[str], behaviour: str, descriptors: int | None) -> None:
        self.calls_path = folder / "calls"
        os.mkfifo(self.calls_path)
        # Opened for writing too, so that the end of one writer is not the end of the pipe.
        self._calls = os.open(self.calls_path, os.O_RDWR | os.O_NONBLOCK)
        self._pending = b""
        self.process = subprocess.Popen(
            [*limited(descriptors), *FAKE, *words],
            cwd=folder,
            env=environment(FAKE_CALLS=str(self.calls_path), FAKE_BEHAVIOUR=behaviour),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.daemon: int | None = None

    def call(self) -> str:
        """The next call of the balancer. Fails if there is none in time."""
        deadline = time.monotonic() + SECONDS
        while b"\n" not in self._pending:
            left = deadline - time.monotonic()
            assert left > 0, f"no call: {self.process.communicate(timeout=1)}"
            if readable(self._calls, seconds=min(left, 0.5)):
                self._pending += os.read(self._calls, 65536)
            elif self.process.poll() is not None and self.daemon is None:
                raise AssertionError(f"it ended: {self.process.communicate()}")
        line, _, self._pending = self._pending.partition(b"\n")
        return line.decode()

    def until(self, name: str) -> str:
        """The arguments of the next call of that name, after passing over others."""
        while True:
            called, _, arguments = self.call().partition(" ")
            if called == name:
                return arguments

    def signal(self, signum: signal.Signals) -> None:
        """Sends a signal."""
        os.kill(self.daemon or self.process.pid, signum)

    def end(self) -> tuple[int, str, str]:
        """How it ended, what it said on standard output and on standard error."""
        out, err = self.process.communicate(timeout=SECONDS)
        return self.process.returncode, out, err

    def close(self) -> None:
        """Leaves nothing running."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        if self.daemon is not None:
            with suppress(ProcessLookupError):
                os.kill(self.daemon, signal.SIGKILL)
        os.close(self._calls)


@contextmanager
def fake(folder: Path, *words: str, behaviour: str = "", descriptors: int | None = None) -> Iterator[Fake]:
    """A fake that ends with the test. `descriptors` is the soft limit of open files that it is launched with."""
    started = Fake(folder, words, behaviour, descriptors)
    try:
        yield started
    finally:
        started.close()
