"""A table that is shared with one peer: what was taught, what was learned, how far each side has come.

It outlives sessions: after a reconnection a peer is taught again what it has not acknowledged.
"""

from __future__ import annotations

import struct
from typing import Any

from lbcore.peers.codec import (
    KEY_TYPES,
    About,
    Class,
    Definition,
    ProtocolError,
    definition,
    message,
    number,
    read_number,
)
from lbcore.peers.dictionary import Heard, Sent
from lbcore.peers.entries import (
    ARRAYS,
    RATES,
    Layout,
    Learning,
    Teaching,
    definition_of,
    read_key,
    wire_name,
    write_key,
)
from lbcore.peers.written import Written
from lbcore.shim import ffi, lib
from lbcore.table.table import Table, now_ms

_UPDATE = struct.Struct("!I")
_TIMED = struct.Struct("!II")
_ID = 4  # bytes of the number of a change, and of a time
TICKS = 0xFFFFFFFF
CHANGES = 200  # that are read at once


class Share:
    """One table and one peer. Belongs to the section's worker, as its peer does."""

    def __init__(self, table: Table, which: int, target: Table | None, largest: int) -> None:
        """`which`: our number for the table; `target`: what `write-to` names; `largest`: bytes of a message's body."""
        self.table = table
        self.name = wire_name(table)
        self.id = which
        self.remote_id = 0  # the peer's own number, 0: it has not told
        self.remote_types = 0  # as bits
        self.pushed = 0  # the change up to which all were taught
        self.acked = 0  # the one up to which the peer says that it has learned them
        self.got = 0  # the number of the last change that it has taught us
        self.confirmed = 0  # the one that we said so of
        self.taught = 0  # entries
        self.learned = 0
        self.refused = 0  # that the table had no room for
        self.origin = 0  # the change that a lesson in full ends with
        self.lesson = -1  # how far it has come; -1: there is none
        self._layout = Layout(table)
        self._written = Written(self._layout, Layout(target)) if target is not None else None
        self._largest = largest
        self._changes: Any = ffi.new("stk_change[]", CHANGES)
        self._reached: Any = ffi.new("uint32_t *")
        self._at: Any = ffi.new("uint32_t *")
        self._told = 0  # the number that the peer expects less one; 0: it must be written
        self._teaching: Teaching | None = None
        self._learning: Learning | None = None
        self._heard = Heard()
        self.timed = True

    def begin(self, sent: Sent, heard: Heard, *, timed: bool) -> None:
        """A session begins. `timed`: its peer understands how long entries have to live."""
        self.pushed = self.acked
        self.remote_id = self.remote_types = 0
        self.got = self.confirmed = 0
        self.lesson = -1
        self._at[0] = 0
        self._told = 0
        self._teaching = Teaching(self._layout, sent)
        self._learning = None
        self._heard = heard
        self.timed = timed

    # --- teaching ---

    def teach_all(self) -> None:
        """Begins a lesson in full: all entries that were ever changed, whoever did it."""
        self.origin = self.last_change
        self.lesson = 0
        self._at[0] = 0

    @property
    def last_change(self) -> int:
        """The number of the table's last change. Any thread."""
        return int(lib.stk_last_change(self.table.handle))

    @property
    def in_lesson(self) -> bool:
        return self.lesson >= 0

    def is_behind(self) -> bool:
        """Whether there may be something to teach."""
        return self.in_lesson or self.pushed != self.last_change

    def define(self) -> bytes:
        """The message that says which table the updates that follow are of."""
        return message(Class.TABLE, About.DEFINE, definition(definition_of(self.table, self.id), RATES, ARRAYS))

    def updates(self, most: int, *, switched: bool) -> list[bytes]:
        """The next updates, at most `most`; nothing does not mean that there is nothing more (`is_behind`). `switched`:
        the last ones were of another table, so that the peer does not know what follows what."""
        if switched:
            self._told = 0
        in_lesson, handle = self.in_lesson, self.table.handle
        after = self.lesson if in_lesson else self.pushed
        last, now = self.last_change, now_ms()
        found = lib.stk_changes(
            handle, after, self._at, not in_lesson, now, self._changes, min(most, CHANGES), self._reached
        )
        out = []
        for i in range(found):
            change = self._changes[i]
            try:
                out += self._update(change, now)
            finally:
                lib.stk_release(handle, change.e)
        reached = int(self._reached[0])
        self._advance(last if reached == after else reached)  # those in between were changed again, or are gone
        self.taught += len(out)
        return out

    def _advance(self, reached: int) -> None:
        if not self.in_lesson:
            self.pushed = reached
            return
        self.lesson = reached
        if not is_before(reached, self.origin):
            self.lesson = -1
            self.pushed = reached

    def _update(self, change: Any, now: int) -> list[bytes]:
        assert self._teaching is not None, "a session has begun"
        table, which = self.table, int(change.number)
        body = write_key(table, table.key(change.e)) + self._teaching.data(change.e, now)
        follows = self._told and which == self._told + 1
        if self.timed:
            head = _UPDATE.pack(change.left) if follows else _TIMED.pack(which, change.left)
            about = About.TIMED_INCREMENTAL if follows else About.TIMED
        else:
            head = b"" if follows else _UPDATE.pack(which)
            about = About.INCREMENTAL if follows else About.UPDATE
        if len(head) + len(body) > self._largest:
            return []  # no peer has room for it
        self._told = which
        return [message(Class.TABLE, about, head + body)]

    def acknowledged(self, which: int) -> None:
        """The peer says that it has learned all up to a change. Never takes back what it said before."""
        if is_before(self.acked, which) and not is_before(self.pushed, which):
            self.acked = which

    # --- learning ---

    def defined(self, one: Definition) -> bool:
        """The peer tells about its table of our table's name. False if they don't go together."""
        own = definition_of(self.table, self.id)
        self.remote_id = one.id
        if one.type != KEY_TYPES[self.table.kind] or one.key_length != own.key_length:
            self._learning = None
            return False
        self.remote_types = sum(1 << which for which in one.types)
        self._learning = Learning(self._layout, one, self._heard)
        return True

    def learn(self, body: bytes, about: int) -> None:
        """Takes over an update. Raises ProtocolError."""
        which, left, at = self._read_head(body, about)
        learning, array = self._learning, self._layout.array
        assert learning is not None, "the table was defined"
        key, at = read_key(self.table, body, at)
        if not any(key) and self.table.kind == "string":
            self.got = which
            return  # an empty key is none
        learning.read(body, at, array)
        self.got = which
        entry, now = self.table.set(key), now_ms()
        if not entry:
            self.refused += 1
            return
        learning.complete(entry, now)
        lib.stk_write_all(self.table.handle, entry, now, learning.mask, array)
        lib.stk_touch_remote(self.table.handle, entry, now, left, 1)
        self.learned += 1
        if self._written is not None:
            self._written.write(key, learning.mask, now)

    def _read_head(self, body: bytes, about: int) -> tuple[int, int, int]:
        """(the number of the change, ms that the entry has to live, where its key begins)."""
        at, which, left = 0, self.got + 1 & TICKS, 0
        if about in (About.UPDATE, About.TIMED):
            which, at = _read_32(body, at)
        if about in (About.TIMED, About.TIMED_INCREMENTAL):
            left, at = _read_32(body, at)
        return which, left, at

    def acknowledgement(self) -> bytes:
        """The message that says how far we have learned, b"" if it was said."""
        if self.got == self.confirmed or not self.remote_id:
            return b""
        self.confirmed = self.got
        return message(Class.TABLE, About.ACK, number(self.remote_id) + _UPDATE.pack(self.got))


def read_acknowledgement(body: bytes) -> tuple[int, int]:
    """(our number of a table, the change) that an ACK speaks of. Raises ProtocolError."""
    which, at = read_number(body, 0)
    return which, _read_32(body, at)[0]


def _read_32(body: bytes, at: int) -> tuple[int, int]:
    if at + _ID > len(body):
        raise ProtocolError("an update is cut short")
    return int.from_bytes(body[at : at + _ID], "big"), at + _ID


def is_before(a: int, b: int) -> bool:
    """Whether change number `a` comes before `b`: they wrap."""
    return 0 < (b - a & TICKS) < 1 << 31
