"""`http-check expect`: status, header fields, body of a response (manual 4.2 "http-check expect")."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lbcore.check.steps import WAIT, Act, Text, Verdict, text_of
from lbcore.check.tcpcheck_expect import Expect, Teller
from lbcore.http.answer import Answer, MalformedError, read_answer
from lbcore.http.members import split_list
from lbcore.proxy.health import CheckResult, CheckStatus
from lbcore.proxy.machine import Op
from lbcore.sample.build import Build
from lbcore.sample.regex import compile_regex

if TYPE_CHECKING:
    from lbcore.check.run import Run

NOT_FOUND = 404
Like = Callable[["Run", Answer], bool | None]  # None: not enough of it is here


@dataclass(frozen=True, slots=True)
class Pattern:
    """What a name or a value is compared with: `how` is "str", "beg", "end", "sub" or "reg"."""

    how: str
    text: Text

    def make(self, build: Build, *, ignore_case: bool = False) -> Callable[[Run], Callable[[str], bool]]:
        """A function that gives, at a moment, the comparison."""
        if self.how == "reg":
            search = compile_regex(self.text, ignore_case).search
            return lambda run: lambda value: search(value) is not None
        compare = _COMPARE[self.how]
        text = text_of(self.text, build)

        def at(run: Run) -> Callable[[str], bool]:
            wanted = text(run).lower() if ignore_case else text(run)
            return lambda value: compare(value, wanted)

        return at


_COMPARE: dict[str, Callable[[str, str], bool]] = {
    "beg": str.startswith,
    "end": str.endswith,
    "str": str.__eq__,
    "sub": str.__contains__,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpExpect(Expect):
    """`match` is "status" (`codes`: the ranges), "rstatus", "hdr", "fhdr" (`name`, `value`), "string", "rstring" or
    "string-lf" (`pattern`). `disable_on_404`: that status takes the server softly out of service. `bodiless`: the
    request is HEAD."""

    match: str
    pattern: Text = ""
    codes: tuple[range, ...] = ()
    name: Pattern | None = None
    value: Pattern | None = None
    disable_on_404: bool = False
    bodiless: bool = False

    @property
    def told(self) -> str:
        return f"expect HTTP {self.match}"

    def make(self, build: Build) -> Act:
        teller = Teller(self, build)
        like = _LIKE[self.match](self, build)
        of_body = self.match in _OF_BODY

        def expect(run: Run) -> Verdict:
            try:
                answer = read_answer(run.buffer, ended=run.whole, bodiless=self.bodiless)
            except MalformedError:
                return CheckResult(CheckStatus.L7RSP, -1, teller.words(run, ""))
            if answer is None:
                return WAIT
            run.answer = answer
            run.code = answer.status
            if self.disable_on_404 and answer.status == NOT_FOUND and run.server.op is not Op.STOPPED:
                return CheckResult(CheckStatus.L7OKC, NOT_FOUND, "")
            if of_body and not answer.body:
                return teller.failed(run, CheckStatus.L7RSP, _NO_BODY) if answer.complete else WAIT
            found = like(run, answer)
            if found is None:
                return WAIT
            if found is self.negated:
                return self._failed(teller, run, answer)
            teller.passed(run)
            return None

        return expect

    def _failed(self, teller: Teller, run: Run, answer: Answer) -> CheckResult:
        if self.match not in _OF_BODY:
            return teller.failed(run, CheckStatus.L7STS, answer.reason, answer.status)
        return teller.failed(run, CheckStatus.L7RSP, _UNWANTED if self.negated else _UNLIKE, answer.status)


_OF_BODY = ("string", "rstring", "string-lf")
_NO_BODY = "HTTP content check could not find a response body"
_UNLIKE = "HTTP content check did not match"
_UNWANTED = "HTTP check matched unwanted content"


def _status(step: HttpExpect, build: Build) -> Like:
    codes = frozenset(code for span in step.codes for code in span)
    return lambda run, answer: answer.status in codes


def _rstatus(step: HttpExpect, build: Build) -> Like:
    search = compile_regex(step.pattern).search
    return lambda run, answer: search(str(answer.status)) is not None


def _fields(step: HttpExpect, build: Build) -> Like:
    assert step.name is not None, "its line names it"
    name = step.name.make(build, ignore_case=True)
    value = step.value.make(build) if step.value is not None else None
    split = step.match == "hdr"

    def like(run: Run, answer: Answer) -> bool:
        named = name(run)
        fields = [text for known, text in answer.fields if named(known)]
        if value is None:
            return bool(fields)
        wanted = value(run)
        return any(wanted(text) for field in fields for text in (split_list(field) if split else (field,)))

    return like


def _body(step: HttpExpect, build: Build) -> Like:
    """What matches is known at once, what does not only when all is here, or as much as `min-recv` asks for."""
    if step.match == "rstring":
        search = compile_regex(step.pattern).search
        return _patient(step, lambda run, text: search(text) is not None)
    pattern = text_of(step.pattern, build)
    return _patient(step, lambda run, text: pattern(run) in text)


def _patient(step: HttpExpect, matches: Callable[[Run, str], bool]) -> Like:
    least = step.min_recv

    def like(run: Run, answer: Answer) -> bool | None:
        if not answer.complete and len(answer.body) < least:
            return None
        if matches(run, answer.body.decode("latin-1")):
            return True
        return False if answer.complete or least >= 0 else None

    return like


_LIKE: dict[str, Callable[[HttpExpect, Build], Like]] = {
    "fhdr": _fields,
    "hdr": _fields,
    "rstatus": _rstatus,
    "rstring": _body,
    "status": _status,
    "string": _body,
    "string-lf": _body,
}
