"""Persistence by stick tables (manual 4.2, "stick on"): a client is sent to the server that a table has for its key,
and the server that it gets is stored there.

    request     rules in their order: `match` looks the key up, and the first server that is found and may be used is
                taken; `store` keeps the key
    response    keys of the response are kept, too; then the server is stored under all of them, once for each table

Servers chosen before, by a cookie or `use-server`, stay chosen. What is kept between request and response belongs to
the transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from lbcore.proxy.backend import Backend
from lbcore.proxy.settings import ProxySettings, StickRule
from lbcore.sample.build import Build
from lbcore.stream.txn import Txn
from lbcore.table.key import keyer
from lbcore.table.table import Field, Table

KEPT_MAX = 8  # keys that a stream can keep, as in HAProxy

Kept = list[tuple[Table, bytes, bool]]  # table, key, whether of the response


class _Rule(NamedTuple):
    """A rule, compiled."""

    table: Table
    key: Callable[[Txn], bytes | None]
    holds: Callable[[Txn], bool] | None
    matches: bool
    stores: bool


def _compile(rule: StickRule, build: Build) -> _Rule:
    table: Table = build.table(rule.table)
    fetch = rule.key.make(build)
    key_of = keyer(table.kind, rule.key.type)
    assert key_of is not None, "looked at by the check of the configuration"

    def key(t: Txn) -> bytes | None:
        value = fetch(t)
        return None if value is None else key_of(value)

    holds = rule.condition.make(build) if rule.condition is not None else None
    return _Rule(table, key, holds, rule.matches, rule.stores)


# --- requests ---


def make_sticking(settings: ProxySettings, build: Build) -> Callable[[Txn], None] | None:
    """The step that chooses the server a table has, and keeps keys to be stored; None for a backend without such rules.

    Raises BuildError."""
    rules = [_compile(rule, build) for rule in settings.stick_rules if not rule.response]
    if not rules:
        return None
    finder = _Finder(build.backend(""))

    def run(t: Txn) -> None:
        for rule in rules:
            keeps = rule.stores and not _has(t.sticks, rule.table, response=None)
            if rule.stores and not keeps:
                continue  # the first one of each table that has a key counts
            if rule.holds is not None and not rule.holds(t):
                continue
            key = rule.key(t)
            if key is None:
                continue
            if rule.matches:
                _match(t, rule.table, key, finder)
            if keeps:
                _keep(t, rule.table, key, response=False)

    return run


def _has(kept: Kept | None, table: Table, *, response: bool | None) -> bool:
    return kept is not None and any(one is table and response in (None, of) for one, _, of in kept)


def _keep(t: Txn, table: Table, key: bytes, *, response: bool) -> None:
    if t.sticks is None:
        t.sticks = []
    if len(t.sticks) < KEPT_MAX:
        t.sticks.append((table, key, response))


def _match(t: Txn, table: Table, key: bytes, finder: _Finder) -> None:
    entry = table.get(key)
    if not entry:
        return
    if t.server is None:
        server = finder.find(table, entry)
        if server is not None and finder.may_have(t, server):
            t.server = t.sticky = server
    table.touch(entry)


class _Finder:
    """The servers of a backend, by what tables say of them. Any thread: what is found by is replaced at once."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._persist = "persist" in backend.settings.options
        self._known = _Known.of(backend)

    def find(self, table: Table, entry: int) -> Any:
        """The server that an entry means: by its key, else by its number; None if this backend has none such."""
        known = self._known
        if known.servers is not self._backend.servers:  # some came, or went
            known = self._known = _Known.of(self._backend)
        key, number = _fields(table)
        found = None
        if key is not None and (text := table.text_of(table.read(entry, key))):
            found = known.at(text) if table.settings.srvkey == "addr" else known.names.get(text)
        if found is None and number is not None:
            found = known.ids.get(table.signed(entry, number))
        return found

    def may_have(self, t: Txn, server: Any) -> bool:
        """Whether a stream may be sent there, though balancing might not."""
        return server.usable or self._persist or t.forced


def _fields(table: Table) -> tuple[Field | None, Field | None]:
    return table.field("server_key"), table.field("server_id")


class _Known(NamedTuple):
    """The servers that a backend has at a time."""

    servers: Sequence[Any]
    ids: dict[int, Any]
    names: dict[str, Any]

    @classmethod
    def of(cls, backend: Backend) -> _Known:
        servers = backend.servers
        return cls(servers, {one.sid: one for one in servers}, {one.name: one for one in reversed(servers)})

    def at(self, address: str) -> Any:
        """The first one with an address, which may be changed while it runs."""
        return next((one for one in self.servers if one.address == address), None)


# --- responses ---


def make_storing(settings: ProxySettings, build: Build) -> Callable[[Txn], None] | None:
    """The step that stores the server of a stream, once that has an answer, or in mode tcp is reached.

    None for a backend without such rules. Raises BuildError."""
    if not any(rule.stores for rule in settings.stick_rules):
        return None
    rules = [_compile(rule, build) for rule in settings.stick_rules if rule.response]

    def run(t: Txn) -> None:
        for rule in rules:
            if _has(t.sticks, rule.table, response=True) or (rule.holds is not None and not rule.holds(t)):
                continue
            key = rule.key(t)
            if key is not None:
                _keep(t, rule.table, key, response=True)
        store(t)

    return run


def store(t: Txn) -> None:
    """Stores the server of a stream under all keys that were kept, which are forgotten then."""
    kept, t.sticks = t.sticks, None
    server = t.server
    if not kept or server is None or server.settings.non_stick:
        return
    for table, key, _ in kept:
        _store(table, key, server)


def _store(table: Table, key: bytes, server: Any) -> None:
    entry = table.set(key)
    if not entry:
        return
    server_key, number = _fields(table)
    if number is not None:
        table.write(entry, number, server.sid)
    if server_key is not None:
        text = server.address if table.settings.srvkey == "addr" else server.name
        table.write(entry, server_key, table.number_of(text))
    table.touch(entry)
