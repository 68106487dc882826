"""Log lines of finished streams: each worker formats and sends those of its own."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping, Sequence
from struct import Struct
from typing import Any, NamedTuple

from lbcore.event.crew import Crew
from lbcore.event.worker import Worker
from lbcore.log.header import Origin
from lbcore.log.sender import Senders
from lbcore.log.syslog import Logger, Sampler, make_samplers
from lbcore.proxy.settings import GlobalSettings, ProxySettings
from lbcore.shim import ffi, lib
from lbcore.stream.txnlog import LOG_INFO, Names, TxnLog
from lbcore.thread.labels import Label
from lbcore.thread.locks import LockSet, SpinLock

CODES = {"uint8_t": "B", "uint16_t": "H", "int32_t": "i", "uint32_t": "I", "uint64_t": "Q"}  # of struct
LOCAL = "logs"  # the worker's own: frontend number -> (TxnLog, Logger), and its senders
DEFAULT_TAG = "haproxy"


def record_layout() -> tuple[Struct, dict[str, int]]:
    """How `lb_rec` becomes a tuple, and the place of each field in that. Arrays become bytes, pointers numbers."""
    fields: Any = ffi.typeof("lb_rec").fields
    code, end = "=", 0
    for _, field in fields:
        size = ffi.sizeof(field.type)
        letter = "Q" if field.type.kind == "pointer" else CODES.get(field.type.cname, f"{size}s")
        code += f"{field.offset - end}x{letter}"
        end = field.offset + size
    return Struct(f"{code}{ffi.sizeof('lb_rec') - end}x"), {name: place for place, (name, _) in enumerate(fields)}


class Texts:
    """The texts that the records of the present batch point at. Belongs to one worker."""

    __slots__ = ("base", "buffer")

    def __init__(self) -> None:
        self.base = 0
        self.buffer: Any = b""

    def __call__(self, address: int, size: int) -> bytes:
        at = address - self.base
        found: bytes = self.buffer[at : at + size]
        return found


class _Log(NamedTuple):
    """What one worker needs for the lines of one frontend."""

    lines: TxnLog
    logger: Logger
    text: Callable[[tuple[Any, ...]], str] | None  # over tuples; None: `lines` has to look at each record


class _Names:
    """What the numbers of a record are called, by name and bounded to what the shim gives."""

    def __init__(self, backends: Mapping[int, str], servers: Mapping[int, str], listeners: Mapping[int, int]) -> None:
        self.backend = backends.__getitem__
        self.server = servers.__getitem__
        self.listener_id = listeners.__getitem__


def names(backends: Mapping[int, str], servers: Mapping[int, str], listeners: Mapping[int, int]) -> Names:
    """Looks the numbers of the engine up in these tables."""
    return _Names(backends, servers, listeners)


class StreamLogs:
    """The logs of all frontends of a balancer.

    Samples are shared by all threads, under the log ring's lock; everything else is made in each worker.
    """

    def __init__(self, crew: Crew, settings: GlobalSettings, names: Names) -> None:
        self._names = names
        self._frontends: dict[int, tuple[ProxySettings, Sequence[Sampler | None]]] = {}
        self._lock = SpinLock(Label.LOGRING, LockSet.borrowed(crew.engine.locks.handle))
        self._hostname = hostname(settings)
        self._tag = settings.log_tag or DEFAULT_TAG
        self._workers: list[Senders] = []
        self._layout, self._places = record_layout()
        crew.hooks.add(self._begin, self._end)
        crew.handlers[lib.EV_DONE] = self._done

    def add(self, frontend: int, settings: ProxySettings) -> None:
        """Has the streams of frontend number `frontend` logged. Raises LogFormatError, ValueError."""
        samplers = make_samplers(settings.log_targets, self._lock)
        self._frontends[frontend] = (settings, samplers)
        TxnLog(settings, self._names, ffi.buffer, os.getpid())  # what is wrong shows now, not in a worker

    def logger(self, settings: ProxySettings, senders: Senders) -> Logger:
        """A logger to the targets of a proxy, for messages that are not of a stream, through `senders`."""
        return Logger(settings.log_targets, self._origin(settings.log_tag), senders)

    @property
    def dropped(self) -> int:
        """Lines that were lost because nobody took them in time."""
        return sum(senders.dropped for senders in list(self._workers))

    def _origin(self, tag: str | None) -> Origin:
        return Origin(tag or self._tag, os.getpid(), self._hostname)

    def _begin(self, worker: Worker) -> None:
        senders = Senders()
        self._workers.append(senders)
        texts = Texts()
        logs = {}
        for index, (settings, samplers) in self._frontends.items():
            lines = TxnLog(settings, self._names, ffi.buffer, os.getpid())
            logger = Logger(settings.log_targets, self._origin(settings.log_tag), senders, samplers)
            logs[index] = _Log(lines, logger, lines.tuple_text(self._places, texts))
        worker.local[LOCAL] = (logs, senders, texts)

    def _end(self, worker: Worker) -> None:
        senders = worker.local.pop(LOCAL)[1]
        senders.close()

    def _done(self, worker: Worker, event: Any) -> None:
        """Logs a batch of records: runs of the same frontend together, all in their order."""
        logs, _, texts = worker.local[LOCAL]
        texts.base = event.handle
        texts.buffer = ffi.buffer(ffi.cast("char *", event.handle), event.arg)
        records = ffi.cast("lb_rec *", event.data)
        frontend = self._places["frontend"]
        batch: list[tuple[int, str]] = []
        log: _Log | None = None
        present = -1
        for i, record in enumerate(self._layout.iter_unpack(ffi.buffer(records, event.len * self._layout.size))):
            if record[frontend] != present:
                if batch and log is not None:
                    log.logger.send_many(batch)
                    batch = []
                present = record[frontend]
                log = logs.get(present)
            if log is None:
                continue
            line = log.lines.line(records[i]) if log.text is None else (LOG_INFO, log.text(record))
            if line is not None:
                batch.append(line)
        if batch and log is not None:
            log.logger.send_many(batch)


def hostname(settings: GlobalSettings) -> str | None:
    """The host name that `log-send-hostname` asks for, None if none."""
    if settings.log_send_hostname is None:
        return None
    return settings.log_send_hostname or socket.gethostname()
