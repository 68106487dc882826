"""The figures as Prometheus wants them (text exposition format 0.0.4), with the metric names of HAProxy's exporter.

A metric is a row of METRICS over a column of `fields`, or of PROCESS over a line of `info`; all samples of a metric
stand together, as the format demands. Objects without a value for a metric give NaN where HAProxy does: where others of
their kind may have one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple
from urllib.parse import unquote_plus

from lbcore.stats.fields import FIELDS, Selection, Shown, Value, select
from lbcore.stats.info import INFO
from lbcore.stats.views import ProcessView, ProxyView, ServerView

CONTENT_TYPE = "text/plain; version=0.0.4"
SCOPES = ("global", "frontend", "backend", "server", "listener", "sticktable")
_AT = {field.name: place for place, field in enumerate(FIELDS)}
_DOCS = {field.name: field.doc for field in FIELDS}
_INFO = {field.name: field for field in INFO}
_TO_SECONDS = 1000.0
BATCH = 64  # samples that are put together at a stretch

CHECKS = (
    "HANA", "SOCKERR", "L4OK", "L4TOUT", "L4CON", "L6OK", "L6TOUT", "L6RSP", "L7TOUT", "L7RSP", "L7OK", "L7OKC",
    "L7STS", "PROCERR", "PROCTOUT", "PROCOK",
)  # fmt: skip
_TYPES = {"frontend": Shown.FRONTEND, "listener": Shown.LISTENER, "backend": Shown.BACKEND, "server": Shown.SERVER}
_UP_DOWN = ("DOWN", "UP")
_SERVERS = ("DOWN", "UP", "MAINT", "DRAIN", "NOLB")
_STATES = {"frontend": _UP_DOWN, "listener": ("WAITING", "OPEN", "FULL"), "backend": _UP_DOWN, "server": _SERVERS}


class BadQueryError(ValueError):
    """A query string asks for a scope that there is not."""


class Metric(NamedTuple):
    """A row: the end of the name, its column, in which scopes it stands, whether it only ever grows."""

    name: str
    field: str
    scopes: str  # the first letters of frontend, listener, backend, server
    counter: bool = False
    seconds: bool = False  # the column has milliseconds
    checks: bool = False  # objects that are not checked have no sample


class ProcessMetric(NamedTuple):
    """A row of the process: the end of the name, the line of `show info`."""

    name: str
    line: str
    counter: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """What a scrape asks for. `wanted`: names of metrics, all if it is empty; `unwanted` are left out anyway."""

    scopes: tuple[str, ...] = SCOPES
    no_maint: bool = False
    wanted: frozenset[str] = frozenset()
    unwanted: frozenset[str] = frozenset()

    def shows(self, name: str) -> bool:
        """Whether a metric, by its whole name, is asked for."""
        return name not in self.unwanted and (not self.wanted or name in self.wanted)


def parse_query(text: str) -> Query:
    """A query string as HAProxy's exporter reads it: `scope` (several times; `*` and none are all), `no-maint`,
    `metrics` with names, a `-` before those that are not wanted. What else there is, is passed over.

    Raises BadQueryError for an unknown scope.
    """
    scopes: list[str] = []
    wanted: set[str] = set()
    unwanted: set[str] = set()
    no_maint = False
    for part in text.split("&"):
        name, _, value = part.partition("=")
        value = unquote_plus(value)
        if name == "scope":
            scopes = _scopes(scopes, value)
        elif name == "no-maint":
            no_maint = True
        elif name == "metrics":
            for metric in filter(None, value.split(",")):
                (unwanted if metric[0] == "-" else wanted).add(metric.removeprefix("-"))
    return Query(tuple(scopes) or SCOPES, no_maint, frozenset(wanted), frozenset(unwanted))


def _scopes(before: list[str], name: str) -> list[str]:
    if name == "*":
        return list(SCOPES)
    if name and name not in SCOPES:
        raise BadQueryError(f"no scope is called '{name}'")
    return [scope for scope in SCOPES if scope in (*before, name)]


def exposition(
    process: ProcessView,
    proxies: Iterable[ProxyView],
    query: Query | None = None,
    tables: Iterable[tuple[str, str, int, int]] = (),
) -> Iterator[str]:
    """The parts of the text, none of which takes long; some are empty. `tables` are stick tables: name, type, size,
    used."""
    query = query or Query()
    shown = list(proxies)
    if "global" in query.scopes:
        yield from _process(process, query)
    for scope in ("frontend", "listener", "backend", "server"):
        if scope in query.scopes:
            rows: list[_Row] = []
            for row in _rows(scope, shown, query):
                rows.append(row)
                yield ""
            yield from _objects(scope, rows, query)
    if "sticktable" in query.scopes:
        yield from _tables(list(tables), query)


def escape(text: str) -> str:
    """A label's value."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def number(value: Value | float) -> str:
    """A sample's value: NaN for none."""
    if value is None:
        return "NaN"
    return f"{value:.6f}" if isinstance(value, float) else str(value)


