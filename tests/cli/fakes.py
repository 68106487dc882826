"""A process that the commands can show, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field

from lbcore.cli.views import CliSocket, FdFacts, LockFigures, ThreadFacts
from tests.stats.fakes import FakeProcess, FakeProxy


@dataclass
class ShownProcess(FakeProcess):
    """Everything that `Process` wants."""

    all_proxies: list[FakeProxy] = field(default_factory=list)
    all_locks: list[LockFigures] | None = None
    all_threads: list[ThreadFacts] = field(default_factory=list)
    all_fds: list[FdFacts] = field(default_factory=list)
    all_sockets: list[CliSocket] = field(default_factory=list)

    def proxies(self) -> list[FakeProxy]:
        return self.all_proxies

    def locks(self) -> list[LockFigures] | None:
        return self.all_locks

    def threads(self) -> list[ThreadFacts]:
        return self.all_threads

    def fds(self) -> list[FdFacts]:
        return self.all_fds

    def cli_sockets(self) -> list[CliSocket]:
        return self.all_sockets
