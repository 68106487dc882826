"""Stats sockets: the applet that feeds a session of the CLI."""

from __future__ import annotations

from collections.abc import Callable

from lbcore.cli.registry import Level, Registry
from lbcore.cli.session import MAX_INPUT, Session
from lbcore.cli.views import Process
from lbcore.conn.applet import Outlet
from lbcore.conn.settings import BindSettings

FULL = 65536  # bytes waiting for a client above which it gets no further answer


class CliApplet:
    """One connection to a stats socket.

    Commands are run line by line, and none while the answers to those before it are not taken: a client that asks and
    does not read has the balancer keep one answer, not all.
    """

    def __init__(self, outlet: Outlet, session: Session) -> None:
        self._outlet = outlet
        self._session = session
        self._patience: int | None = None
        self._input = b""
        self._no_more_input = False
        self._full = False  # too much of an answer waits for the client

    def received(self, data: bytes) -> None:
        """Answers what has come; ends the connection when the session is over."""
        self._input += data
        self._work()

    def ended(self) -> None:
        self._no_more_input = True
        self._work()

    def drained(self) -> None:
        self._full = False
        self._work()

    def closed(self) -> None:
        """Nothing is kept."""

    def _work(self) -> None:
        while not (self._full or self._session.closing):
            line, feed, rest = self._input.partition(b"\n")
            if feed or len(line) > MAX_INPUT:
                self._input = rest
                self._answer(self._session.feed(line + feed))
            elif self._no_more_input:
                self._answer(self._session.end_of_input())
            else:
                return

    def _answer(self, data: bytes) -> None:
        if data:
            self._full = self._outlet.put(data) > FULL
        if self._session.timeout_ms != self._patience and self._session.timeout_ms is not None:
            self._patience = self._session.timeout_ms
            self._outlet.patience(self._patience)
        if self._session.closing:
            self._outlet.end()


class CliSockets:
    """Makes the applets of all stats sockets. `registry` is only read."""

    def __init__(self, registry: Registry, process: Process) -> None:
        self._registry = registry
        self._process = process

    def factory(self, bind: BindSettings) -> Callable[[Outlet], CliApplet]:
        """What serves the connections to `bind`, with its level and its severity output."""
        level = Level[bind.level.upper()]

        def make(outlet: Outlet) -> CliApplet:
            return CliApplet(outlet, Session(self._registry, self._process, level, bind.severity_output))

        return make
