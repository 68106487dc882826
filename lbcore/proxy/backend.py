"""The server side of a proxy."""

from __future__ import annotations

import time
from typing import Any

from lbcore.event.engine import Engine
from lbcore.mux import Side, find
from lbcore.proxy import convert
from lbcore.proxy.figures import SESS, of_backend
from lbcore.proxy.server import Server, seconds_since
from lbcore.proxy.settings import ProxySettings
from lbcore.shim import check, lib


class Backend:
    """Servers and how one of them is chosen (`lbcore.stats.views.BackendView`)."""

    def __init__(self, engine: Engine, settings: ProxySettings, *, fullconn: int) -> None:
        """Adds it and its servers to the engine; `fullconn` stands where the settings have none.

        Raises OSError, ValueError for what can't be used.
        """
        self.settings = settings
        self.index = check(lib.eng_backend_add(engine.handle))
        flow = find("", settings.mode, Side.BACK).flow
        convert.backend(lib.eng_be_conf(engine.handle, self.index), settings, flow=flow, fullconn=fullconn)
        self.servers = [
            Server(engine, self.index, server.id or sid, server) for sid, server in enumerate(settings.servers, 1)
        ]
        self._fullconn = settings.fullconn or fullconn
        self._figures = of_backend(engine, self.index)
        self._born = time.monotonic()

    @property
    def counters(self) -> Any:
        return self._figures.counters

    @property
    def status(self) -> str:
        return "UP" if not self.servers or self.act or self.bck else "DOWN"

    @property
    def cur_sess(self) -> int:
        return int(self._figures.live.cur)

    @property
    def max_sess(self) -> int:
        return int(self._figures.live.cur_max)

    @property
    def fullconn(self) -> int:
        return self._fullconn

    @property
    def queue(self) -> int:
        return int(self._figures.live.queued)

    @property
    def queue_max(self) -> int:
        return int(self._figures.live.queued_max)

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
    def rate(self) -> int:
        return self._figures.rate(SESS)

    @property
    def rate_max(self) -> int:
        return int(self._figures.live.sess_rate_max)

    @property
    def lastchg(self) -> int:
        return int(time.monotonic() - self._born)

    @property
    def lastsess(self) -> int:
        return seconds_since(int(self._figures.live.last_ms))

    @property
    def algorithm(self) -> str:
        return self.settings.balance
