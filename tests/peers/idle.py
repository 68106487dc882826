"""Connections that make one request each and then wait: for memory figures and crowds."""

from __future__ import annotations

import resource
import socket

from tests.peers.framing import message_length
from tests.peers.ports import HOST
from tests.peers.process import PeerError

_BATCH = 100  # below any backlog, so that no connection attempt is dropped and retried a second later
_OWN_FDS = 200


def open_idle(port: int, path: str, count: int) -> list[socket.socket]:
    """`count` connections to 127.0.0.1:`port` that have had one reply each. Raises PeerError if one has not."""
    _allow_descriptors(count + _OWN_FDS)
    connections: list[socket.socket] = []
    try:
        while len(connections) < count:
            size = min(_BATCH, count - len(connections))
            connections += [socket.create_connection((HOST, port), timeout=10) for _ in range(size)]
            ask_all(connections[-size:], path)
    except BaseException:
        close_all(connections)
        raise
    return connections


def ask_all(connections: list[socket.socket], path: str) -> None:
    """Asks on all of them at once, then reads all replies. Raises PeerError if one is not a 200."""
    request = f"GET {path} HTTP/1.1\r\nHost: idle\r\n\r\n".encode()
    for connection in connections:
        connection.sendall(request)
    for connection in connections:
        _read_reply(connection)


def close_all(connections: list[socket.socket]) -> None:
    """Closes them."""
    for connection in connections:
        connection.close()


def _read_reply(connection: socket.socket) -> None:
    reply = b""
    while message_length(reply, response=True) is None:
        data = connection.recv(65536)
        if not data:
            raise PeerError(f"an idle connection ended after {reply!r}")
        reply += data
    if not reply.startswith(b"HTTP/1.1 200 "):
        raise PeerError(f"an idle connection was answered {reply[:80]!r}")


def _allow_descriptors(count: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if count > hard != resource.RLIM_INFINITY:
        raise PeerError(f"{count} descriptors are needed and {hard} allowed")
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))
