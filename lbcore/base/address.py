"""Addresses as the configuration writes them: families, ports, ranges, descriptors."""

from __future__ import annotations

import socket
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Address:
    """One endpoint. Built by `cfg.address.parse_address()` or by hand.

    `family` is AF_INET, AF_INET6, AF_UNIX or AF_UNSPEC (a descriptor, or a name not resolved yet). `host` is the
    numeric address, "" for any, the path of a unix socket (abstract ones begin with a NUL), or the name to resolve.
    """

    family: int
    host: str = ""
    port: int = 0
    port_offset: int | None = None  # servers: "+N"/"-N" from the client's port
    fd: int | None = None  # `fd@N`: an inherited descriptor
    datagram: bool = False  # `udp@`, syslog targets

    def __str__(self) -> str:
        if self.fd is not None:
            return f"fd@{self.fd}"
        if self.family == socket.AF_UNIX:
            return f"abns@{self.host[1:]}" if self.host.startswith("\0") else self.host
        host = self.host or "*"
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"
