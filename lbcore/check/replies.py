"""`Read`: the expect step of the ready-made checks. A pure function says what an answer is worth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lbcore.check.steps import WAIT, Act, Step, Verdict
from lbcore.proxy.health import CheckResult, CheckStatus
from lbcore.sample.build import Build

if TYPE_CHECKING:
    from lbcore.check.run import Run

# (bytes that came, whether no more will) -> a result that ends the check, None to wait for more, True to go on.
Reader = Callable[[bytes, bool], "CheckResult | Passed | None"]


@dataclass(frozen=True, slots=True)
class Passed:
    """The step is passed. If it was the last one, this is what the check says."""

    info: str = ""
    status: CheckStatus = CheckStatus.L7OK
    code: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Read(Step):
    """Reads an answer. `empty`: the status of a server that ends without a word."""

    reader: Reader
    empty: CheckStatus = CheckStatus.L7RSP
    tout_status: CheckStatus | None = None

    def waits_as(self) -> CheckStatus | None:
        return self.tout_status

    def make(self, build: Build) -> Act:
        reader = self.reader
        nothing = CheckResult(
            self.empty, 0 if self.empty.has_code else -1, f"TCPCHK got an empty response at step {self.number}"
        )

        def read(run: Run) -> Verdict:
            if not run.buffer:
                return nothing if run.whole else WAIT
            found = reader(run.buffer, run.whole)
            if found is None:
                return WAIT
            if isinstance(found, CheckResult):
                return found
            run.status, run.code, run.info = found.status, found.code, found.info
            return None

        return read


def failed(status: CheckStatus, info: str = "", code: int = 0) -> CheckResult:
    """The result of an answer that is not liked."""
    return CheckResult(status, code if status.has_code else -1, info)


def first_line(data: bytes) -> str:
    """What stands before the first end of line, as text."""
    return data.split(b"\r", 1)[0].split(b"\n", 1)[0].decode("latin-1")
