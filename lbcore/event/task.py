"""Tasks: Python functions that worker threads run when their time has come or somebody wakes them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from lbcore.event.engine import Engine
from lbcore.shim import ffi, lib

TICKS = 0xFFFFFFFF
ALL_THREADS = 0


def tick_in(ms: int) -> int:
    """The tick that lies `ms` milliseconds ahead; never 0, which means "never"."""
    return (time.monotonic_ns() // 1_000_000 + ms) & TICKS or 1


class Task:
    """A function with a date. It never runs on two threads at a time; who wakes it while it runs has it run again.

    Methods may be called from any thread; once the task is freed they do nothing.
    """

    __slots__ = ("cookie", "handle", "run", "sched")

    def __init__(self, sched: Any, handle: Any, cookie: int, run: Callable[[int], None]) -> None:
        self.sched = sched  # `tasksched *` and `task *`, for the shim's functions that wake it
        self.handle = handle
        self.cookie = cookie
        self.run = run

    @property
    def name(self) -> str:
        """What it runs: `check.check.Check._run`."""
        run = self.run
        module = getattr(run, "__module__", None) or type(run).__module__
        return f"{module}.{getattr(run, '__qualname__', type(run).__qualname__)}".removeprefix("lbcore.")

    @property
    def state(self) -> int:
        """TASK_* of the moment."""
        handle = self.handle
        return 0 if handle is None else int(handle.state)

    def wakeup(self, reason: int = lib.TASK_WOKEN_OTHER) -> None:
        """Has it run soon, by a thread of its mask."""
        handle = self.handle
        if handle is not None:
            lib.task_wakeup(self.sched, handle, reason)

    def schedule(self, ms: int) -> None:
        """Has it run in `ms` milliseconds, or at its present date if that is sooner."""
        handle = self.handle
        if handle is not None:
            lib.task_schedule(self.sched, handle, tick_in(ms))

    def schedule_at(self, ms: int | None) -> None:
        """Has it run in `ms` milliseconds and at no other date; None: at none."""
        handle = self.handle
        if handle is not None:
            lib.task_queue_at(self.sched, handle, 0 if ms is None else tick_in(ms))

    def free(self) -> None:
        """Ends it; if it is running, after that run. While nobody else calls a method: at the sync point, or from the
        task itself."""
        handle, self.handle = self.handle, None
        if handle is not None:
            lib.task_free(self.sched, handle)


class Tasks:
    """All tasks of an engine. The table is written by `add` and `remove`, which take no lock: a dict's item is one step
    for any interpreter, and a cookie is never used twice.
    """

    def __init__(self, engine: Engine) -> None:
        self.sched = lib.eng_tasks(engine.handle)
        self._table: dict[int, Task] = {}
        self._last = 0
        self._adding = threading.Lock()

    def add(self, run: Callable[[int], None], *, mask: int = ALL_THREADS, nice: int = 0) -> Task:
        """A new task, asleep. `run` is called with the reasons (TASK_WOKEN_*); `mask`: threads that may run it, by bit;
        `nice`: -1024 to 1024, the lowest first. Any thread. Raises MemoryError."""
        with self._adding:
            self._last += 1
            cookie = self._last
        handle = lib.task_new(self.sched, mask, cookie, nice)
        if handle == ffi.NULL:
            raise MemoryError
        task = self._table[cookie] = Task(self.sched, handle, cookie, run)
        return task

    def remove(self, task: Task) -> None:
        """Forgets and frees it."""
        if self._table.pop(task.cookie, None) is not None:
            task.free()

    def close(self) -> None:
        """Forgets and frees all of them. Once no worker runs, before the engine is closed."""
        for task in list(self._table.values()):
            self.remove(task)

    def queued(self) -> Iterator[str]:
        """The names of those that wait to be run, or run. At the sync point."""
        for task in list(self._table.values()):
            if task.state & (lib.TASK_QUEUED | lib.TASK_RUNNING):
                yield task.name

    def name_of(self, event: Any) -> str:
        """The name of what an EV_TASK event asks for."""
        task = self._table.get(event.handle)
        return "freed_task" if task is None else task.name

    def run(self, event: Any) -> None:
        """Runs what an EV_TASK event asks for, in the thread that got it. What the function raises is raised."""
        task = self._table.get(event.handle)
        try:
            if task is not None:
                task.run(event.arg)
        finally:
            lib.task_done(self.sched, ffi.cast("task *", event.data))
