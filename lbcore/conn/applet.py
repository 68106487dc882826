"""Applets: Python-owned endpoints of connections, of those that we accepted and of those that we open ourselves.

An applet is told by its worker of what happens on its connection, and acts through what it was given: an `Outlet` to a
client of ours, an `Outgoing` to somebody whose client we are. It belongs to that worker.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from lbcore.base.address import Address
from lbcore.conn import address
from lbcore.conn.pooled import Pool
from lbcore.event.crew import Crew
from lbcore.event.worker import Worker
from lbcore.shim import check, ffi, lib

LOCAL = "applets"  # the worker's own table of live applets: handle -> Applet
FDS_AT_ONCE: int = lib.ENG_FDS_AT_ONCE
TIMEOUT: int = lib.OUT_TIMEOUT  # what `Caller.connected` is told where there is no errno: it took too long


class Outlet:
    """An applet's way to its client. Valid in the worker that made it, until `closed()` was called on the applet."""

    def __init__(self, worker: Worker, handle: int, listener: int) -> None:
        self.worker = worker
        self.listener = listener  # number of the listener in the engine
        self._engine = worker.engine.handle
        self._tid = worker.tid
        self._handle = handle

    def put(self, data: bytes) -> int:
        """Sends bytes; the number that now wait to be taken. Raises OSError (ESTALE) if the connection is gone.

        `drained()` is called when all have gone; if nothing waits, after the worker has looked at everything else."""
        return check(lib.eng_applet_put(self._engine, self._tid, self._handle, data, len(data)))

    def give(self, data: bytes, fds: Sequence[int] = ()) -> None:
        """Sends bytes with descriptors to a client on a unix socket, FDS_AT_ONCE at most. At once: raises OSError
        (EAGAIN) if something that was put still waits, or the client takes nothing; (ESTALE) if it has gone."""
        check(lib.eng_applet_fds(self._engine, self._tid, self._handle, data, len(data), fds, len(fds)))

    def end(self) -> None:
        """Closes the connection once all that was put has gone. What the client still sends is thrown away."""
        lib.eng_applet_end(self._engine, self._tid, self._handle)

    def patience(self, ms: int) -> None:
        """How long the client may be silent from now on, 0: for ever."""
        lib.eng_applet_patience(self._engine, self._tid, self._handle, ms)

    def peer(self) -> tuple[int, str, int]:
        """The client's address family, numeric address ("" for unix sockets) and port. Raises OSError (ESTALE)."""
        family, port, raw = ffi.new("uint32_t *"), ffi.new("uint32_t *"), ffi.new("uint8_t[16]")
        check(lib.eng_applet_peer(self._engine, self._tid, self._handle, family, port, raw))
        size = {socket.AF_INET: 4, socket.AF_INET6: 16}.get(family[0], 0)
        host = socket.inet_ntop(family[0], bytes(ffi.buffer(raw, size))) if size else ""
        return int(family[0]), host, int(port[0])


class Outgoing:
    """The way to somebody whose client we are. Valid in the worker that opened it, until it is closed by either."""

    __slots__ = ("_conf", "_engine", "_handle", "_local", "_tid", "borrowed")

    def __init__(self, worker: Worker, conf: Any, ms: int, caller: Caller, pool: Pool | None = None) -> None:
        """Begins a connection, which must be there within `ms` (0: no limit) as an `out_conf *` says; `caller` is told
        of it. With a `pool`, one that is idle there is taken instead (`borrowed`). Raises OSError for what fails at
        once."""
        self._engine = worker.engine.handle
        self._tid = worker.tid
        self._conf = conf
        found = lib.eng_out_borrow(self._engine, self._tid, *pool) if pool is not None else 0
        self.borrowed = bool(found)
        self._handle = found or check(lib.eng_out_open(self._engine, self._tid, conf, ms))
        self._local: dict[int, Any] = worker.local.setdefault(LOCAL, {})
        self._local[self._handle] = caller

    def put(self, data: bytes) -> int:
        """Sends bytes, as soon as there is a connection; the number that now wait. Raises OSError (ESTALE)."""
        return check(lib.eng_out_put(self._engine, self._tid, self._handle, data, len(data)))

    def end(self) -> None:
        """Tells the peer, after all that was put, that no more will come. What it says is still heard."""
        lib.eng_out_end(self._engine, self._tid, self._handle)

    def close(self) -> None:
        """Closes it at once; the caller hears no more. Harmless if it is closed."""
        if self._local.pop(self._handle, None) is not None:
            lib.eng_out_close(self._engine, self._tid, self._handle)

    def lend(self, pool: Pool) -> None:
        """Puts it among the idle ones of a server, if it will do for that; the caller hears no more. Nothing may be
        under way on it. Harmless if it is closed."""
        if self._local.pop(self._handle, None) is not None:
            lib.eng_out_lend(self._engine, self._tid, self._handle, *pool)

    def ends(self) -> tuple[Address, Address]:
        """Our own address of it, and the peer's as it was asked for. Raises OSError."""
        found = ffi.new("sock_addr *")
        check(lib.eng_out_name(self._engine, self._tid, self._handle, found))
        return address.read(found), address.read(ffi.addressof(self._conf, "to"))


