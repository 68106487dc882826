"""Log lines of finished streams: each worker formats and sends those of its own."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from typing import Any

from lbcore.event.crew import Crew
from lbcore.event.worker import Worker
from lbcore.log.header import Origin
from lbcore.log.sender import Senders
from lbcore.log.syslog import Logger, Sampler, make_samplers
from lbcore.proxy.settings import GlobalSettings, ProxySettings
from lbcore.shim import ffi, lib
from lbcore.stream.txnlog import Names, TxnLog
from lbcore.thread.labels import Label
from lbcore.thread.locks import LockSet, SpinLock

LOCAL = "logs"  # the worker's own: frontend number -> (TxnLog, Logger), and its senders
DEFAULT_TAG = "haproxy"


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
        logs = {
            index: (
                TxnLog(settings, self._names, ffi.buffer, os.getpid()),
                Logger(settings.log_targets, self._origin(settings.log_tag), senders, samplers),
            )
            for index, (settings, samplers) in self._frontends.items()
        }
        worker.local[LOCAL] = (logs, senders)

    def _end(self, worker: Worker) -> None:
        _, senders = worker.local.pop(LOCAL)
        senders.close()

    def _done(self, worker: Worker, event: Any) -> None:
        """Logs a batch of records: runs of the same frontend together, all in their order."""
        logs, _ = worker.local[LOCAL]
        records = ffi.cast("lb_rec *", event.data)
        batch: list[tuple[int, str]] = []
        present = -1
        for i in range(event.len):
            record = records[i]
            if record.frontend != present:
                if batch:
                    logs[present][1].send_many(batch)
                    batch = []
                present = record.frontend
            log = logs.get(present)
            line = log[0].line(record) if log is not None else None
            if line is not None:
                batch.append(line)
        if batch:
            logs[present][1].send_many(batch)


def hostname(settings: GlobalSettings) -> str | None:
    """The host name that `log-send-hostname` asks for, None if none."""
    if settings.log_send_hostname is None:
        return None
    return settings.log_send_hostname or socket.gethostname()
