"""The lines of `show info`, in HAProxy's order (management manual, `show info`).

What concerns parts that are not built (TLS, compression, peers, name resolution, traces) is 0, as in a HAProxy that
does not use them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from lbcore.stats.views import ProcessView

InfoValue = int | str | None

_MIB = 1 << 20


class InfoField(NamedTuple):
    """A line. A function that returns None leaves the line out. `exact`: the same not rounded, where that is told."""

    name: str
    doc: str
    value: Callable[[ProcessView], InfoValue]
    exact: Callable[[ProcessView], float] | None = None

    def told(self, process: ProcessView, *, exact: bool) -> InfoValue | float:
        """The value, not rounded if that is wanted and told."""
        return self.exact(process) if exact and self.exact is not None else self.value(process)


def lines(process: ProcessView, *, with_docs: bool = False, exact: bool = False) -> Iterator[str]:
    """`Name: value` for each row of INFO, with `:"documentation"` behind it if wanted (`show info desc`)."""
    for field in INFO:
        value = field.told(process, exact=exact)
        if value is not None:
            yield f"{field.name}: {text_of(value)}" + (f':"{field.doc}"\n' if with_docs else "\n")


def text_of(value: str | float) -> str:
    """A value as it is written: six digits at most behind the point, none of them that says nothing."""
    return f"{value:.6f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def uptime_text(seconds: float) -> str:
    """`1d 2h03m04s`."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    return f"{days}d {hour}h{minute:02d}m{second:02d}s"


def _absent(name: str, doc: str) -> InfoField:
    """A line about what can't have happened in this release."""
    return InfoField(name, doc, lambda p: 0)


def _absent_rate(name: str, doc: str) -> InfoField:
    """One that HAProxy has as a float, too."""
    return InfoField(name, doc, lambda p: 0, lambda p: 0.0)


