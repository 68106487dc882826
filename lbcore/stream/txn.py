"""What an expression, a rule or a log line looks at: a stream, its session, the messages at hand.

A `Session` is one client connection, a `Txn` one request and its response (or, in mode tcp, one connection through).
Both belong to the worker that owns the connection, and take no lock. Of most streams they live for one decision only:
they are kept between question and question if the configuration needs it.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any, Protocol, TypeVar, cast

from lbcore.sample.types import Addr, Value
from lbcore.stream.message import Request, Response
from lbcore.stream.records import record_layout

ASK, AT = record_layout("lb_ask")  # how a question becomes a tuple, and the place of each field in that
RECORD, REC = record_layout("lb_rec")  # the same of the record of a stream that has ended
SADDR, DADDR, FAMILY = AT["saddr"], AT["daddr"], AT["family"]
SPORT, DPORT = AT["sport"], AT["dport"]
UNIQ, SESSION, FRONTEND, LISTENER, ACCEPT_US = (
    AT["uniq"],
    AT["session"],
    AT["frontend"],
    AT["listener"],
    AT["accept_us"],
)

Vars = dict[str, Value]
Made = TypeVar("Made")


class World(Protocol):
    """The balancer around a transaction: live objects by their numbers in the engine. Any thread."""

    frontends: dict[int, Any]  # lbcore.proxy.frontend.Frontend
    backends: dict[int, Any]  # lbcore.proxy.backend.Backend
    servers: dict[int, Any]  # lbcore.proxy.server.Server
    listeners: dict[int, Any]  # lbcore.proxy.frontend.Listener
    facts: Any  # lbcore.facts.Facts
    limits: dict[int, Any]  # lbcore.stream.limit.Limited of frontends
    captures: dict[int, Callable[[Request], list[str | None]]]  # of frontends: see lbcore.stream.captures
    proc_vars: Any  # lbcore.sample.variable.ProcVars: process-wide variables, with their lock


class Session:
    """A client's connection. All but `number`, `vars` and `tracked` is worked out when it is first asked for."""

    origin: Session | None = None  # of one that a stream has for itself: the connection's
    switched: Txn | None = None  # of `switch-mode`: the transaction that the first request goes on with
    accept_us: int
    dport: int
    dst: Addr | None  # None for unix sockets, as `src`
    family: int
    frontend: Any
    listener: Any
    sport: int
    src: Addr | None
    tracked: dict[int, Any]  # by slot: lbcore.stream.tracking.Tracked
    vars: Vars

    def __init__(self, ask: tuple[Any, ...], world: World) -> None:
        self.number: int = ask[SESSION]
        self._ask = ask
        self._world = world

    def __getattr__(self, name: str) -> Any:
        # called for what is not there yet only
        make = _SESSION.get(name)
        if make is None:
            raise AttributeError(name)
        found = make(self._ask, self._world)
        setattr(self, name, found)
        return found

    def shake(self, ask: tuple[Any, ...]) -> None:
        """Tells it that its handshakes are over: headers may have said who is at its ends."""
        self._ask = ask
        for name in ("src", "sport", "dst", "dport", "family"):
            self.__dict__.pop(name, None)

    @property
    def remembers(self) -> bool:
        """Whether there is something that must outlive the present question."""
        return "vars" in self.__dict__ or "tracked" in self.__dict__ or self.switched is not None


_SESSION: dict[str, Callable[[tuple[Any, ...], Any], Any]] = {
    "accept_us": lambda ask, world: ask[ACCEPT_US],
    "dport": lambda ask, world: ask[DPORT],
    "dst": lambda ask, world: address(ask[FAMILY], ask[DADDR]),
    "family": lambda ask, world: ask[FAMILY],
    "frontend": lambda ask, world: world.frontends[ask[FRONTEND]],
    "listener": lambda ask, world: world.listeners.get(ask[LISTENER]),
    "sport": lambda ask, world: ask[SPORT],
    "src": lambda ask, world: address(ask[FAMILY], ask[SADDR]),
    "tracked": lambda ask, world: {},
    "vars": lambda ask, world: {},
}


def address(family: int, raw: bytes) -> Addr | None:
    """An address of the shim's, None if the family has none."""
    if family == socket.AF_INET:
        return Addr(raw[:4])
    return Addr(raw) if family == socket.AF_INET6 else None


SESSIONS = "sessions"  # worker.local: number of a session -> Session, of those that remember something
_NONE: dict[int, Session] = {}


def _session(t: Txn) -> Session:
    t.met = True
    found: Session | None = t.worker.local.get(SESSIONS, _NONE).get(t.ask[SESSION])
    return found if found is not None else Session(t.ask, t.world)


class _Lazy:
    """An attribute that is worked out when it is first asked for, and stays then.

    A class with a `__getattr__` would do the same, but makes each look at any other attribute dearer.
    """

    __slots__ = ("_make", "_name")

    def __init__(self, make: Callable[[Any], Any]) -> None:
        self._make = make

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, one: Any, owner: type) -> Any:
        found = self._make(one)
        setattr(one, self._name, found)
        return found


def lazy(make: Callable[[Any], Made]) -> Made:
    """An attribute of a class that `make` works out of the object."""
    return cast(Made, _Lazy(make))


def _captured(t: Txn) -> list[str | None] | None:
    find = t.world.captures.get(t.ask[FRONTEND])
    return None if find is None or t.req is None else find(t.req)


