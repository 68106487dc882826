"""Names that are unique in a configuration (manual 5.2, "guid")."""

from __future__ import annotations

from collections.abc import Iterable

from lbcore.proxy.frontend import Listener
from lbcore.proxy.proxy import Proxy
from lbcore.proxy.server import Server


def find_guid(proxies: Iterable[Proxy], guid: str) -> Proxy | Listener | Server | None:
    """The proxy, the listener or the server that has this one."""
    for proxy in proxies:
        if proxy.settings.guid == guid:
            return proxy
        listeners = proxy.frontend.listeners if proxy.frontend is not None else ()
        servers = proxy.backend.servers if proxy.backend is not None else ()
        for listener in listeners:
            if listener.bind.guid == guid:
                return listener
        for server in servers:
            if server.settings.guid == guid:
                return server
    return None
