"""What the kernel and the shim know of the client's (fc_) and the server's (bc_) connection (manual 7.3.3).

The kernel is asked while the stream's question waits for its verdict; once the stream has ended there is nothing left
to ask, and these fetches have no sample. Connections are HTTP/1 or plain bytes: one stream at a time each.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Sequence
from typing import Any

from lbcore.fetch.rows import UNITS, given, inlined, plain
from lbcore.sample.build import Build
from lbcore.sample.points import CLIENT, SERVER_SIDE, SESSION
from lbcore.sample.rows import Arg, ArgumentError, Fetch, Fetcher, ManyFetcher, add_fetches
from lbcore.sample.types import Addr, Type
from lbcore.shim import ffi, lib
from lbcore.stream.ends import BACK, FRONT, OURS, PEER, destination_of, end_of, is_local
from lbcore.stream.proxyheader import ERROR_NAMES, ERRORS, came, tlvs_of, values
from lbcore.stream.txn import AT, DADDR, DPORT, FAMILY, REC, SADDR, SPORT, Txn, address

_FLAGS, _TC = AT["flags"], AT["tc"]
_INFO = struct.Struct("=8B21I")  # the beginning of struct tcp_info: linux/tcp.h
_NAMES = (  # of its numbers, behind eight bytes
    "rto", "ato", "snd_mss", "rcv_mss", "unacked", "sacked", "lost", "retrans", "fackets", "last_data_sent",
    "last_ack_sent", "last_data_recv", "last_ack_recv", "pmtu", "rcv_ssthresh", "rtt", "rttvar", "snd_ssthresh",
    "snd_cwnd", "advmss", "reordering",
)  # fmt: skip
_FIELDS = {name: 8 + place for place, name in enumerate(_NAMES)}


def tcp_info(t: Txn, side: int) -> tuple[int, ...] | None:
    """The kernel's figures about a TCP connection, None without one."""
    if t.record is not None or (side == FRONT and t.ask[FAMILY] == socket.AF_UNIX):
        return None
    room = ffi.new("char[]", _INFO.size)
    size = lib.eng_flow_tcpinfo(*t.flow(), side, room, _INFO.size)
    return _INFO.unpack(ffi.buffer(room)) if size == _INFO.size else None


def has_server(t: Txn) -> bool:
    """Whether there is, or was, a connection to a server."""
    connected: int = t.ask[_TC] if t.record is None else t.record[REC["tc"]]
    return t.server is not None and connected >= 0


# --- addresses ---


def _back_address(end: int) -> Callable[[Txn], Addr | None]:
    def fetch(t: Txn) -> Addr | None:
        found = end_of(t, BACK, end)
        return None if found is None else found.address

    return fetch


def _back_port(end: int) -> Callable[[Txn], int | None]:
    def fetch(t: Txn) -> int | None:
        found = end_of(t, BACK, end)
        return None if found is None or found.address is None else found.port

    return fetch


# The question has what the session began with, or what `tcp-request connection` rules made of it: `set-src` and its
# like of later rules change the session as this stream sees it.


def fetch_fc_src(t: Txn) -> Addr | None:
    return address(t.ask[FAMILY], t.ask[SADDR])


def fetch_fc_dst(t: Txn) -> Addr | None:
    return destination_of(t, address(t.ask[FAMILY], t.ask[DADDR]))


def fetch_fc_src_port(t: Txn) -> int | None:
    return None if t.ask[FAMILY] == socket.AF_UNIX else t.ask[SPORT]


def fetch_fc_dst_port(t: Txn) -> int | None:
    return None if t.ask[FAMILY] == socket.AF_UNIX else t.ask[DPORT]


def fetch_fc_src_is_local(t: Txn) -> bool | None:
    return is_local(fetch_fc_src(t))


def fetch_fc_dst_is_local(t: Txn) -> bool | None:
    return is_local(fetch_fc_dst(t))


# --- figures of the kernel ---


def _figure(side: int, name: str) -> Callable[[Sequence[Arg], Build], Fetcher]:
    """What makes a fetch of one figure as it is. HAProxy lets an argument stand there, which means nothing."""
    place = _FIELDS[name]

    def fetch(t: Txn) -> int | None:
        info = tcp_info(t, side)
        return None if info is None else info[place]

    return lambda args, build: fetch


