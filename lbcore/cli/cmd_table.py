"""Stick tables: what they hold, changes (management manual 9.3, "show table", "set table", "clear table").

An entry is named by its key, or by the number that `show table` prints before it ("ptr"), which is another entry's
once this one is gone. Whatever looks at a whole table does so a few entries at a time and holds none in between.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import NamedTuple

from lbcore.cli.registry import NOTHING, Call, Command, Level, Reply, error
from lbcore.cli.texts import given
from lbcore.table import key as keys
from lbcore.table.table import Field, Table
from lbcore.table.types import TYPES, Kind

STEP = 50  # entries that are looked at in one step
FILTERS = 4
OPERATORS: dict[str, Callable[[int, int], bool]] = {
    "eq": operator.eq, "ge": operator.ge, "gt": operator.gt, "le": operator.le, "lt": operator.lt, "ne": operator.ne,
}  # fmt: skip

_NUMBER = re.compile(r"-?[0-9]{1,19}")
_POINTER = re.compile(r"(?:0x)?[0-9a-f]{1,16}", re.IGNORECASE)
_LARGEST = (1 << 63) - 1


class Refused(Exception):
    """The command can't be done; the message is the answer."""


class Filter(NamedTuple):
    """A condition on a value of entries."""

    field: Field
    compare: Callable[[int, int], bool]
    value: int

    def takes(self, table: Table, entry: int) -> bool:
        """Whether the entry fulfils it."""
        return self.compare(table.signed(entry, self.field), self.value)


def show(call: Call) -> Reply:
    """All tables, one with its entries or those that filters take, or one entry."""
    if not call.arg(0):
        return Reply("".join(map(_table_line, reversed([*call.process.tables()]))))
    table = _table(call)
    if call.arg(1) in ("key", "ptr"):
        entry = _named(table, call, "Showing keys from")
        if not entry:
            return NOTHING
        try:
            return Reply(_table_line(table) + _entry_line(table, entry, [*_columns(table)]))
        finally:
            table.release(entry)
    filters = _filters(table, call)
    return Reply(_table_line(table), rest=_shown(table, filters))


def clear(call: Call) -> Reply:
    """Removes one entry, those that filters take, or all; what streams track stays."""
    table = _table(call)
    _may_change(call)
    if call.arg(1) in ("key", "ptr"):
        entry = _named(table, call, "Removing keys from")
        if entry and not table.kill(entry):
            raise Refused("Entry currently in use, cannot remove")
        return NOTHING
    return Reply("", rest=_cleared(table, _filters(table, call)))


def set_values(call: Call) -> Reply:
    """Sets values of one entry, which is stored if its key is new; all of them, or none if one can't be set."""
    table = _table(call)
    _may_change(call)
    if call.arg(1).startswith("data."):
        raise Refused('content-based lookup is only supported with the "show" and "clear" actions')
    if call.arg(1) not in ("key", "ptr"):
        raise Refused(_USAGE["set"])
    key = _key(table, call, "Inserting keys into") if call.arg(1) == "key" else b""
    values = list(_values(table, call.args[3:]))
    entry = table.set(key) if key or call.arg(1) == "key" else _named(table, call, "")
    if not entry:
        raise Refused("Unable to allocate a new entry")
    for field, value in values:
        table.write(entry, field, value)
    table.touch(entry)
    return NOTHING


# --- what is named ---

_USAGE = {
    "show": 'Optional argument only supports "data.<store_data_type>" <operator> <value> and key <key> or ptr <ptr>',
    "set": "Required arguments: <table> key <key> [data.<store_data_type> <value>]* or <table> ptr <ptr> "
    "[data.<store_data_type> <value>]*",
    "clear": 'Required arguments: <table> "data.<store_data_type>" <operator> <value> or <table> key <key> or <table> '
    "ptr <ptr>",
}


def _table(call: Call) -> Table:
    """The one that is named. Raises Refused."""
    if not call.arg(0):
        raise Refused(_USAGE[call.words[0]])
    table = call.process.tables().find(call.arg(0))
    if table is None:
        raise Refused("No such table")
    return table


def _may_change(call: Call) -> None:
    """Raises Refused below operators: anybody may learn which tables there are."""
    if call.session.level < Level.OPERATOR:
        raise Refused("Permission denied")


def _named(table: Table, call: Call, deed: str) -> int:
    """The entry of the key or number behind `key` or `ptr`, referenced; 0 if there is none of that key. Raises
    Refused."""
    if call.arg(1) == "key":
        return table.get(_key(table, call, deed))
    if not call.arg(2):
        raise Refused("Pointer value expected")
    if not _POINTER.fullmatch(call.arg(2)):
        raise Refused("Invalid pointer")
    entry = table.at(int(call.arg(2), 16))
    if not entry:
        raise Refused("No such entry")
    return entry


def _key(table: Table, call: Call, deed: str) -> bytes:
    """The key behind `key`. Raises Refused."""
    if not call.arg(2):
        raise Refused("Key value expected")
    if table.kind == "binary":
        raise Refused(f"{deed} tables of type other than ip, ipv6, string and integer is not supported")
    key = keys.parse(table.kind, given(call.arg(2)))
    if key is None:
        raise Refused("Invalid key")
    return key


