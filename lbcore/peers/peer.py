"""One peer of a section: whether we talk to it, when we shall try to, and how that has gone so far."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from lbcore.peers.codec import MINOR, Status
from lbcore.peers.session import Session
from lbcore.peers.share import Share
from lbcore.table.peering import PeerSettings

if TYPE_CHECKING:
    from lbcore.peers.section import Section

# A peer that closed may call us right now: who calls again waits for a while that is no other's (doc/peers.txt).
SOON = (50, 2050)  # ms
AT_MOST = 5000  # ms between two calls that failed, but for what chance adds
FIRST = 1000


class Link(Protocol):
    """A connection with a peer, whoever opened it."""

    gives_up_at: int  # ms: when there must be a session

    def close(self) -> None:
        """Ends it. Nothing more comes of it."""


class Peer:
    """Somebody else. Belongs to the worker of its section, which alone calls methods; figures may be read by all."""

    def __init__(self, section: Section, settings: PeerSettings, shares: Sequence[Share]) -> None:
        self.section = section
        self.settings = settings
        self.name = settings.name
        self.shares = shares
        self.link: Link | None = None
        self.session: Session | None = None  # once both know who is who
        self.calls_at: int | None = (
            0 if settings.address else None
        )  # ms; None: not before the present connection is gone
        self.minor = MINOR  # the version of the protocol that we call it with
        self.called = False  # the present connection was opened by us
        self.asked = False  # it is to teach us everything
        self.cannot = False  # it has, but does not know everything itself
        self.status: Status | None = None  # the last one that was said
        self.spoken_at: int | None = None  # when both last got to know who is who
        self.connections = 0  # that we opened
        self.confirms = 0
        self.heartbeats_sent = 0
        self.heartbeats_received = 0
        self.silences = 0  # sessions that ended because it said nothing
        self.faults = 0  # that broke the protocol
        self.collisions = 0  # connections that were given up since the other end had called, too
        self._fails = 0

    # --- what its connections tell ---

    def calling(self, link: Link) -> None:
        """We have begun to call it."""
        self.link, self.called, self.calls_at = link, True, None
        self.connections += 1

    def answered(self, link: Link) -> None:
        """It has called us, and was told that it is welcome: what we have with it otherwise ends."""
        if self.link is not None:
            self.collisions += 1
            self.lost(self.link)
        self.link, self.called, self.calls_at = link, False, None

    def established(self, session: Session, now: int) -> None:
        """Both know who is who."""
        self.session = session
        self.spoken_at = now
        self.status = Status.OK
        self._fails = 0
        self.section.joined(self)

    def lost(self, link: Link) -> None:
        """A connection is gone, or is to end. Nothing if another one has taken its place."""
        link.close()
        if self.link is not link:
            return
        if self.session is None:
            self.failed()
        else:
            self.section.parted(self)
            self._call_in(random.randint(*SOON))
        self.link = self.session = None
        self.section.left(self)

    def failed(self) -> None:
        """A call has led to nothing: the next one comes later each time."""
        wait = min(FIRST << min(self._fails, AT_MOST.bit_length()), AT_MOST)
        self._fails += 1
        self._call_in(wait + random.randint(*SOON))

    def _call_in(self, ms: int) -> None:
        if self.settings.address is not None:
            self.calls_at = self.section.clock() + ms

    def taught_us(self, *, whole: bool) -> None:
        """It has said all that it knows; `whole`: which is everything, as far as it can tell."""
        self.cannot = not whole
        self.section.taught(self, whole=whole)

    # --- what time tells ---

    def work(self, now: int) -> bool:
        """Does what is due. Whether there is more to do at once."""
        session, link = self.session, self.link
        if link is None:
            return False
        if session is None:
            if now >= link.gives_up_at:
                self.lost(link)
            return False
        if now >= session.silent_at:
            self.silences += 1
            self.lost(link)
            return False
        return session.work(now)

    def waits_for(self, place: int, change: int) -> bool:
        """Whether it could be taught at once what lies before a change of the table at `place` of the section's."""
        return self.session is not None and not self.session.full and self.shares[place].pushed != change

    @property
    def due(self) -> int | None:
        """When there is something to do, in ms; None: when something happens."""
        if self.session is not None:
            return min(self.session.heartbeat_at, self.session.silent_at)
        return self.link.gives_up_at if self.link is not None else self.calls_at
