"""The lines in which a proxy tells its state: SIGHUP, and the end of a soft stop (management guide 8)."""

from __future__ import annotations

from collections.abc import Iterator

from lbcore.proxy.proxy import Proxy


def server_states(proxy: Proxy) -> Iterator[str]:
    """A line for each server."""
    for server in proxy.backend.servers if proxy.backend is not None else ():
        state = "UP" if server.usable else "DOWN"
        yield (
            f"SIGHUP: Server {proxy.name}/{server.name} is {state}. Conn: {server.cur_sess} act, {server.queue} pend, "
            f"{server.counters.cum_sess} tot."
        )


def proxy_state(proxy: Proxy) -> str:
    """The line of the proxy itself."""
    front, back = proxy.frontend, proxy.backend
    queued = back.queue if back is not None else 0
    unassigned = back.unassigned if back is not None else 0
    conns = (
        f"Conn: act(FE+BE): {front.cur_conn if front else 0}+{back.cur_sess if back else 0}, "
        f"{queued} pend ({unassigned} unass), tot(FE+BE): {front.counters.cum_conn if front else 0}+"
        f"{back.counters.cum_sess if back else 0}."
    )
    if back is None or not back.servers:
        return f"SIGHUP: Proxy {proxy.name} has no servers. {conns}"
    if not back.act:
        state = "is running on backup servers" if back.bck else "has no server available"
        return f"SIGHUP: Proxy {proxy.name} {state} ! {conns}"
    return f"SIGHUP: Proxy {proxy.name} has {back.act} active servers and {back.bck} backup servers available. {conns}"


def switched_line(proxy: Proxy, deed: str) -> str:
    """What is said of a proxy that is `Paused` or `Resumed`."""
    return f"{deed} {'frontend' if proxy.backend is None else 'proxy'} {proxy.name}."


def stopped_line(proxy: Proxy) -> str:
    """What is said when a proxy stops listening."""
    front = int(proxy.frontend.counters.cum_conn) if proxy.frontend is not None else 0
    back = int(proxy.backend.counters.cum_sess) if proxy.backend is not None else 0
    return f"Proxy {proxy.name} stopped (cumulated conns: FE: {front}, BE: {back})."
