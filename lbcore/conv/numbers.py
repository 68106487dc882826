"""Arithmetic, bits and comparisons of numbers (manual 7.3.1).

Numbers have 64 bits and a sign. What would not fit stops at the largest or smallest one; bits wrap like those of the
machine, of which nothing is seen here but that `cpl` and the bitwise operators take negative numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lbcore.conv.arguments import SINT_MAX, check_number, number_of, number_or_variable, saturated, text_at
from lbcore.sample.build import Build
from lbcore.sample.rows import Arg, Convert, Converter, Txn, TxnConvert, add_converters
from lbcore.sample.types import Type

Operator = Callable[[int, int], int]


def _operator(name: str, operate: Operator, doc: str) -> Converter:
    """The row of an operator whose right side is a number or a variable."""

    def make(args: Sequence[Arg], build: Build) -> TxnConvert:
        right = number_or_variable(text_at(args, 0))
        if isinstance(right, int):
            return lambda t, value: operate(value, right)
        number = number_of(right)

        def with_variable(t: Txn, value: int) -> int | None:
            found = number(t)
            return None if found is None else operate(value, found)

        return with_variable

    return Converter(name, "(string)", Type.SINT, Type.SINT, make, doc, check_number, txn=True)


def _unary(name: str, gives: Type, function: Convert, doc: str) -> Converter:
    return Converter(name, "", Type.SINT, gives, lambda args, build: function, doc)


def add(left: int, right: int) -> int:
    """The sum."""
    return saturated(left + right)


def sub(left: int, right: int) -> int:
    """The difference."""
    return saturated(left - right)


def mul(left: int, right: int) -> int:
    """The product."""
    return saturated(left * right)


def div(left: int, right: int) -> int:
    """The quotient without its fraction, as C divides; of a division by 0 the largest number."""
    if right == 0:
        return SINT_MAX
    quotient = abs(left) // abs(right)
    return saturated(quotient if (left < 0) == (right < 0) else -quotient)


def mod(left: int, right: int) -> int:
    """The remainder, with the sign of the left side as in C; 0 of a division by 0."""
    if right == 0:
        return 0
    rest = abs(left) % abs(right)
    return rest if left >= 0 else -rest


def neg(value: int) -> int:
    """The opposite."""
    return saturated(-value)


add_converters(
    _operator("add", add, "Adds a number or a variable."),
    _operator("and", int.__and__, "Bitwise and with a number or a variable."),
    _unary("bool", Type.BOOL, bool, "True unless it is 0."),
    _unary("cpl", Type.SINT, int.__invert__, "All bits flipped."),
    _operator("div", div, "Divides by a number or a variable."),
    _unary("even", Type.BOOL, lambda value: not value & 1, "Whether it is even."),
    _operator("mod", mod, "The remainder of a division by a number or a variable."),
    _operator("mul", mul, "Multiplies by a number or a variable."),
    _unary("neg", Type.SINT, neg, "The opposite."),
    _unary("not", Type.BOOL, lambda value: not value, "True if it is 0."),
    _unary("odd", Type.BOOL, lambda value: bool(value & 1), "Whether it is odd."),
    _operator("or", int.__or__, "Bitwise or with a number or a variable."),
    _operator("sub", sub, "Subtracts a number or a variable."),
    _operator("xor", int.__xor__, "Bitwise exclusive or with a number or a variable."),
)
