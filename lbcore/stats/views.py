"""What the statistics need of the objects they show. Properties may be read from any thread, one after another.

Everything is read while the program runs: figures of one row need not be of exactly the same moment. Rates are a
second's; times are milliseconds unless the name says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol


class Counters(Protocol):
    """The counters of an object, summed over threads: the fields of native/include/counters.h."""

    cum_conn: int
    cum_sess: int
    cum_req: int
    cum_lbconn: int
    bytes_in: int
    bytes_out: int
    denied_conn: int
    denied_sess: int
    denied_req: int
    denied_resp: int
    failed_req: int
    failed_conns: int
    failed_resp: int
    failed_rewrites: int
    internal_errors: int
    retries: int
    redispatches: int
    intercepted_req: int
    rsp1xx: int
    rsp2xx: int
    rsp3xx: int
    rsp4xx: int
    rsp5xx: int
    rspother: int
    connect: int
    reuse: int
    cli_aborts: int
    srv_aborts: int
    time_n: int
    q_time: int
    c_time: int
    d_time: int
    t_time: int
    q_max: int
    c_max: int
    d_max: int
    t_max: int


class FrontendView(Protocol):
    """The side of a proxy that clients see."""

    @property
    def counters(self) -> Counters: ...
    @property
    def status(self) -> str:
        """OPEN, FULL, PAUSED or STOP."""

    @property
    def cur_conn(self) -> int: ...
    @property
    def max_conn(self) -> int:
        """The most there ever were at a time."""

    @property
    def maxconn(self) -> int:
        """The limit in force: the proxy's, else the process's."""

    @property
    def conn_rate(self) -> int: ...
    @property
    def conn_rate_max(self) -> int: ...
    @property
    def sess_rate(self) -> int: ...
    @property
    def sess_rate_max(self) -> int: ...
    @property
    def sess_rate_limit(self) -> int:
        """`rate-limit sessions`, 0 if none."""

    @property
    def req_rate(self) -> int: ...
    @property
    def req_rate_max(self) -> int: ...


class ListenerView(Protocol):
    """One `bind` address."""

    @property
    def name(self) -> str:
        """Its `name`, else `sock-<sid>`."""

    @property
    def sid(self) -> int: ...
    @property
    def counters(self) -> Counters: ...
    @property
    def status(self) -> str:
        """OPEN, FULL, WAITING or PAUSED."""

    @property
    def cur_conn(self) -> int: ...
    @property
    def max_conn(self) -> int: ...
    @property
    def maxconn(self) -> int:
        """0: no limit of its own."""

    @property
    def address(self) -> str:
        """`127.0.0.1:80`, `[::1]:80` or `unix`: where it really listens."""

    @property
    def protocol(self) -> str:
        """tcpv4, tcpv6 or unix_stream."""


class ServingView(Protocol):
    """What a server and a backend tell alike of the streams they serve."""

    @property
    def counters(self) -> Counters: ...
    @property
    def cur_sess(self) -> int: ...
    @property
    def max_sess(self) -> int: ...
    @property
    def queue(self) -> int: ...
    @property
    def queue_max(self) -> int: ...
    @property
    def rate(self) -> int: ...
    @property
    def rate_max(self) -> int: ...
    @property
    def lastchg(self) -> int:
        """Seconds since the state changed."""

    @property
    def lastsess(self) -> int:
        """Seconds since the last stream, -1 if there was none."""


class CheckStatusView(Protocol):
    """Where a check ended."""

    @property
    def name(self) -> str:
        """`L4OK`, `L7STS`, ..."""

    @property
    def text(self) -> str:
        """`Layer4 check passed`, ..."""

    @property
    def has_code(self) -> bool:
        """Whether the server's answer had a code that is told."""

    @property
    def is_final(self) -> bool:
        """Whether a check is over at all."""


class CheckResultView(Protocol):
    """How a check ended."""

    @property
    def status(self) -> CheckStatusView: ...
    @property
    def told_code(self) -> int:
        """-1 to 2^32 - 1."""

    @property
    def info(self) -> str: ...
    @property
    def duration_ms(self) -> int: ...


class CheckView(Protocol):
    """What is known of one kind of check of a server."""

    rise: int
    fall: int
    health: int
    enabled: bool
    running: bool

    @property
    def due(self) -> bool:
        """Whether checks are made now: not in maintenance."""

    @property
    def last(self) -> CheckResultView: ...


