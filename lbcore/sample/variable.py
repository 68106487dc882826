"""Variables: scopes, names, conditions of setting, limits of size (manual 2.6 7.3.1 set-var, 3.2 tune.vars).

    variable = parse_name("txn.user")            while the configuration is read
    variable.get(t), variable.set(t, value)      for a transaction
    variable.setter(conditions)(t, value)        what actions and converters use: bound, conditions compiled in

Variables of the scopes sess, txn, req and res are entries of plain dicts that belong to the worker of their session,
and take no lock. Those of the process are shared by all threads: see ProcVars.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from lbcore.sample.rows import ArgumentError, Fetcher, Txn
from lbcore.sample.types import Value
from lbcore.thread.labels import Label
from lbcore.thread.locks import LockSet, RWLock

ENTRY_SIZE = 64  # bytes that a variable counts for beside its content, about what it costs HAProxy

_CHARS = re.compile(r"[A-Za-z0-9_.]*")
_NO_SCOPE = (
    "invalid variable name '{}'. A variable name must be start by its scope. "
    "The scope can be 'proc', 'sess', 'txn', 'req', 'res' or 'check'"
)


class Scope(Enum):
    """How long a variable lives: with the process, the client's connection, the request and its response, the
    processing of the request, that of the response, a health check."""

    PROC = "proc"
    SESS = "sess"
    TXN = "txn"
    REQ = "req"
    RES = "res"
    CHECK = "check"


# The dict of each scope, as an expression over a transaction.
_PLACES = {Scope.SESS: "t.session.vars", Scope.TXN: "t.vars", Scope.REQ: "t.req_vars", Scope.RES: "t.res_vars",
           Scope.CHECK: "t.check_vars"}  # fmt: skip


@dataclass(slots=True)
class VarLimits:
    """Bytes that variables may take, None: as many as they like. The limit of a scope includes the finer ones: sess
    includes txn, txn includes req and res (which have one limit for each of the two). Those of a check are its own."""

    total: int | None = None  # tune.vars.global-max-size
    proc: int | None = None
    sess: int | None = None
    txn: int | None = None
    reqres: int | None = None
    check: int | None = None

    @property
    def any(self) -> bool:
        """Whether there is a limit at all."""
        every = (self.total, self.proc, self.sess, self.txn, self.reqres, self.check)
        return not all(limit is None for limit in every)


class ProcVars:
    """The variables of the process, and the limits of all scopes.

    Looking one up is one look-up in a dict, which needs no lock; whoever sets or unsets one holds GLOBAL for writing,
    so that a condition and what depends on it are one step. `limits` is set before threads start."""

    __slots__ = ("_guard", "limits", "values")

    def __init__(self, locks: LockSet | None = None) -> None:
        self.values: dict[str, Value] = {}
        self.limits: VarLimits | None = None
        self._guard = RWLock(Label.GLOBAL, locks).write()

    def get(self, name: str) -> Value | None:
        """The value of a variable, None if it is not set. No lock."""
        return self.values.get(name)

    def set(self, name: str, value: Value, tests: Sequence[Test] = ()) -> bool:
        """Sets a variable if all `tests` allow it and it fits; whether it did. Takes GLOBAL."""
        with self._guard:
            # A variable of the process exists from the moment on that the configuration names it.
            if not all(test(self.values.get(name), True, value) for test in tests):
                return False
            limits = self.limits
            if limits is not None and not _fits(self.values, name, value, _least(limits.proc, limits.total)):
                return False
            self.values[name] = value
            return True

    def unset(self, name: str) -> None:
        """Takes a variable's value away. Takes GLOBAL."""
        with self._guard:
            self.values.pop(name, None)

    def snapshot(self) -> dict[str, Value]:
        """All variables at this moment, by name. Takes GLOBAL."""
        with self._guard:
            return dict(self.values)


# A test of a condition: the value that is there, whether the variable exists, the new value.
Test = Callable[[Value | None, bool, Value], bool]


def _integers(old: Value | None, new: Value) -> bool:
    return type(old) is int and type(new) is int


def _empty(new: Value) -> bool:
    return isinstance(new, (str, bytes)) and len(new) == 0


CONDITIONS: dict[str, Test] = {
    "ifempty": lambda old, exists, new: _empty(new),
    "ifexists": lambda old, exists, new: exists,
    "ifgt": lambda old, exists, new: not _integers(old, new) or old > new,  # type: ignore[operator]
    "iflt": lambda old, exists, new: not _integers(old, new) or old < new,  # type: ignore[operator]
    "ifnotempty": lambda old, exists, new: not _empty(new),
    "ifnotexists": lambda old, exists, new: not exists,
    "ifnotset": lambda old, exists, new: old is None,
    "ifset": lambda old, exists, new: old is not None,
}


