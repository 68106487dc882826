"""Replies that are made while they are sent: their framing, and that nobody makes what nobody takes."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

import lbcore
from lbcore.stats import services
from lbcore.stats.services import Answer, Service
from lbcore.stream.pieces import SIZE, pieces_of
from tests.embedded import PATIENCE, balancer, until

CONFIG = """
global
    nbthread 1
defaults
    mode http
    timeout client {client}
    timeout server 10s
    timeout connect 1s
frontend fe
    bind 127.0.0.1:0
    {rule}
    http-request use-service prometheus-exporter if {{ path /large }}
    http-request return status 200 content-type text/plain string fine
"""
PART = "0123456789abcdef" * 1024
PARTS = 4096  # of the large answer, 64 MiB in all: more than two sockets hold


class Source:
    """Makes the large answer, and knows how far it came."""

    def __init__(self, parts: int) -> None:
        self.parts = parts
        self.made = 0
        self.ended = 0

    def __iter__(self) -> Iterator[str]:
        try:
            for _ in range(self.parts):
                self.made += 1
                yield PART
        finally:
            self.ended += 1


class Broken(Source):
    """Can't make all of it."""

    def __iter__(self) -> Iterator[str]:
        yield from super().__iter__()
        raise ZeroDivisionError


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> Source:
    """What answers for /large."""
    return serving(monkeypatch, Source(PARTS))


def serving(monkeypatch: pytest.MonkeyPatch, found: Source) -> Source:
    def maker(*_: object) -> Service:
        return lambda query: Answer(200, "content-type: text/plain\r\n", found)

    monkeypatch.setitem(services.MAKERS, "prometheus-exporter", maker)
    return found


def running(*, client: str = "10s", rule: str = "") -> str:
    return CONFIG.format(client=client, rule=rule)


def dial(lb: lbcore.LoadBalancer) -> socket.socket:
    where = lb.address("fe")
    return socket.create_connection((where.host, where.port), timeout=PATIENCE)


def to_the_end(s: socket.socket) -> bytes:
    return b"".join(iter(lambda: s.recv(1 << 20), b""))


def request(path: str = "/large", *, method: str = "GET", version: str = "1.1", close: bool = True) -> bytes:
    fields = "Host: a\r\n" + ("Connection: close\r\n" if close else "")
    return f"{method} {path} HTTP/{version}\r\n{fields}\r\n".encode()


def answer(lb: lbcore.LoadBalancer, what: bytes) -> tuple[bytes, bytes]:
    """The head and what follows it, of a connection that ends."""
    with dial(lb) as s:
        s.sendall(what)
        head, _, rest = to_the_end(s).partition(b"\r\n\r\n")
    return head + b"\r\n", rest


def unchunked(body: bytes) -> bytes:
    """The payload of a whole chunked body."""
    found: list[bytes] = []
    at = 0
    while True:
        end = body.index(b"\r\n", at)
        size = int(body[at:end], 16)
        if not size:
            assert body[end:] == b"\r\n\r\n"
            return b"".join(found)
        found.append(body[end + 2 : end + 2 + size])
        at = end + 4 + size


def test_a_body_is_put_together_to_pieces() -> None:
    pieces = list(pieces_of(["x" * 1000] * 200))
    assert b"".join(piece for piece, _ in pieces) == b"x" * 200_000
    assert [more for _, more in pieces] == [True] * (len(pieces) - 1) + [False]
    assert max(len(piece) for piece, _ in pieces) < SIZE + 1000


@pytest.mark.parametrize("parts", [[], [""], ["", ""]])
def test_an_empty_body_is_one_piece(parts: list[str]) -> None:
    assert list(pieces_of(parts)) == [(b"", False)]


def test_a_small_answer_has_its_length(monkeypatch: pytest.MonkeyPatch) -> None:
    serving(monkeypatch, Source(1))
    with balancer(running()) as lb:
        head, body = answer(lb, request())
    assert f"content-length: {len(PART)}\r\n".encode() in head
    assert body == PART.encode()


def test_a_large_answer_is_chunked(source: Source) -> None:
    with balancer(running()) as lb:
        head, body = answer(lb, request())
    assert b"transfer-encoding: chunked\r\n" in head
    assert b"content-length" not in head
    assert unchunked(body) == PART.encode() * PARTS


def test_a_client_of_http_1_0_gets_no_chunks(source: Source) -> None:
    with balancer(running()) as lb:
        head, body = answer(lb, request(version="1.0"))
    assert b"transfer-encoding" not in head
    assert body == PART.encode() * PARTS


def test_a_rule_may_take_the_framing_out_of_the_head(source: Source) -> None:
    with balancer(running(rule="http-after-response del-header transfer-encoding")) as lb:
        head, body = answer(lb, request())
    assert b"transfer-encoding" not in head
    assert body == PART.encode() * PARTS


def test_the_connection_goes_on_after_a_large_answer(source: Source) -> None:
    with balancer(running()) as lb:
        _, rest = answer(lb, request(close=False) + request("/small"))
    first, _, second = rest.rpartition(b"HTTP/1.1 200 OK\r\n")
    assert len(unchunked(first)) == len(PART) * PARTS
    assert second.endswith(b"\r\n\r\nfine")


def test_a_head_request_has_only_the_beginning_made(source: Source) -> None:
    with balancer(running()) as lb:
        head, body = answer(lb, request(method="HEAD", close=False) + request("/small"))
        assert until(lambda: source.ended == 1)
    assert b"transfer-encoding: chunked\r\n" in head
    assert body.startswith(b"HTTP/1.1 200 OK\r\n")
    assert source.made < PARTS


def test_no_more_is_made_than_the_client_takes(source: Source) -> None:
    with balancer(running()) as lb, dial(lb) as s:
        s.sendall(request())
        s.recv(1000)
        reached = -1
        while reached != source.made:  # what the sockets between hold
            reached = source.made
            answer(lb, request("/small"))  # others are served meanwhile
        assert source.made < PARTS
        rest = to_the_end(s)
    assert source.made == PARTS
    assert rest.endswith(b"\r\n0\r\n\r\n")


def test_a_client_that_leaves_ends_the_making(source: Source) -> None:
    with balancer(running()) as lb:
        with dial(lb) as s:
            s.sendall(request())
            s.recv(1000)
        assert until(lambda: source.ended == 1)
    assert source.made < PARTS


def test_a_client_that_takes_nothing_is_left(source: Source) -> None:
    with balancer(running(client="200ms")) as lb, dial(lb) as s:
        s.sendall(request())
        assert until(lambda: source.ended == 1)
    assert source.made < PARTS


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_an_answer_that_can_t_be_completed_does_not_look_whole(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    serving(monkeypatch, Broken(64))
    with balancer(running()) as lb, dial(lb) as s:
        s.sendall(request(version=version))
        if version == "1.0":
            with pytest.raises(ConnectionResetError):
                to_the_end(s)
        else:
            assert not to_the_end(s).endswith(b"0\r\n\r\n")
