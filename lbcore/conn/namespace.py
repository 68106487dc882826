"""Network namespaces: where `ip netns` keeps them, and sockets that are made in one (Linux)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from lbcore.shim import check, lib

FOLDER = "/run/netns"


def path_of(name: str) -> str:
    """The file that stands for a namespace. Raises ValueError for what is no name."""
    if not name or "/" in name or "\0" in name or name in (".", ".."):
        raise ValueError(f"'{name}' is no name of a network namespace")
    return f"{FOLDER}/{name}"


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