def parse_conditions(names: Iterable[str]) -> tuple[Test, ...]:
    """The tests that names of conditions mean; empty names mean none. Raises ArgumentError."""
    tests = []
    for at, name in enumerate(names, 1):
        if not name:
            continue
        if name not in CONDITIONS:
            raise ArgumentError(f'unknown condition "{name}"', at)
        tests.append(CONDITIONS[name])
    return tuple(tests)


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable by its scope and its name without it."""

    scope: Scope
    name: str
    text: str = field(compare=False, default="")

    def get(self, t: Txn) -> Value | None:
        """Its value, None if it is not set."""
        return self.make()(t)

    def set(self, t: Txn, value: Value) -> bool:
        """Sets it if it fits; whether it did."""
        return self.setter()(t, value)

    def unset(self, t: Txn) -> None:
        """Takes its value away. It goes on to exist, as `ifexists` sees it, only in the scope of the process."""
        if self.scope is Scope.PROC:
            t.world.proc_vars.unset(self.name)
        else:
            _DICTS[self.scope](t).pop(self.name, None)

    @property
    def source(self) -> str:
        """A Python expression over `t` that gives its value or None."""
        place = "t.world.proc_vars.values" if self.scope is Scope.PROC else _PLACES[self.scope]
        return f"{place}.get({self.name!r})"

    def make(self, build: object = None) -> Fetcher:
        """A function of the transaction that gives its value or None."""
        fetcher: Fetcher = eval(f"lambda t: {self.source}")  # a name has letters, digits, "_" and "." only
        return fetcher

    def setter(self, tests: Sequence[Test] = ()) -> Callable[[Txn, Value], bool]:
        """A function of the transaction and a value that sets it if the `tests` (see `parse_conditions`) allow it and
        it fits; it says whether it did. Takes GLOBAL for a variable of the process."""
        name, tests = self.name, tuple(tests)
        if self.scope is Scope.PROC:
            return lambda t, value: bool(t.world.proc_vars.set(name, value, tests))
        place, scope = _DICTS[self.scope], self.scope
        of_part, of_check = scope in (Scope.REQ, Scope.RES), scope is Scope.CHECK

        def put(t: Txn, value: Value) -> bool:
            if of_part and t.responds is not (scope is Scope.RES):
                return False  # its scope is over, or has not begun
            if of_check and not t.checks:
                return False  # this is no check
            values = place(t)
            if tests:
                old = values.get(name)
                if not all(test(old, name in values, value) for test in tests):
                    return False
            limits = t.world.proc_vars.limits
            if limits is not None and not _allowed(limits, scope, t, name, value):
                return False
            values[name] = value
            return True

        return put


_DICTS: dict[Scope, Callable[[Txn], dict[str, Value]]] = {
    scope: eval(f"lambda t: {place}") for scope, place in _PLACES.items()
}


def parse_name(text: str) -> Variable:
    """The variable that `scope.name` means. Raises ArgumentError in HAProxy's words."""
    if not text:
        raise ArgumentError("Empty variable name cannot be accepted")
    scope, _, name = text.partition(".")
    if not name or scope not in _SCOPES:
        raise ArgumentError(_NO_SCOPE.format(text))
    valid = _CHARS.match(name)
    assert valid is not None, "every part of the pattern may be empty"
    if valid.end() < len(name):
        raise ArgumentError(f"invalid syntax at char '{name[valid.end() :]}'")
    return Variable(Scope(scope), name, text)


_SCOPES = {scope.value for scope in Scope}


def size(value: Value) -> int:
    """Bytes that a variable of this value counts for."""
    return ENTRY_SIZE + (len(value) if isinstance(value, (str, bytes)) else 0)


def _total(values: dict[str, Value]) -> int:
    return sum(map(size, values.values()))


def _fits(values: dict[str, Value], name: str, value: Value, limit: int | None) -> bool:
    if limit is None:
        return True
    old = values.get(name)
    return _total(values) + size(value) - (size(old) if old is not None else 0) <= limit


def _least(*limits: int | None) -> int | None:
    return min((limit for limit in limits if limit is not None), default=None)


def _allowed(limits: VarLimits, scope: Scope, t: Any, name: str, value: Value) -> bool:
    """Whether a variable fits into its scope, and that into those around it. All that counts belongs to this session:
    the limits of the process and of everything bound what one session adds to the variables of the process."""
    values = _DICTS[scope](t)
    old = values.get(name)
    grows = size(value) - (size(old) if old is not None else 0)
    outer = _least(limits.proc, limits.total)
    if scope is Scope.CHECK:
        used = _total(values) + grows
        return _under(limits.check, used) and _under_all(outer, used, t)
    if scope in (Scope.REQ, Scope.RES) and not _under(limits.reqres, _total(values) + grows):
        return False
    txn = _total(t.vars) + _total(t.req_vars) + _total(t.res_vars)
    if scope is not Scope.SESS and not _under(limits.txn, txn + grows):
        return False
    session = txn + _total(t.session.vars)
    if not _under(limits.sess, session + grows):
        return False
    return _under_all(outer, session + grows, t)


def _under(limit: int | None, used: int) -> bool:
    return limit is None or used <= limit


def _under_all(limit: int | None, used: int, t: Any) -> bool:
    """Whether a limit of all variables has room for so many bytes beside those of the process."""
    return limit is None or used + _total(t.world.proc_vars.snapshot()) <= limit
