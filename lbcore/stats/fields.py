"""The columns of `show stat`, in HAProxy's order (management manual, 9.1).

A row of FIELDS yields the value for a frontend, a listener, a server and a backend; where it has no function, the cell
is empty. What concerns parts that are not built (compression, caches, HTTP/2 and 3) is 0, as in a HAProxy without them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, IntFlag
from operator import attrgetter
from typing import Any, Generic, NamedTuple, TypeVar

from lbcore.stats.views import BackendView, CheckView, Counters, FrontendView, ListenerView, ProxyView, ServerView

Value = int | str | None
T = TypeVar("T")


class Kind(Enum):
    """What a value is, for outputs that say so."""

    KEY = "key"  # a name or number that identifies
    STATUS = "status"
    LIMIT = "limit"  # from the configuration
    GAUGE = "gauge"  # now
    MAX = "max"  # the largest since the start
    COUNTER = "counter"  # since the start
    RATE = "rate"  # over the last second
    AGE = "age"  # seconds ago
    MEAN = "mean"


class Shown(IntFlag):
    """The types of objects, as the <type> argument of `show stat` adds them up."""

    FRONTEND = 1
    BACKEND = 2
    SERVER = 4
    LISTENER = 8
    ALL = 15


@dataclass(frozen=True, slots=True)
class Subject(Generic[T]):
    """What a row is about: the object, its proxy, its counters summed once."""

    proxy: ProxyView
    obj: T
    counters: Counters
    name: str
    sid: int
    legends: bool  # addresses and algorithms are shown: not to the lowest level
    with_counts: bool  # some servers are hidden: the backend's status says how many there are


class Field(NamedTuple):
    """A column."""

    name: str
    kind: Kind
    doc: str
    frontend: Callable[[Subject[FrontendView]], Value] | None = None
    listener: Callable[[Subject[ListenerView]], Value] | None = None
    server: Callable[[Subject[ServerView]], Value] | None = None
    backend: Callable[[Subject[BackendView]], Value] | None = None


class Selection(NamedTuple):
    """Which rows are wanted. -1 stands for all."""

    iid: int = -1
    types: int = -1
    sid: int = -1
    hide_maint: bool = False
    hide_down: bool = False
    legends: bool = True


def select(proxies: Iterable[ProxyView], wanted: Selection) -> Iterator[list[Value]]:
    """The rows of `proxies` that are `wanted`: frontend, listeners, servers, backend of each in turn."""
    for proxy in proxies:
        if wanted.iid in (-1, proxy.iid):
            yield from _proxy_rows(proxy, wanted)


def _proxy_rows(proxy: ProxyView, wanted: Selection) -> Iterator[list[Value]]:
    types = Shown(wanted.types & Shown.ALL)

    def subject(obj: Any, name: str, sid: int) -> Subject[Any]:
        counts = wanted.hide_maint or wanted.hide_down
        return Subject(proxy, obj, obj.counters, name, sid, wanted.legends, counts)

    def shown(kind: Shown, sid: int) -> bool:
        return kind in types and wanted.sid in (-1, sid)

    frontend, backend = proxy.frontend, proxy.backend
    if frontend is not None and shown(Shown.FRONTEND, 0):
        yield _row(_FRONTEND, subject(frontend, "FRONTEND", 0))
    for listener in proxy.listeners:
        if shown(Shown.LISTENER, listener.sid):
            yield _row(_LISTENER, subject(listener, listener.name, listener.sid))
    if backend is None:
        return
    for server in backend.servers if Shown.SERVER in types else ():
        if wanted.sid in (-1, server.sid) and not _hidden(server, wanted):
            yield _row(_SERVER, subject(server, server.name, server.sid))
    if shown(Shown.BACKEND, 0):
        yield _row(_BACKEND, subject(backend, "BACKEND", 0))


def _hidden(server: ServerView, wanted: Selection) -> bool:
    if wanted.hide_down:
        return not server.usable
    return wanted.hide_maint and server.status.startswith("MAINT")


_Cells = list[tuple[int, Callable[[Subject[Any]], Value]]]  # the columns that a kind of object has


def _row(cells: _Cells, subject: Subject[Any]) -> list[Value]:
    row: list[Value] = [None] * len(FIELDS)
    for place, function in cells:
        row[place] = function(subject)
    return row


def _count(name: str) -> Callable[[Subject[Any]], Value]:
    """The counter of this name."""
    return attrgetter(f"counters.{name}")


def _http(function: Callable[[Subject[T]], Value]) -> Callable[[Subject[T]], Value]:
    """The same in mode http, an empty cell in mode tcp."""
    return lambda s: function(s) if s.proxy.mode == "http" else None


def _http_count(name: str) -> Callable[[Subject[Any]], Value]:
    return _http(_count(name))


def _mean(name: str) -> Callable[[Subject[Any]], Value]:
    """The mean of a sum of milliseconds over all streams since the start."""
    return lambda s: getattr(s.counters, name) // s.counters.time_n if s.counters.time_n else 0


def _only(mode: str, name: str) -> Callable[[Subject[Any]], Value]:
    """A counter that is of this mode; 0 in the other."""
    return lambda s: int(getattr(s.counters, name)) if s.proxy.mode == mode else 0


def _zero(_: Subject[Any]) -> Value:
    """Nothing of the kind can have happened in this release."""
    return 0


def _legend(function: Callable[[Subject[T]], Value]) -> Callable[[Subject[T]], Value]:
    return lambda s: function(s) if s.legends else None


def _backend_status(s: Subject[BackendView]) -> Value:
    if not s.with_counts:
        return s.obj.status
    return f"{s.obj.status} ({s.obj.act or s.obj.bck}/{len(list(s.obj.servers))})"


def _everywhere(kind: Kind, name: str, doc: str, function: Callable[[Subject[Any]], Value]) -> Field:
    return Field(name, kind, doc, function, function, function, function)


def _both_ends(kind: Kind, name: str, doc: str, function: Callable[[Subject[Any]], Value]) -> Field:
    """A column of servers and backends."""
    return Field(name, kind, doc, server=function, backend=function)


def _clients(kind: Kind, name: str, doc: str, function: Callable[[Subject[Any]], Value]) -> Field:
    """A column of frontends and listeners."""
    return Field(name, kind, doc, frontend=function, listener=function)


def _status_class(digit: str) -> Field:
    function = _http_count(f"rsp{digit}xx")
    doc = f"HTTP responses with a status of {digit}00 to {digit}99"
    return Field(f"hrsp_{digit}xx", Kind.COUNTER, doc, function, None, function, function)


def _checked(kind: Kind, name: str, doc: str, function: Callable[[CheckView], Value]) -> Field:
    """A column of servers whose health is checked now."""
    return Field(name, kind, doc, server=lambda s: _of_check(s.obj.check, function))


def _agent(kind: Kind, name: str, doc: str, function: Callable[[CheckView], Value]) -> Field:
    """A column of servers whose agent is asked now."""
    return Field(name, kind, doc, server=lambda s: _of_check(s.obj.agent, function))


def _of_check(check: CheckView | None, function: Callable[[CheckView], Value]) -> Value:
    return function(check) if check is not None and check.due else None


def _where_enabled(function: Callable[[ServerView], Value]) -> Callable[[Subject[ServerView]], Value]:
    """A figure of servers that are checked, in maintenance too."""
    return lambda s: function(s.obj) if s.obj.check is not None and s.obj.check.enabled else None


def _last_status(check: CheckView) -> Value:
    # While a check runs, code and text of the last one stay, as the guide says; HAProxy forgets them then.
    return f"{'* ' if check.running else ''}{check.last.status.name}"


def _last_code(check: CheckView) -> Value:
    return check.last.told_code % 2**32 if check.last.status.has_code else None


def _last_duration(check: CheckView) -> Value:
    return max(check.last.duration_ms, 0) if check.last.status.is_final else None


def _proxies(name: str, doc: str, *, http: bool = False) -> Field:
    """A column of frontends and backends about a part that is not built."""
    function = _http(_zero) if http else _zero
    return Field(name, Kind.COUNTER, doc, frontend=function, backend=function)


def _of_frontend(name: str, kind: Kind, doc: str, function: Callable[[Subject[FrontendView]], Value]) -> Field:
    return Field(name, kind, doc, frontend=function)


FIELDS: tuple[Field, ...] = (
    _everywhere(Kind.KEY, "pxname", "proxy", lambda s: s.proxy.name),
    _everywhere(Kind.KEY, "svname", "FRONTEND, BACKEND, or the server or listener", lambda s: s.name),
    Field("qcur", Kind.GAUGE, "streams in the queue", server=lambda s: s.obj.queue,
          backend=lambda s: s.obj.unassigned),
    _both_ends(Kind.MAX, "qmax", "most streams in the queue", lambda s: s.obj.queue_max),
    Field("scur", Kind.GAUGE, "sessions now", lambda s: s.obj.cur_conn, lambda s: s.obj.cur_conn,
          lambda s: s.obj.cur_sess, lambda s: s.obj.cur_sess),
    Field("smax", Kind.MAX, "most sessions at a time", lambda s: s.obj.max_conn, lambda s: s.obj.max_conn,
          lambda s: s.obj.max_sess, lambda s: s.obj.max_sess),
    Field("slim", Kind.LIMIT, "maxconn; of a backend: fullconn", lambda s: s.obj.maxconn, lambda s: s.obj.maxconn,
          lambda s: s.obj.maxconn or None, lambda s: s.obj.fullconn),
    _everywhere(Kind.COUNTER, "stot", "sessions", _count("cum_sess")),
    _everywhere(Kind.COUNTER, "bin", "bytes from clients", _count("bytes_in")),
    _everywhere(Kind.COUNTER, "bout", "bytes to clients", _count("bytes_out")),
    Field("dreq", Kind.COUNTER, "requests denied by a rule", _count("denied_req"), _count("denied_req"),
          None, _count("denied_req")),
    _everywhere(Kind.COUNTER, "dresp", "responses denied by a rule", _count("denied_resp")),
    _clients(Kind.COUNTER, "ereq", "requests that were invalid or ended early", _count("failed_req")),
    _both_ends(Kind.COUNTER, "econ", "failed connections to servers", _count("failed_conns")),
    _both_ends(Kind.COUNTER, "eresp", "responses that were invalid or ended early", _count("failed_resp")),
    _both_ends(Kind.COUNTER, "wretr", "connection attempts made again", _count("retries")),
    _both_ends(Kind.COUNTER, "wredis", "streams sent to another server than first chosen", _count("redispatches")),
    Field("status", Kind.STATUS, "state", lambda s: s.obj.status, lambda s: s.obj.status, lambda s: s.obj.status,
          _backend_status),
    Field("weight", Kind.GAUGE, "weight in force", server=lambda s: s.obj.weight,
          backend=lambda s: s.obj.total_weight),
    Field("act", Kind.GAUGE, "active servers", server=lambda s: 0 if s.obj.backup else 1,
          backend=lambda s: s.obj.act),
    Field("bck", Kind.GAUGE, "backup servers", server=lambda s: 1 if s.obj.backup else 0,
          backend=lambda s: s.obj.bck),
    Field("chkfail", Kind.COUNTER, "failed health checks", server=_where_enabled(lambda server: server.check_failures)),
    Field("chkdown", Kind.COUNTER, "times it went from UP to DOWN", server=_where_enabled(lambda server: server.downs),
          backend=lambda s: s.obj.down_count),
    _both_ends(Kind.AGE, "lastchg", "seconds since the state changed", lambda s: s.obj.lastchg),
    Field("downtime", Kind.COUNTER, "seconds spent DOWN", server=_where_enabled(lambda server: server.downtime),
          backend=lambda s: s.obj.downtime if s.obj.servers else None),
    Field("qlimit", Kind.LIMIT, "maxqueue", server=lambda s: s.obj.maxqueue or None),
    _everywhere(Kind.KEY, "pid", "number of the process, always 1", lambda s: 1),
    _everywhere(Kind.KEY, "iid", "number of the proxy", lambda s: s.proxy.iid),
    _everywhere(Kind.KEY, "sid", "number of the server or listener in its proxy", lambda s: s.sid),
    Field("throttle", Kind.GAUGE, "percentage reached in slow start", server=lambda s: s.obj.throttle),
    _both_ends(Kind.COUNTER, "lbtot", "times it was chosen by the balance algorithm", _count("cum_lbconn")),
    Field("tracked", Kind.KEY, "server whose state this one follows", server=lambda s: s.obj.tracked),
    Field("type", Kind.KEY, "0 frontend, 1 backend, 2 server, 3 listener", lambda s: 0, lambda s: 3, lambda s: 2,
          lambda s: 1),
    Field("rate", Kind.RATE, "sessions in the last second", lambda s: s.obj.sess_rate, None, lambda s: s.obj.rate,
          lambda s: s.obj.rate),
    _of_frontend("rate_lim", Kind.LIMIT, "rate-limit sessions", lambda s: s.obj.sess_rate_limit),
    Field("rate_max", Kind.MAX, "most sessions in a second", lambda s: s.obj.sess_rate_max, None,
          lambda s: s.obj.rate_max, lambda s: s.obj.rate_max),
    _checked(Kind.STATUS, "check_status", "result of the last health check, after * while one runs", _last_status),
    _checked(Kind.STATUS, "check_code", "status code of the last health check", _last_code),
    _checked(Kind.GAUGE, "check_duration", "milliseconds of the last health check", _last_duration),
    *(_status_class(digit) for digit in "12345"),
    Field("hrsp_other", Kind.COUNTER, "HTTP responses with another status", _http_count("rspother"), None,
          _http_count("rspother"), _http_count("rspother")),
    Field("hanafail", Kind.COUNTER, "failures seen by observing traffic", server=lambda s: s.obj.observed),
    _of_frontend("req_rate", Kind.RATE, "HTTP requests in the last second", lambda s: s.obj.req_rate),
    _of_frontend("req_rate_max", Kind.MAX, "most HTTP requests in a second", lambda s: s.obj.req_rate_max),
    Field("req_tot", Kind.COUNTER, "HTTP requests", _count("cum_req"), None, _http_count("cum_req"),
          _http_count("cum_req")),
    _both_ends(Kind.COUNTER, "cli_abrt", "transfers ended early by the client", _count("cli_aborts")),
    _both_ends(Kind.COUNTER, "srv_abrt", "transfers ended early by the server or by us", _count("srv_aborts")),
    _proxies("comp_in", "bytes given to the compressor"),
    _proxies("comp_out", "bytes that came out of the compressor"),
    _proxies("comp_byp", "bytes that went round the compressor"),
    _proxies("comp_rsp", "compressed responses"),
    _both_ends(Kind.AGE, "lastsess", "seconds since the last stream, -1 if none", lambda s: s.obj.lastsess),
    _checked(Kind.STATUS, "last_chk", "text of the last health check", lambda c: c.last.info),
    _agent(Kind.STATUS, "last_agt", "text of the last agent check", lambda c: c.last.info),
    _both_ends(Kind.MEAN, "qtime", "milliseconds in the queue", _mean("q_time")),
    _both_ends(Kind.MEAN, "ctime", "milliseconds to connect", _mean("c_time")),
    _both_ends(Kind.MEAN, "rtime", "milliseconds until the response began", _mean("d_time")),
    _both_ends(Kind.MEAN, "ttime", "milliseconds in all", _mean("t_time")),
    _agent(Kind.STATUS, "agent_status", "result of the last agent check, after * while one runs", _last_status),
    _agent(Kind.STATUS, "agent_code", "code of the last agent check", _last_code),
    _agent(Kind.GAUGE, "agent_duration", "milliseconds of the last agent check", _last_duration),
    _checked(Kind.STATUS, "check_desc", "health check result in words", lambda c: c.last.status.text),
    _agent(Kind.STATUS, "agent_desc", "agent check result in words", lambda c: c.last.status.text),
    _checked(Kind.LIMIT, "check_rise", "successes needed to be UP", lambda c: c.rise),
    _checked(Kind.LIMIT, "check_fall", "failures needed to be DOWN", lambda c: c.fall),
    _checked(Kind.GAUGE, "check_health", "state of the health check, 0 to rise + fall - 1", lambda c: c.health),
    _agent(Kind.LIMIT, "agent_rise", "agent successes needed to be UP", lambda c: c.rise),
    _agent(Kind.LIMIT, "agent_fall", "agent failures needed to be DOWN", lambda c: c.fall),
    _agent(Kind.GAUGE, "agent_health", "state of the agent check", lambda c: c.health),
    Field("addr", Kind.KEY, "address", listener=_legend(lambda s: s.obj.address),
          server=_legend(lambda s: s.obj.address)),
    Field("cookie", Kind.KEY, "cookie value", server=_legend(lambda s: s.obj.cookie)),
    _everywhere(Kind.KEY, "mode", "tcp or http", lambda s: s.proxy.mode),
    Field("algo", Kind.KEY, "balance algorithm", backend=_legend(lambda s: s.obj.algorithm)),
    _of_frontend("conn_rate", Kind.RATE, "connections in the last second", lambda s: s.obj.conn_rate),
    _of_frontend("conn_rate_max", Kind.MAX, "most connections in a second", lambda s: s.obj.conn_rate_max),
    _of_frontend("conn_tot", Kind.COUNTER, "connections", _count("cum_conn")),
    _of_frontend("intercepted", Kind.COUNTER, "requests answered by ourselves", _http_count("intercepted_req")),
    _clients(Kind.COUNTER, "dcon", "connections denied by a rule", _count("denied_conn")),
    _clients(Kind.COUNTER, "dses", "sessions denied by a rule", _count("denied_sess")),
    _everywhere(Kind.COUNTER, "wrew", "failed header rewrites", _count("failed_rewrites")),
    _both_ends(Kind.COUNTER, "connect", "connection attempts", _count("connect")),
    _both_ends(Kind.COUNTER, "reuse", "requests over a connection that was idle", _count("reuse")),
    _proxies("cache_lookups", "requests looked up in a cache", http=True),
    _proxies("cache_hits", "requests answered from a cache", http=True),
    Field("srv_icur", Kind.GAUGE, "idle connections", server=lambda s: s.obj.idle + s.obj.safe),
    Field("src_ilim", Kind.LIMIT, "limit of idle connections",
          server=lambda s: s.obj.idle_limit if s.obj.idle_limit >= 0 else None),
    _both_ends(Kind.MAX, "qtime_max", "longest time in the queue", _count("q_max")),
    _both_ends(Kind.MAX, "ctime_max", "longest time to connect", _count("c_max")),
    _both_ends(Kind.MAX, "rtime_max", "longest time until the response began", _count("d_max")),
    _both_ends(Kind.MAX, "ttime_max", "longest time in all", _count("t_max")),
    _everywhere(Kind.COUNTER, "eint", "internal errors", _count("internal_errors")),
    Field("idle_conn_cur", Kind.GAUGE, "idle connections that are not safe", server=lambda s: s.obj.idle),
    Field("safe_conn_cur", Kind.GAUGE, "idle connections that are safe", server=lambda s: s.obj.safe),
    Field("used_conn_cur", Kind.GAUGE, "connections in use", server=lambda s: s.obj.used),
    Field("need_conn_est", Kind.GAUGE, "connections needed, an estimate", server=lambda s: s.obj.needed),
    Field("uweight", Kind.GAUGE, "weight of the configuration", server=lambda s: s.obj.uweight,
          backend=lambda s: s.obj.total_uweight),
    Field("agg_server_status", Kind.GAUGE, "servers' states added up, for exporters", backend=_zero),
    Field("agg_server_check_status", Kind.GAUGE, "the old name of the same", backend=_zero),
    Field("agg_check_status", Kind.GAUGE, "results of checks added up, for exporters", backend=_zero),
    Field("srid", Kind.KEY, "how often the number of the server was given anew", server=_zero),
    _of_frontend("sess_other", Kind.COUNTER, "sessions other than HTTP", _only("tcp", "cum_sess")),
    _of_frontend("h1sess", Kind.COUNTER, "HTTP/1 sessions", _only("http", "cum_sess")),
    _of_frontend("h2sess", Kind.COUNTER, "HTTP/2 sessions", _zero),
    _of_frontend("h3sess", Kind.COUNTER, "HTTP/3 sessions", _zero),
    _of_frontend("req_other", Kind.COUNTER, "requests other than HTTP", _zero),
    _of_frontend("h1req", Kind.COUNTER, "HTTP/1 requests", _only("http", "cum_req")),
    _of_frontend("h2req", Kind.COUNTER, "HTTP/2 requests", _zero),
    _of_frontend("h3req", Kind.COUNTER, "HTTP/3 requests", _zero),
    Field("proto", Kind.KEY, "protocol", listener=lambda s: s.obj.protocol),
)  # fmt: skip


def _cells(kind: str) -> _Cells:
    found = ((place, getattr(field, kind)) for place, field in enumerate(FIELDS))
    return [(place, function) for place, function in found if function is not None]


_FRONTEND, _LISTENER, _SERVER, _BACKEND = map(_cells, ("frontend", "listener", "server", "backend"))
