"""The sessions of a running balancer, as `show sess` and `shutdown session` want them: `lbcore.cli.views.Sessions`.

They are looked at while all threads stand still, SHARE at a time, so that a long list keeps none of them for long.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from lbcore.cli.views import Sess, SessEnd, SessProxy, SessWay
from lbcore.shim import ffi, lib

if TYPE_CHECKING:
    from lbcore.api import LoadBalancer

SHARE = 50  # sessions that are copied in one meeting, some microseconds each
LOOK = 1000  # connections that are looked at for them
KILLED = ord("K")  # of the termination state (manual 8.5)
_REQUEST = ("MSG_RQBEFORE", "MSG_RQLINE", "MSG_DATA", "MSG_DONE")  # RQ_* of native/include/flow.h
_RESPONSE = ("MSG_RPBEFORE", "MSG_RPBEFORE", "MSG_RPVER", "MSG_DATA", "MSG_DATA", "MSG_DONE")  # RS_*
_ENDS = {
    lib.SESS_END_INI: "INI",
    lib.SESS_END_REQ: "REQ",
    lib.SESS_END_QUE: "QUE",
    lib.SESS_END_TAR: "TAR",
    lib.SESS_END_CON: "CON",
    lib.SESS_END_EST: "EST",
}
_PROTOCOLS = {socket.AF_INET: "tcpv4", socket.AF_INET6: "tcpv6"}
_SIZES: dict[int, int] = {socket.AF_INET: 4, socket.AF_INET6: 16}


class LiveSessions:
    """The sessions of one balancer. Any thread that holds no lock may ask."""

    def __init__(self, balancer: LoadBalancer) -> None:
        self._engine = balancer.engine
        self._crew = balancer.crew
        self._listeners = {one.index: one for one in balancer.all_listeners()}
        self._frontends: dict[int, SessProxy] = {}
        if balancer.cli is not None:
            self._frontends[balancer.cli.index] = SessProxy(balancer.cli.settings.name, 0, "tcp")
        self._backends: dict[int, SessProxy] = {}
        self._servers: dict[int, SessProxy] = {}
        for proxy in balancer.proxies:
            place = SessProxy(proxy.name, proxy.iid, proxy.settings.mode)
            if proxy.frontend is not None:
                self._frontends[proxy.frontend.index] = place
            if proxy.backend is not None:
                self._backends[proxy.backend.index] = place
                for server in proxy.backend.servers:
                    self._servers[server.index] = SessProxy(server.name, server.sid, "")

    def walk(self) -> Generator[list[Sess], None, None]:
        """All sessions, SHARE at a time at most."""
        room: Any = ffi.new("lb_sess[]", SHARE)
        walk: Any = lib.sess_walk_new(self._engine.handle)
        if walk == ffi.NULL:
            raise MemoryError
        found = -1

        def look() -> None:
            nonlocal found
            found = lib.sess_walk_next(walk, room, SHARE, LOOK)

        try:
            while True:
                found = -1
                self._meet(look)
                if found < 0:
                    return
                yield [self._told(room[i]) for i in range(found)]
        finally:
            if self._engine.is_open:
                self._meet(lambda: lib.sess_walk_free(walk))

    def find(self, number: int) -> Sess | None:
        """The one with this id."""
        room: Any = ffi.new("lb_sess *")
        found = 0

        def look() -> None:
            nonlocal found
            found = lib.eng_sess_find(self._engine.handle, number, room)

        self._meet(look)
        return self._told(room) if found else None

    def end(self, number: int) -> bool:
        """Ends it; whether it was there. Raises MemoryError."""
        found = 0

        def look() -> None:
            nonlocal found
            found = lib.eng_sess_end(self._engine.handle, number, KILLED)

        self._meet(look)
        if found < 0:
            raise MemoryError
        return bool(found)

    def _meet(self, look: Callable[[], object]) -> None:
        """Has `look` run while all threads stand still; not at all once they end, as they no longer wait for each other
        then, and take with them what they have: their sessions, and walks that stand there."""
        crew = self._crew
        crew.together(lambda: None if crew.stopping else look())

    def _told(self, raw: Any) -> Sess:
        """An `lb_sess` with names for its numbers."""
        marks = raw.marks
        listener = self._listeners.get(raw.listener)
        return Sess(
            id=raw.id,
            stream=raw.uniq,
            accepted_us=raw.accept_us,
            thread=raw.tid + 1,
            proto=_PROTOCOLS.get(raw.family, "unix_stream"),
            source=source(raw.family, raw.saddr, raw.sport),
            frontend=self._frontends.get(raw.frontend, SessProxy("?", -1, "?")),
            listener=(listener.bind.name if listener is not None else None) or "?",
            listener_port=raw.lport,
            backend=self._backends.get(raw.backend),
            server=self._servers.get(raw.server),
            flags=raw.flags,
            http=bool(raw.http),
            applet=bool(raw.applet),
            held=bool(marks & lib.SESS_HELD),
            suspicious=bool(marks & lib.SESS_SUSP),
            queue_pos=raw.queue_pos if marks & lib.SESS_QUEUED else None,
            status=raw.status,
            age_ms=raw.age,
            expire=_until(raw.expire),
            retries=raw.retries,
            requests=raw.requests,
            request=_way(raw.req, _REQUEST[raw.req.state] if raw.http else "-"),
            response=_way(raw.res, _RESPONSE[raw.res.state] if raw.http else "-"),
            front=_end(raw.front),
            back=_end(raw.back),
            uri=bytes(ffi.buffer(raw.uri, raw.uri_len)),
        )


def source(family: int, raw: Any, port: int) -> str:
    """A client's address and port, as `show errors` and `show sess` have them; `raw` is its `uint8_t[16]`."""
    size = _SIZES.get(family)
    if size is None:
        return f"unix:{port}"
    return f"{socket.inet_ntop(family, bytes(ffi.buffer(raw, size)))}:{port}"


def _until(ms: int) -> int | None:
    return None if ms == lib.SESS_ETERNITY else ms


def _way(raw: Any, state: str) -> SessWay:
    return SessWay(state, raw.waits, raw.out, raw.pipe, bool(raw.eof), raw.left, raw.total)


def _end(raw: Any) -> SessEnd:
    state = raw.fd_want | raw.fd_ready << 2 | raw.fd_ev << 4
    return SessEnd(_ENDS[raw.state], raw.state, raw.fd, raw.flags, _until(raw.expire), state, raw.streams)
