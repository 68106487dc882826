"""What a listening socket is built from: one `bind` line, as typed values."""

from __future__ import annotations

from dataclasses import dataclass, field

from lbcore.base.address import Address


@dataclass(slots=True)
class BindSettings:
    """One address to listen on. A `bind` line with several addresses or a port range makes several of these."""

    address: Address
    name: str | None = None
    id: int | None = None
    guid: str | None = None  # nothing else of a balancer has the same
    maxconn: int = 0  # 0: no limit of its own
    backlog: int = 0  # 0: the proxy's
    level: str = "operator"  # stats sockets: user, operator, admin
    mode: int | None = None  # unix sockets: permission bits
    uid: int | None = None
    gid: int | None = None
    interface: str | None = None
    namespace: str | None = None  # of the network; None: the process's
    mss: int = 0
    nice: int = 0  # of its streams, -1024 .. 1024
    tcp_ut: int = 0  # ms
    tfo: bool = False
    v4v6: bool = False
    v6only: bool = False
    transparent: bool = False
    defer_accept: bool = False
    proto: str | None = None  # the mux of its connections, by name; None: that of the mode
    accept_proxy: bool = False  # each connection begins with a PROXY header
    cip_magic: int | None = None  # each begins with a NetScaler's Client IP header, and that with this number
    thread: str | None = None  # thread set as written, None: all
    threads: frozenset[int] | None = None  # the same as numbers from 1, of which those above nbthread mean nobody
    exposes_fds: bool = False  # stats sockets on unix paths: `expose-fd listeners`
    severity_output: str = "none"  # stats sockets: none, number, string
    where: str = ""  # file:line, for messages
    text: str = ""  # the address as written, for messages
    options: dict[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class UnixBind:
    """`unix-bind`: what unix sockets of `bind` lines start from. `prefix` is already part of their addresses."""

    prefix: str = ""
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None
