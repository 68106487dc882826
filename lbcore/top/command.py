"""`lbcore top`: its words, its loop."""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Sequence

from lbcore.top.client import AddressError, StatsSocket
from lbcore.top.sample import AnswerError, Sample, parse
from lbcore.top.screen import Look, lines, plain
from lbcore.top.terminal import Terminal, is_terminal

GOOD, FAILED = 0, 1
PAGE = 10  # rows that a page key moves


def parser() -> argparse.ArgumentParser:
    """The words that it takes."""
    options = argparse.ArgumentParser(
        prog="lbcore top",
        description="Shows the figures of a running balancer (lbcore or HAProxy), updated in place. "
        "Where the output is no terminal, each update is printed below the last.",
    )
    options.add_argument("-s", dest="socket", required=True, metavar="SOCKET", help="a stats socket: path or host:port")
    options.add_argument("-d", dest="delay", type=_seconds, default=1.0, metavar="SECONDS", help="between two updates")
    options.add_argument("-n", dest="count", type=int, default=0, metavar="N", help="ends after N updates")
    return options


def _seconds(text: str) -> float:
    value = float(text)
    if not 0.1 <= value <= 3600:
        raise argparse.ArgumentTypeError("from 0.1 to 3600 seconds")
    return value


def top(given: Sequence[str]) -> int:
    """Shows what the words ask for, until somebody ends it; the exit code."""
    options = parser()
    chosen = options.parse_args(given)
    try:
        where = StatsSocket(chosen.socket)
    except AddressError as error:
        options.error(f"argument -s: {error}")
    try:
        if is_terminal():
            with Terminal() as terminal:
                _watch(terminal, where, chosen.delay, chosen.count)
        else:
            _print(where, chosen.delay, chosen.count or 1)
    except (OSError, AnswerError) as error:
        print(f"lbcore top: {chosen.socket}: {getattr(error, 'strerror', None) or error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        pass
    return GOOD


def take(where: StatsSocket, before: Sample | None) -> Sample:
    """What it says now. Raises OSError, AnswerError."""
    info, stat = where.ask("show info", "show stat")
    return parse(time.monotonic(), info, stat).follow(before)


def _print(where: StatsSocket, delay: float, count: int) -> None:
    sample = None
    for number in range(count):
        if number:
            time.sleep(delay)
        sample = take(where, sample)
        width = shutil.get_terminal_size((120, 0)).columns
        sys.stdout.write(plain(lines(sample, Look(), width, len(sample.rows) + 4)[:-1]))
        sys.stdout.flush()


def _watch(terminal: Terminal, where: StatsSocket, delay: float, count: int) -> None:
    look = Look()
    sample = take(where, None)
    taken, due = 1, time.monotonic() + delay
    while True:
        terminal.show(lines(sample, look, *terminal.size))
        key = terminal.key(due - time.monotonic())
        if key == "q" or (not key and count and taken >= count):
            return
        press(look, key)
        if time.monotonic() >= due:
            due = time.monotonic() + delay
            if not look.paused:
                sample = take(where, sample)
                taken += 1


def press(look: Look, key: str) -> None:
    """What a key does to the look."""
    if key in _MOVES:
        look.first = max(0, look.first + _MOVES[key])
    elif key == "s":
        look.turn_sort()
    elif key == "v":
        look.turn_view()
    elif key == "p":
        look.paused = not look.paused


_MOVES = {"up": -1, "down": 1, "page up": -PAGE, "page down": PAGE, "k": -1, "j": 1}
