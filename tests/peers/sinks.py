"""A syslog sink: takes UDP datagrams on loopback, counts all of them and remembers the last ones."""

from __future__ import annotations

import socket
import threading
from collections import deque

from tests.peers.closing import Closing
from tests.peers.ports import HOST

_RECEIVE_BUFFER = 8 << 20
_STOP = b""


class UdpSink(Closing):
    """Receives in a thread of its own until closed. `port` is its UDP port on 127.0.0.1."""

    def __init__(self, keep: int = 10_000) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        self._socket.bind((HOST, 0))
        self.port: int = self._socket.getsockname()[1]
        self._lock = threading.Condition()
        self._count = 0  # guarded by _lock
        self._last: deque[bytes] = deque(maxlen=keep)  # guarded by _lock
        self._thread = threading.Thread(target=self._receive, name="udp-sink", daemon=True)
        self._thread.start()

    @property
    def count(self) -> int:
        """Datagrams received so far."""
        with self._lock:
            return self._count

    def lines(self) -> list[bytes]:
        """The last datagrams received, oldest first."""
        with self._lock:
            return list(self._last)

    def wait_for(self, count: int, seconds: float) -> bool:
        """True once at least `count` datagrams have come, False if they have not within `seconds`."""
        with self._lock:
            return self._lock.wait_for(lambda: self._count >= count, seconds)

    def close(self) -> None:
        """Stops receiving and frees the port; harmless if done before."""
        if self._thread.is_alive():
            # An empty datagram ends the thread: closing a socket does not wake one that waits in recv().
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
                waker.sendto(_STOP, (HOST, self.port))
            self._thread.join()
        self._socket.close()

    def _receive(self) -> None:
        while (line := self._socket.recv(65536)) != _STOP:
            with self._lock:
                self._count += 1
                self._last.append(line)
                self._lock.notify_all()
