"""Two ends that share tables, without connections: what one sends waits until the other is handed it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lbcore.base.address import Address
from lbcore.peers.peer import Peer
from lbcore.peers.session import Session
from lbcore.peers.share import Share
from lbcore.table.peering import PeerSettings
from lbcore.table.settings import Stored, TableSettings
from lbcore.table.table import Table

LARGEST = 15360
AT_ONCE = 200


@dataclass
class FakeSection:
    """What a peer asks of its section; remembers what it was told."""

    is_whole: bool = True
    now: int = 0
    told: list[str] = field(default_factory=list)
    name: str = "mp"

    def clock(self) -> int:
        return self.now

    def joined(self, peer: Peer) -> None:
        self.told.append("joined")

    def parted(self, peer: Peer) -> None:
        self.told.append("parted")

    def left(self, peer: Peer) -> None:
        self.told.append("left")

    def taught(self, peer: Peer, *, whole: bool) -> None:
        self.told.append("taught whole" if whole else "taught in part")


class FakeLink:
    """A connection that nothing goes through by itself."""

    gives_up_at = 5000

    def __init__(self) -> None:
        self.closed = False

    def close(self) -> None:
        self.closed = True


class End:
    """One end: tables, the peer at the other end, a session with it, and what it has sent that nobody took yet."""

    def __init__(self, *tables: Table, targets: dict[str, Table] | None = None) -> None:
        self.section = FakeSection()
        shares = [
            Share(table, which, (targets or {}).get(table.settings.write_to or ""), LARGEST)
            for which, table in enumerate(tables, 1)
        ]
        section: Any = self.section
        self.peer = Peer(section, PeerSettings("other", Address(0)), shares)
        self.sent = b""
        self.waiting = 0  # what `put` says of bytes that wait

    def put(self, data: bytes) -> int:
        self.sent += data
        return self.waiting

    def begin(self, *, minor: int = 1, at_once: int = AT_ONCE) -> Session:
        """A new session, on a connection of its own."""
        self.sent = b""
        self.link = FakeLink()
        self.peer.calling(self.link)
        self.session = Session(self.peer, self.put, minor=minor, now=self.section.now, largest=LARGEST, at_once=at_once)
        self.peer.established(self.session, self.section.now)
        return self.session

    def take(self) -> bytes:
        sent, self.sent = self.sent, b""
        return sent

    @property
    def share(self) -> Share:
        return self.peer.shares[0]


def exchange(one: End, other: End) -> None:
    """Both work and hear each other until neither has anything to say."""
    busy = True
    while busy:
        busy = False
        for end, far in ((one, other), (other, one)):
            busy |= end.session.work(end.section.now)
            if said := end.take():
                far.session.received(said, far.section.now)
                busy = True


def connected(one: End, other: End, *, minor: int = 1) -> None:
    """A session between both, and all that they have to say."""
    one.begin(minor=minor)
    other.begin(minor=minor)
    exchange(one, other)


def table_of(kind: str = "ip", *, name: str = "t", store: dict[str, Stored] | None = None, **rest: Any) -> Table:
    """A table that is shared."""
    settings = TableSettings(name, kind, 200_000, store=store or {"conn_cnt": Stored()}, peers="mp", **rest)
    return Table(settings)


def put(table: Table, key: bytes, **values: int) -> None:
    """Sets elements of an entry by their names, as a request here would change them."""
    entry = table.set(key)
    for name, value in values.items():
        found = table.field(name)
        assert found is not None, name
        table.write(entry, found, value)
    table.touch(entry)


def get(table: Table, key: bytes, name: str = "conn_cnt", index: int | None = None) -> int | None:
    """An element of an entry, None if there is no such entry."""
    entry = table.get(key)
    if not entry:
        return None
    try:
        found = table.field(name, index)
        assert found is not None, name
        return table.read(entry, found)
    finally:
        table.release(entry)
