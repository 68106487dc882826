"""What a running balancer tells of itself: the facts behind `show info`, `show threads`, `show fd`, `show locks`.

Implements `lbcore.cli.views.Process`. Everything is read when asked for; any thread may ask.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from lbcore import activity
from lbcore.base.address import Address
from lbcore.cfg.added import added_server
from lbcore.cfg.diagnostics import format_diagnostic
from lbcore.cli.views import (
    CliSocket,
    Direction,
    ErrorEnd,
    FdFacts,
    Listening,
    LockFigures,
    Pool,
    Sink,
    Snapshot,
    ThreadFacts,
)
from lbcore.proxy.proxy import Proxy
from lbcore.sessions import LiveSessions, source
from lbcore.shim import ffi, lib, text
from lbcore.thread.labels import Label
from lbcore.version import LANGUAGE_VERSION, RELEASE_DATE

if TYPE_CHECKING:
    from lbcore.api import LoadBalancer
    from lbcore.event.profile import Profile
    from lbcore.peers.section import Section
    from lbcore.proxy.backend import Backend
    from lbcore.proxy.control import Control
    from lbcore.proxy.dyncookie import DynamicCookies
    from lbcore.proxy.frontend import Frontend
    from lbcore.proxy.settings import ProxySettings, ServerSettings
    from lbcore.proxy.states import States
    from lbcore.sample.build import Build
    from lbcore.sample.points import Point
    from lbcore.sample.reference import References
    from lbcore.sample.rows import Fetcher
    from lbcore.sample.types import Value
    from lbcore.sample.variable import ProcVars
    from lbcore.stream.txn import Txn
    from lbcore.table.tables import Tables

STREAMS = {1: ("stdout", "standard output"), 2: ("stderr", "standard error")}
KINDS = {
    lib.ENG_FD_LISTENER: "listener",
    lib.ENG_FD_CONN: "connection",
    lib.ENG_FD_OTHER: "other",
    lib.ENG_FD_SERVER: "server",
    lib.ENG_FD_OUT: "outgoing",
}
IDLE_SPAN = 1.0  # seconds between two looks at the CPU time behind Idle_pct


class Facts:
    """The facts about one balancer."""

    def __init__(self, balancer: LoadBalancer) -> None:
        self._balancer = balancer
        self._engine = balancer.engine
        self._settings = balancer.settings.globals
        self._started = time.monotonic()
        self._start_time = time.time()
        self._boot_ms = 0
        self._first_pid = os.getpid()  # what messages of the start said
        self._idle_pct = 100
        self._cpu_seen = (time.monotonic(), time.process_time())

    def accepting(self, since: float) -> None:
        """The balancer accepts now; it was begun at `since` (monotonic seconds)."""
        self._started = time.monotonic()
        self._boot_ms = int((self._started - since) * 1000)

    # --- the process ---

    version = LANGUAGE_VERSION
    release_date = RELEASE_DATE
    pool_failed = 0
    unstoppable_jobs = 0
    spliced_bytes_out = 0
    bytes_out_rate = 0
    memmax_mb = 0

    @property
    def nbthread(self) -> int:
        return self._engine.nbthread

    @property
    def pid(self) -> int:
        return os.getpid()

    @property
    def uptime(self) -> float:
        return time.monotonic() - self._started

    @property
    def start_time(self) -> float:
        return self._start_time

    @property
    def boot_time_ms(self) -> int:
        return self._boot_ms

    @property
    def bufsize(self) -> int:
        """Bytes of a buffer (`tune.bufsize`)."""
        return self._settings.bufsize

    @property
    def pool_alloc(self) -> int:
        return self._pool(free=True)

    @property
    def pool_used(self) -> int:
        return self._pool(free=False)

    def _pool(self, *, free: bool) -> int:
        sizes = (lib.BUF_SMALL_BYTES, self._settings.bufsize, lib.BUF_BIG_BYTES)
        total = 0
        for figures in activity.figures_of_threads(self._balancer):
            for kind, size in enumerate(sizes):
                total += size * (figures.buffers[kind] + (figures.free_buffers[kind] if free else 0))
        return total

    @property
    def ulimit_n(self) -> int:
        return self._engine.maxfd

    @property
    def maxsock(self) -> int:
        return self._engine.maxfd

    @property
    def maxconn(self) -> int:
        return self._balancer.control.maxconn

    @property
    def hard_maxconn(self) -> int:
        return self._balancer.maxconn

    @property
    def maxconn_reached(self) -> int:
        return int(self._engine.live.limited_n)

    @property
    def cur_conns(self) -> int:
        return int(self._engine.live.actconn)

    @property
    def cum_conns(self) -> int:
        return int(self._engine.live.totalconn)

    @property
    def cum_req(self) -> int:
        return int(lib.eng_live_figures(self._engine.handle).requests)

    @property
    def maxpipes(self) -> int:
        return self._balancer.maxpipes

    @property
    def pipes_used(self) -> int:
        return int(self._engine.live.pipes_used)

    @property
    def pipes_free(self) -> int:
        return int(self._engine.live.pipes_free)

    def _rate(self, kind: int) -> int:
        out: Any = ffi.new("uint32_t[3]")
        lib.eng_rates(self._engine.handle, out)
        return int(out[kind])

    def _exact_rate(self, kind: int) -> float:
        out: Any = ffi.new("double[2]")
        lib.eng_rates_exact(self._engine.handle, out)
        return float(out[kind])

    @property
    def conn_rate(self) -> int:
        return self._rate(0)

    @property
    def exact_conn_rate(self) -> float:
        return self._exact_rate(0)

    @property
    def conn_rate_limit(self) -> int:
        return self._balancer.control.maxconnrate

    @property
    def conn_rate_max(self) -> int:
        return int(self._engine.live.conn_rate_max)

    @property
    def sess_rate(self) -> int:
        return self._rate(1)

    @property
    def exact_sess_rate(self) -> float:
        return self._exact_rate(1)

    @property
    def sess_rate_limit(self) -> int:
        return self._balancer.control.maxsessrate

    @property
    def sess_rate_max(self) -> int:
        return int(self._engine.live.sess_rate_max)

    @property
    def tasks(self) -> int:
        return int(lib.tasksched_tasks(lib.eng_tasks(self._engine.handle)))

    @property
    def run_queue(self) -> int:
        return int(lib.tasksched_queued(lib.eng_tasks(self._engine.handle)))

    @property
    def idle_pct(self) -> int:
        """Of the time since the last question that lies at least a second back."""
        then, cpu_then = self._cpu_seen
        now, cpu = time.monotonic(), time.process_time()
        if now - then >= IDLE_SPAN:
            busy = (cpu - cpu_then) / ((now - then) * self.nbthread)
            self._idle_pct = max(0, min(100, round(100 * (1 - busy))))
            self._cpu_seen = (now, cpu)
        return self._idle_pct

    @property
    def node(self) -> str:
        return self._settings.node or socket.gethostname()

    @property
    def description(self) -> str | None:
        return self._settings.description

    @property
    def stopping(self) -> bool:
        return bool(self._engine.live.stopping)

    @property
    def jobs(self) -> int:
        return int(self._engine.live.jobs)

    @property
    def listeners(self) -> int:
        open_ = (lib.LSN_READY, lib.LSN_FULL, lib.LSN_LIMITED, lib.LSN_PAUSED)
        return sum(listener.state in open_ for listener in self._balancer.all_listeners())

    @property
    def dropped_logs(self) -> int:
        decisions = self._balancer.decisions
        return 0 if decisions is None else decisions.logs.dropped

    @property
    def bytes_out(self) -> int:
        return sum(int(proxy.frontend.counters.bytes_out) for proxy in self.proxies() if proxy.frontend)

    @property
    def warnings(self) -> int:
        return self._balancer.diagnostics.warnings

    # --- parts ---

    def proxies(self) -> list[Proxy]:
        """In the order of the configuration."""
        return self._balancer.proxies

    def frontends(self) -> dict[str, Frontend]:
        """Those of the configuration by their names."""
        return {proxy.name: proxy.frontend for proxy in self.proxies() if proxy.frontend is not None}

    def backends(self) -> dict[str, Backend]:
        """Those of the configuration by their names."""
        return {proxy.name: proxy.backend for proxy in self.proxies() if proxy.backend is not None}

    def states(self) -> States:
        """What changes servers."""
        return self._balancer.states

    def added_server(self, backend: Backend, name: str, words: Sequence[str]) -> ServerSettings:
        """A server of `backend` as `words` describe it. Raises ValueError in the words of errors of configurations."""
        return added_server(backend.settings, name, words)

    def control(self) -> Control:
        """What changes frontends, limits and counters."""
        return self._balancer.control

    def service(self, name: str) -> Callable[[str], Any]:
        """What answers for `use-service <name>`: a `lbcore.stats.services.Service`."""
        from lbcore.stats.services import MAKERS  # only where a rule names one

        return MAKERS[name](self, self.proxies)

    def stats_page(self, settings: ProxySettings, build: Build, point: Point) -> Callable[[Txn], Any]:
        """The step of a proxy's requests that answers for its `stats` lines."""
        from lbcore.stats.page import make_stats_page  # only where a proxy has one

        return make_stats_page(settings, build, point, self, self._balancer.states)

    def locks(self) -> list[LockFigures] | None:
        """In acquisition order, None while no figures are kept."""
        if not lib.lockset_flags(self._engine.locks.handle) & lib.LOCK_F_FIGURES:
            return None
        rows = []
        for label in Label:
            figures = self._engine.locks.figures(label)
            rows.append(
                LockFigures(
                    label.name.lower(),
                    figures.reads,
                    figures.writes,
                    figures.waits,
                    figures.wait_ns,
                    figures.longest_ns,
                )
            )
        return rows

    def threads(self) -> Iterable[ThreadFacts]:
        """In the order of their numbers."""
        for worker, figures in zip(
            self._balancer.crew.workers, activity.figures_of_threads(self._balancer), strict=True
        ):
            current = worker is threading.current_thread()
            yield ThreadFacts(
                number=worker.tid + 1,
                ident=worker.native_id or 0,
                polling=not current,
                runnable=0,
                timers=figures.flows,
                connections=figures.conns,
                idle=figures.idle,
                polls=figures.turns,
                events=worker.events,
                cpu_ns=thread_cpu_ns(worker),
                current=current,
            )

    def pools(self) -> Iterable[Pool]:
        """What memory is used for."""
        return activity.pools(self._balancer)

    def activity(self) -> dict[str, list[int]]:
        """What each thread has done since the start."""
        return activity.activity(self._balancer)

    def running_tasks(self) -> Counter[str]:
        """Tasks that wait to be run, or run."""
        return activity.running_tasks(self._balancer)

    def profile(self) -> Profile:
        """What takes times of functions."""
        return self._balancer.profile

    def startup_logs(self) -> str:
        """What was said of the configuration at the start."""
        messages = self._balancer.diagnostics.messages
        return "".join(f"{format_diagnostic(message, self._first_pid)}\n" for message in messages)

    def dynamic_cookies(self) -> DynamicCookies:
        """What changes cookies that are made of addresses."""
        return self._balancer.dynamic_cookies

    def listening(self) -> list[Listening]:
        """All sockets that are listened on, those of the stats sockets behind those of the frontends."""
        return [
            Listening(listener.fd, listener.bind.namespace or "", listener.bind.interface or "")
            for listener in self._balancer.all_listeners()
            if listener.is_open
        ]

    def log_sinks(self) -> list[Sink]:
        """Where logs go, in the order in which the configuration names them."""
        decisions = self._balancer.decisions
        dropped = {} if decisions is None else decisions.logs.dropped_at()
        every = [self._settings.log_targets, *(proxy.settings.log_targets for proxy in self.proxies())]
        addresses = dict.fromkeys(target.address for targets in every for target in targets)
        return [_sink(address, dropped.get(address, 0)) for address in addresses]

    def fds(self) -> Iterable[FdFacts]:
        """In the order of their numbers."""
        listeners = {listener.fd: listener for listener in self._balancer.all_listeners()}
        info: Any = ffi.new("fd_info *")
        for fd in range(lib.eng_fd_top(self._engine.handle)):
            kind = lib.eng_fd_kind(self._engine.handle, fd)
            if kind == lib.ENG_FD_NONE or lib.eng_fd_describe(self._engine.handle, fd, info) < 0:
                continue
            facts = {}
            if fd in listeners:
                facts = {"name": listeners[fd].name, "addr": listeners[fd].address}
            gone = bool(info.ev & (lib.FD_EV_HUP | lib.FD_EV_ERR))
            yield FdFacts(
                fd=fd,
                state=info.want | info.ready << 2 | info.ev << 4 | info.flags << 12,
                read=Direction(
                    gone or bool(info.ev & lib.FD_EV_RDHUP), bool(info.ready & lib.FD_R), bool(info.want & lib.FD_R)
                ),
                write=Direction(gone, bool(info.ready & lib.FD_W), bool(info.want & lib.FD_W)),
                generation=info.gen,
                thread_mask=info.thread_mask,
                owner=KINDS[kind],
                facts=facts,
            )

    def cli_sockets(self) -> list[CliSocket]:
        """In the order of the configuration."""
        rows = []
        for bind in self._settings.stats_sockets:
            prefix: dict[int, str] = {socket.AF_INET: "ipv4@", socket.AF_INET6: "ipv6@", socket.AF_UNIX: "unix@"}
            shown = str(bind.address)
            if bind.address.fd is None and not shown.startswith("abns@"):
                shown = prefix.get(bind.address.family, "") + shown
            rows.append(CliSocket(shown, bind.level))
        return rows

    def references(self) -> References:
        """Maps and the patterns of ACLs."""
        return self._balancer.world.references

    def tables(self) -> Tables:
        """The stick tables, in the order of the configuration."""
        return self._balancer.world.tables

    def peers(self) -> list[Section]:
        """The `peers` sections that are at work, in the order of the configuration."""
        return [] if self._balancer.peers is None else list(self._balancer.peers)

    def proc_vars(self) -> ProcVars:
        """The variables of the process."""
        return self._balancer.world.proc_vars

    def load_rest(self) -> None:
        """Imports what answers of the stats socket may need: see `LoadBalancer.load_rest`."""
        import encodings.idna  # noqa: F401 - for names in `add server`,

        import lbcore.cfg.known_words
        import lbcore.stream.outside  # noqa: F401 - and `evaluate`

        assert self._balancer.world is not None, "to ask for it is to make it"

    def evaluate(self, make: Callable[[Build], Fetcher]) -> Value | None:
        """What the function that `make` gives says outside of any stream. Raises BuildError."""
        from lbcore.stream.outside import evaluate  # with the world
        from lbcore.stream.world import Builder

        world = self._balancer.world
        return evaluate(world, make(Builder(world, "CLI", {}, pins=False)))

    def sessions(self) -> LiveSessions:
        """The sessions of all threads."""
        return LiveSessions(self._balancer)

    def snapshots_taken(self) -> int:
        """How many messages were refused since the start."""
        return int(self._engine.live.snapshots)

    def snapshots(self) -> Iterator[Snapshot]:
        """Messages that were refused, by proxy, those of clients first. Takes PROXY."""
        raw: Any = ffi.new("px_snapshot *")
        for proxy in self.proxies():
            for back, side in enumerate((proxy.frontend, proxy.backend)):
                if side is not None and lib.eng_snapshot(self._engine.handle, back, side.index, raw):
                    yield self._snapshot(raw)

    def _snapshot(self, raw: Any) -> Snapshot:
        """A `px_snapshot` with names for its numbers."""
        world = self._balancer.world
        ids = {proxy.name: proxy.iid for proxy in self.proxies()}
        frontend, backend = world.frontends[raw.frontend], world.backends.get(raw.backend)
        server = world.servers.get(raw.server)
        return Snapshot(
            when_us=raw.when_us,
            event=raw.number - 1,
            response=bool(raw.side),
            frontend=ErrorEnd(frontend.settings.name, ids[frontend.settings.name]),
            backend=None if backend is None else ErrorEnd(backend.settings.name, ids[backend.settings.name]),
            server=None if server is None else ErrorEnd(server.name, server.sid),
            source=source(raw.family, raw.addr, raw.port),
            position=raw.err_pos,
            error=text(lib.h1_error_text(raw.err)),
            data=bytes(ffi.buffer(raw.data, raw.len)),
            length=raw.total,
            bufsize=self._settings.bufsize,
        )


def _sink(address: Address, dropped: int) -> Sink:
    if address.fd is not None:
        name, description = STREAMS.get(address.fd, (f"fd@{address.fd}", "descriptor"))
        return Sink(name, "fd", dropped, f"{description} (fd#{address.fd})")
    if address.family == socket.AF_UNIX:
        return Sink(str(address), "unix", dropped, "unix datagram socket")
    return Sink(str(address), "udp", dropped, "syslog over UDP")


def thread_cpu_ns(thread: threading.Thread) -> int:
    """CPU time that a thread has used, in ns; 0 if it does not run or the system does not tell."""
    if thread.ident is None or not thread.is_alive():
        return 0
    try:
        return time.clock_gettime_ns(time.pthread_getcpuclockid(thread.ident))
    except (AttributeError, OSError):
        return 0