def _header(name: str, doc: str, *, counter: bool) -> str:
    return f"# HELP {name} {doc}\n# TYPE {name} {'counter' if counter else 'gauge'}\n"


# --- the process ---


def _process(process: ProcessView, query: Query) -> Iterator[str]:
    for metric in PROCESS:
        name = f"haproxy_process_{metric.name}"
        if query.shows(name):
            doc, value = _INFO[metric.line].doc, _INFO[metric.line].value(process)
            label = ""
            if metric.name == "build_info":
                label, value = f'{{version="{escape(str(value))}"}}', 1
            yield f"{_header(name, doc, counter=metric.counter)}{name}{label} {number(value)}\n"


# --- proxies and what they consist of ---


class _Row(NamedTuple):
    labels: str  # without braces
    proxy: ProxyView
    values: Sequence[Value]


def _rows(scope: str, proxies: Iterable[ProxyView], query: Query) -> Iterator[_Row]:
    for proxy in proxies:
        for values in select([proxy], Selection(types=_TYPES[scope], hide_maint=query.no_maint and scope == "server")):
            labels = f'proxy="{escape(proxy.name)}"'
            if scope in ("listener", "server"):
                labels += f',{scope}="{escape(str(values[_AT["svname"]]))}"'
            yield _Row(labels, proxy, values)


def _objects(scope: str, rows: list[_Row], query: Query) -> Iterator[str]:
    for metric in METRICS:
        if scope[0] not in metric.scopes:
            continue
        name = f"haproxy_{scope}_{metric.name}"
        if not query.shows(name):
            continue
        doc = _DOCS[metric.field].replace("milliseconds", "seconds") if metric.seconds else _DOCS[metric.field]
        header = _header(name, doc, counter=metric.counter)
        samples = _samples(scope, metric, name, rows)
        while batch := list(islice(samples, BATCH)):
            text = "".join(batch)
            yield header + text if text else ""
            header = "" if text else header


def _samples(scope: str, metric: Metric, name: str, rows: list[_Row]) -> Iterator[str]:
    if metric.name == "http_responses_total":
        return _responses(name, rows)
    if metric.name == "status":
        return _states(scope, name, rows)
    if metric.name.startswith("agg_"):
        return _aggregates(metric.name, name, rows)
    if metric.name == "check_status":
        return _checks(name, rows)
    return _numbers(metric, name, rows)


def _numbers(metric: Metric, name: str, rows: list[_Row]) -> Iterator[str]:
    place = _AT[metric.field]
    for row in rows:
        value = row.values[place]
        if metric.field == "check_code" and value is None and check_of(row.values):
            value = 0  # as HAProxy tells of a check whose answer had none
        if (metric.field in _HTTP_ONLY and row.proxy.mode != "http") or (metric.checks and value is None):
            continue
        if metric.seconds and isinstance(value, int):
            yield f"{name}{{{row.labels}}} {value / _TO_SECONDS:.6f}\n"
        else:
            yield f"{name}{{{row.labels}}} {number(value)}\n"