class Txn:
    """One request and its response.

    `ask` is the last question (fields by `AT`), `record` the record of the stream once it has ended (fields by `REC`),
    else None; what its `uri` points at lives as long as the batch of records that it came with. `req` is there from the
    request's head on, `res` from the response's on; in mode tcp both are None and `data` has the bytes at hand.
    """

    # Class attributes are what holds until something else is said: of most transactions most of it never is.
    backend: Any = None  # the one chosen, or being looked at by its own rules
    server: Any = None
    req: Request | None = None
    res: Response | None = None
    data: bytes | None = None  # mode tcp: what came of the side whose rules run
    data_end = False  # no more will come
    missing = False  # a fetch found nothing, but may when more of `data` has come: content rules then wait
    no_retry = False  # disable-l7-retry
    forced = False  # force-persist: the server is tried though it is down
    expects = 0  # V_F_PROXY, V_F_CIP: headers that the connection begins with
    ignores_cookie = False  # ignore-persist
    point = 0  # sample.points.Point at which rules run now
    status = -1  # sent to the client, once known
    record: Any = None
    priority_class = 0  # set-priority-class: in queues
    priority_offset = 0  # set-priority-offset: ms
    timeouts: dict[str, int] | None = None  # set-timeout: ms by "client", "server", "tunnel"
    error = 0  # of the stream, as HAProxy numbers them for logs; 0: none
    strict = True  # http-request strict-mode
    log_level: int | None = None  # set-log-level; None: as usual, -1: silent
    log_profile: Any = None
    log_origin = ""  # of the line that is written now, if the stream goes on: one of lbcore.log.settings.ORIGINS
    unique_id: str | None = None
    last_rule: tuple[str, int] | None = None  # file and line of the last final rule
    waiting = ""  # the entity that it waits for
    tlvs: bytes | None = None  # of the client's PROXY header, once asked for
    hints = ""  # fields of a 103 response to which the next rule adds more
    closes = False  # rules say that the client's connection ends with this response
    responds = False  # what concerns the response has begun
    applet: str | None = None  # what logs call the part of us that answered in the place of a server
    kept = False  # to be kept until the stream ends
    met = False  # `session` was asked for
    resume: Any = None  # rules that wait: the generator to go on with
    pieces: Any = None  # what is still to be made of a reply (`rules.Pieces`)
    captures_req: list[str | None] | None = lazy(_captured)
    captures_res: list[str | None] | None = None
    checks = False  # it is a health check: lbcore.stream.checking.CheckTxn
    check_vars: Vars = {}  # noqa: RUF012 - of a health check; empty for good, as this is none
    sticky: Any = None  # the server that persistence chose: option persist has it tried though it is down
    sticks: list[Any] | None = None  # what its server is to be stored under: lbcore.stream.sticking.Kept
    tracked: dict[int, Any] | None = None  # by slot, of the stream itself: lbcore.stream.tracking.Tracked
    cookies: Any = None  # what the persistence cookie said, for the log and the response
    vars: Vars = lazy(lambda t: {})
    req_vars: Vars = lazy(lambda t: {})
    res_vars: Vars = lazy(lambda t: {})

    session: Session = lazy(_session)
    frontend: Any = lazy(lambda t: t.world.frontends[t.ask[FRONTEND]])

    def __init__(self, world: World, worker: Any, ask: tuple[Any, ...], session: Session | None = None) -> None:
        """`session`: None for the one that the worker keeps, or a new one, when it is asked for."""
        self.world = world
        self.worker = worker
        self.ask = ask
        if session is not None:
            self.session = session
            self.met = True

    @property
    def uniq(self) -> int:
        """Number of the stream in the process."""
        return self.ask[UNIQ]  # type: ignore[no-any-return]

    @classmethod
    def of_record(cls, world: World, worker: Any, record: tuple[Any, ...]) -> Txn:
        """Of a stream that has ended and that nobody kept: what its record tells. Its question is made of the same."""
        ask = list(_NO_ASK)
        for place, source in _SHARED:
            ask[place] = record[source]
        ask[AT["now_us"]] = record[REC["accept_us"]] + 1000 * record[REC["tt"]]
        asked = tuple(ask)
        found = cls(world, worker, asked)
        found.end(record)
        return found

    def respond(self) -> None:
        """Tells it that what concerns the response begins: variables of the request are gone."""
        if not self.responds:
            self.responds = True
            self.req_vars = {}

    def end(self, record: tuple[Any, ...]) -> None:
        """Tells it that its stream is over. Its backend and server are now those that were used in the end."""
        self.record = record
        self.backend = self.world.backends.get(record[REC["backend"]])
        self.server = self.world.servers.get(record[REC["server"]])
        self.status = record[REC["status"]]

    @property
    def message(self) -> Request | Response:
        """The message at hand: the response once there is one."""
        found = self.res if self.res is not None else self.req
        assert found is not None, "rules of mode tcp ask for no message"
        return found

    @property
    def has_session(self) -> bool:
        """Whether `session` was asked for, or is kept for its streams; else it would be made of the question."""
        return self.met or self.ask[SESSION] in self.worker.local.get(SESSIONS, _NONE)

    @property
    def src(self) -> Addr | None:
        """The client's address, None if it has none (unix sockets): of the session, which is not made for it."""
        ask = self.ask
        return self.session.src if self.has_session else address(ask[FAMILY], ask[SADDR])

    def flow(self) -> tuple[Any, int, int, int]:
        """What the shim's `eng_flow_*` functions take first: engine, thread, and the flow with its generation."""
        ask = self.ask
        return self.worker.engine.handle, self.worker.tid, ask[AT["flow"]], ask[AT["gen"]]


_NO_ASK = ASK.unpack(bytes(ASK.size))
_SHARED = [(AT[name], REC[name]) for name in AT if name in REC and name != "flags"]
