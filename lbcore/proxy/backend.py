"""The server side of a proxy."""

from __future__ import annotations

import os
import time
from itertools import count

from lbcore.event.engine import Engine
from lbcore.mux import Side, find
from lbcore.proxy import convert
from lbcore.proxy.figures import of_backend
from lbcore.proxy.server import Server
from lbcore.proxy.serving import Serving
from lbcore.proxy.settings import ProxySettings, ServerSettings
from lbcore.shim import check, lib


class Backend(Serving):
    """Servers and how one of them is chosen (`lbcore.stats.views.BackendView`)."""

    def __init__(self, engine: Engine, settings: ProxySettings, *, fullconn: int) -> None:
        """Adds it and its servers to the engine; `fullconn` stands where the settings have none.

        Raises OSError, ValueError for what can't be used.
        """
        self.settings = settings
        self._engine = engine
        self.index = check(lib.eng_backend_add(engine.handle))
        name = settings.name.encode("utf-8", "surrogateescape")
        if name:
            check(lib.eng_be_name(engine.handle, self.index, name, len(name)))
        flow = find("", settings.mode, Side.BACK).flow
        convert.backend(lib.eng_be_conf(engine.handle, self.index), settings, flow=flow, fullconn=fullconn)
        self.servers: list[Server] = []  # replaced, not changed, when servers come and go
        self.by_name: dict[str, Server] = {}
        self.by_cookie: dict[str, list[Server]] = {}  # values of `cookie`
        self._removed: dict[str, int] = {}  # the places of servers that were removed, by their names
        for sid, server in enumerate(settings.servers, 1):
            self.servers.append(self._named(Server(engine, self, server.id or sid, server)))
        if settings.goes_aside:
            self._go_aside()
        self._fullconn = settings.fullconn or fullconn
        self.down_count = 0  # times that its last server went
        self._down_seconds = 0.0
        super().__init__(of_backend(engine, self.index))

    def _go_aside(self) -> None:
        """Has streams that nothing has given to a server go elsewhere: `dispatch`, `option transparent`."""
        index = check(lib.eng_aside_add(self._engine.handle, self.index))
        if self.settings.usesrc is not None and (refused := lib.sock_may_spoof()) < 0:
            where = f"'{self.settings.kind} {self.settings.name}'"
            raise OSError(f"{where} : 'source ... usesrc' is not permitted here: {os.strerror(-refused)}")
        convert.aside(lib.eng_srv_conf(self._engine.handle, index), self.settings)

    def add(self, settings: ServerSettings) -> Server:
        """A server more. At the sync point, as `remove`. Raises OSError, ValueError for an unusable address."""
        taken = {server.sid for server in self.servers}
        sid = settings.id or next(number for number in count(1) if number not in taken)
        server = Server(self._engine, self, sid, settings, index=self._removed.get(settings.name))
        self._removed.pop(settings.name, None)
        self.servers = [*self.servers, server]
        return self._named(server)

    def remove(self, server: Server) -> None:
        """Takes out a server that nobody uses. Raises OSError (EBUSY) if somebody does."""
        check(lib.eng_server_del(self._engine.handle, server.index))
        self._removed[server.name] = server.index
        self.servers = [one for one in self.servers if one is not server]
        del self.by_name[server.name]
        self._forget_cookie(server)

    def set_cookie(self, server: Server, value: str | None) -> None:
        """Gives a server a cookie that is made of its address, or takes it away (None). At the sync point."""
        self._forget_cookie(server)
        server.settings.cookie, server.settings.cookie_made = value, value is not None
        if value:
            self.by_cookie.setdefault(value, []).append(server)

    def _forget_cookie(self, server: Server) -> None:
        if server.cookie:
            self.by_cookie[server.cookie] = [one for one in self.by_cookie[server.cookie] if one is not server]

    def _named(self, server: Server) -> Server:
        self.by_name[server.name] = server
        if server.cookie:
            self.by_cookie.setdefault(server.cookie, []).append(server)
        return server

    def set_asks(self, asks: int) -> None:
        """Has the shim ask about its streams: a bit for each ASK_* of native/include/ask.h. Before the threads
        start."""
        lib.eng_be_conf(self._engine.handle, self.index).asks = asks

    @property
    def status(self) -> str:
        return "UP" if not self.servers or self.act or self.bck else "DOWN"

    @property
    def fullconn(self) -> int:
        return self._fullconn

    @property
    def total_weight(self) -> int:
        return int(self._figures.live.weight)

    @property
    def total_uweight(self) -> int:
        backups = not self.act
        return sum(server.uweight for server in self.servers if server.gets_streams and server.backup is backups)

    @property
    def act(self) -> int:
        return int(self._figures.live.active)

    @property
    def bck(self) -> int:
        return int(self._figures.live.backup)

    @property
    def unassigned(self) -> int:
        """Of the streams that wait, those that any server may serve."""
        queue = self.queue
        return max(0, queue - sum(server.queue for server in self.servers)) if queue else 0

    @property
    def is_dynamic(self) -> bool:
        """Whether its algorithm lets weights change, and servers come and go, while it runs."""
        return bool(lib.eng_be_dynamic(self._engine.handle, self.index))

    @property
    def has_servers(self) -> bool:
        """Whether any server takes streams."""
        return bool(self.act or self.bck)

    def went_down(self) -> None:
        """Its last server has gone. At the sync point, as the next one."""
        self.down_count += 1
        self.changed = time.monotonic()

    def came_back(self) -> None:
        """It has a server again."""
        now = time.monotonic()
        self._down_seconds += now - self.changed
        self.changed = now

    @property
    def downtime(self) -> int:
        """Seconds without a server in all."""
        now = 0.0 if self.has_servers else time.monotonic() - self.changed
        return int(self._down_seconds + now)

    @property
    def algorithm(self) -> str:
        return "none" if self.settings.goes_aside else self.settings.balance.algorithm
