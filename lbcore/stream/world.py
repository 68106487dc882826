"""The balancer around its transactions, and around what is compiled for it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, TypeVar

from lbcore.proxy.backend import Backend
from lbcore.proxy.frontend import Frontend, Listener
from lbcore.proxy.proxy import Proxy
from lbcore.proxy.server import Server
from lbcore.proxy.settings import Userlist
from lbcore.sample.build import BuildError
from lbcore.sample.reference import References
from lbcore.sample.variable import ProcVars
from lbcore.thread.locks import LockSet

T = TypeVar("T")


class World:
    """Live objects by their numbers in the engine and by their names. Complete before threads start, then only read;
    process-wide variables and pattern references have locks of their own."""

    def __init__(self, proxies: Iterable[Proxy], userlists: Mapping[str, Userlist], facts: Any, locks: LockSet) -> None:
        self.frontends: dict[int, Frontend] = {}
        self.backends: dict[int, Backend] = {}
        self.servers: dict[int, Server] = {}
        self.listeners: dict[int, Listener] = {}
        self.frontends_by_name: dict[str, Frontend] = {}
        self.backends_by_name: dict[str, Backend] = {}
        self.userlists = userlists
        self.facts = facts
        self.proc_vars = ProcVars(locks)
        self.references = References(locks)
        for proxy in proxies:
            self._add(proxy)

    def _add(self, proxy: Proxy) -> None:
        if proxy.frontend is not None:
            self.frontends[proxy.frontend.index] = proxy.frontend
            self.frontends_by_name[proxy.name] = proxy.frontend
            self.listeners.update((listener.index, listener) for listener in proxy.frontend.listeners)
        if proxy.backend is not None:
            self.backends[proxy.backend.index] = proxy.backend
            self.backends_by_name[proxy.name] = proxy.backend
            self.servers.update((server.index, server) for server in proxy.backend.servers)


class Builder:
    """`lbcore.sample.build.Build` for what stands in one proxy."""

    def __init__(self, world: World, proxy: str, acls: Mapping[str, Any]) -> None:
        self.proxy = proxy
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
        return found

    def userlist(self, name: str) -> Userlist:
        return self._found(self._world.userlists, name, "userlist")

    def reference(self, name: str, kind: str) -> Any:
        return self._world.references.get(name, kind)

    def table(self, name: str) -> Any:
        raise BuildError("there are no stick tables in this release")

    def facts(self) -> Any:
        return self._world.facts

    def acl(self, name: str) -> Callable[[Any], bool]:
        found = self._compiled.get(name)
        if found is None:
            acl = self._acls.get(name)
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
