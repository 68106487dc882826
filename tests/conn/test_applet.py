"""Applets: objects of ours at the other end of a client's connection."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import lbcore
from lbcore.conn.applet import Outlet
from tests.embedded import PATIENCE, config, until
from tests.peers.ports import HOST
from tests.thread.crew import crew

BIG = 4 << 20  # more than sockets on the way can hold


class Echo:
    """Sends back what comes, ends when the client does, and notes what it was told."""

    def __init__(self, outlet: Outlet) -> None:
        self.outlet = outlet
        self.calls: list[str] = []
        self.thread = threading.current_thread()
        self.gone = threading.Event()

    def received(self, data: bytes) -> None:
        self.calls.append("received")
        self.outlet.put(data)

    def ended(self) -> None:
        self.calls.append("ended")
        self.outlet.end()

    def drained(self) -> None:
        self.calls.append("drained")

    def closed(self) -> None:
        self.calls.append("closed")
        self.gone.set()


@contextmanager
def serving(
    bind: str, make: Callable[[Outlet], Echo], *, nbthread: int = 1, more: tuple[str, ...] = ()
) -> Iterator[tuple[lbcore.LoadBalancer, list[Echo]]]:
    """A balancer whose stats socket at `bind` is served by applets that `make` makes; they are in the list."""
    lb = lbcore.LoadBalancer(config(nbthread=nbthread, settings=[f"stats socket {bind}", "stats maxconn 100", *more]))
    made: list[Echo] = []

    def factory(outlet: Outlet) -> Echo:
        applet = make(outlet)
        made.append(applet)
        return applet

    lb.bind()
    *_, listener = lb.all_listeners()
    lb.applets.serve(listener.index, factory)
    with lb:
        yield lb, made


@contextmanager
def connected(path: Path) -> Iterator[socket.socket]:
    """A client."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(PATIENCE)
        client.connect(str(path))
        yield client


def receive(client: socket.socket, count: int) -> bytes:
    """So many bytes, or what comes before the end."""
    data = b""
    while len(data) < count and (more := client.recv(1 << 20)):
        data += more
    return data


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "applet"


def test_bytes_go_both_ways(path: Path) -> None:
    with serving(str(path), Echo) as (_, made), connected(path) as client:
        for text in (b"one", b"two", b"x" * 100_000):
            client.sendall(text)
            assert receive(client, len(text)) == text
        assert len(made) == 1


def test_end_of_the_client_is_told_and_what_was_put_still_arrives(path: Path) -> None:
    with serving(str(path), Echo) as (_, made), connected(path) as client:
        client.sendall(b"last words")
        client.shutdown(socket.SHUT_WR)
        assert receive(client, 1000) == b"last words"
        assert made[0].gone.wait(PATIENCE)
        assert made[0].calls[0] == "received"
        assert made[0].calls[-2:] in (["ended", "closed"], ["drained", "closed"])
        assert made[0].calls.count("ended") == 1


def test_closed_is_the_last_call_and_comes_once(path: Path) -> None:
    with serving(str(path), Echo) as (lb, made):
        with connected(path) as client:
            client.sendall(b"x")
            receive(client, 1)
        assert made[0].gone.wait(PATIENCE)
        assert made[0].calls[-1] == "closed"
        assert made[0].calls.count("closed") == 1
        assert until(lambda: lb.crew.workers[0].local["applets"] == {})


def test_large_answer_is_sent_as_it_is_read_and_its_end_told(path: Path) -> None:
    class Generous(Echo):
        def received(self, data: bytes) -> None:
            self.waiting = self.outlet.put(bytes(BIG))

    with serving(str(path), Generous) as (_, made), connected(path) as client:
        client.sendall(b"please")
        assert len(receive(client, BIG)) == BIG
        assert until(lambda: "drained" in made[0].calls)
        assert made[0].waiting > 0  # type: ignore[attr-defined]


def test_connection_that_was_ended_is_closed_after_the_rest(path: Path) -> None:
    class Greeter(Echo):
        def received(self, data: bytes) -> None:
            self.outlet.put(bytes(BIG))
            self.outlet.end()

    with serving(str(path), Greeter), connected(path) as client:
        client.sendall(b"hello")
        client.sendall(b"and more that nobody wants")
        assert len(receive(client, BIG + 1)) == BIG


def test_greeting_may_be_put_before_the_client_speaks(path: Path) -> None:
    class Polite(Echo):
        def __init__(self, outlet: Outlet) -> None:
            super().__init__(outlet)
            outlet.put(b"220 ready\r\n")

    with serving(str(path), Polite), connected(path) as client:
        assert receive(client, 11) == b"220 ready\r\n"


def test_outlet_of_a_connection_that_is_gone_says_so(path: Path) -> None:
    with serving(str(path), Echo) as (lb, made):
        with connected(path) as client:
            client.sendall(b"x")
            receive(client, 1)
        assert made[0].gone.wait(PATIENCE)
        told: list[str] = []
        done = threading.Event()

        def late(why: int) -> None:
            for use in (lambda: made[0].outlet.put(b"too late"), made[0].outlet.peer):
                try:
                    use()
                except OSError as error:
                    told.append(str(error.strerror))
            made[0].outlet.end()
            made[0].outlet.patience(1)
            done.set()

        lb.crew.tasks.add(late, mask=1).wakeup()
        assert done.wait(PATIENCE)
        assert told == ["Stale file handle"] * 2