def _responses(name: str, rows: list[_Row]) -> Iterator[str]:
    for code in ("1xx", "2xx", "3xx", "4xx", "5xx", "other"):
        for row in rows:
            if row.proxy.mode == "http":
                yield f'{name}{{{row.labels},code="{code}"}} {number(row.values[_AT[f"hrsp_{code}"]])}\n'


def _states(scope: str, name: str, rows: list[_Row]) -> Iterator[str]:
    for row in rows:
        present = state_of(scope, str(row.values[_AT["status"]]))
        for state in _STATES[scope]:
            yield f'{name}{{{row.labels},state="{state}"}} {int(state == present)}\n'


def state_of(scope: str, status: str) -> str:
    """The label of a status as `show stat` has it."""
    if scope == "frontend":
        return "DOWN" if status == "STOP" else "UP"
    if scope == "listener":
        return status if status in _STATES["listener"] else "WAITING"
    word = status.partition(" ")[0]
    return word if word in _SERVERS else "UP"  # "no check"


def _checks(name: str, rows: list[_Row]) -> Iterator[str]:
    for row in rows:
        present = check_of(row.values)
        for code in CHECKS if present else ():
            yield f'{name}{{{row.labels},state="{code}"}} {int(code == present)}\n'


def check_of(values: Sequence[Value]) -> str:
    """The code of a server's last check, "" without one (its cell may say that another is under way: `* L4OK`)."""
    return str(values[_AT["check_status"]] or "").removeprefix("* ")


def _aggregates(metric: str, name: str, rows: list[_Row]) -> Iterator[str]:
    """How many of a backend's servers are in each state. Empty ones in between are steps on the way."""
    of_checks = metric == "agg_check_status"
    for row in rows:
        counts: Counter[str] = Counter()
        for server in row.proxy.backend.servers if row.proxy.backend is not None else ():
            counts[_last_check(server) if of_checks else state_of("server", server.status)] += 1
            yield ""
        for state in CHECKS if of_checks else _SERVERS:
            yield f'{name}{{{row.labels},state="{state}"}} {counts[state]}\n'


def _last_check(server: ServerView) -> str:
    check = server.check
    return check.last.status.name if check is not None and check.due else ""


# --- stick tables ---


def _tables(tables: list[tuple[str, str, int, int]], query: Query) -> Iterator[str]:
    for end, doc, place in (("size", "entries at most", 2), ("used", "entries", 3)):
        name = f"haproxy_sticktable_{end}"
        if tables and query.shows(name):
            samples = (f'{name}{{name="{escape(row[0])}",type="{row[1]}"}} {row[place]}\n' for row in tables)
            yield _header(name, doc, counter=False) + "".join(samples)


