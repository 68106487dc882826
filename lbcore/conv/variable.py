"""Variables set and unset on the way (manual 7.3.1)."""

from __future__ import annotations

from collections.abc import Sequence

from lbcore.conv.arguments import text_at
from lbcore.sample.build import Build
from lbcore.sample.rows import Arg, Converter, Txn, TxnConvert, add_converters
from lbcore.sample.types import Type, Value
from lbcore.sample.variable import parse_conditions, parse_name


def _check_set(args: Sequence[Arg]) -> None:
    parse_name(text_at(args, 0))
    parse_conditions(args[1:])


def _make_set(args: Sequence[Arg], build: Build) -> TxnConvert:
    """Sets the variable if the conditions allow it, and passes the value on; no sample if it was not set."""
    put = parse_name(args[0]).setter(parse_conditions(args[1:]))
    return lambda t, value: value if put(t, value) else None


def _check_unset(args: Sequence[Arg]) -> None:
    parse_name(text_at(args, 0))


def _make_unset(args: Sequence[Arg], build: Build) -> TxnConvert:
    """Unsets the variable, and passes the value on."""
    unset = parse_name(args[0]).unset

    def convert(t: Txn, value: Value) -> Value:
        unset(t)
        return value

    return convert


_SET = "(string[,string,string,string,string])"

add_converters(
    Converter("set-var", _SET, Type.ANY, Type.ANY, _make_set, "Kept in a variable.", _check_set, txn=True),
    Converter("unset-var", "(string)", Type.ANY, Type.ANY, _make_unset, "A variable unset.", _check_unset, txn=True),
)
