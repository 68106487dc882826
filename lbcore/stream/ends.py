"""Both ends of the connections of a stream, as the kernel knows them."""

from __future__ import annotations

import socket
from typing import Any, NamedTuple

from lbcore.sample.types import Addr
from lbcore.shim import ffi, lib
from lbcore.stream.txn import Txn, address

FRONT, BACK = 0, 1  # whose connection
OURS, PEER = 0, 1  # which end of it

_UNKNOWN = (bytes(4), bytes(16))  # what an address is that the shim was not told to learn


class End(NamedTuple):
    """One end of a connection."""

    address: Addr | None
    port: int


def end_of(t: Txn, side: int, end: int) -> End | None:
    """An end of a connection, None if there is no such connection (any more). A system call."""
    if t.record is not None:
        return None
    family: Any = ffi.new("uint32_t *")
    port: Any = ffi.new("uint32_t *")
    raw: Any = ffi.new("uint8_t[16]")
    if lib.eng_flow_name(*t.flow(), side, end, family, port, raw) < 0:
        return None
    return End(address(family[0], bytes(ffi.buffer(raw))), port[0])


def destination_of(t: Txn, known: Addr | None) -> Addr | None:
    """The address that a client connected to: `known`, unless nobody had the shim learn it: that costs a system call
    for each connection, and serves few."""
    if known not in _UNKNOWN:
        return known
    found = end_of(t, FRONT, OURS)
    return None if found is None else found.address


def is_local(known: Addr | None) -> bool | None:
    """Whether an address is one of this machine's: one that can be bound. Three system calls."""
    if known is None:
        return None
    family = socket.AF_INET if len(known) == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(known), 0))
    except OSError:
        return False
    return True
