"""The server side of a proxy."""

from __future__ import annotations

from lbcore.event.engine import Engine
from lbcore.mux import Side, find
from lbcore.proxy import convert
from lbcore.proxy.figures import of_backend
from lbcore.proxy.server import Server
from lbcore.proxy.serving import Serving
from lbcore.proxy.settings import ProxySettings
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
        flow = find("", settings.mode, Side.BACK).flow
        convert.backend(lib.eng_be_conf(engine.handle, self.index), settings, flow=flow, fullconn=fullconn)
        self.servers = [
            Server(engine, self.index, server.id or sid, server) for sid, server in enumerate(settings.servers, 1)
        ]
        self._fullconn = settings.fullconn or fullconn
        super().__init__(of_backend(engine, self.index))

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
        return sum(server.uweight for server in self.servers if server.usable and server.backup == (not self.act))

    @property
    def act(self) -> int:
        return int(self._figures.live.active)

    @property
    def bck(self) -> int:
        return int(self._figures.live.backup)

    @property
    def down_count(self) -> int:
        return 0  # without checks nothing goes down

    @property
    def downtime(self) -> int:
        return 0

    @property
    def algorithm(self) -> str:
        return self.settings.balance.algorithm
