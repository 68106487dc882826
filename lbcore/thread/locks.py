"""Labelled locks for `with`, and the set that keeps their figures and checks their order.

    locks = LockSet(order=True)
    guard = SpinLock(Label.SERVER, locks)
    with guard:
        ...

They are the shim's locks (native/include/lock.h): they spin for about a microsecond, then sleep, with the GIL released;
none is recursive. Python has to take the GIL again once it has the lock, so that other threads may wait longer than
the few statements take: what is hot is decided by ownership or by counters instead.

As with any lock in Python code, an exception raised by a signal handler may fall between the lock and the block;
handlers run in the main thread alone, which therefore must not raise from them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from lbcore.shim import check, ffi, lib, text
from lbcore.thread.labels import Label

TEXT_MAX = 128


@dataclass(frozen=True, slots=True)
class LockFigures:
    """What happened to all locks of one label while figures were kept. Times are nanoseconds."""

    writes: int  # acquisitions: spinlocks and writers
    reads: int  # acquisitions: readers
    waits: int  # those of both that found the lock taken
    wait_ns: int
    longest_ns: int


class LockSet:
    """Names, figures and the order check of the locks of one balancer.

    `handle` is what C functions take; the set must live as long as any lock made with it, as the locks of this module
    see to. A set that C made is watched with `LockSet.borrowed`.
    """

    def __init__(self, *, order: bool = False, figures: bool = False, abort: bool = False) -> None:
        handle = lib.lockset_new(0)
        if handle == ffi.NULL:
            raise MemoryError
        self.handle: Any = ffi.gc(handle, lib.lockset_free)
        self.enable(order=order, figures=figures, abort=abort)

    @classmethod
    def borrowed(cls, handle: Any) -> LockSet:
        """A view of a set that somebody else frees, and not before this view is gone."""
        self = cls.__new__(cls)
        self.handle = handle
        return self

    def enable(self, *, order: bool = False, figures: bool = False, abort: bool = False) -> None:
        """Switches the order check and the figures on or off, at any time; `abort` ends the process at a violation."""
        flags = order * lib.LOCK_F_ORDER | figures * lib.LOCK_F_FIGURES | abort * lib.LOCK_F_ABORT
        lib.lockset_enable(self.handle, flags)

    def figures(self, label: Label) -> LockFigures:
        """The figures of all locks with `label`."""
        out: Any = ffi.new("lock_figures *")
        check(lib.lockset_read(self.handle, label, out))
        return LockFigures(out.writes, out.reads, out.waits, out.wait_ns, out.longest_ns)

    @property
    def violations(self) -> int:
        """How often a lock was wanted against the order of nesting."""
        return int(lib.lockset_violations(self.handle))

    @property
    def violation(self) -> str:
        """The first violation in words, empty if there was none."""
        buffer = ffi.new("char[]", TEXT_MAX)
        lib.lockset_violation(self.handle, buffer, TEXT_MAX)
        return text(buffer)


class Guard:
    """One way into a lock, as a context manager. It has no state of its own, so threads share it."""

    __slots__ = ("_handle", "_lock", "_try", "_unlock")

    def __init__(
        self,
        handle: Any,
        lock: Callable[[Any], None],
        unlock: Callable[[Any], None],
        attempt: Callable[[Any], int],
    ) -> None:
        self._handle = handle
        self._lock = lock
        self._unlock = unlock
        self._try = attempt

    def __enter__(self) -> None:
        self._lock(self._handle)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._unlock(self._handle)

    def try_lock(self) -> bool:
        """Takes the lock if nobody is in the way; if this is true, `unlock` must follow."""
        return bool(self._try(self._handle))

    def unlock(self) -> None:
        """Gives up what a successful `try_lock` took."""
        self._unlock(self._handle)


class SpinLock(Guard):
    """A lock that one thread holds: `with lock:`. Without a set there is neither order check nor figures."""

    __slots__ = ("handle", "label", "lockset")

    def __init__(self, label: Label, lockset: LockSet | None = None) -> None:
        handle = lib.spin_new(lockset.handle if lockset else ffi.NULL, label)
        if handle == ffi.NULL:
            raise MemoryError
        self.handle: Any = ffi.gc(handle, lib.spin_del)
        self.label = label
        self.lockset = lockset
        super().__init__(self.handle, lib.spin_lock_py, lib.spin_unlock_py, lib.spin_trylock_py)


class RWLock:
    """A lock that many readers share or one writer has: `with lock.read():`, `with lock.write():`.

    A writer that waits goes before readers that come later. Who reads must not ask to read or write again.
    """

    __slots__ = ("_read", "_write", "handle", "label", "lockset")

    def __init__(self, label: Label, lockset: LockSet | None = None) -> None:
        handle = lib.rw_new(lockset.handle if lockset else ffi.NULL, label)
        if handle == ffi.NULL:
            raise MemoryError
        self.handle: Any = ffi.gc(handle, lib.rw_del)
        self.label = label
        self.lockset = lockset
        self._read = Guard(self.handle, lib.rw_rdlock_py, lib.rw_rdunlock_py, lib.rw_tryrdlock_py)
        self._write = Guard(self.handle, lib.rw_wrlock_py, lib.rw_wrunlock_py, lib.rw_trywrlock_py)

    def read(self) -> Guard:
        """The way in for readers; always the same object."""
        return self._read

    def write(self) -> Guard:
        """The way in for writers; always the same object."""
        return self._write


def locks_held() -> int:
    """How many locks this thread holds, of sets whose order check was on when it took them."""
    return int(lib.lock_held())