class ServerView(ServingView, Protocol):
    """One `server`."""

    @property
    def check(self) -> CheckView | None: ...
    @property
    def agent(self) -> CheckView | None: ...
    @property
    def check_failures(self) -> int:
        """Failed health checks."""

    @property
    def downs(self) -> int:
        """How often checks took it down."""

    @property
    def downtime(self) -> int:
        """Seconds it was down in all."""

    @property
    def throttle(self) -> int | None:
        """Percent of slow start that lie behind it; None: it does not warm up."""

    @property
    def tracked(self) -> str | None:
        """`be/s1`: the server that it tracks."""

    @property
    def observed(self) -> int | None:
        """How often `observe` took action; None: it does not observe."""

    @property
    def name(self) -> str: ...
    @property
    def sid(self) -> int: ...
    @property
    def status(self) -> str:
        """`no check`, `UP`, `DOWN`, `MAINT`, `DRAIN`, ..."""

    @property
    def usable(self) -> bool:
        """Whether it may get traffic: not DOWN, not MAINT."""

    @property
    def maxconn(self) -> int: ...
    @property
    def maxqueue(self) -> int: ...
    @property
    def backup(self) -> bool: ...
    @property
    def weight(self) -> int:
        """In force now."""

    @property
    def uweight(self) -> int:
        """As the configuration says."""

    @property
    def idle(self) -> int:
        """Idle connections that any stream may take."""

    @property
    def safe(self) -> int:
        """Idle connections that only a request safe to send again may take."""

    @property
    def used(self) -> int:
        """Connections in use."""

    @property
    def needed(self) -> int:
        """How many connections were needed at once lately."""

    @property
    def idle_limit(self) -> int:
        """`pool-max-conn`, -1 if there is no limit."""

    @property
    def address(self) -> str: ...
    @property
    def cookie(self) -> str | None: ...


class BackendView(ServingView, Protocol):
    """The side of a proxy that has servers."""

    @property
    def status(self) -> str:
        """UP or DOWN."""

    @property
    def servers(self) -> Iterable[ServerView]: ...
    @property
    def unassigned(self) -> int:
        """Of the streams that wait, those that wait for no server in particular."""

    @property
    def fullconn(self) -> int: ...
    @property
    def total_weight(self) -> int:
        """Of the servers in use: the active ones, or the backups if none is left."""

    @property
    def total_uweight(self) -> int: ...
    @property
    def act(self) -> int:
        """Active servers that may get traffic."""

    @property
    def bck(self) -> int:
        """Backup servers that may get traffic."""

    @property
    def down_count(self) -> int:
        """How often it went down."""

    @property
    def downtime(self) -> int:
        """Seconds it was down in all."""

    @property
    def algorithm(self) -> str:
        """The name of `balance`."""


class ProxyView(Protocol):
    """A proxy with the sides it has."""

    @property
    def name(self) -> str: ...
    @property
    def iid(self) -> int:
        """Its numeric identifier, from 1."""

    @property
    def mode(self) -> str:
        """tcp or http."""

    @property
    def frontend(self) -> FrontendView | None: ...
    @property
    def listeners(self) -> Iterable[ListenerView]:
        """Those to be shown: empty without `option socket-stats`."""

    @property
    def backend(self) -> BackendView | None: ...


class ProcessView(Protocol):
    """The facts about the process that `show info` tells."""

    @property
    def version(self) -> str: ...
    @property
    def release_date(self) -> str: ...
    @property
    def nbthread(self) -> int: ...
    @property
    def pid(self) -> int: ...
    @property
    def uptime(self) -> float:
        """Seconds since the start."""

    @property
    def start_time(self) -> float:
        """Seconds since 1970."""

    @property
    def boot_time_ms(self) -> int:
        """How long it took from the start to accepting."""

    @property
    def memmax_mb(self) -> int:
        """`-m`, 0 if there is no limit."""

    @property
    def pool_alloc(self) -> int:
        """Bytes of buffers and objects taken from the system by the shim."""

    @property
    def pool_used(self) -> int:
        """Bytes of them in use."""

    @property
    def pool_failed(self) -> int: ...
    @property
    def ulimit_n(self) -> int: ...
    @property
    def maxsock(self) -> int: ...
    @property
    def maxconn(self) -> int: ...
    @property
    def hard_maxconn(self) -> int: ...
    @property
    def maxconn_reached(self) -> int:
        """How often a connection had to wait for `maxconn`."""

    @property
    def cur_conns(self) -> int: ...
    @property
    def cum_conns(self) -> int: ...
    @property
    def cum_req(self) -> int: ...
    @property
    def maxpipes(self) -> int: ...
    @property
    def pipes_used(self) -> int: ...
    @property
    def pipes_free(self) -> int: ...
    @property
    def conn_rate(self) -> int: ...
    @property
    def exact_conn_rate(self) -> float:
        """`conn_rate`, not rounded."""

    @property
    def conn_rate_limit(self) -> int: ...
    @property
    def conn_rate_max(self) -> int: ...
    @property
    def sess_rate(self) -> int: ...
    @property
    def exact_sess_rate(self) -> float:
        """`sess_rate`, not rounded."""

    @property
    def sess_rate_limit(self) -> int: ...
    @property
    def sess_rate_max(self) -> int: ...
    @property
    def tasks(self) -> int: ...
    @property
    def run_queue(self) -> int: ...
    @property
    def idle_pct(self) -> int:
        """Share of the last second that the threads spent waiting, 0 to 100."""

    @property
    def node(self) -> str: ...
    @property
    def description(self) -> str | None: ...
    @property
    def stopping(self) -> bool: ...
    @property
    def jobs(self) -> int: ...
    @property
    def unstoppable_jobs(self) -> int: ...
    @property
    def listeners(self) -> int: ...
    @property
    def dropped_logs(self) -> int: ...
    @property
    def bytes_out(self) -> int: ...
    @property
    def spliced_bytes_out(self) -> int: ...
    @property
    def bytes_out_rate(self) -> int: ...
    @property
    def warnings(self) -> int:
        """Warnings emitted since the start."""
