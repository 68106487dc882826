"""Log lines of streams: each worker formats and sends those of its own.

    StreamLogs.add         a frontend whose streams are logged, or have unique ids
    StreamLogs.resolve     once the live objects are there that expressions may name
    StreamLogs.wants_txn   of which frontends transactions are to be kept until their record comes
    StreamLogs.step        a line at a step of a stream (`log-steps`)
    log_now                a line at once (`do-log`)

Records come in batches. Whoever keeps transactions keeps them in the worker's own table of streams (STREAMS), out of
which they are taken here when their stream is over.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lbcore.base.address import Address
from lbcore.event.crew import Crew
from lbcore.event.worker import Worker
from lbcore.log.header import Origin
from lbcore.log.sender import Senders, open_datagrams
from lbcore.log.settings import LEVELS, LogProfile
from lbcore.log.syslog import Logger, Sampler, make_samplers
from lbcore.proxy.settings import GlobalSettings, ProxySettings
from lbcore.sample.build import Build
from lbcore.shim import ffi, lib
from lbcore.stream.aliases import Helpers, LineOf, Names, escaped
from lbcore.stream.shimlog import install, writes
from lbcore.stream.txn import REC, RECORD, Txn, World
from lbcore.stream.txnlog import LOG_INFO, Line, TxnLog, formats_of, wants_txn
from lbcore.stream.unique_id import MAKERS, make_unique_id, unique_id_format
from lbcore.thread.counters import Counter
from lbcore.thread.labels import Label
from lbcore.thread.locks import LockSet, SpinLock

LOCAL = "logs"  # the worker's own WorkerLogs
STREAMS = "streams"  # the worker's own: number of a stream -> its Txn, of those that are kept
DEFAULT_TAG = "haproxy"
_ALERT = LEVELS.index("alert")

_OF_DESTINATION = frozenset({"dst", "dst_is_local", "fc_dst", "fc_dst_is_local"})
_OF_RESPONSE = frozenset({"capture.res.ver"})

_FRONTEND, _FLAGS, _UNIQ = REC["frontend"], REC["flags"], REC["uniq"]
_LOG, _TELL = lib.REC_LOG, lib.REC_TELL
_NOTHING: dict[int, Txn] = {}


class Texts:
    """The request lines that the records of the present batch point at. Belongs to one worker."""

    __slots__ = ("_base", "_text")

    def __init__(self) -> None:
        self.take(0, b"")

    def take(self, base: int, raw: Any) -> None:
        """A new batch, whose texts lie at address `base`, among others of that turn."""
        self._base = base
        self._text = str(raw, "latin-1")

    def line(self, address: int, size: int) -> str:
        """The line at an address, escaped."""
        at = address - self._base
        return escaped(self._text[at : at + size])


class _Names:
    """What the numbers of a record are called, by name and bounded to what the shim gives."""

    def __init__(self, backends: Mapping[int, str], servers: Mapping[int, str], listeners: Mapping[int, int]) -> None:
        self.backend = backends.__getitem__
        self.server = servers.__getitem__
        self.listener_id = listeners.__getitem__
        self.world: World | None = None

    def listener_label(self, index: int) -> str:
        name = self.world.listeners[index].bind.name if self.world is not None else None
        return name or str(self.listener_id(index))

    def server_address(self, index: int) -> tuple[str, int]:
        if self.world is None:
            return "", 0
        address = self.world.servers[index].settings.address
        return address.host, address.port


def names(backends: Mapping[int, str], servers: Mapping[int, str], listeners: Mapping[int, int]) -> _Names:
    """Looks the numbers of the engine up in these tables."""
    return _Names(backends, servers, listeners)


class _Frontend:
    """What all workers share of a frontend's logs."""

    def __init__(self, settings: ProxySettings, samplers: Sequence[Sampler | None]) -> None:
        self.settings = settings
        self.samplers = samplers
        self.build: Build | None = None
        self.counter: Counter | None = None  # of its lines, if a format asks for it


class _Group:
    """The targets of a frontend that have a profile in common, and the lines that wait for the end of the batch."""

    __slots__ = ("lines", "logger", "waiting")

    def __init__(self, lines: TxnLog, logger: Logger) -> None:
        self.lines = lines
        self.logger = logger
        self.waiting: list[tuple[int, str]] = []

    def take(self, line: Line | None) -> bool:
        """Sends a line, or has it wait to go with others; false for None."""
        if line is None:
            return False
        level, text, structured = line
        if not structured:
            self.waiting.append((level, text))
            return True
        self.flush()
        self.logger.send_many([(level, text)], structured)
        return True

    def flush(self) -> None:
        if self.waiting:
            self.logger.send_many(self.waiting)
            self.waiting.clear()


