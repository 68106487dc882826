"""The protocol of one connection to a stats socket, as a pure object (management manual, 9.3).

Commands are separated by `;` or line ends; a backslash takes the meaning off either, off a blank and itself. A line
that ends with ` <<` has a payload: the lines up to an empty one. Every answer is followed by an empty line. A session
is not interactive at first: it answers what came with the first line, then closes. `prompt` makes it interactive, and
shows a prompt.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from lbcore.cli.registry import NOTHING, Call, Level, Pause, Refusal, Registry, Reply, error
from lbcore.cli.suggest import commands_like
from lbcore.log.settings import LEVELS

if TYPE_CHECKING:
    from lbcore.cli.views import Process

MAX_INPUT = 16384  # bytes of a line or a payload

_WORD = re.compile(r"(?:\\.|[^\s\\]|\\\Z)+", re.DOTALL)
_ESCAPE = re.compile(r"\\(.?)", re.DOTALL)
_PAYLOAD = "<<"


class Session:
    """One connection. Belongs to its thread.

    `closing` says that the owner is to send what it has, read and drop the rest of the input, and close. The owner
    keeps `timeout_ms` too (None: its own default).
    """

    def __init__(self, registry: Registry, process: Process, level: Level, severity_output: str = "none") -> None:
        self.registry = registry
        self.process = process
        self.level = level
        self.severity_output = severity_output  # none, number, string
        self.experimental = False
        self.expert = False
        self.interactive = False  # it goes on after a line
        self.prompting = False  # and has a prompt
        self.interrupted = False  # input came in a pause
        self.silent = False  # the rest is another protocol's: no prompts, no ends of answers
        self.give: Callable[[bytes, Sequence[int]], None] | None = None  # sends descriptors (`expose-fd listeners`)
        self.timed = False
        self.timeout_ms: int | None = None
        self.closing = False
        self._pending = b""
        self._waiting: str | None = None  # the command whose payload is being read
        self._payload: list[str] = []
        self._payload_size = 0

    def feed(self, data: bytes) -> bytes:
        """The answers to what `data` completes. An input too large to be a command closes the session unanswered.

        Where an answer has to wait, so does the caller.
        """
        told = b""
        for piece in self.answers(data):
            if isinstance(piece, Pause):
                time.sleep(piece.ms / 1000)
            else:
                told += piece
        return told

    def answers(self, data: bytes) -> Iterator[bytes | Pause]:
        """The same step by step (see `Reply.rest`); to be taken to its end before more is fed."""
        self._pending += data
        while not self.closing:
            piece = self._next_piece()
            if piece is None:
                break
            for text in self._take(piece):
                yield text if isinstance(text, Pause) else text.encode("utf-8", "surrogateescape")
        if self.closing:
            self._pending = b""
        elif len(self._pending) + self._payload_size > MAX_INPUT:
            self.closing = True

    def end_of_input(self) -> bytes:
        """The peer will send no more. What it left unfinished is not run: it may be half of something else."""
        self._pending = b""
        self.closing = True
        return b""

    def _next_piece(self) -> tuple[str, bool] | None:
        """The next complete command or payload line, and whether a line ends with it. None: more input is needed."""
        end = self._pending.find(b"\n") if self._waiting is not None else _end_of_command(self._pending)
        if end < 0:
            return None
        piece, separator = self._pending[:end], self._pending[end : end + 1]
        self._pending = self._pending[end + 1 :]
        return piece.decode("utf-8", "surrogateescape").removesuffix("\r"), separator == b"\n"

    def _take(self, piece: tuple[str, bool]) -> Iterable[str | Pause]:
        text, ends_line = piece
        if self._waiting is not None:
            return self._take_payload(text)
        if ends_line and text.endswith(_PAYLOAD):
            # Glued to a word it belongs to that word, as in HAProxy: the payload is read all the same.
            alone = text[:-2].endswith((" ", "\t")) or text == _PAYLOAD
            self._waiting = text[:-2] if alone else text
            return ("+ ",) if self.prompting else ()
        return self._run(text, None, ends_line)

    def _take_payload(self, text: str) -> Iterable[str | Pause]:
        if text:
            self._payload.append(text + "\n")
            self._payload_size += len(text) + 1
            return ("+ ",) if self.prompting else ()
        command, payload = self._waiting or "", "".join(self._payload)
        self._waiting = None
        self._payload = []
        self._payload_size = 0
        return self._run(command, payload, ends_line=True)

    def _run(self, text: str, payload: str | None, ends_line: bool) -> Iterator[str | Pause]:
        reply = self._answer(split_words(text), payload)
        if ends_line and not self.interactive and not self._pending:
            self.closing = True
        if reply is None:
            return
        if reply.rest is None:
            yield self._mark(reply) + self._prompt()
            return
        yield self._mark(reply)
        with closing(reply.rest) as rest:
            for part in rest:
                yield self._mark(part) if isinstance(part, Reply) else part
        yield self._prompt()

    def _answer(self, words: list[str], payload: str | None) -> Reply | None:
        """The reply of one command, None for none at all (`quit`)."""
        if not words:
            return NOTHING
        command = self.registry.find(words)
        if command is None:
            return error_unknown(self.registry, words)
        if command.experimental and not self.experimental:
            return error("This command is restricted to experimental mode only.\n")
        if command.expert and not self.expert:
            return error("This command is restricted to expert mode only.\n")
        if command.level > self.level:
            return error("Permission denied\n")
        call = Call(self, self.process, words, words[len(command.words) :], payload)
        try:
            reply = command.function(call)
        except Refusal as refusal:
            return error(f"{refusal}\n")
        return None if self.closing else reply

    def _mark(self, reply: Reply) -> str:
        if reply.severity is None or self.severity_output == "none":
            return reply.text
        mark = str(reply.severity) if self.severity_output == "number" else LEVELS[reply.severity]
        return f"[{mark}]: {reply.text}"

    def _prompt(self) -> str:
        if self.silent:
            return ""
        if not self.prompting:
            return "\n"
        if not self.timed:
            return "\n> "
        minutes, second = divmod(int(self.process.uptime), 60)
        hours, minute = divmod(minutes, 60)
        days, hour = divmod(hours, 24)
        return f"\n[{days}:{hour:02d}:{minute:02d}:{second:02d}]> "


def split_words(text: str) -> list[str]:
    r"""The words of a command, `\` before a character taken off."""
    return [_ESCAPE.sub(r"\1", word) for word in _WORD.findall(text)]


def error_unknown(registry: Registry, words: list[str]) -> Reply:
    """The answer to a command that does not exist: those it may have meant, and what is always there."""
    near = commands_like(registry, words)
    lines = "".join(row.line for row in [*near, *(row for row in registry if row.last)])
    return Reply(
        f"Unknown command: '{words[0]}', but maybe one of the following ones is a better match:\n{lines}", severity=6
    )


def _end_of_command(pending: bytes) -> int:
    r"""Index of the first `;` or LF that no backslash stands before, -1 if there is none."""
    escaped = False
    for index, byte in enumerate(pending):
        if byte in b";\n" and not escaped:
            return index
        escaped = byte == 0x5C and not escaped
    return -1
