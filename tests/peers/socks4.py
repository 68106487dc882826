"""A SOCKS4 proxy that leads to where it is told, or will not."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

from tests.peers.chaos import Chaos
from tests.peers.ports import HOST

HEAD = 8  # bytes of a request before the user's name
GRANTED, REFUSED = 90, 91


class Socks4(Chaos):
    """`asked` are the (address, port, user) that connections named, in their order. It leads to `port` on this host
    whatever the address is; None: it refuses.
    """

    def __init__(self, to: int | None) -> None:
        self._to = to
        self.asked: list[tuple[str, int, bytes]] = []
        super().__init__(self._lead)

    def _lead(self, near: socket.socket) -> None:
        request = b""
        while len(request) <= HEAD or not request.endswith(b"\0"):
            data = near.recv(1)  # no more than the request: what follows is the server's
            if not data:
                return
            request += data
        host, port = socket.inet_ntoa(request[4:8]), int.from_bytes(request[2:4], "big")
        assert request[:2] == b"\4\1", request
        self.asked.append((host, port, request[HEAD:-1]))
        near.sendall(bytes((0, REFUSED if self._to is None else GRANTED)) + request[2:HEAD])
        if self._to is None:
            return
        with socket.create_connection((HOST, self._to)) as far:
            back = threading.Thread(target=_copy, args=(far, near), daemon=True)
            back.start()
            _copy(near, far)
            back.join()


def _copy(source: socket.socket, to: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            to.sendall(data)
    with suppress(OSError):
        to.shutdown(socket.SHUT_WR)
