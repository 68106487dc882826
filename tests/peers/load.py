"""Many clients that account for every request: each has a target of its own, which a good server sends back."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.peers.framing import UNTIL_CLOSE, message_length, read_head
from tests.peers.ports import HOST


@dataclass(slots=True)
class Tally:
    """What became of the requests: answers by status, `broken` ones (no or half an answer), `wrong` answers.

    Wrong is a 200 whose body is not the request's own target: an answer that was meant for somebody else.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    broken: int = 0
    wrong: list[bytes] = field(default_factory=list)

    @property
    def total(self) -> int:
        """All requests made."""
        return sum(self.statuses.values()) + self.broken

    def add(self, other: Tally) -> None:
        """Adds another tally to this one."""
        self.statuses += other.statuses
        self.broken += other.broken
        self.wrong += other.wrong


@dataclass(frozen=True, slots=True)
class Crowd:
    """`clients` at once, each making `requests` one after the other; a new connection after every `per_connection`.

    They are GETs, or POSTs if there is a `body` (its size in bytes). `seconds` is the patience for each answer.
    """

    clients: int
    requests: int
    per_connection: int = 10
    body: int = 0
    seconds: float = 5.0

    def message(self, target: bytes) -> bytes:
        """A request for `target`."""
        if not self.body:
            return b"GET %b HTTP/1.1\r\nHost: chaos\r\n\r\n" % target
        head = b"POST %b HTTP/1.1\r\nHost: chaos\r\nContent-Length: %d\r\n\r\n" % (target, self.body)
        return head + b"b" * self.body


def ask(port: int, crowd: Crowd, stop: Callable[[], bool] = lambda: False) -> Tally:
    """The tally of all clients' requests to 127.0.0.1:`port`. Ends early when `stop()` is true."""
    tallies = [Tally() for _ in range(crowd.clients)]
    threads = [
        threading.Thread(
            target=_Client(port, f"/c{number}", crowd, tally, stop).run, name=f"client-{number}", daemon=True
        )
        for number, tally in enumerate(tallies)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    total = Tally()
    for tally in tallies:
        total.add(tally)
    return total


class _Client:
    def __init__(self, port: int, prefix: str, crowd: Crowd, tally: Tally, stop: Callable[[], bool]) -> None:
        self.port = port
        self.prefix = prefix
        self.crowd = crowd
        self.tally = tally
        self.stop = stop
        self.connection: socket.socket | None = None
        self.pending = b""

    def run(self) -> None:
        for number in range(self.crowd.requests):
            if self.stop():
                break
            if number % self.crowd.per_connection == 0:
                self.close()
            self.request(f"{self.prefix}/r{number}".encode())
        self.close()

    def request(self, target: bytes) -> None:
        try:
            if self.connection is None:
                self.connection = socket.create_connection((HOST, self.port), timeout=self.crowd.seconds)
                self.pending = b""
            self.connection.sendall(self.crowd.message(target))
            status, body, stays = self.response()
        except OSError:
            self.tally.broken += 1
            self.close()
            return
        self.tally.statuses[status] += 1
        if status == 200 and body != target:
            self.tally.wrong.append(body)
        if not stays:
            self.close()

    def response(self) -> tuple[int, bytes, bool]:
        """Status and body of the next final response, and whether the connection stays. Raises OSError if it breaks."""
        while True:
            while (length := message_length(self.pending, response=True)) is None:
                self.read()
            head = read_head(self.pending)
            assert head is not None
            if length == UNTIL_CLOSE:
                raise ConnectionError("a response without a length")  # no server here sends one
            body = self.pending[head.length : length]
            close = b"\r\nconnection: close\r\n" in self.pending[: head.length].lower()
            self.pending = self.pending[length:]
            if head.status >= 200:
                return head.status, body, not close

    def read(self) -> None:
        assert self.connection is not None
        data = self.connection.recv(65536)
        if not data:
            raise ConnectionError("closed in a response")
        self.pending += data

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None
