"""The client side of a proxy, and its listeners."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from lbcore.base.address import Address
from lbcore.conn.address import local_of
from lbcore.conn.listening import Listening, open_listening
from lbcore.conn.settings import BindSettings
from lbcore.event.engine import Engine
from lbcore.mux import Side, find
from lbcore.proxy import convert
from lbcore.proxy.figures import CONN, REQ, SESS, of_frontend, of_listener
from lbcore.proxy.settings import ProxySettings
from lbcore.shim import check, lib

PROTOCOLS: dict[int, str] = {socket.AF_INET: "tcpv4", socket.AF_INET6: "tcpv6", socket.AF_UNIX: "unix_stream"}


def thread_mask(bind: BindSettings) -> int:
    """The threads that accept on it, by bit; 0 for all."""
    return sum(1 << (number - 1) for number in bind.threads or ())


def headers_of(bind: BindSettings) -> int:
    """The headers that come first on its connections: LSN_EXPECT_* of native/include/engine.h."""
    headers: int = lib.LSN_EXPECT_PROXY if bind.accept_proxy else 0
    return headers if bind.cip_magic is None else headers | lib.LSN_EXPECT_CIP


def inode_of(address: Address) -> int | None:
    """The inode of a unix socket's file, None for other addresses or if there is none."""
    if address.family != socket.AF_UNIX or address.host.startswith("\0"):
        return None
    try:
        return os.stat(address.host).st_ino
    except OSError:
        return None


def where_of(bind: BindSettings, listening: Listening) -> Address:
    """Where a descriptor listens. Raises OSError.

    Of our own unix sockets the kernel knows only the name they had before they were moved to their place.
    """
    if bind.address.family == socket.AF_UNIX and not listening.inherited:
        return bind.address
    return local_of(listening.fd)


class Listener:
    """One address that is listened on (`lbcore.stats.views.ListenerView`)."""

    def __init__(self, engine: Engine, frontend: int, sid: int, bind: BindSettings, listening: Listening) -> None:
        """Gives the descriptor to frontend number `frontend`, which owns it from here on. Raises OSError."""
        self.bind = bind
        self.sid = sid
        self.fd = listening.fd
        self.inherited = listening.inherited
        self.where = where_of(bind, listening)
        self._inode = inode_of(bind.address) if not listening.inherited else None
        self._engine = engine
        self.index = check(
            lib.eng_listener_add(
                engine.handle, frontend, listening.fd, listening.inherited, bind.maxconn, thread_mask(bind)
            )
        )
        if bind.accept_proxy or bind.cip_magic is not None:
            check(lib.eng_listener_expect(engine.handle, self.index, headers_of(bind), bind.cip_magic or 0))
        check(lib.eng_listener_nice(engine.handle, self.index, bind.nice))
        self._figures = of_listener(engine, self.index)

    def enable(self, tid: int) -> None:
        """Begins to accept; called in worker `tid`. Does nothing if another worker did it already. Raises OSError."""
        check(lib.eng_listener_enable(self._engine.handle, tid, self.index))

    def pause(self) -> None:
        lib.eng_listener_pause(self._engine.handle, self.index)

    def resume(self) -> None:
        lib.eng_listener_resume(self._engine.handle, self.index)

    def unbind(self) -> None:
        """Stops listening for good. Any thread; the workers carry it out."""
        lib.eng_listener_unbind(self._engine.handle, self.index)
        self.unlink()

    def unlink(self) -> None:
        """Removes the file of a unix socket, unless somebody who came after us has replaced it. Any thread."""
        if self._inode is not None and inode_of(self.bind.address) == self._inode:
            with suppress(FileNotFoundError):  # two threads may be here
                os.unlink(self.bind.address.host)

    @property
    def name(self) -> str:
        return self.bind.name or f"sock-{self.sid}"

    @property
    def counters(self) -> Any:
        return self._figures.counters

    @property
    def state(self) -> int:
        """LSN_* of native/include/engine.h."""
        return int(self._figures.live.state)

    @property
    def is_open(self) -> bool:
        """Whether it still listens, if perhaps it accepts nobody for now."""
        return bool(self.state != lib.LSN_CLOSED)

    @property
    def status(self) -> str:
        if self.state == lib.LSN_FULL:
            return "FULL"
        if self.state == lib.LSN_LIMITED:
            return "WAITING"
        return "OPEN" if self.state == lib.LSN_READY else "PAUSED"

    @property
    def cur_conn(self) -> int:
        return int(self._figures.live.cur)

    @property
    def max_conn(self) -> int:
        return int(self._figures.live.cur_max)

    @property
    def maxconn(self) -> int:
        return self.bind.maxconn

    @property
    def address(self) -> str:
        return "unix" if self.where.family == socket.AF_UNIX else str(self.where)

    @property
    def protocol(self) -> str:
        return PROTOCOLS.get(self.where.family, "unknown")


