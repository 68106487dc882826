"""Choices (manual 7.3.1; `when`: 3.1 and 3.2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lbcore.conv.arguments import text_at
from lbcore.sample.build import Build
from lbcore.sample.rows import Arg, ArgumentError, Convert, Converter, Txn, TxnConvert, add_converters
from lbcore.sample.types import Type, Value
from lbcore.stream.txnlog import is_error

SERVER_ERROR = 500

Condition = Callable[[Txn], bool]


def _make_iif(args: Sequence[Arg], build: Build) -> Convert:
    yes, no = args[0], args[1]
    return lambda value: yes if value else no


def went_wrong(t: Txn) -> bool:
    """Whether the stream met an error: what `option dontlog-normal` would log (8.3.3)."""
    if t.record is not None:
        return is_error(t.record)
    return bool(t.error) or t.status >= SERVER_ERROR


def forwarded(t: Txn) -> bool:
    """Whether the request went to a server."""
    return t.server is not None


def _never(t: Txn) -> bool:
    """Nothing that runs rules is answered by an applet."""
    return False


_CONDITIONS: dict[str, Condition] = {
    "error": went_wrong,
    "forwarded": forwarded,
    "normal": lambda t: not went_wrong(t),
    "processed": forwarded,
    "stopping": lambda t: bool(t.world.facts.stopping),
    "toapplet": _never,
}


def _condition(args: Sequence[Arg]) -> tuple[bool, str]:
    """Whether the condition is negated, and its name."""
    text = text_at(args, 0)
    return text.startswith("!"), text.removeprefix("!")


def _check_when(args: Sequence[Arg]) -> None:
    name = _condition(args)[1]
    if name == "acl":
        if not text_at(args, 1):
            raise ArgumentError("condition 'acl' expects the name of an ACL")
    elif name not in _CONDITIONS:
        known = ", ".join(f"'{word}'" for word in sorted([*_CONDITIONS, "acl"]))
        raise ArgumentError(f"expects one of {known} but got '{name}'")
    if any(text_at(args, at) for at in range(2 if name == "acl" else 1, len(args))):
        raise ArgumentError(f"condition '{name}' takes no such argument")


def _make_when(args: Sequence[Arg], build: Build) -> TxnConvert:
    """Passes the value on if the condition holds; no sample if it does not."""
    negated, name = _condition(args)
    holds: Condition = build.acl(args[1]) if name == "acl" else _CONDITIONS[name]

    def when(t: Txn, value: Value) -> Value | None:
        return value if holds(t) is not negated else None

    return when


add_converters(
    Converter("iif", "(string,string)", Type.BOOL, Type.STR, _make_iif, "One of two texts."),
    Converter(
        "when",
        "(string[,string,string])",
        Type.ANY,
        Type.ANY,
        _make_when,
        "Only if a condition holds.",
        _check_when,
        txn=True,
    ),
)
