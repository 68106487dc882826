"""The balancer around its transactions, and around what is compiled for it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, TypeVar

from lbcore.proxy.backend import Backend
from lbcore.proxy.frontend import Frontend, Listener
from lbcore.proxy.proxy import Proxy
from lbcore.proxy.server import Server
from lbcore.proxy.settings import Settings, StartVariable, Userlist
from lbcore.sample.acl import predefined
from lbcore.sample.build import BuildError
from lbcore.sample.reference import References
from lbcore.sample.variable import ProcVars, VarLimits
from lbcore.stream.txn import AT, Txn
from lbcore.table.tables import Tables
from lbcore.thread.locks import LockSet

T = TypeVar("T")


class World:
    """Live objects by their numbers in the engine and by their names. Complete before threads start, then only read;
    process-wide variables and pattern references have locks of their own. `environment` are the variables of the
    environment that the configuration sees."""

    def __init__(
        self,
        proxies: Iterable[Proxy],
        settings: Settings,
        facts: Any,
        locks: LockSet,
        tables: Tables | None = None,
    ) -> None:
        self.frontends: dict[int, Frontend] = {}
        self.backends: dict[int, Backend] = {}
        self.servers: dict[int, Server] = {}
        self.listeners: dict[int, Listener] = {}
        self.frontends_by_name: dict[str, Frontend] = {}
        self.backends_by_name: dict[str, Backend] = {}
        self.userlists = settings.userlists
        self.environment = os.environ if settings.environment is None else settings.environment
        self.facts = facts
        self.limits: dict[int, Any] = {}  # by frontend: lbcore.stream.limit.Limited
        self.captures: dict[int, Any] = {}  # by frontend: lbcore.stream.captures.make_late_captures
        self.tables = tables if tables is not None else Tables((), locks)
        self.proc_vars = ProcVars(locks)
        self.proc_vars.limits = _limits(settings.globals.variable_limits)
        self.references = References(locks, settings.pattern_paths)
        self.references.declare(settings.pattern_uses)
        for proxy in proxies:
            self._add(proxy)
        self._set_variables(settings.globals.start_variables)

    def _set_variables(self, variables: Iterable[StartVariable]) -> None:
        """Gives variables of the process the values that `global` says."""
        values = [0] * len(AT)
        values[AT["now_us"]] = time.time_ns() // 1000
        nobody = Txn(self, None, tuple(values))
        build = Builder(self, "", {})
        for one in variables:
            value = one.value.make(build)(nobody)
            if value is not None:
                one.variable.set(nobody, value)

    def _add(self, proxy: Proxy) -> None:
        if proxy.frontend is not None:
            self.frontends[proxy.frontend.index] = proxy.frontend
            self.frontends_by_name[proxy.name] = proxy.frontend
            self.listeners.update((listener.index, listener) for listener in proxy.frontend.listeners)
        if proxy.backend is not None:
            self.backends[proxy.backend.index] = proxy.backend
            self.backends_by_name[proxy.name] = proxy.backend
            self.servers.update((server.index, server) for server in proxy.backend.servers)


def _limits(chosen: Mapping[str, int]) -> VarLimits | None:
    """The limits of variables; None: there are none, and nobody counts."""
    found = VarLimits(
        total=chosen.get("global") or None,
        proc=chosen.get("proc") or None,
        sess=chosen.get("sess") or None,
        txn=chosen.get("txn") or None,
        reqres=chosen.get("reqres") or None,
        check=chosen.get("check") or None,
    )
    return found if found.any else None


class Builder:
    """`lbcore.sample.build.Build` for what stands in one proxy."""

    def __init__(self, world: World, proxy: str, acls: Mapping[str, Any], *, pins: bool = True) -> None:
        """`pins`: what is built stays, so that servers that it names can't be removed."""
        self.proxy = proxy
        self._pins = pins
        self._world = world
        self._acls = acls
        self._compiled: dict[str, Callable[[Any], bool]] = {}
        self._shared: dict[Hashable, Any] = {}

    def frontend(self, name: str) -> Frontend:
        return self._found(self._world.frontends_by_name, name or self.proxy, "frontend")

    def backend(self, name: str) -> Backend:
        return self._found(self._world.backends_by_name, name or self.proxy, "backend")

    def server(self, name: str) -> Server:
        backend, _, server = name.rpartition("/")
        found = next((one for one in self.backend(backend).servers if one.name == server), None)
        if found is None:
            raise BuildError(f"unable to find server '{name}'")
        found.pinned = found.pinned or self._pins
        return found

    def userlist(self, name: str) -> Userlist:
        return self._found(self._world.userlists, name, "userlist")

    def reference(self, name: str, kind: str) -> Any:
        return self._world.references.get(name, kind)

    def table(self, name: str) -> Any:
        found = self._world.tables.find(name or self.proxy)
        if found is None:
            raise BuildError(f"unable to find table '{name or self.proxy}'")
        return found

    def facts(self) -> Any:
        return self._world.facts

    def environment(self, name: str) -> str | None:
        return self._world.environment.get(name)

    def acl(self, name: str) -> Callable[[Any], bool]:
        found = self._compiled.get(name)
        if found is None:
            acl = self._acls.get(name) or predefined(name)
            if acl is None:
                raise BuildError(f"ACL '{name}' does not exist")
            found = self._compiled[name] = acl.make(self)
        return found

    def shared(self, key: Hashable, make: Callable[[], Any]) -> Any:
        found = self._shared.get(key)
        if found is None:
            found = self._shared[key] = make()
        return found

    def _found(self, table: Mapping[str, T], name: str, what: str) -> T:
        found = table.get(name)
        if found is None:
            raise BuildError(f"unable to find {what} '{name}'")
        return found
