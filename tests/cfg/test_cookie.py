"""Cookies of backends and servers, as settings. Wrong lines stand in the golden files."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from lbcore.base.address import Address
from lbcore.cfg.kw_cookie import dynamic_cookie
from lbcore.cfg.loader import load
from lbcore.proxy.settings import CaptureSlot, CookieCapture, PersistenceCookie, ProxySettings, ServerSettings
from tests.peers.haproxy import Balancer, debian_haproxy
from tests.peers.ports import HOST, free_port, release_port

PATIENCE = 5.0


def backend(*lines: str) -> ProxySettings:
    text = "backend b\n    mode http\n    timeout server 1s\n    timeout connect 1s\n"
    found, diagnostics = load([("lb.cfg", text + "".join(f"    {line}\n" for line in lines))], env={})
    assert not diagnostics.messages, [message.text for message in diagnostics.messages]
    return found.proxies[0]


def test_all_options_of_a_cookie() -> None:
    line = (
        "cookie SRV insert indirect nocache postonly preserve httponly secure domain .a.com domain .b.com maxidle 30m "
        "maxlife 8h dynamic attr SameSite=Lax attr Foo"
    )
    assert backend(line).cookie == PersistenceCookie(
        "SRV",
        "insert",
        True,
        True,
        True,
        True,
        True,
        True,
        True,
        (".a.com", ".b.com"),
        ("SameSite=Lax", "Foo"),
        1800,
        28800,
    )


def test_the_last_line_counts() -> None:
    assert backend("cookie A insert secure", "cookie B prefix").cookie == PersistenceCookie("B", "prefix")


def test_a_server_names_itself() -> None:
    found = backend("default-server cookie d", "server s1 127.0.0.1:80", "server s2 127.0.0.1:81 cookie c2")
    assert [server.cookie for server in found.servers] == ["d", "c2"]


def test_captures_take_their_slots_in_order() -> None:
    text = """
frontend f
    mode http
    bind :80
    timeout client 1s
    capture request header Host len 10
    declare capture request len 5
    capture request header User-Agent len 20
    capture response header Server len 7
    capture cookie ASP len 12
"""
    found = load([("lb.cfg", text)], env={})[0].proxies[0]
    assert list(found.captures_request) == [CaptureSlot(10, "Host"), CaptureSlot(5), CaptureSlot(20, "User-Agent")]
    assert list(found.captures_response) == [CaptureSlot(7, "Server")]
    assert found.capture_cookie == CookieCapture("ASP", 12)


# --- dynamic cookies ---

HOSTS = ("127.0.0.1", "127.0.0.2", "[::1]")
KEY = "s\u00e9cret"


@pytest.fixture(scope="module")
def theirs() -> Iterator[list[str]]:
    """The cookies that a real HAProxy makes of a key and of servers, as its statistics show them."""
    haproxy = debian_haproxy()
    if haproxy is None:
        pytest.skip("haproxy is not installed")
    port = free_port()
    servers = "".join(f'    server s{n} "{host}:8{n}"\n' for n, host in enumerate(HOSTS))
    text = f"""
global
    stats socket "${{STATS}}" level admin
defaults
    mode http
    timeout client 5s
    timeout connect 5s
    timeout server 5s
frontend fe
    bind "{HOST}:${{FE}}"
    default_backend be
backend be
    cookie SRV insert dynamic
    dynamic-cookie-key {KEY}
{servers}"""
    with Balancer(haproxy, text, {"FE": port}) as running:
        yield [running.stat("be", f"s{n}")["cookie"] for n in range(len(HOSTS))]
    release_port(port)


def test_dynamic_cookies_are_haproxys(theirs: list[str]) -> None:
    family = {True: socket.AF_INET6, False: socket.AF_INET}
    servers = [
        ServerSettings("s", Address(family[":" in host], host.strip("[]"), 80 + n)) for n, host in enumerate(HOSTS)
    ]
    assert [dynamic_cookie(KEY, server) for server in servers] == theirs


def test_servers_without_ip_have_no_dynamic_cookie() -> None:
    assert dynamic_cookie("key", ServerSettings("s", Address(socket.AF_UNIX, "/run/s"))) is None


def test_a_cookie_of_its_own_goes_before_a_dynamic_one() -> None:
    found = backend(
        "cookie SRV insert dynamic",
        "dynamic-cookie-key k",
        "server s1 127.0.0.1:80 cookie mine",
        "server s2 127.0.0.1:81",
    )
    assert found.servers[0].cookie == "mine"
    assert len(found.servers[1].cookie or "") == 16


def test_servers_that_can_not_be_told_apart_are_refused() -> None:
    text = """
backend b
    mode http
    cookie SRV insert dynamic
    dynamic-cookie-key k
    server s1 127.0.0.1:80
    server s2 127.0.0.1:80
"""
    diagnostics = load([("lb.cfg", text)], env={})[1]
    assert diagnostics.errors == 1
    assert any("We generated two equal cookies for two different servers." in one.text for one in diagnostics.messages)
