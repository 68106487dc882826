"""set-priority-class, set-priority-offset: a stream's place in queues (manual 4.2, "set-priority-class").

A free server serves the lowest class first, and of equals whoever came first, as if each had come by its offset later.
The values hold for the present stream; one without has class 0 and offset 0.
"""

from __future__ import annotations

from collections.abc import Callable

from lbcore.action.spec import Spec, spec
from lbcore.sample.build import Build
from lbcore.sample.expression import parse_expression
from lbcore.sample.types import Type
from lbcore.sample.words import Words
from lbcore.shim import lib
from lbcore.stream.rules import ACTIONS, Action, Outcome, Ruleset, Run
from lbcore.stream.txn import Txn

RULESETS = (Ruleset.HTTP_REQUEST, Ruleset.TCP_CONTENT)


def _setter(field: str, what: int, limit: int) -> Callable[[Words, Ruleset], Spec]:
    """The parser of an action whose value is brought within `limit` either way. Without one nothing changes."""

    def parse(words: Words, ruleset: Ruleset) -> Spec:
        start = words.at - 1
        expression = parse_expression(words)

        def make(build: Build) -> Run:
            fetch = expression.make(build, Type.SINT)

            def run(t: Txn) -> Outcome | None:
                value = fetch(t)
                if value is not None:
                    value = max(-limit, min(limit, int(value)))
                    setattr(t, field, value)
                    t.kept = True  # rules of the response and logs may ask for it
                    lib.eng_flow_set(*t.flow(), what, value & 0xFFFFFFFF)
                return None

            return run

        return spec(words, start, make)

    return parse


ACTIONS.register(
    Action(
        "set-priority-class",
        RULESETS,
        _setter("priority_class", lib.FLOW_PRIO_CLASS, lib.PEND_CLASS_MAX),
        "The class in queues: the lowest is served first.",
    ),
    Action(
        "set-priority-offset",
        RULESETS,
        _setter("priority_offset", lib.FLOW_PRIO_OFFSET, lib.PEND_OFFSET_MAX),
        "Ms by which the stream counts as having come later.",
    ),
)
