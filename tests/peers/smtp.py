"""An SMTP server (aiosmtpd) in a thread of its own. It greets everybody, but refuses who calls himself REFUSED."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from tests.peers.closing import Started
from tests.peers.ports import HOST, free_port, release_port

REFUSED = "nobody.example"
START_SECONDS = 10.0


class _Handler:
    """Says what it thinks of a name."""

    async def handle_HELO(self, server: Any, session: Any, envelope: Any, hostname: str) -> str:  # noqa: N802 - its name
        session.host_name = hostname
        return f"550 {hostname} is not welcome" if hostname == REFUSED else f"250 {server.hostname}"

    async def handle_EHLO(  # noqa: N802 - its name
        self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [f"550 {hostname} is not welcome"] if hostname == REFUSED else responses


class SmtpServer(Started):
    """An SMTP server on a loopback port."""

    def __init__(self) -> None:
        self.port = free_port()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._serve, name="smtp", daemon=True)

    def start(self) -> None:
        """Returns once it accepts."""
        self._thread.start()
        assert self._ready.wait(START_SECONDS), "the SMTP server did not start"

    def close(self) -> None:
        """Ends it."""
        if self._thread.is_alive() and self._loop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()
        release_port(self.port)

    def _serve(self) -> None:
        asyncio.run(self._main())

    async def _main(self) -> None:
        from aiosmtpd.smtp import SMTP  # where it is asked for: it takes its time

        loop = self._loop = asyncio.get_running_loop()

        def protocol() -> SMTP:
            return SMTP(_Handler(), hostname="mx.test", ident="ready", loop=loop)

        server = await loop.create_server(protocol, HOST, self.port)
        self._ready.set()
        await self._stop.wait()
        server.close()
