"""The scanner and HAProxy 2.6 give the same verdict, but for the rows that say why not."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator

import pytest

from tests.http.rows import REQUESTS, RESPONSES, UNSTEADY, Row
from tests.peers.haproxy import Balancer, debian_haproxy
from tests.peers.ports import HOST, free_port, release_port

SECONDS = 10.0
CONFIG = """\
global
    nbthread 1
    stats socket "${STATS}" level admin
defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
listen main
    bind "127.0.0.1:${FE}"
    server one "127.0.0.1:${BE}"
"""
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
NUMBER = re.compile(rb"/response/(\d+) ")


class Server:
    """Answers every request once it is whole; GET /response/<n> with the n-th row of RESPONSES. Owns its threads."""

    def __init__(self) -> None:
        self._listener = socket.create_server((HOST, 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    def close(self) -> None:
        """Ends the listener; connections end with their clients."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._acceptor.join(SECONDS)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            connection.settimeout(SECONDS)
            try:
                connection.sendall(self._answer(self._request(connection)))
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass
            except OSError:
                pass

    def _request(self, connection: socket.socket) -> bytes:
        """The request with its chunked body. A body with a length, or behind CONNECT, is not waited for."""
        data = b""
        while True:
            head, end, body = data.partition(b"\r\n\r\n")
            bodiless = head.startswith(b"CONNECT") or b"chunked" not in head.lower()
            if end and (bodiless or body.endswith(b"\r\n\r\n")):
                return data
            piece = connection.recv(65536)
            if not piece:
                raise ConnectionResetError
            data += piece

    def _answer(self, request: bytes) -> bytes:
        number = NUMBER.search(request)
        return RESPONSES[int(number[1])].text if number else ANSWER


def status(port: int, request: bytes) -> int:
    """The status with which `request` is answered; 0 if it is not."""
    with socket.create_connection((HOST, port), SECONDS) as client:
        client.sendall(request)
        answer = b""
        while b"\r\n" not in answer:
            piece = client.recv(65536)
            if not piece:
                return 0
            answer += piece
    return int(answer.split()[1])


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The port of an HAProxy in front of the server."""
    program = debian_haproxy()
    if program is None:
        pytest.skip("haproxy is not installed")
    server, front = Server(), free_port()
    try:
        with Balancer(program, CONFIG, {"FE": front, "BE": server.port}):
            yield front
    finally:
        server.close()
        release_port(front)


def check(row: Row, accepted: bool) -> None:
    """HAProxy agrees with the row, or the row knows that it does not."""
    agrees = accepted == (not row.error)
    assert agrees != bool(row.haproxy), f"HAProxy {'accepts' if accepted else 'refuses'} it; the row says {row}"


@pytest.mark.parametrize("name", [name for name, row in REQUESTS.items() if row.haproxy != UNSTEADY])
def test_haproxy_gives_a_request_the_same_verdict_or_the_row_says_why(port: int, name: str) -> None:
    row = REQUESTS[name]
    check(row, status(port, row.text) == 200)


@pytest.mark.parametrize("number", range(len(RESPONSES)), ids=lambda number: RESPONSES[number].name)
def test_haproxy_gives_a_response_the_same_verdict_or_the_row_says_why(port: int, number: int) -> None:
    answer = status(port, b"GET /response/%d HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" % number)
    check(RESPONSES[number], answer != 502)
