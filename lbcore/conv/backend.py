"""Backends and servers whose names come from samples (manual 7.3.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lbcore.sample.build import Build
from lbcore.sample.rows import Arg, Converter, Txn, TxnConvert, add_converters
from lbcore.sample.types import Type


def _usable(backend: Any) -> int:
    """Servers that requests go to: the active ones, without any the first backup or (option allbackups) all."""
    if backend.act:
        return int(backend.act)
    return int(backend.bck) if "allbackups" in backend.settings.options else min(int(backend.bck), 1)


class _Backends(dict[str, Any]):
    """Backends by name, taken from the world of the first transaction that asks: there are no others later."""

    def of(self, t: Txn, name: str) -> Any:
        """The backend of that name, None if there is none."""
        if not self:
            self.update({backend.settings.name: backend for backend in t.world.backends.values()})
        return self.get(name)


def _make_nbsrv(args: Sequence[Arg], build: Build) -> TxnConvert:
    """How many usable servers the backend of that name has; no sample without such a backend."""
    backends = _Backends()

    def nbsrv(t: Txn, name: str) -> int | None:
        backend = backends.of(t, name)
        return None if backend is None else _usable(backend)

    return nbsrv


def _make_srv_queue(args: Sequence[Arg], build: Build) -> TxnConvert:
    """How many requests wait for the server `backend/server`, or of the stream's backend; no sample without it."""
    backends = _Backends()

    def srv_queue(t: Txn, name: str) -> int | None:
        named, slash, own = name.partition("/")
        backend = backends.of(t, named) if slash else t.backend
        if backend is None:
            return None
        wanted = own if slash else named
        found = next((server for server in backend.servers if server.name == wanted), None)
        return None if found is None else int(found.queue)

    return srv_queue


add_converters(
    Converter("nbsrv", "", Type.STR, Type.SINT, _make_nbsrv, "The usable servers of a backend.", txn=True),
    Converter("srv_queue", "", Type.STR, Type.SINT, _make_srv_queue, "What waits for a server.", txn=True),
)
