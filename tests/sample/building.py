"""A `Build` with references, over the fakes that transactions are made with."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from lbcore.sample.acl import Acl
from lbcore.sample.reference import Inline, References
from tests.fetch.transactions import FakeBuild, FakeWorld


class Building(FakeBuild):
    """References are read from files; ACLs are compiled by their names."""

    def __init__(self, world: FakeWorld | None = None, acls: dict[str, Acl] | None = None) -> None:
        super().__init__(world)
        self.files = References()
        self.declared = acls or {}
        self.made: dict[Hashable, Any] = {}

    def reference(self, name: str | Inline, kind: str) -> Any:
        return self.files.get(name, kind)

    def shared(self, key: Hashable, make: Callable[[], Any]) -> Any:
        if key not in self.made:
            self.made[key] = make()
        return self.made[key]

    def acl(self, name: str) -> Any:
        return self.declared[name].make(self)
