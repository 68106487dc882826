"""`set-var`, `set-var-fmt`, `unset-var` (manual 4.2 "tcp-check set-var", "http-check set-var")."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lbcore.check.steps import Act, Step, Verdict
from lbcore.sample.build import Build
from lbcore.sample.variable import Test, Variable

if TYPE_CHECKING:
    from lbcore.check.run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class SetVar(Step):
    """Gives a variable the value of an expression or a format, if all `tests` allow it."""

    variable: Variable
    value: Any  # lbcore.sample.expression.Expression, or lbcore.sample.format.Format
    tests: tuple[Test, ...] = ()

    def make(self, build: Build) -> Act:
        fetch: Callable[[Any], Any] = self.value.make(build)
        put = self.variable.setter(self.tests)

        def assign(run: Run) -> Verdict:
            t = run.looked_at
            found = fetch(t)
            if found is not None:
                put(t, found)
            return None

        return assign


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsetVar(Step):
    """Takes a variable's value away."""

    variable: Variable

    def make(self, build: Build) -> Act:
        variable = self.variable

        def forget(run: Run) -> Verdict:
            variable.unset(run.looked_at)
            return None

        return forget
