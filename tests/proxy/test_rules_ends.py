"""How streams end by what rules say: which connections are kept, what is logged, what servers see of who left."""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Iterator

import pytest

import lbcore
from tests.embedded import Client, balancer, until
from tests.peers.chaos import Chaos, read_request
from tests.peers.ports import HOST
from tests.peers.sinks import UdpSink

FRONT = """
    http-request set-var(txn.path) path
    http-request wait-for-body time 100ms if { path_beg /body }
    http-request tarpit if { path_beg /tarpit }
    http-request deny if { path_beg /deny }
    http-request reject if { path_beg /reject }
    http-request return status 204 if { path_beg /204 }
    http-request return content-type text/plain string hello hdr connection close if { path_beg /return-close }
    http-request return content-type text/plain string hello if { path_beg /return }
    http-request redirect location /x if { path_beg /redirect }
    http-response wait-for-body time 100ms if { var(txn.path) -m beg /answer-body }
    http-response deny if { var(txn.path) -m beg /answer-deny }
    http-response set-header connection close if { var(txn.path) -m beg /answer-close }
    http-after-response add-header connection Close if { var(txn.path) -m beg /after-close }
    http-after-response set-status 404 if { var(txn.path) -m beg /deny-404 }
"""


class Server:
    """Answers, or only half of what it announces if the path says so."""

    def __init__(self) -> None:
        self.touched = 0  # connections over which something came

    def __call__(self, connection: socket.socket) -> None:
        pending = b""
        while True:
            pending, request = read_request(connection, pending)
            self.touched += bool(request or pending)
            if not request:
                return
            half = request.split(b" ", 2)[1].startswith(b"/answer-body")
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\nok" % (9 if half else 2))


@pytest.fixture(scope="module")
def server() -> Server:
    return Server()


@pytest.fixture(scope="module")
def sink() -> Iterator[UdpSink]:
    with UdpSink() as found:
        yield found


@pytest.fixture(scope="module")
def rules(server: Server, sink: UdpSink) -> Iterator[lbcore.LoadBalancer]:
    with Chaos(server) as peer:
        text = f"""
global
    log {HOST}:{sink.port} local0
defaults
    mode http
    log global
    option httplog
    timeout client 5s
    timeout server 5s
    timeout connect 5s
    timeout tarpit 50ms
frontend fe
    bind {HOST}:0
    {FRONT}
    default_backend be
frontend buffering
    bind {HOST}:0
    option http-buffer-request
    timeout http-request 100ms
    default_backend be
frontend patient
    bind {HOST}:0
    timeout tarpit 60s
    http-request tarpit
backend be
    server s {HOST}:{peer.port}
"""
        with balancer(text) as lb:
            with Client(lb) as client:
                client.send(b"GET /ready HTTP/1.1\r\nHost: h\r\n\r\n")
                client.status()
            assert until(lambda: any(b"/ready" in line for line in sink.lines())), "behind the lines of the start"
            yield lb


def logged(sink: UdpSink, before: int) -> tuple[str, str]:
    """Status and termination state of the line that comes next."""
    assert sink.wait_for(before + 1, 10)
    found = re.search(rb" (-?\d+) \d+ - - (\S\S)-- ", sink.lines()[before])
    assert found is not None, sink.lines()[before]
    return found[1].decode(), found[2].decode()


KEPT = {
    "/": (200, "--"),
    "/deny": (403, "PR"),
    "/deny-404": (404, "PR"),
    "/tarpit": (500, "PT"),
    "/204": (204, "LR"),
    "/return": (200, "LR"),
    "/redirect": (302, "LR"),
    "/answer-deny": (502, "PH"),
    "/answer-body": (504, "sH"),
}
CLOSED = {
    "/return-close": (200, "LR"),
    "/answer-close": (200, "--"),
    "/after-close": (200, "--"),
}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        (method, path)
        for method in ("GET", "HEAD", "POST")
        for path in KEPT
        if (method, path) != ("HEAD", "/answer-body")  # there is none to wait for
        and (method, path) != ("POST", "/redirect")  # ends with the connection, as in HAProxy
    ],
)
def test_a_client_keeps_its_connection_whatever_the_verdict_was(
    rules: lbcore.LoadBalancer, sink: UdpSink, method: str, path: str
) -> None:
    status, term = KEPT[path]
    before = sink.count
    body = "Content-Length: 2\r\n\r\nhi" if method == "POST" else "\r\n"
    with Client(rules) as client:
        client.send(f"{method} {path} HTTP/1.1\r\nHost: h\r\n{body}".encode())
        client.send(b"GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        answer = client.rest()
    assert [int(code) for code in re.findall(rb"HTTP/1\.1 (\d+)", answer)] == [status, 200], answer
    assert logged(sink, before) == (str(status), term)
    assert sink.wait_for(before + 2, 10)


@pytest.mark.parametrize("path", CLOSED)
def test_a_response_that_says_close_is_the_last(rules: lbcore.LoadBalancer, sink: UdpSink, path: str) -> None:
    status, term = CLOSED[path]
    before = sink.count
    with Client(rules) as client:
        client.send(f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode() * 2)
        answer = client.rest()
    assert re.findall(rb"HTTP/1\.1 (\d+)", answer) == [b"%d" % status]
    assert answer.count(b"connection: close") == 1, answer
    assert logged(sink, before) == (str(status), term)


@pytest.mark.parametrize("name", ["fe", "buffering"])
@pytest.mark.parametrize("framing", ["Content-Length: 9\r\n\r\nhalf", "Transfer-Encoding: chunked\r\n\r\n9\r\nhalf"])
@pytest.mark.parametrize("how", ["late", "end", "reset"])
def test_a_body_that_is_waited_for_and_never_whole_reaches_no_server(
    rules: lbcore.LoadBalancer, server: Server, sink: UdpSink, name: str, framing: str, how: str
) -> None:
    before, touched = sink.count, server.touched
    with Client(rules, name) as client:
        client.send(f"POST /body HTTP/1.1\r\nHost: h\r\n{framing}".encode())
        if how == "late":
            assert client.status() == 408
        elif how == "end":
            client.socket.shutdown(socket.SHUT_WR)
            assert client.rest() == b""
        else:
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert logged(sink, before) == (("408", "cR") if how == "late" else ("-1", "CR"))
    assert server.touched == touched


@pytest.mark.parametrize("how", ["end", "reset"])
def test_a_tarpitted_client_that_leaves_is_logged_with_the_status_it_would_have_got(
    rules: lbcore.LoadBalancer, sink: UdpSink, how: str
) -> None:
    before = sink.count
    with Client(rules, "patient") as client:
        client.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        if how == "end":
            client.socket.shutdown(socket.SHUT_WR)
            assert client.status() == 500
        else:
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert logged(sink, before) == ("500", "PT")
