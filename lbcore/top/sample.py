"""What a balancer said at a moment, and what happened between two moments."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field


class AnswerError(ValueError):
    """An answer is not what a stats socket says."""


@dataclass(frozen=True, slots=True)
class Row:
    """A frontend, listener, server or backend: the cells of its row by the names of their columns."""

    cells: Mapping[str, str]

    @property
    def key(self) -> tuple[str, str]:
        """Proxy and name."""
        return self.cells.get("pxname", ""), self.cells.get("svname", "")

    @property
    def kind(self) -> int:
        """0 frontend, 1 backend, 2 server, 3 listener."""
        return self.number("type")

    def text(self, column: str) -> str:
        """A cell, "" if there is none."""
        return self.cells.get(column, "")

    def number(self, column: str) -> int:
        """A cell as a number, 0 if it is none."""
        cell = self.cells.get(column, "")
        return int(cell) if cell.lstrip("-").isdecimal() else 0


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """All that was said at `when` (monotonic seconds)."""

    when: float
    info: Mapping[str, str]
    rows: tuple[Row, ...]
    before: Sample | None = field(default=None, repr=False)

    def follow(self, before: Sample | None) -> Sample:
        """The same, with the sample before it, which forgets its own."""
        if before is not None:
            before = Sample(before.when, before.info, before.rows)
        return Sample(self.when, self.info, self.rows, before)

    def rates(self, column: str) -> dict[tuple[str, str], float]:
        """By row: how much a counter grew in a second since the sample before; nothing without one. What fell was
        cleared, and counts from 0."""
        if self.before is None or self.when <= self.before.when:
            return {}
        past = {row.key: row.number(column) for row in self.before.rows}
        seconds = self.when - self.before.when
        found = {}
        for row in self.rows:
            now = row.number(column)
            old = past.get(row.key, now)
            found[row.key] = (now - old if now >= old else now) / seconds
        return found


def parse(when: float, info: str, stat: str) -> Sample:
    """The sample that the answers to `show info` and `show stat` make. Raises AnswerError."""
    if not stat.startswith("# pxname,"):
        raise AnswerError(f"not an answer to 'show stat': {(stat or info).strip()[:80]!r}")
    lines = csv.reader(stat.removeprefix("# ").splitlines())
    names = next(lines)
    rows = tuple(Row(dict(zip(names, cells, strict=False))) for cells in lines if cells)
    pairs = (line.partition(": ") for line in info.splitlines())
    return Sample(when, {name: value for name, sign, value in pairs if sign}, rows)