class Applet(Protocol):
    """What an endpoint must do. Its worker calls it; it must not block."""

    def received(self, data: bytes) -> None:
        """Bytes from the client."""

    def ended(self) -> None:
        """The client will send no more; it still reads."""

    def drained(self) -> None:
        """All that was put has gone: room for more."""

    def closed(self) -> None:
        """The connection is gone. The last call."""


class Caller(Protocol):
    """What opens a connection must do. Its worker calls it; it must not block."""

    def connected(self, error: int) -> None:
        """The connection is there (0), or will never be: an errno, or TIMEOUT. An error is the last call, and so is any
        call about an OUT_PROBE."""

    def received(self, data: bytes) -> None:
        """Bytes from the peer."""

    def ended(self) -> None:
        """The peer will send no more; it may still read."""

    def drained(self) -> None:
        """All that was put has gone."""

    def closed(self, error: int) -> None:
        """The connection is gone, for the reason of an errno. The last call."""


Factory = Callable[[Outlet], Applet]


class Applets:
    """Hands events to applets, and knows which of them serves which listener. Registered before the threads start."""

    def __init__(self, crew: Crew) -> None:
        self._factories: dict[int, Factory] = {}
        crew.handlers[lib.EV_OPEN] = self._open
        crew.handlers[lib.EV_DATA] = lambda worker, event: self._tell(worker, event, data=True)
        crew.handlers[lib.EV_EOF] = self._tell
        crew.handlers[lib.EV_ROOM] = self._tell
        crew.handlers[lib.EV_CLOSE] = self._close
        crew.handlers[lib.EV_CONNECTED] = self._connected

    def serve(self, listener: int, factory: Factory) -> None:
        """Has `factory` make the applet of each connection to listener number `listener`."""
        self._factories[listener] = factory

    def _open(self, worker: Worker, event: Any) -> None:
        outlet = Outlet(worker, event.handle, event.arg)
        table: dict[int, Applet] = worker.local.setdefault(LOCAL, {})
        try:
            table[event.handle] = self._factories[event.arg](outlet)
        except BaseException:
            outlet.end()  # nobody would
            raise

    def _tell(self, worker: Worker, event: Any, *, data: bool = False) -> None:
        applet = worker.local.get(LOCAL, {}).get(event.handle)
        if applet is None:
            return
        try:
            if data:
                applet.received(bytes(ffi.buffer(event.data, event.len)))
            elif event.kind == lib.EV_EOF:
                applet.ended()
            else:
                applet.drained()
        except BaseException:
            # it does not know where it stands
            if lib.eng_applet_end(worker.engine.handle, worker.tid, event.handle) < 0:
                lib.eng_out_close(worker.engine.handle, worker.tid, event.handle)
            raise

    def _close(self, worker: Worker, event: Any) -> None:
        applet = worker.local.get(LOCAL, {}).pop(event.handle, None)
        if applet is None:
            return
        if event.arg:
            applet.closed(event.arg)
        else:
            applet.closed()

    def _connected(self, worker: Worker, event: Any) -> None:
        table = worker.local[LOCAL]
        gone = event.len  # a probe, or it failed
        caller = table.pop(event.handle, None) if gone else table.get(event.handle)
        if caller is not None:
            caller.connected(event.arg)
