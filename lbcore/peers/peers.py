"""All `peers` sections of a balancer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from lbcore.conn.applet import Applets
from lbcore.conn.settings import BindSettings
from lbcore.event.crew import Crew
from lbcore.event.engine import Engine
from lbcore.peers.section import Around, Say, Section
from lbcore.proxy.frontend import Frontend, Listener
from lbcore.proxy.settings import ProxySettings
from lbcore.shim import lib
from lbcore.table.peering import PeersSettings
from lbcore.table.tables import Tables

HEADROOM = 1024  # bytes of a buffer that messages leave free, as HAProxy's do


class Peers:
    """Built before the threads start; the set of sections does not change afterwards."""

    def __init__(
        self,
        settings: Iterable[PeersSettings],
        tables: Tables,
        crew: Crew,
        *,
        bufsize: int,
        at_once: int,
        log: Callable[[PeersSettings], Say],
    ) -> None:
        """`log` gives what sends lines to a section's targets. Raises MemoryError."""
        self.sections: list[Section] = []
        self.frontends: list[Frontend] = []
        targets = {table.name: table for table in tables}
        for one in settings:
            shared = [table for table in tables if table.settings.peers == one.name]
            tid = _worker_of(one, len(self.sections), len(crew.workers))
            around = Around(crew, bufsize - HEADROOM, at_once, log(one))
            self.sections.append(Section(one, shared, targets, tid, around))

    def __iter__(self) -> Iterator[Section]:
        return iter(self.sections)

    def listen(self, engine: Engine, applets: Applets, failed: Callable[[str, BindSettings, Exception], None]) -> None:
        """Opens the addresses of all sections; `failed` is told of each that could not be had."""
        for section in self.sections:
            binds = [replace(bind, threads=frozenset({section.tid + 1})) for bind in section.settings.binds]
            settings = ProxySettings(section.name, "frontend", binds=binds)
            frontend = Frontend(engine, settings, maxconn=MAXCONN, flow=lib.PX_APPLET)
            frontend.listen(lambda bind, error, name=section.name: failed(name, bind, error))  # type: ignore[misc]
            self.frontends.append(frontend)
            for listener in frontend.listeners:
                applets.serve(listener.index, section.accept)

    def listeners(self) -> Iterator[Listener]:
        """All listeners."""
        for frontend in self.frontends:
            yield from frontend.listeners

    def start(self) -> None:
        """Begins to call. Any thread, once the workers run."""
        for section in self.sections:
            section.start()

    def stop(self) -> None:
        """Ends all sessions. Any thread."""
        for section in self.sections:
            section.stop()


MAXCONN = 1000  # connections of a section at a time; there are as many as peers, and a few that are neither yet


def _worker_of(settings: PeersSettings, place: int, workers: int) -> int:
    """The worker that a section belongs to: the first that its address may be served by, else each in turn."""
    for bind in settings.binds:
        allowed = sorted(number for number in bind.threads or () if number <= workers)
        if allowed:
            return allowed[0] - 1
    return place % workers
