"""The registry of words: every extension point keeps its rows in one of these."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

Row = TypeVar("Row")


class RegistryError(Exception):
    """A word is claimed twice, or registered after the start: a mistake in the program, not in a configuration."""


class Registry(Mapping[str, Row]):
    """Rows by name, filled while modules are imported and frozen before threads start, so that readers need no lock.

    `what` names the kind of rows in messages ("keyword", "section", ...).
    """

    __slots__ = ("_frozen", "_rows", "what")

    def __init__(self, what: str) -> None:
        self.what = what
        self._rows: dict[str, Row] = {}
        self._frozen = False

    def add(self, name: str, row: Row) -> None:
        """Claims a name. Raises RegistryError if somebody has it already, or after `freeze()`."""
        if self._frozen:
            raise RegistryError(f"{self.what} '{name}' is registered after the start")
        if name in self._rows:
            raise RegistryError(f"{self.what} '{name}' is claimed twice")
        self._rows[name] = row

    def freeze(self) -> None:
        """Ends registration for good; may be called again."""
        self._frozen = True

    @property
    def frozen(self) -> bool:
        """Whether registration has ended."""
        return self._frozen

    def __getitem__(self, name: str) -> Row:
        return self._rows[name]

    def __contains__(self, name: object) -> bool:
        return name in self._rows

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._rows))

    def __len__(self) -> int:
        return len(self._rows)
