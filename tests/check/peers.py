"""Servers that health checks meet: each listens on a port of its own and behaves in one way to whoever connects."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Mapping
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
        self._loop.close()

    async def _main(self) -> None:
        listening = [one for one in self.listening.values() if one.peer.end is not End.REFUSE]
        servers = [await asyncio.start_server(self._handler(one), HOST, one.port) for one in listening]
        self._ready.set()
        await self._stop.wait()
        for server in servers:
            server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    @staticmethod
    def _handler(one: Listening):  # type: ignore[no-untyped-def]  # what asyncio takes as it is
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            at = len(one.received)
            one.received.append(b"")

            async def hear() -> bool:
                data = await reader.read(65536)
                one.received[at] += data
                return bool(data)

            try:
                writer.write(one.peer.greet)
                for answer in one.peer.answers:
                    await hear()
                    writer.write(answer)
                await writer.drain()
                if one.peer.end is End.RESET:
                    linger = struct.pack("ii", 1, 0)
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                while one.peer.end is End.HOLD and await hear():
                    pass
            except OSError:
                pass  # it was closed on us
            finally:
                writer.close()

        return handle