def _time(side: int, name: str) -> Callable[[Sequence[Arg], Build], Fetcher]:
    """What makes a fetch of a time: the kernel has it in us."""
    place = _FIELDS[name]

    def make(args: Sequence[Arg], build: Build) -> Fetcher:
        unit = UNITS[given(args, 0) or "ms"]

        def fetch(t: Txn) -> int | None:
            info = tcp_info(t, side)
            return None if info is None else (info[place] + unit // 2) // unit

        return fetch

    return make


def check_unit(args: Sequence[Arg]) -> None:
    unit = given(args, 0)
    if unit not in (None, "us", "ms"):
        raise ArgumentError(f"expects 'us' or 'ms', got '{unit}'", 0)


# --- states ---


def fetch_reused(t: Txn) -> bool | None:
    if t.record is not None:
        return bool(t.record[REC["reused"]]) if has_server(t) else None
    return bool(t.ask[_FLAGS] & lib.ASK_F_REUSED) if has_server(t) else None


_ERR = f"(0 if t.record is None else t.record[{REC['err']}])"


def error_of(t: Txn) -> int:
    """The error of the client's connection, by HAProxy's numbers."""
    found: int = 0 if t.record is None else t.record[REC["err"]]
    return found


def fetch_error(t: Txn) -> str:
    return ERRORS[error_of(t)]


def fetch_error_name(t: Txn) -> str:
    return ERROR_NAMES[error_of(t)]


# --- what the client's PROXY header said ---


# Types of TLVs by their names in the PROXY protocol's specification (manual 7.3.3, fc_pp_tlv).
_TLVS = {
    "ALPN": 0x01,
    "AUTHORITY": 0x02,
    "CRC32C": 0x03,
    "NOOP": 0x04,
    "UNIQUE_ID": 0x05,
    "SSL": 0x20,
    "SSL_VERSION": 0x21,
    "SSL_CN": 0x22,
    "SSL_CIPHER": 0x23,
    "SSL_SIG_ALG": 0x24,
    "SSL_KEY_ALG": 0x25,
    "NETNS": 0x30,
}
_TLV_MAX = 255


def _tlv(kind: int) -> Callable[[Txn], str | None]:
    """What gives the first TLV of a type."""

    def fetch(t: Txn) -> str | None:
        found = next(values(tlvs_of(t), kind), None)
        return None if found is None else str(found, "latin-1")

    return fetch


def tlv_type(text: str) -> int | None:
    """The type that an argument names, None if it names none."""
    known = _TLVS.get(text.upper())
    if known is not None:
        return known
    try:
        value = int(text, 0)
    except ValueError:
        return None
    return value if 0 <= value <= _TLV_MAX else None


def check_tlv(args: Sequence[Arg]) -> None:
    if tlv_type(args[0]) is None:
        raise ArgumentError("expects a number from 0 to 255, or the name of a type of TLV", 0)


def make_tlv(args: Sequence[Arg], build: Build) -> Fetcher:
    return _tlv(tlv_type(args[0]) or 0)


def make_tlvs(args: Sequence[Arg], build: Build) -> ManyFetcher:
    kind = tlv_type(args[0]) or 0
    return lambda t: [str(found, "latin-1") for found in values(tlvs_of(t), kind)]


def _with_server(value: Any) -> Callable[[Txn], Any]:
    """What gives a value if there is a connection to a server."""
    return lambda t: value if has_server(t) else None


_OPTIONAL = "([string])"
_ROUND = "The kernel's {} of the {} connection, in ms or us."
_COUNT = "The kernel's `{}` figure of the client's connection."


def _count_row(name: str) -> Fetch:
    return Fetch(f"fc_{name}", _OPTIONAL, Type.SINT, CLIENT, _figure(FRONT, name), _COUNT.format(name))


def _time_row(prefix: str, side: int, name: str, doc: str) -> Fetch:
    return Fetch(f"{prefix}_{name}", _OPTIONAL, Type.SINT, CLIENT, _time(side, name), doc, check=check_unit)


add_fetches(
    plain("bc_dst", Type.ADDR, SERVER_SIDE, _back_address(PEER), "The address of the server's end."),
    plain("bc_dst_port", Type.SINT, SERVER_SIDE, _back_port(PEER), "The port of the server's end."),
    plain("bc_err", Type.SINT, SERVER_SIDE, _with_server(0), "The error of the server's connection: 0, it stands."),
    plain("bc_err_name", Type.STR, SERVER_SIDE, _with_server(ERROR_NAMES[0]), "The same as a short name."),
    plain("bc_err_str", Type.STR, SERVER_SIDE, _with_server("Success"), "The same in words."),
    plain("bc_glitches", Type.SINT, SERVER_SIDE, _with_server(0), "Oddities of the server: HTTP/1 has none."),
    plain("bc_http_major", Type.SINT, SERVER_SIDE, _with_server(1), "The version of HTTP to the server: 1."),
    plain("bc_nb_streams", Type.SINT, SERVER_SIDE, _with_server(1), "Streams of the server's connection: 1."),
    plain("bc_reused", Type.BOOL, SERVER_SIDE, fetch_reused, "Whether the server's connection had served before."),
    _time_row("bc", BACK, "rtt", _ROUND.format("round trip time", "server's")),
    _time_row("bc", BACK, "rttvar", _ROUND.format("variance of the round trip time", "server's")),
    plain("bc_setting_streams_limit", Type.SINT, SERVER_SIDE, _with_server(1), "Streams that the server allows: 1."),
    plain("bc_src", Type.ADDR, SERVER_SIDE, _back_address(OURS), "The address of our end to the server."),
    plain("bc_src_port", Type.SINT, SERVER_SIDE, _back_port(OURS), "The port of our end to the server."),
    plain("fc_dst", Type.ADDR, CLIENT, fetch_fc_dst, "The address that the client connected to."),
    plain("fc_dst_is_local", Type.BOOL, CLIENT, fetch_fc_dst_is_local, "Whether `fc_dst` is one of this machine's."),
    plain("fc_dst_port", Type.SINT, CLIENT, fetch_fc_dst_port, "The port that the client connected to."),
    inlined("fc_err", Type.SINT, CLIENT, _ERR, "The error of the client's connection; 0, it stands."),
    plain("fc_err_name", Type.STR, CLIENT, fetch_error_name, "The same as a short name."),
    plain("fc_err_str", Type.STR, CLIENT, fetch_error, "The same in words."),
    _count_row("fackets"),
    inlined("fc_glitches", Type.SINT, CLIENT, "0", "Oddities of the client: HTTP/1 has none."),
    inlined("fc_http_major", Type.SINT, CLIENT, "1", "The version of HTTP to the client: 1."),
    _count_row("lost"),
    inlined("fc_nb_streams", Type.SINT, CLIENT, "1", "Streams of the client's connection: 1."),
    plain("fc_pp_authority", Type.STR, CLIENT, _tlv(lib.PP2_TYPE_AUTHORITY), "The authority that a PROXY header has."),
    Fetch(
        "fc_pp_tlv", "(string)", Type.STR, SESSION, make_tlv, "A TLV of a PROXY header, by type.", make_tlvs, check_tlv
    ),
    plain("fc_pp_unique_id", Type.STR, CLIENT, _tlv(lib.PP2_TYPE_UNIQUE_ID), "The unique ID that a PROXY header has."),
    plain("fc_rcvd_proxy", Type.BOOL, CLIENT, came, "Whether the connection began with a PROXY header."),
    _count_row("reordering"),
    _count_row("retrans"),
    _time_row("fc", FRONT, "rtt", _ROUND.format("round trip time", "client's")),
    _time_row("fc", FRONT, "rttvar", _ROUND.format("variance of the round trip time", "client's")),
    _count_row("sacked"),
    inlined("fc_settings_streams_limit", Type.SINT, SESSION, "1", "Streams that the client may open: 1."),
    plain("fc_src", Type.ADDR, CLIENT, fetch_fc_src, "The client's address."),
    plain("fc_src_is_local", Type.BOOL, CLIENT, fetch_fc_src_is_local, "Whether `fc_src` is one of this machine's."),
    plain("fc_src_port", Type.SINT, CLIENT, fetch_fc_src_port, "The client's port."),
    _count_row("unacked"),
)
