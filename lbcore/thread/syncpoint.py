"""The sync point: all worker threads meet, one of them does the work, the others stand still meanwhile.

What all threads must see change at once (server states, a recalculated map) is handed to `request`, by any thread.
Every worker looks at `pending` once per loop and calls `meet` if it is true. The last one to arrive runs what was
requested, in order; then all go on.

A worker takes part between `enter` and `leave`. Who leaves no longer counts, and runs the work itself if the others
were waiting for it alone. While there is no worker, before the start and after the stop, a request is run at once: by
the thread that makes it, or by one that is running an earlier request.

The lock here is Python's own: threads have to wait for each other, not for a structure, and it is held for a few
statements. It is never held while the work runs or a thread is woken. A worker must hold no lock when it meets.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from lbcore.thread.locks import locks_held


class SyncRequest:
    """Work that was handed to the sync point."""

    def __init__(self, work: Callable[[], object]) -> None:
        self._work = work
        self._done = threading.Event()
        self._error: BaseException | None = None

    def run(self) -> None:
        """Does the work; an exception is kept for `wait`. Only the sync point calls this."""
        try:
            self._work()
        except BaseException as e:  # noqa: BLE001 - whoever asked is told, and the threads go on
            self._error = e
        finally:
            self._done.set()

    @property
    def done(self) -> bool:
        """Whether the work was done, or failed."""
        return self._done.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        """Whether the work was done within `timeout` seconds; raises what the work raised. Never from a worker: the
        work waits for that worker to meet."""
        finished = self._done.wait(timeout)
        if self._error is not None:
            raise self._error
        return finished


class SyncPoint:
    """Where up to `nthreads` workers meet. `wake` makes all of them look at `pending` soon, from any thread."""

    def __init__(self, nthreads: int, wake: Callable[[], object]) -> None:
        self.pending = False  # read without a lock; written under it
        self._nthreads = nthreads
        self._wake = wake
        self._cond = threading.Condition(threading.Lock())
        # All below is guarded by _cond.
        self._members: set[int] = set()
        self._arrived: set[int] = set()
        self._queue: list[SyncRequest] = []
        self._busy = False  # somebody runs the work
        self._meetings = 0

    @property
    def arrived(self) -> int:
        """How many workers wait for the others now."""
        return len(self._arrived)

    def enter(self, tid: int) -> None:
        """Makes thread `tid`, 0 to nthreads-1, a worker that meetings wait for; waits for one that is under way."""
        if not 0 <= tid < self._nthreads:
            raise ValueError(f"thread {tid} is not one of {self._nthreads}")
        with self._cond:
            if tid in self._members:
                raise RuntimeError(f"thread {tid} is at the sync point already")
            self._cond.wait_for(lambda: not self._busy)
            self._members.add(tid)

    def leave(self, tid: int) -> None:
        """Lets meetings go on without thread `tid`; runs the work if they waited for it alone."""
        with self._cond:
            self._members.discard(tid)
        self._hold_meeting()

    def request(self, work: Callable[[], object]) -> SyncRequest:
        """Has `work` run once, by one thread, while all workers stand still. From any thread, also from such work."""
        request = SyncRequest(work)
        with self._cond:
            self._queue.append(request)
            self.pending = True
        if not self._hold_meeting():
            self._wake()
        return request

    def meet(self, tid: int) -> None:
        """Waits for all other workers if there is work to do, and returns when it is done.

        Raises RuntimeError if this thread is no worker or holds a lock, as the thread that runs the work may want it.
        """
        if held := locks_held():
            raise RuntimeError(f"{held} locks are held at the sync point")
        with self._cond:
            if tid not in self._members:
                raise RuntimeError(f"thread {tid} is not at the sync point")
            if not self.pending:
                return
            meeting = self._meetings
            self._arrived.add(tid)
        if not self._hold_meeting():
            with self._cond:
                self._cond.wait_for(lambda: self._meetings != meeting)

    def _hold_meeting(self) -> bool:
        """Runs the queue if all workers are here and nobody does yet; whether it did.

        Where there is no worker it goes on with what was requested meanwhile, as nobody else would.
        """
        held = False
        while queue := self._begin():
            for request in queue:
                request.run()
            self._end()
            held = True
        return held

    def _begin(self) -> list[SyncRequest]:
        """The work of a meeting that is complete and now belongs to this thread, else nothing."""
        with self._cond:
            if self._busy or self._arrived != self._members:
                return []
            queue, self._queue = self._queue, []
            self._busy = bool(queue)
            return queue

    def _end(self) -> None:
        """Lets everybody go. What was requested meanwhile is for the next meeting."""
        with self._cond:
            self._busy = False
            self._arrived.clear()
            self._meetings += 1
            self.pending = bool(self._queue)
            self._cond.notify_all()
