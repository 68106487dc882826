"""What the rules remember of streams and sessions is gone when those are, however they ended."""

from __future__ import annotations

import random
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress

import pytest

import lbcore
from lbcore.stream.decide import STREAMS
from lbcore.stream.txn import SESSIONS
from tests.embedded import Background, Client, balancer, until
from tests.peers.chaos import Chaos, read_request
from tests.peers.ports import HOST

ROUNDS = 100  # connections of each crowd
CROWDS = 8

FRONT = """
    option httplog
    log 127.0.0.1:9 local0
    capture request header host len 10
    capture response header x-status len 10
    tcp-request connection set-var(sess.seen) src
    tcp-request content set-var(txn.content) str(1)
    http-request set-var(sess.count) req.hdr(x-n)
    http-request set-var(txn.path) path
    http-request wait-for-body time 100ms if { path_beg /body }
    http-request pause 10ms if { path_beg /pause }
    http-request tarpit if { path_beg /tarpit }
    http-request deny if { path_beg /deny }
    http-request redirect location /elsewhere if { path_beg /redirect }
    http-request return status 200 content-type text/plain string hello if { path_beg /return }
    http-request reject if { path_beg /reject }
    http-request silent-drop if { path_beg /drop }
    http-request set-log-level silent if { path_beg /silent }
    http-request set-path %[req.hdr(x-bad),url_dec] if { path_beg /fail }
    http-response pause 10ms if { var(txn.path) -m beg /answer-pause }
    http-response wait-for-body time 100ms if { var(txn.path) -m beg /answer-body }
    http-response deny if { var(txn.path) -m beg /answer-deny }
    http-response return status 200 if { var(txn.path) -m beg /answer-return }
    http-response set-header x-path %[var(txn.path)]
    http-after-response set-header x-after %[var(sess.count)]
    use_backend nobody if { path_beg /nobody }
    use_backend retried if { path_beg /retried }
    use_backend gone if { path_beg /gone }
    default_backend be
"""
PATHS = (
    "/", "/body", "/pause", "/tarpit", "/deny", "/redirect", "/return", "/reject", "/drop", "/silent", "/fail",
    "/answer-pause", "/answer-body", "/answer-deny", "/answer-return", "/nobody", "/retried", "/gone", "/upgrade",
    "/reset", "/slow", "/status/503",
)  # fmt: skip


def configuration(port: int, closed: int) -> str:
    return f"""
global
    nbthread 2
defaults
    mode http
    timeout client 3s
    timeout server 3s
    timeout connect 200ms
    timeout queue 200ms
    timeout tarpit 20ms
    timeout tunnel 1s
frontend fe
    bind {HOST}:0
    {FRONT}
backend be
    http-request set-var(txn.backend) be_name
    cookie SRV insert indirect
    server s1 {HOST}:{port} cookie one
backend retried
    retry-on all-retryable-errors 503
    retries 2
    option redispatch 1
    server s1 {HOST}:{port}
    server s2 {HOST}:{port}
backend gone
    retries 1
    server s1 {HOST}:{closed}
backend nobody
"""


def serve(connection: socket.socket) -> None:
    """Answers by the path: in all the ways in which servers do and don't."""
    pending = b""
    while True:
        pending, request = read_request(connection, pending)
        if not request:
            return
        path = request.split(b" ", 2)[1]
        if path.startswith(b"/reset"):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return
        if path.startswith(b"/upgrade"):
            connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
            with suppress(OSError):
                connection.sendall(connection.recv(100))
            return
        if path.startswith((b"/slow", b"/answer-body")):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
            return
        status = b"503 No" if path.startswith((b"/status/503", b"/retried")) else b"200 OK"
        connection.sendall(b"HTTP/1.1 %b\r\nX-Status: yes\r\nContent-Length: 2\r\n\r\nok" % status)


def request_of(chance: random.Random) -> bytes:
    path = chance.choice(PATHS)
    fields = [f"Host: h{chance.randrange(9)}", f"X-N: {chance.randrange(99)}", "X-Bad: a%20b"]
    if path == "/upgrade":
        fields += ["Connection: upgrade", "Upgrade: x"]
    method, body = "GET", b""
    if path == "/body" or chance.random() < 0.2:
        method, body = "POST", b"x" * chance.randrange(50)
        announced = len(body) + (chance.random() < 0.2) * 9
        if chance.random() < 0.3:
            fields.append("Transfer-Encoding: chunked")
            body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"
            body = body[: chance.choice((len(body), 3))]
        else:
            fields.append(f"Content-Length: {announced}")
        if chance.random() < 0.2:
            fields.append("Expect: 100-continue")
    return "\r\n".join([f"{method} {path} HTTP/1.1", *fields, "", ""]).encode() + body


def converse(lb: lbcore.LoadBalancer, chance: random.Random) -> None:
    """One connection with some requests, pipelined or not, that ends in any way."""
    with Client(lb) as client, suppress(OSError):
        client.socket.settimeout(0.4)
        for _ in range(chance.randrange(1, 5)):
            client.send(request_of(chance) * chance.choice((1, 1, 1, 3)))
            if chance.random() < 0.7:
                client.socket.recv(65536)
            if chance.random() < 0.1:
                client.send(b"GET /half")
        if chance.random() < 0.3:
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif chance.random() < 0.3:
            client.socket.shutdown(socket.SHUT_WR)
            client.socket.recv(65536)


@pytest.fixture
def rules() -> Iterator[lbcore.LoadBalancer]:
    with socket.create_server((HOST, 0)) as closed:
        port = closed.getsockname()[1]
    with Chaos(serve) as server, balancer(configuration(server.port, port)) as lb:
        yield lb


def remembered(lb: lbcore.LoadBalancer) -> list[int]:
    """How many streams and sessions each worker keeps."""
    return [len(worker.local[table]) for worker in lb.crew.workers for table in (STREAMS, SESSIONS)]


def test_nothing_is_remembered_of_streams_and_sessions_that_ended(rules: lbcore.LoadBalancer) -> None:
    seeds = [random.Random(seed) for seed in range(CROWDS)]

    def crowd(chance: random.Random) -> None:
        for _ in range(ROUNDS):
            converse(rules, chance)

    crowds = [Background(lambda chance=chance: crowd(chance)) for chance in seeds]  # type: ignore[misc]
    assert until(lambda: any(remembered(rules))), "rules that remember nothing prove nothing"
    for one in crowds:
        one.join(60)
    assert until(lambda: not any(remembered(rules)), 10), [
        (worker.local[STREAMS], worker.local[SESSIONS]) for worker in rules.crew.workers
    ]
