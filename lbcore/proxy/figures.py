"""What all objects of a proxy read from the shim."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lbcore.event.engine import Engine
from lbcore.shim import ffi, lib

CONN, SESS, REQ = lib.PX_RATE_CONN, lib.PX_RATE_SESS, lib.PX_RATE_REQ


class Figures:
    """The counters, gauges and rates of one object of the engine, read afresh each time.

    Any thread; figures of one moment may be a few events apart.
    """

    def __init__(
        self,
        engine: Engine,
        index: int,
        live: Any,
        counters: Callable[[Any, int, Any], None],
        rates: Callable[[Any, int, Any], None] | None = None,
    ) -> None:
        self.index = index
        self._live = live
        self._engine = engine
        self._counters = counters
        self._rates = rates

    @property
    def live(self) -> Any:
        """The `px_live *`, gauges of the moment. Raises RuntimeError once the engine is closed, as all here do."""
        self._engine.check_open()
        return self._live

    @property
    def counters(self) -> Any:
        """A new `lb_counters`, the sum over all threads."""
        out: Any = ffi.new("lb_counters *")
        self._counters(self._engine.handle, self.index, out)
        return out

    def rate_max(self, kind: int) -> int:
        """The most events that a second ever had."""
        return int(self.live.rate_max[kind])

    def rate(self, kind: int) -> int:
        """Events of the last second: CONN, SESS or REQ."""
        if self._rates is None:
            return 0
        out: Any = ffi.new("uint32_t[3]")
        self._rates(self._engine.handle, self.index, out)
        return int(out[kind])


def of_frontend(engine: Engine, index: int) -> Figures:
    """The figures of a frontend."""
    return Figures(engine, index, lib.eng_fe_live(engine.handle, index), lib.eng_fe_counters, lib.eng_fe_rates)


def of_backend(engine: Engine, index: int) -> Figures:
    """The figures of a backend."""
    return Figures(engine, index, lib.eng_be_live(engine.handle, index), lib.eng_be_counters, lib.eng_be_rates)


def of_server(engine: Engine, index: int) -> Figures:
    """The figures of a server."""
    return Figures(engine, index, lib.eng_srv_live(engine.handle, index), lib.eng_srv_counters, lib.eng_srv_rates)


def of_listener(engine: Engine, index: int) -> Figures:
    """The figures of a listener; counted only with `option socket-stats`."""
    return Figures(engine, index, lib.eng_lsn_live(engine.handle, index), lib.eng_lsn_counters)
