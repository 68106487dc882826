"""A balancer with a `peers` section, and peers that are played by the test: who is welcome, and what comes of it."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import pytest

import lbcore
from lbcore.peers.codec import About, Class, Control, Messages, hello, message, number
from lbcore.peers.section import Section
from lbcore.peers.session import FULL
from tests.embedded import PATIENCE, cli, until
from tests.peering.pair import AT_ONCE, get, put
from tests.peers.ports import HOST, free_port, release_port
from tests.peers.sinks import UdpSink

KEY = b"\1\2\3\4"
LARGEST = 15360


@contextmanager
def balancer(peer: str = "peer you", lines: str = "", nbthread: int = 1) -> Iterator[tuple[lbcore.LoadBalancer, int]]:
    """lbcore as peer "me" of "you", and the port where it listens for peers."""
    port = free_port()
    text = f"""
global
    nbthread {nbthread}
    localpeer me
{lines}
peers mp
    peer me {HOST}:{port}
    {peer}
backend t
    stick-table type ip size 100k expire 1m store conn_cnt peers mp
backend long
    stick-table type string len 1000 size 100k store conn_cnt peers mp
frontend fe
    mode http
    timeout client 5s
    bind {HOST}:0
"""
    try:
        with lbcore.LoadBalancer(text) as lb:
            yield lb, port
    finally:
        release_port(port)


class Caller:
    """A peer that calls, and says what the test tells it to."""

    def __init__(self, port: int, greeting: bytes = hello("me", "you", 1)) -> None:
        self.socket = socket.create_connection((HOST, port), timeout=PATIENCE)
        self.socket.sendall(greeting)
        self._messages = Messages(LARGEST)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def line(self) -> bytes:
        """The status."""
        found = b""
        while not found.endswith(b"\n"):
            data = self.socket.recv(1)
            if not data:
                break
            found += data
        return found

    def say(self, *messages: bytes) -> None:
        self.socket.sendall(b"".join(messages))

    def hear(self, kind: Class, type_: int) -> bytes:
        """The body of the next message of a type."""
        while data := self.socket.recv(65536):
            for one in self._messages.feed(data):
                if (one.kind, one.type) == (kind, type_):
                    return one.body
        raise AssertionError("the connection was closed")

    def is_closed(self) -> bool:
        """Whether the other end closes it; what it still says is thrown away."""
        try:
            while self.socket.recv(65536):
                pass
        except ConnectionResetError:
            pass
        return True


def section(lb: lbcore.LoadBalancer) -> Section:
    assert lb.peers is not None
    return lb.peers.sections[0]


def update(key: bytes, count: int) -> bytes:
    define = b"".join((number(9), number(1), b"t", *map(number, (4, 4, 1 << 4, 60000))))
    return message(Class.TABLE, About.DEFINE, define) + message(
        Class.TABLE, About.UPDATE, (7).to_bytes(4, "big") + key + number(count)
    )


@pytest.mark.parametrize(
    ("greeting", "status"),
    [
        (hello("me", "you", 1), 200),
        (b"HAProxyS 2.0\nme\nyou 1 1\n", 200),
        (b"GET / HTTP/1.1\nHost: me\n\n", 501),
        (b"x" * 5000, 501),
        (b"HAProxyS 3.0\nme\nyou 1 1\n", 502),
        (hello("someone", "you", 1), 503),
        (hello("me", "nobody", 1), 504),
    ],
)
def test_says_who_is_welcome(greeting: bytes, status: int) -> None:
    with balancer() as (lb, port), Caller(port, greeting) as caller:
        assert caller.line() == b"%d\n" % status
        if status != 200:
            assert caller.is_closed()
            assert section(lb).refused == 1


def test_learns_and_says_so_and_teaches() -> None:
    with balancer() as (lb, port), Caller(port) as caller:
        assert lb.tables is not None
        table = lb.tables.find("t")
        assert table is not None
        assert caller.line() == b"200\n"
        caller.say(update(KEY, 5))
        assert caller.hear(Class.TABLE, About.ACK) == number(9) + (7).to_bytes(4, "big")
        assert get(table, KEY) == 5
        put(table, b"\4\3\2\1", conn_cnt=8)
        assert caller.hear(Class.TABLE, About.TIMED).endswith(b"\4\3\2\1\x08")


def test_asks_for_everything_at_the_start_and_is_content_once_it_has_it() -> None:
    with balancer() as (lb, port), Caller(port) as caller:
        caller.line()
        caller.hear(Class.CONTROL, Control.RESYNC_REQUEST)
        assert not section(lb).is_whole
        caller.say(update(KEY, 5), message(Class.CONTROL, Control.RESYNC_FINISHED))
        caller.hear(Class.CONTROL, Control.RESYNC_CONFIRM)
        assert section(lb).is_whole


def test_the_connection_that_was_opened_last_stays() -> None:
    with balancer() as (lb, port), Caller(port) as first:
        assert first.line() == b"200\n"
        with Caller(port) as second:
            assert second.line() == b"200\n"
            assert first.is_closed()
            second.say(update(KEY, 5))
            second.hear(Class.TABLE, About.ACK)
            assert section(lb).peers[0].collisions == 1


def test_calls_a_peer_and_calls_again_when_it_is_gone() -> None:
    with socket.create_server((HOST, 0)) as listener:
        listener.settimeout(PATIENCE)
        with balancer(f"peer you {HOST}:{listener.getsockname()[1]}") as (lb, _):
            for _ in range(2):
                one, _ = listener.accept()
                with one:
                    one.settimeout(PATIENCE)
                    said = one.recv(1000)
                    assert said.startswith(b"HAProxyS 2.1\nyou\nme ")
                    one.sendall(b"200\n")
                    assert until(lambda: section(lb).peers[0].session is not None)
            assert until(lambda: section(lb).peers[0].session is None)
            assert section(lb).peers[0].connections == 2


def test_calls_with_the_older_version_who_does_not_know_the_newer() -> None:
    with socket.create_server((HOST, 0)) as listener:
        listener.settimeout(PATIENCE)
        with balancer(f"peer you {HOST}:{listener.getsockname()[1]}"):
            for version in (b"2.1", b"2.0"):
                one, _ = listener.accept()
                with one:
                    assert one.recv(1000).startswith(b"HAProxyS " + version)
                    one.sendall(b"502\n")


@pytest.mark.parametrize("answer", [b"300\n", b"504\n", b"what?\n", b"x" * 5000, b""])
def test_a_peer_that_sends_us_away_is_called_later(answer: bytes) -> None:
    with socket.create_server((HOST, 0)) as listener:
        listener.settimeout(PATIENCE)
        with balancer(f"peer you {HOST}:{listener.getsockname()[1]}") as (lb, _):
            one, _ = listener.accept()
            with one:
                one.recv(1000)
                one.sendall(answer)
                one.shutdown(socket.SHUT_WR)
                assert until(lambda: section(lb).peers[0].link is None)
            assert section(lb).peers[0].calls_at is not None


def test_what_makes_no_sense_closes_the_connection_and_is_counted() -> None:
    with balancer() as (lb, port), Caller(port) as caller:
        caller.line()
        caller.say(message(Class.TABLE, About.UPDATE, b"nonsense"))
        assert caller.is_closed()
        assert until(lambda: section(lb).peers[0].faults == 1)


def test_garbage_brings_nobody_down() -> None:
    chance = random.Random(7)
    with balancer() as (lb, port):
        for _ in range(40):
            with Caller(port, hello("me", "you", 1) if chance.random() < 0.8 else chance.randbytes(40)) as caller:
                pieces = [update(KEY, 1), chance.randbytes(chance.randrange(60)), b"\x0a\x82\xff\xff\xff"]
                caller.say(*chance.choices(pieces, k=5))
                caller.socket.shutdown(socket.SHUT_WR)
                assert caller.is_closed()
        with Caller(port) as caller:
            assert caller.line() == b"200\n"
            caller.say(update(KEY, 6))
            caller.hear(Class.TABLE, About.ACK)
        assert lb.tables is not None
        table = lb.tables.find("t")
        assert table is not None
        assert get(table, KEY) == 6


def test_a_peer_that_does_not_read_costs_little_and_is_told_later() -> None:
    count, length = 20_000, 1000  # more than the kernel's buffers take
    with balancer() as (lb, port), Caller(port) as caller:
        assert lb.tables is not None
        table = lb.tables.find("long")
        assert table is not None
        caller.line()
        for which in range(count):
            put(table, f"{which:0{length}}".encode(), conn_cnt=1)
        session, share = section(lb).peers[0].session, section(lb).peers[0].shares[1]
        assert session is not None
        assert until(lambda: session.full)
        taught = share.taught
        assert taught < count
        assert session.waiting < FULL + AT_ONCE * 2 * length
        messages, heard = Messages(LARGEST), 0
        while heard < count:
            found = list(messages.feed(caller.socket.recv(65536)))
            heard += sum(one.type in (About.TIMED, About.TIMED_INCREMENTAL) for one in found)


@pytest.mark.parametrize("nbthread", [1, 2])
def test_a_soft_stop_does_not_wait_for_peers(nbthread: int) -> None:
    with balancer(nbthread=nbthread) as (lb, port), Caller(port) as caller:
        assert caller.line() == b"200\n"
        lb.soft_stop()
        assert lb.wait(PATIENCE)
        assert caller.is_closed()


def test_tells_its_log_who_comes_and_goes() -> None:
    with (
        UdpSink() as sink,
        balancer(f"peer you\n    log {HOST}:{sink.port} local0") as (_, port),
        Caller(port) as caller,
    ):
        caller.line()
        caller.socket.close()
        assert until(lambda: any(b"Peer mp/you is gone." in line for line in sink.lines()))
        assert any(b"Peer mp/you is connected." in line for line in sink.lines())


def test_shows_its_peers(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with balancer(lines=f"    stats socket {path} level user") as (_, port), Caller(port) as caller:
        caller.line()
        caller.say(update(KEY, 5))
        caller.hear(Class.TABLE, About.ACK)
        shown = cli(path, "show peers")
        assert " id=mp disabled=0 flags=0x5 resync_timeout=" in shown
        assert " id=you(remote,active) addr=- last_status=ESTA last_hdshk=0s\n" in shown
        assert f" id=me(local,inactive) addr={HOST}:{port} last_status=NONE" in shown
        assert " local_id=1 remote_id=9 flags=0x0 remote_data=0x10\n" in shown
        assert " last_acked=7 last_pushed=" in shown
        assert cli(path, "show peers mp") == shown or "id=mp" in cli(path, "show peers - mp")
        assert "RX dictionary cache:" in cli(path, "show peers dict mp")
        assert cli(path, "show peers none").strip() == "No such peers"