def _filters(table: Table, call: Call) -> list[Filter]:
    """All that are given. Raises Refused."""
    words = [*call.args[1:]]
    if words and not words[0].startswith("data."):
        raise Refused(_USAGE[call.words[0]])
    found = []
    for number, start in enumerate(range(0, min(len(words), 3 * FILTERS), 3), 1):
        try:
            found.append(_filter(table, *[*words[start : start + 3], "", ""][:3]))
        except Refused as refused:
            raise Refused(f"Filter entry #{number}: {refused}") from None
    if len(words) > 3 * FILTERS:
        place, before = 3 * FILTERS + 4, words[3 * FILTERS - 1]
        raise Refused(f"Detected extra data in filter, {place}th word of input, after '{before}'")
    return found


def _filter(table: Table, name: str, compare: str, value: str) -> Filter:
    """A condition of three words. Raises Refused."""
    field = _field(table, name)
    if compare not in OPERATORS:
        raise Refused('Require and operator among "eq", "ne", "le", "ge", "lt", "gt"')
    if field.type.kind is Kind.DICT:
        raise Refused(f"'{field.type.name}' holds a text, which can't be compared")
    number = _number(value)
    if number is None:
        raise Refused("Require a valid integer value to compare against")
    return Filter(field, OPERATORS[compare], number)


def _field(table: Table, name: str) -> Field:
    """What `data.<type>` means; of an array the first element. Raises Refused."""
    prefix, _, bare = name.partition(".")
    if prefix != "data" or bare not in TYPES:
        raise Refused("Unknown data type")
    if bare not in table.settings.store:  # names of rules for elements of arrays do not count here
        raise Refused("Data type not stored in this table")
    return Field(TYPES[bare], 0)


def _values(table: Table, words: Sequence[str]) -> Iterator[tuple[Field, int]]:
    """The values to be set. Raises Refused."""
    for start in range(0, len(words), 2):
        name, text = [*words[start : start + 2], ""][:2]
        if not name.startswith("data."):
            raise Refused('"data.<type>" followed by a value expected')
        field, value = _field(table, name), _number(text)
        if value is None:
            raise Refused("Require a valid integer value to store")
        if field.type.kind is Kind.DICT:
            raise Refused(f"'{field.type.name}' holds a text, which can't be set")
        yield field, value


def _number(text: str) -> int | None:
    """A decimal number of 64 bits, None for anything else."""
    value = int(text) if _NUMBER.fullmatch(text) else None
    return value if value is None or -_LARGEST - 1 <= value <= _LARGEST else None


# --- what is shown and done ---


def _table_line(table: Table) -> str:
    settings = table.settings
    return f"# table: {table.name}, type: {table.kind}, size:{settings.size}, used:{table.used}\n"


def _entry_line(table: Table, entry: int, columns: Sequence[tuple[str, Field]]) -> str:
    """An entry that the caller has a reference to."""
    facts = table.facts(entry)
    head = f"0x{entry:x}: key={keys.text(table.kind, table.key(entry))} use={facts.refs} exp={facts.expires} shard=0"
    return head + "".join(f" {name}={table.shown(entry, field)}" for name, field in columns) + "\n"


def _columns(table: Table) -> Iterator[tuple[str, Field]]:
    """What is shown of an entry; rates with their periods in ms."""
    for name, field in table.fields():
        period = table.settings.store[field.type.name].period
        yield (f"{name}({period})" if field.type.is_rate else name), field


def _shown(table: Table, filters: Sequence[Filter]) -> Generator[str, None, None]:
    columns = [*_columns(table)]

    def line(entry: int) -> str:
        try:
            taken = all(one.takes(table, entry) for one in filters)
            return _entry_line(table, entry, columns) if taken else ""
        finally:
            table.release(entry)

    return _steps(table, line)


def _cleared(table: Table, filters: Sequence[Filter]) -> Generator[str, None, None]:
    def remove(entry: int) -> str:
        if all(one.takes(table, entry) for one in filters):
            table.kill(entry)
        else:
            table.release(entry)
        return ""

    return _steps(table, remove)


def _steps(table: Table, deed: Callable[[int], str]) -> Generator[str, None, None]:
    """What `deed`, which gives the reference back, says of each entry, a few at a time. Between two steps a number is
    all that is kept: a client that reads slowly keeps no entry alive."""
    entry = 0
    while True:
        said = []
        for _ in range(STEP):
            entry = table.next(entry)
            if not entry:
                break
            said.append(deed(entry))
        yield "".join(said)
        if not entry:
            return


def _answering(deed: Callable[[Call], Reply]) -> Callable[[Call], Reply]:
    """The function of a command."""

    def run(call: Call) -> Reply:
        try:
            return deed(call)
        except Refused as refused:
            return error(f"{refused}\n")

    return run


COMMANDS = (
    Command(("clear", "table"), "clear table <table> [<filter>]*", "remove an entry from a table (filter: data/key)",
            _answering(clear)),
    Command(("set", "table"), "set table <table> key <k> [data.* <v>]*", "update or create a table entry's data",
            _answering(set_values)),
    Command(("show", "table"), "show table [<table> [<filter>]*]",
            "report table usage stats or dump this table's contents (filter: data/key)", _answering(show)),
)  # fmt: skip
