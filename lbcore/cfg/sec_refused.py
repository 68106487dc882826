"""Sections that HAProxy has and lbcore does not do yet: refused by name once, their lines passed over."""

from __future__ import annotations

from lbcore.cfg.context import Context
from lbcore.cfg.known import not_yet
from lbcore.cfg.words import Line


class RefusedSection:
    """Reads past a section that can't be used."""

    def open(self, ctx: Context, line: Line) -> None:
        ctx.reporter.alert(line, line.words[0], not_yet(line.words[0].text))

    def line(self, ctx: Context, line: Line) -> None:
        """One message for the section is enough."""

    def close(self, ctx: Context) -> None:
        """Nothing was opened."""
