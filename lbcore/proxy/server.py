"""One server of a backend."""

from __future__ import annotations

from lbcore.event.engine import Engine
from lbcore.proxy import convert
from lbcore.proxy.figures import of_server
from lbcore.proxy.serving import Serving
from lbcore.proxy.settings import ServerSettings
from lbcore.shim import check, lib


class Server(Serving):
    """A server as it was configured, and its figures (`lbcore.stats.views.ServerView`)."""

    def __init__(self, engine: Engine, backend: int, sid: int, settings: ServerSettings) -> None:
        """Adds it to backend number `backend` of the engine. Raises OSError, ValueError for an unusable address."""
        self.settings = settings
        self.sid = sid
        self._engine = engine
        self.index = check(lib.eng_server_add(engine.handle, backend))
        convert.server(lib.eng_srv_conf(engine.handle, self.index), settings)
        name = settings.name.encode("utf-8", "surrogateescape")
        if name:
            check(lib.eng_srv_name(engine.handle, self.index, name, len(name)))
        super().__init__(of_server(engine, self.index))

    def set_tell(self, number: int) -> None:
        """Has its PROXY headers tell what streams give under a number (`eng_flow_tell`). Before the threads start."""
        lib.eng_srv_conf(self._engine.handle, self.index).tell = number

    @property
    def name(self) -> str:
        return self.settings.name

    @property
    def status(self) -> str:
        return "no check" if self._figures.live.up else "MAINT"

    @property
    def usable(self) -> bool:
        return bool(self._figures.live.up)

    @property
    def maxconn(self) -> int:
        return self.settings.maxconn

    @property
    def maxqueue(self) -> int:
        return 0  # requests wait in the backend's queue only

    @property
    def backup(self) -> bool:
        return self.settings.backup

    @property
    def weight(self) -> int:
        return int(self._figures.live.weight)

    @property
    def uweight(self) -> int:
        return self.settings.weight

    @property
    def idle(self) -> int:
        return int(self._figures.live.idle)

    @property
    def safe(self) -> int:
        return 0  # idle ones stand in one list; which of them are safe is a mark on each

    @property
    def used(self) -> int:
        return int(self._figures.live.used)

    @property
    def needed(self) -> int:
        return int(self._figures.live.used_max)

    @property
    def idle_limit(self) -> int:
        return self.settings.pool_max_conn

    @property
    def address(self) -> str:
        return str(self.settings.address)

    @property
    def cookie(self) -> str | None:
        return self.settings.cookie
