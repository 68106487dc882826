"""What the headers of other proxies said of a client's connection, and what ours tell servers of a stream.

The shim reads and writes them (native/include/proxyproto.h); what only rules and formats know is added here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from lbcore.proxy.settings import ProxySettings, ServerSettings
from lbcore.sample.build import Build
from lbcore.shim import ffi, lib
from lbcore.stream.txn import AT, Txn
from lbcore.stream.unique_id import unique_id

USUAL = 256  # bytes of TLVs, which are seldom more
VALUE_MAX = 0xFFFF  # bytes of a TLV's value
HEAD = 3  # bytes of a TLV before its value: the type, and two of the length

_FLAGS = AT["flags"]

# Errors of a connection that became no session, by HAProxy's numbers (manual 7.3.3, fc_err_str).
ERRORS = {
    0: "Success",
    lib.CO_ER_PRX_EMPTY: "Connection closed while waiting for PROXY protocol header",
    lib.CO_ER_PRX_ABORT: "Connection error while waiting for PROXY protocol header",
    lib.CO_ER_PRX_TIMEOUT: "Timeout while waiting for PROXY protocol header",
    lib.CO_ER_PRX_TRUNCATED: "Truncated PROXY protocol header received",
    lib.CO_ER_PRX_NOT_HDR: "Received something which does not look like a PROXY protocol header",
    lib.CO_ER_PRX_BAD_HDR: "Received an invalid PROXY protocol header",
    lib.CO_ER_PRX_BAD_PROTO: "Received an unhandled protocol in the PROXY protocol header",
    lib.CO_ER_CIP_EMPTY: "Connection closed while waiting for NetScaler Client IP header",
    lib.CO_ER_CIP_ABORT: "Connection error while waiting for NetScaler Client IP header",
    lib.CO_ER_CIP_TIMEOUT: "Timeout while waiting for a NetScaler Client IP header",
    lib.CO_ER_CIP_TRUNCATED: "Truncated NetScaler Client IP header received",
    lib.CO_ER_CIP_BAD_MAGIC: "Received an invalid NetScaler Client IP magic number",
    lib.CO_ER_CIP_BAD_PROTO: "Received an unhandled protocol in the NetScaler Client IP header",
}
# The same by the names that they have in HAProxy's program (fc_err_name).
ERROR_NAMES = {
    0: "NONE",
    **{getattr(lib, f"CO_ER_{name}"): name for name in (
        "PRX_EMPTY", "PRX_ABORT", "PRX_TIMEOUT", "PRX_TRUNCATED", "PRX_NOT_HDR", "PRX_BAD_HDR", "PRX_BAD_PROTO",
        "CIP_EMPTY", "CIP_ABORT", "CIP_TIMEOUT", "CIP_TRUNCATED", "CIP_BAD_MAGIC", "CIP_BAD_PROTO",
    )},
}  # fmt: skip


def expects_headers(proxy: ProxySettings) -> bool:
    """Whether connections of a frontend may begin with headers of other proxies."""
    by_rules = proxy.rules is not None and proxy.rules.expects_headers
    return by_rules or any(bind.accept_proxy or bind.cip_magic is not None for bind in proxy.binds)


def came(t: Txn) -> bool:
    """Whether the client's connection began with a PROXY header."""
    return bool(t.ask[_FLAGS] & lib.ASK_F_PROXY)


def tlvs_of(t: Txn) -> bytes:
    """The TLVs of the PROXY header, one after the other and well formed; b"" if there are none.

    The transaction keeps them once they were asked for: when its stream is over the shim has them no more.
    """
    found: bytes | None = t.tlvs
    if found is None:
        if t.record is not None or not came(t):
            return b""
        found = t.tlvs = _read(t)
    return found


def _read(t: Txn) -> bytes:
    size = USUAL
    while True:
        room: Any = ffi.new("char[]", size)
        n = lib.eng_flow_tlvs(*t.flow(), room, size)
        if n <= size:
            return bytes(ffi.buffer(room, n)) if n > 0 else b""
        size = n


def values(tlvs: bytes, kind: int) -> Iterator[bytes]:
    """The values of all TLVs of a type, in their order."""
    at = 0
    while at + HEAD <= len(tlvs):
        end = at + HEAD + int.from_bytes(tlvs[at + 1 : at + HEAD], "big")
        if tlvs[at] == kind:
            yield tlvs[at + HEAD : end]
        at = end


# --- what ours tell ---


def make_tell(backend: Any, build: Build) -> Callable[[Txn], None] | None:
    """What gives the shim the TLVs that servers of a backend are told of a stream; None if they want none but the
    shim's own. `backend` is a lbcore.proxy.backend.Backend. Raises BuildError.

    Servers that want the same share a number.
    """
    numbers: dict[tuple[Any, ...], int] = {}
    for server in backend.servers:
        wanted = _wanted(server.settings)
        if wanted is not None:
            server.set_tell(numbers.setdefault(wanted, len(numbers) + 1))
    if not numbers:
        return None
    tellers = [(number, *_writers(wanted, build)) for wanted, number in numbers.items()]

    def tell(t: Txn) -> None:
        for number, before, behind in tellers:
            first = b"".join([_tlv(kind, text_of(t)) for kind, text_of in before])
            tlvs = first + (_tlv(lib.PP2_TYPE_UNIQUE_ID, unique_id(t) or "") if behind else b"")
            lib.eng_flow_tell(*t.flow(), number, len(first), tlvs, len(tlvs))

    return tell


def _wanted(settings: ServerSettings) -> tuple[Any, ...] | None:
    """What a server wants to be told that depends on the stream, None: nothing."""
    return ("unique-id" in settings.proxy_v2_options, settings.proxy_v2_tlvs) if settings.tells_of_streams else None


def _writers(wanted: tuple[Any, ...], build: Build) -> tuple[list[tuple[int, Callable[[Txn], str]]], bool]:
    own_id, tlvs = wanted
    return [(kind, parsed.make(build)) for kind, parsed in tlvs], own_id


def _tlv(kind: int, text: str) -> bytes:
    """A TLV; what is longer than one can be is cut."""
    value = text.encode("latin-1")[:VALUE_MAX]
    return bytes((kind,)) + len(value).to_bytes(2, "big") + value
