"""`setcap`: what a process that gives up being root may do all the same (manual 3.1, capabilities(7)).

The kernel takes all capabilities from who changes from root to another user, unless told to keep those permitted
(PR_SET_KEEPCAPS); what may be done is then what is put back from there. They belong to a thread, and are inherited by
those that it makes: so this comes before the workers are made. The C library is spoken to by ctypes, since Python has
none of these calls, and is loaded before another root directory may hide it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

from lbcore.proxy.settings import CAPABILITIES

PR_SET_KEEPCAPS = 8
VERSION_3 = 0x20080522  # of the two calls, whose sets have 64 bits in two halves: effective, permitted, inheritable


class Keeper:
    """Keeps capabilities through a change of the user. Made before it; `settle` is called after it."""

    def __init__(self, names: Iterable[str]) -> None:
        """Raises OSError if the kernel keeps none."""
        self._wanted = sum(1 << CAPABILITIES[name] for name in names)
        if not sys.platform.startswith("linux"):
            raise OSError("capabilities are Linux's")
        import ctypes  # slow to load, and few ask for it

        self._libc = ctypes.CDLL(None, use_errno=True)
        self._errno = ctypes.get_errno
        self._header = (ctypes.c_uint32 * 2)(VERSION_3, 0)
        self._sets = (ctypes.c_uint32 * 6)()
        self._check(self._libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0))

    def settle(self) -> set[str]:
        """Has the wanted capabilities, and no others. Those that it could not have, since the process never had them.

        Raises OSError.
        """
        self._check(self._libc.capget(self._header, self._sets))
        permitted = self._sets[1] | self._sets[4] << 32
        kept = permitted & self._wanted
        low, high = kept & 0xFFFFFFFF, kept >> 32
        self._sets[:] = [low, low, 0, high, high, 0]
        self._check(self._libc.capset(self._header, self._sets))
        missing = self._wanted & ~kept
        return {name for name, number in CAPABILITIES.items() if missing >> number & 1}

    def _check(self, result: int) -> None:
        if result < 0:
            error = self._errno()
            raise OSError(error, os.strerror(error))
