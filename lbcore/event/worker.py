"""A worker thread: it polls, and hands out what the shim has for Python."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lbcore.shim import check, ffi, lib

if TYPE_CHECKING:
    from lbcore.event.crew import Crew

Handler = Callable[["Worker", Any], None]  # called with the worker and the event, a `lb_event *`
STOPPING_LOOK = 20  # ms between looks at whether the last connection has ended, during a soft stop


class Worker(threading.Thread):
    """One of a crew's threads. `tid` counts from 0. What the floors above keep per thread hangs on `local`."""

    def __init__(self, crew: Crew, tid: int) -> None:
        super().__init__(name=f"lbcore-{tid + 1}", daemon=True)
        self.crew = crew
        self.engine = crew.engine
        self.tid = tid
        self.local: dict[str, Any] = {}
        self.events = 0  # handed out so far
        self.verdicts: list[bytes] = []  # each an `lb_verdict` with its text, for the next poll; by this thread only
        self.error: BaseException | None = None  # what ended it before its time

    def run(self) -> None:
        """The thread's life. The crew is told when it is ready, and when it has gone."""
        try:
            self._bind_cpus()
            check(lib.eng_thread_init(self.engine.handle, self.tid))
            try:
                with self.crew.hooks.running(self):
                    self.crew.sync.enter(self.tid)
                    try:
                        self.crew.gather()
                        self.crew.opened(self)
                        self.crew.entered(self)
                        self._loop()
                    finally:
                        self.crew.sync.leave(self.tid)
            finally:
                lib.eng_thread_fini(self.engine.handle, self.tid)
        except BaseException as error:  # noqa: BLE001 - told to the crew
            self.error = error
            self.crew.report(error)
        finally:
            self.crew.left(self)

    def _bind_cpus(self) -> None:
        cpus = self.crew.cpu_map.get(self.tid + 1)
        if cpus:
            os.sched_setaffinity(threading.get_native_id(), cpus)

    def _loop(self) -> None:
        handle, tid, crew = self.engine.handle, self.tid, self.crew
        handlers = crew.handlers
        poll, place = lib.eng_poll, lib.eng_events(handle, tid)
        verdicts, nothing = self.verdicts, ffi.NULL
        while not crew.stopping:
            patience = STOPPING_LOOK if crew.finishing else -1
            if verdicts:
                said = verdicts[0] if len(verdicts) == 1 else b"".join(verdicts)
                verdicts.clear()
                n = poll(handle, tid, patience, said, len(said))
            else:
                n = poll(handle, tid, patience, nothing, 0)
            if n < 0:
                check(n)
            if n:
                self.events += n
                events = place[0]
                for i in range(n):
                    event = events[i]
                    try:
                        handlers[event.kind](self, event)
                    except Exception as error:  # noqa: BLE001 - told, and the others go on
                        crew.report(error)
            if crew.finishing and crew.is_finished():
                crew.stop_soon()
