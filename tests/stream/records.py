"""Records of streams as the shim writes them, as plain objects."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Any

from lbcore.base.address import Address
from lbcore.log.settings import LogTarget
from lbcore.stream.aliases import escaped
from lbcore.stream.txn import REC


@dataclass
class Record:
    """The fields of `lb_rec` that lines are made of; the defaults are those of a good request."""

    frontend: int = 0
    backend: int = 0
    server: int = 0
    listener: int = 0
    flags: int = 1
    accept_us: int = 1_772_323_445_006_000  # 2026-03-01T00:04:05.006Z
    request_us: int = 1_772_323_446_078_000
    th: int = 1
    ti: int = 2
    tr: int = 3
    tw: int = 4
    tc: int = 5
    tresp: int = 6
    td: int = 7
    ta: int = 8
    tt: int = 9
    status: int = 200
    bytes_read: int = 1234
    bytes_uploaded: int = 99
    term: bytes = b"----"
    actconn: int = 11
    feconn: int = 12
    beconn: int = 13
    srvconn: int = 14
    retries: int = 0
    redispatched: int = 0
    srv_queue: int = 15
    backend_queue: int = 16
    uri: bytes | None = b"GET /a?b=c HTTP/1.1"
    uri_len: int = -1
    family: int = socket.AF_INET
    sport: int = 4321
    dport: int = 80
    saddr: bytes = bytes([192, 0, 2, 1]) + bytes(12)
    daddr: bytes = bytes([198, 51, 100, 2]) + bytes(12)
    bfamily: int = socket.AF_INET
    bport: int = 5432
    baddr: bytes = bytes([192, 0, 2, 9]) + bytes(12)
    req_count: int = 2
    reused: int = 0
    uniq: int = 3
    session: int = 1
    events: int = 0
    tid: int = 0
    err: int = 0
    cost: bytes = bytes(24)

    def __post_init__(self) -> None:
        if self.uri_len < 0:
            self.uri_len = len(self.uri or b"")

    def row(self) -> tuple[Any, ...]:
        """The tuple that the shim's record would be."""
        fields = vars(self) | {
            "term": self.term.ljust(4, b"\0"),
            "saddr": self.saddr.ljust(16, b"\0"),
            "daddr": self.daddr.ljust(16, b"\0"),
            "baddr": self.baddr.ljust(16, b"\0"),
        }
        return tuple(fields[name] for name in REC)


TARGET = LogTarget(Address(socket.AF_INET, "127.0.0.1", 514), 16)


class FakeNames:
    """Names made of the kind and the number."""

    def backend(self, index: int) -> str:
        return f"be{index}"

    def server(self, index: int) -> str:
        return f"srv{index}"

    def server_address(self, index: int) -> tuple[str, int]:
        return f"203.0.113.{index}", 8000 + index

    def listener_id(self, index: int) -> int:
        return index + 1

    def listener_label(self, index: int) -> str:
        return f"sock{index}"


def line_at(field: Any, size: int) -> str:
    """Reads the request line that a field is, where those of the shim are addresses."""
    return escaped(str(field[:size], "latin-1"))
