"""`send`, `send-lf`, `send-binary`, `send-binary-lf` (manual 4.2 "tcp-check send", "tcp-check send-binary")."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lbcore.check.steps import Act, Step, Text, Verdict, text_of
from lbcore.proxy.health import CheckResult, CheckStatus
from lbcore.sample.build import Build

if TYPE_CHECKING:
    from lbcore.check.run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Send(Step):
    """Says `text`; if `hexadecimal`, the bytes that a format spells that way."""

    text: Text
    hexadecimal: bool = False

    @property
    def told(self) -> str:
        return "send"

    def make(self, build: Build) -> Act:
        if isinstance(self.text, str):
            return _say(self.text.encode("latin-1"))
        return _say_format(text_of(self.text, build), self)


def _say(data: bytes) -> Act:
    def send(run: Run) -> Verdict:
        run.send(data)
        return None

    return send


def _say_format(text: Callable[[Run], str], step: Send) -> Act:
    wrong = CheckResult(
        CheckStatus.L7RSP, -1, f"tcp-check send : failed to build log-format string at step {step.number}"
    )

    def send(run: Run) -> Verdict:
        found = text(run)
        if not step.hexadecimal:
            run.send(found.encode("latin-1"))
            return None
        try:
            run.send(bytes.fromhex(found))
        except ValueError:
            return wrong
        return None

    return send
