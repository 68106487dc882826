"""What each worker thread does before its loop and after it.

A floor that needs something per thread (a poller, log buffers, a trash buffer) adds a hook while the balancer is built.
Each worker then runs them all:

    with hooks.running(worker):
        worker.loop()
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


def nothing(_worker: object) -> None:
    """The deinit of a hook that leaves nothing behind."""


@dataclass(frozen=True, slots=True)
class ThreadHook(Generic[T]):
    """A pair of functions, both called in the worker thread with what `running` was given."""

    init: Callable[[T], object]
    deinit: Callable[[T], object]


class ThreadHooks(Generic[T]):
    """The hooks of one balancer, in the order in which they were added.

    No lock: `add` is called by the thread that builds the balancer, and refused once a worker has begun.
    """

    def __init__(self) -> None:
        self._hooks: list[ThreadHook[T]] = []
        self._frozen = False

    def add(self, init: Callable[[T], object], deinit: Callable[[T], object] = nothing) -> None:
        """Adds a pair behind all others; raises RuntimeError once threads run."""
        if self._frozen:
            raise RuntimeError("thread hooks can only be added before the threads start")
        self._hooks.append(ThreadHook(init, deinit))

    @contextmanager
    def running(self, worker: T) -> Iterator[None]:
        """A block that runs between all inits and, in reverse, all deinits.

        An init that fails undoes those before it, and its exception goes to the caller. A deinit that fails does not
        keep the others from being called; the exception that is raised has the earlier ones as its context.
        """
        self._frozen = True
        with ExitStack() as undo:
            for hook in self._hooks:
                hook.init(worker)
                undo.callback(hook.deinit, worker)
            yield