INFO: tuple[InfoField, ...] = (
    InfoField("Name", "Product whose language this is", lambda p: "HAProxy"),
    InfoField("Version", "Version of the product", lambda p: p.version),
    InfoField("Release_date", "Date of the version", lambda p: p.release_date),
    InfoField("Nbthread", "Threads that carry traffic", lambda p: p.nbthread),
    InfoField("Nbproc", "Worker processes, always 1", lambda p: 1),
    InfoField("Process_num", "Number of this worker, always 1", lambda p: 1),
    InfoField("Pid", "Process identifier", lambda p: p.pid),
    InfoField("Uptime", "Time since the start", lambda p: uptime_text(p.uptime)),
    InfoField("Uptime_sec", "Seconds since the start", lambda p: int(p.uptime), lambda p: p.uptime),
    InfoField("Memmax_MB", "Limit of memory in MB (-m), 0 if none", lambda p: p.memmax_mb),
    InfoField("PoolAlloc_MB", "Memory taken for buffers and objects, in MB", lambda p: p.pool_alloc // _MIB),
    InfoField("PoolUsed_MB", "Memory in use for buffers and objects, in MB", lambda p: p.pool_used // _MIB),
    InfoField("PoolFailed", "Times memory could not be had", lambda p: p.pool_failed),
    InfoField("Ulimit-n", "Limit of file descriptors", lambda p: p.ulimit_n),
    InfoField("Maxsock", "Limit of sockets", lambda p: p.maxsock),
    InfoField("Maxconn", "Limit of connections in force", lambda p: p.maxconn),
    InfoField("Hard_maxconn", "Limit of connections that resources impose", lambda p: p.hard_maxconn),
    InfoField("CurrConns", "Connections now", lambda p: p.cur_conns),
    InfoField("CumConns", "Connections since the start", lambda p: p.cum_conns),
    InfoField("CumReq", "Requests since the start", lambda p: p.cum_req),
    _absent("MaxSslConns", "Limit of TLS ends, 0 if none"),
    _absent("CurrSslConns", "TLS ends now"),
    _absent("CumSslConns", "TLS ends since the start"),
    InfoField("Maxpipes", "Limit of pipes for splicing", lambda p: p.maxpipes),
    InfoField("PipesUsed", "Pipes in use", lambda p: p.pipes_used),
    InfoField("PipesFree", "Pipes kept for later", lambda p: p.pipes_free),
    InfoField("ConnRate", "Connections in the last second", lambda p: p.conn_rate, lambda p: p.exact_conn_rate),
    InfoField("ConnRateLimit", "maxconnrate", lambda p: p.conn_rate_limit),
    InfoField("MaxConnRate", "Most connections in a second", lambda p: p.conn_rate_max),
    InfoField("SessRate", "Sessions in the last second", lambda p: p.sess_rate, lambda p: p.exact_sess_rate),
    InfoField("SessRateLimit", "maxsessrate", lambda p: p.sess_rate_limit),
    InfoField("MaxSessRate", "Most sessions in a second", lambda p: p.sess_rate_max),
    _absent_rate("SslRate", "TLS handshakes of clients in the last second"),
    _absent("SslRateLimit", "maxsslrate"),
    _absent("MaxSslRate", "Most TLS handshakes of clients in a second"),
    _absent_rate("SslFrontendKeyRate", "TLS keys computed for clients in the last second"),
    _absent("SslFrontendMaxKeyRate", "Most TLS keys computed for clients in a second"),
    _absent_rate("SslFrontendSessionReuse_pct", "Share of TLS sessions of clients that were resumed"),
    _absent_rate("SslBackendKeyRate", "TLS keys computed for servers in the last second"),
    _absent("SslBackendMaxKeyRate", "Most TLS keys computed for servers in a second"),
    _absent("SslCacheLookups", "Look-ups in the cache of TLS sessions"),
    _absent("SslCacheMisses", "Look-ups that found nothing"),
    _absent_rate("CompressBpsIn", "Bytes given to the compressor in the last second"),
    _absent_rate("CompressBpsOut", "Bytes that came out of it in the last second"),
    _absent("CompressBpsRateLim", "maxcomprate"),
    _absent("ZlibMemUsage", "Memory of the compressor"),
    _absent("MaxZlibMemUsage", "Limit of it, 0 if none"),
    InfoField("Tasks", "Tasks", lambda p: p.tasks),
    InfoField("Run_queue", "Tasks that wait to be run", lambda p: p.run_queue),
    InfoField("Idle_pct", "Share of the last second spent waiting", lambda p: p.idle_pct),
    InfoField("node", "node, the name of the host if not set", lambda p: p.node),
    InfoField("description", "description", lambda p: p.description),
    InfoField("Stopping", "1 if the process is about to end", lambda p: int(p.stopping)),
    InfoField("Jobs", "What keeps the process from ending: listeners and connections", lambda p: p.jobs),
    InfoField("Unstoppable Jobs", "Those of them that a soft stop does not wait for", lambda p: p.unstoppable_jobs),
    InfoField("Listeners", "Listeners", lambda p: p.listeners),
    _absent("ActivePeers", "Peers known"),
    _absent("ConnectedPeers", "Peers connected"),
    InfoField("DroppedLogs", "Log lines that could not be sent", lambda p: p.dropped_logs),
    _absent("BusyPolling", "1 if threads poll without waiting"),
    _absent("FailedResolutions", "Names that could not be resolved"),
    InfoField("TotalBytesOut", "Bytes sent", lambda p: p.bytes_out),
    InfoField("TotalSplicedBytesOut", "Bytes sent by splicing", lambda p: p.spliced_bytes_out),
    InfoField("BytesOutRate", "Bytes sent in the last second", lambda p: p.bytes_out_rate),
    _absent("DebugCommandsIssued", "debug commands given on the command-line interface"),
    _absent("CumRecvLogs", "Log lines received"),
    InfoField("Build info", "Version this was built from", lambda p: p.version),
    InfoField("Memmax_bytes", "Limit of memory in bytes (-m), 0 if none", lambda p: p.memmax_mb * _MIB),
    InfoField("PoolAlloc_bytes", "Memory taken for buffers and objects", lambda p: p.pool_alloc),
    InfoField("PoolUsed_bytes", "Memory in use for buffers and objects", lambda p: p.pool_used),
    InfoField(
        "Start_time_sec",
        "Start of the process, seconds since 1970",
        lambda p: int(p.start_time),
        lambda p: p.start_time,
    ),
    _absent("Tainted", "Flags of what makes reports about this process doubtful"),
    InfoField("TotalWarnings", "Warnings emitted", lambda p: p.warnings),
    InfoField("MaxconnReached", "Times a connection had to wait for maxconn", lambda p: p.maxconn_reached),
    InfoField("BootTime_ms", "Milliseconds from the start to accepting", lambda p: p.boot_time_ms),
)
