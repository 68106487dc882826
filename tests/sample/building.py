"""A `Build` with ACLs, over the fakes that transactions are made with."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from lbcore.sample.acl import Acl
from tests.fetch.transactions import FakeBuild, FakeWorld


class Building(FakeBuild):
    """ACLs are compiled by their names; what is shared is made once."""

    def __init__(self, world: FakeWorld | None = None, acls: dict[str, Acl] | None = None) -> None:
        super().__init__(world)
        self.declared = acls or {}
        self.made: dict[Hashable, Any] = {}

    def shared(self, key: Hashable, make: Callable[[], Any]) -> Any:
        if key not in self.made:
            self.made[key] = make()
        return self.made[key]

    def acl(self, name: str) -> Any:
        return self.declared[name].make(self)
