"""What commands change besides servers: frontends, the limits of the process, counters."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from lbcore.event.crew import Crew
from lbcore.proxy.proxy import Proxy
from lbcore.proxy.server import Server
from lbcore.proxy.settings import ProxySettings
from lbcore.proxy.sighup import stopped_line, switched_line
from lbcore.shim import lib


class Control:
    """Changes of one balancer while it runs. Any thread may call, holding no lock."""

    def __init__(
        self, crew: Crew, proxies: Sequence[Proxy], warn: Callable[[ProxySettings, str], None], maxconn: int
    ) -> None:
        """`warn` tells people about a proxy. `maxconn` is the most that resources allow."""
        self.hard_maxconn = maxconn
        self._crew = crew
        self._engine = crew.engine
        self._proxies = proxies
        self._warn = warn
        self._lock = threading.Lock()  # two commands do not switch the same frontend at once

    # --- frontends ---

    def pause(self, name: str) -> bool:
        """Has a frontend accept nothing for now. Whether it did until now. Raises KeyError, ValueError (stopped)."""
        with self._lock:
            proxy = self._proxy(name)
            assert proxy.frontend is not None
            if proxy.frontend.paused:
                return False
            proxy.frontend.pause()
        self._warn(proxy.settings, switched_line(proxy, "Paused"))
        return True

    def resume(self, name: str) -> bool:
        """Has a frontend accept again. Whether it did not until now. Raises as `pause()`."""
        with self._lock:
            proxy = self._proxy(name)
            assert proxy.frontend is not None
            if not proxy.frontend.paused:
                return False
            proxy.frontend.resume()
        self._warn(proxy.settings, switched_line(proxy, "Resumed"))
        return True

    def stop(self, name: str) -> None:
        """Has a frontend give up its addresses for good. Raises as `pause()`."""
        with self._lock:
            proxy = self._proxy(name)
            assert proxy.frontend is not None
            proxy.frontend.stop()
        self._warn(proxy.settings, stopped_line(proxy))

    def limit(self, name: str, maxconn: int) -> None:
        """Sets the limit of connections of a frontend, at least 1. Raises KeyError."""
        frontend = next(proxy.frontend for proxy in self._proxies if proxy.name == name)
        assert frontend is not None
        self._crew.together(lambda: frontend.limit(maxconn))

    def _proxy(self, name: str) -> Proxy:
        """The proxy of a frontend that listens. The lock must be held."""
        for proxy in self._proxies:
            if proxy.name == name and proxy.frontend is not None:
                if proxy.frontend.stopped:
                    raise ValueError(f"frontend '{name}' is stopped")
                return proxy
        raise KeyError(name)

    # --- limits of the process ---

    @property
    def maxconn(self) -> int:
        """The limit of connections in force."""
        return int(lib.eng_limits(self._engine.handle).maxconn)

    @property
    def maxconnrate(self) -> int:
        """Connections a second that are accepted, 0: any number."""
        return int(lib.eng_limits(self._engine.handle).maxconnrate)

    @property
    def maxsessrate(self) -> int:
        """Sessions a second that are begun, 0: any number."""
        return int(lib.eng_limits(self._engine.handle).maxsessrate)

    def set_maxconn(self, maxconn: int) -> None:
        """Sets the limit of connections; 0: as many as resources allow. Raises ValueError for more than these."""
        if not 0 <= maxconn <= self.hard_maxconn:
            raise ValueError(f"maxconn must be between 0 and {self.hard_maxconn}")
        self._set("maxconn", maxconn or self.hard_maxconn)

    def set_maxconnrate(self, rate: int) -> None:
        """Sets how many connections a second are accepted, 0: any number."""
        self._set("maxconnrate", rate)

    def set_maxsessrate(self, rate: int) -> None:
        """Sets how many sessions a second are begun, 0: any number."""
        self._set("maxsessrate", rate)

    def _set(self, limit: str, value: int) -> None:
        def work() -> None:
            setattr(lib.eng_limits(self._engine.handle), limit, value)
            lib.eng_limits_changed(self._engine.handle)

        self._crew.together(work)

    # --- counters ---

    def clear_counters(self, *, everything: bool) -> None:
        """Forgets what was the most so far; `everything`: also what was counted, of all proxies and servers."""

        def work() -> None:
            lib.eng_clear_counters(self._engine.handle, everything)
            if not everything:
                return
            for backend in (proxy.backend for proxy in self._proxies if proxy.backend is not None):
                backend.down_count = 0
                for server in backend.servers:
                    _forget(server)

        self._crew.together(work)


def _forget(server: Server) -> None:
    """What Python has counted of a server. At the sync point."""
    with server.lock:
        server.downs = 0
        if server.observed is not None:
            server.observed = 0
        for check in (server.check, server.agent):
            if check is not None:
                check.failed = 0
