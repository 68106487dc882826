"""Transactions made by hand: what rules, expressions and log lines look at, without a running balancer.

    txn = request("GET /a?b=c HTTP/1.1", "Host: www", "X: 1", body=b"...", src="192.0.2.7")
    respond(txn, "HTTP/1.1 200 OK", "Server: s")           the same transaction once its response is there
    ended(txn, tt=12)                                       and once it is over, with its record
    tcp(b"\\x16\\x03", end=False)                             mode tcp: bytes of the client
    accepted(src="192.0.2.7")                               a connection of which nothing was read

Further keywords set fields of the question (`lb_ask`). `FakeWorld` has one frontend `fe`, one backend `be` and two
servers `s1`, `s2`, whose figures are plain attributes; `FakeBuild` gives them by name.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from lbcore.base.address import Address
from lbcore.conn.settings import BindSettings
from lbcore.proxy.settings import ProxySettings, ServerSettings, Userlist
from lbcore.sample.build import BuildError
from lbcore.sample.reference import Inline, References
from lbcore.sample.variable import ProcVars
from lbcore.stream.message import Request, Response
from lbcore.stream.txn import ASK, AT, REC, RECORD, Session, Txn
from lbcore.table.settings import Stored, TableSettings
from lbcore.table.table import Table
from lbcore.table.types import TYPES

NOW_US = 1_772_323_446_078_900  # 2026-03-01T00:04:06.078900Z


def settings(name: str, kind: str, mode: str = "http") -> ProxySettings:
    """Those of a proxy of which nothing else is known."""
    return ProxySettings(name=name, kind=kind, mode=mode)


@dataclass
class FakeListener:
    """A `lbcore.proxy.frontend.Listener`."""

    index: int = 0
    sid: int = 1
    bind: BindSettings = field(default_factory=lambda: BindSettings(Address(socket.AF_INET, "127.0.0.1", 80)))
    cur_conn: int = 1

    @property
    def name(self) -> str:
        return self.bind.name or f"sock-{self.sid}"


@dataclass
class FakeFrontend:
    """A `lbcore.proxy.frontend.Frontend`."""

    settings: ProxySettings = field(default_factory=lambda: settings("fe", "frontend"))
    index: int = 0
    maxconn: int = 100
    cur_conn: int = 3
    conn_rate: int = 4
    sess_rate: int = 5
    req_rate: int = 6
    listeners: list[FakeListener] = field(default_factory=list)


@dataclass
class FakeServer:
    """A `lbcore.proxy.server.Server`."""

    settings: ServerSettings
    index: int
    sid: int
    usable: bool = True
    weight: int = 1
    cur_sess: int = 0
    served: int = 0
    queue: int = 0
    rate: int = 0

    @property
    def name(self) -> str:
        return self.settings.name

    @property
    def maxconn(self) -> int:
        return self.settings.maxconn

    @property
    def maxqueue(self) -> int:
        return 0

    @property
    def backup(self) -> bool:
        return self.settings.backup

    @property
    def uweight(self) -> int:
        return self.settings.weight

    @property
    def cookie(self) -> str | None:
        return self.settings.cookie

    @property
    def status(self) -> str:
        return "no check" if self.usable else "MAINT"


def server(name: str, index: int, **words: Any) -> FakeServer:
    """A server; `words` are fields of its settings."""
    return FakeServer(ServerSettings(name, Address(socket.AF_INET, "127.0.0.1", 9), **words), index, index + 1)


@dataclass
class FakeBackend:
    """A `lbcore.proxy.backend.Backend`."""

    settings: ProxySettings = field(default_factory=lambda: settings("be", "backend"))
    index: int = 0
    servers: list[FakeServer] = field(default_factory=lambda: [server("s1", 0), server("s2", 1)])
    cur_sess: int = 0
    queue: int = 0
    rate: int = 0

    @property
    def by_name(self) -> dict[str, FakeServer]:
        return {one.name: one for one in self.servers}

    @property
    def by_cookie(self) -> dict[str, list[FakeServer]]:
        return {one.cookie: [other for other in self.servers if other.cookie == one.cookie]
                for one in self.servers if one.cookie}  # fmt: skip

    @property
    def act(self) -> int:
        return sum(one.usable and not one.backup for one in self.servers)

    @property
    def bck(self) -> int:
        return sum(one.usable and one.backup for one in self.servers)


@dataclass
class FakeFacts:
    """The part of a `lbcore.facts.Facts` that fetches ask for."""

    world: FakeWorld
    cur_conns: int = 7
    nbthread: int = 2
    pid: int = 4242
    uptime: float = 61.5
    stopping: bool = False

    def proxies(self) -> list[Any]:
        """Objects with the fields of a `lbcore.proxy.proxy.Proxy`, backends behind frontends."""
        sides: list[tuple[Any, Any]] = [(one, None) for one in self.world.frontends.values()]
        sides += [(None, one) for one in self.world.backends.values()]
        return [
            SimpleNamespace(iid=iid, name=(front or back).settings.name, frontend=front, backend=back)
            for iid, (front, back) in enumerate(sides, 1)
        ]


def _table() -> Table:
    arrays = {row.name: Stored(4 if row.array else 1, 1000 if row.is_rate else 0) for row in TYPES.values()}
    doubled = ("gpc0", "gpc1", "gpc0_rate", "gpc1_rate", "gpt0")  # arrays hold these
    store = {name: stored for name, stored in arrays.items() if name not in doubled}
    return Table(TableSettings("t", "string", 1000, length=32, expire=60_000, store=store))


TABLE = _table()


class FakeWorld:
    """A `lbcore.stream.txn.World`: one frontend, one listener, one backend with two servers, numbers from 0 up."""

    def __init__(self, mode: str = "http") -> None:
        listener = FakeListener()
        self.listeners: dict[int, Any] = {0: listener}
        front = FakeFrontend(settings("fe", "frontend", mode), listeners=[listener])
        self.frontends: dict[int, Any] = {0: front}
        back = FakeBackend(settings("be", "backend", mode))
        self.backends: dict[int, Any] = {0: back}
        self.servers: dict[int, Any] = {one.index: one for one in back.servers}
        self.facts: Any = FakeFacts(self)
        self.limits: dict[int, Any] = {}
        self.captures: dict[int, Any] = {}
        self.proc_vars = ProcVars()
        self.worker = FakeWorker()


@dataclass
class FakeWorker:
    """A `lbcore.event.worker.Worker`."""

    tid: int = 0
    engine: Any = field(default_factory=lambda: SimpleNamespace(handle=None))
    crew: Any = None
    local: dict[str, Any] = field(default_factory=dict)


class FakeBuild:
    """A `lbcore.sample.build.Build` over a FakeWorld, for expressions that stand in the proxy `proxy`."""

    def __init__(self, world: FakeWorld | None = None, proxy: str = "fe") -> None:
        self.world = world or FakeWorld()
        self.proxy = proxy
        self.userlists: dict[str, Userlist] = {}
        self.acls: dict[str, Callable[[Txn], bool]] = {}
        self.references = References()

    def _find(self, objects: Iterable[Any], what: str, name: str) -> Any:
        wanted = name or self.proxy
        found = next((one for one in objects if one.settings.name == wanted), None)
        if found is None:
            raise BuildError(f"unable to find {what} '{wanted}'")
        return found

    def frontend(self, name: str) -> Any:
        return self._find(self.world.frontends.values(), "frontend", name)

    def backend(self, name: str) -> Any:
        return self._find(self.world.backends.values(), "backend", name)

    def server(self, name: str) -> Any:
        backend, slash, own = name.rpartition("/")
        return self._find(self.backend(backend if slash else "").servers, "server", own)

    def userlist(self, name: str) -> Any:
        if name not in self.userlists:
            raise BuildError(f"unable to find userlist '{name}'")
        return self.userlists[name]

    def reference(self, name: str | Inline, kind: str) -> Any:
        return self.references.get(name, kind)

    def shared(self, key: object, make: Callable[[], Any]) -> Any:
        return make()

    def table(self, name: str) -> Any:
        """A table that stores everything, the same for all names."""
        return TABLE

    def facts(self) -> Any:
        return self.world.facts

    def environment(self, name: str) -> str | None:
        return os.environ.get(name)

    def acl(self, name: str) -> Any:
        if name not in self.acls:
            raise BuildError(f"unable to find ACL '{name}'")
        return self.acls[name]


def ask(**fields: Any) -> tuple[Any, ...]:
    """A question as a tuple; `fields` are those of `lb_ask`, beside `src` and `dst`, which are addresses as text."""
    values: dict[str, int | bytes] = {
        "session": 1, "uniq": 1, "accept_us": NOW_US - 1_000_000, "request_us": NOW_US - 2_000, "now_us": NOW_US,
        "backend": -1, "server": -1, "status": -1, "req_count": 1, "ti": 0, "tr": -1, "tw": -1, "tc": -1, "tresp": -1,
        "sport": 40_000, "dport": 80,
    }  # fmt: skip
    src = fields.pop("src", "192.0.2.1")
    dst = fields.pop("dst", "2001:db8::2" if src and ":" in src else "198.51.100.2")
    if src is None:
        values |= {"family": socket.AF_UNIX, "sport": 0, "dport": 0}
    else:
        family = socket.AF_INET6 if ":" in src else socket.AF_INET
        values |= {"family": family}
        values |= {"saddr": socket.inet_pton(family, src), "daddr": socket.inet_pton(family, dst)}
    return _tuple(ASK, AT, values | fields)


def _tuple(layout: Any, places: dict[str, int], values: dict[str, Any]) -> tuple[Any, ...]:
    """`values` in a tuple of `layout`, what is missing being 0."""
    row = list(layout.unpack(bytes(layout.size)))
    for name, value in values.items():
        row[places[name]] = value.ljust(len(row[places[name]]), b"\0") if isinstance(value, bytes) else value
    return tuple(row)


def accepted(world: FakeWorld | None = None, **fields: Any) -> Txn:
    """A connection that was accepted, before anything is read."""
    world = world or FakeWorld()
    question = ask(**fields)
    return Txn(world, world.worker, question, Session(question, world))


def tcp(data: bytes = b"", *, end: bool = False, world: FakeWorld | None = None, **fields: Any) -> Txn:
    """Mode tcp: what came from the client so far; `end`: no more will come."""
    txn = accepted(world or FakeWorld("tcp"), **fields)
    txn.data = data
    txn.data_end = end
    return txn


def fields_of(lines: Iterable[str]) -> str:
    """Fields in normal form, from `Name: value` lines."""
    pairs = (line.partition(":") for line in lines)
    return "\r\n" + "".join(f"{name.lower()}: {value.strip(' ')}\r\n" for name, _, value in pairs)


def request(
    line: str = "GET / HTTP/1.1",
    *lines: str,
    body: bytes | None = None,
    whole: bool = True,
    world: FakeWorld | None = None,
    **fields: Any,
) -> Txn:
    """A request that was read: its first line, its header lines, what of its body is here and whether that is all."""
    txn = accepted(world, **fields)
    method, target, version = line.split(" ")
    head = f"{method} {target} {version}{fields_of(lines)}\r\n"
    txn.req = Request(head, len(method), len(target))
    _set_body(txn.req, body, whole)
    txn.data_end = True
    return txn


def respond(txn: Txn, line: str = "HTTP/1.1 200 OK", *lines: str, body: bytes | None = None, whole: bool = True) -> Txn:
    """The same transaction once its response is there, from server `s1` of `be` unless it has one; it is returned."""
    txn.backend = txn.backend or txn.world.backends[0]
    txn.server = txn.server or txn.world.servers[0]
    txn.respond()
    txn.res = Response.parse(f"{line}{fields_of(lines)}\r\n")
    txn.status = txn.res.status
    _set_body(txn.res, body, whole)
    return txn


def _set_body(message: Request | Response, body: bytes | None, whole: bool) -> None:
    message.has_body = body is not None
    message.body = body
    message.whole_body = whole and body is not None
    message.body_size = len(body or b"")


def ended(txn: Txn, **fields: Any) -> Txn:
    """The same transaction once it is over; `fields` are those of its record (`lb_rec`, as a tuple)."""
    backend, server = (-1 if one is None else one.index for one in (txn.backend, txn.server))
    values = {
        "backend": backend, "server": server, "th": 1, "ti": 2, "tr": 3, "tw": 4, "tc": 5, "tresp": 6, "td": 7, "ta": 8,
        "tt": 9,
        "status": 200, "bytes_read": 1234, "bytes_uploaded": 99, "term": b"----", "req_count": 1,
    }  # fmt: skip
    txn.end(_tuple(RECORD, REC, values | fields))
    return txn