class Frontend:
    """Where clients come in (`lbcore.stats.views.FrontendView`)."""

    def __init__(self, engine: Engine, settings: ProxySettings, *, maxconn: int, flow: int | None = None) -> None:
        """Adds it to the engine, without listeners. `maxconn` is the limit in force; `flow`: the kind of flow, where
        the mode does not say it (applets). Raises OSError, ValueError."""
        self.settings = settings
        self.maxconn = maxconn
        self.listeners: list[Listener] = []
        self.paused = False  # or about to be; under _switching, as `stopped`
        self.stopped = False  # for good
        self._switching = threading.Lock()  # the flags and what listeners are told are one step
        self._engine = engine
        self.index = check(lib.eng_frontend_add(engine.handle))
        self._flow = find("", settings.mode, Side.FRONT).flow if flow is None else flow
        self._figures = of_frontend(engine, self.index)
        self.set_backend(-1)

    def set_backend(self, index: int) -> None:
        """Sets the default backend, by its number in the engine, -1 for none. Before the threads start."""
        conf = lib.eng_fe_conf(self._engine.handle, self.index)
        convert.frontend(conf, self.settings, flow=self._flow, maxconn=self.maxconn, backend=index)

    def set_asks(self, asks: int) -> None:
        """Has the shim ask about its streams: a bit for each ASK_* of native/include/ask.h. Before the threads
        start."""
        lib.eng_fe_conf(self._engine.handle, self.index).asks = asks

    def limit(self, maxconn: int) -> None:
        """Sets how many connections there may be at once, at least 1. At the sync point, once threads run."""
        self.maxconn = maxconn
        lib.eng_fe_conf(self._engine.handle, self.index).maxconn = maxconn
        lib.eng_limits_changed(self._engine.handle)

    def pause(self) -> None:
        """Accepts nothing until `resume()`; the addresses are kept. The workers carry it out soon."""
        with self._switching:
            self.paused = True
            for listener in self.listeners:
                listener.pause()

    def resume(self) -> None:
        """Accepts again."""
        with self._switching:
            self.paused = False
            for listener in self.listeners:
                listener.resume()

    def stop(self) -> None:
        """Stops listening for good; connections go on."""
        with self._switching:
            self.stopped = True
            for listener in self.listeners:
                listener.unbind()

    def listen(self, opened: Callable[[BindSettings, Exception], None], *, reuseport: bool = True) -> None:
        """Opens what the settings ask for. `opened` is told of each address that failed, and why."""
        for sid, bind in enumerate(self.settings.binds, 1):
            try:
                listening = open_listening(bind, backlog=self.settings.backlog, reuseport=reuseport)
                try:
                    listener = Listener(self._engine, self.index, bind.id or sid, bind, listening)
                except BaseException:
                    if not listening.inherited:
                        os.close(listening.fd)
                    raise
                self.listeners.append(listener)
            except (OSError, ValueError) as error:
                opened(bind, error)

    @property
    def counters(self) -> Any:
        return self._figures.counters

    @property
    def status(self) -> str:
        states = {listener.state for listener in self.listeners}
        if lib.LSN_READY in states or lib.LSN_NEW in states:
            return "OPEN"
        if lib.LSN_FULL in states or lib.LSN_LIMITED in states:
            return "FULL"
        return "PAUSED" if lib.LSN_PAUSED in states else "STOP"

    @property
    def cur_conn(self) -> int:
        return int(self._figures.live.cur)

    @property
    def max_conn(self) -> int:
        return int(self._figures.live.cur_max)

    @property
    def conn_rate(self) -> int:
        return self._figures.rate(CONN)

    @property
    def conn_rate_max(self) -> int:
        return self._figures.rate_max(CONN)

    @property
    def sess_rate(self) -> int:
        return self._figures.rate(SESS)

    @property
    def sess_rate_max(self) -> int:
        return self._figures.rate_max(SESS)

    @property
    def sess_rate_limit(self) -> int:
        return self.settings.rate_limit_sessions

    @property
    def req_rate(self) -> int:
        return self._figures.rate(REQ)

    @property
    def req_rate_max(self) -> int:
        return self._figures.rate_max(REQ)
