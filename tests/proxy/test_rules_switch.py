"""Connections of mode tcp that go on in mode http (`switch-mode`), and responses that rules of contents look at."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

import lbcore
from lbcore.stream.decide import STREAMS
from lbcore.stream.txn import SESSIONS
from tests.embedded import Client, balancer, until
from tests.peers.chaos import Chaos, read_request
from tests.peers.ports import HOST

HEAD = "HTTP/1.1 200 OK\r\nx-kind: {}\r\ncontent-length: {}\r\n\r\n"


def echo(connection: socket.socket) -> None:
    """Answers each request with its head; X-Kind is what the last part of the path says."""
    pending = b""
    while True:
        pending, request = read_request(connection, pending)
        if not request:
            return
        body = request.partition(b"\r\n\r\n")[0]
        kind = body.split(b" ")[1].rpartition(b"/")[2].decode()
        connection.sendall(HEAD.format(kind, len(body)).encode() + body)


@pytest.fixture(scope="module")
def running() -> Iterator[lbcore.LoadBalancer]:
    with (
        Chaos(echo) as server,
        balancer(f"""
global
    nbthread 2
defaults
    timeout client 20s
    timeout server 20s
    timeout connect 20s
    timeout http-request 20s
frontend switching
    mode tcp
    bind {HOST}:0
    tcp-request inspect-delay 20s
    tcp-request content set-var(txn.first) req.payload(0,4)
    tcp-request content set-var(sess.first) req.payload(0,4)
    tcp-request content switch-mode http if HTTP
    use_backend web
frontend inspecting
    mode http
    bind {HOST}:0
    default_backend inspected
backend web
    mode http
    http-request set-header x-first "%[var(txn.first)]|%[var(sess.first)]|%[path]"
    http-response set-header x-path "%[capture.req.uri]"
    server s1 {HOST}:{server.port}
backend inspected
    mode http
    tcp-response inspect-delay 20s
    tcp-response content reject if {{ res.hdr(x-kind) bad }}
    tcp-response content set-var(res.seen) res.hdr(x-kind)
    http-response set-header x-seen "%[var(res.seen)]"
    server s1 {HOST}:{server.port}
""") as lb,
    ):
        yield lb


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode()


def head(lb: lbcore.LoadBalancer, name: str, path: str) -> bytes:
    with Client(lb, name) as client:
        client.send(f"GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode())
        return client.rest().partition(b"\r\n\r\n")[0] + b"\r\n"


def test_variables_of_the_connection_stay_with_its_first_request(running: lbcore.LoadBalancer) -> None:
    with Client(running, "switching") as client:
        client.send(get("/a"))
        status, body = client.response()
        assert (status, body.split(b"\r\n")[-1]) == (200, b"x-first: GET |GET |/a")
        client.send(get("/b"))
        status, body = client.response()
        assert (status, body.split(b"\r\n")[-1]) == (200, b"x-first: |GET |/b")


def test_nothing_is_kept_of_connections_that_are_over(running: lbcore.LoadBalancer) -> None:
    head(running, "switching", "/a")
    with Client(running, "switching") as client:
        client.send(b"GET /")  # enough to be switched
    workers = running.crew.workers
    assert until(lambda: not any(len(one.local[table]) for one in workers for table in (STREAMS, SESSIONS)))


def test_rules_of_responses_run_for_what_was_switched(running: lbcore.LoadBalancer) -> None:
    assert b"x-path: /a\r\n" in head(running, "switching", "/a")


def test_rules_of_contents_see_responses_in_mode_http(running: lbcore.LoadBalancer) -> None:
    assert b"x-seen: fine\r\n" in head(running, "inspecting", "/fine")


def test_a_response_that_is_rejected_ends_the_connection_without_a_byte(running: lbcore.LoadBalancer) -> None:
    with Client(running, "inspecting") as client:
        client.send(get("/bad"))
        assert client.rest() == b""
