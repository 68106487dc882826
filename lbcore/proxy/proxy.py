"""A section of the configuration as it runs: a frontend, a backend, or both."""

from __future__ import annotations

from collections.abc import Iterable

from lbcore.event.engine import Engine
from lbcore.proxy.backend import Backend
from lbcore.proxy.frontend import Frontend, Listener
from lbcore.proxy.settings import ProxySettings


class Proxy:
    """The sides that a proxy has (`lbcore.stats.views.ProxyView`)."""

    def __init__(self, engine: Engine, settings: ProxySettings, iid: int, *, maxconn: int, fullconn: int) -> None:
        """Adds its sides to the engine. Raises OSError, ValueError for what can't be used."""
        self.settings = settings
        self.iid = iid
        self.frontend = Frontend(engine, settings, maxconn=maxconn) if settings.has_frontend else None
        self.backend = Backend(engine, settings, fullconn=fullconn) if settings.has_backend else None

    @property
    def name(self) -> str:
        return self.settings.name

    @property
    def mode(self) -> str:
        return self.settings.mode

    @property
    def listeners(self) -> Iterable[Listener]:
        """Those to be shown: all with `option socket-stats`, else none."""
        if self.frontend is None or "socket-stats" not in self.settings.options:
            return ()
        return self.frontend.listeners
