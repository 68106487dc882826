"""Loopback ports that nobody else is given while this process lives.

A port found by binding to 0 may be taken again before the program under test binds it, by another test process or by
the kernel as the source of an outgoing connection. So ports are taken from below the kernel's ephemeral range and
each is claimed with a lock on a file named after it; the kernel drops the lock when the process ends, however it ends.
"""

from __future__ import annotations

import fcntl
import os
import random
import socket
import tempfile
import threading

FIRST_PORT = 11000
LAST_PORT = 31999
HOST = "127.0.0.1"

_claims: dict[int, int] = {}
_claims_lock = threading.Lock()


def free_port() -> int:
    """A TCP and UDP port of 127.0.0.1 that is free now and that stays claimed for this process.

    Raises OSError if nothing is free. Takes the module's lock.
    """
    # Not the shared generator: test plugins seed that one alike in every process, which would make all of them
    # walk through the same ports.
    candidates = random.SystemRandom().sample(range(FIRST_PORT, LAST_PORT + 1), 500)
    with _claims_lock:
        for port in candidates:
            if port not in _claims and _claim(port):
                return port
    raise OSError(f"no free port between {FIRST_PORT} and {LAST_PORT}")


def release_port(port: int) -> None:
    """Gives a claimed port back; harmless if it is not claimed. Takes the module's lock."""
    with _claims_lock:
        fd = _claims.pop(port, None)
    if fd is not None:
        os.close(fd)


def _claim(port: int) -> bool:
    """True if the lock file of `port` is ours now and the port can be bound. The module's lock must be held."""
    fd = os.open(os.path.join(_lock_directory(), str(port)), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        return False
    if not (_bindable(port, socket.SOCK_STREAM) and _bindable(port, socket.SOCK_DGRAM)):
        os.close(fd)
        return False
    _claims[port] = fd
    return True


def _bindable(port: int, kind: socket.SocketKind) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1 if kind == socket.SOCK_STREAM else 0)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _lock_directory() -> str:
    path = os.path.join(tempfile.gettempdir(), f"lbcore-test-ports-{os.getuid()}")
    os.makedirs(path, mode=0o700, exist_ok=True)
    return path
