"""Sockets that are made in a network namespace (Linux)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from lbcore.base.netns import path_of
from lbcore.shim import check, lib


@contextmanager
def inside(name: str | None) -> Iterator[None]:
    """The calling thread makes its sockets there meanwhile; None: where it is. Raises OSError, ValueError."""
    if name is None:
        yield
        return
    there = os.open(path_of(name), os.O_RDONLY | os.O_CLOEXEC)
    try:
        home = check(lib.sock_ns_enter(there))
    finally:
        os.close(there)
    try:
        yield
    finally:
        check(lib.sock_ns_leave(home))
