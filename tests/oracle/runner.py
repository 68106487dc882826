"""Plays rows through one balancer of one topic."""

from __future__ import annotations

import re
import time
from contextlib import ExitStack

from tests.oracle.configs import Topic
from tests.oracle.row import Outcome, Row
from tests.peers.clients import converse
from tests.peers.closing import Started
from tests.peers.haproxy import Balancer, Program
from tests.peers.ports import free_port, release_port
from tests.peers.script import End
from tests.peers.scripted import ScriptedServer
from tests.peers.sinks import UdpSink

_LOG_SECONDS = 2.0
_STARTED = re.compile(rb"Proxy \S+ started\.$")


class Stage(Started):
    """A balancer with the topic's proxies and the scripted server behind all of them. Start one, play many rows.

    A collector receives the log lines of the topics that log.
    """

    def __init__(self, program: Program, topic: Topic) -> None:
        self.program = program
        self.topic = topic
        self._stack = ExitStack()

    def close(self) -> None:
        """Stops the balancer and the server."""
        self._stack.close()

    def play(self, row: Row) -> Outcome:
        """What client and server saw. Raises AssertionError if the conversation got stuck."""
        self.server.play(row.server_replies())
        logged = self.log.count
        try:
            received, end = self._converse(row)
        finally:
            played = self.server.finish()
        assert self.alive, f"{self.program.name} died of {row.name!r}: {self.balancer.stderr()}"
        assert end is not End.TIMEOUT, (
            f"{row.name} got stuck through {self.program.name}: the client has {received!r}, "
            f"the server {played.received!r}; {self.balancer.stderr()}"
        )
        closed = end in (End.CLOSED, End.RESET)
        return Outcome(received, played.received, closed, played.unscripted, self._log_lines(row, logged))

    @property
    def alive(self) -> bool:
        """False if the balancer has ended by itself."""
        return self.balancer.exit_code() is None

    def start(self) -> None:
        self.server = self._stack.enter_context(ScriptedServer())
        self.log = self._stack.enter_context(UdpSink())
        self.ports = {name: self._port() for name in self.topic.proxies}
        variables = {f"FE_{name.upper()}": port for name, port in self.ports.items()}
        variables |= {"BE": self.server.port, "REFUSED": self._port(), "LOG": self.log.port}
        self.balancer = Balancer(self.program, self.topic.config(), variables)
        self._stack.callback(self.balancer.close)
        for name, text in self.topic.files.items():
            (self.balancer.folder / name).write_text(text)
        self.balancer.start()

    def _converse(self, row: Row) -> tuple[bytes, End]:
        """What the client received and how it ended for it."""
        try:
            party = converse(self.ports[row.via], row.client_steps())
        except ConnectionResetError:  # accepted and rejected before connect() has returned
            return b"", End.RESET
        return party.received, party.end

    def _log_lines(self, row: Row, before: int) -> tuple[bytes, ...]:
        """The lines of the conversation that began when the collector had `before` lines."""
        if not self.topic.logs:
            return ()
        deadline = time.monotonic() + _LOG_SECONDS
        while True:
            count = self.log.count
            # What a program says of its start may come as late as it likes.
            lines = tuple(line for line in self.log.lines()[before:count] if not _STARTED.search(line))
            if len(lines) >= row.log_lines or not self.log.wait_for(count + 1, deadline - time.monotonic()):
                return lines

    def _port(self) -> int:
        port = free_port()
        self._stack.callback(release_port, port)
        return port
