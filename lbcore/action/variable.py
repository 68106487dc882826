"""Actions on variables: `set-var`, `set-var-fmt`, `unset-var` (manual 4.2, http-request set-var)."""

from __future__ import annotations

from lbcore.action.spec import Spec, argument, inside, spec
from lbcore.sample.build import Build
from lbcore.sample.expression import parse_expression
from lbcore.sample.format import parse_format
from lbcore.sample.rows import ArgumentError
from lbcore.sample.style import PLAIN
from lbcore.sample.variable import Test, Variable, parse_conditions, parse_name
from lbcore.sample.words import ParseError, Words
from lbcore.stream.rules import ACTIONS, Action, Outcome, Ruleset, Run
from lbcore.stream.txn import Txn

_EXPECTS = "Expects 'set-var(<var-name>)', 'set-var-fmt(<var-name>)' or 'unset-var(<var-name>)'"


def _named(words: Words) -> tuple[Variable, tuple[Test, ...]]:
    """The variable and the conditions inside the word's parentheses."""
    word = words.peek(-1)
    arguments = inside(word)
    if arguments is None:
        raise ParseError(f"invalid or incomplete action '{word}'. {_EXPECTS}", words.at - 1)
    if ")" not in word:
        raise ParseError(f"incomplete argument after action '{word}'. {_EXPECTS}", words.at - 1)
    try:
        return parse_name(arguments[0]), parse_conditions(arguments[1:])
    except ArgumentError as error:
        raise ParseError(str(error), words.at - 1) from None


def set_var(words: Words, ruleset: Ruleset) -> Spec:
    """`set-var(<name>[,<condition>...]) <expression>`: without a sample the variable stays as it is."""
    start = words.at - 1
    variable, tests = _named(words)
    expression = parse_expression(words)

    def make(build: Build) -> Run:
        fetch, put = expression.make(build), variable.setter(tests)

        def run(t: Txn) -> Outcome | None:
            value = fetch(t)
            if value is not None:
                put(t, value)
            return None

        return run

    return spec(words, start, make)


def set_var_fmt(words: Words, ruleset: Ruleset) -> Spec:
    """`set-var-fmt(<name>[,<condition>...]) <format>`."""
    start = words.at - 1
    variable, tests = _named(words)
    text = parse_format(argument(words, "missing log-format argument"), words, PLAIN)

    def make(build: Build) -> Run:
        render, put = text.make(build), variable.setter(tests)

        def run(t: Txn) -> Outcome | None:
            put(t, render(t))
            return None

        return run

    return spec(words, start, make)


def unset_var(words: Words, ruleset: Ruleset) -> Spec:
    """`unset-var(<name>)`."""
    start = words.at - 1
    variable, _ = _named(words)
    if "," in words.peek(-1):
        raise ParseError(
            'unset-var does not expect parameters after the variable name. Only "set-var" and "set-var-fmt" '
            "manage conditions",
            start,
        )

    def make(build: Build) -> Run:
        def run(t: Txn) -> Outcome | None:
            variable.unset(t)
            return None

        return run

    return spec(words, start, make)


ALL = tuple(Ruleset)

ACTIONS.register(
    Action("set-var", ALL, set_var, "Sets a variable to the result of an expression.", prefix=True),
    Action("set-var-fmt", ALL, set_var_fmt, "Sets a variable to a text in log-format.", prefix=True),
    Action("unset-var", ALL, unset_var, "Takes a variable away.", prefix=True),
)
