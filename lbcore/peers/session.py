"""A session: what two peers say to each other once they know who is who, whoever called.

    we are new    -> RESYNC_REQUEST   <- all that the peer knows, RESYNC_FINISHED or _PARTIAL   -> RESYNC_CONFIRM
    they are new  <- RESYNC_REQUEST   -> all that we know, RESYNC_FINISHED or _PARTIAL          <- RESYNC_CONFIRM
    always        -> what changes here, <- acknowledgements; and the other way round
    for want of anything to say -> HEARTBEAT

It belongs to the worker of its section. Bytes come by `received`, those to be sent go through the function that it was
given, which tells how many wait: a peer that does not read is taught no more until it has.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lbcore.peers.codec import (
    About,
    Class,
    Control,
    Definition,
    Fault,
    Message,
    Messages,
    ProtocolError,
    TooLarge,
    message,
    read_definition,
    read_number,
)
from lbcore.peers.dictionary import Heard, Sent
from lbcore.peers.entries import ARRAYS, RATES
from lbcore.peers.share import Share, read_acknowledgement

if TYPE_CHECKING:
    from lbcore.peers.peer import Peer

FULL = 131072  # bytes that wait for a peer above which it is taught nothing more
OVERFULL = 1 << 20  # above which it is no peer: it has asked for all that, and reads none of it
HEARTBEAT = 3000  # ms without anything sent after which a peer is told that we are there
SILENCE = 5000  # ms without anything received after which it is not


class Session:
    """One session with one peer."""

    def __init__(
        self, peer: Peer, put: Callable[[bytes], int], *, minor: int, now: int, largest: int, at_once: int
    ) -> None:
        """`put` sends; `minor`: the peer's version of the protocol; `now`: ms of any clock, as all times here;
        `largest`: bytes of a message's body; `at_once`: updates that are sent at a time."""
        self.peer = peer
        self.sent = Sent()
        self.heard = Heard()
        self.current: Share | None = None  # the table that our updates are of
        self.remote: Share | None = None  # the one that the peer's are
        self.in_lesson = False
        self.heartbeat_at = now + HEARTBEAT
        self.silent_at = now + SILENCE
        self._put = put
        self._messages = Messages(largest)
        self._at_once = at_once
        self.full = False  # it is taught nothing until it has read
        self._now = now
        self.waiting = 0  # bytes that the peer has not read
        self._by_remote: dict[int, Share | None] = {}
        self._ignored = False  # the present table of the peer is none that we share
        for share in peer.shares:
            share.begin(self.sent, self.heard, timed=minor >= 1)

    # --- what comes ---

    def received(self, data: bytes, now: int) -> bool:
        """Takes what the peer says. Whether it is to be told everything, so that there is work to do.

        Raises ProtocolError, after which the session is to be ended."""
        self._now = now
        self.silent_at = now + SILENCE
        try:
            for one in self._messages.feed(data):
                self._take(one)
        except ProtocolError as error:
            fault = Fault.SIZE if isinstance(error, TooLarge) else Fault.PROTOCOL
            self._put(message(Class.ERROR, fault))
            raise
        if self.waiting > OVERFULL:
            raise ProtocolError("the peer does not read what it asks for")
        self._acknowledge()
        return self.in_lesson

    def _take(self, one: Message) -> None:
        if one.kind == Class.CONTROL:
            self._control(one.type)
        elif one.kind == Class.TABLE:
            reader = _ABOUT.get(one.type)
            if reader is not None:  # else it is of a newer peer
                reader(self, one)
        elif one.kind == Class.ERROR:
            raise ProtocolError("the peer says that we made an error")
        elif one.kind == Class.RESERVED:
            raise ProtocolError("a message of the reserved class")

    def _control(self, what: int) -> None:
        peer = self.peer
        if what == Control.RESYNC_REQUEST:
            self.in_lesson = True
            self.current = None
            for share in peer.shares:
                share.teach_all()
        elif what in (Control.RESYNC_FINISHED, Control.RESYNC_PARTIAL):
            self._say(message(Class.CONTROL, Control.RESYNC_CONFIRM))
            peer.taught_us(whole=what == Control.RESYNC_FINISHED)
        elif what == Control.RESYNC_CONFIRM:
            peer.confirms += 1
        elif what == Control.HEARTBEAT:
            peer.heartbeats_received += 1

    def _define(self, one: Message) -> None:
        self._defined(read_definition(one.body, RATES, ARRAYS))

    def _defined(self, found: Definition) -> None:
        share = next((share for share in self.peer.shares if share.name == found.name), None)
        if share is not None and not share.defined(found):
            share = None
        self._by_remote[found.id] = self.remote = share
        self._ignored = share is None
        if len(self._by_remote) > TABLES_MAX:
            raise ProtocolError("too many tables")

    def _switch(self, one: Message) -> None:
        which, _ = read_number(one.body, 0)
        if which not in self._by_remote:
            raise ProtocolError(f"a table that was not defined: {which}")
        self.remote = self._by_remote[which]
        self._ignored = self.remote is None

    def _update(self, one: Message) -> None:
        if self.remote is not None:
            self.remote.learn(one.body, one.type)
        elif not self._ignored:
            raise ProtocolError("an update of no table")

    def _acknowledged(self, one: Message) -> None:
        which, change = read_acknowledgement(one.body)
        for share in self.peer.shares:
            if share.id == which:
                share.acknowledged(change)

    # --- what goes ---

    def _say(self, data: bytes) -> None:
        self.heartbeat_at = self._now + HEARTBEAT
        self.waiting = self._put(data)
        self.full = self.waiting > FULL

    def _acknowledge(self) -> None:
        if self.full:
            return  # one that comes later says this, too
        told = b"".join(share.acknowledgement() for share in self.peer.shares)
        if told:
            self._say(told)

    def request(self) -> None:
        """Asks for everything that the peer knows."""
        self._say(message(Class.CONTROL, Control.RESYNC_REQUEST))

    def room(self) -> bool:
        """All that was sent has gone. Whether more could have been sent, had there been room."""
        was_full, self.full = self.full, False
        self.waiting = 0
        return was_full

    def work(self, now: int) -> bool:
        """Teaches what there is to teach, as much as goes at a time. Whether there is more that could be sent now."""
        self._now = now
        left = self._at_once
        for share in self.peer.shares:
            while left > 0 and not self.full and share.is_behind():
                left -= self._teach(share, left)
        more = any(share.is_behind() for share in self.peer.shares)
        if self.in_lesson and not self.full and not any(share.in_lesson for share in self.peer.shares):
            self.in_lesson = False
            whole = self.peer.section.is_whole
            self._say(message(Class.CONTROL, Control.RESYNC_FINISHED if whole else Control.RESYNC_PARTIAL))
        if now >= self.heartbeat_at:
            self.peer.heartbeats_sent += 1
            self._say(message(Class.CONTROL, Control.HEARTBEAT))
        return more and not self.full

    def _teach(self, share: Share, most: int) -> int:
        """Sends the next updates of a table; how many of the changes that may be sent at once that has cost."""
        switches = self.current is not share
        found = share.updates(most, switched=switches)
        if not found:
            return 1  # it has looked at many that are not to be taught
        if switches:
            self.current = share
            self._say(share.define())
        self._say(b"".join(found))
        return len(found)


TABLES_MAX = 1024  # that a peer may speak of
_ABOUT: dict[int, Callable[[Session, Message], None]] = {
    About.UPDATE: Session._update,
    About.INCREMENTAL: Session._update,
    About.DEFINE: Session._define,
    About.SWITCH: Session._switch,
    About.ACK: Session._acknowledged,
    About.TIMED: Session._update,
    About.TIMED_INCREMENTAL: Session._update,
}
