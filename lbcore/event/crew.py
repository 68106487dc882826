"""All worker threads of one balancer."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from lbcore.event.engine import Engine
from lbcore.event.task import Tasks
from lbcore.event.worker import Handler, Worker
from lbcore.shim import lib
from lbcore.thread.hooks import ThreadHooks
from lbcore.thread.syncpoint import SyncPoint

START_TIMEOUT = 30.0  # seconds that threads have to get ready


def print_error(error: BaseException) -> None:
    """Writes a traceback to standard error: the default for errors in a worker, which must not end it."""
    traceback.print_exception(error, file=sys.stderr)


class Crew:
    """The threads that drive `engine`. Built and started by one thread; `stop_soon`, `finish`, `wait` are for any.

    `handlers` maps kinds of events (EV_*) to functions; whoever needs a kind sets it before the start.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        cpu_map: Mapping[int, frozenset[int]] | None = None,
        report: Callable[[BaseException], None] = print_error,
    ) -> None:
        self.engine = engine
        self.cpu_map = cpu_map or {}
        self.report = report
        self.hooks: ThreadHooks[Worker] = ThreadHooks()
        self.sync = SyncPoint(engine.nbthread, self._ask_sync)
        self.tasks = Tasks(engine)
        self.opened: Callable[[Worker], None] = lambda worker: None  # called in each, when all are there
        self.stopping = False  # written once, read by all threads without a lock
        self.finishing = False
        self.handlers: dict[int, Handler] = {
            lib.EV_TASK: lambda worker, event: self.tasks.run(event),
            lib.EV_SYNC: lambda worker, event: self.sync.meet(worker.tid),
        }
        self.workers = [Worker(self, tid) for tid in range(engine.nbthread)]
        self._cond = threading.Condition()
        self._entered = 0  # under _cond
        self._ready = 0  # under _cond
        self._gone = 0  # under _cond
        self._started = False
        self._linger: Callable[[], bool] = lambda: False

    def start(self) -> None:
        """Returns when all threads are in their loops. Raises what the first thread raised that could not get there,
        RuntimeError if the system has no thread for us; the others are stopped then."""
        self._started = True
        try:
            for worker in self.workers:
                worker.start()
        except RuntimeError:
            self.stop_soon()
            self.wait(START_TIMEOUT)
            raise
        count = len(self.workers)
        with self._cond:
            self._cond.wait_for(lambda: self._ready == count or self._gone > 0, START_TIMEOUT)
            complete = self._ready == count
        if complete:
            return
        self.stop_soon()
        self.wait(START_TIMEOUT)
        raise next((w.error for w in self.workers if w.error), RuntimeError("worker threads did not start"))

    def gather(self) -> None:
        """Returns when all workers have come this far, or some never will. Called by each; none accepts before."""
        count = len(self.workers)
        with self._cond:
            self._entered += 1
            self._cond.notify_all()
            self._cond.wait_for(lambda: self._entered == count or self._gone > 0 or self.stopping, START_TIMEOUT)

    def entered(self, worker: Worker) -> None:
        """`worker` is about to loop. Called by it."""
        with self._cond:
            self._ready += 1
            self._cond.notify_all()

    def left(self, worker: Worker) -> None:
        """`worker` has ended. Called by it. One that ends before its time takes the others along."""
        with self._cond:
            self._gone += 1
            self._cond.notify_all()
        if not self.stopping:
            self.stop_soon()

    def finish(self, linger: Callable[[], bool] = lambda: False) -> None:
        """Soft stop: ends the threads as soon as no client is connected and `linger` says that nothing else runs."""
        self._linger = linger
        self.finishing = True
        if self.engine.is_open:
            lib.eng_stopping(self.engine.handle)
            self._wake_all()

    def is_finished(self) -> bool:
        """Whether a soft stop has nothing left to wait for."""
        return not self.engine.live.actconn and not self._linger()

    def stop_soon(self) -> None:
        """Has all threads end, whatever they do. Returns at once."""
        with self._cond:
            self.stopping = True
            self._cond.notify_all()
        self._wake_all()

    def wait(self, timeout: float | None = None) -> bool:
        """Whether all threads have ended, after waiting `timeout` seconds for that at most."""
        if not self._started:
            return True
        deadline = None if timeout is None else time.monotonic() + timeout
        begun = [worker for worker in self.workers if worker.ident is not None]
        with self._cond:
            if not self._cond.wait_for(lambda: self._gone == len(begun), timeout):
                return False
        for worker in begun:
            worker.join(None if deadline is None else max(0.0, deadline - time.monotonic()))
        return not any(worker.is_alive() for worker in begun)

    def together(self, work: Callable[[], object]) -> None:
        """Has `work` run once while all workers stand still, and returns when it is done; raises what it raised.

        From any thread that holds no lock, a worker among them, but not from such work.
        """
        request = self.sync.request(work)
        here = threading.current_thread()
        if isinstance(here, Worker) and here.crew is self:
            self.sync.meet(here.tid)
        request.wait()

    def _wake_all(self) -> None:
        if not self.engine.is_open:
            return
        for worker in self.workers:
            lib.eng_wake(self.engine.handle, worker.tid)

    def _ask_sync(self) -> Any:
        lib.eng_ask_sync(self.engine.handle)