def test_silent_client_is_closed_when_patience_ends(path: Path) -> None:
    class Impatient(Echo):
        def received(self, data: bytes) -> None:
            self.outlet.patience(40)

    with serving(str(path), Impatient) as (_, made), connected(path) as client:
        client.sendall(b"x")
        assert client.recv(1) == b""
        assert made[0].gone.wait(PATIENCE)


def test_patience_without_end(path: Path) -> None:
    class Patient(Echo):
        def __init__(self, outlet: Outlet) -> None:
            super().__init__(outlet)
            outlet.patience(0)

    with serving(str(path), Patient, more=("stats timeout 30ms",)) as (_, made), connected(path) as client:
        assert until(lambda: len(made) == 1)
        with connected(path) as other:  # made later, it is gone after its 30 ms, if it is not patient
            other.sendall(b"x")
            assert receive(other, 1) == b"x"
        assert not made[0].gone.wait(0.1)
        client.sendall(b"still there")
        assert receive(client, 11) == b"still there"


def test_peer_of_a_unix_socket_has_no_address(path: Path) -> None:
    peers: list[tuple[int, str, int]] = []

    class Curious(Echo):
        def received(self, data: bytes) -> None:
            peers.append(self.outlet.peer())
            super().received(data)

    with serving(str(path), Curious), connected(path) as client:
        client.sendall(b"x")
        receive(client, 1)
    assert peers == [(socket.AF_UNIX, "", 0)]


@pytest.mark.parametrize(("host", "family"), [(HOST, socket.AF_INET), ("::1", socket.AF_INET6)])
def test_peer_is_the_client(host: str, family: socket.AddressFamily) -> None:
    peers: list[tuple[int, str, int]] = []

    class Curious(Echo):
        def received(self, data: bytes) -> None:
            peers.append(self.outlet.peer())
            super().received(data)

    bind = f"[{host}]:0" if family == socket.AF_INET6 else f"{host}:0"
    with serving(bind, Curious) as (lb, _):
        *_, listener = lb.all_listeners()
        with socket.create_connection((host, listener.where.port), timeout=PATIENCE) as client:
            client.sendall(b"x")
            receive(client, 1)
            assert peers == [(family, host, client.getsockname()[1])]


def test_applet_that_raises_harms_no_other(path: Path) -> None:
    class Brittle(Echo):
        def received(self, data: bytes) -> None:
            if data == b"break":
                raise ValueError("on purpose")
            super().received(data)

    with serving(str(path), Brittle) as (lb, _), connected(path) as one, connected(path) as other:
        told: list[BaseException] = []
        lb.crew.report = told.append
        one.sendall(b"break")
        assert until(lambda: len(told) == 1)
        other.sendall(b"well")
        assert receive(other, 4) == b"well"


def test_applet_that_raises_loses_its_client(path: Path) -> None:
    class Failing(Echo):
        def received(self, data: bytes) -> None:
            raise ValueError("as it must")

    with serving(f"{path}", Failing) as (lb, made):
        lb.crew.report = lambda error: None
        with connected(path) as client:
            client.sendall(b"x")
            assert client.recv(10) == b""
        assert until(lambda: bool(made) and made[0].calls[-1:] == ["closed"])


def test_client_that_does_not_read_is_not_listened_to(path: Path) -> None:
    class Amplifier(Echo):
        def received(self, data: bytes) -> None:
            self.calls.append("received")
            self.outlet.put(b"y" * BIG)

    with serving(f"{path}", Amplifier) as (_, made), connected(path) as client:
        client.sendall(b"x")
        assert until(lambda: bool(made) and made[0].calls == ["received"])
        client.sendall(b"x")
        assert receive(client, 2 * BIG) == b"y" * 2 * BIG
        # the second question was taken only when the first answer had gone
        assert made[0].calls[:3] == ["received", "drained", "received"]


def test_factory_that_raises_closes_the_connection(path: Path) -> None:
    def refuse(outlet: Outlet) -> Echo:
        raise ValueError("no applets today")

    with serving(str(path), refuse, more=("stats timeout 1h",)) as (lb, _):
        told: list[BaseException] = []
        lb.crew.report = told.append
        with connected(path) as client:
            assert client.recv(1) == b""
        assert [str(error) for error in told] == ["no applets today"]


def test_applet_lives_with_one_thread(path: Path) -> None:
    def talk(number: int) -> None:
        with connected(path) as client:
            for turn in range(20):
                text = f"{number}/{turn};".encode()
                client.sendall(text)
                assert receive(client, len(text)) == text

    seen: set[tuple[int, threading.Thread]] = set()

    class Watched(Echo):
        def received(self, data: bytes) -> None:
            seen.add((id(self), threading.current_thread()))
            super().received(data)

    with serving(str(path), Watched, nbthread=4) as (lb, made):
        crew(20, talk)
        assert {thread for _, thread in seen} <= set(lb.crew.workers)
        assert len(seen) == len(made) == 20
        assert all(applet.gone.wait(PATIENCE) for applet in made)


def test_applet_that_is_always_at_work_lets_others_go_first(path: Path) -> None:
    class Busy(Echo):
        def received(self, data: bytes) -> None:
            if data == b"work":
                self.outlet.put(b"")
            else:
                super().received(data)

        def drained(self) -> None:
            super().drained()
            if "ended" not in self.calls:
                self.outlet.put(b"")

    with serving(str(path), Busy) as (_, made), connected(path) as busy:
        busy.sendall(b"work")
        assert until(lambda: made != [] and made[0].calls.count("drained") > 10)
        with connected(path) as other:
            other.sendall(b"hello")
            assert receive(other, 5) == b"hello"
        busy.shutdown(socket.SHUT_WR)
        assert until(lambda: "ended" in made[0].calls)
