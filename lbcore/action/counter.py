"""Actions on counters and tags of what is tracked: `sc-inc-gpc`, `sc-add-gpc`, `sc-set-gpt`, ... (manual 4.2).

They do nothing where a slot tracks nothing, or where its table does not store what they would change.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from lbcore.action.spec import Spec, spec
from lbcore.sample.build import Build
from lbcore.sample.expression import Expression, parse_expression
from lbcore.sample.types import Type, caster
from lbcore.sample.words import ParseError, Words
from lbcore.stream.rules import ACTIONS, Action, Outcome, Ruleset, Run
from lbcore.stream.tracking import tracked_at
from lbcore.stream.txn import Txn
from lbcore.table.counters import adding, setting
from lbcore.table.settings import counters_of
from lbcore.table.table import Table

UINT_MAX = 2**32 - 1
_ARGUMENTS = re.compile(r"([0-9]{1,9})")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_WRONG = "invalid stick table track ID"
Change = Callable[[Table, int, int], object]


def _slot(words: Words, text: str, wrong: str, expects: str) -> int:
    """The slot that an argument names, which `)` must follow."""
    inner, closed, behind = text.partition(")")
    slots = counters_of(words.notes)
    if not closed or behind or not inner.isascii() or not inner.isdigit():
        raise ParseError(f"{wrong}. Expects {expects}", words.at - 1)
    if int(inner[:9]) >= slots:
        named = "" if words.peek(-1).startswith("sc-set-") else " (tune.stick-counters)"
        raise ParseError(f"{wrong}. The max allowed ID is {slots - 1}{named}", words.at - 1)
    return int(inner)


def _named_slot(words: Words) -> int:
    """The slot of `sc-inc-gpc0(<slot>)`, 0 unless it is told."""
    word = words.peek(-1)
    name, opened, rest = word.partition("(")
    if not opened or rest == ")":
        return 0
    if name == "sc-set-gpt0":
        return _slot(words, rest, f"{_WRONG} '{word}'", f"{name}(<Track ID>)")
    return _slot(words, rest, _WRONG, f"{word}(<Track ID>)")


def _element(words: Words, what: str) -> tuple[int, int]:
    """Element and slot of `sc-inc-gpc(<element>,<slot>)`."""
    word = words.peek(-1)
    name, opened, rest = word.partition("(")
    expects = f"{name}(<{what.upper()} ID>,<Track ID>)"
    if not opened:
        raise ParseError(f"invalid {what} ID '{word}'. Expects {expects}", words.at - 1)
    first, comma, second = rest.partition(",")
    if not comma or _ARGUMENTS.fullmatch(first) is None:
        raise ParseError(f"Missing {what} ID '{word}'. Expects {expects}", words.at - 1)
    return int(first), _slot(words, second, f"{_WRONG} '{word}'", expects)


def _amount(words: Words) -> int | Expression:
    """A number, or an expression that gives one. At the end of a line it is 0, as in HAProxy."""
    text = words.peek()
    if not text:
        return 0
    if _INTEGER.fullmatch(text) is None:
        expression = parse_expression(words)
        if caster(expression.type, Type.SINT) is None:
            raise ParseError(f"fetch method '{expression.text}' gives no integer")
        return expression
    words.take()
    return int(text) & UINT_MAX


def _changing(slot: int, change: Change, amount: int | Expression) -> Callable[[Build], Run]:
    """What compiles a change of what a slot tracks. An amount that can't be had changes nothing."""

    def make(build: Build) -> Run:
        if isinstance(amount, int):
            return lambda t: _change(t, slot, change, amount)
        fetch = amount.make(build, Type.SINT)

        def run(t: Txn) -> Outcome | None:
            value = fetch(t)
            if value is not None:
                _change(t, slot, change, int(value) & UINT_MAX)
            return None

        return run

    return make


def _change(t: Txn, slot: int, change: Change, amount: int) -> None:
    found = tracked_at(t, slot)
    if found is not None:
        change(found.table, found.entry, amount)


def _raise_named(name: str) -> Callable[[Words, Ruleset], Spec]:
    """The parser of `sc-inc-gpc0(<slot>)` and its like."""

    def parse(words: Words, ruleset: Ruleset) -> Spec:
        slot = _named_slot(words)
        return spec(words, words.at - 1, _changing(slot, adding(name), 1))

    return parse


def raise_gpc(words: Words, ruleset: Ruleset) -> Spec:
    """`sc-inc-gpc(<element>,<slot>)`."""
    index, slot = _element(words, "gpc")
    return spec(words, words.at - 1, _changing(slot, adding("gpc", index), 1))


def add_gpc(words: Words, ruleset: Ruleset) -> Spec:
    """`sc-add-gpc(<element>,<slot>) { <number> | <expression> }`."""
    start = words.at - 1
    index, slot = _element(words, "gpc")
    return spec(words, start, _changing(slot, adding("gpc", index), _amount(words)))


def set_gpt(words: Words, ruleset: Ruleset) -> Spec:
    """`sc-set-gpt(<element>,<slot>) { <number> | <expression> }`."""
    start = words.at - 1
    index, slot = _element(words, "gpt")
    return spec(words, start, _changing(slot, setting("gpt", index), _amount(words)))


def set_gpt0(words: Words, ruleset: Ruleset) -> Spec:
    """`sc-set-gpt0(<slot>) { <number> | <expression> }`."""
    start = words.at - 1
    slot = _named_slot(words)
    return spec(words, start, _changing(slot, setting("gpt0"), _amount(words)))


ALL = tuple(Ruleset)

ACTIONS.register(
    Action("sc-add-gpc", ALL, add_gpc, "Adds to a counter of what is tracked.", prefix=True, since="0.3"),
    Action("sc-inc-gpc", ALL, raise_gpc, "Raises a counter of what is tracked.", prefix=True, since="0.3"),
    Action("sc-inc-gpc0", ALL, _raise_named("gpc0"), "Raises gpc0 of what is tracked.", prefix=True, since="0.3"),
    Action("sc-inc-gpc1", ALL, _raise_named("gpc1"), "Raises gpc1 of what is tracked.", prefix=True, since="0.3"),
    Action("sc-set-gpt", ALL, set_gpt, "Sets a tag of what is tracked.", prefix=True, since="0.3"),
    Action("sc-set-gpt0", ALL, set_gpt0, "Sets gpt0 of what is tracked.", prefix=True, since="0.3"),
)
