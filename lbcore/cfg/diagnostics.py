"""Messages about a configuration: collected by a `Reporter`, shown in HAProxy's form with a caret and a suggestion.

    [ALERT]    (42) : config : parsing [lb:3] : unknown keyword 'modd' in 'listen' section; did you mean 'mode' maybe ?
      modd
      ^

HAProxy quotes the line and points at the fault for messages of its tokenizer only; here every message with a known
place does. The first line is HAProxy's to the letter, for the tools that match it.
"""

from __future__ import annotations

from collections.abc import Iterable

from lbcore.base.diag import Diagnostic, Diagnostics, Severity
from lbcore.cfg.words import Line, Word

EXCERPT_WIDTH = 78  # of a terminal's 80 columns, two go to the indentation

_BLANKS = str.maketrans(dict.fromkeys("\t\v\f\r\n", " "))


class Reporter:
    """Collects messages. Parsing goes on after each, so that one run shows everything.

    `line` None means that the message concerns no line (`config : <text>`). `word` puts the caret: a `Word`, a column
    in bytes from 1, or None for none. `hint` is the nearest known word; it is appended to the text the way HAProxy asks
    (`; did you mean '<hint>' maybe ?`), so callers leave that out of `text`. `glue` stands between the place and the
    text: messages about lines as such come with ": " instead of " : ".
    No lock: a run belongs to one thread.
    """

    __slots__ = ("_alerts", "_counted", "diag_mode", "diagnostics")

    def __init__(self, diagnostics: Diagnostics | None = None, *, diag_mode: bool = False) -> None:
        self.diagnostics = Diagnostics() if diagnostics is None else diagnostics
        self.diag_mode = diag_mode
        self._alerts = 0
        self._counted = 0

    @property
    def alerts(self) -> int:
        """How many errors there are so far. Asked once a line, so it looks only at the messages that are new."""
        messages = self.diagnostics.messages
        while self._counted < len(messages):
            self._alerts += messages[self._counted].severity is Severity.ALERT
            self._counted += 1
        return self._alerts

    def alert(
        self, line: Line | None, word: Word | int | None, text: str, hint: str | None = None, *, glue: str = " : "
    ) -> None:
        """Adds an error: the configuration is refused at the end of the run."""
        self._add(Severity.ALERT, line, word, text, hint, glue)

    def warning(
        self, line: Line | None, word: Word | int | None, text: str, hint: str | None = None, *, glue: str = " : "
    ) -> None:
        """Adds a warning: fatal under `zero-warning` only."""
        self._add(Severity.WARNING, line, word, text, hint, glue)

    def notice(
        self, line: Line | None, word: Word | int | None, text: str, hint: str | None = None, *, glue: str = " : "
    ) -> None:
        """Adds a note."""
        self._add(Severity.NOTICE, line, word, text, hint, glue)

    def diag(
        self, line: Line | None, word: Word | int | None, text: str, hint: str | None = None, *, glue: str = " : "
    ) -> None:
        """Adds a piece of advice, in diagnostic mode (`-dD`) only."""
        if self.diag_mode:
            self._add(Severity.DIAG, line, word, text, hint, glue)

    def _add(
        self, severity: Severity, line: Line | None, word: Word | int | None, text: str, hint: str | None, glue: str
    ) -> None:
        if hint is not None:
            text = f"{text.removesuffix('.')}; did you mean '{hint}' maybe ?"
        text = readable(text)
        if line is None:
            self.diagnostics.add(Diagnostic(severity, f"config : {text}", hint=hint))
            return
        file = readable(line.file)
        column = word.column if isinstance(word, Word) else word or 0
        beyond = max(column - 1 - len(line.source), 0)  # where something is missing
        shown_column = len(readable(line.source[: column - 1])) + beyond + 1 if column else 0
        message = Diagnostic(
            severity,
            f"config : parsing [{file}:{line.number}]{glue}{text}",
            file=file,
            line=line.number,
            column=shown_column,
            source=readable(line.source),
            hint=hint,
        )
        self.diagnostics.add(message)


def readable(text: str) -> str:
    r"""Text as people wrote it: surrogate escapes that form UTF-8 are decoded, other bytes become `\xNN`."""
    if text.isascii():
        return text
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def format_message(severity: Severity, text: str, pid: int) -> str:
    """A message as HAProxy prints it: `[ALERT]    (pid) : text`, the severity padded to ten columns."""
    return f"{f'[{severity.value}]':<10} ({pid}) : {text}"


def format_diagnostic(diagnostic: Diagnostic, pid: int) -> str:
    """A message with, where its place is known, the offending line and a caret below. Without a final newline."""
    message = format_message(diagnostic.severity, diagnostic.text, pid)
    if not diagnostic.column or not diagnostic.source.strip():
        return message
    shown, caret = excerpt(diagnostic.source, diagnostic.column)
    return f"{message}\n  {shown}\n  {' ' * caret}^"


def excerpt(source: str, column: int) -> tuple[str, int]:
    """The part of a line to show on one row of a terminal, and the offset in it of `column` (from 1)."""
    offset = column - 1
    text = "".join(char if char.isprintable() else "?" for char in source.translate(_BLANKS)).rstrip()
    indent = min(len(text) - len(text.lstrip()), offset)
    text, offset = text[indent:], offset - indent
    if len(text) <= EXCERPT_WIDTH:
        return text, offset
    start = min(max(offset - EXCERPT_WIDTH // 2, 0), len(text) - EXCERPT_WIDTH)
    end = start + EXCERPT_WIDTH
    head, tail = "..." if start else "", "..." if end < len(text) else ""
    return head + text[start + len(head) : end - len(tail)] + tail, offset - start


def closing_messages(diagnostics: Diagnostics) -> list[Diagnostic]:
    """What HAProxy says after the errors of a refused configuration: the files at fault, then that it is fatal.

    Empty if there are no errors.
    """
    if not diagnostics.errors:
        return []
    files = dict.fromkeys(m.file for m in diagnostics.messages if m.severity is Severity.ALERT and m.file)
    closing = [f"Error(s) found in configuration file : {file}" for file in files]
    closing.append("Fatal errors found in configuration.")
    return [Diagnostic(Severity.ALERT, f"config : {text}") for text in closing]


def suggest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate nearest to what was written, or None when none is near enough to be meant.

    Near is a number of typing slips (a letter missing, added, wrong, or two swapped) of at most a third of the
    word, never above three. Case does not count. Among equals the first letter decides, then the alphabet.
    """
    wanted = word.lower()
    limit = min(max(len(wanted) // 3, 1), 3)
    best: tuple[int, bool, str] | None = None
    for candidate in candidates:
        if abs(len(candidate) - len(wanted)) > limit or not wanted:
            continue
        slips = _slips(wanted, candidate.lower(), limit)
        if slips > limit or slips >= len(wanted):
            continue
        rank = (slips, candidate[:1].lower() != wanted[:1], candidate)
        if best is None or rank < best:
            best = rank
    return best[2] if best else None


def _slips(left: str, right: str, limit: int) -> int:
    """The optimal string alignment distance, or some number above `limit` once that is passed."""
    before: list[int] = []
    above = list(range(len(right) + 1))
    for row, char in enumerate(left, 1):
        here = [row]
        for col, other in enumerate(right, 1):
            cost = min(above[col] + 1, here[col - 1] + 1, above[col - 1] + (char != other))
            if row > 1 and col > 1 and char == right[col - 2] and left[row - 2] == other:
                cost = min(cost, before[col - 2] + 1)
            here.append(cost)
        if min(here) > limit:
            return limit + 1
        before, above = above, here
    return above[-1]
