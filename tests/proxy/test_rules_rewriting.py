"""What rules write into a message can't make two messages of it, nor lines that the rule did not name."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

import lbcore
from tests.embedded import Client, balancer
from tests.peers.chaos import Chaos, read_request
from tests.peers.framing import read_head
from tests.peers.ports import HOST

VALUE = "%[req.hdr(x-in),url_dec]"
KEEP = "http-request set-var(txn.in) req.hdr(x-in),url_dec"
RULES = {
    "set-header": f"http-request set-header x-out a{VALUE}b",
    "add-header": f"http-request add-header x-out {VALUE}",
    "replace-header": rf"http-request replace-header x-old ^(.*)$ \\1{VALUE}",
    "replace-value": rf"http-request replace-value x-old ^(.*)$ \\1{VALUE}",
    "escapes": r"http-request replace-header x-old (.*) '\\1\\x0d\\x0aevil: 1'",
    "host": f"http-request set-header host {VALUE}",
    "method": f"http-request set-method {VALUE}",
    "path": f"http-request set-path /{VALUE}",
    "pathq": f"http-request set-pathq /{VALUE}",
    "query": f"http-request set-query {VALUE}",
    "uri": f"http-request set-uri {VALUE}",
    "replace-path": rf"http-request replace-path (.*) \\1{VALUE}",
    "replace-uri": rf"http-request replace-uri (.*) \\1{VALUE}",
    "length": f"http-request set-header content-length {VALUE}",
    "encoding": f"http-request set-header transfer-encoding {VALUE}",
    "response": f"{KEEP}\n http-response set-header x-out a%[var(txn.in)]b",
    "reason": f"{KEEP}\n http-response set-status 200 reason a%[var(txn.in)]b",
    "after": f"{KEEP}\n http-after-response set-header x-out a%[var(txn.in)]",
    "redirect": f"http-request redirect location /x{VALUE}",
    "prefix": f"http-request redirect prefix http://h{VALUE}",
    "return": f"http-request return status 200 hdr x-out {VALUE} content-type text/plain lf-string b",
    "early-hint": f"http-request early-hint link a{VALUE}b",
}  # fmt: skip
INJECTED = (
    "%0d%0aevil:%201", "%0aevil:%201", "%0devil:%201", "%00", "x%20y", "0",
    "%0d%0a%0d%0aGET /evil HTTP/1.1%0d%0aHost: e%0d%0a", "99", "chunked",
    "http://other/%0d%0aevil:%201", "HEAD", "CONNECT", "G(T", "%80%ff", "#", "%09", "a@b", "*",
)  # fmt: skip


class Recorder:
    """A server that keeps the heads and bodies of the requests that it is sent."""

    def __init__(self) -> None:
        self.seen: list[bytes] = []

    def __call__(self, connection: socket.socket) -> None:
        pending = b""
        while True:
            pending, request = read_request(connection, pending)
            if not request:
                if pending:
                    self.seen.append(pending)
                return
            self.seen.append(request)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


@pytest.fixture(scope="module")
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture(scope="module")
def rules(recorder: Recorder) -> Iterator[lbcore.LoadBalancer]:
    with Chaos(recorder) as server:
        frontends = "".join(
            f"frontend {name}\n bind {HOST}:0\n {rule}\n default_backend be\n" for name, rule in RULES.items()
        )
        text = (
            "defaults\n mode http\n timeout client 5s\n timeout server 5s\n timeout connect 5s\n"
            f"{frontends}backend be\n server s {HOST}:{server.port}\n"
        )
        with balancer(text) as lb:
            yield lb


def names(raw: bytes) -> list[bytes]:
    return [line.partition(b":")[0].strip().lower() for line in raw.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]]


@pytest.mark.parametrize("name", RULES)
def test_a_value_that_a_client_sends_makes_no_line_and_no_message(
    rules: lbcore.LoadBalancer, recorder: Recorder, name: str
) -> None:
    for value in INJECTED:
        recorder.seen.clear()
        with Client(rules, name) as client:
            client.send(f"POST /p?q HTTP/1.1\r\nHost: h\r\nX-In: {value}\r\nX-Old: o\r\n".encode())
            client.send(b"Content-Length: 5\r\nConnection: close\r\n\r\nhello")
            answer = client.rest()
        if name == "early-hint":
            hint, _, answer = answer.partition(b"\r\n\r\n")
            assert b"evil" not in names(hint + b"\r\n\r\n"), (value, hint)
        assert answer.count(b"HTTP/1.1 ") == 1, (value, answer)
        assert b"evil" not in names(answer), (value, answer)
        assert len(recorder.seen) <= 1, (value, recorder.seen)
        for request in recorder.seen:
            head = read_head(request)
            assert head is not None
            assert request[head.length :] == b"hello", (value, request)
            assert b"evil" not in names(request), (value, request)
            assert names(request).count(b"content-length") == 1, (value, request)
            assert b"transfer-encoding" not in names(request), (value, request)
            assert names(request).count(b"host") == 1, (value, request)


def test_the_target_and_host_never_differ(rules: lbcore.LoadBalancer, recorder: Recorder) -> None:
    for name, value in (("uri", "http://other:81/x"), ("host", "other:81")):
        recorder.seen.clear()
        with Client(rules, name) as client:
            client.send(f"GET http://h/p HTTP/1.1\r\nHost: h\r\nX-In: {value}\r\nConnection: close\r\n\r\n".encode())
            client.rest()
        (request,) = recorder.seen
        assert request.startswith(b"GET http://other:81/")
        assert b"\r\nhost: other:81\r\n" in request
