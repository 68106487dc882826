"""All that Python decides and logs of a balancer's streams, built before threads start.

    settings -> plans (`planning`) -> what the shim is to ask about -> the answers (`decide`)
    settings -> formats -> what the shim is to tell of streams that are over (`logs`)

Importing this imports everything that a running balancer may need for it, so that no worker has to: a first request
takes no longer than the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lbcore.event.crew import Crew
from lbcore.proxy.frontend import Listener
from lbcore.proxy.proxy import Proxy
from lbcore.proxy.server import Server
from lbcore.proxy.settings import Settings
from lbcore.stream.decide import Decider
from lbcore.stream.logs import StreamLogs, names
from lbcore.stream.pages import install_pages
from lbcore.stream.planning import Planner
from lbcore.stream.world import World


class Decisions:
    """The decisions and the logs of one balancer, in the hands of its workers."""

    def __init__(
        self,
        crew: Crew,
        world: World,
        settings: Settings,
        proxies: Sequence[Proxy],
        listeners: Iterable[Listener],
        *,
        limits: bool = True,
    ) -> None:
        """`limits`: the shim does what it can of the rules by itself, and nobody sees these rules at work.

        Raises BuildError for a name that can't be resolved, which the check of the configuration finds before."""
        self._set_logs(crew, settings, proxies, listeners)
        self._install_pages(crew, proxies)
        planner = Planner(world, proxies, crew.engine if limits else None)
        self._planner = planner  # limits hear of changes of their ACLs
        self.logs.resolve(world, planner.builders)
        plans = planner.plans(self.logs.wants_txn, self.logs.wants_response)
        for plan in plans.values():
            plan.frontend.set_asks(plan.asks)
            for backend in plan.backends.values():
                backend.backend.set_asks(backend.asks)
        self.decider = Decider(crew, world, plans)
        if limits and planner.tracing is not None:
            planner.tracing.watch(crew)

    def know(self, server: Server) -> None:
        """A server was added: logs have a name for it. At the sync point."""
        self._servers[server.index] = server.name

    def _set_logs(
        self, crew: Crew, settings: Settings, proxies: Sequence[Proxy], listeners: Iterable[Listener]
    ) -> None:
        backends = {p.backend.index: p.name for p in proxies if p.backend is not None}
        self._servers = {s.index: s.name for p in proxies if p.backend is not None for s in p.backend.servers}
        numbers = {listener.index: listener.sid for listener in listeners}
        self.logs = StreamLogs(crew, settings.globals, names(backends, self._servers, numbers), settings.log_profiles)
        for proxy in proxies:
            if proxy.frontend is not None:
                self.logs.add(proxy.frontend.index, proxy.settings)

    @staticmethod
    def _install_pages(crew: Crew, proxies: Sequence[Proxy]) -> None:
        for proxy in proxies:
            for side, part in (("frontend", proxy.frontend), ("backend", proxy.backend)):
                if part is not None:
                    install_pages(crew.engine, side, part.index, proxy.settings)
