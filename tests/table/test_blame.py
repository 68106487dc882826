"""What the statuses of servers count as, for those whom their clients are tracked by."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.embedded import Client, balancer, config
from tests.peers.chaos import Chaos, read_request

STORED = "stick-table type ip size 10 store http_err_cnt,http_fail_cnt"
TELLS = "http-request return status 200 content-type a/b lf-string %[src_http_err_cnt]/%[src_http_fail_cnt]"


def as_asked(connection: socket.socket) -> None:
    """Answers with the status that stands in the target."""
    pending = b""
    while True:
        pending, request = read_request(connection, pending)
        if not request:
            return
        status = request.split(b" ", 2)[1][1:]
        connection.sendall(b"HTTP/1.1 %b Why\r\nContent-Length: 0\r\n\r\n" % status)


@pytest.fixture(scope="module")
def server() -> Iterator[Chaos]:
    with Chaos(as_asked) as peer:
        yield peer


def counts(server: Chaos, tracks: str, statuses: list[int], *settings: str) -> str:
    """`http_err_cnt/http_fail_cnt` after responses of these statuses."""
    front = [STORED, f"{TELLS} if {{ path /tell }}", tracks]
    with balancer(config(server.port, front=front, settings=settings)) as lb, Client(lb) as client:
        for status in statuses:
            client.ask(b"GET /%d HTTP/1.1\r\nHost: h\r\n\r\n" % status)
        return client.ask(b"GET /tell HTTP/1.1\r\nHost: h\r\n\r\n").decode()


each_way = pytest.mark.parametrize(
    "tracks", ["tcp-request connection track-sc0 src", "http-request track-sc0 src", "http-response track-sc0 src"]
)


@each_way
def test_codes_are_those_of_the_manual_unless_told(server: Chaos, tracks: str) -> None:
    assert counts(server, tracks, [200, 302, 400, 404, 499, 500, 501, 503, 505, 599, 600]) == "3/3"


@each_way
def test_codes_are_those_that_are_told(server: Chaos, tracks: str) -> None:
    told = ("http-err-codes 403 +503", "http-fail-codes -500 +501 +200")
    assert counts(server, tracks, [200, 403, 404, 500, 501, 503], *told) == "2/3"
