"""Entries of a table as peers send them: between bytes and the shim's array of numbers.

The shim reads and writes all data of an entry at once, as an array (`stk_read_all` of native/include/table.h): types in
the order of their numbers, elements in theirs, three numbers for a rate. The wire has the same order and the same
numbers, of the sender's types alone; so each direction follows a list of steps that is made once for a table.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from lbcore.peers.codec import KEY_TYPES, Definition, Kept, ProtocolError, number, read_number
from lbcore.peers.dictionary import Heard, Sent
from lbcore.shim import ffi, lib
from lbcore.table.table import Table
from lbcore.table.types import ROWS, Kind

RATES = frozenset(row.number for row in ROWS if row.is_rate)
ARRAYS = frozenset(row.number for row in ROWS if row.array)
# What is going on here and now is no peer's business to say.
OWN = 1 << lib.STK_CONN_CUR
# Types that are no sums, which a table that is written to as well may take over (manual of 3.0, "write-to").
NO_SUMS = {lib.STK_SERVER_ID, lib.STK_SERVER_KEY, lib.STK_GPT0, lib.STK_GPT}
TEXTS_MAX = 16384  # that a table keeps on account of peers: each stays for ever
_PARTS = 3  # numbers of a rate


def kept_of(table: Table) -> dict[int, Kept]:
    """What a table stores, by the numbers of the types."""
    store = table.settings.store
    return {row.number: Kept(*store[row.name]) for row in ROWS if row.name in store}


def definition_of(table: Table, which: int) -> Definition:
    """What peers are told of a table. The key of a string counts the NUL that HAProxy keeps behind it."""
    key_length = table.key_length + (table.kind == "string")
    return Definition(which, wire_name(table), KEY_TYPES[table.kind], key_length, kept_of(table), table.settings.expire)


def wire_name(table: Table) -> str:
    """The name that peers know a table by: those of a section are without the section's name."""
    section = table.settings.section
    return table.name.removeprefix(section) if section else table.name


# --- keys ---


def write_key(table: Table, key: bytes) -> bytes:
    """A key as it is sent."""
    if table.kind == "string":
        text = key.rstrip(b"\0")
        return number(len(text)) + text
    return key


def read_key(table: Table, body: bytes, at: int) -> tuple[bytes, int]:
    """(the key at `at`, where the data begin). Raises ProtocolError."""
    if table.kind == "string":
        length, at = read_number(body, at)
        if length > table.key_length:
            raise ProtocolError(f"a key of {length} bytes")
    else:
        length = table.key_length
    end = at + length
    if end > len(body):
        raise ProtocolError("a key is cut short")
    return body[at:end], end


# --- data ---


class _Step(NamedTuple):
    """A data type of a peer: its numbers on the wire, how many of them are taken over, and where they go."""

    texts: bool
    width: int
    taken: int
    place: int


def _width(which: int, elements: int) -> int:
    return elements * (_PARTS if which in RATES else 1)


class Layout:
    """Where each data type stands in the array of a table. Made once for a table and whoever works with it."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.stored = kept_of(table)
        self.places: dict[int, int] = {}
        at = 0
        for which, kept in sorted(self.stored.items()):
            self.places[which] = at
            at += _width(which, kept.elements)
        self.width = int(lib.stk_width(table.handle))
        if at != self.width:
            raise RuntimeError(f"the shim has {self.width} numbers where there should be {at}")
        self.array: Any = ffi.new("uint64_t[]", max(self.width, 1))
        self.server_key = self.places.get(lib.STK_SERVER_KEY)


class Teaching:
    """Makes the data of entries."""

    def __init__(self, layout: Layout, sent: Sent) -> None:
        self._layout = layout
        self._sent = sent

    def data(self, entry: int, now: int) -> bytes:
        """The data of an entry that is referenced."""
        layout = self._layout
        lib.stk_read_all(layout.table.handle, entry, now, layout.array)
        values: Any = ffi.unpack(layout.array, layout.width)
        at = layout.server_key
        if at is None:
            return b"".join(map(number, values))
        text = self._sent.encode(layout.table.text_of(values[at]))
        return b"".join((*map(number, values[:at]), text, *map(number, values[at + 1 :])))


class Learning:
    """Takes over the data of entries, as a definition says that they come."""

    def __init__(self, layout: Layout, defined: Definition, heard: Heard) -> None:
        self._layout = layout
        self._heard = heard
        self.mask = 0  # bit: types that are taken over
        self._own: list[int] = []  # places that nothing is said of, in arrays that are longer here
        self._steps: list[_Step] = []
        for which, kept in sorted(defined.types.items()):
            if which >= lib.STK_TYPES:
                break  # of a newer peer; what follows is passed over, since nobody here knows how it is written
            own = layout.stored.get(which)
            takes = own is not None and kept.period in (0, own.period) and not OWN >> which & 1
            elements = min(kept.elements, own.elements) if own is not None and takes else 0
            self.mask |= bool(elements) << which
            if own is not None and 0 < elements < own.elements:
                start = layout.places[which]
                self._own += range(start + _width(which, elements), start + _width(which, own.elements))
            self._steps.append(
                _Step(
                    ROWS[which].kind is Kind.DICT,
                    _width(which, kept.elements),
                    _width(which, elements),
                    layout.places.get(which, 0),
                )
            )

    def read(self, body: bytes, at: int, array: Any) -> None:
        """Puts the data at `at` in their places. Raises ProtocolError."""
        table, heard = self._layout.table, self._heard
        for texts, width, taken, place in self._steps:
            if texts:
                text, at = heard.decode(body, at)
                if taken:
                    array[place] = table.number_of(text) if table.texts < TEXTS_MAX else 0
                continue
            for i in range(width):
                value, at = read_number(body, at)
                if i < taken:
                    array[place + i] = value

    def complete(self, entry: int, now: int) -> None:
        """Puts what the entry has already in the places that nothing was said of."""
        if not self._own:
            return
        layout = self._layout
        present: Any = ffi.new("uint64_t[]", layout.width)
        lib.stk_read_all(layout.table.handle, entry, now, present)
        for place in self._own:
            layout.array[place] = present[place]
