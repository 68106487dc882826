"""Bytes are counted once on what a stream tracks, whatever becomes of it."""

from __future__ import annotations

import socket
from itertools import count

from tests.embedded import Client, balancer, config
from tests.peers.chaos import Chaos, read_request

STORED = "stick-table type ip size 10 store bytes_in_cnt,bytes_in_rate(1h),bytes_out_cnt"
TELLS = (
    "http-request return status 200 content-type a/b lf-string "
    "%[src,table_bytes_in_rate(NAME)],%[src,table_kbytes_in(NAME)],%[src,table_kbytes_out(NAME)] if { path /tell }"
)
SENT = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5000
ASKS = b"GET /tell HTTP/1.1\r\nHost: h\r\n\r\n"
REPLY = b"HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n" + b"y" * 3000


class Weary:
    """A server that closes its first connections without an answer."""

    def __init__(self, connections: int) -> None:
        self._closes = connections
        self._served = count()

    def __call__(self, connection: socket.socket) -> None:
        pending = b""
        weary = next(self._served) < self._closes
        while True:
            pending, request = read_request(connection, pending)
            if not request or weary:
                return
            connection.sendall(REPLY)


def test_a_request_that_is_sent_again_is_counted_once() -> None:
    # The second attempt began with less than the first had sent: a difference below 0 was the largest number there is.
    front = [STORED, TELLS.replace("NAME", "fe"), "http-request track-sc0 src"]
    with (
        Chaos(Weary(2)) as server,
        balancer(config(server.port, front=front, back=["retries 3", "retry-on empty-response"])) as lb,
        Client(lb) as client,
    ):
        assert len(client.ask(SENT)) == 3000
        rate, kbytes_in, kbytes_out = client.ask(ASKS).decode().split(",")
    assert 5000 < int(rate) < 5100
    assert (kbytes_in, kbytes_out) == ("4", "2")


def test_what_is_tracked_late_has_all_of_the_stream() -> None:
    # What others had counted of the request before was lost.
    front = [STORED, TELLS.replace("NAME", "be"), "http-request track-sc0 src"]
    back = [STORED, "http-response track-sc1 src table be"]
    with Chaos(Weary(0)) as server, balancer(config(server.port, front=front, back=back)) as lb, Client(lb) as client:
        assert len(client.ask(SENT)) == 3000
        assert client.ask(ASKS).decode().split(",")[1:] == ["4", "2"]
