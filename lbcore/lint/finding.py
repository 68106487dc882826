"""Lints as rows, and what they find."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from lbcore.base.registry import Registry
from lbcore.cfg.diagnostics import readable
from lbcore.cfg.words import Line
from lbcore.lint.subject import Subject


class Level(Enum):
    """How bad it is, by the words of SARIF."""

    ERROR = "error"  # it does not do what it says, or lets somebody in
    WARNING = "warning"  # it will hurt one day
    NOTE = "note"  # it is worth a look


@dataclass(frozen=True, slots=True)
class Hit:
    """A line at fault. `word` is the one to point at: an index, or a text that it contains; None: the first."""

    line: Line | str  # or its `file:line`
    text: str
    word: int | str | None = None


@dataclass(frozen=True, slots=True)
class Lint:
    """One rule. `id` is for ever, `name` for people, `about` one sentence, `advice` what to do."""

    id: str
    name: str
    level: Level
    about: str
    advice: str
    check: Callable[[Subject], Iterable[Hit]]


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A hit of a lint, at its place. `line` and `column` count from 1."""

    file: str
    line: int
    column: int
    id: str
    text: str


LINTS: Registry[Lint] = Registry("lint")


def register(*rows: Lint) -> None:
    """Adds rows. Raises RegistryError if an id is claimed twice."""
    for row in rows:
        LINTS.add(row.id, row)


def findings(subject: Subject, disabled: Iterable[str] = ()) -> list[Finding]:
    """What all lints but the disabled ones (by id or name) find, by place."""
    without = set(disabled)
    wanted = [lint for lint in LINTS.values() if not without & {lint.id, lint.name}]
    return sorted({found for lint in wanted for found in _found(lint, subject)})


def _found(lint: Lint, subject: Subject) -> Iterator[Finding]:
    for hit in lint.check(subject):
        line = subject.line(hit.line) if isinstance(hit.line, str) else hit.line
        if line is None:
            file, _, number = str(hit.line).rpartition(":")
            yield Finding(readable(file), int(number or 1), 1, lint.id, readable(hit.text))
        else:
            yield Finding(readable(line.file), line.number, _column(line, hit.word), lint.id, readable(hit.text))


def _column(line: Line, word: int | str | None) -> int:
    """The column of a word, in characters as people see them: a line counts bytes."""
    return len(readable(line.source[: _byte(line, word) - 1])) + 1


def _byte(line: Line, word: int | str | None) -> int:
    if isinstance(word, str):
        found = next((one for one in line.words if one.text == word), None)
        found = found or next((one for one in line.words if word in one.text), None)
        return (found or line.words[0]).column
    return line.word(word or 0).column
