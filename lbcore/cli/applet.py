"""Stats sockets: the applet that feeds a session of the CLI."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Generator, Iterator

from lbcore.cli.registry import Level, Pause, Registry
from lbcore.cli.session import MAX_INPUT, Session
from lbcore.cli.views import Process
from lbcore.conn.applet import Outlet
from lbcore.conn.settings import BindSettings
from lbcore.event.task import Task

FULL = 65536  # bytes waiting for a client above which it gets no further answer
TURN_NS = 2_000_000  # how long the commands of a client may keep a thread before it looks at its other connections


class CliApplet:
    """One connection to a stats socket.

    Commands are run line by line, and none while the answers to those before it are not taken: a client that asks and
    does not read has the balancer keep one answer, not all. What takes long is done in turns of TURN_NS, between which
    the thread does its other work.
    """

    def __init__(self, outlet: Outlet, session: Session, patience: int = 0) -> None:
        """`patience`: ms that the client may be silent at first, 0: for ever."""
        self._outlet = outlet
        self._session = session
        self._patience = patience
        self._input = b""
        self._no_more_input = False
        self._resting = False  # until the client has taken what waits, or the thread has looked round
        self._clock: Task | None = None  # of pauses
        self._paused = False
        self._answers: Iterator[bytes | Pause] = iter(())  # what is yet to come of the line that was last fed

    def received(self, data: bytes) -> None:
        """Answers what has come; ends the connection when the session is over. A pause is over, too."""
        self._input += data
        self._session.interrupted = self._paused
        self._go_on()

    def ended(self) -> None:
        self._no_more_input = True
        self._work()

    def drained(self) -> None:
        self._resting = False
        self._work()

    def closed(self) -> None:
        """The rest of an answer is not wanted; the command tidies up."""
        if self._clock is not None:
            self._outlet.worker.crew.tasks.remove(self._clock)
            self._clock = None
        answers, self._answers = self._answers, iter(())
        if isinstance(answers, Generator):
            answers.close()

    def _work(self) -> None:
        until = time.monotonic_ns() + TURN_NS
        while not (self._resting or self._paused):
            data = next(self._answers, None)
            if isinstance(data, Pause):
                self._pause(data.ms)
            elif data is not None:
                self._put(data, until)
            elif not self._next_line():
                return

    def _put(self, data: bytes, until: int) -> None:
        """Sends a piece of an answer; what follows waits if that is enough for now, and is not wanted by a client that
        has gone meanwhile, of which `closed()` will be told."""
        try:
            waiting = self._outlet.put(data) if data else 0
        except OSError:
            self._resting = True
            return
        late = time.monotonic_ns() >= until
        if late and not waiting:
            self._outlet.put(b"")  # for the sake of being told that it has gone
        self._resting = late or waiting > FULL

    def _pause(self, ms: int) -> None:
        """Goes on in `ms` milliseconds, in this thread. What was sent may leave meanwhile, and the client is silent for
        as long as that takes."""
        self._paused = True
        self._outlet.patience(0)
        if self._clock is None:
            worker = self._outlet.worker
            self._clock = worker.crew.tasks.add(lambda _why: self._go_on(), mask=1 << worker.tid)
        self._clock.schedule_at(ms)

    def _go_on(self) -> None:
        if self._paused:
            self._paused = False
            self._outlet.patience(self._patience)
        self._work()

    def _next_line(self) -> bool:
        """Looks after what the last line has changed, then runs the next one; False if there is none."""
        if self._session.timeout_ms != self._patience and self._session.timeout_ms is not None:
            self._patience = self._session.timeout_ms
            self._outlet.patience(self._patience)
        if self._session.closing:
            self._outlet.end()
            return False
        line, feed, rest = self._input.partition(b"\n")
        if feed or len(line) > MAX_INPUT:
            self._input = rest
            self._session.interrupted = False
            self._answers = self._session.answers(line + feed)
            return True
        if self._no_more_input:
            self._session.end_of_input()
            self._outlet.end()
        return False


class CliSockets:
    """Makes the applets of all stats sockets. `registry` is only read."""

    def __init__(self, registry: Registry, process: Process, patience: int = 0) -> None:
        """`patience` is `stats timeout`, ms; 0: none."""
        self._patience = patience
        self._registry = registry
        self._process = process

    def factory(self, bind: BindSettings) -> Callable[[Outlet], CliApplet]:
        """What serves the connections to `bind`, with its level and its severity output."""
        level = Level[bind.level.upper()]

        def make(outlet: Outlet) -> CliApplet:
            session = Session(self._registry, self._process, level, bind.severity_output)
            if bind.exposes_fds and bind.address.family == socket.AF_UNIX:
                session.give = outlet.give
            return CliApplet(outlet, session, self._patience)

        return make
