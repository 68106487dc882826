"""`set-bandwidth-limit`: turns a filter of bandwidth on for a stream (manual of HAProxy 2.8, 4.2 and 9.7).

The shim limits the payload from then on (native/include/bwlim.h): of mode tcp all bytes, of mode http the body.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

from lbcore.action.spec import Spec, argument, spec
from lbcore.base.units import MS_MAX, SIZE_MAX, UnitError, size, time
from lbcore.proxy.settings import BandwidthLimit, ProxySettings, Settings
from lbcore.sample.build import Build, BuildError
from lbcore.sample.expression import Expression, parse_expression
from lbcore.sample.points import Point
from lbcore.sample.sources import source_of
from lbcore.sample.types import Type
from lbcore.sample.words import ParseError, Words
from lbcore.shim import lib
from lbcore.stream.rules import ACTIONS, Action, Outcome, Ruleset, Run
from lbcore.stream.txn import Txn
from lbcore.table.key import keyer

RULESETS = (Ruleset.TCP_CONTENT, Ruleset.TCP_RESPONSE, Ruleset.HTTP_REQUEST, Ruleset.HTTP_RESPONSE)

Value = int | Expression | None  # None: the filter's own

_UNITS: dict[str, tuple[Callable[[str], int], str, int]] = {
    "limit": (size, "size", SIZE_MAX),
    "period": (time, "time", MS_MAX),
}


def set_bandwidth_limit(words: Words, ruleset: Ruleset) -> Spec:
    """`set-bandwidth-limit <name> [limit {<size>|<expression>}] [period {<time>|<expression>}]`."""
    start = words.at - 1
    name = argument(words, "missing bwlim filter name")
    values: dict[str, Value] = {"limit": None, "period": None}
    point, words.point = words.point, Point(0)  # where a value can't be had is said once all lines are read
    while words.peek() in values:
        option = words.take()
        values[option] = _value(words, option)
    words.point = point

    def check(proxy: ProxySettings, settings: Settings) -> str | None:
        found = _find(proxy, name)
        if found is None:
            return f"unable to find bwlim filter '{name}' referenced by set-bandwidth-limit rule."
        if found.key is not None:
            return _misused(found, values, point)
        return next(filter(None, (_misplaced(option, value, point) for option, value in values.items())), None)

    return spec(words, start, _maker(name, values["limit"], values["period"]), check=check)


def _value(words: Words, option: str) -> Value:
    """A size or a time, or the expression that gives it."""
    read, what, _ = _UNITS[option]
    text, at = words.peek(), words.at
    try:
        value = read(text)
    except UnitError:
        pass
    else:
        words.take()
        return value
    try:
        return parse_expression(words)
    except ParseError as error:
        if text and not str(error).startswith("unknown fetch method"):
            raise
        raise ParseError(f"'{option}': invalid {what} value or unknown fetch method '{text}'", at, error.hint) from None


def _misplaced(option: str, value: Value, point: Point) -> str | None:
    """The complaint about an expression that reads what is not there at `point`."""
    if not isinstance(value, Expression) or not point or value.points & point:
        return None
    return (
        f"set-bandwidth-limit rule uses a {option} extracting information from '{source_of(value.row)}', none of "
        "which is available here."
    )


def _misused(found: BandwidthLimit, values: dict[str, Value], point: Point) -> str | None:
    """What is wrong with a rule that turns a limit on which streams share."""
    for option, value in values.items():
        if value is not None:
            return f"set-bandwidth-limit rule cannot define a {option} for a shared bwlim filter."
    if not point or found.key.points & point:
        return None
    return (
        f"bwlim filter '{found.name}' uses a key extracting information from '{source_of(found.key.row)}', none of "
        "which is available here."
    )


def _find(proxy: ProxySettings, name: str) -> BandwidthLimit | None:
    return next((one for one in proxy.filters if isinstance(one, BandwidthLimit) and one.name == name), None)


def _maker(name: str, limit: Value, period: Value) -> Callable[[Build], Run]:
    def make(build: Build) -> Run:
        owner, side = _owner(build)
        found = _find(owner.settings, name)
        if found is None:
            raise BuildError(f"unable to find bwlim filter '{name}' referenced by set-bandwidth-limit rule.")
        # of one direction of a stream the limits of its frontend and of its backend meet
        number = owner.settings.filters.index(found) << 32 | owner.index << 1 | side
        if found.key is not None:
            return _sharing(build, found, number)
        bytes_of = _getter(build, limit, found.limit, SIZE_MAX)
        period_of = _getter(build, period, found.period, MS_MAX)
        response, least = found.response, found.least

        def run(t: Txn) -> Outcome | None:
            done = lib.eng_flow_bwlim(*t.flow(), response, number, bytes_of(t), period_of(t), least)
            if done == -errno.ENOMEM:
                raise MemoryError("no limit of bandwidth")
            return None

        return run

    return make


def _sharing(build: Build, limit: BandwidthLimit, number: int) -> Run:
    """Has the streams with the same key share a limit; one without a key is not limited."""
    table, fetch = build.table(limit.table), limit.key.make(build)
    key_of = keyer(table.kind, limit.key.type)
    assert key_of is not None, "looked at by the check of the configuration"
    response, most, least, handle = limit.response, limit.limit, limit.least, table.handle

    def run(t: Txn) -> Outcome | None:
        value = fetch(t)
        key = key_of(value) if value is not None else None
        if key is not None:
            done = lib.eng_flow_bwlim_shared(*t.flow(), response, number, most, least, handle, key, len(key))
            if done == -errno.ENOMEM:
                raise MemoryError("no limit of bandwidth")
        return None

    return run


def _owner(build: Build) -> tuple[Any, int]:
    """The proxy that a rule stands in, and its side. A `listen` section has its filters once, whatever side asks."""
    try:
        return build.frontend(""), 0
    except BuildError:
        return build.backend(""), 1


def _getter(build: Build, value: Value, default: int, most: int) -> Callable[[Txn], int]:
    """What gives the value for a stream: 1 to `most`; the default where there is none, or none that can be."""
    if not isinstance(value, Expression):
        constant = value or default
        return lambda t: constant
    fetch = value.make(build, Type.SINT)

    def get(t: Txn) -> int:
        found = fetch(t)
        return min(int(found), most) if found is not None and int(found) > 0 else default

    return get


ACTIONS.register(
    Action("set-bandwidth-limit", RULESETS, set_bandwidth_limit, "Turns a filter of bandwidth on for this stream."),
)
