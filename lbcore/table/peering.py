"""What a `peers` section is built from, as typed values that `cfg/` or a library user fills."""

from __future__ import annotations

from dataclasses import dataclass, field

from lbcore.base.address import Address
from lbcore.conn.settings import BindSettings
from lbcore.log.settings import LogTarget
from lbcore.table.settings import TableSettings

UPDATES_AT_ONCE = 200  # `tune.peers.max-updates-at-once` unless the configuration says another number


@dataclass(slots=True)
class PeerSettings:
    """A `peer` or `server` line of somebody else."""

    name: str
    address: Address | None  # None: it is never called, but may call us
    source: Address | None = None  # to call from
    interface: str | None = None
    tcp_ut: int = 0  # ms
    where: str = ""  # file:line


@dataclass(slots=True)
class PeersSettings:
    """A `peers` section. `peers` are the others, in the order of their lines; `local` is our own name."""

    name: str
    local: str
    peers: list[PeerSettings] = field(default_factory=list)
    binds: list[BindSettings] = field(default_factory=list)  # one at most
    tables: list[TableSettings] = field(default_factory=list)  # its own
    log_targets: list[LogTarget] = field(default_factory=list)
    disabled: bool = False
    named: bool = False  # there is a line with our own name
    where: str = ""  # file:line
