"""The registry of words: every extension point keeps its rows in one of these.

A registry is filled in one of two ways. Keywords of the configuration are there as soon as their modules are imported,
and all of these are. The words of rules and the commands of the stats socket are many, and a configuration uses few: a
package of them says in its `__init__` which of its files ("topics") has which words, and a file is imported with the
first of its words that somebody asks for. To add such a word:

    the row in its topic's file, and its name beside that file's in the `__init__`

Neither can be forgotten: rows that were not announced are refused, those that were are missed, and the tests compare
all of both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from types import ModuleType
from typing import TypeVar

Row = TypeVar("Row")


class RegistryError(Exception):
    """A word is claimed twice, or registered after the start, or its module does not have it: a mistake in the program,
    not in a configuration."""


class Topics:
    """Modules by their words. No lock: filled while packages are imported, only read afterwards.

    `what` names the kind of words in messages ("converter", ...).
    """

    __slots__ = ("_frozen", "_modules", "what")

    def __init__(self, what: str) -> None:
        self.what = what
        self._modules: dict[str, str] = {}
        self._frozen = False

    def announce(self, package: str, topics: Mapping[str, Iterable[str]]) -> None:
        """Says which modules of a package have which words.

        Raises RegistryError if somebody has one already, or after `freeze()`.
        """
        if self._frozen:
            raise RegistryError(f"the {self.what}s of {package} are announced after the start")
        for topic, words in topics.items():
            for word in words:
                if word in self._modules:
                    raise RegistryError(f"{self.what} '{word}' is claimed twice")
                self._modules[word] = f"{package}.{topic}"

    def freeze(self) -> None:
        """Ends announcements for good; may be called again."""
        self._frozen = True

    def load(self, word: str) -> ModuleType | None:
        """The module that has a word, imported if it was not; None if nobody has it. Any thread."""
        name = self._modules.get(word)
        return None if name is None else import_module(name)

    def load_all(self) -> list[ModuleType]:
        """All modules, each once."""
        return [import_module(name) for name in dict.fromkeys(self._modules.values())]

    def __contains__(self, word: object) -> bool:
        return word in self._modules

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)


class Registry(Mapping[str, Row]):
    """Rows by name. No lock: rows are added while modules are imported, and there are no new names after `freeze()`.

    Where names were announced they are listed and looked for without importing anything; to get a row is to import its
    module, so going through all rows (`values`, `items`) imports all. `what` names the kind of rows in messages
    ("keyword", "section", ...).
    """

    __slots__ = ("_frozen", "_rows", "_topics", "what")

    def __init__(self, what: str) -> None:
        self.what = what
        self._rows: dict[str, Row] = {}
        self._topics = Topics(what)
        self._frozen = False

    def announce(self, package: str, topics: Mapping[str, Iterable[str]]) -> None:
        """As `Topics.announce`; from then on no other rows are taken."""
        self._topics.announce(package, topics)

    def add(self, name: str, row: Row) -> None:
        """Claims a name. Raises RegistryError if somebody has it already, if names were announced but not this one, or,
        where none were, after `freeze()`."""
        if name in self._rows:
            raise RegistryError(f"{self.what} '{name}' is claimed twice")
        if self._topics and name not in self._topics:
            raise RegistryError(f"{self.what} '{name}' is not announced in the __init__ of its package")
        if self._frozen and not self._topics:
            raise RegistryError(f"{self.what} '{name}' is registered after the start")
        self._rows[name] = row

    def freeze(self) -> None:
        """Ends registration of names for good; may be called again."""
        self._frozen = True
        self._topics.freeze()

    @property
    def frozen(self) -> bool:
        """Whether registration has ended."""
        return self._frozen

    def load_all(self) -> None:
        """Imports the modules of all rows."""
        self._topics.load_all()

    @property
    def loaded(self) -> list[Row]:
        """The rows that are there already, in no order."""
        return list(self._rows.values())

    def __getitem__(self, name: str) -> Row:
        row = self._rows.get(name)
        if row is not None:
            return row
        module = self._topics.load(name)
        if module is None:
            raise KeyError(name)
        if name not in self._rows:
            raise RegistryError(f"{self.what} '{name}' is announced for {module.__name__}, which does not have it")
        return self._rows[name]

    def __contains__(self, name: object) -> bool:
        return name in self._rows or name in self._topics

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({*self._rows, *self._topics}))

    def __len__(self) -> int:
        return len(self._topics or self._rows)
