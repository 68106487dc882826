"""Figures of proxies and servers (manual 7.3.2), read from the live objects when asked for, without a lock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from lbcore.fetch.rows import given
from lbcore.sample.build import Build
from lbcore.sample.points import INTERNAL
from lbcore.sample.rows import Arg, Fetch, Fetcher, add_fetches
from lbcore.sample.types import Type, Value

Read = Callable[[Any], Value]


def usable_servers(backend: Any) -> int:
    """How many servers requests go to: active ones, without any the first backup or (option allbackups) all."""
    if backend.act:
        return int(backend.act)
    return int(backend.bck if "allbackups" in backend.settings.options else min(backend.bck, 1))


def average_queue(backend: Any) -> int:
    """Requests that wait, by server; twice their number if there is no server."""
    servers, queued = usable_servers(backend), int(backend.queue)
    return -(-queued // servers) if servers else queued * 2


def _serving(backend: Any) -> Iterator[Any]:
    """The servers that requests go to."""
    if backend.act:
        yield from (server for server in backend.servers if server.usable and not server.backup)
        return
    backups = [server for server in backend.servers if server.usable]
    yield from backups if "allbackups" in backend.settings.options else backups[:1]


def free_connections(backend: Any) -> int:
    """Connections that its servers may still have, -1 if one of them has no limit."""
    total = 0
    for server in _serving(backend):
        if not server.maxconn:
            return -1
        total += max(0, server.maxconn - server.cur_sess)
    return total


def slots(backend: Any) -> int:
    """Connections and places in queues that its servers still have, -1 if one of them has no limit of either kind."""
    total = 0
    for server in backend.servers:
        if not server.usable:
            continue
        if not server.maxconn or not server.maxqueue:
            return -1
        total += server.maxconn - server.cur_sess + server.maxqueue - server.queue
    return total


def free_of_server(server: Any) -> int:
    """Connections that a server may still have, -1 if it has no limit."""
    return max(0, server.maxconn - server.cur_sess) if server.maxconn else -1


def _of(find: Callable[[Build, str], Any], read: Read) -> Callable[[Sequence[Arg], Build], Fetcher]:
    """What makes a fetch that reads a live object, which its argument names."""

    def make(args: Sequence[Arg], build: Build) -> Fetcher:
        found = find(build, given(args, 0) or "")
        return lambda t: read(found)

    return make


def _backend(name: str, read: Read, doc: str) -> Fetch:
    make = _of(lambda build, named: build.backend(named), read)
    return Fetch(name, "(backend)", Type.SINT, INTERNAL, make, doc)


def _frontend(name: str, read: Read, doc: str) -> Fetch:
    make = _of(lambda build, named: build.frontend(named), read)
    return Fetch(name, "(frontend)", Type.SINT, INTERNAL, make, doc)


def _server(name: str, read: Read, doc: str, kind: Type = Type.SINT) -> Fetch:
    make = _of(lambda build, named: build.server(named), read)
    return Fetch(name, "(server)", kind, INTERNAL, make, doc)


add_fetches(
    _backend("avg_queue", average_queue, "Requests that wait in a backend, by server."),
    _backend("be_conn", lambda backend: int(backend.cur_sess), "Streams that a backend has."),
    _backend("be_conn_free", free_connections, "Connections that a backend's servers may still have; -1: any number."),
    _backend("be_sess_rate", lambda backend: int(backend.rate), "Streams of a backend in the last second."),
    _backend("connslots", slots, "Connections and places in queues that a backend still has; -1: any number."),
    _frontend("fe_conn", lambda frontend: int(frontend.cur_conn), "Connections that a frontend has."),
    _frontend("fe_req_rate", lambda frontend: int(frontend.req_rate), "Requests to a frontend in the last second."),
    _frontend("fe_sess_rate", lambda frontend: int(frontend.sess_rate), "Sessions of a frontend in the last second."),
    _backend("nbsrv", usable_servers, "Servers of a backend that can be used."),
    _backend("queue", lambda backend: int(backend.queue), "Requests that wait in a backend."),
    _server("srv_conn", lambda server: int(server.cur_sess), "Streams that a server has."),
    _server("srv_conn_free", free_of_server, "Connections that a server may still have; -1: any number."),
    _server("srv_is_up", lambda server: bool(server.usable), "Whether a server can be used.", Type.BOOL),
    _server("srv_iweight", lambda server: int(server.settings.weight), "A server's weight as it was configured."),
    _server("srv_queue", lambda server: int(server.queue), "Requests that wait for a server."),
    _server("srv_sess_rate", lambda server: int(server.rate), "Streams of a server in the last second."),
    _server("srv_uweight", lambda server: int(server.uweight), "A server's weight as people see it."),
    _server("srv_weight", lambda server: int(server.weight), "A server's weight in effect."),
)
