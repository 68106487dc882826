"""Objects that can be shown, as plain values: an idle program unless a test says otherwise."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from types import SimpleNamespace
from typing import Any, cast

from lbcore.stats.views import Counters


def fake_counters(**values: int) -> Counters:
    """All of `Counters`, 0 unless told otherwise."""
    unknown = values.keys() - Counters.__annotations__.keys()
    assert not unknown, f"no such counters: {unknown}"
    return cast(Counters, SimpleNamespace(**{**dict.fromkeys(Counters.__annotations__, 0), **values}))


@dataclass
class FakeFrontend:
    counters: Counters = field(default_factory=fake_counters)
    status: str = "OPEN"
    cur_conn: int = 0
    max_conn: int = 0
    maxconn: int = 100
    conn_rate: int = 0
    conn_rate_max: int = 0
    sess_rate: int = 0
    sess_rate_max: int = 0
    sess_rate_limit: int = 0
    req_rate: int = 0
    req_rate_max: int = 0


@dataclass
class FakeListener:
    name: str = "sock-1"
    sid: int = 1
    address: str = "127.0.0.1:80"
    protocol: str = "tcpv4"
    counters: Counters = field(default_factory=fake_counters)
    status: str = "OPEN"
    cur_conn: int = 0
    max_conn: int = 0
    maxconn: int = 0


@dataclass
class FakeServer:
    name: str = "s1"
    sid: int = 1
    address: str = "127.0.0.1:8000"
    counters: Counters = field(default_factory=fake_counters)
    status: str = "no check"
    usable: bool = True
    cur_sess: int = 0
    max_sess: int = 0
    maxconn: int = 0
    maxqueue: int = 0
    queue: int = 0
    queue_max: int = 0
    backup: bool = False
    weight: int = 1
    uweight: int = 1
    rate: int = 0
    rate_max: int = 0
    lastchg: int = 0
    lastsess: int = -1
    idle: int = 0
    safe: int = 0
    used: int = 0
    needed: int = 0
    idle_limit: int = -1
    cookie: str | None = None
    check: Any = None
    agent: Any = None
    check_failures: int = 0
    downs: int = 0
    downtime: int = 0
    throttle: int | None = None
    tracked: str | None = None
    observed: int | None = None


@dataclass
class FakeBackend:
    servers: list[FakeServer] = field(default_factory=list)
    counters: Counters = field(default_factory=fake_counters)
    status: str = "UP"
    cur_sess: int = 0
    max_sess: int = 0
    fullconn: int = 10
    queue: int = 0
    unassigned: int = 0
    queue_max: int = 0
    total_weight: int = 1
    total_uweight: int = 1
    act: int = 1
    bck: int = 0
    down_count: int = 0
    downtime: int = 0
    rate: int = 0
    rate_max: int = 0
    lastchg: int = 0
    lastsess: int = -1
    algorithm: str = "roundrobin"


@dataclass
class FakeProxy:
    name: str = "px"
    iid: int = 2
    mode: str = "http"
    frontend: FakeFrontend | None = None
    listeners: list[FakeListener] = field(default_factory=list)
    backend: FakeBackend | None = None


def full_proxy(name: str = "px", iid: int = 2, mode: str = "http", **server: object) -> FakeProxy:
    """A `listen` with one listener that is shown and one server."""
    backend = FakeBackend([FakeServer(**server)])  # type: ignore[arg-type]
    return FakeProxy(name, iid, mode, FakeFrontend(), [FakeListener()], backend)


@dataclass
class FakeProcess:
    """Facts about a process; every figure is 0 unless a test sets it."""

    version: str = "3.2.0"
    release_date: str = "2026/01/01"
    nbthread: int = 2
    pid: int = 1234
    uptime: float = 93784.5
    start_time: float = 1_700_000_000.5
    boot_time_ms: int = 0
    memmax_mb: int = 0
    pool_alloc: int = 3 << 20
    pool_used: int = 1 << 20
    pool_failed: int = 0
    ulimit_n: int = 0
    maxsock: int = 0
    maxconn: int = 0
    hard_maxconn: int = 0
    maxconn_reached: int = 0
    cur_conns: int = 0
    cum_conns: int = 0
    cum_req: int = 0
    maxpipes: int = 0
    pipes_used: int = 0
    pipes_free: int = 0
    conn_rate: int = 0
    exact_conn_rate: float = 0.0
    conn_rate_limit: int = 0
    conn_rate_max: int = 0
    sess_rate: int = 0
    exact_sess_rate: float = 0.0
    sess_rate_limit: int = 0
    sess_rate_max: int = 0
    tasks: int = 0
    run_queue: int = 0
    idle_pct: int = 100
    node: str = "box"
    description: str | None = None
    stopping: bool = False
    jobs: int = 0
    unstoppable_jobs: int = 0
    listeners: int = 0
    dropped_logs: int = 0
    bytes_out: int = 0
    spliced_bytes_out: int = 0
    bytes_out_rate: int = 0
    warnings: int = 0


def numbers(obj: object) -> list[str]:
    """The names of the plain integer fields of a fake."""
    return [f.name for f in fields(obj) if f.type == "int"]  # type: ignore[arg-type]
