"""What workers spend their time on, by event and function, while somebody wants to know: `set profiling tasks on`.

What handles events is replaced by functions that look at the clock, all at once, at the sync point: it costs nothing
otherwise. Times are of Python alone; what the shim does by itself is none of it.
"""

from __future__ import annotations

import time
from threading import get_ident
from typing import TYPE_CHECKING, Any, NamedTuple

from lbcore.shim import lib

if TYPE_CHECKING:
    from lbcore.event.crew import Crew
    from lbcore.event.worker import Handler, Worker

_NAMES = {
    lib.EV_ASK: "questions", lib.EV_DONE: "records", lib.EV_OPEN: "applet_open", lib.EV_DATA: "applet_data",
    lib.EV_EOF: "applet_eof", lib.EV_ROOM: "applet_room", lib.EV_CLOSE: "applet_close",
    lib.EV_CONNECTED: "connected", lib.EV_SESSION_END: "session_end", lib.EV_ERRORS: "server_errors",
    lib.EV_PASSED: "passed",
}  # fmt: skip
UNTIMED = (lib.EV_SYNC,)  # waits for others


def event_name(crew: Crew, kind: int, event: Any) -> str:
    """What a kind of events is called, or the task that is due."""
    return crew.tasks.name_of(event) if kind == lib.EV_TASK else _NAMES.get(kind, f"event_{kind}")


class Profiled(NamedTuple):
    """A function, how often it was called since the last `start()`, and the CPU time that it took."""

    name: str
    calls: int
    cpu_ns: int


class Profile:
    """The profile of a crew. `start` and `stop` are called by any thread that holds no lock."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self._plain: dict[int, Handler] | None = None
        # By thread and name, so that each row is written by one thread: calls and ns.
        self._rows: dict[tuple[int, str], list[int]] = {}

    @property
    def on(self) -> bool:
        """Whether times are taken."""
        return self._plain is not None

    def start(self) -> None:
        """Takes times from now on; forgets what was before."""
        self._crew.together(self._wrap)

    def stop(self) -> None:
        """Takes none any more; those that were taken stay."""
        self._crew.together(self._unwrap)

    def rows(self) -> list[Profiled]:
        """What has taken most comes first. A snapshot."""
        sums: dict[str, list[int]] = {}
        for (_thread, name), (calls, cpu) in list(self._rows.items()):
            row = sums.setdefault(name, [0, 0])
            row[0] += calls
            row[1] += cpu
        found = (Profiled(name, calls, cpu) for name, (calls, cpu) in sums.items())
        return sorted(found, key=lambda row: (-row.cpu_ns, row.name))

    def _wrap(self) -> None:
        self._rows.clear()
        if self._plain is not None:
            return
        handlers = self._crew.handlers
        self._plain = dict(handlers)
        for kind, handler in self._plain.items():
            if kind not in UNTIMED:
                handlers[kind] = self._timed(kind, handler)

    def _unwrap(self) -> None:
        if self._plain is not None:
            self._crew.handlers.update(self._plain)
            self._plain = None

    def _timed(self, kind: int, handler: Handler) -> Handler:
        def handle(worker: Worker, event: Any) -> None:
            name = event_name(self._crew, kind, event)
            begun = time.thread_time_ns()
            try:
                handler(worker, event)
            finally:
                row = self._rows.setdefault((get_ident(), name), [0, 0])
                row[0] += 1
                row[1] += time.thread_time_ns() - begun

        return handle
