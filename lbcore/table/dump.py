"""The contents of a stick table as lines of JSON, which outlive a restart.

The first line tells of the table and when this was written, each other one of an entry:

    {"lbcore-table": 1, "name": "f", "type": "ip", "time": 1790000000000, "store": {"conn_cnt": [1, 0],
     "conn_rate": [1, 10000]}}                           (data types: elements, and the period of rates in ms)
    {"key": "192.0.2.1", "left": 30000, "data": {"conn_cnt": [5], "conn_rate": [[1200, 3, 2]]}}

`time` is milliseconds since 1970, `left` the milliseconds that the entry had to live then (0: it does not expire). A
rate is the age of its period in ms, the events in it, and those in the one before. What has passed since then counts:
rates fade, entries expire. `conn_cur` is left out: connections do not outlive a process.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from lbcore.sample.types import Addr
from lbcore.table import key as keys
from lbcore.table.settings import Stored
from lbcore.table.table import Field, Table
from lbcore.table.types import ELEMENTS_MAX, TYPES, DataType, Kind

FORMAT = 1
NOT_KEPT = ("conn_cur",)
SHOWN = 60  # characters of what is wrong that are shown

_LIMITS = {
    Kind.SINT: range(-(1 << 31), 1 << 31),
    Kind.UINT: range(1 << 32),
    Kind.ULL: range(1 << 64),
    Kind.RATE: range(1 << 32),
}
# JSON can name half a character, which no peer can be sent; the others stand for bytes that one has sent.
_HALF = re.compile("[\ud800-\udc7f\udd00-\udfff]")
_TICKS = _LIMITS[Kind.UINT]
_LIFE = range(1 << 31)  # ms


class BadLine(ValueError):
    """A line can't be read; the message says what is wrong with it."""


# --- writing ---


def head(table: Table, time: int) -> str:
    """The first line."""
    store = {name: list(stored) for name, stored in table.settings.store.items() if name not in NOT_KEPT}
    return _line({"lbcore-table": FORMAT, "name": table.name, "type": table.kind, "time": time, "store": store})


def entry_line(table: Table, entry: int) -> str:
    """The line of an entry that the caller has a reference to."""
    data: dict[str, list[Any]] = {}
    for _, field in table.fields():
        if field.type.name not in NOT_KEPT:
            data.setdefault(field.type.name, []).append(_value(table, entry, field))
    left = table.facts(entry).expires
    return _line({"key": _key_text(table.kind, table.key(entry)), "left": left, "data": data})


def _line(facts: Mapping[str, Any]) -> str:
    return json.dumps(facts, separators=(",", ":")) + "\n"


def _key_text(kind: str, key: bytes) -> str | int:
    value = keys.decode(kind, key)
    if isinstance(value, int):
        return value
    return value.hex() if isinstance(value, bytes) and not isinstance(value, Addr) else str(value)


def _value(table: Table, entry: int, field: Field) -> Any:
    kind = field.type.kind
    if kind is Kind.DICT:
        return table.text_of(table.read(entry, field))
    if kind is Kind.RATE:
        return _faded(table.rate(entry, field), table.settings.store[field.type.name].period)
    return table.signed(entry, field) if kind is Kind.SINT else table.read(entry, field)


def _faded(parts: tuple[int, int, int], period: int) -> tuple[int, int, int]:
    """A rate's parts, zero once nothing of them counts."""
    return parts if parts[0] < 2 * period else (0, 0, 0)


# --- reading ---


class Row(NamedTuple):
    """An entry of a dump, ready to be stored."""

    key: bytes
    left: int  # ms; 0: as long as any
    over: bool  # it has expired since
    values: list[tuple[Field, Any]]


