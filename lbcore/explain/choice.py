"""Which frontend a client reaches."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator

from lbcore.conn.settings import BindSettings
from lbcore.explain.request import PORTS, Asked, Endpoint, RequestError
from lbcore.proxy.settings import ProxySettings, Settings
from lbcore.sample.types import Addr

ANY = {"", "*", "0.0.0.0", "::"}

Reached = tuple[ProxySettings, BindSettings | None]


def choose(settings: Settings, asked: Asked, dst: Endpoint | None, name: str | None) -> Reached:
    """The frontend called `name`, or the one that listens where the request goes, and its `bind` address, None if none
    fits. Without a port to go by, the only frontend there is. Raises RequestError if that leaves a choice.
    """
    frontends = [proxy for proxy in settings.proxies if proxy.has_frontend and not proxy.disabled]
    if name is not None:
        frontends = [proxy for proxy in frontends if proxy.name == name]
        if not frontends:
            raise RequestError(f"there is no frontend '{name}' (there {_listed(_names(settings))})")
    fitting = [reached for proxy in frontends for reached in _fitting(proxy, asked, dst)]
    reached = {proxy.name: (proxy, bind) for proxy, bind in reversed(fitting)}
    if len(reached) == 1:
        return next(iter(reached.values()))
    by_default = dst is None and asked.port in (None, *PORTS.values())
    if len(frontends) == 1 and (name is not None or by_default):
        return frontends[0], next(iter(frontends[0].binds), None)
    what = "more than one frontend listens" if reached else "no frontend listens"
    raise RequestError(f"{what} there: choose with --frontend <name> (there {_listed(reached or _names(settings))})")


def _fitting(proxy: ProxySettings, asked: Asked, dst: Endpoint | None) -> Iterator[Reached]:
    host, port = (str(dst.address), dst.port) if dst else (_numeric(asked.host), asked.port)
    for bind in proxy.binds:
        address = bind.address
        if port is not None and address.port == port and (not host or address.host in (*ANY, host)):
            yield proxy, bind


def _numeric(host: str) -> str:
    """The host of a URL if it is an address: a name may mean any of ours."""
    name = host.rpartition("]")[0].strip("[") if host.startswith("[") else host.partition(":")[0]
    address = Addr.parse(name)
    return "" if address is None else str(address)


def _names(settings: Settings) -> list[str]:
    return [proxy.name for proxy in settings.proxies if proxy.has_frontend and not proxy.disabled]


def _listed(names: Iterable[str]) -> str:
    found = list(names)
    return f"{'is' if len(found) == 1 else 'are'}: {', '.join(found)}" if found else "is none"


def destination(bind: BindSettings | None, asked: Asked, src: Endpoint) -> Endpoint:
    """Where a client comes to, if nobody said: the address that is bound, this host where it is any.

    Raises RequestError if nobody can come there from its address.
    """
    here = LOCAL[len(src.address)]
    if bind is None or bind.address.family not in (socket.AF_INET, socket.AF_INET6):
        return Endpoint(here, asked.port or 0)
    bound = Addr.parse(bind.address.host)
    address = here if bound is None or not any(bound) else bound
    if len(address) != len(src.address):
        raise RequestError(f"no client comes from {src.address} to {address}: choose with --src and --dst")
    return Endpoint(address, bind.address.port)


LOCAL = {4: Addr(bytes((127, 0, 0, 1))), 16: Addr(bytes(15) + b"\1")}  # this host, by the length of its address