class FrontendLogs:
    """The lines of one frontend in one worker."""

    def __init__(self, frontend: _Frontend, groups: list[_Group]) -> None:
        self._groups = groups
        self._counter = frontend.counter
        self._needs_txn = any(group.lines.needs_txn for group in groups)
        only = groups[0] if len(groups) == 1 and frontend.counter is None else None
        self.fast = None if only is None else only.lines.fast
        self.kept = None if only is None else only.lines.kept
        self.http = frontend.settings.mode == "http"
        self.waiting = [] if only is None else only.waiting

    def add(self, worker: Worker, world: World | None, record: tuple[Any, ...], t: Txn | None) -> None:
        """Takes a stream that has ended. Its lines leave with the next `flush`."""
        if t is None and self._needs_txn:
            assert world is not None, "a balancer with expressions has resolved them"
            t = Txn.of_record(world, worker, record)
        elif t is not None:
            t.end(record)
        made = [group.take(group.lines.line(record, t)) for group in self._groups]
        self._count(made)
        if t is not None and not record[_FLAGS] & _TELL:
            t.record = None  # option logasap: it goes on

    def now(self, t: Txn, origin: str) -> None:
        """Sends the lines of a stream that goes on."""
        t.log_origin = origin
        made = [group.take(group.lines.live_line(t, origin)) for group in self._groups]
        t.log_origin = ""
        self._count(made)
        self.flush()

    def _count(self, made: Sequence[bool]) -> None:
        if self._counter is not None and any(made):
            self._counter.add()

    def flush(self) -> None:
        """Sends what waits."""
        for group in self._groups:
            group.flush()


def alert(t: Txn, text: str) -> None:
    """Sends a message about a stream to the logs of its backend. Runs in the transaction's worker."""
    logs: WorkerLogs | None = t.worker.local.get(LOCAL)
    if logs is not None:
        logs.alert(t, text)


class WorkerLogs(dict[tuple[int, str | None], FrontendLogs | None]):
    """The logs of one worker, by the number of the frontend and the profile of all its targets (None: each its own).

    Made when first asked for, so that a start takes no longer for many frontends; None for one that has no logs.
    """

    def __init__(self, logs: StreamLogs) -> None:
        super().__init__()
        self.senders = Senders(logs.sndbuf)
        self.texts = Texts()
        self._logs = logs
        self.alert = logs.alert

    def __missing__(self, key: tuple[int, str | None]) -> FrontendLogs | None:
        index, profile = key
        found = self[key] = self._logs.frontend(index, self, profile)
        return found


def log_now(t: Txn, origin: str, profile: str | None = None) -> None:
    """Writes the log line of a stream that goes on, as far as it is known. Does nothing if its frontend has no logs.

    `origin` says where it comes from (lbcore.log.settings.ORIGINS), for profiles; `profile` is the name of the one that
    counts in place of those of the targets. Runs in the transaction's worker.
    """
    logs: WorkerLogs | None = t.worker.local.get(LOCAL)
    found = logs[t.frontend.index, profile] if logs is not None else None
    if found is not None:
        found.now(t, origin)


