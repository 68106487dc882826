"""Reads the lines of one file: directives are obeyed, a section's first word opens it, the rest goes to it."""

from __future__ import annotations

from collections.abc import Mapping

from lbcore.cfg.conditions import ConditionContext
from lbcore.cfg.context import Context, SectionParser
from lbcore.cfg.diagnostics import suggest
from lbcore.cfg.directives import Directives
from lbcore.cfg.source import RawLine, Source, split_lines
from lbcore.cfg.tokenizer import tokenize
from lbcore.cfg.words import Line


def read(ctx: Context, source: Source, sections: Mapping[str, SectionParser]) -> None:
    """Reads a file. Its end ends its last section: a file can't go on with a section of another (manual 2.1)."""
    reader = _Reader(ctx, source.name, sections)
    last = RawLine(0, "", "")
    for raw in split_lines(source.text):
        last = raw
        if reader.stopped(raw):
            break
        reader.line(raw)
        if raw.fault:
            reader.fault(raw)
    reader.finish(last)


class _Reader:
    """The state of reading one file: its open blocks and its current section."""

    __slots__ = ("_alerts_before", "_ctx", "_current", "_directives", "_file", "_sections")

    def __init__(self, ctx: Context, file: str, sections: Mapping[str, SectionParser]) -> None:
        self._ctx = ctx
        self._file = file
        self._sections = sections
        self._current: SectionParser | None = None
        self._alerts_before = ctx.reporter.alerts
        options = ctx.options
        conditions = ConditionContext(
            ctx.environment,
            options.version,
            features=options.features,
            enabled=options.enabled,
            ssl_library=options.ssl_library,
        )
        self._directives = Directives(conditions, ctx.reporter)

    def stopped(self, raw: RawLine) -> bool:
        """Whether reading ends before this line: something asked for it, or there were errors enough."""
        if self._directives.stopped:
            return True
        limit = self._ctx.options.max_errors
        if not limit or self._ctx.reporter.alerts - self._alerts_before < limit:
            return False
        self._alert(raw, None, f"too many fatal errors ({limit}), stopping now.")
        self._directives.stopped = True
        return True

    def line(self, raw: RawLine) -> None:
        """Reads one line."""
        ctx = self._ctx
        alerts = ctx.reporter.alerts
        line = tokenize(raw.text, self._file, raw.number, ctx.environment, ctx.reporter)
        if line is None:
            if ctx.reporter.alerts > alerts:
                self._directives.broken(raw.text)
            return
        first = line.words[0].text
        if first[0] == ".":
            self._directives.handle(line)
        elif not self._directives.active:
            return
        elif first in self._sections:
            self._open(line, first)
        elif self._current is not None:
            self._current.line(ctx, line)
        else:
            ctx.reporter.alert(
                line,
                line.words[0],
                f"unknown keyword '{first}' out of section.",
                suggest(first, self._sections),
                glue=": ",
            )

    def fault(self, raw: RawLine) -> None:
        """Reports what is wrong with a line as such."""
        self._alert(raw, len(raw.text) + 1, raw.fault)

    def finish(self, last: RawLine) -> None:
        """Ends the file."""
        self._directives.finish(Line(self._file, last.number, [], last.text))
        self._close()
        ctx = self._ctx
        ctx.section = ctx.section_name = ctx.environment.section = ""

    def _open(self, line: Line, keyword: str) -> None:
        self._close()
        ctx = self._ctx
        ctx.section, ctx.section_name = keyword, line.text(1)
        ctx.environment.section = ctx.section_name or keyword
        self._current = self._sections[keyword]
        self._current.open(ctx, line)

    def _close(self) -> None:
        if self._current is None:
            return
        self._current.close(self._ctx)
        self._current = None
        self._ctx.proxy = None

    def _alert(self, raw: RawLine, column: int | None, text: str) -> None:
        line = Line(self._file, raw.number, [], raw.text)
        self._ctx.reporter.alert(line, column, text, glue=": ")
