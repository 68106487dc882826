"""All checks of a balancer: made from settings, spread over threads and time, started with the workers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lbcore.check.agent import agent_ruleset
from lbcore.check.check import Around, Check
from lbcore.check.run import Program
from lbcore.check.steps import Ruleset
from lbcore.check.target import Target, proxy_version
from lbcore.check.tcpcheck_connect import Connect
from lbcore.conn.pooled import UNTOLD, Pool, pool_of
from lbcore.proxy.check_settings import AgentSettings, CheckSettings
from lbcore.proxy.health import CheckState
from lbcore.proxy.proxy import Proxy
from lbcore.sample.build import Build, BuildError

BARE = Ruleset("", (Connect(default=True),))
AGENT_RISE = AGENT_FALL = 1


class FactsAlone:
    """What steps without expressions are compiled with (`lbcore.sample.build.Build`): there are no names in them."""

    proxy = ""

    def __init__(self, facts: Any) -> None:
        self._facts = facts

    def facts(self) -> Any:
        """Figures of the process."""
        return self._facts

    def __getattr__(self, name: str) -> Any:
        raise BuildError(f"a check without expressions asks for '{name}'")


class Checks:
    """Built by one thread, before the workers run; `add_server` and `remove_server` may be called later, while they
    stand still."""

    def __init__(self, around: Around, build_of: Callable[[str], Build], *, max_spread: int = 0) -> None:
        """`build_of(proxy)` gives what expressions of a proxy are compiled with; `max_spread`: ms over which the first
        checks are spread at most, 0: no limit."""
        self._around = around
        self._build_of = build_of
        self._max_spread = max_spread
        self._checks: list[Check | Any] = []
        self._programs: dict[str, Program] = {}

    def add(self, proxy: Proxy) -> None:
        """Makes the checks that the servers of a proxy ask for. Raises BuildError, MemoryError."""
        if proxy.backend is None:
            return
        for server in proxy.backend.servers:
            self.add_server(proxy, server)

    def add_server(self, proxy: Proxy, server: Any) -> list[Check]:
        """Makes the checks of one server."""
        found = []
        wanted = server.settings.check
        if wanted is not None:
            found.append(self._health(proxy, server, wanted))
        agent = server.settings.agent_check
        if agent is not None:
            found.append(self._agent(proxy, server, agent))
        self._checks += found
        return found

    def join(self, proxy: Proxy, server: Any) -> None:
        """Makes the checks of a server that was added while threads run; they rest until somebody enables them. At the
        sync point."""
        for check in self.add_server(proxy, server):
            check.state.enabled = False
            check.start(check.state.inter)

    def remove_server(self, server: Any) -> None:
        """Ends the checks of a server that goes away."""
        for check in [one for one in self._checks if one.server is server]:
            self._checks.remove(check)
            check.stop()

    def start(self, tid: int) -> None:
        """Has the first checks of worker `tid` made, those of all spread over the longest interval (manual 3.2
        "max-spread-checks")."""
        longest = max((check.state.inter for check in self._checks), default=0)
        if self._max_spread:
            longest = min(longest, self._max_spread)
        for place, check in enumerate(self._checks):
            if check.tid == tid:
                check.start(longest * place // len(self._checks))

    def close(self) -> None:
        """Ends all of them. When no worker runs any more."""
        for check in self._checks:
            check.stop()
        self._checks.clear()

    # --- making ---

    def _health(self, proxy: Proxy, server: Any, wanted: CheckSettings) -> Any:
        settings = proxy.settings
        state = CheckState(
            rise=wanted.rise,
            fall=wanted.fall,
            inter=wanted.inter,
            fastinter=wanted.fastinter,
            downinter=wanted.downinter,
        )
        server.check = state
        tid = self._next_tid()
        if settings.check_kind == "external-check":
            from lbcore.check.external import ExternalChecks  # processes: only where they are asked for

            timeouts = settings.timeouts
            limit = (timeouts.connect or 0) if timeouts.check else 0  # as of the connection of any other check
            return ExternalChecks(self._around, server, state, settings.external_check, tid, limit=limit)
        target = Target(
            server, settings, addr=wanted.addr, port=wanted.port, send_proxy=_proxy_version(server, wanted),
            via_socks4=wanted.via_socks4, pool=_pool(proxy.settings, server, wanted),
        )  # fmt: skip
        return self._made(proxy, server, state, self._program(proxy), target, tid)

    def _agent(self, proxy: Proxy, server: Any, wanted: AgentSettings) -> Check:
        state = CheckState(rise=AGENT_RISE, fall=AGENT_FALL, inter=wanted.inter, agent=True)
        server.agent = state
        target = Target(server, proxy.settings, addr=wanted.addr, port=wanted.port, send_proxy=0)
        build = self._build_of(proxy.name)

        def program(send: str) -> Program:
            return Program(agent_ruleset(send, self._around.states), build)

        check = self._made(proxy, server, state, program(wanted.send), target, self._next_tid())
        state.say = lambda text: check.change(program(text))
        return check

    def _made(self, proxy: Proxy, server: Any, state: CheckState, program: Program, target: Target, tid: int) -> Check:
        timeouts = proxy.settings.timeouts
        return Check(
            self._around, server, state, program, target, tid,
            connect_ms=timeouts.connect or 0, check_ms=timeouts.check or 0,
        )  # fmt: skip

    def _program(self, proxy: Proxy) -> Program:
        found = self._programs.get(proxy.name)
        if found is None:
            ruleset = proxy.settings.check_ruleset or BARE
            found = self._programs[proxy.name] = Program(ruleset, self._build_of(proxy.name))
        return found

    def _next_tid(self) -> int:
        return len(self._checks) % len(self._around.crew.workers)


def _pool(proxy: Any, server: Any, wanted: CheckSettings) -> Pool | None:
    """The idle connections of streams that checks of a server may use, if any."""
    if not wanted.reuse_pool or proxy.mode != "http" or proxy.check_kind != "httpchk" or not server.shares_connections:
        return None
    if wanted.pool_conn_name is not None and server.settings.pool_conn_name is None:
        server.set_pool_name(UNTOLD)  # streams have none
    return pool_of(server.index, wanted.pool_conn_name)


def _proxy_version(server: Any, wanted: CheckSettings) -> int:
    """Of the PROXY line that its checks begin with: as asked for, or as its streams do if they go the same way."""
    same = wanted.addr is None and not wanted.port
    return proxy_version(server.settings) or 1 if wanted.send_proxy else proxy_version(server.settings) if same else 0
