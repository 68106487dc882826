"""A stick table: entries by key, their data, walks over them."""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from lbcore.shim import check, ffi, lib
from lbcore.table.key import length_of
from lbcore.table.settings import TableSettings
from lbcore.table.types import AS_ELEMENT, TYPES, DataType, Kind
from lbcore.thread.locks import LockSet

TICKS = 0xFFFFFFFF
_NOT_SHOWN = re.compile(r"[^ -~]")  # of texts, which a file or a peer may have brought


def now_ms() -> int:
    """The tick that entries are dated by: milliseconds of the monotonic clock, as the shim's threads have them."""
    return time.monotonic_ns() // 1_000_000 & TICKS or 1


class Field(NamedTuple):
    """An element of a data type that a table stores: of arrays, which one."""

    type: DataType
    place: int


class EntryFacts(NamedTuple):
    """An entry at a moment: others' references to it, ms until it expires (0: it has, or never will)."""

    refs: int
    expires: int
    update: int  # number of its last change, 0: none
    local: bool  # that change was made here, not by a peer


class Table:
    """One table. Any thread may call anything; entries are numbers, good as long as the caller holds a reference.

    `get`, `set`, `at`, `next`, `entries` give a reference, `release` and `touch` give it back.
    """

    def __init__(self, settings: TableSettings, locks: LockSet | None = None) -> None:
        """Raises MemoryError, ValueError if a value of the settings is out of its range."""
        self.settings = settings
        self.name = settings.name
        self.kind = settings.type
        self.key_length = length_of(settings.type, settings.length)
        conf: Any = ffi.new("stk_conf *")
        conf.key_len = self.key_length
        conf.size = settings.size
        conf.expire = settings.expire
        conf.nopurge = settings.nopurge
        conf.updates = settings.peers is not None
        for name, stored in settings.store.items():
            conf.count[TYPES[name].number] = stored.elements
            conf.period[TYPES[name].number] = stored.period
        handle = lib.stk_new(conf, locks.handle if locks else ffi.NULL, secrets.randbits(64))
        if handle == ffi.NULL:
            raise MemoryError(f"the stick table '{self.name}' cannot be made")
        self._locks = locks  # lives as long as its locks
        self.handle: Any = ffi.gc(handle, lib.stk_free)
        self._texts: dict[str, int] = {}  # of Kind.DICT: text -> number; under _dict_lock for writing
        self._by_number: list[str] = [""]
        self._dict_lock = threading.Lock()

    def close(self) -> None:
        """Frees it, before the locks that it was made with. Nobody may use it meanwhile; afterwards that is a
        RuntimeError. Any number of times."""
        handle = self.__dict__.pop("handle", None)
        if handle is not None:
            ffi.release(handle)

    def __getattr__(self, name: str) -> Any:
        # called for what is not there only
        if name == "handle":
            raise RuntimeError(f"the stick table '{self.name}' is closed")
        raise AttributeError(name)

    # --- entries ---

    def get(self, key: bytes) -> int:
        """The entry of a key, 0 if there is none."""
        return int(lib.stk_get(self.handle, key, len(key), now_ms()))

    def set(self, key: bytes) -> int:
        """The entry of a key, stored if it is absent; 0 if the table is full and nothing can go."""
        return int(lib.stk_set(self.handle, key, len(key), now_ms(), ffi.NULL))

    def release(self, entry: int) -> None:
        """Gives a reference back."""
        lib.stk_release(self.handle, entry)

    def touch(self, entry: int, *, drop: bool = True) -> None:
        """Says that it was changed here: its life begins anew. Gives the reference back if `drop`."""
        lib.stk_touch_local(self.handle, entry, now_ms(), drop)

    def touch_remote(self, entry: int, left: int) -> None:
        """Says that what was learned elsewhere is now in it, and has `left` ms to live (0: as long as any). Gives the
        reference back."""
        lib.stk_touch_remote(self.handle, entry, now_ms(), left, 1)

    def kill(self, entry: int) -> bool:
        """Gives the reference back, and removes the entry unless others hold it; whether it did."""
        return bool(lib.stk_kill(self.handle, entry, 1))

    def next(self, after: int) -> int:
        """The entry that follows number `after` (0: the first), 0 if there is none."""
        return int(lib.stk_next(self.handle, after, now_ms()))

    def at(self, number: int) -> int:
        """The entry of that number, 0 if there is none."""
        return int(lib.stk_at(self.handle, number, now_ms())) if 0 < number <= TICKS else 0

    def entries(self) -> Iterator[int]:
        """All entries one after another, each referenced until the next one is asked for."""
        entry = 0
        while entry := self.next(entry):
            try:
                yield entry
            finally:
                self.release(entry)

    def key(self, entry: int) -> bytes:
        """The whole key, with the NULs that follow a short one."""
        return bytes(ffi.buffer(lib.stk_key(self.handle, entry), self.key_length))

    def facts(self, entry: int) -> EntryFacts:
        """What is to be said of an entry besides its data."""
        out: Any = ffi.new("stk_info *")
        lib.stk_look(self.handle, entry, now_ms(), out)
        return EntryFacts(out.refs, out.expires, out.update, bool(out.local))

    @property
    def used(self) -> int:
        """How many entries there are."""
        out: Any = ffi.new("stk_figures *")
        lib.stk_read_figures(self.handle, out)
        return int(out.used)

    def expire(self, most: int) -> int:
        """Removes at most `most` entries that have lived their time; ms until there are more (0: now), -1: never."""
        return int(lib.stk_expire(self.handle, now_ms(), most))

    # --- data ---

    def field(self, name: str, index: int | None = None) -> Field | None:
        """The element that `name` means in this table, None if it is not stored: of an array the one at `index`, and
        for `gpc0` and its like the element of the array where that is stored instead."""
        if name in AS_ELEMENT and name not in self.settings.store:
            name, index = AS_ELEMENT[name]
        stored = self.settings.store.get(name)
        if stored is None or not 0 <= (index or 0) < stored.elements:
            return None
        return Field(TYPES[name], index or 0)

    def read(self, entry: int, field: Field) -> int:
        """The value: of rates the events of the last period, of texts their number."""
        return int(lib.stk_read(self.handle, entry, field.type.number, field.place, now_ms()))

    def signed(self, entry: int, field: Field) -> int:
        """The value as a signed number of 64 bits: that of `server_id`, and what filters of dumps compare."""
        value = self.read(entry, field)
        return value - (1 << 64) if value >> 63 else value

    def add(self, entry: int, field: Field, amount: int) -> int:
        """The value after adding `amount`, 0 .. 2^64-1; it stops at the largest one that the type holds."""
        return int(lib.stk_add(self.handle, entry, field.type.number, field.place, amount, now_ms()))

    def write(self, entry: int, field: Field, value: int) -> int:
        """Sets the value, and tells what it was."""
        return int(lib.stk_write(self.handle, entry, field.type.number, field.place, value & (1 << 64) - 1, now_ms()))

    def rate(self, entry: int, field: Field) -> tuple[int, int, int]:
        """A rate's parts, as `set_rate` takes them. Raises OSError (EINVAL) if it is none."""
        parts: Any = ffi.new("uint32_t[3]")
        check(
            lib.stk_rate_parts(
                self.handle, entry, field.type.number, field.place, now_ms(), 0, parts, parts + 1, parts + 2
            )
        )
        return int(parts[0]), int(parts[1]), int(parts[2])

    def set_rate(self, entry: int, field: Field, age: int, current: int, previous: int) -> None:
        """Sets a rate's parts: `current` events since `age` ms, `previous` in the period before.

        Raises OSError (EINVAL) if it is none."""
        parts: Any = ffi.new("uint32_t[3]", [age, current, previous])
        check(
            lib.stk_rate_parts(
                self.handle, entry, field.type.number, field.place, now_ms(), 1, parts, parts + 1, parts + 2
            )
        )

    # --- texts ---

    def number_of(self, text: str) -> int:
        """The number that a text is stored by in entries, from 1; "" is 0. Texts are kept for the life of the table:
        they are names or addresses of servers."""
        if not text:
            return 0
        number = self._texts.get(text)
        if number is not None:
            return number
        with self._dict_lock:
            number = self._texts.get(text)
            if number is None:
                number = len(self._by_number)
                self._by_number.append(text)
                self._texts[text] = number
            return number

    @property
    def texts(self) -> int:
        """How many texts are kept."""
        return len(self._texts)

    def text_of(self, number: int) -> str:
        """The text of a number, "" if it has none."""
        return self._by_number[number] if 0 <= number < len(self._by_number) else ""

    # --- dumps ---

    def fields(self) -> Iterator[tuple[str, Field]]:
        """All elements that are stored, in the order of dumps, by their names there."""
        for row in TYPES.values():
            stored = self.settings.store.get(row.name)
            for index in range(stored.elements if stored else 0):
                yield (row.element.format(index) if row.array else row.name), Field(row, index)

    def shown(self, entry: int, field: Field) -> str:
        """A value as dumps show it."""
        if field.type.kind is Kind.DICT:
            return _NOT_SHOWN.sub(lambda found: f"\\x{ord(found[0]):02X}", self.text_of(self.read(entry, field))) or "-"
        signed = field.type.kind is Kind.SINT
        return str(self.signed(entry, field) if signed else self.read(entry, field))
