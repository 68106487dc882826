"""`stick-table` of proxies (manual 4.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from lbcore.cfg.arguments import TIGHT, Args, KeywordError, integer, kind_word
from lbcore.cfg.context import Context
from lbcore.cfg.keywords import KEYWORDS, PROXIES, Keyword
from lbcore.cfg.units import TIME_MAX, UnitError, parse_size, parse_time
from lbcore.proxy.settings import ProxySettings
from lbcore.table.settings import Stored, TableSettings

if TYPE_CHECKING:
    from lbcore.table.types import DataType

TYPES = ("ip", "ipv6", "integer", "string", "binary")
WITH_LENGTH = ("string", "binary")
LENGTH = 32  # bytes of a key unless `len` says another
LENGTH_MAX = 65535  # of the shim's keys
SIZE_MAX = 2**31 - 1  # entries are numbered with 31 bits
# Arrays, and what they hold in the place of: a table has one or the other.
_OVERRIDES = {
    "gpc": (("gpc0", "gpc1"), "'gpc[0/1]'"),
    "gpc_rate": (("gpc0_rate", "gpc1_rate"), "'gpc[0/1]_rate'"),
    "gpt": (("gpt0",), "'gpt0'"),
}


def stick_table(args: Args) -> None:
    """The one table of a proxy, called as the proxy is."""
    proxy = args.proxy
    if args.in_defaults:
        raise KeywordError("'stick-table' is not supported in 'defaults' section.")
    _check_unique(args)
    proxy.table = read_table(args, TableSettings(proxy.name, "", 0, where=args.line.where))
    tables_of(args.context)[proxy.name] = proxy


def read_table(args: Args, table: TableSettings) -> TableSettings:
    """What is left of a line as a table's arguments. A table of a `peers` section has no `peers` of its own.

    Raises KeywordError, with the keyword of the line before its text."""
    try:
        while args.more:
            word = args.take()
            reader = _READERS.get(word)
            if reader is None or (reader is _peers and table.section):
                raise KeywordError(f"stick-table: unknown argument '{word}'.")
            reader(args, table)
        if not table.size:
            raise KeywordError("stick-table: missing size.")
        if not table.type:
            raise KeywordError("stick-table: missing type.")
    except KeywordError as error:
        error.text = error.text.replace("stick-table", args.name, 1)
        raise
    return table


def tables_of(context: Context) -> dict[str, ProxySettings]:
    """The proxies that have a table, by name."""
    found = context.notes.setdefault(__name__, {})
    assert isinstance(found, dict)
    return found


def _check_unique(args: Args) -> None:
    """A frontend and a backend may have the same name; their tables may not."""
    other = tables_of(args.context).get(args.proxy.name)
    if other is not None and other.table is not None:
        raise KeywordError(
            f"stick-table name '{other.name}' conflicts with table declared in {kind_word(other)} '{other.name}' "
            f"at {other.table.where}."
        )


def _value(args: Args, word: str) -> str:
    text = args.take()
    if not text:
        raise KeywordError(f"stick-table: missing argument after '{word}'.")
    return text


def _type(args: Args, table: TableSettings) -> None:
    table.type = args.take()
    if table.type not in TYPES:
        raise KeywordError(f"stick-table: unknown type '{table.type}'.")
    table.length = LENGTH - (table.type == "string")  # HAProxy keeps a NUL behind those that say no length
    if table.type in WITH_LENGTH and args.peek() == "len":
        args.take()
        length = integer(args.take())
        if length is None or length < 1:
            raise KeywordError("'len' expects a positive integer argument.")
        if length > LENGTH_MAX:
            raise KeywordError(f"'len' expects at most {LENGTH_MAX} (got {length}).")
        table.length = length


def _size(args: Args, table: TableSettings) -> None:
    text = _value(args, "size")
    try:
        table.size = parse_size(text)
    except UnitError as error:
        if error.kind != "overflow":
            raise KeywordError(f"stick-table: unexpected character '{error.char}' in argument of 'size'.") from None
        table.size = SIZE_MAX + 1
    if table.size > SIZE_MAX:
        raise KeywordError(f"stick-table: size '{text}' is too large (maximum value is {SIZE_MAX}).")


def _expire(args: Args, table: TableSettings) -> None:
    text = _value(args, "expire")
    try:
        table.expire = parse_time(text)
    except UnitError as error:
        if error.kind == "overflow":
            raise KeywordError(
                f"stick-table: timer overflow in argument <{text}> to <expire>, maximum value is {TIME_MAX} ms "
                "(~24.8 days).",
                lead=TIGHT,
            ) from None
        raise KeywordError(f"stick-table: unexpected character '{error.char}' in argument of 'expire'.") from None


def _nopurge(args: Args, table: TableSettings) -> None:
    table.nopurge = True


def _peers(args: Args, table: TableSettings) -> None:
    table.peers = _value(args, "peers")


def _write_to(args: Args, table: TableSettings) -> None:
    table.write_to = _value(args, "write-to")


def _srvkey(args: Args, table: TableSettings) -> None:
    table.srvkey = args.take()
    if table.srvkey not in ("name", "addr"):
        raise KeywordError(f"stick-table : unknown server key type '{table.srvkey}'.")


# --- what is stored ---


def _store(args: Args, table: TableSettings) -> None:
    from lbcore.table.types import ROWS  # few configurations have a table

    types = {row.name: row for row in ROWS}
    text = args.take()
    while text:
        text = _store_one(args, table, types, text)


def _store_one(args: Args, table: TableSettings, types: Mapping[str, DataType], text: str) -> str:
    """Reads the first of the data types of a list; what is left of the list."""
    at = next((i for i, char in enumerate(text) if char in ",("), len(text))
    name, rest = text[:at], text[at:]
    arguments: list[str] | None = None
    if rest.startswith("("):
        inner, closed, rest = rest[1:].partition(")")
        if not closed:
            raise KeywordError(f"stick-table: missing closing parenthesis after store option '{name}'.")
        arguments = inner.split(",")
    row = types.get(name)
    if row is None:
        raise KeywordError(f"stick-table: unknown store option '{name}'.")
    stored = _stored(row, arguments)
    if name in table.store:
        args.warn(f"stick-table: store option '{name}' already enabled, ignored.", TIGHT)
    else:
        table.store[name] = stored
    _check_arrays(table)
    return rest.removeprefix(",")


def _stored(row: DataType, arguments: list[str] | None) -> Stored:
    needed = row.array + row.is_rate
    if not needed:
        if arguments is not None:
            raise KeywordError(f"stick-table: unexpected argument to store option '{row.name}'.")
        return Stored()
    given = arguments or []
    if len(given) < needed:
        raise KeywordError(f"stick-table: missing argument to store option '{row.name}'.")
    if len(given) > needed:
        raise KeywordError(f"stick-table: unexpected argument to store option '{row.name}'.")
    elements = _elements(row, given.pop(0)) if row.array else 1
    return Stored(elements, _period(row, given[0]) if row.is_rate else 0)


def _elements(row: DataType, text: str) -> int:
    from lbcore.table.types import ELEMENTS_MAX  # as above

    count = integer(text) or 0
    if not 1 <= count <= ELEMENTS_MAX:
        raise KeywordError(
            f"stick-table: array size is out of allowed range (1-{ELEMENTS_MAX}) for store option '{row.name}'."
        )
    return count


def _period(row: DataType, text: str) -> int:
    """HAProxy takes a period of 0 and divides by it; here it is refused as any other text that is no period."""
    try:
        period = parse_time(text)
    except UnitError:
        period = 0
    if not period:
        raise KeywordError(f"stick-table: error when processing store option '{row.name}'.")
    return period


def _check_arrays(table: TableSettings) -> None:
    for array, (single, named) in _OVERRIDES.items():
        if array in table.store and any(name in table.store for name in single):
            raise KeywordError(
                f"stick-table: simultaneous usage of '{array}' and {named} in a same table is not permitted as "
                f"'{array}' overrides {named}."
            )


_READERS: dict[str, Callable[[Args, TableSettings], None]] = {
    "expire": _expire,
    "nopurge": _nopurge,
    "peers": _peers,
    "size": _size,
    "srvkey": _srvkey,
    "store": _store,
    "type": _type,
    "write-to": _write_to,
}

KEYWORDS.register(
    Keyword(
        ("stick-table",),
        PROXIES,
        stick_table,
        "type {ip|ipv6|integer|string [len <bytes>]|binary [len <bytes>]} size <entries> [expire <time>] [nopurge] "
        "[peers <section>] [write-to <table>] [srvkey {name|addr}] [store <type>[,...]]",
        "What is remembered of addresses, cookies, any keys.",
        "0.3",
    ),
)
