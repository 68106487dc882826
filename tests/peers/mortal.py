"""A server in a process of its own, which can be killed or stopped: it sends back each request's target.

    python -m tests.peers.mortal PORT DELAY IDLE     seconds before each answer; mean seconds of idleness, 0: for ever

With IDLE each connection is reset at a random moment after an answer, whether a request is on its way or not.
"""

from __future__ import annotations

import asyncio
import os
import random
import socket
import struct
import sys

from tests.peers.chaos import echo
from tests.peers.framing import message_length
from tests.peers.ports import HOST, free_port, release_port
from tests.peers.process import Child, accepts

_RESET = struct.pack("ii", 1, 0)


class Mortal(Child):
    """A running server at `port`, which may be killed, started anew, stopped and continued."""

    def __init__(self, *, delay: float = 0.0, idle: float = 0.0) -> None:
        super().__init__([sys.executable, "-m", "tests.peers.mortal"], name="mortal")
        self.environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
        self.port = free_port()
        self.argv += [str(self.port), str(delay), str(idle)]

    def ready(self) -> bool:
        """True once it accepts."""
        return accepts((HOST, self.port))

    def close(self) -> None:
        """Ends it and gives its port back."""
        super().close()
        release_port(self.port)


class _Connection(asyncio.Protocol):
    def __init__(self, delay: float, idle: float) -> None:
        self._delay = delay
        self._idle = idle
        self._pending = b""
        self._end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._pending += data
        length = message_length(self._pending, response=False)
        if length is None:
            return
        request, self._pending = self._pending[:length], self._pending[length:]
        if self._end is not None:
            self._end.cancel()
        asyncio.get_running_loop().call_later(self._delay, self._answer, request)

    def _answer(self, request: bytes) -> None:
        self._transport.write(echo(request))
        if self._idle:
            seconds = random.expovariate(1 / self._idle)
            self._end = asyncio.get_running_loop().call_later(seconds, self._reset)

    def _reset(self) -> None:
        sock: socket.socket = self._transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._transport.abort()


async def _serve(port: int, delay: float, idle: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(delay, idle), HOST, port, backlog=1024, reuse_address=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])))
