"""What a server is found by, where the shim cannot see it: `balance hash`, `balance url_param ... check_post`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lbcore.proxy.balance import Balance
from lbcore.sample.build import Build
from lbcore.sample.expression import parse_expression
from lbcore.sample.points import Point
from lbcore.sample.types import Type
from lbcore.sample.words import Words
from lbcore.shim import lib
from lbcore.stream.txn import Txn

KeyOf = Callable[[Txn], "bytes | None"]

_TOKEN = frozenset(b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_BLANK = b" \t\r\n"


def make_balance_key(backend: Any, build: Build) -> Callable[[Txn], None]:
    """The step behind all rules that tells the shim by what a stream's server is found (`Balance.is_asked`).

    A stream that has nothing of the kind is served in turn. Raises BuildError, ParseError.
    """
    key_of = _make_key(backend.settings.balance, build)
    number = backend.index

    def tell(t: Txn) -> None:
        key = key_of(t)
        if key is not None:
            lib.eng_flow_key(*t.flow(), number, key, len(key))

    return tell


def _make_key(balance: Balance, build: Build) -> KeyOf:
    if balance.check_post:
        return _parameter(balance.name.encode("utf-8", "surrogateescape"))
    expression = balance.expression
    if isinstance(expression, str):  # of a library user
        expression = parse_expression(Words([expression], point=Point.BE_SET_SRV))
    made: KeyOf = expression.make(build, Type.BIN)
    return made


def _parameter(name: bytes) -> KeyOf:
    """The value of a parameter of the query, or of the body of a POST."""

    def key_of(t: Txn) -> bytes | None:
        request = t.req
        assert request is not None, "a step of requests"
        _, _, query = request.target.encode("latin-1").partition(b"?")
        found = parameter(query, name)
        if found is None and request.method == "POST" and request.body:
            return posted(request.body, name)
        return found

    return key_of


def parameter(query: bytes, name: bytes) -> bytes | None:
    """The value of the first parameter called `name`, None if there is none. Nothing is decoded."""
    begin = name + b"="
    for part in query.split(b"&"):
        if part.startswith(begin):
            return part[len(begin) :]
    return None


def posted(body: bytes, name: bytes) -> bytes | None:
    """As `parameter()`, of a body: what is no text of a form has no parameters, and a blank ends the value."""
    value = parameter(body, name)
    if value is None:
        return None
    for at, byte in enumerate(value):
        if byte not in _TOKEN:
            return value[:at] if byte in _BLANK else None
    return value
