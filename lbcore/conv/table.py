"""What stick tables know of a sample taken as a key (manual 7.3.1, "in_table", "table_conn_cnt").

A sample that can't be a key of the table's type ends the expression, as does what the table does not store; a key that
is not there has 0 of everything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lbcore.sample.build import Build
from lbcore.sample.rows import Arg, Convert, Converter, add_converters
from lbcore.sample.types import Type, Value, type_of
from lbcore.stream.tracking import look_up
from lbcore.table.counters import KBYTES, Reading, Use, clearing, raising
from lbcore.table.key import keyer
from lbcore.table.table import Table

FIGURES = (
    "bytes_in_rate", "bytes_out_rate", "conn_cnt", "conn_cur", "conn_rate", "glitch_cnt", "glitch_rate", "gpc0",
    "gpc0_rate", "gpc1", "gpc1_rate", "gpt0", "http_err_cnt", "http_err_rate", "http_fail_cnt", "http_fail_rate",
    "http_req_cnt", "http_req_rate", "server_id", "sess_cnt", "sess_rate",
)  # fmt: skip


def _key_of(table: Table) -> Callable[[Any], bytes | None]:
    """What makes a key of a sample, by the type that it has."""
    makers: dict[Type, Callable[[Any], bytes | None] | None] = {}

    def key_of(value: Any) -> bytes | None:
        source = type_of(value)
        if source not in makers:
            makers[source] = keyer(table.kind, source)
        make = makers[source]
        return None if make is None else make(value)

    return key_of


def _looking(build: Build, name: str, use: Callable[[Table, int], Value | None], absent: Value | None) -> Convert:
    """What a table has of a sample; `absent`: what is given for a key that is not there."""
    table = build.table(name)
    key_of = _key_of(table)

    def look(value: Any) -> Value | None:
        key = key_of(value)
        return None if key is None else look_up(table, key, use, absent)

    return look


def _storing(build: Build, name: str, use: Use) -> Convert:
    """The same of an entry that is stored if it is absent."""
    table = build.table(name)
    key_of = _key_of(table)

    def look(value: Any) -> Value | None:
        key = key_of(value)
        entry = table.set(key) if key is not None else 0
        if not entry:
            return None
        try:
            return use(table, entry)
        finally:
            table.release(entry)

    return look


def _plain(name: str, use: Callable[[Table, int], Value | None], doc: str, gives: Type = Type.SINT) -> Converter:
    absent = False if gives is Type.BOOL else 0

    def make(args: Sequence[Arg], build: Build) -> Convert:
        return _looking(build, args[0] if args else "", use, absent)

    return Converter(name, "(table)", Type.ANY, gives, make, doc)


def _element(name: str, maker: Callable[[int], Use], doc: str, *, stores: bool = False) -> Converter:
    def make(args: Sequence[Arg], build: Build) -> Convert:
        table = args[1] if len(args) > 1 else ""
        if stores:
            return _storing(build, table, maker(args[0]))
        return _looking(build, table, maker(args[0]), 0)

    return Converter(name, "(integer,table)", Type.ANY, Type.SINT, make, doc)


def _raising(name: str, counter: str) -> Converter:
    def make(args: Sequence[Arg], build: Build) -> Convert:
        return _storing(build, args[0] if args else "", raising(counter))

    return Converter(name, "(table)", Type.ANY, Type.SINT, make, f"Raises {counter} of a key; its new value.")


def _time(name: str, read: Callable[[Table, int], int], doc: str) -> Converter:
    """Converters with a second argument: what is given for a key that is not there; nothing without it."""

    def make(args: Sequence[Arg], build: Build) -> Convert:
        return _looking(build, args[0] if args else "", read, args[1] if len(args) > 1 else None)

    return Converter(name, "(table[,integer])", Type.ANY, Type.SINT, make, doc)


def expires(table: Table, entry: int) -> int:
    """ms until the entry expires; 0 in a table where nothing does."""
    return table.facts(entry).expires


def idle(table: Table, entry: int) -> int:
    """ms since the entry was changed last; 0 in a table where nothing expires, which keeps no account of that."""
    expire = table.settings.expire
    return expire - table.facts(entry).expires if expire else 0


add_converters(
    _plain("in_table", lambda table, entry: True, "Whether a table has a key.", Type.BOOL),
    *(_plain(f"table_{name}", Reading(name), f"{name} of a key.") for name in FIGURES),
    _element("table_clr_gpc", lambda index: clearing("gpc", index), "Sets a counter of a key to 0; what it was."),
    _plain("table_clr_gpc0", clearing("gpc0"), "Sets gpc0 of a key to 0; what it was."),
    _plain("table_clr_gpc1", clearing("gpc1"), "Sets gpc1 of a key to 0; what it was."),
    _time("table_expire", expires, "ms until a key expires."),
    _element("table_gpc", lambda index: Reading("gpc", index), "A counter of a key."),
    _element("table_gpc_rate", lambda index: Reading("gpc_rate", index), "The rate of a counter of a key."),
    _element("table_gpt", lambda index: Reading("gpt", index), "A tag of a key."),
    _time("table_idle", idle, "ms since a key was changed."),
    _element("table_inc_gpc", lambda index: raising("gpc", index), "Raises a counter of a key; its new value.",
             stores=True),
    _raising("table_inc_gpc0", "gpc0"),
    _raising("table_inc_gpc1", "gpc1"),
    _plain("table_kbytes_in", Reading("bytes_in_cnt", shift=KBYTES), "KiB received, of a key."),
    _plain("table_kbytes_out", Reading("bytes_out_cnt", shift=KBYTES), "KiB sent, of a key."),
    _plain("table_trackers", lambda table, entry: table.facts(entry).refs, "How many track a key."),
)  # fmt: skip
