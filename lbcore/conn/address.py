"""Addresses between Python and the shim."""

from __future__ import annotations

import os
import socket
from typing import Any

from lbcore.base.address import Address
from lbcore.shim import check, ffi, lib


def fill(out: Any, address: Address) -> None:
    """Writes `address` (numeric, or the path of a unix socket) into the `sock_addr *` `out`.

    Raises ValueError if it is a descriptor or a name, OSError if a path is too long.
    """
    if address.family == socket.AF_UNIX:
        path = os.fsencode(address.host)
        check(lib.sock_addr_set(out, address.family, path, len(path), 0))
        return
    if address.family not in (socket.AF_INET, socket.AF_INET6):
        raise ValueError(f"'{address}' is no socket address")
    host = address.host or ("::" if address.family == socket.AF_INET6 else "0.0.0.0")
    packed = socket.inet_pton(address.family, host)
    check(lib.sock_addr_set(out, address.family, packed, len(packed), address.port))


def new(address: Address) -> Any:
    """`address` as a new `sock_addr *`. Raises as `fill`."""
    out = ffi.new("sock_addr *")
    fill(out, address)
    return out


def read(addr: Any) -> Address:
    """The Address that a `sock_addr *` holds."""
    family = lib.sock_addr_family(addr)
    buffer = ffi.new("char[]", lib.SOCK_ADDR_MAX)
    raw = bytes(ffi.buffer(buffer, lib.sock_addr_host(addr, buffer, lib.SOCK_ADDR_MAX)))
    if family in (socket.AF_INET, socket.AF_INET6):
        return Address(family, socket.inet_ntop(family, raw), lib.sock_addr_port(addr))
    return Address(family, os.fsdecode(raw))


def local_of(fd: int) -> Address:
    """Where the socket `fd` is bound. Raises OSError."""
    addr = ffi.new("sock_addr *")
    check(lib.sock_name(fd, addr))
    return read(addr)
