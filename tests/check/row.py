"""One check: what a backend says of it, and what its server does."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.check.peers import Peer


@dataclass(frozen=True, slots=True)
class Row:
    """`lines` stand in the backend; `server` behind the server's `address`, with `{port}` for the port."""

    name: str
    lines: tuple[str, ...]
    peer: Peer = field(default_factory=Peer)
    server: str = "check inter 3s"
    mode: str = "tcp"
    address: str = "127.0.0.1:{port}"

    @property
    def is_agent(self) -> bool:
        return "agent-check" in self.server

    def backend(self, port: int) -> str:
        """Its part of a configuration."""
        server = f"server s {self.address} {self.server}".format(port=port)
        lines = [f"mode {self.mode}", *self.lines, server]
        return "".join(f"  {line}\n" for line in (f"backend {self.name}", *lines)).replace("  backend", "backend", 1)
