"""`pool-conn-name`: the name of a stream's server connection, by which it is used again once it is idle (manual of 3.2,
5.2 "pool-conn-name")."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lbcore.conn.pooled import SIZE, digest
from lbcore.sample.build import Build
from lbcore.sample.types import Type
from lbcore.shim import lib
from lbcore.stream.txn import Txn

FIRST = 1 << 17  # of the numbers under which the shim is told: below are those of PROXY headers and of sources


def make_pool_name(backend: Any, build: Build) -> Callable[[Txn], None] | None:
    """What gives the shim the names of a stream's connections to servers of a backend; None if none wants one.
    `backend` is a lbcore.proxy.backend.Backend. Raises BuildError.

    Servers that want the same share a number. A stream of which the expression finds nothing has no name.
    """
    if backend.settings.mode != "http":  # no connection is used again
        return None
    numbers: dict[int, tuple[int, Any]] = {}  # by expression: those of a `default-server` line are one
    for server in backend.servers:
        wanted = server.settings.pool_conn_name
        if wanted is not None:
            number, _ = numbers.setdefault(id(wanted), (FIRST + len(numbers), wanted))
            server.set_pool_name(number)
    if not numbers:
        return None
    tellers = [(number, wanted.make(build, Type.STR)) for number, wanted in numbers.values()]

    def tell(t: Txn) -> None:
        for number, name_of in tellers:
            name = name_of(t)
            if name is not None:
                lib.eng_flow_tell(*t.flow(), number, 0, digest(name.encode("latin-1")), SIZE)

    return tell
