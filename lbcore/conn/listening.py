"""Opening what a `bind` line asks for."""

from __future__ import annotations

from typing import NamedTuple

from lbcore.conn import address
from lbcore.conn.namespace import inside
from lbcore.conn.settings import BindSettings
from lbcore.shim import check, ffi, lib

LEAVE = -1  # unix sockets: mode, user and group as the system makes them


class Listening(NamedTuple):
    """A descriptor that listens. An inherited one is never closed by us."""

    fd: int
    inherited: bool


def flags_of(bind: BindSettings, *, reuseport: bool) -> int:
    """The SOCK_LF_* of native/include/sock.h for a `bind` line."""
    chosen = (
        (reuseport, lib.SOCK_LF_REUSEPORT),
        (bind.v6only, lib.SOCK_LF_V6ONLY),
        (bind.v4v6, lib.SOCK_LF_V4V6),
        (bind.transparent, lib.SOCK_LF_TRANSPARENT),
        (bind.defer_accept, lib.SOCK_LF_DEFER),
        (bind.tfo, lib.SOCK_LF_TFO),
    )
    return sum(flag for wanted, flag in chosen if wanted)


def open_listening(bind: BindSettings, *, backlog: int = 0, reuseport: bool = True) -> Listening:
    """Listens on the address of `bind`, or takes its descriptor over. `backlog`: where the line names none; 0: 1024.

    Raises OSError.
    """
    if bind.address.fd is not None:
        check(lib.sock_inherit(bind.address.fd, ffi.new("sock_addr *")))
        return Listening(bind.address.fd, inherited=True)
    with inside(bind.namespace):
        fd = lib.sock_listen(
            address.new(bind.address),
            flags_of(bind, reuseport=reuseport),
            bind.backlog or backlog,
            bind.mss,
            bind.tcp_ut,
            ffi.NULL if bind.interface is None else bind.interface.encode(),
            LEAVE if bind.mode is None else bind.mode,
            LEAVE if bind.uid is None else bind.uid,
            LEAVE if bind.gid is None else bind.gid,
        )
    return Listening(check(fd), inherited=False)
