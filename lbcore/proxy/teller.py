"""Tells what has happened, in its order, without keeping anybody waiting who must go on."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from lbcore.event.crew import Crew, print_error
from lbcore.event.task import Task
from lbcore.proxy.lines import Line


class Teller:
    """Lines on their way out. `add` never waits; `flush` and a task of the workers write them, one thread at a time."""

    def __init__(self, crew: Crew, tell: Callable[[Line], None]) -> None:
        self._crew = crew
        self._tell = tell
        self._lines: deque[Line] = deque()
        self._writing = threading.Lock()  # never waited for
        self._task: Task | None = None

    def add(self, line: Line) -> None:
        """Keeps a line until it is written. Any thread."""
        self._lines.append(line)

    def start(self) -> None:
        """From now on workers write. Before the threads start."""
        self._task = self._crew.tasks.add(lambda _why: self.flush())

    def later(self) -> None:
        """Has a worker write what there is; at once if no worker was announced."""
        if not self._lines:
            return
        if self._task is not None:
            self._task.wakeup()
        else:
            self.flush()

    def flush(self) -> None:
        """Writes what there is, unless another thread is about to. Who writes sees what came meanwhile."""
        while self._lines and self._writing.acquire(blocking=False):
            try:
                self._write()
            finally:
                self._writing.release()

    def _write(self) -> None:
        while self._lines:
            try:
                self._tell(self._lines.popleft())
            except Exception as error:  # noqa: BLE001 - what goes on must not end because it cannot be told
                print_error(error)
