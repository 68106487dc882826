"""Servers that health checks meet: each listens on a port of its own and behaves in one way to whoever connects."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum

from tests.peers.closing import Closing
from tests.peers.ports import HOST, free_port, release_port

START_SECONDS = 10.0


class End(Enum):
    """What a server does once it has said all."""

    HOLD = "waits until the other side closes"
    CLOSE = "closes"
    RESET = "resets the connection"
    REFUSE = "it does not listen at all"


@dataclass(frozen=True, slots=True)
class Peer:
    """Says `greet` at once, then one of `answers` to each piece that it reads, then ends."""

    greet: bytes = b""
    answers: tuple[bytes, ...] = ()
    end: End = End.HOLD


REFUSED = Peer(end=End.REFUSE)


@dataclass(slots=True)
class Listening:
    """One server: its port, and what each connection to it said."""

    peer: Peer
    port: int
    received: list[bytes] = field(default_factory=list)


class Peers(Closing):
    """All servers of a test, in a thread of their own. `listening` has them by name."""

    def __init__(self, peers: Mapping[str, Peer]) -> None:
        self.listening = {name: Listening(peer, free_port()) for name, peer in peers.items()}
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._sockets: list[socket.socket] = []  # all that were ever opened; closing one twice does no harm
        self._thread = threading.Thread(target=self._serve, name="check-peers", daemon=True)
        self._thread.start()
        assert self._ready.wait(START_SECONDS), "the servers did not start"

    def close(self) -> None:
        """Ends all of them."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        for one in self.listening.values():
            release_port(one.port)

    def _serve(self) -> None:
        self._loop.run_until_complete(self._main())
        for sock in self._sockets:
            sock.close()
        self._loop.close()

    async def _main(self) -> None:
        for one in self.listening.values():
            if one.peer.end is not End.REFUSE:
                self._listen(one)
        self._ready.set()
        await self._stop.wait()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _listen(self, one: Listening) -> None:
        sock = socket.create_server((HOST, one.port), backlog=128)
        sock.setblocking(False)
        self._sockets.append(sock)
        self._loop.add_reader(sock, self._accept, one, sock)

    def _accept(self, one: Listening, listener: socket.socket) -> None:
        try:
            sock, _ = listener.accept()
        except OSError:
            return  # it was given up before we came
        sock.setblocking(False)
        self._sockets.append(sock)
        if not self._stop.is_set():
            task = self._loop.create_task(self._talk(one, sock))
            task.add_done_callback(lambda _: sock.close())

    async def _talk(self, one: Listening, sock: socket.socket) -> None:
        at = len(one.received)
        one.received.append(b"")

        async def hear() -> bool:
            data = await self._loop.sock_recv(sock, 65536)
            one.received[at] += data
            return bool(data)

        with suppress(OSError):  # it was closed on us
            await self._loop.sock_sendall(sock, one.peer.greet)
            for answer in one.peer.answers:
                await hear()
                await self._loop.sock_sendall(sock, answer)
            if one.peer.end is End.RESET:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            while one.peer.end is End.HOLD and await hear():
                pass
