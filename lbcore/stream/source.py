"""`source ... usesrc hdr_ip(...)`: the address in a field of the request that the server is to see it come from."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from lbcore.proxy.settings import UseSource
from lbcore.sample.build import Build
from lbcore.sample.expression import parse_expression
from lbcore.sample.points import Point
from lbcore.sample.types import Addr, Type
from lbcore.sample.words import Words
from lbcore.shim import lib
from lbcore.stream.txn import Txn

FIRST = 1 << 16  # of the numbers under which the shim is told: below are those of PROXY headers


def make_source(backend: Any, build: Build) -> Callable[[Txn], None] | None:
    """What gives the shim the addresses that servers of a backend want to see; None if none wants one. `backend` is a
    lbcore.proxy.backend.Backend. Raises BuildError.

    Servers that want the same share a number.
    """
    if backend.settings.mode != "http":  # there are no fields
        return None
    numbers: dict[UseSource, int] = {}
    for server in backend.servers:
        wanted = server.usesrc
        if wanted is not None and wanted.kind == "hdr_ip":
            server.set_source(numbers.setdefault(wanted, FIRST + len(numbers)))
    if not numbers:
        return None
    tellers = [(number, _teller(wanted, build)) for wanted, number in numbers.items()]

    def tell(t: Txn) -> None:
        for number, text_of in tellers:
            text = text_of(t)
            if text is not None:
                lib.eng_flow_tell(*t.flow(), number, 0, text, len(text))

    return tell


def _teller(wanted: UseSource, build: Build) -> Callable[[Txn], bytes | None]:
    """What gives family and address as the shim wants them: without an address if the field has none, None if there is
    no such field.
    """
    arguments = f"({wanted.header},{wanted.occurrence})"
    address_of = _made("req.hdr_ip" + arguments, Type.ADDR, build)
    value_of = _made("req.hdr" + arguments, Type.STR, build)

    def text_of(t: Txn) -> bytes | None:
        found = address_of(t)
        if not isinstance(found, Addr):
            return None if value_of(t) is None else bytes(1)
        family = socket.AF_INET if len(found) == 4 else socket.AF_INET6
        return bytes((family,)) + bytes(found)

    return text_of


def _made(expression: str, wanted: Type, build: Build) -> Callable[[Txn], Any]:
    return parse_expression(Words([expression], point=Point.BE_SET_SRV)).make(build, wanted)
