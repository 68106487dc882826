"""Both ends of the client's connection (manual 7.3.3)."""

from __future__ import annotations

from lbcore.fetch.rows import inlined, plain
from lbcore.sample.points import CLIENT
from lbcore.sample.rows import add_fetches
from lbcore.sample.types import Addr, Type
from lbcore.stream.ends import destination_of, is_local
from lbcore.stream.txn import Txn


def fetch_dst(t: Txn) -> Addr | None:
    """Kept in the session once the kernel was asked for it."""
    session = t.session
    found = destination_of(t, session.dst)
    if found is not session.dst:
        session.dst = found
    return found


def fetch_src_is_local(t: Txn) -> bool | None:
    return is_local(t.src)


def fetch_dst_is_local(t: Txn) -> bool | None:
    return is_local(fetch_dst(t))


_SPORT = "(t.session.sport if t.src is not None else None)"
_DPORT = "(t.session.dport if t.session.dst is not None else None)"

add_fetches(
    plain("dst", Type.ADDR, CLIENT, fetch_dst, "The address that the client connected to."),
    plain("dst_is_local", Type.BOOL, CLIENT, fetch_dst_is_local, "Whether `dst` is an address of this machine."),
    inlined("dst_port", Type.SINT, CLIENT, _DPORT, "The port that the client connected to."),
    inlined("src", Type.ADDR, CLIENT, "t.src", "The client's address."),
    plain("src_is_local", Type.BOOL, CLIENT, fetch_src_is_local, "Whether `src` is an address of this machine."),
    inlined("src_port", Type.SINT, CLIENT, _SPORT, "The client's port."),
)
