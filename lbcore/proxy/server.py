"""One server of a backend."""

from __future__ import annotations

import os
import socket
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from lbcore.base.address import Address
from lbcore.base.netns import path_of
from lbcore.event.engine import Engine
from lbcore.event.task import Task
from lbcore.proxy import convert
from lbcore.proxy.figures import of_server
from lbcore.proxy.health import CheckState
from lbcore.proxy.machine import NO_FLAGS, Admin, Mode, Op, mode_of
from lbcore.proxy.serving import Serving
from lbcore.proxy.settings import Observe, ServerSettings, UseSource
from lbcore.proxy.status import status_of
from lbcore.shim import check, lib
from lbcore.thread.labels import Label
from lbcore.thread.locks import SpinLock

if TYPE_CHECKING:
    from lbcore.proxy.backend import Backend

FULL: int = lib.LB_WEIGHT_STEPS
_SERVING = (Op.RUNNING, Op.STARTING)


def shown_port(address: Address) -> int:
    """The port of a server as lists have it: where it is the client's, what is added to that one, of 16 bits."""
    return address.port if address.port_offset is None else address.port_offset % 65536


class Server(Serving):
    """A server as it was configured, its state, and its figures (`lbcore.stats.views.ServerView`).

    The state is written by `States` at the sync point, under `lock`, and read by anyone. `settings` too: commands of
    the stats socket change some of them.
    """

    def __init__(
        self, engine: Engine, backend: Backend, sid: int, settings: ServerSettings, *, index: int | None = None
    ) -> None:
        """Adds it to a backend of the engine, in the place `index` of one that was removed, if that is given.

        Raises OSError, ValueError for an unusable address.
        """
        self.settings = settings
        self._engine = engine
        self.backend = backend
        self.sid = sid
        self.lock = SpinLock(Label.SERVER, engine.locks)
        self.check: CheckState | None = None  # of health checks, if it has any; set by `check/` before the start
        self.agent: CheckState | None = None  # of its agent
        self.op = Op.RUNNING
        self.admin = NO_FLAGS
        self.uweight = settings.weight  # what was asked for last
        self.steps = FULL  # of FULL parts of its weight that it has now; fewer during slow start
        self.weight = settings.weight  # in force; stays what it was in maintenance
        self.tracks: Server | None = None
        self.trackers: list[Server] = []
        self.added = False  # while threads run, and not by the configuration
        self.pinned = False  # something names it, and always will: it must stay
        self.downs = 0  # times that checks took it down
        self.observed: int | None = 0 if settings.observe is not Observe.NONE else None  # times that it took action
        self.warmer: Task | None = None  # takes the steps of slow start
        self._down_seconds = 0.0
        self.namespace = 0  # descriptor of its network namespace, 0: the process's
        if index is None:
            self.index = check(lib.eng_server_add(engine.handle, backend.index))
        else:
            check(lib.eng_server_again(engine.handle, index))
            self.index = index
        convert.server(lib.eng_srv_conf(engine.handle, self.index), settings, sid)
        self._set_place()
        source = settings.source
        if source is not None and settings.source_last_port:
            check(lib.eng_srv_ports(engine.handle, self.index, source.port, settings.source_last_port))
        name = settings.name.encode("utf-8", "surrogateescape")
        if name:
            check(lib.eng_srv_name(engine.handle, self.index, name, len(name)))
        if settings.redir:
            prefix = settings.redir.encode("utf-8", "surrogateescape")
            check(lib.eng_srv_redir(engine.handle, self.index, prefix, len(prefix)))
        super().__init__(of_server(engine, self.index))
        if settings.disabled:
            self.op, self.admin = Op.STOPPED, Admin.FMAINT | Admin.CMAINT

    @property
    def usesrc(self) -> UseSource | None:
        """Whose address its connections come from: with a `source` of its own that line says so, else the backend's."""
        return self.settings.usesrc if self.settings.source is not None else self.backend.settings.usesrc

    @property
    def shares_connections(self) -> bool:
        """Whether connections of streams to it serve others afterwards, and all lead to its one address."""
        settings = self.settings
        own = settings.send_proxy or settings.send_proxy_v2 or settings.socks4 is not None
        spoofed = self.usesrc is not None and self.usesrc.kind != "address"
        mapped = settings.address.port_offset is not None or settings.is_clients_choice
        return not (own or spoofed or mapped or self.backend.settings.http_reuse == "never")

    def _set_place(self) -> None:
        """Writes what takes a privilege. Raises OSError without that."""
        conf = lib.eng_srv_conf(self._engine.handle, self.index)
        if self.usesrc is not None:
            self._check_privilege("source ... usesrc", lib.sock_may_spoof())
            conf.usesrc = convert.USESRC[self.usesrc.kind]
        if self.settings.namespace is not None:
            path = path_of(self.settings.namespace).encode()
            self.namespace = conf.ns = check(lib.eng_namespace(self._engine.handle, path))
            home = lib.sock_ns_enter(self.namespace)
            self._check_privilege("namespace", home if home < 0 else lib.sock_ns_leave(home))

    def _check_privilege(self, words: str, ret: int) -> None:
        if ret < 0:
            raise OSError(f"'server {self.label}' : '{words}' is not permitted here: {os.strerror(-ret)}")

    def set_source(self, number: int) -> None:
        """Has it see the addresses that streams give under a number (`eng_flow_tell`). Before the threads start."""
        lib.eng_srv_conf(self._engine.handle, self.index).src_tell = number

    def set_tell(self, number: int) -> None:
        """Has its PROXY headers tell what streams give under a number (`eng_flow_tell`). Before the threads start."""
        lib.eng_srv_conf(self._engine.handle, self.index).tell = number

    def set_pool_name(self, number: int) -> None:
        """Has its idle connections used again by the names that streams give under a number. Before it is up."""
        check(lib.eng_srv_named(self._engine.handle, self.index, number))

    @property
    def name(self) -> str:
        return self.settings.name

    @property
    def label(self) -> str:
        """`be/s1`: what it is called in logs and commands."""
        return f"{self.backend.settings.name}/{self.settings.name}"

    # --- state ---

    @property
    def mode(self) -> Mode:
        """What its flags amount to."""
        return mode_of(self.admin)

    @property
    def status(self) -> str:
        return status_of(self)

    @property
    def usable(self) -> bool:
        return self.op is not Op.STOPPED

    @property
    def gets_streams(self) -> bool:
        """Whether streams of any client may come to it, if its weight is not 0."""
        return self.op in _SERVING and self.mode is Mode.READY

    @property
    def seconds_in_state(self) -> int:
        return int(time.monotonic() - self.changed)

    @property
    def limit(self) -> int:
        """Connections that it may have now, 0: any; fewer than `maxconn` during slow start."""
        if self.op is not Op.STARTING or not self.maxconn:
            return self.maxconn
        return max(1, min(self.maxconn, self.maxconn * self.seconds_in_state // self.slowstart))

    @property
    def leader(self) -> Server:
        """The server whose checks decide: the end of the chain of `track`, or this one."""
        server = self
        while server.tracks is not None:
            server = server.tracks
        return server

    def restart_clock(self) -> None:
        """Its state changes now. The seconds that it was down are added up."""
        now = time.monotonic()
        if self.op is Op.STOPPED:
            self._down_seconds += now - self.changed
        self.changed = now

    @property
    def check_failures(self) -> int:
        """Results of health checks that took health away; an agent that says "down" has not failed."""
        return 0 if self.check is None else self.check.failed

    @property
    def tracked(self) -> str | None:
        return self.tracks.label if self.tracks is not None else None

    @property
    def downtime(self) -> int:
        """Seconds that it was down in all."""
        now = time.monotonic() - self.changed if self.op is Op.STOPPED else 0.0
        return int(self._down_seconds + now)

    @property
    def throttle(self) -> int | None:
        """Percent of slow start that it has behind it, None if there is none now."""
        if self.op is not Op.STARTING or self.mode is not Mode.READY:
            return None
        passed = max(1, int(time.monotonic() - self.changed))
        return max(1, min(100, 100 * passed // max(1, self.slowstart)))

    @property
    def slowstart(self) -> int:
        """Seconds, rounded up."""
        return -(-self.settings.slowstart // 1000)

    def forget_errors(self) -> None:
        """`observe` begins to count anew."""
        self._figures.live.errors = 0

    # --- figures ---

    @property
    def maxconn(self) -> int:
        return self.settings.maxconn

    @property
    def maxqueue(self) -> int:
        return self.settings.maxqueue

    @property
    def backup(self) -> bool:
        return self.settings.backup

    @property
    def idle(self) -> int:
        return int(self._figures.live.idle)

    def idle_by_thread(self) -> list[int]:
        """How many of the idle ones each thread keeps."""
        engine = self._engine
        return [int(lib.eng_srv_idle(engine.handle, self.index, tid)) for tid in range(engine.nbthread)]

    @property
    def safe(self) -> int:
        return 0  # idle ones stand in one list; which of them are safe is a mark on each

    @property
    def used(self) -> int:
        return int(self._figures.live.used)

    @property
    def needed(self) -> int:
        return int(self._figures.live.used_max)

    @property
    def idle_limit(self) -> int:
        return self.settings.pool_max_conn

    @property
    def address(self) -> str:
        """`127.0.0.1:80`, `[::1]:80` or `unix`."""
        address = self.settings.address
        return "unix" if address.family == socket.AF_UNIX else str(replace(address, port=shown_port(address)))

    @property
    def cookie(self) -> str | None:
        return self.settings.cookie
