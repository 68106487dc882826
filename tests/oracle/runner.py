"""Plays rows through one balancer of one topic."""

from __future__ import annotations

from contextlib import ExitStack

from tests.oracle.configs import Topic
from tests.oracle.row import Outcome, Row
from tests.peers.clients import converse
from tests.peers.closing import Started
from tests.peers.haproxy import Balancer, Program
from tests.peers.ports import free_port, release_port
from tests.peers.script import End
from tests.peers.scripted import ScriptedServer


class Stage(Started):
    """A balancer with the topic's proxies and the scripted server behind all of them. Start one, play many rows."""

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
        try:
            party = converse(self.ports[row.via], row.client_steps())
        finally:
            played = self.server.finish()
        assert self.alive, f"{self.program.name} died of {row.name!r}: {self.balancer.stderr()}"
        assert party.end is not End.TIMEOUT, (
            f"{row.name} got stuck through {self.program.name}: the client has {party.received!r}, "
            f"the server {played.received!r}; {self.balancer.stderr()}"
        )
        return Outcome(party.received, played.received, party.end in (End.CLOSED, End.RESET), played.unscripted)

    @property
    def alive(self) -> bool:
        """False if the balancer has ended by itself."""
        return self.balancer.exit_code() is None

    def start(self) -> None:
        self.server = self._stack.enter_context(ScriptedServer())
        self.ports = {name: self._port() for name in self.topic.proxies}
        variables = {f"FE_{name.upper()}": port for name, port in self.ports.items()}
        config = self.topic.config()
        self.balancer = self._stack.enter_context(
            Balancer(self.program, config, {**variables, "BE": self.server.port, "REFUSED": self._port()})
        )

    def _port(self) -> int:
        port = free_port()
        self._stack.callback(release_port, port)
        return port
