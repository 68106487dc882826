"""Diagnostics of a configuration: what is wrong, where, and what was meant."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


class Severity(Enum):
    """How bad a message is, with HAProxy's word for it."""

    DIAG = "DIAG"
    NOTICE = "NOTICE"
    WARNING = "WARNING"
    ALERT = "ALERT"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One message. `text` is the whole of what HAProxy would say after the `[ALERT] (pid) : ` prefix."""

    severity: Severity
    text: str
    file: str = ""
    line: int = 0
    column: int = 0  # from 1; 0: the whole line
    source: str = ""  # the offending line, for the caret
    hint: str | None = None  # the nearest known word


@dataclass(slots=True)
class Diagnostics:
    """All messages of one run, in order. `errors` counts the ALERTs, `warnings` the WARNINGs."""

    messages: list[Diagnostic] = field(default_factory=list)

    def add(self, message: Diagnostic) -> None:
        self.messages.append(message)

    @property
    def errors(self) -> int:
        return sum(m.severity is Severity.ALERT for m in self.messages)

    @property
    def warnings(self) -> int:
        return sum(m.severity is Severity.WARNING for m in self.messages)


class ConfigError(Exception):
    """The configuration can't be used; `diagnostics` says why."""

    def __init__(self, diagnostics: Diagnostics) -> None:
        self.diagnostics = diagnostics
        alerts = [m.text for m in diagnostics.messages if m.severity is Severity.ALERT]
        super().__init__("\n".join(alerts) or "configuration error")
