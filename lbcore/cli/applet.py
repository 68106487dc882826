"""Stats sockets: the applet that feeds a session of the CLI."""

from __future__ import annotations

from collections.abc import Callable

from lbcore.cli.registry import Level, Registry
from lbcore.cli.session import Session
from lbcore.cli.views import Process
from lbcore.conn.settings import BindSettings
from lbcore.stream.applet import Outlet


class CliApplet:
    """One connection to a stats socket."""

    def __init__(self, outlet: Outlet, session: Session) -> None:
        self._outlet = outlet
        self._session = session
        self._patience: int | None = None

    def received(self, data: bytes) -> None:
        """Answers what has come; ends the connection when the session is over."""
        self._answer(self._session.feed(data))

    def ended(self) -> None:
        self._answer(self._session.end_of_input())

    def drained(self) -> None:
        """Nothing to do: an answer is put whole."""

    def closed(self) -> None:
        """Nothing is kept."""

    def _answer(self, data: bytes) -> None:
        if data:
            self._outlet.put(data)
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
