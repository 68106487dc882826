"""All that the library haproxyadmin offers, called once: `python -m tests.consoles.calls SOCKET` prints what each gave.

It is a program of its own because the library leaves its sockets to the collector of garbage, which tests complain of.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

from haproxyadmin import BACKEND_METRICS, FRONTEND_METRICS, HAPROXY_METRICS, SERVER_METRICS
from haproxyadmin.haproxy import HAProxy

# Of the process: what a machine, a moment or another way of building makes of it.
OF_THE_MOMENT = frozenset((
    "ConnRate", "CumConns", "CumReq", "CurrConns", "Hard_maxconn", "Idle_pct", "MaxConnRate", "MaxSessRate",
    "MaxZlibMemUsage", "Maxconn", "Maxpipes", "Maxsock", "PipesFree", "PipesUsed", "Run_queue", "SessRate",
    "Tasks", "Ulimit-n", "Uptime_sec", "ZlibMemUsage",
))  # fmt: skip
# Of servers and proxies: times and rates.
PASSING = frozenset((
    "lastchg", "lastsess", "qtime", "ctime", "rtime", "ttime", "rate", "rate_max", "req_rate", "req_rate_max",
    "conn_rate", "conn_rate_max", "check_duration", "bin", "bout",
))  # fmt: skip

Call = Callable[[HAProxy], Any]


def calls() -> Iterator[tuple[str, Call]]:
    """Every method of the library, with what it is called in the report."""
    yield from looks()
    yield from changes_of_frontends()
    yield from changes_of_servers()
    yield from files()
    yield from limits()
    yield "frontend again", lambda h: [h.frontend("fe").metric(name) for name in ("status", "stot", "slim")]


def _check(server: Any) -> tuple[Any, ...]:
    """The last check of a server, whether another one is on its way or not."""
    return server.check_status.removeprefix("* "), server.check_code, server.last_status, server.last_agent_check


def looks() -> Iterator[tuple[str, Call]]:
    yield "frontends", lambda h: [(f.name, f.iid, f.process_nb, f.requests, f.maxconn, f.status) for f in h.frontends()]
    yield "one frontend", lambda h: h.frontend("fe").requests_per_process()
    yield "no frontend", lambda h: h.frontend("nope")
    yield "backends", lambda h: [(b.name, b.iid, b.process_nb, b.requests, b.status) for b in h.backends()]
    yield "backend", lambda h: h.backend("be").requests_per_process()
    yield "no backend", lambda h: h.backend("nope")
    yield "servers", lambda h: [(s.name, s.sid, s.backendname, s.status, s.weight, s.requests) for s in h.servers()]
    yield "servers of one", lambda h: [s.name for s in h.servers(backend="be")]
    yield "server", lambda h: [s.process_nb for s in h.server("s1")]
    yield "no server", lambda h: h.server("nope")
    yield (
        "checks",
        lambda h: [_check(s) for s in h.servers()],
    )
    for name in sorted(set(HAPROXY_METRICS) - OF_THE_MOMENT):
        yield f"metric {name}", lambda h, name=name: h.metric(name)  # type: ignore[misc]
    for name in sorted(set(FRONTEND_METRICS) - PASSING):
        yield f"metric {name} of fe", lambda h, name=name: h.frontend("fe").metric(name)  # type: ignore[misc]
    for name in sorted(set(BACKEND_METRICS) - PASSING):
        yield f"metric {name} of be", lambda h, name=name: h.backend("be").metric(name)  # type: ignore[misc]
    for name in sorted(set(SERVER_METRICS) - PASSING):
        yield f"metric {name} of s1", lambda h, n=name: h.backend("be").server("s1").metric(n)  # type: ignore[misc]
    yield (
        "passing",
        lambda h: [type(h.backend("be").server("s1").metric(n)) for n in sorted(PASSING & {*SERVER_METRICS})],
    )
    yield "description", lambda h: (h.description, h.nodename)
    yield "process", lambda h: (len(h.processids), type(h.totalrequests), type(h.uptimesec), type(h.uptime))
    yield "limits", lambda h: (h.ratelimitconn, h.ratelimitsess, h.ratelimitsslsess)
    yield "errors", lambda h: [re.sub(r"\[.*?\]", "[]", line) for line in h.errors()[0][1]]


def changes_of_frontends() -> Iterator[tuple[str, Call]]:
    yield "disable fe", lambda h: h.frontend("fe").disable()
    yield "disabled fe", lambda h: h.frontend("fe").status
    yield "disable fe twice", lambda h: h.frontend("fe").disable()
    yield "enable fe", lambda h: h.frontend("fe").enable()
    yield "enabled fe", lambda h: h.frontend("fe").status
    yield "maxconn of fe", lambda h: (h.frontend("fe").setmaxconn(100), h.frontend("fe").maxconn)
    yield "bad maxconn of fe", lambda h: h.frontend("fe").setmaxconn("many")
    yield "shutdown of stats", lambda h: h.frontend("stats").shutdown()
    yield "frontends left", lambda h: [(f.name, f.status) for f in h.frontends()]


def settled(status: str) -> str:
    """Without the progress of checks, which begin anew after maintenance."""
    return re.sub(r" \d/\d", "", status)


def changes_of_servers() -> Iterator[tuple[str, Call]]:
    for name in ("s1", "s2", "s3"):
        for state in ("maint", "drain", "ready", "disable", "enable", "no-such"):
            yield f"{name} {state}", lambda h, n=name, to=state: h.backend("be").server(n).setstate(to)  # type: ignore[misc]
            yield f"{name} is {state}", lambda h, n=name: settled(h.backend("be").server(n).status)  # type: ignore[misc]
    for weight in (5, "50%", 300, "300%", "0%", "heavy", 20):
        yield f"weight {weight}", lambda h, to=weight: h.backend("be").server("s1").setweight(to)  # type: ignore[misc]
        yield f"weight is {weight}", lambda h: h.backend("be").server("s1").weight
    yield "weight of a static one", lambda h: h.backend("other").server("o1").setweight(7)
    yield "shutdown sessions", lambda h: h.backend("be").server("s1").shutdown()
    yield "port", lambda h: (move(h, port=8), h.backend("other").server("o1").port)
    yield "address", lambda h: (move(h, address="127.0.0.2"), h.backend("other").server("o1").address)
    yield "address again", lambda h: (move(h, address="127.0.0.2"), h.backend("other").server("o1").address)
    yield "bad address", lambda h: move(h, address="nowhere at all")
    yield "bad port", lambda h: move(h, port="high")


def move(h: HAProxy, **to: object) -> bool:
    """Gives the last server another address."""
    for name, value in to.items():
        setattr(h.backend("other").server("o1"), name, value)
    return True


def files() -> Iterator[tuple[str, Call]]:
    yield (
        "acls",
        lambda h: [line for line in map(reference, h.show_acl()) if "line 0." not in line],
    )
    yield "acl", lambda h: entries(h.show_acl(0))
    yield "no acl", lambda h: h.show_acl(77)
    yield "add to acl", lambda h: (h.add_acl(0, "/new"), entries(h.show_acl(0)))
    yield "get of acl", lambda h: (without_folder(h.get_acl(0, "/new")), without_folder(h.get_acl(0, "/nothing")))
    yield "del from acl", lambda h: (h.del_acl(0, "/new"), entries(h.show_acl(0)))
    yield "del nothing from acl", lambda h: h.del_acl(0, "/new")
    yield "clear acl", lambda h: (h.clear_acl(0), h.show_acl(0))
    yield "maps", lambda h: [*map(reference, h.show_map())]
    yield "map", lambda h: entries(h.show_map(map_of(h)))
    yield "no map", lambda h: h.show_map(77)
    yield "add to map", lambda h: (h.add_map(map_of(h), "/k", "v"), entries(h.show_map(map_of(h))))
    yield "set in map", lambda h: (h.set_map(map_of(h), "/k", "w"), entries(h.show_map(map_of(h))))
    yield "get of map", lambda h: (without_folder(h.get_map(map_of(h), "/k")), h.get_map(map_of(h), "/nothing"))
    yield "del from map", lambda h: (h.del_map(map_of(h), "/k"), entries(h.show_map(map_of(h))))
    yield "clear map", lambda h: (h.clear_map(map_of(h)), h.show_map(map_of(h)))


def map_of(h: HAProxy) -> int:
    """The number of the map: HAProxy counts references in another order than it names them."""
    line = next(line for line in h.show_map() if "/map)" in line)
    return int(line.split()[0])


def entries(lines: list[str]) -> list[str]:
    """Without the addresses that stand before entries."""
    return [re.sub(r"^0x[0-9a-f]+ ", "", line) for line in lines]


def reference(line: str) -> str:
    """Without the numbers of references and the places of files."""
    return re.sub(r" file '[^']*'", "", re.sub(r"^\d+ ", "", without_folder(line)))


def without_folder(line: str) -> str:
    return re.sub(r"0x[0-9a-f]+", "0x", re.sub(r"[^( '\"]*/(list|map)", r"\1", line))


def limits() -> Iterator[tuple[str, Call]]:
    yield "maxconn", lambda h: (h.setmaxconn(50), h.maxconn)
    yield "bad maxconn", lambda h: h.setmaxconn("many")
    yield "rate of connections", lambda h: (h.setratelimitconn(11), h.ratelimitconn)
    yield "rate of sessions", lambda h: (h.setratelimitsess(12), h.ratelimitsess)
    yield "bad rate", lambda h: h.setratelimitsess("many")
    yield "any command", lambda h: h.command("show cli level")
    yield "clear", lambda h: (h.clearcounters(), h.frontend("fe").metric("smax"))
    yield "clear all", lambda h: (h.clearcounters(all=True), h.frontend("fe").metric("stot"))


def said(call: Call, h: HAProxy) -> str:
    """What a call gives, or raises."""
    try:
        return repr(call(h))
    except Exception as error:  # noqa: BLE001 - that is what is compared
        return f"{type(error).__name__}: {error}"


def main(path: str) -> None:
    """Calls all, on the stats socket at `path`."""
    console = HAProxy(socket_file=path)
    print(json.dumps([(name, said(call, console)) for name, call in calls()]))


if __name__ == "__main__":
    main(sys.argv[1])
