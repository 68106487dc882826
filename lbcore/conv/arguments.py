"""Arguments that several converters have in common: a number or a variable, the name of a variable, one word of few."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from lbcore.sample.rows import Arg, ArgumentError, Txn
from lbcore.sample.types import Type, Value, cast
from lbcore.sample.variable import Variable, parse_name

SINT_MAX, SINT_MIN = 2**63 - 1, -(2**63)
UNSIGNED = 2**64 - 1

_NUMBER = re.compile(r"([+-]?)([0-9]*)\Z")

Number = Callable[[Txn], int | None]


def text_at(args: Sequence[Arg], at: int) -> str:
    """The argument at a place, "" if it was left out."""
    text: str = args[at] if at < len(args) else ""
    return text


def saturated(number: int) -> int:
    """The nearest number of 64 bits."""
    return max(SINT_MIN, min(SINT_MAX, number))


def variable_or_none(text: str) -> Variable | None:
    """The variable that an argument names, None if it is the name of none."""
    try:
        return parse_name(text)
    except ArgumentError:
        return None


def number_or_variable(text: str) -> int | Variable:
    """What an operand is: a variable by its name, else a number; nothing is 0. Raises ArgumentError."""
    variable = variable_or_none(text)
    if variable is not None:
        return variable
    number = _NUMBER.match(text)
    if number is None:
        raise ArgumentError("expects an integer or a variable name")
    return saturated(int(f"{number[1]}{number[2] or 0}"))


def check_number(args: Sequence[Arg]) -> None:
    """The check of converters whose one argument is a number or a variable."""
    number_or_variable(text_at(args, 0))


def number_of(variable: Variable) -> Number:
    """A function of the transaction that gives a variable as a number, None if it is not set or is none."""
    get = variable.make()

    def number(t: Txn) -> int | None:
        value = get(t)
        if value is None or type(value) is int:
            return value
        found: Any = cast(value, Type.SINT)
        return None if found is None else int(found)

    return number


def as_type(variable: Variable, wanted: Type) -> Callable[[Txn], Any]:
    """A function of the transaction that gives a variable as `wanted`, None if it is not set or can't be."""
    get = variable.make()

    def value_of(t: Txn) -> Value | None:
        value = get(t)
        return None if value is None else cast(value, wanted)

    return value_of


def named_variable(text: str) -> Variable:
    """The variable that must be named. Raises ArgumentError."""
    if not text:
        raise ArgumentError("missing variable name")
    return registered(text)


def registered(text: str) -> Variable:
    """The variable of a name. Raises ArgumentError."""
    variable = variable_or_none(text)
    if variable is None:
        raise ArgumentError(f"failed to register variable name '{text}'")
    return variable


def check_variable(args: Sequence[Arg]) -> None:
    """The check of converters whose one argument is a variable."""
    named_variable(text_at(args, 0))
