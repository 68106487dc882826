"""hatop, a full-screen view of the stats socket: its screens are those of HAProxy, its keys change servers."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import shutil
import signal
import struct
import termios
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Self

import pyte
import pytest

from tests.consoles.rig import watched
from tests.embedded import PATIENCE, until
from tests.peers.haproxy import Balancer, Program
from tests.peers.installed import Peers
from tests.peers.readable import readable

LINES, COLUMNS = 34, 150
DOWN, ENTER, F8, F9, F10 = "\x1b[B", "\r", "\x1b[19~", "\x1b[20~", "\x1b[21~"  # as the terminal "linux" has them

PASSING = frozenset(("BIN", "BOUT", "CL", "DOWN", "RATE", "RMAX"))


class Hatop:
    """hatop in a terminal of its own, on the stats socket of a balancer."""

    def __init__(self, balancer: Balancer) -> None:
        program = shutil.which("hatop")
        assert program is not None, "hatop is installed"
        self._screen = pyte.Screen(COLUMNS, LINES)
        self._stream = pyte.ByteStream(self._screen)
        self._pid, self._fd = pty.fork()
        if not self._pid:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
            os.execve(program, ["hatop", "-s", balancer.stats_path, "-i", "1"], {**os.environ, "TERM": "linux"})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._fd)

    def press(self, keys: str) -> None:
        os.write(self._fd, keys.encode())

    @property
    def lines(self) -> list[str]:
        """What the screen has now."""
        while readable(self._fd, seconds=0):
            self._stream.feed(os.read(self._fd, 65536))
        return [line.rstrip() for line in self._screen.display]

    def shows(self, what: Callable[[list[str]], bool]) -> list[str]:
        """The screen as soon as it is as it should be."""
        assert until(lambda: what(self.lines), PATIENCE), "\n".join(self.lines)
        return self.lines

    def select(self, iid: int, sid: int) -> None:
        """Goes down to a server."""
        for _ in range(LINES):
            before = self.lines
            if f"[#{iid}/#{sid}]" in before[-2] + before[-1]:
                return
            self.press(DOWN)
            self.shows(lambda now: now != before)  # noqa: B023 - called at once
        raise AssertionError("no such line")


@pytest.fixture(scope="module")
def balancers(program: Program, peers: Peers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Balancer]]:
    """HAProxy and lbcore."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(watched(one, peers, tmp_path_factory.mktemp("files")))
            for one in (peers.haproxy, program)
        ]


def is_status(lines: list[str]) -> bool:
    """Whether the first view is there, down to the last server."""
    return any("QCUR" in line for line in lines) and any(line.startswith("o1") for line in lines)


def table(lines: list[str]) -> list[list[str]]:
    """The cells of the services; the first line is that of titles. Not of columns that a moment fills, or how long the
    heads are that go out."""
    start = next((at for at, line in enumerate(lines) if line.startswith("NAME")), len(lines))
    end = next((at for at, line in enumerate(lines) if line.startswith(" 1-STATUS")), start)
    if start >= end:
        return []
    rows = [line.split() for line in lines[start:end] if line]
    passing = {at - len(rows[0]) for at, title in enumerate(rows[0]) if title in PASSING}
    return [[cell for at, cell in enumerate(row, -len(row)) if at not in passing] for row in rows]


@pytest.mark.parametrize(("key", "title"), [("1", "QMAX"), ("2", "LBTOT"), ("3", "RTOT"), ("4", "ECONN")])
def test_a_view_is_haproxys(balancers: list[Balancer], key: str, title: str) -> None:
    with Hatop(balancers[0]) as theirs, Hatop(balancers[1]) as ours:
        for one in (theirs, ours):
            one.shows(is_status)
            one.press(key)
            one.shows(lambda lines: any(title in line for line in lines))
        # a screen may be half drawn, and is drawn anew each second
        until(lambda: table(ours.lines) == table(theirs.lines), PATIENCE)
        shown = table(ours.lines)
        assert shown == table(theirs.lines)
        assert len(shown) > 10


def test_keys_change_a_server(balancers: list[Balancer]) -> None:
    for balancer in balancers:
        with Hatop(balancer) as hatop:
            hatop.shows(is_status)
            hatop.select(13, 2)
            hatop.press(F10)
            hatop.shows(lambda lines: any(re.match(r"s2 +\d+ MAINT", line) for line in lines))
            assert balancer.stat("be", "s2")["status"] == "MAINT"
            hatop.press(F9)
            hatop.shows(lambda lines: any(re.match(r"s2 +20 -", line) for line in lines))
            assert balancer.stat("be", "s2")["status"] == "no check"
            hatop.press(F8)
            hatop.shows(lambda lines: any(re.match(r"s2 +30 -", line) for line in lines))
            assert balancer.cli("set weight be/s2 100%;get weight be/s2") == "\n20 (initial 20)\n\n"


def test_commands_are_answered(balancers: list[Balancer]) -> None:
    for balancer in balancers:
        with Hatop(balancer) as hatop:
            hatop.shows(is_status)
            hatop.press("5")
            hatop.shows(lambda lines: any("Type `help'" in line for line in lines))
            hatop.press("get weight be/s1")
            hatop.shows(lambda lines: any("> get weight be/s1" in line for line in lines))
            hatop.press(ENTER)
            hatop.shows(lambda lines: any("10 (initial 10)" in line for line in lines))
