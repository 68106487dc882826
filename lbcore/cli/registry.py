"""The rows of commands: which words, for whom, what they do."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

from lbcore.base.registry import RegistryError, Topics

if TYPE_CHECKING:
    from lbcore.cli.session import Session
    from lbcore.cli.views import Process

ERR = 3
INFO = 6
STEP_NS = 200_000  # how long a step of an answer may take, and one line more


class Refusal(Exception):
    """A command can't be carried out, and has changed nothing. Its text is the answer, without the line end."""


class Level(IntEnum):
    """What a session may do (`level` of a stats socket). Each may do all that those below it may."""

    USER = 1
    OPERATOR = 2
    ADMIN = 3


class Pause(NamedTuple):
    """What a long answer gives where it has to wait: it is asked to go on in `ms` milliseconds, or once there is more
    input (`Session.interrupted`)."""

    ms: int


class Reply(NamedTuple):
    """An answer. `severity` is a syslog level for messages, None for dumps, which `set severity-output` never marks.

    What takes long is done in steps of well under a millisecond, by a generator: `rest` gives what each of them adds to
    the answer, "" if that is nothing, messages as replies. It goes on when the client has room for more and the thread
    has done its other work; it holds nothing in between that others may wait for, and is closed early when the client
    leaves."""

    text: str
    severity: int | None = None
    rest: Generator[str | Reply | Pause, None, None] | None = None


class Call(NamedTuple):
    """One command as it was given: its words (unescaped, the command's own included) and its payload."""

    session: Session
    process: Process
    words: Sequence[str]
    args: Sequence[str]  # the words after the command's own
    payload: str | None = None

    def arg(self, index: int) -> str:
        """The argument at `index`, "" if there are fewer."""
        return self.args[index] if index < len(self.args) else ""


class Command(NamedTuple):
    """A row. `last` puts it at the end of every list, where it is always shown; a `hidden` one is in no list, an
    `experimental` one neither, and can be used in experimental mode only, an `expert` one in expert mode. `load`
    imports what the function would when it is called."""

    words: tuple[str, ...]
    usage: str
    help: str
    function: Callable[[Call], Reply]
    level: Level = Level.USER
    last: bool = False
    experimental: bool = False
    expert: bool = False
    hidden: bool = False
    load: Callable[[], None] | None = None

    @property
    def line(self) -> str:
        """Its line in the answer to `help`."""
        return f"  {self.usage:<40}: {self.help}\n"


class Registry:
    """The commands by their words; modules of announced ones are imported when one is looked up, or all are listed.

    No lock: frozen by the first look-up, before which only one thread knows it. What threads do to it later is to file
    the rows of a module, and two that do so at once file the same ones.
    """

    def __init__(self) -> None:
        self._topics = Topics("command")
        self._by_words: dict[tuple[str, ...], Command] = {}
        self._longest = 0
        self._frozen = False

    def announce(self, package: str, topics: Mapping[str, Iterable[str]]) -> None:
        """Says which modules of a package have which commands, in their COMMANDS (`Topics.announce`)."""
        self._topics.announce(package, topics)
        self._longest = max(len(words.split()) for words in self._topics)

    def add(self, *rows: Command) -> None:
        """Adds commands. Raises ValueError if the words are taken, RuntimeError once the registry is in use."""
        if self._frozen:
            raise RuntimeError("commands can't be added while sessions run")
        for row in rows:
            if row.words in self._by_words or " ".join(row.words) in self._topics:
                raise ValueError(f"command '{' '.join(row.words)}' is claimed twice")
            self._by_words[row.words] = row
            self._longest = max(self._longest, len(row.words))

    def load_rest(self) -> None:
        """Imports all modules, and what their commands would import when they are used."""
        for module in self._topics.load_all():
            self._file(module)
        for row in self._by_words.values():
            if row.load is not None:
                row.load()

    def find(self, words: Sequence[str]) -> Command | None:
        """The command whose words `words` begins with; the longest if there are several."""
        self._frozen = True
        for length in range(min(self._longest, len(words)), 0, -1):
            row = self._get(tuple(words[:length]))
            if row is not None:
                return row
        return None

    def _get(self, words: tuple[str, ...]) -> Command | None:
        row = self._by_words.get(words)
        if row is not None:
            return row
        module = self._topics.load(" ".join(words))
        if module is None:
            return None
        self._file(module)
        return self._by_words.get(words)  # not where a word has a blank in it

    def _file(self, module: ModuleType) -> None:
        """Takes the rows of a module. Raises RegistryError if one of them was not announced."""
        for row in module.COMMANDS:
            if " ".join(row.words) not in self._topics:
                raise RegistryError(f"command '{' '.join(row.words)}' is not announced in the __init__ of its package")
            self._by_words[row.words] = row

    def __iter__(self) -> Iterator[Command]:
        """Those that lists show, in their order: by their words, those that are `last` at the end."""
        for module in self._topics.load_all():
            self._file(module)
        rows = (row for row in self._by_words.values() if not (row.hidden or row.experimental))
        return iter(sorted(rows, key=lambda row: (row.last, row.words)))


def error(text: str) -> Reply:
    """A message that something is wrong with the command."""
    return Reply(text, ERR)


def info(text: str) -> Reply:
    """A message that is the answer."""
    return Reply(text, INFO)


def steps(lines: Iterable[str]) -> Generator[str, None, None]:
    """The rest of an answer that consists of lines, or of other parts that are soon made: some at a step."""
    until, found = time.monotonic_ns() + STEP_NS, []
    for line in lines:
        found.append(line)
        if time.monotonic_ns() > until:
            yield "".join(found)
            until, found = time.monotonic_ns() + STEP_NS, []
    yield "".join(found)


NOTHING = Reply("")