class Reader:
    """Reads the lines of a dump that is to be stored in `table`."""

    def __init__(self, table: Table, first: bytes, time: int) -> None:
        """Takes the first line; it is `time` now (ms since 1970). Raises BadLine."""
        self._table = table
        facts = _object(first, {"lbcore-table": int, "name": str, "type": str, "time": int, "store": dict})
        if facts["lbcore-table"] != FORMAT:
            raise BadLine(f"format {facts['lbcore-table']} is not known")
        if facts["type"] != table.kind:
            raise BadLine(f"its keys are of type {facts['type']}, those of the table of type {table.kind}")
        if facts["time"] < 0:
            raise BadLine("'time' is out of range")
        self._passed = max(0, time - facts["time"])
        self._store = dict(_stored(name, words) for name, words in facts["store"].items())
        ours = table.settings.store
        self._taken = {name for name, stored in self._store.items() if _fits(stored, ours.get(name))}
        self.left_out = sorted(self._store.keys() - self._taken)  # what the table does not store, or otherwise

    def row(self, line: bytes) -> Row:
        """An entry. Raises BadLine."""
        facts = _object(line, {"key": object, "left": int, "data": dict})
        key = _key_of(self._table, facts["key"])
        if facts["left"] not in _LIFE:
            raise BadLine("'left' is out of range")
        values = [pair for name, words in facts["data"].items() for pair in self._values(name, words)]
        left = facts["left"] - self._passed
        over = bool(facts["left"]) and left <= 0
        return Row(key, max(left, 0), over and bool(self._table.settings.expire), values)

    def _values(self, name: str, words: Any) -> Iterator[tuple[Field, Any]]:
        """The elements of a data type, as far as the table stores them. Raises BadLine."""
        stored = self._store.get(name)
        if stored is None:
            raise BadLine(f"data type '{name}' is not among those of the first line")
        if not isinstance(words, list) or len(words) != stored.elements:
            raise BadLine(f"'{name}' is no list of {stored.elements}")
        row = TYPES[name]
        for place, word in enumerate(words):
            value = _read(row, word)
            if name in self._taken:
                yield Field(row, place), self._aged(value, stored.period) if row.is_rate else value

    def _aged(self, parts: tuple[int, int, int], period: int) -> tuple[int, int, int]:
        return _faded((parts[0] + self._passed, *parts[1:]), period)


def store(table: Table, row: Row) -> bool:
    """Puts an entry into the table, in place of the values of one that is there; False if it is full."""
    entry = table.set(row.key)
    if not entry:
        return False
    for field, value in row.values:
        if field.type.is_rate:
            table.set_rate(entry, field, *value)
        else:
            table.write(entry, field, table.number_of(value) if field.type.kind is Kind.DICT else value)
    table.touch_remote(entry, row.left)
    return True


def _object(line: bytes, wanted: Mapping[str, type]) -> dict[str, Any]:
    """The members of a line. Raises BadLine unless they are those that are wanted."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        raise BadLine("it is no JSON") from None
    if not isinstance(found, dict) or found.keys() != wanted.keys():
        raise BadLine(f"it is no object of {', '.join(wanted)}")
    for name, kind in wanted.items():
        if not isinstance(found[name], kind) or (kind is int and isinstance(found[name], bool)):
            raise BadLine(f"'{name}' is of the wrong type")
    return found


def _stored(name: str, words: Any) -> tuple[str, Stored]:
    """How a data type was stored. Raises BadLine."""
    if name not in TYPES or name in NOT_KEPT:
        raise BadLine(f"data type '{name}' is not known")
    if not isinstance(words, list) or len(words) != 2 or not all(type(word) is int for word in words):
        raise BadLine(f"'{name}' is no pair of elements and period")
    if words[0] not in range(1, ELEMENTS_MAX + 1) or words[1] not in _LIFE:
        raise BadLine(f"'{name}' is out of range")
    return name, Stored(*words)


def _shown(word: Any) -> str:
    """What a message says of a value, which may be long."""
    text = json.dumps(word)
    return text if len(text) <= SHOWN else text[:SHOWN] + "..."


def _fits(theirs: Stored, ours: Stored | None) -> bool:
    return ours is not None and ours.period == theirs.period and ours.elements >= theirs.elements


def _key_of(table: Table, word: Any) -> bytes:
    """Raises BadLine."""
    key = None
    if table.kind == "integer":
        key = keys.parse("integer", str(word)) if type(word) is int else None
    elif isinstance(word, str):
        key = _binary(word) if table.kind == "binary" else _texted(table.kind, word)
    if key is None or len(key) > table.key_length:
        raise BadLine(f"{_shown(word)} is no key of the table")
    return key


def _texted(kind: str, word: str) -> bytes | None:
    return keys.parse(kind, word) if all(ord(char) < 0x100 for char in word) else None


def _binary(word: str) -> bytes | None:
    try:
        return bytes.fromhex(word)
    except ValueError:
        return None


def _read(row: DataType, word: Any) -> Any:
    """A value of a data type. Raises BadLine."""
    if row.kind is Kind.DICT:
        good = isinstance(word, str) and not _HALF.search(word)
    elif row.kind is Kind.RATE:
        good = isinstance(word, list) and len(word) == 3 and all(type(one) is int and one in _TICKS for one in word)
    else:
        good = type(word) is int and word in _LIMITS[row.kind]
    if not good:
        raise BadLine(f"{_shown(word)} is no value of '{row.name}'")
    return tuple(word) if row.kind is Kind.RATE else word
