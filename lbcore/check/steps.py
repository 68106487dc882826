"""What a health check is made of: steps, and rulesets of them.

A step is what a line of `tcp-check` or `http-check` says; the ready-made checks (`option smtpchk`, ...) are written in
the same steps. `make` turns it into a function once, when a balancer is built; a run calls these one after the other:

    None         done: on to the next step
    WAIT         there is not enough of the answer yet, or no connection: call again when there is more
    CheckResult  the check is over
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from lbcore.proxy.health import CheckResult
from lbcore.sample.build import Build

if TYPE_CHECKING:
    from lbcore.check.run import Run


class Wait(Enum):
    """The one thing besides a result that a step may give."""

    MORE = "more of the answer"


WAIT: Final = Wait.MORE
Verdict = CheckResult | Wait | None
Act = Callable[["Run"], Verdict]
Text = Any  # a str (one character a byte), or a lbcore.sample.format.Format


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step. `number` is its place among the lines of its ruleset, from 1; 0: nobody wrote it. `comment` is said
    when it fails; where it has none, that of the last `comment` line above it counts."""

    number: int = 0
    comment: str = ""

    def make(self, build: Build) -> Act:
        """What carries it out. Raises BuildError."""
        raise NotImplementedError

    @property
    def told(self) -> str:
        """What messages call it: `connect port 80`; "" if it cannot be what goes wrong."""
        return ""

    def waits_as(self) -> Any:
        """The CheckStatus of a check that takes too long here; None: as it always is."""
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment(Step):
    """`comment <text>`."""

    def make(self, build: Build) -> Act:
        return lambda run: None


@dataclass(frozen=True, slots=True)
class Ruleset:
    """The steps of a check. `kind` is the option that asked for it: "tcp-check", "httpchk", "smtpchk", ..., "" for a
    bare connection. `verbose`: messages say at which step something went wrong."""

    kind: str = ""
    steps: tuple[Step, ...] = ()
    verbose: bool = False

    @property
    def evaluates(self) -> bool:
        """Whether there are formats, expressions or variables in it."""
        return any(evaluates(getattr(step, one.name)) for step in self.steps for one in fields(step))


def evaluates(value: Any) -> bool:
    """Whether something that a line says is only known when a check runs: a format, an expression."""
    if isinstance(value, tuple):
        return any(evaluates(part) for part in value)
    if hasattr(value, "text") and hasattr(value, "how"):  # a pattern
        return evaluates(value.text)
    return hasattr(value, "make") or hasattr(value, "scope")


def numbered(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The steps with their numbers, and with the comments that stand above them."""
    found: list[Step] = []
    above = ""
    for number, step in enumerate(steps, 1):
        if isinstance(step, Comment):
            above = step.comment
        found.append(replace(step, number=number, comment=step.comment or above))
    return tuple(found)


def text_of(text: Text, build: Build) -> Callable[[Run], str]:
    """A function that gives a text, which may be a format. Raises BuildError."""
    if isinstance(text, str):
        return lambda run: text
    make = text.make(build)
    return lambda run: make(run.looked_at)


def is_constant(text: Text) -> bool:
    """Whether a text is always the same."""
    return isinstance(text, str) or text.constant is not None
