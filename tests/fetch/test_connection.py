"""What the kernel and the shim know of connections."""

from __future__ import annotations

import errno
import socket
import struct
from typing import Any

import pytest

from lbcore.fetch import connection
from lbcore.sample.words import ParseError
from lbcore.shim import ffi
from lbcore.shim import lib as shim
from lbcore.stream import ends
from tests.fetch.evaluate import parse, printed, value
from tests.fetch.transactions import accepted, ended, request, respond


class FakeShim:
    """Knows the flow 7 of generation 9, in both of whose connections the peer is 10.0.0.1:80, we are 10.0.0.2:1234."""

    ASK_F_REUSED = shim.ASK_F_REUSED

    def eng_flow_name(self, engine: Any, tid: int, flow: int, gen: int, back: int, peer: int, *out: Any) -> int:
        if (flow, gen) != (7, 9):
            return -errno.ESTALE
        family, port, raw = out
        family[0], port[0] = socket.AF_INET, 80 if peer else 1234
        ffi.memmove(raw, bytes([10, 0, 0, 1 if peer else 2]), 4)
        return 0

    def eng_flow_tcpinfo(self, engine: Any, tid: int, flow: int, gen: int, back: int, room: Any, size: int) -> int:
        """Numbers that are their own offset, times 1000, and one more at the back."""
        if (flow, gen) != (7, 9):
            return -errno.ESTALE
        info = bytes(8) + struct.pack("=60I", *(offset * 1000 + back for offset in range(8, 248, 4)))
        ffi.memmove(room, info, size)
        return size


@pytest.fixture(autouse=True)
def fake(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (connection, ends):
        monkeypatch.setattr(module, "lib", FakeShim())


def asked(**fields: Any) -> Any:
    """A response of a server's, on the flow that the fake knows."""
    return respond(request("GET / HTTP/1.1", flow=7, gen=9, tc=0, **fields))


def test_the_ends_of_the_servers_connection() -> None:
    texts = ("bc_src", "bc_src_port", "bc_dst", "bc_dst_port")
    assert [printed(asked(), text) for text in texts] == ["10.0.0.2", "1234", "10.0.0.1", "80"]


# Offsets of <linux/tcp.h>: rtt 68, rttvar 72, unacked 24, sacked 28, lost 32, retrans 36, fackets 40, reordering 88.
@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("fc_rtt", 68),
        ("fc_rtt(ms)", 68),
        ("fc_rtt(us)", 68_000),
        ("fc_rttvar(us)", 72_000),
        ("fc_unacked", 24_000),
        ("fc_sacked", 28_000),
        ("fc_lost", 32_000),
        ("fc_lost(x)", 32_000),
        ("fc_retrans", 36_000),
        ("fc_fackets", 40_000),
        ("fc_reordering", 88_000),
        ("bc_rtt(us)", 68_001),
        ("bc_rttvar(us)", 72_001),
    ],
)
def test_figures_of_the_kernel(text: str, wanted: int) -> None:
    assert value(asked(), text) == wanted


def test_milliseconds_are_rounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "tcp_info", lambda t, side: [1500] * 29)
    assert value(asked(), "fc_rtt") == 2


@pytest.mark.parametrize(("dst", "wanted"), [("0.0.0.0", "10.0.0.2"), ("192.0.2.9", "192.0.2.9")])
def test_an_address_that_nobody_learnt_is_asked_for(dst: str, wanted: str) -> None:
    t = accepted(flow=7, gen=9, dst=dst)
    assert [printed(t, text) for text in ("fc_dst", "dst", "dst")] == [wanted] * 3
    assert str(t.session.dst) == wanted


def test_an_address_that_nobody_learnt_can_be_asked_for_in_time_only() -> None:
    assert value(ended(accepted(flow=7, gen=9, dst="0.0.0.0")), "dst") is None


@pytest.mark.parametrize("text", ["bc_src", "bc_src_port", "fc_rtt", "fc_lost", "bc_rtt"])
def test_nothing_of_a_flow_that_is_gone(text: str) -> None:
    assert value(request("GET / HTTP/1.1", flow=7, gen=8), text) is None
    assert value(ended(asked()), text) is None


def test_unix_sockets_have_no_tcp_figures() -> None:
    assert value(accepted(src=None, flow=7, gen=9), "fc_rtt") is None


BACK = (
    "bc_err",
    "bc_err_str",
    "bc_glitches",
    "bc_http_major",
    "bc_nb_streams",
    "bc_setting_streams_limit",
    "bc_reused",
)


def test_states_of_a_connection_that_stands() -> None:
    assert [value(asked(), text) for text in BACK] == [0, "Success", 0, 1, 1, 1, False]


def test_no_states_without_a_connection() -> None:
    assert [value(request(), text) for text in BACK] == [None] * len(BACK)


@pytest.mark.parametrize(("flags", "wanted"), [(shim.ASK_F_REUSED, True), (0, False)])
def test_reused_connections_are_told(flags: int, wanted: bool) -> None:
    assert value(asked(flags=flags), "bc_reused") is wanted


def test_reused_connections_are_told_in_the_end() -> None:
    assert value(ended(asked(), reused=1), "bc_reused") is True


def test_a_connection_that_was_never_made_has_no_state_in_the_end() -> None:
    assert value(ended(asked(), tc=-1), "bc_http_major") is None


def test_units_are_ms_and_us() -> None:
    with pytest.raises(ParseError) as refused:
        parse("fc_rtt(s)")
    assert str(refused.value) == "invalid args in fetch method 'fc_rtt' : expects 'us' or 'ms', got 's'"
