"""A network namespace as `ip netns add` makes one, with its loopback device up. Takes root."""

from __future__ import annotations

import ctypes
import fcntl
import itertools
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lbcore.base.netns import FOLDER, path_of
from lbcore.conn.namespace import inside

_CLONE_NEWNET = 0x40000000
_MS_BIND = 0x1000
_MNT_DETACH = 2
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1
_numbers = itertools.count()
_libc = ctypes.CDLL(None, use_errno=True)


def _call(name: str, *arguments: object) -> None:
    if getattr(_libc, name)(*arguments) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{name}: {os.strerror(error)}")


def _make(path: str) -> None:
    """By a thread of its own, whose namespace becomes the new one."""
    _call("unshare", _CLONE_NEWNET)
    with socket.socket() as sock:
        fcntl.ioctl(sock, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", _IFF_UP))
    os.makedirs(FOLDER, exist_ok=True)
    with open(path, "x"):
        pass
    _call("mount", b"/proc/thread-self/ns/net", path.encode(), None, _MS_BIND, None)


def in_thread(work: Callable[[], object]) -> None:
    """Runs it in a thread of its own. Raises what it raised."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised again below
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]


@contextmanager
def namespace() -> Iterator[str]:
    """The name of a new namespace. Raises OSError without the privilege."""
    name = f"lbcore-{os.getpid()}-{next(_numbers)}"
    path = path_of(name)
    try:
        in_thread(lambda: _make(path))
        yield name
    finally:
        if os.path.exists(path):
            _libc.umount2(path.encode(), _MNT_DETACH)
            os.unlink(path)


def may_have_one() -> bool:
    """Whether this process may make namespaces."""
    try:
        with namespace() as name, inside(name):
            return True
    except OSError:
        return False


def server_in(name: str) -> socket.socket:
    """A socket that listens on a port of the namespace's loopback."""
    with inside(name):
        return socket.create_server(("127.0.0.1", 0))


def connected_in(name: str, port: int) -> socket.socket:
    """A connection to a port of the namespace's loopback."""
    with inside(name):
        return socket.create_connection(("127.0.0.1", port), timeout=10)
