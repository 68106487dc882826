"""Cookies of servers that are made of addresses and a secret, while it runs (`cookie ... dynamic`, manual 4.2)."""

from __future__ import annotations

from collections.abc import Callable

from lbcore.event.crew import Crew
from lbcore.proxy.backend import Backend
from lbcore.proxy.server import Server
from lbcore.proxy.settings import ServerSettings

Make = Callable[[str, ServerSettings], str | None]  # of the secret and a server; None: it can have none


class DynamicCookies:
    """Changes them. Any thread that holds no lock may call; `renew` is for the sync point."""

    def __init__(self, crew: Crew, make: Make) -> None:
        self._crew = crew
        self._make = make

    def switch(self, backend: Backend, on: bool) -> None:
        """Gives servers that have no cookie of their own one that is made, or takes those away again."""

        def work() -> None:
            cookie = backend.settings.cookie
            if cookie is None:
                return
            cookie.dynamic = on
            for server in backend.servers:
                if on:
                    self.renew(server)
                elif server.settings.cookie_made:
                    backend.set_cookie(server, None)

        self._crew.together(work)

    def set_key(self, backend: Backend, key: str) -> None:
        """Makes all of them anew from another secret."""

        def work() -> None:
            backend.settings.dynamic_cookie_key = key
            for server in backend.servers:
                self.renew(server)

        self._crew.together(work)

    def renew(self, server: Server) -> None:
        """Makes the cookie of a server that is new, or has another address, if it shall have one. At the sync point."""
        backend, settings = server.backend, server.settings
        cookie, key = backend.settings.cookie, backend.settings.dynamic_cookie_key
        if cookie is None or not cookie.dynamic or key is None:
            return
        if settings.cookie is None or settings.cookie_made:
            backend.set_cookie(server, self._make(key, settings))
