"""`expect` on raw bytes: strings, binaries, regular expressions, formats (manual 4.2 "tcp-check expect").

An answer that does not match may still come to match when more of it comes, so a step waits, unless `min-recv` says
that what is here is enough, or the server has ended.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lbcore.check.steps import WAIT, Act, Step, Text, Verdict, text_of
from lbcore.proxy.health import CheckResult, CheckStatus
from lbcore.sample.build import Build
from lbcore.sample.regex import compile_regex
from lbcore.sample.types import Type

if TYPE_CHECKING:
    from lbcore.check.run import Run
    from lbcore.sample.expression import Expression

Match = Callable[["Run"], bool | None]  # None: the pattern can't be made; run.buffer is what is looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class Expect(Step):
    """What all `expect` steps share. `min_recv` -1: nothing is said of how much of the answer it takes.

    `on_success`, `on_error`: formats of what is said of the result. `status_code`: an expression for its code.
    """

    negated: bool = False
    min_recv: int = -1
    ok_status: CheckStatus | None = None
    error_status: CheckStatus | None = None
    tout_status: CheckStatus | None = None
    on_success: Any = None
    on_error: Any = None
    status_code: Expression | None = None

    def waits_as(self) -> CheckStatus | None:
        return self.tout_status


class Teller:
    """Says of an `Expect` how it ended, in the words that its line asks for."""

    __slots__ = ("_code", "_on_error", "_on_success", "_step")

    def __init__(self, step: Expect, build: Build) -> None:
        """Raises BuildError."""
        self._step = step
        self._on_success = text_of(step.on_success, build) if step.on_success is not None else None
        self._on_error = text_of(step.on_error, build) if step.on_error is not None else None
        self._code = step.status_code.make(build, Type.SINT) if step.status_code is not None else None

    def passed(self, run: Run) -> None:
        """It has matched: what the check says if this was its last step."""
        step = self._step
        run.status = step.ok_status or CheckStatus.L7OK
        if self._on_success is not None:
            run.info = self._on_success(run)
        if self._code is not None:
            run.code = self.code(run)

    def code(self, run: Run) -> int:
        """What `status-code` gives, -1 if there is none."""
        found = self._code(run.looked_at) if self._code is not None else None
        return found if isinstance(found, int) else -1

    def failed(self, run: Run, status: CheckStatus, text: str, code: int = -1) -> CheckResult:
        """It has not: `text` unless the line has its own, `status` unless it names one."""
        status = self._step.error_status or status
        if self._code is not None:
            code = self.code(run)
        return CheckResult(status, max(code, 0) if status.has_code else -1, self.words(run, text))

    def words(self, run: Run, text: str) -> str:
        """What is said of a failure: `text` unless the line has its own, and its comment."""
        told = self._on_error(run) if self._on_error is not None else text
        return f"{told} comment: {self._step.comment}" if self._step.comment else told


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectBytes(Expect):
    """`string`, `binary` (a `pattern` as it stands, one character a byte), `rstring`, `rbinary` (a regular expression,
    for `rbinary` of the answer in hexadecimal), `string-lf`, `binary-lf` (a format)."""

    match: str
    pattern: Text

    @property
    def told(self) -> str:
        if self.match == "string":
            return f"expect string '{self.pattern}'"
        if self.match == "binary":
            return f"expect binary '{self.pattern}'"
        return f"expect {_TOLD[self.match]}"

    def make(self, build: Build) -> Act:
        teller = Teller(self, build)
        matches = _MATCHES[self.match](self, build)
        exact = len(self.pattern) if self.match in ("string", "binary") else 0
        least = max(self.min_recv, exact)
        patient = self.min_recv == -1
        unlike = self._unlike()

        def expect(run: Run) -> Verdict:
            whole = run.whole
            if not run.buffer:
                return _empty(self) if whole else WAIT
            if len(run.buffer) < least and not whole:
                return WAIT
            found = matches(run)
            if found is None:
                return teller.failed(
                    run, CheckStatus.L7RSP, "Failed to parse hexastring resulting of eval of a log-format string"
                )
            if not found and patient and not whole:
                return WAIT
            if found is self.negated:
                return teller.failed(run, CheckStatus.L7RSP, unlike)
            teller.passed(run)
            return None

        return expect

    def _unlike(self) -> str:
        """What is said of an answer that it does not like."""
        what = f"'{self.pattern}'" if self.match == "string" else f"({_UNLIKE[self.match]})"
        verb = "matched unwanted" if self.negated else "did not match"
        return f"TCPCHK {verb} content {what} at step {self.number}"


def _empty(step: ExpectBytes) -> CheckResult:
    text = f"TCPCHK got an empty response at step {step.number}"
    status = step.error_status or CheckStatus.L7RSP
    told = f"{text} comment: '{step.comment}'" if step.comment else text
    return CheckResult(status, 0 if status.has_code else -1, told)


_TOLD = {
    "rstring": "regex",
    "rbinary": "binary regex",
    "string-lf": "log-format string",
    "binary-lf": "log-format binary",
}
_UNLIKE = {
    "binary": "binary",
    "rstring": "regex",
    "rbinary": "binary regex",
    "string-lf": "log-format string",
    "binary-lf": "log-format binary",
}


def _exact(step: ExpectBytes, build: Build) -> Match:
    wanted = step.pattern.encode("latin-1")
    return lambda run: wanted in run.buffer


def _regex(step: ExpectBytes, build: Build) -> Match:
    search = compile_regex(step.pattern).search
    return lambda run: search(run.buffer.decode("latin-1")) is not None


def _regex_of_hex(step: ExpectBytes, build: Build) -> Match:
    search = compile_regex(step.pattern).search
    return lambda run: search(run.buffer.hex().upper()) is not None


def _format(step: ExpectBytes, build: Build) -> Match:
    text = text_of(step.pattern, build)
    return lambda run: text(run).encode("latin-1") in run.buffer


def _format_of_hex(step: ExpectBytes, build: Build) -> Match:
    text = text_of(step.pattern, build)

    def matches(run: Run) -> bool | None:
        try:
            return bytes.fromhex(text(run)) in run.buffer
        except ValueError:
            return None

    return matches


_MATCHES: dict[str, Callable[[ExpectBytes, Build], Match]] = {
    "binary": _exact,
    "binary-lf": _format_of_hex,
    "rbinary": _regex_of_hex,
    "rstring": _regex,
    "string": _exact,
    "string-lf": _format,
}