METRICS = (
    Metric("current_queue", "qcur", "bs"),
    Metric("max_queue", "qmax", "bs"),
    Metric("current_sessions", "scur", "flbs"),
    Metric("max_sessions", "smax", "flbs"),
    Metric("limit_sessions", "slim", "flbs"),
    Metric("sessions_total", "stot", "flbs", counter=True),
    Metric("bytes_in_total", "bin", "flbs", counter=True),
    Metric("bytes_out_total", "bout", "flbs", counter=True),
    Metric("requests_denied_total", "dreq", "flb", counter=True),
    Metric("responses_denied_total", "dresp", "flbs", counter=True),
    Metric("request_errors_total", "ereq", "fl", counter=True),
    Metric("connection_errors_total", "econ", "bs", counter=True),
    Metric("response_errors_total", "eresp", "bs", counter=True),
    Metric("retry_warnings_total", "wretr", "bs", counter=True),
    Metric("redispatch_warnings_total", "wredis", "bs", counter=True),
    Metric("status", "status", "flbs"),
    Metric("weight", "weight", "bs"),
    Metric("active_servers", "act", "b"),
    Metric("backup_servers", "bck", "b"),
    Metric("check_failures_total", "chkfail", "s", counter=True),
    Metric("check_up_down_total", "chkdown", "bs", counter=True),
    Metric("check_last_change_seconds", "lastchg", "bs"),
    Metric("downtime_seconds_total", "downtime", "bs", counter=True),
    Metric("queue_limit", "qlimit", "s"),
    Metric("current_throttle", "throttle", "s"),
    Metric("loadbalanced_total", "lbtot", "bs", counter=True),
    Metric("limit_session_rate", "rate_lim", "f"),
    Metric("max_session_rate", "rate_max", "fbs"),
    Metric("check_status", "check_status", "s"),
    Metric("check_code", "check_code", "s", checks=True),
    Metric("check_duration_seconds", "check_duration", "s", seconds=True, checks=True),
    Metric("http_responses_total", "hrsp_1xx", "fbs", counter=True),
    Metric("http_requests_rate_max", "req_rate_max", "f"),
    Metric("http_requests_total", "req_tot", "fb", counter=True),
    Metric("client_aborts_total", "cli_abrt", "bs", counter=True),
    Metric("server_aborts_total", "srv_abrt", "bs", counter=True),
    Metric("http_comp_bytes_in_total", "comp_in", "fb", counter=True),
    Metric("http_comp_bytes_out_total", "comp_out", "fb", counter=True),
    Metric("http_comp_bytes_bypassed_total", "comp_byp", "fb", counter=True),
    Metric("http_comp_responses_total", "comp_rsp", "fb", counter=True),
    Metric("last_session_seconds", "lastsess", "bs"),
    Metric("queue_time_average_seconds", "qtime", "bs", seconds=True),
    Metric("connect_time_average_seconds", "ctime", "bs", seconds=True),
    Metric("response_time_average_seconds", "rtime", "bs", seconds=True),
    Metric("total_time_average_seconds", "ttime", "bs", seconds=True),
    Metric("connections_rate_max", "conn_rate_max", "f"),
    Metric("connections_total", "conn_tot", "f", counter=True),
    Metric("intercepted_requests_total", "intercepted", "f", counter=True),
    Metric("denied_connections_total", "dcon", "fl", counter=True),
    Metric("denied_sessions_total", "dses", "fl", counter=True),
    Metric("failed_header_rewriting_total", "wrew", "flbs", counter=True),
    Metric("connection_attempts_total", "connect", "bs", counter=True),
    Metric("connection_reuses_total", "reuse", "bs", counter=True),
    Metric("http_cache_lookups_total", "cache_lookups", "fb", counter=True),
    Metric("http_cache_hits_total", "cache_hits", "fb", counter=True),
    Metric("idle_connections_current", "srv_icur", "s"),
    Metric("idle_connections_limit", "src_ilim", "s"),
    Metric("max_queue_time_seconds", "qtime_max", "bs", seconds=True),
    Metric("max_connect_time_seconds", "ctime_max", "bs", seconds=True),
    Metric("max_response_time_seconds", "rtime_max", "bs", seconds=True),
    Metric("max_total_time_seconds", "ttime_max", "bs", seconds=True),
    Metric("internal_errors_total", "eint", "flbs", counter=True),
    Metric("unsafe_idle_connections_current", "idle_conn_cur", "s"),
    Metric("safe_idle_connections_current", "safe_conn_cur", "s"),
    Metric("used_connections_current", "used_conn_cur", "s"),
    Metric("need_connections_current", "need_conn_est", "s"),
    Metric("uweight", "uweight", "bs"),
    Metric("agg_server_status", "agg_server_status", "b"),
    Metric("agg_server_check_status", "agg_server_check_status", "b"),
    Metric("agg_check_status", "agg_check_status", "b"),
)
PROCESS = (
    ProcessMetric("nbthread", "Nbthread"),
    ProcessMetric("nbproc", "Nbproc"),
    ProcessMetric("relative_process_id", "Process_num"),
    ProcessMetric("uptime_seconds", "Uptime_sec"),
    ProcessMetric("pool_failures_total", "PoolFailed", counter=True),
    ProcessMetric("max_fds", "Ulimit-n"),
    ProcessMetric("max_sockets", "Maxsock"),
    ProcessMetric("max_connections", "Maxconn"),
    ProcessMetric("hard_max_connections", "Hard_maxconn"),
    ProcessMetric("current_connections", "CurrConns"),
    ProcessMetric("connections_total", "CumConns", counter=True),
    ProcessMetric("requests_total", "CumReq", counter=True),
    ProcessMetric("max_ssl_connections", "MaxSslConns"),
    ProcessMetric("current_ssl_connections", "CurrSslConns"),
    ProcessMetric("ssl_connections_total", "CumSslConns", counter=True),
    ProcessMetric("max_pipes", "Maxpipes"),
    ProcessMetric("pipes_used_total", "PipesUsed", counter=True),
    ProcessMetric("pipes_free_total", "PipesFree", counter=True),
    ProcessMetric("current_connection_rate", "ConnRate"),
    ProcessMetric("limit_connection_rate", "ConnRateLimit"),
    ProcessMetric("max_connection_rate", "MaxConnRate"),
    ProcessMetric("current_session_rate", "SessRate"),
    ProcessMetric("limit_session_rate", "SessRateLimit"),
    ProcessMetric("max_session_rate", "MaxSessRate"),
    ProcessMetric("current_ssl_rate", "SslRate"),
    ProcessMetric("limit_ssl_rate", "SslRateLimit"),
    ProcessMetric("max_ssl_rate", "MaxSslRate"),
    ProcessMetric("current_frontend_ssl_key_rate", "SslFrontendKeyRate"),
    ProcessMetric("max_frontend_ssl_key_rate", "SslFrontendMaxKeyRate"),
    ProcessMetric("frontend_ssl_reuse", "SslFrontendSessionReuse_pct"),
    ProcessMetric("current_backend_ssl_key_rate", "SslBackendKeyRate"),
    ProcessMetric("max_backend_ssl_key_rate", "SslBackendMaxKeyRate"),
    ProcessMetric("ssl_cache_lookups_total", "SslCacheLookups", counter=True),
    ProcessMetric("ssl_cache_misses_total", "SslCacheMisses", counter=True),
    ProcessMetric("http_comp_bytes_in_total", "CompressBpsIn", counter=True),
    ProcessMetric("http_comp_bytes_out_total", "CompressBpsOut", counter=True),
    ProcessMetric("limit_http_comp", "CompressBpsRateLim"),
    ProcessMetric("current_zlib_memory", "ZlibMemUsage"),
    ProcessMetric("max_zlib_memory", "MaxZlibMemUsage"),
    ProcessMetric("current_tasks", "Tasks"),
    ProcessMetric("current_run_queue", "Run_queue"),
    ProcessMetric("idle_time_percent", "Idle_pct"),
    ProcessMetric("stopping", "Stopping"),
    ProcessMetric("jobs", "Jobs"),
    ProcessMetric("unstoppable_jobs", "Unstoppable Jobs"),
    ProcessMetric("listeners", "Listeners"),
    ProcessMetric("active_peers", "ActivePeers"),
    ProcessMetric("connected_peers", "ConnectedPeers"),
    ProcessMetric("dropped_logs_total", "DroppedLogs", counter=True),
    ProcessMetric("busy_polling_enabled", "BusyPolling"),
    ProcessMetric("failed_resolutions", "FailedResolutions", counter=True),
    ProcessMetric("bytes_out_total", "TotalBytesOut", counter=True),
    ProcessMetric("spliced_bytes_out_total", "TotalSplicedBytesOut", counter=True),
    ProcessMetric("bytes_out_rate", "BytesOutRate"),
    ProcessMetric("recv_logs_total", "CumRecvLogs", counter=True),
    ProcessMetric("build_info", "Build info"),
    ProcessMetric("max_memory_bytes", "Memmax_bytes"),
    ProcessMetric("pool_allocated_bytes", "PoolAlloc_bytes"),
    ProcessMetric("pool_used_bytes", "PoolUsed_bytes"),
    ProcessMetric("start_time_seconds", "Start_time_sec"),
)
# Columns that have a meaning in mode http only; a proxy of mode tcp has no sample of them.
_HTTP_ONLY = frozenset((
    "req_rate_max", "req_tot", "intercepted", "comp_in", "comp_out", "comp_byp", "comp_rsp", "cache_lookups",
    "cache_hits",
))  # fmt: skip
