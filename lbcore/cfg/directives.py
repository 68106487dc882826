"""The lines that begin with a dot: conditional blocks and messages (manual 2.4 Conditional blocks).

Where HAProxy stops reading the file at a misplaced directive or a bad condition, reading goes on here, so that one
run shows everything; the block of a bad condition is skipped with all its branches. `.alert` stops the file as
HAProxy does: its author asked for just that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lbcore.cfg.conditions import ConditionContext, ConditionError, evaluate
from lbcore.cfg.diagnostics import Reporter
from lbcore.cfg.words import Line

MAX_DEPTH = 99  # the hundredth nested `.if` is refused


@dataclass(slots=True)
class Block:
    """One open `.if`. `active`: its lines count now. `settled`: a branch was taken, or none may be."""

    active: bool
    settled: bool
    has_else: bool = False


class Directives:
    """The open blocks of one file. `stopped` tells that the rest of the file is not to be read."""

    __slots__ = ("_blocks", "_ctx", "_reporter", "active", "stopped")

    def __init__(self, ctx: ConditionContext, reporter: Reporter) -> None:
        self._ctx = ctx
        self._reporter = reporter
        self._blocks: list[Block] = []
        self.active = True
        self.stopped = False

    def handle(self, line: Line) -> None:
        """Obeys a line whose first word begins with a dot; reports what is wrong with it."""
        name = line.words[0].text
        structure = _STRUCTURE.get(name)
        if structure is not None:
            structure(self, line)
        elif self.active:
            self._say(line, name)

    def broken(self, text: str) -> None:
        """Notes a line that couldn't be cut into words: if it opened a block, its `.endif` will come."""
        if text.split(None, 1)[:1] == [".if"]:
            self._open(Block(active=False, settled=True))

    def finish(self, last: Line) -> None:
        """Reports blocks still open at the end of the file."""
        if self._blocks and not self.stopped:
            self._alert(last, None, "non-terminated '.if' block.")

    def _if(self, line: Line) -> None:
        if len(self._blocks) == MAX_DEPTH:
            self._alert(line, 0, f"too many nested '.if', max is {MAX_DEPTH + 1}.")
            self.stopped = True
            return
        if not self.active:
            self._open(Block(active=False, settled=True))
            return
        holds = self._evaluate(line)
        self._open(Block(active=holds is True, settled=holds is not False))

    def _elif(self, line: Line) -> None:
        block = self._branch(line)
        if block is None:
            return
        if block.settled:
            block.active = False
        else:
            holds = self._evaluate(line)
            block.active, block.settled = holds is True, holds is not False
        self._refresh()

    def _else(self, line: Line) -> None:
        if self._has_argument(line) and not self._blocks:
            return
        block = self._branch(line)
        if block is None:
            return
        block.has_else = True
        block.active, block.settled = not block.settled, True
        self._refresh()

    def _endif(self, line: Line) -> None:
        self._has_argument(line)
        if self._blocks:
            self._blocks.pop()
            self._refresh()
        elif len(line.words) == 1:
            self._alone(line)

    def _branch(self, line: Line) -> Block | None:
        """The block that another branch may be added to, or None after saying why not."""
        if not self._blocks:
            self._alone(line)
            return None
        block = self._blocks[-1]
        if block.has_else:
            self._alert(line, 0, f"'{line.words[0].text}' after '.else' is not permitted.")
            return None
        return block

    def _open(self, block: Block) -> None:
        self._blocks.append(block)
        self._refresh()

    def _refresh(self) -> None:
        # A block inside an inactive one is never active, so the innermost decides.
        self.active = not self._blocks or self._blocks[-1].active

    def _evaluate(self, line: Line) -> bool | None:
        """Whether the condition of the line holds, None if it is wrong."""
        name = line.words[0].text
        try:
            return evaluate(" ".join(word.text for word in line.words[1:]), self._ctx)
        except ConditionError as error:
            offset = error.offset or 0
            text = f"{error} in '{name}' at position {offset + 1}:"
            self._reporter.alert(line, _column(line, offset), text, glue=": ")
            return None

    def _say(self, line: Line, name: str) -> None:
        say = _MESSAGES.get(name)
        if say is None:
            self._alert(line, 0, f"unknown directive '{name}'.")
            return
        if line.text(2):
            why = f"Unexpected argument '{line.text(2)}' for '{name}'. Use quotes if the message should contain spaces."
            self._alert(line, 2, why)
            return
        say(self._reporter, line, None, f"'{line.text(1)}'.", glue=": ")
        self.stopped = name == ".alert"

    def _has_argument(self, line: Line) -> bool:
        if not line.text(1):
            return False
        self._alert(line, 1, f"Unexpected argument '{line.text(1)}' for '{line.words[0].text}'.")
        return True

    def _alone(self, line: Line) -> None:
        self._alert(line, 0, f"lone '{line.words[0].text}' with no matching '.if'.")

    def _alert(self, line: Line, index: int | None, text: str) -> None:
        self._reporter.alert(line, None if index is None else line.words[index], text, glue=": ")


def _column(line: Line, offset: int) -> int:
    """The column of an offset in the words after the first, joined with one space each."""
    for word in line.words[1:]:
        if offset <= len(word.text):
            return word.column if word.quoted else word.column + offset
        offset -= len(word.text) + 1
    return line.word(len(line.words)).column


_STRUCTURE: dict[str, Callable[[Directives, Line], None]] = {
    ".elif": Directives._elif,
    ".else": Directives._else,
    ".endif": Directives._endif,
    ".if": Directives._if,
}

_MESSAGES: dict[str, Callable[..., None]] = {
    ".alert": Reporter.alert,
    ".diag": Reporter.diag,
    ".notice": Reporter.notice,
    ".warning": Reporter.warning,
}
