"""The stick tables of one balancer by name, and the removal of what expired."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lbcore.table.settings import TableSettings
from lbcore.table.table import Table
from lbcore.thread.locks import LockSet

SHARE = 1000  # entries that are removed at a time: some 100 microseconds
LOOK = 1000  # ms


class Tables:
    """Built before the threads start; the set of tables does not change afterwards."""

    def __init__(self, settings: Iterable[TableSettings], locks: LockSet | None = None) -> None:
        """Raises MemoryError."""
        self._by_name = {one.name: Table(one, locks) for one in settings}

    def find(self, name: str) -> Table | None:
        """The table of a proxy or section."""
        return self._by_name.get(name)

    def __iter__(self) -> Iterator[Table]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)

    def close(self) -> None:
        """Frees them, before the engine whose locks they have. Any number of times."""
        for table in self._by_name.values():
            table.close()

    def expire(self) -> int:
        """Removes a share of what expired in each table; ms until it is to be called again, `LOOK` at most: what is
        stored meanwhile may expire sooner than what is there. Called by one task."""
        waits = [table.expire(SHARE) for table in self._by_name.values()]
        return min((wait for wait in waits if 0 <= wait < LOOK), default=LOOK)