class StreamLogs:
    """The logs of all frontends of a balancer.

    Samples and counts of lines are shared by all threads, under the log ring's lock and by atomic counters; everything
    else is made in each worker.
    """

    def __init__(
        self,
        crew: Crew,
        settings: GlobalSettings,
        names: Names,
        profiles: Mapping[str, LogProfile] | None = None,
    ) -> None:
        self._names = names
        self._frontends: dict[int, _Frontend] = {}
        self._profiles = profiles or {}
        self._world: World | None = None
        self._engine = crew.engine
        self._lock = SpinLock(Label.LOGRING, LockSet.borrowed(crew.engine.locks.handle))
        self._hostname = hostname(settings)
        self._tag = settings.log_tag or DEFAULT_TAG
        self.sndbuf = settings.sndbuf_backend
        self._workers: list[Senders] = []
        self.by_shim: set[str] = set()  # names of frontends whose usual lines the shim writes; under _opening
        self._sockets: dict[Address, socket.socket] = {}  # of the shim's lines; under _opening
        self._opening = threading.Lock()
        crew.hooks.add(self._begin, self._end)
        crew.handlers[lib.EV_DONE] = self._done

    def add(self, frontend: int, settings: ProxySettings) -> None:
        """Has the streams of frontend number `frontend` logged, and given ids if they are to have any.

        Before the threads start. Raises ValueError, ParseError.
        """
        found = _Frontend(settings, make_samplers(settings.log_targets, self._lock))
        formats = formats_of(settings, self._profiles)
        if any("lc" in parsed.aliases() for parsed in formats):
            found.counter = Counter()
        ids = unique_id_format(settings)
        if ids is not None:
            formats.append(ids)
        aliases = {alias for parsed in formats for alias in parsed.aliases()}
        fetches = {fetch for parsed in formats for fetch in parsed.fetches()}
        if not (aliases.isdisjoint(("fi", "fp")) and fetches.isdisjoint(_OF_DESTINATION)):
            lib.eng_fe_conf(self._engine.handle, frontend).options |= lib.PX_O_DST
        if not aliases.isdisjoint(("bi", "bp")):
            lib.eng_fe_conf(self._engine.handle, frontend).options |= lib.PX_O_BACK_END
        self._frontends[frontend] = found

    def resolve(self, world: World, builds: Mapping[str, Build]) -> None:
        """Gives formats the live objects that they may name; `builds` are by the names of proxies.

        Before the threads start. Raises BuildError, ParseError for what can't be compiled, rather than in a worker.
        """
        self._world = world
        if isinstance(self._names, _Names):
            self._names.world = world
        for frontend in self._frontends.values():
            frontend.build = builds[frontend.settings.name]
            make_unique_id(frontend.settings, frontend.build)
            for parsed in formats_of(frontend.settings, self._profiles):
                if parsed.requires_txn(frontend.settings):
                    parsed.make(frontend.build)
        for index, frontend in self._frontends.items():
            settings = frontend.settings
            if settings.captures_request:  # who leaves its lines to the shim keeps nothing for them
                self._leave_to_shim(index, settings)

    def wants_txn(self, settings: ProxySettings) -> bool:
        """Whether transactions of a frontend are to be kept for its log lines. Once names have been resolved."""
        return settings.name not in self.by_shim and wants_txn(settings, self._profiles)

    def close(self) -> None:
        """Gives the sockets of the shim back. After the last thread has ended. Any number of times."""
        for opened in self._sockets.values():
            opened.close()
        self._sockets.clear()

    def wants_response(self, settings: ProxySettings) -> bool:
        """Whether its log lines tell of responses what only their heads say."""
        formats = formats_of(settings, self._profiles)
        return any(not _OF_RESPONSE.isdisjoint(parsed.fetches()) for parsed in formats)

    def _leave_to_shim(self, index: int, settings: ProxySettings) -> None:
        """Has the shim write the lines of a frontend, if it can and doesn't yet."""
        if not writes(settings):
            return
        with self._opening:
            if settings.name in self.by_shim:
                return
            try:
                install(self._engine.handle, index, settings, self._origin(settings.log_tag), self._socket_to)
            except OSError:  # no socket leads there now: Python tries again with each line
                return
            self.by_shim.add(settings.name)

    def _socket_to(self, address: Address) -> socket.socket:
        found = self._sockets.get(address)
        if found is None:
            found = self._sockets[address] = open_datagrams(address, self.sndbuf)
        return found

    def alert(self, t: Txn, text: str) -> None:
        """Sends a message to the log targets of a transaction's backend. Runs in its worker."""
        logs: WorkerLogs = t.worker.local[LOCAL]
        if t.backend is not None and t.backend.settings.log_targets:
            self.logger(t.backend.settings, logs.senders).send(_ALERT, text)

    def step(self, settings: ProxySettings, origin: str) -> Callable[[Txn], None] | None:
        """What is to be done at a step (lbcore.log.settings.STEPS) of each stream of a frontend, None: nothing."""
        if origin not in settings.log_steps or not settings.log_targets:
            return None
        return lambda t: log_now(t, origin)

    def logger(self, settings: ProxySettings, senders: Senders) -> Logger:
        """A logger to the targets of a proxy, for messages that are not of a stream, through `senders`."""
        return Logger(settings.log_targets, self._origin(settings.log_tag), senders)

    @property
    def dropped(self) -> int:
        """Lines that were lost because nobody took them in time."""
        by_shim = int(self._engine.live.dropped_logs) if self._engine.is_open else 0
        return sum(senders.dropped for senders in list(self._workers)) + by_shim

    def dropped_at(self) -> dict[Address, int]:
        """The same by the addresses of targets."""
        found: dict[Address, int] = {}
        for senders in list(self._workers):
            for address, dropped in senders.by_address().items():
                found[address] = found.get(address, 0) + dropped
        return found

    # --- in the workers ---

    def frontend(self, index: int, worker: WorkerLogs, profile: str | None = None) -> FrontendLogs | None:
        """The logs of a frontend for one worker, None if it has none. With `profile` all targets have that one."""
        frontend = self._frontends.get(index)
        if frontend is None or not frontend.settings.log_targets:
            return None
        settings = frontend.settings
        if profile is None:
            self._leave_to_shim(index, settings)  # from the next stream on
        used = [target.profile if profile is None else profile for target in settings.log_targets]
        groups = []
        for name in dict.fromkeys(used):
            found = self._profiles.get(name) if name is not None else None
            lines = TxnLog(settings, self._helpers(frontend, worker.texts.line), frontend.build, found)
            places = [at for at, one in enumerate(used) if one == name]
            targets = [settings.log_targets[at] for at in places]
            samplers = [frontend.samplers[at] for at in places]
            origin = self._origin((found.tag if found is not None else None) or settings.log_tag)
            groups.append(_Group(lines, Logger(targets, origin, worker.senders, samplers)))
        return FrontendLogs(frontend, groups)

    def _helpers(self, frontend: _Frontend, line: LineOf) -> Helpers:
        counter = frontend.counter
        return Helpers(
            frontend.settings,
            self._names,
            line,
            pid=os.getpid(),
            nbthread=self._engine.nbthread,
            counter=int if counter is None else lambda: counter.value,
        )

    def _origin(self, tag: str | None) -> Origin:
        return Origin(tag or self._tag, os.getpid(), self._hostname)

    def _begin(self, worker: Worker) -> None:
        logs = worker.local[LOCAL] = WorkerLogs(self)
        self._workers.append(logs.senders)
        worker.local[MAKERS] = {
            index: make_unique_id(frontend.settings, frontend.build)
            for index, frontend in self._frontends.items()
            if frontend.settings.unique_id_format is not None and frontend.build is not None
        }

    def _end(self, worker: Worker) -> None:
        worker.local.pop(LOCAL).senders.close()

    def _done(self, worker: Worker, event: Any) -> None:
        """Logs a batch of records: runs of the same frontend together, all in their order."""
        logs: WorkerLogs = worker.local[LOCAL]
        streams: dict[int, Txn] = worker.local.get(STREAMS, _NOTHING)
        logs.texts.take(event.handle, ffi.buffer(ffi.cast("char *", event.handle), event.arg))
        rows = ffi.buffer(ffi.cast("char *", event.data), event.len * RECORD.size)
        log: FrontendLogs | None = None
        present = -1
        for record in RECORD.iter_unpack(rows):
            flags = record[_FLAGS]
            # it is kept no longer if its stream is over
            t = streams.pop(record[_UNIQ], None) if flags & _TELL else streams.get(record[_UNIQ])
            if not flags & _LOG:
                continue
            if record[_FRONTEND] != present:
                if log is not None:
                    log.flush()
                present = record[_FRONTEND]
                log = logs[present, None]
            if log is None:
                continue
            try:
                if t is None and log.fast is not None:
                    log.waiting.append((LOG_INFO, log.fast(record)))
                elif (
                    t is not None
                    and log.kept is not None
                    and t.log_level is None
                    and (t.req is not None or not log.http)
                ):
                    log.waiting.append((LOG_INFO, log.kept(t, record)))
                else:
                    log.add(worker, self._world, record, t)
            except Exception as error:  # noqa: BLE001 - a line that fails must not take others along
                worker.crew.report(error)
        if log is not None:
            log.flush()


def hostname(settings: GlobalSettings) -> str | None:
    """The host name that `log-send-hostname` asks for, None if none."""
    if settings.log_send_hostname is None:
        return None
    return settings.log_send_hostname or socket.gethostname()
