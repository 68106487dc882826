"""What clients lose when a server dies under load, stops for a while, or resets connections that nobody uses.

    python -m tests.chaos.killed [ROUNDS]     the figures of HAProxy and of lbcore, in turn on the same servers

A request is lost if it has no answer of a server's: none at all, half of one, or an error page.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from tests.chaos.rig import rig
from tests.peers.haproxy import Program, program_under_test
from tests.peers.installed import Peers
from tests.peers.load import Crowd, Tally, ask
from tests.peers.mortal import Mortal

CLIENTS = 8
BEFORE, DURING, AFTER = 0.25, 0.3, 0.25  # seconds of load around what happens
DELAY = 0.002  # seconds that a server takes, so that requests are under way whenever one dies
IDLE = 0.005  # mean seconds after which an idle connection is reset
CHECKED = ("default-server check inter 50ms fall 2 rise 1",)


def kill(server: Mortal) -> None:
    server.signal(signal.SIGKILL)
    server.wait(5)
    time.sleep(DURING)
    server.start()


def stop(server: Mortal) -> None:
    server.signal(signal.SIGSTOP)
    time.sleep(DURING)
    server.signal(signal.SIGCONT)


def nothing(_: Mortal) -> None:
    time.sleep(DURING)


@dataclass(frozen=True, slots=True)
class Case:
    """What happens to one of two servers, and whether servers are checked."""

    name: str
    happens: Callable[[Mortal], None]
    checks: bool = False
    idle: float = 0.0
    timeout: str = "5s"  # of servers

    @property
    def bound(self) -> int:
        """Requests that a round may cost at most: those that are under way when it happens, and those that the kernel
        took for the server afterwards."""
        return 2 * CLIENTS


CASES = (
    Case("killed", kill),
    Case("killed, with checks", kill, checks=True),
    Case("stopped", stop, timeout="200ms"),
    Case("stopped, with checks", stop, checks=True, timeout="200ms"),
    Case("resets idle connections", nothing, idle=IDLE),
)
LOADS = {
    "GET, kept": Crowd(CLIENTS, 1 << 20, per_connection=1 << 20),
    "GET, closed": Crowd(CLIENTS, 1 << 20, per_connection=1),
    "POST, kept": Crowd(CLIENTS, 1 << 20, per_connection=1 << 20, body=1000),
    "POST, closed": Crowd(CLIENTS, 1 << 20, per_connection=1, body=1000),
}


@contextmanager
def rigs(case: Case, programs: list[Program]) -> Iterator[tuple[list[int], Mortal]]:
    """The ports of balancers before the same two servers, and the one of these that something happens to."""
    with ExitStack() as stack:
        servers = [stack.enter_context(Mortal(delay=DELAY, idle=case.idle)) for _ in range(2)]
        options = CHECKED if case.checks else ()
        places = [server.port for server in servers]
        running = [
            stack.enter_context(rig(one, places, options=options, server_timeout=case.timeout)) for one in programs
        ]
        yield [one.port for one in running], servers[0]


def round_of(port: int, crowd: Crowd, case: Case, server: Mortal) -> Tally:
    """What became of the requests of one round."""
    over = threading.Event()
    found: list[Tally] = []
    load = threading.Thread(target=lambda: found.append(ask(port, crowd, over.is_set)))
    load.start()
    try:
        time.sleep(BEFORE)
        case.happens(server)
        time.sleep(AFTER)
    finally:
        over.set()
        load.join()
    return found[0]


def lost(tally: Tally) -> int:
    """Requests without an answer of a server's."""
    return tally.total - tally.statuses[200] + len(tally.wrong)


def compare(case: Case, crowd: Crowd, programs: list[Program], rounds: int) -> list[Tally]:
    """The sums of all rounds, by program, taken in turns."""
    sums = [Tally() for _ in programs]
    with rigs(case, programs) as (ports, server):
        for _ in range(rounds):
            for tally, port in zip(sums, ports, strict=True):
                tally.add(round_of(port, crowd, case, server))
    return sums


def main(rounds: int) -> None:
    """Prints all figures."""
    programs = [Peers().haproxy, program_under_test()]
    for case in CASES:
        for load, crowd in LOADS.items():
            theirs, ours = compare(case, crowd, programs, rounds)
            told = (f"{lost(t)} of {t.total} {dict(t.statuses)} broken {t.broken}" for t in (theirs, ours))
            print(f"{case.name}; {load}: HAProxy {' | lbcore '.join(told)}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
