"""Servers that misbehave on purpose, and the good one to stand beside them.

A behaviour is a function that is given each accepted connection and returns when it is done with it; the connection is
closed then. `Chaos` runs one behaviour on one port, a thread per connection.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from tests.peers.closing import Closing
from tests.peers.framing import message_length, read_head
from tests.peers.ports import HOST, free_port, release_port

Behaviour = Callable[[socket.socket], None]

_BACKLOG = 1024
_PATIENCE_SECONDS = 30.0
_DRIP_SECONDS = 0.002


class Chaos(Closing):
    """A listening server with one behaviour. `port` is on 127.0.0.1; `accepted` counts its connections."""

    def __init__(self, behaviour: Behaviour, listener: socket.socket | None = None) -> None:
        """`listener`: what it accepts from, instead of a port of its own."""
        self._taken = free_port() if listener is None else 0
        self._behaviour = behaviour
        self._listener = listener or socket.create_server((HOST, self._taken), backlog=_BACKLOG)
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()  # guarded by _lock
        self.accepted = 0  # written by the accepting thread only
        self._acceptor = threading.Thread(target=self._accept, name="chaos-accept", daemon=True)
        self._acceptor.start()

    def close(self) -> None:
        """Stops listening and ends all connections; harmless if done before."""
        _shut(self._listener)
        self._acceptor.join()
        self._listener.close()
        with self._lock:
            for connection in self._open:
                _shut(connection)
        if self._taken:
            release_port(self._taken)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.accepted += 1
            with self._lock:
                self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), name="chaos", daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            connection.settimeout(_PATIENCE_SECONDS)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._behaviour(connection)
        except OSError:
            pass  # the other side left: what a chaos server deserves
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()


class Refusing(Closing):
    """A port on which every connection is refused, for as long as the object is open."""

    def __init__(self) -> None:
        self.port = free_port()

    def close(self) -> None:
        release_port(self.port)


class Gate:
    """A behaviour that reads a request, tells so, and answers only when it is opened."""

    def __init__(self) -> None:
        self._opened = threading.Event()
        self._changed = threading.Condition()
        self._waiting = 0  # guarded by _changed

    def __call__(self, connection: socket.socket) -> None:
        _, request = read_request(connection, b"")
        with self._changed:
            self._waiting += 1
            self._changed.notify_all()
        self._opened.wait(_PATIENCE_SECONDS)
        connection.sendall(echo(request))
        good(connection)

    def open(self) -> None:
        """Lets all answers go."""
        self._opened.set()

    def wait_for(self, count: int, seconds: float) -> bool:
        """True once `count` requests have come, False if they have not within `seconds`."""
        with self._changed:
            return self._changed.wait_for(lambda: self._waiting >= count, seconds)


def good(connection: socket.socket) -> None:
    """Answers every request with its own target as the body, until the other side closes."""
    pending = b""
    while True:
        pending, request = read_request(connection, pending)
        if not request:
            return
        connection.sendall(echo(request))


def reset_at_once(connection: socket.socket) -> None:
    """Resets the connection as soon as it is accepted."""
    _reset(connection)


def reset_after_request(connection: socket.socket) -> None:
    """Reads a request and resets before a byte of an answer."""
    read_request(connection, b"")
    _reset(connection)


def close_after_request(connection: socket.socket) -> None:
    """Reads a request and closes before a byte of an answer."""
    read_request(connection, b"")


def reset_mid_head(connection: socket.socket) -> None:
    """Resets in the middle of the response's head."""
    read_request(connection, b"")
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Le")
    _reset(connection)


def close_mid_body(connection: socket.socket) -> None:
    """Announces more than it sends."""
    read_request(connection, b"")
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")


def garbage(connection: socket.socket) -> None:
    """Answers what is no HTTP."""
    read_request(connection, b"")
    connection.sendall(bytes(range(256)) * 4 + b"\r\n\r\n")


def long_head(connection: socket.socket) -> None:
    """Sends a head that no buffer holds."""
    read_request(connection, b"")
    connection.sendall(b"HTTP/1.1 200 OK\r\n" + b"X-Filler: " + b"x" * 100_000 + b"\r\n\r\n")


def bad_chunk(connection: socket.socket) -> None:
    """Breaks off a chunked body with something that is no chunk size."""
    read_request(connection, b"")
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngood\r\nnot a size\r\n")


def hang(connection: socket.socket) -> None:
    """Reads and never answers."""
    while connection.recv(65536):
        pass


def drip(connection: socket.socket) -> None:
    """Answers rightly, a byte at a time."""
    pending = b""
    while True:
        pending, request = read_request(connection, pending)
        if not request:
            return
        for byte in echo(request):
            connection.sendall(bytes([byte]))
            time.sleep(_DRIP_SECONDS)  # the slowness is the point


def answer_early(connection: socket.socket) -> None:
    """Answers when the head has come, reads the body later."""
    pending = b""
    while True:
        while (head := read_head(pending)) is None:
            data = connection.recv(65536)
            if not data:
                return
            pending += data
        connection.sendall(echo(pending[: head.length]))
        pending, _ = read_request(connection, pending)


def interim_first(connection: socket.socket) -> None:
    """Sends two interim responses before each final one."""
    pending = b""
    while True:
        pending, request = read_request(connection, pending)
        if not request:
            return
        connection.sendall(
            b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + echo(request)
        )


def read_request(connection: socket.socket, pending: bytes) -> tuple[bytes, bytes]:
    """What came behind the next request, and that request, beginning with the bytes already read; b"" at the end."""
    while (length := message_length(pending, response=False)) is None:
        data = connection.recv(65536)
        if not data:
            return b"", b""
        pending += data
    return pending[length:], pending[:length]


def echo(request: bytes) -> bytes:
    """The good answer to a request: its target."""
    target = request.split(b" ", 2)[1]
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(target), target)


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _shut(sock: socket.socket) -> None:
    with suppress(OSError):  # it may be closed already
        sock.shutdown(socket.SHUT_RDWR)
