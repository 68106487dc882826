"""Raw bytes: what is there, what may still come, whose they are."""

from __future__ import annotations

import pytest

from lbcore.sample.words import ParseError
from lbcore.shim import lib
from tests.fetch.evaluate import parse, value
from tests.fetch.table import RDP
from tests.fetch.transactions import request, tcp


@pytest.mark.parametrize(
    ("text", "data", "wanted", "missing"),
    [
        ("req.payload(0,2)", b"abc", b"ab", False),
        ("req.payload(0,0)", b"abc", b"abc", True),  # it may grow
        ("req.payload(2,2)", b"abc", None, True),
        ("req.payload(0,0)", b"", None, True),
        ("req.payload(-1,2)", b"abc", None, False),
        ("req.payload_lv(0,1)", b"\2ab", b"ab", False),
        ("req.payload_lv(0,1)", b"\3ab", None, True),
        ("req.payload_lv(0,2)", b"\0", None, True),
        ("req.payload_lv(0,1)", b"\0ab", None, False),
        ("req.len", b"abc", 3, True),
        ("req.rdp_cookie", RDP + b"Cookie: mstshash=u\r\n", "u", False),
        ("req.rdp_cookie", RDP + b"Cookie: mstshash=u", None, True),
        ("req.rdp_cookie", RDP + b"Something else", None, False),
        ("req.rdp_cookie_cnt", RDP + b"Cookie: mstshash=u", None, True),
        ("req.rdp_cookie_cnt(x)", RDP + b"Cookie: mstshash=u", 0, False),
        ("req.rdp_cookie_cnt(x)", RDP + b"Cookie: msts", 0, False),
        ("req.rdp_cookie(mstshash)", RDP + b"Cookie: msts", None, True),
        ("path", b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n", "/x", False),
        ("path", b"GET /x HTTP/1.1\r\nHost", None, True),
        ("req.hdr(host)", b"GET /x HTTP/1.1\r\nHost", None, True),
        ("req.proto_http", b"GET /x", None, True),
        ("req.proto_http", b"\x16\x03\x01", None, False),
        ("method", b"\x16\x03\x01", None, False),
    ],
)
def test_what_may_still_come_is_missing(text: str, data: bytes, wanted: object, missing: bool) -> None:
    t = tcp(data)
    assert (value(t, text), t.missing) == (wanted, missing)
    t = tcp(data, end=True)
    assert (value(t, text), t.missing) == (wanted, False)


def test_a_request_in_bytes_has_its_body() -> None:
    t = tcp(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\na=1&b")
    assert [value(t, text) for text in ("req.body", "req.body_size", "req.body_param(a)")] == [b"a=1&b", 5, b"1"]


def test_bytes_of_the_server_are_no_request() -> None:
    t = tcp(b"\1ab", kind=lib.ASK_RES_CONTENT)
    assert [value(t, text) for text in ("req.len", "req.payload(0,1)", "req.payload_lv(0,1)", "method")] == [None] * 4
    assert [value(t, text) for text in ("res.len", "res.payload(0,1)", "res.payload_lv(0,1)")] == [3, b"\1", b"a"]
    assert [value(t, text) for text in ("payload(0,1)", "payload_lv(0,1)")] == [b"\1", b"a"]


def test_bytes_of_the_client_are_no_response() -> None:
    t = tcp(b"abc")
    assert [value(t, text) for text in ("res.len", "res.payload(0,1)", "res.ssl_hello_type")] == [None] * 3
    assert value(t, "payload(0,1)") == b"a"


def test_mode_http_has_no_raw_bytes() -> None:
    t = request()
    assert [value(t, text) for text in ("req.len", "req.payload(0,0)", "payload_lv(0,1)", "req.ssl_sni")] == [None] * 4
    assert not t.missing


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("req.payload_lv(0,0)", "payload length must be > 0"),
        ("req.payload_lv(0,2,x)", "payload offset2 is not a number"),
        ("req.payload_lv(0,2,-9)", "payload offset2 too negative"),
    ],
)
def test_bad_arguments_are_refused_in_haproxys_words(text: str, complaint: str) -> None:
    with pytest.raises(ParseError) as refused:
        parse(text)
    assert str(refused.value) == f"invalid args in fetch method 'req.payload_lv' : {complaint}"
