"""Connections with peers until both know who is who: those that called us, those that we call.

    who calls   -> HAProxyS 2.1
                   <name of the called>
                   <own name> <pid> 1
    who is called  <- <status>

The bytes that follow are a session's (`session.py`).
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from lbcore.conn.applet import Outgoing, Outlet
from lbcore.event.worker import Worker
from lbcore.peers.codec import MINOR, Hello, ProtocolError, Status, hello, minor_of, read_hello
from lbcore.peers.peer import Peer
from lbcore.peers.session import Session

if TYPE_CHECKING:
    from lbcore.peers.section import Section

LINES = 3
LINE_MAX = 4096  # bytes of all that comes before a session
PATIENCE = 5000  # ms that it may take to get there


class _Lines:
    """Takes bytes until there are so many lines."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._buffer = b""

    def feed(self, data: bytes) -> tuple[list[bytes], bytes] | None:
        """(the lines, what follows them), None if there are too few yet. Raises ProtocolError if they are too long."""
        self._buffer += data
        if self._buffer.count(b"\n", 0, LINE_MAX) < self._count:
            if len(self._buffer) >= LINE_MAX:
                raise ProtocolError("a line without an end")
            return None
        *lines, rest = self._buffer.split(b"\n", self._count)
        return lines, rest


class Called:
    """A connection that somebody opened to us (`lbcore.conn.applet.Applet`)."""

    def __init__(self, section: Section, outlet: Outlet) -> None:
        self._section = section
        self._outlet = outlet
        self._lines = _Lines(LINES)
        self._peer: Peer | None = None
        self._session: Session | None = None
        self._closed = False
        self.gives_up_at = section.clock() + PATIENCE
        outlet.patience(PATIENCE)
        section.callers.add(self)

    def received(self, data: bytes) -> None:
        if self._closed:
            return
        section = self._section
        try:
            if self._session is not None:
                if self._session.received(data, section.clock()):
                    section.wake()
                return
            found = self._lines.feed(data)
            if found is None:
                return
            self._hello(read_hello(found[0]))
            if found[1]:
                self.received(found[1])
        except ProtocolError:
            if self._session is None:
                self._refuse(Status.PROTOCOL)
                return
            self._fault()

    def _hello(self, said: Hello) -> None:
        section = self._section
        minor = minor_of(said.version)
        peer = section.find(said.name)
        if minor is None:
            self._refuse(Status.VERSION)
        elif said.to != section.settings.local:
            self._refuse(Status.NAME)
        elif peer is None:
            self._refuse(Status.UNKNOWN)
        else:
            self._welcome(peer, minor)

    def _welcome(self, peer: Peer, minor: int) -> None:
        section = self._section
        section.callers.discard(self)
        peer.answered(self)
        self._peer = peer
        self._outlet.patience(0)
        self._outlet.put(_line(Status.OK))
        self._session = section.session(peer, self._put, minor)
        peer.established(self._session, section.clock())

    def _refuse(self, status: Status) -> None:
        self._section.refused += 1
        with suppress(OSError):
            self._outlet.put(_line(status))
        self.close()

    def _fault(self) -> None:
        assert self._peer is not None, "it has a session"
        self._peer.faults += 1
        self._peer.lost(self)

    def _put(self, data: bytes) -> int:
        with suppress(OSError):  # it is gone, which we shall be told
            return self._outlet.put(data)
        return 0

    def ended(self) -> None:
        if self._peer is not None:
            self._peer.lost(self)
        else:
            self.close()

    def drained(self) -> None:
        if self._session is not None and not self._closed and self._session.room():
            self._section.wake()

    def closed(self) -> None:
        self._section.callers.discard(self)
        self._closed = True
        if self._peer is not None:
            self._peer.lost(self)

    def close(self) -> None:
        self._section.callers.discard(self)
        if not self._closed:
            self._closed = True
            self._outlet.end()


class Calling:
    """A connection that we open (`lbcore.conn.applet.Caller`)."""

    def __init__(self, section: Section, peer: Peer, worker: Worker, conf: Any) -> None:
        """Raises OSError for what fails at once."""
        self._section = section
        self._peer = peer
        self._lines = _Lines(1)
        self._session: Session | None = None
        self._wire: Outgoing | None = Outgoing(worker, conf, PATIENCE, self)
        self.gives_up_at = section.clock() + 2 * PATIENCE

    def connected(self, error: int) -> None:
        if error:
            self._wire = None
            self._peer.lost(self)
            return
        local = self._section.settings.local
        self._put(hello(self._peer.name, local, self._section.pid, self._peer.minor))

    def received(self, data: bytes) -> None:
        if self._wire is None:
            return
        try:
            if self._session is not None:
                if self._session.received(data, self._section.clock()):
                    self._section.wake()
                return
            found = self._lines.feed(data)
            if found is not None:
                self._answer(found[0][0], found[1])
        except ProtocolError:
            self._peer.faults += 1
            self._peer.lost(self)

    def _answer(self, line: bytes, rest: bytes) -> None:
        try:
            status = Status(int(line))
        except ValueError:
            raise ProtocolError("no status") from None
        peer = self._peer
        peer.status = status
        if status is not Status.OK:
            if status is Status.VERSION:
                peer.minor = 0 if peer.minor else MINOR  # it may be older than we hoped
            peer.lost(self)
            return
        self._session = self._section.session(peer, self._put, peer.minor)
        peer.established(self._session, self._section.clock())
        if rest:
            self.received(rest)

    def _put(self, data: bytes) -> int:
        if self._wire is not None:
            with suppress(OSError):  # it is gone, which we shall be told
                return self._wire.put(data)
        return 0

    def ended(self) -> None:
        self._peer.lost(self)

    def drained(self) -> None:
        if self._session is not None and self._session.room():
            self._section.wake()

    def closed(self, error: int) -> None:
        self._wire = None
        self._peer.lost(self)

    def close(self) -> None:
        if self._wire is not None:
            wire, self._wire = self._wire, None
            wire.close()


def _line(status: Status) -> bytes:
    return f"{int(status)}\n".encode()
