"""The checks of one kind of one server, one after the other.

    asleep --its date--> (not due: asleep again) --> on its way --result, or too late--> reported --> asleep

A check that only connects, and most do, is a probe of the shim's: one call, and one event that tells how it went. All
others are runs of their program. Belongs to one worker, but for `hurry` and what `States` does to the `CheckState`.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lbcore.check.begun import not_begun
from lbcore.check.run import Program, Run
from lbcore.check.target import Target
from lbcore.check.tcpcheck_connect import Connect
from lbcore.conn.applet import TIMEOUT, Outgoing
from lbcore.event.crew import Crew
from lbcore.event.task import Task
from lbcore.event.worker import Worker
from lbcore.proxy.health import CheckResult, CheckState, CheckStatus
from lbcore.proxy.states import States
from lbcore.shim import lib

_GOOD = CheckStatus.L4OK
_LATE = CheckStatus.L4TOUT


@dataclass(frozen=True, slots=True)
class Around:
    """What all checks of a balancer have in common.

    `transaction(worker, server)` makes what expressions look at, where there are any; `spread` are percent by which
    intervals vary.
    """

    crew: Crew
    states: States
    bufsize: int
    spread: int = 0
    transaction: Callable[[Worker, Any], Any] = lambda worker, server: None


class Check:
    """Makes the checks of `server`, whose results `state` counts."""

    def __init__(
        self,
        around: Around,
        server: Any,
        state: CheckState,
        program: Program,
        target: Target,
        tid: int,
        *,
        connect_ms: int,
        check_ms: int,
    ) -> None:
        """In worker number `tid`. `connect_ms`, `check_ms`: `timeout connect` and `timeout check`, 0: none. Raises
        MemoryError. Called by one thread at a time."""
        self.server = server
        self.state = state
        self.tid = tid
        self._around = around
        self._program = program
        self._target = target
        self._connect_ms = connect_ms
        self._check_ms = check_ms
        self._worker = around.crew.workers[tid]
        self._task: Task = around.crew.tasks.add(self._woken, mask=1 << tid)
        self._run: Run | None = None
        self._probe = self._plain_connect()
        self._begun = 0  # monotonic, ns
        self._deadline = 0  # the same: when the run is late
        self._soon: int | None = None  # ms: what `hurry` asked for meanwhile
        state.hurry = self.hurry
        state.retarget = target.move

    def _plain_connect(self) -> Connect | None:
        """The one step of a program that does nothing but connect, once, to a place that is known; else None."""
        steps = self._program.steps
        if len(steps) != 1 or not isinstance(steps[0], Connect):
            return None
        return steps[0] if steps[0].fixed and self._target.preface(steps[0]) is None else None

    def change(self, program: Program) -> None:
        """Makes other checks from the next one on. At the sync point."""
        self._program = program
        self._probe = self._plain_connect()

    def start(self, ms: int) -> None:
        """Has the first check made in `ms` milliseconds."""
        self._task.schedule_at(ms)

    def stop(self) -> None:
        """Ends them for good. While no worker runs, or all stand still: what is on its way ends with its connection."""
        self._around.crew.tasks.remove(self._task)
        self.state.enabled = False
        self._run = None

    def hurry(self, ms: int) -> None:
        """Has the next check made within `ms` milliseconds. Any thread."""
        self._soon = ms  # first, so that a check that ends at this moment still sees it
        if not self.state.running:
            self._task.schedule(ms)

    # --- the task ---

    def _woken(self, reasons: int) -> None:
        if not self.state.running:
            self._begin()
        elif self._run is not None:
            left = self._deadline - time.monotonic_ns()
            if left <= 0:
                self._run.late()
            else:
                self._task.schedule_at(left // 1_000_000 + 1)

    def _begin(self) -> None:
        state = self.state
        if not state.due or self._around.crew.finishing:
            self._task.schedule_at(self._interval())
            return
        self._soon = None  # what was asked for until now begins here
        state.running = True
        self._begun = time.monotonic_ns()
        if self._probe is not None:
            self._send_probe()
            return
        self._run = Run(
            self._program,
            self._worker,
            self.server,
            self._target,
            limits=(self._patience(), self._check_ms),
            bufsize=self._around.bufsize,
            expire=self._expire,
            over=self._over,
            transaction=self._around.transaction,
        )
        self._run.go()

    def _patience(self) -> int:
        """ms that a connection may take: an interval, and no more than `timeout connect` if the rest of a check has a
        limit of its own (manual 4.2 "timeout check")."""
        inter = self.state.inter
        return min(inter, self._connect_ms) if self._check_ms and self._connect_ms else inter

    def _expire(self, ms: int) -> None:
        self._deadline = time.monotonic_ns() + ms * 1_000_000
        self._task.schedule_at(ms)

    # --- probes: this is their caller ---

    def _send_probe(self) -> None:
        assert self._probe is not None
        port = self._probe.port if isinstance(self._probe.port, int) else None
        conf = self._target.conf(self._probe, port, lib.OUT_PROBE)
        try:
            Outgoing(self._worker, conf, self._patience(), self)
        except OSError as error:
            self._finish_probe(*not_begun(error.errno or 0, conf))

    def connected(self, error: int) -> None:
        if not error:
            self._over(CheckResult(_GOOD, -1, self._program.praise))
        elif error == TIMEOUT:
            self._over(CheckResult(_LATE, -1, self._program.place(self._program.steps[0])))
        else:
            self._finish_probe(CheckStatus.L4CON, os.strerror(error))

    def _finish_probe(self, status: CheckStatus, text: str) -> None:
        self._over(CheckResult(status, -1, text + self._program.place(self._program.steps[0])))

    def received(self, data: bytes) -> None:
        """A probe is gone before that."""

    def ended(self) -> None:
        """As `received`."""

    def drained(self) -> None:
        """As `received`."""

    def closed(self, error: int) -> None:
        """As `received`."""

    # --- the end of one ---

    def _over(self, result: CheckResult) -> None:
        state = self.state
        self._run = None
        ms = (time.monotonic_ns() - self._begun) // 1_000_000
        self._around.states.report(self.server, state, result._replace(duration_ms=ms))
        # Who is in a hurry leaves a note as long as it runs; afterwards nothing may undo the date that he sets.
        self._task.schedule_at(self._interval())
        state.running = False
        soon = self._soon
        if soon is not None:
            self._task.schedule(soon)

    def _interval(self) -> int:
        return varied(self.state.interval(stopped=not self.state.passing), self._around.spread)


def varied(ms: int, percent: int) -> int:
    """An interval made shorter or longer by chance, by so many percent at most (manual 3.2 "spread-checks")."""
    part = ms * percent // 100
    return ms + random.randint(-part, part) if part else ms
