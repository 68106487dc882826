"""What health and agent checks of servers are built from, as typed values. Times are milliseconds."""

from __future__ import annotations

from dataclasses import dataclass, field

from lbcore.base.address import Address


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """The `agent-*` words of a `server` line."""

    enabled: bool = False
    addr: Address | None = None  # None: the server's
    port: int = 0
    inter: int = 2000
    send: str = ""  # said to the agent at first; one character a byte


@dataclass(frozen=True, slots=True)
class CheckSettings:
    """The words of a `server` line about its health checks. Lines share them, and replace what they change."""

    enabled: bool = False
    addr: Address | None = None  # None: the server's
    port: int = 0  # 0: that of `addr`, else the server's
    inter: int = 2000
    fastinter: int = 0  # 0: `inter`
    downinter: int = 0
    rise: int = 2
    fall: int = 3
    send_proxy: bool = False
    via_socks4: bool = False  # through the server's `socks4`
    reuse_pool: bool = False  # over idle connections of streams
    pool_conn_name: str | None = None  # of that name; one character a byte
    agent: AgentSettings = field(default_factory=AgentSettings)


@dataclass(frozen=True, slots=True)
class ExternalCheck:
    """`option external-check`: the program that says whether a server works."""

    command: str = ""
    path: str = ""  # its PATH
