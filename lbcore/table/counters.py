"""What words of rules do to an entry of a stick table: functions of table and entry (manual 7.3.3, "sc_get_gpc0").

A word is about a data type by its name, of an array about an element. Which element of a table that is gets looked up
when the table is met first. None means that the table does not store it.
"""

from __future__ import annotations

from collections.abc import Callable

from lbcore.table.table import Field, Table
from lbcore.table.types import TYPES

Use = Callable[[Table, int], int | None]
KBYTES = 10  # bits
_RATES = {"gpc": "gpc_rate", "gpc0": "gpc0_rate", "gpc1": "gpc1_rate"}  # what is counted along with a counter


def _finder(name: str, index: int | None) -> Callable[[Table], Field | None]:
    """`Table.field`, which remembers. Any thread: entries are only added, and those for a table are all the same."""
    known: dict[Table, Field | None] = {}

    def find(table: Table) -> Field | None:
        try:
            return known[table]
        except KeyError:
            found = known[table] = table.field(name, index)
            return found

    return find


class Reading:
    """Gives the value, without its lowest `shift` bits. `number` and `element` are what the shim knows it as, if the
    table stores it by that name."""

    def __init__(self, name: str, index: int | None = None, shift: int = 0) -> None:
        self.number = TYPES[name].number
        self.element = index or 0
        self.shift = shift
        self._find = _finder(name, index)

    def __call__(self, table: Table, entry: int) -> int | None:
        field = self._find(table)
        return None if field is None else table.read(entry, field) >> self.shift


def raising(name: str, index: int | None = None) -> Use:
    """Counts one up, in the rate that belongs to it, too; gives the counter's new value, or the rate's events where
    only that is stored, 0 where neither is."""
    add = adding(name, index)
    return lambda table, entry: add(table, entry, 1)


def adding(name: str, index: int | None = None) -> Callable[[Table, int, int], int]:
    """Adds an amount, in the rate that belongs to it, too: the new value as `raising` gives it."""
    find, find_rate = _finder(name, index), _finder(_RATES[name], index)

    def use(table: Table, entry: int, amount: int) -> int:
        value = 0
        rate, field = find_rate(table), find(table)
        if rate is not None:
            value = table.add(entry, rate, amount)
        if field is not None:
            value = table.add(entry, field, amount)
        if rate is not None or field is not None:
            table.touch(entry, drop=False)
        return value

    return use


def clearing(name: str, index: int | None = None) -> Use:
    """Sets it to 0; gives what it was."""
    put = setting(name, index)
    return lambda table, entry: put(table, entry, 0)


def setting(name: str, index: int | None = None) -> Callable[[Table, int, int], int | None]:
    """Gives it a value; gives what it was."""
    find = _finder(name, index)

    def use(table: Table, entry: int, value: int) -> int | None:
        field = find(table)
        if field is None:
            return None
        before = table.write(entry, field, value)
        table.touch(entry, drop=False)
        return before

    return use
