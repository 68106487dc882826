"""The server's half of a conversation: the next scripted reply to each request, whichever connection it is on.

A connection is read request by request. When one has come (or its head, or the connection itself, as the reply's
`on` says) the next reply of the script is taken and its steps are done on that connection. What every connection
received is kept, in the order in which they were accepted.
"""

from __future__ import annotations

import socket
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum

from tests.peers.closing import Closing
from tests.peers.ports import HOST, free_port, release_port
from tests.peers.script import PARTY_SECONDS, End, Party, Step

_BACKLOG = 64
_SETTLE_SECONDS = 2.0


class On(Enum):
    """When a reply begins."""

    ACCEPT = "as soon as the connection is accepted"
    HEAD = "when the head of a request has come"
    REQUEST = "when a whole request has come"


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server does for one request (or for one connection, with On.ACCEPT)."""

    steps: tuple[Step, ...]
    on: On = On.REQUEST


@dataclass(frozen=True, slots=True)
class Played:
    """What each connection received, in the order of their acceptance, and how many requests found no reply."""

    received: tuple[bytes, ...]
    unscripted: int


class ScriptedServer(Closing):
    """Listens on `port` of 127.0.0.1 until closed; plays one script after the other."""

    def __init__(self) -> None:
        self.port = free_port()
        self._listener = socket.create_server((HOST, self.port), backlog=_BACKLOG)
        self._changed = threading.Condition()
        self._script: deque[Reply] = deque()  # guarded by _changed, like all below
        self._parties: list[Party] = []
        self._busy: set[Party] = set()
        self._unscripted = 0
        self._threads: list[threading.Thread] = []
        self._acceptor = threading.Thread(target=self._accept, name="scripted-server", daemon=True)
        self._acceptor.start()

    def play(self, replies: tuple[Reply, ...]) -> None:
        """Sets the script. Call it before the client speaks, `finish()` after it has."""
        with self._changed:
            self._script = deque(replies)
            self._unscripted = 0

    def finish(self) -> Played:
        """Ends the script and all connections; what each of them received.

        Waits until every connection is idle or ended, so that a request on its way is not lost.
        """
        with self._changed:
            self._changed.wait_for(lambda: not self._busy, _SETTLE_SECONDS)
            parties, self._parties = self._parties, []
            threads, self._threads = self._threads, []
            unscripted = self._unscripted
            self._script.clear()
        for party in parties:
            _shut(party.sock)  # wakes the thread that reads from it
        for thread in threads:
            thread.join()
        return Played(tuple(party.received for party in parties), unscripted)

    def close(self) -> None:
        """Stops listening and ends everything."""
        _shut(self._listener)
        self._acceptor.join()
        self._listener.close()
        self.finish()
        release_port(self.port)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            party = Party(sock, PARTY_SECONDS * 2)
            thread = threading.Thread(target=self._serve, args=(party,), name="scripted-connection", daemon=True)
            with self._changed:
                self._parties.append(party)
                self._busy.add(party)
                self._threads.append(thread)
                thread.start()  # under the lock: finish() joins what it finds

    def _serve(self, party: Party) -> None:
        try:
            at_once = self._take(On.ACCEPT)
            if at_once is not None:
                party.run(at_once.steps)
            while party.end is End.OPEN and self._serve_request(party):
                pass
        finally:
            party.close()
            self._set_busy(party, False)

    def _serve_request(self, party: Party) -> bool:
        """Answers one request; False when no more can come on this connection."""
        self._set_busy(party, party.mid_message)
        # While nothing of the next request has come the connection is idle, and finish() need not wait for it: a client
        # that has its replies sends no more.
        if party.next_request() is None:
            return False
        self._set_busy(party, True)
        early = self._take(On.HEAD)
        if early is not None:
            party.run(early.steps)
            return party.end is End.OPEN
        if not party.finish_request():
            return False
        reply = self._take(On.REQUEST)
        if reply is None:
            with self._changed:
                self._unscripted += 1
            return False
        party.run(reply.steps)
        return True

    def _take(self, moment: On) -> Reply | None:
        with self._changed:
            return self._script.popleft() if self._script and self._script[0].on is moment else None

    def _set_busy(self, party: Party, busy: bool) -> None:
        with self._changed:
            (self._busy.add if busy else self._busy.discard)(party)
            self._changed.notify_all()


def _shut(sock: socket.socket) -> None:
    with suppress(OSError):  # it may be closed already
        sock.shutdown(socket.SHUT_RDWR)
