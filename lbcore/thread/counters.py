"""A counter that any thread may change at any time, without a lock."""

from __future__ import annotations

from typing import Any

from lbcore.shim import ffi, lib


class Counter:
    """A 64-bit number, zero at first; arithmetic wraps. `handle` is its `uint64_t *`, for C to count along."""

    __slots__ = ("handle",)

    def __init__(self) -> None:
        handle = lib.ctr_new()
        if handle == ffi.NULL:
            raise MemoryError
        self.handle: Any = ffi.gc(handle, lib.ctr_del)

    def add(self, n: int = 1) -> int:
        """The value after adding `n`, 0 to 2^64-1. No lock."""
        return int(lib.ctr_add(self.handle, n))

    def sub(self, n: int = 1) -> int:
        """The value after subtracting `n`. No lock."""
        return int(lib.ctr_sub(self.handle, n))

    def max(self, n: int) -> int:
        """The value after raising it to `n` if it was lower. No lock."""
        return int(lib.ctr_max(self.handle, n))

    def inc_below(self, limit: int) -> int:
        """The value after adding one, or 0 if it had reached `limit`; a limit of 0 is none. No lock."""
        return int(lib.ctr64_inc_below(self.handle, limit))

    @property
    def value(self) -> int:
        """The value now."""
        return int(lib.ctr_read(self.handle))
