"""A process that the commands can show, as plain values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

from lbcore.cli.views import CliSocket, FdFacts, Listening, LockFigures, Pool, Sessions, Sink, Snapshot, ThreadFacts
from lbcore.event.profile import Profile
from lbcore.proxy.backend import Backend
from lbcore.proxy.control import Control
from lbcore.proxy.dyncookie import DynamicCookies
from lbcore.proxy.frontend import Frontend
from lbcore.proxy.settings import ServerSettings
from lbcore.proxy.states import States
from lbcore.sample.build import Build, BuildError
from lbcore.sample.reference import References
from lbcore.sample.rows import Fetcher
from lbcore.sample.types import Value
from lbcore.sample.variable import ProcVars
from lbcore.stream.outside import evaluate
from lbcore.stream.txn import World
from lbcore.table.tables import Tables
from tests.stats.fakes import FakeProcess, FakeProxy


@dataclass
class ShownProcess(FakeProcess):
    """Everything that `Process` wants."""

    all_proxies: list[FakeProxy] = field(default_factory=list)
    all_locks: list[LockFigures] | None = None
    all_threads: list[ThreadFacts] = field(default_factory=list)
    all_peers: list[Any] = field(default_factory=list)
    all_fds: list[FdFacts] = field(default_factory=list)
    all_sockets: list[CliSocket] = field(default_factory=list)
    all_references: References = field(default_factory=References)
    variables: ProcVars = field(default_factory=ProcVars)
    all_snapshots: list[Snapshot] = field(default_factory=list)
    all_pools: list[Pool] = field(default_factory=list)
    all_activity: dict[str, list[int]] = field(default_factory=dict)
    all_tasks: dict[str, int] = field(default_factory=dict)
    all_sinks: list[Sink] = field(default_factory=list)
    said: str = ""
    all_tables: Tables = field(default_factory=lambda: Tables(()))

    def peers(self) -> list[Any]:
        return self.all_peers

    def proxies(self) -> list[FakeProxy]:
        return self.all_proxies

    def frontends(self) -> dict[str, Frontend]:
        return {}

    def backends(self) -> dict[str, Backend]:
        return {}

    def added_server(self, backend: Backend, name: str, words: Sequence[str]) -> ServerSettings:
        raise AssertionError("there is no backend that could have another server")

    def control(self) -> Control:
        raise AssertionError("there is nothing that could be changed")

    def states(self) -> States:
        raise AssertionError("there are no servers whose state could change")

    def locks(self) -> list[LockFigures] | None:
        return self.all_locks

    def threads(self) -> list[ThreadFacts]:
        return self.all_threads

    def fds(self) -> list[FdFacts]:
        return self.all_fds

    def cli_sockets(self) -> list[CliSocket]:
        return self.all_sockets

    def references(self) -> References:
        return self.all_references

    def tables(self) -> Tables:
        return self.all_tables

    def proc_vars(self) -> ProcVars:
        return self.variables

    def evaluate(self, make: Callable[[Build], Fetcher]) -> Value | None:
        world = SimpleNamespace(proc_vars=self.variables, frontends={}, backends={}, servers={}, listeners={})
        return evaluate(cast(World, world), make(cast(Build, NoNames())))

    def pools(self) -> list[Pool]:
        return self.all_pools

    def activity(self) -> dict[str, list[int]]:
        return self.all_activity

    def running_tasks(self) -> dict[str, int]:
        return self.all_tasks

    def profile(self) -> Profile:
        raise AssertionError("there is nothing that takes time")

    def startup_logs(self) -> str:
        return self.said

    def dynamic_cookies(self) -> DynamicCookies:
        raise AssertionError("there are no servers")

    def listening(self) -> list[Listening]:
        return []

    def log_sinks(self) -> list[Sink]:
        return self.all_sinks

    def sessions(self) -> Sessions:
        raise AssertionError("there are no clients")

    def snapshots(self) -> list[Snapshot]:
        return self.all_snapshots

    def snapshots_taken(self) -> int:
        return len(self.all_snapshots)


class NoNames:
    """A balancer without proxies."""

    def backend(self, name: str) -> object:
        raise BuildError(f"unable to find backend '{name}'")
