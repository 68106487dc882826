"""Messages on standard error, in HAProxy's form and with its two lines of introduction before the first."""

from __future__ import annotations

import contextlib
import os
import sys

from lbcore.version import LANGUAGE_VERSION, __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TextIO

    from lbcore.base.diag import Diagnostic, Severity


def program_path() -> str:
    """The program as it was launched."""
    return sys.argv[0] or sys.executable


def program_name() -> str:
    """The last part of that, which messages and logs carry: `haproxy` where a link of that name was used."""
    path = program_path()
    name = os.path.basename(path)
    return "lbcore" if name in ("__main__.py", "-c", "-m") else name


class Console:
    """Where the program talks to whoever started it. `quiet` holds everything back (`-q`).

    A reader that is gone must not end the service, so nothing is raised. No lock: the main thread's.
    """

    __slots__ = ("_introduced", "quiet")

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self._introduced = False

    def alert(self, text: str) -> None:
        """An error: what was asked for is not done."""
        from lbcore.base.diag import Severity

        self._message(Severity.ALERT, text)

    def warning(self, text: str) -> None:
        """Something that is worth being looked at."""
        from lbcore.base.diag import Severity

        self._message(Severity.WARNING, text)

    def diagnostics(self, messages: Iterable[Diagnostic]) -> None:
        """What was found in a configuration, each with its line and a caret where known."""
        from lbcore.cfg.diagnostics import format_diagnostic

        for message in messages:
            self._introduce(message.severity)
            self.line(format_diagnostic(message, os.getpid()))

    def line(self, text: str) -> None:
        """A line without a frame."""
        self._write(sys.stderr, text)

    def say(self, text: str) -> None:
        """A line on standard output, where HAProxy puts the results of checks."""
        self._write(sys.stdout, text)

    def _message(self, severity: Severity, text: str) -> None:
        from lbcore.cfg.diagnostics import format_message

        self._introduce(severity)
        self.line(format_message(severity, text, os.getpid()))

    def _introduce(self, severity: Severity) -> None:
        from lbcore.base.diag import Severity
        from lbcore.cfg.diagnostics import format_message

        if self._introduced or severity not in (Severity.ALERT, Severity.WARNING):
            return
        self._introduced = True
        for text in (
            f"haproxy version is {LANGUAGE_VERSION} (lbcore {__version__})",
            f"path to executable is {program_path()}",
        ):
            self.line(format_message(Severity.NOTICE, text, os.getpid()))

    def _write(self, stream: TextIO | None, text: str) -> None:
        """Writes at once. The stream is None where the descriptor was closed before the start.

        What cannot be written must not stay in the stream's buffer: the interpreter would fail on it again when it
        ends, and turn the exit code into 120.
        """
        if self.quiet or stream is None:
            return
        data = f"{text}\n".encode(stream.encoding, stream.errors or "strict")
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
            while data:
                data = data[os.write(stream.fileno(), data) :]
