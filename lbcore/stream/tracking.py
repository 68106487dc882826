"""Which entries of stick tables a stream counts on (manual 4.2, "track-sc0").

The shim does the counting and holds the entries (native/include/track.h); what is kept here lets rules and formats
read them. A stream has slots of its own, its session others, which count for its streams, too; none is of both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from lbcore.shim import lib
from lbcore.stream.txn import AT, Txn
from lbcore.table.table import Table

T = TypeVar("T")
FLOW, GEN, FRONTEND = AT["flow"], AT["gen"], AT["frontend"]


class Tracked(NamedTuple):
    """What a slot counts on. The entry stays as long as the stream, or the session, whose slot it is."""

    table: Table
    entry: int
    key: bytes


Slots = dict[int, Tracked]
_NOTHING: Slots = {}
_new = tuple.__new__  # a third of the time that a call of the class takes


def tracked_at(t: Txn, slot: int) -> Tracked | None:
    """What counts for the stream in a slot."""
    own: Slots | None = t.tracked
    if own is not None:
        found = own.get(slot)
        if found is not None:
            return found
    found = slots_of_session(t).get(slot)
    if found is not None:
        return found
    limit = t.world.limits.get(t.ask[FRONTEND])
    return _by_shim(t, limit) if limit is not None and limit.slot == slot else None


def slots_of_session(t: Txn) -> Slots:
    """What the connection tracks. Neither that nor the session is made where there is none."""
    slots: Slots = t.session.__dict__.get("tracked", _NOTHING) if t.has_session else _NOTHING
    return slots


def _by_shim(t: Txn, limit: Any) -> Tracked | None:
    """What the shim has tracked of a stream before anybody was asked."""
    table = limit.table
    key = None
    if limit.is_known_later:
        src = t.src
        key = None if src is None else limit.source_key(src)
        if key is None:
            return None
    if t.record is not None:  # it is over, and holds no entry any more
        return None if key is None else Tracked(table, 0, key)
    ask, worker = t.ask, t.worker
    entry = lib.eng_flow_tracked(worker.engine.handle, worker.tid, ask[FLOW], ask[GEN], limit.slot, table.handle)
    if entry <= 0:
        return None
    if t.tracked is None:
        t.tracked = {}
    found = t.tracked[limit.slot] = Tracked(table, entry, table.key(entry) if key is None else key)
    return found


def track(t: Txn, slots: Slots, slot: int, table: Table, key: bytes) -> None:
    """Has the entry of a key counted on in a slot, which must be empty. Nothing happens if the table is full, or if the
    slot is that of a stream whose connection tracks something there."""
    ask = t.ask
    if not ask[FLOW]:  # only explained: nobody counts
        entry = 0 if slot in slots_of_session(t) else table.set(key)
    else:
        worker = t.worker
        entry = lib.eng_flow_track(
            worker.engine.handle, worker.tid, ask[FLOW], ask[GEN], slot, table.handle, key, len(key)
        )
    if entry > 0:
        slots[slot] = _new(Tracked, (table, entry, key))


def with_entry(t: Txn, found: Tracked, use: Callable[[Table, int], T | None], otherwise: T) -> T | None:
    """What `use` makes of an entry that counts for the stream, `otherwise` if it is there no more.

    When a stream is logged it is over: its entries are no longer held, and are looked up anew.
    """
    if t.record is None:
        return use(found.table, found.entry)
    return look_up(found.table, found.key, use, otherwise)


def look_up(table: Table, key: bytes, use: Callable[[Table, int], T | None], otherwise: T) -> T | None:
    """What `use` makes of the entry of a key, `otherwise` if there is none."""
    entry = table.get(key)
    if not entry:
        return otherwise
    try:
        return use(table, entry)
    finally:
        table.release(entry)
