"""Actions on the flow: what is told to the shim, and what the transaction shows afterwards."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from lbcore.action import flow
from lbcore.proxy.settings import ProxySettings
from lbcore.sample.words import ParseError
from lbcore.shim import lib
from lbcore.stream.rules import Ruleset
from lbcore.stream.txn import Txn
from tests.action.rules import Recorder, parse, recorded, run
from tests.fetch.evaluate import value
from tests.fetch.transactions import accepted, request


def told(t: Txn, *lines: str, ruleset: Ruleset = Ruleset.HTTP_REQUEST) -> Recorder:
    with recorded(flow) as shim:
        assert run(t, *lines, ruleset=ruleset) is None
    return shim


@pytest.mark.parametrize(
    ("text", "what", "value"),
    [
        ("set-tos 0x10", lib.FLOW_TOS_FRONT, 16),
        ("set-fc-tos 255", lib.FLOW_TOS_FRONT, 255),
        ("set-bc-tos 010", lib.FLOW_TOS_BACK, 8),
        ("set-bc-tos int(1),add(2)", lib.FLOW_TOS_BACK, 3),
        ("set-mark 4294967295", lib.FLOW_MARK_FRONT, 2**32 - 1),
        ("set-fc-mark req.hdr(x)", lib.FLOW_MARK_FRONT, 77),
        ("set-bc-mark 1", lib.FLOW_MARK_BACK, 1),
        ("set-timeout server 5s", lib.FLOW_T_SERVER, 5000),
        ("set-timeout tunnel 1500us", lib.FLOW_T_TUNNEL, 2),
        ("set-timeout client req.hdr(x)", lib.FLOW_T_CLIENT, 77),
        ("set-nice 5", lib.FLOW_NICE, 5),
        ("set-nice -7", lib.FLOW_NICE, 2**32 - 7),
        ("set-nice 5000", lib.FLOW_NICE, 1024),
        ("set-nice -5000", lib.FLOW_NICE, 2**32 - 1024),
        ("set-retries 0", lib.FLOW_RETRIES, 0),
    ],
)
def test_the_shim_is_told(text: str, what: int, value: int) -> None:
    t = request("GET / HTTP/1.1", "x: 77", flow=3, gen=9)
    assert told(t, text).of("eng_flow_set") == [(None, 0, 3, 9, what, value)]


@pytest.mark.parametrize(
    "text", ["set-tos int(256)", "set-mark int(-1)", "set-timeout server int(0)", "set-tos req.hdr(y)"]
)
def test_a_value_out_of_range_or_none_changes_nothing(text: str) -> None:
    assert told(request(), text).calls == []


@pytest.mark.parametrize(
    ("text", "fetch", "ms"),
    [
        ("set-timeout client 5s", "cur_client_timeout", 5000),
        ("set-timeout server 5s", "cur_server_timeout", 5000),
        ("set-timeout tunnel req.hdr(x)", "cur_tunnel_timeout", 77),
        ("set-timeout tunnel 5s", "be_tunnel_timeout", 0),
        ("set-timeout server 5s", "cur_tunnel_timeout", 0),
    ],
)
def test_a_timeout_is_seen_by_fetches(text: str, fetch: str, ms: int) -> None:
    t = request("GET / HTTP/1.1", "x: 77", flow=3, gen=9)
    told(t, text)
    assert value(t, fetch) == ms
    assert t.kept


@pytest.mark.parametrize("ruleset", [Ruleset.TCP_CONNECTION, Ruleset.TCP_SESSION])
def test_a_connection_gets_another_source(ruleset: Ruleset) -> None:
    t = accepted(flow=3, gen=9)
    session = t.session
    shim = told(t, "set-src ipv4(203.0.113.9)", "set-src-port int(1234)", ruleset=ruleset)
    raw = socket.inet_aton("203.0.113.9").ljust(16, b"\0")
    assert shim.of("eng_flow_addr") == [
        (None, 0, 3, 9, False, socket.AF_INET, 40_000, raw),
        (None, 0, 3, 9, False, socket.AF_INET, 1234, raw),
    ]
    assert (str(t.src), t.session.sport) == ("203.0.113.9", 1234)
    assert t.session is session


def test_a_request_gets_another_source_for_itself_alone() -> None:
    t = request("GET / HTTP/1.1", "x-client: 2001:db8::7")
    session = t.session
    session.vars["a"] = 1
    told(t, "set-src req.hdr(x-client)", "set-var(sess.b) int(2)")
    assert (str(t.src), t.session.family, t.session.sport) == ("2001:db8::7", socket.AF_INET6, 40_000)
    assert (str(session.src), session.vars) == ("192.0.2.1", {"a": 1, "b": 2})


def test_the_destination_changes_without_the_source() -> None:
    t = request()
    told(t, "set-dst ipv4(10.0.0.1)", "set-dst-port int(8080)")
    assert (str(t.session.dst), t.session.dport, str(t.src)) == ("10.0.0.1", 8080, "192.0.2.1")


def test_a_unix_client_gets_an_address_and_no_port() -> None:
    t = request(src=None)
    told(t, "set-src ipv4(10.0.0.1)")
    assert (str(t.src), t.session.sport, t.session.family) == ("10.0.0.1", 0, socket.AF_INET)


def test_a_unix_client_that_gets_a_port_is_nowhere() -> None:
    t = request(src=None)
    told(t, "set-src-port int(99)")
    assert (str(t.src), t.session.sport) == ("0.0.0.0", 99)


def test_what_is_no_address_changes_nothing() -> None:
    t = request("GET / HTTP/1.1", "x: nonsense")
    assert told(t, "set-src req.hdr(x)", "set-src req.hdr(none)").calls == []
    assert str(t.src) == "192.0.2.1"


def test_a_flow_that_is_gone_keeps_its_address() -> None:
    t = request()
    with recorded(flow, answer=-116):
        run(t, "set-src ipv4(10.0.0.1)")
    assert str(t.src) == "192.0.2.1"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("set-tos", "expects exactly 1 argument (integer/hex value)"),
        ("set-tos foo", "invalid character starting at 'foo' (integer/hex value expected)"),
        ("set-mark 12x", "invalid character starting at 'x' (integer/hex value expected)"),
        ("set-tos 256", "expects a value between 0 and 255 (got 256)"),
        ("set-timeout", "expects exactly 2 arguments"),
        ("set-timeout server", "expects exactly 2 arguments"),
        ("set-timeout foo 1s", "'set-timeout' rule supports 'server'/'tunnel'/'client' (got 'foo')"),
        ("set-timeout server foo", "unexpected character 'f' in rule 'set-timeout server'"),
        ("set-timeout server 1x", "unexpected character 'x' in rule 'set-timeout server'"),
        ("set-timeout server 0", "null value is not valid for a 'set-timeout server' rule"),
        ("set-src", "missing fetch method"),
        ("set-src foo", "unknown fetch method 'foo'"),
    ],
)
def test_wrong_arguments_are_told(text: str, complaint: str) -> None:
    with pytest.raises(ParseError) as error:
        parse(text)
    assert str(error.value) == complaint


@pytest.mark.parametrize(
    ("text", "kind", "capability"),
    [
        ("set-timeout server 1s", "frontend", "backend"),
        ("set-timeout tunnel 1s", "frontend", "backend"),
        ("set-timeout client 1s", "backend", "frontend"),
        ("set-retries 3", "frontend", "backend"),
    ],
)
def test_a_proxy_without_that_side_is_told(text: str, kind: str, capability: str) -> None:
    spec: Any = parse(text)
    with pytest.raises(ParseError, match=f"proxy 'x' has no {capability} capability"):
        spec.attach(ProxySettings("x", kind))
    spec.attach(ProxySettings("x", "listen"))
