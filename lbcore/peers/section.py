"""A `peers` section at work: its peers, its address, and whether we know all that they know.

All of it belongs to one worker: its listeners are that worker's alone, its calls are opened by it, its one task runs
there. Others may wake the task, and read figures, which are each written in one step. What other threads change in the
tables is found in the shim's list of changes. As long as there are some the task looks for itself, a hundred times a
second, and teaches them together; when there were none the next one wakes it.

    new --a peer is there--> learning from it --it knew everything--> whole
     ^                            |
     |   it is gone, or did not know everything: another one is asked
     +----------------------------+
    new, and nobody could tell in time --> whole, as far as anybody knows
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lbcore.base.address import Address
from lbcore.conn import address
from lbcore.conn.applet import Outlet
from lbcore.event.crew import Crew
from lbcore.event.task import Task
from lbcore.peers.links import Called, Calling
from lbcore.peers.peer import Peer
from lbcore.peers.session import Session
from lbcore.peers.share import Share
from lbcore.shim import ffi, lib
from lbcore.table.peering import PeerSettings, PeersSettings
from lbcore.table.table import Table

LEARNS_WITHIN = 5000  # ms in which a peer must be found that can tell everything
REST = 10  # ms between two rounds of teaching: an entry that changes all the time is taught a hundred times a second

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Around:
    """What a section is built into. `log` sends a line to its targets."""

    crew: Crew
    largest: int  # bytes of a message's body
    at_once: int  # updates that are sent at a time
    log: Say


class Section:
    """One section. Built before the threads start; only its worker calls what is not said to be anybody's."""

    def __init__(
        self, settings: PeersSettings, tables: list[Table], targets: Mapping[str, Table], tid: int, around: Around
    ) -> None:
        """`tables` are those that it shares, `targets` those that some of them name with `write-to`; `tid` is the
        number of its worker. Raises MemoryError."""
        self.settings = settings
        self.name = settings.name
        self.tables = tables
        self.tid = tid
        self.pid = os.getpid()
        self.begun = time.time()
        self.callers: set[Called] = set()  # who has not said yet who they are
        self.refused = 0  # callers who were sent away
        self.is_whole = not settings.peers
        self.teacher: Peer | None = None  # who is telling us everything
        self.deadline = 0  # ms until somebody must
        self.runs = 0
        self._around = around
        self._crew = around.crew
        self._stopped = False
        self._clock = time.monotonic_ns
        self.peers = [self._peer(one, targets) for one in settings.peers]
        self._by_name = {peer.name: peer for peer in self.peers}
        self._confs = {
            peer.name: conf_of(peer.settings, where) for peer in self.peers if (where := peer.settings.address)
        }
        self.task: Task = self._crew.tasks.add(self._run, mask=1 << tid)

    def _peer(self, settings: PeerSettings, targets: Mapping[str, Table]) -> Peer:
        shares = [
            Share(table, which, targets.get(table.settings.write_to or ""), self._around.largest)
            for which, table in enumerate(self.tables, 1)
        ]
        return Peer(self, settings, shares)

    def start(self) -> None:
        """Begins to call and to learn. Any thread, once."""
        self.deadline = self.clock() + LEARNS_WITHIN
        self.wake()

    def stop(self) -> None:
        """Ends all sessions and has no more of them. Any thread; the worker carries it out."""
        self._stopped = True
        self.wake()

    def wake(self) -> None:
        """Has the task run soon. Any thread."""
        self.task.wakeup()

    def clock(self) -> int:
        """The time that dates here are of: ms. Any thread."""
        return self._clock() // 1_000_000

    def find(self, name: str) -> Peer | None:
        """The peer of that name."""
        return self._by_name.get(name)

    # --- connections ---

    def accept(self, outlet: Outlet) -> Called:
        """Makes the applet of a connection that somebody opened."""
        called = Called(self, outlet)
        self.wake()
        return called

    def _call(self, peer: Peer) -> None:
        try:
            link = Calling(self, peer, self._crew.workers[self.tid], self._confs[peer.name])
        except OSError:
            peer.failed()
            return
        peer.calling(link)

    def session(self, peer: Peer, put: Callable[[bytes], int], minor: int) -> Session:
        """A session with a peer that was told, or has told us, that it is welcome."""
        around = self._around
        return Session(peer, put, minor=minor, now=self.clock(), largest=around.largest, at_once=around.at_once)

    # --- learning everything ---

    def joined(self, peer: Peer) -> None:
        """There is a session with a peer now."""
        self._around.log(f"Peer {self.name}/{peer.name} is connected.")
        peer.cannot = False
        self._ask()
        self.wake()

    def parted(self, peer: Peer) -> None:
        """A session with a peer has ended."""
        self._around.log(f"Peer {self.name}/{peer.name} is gone.")

    def left(self, peer: Peer) -> None:
        """The connection with a peer is gone, or will never be."""
        if self.teacher is peer:
            self._look_further()
        self.wake()

    def taught(self, peer: Peer, *, whole: bool) -> None:
        """A peer has told all that it knows, which is all that there is to know, or not."""
        if self.teacher is not peer:
            return
        if whole:
            self.teacher = None
            self.is_whole = True
            self._around.log(f"Peer {self.name}/{peer.name} has told everything.")
        else:
            self._look_further()

    def _look_further(self) -> None:
        self.teacher = None
        self.deadline = self.clock() + LEARNS_WITHIN
        self._ask()

    def _ask(self) -> None:
        """Asks a peer to tell everything, if there is one who may know."""
        if self.is_whole or self.teacher is not None:
            return
        able = [peer for peer in self.peers if peer.session is not None and not peer.cannot]
        if able:
            self.teacher = random.choice(able)
            session = self.teacher.session
            assert session is not None, "it is able"
            session.request()

    # --- the task ---

    def _run(self, reasons: int) -> None:
        self.runs += 1
        if self._stopped:
            self._end()
        else:
            self._work(self.clock())

    def _work(self, now: int) -> None:
        before = self._taught()
        if not self.is_whole and self.teacher is None and now >= self.deadline:
            self.is_whole = True
        for called in [one for one in self.callers if now >= one.gives_up_at]:
            called.close()
        more = False
        for peer in self.peers:
            if peer.link is None and peer.calls_at is not None and now >= peer.calls_at:
                self._call(peer)
            more |= peer.work(now)
        dates = [peer.due for peer in self.peers if peer.due is not None]
        dates += [called.gives_up_at for called in self.callers]
        if more:
            self.task.wakeup()
        elif self._taught() != before or self._watch():
            dates.append(now + REST)  # what comes meanwhile is taught together
        if not self.is_whole and self.teacher is None:
            dates.append(self.deadline)
        self.task.schedule_at(max(min(dates) - self.clock(), 0) if dates else None)

    def _watch(self) -> bool:
        """Has the next change of each table wake the task. Whether one came meanwhile."""
        if all(peer.session is None for peer in self.peers):
            return False
        late = False
        for place, table in enumerate(self.tables):
            last = int(lib.stk_watch(table.handle, self.task.sched, self.task.handle))
            late |= any(peer.waits_for(place, last) for peer in self.peers)
        return late

    def _taught(self) -> int:
        return sum(share.taught for peer in self.peers for share in peer.shares)

    def _end(self) -> None:
        for table in self.tables:
            lib.stk_watch(table.handle, ffi.NULL, ffi.NULL)
        for called in list(self.callers):
            called.close()
        for peer in self.peers:
            if peer.link is not None:
                peer.lost(peer.link)


def conf_of(settings: PeerSettings, where: Address) -> Any:
    """How to call a peer that is there: an `out_conf *`."""
    conf: Any = ffi.new("out_conf *")
    address.fill(ffi.addressof(conf, "to"), where)
    if settings.source is not None:
        address.fill(ffi.addressof(conf, "from"), settings.source)
    conf.ifname = (settings.interface or "").encode()
    conf.tcp_ut = settings.tcp_ut
    conf.flags = lib.OUT_LINGER
    return conf
