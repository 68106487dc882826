"""A terminal: lines are shown on it in place, and keys come from it. It is left as it was found."""

from __future__ import annotations

import os
import select
import shutil
import sys
import termios
import tty
from collections.abc import Iterable
from types import TracebackType
from typing import Self

ENTER, LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"  # another screen without a cursor, and back
HOME, TO_END_OF_LINE, TO_END_OF_SCREEN = "\x1b[H", "\x1b[K", "\x1b[J"
_NAMES = {
    "\x1b[A": "up", "\x1b[B": "down", "\x1b[5~": "page up", "\x1b[6~": "page down", "\x1bOA": "up", "\x1bOB": "down",
}  # fmt: skip


class Terminal:
    """A context in which the terminal is ours. Keys are read one by one, without echo."""

    def __enter__(self) -> Self:
        self._input = sys.stdin.fileno()
        self._before = termios.tcgetattr(self._input)
        tty.setcbreak(self._input)
        self._write(ENTER)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._write(LEAVE)
        termios.tcsetattr(self._input, termios.TCSADRAIN, self._before)

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines."""
        found = shutil.get_terminal_size()
        return found.columns, found.lines

    def show(self, lines: Iterable[str]) -> None:
        """Puts the lines where the last ones were."""
        self._write(HOME + f"{TO_END_OF_LINE}\r\n".join(lines) + TO_END_OF_LINE + TO_END_OF_SCREEN)

    def key(self, seconds: float) -> str:
        """The key that is pressed within that time: a character, "up", "down", "page up", "page down"; "" if none."""
        if not select.select([self._input], [], [], max(0.0, seconds))[0]:
            return ""
        text = os.read(self._input, 16).decode("utf-8", "replace")
        return _NAMES.get(text, text[:1])

    def _write(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()


def is_terminal() -> bool:
    """Whether somebody sits before it: standard input and output both are one."""
    return sys.stdin.isatty() and sys.stdout.isatty()
