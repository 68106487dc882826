"""A balancer inside of the test's own process, and the short questions that tests put to one."""

from __future__ import annotations

import gc
import os
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import lbcore
from tests.peers.chaos import Behaviour, echo, read_request
from tests.peers.framing import UNTIL_CLOSE, message_length, read_head
from tests.peers.ports import HOST
from tests.peers.stats_socket import exchange

PATIENCE = 10.0  # seconds after which a test gives up on what should have happened long ago
LOOK = 0.002  # seconds between two looks at something that tells nobody when it changes

REQUEST = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n"


def config(
    *ports: int,
    mode: str = "http",
    nbthread: int = 1,
    settings: Sequence[str] = (),
    front: Sequence[str] = (),
    back: Sequence[str] = (),
    bind: str = "bind 127.0.0.1:0",
    server: str = "",
) -> str:
    """A configuration with a frontend `fe` before a backend `be`, whose servers s1, s2, ... are on these ports.

    `settings`, `front` and `back` are further lines of the global section, the frontend and the backend; `server` is
    put behind each `server` line.
    """
    servers = [f"server s{i} {HOST}:{port} {server}" for i, port in enumerate(ports, 1)]
    return "\n".join(
        [
            _section("global", [f"nbthread {nbthread}", *settings]),
            _section(
                "defaults", [f"mode {mode}", *(f"timeout {side} 20s" for side in ("client", "server", "connect"))]
            ),
            _section("frontend fe", [bind, "default_backend be", *front]),
            _section("backend be", [*back, *servers]),
            "",
        ]
    )


def _section(title: str, lines: Iterable[str]) -> str:
    return "\n    ".join([title, *lines])


@contextmanager
def balancer(text: str) -> Iterator[lbcore.LoadBalancer]:
    """A started balancer, closed in the end. Closing it fails if locks were taken out of their order."""
    with lbcore.LoadBalancer(text) as running:
        yield running


def until(holds: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    """Whether `holds()` becomes true within `seconds`, looking again and again."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK)
    return True


class Client:
    """One client connection to the frontend `name` of a balancer. It reads responses one by one."""

    def __init__(self, lb: lbcore.LoadBalancer, name: str = "fe", *, source: str | None = None) -> None:
        where = lb.address(name)
        self.socket = socket.create_connection(
            (HOST, where.port), timeout=PATIENCE, source_address=(source, 0) if source else None
        )
        self._pending = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes = REQUEST) -> None:
        """Sends bytes, a GET unless told otherwise."""
        self.socket.sendall(data)

    def status(self) -> int:
        """The status of the next response, which is read whole. 0 if the connection ends before it does."""
        return self.response()[0]

    def body(self) -> bytes:
        """The body of the next response."""
        return self.response()[1]

    def response(self) -> tuple[int, bytes]:
        """Status and body of the next response, (0, b"") if the connection ends before it does."""
        while (length := message_length(self._pending, response=True)) in (None, UNTIL_CLOSE):
            data = self.socket.recv(65536)
            if not data and length != UNTIL_CLOSE:
                return 0, b""
            if not data:
                length = len(self._pending)
                break
            self._pending += data
        assert length is not None
        head = read_head(self._pending)
        assert head is not None
        body, self._pending = self._pending[head.length : length], self._pending[length:]
        return head.status, body

    def ask(self, data: bytes = REQUEST) -> bytes:
        """The body of the response to a request."""
        self.send(data)
        return self.body()

    def rest(self) -> bytes:
        """All that comes until the other side closes."""
        while data := self.socket.recv(65536):
            self._pending += data
        return self._pending


def ask(lb: lbcore.LoadBalancer, name: str = "fe", *, source: str | None = None) -> tuple[int, bytes]:
    """Status and body of the response to a GET on a connection of its own."""
    with Client(lb, name, source=source) as client:
        client.send()
        return client.response()


def cli(path: Path | str, *commands: str) -> str:
    """What the stats socket at `path` answers to these lines, up to its end."""
    sent = "".join(f"{command}\n" for command in commands)
    return exchange(path, sent.encode(), PATIENCE).decode()


def named(name: str) -> Behaviour:
    """A server that answers every request with its name."""

    def serve(connection: socket.socket) -> None:
        pending = b""
        while True:
            pending, request = read_request(connection, pending)
            if not request:
                return
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(name), name.encode()))

    return serve


@dataclass(frozen=True, slots=True)
class Held:
    """What this process holds."""

    fds: frozenset[str]
    threads: int


def held() -> Held:
    """What this process holds now, without what waits to be collected."""
    gc.collect()
    descriptors = frozenset(_descriptors())
    return Held(descriptors, len(os.listdir("/proc/self/task")))


def _descriptors() -> Iterator[str]:
    for fd in os.listdir("/proc/self/fd"):
        try:
            yield f"{fd} {os.readlink(f'/proc/self/fd/{fd}')}"
        except FileNotFoundError:  # the one that lists them
            continue


class Background:
    """A function that runs in a thread of its own; `join` gives its result, or raises what it raised."""

    def __init__(self, work: Callable[[], object]) -> None:
        self._work = work
        self._result: object = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._result = self._work()
        except BaseException as error:  # noqa: BLE001 - told by join
            self._error = error

    def join(self, seconds: float = PATIENCE) -> object:
        """Waits for it. Raises TimeoutError, and what the function raised."""
        self._thread.join(seconds)
        if self._thread.is_alive():
            raise TimeoutError("a thread of the test does not end")
        if self._error is not None:
            raise self._error
        return self._result


class Turnstile:
    """A server that answers requests one by one, when it is told to, with the target that was asked for.

    `asked` are the targets in the order in which they came.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._permits = 0  # under _changed, like all below
        self._asked: list[bytes] = []

    def __call__(self, connection: socket.socket) -> None:
        pending = b""
        while True:
            pending, request = read_request(connection, pending)
            if not request:
                return
            with self._changed:
                self._asked.append(request.split(b" ", 2)[1])
                self._changed.notify_all()
                if not self._changed.wait_for(lambda: self._permits > 0, PATIENCE):
                    return
                self._permits -= 1
            connection.sendall(echo(request))

    @property
    def asked(self) -> list[bytes]:
        """The targets so far."""
        with self._changed:
            return list(self._asked)

    def wait_for(self, count: int) -> bool:
        """Whether `count` requests have come, or come soon."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self._asked) >= count, PATIENCE)

    def take_back(self) -> None:
        """Takes back what is left of the permits."""
        with self._changed:
            self._permits = 0

    def let(self, count: int) -> None:
        """Has that many more requests answered."""
        with self._changed:
            self._permits += count
            self._changed.notify_all()


def get(target: str) -> bytes:
    """A GET of `target`."""
    return f"GET {target} HTTP/1.1\r\nHost: test\r\n\r\n".encode()
