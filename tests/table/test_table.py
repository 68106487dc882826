"""A table as its users in Python see it. What entries do is proved in tests/native/test_table.c."""

from __future__ import annotations

import pytest

from lbcore.table.settings import Stored, TableSettings
from lbcore.table.table import Table
from lbcore.table.tables import LOOK, Tables
from lbcore.table.types import ROWS


def made(**values: object) -> Table:
    settings = TableSettings("t", "string", 5, length=8, expire=60_000)
    for name, value in values.items():
        setattr(settings, name, value)
    return Table(settings)


def test_a_table_out_of_its_ranges_is_not_made() -> None:
    with pytest.raises(MemoryError, match="the stick table 't' cannot be made"):
        made(size=0)


def test_an_entry_is_found_by_its_key_while_it_is_there() -> None:
    table = made()
    assert table.get(b"a") == 0
    entry = table.set(b"a")
    assert table.get(b"a") == entry
    table.touch(entry)
    assert not table.kill(table.set(b"b")) or table.used == 1
    assert table.kill(entry)
    assert table.get(b"a") == 0


def test_a_walk_gives_every_reference_back() -> None:
    table = made()
    for name in (b"a", b"b", b"c"):
        table.release(table.set(name))
    assert sorted(table.key(entry).rstrip(b"\0") for entry in table.entries()) == [b"a", b"b", b"c"]
    for _ in table.entries():
        break
    assert all(table.facts(entry).refs == 0 for entry in table.entries())


def test_an_old_counter_means_an_element_of_the_array_that_is_stored_instead() -> None:
    table = made(store={"gpc": Stored(2), "gpc_rate": Stored(1, 1000), "gpt0": Stored()})
    gpc1 = table.field("gpc1")
    assert gpc1 is not None and (gpc1.type.name, gpc1.place) == ("gpc", 1)
    assert table.field("gpc0_rate") == table.field("gpc_rate", 0)
    assert table.field("gpc1_rate") is None
    assert table.field("gpc", 2) is None
    assert table.field("gpc", -1) is None
    gpt0 = table.field("gpt0")
    assert gpt0 is not None and gpt0.type.name == "gpt0"
    assert table.field("conn_cnt") is None


def test_all_types_are_read_and_written() -> None:
    store = {row.name: Stored(2 if row.array else 1, 10_000 if row.is_rate else 0) for row in ROWS}
    table = made(store=store)
    entry = table.set(b"k")
    fields = [field for _, field in table.fields()]
    assert len(fields) == len(ROWS) + 3
    for number, field in enumerate(fields, 1):
        assert table.write(entry, field, number) == 0
    for number, field in enumerate(fields, 1):
        assert table.read(entry, field) == number
        assert table.add(entry, field, 5) == number + 5


def test_a_servers_number_is_signed() -> None:
    table = made(store={"server_id": Stored()})
    entry = table.set(b"k")
    field = table.field("server_id")
    assert field is not None
    table.write(entry, field, -3)
    assert table.signed(entry, field) == -3
    assert table.shown(entry, field) == "-3"


def test_a_text_is_kept_once_and_shown() -> None:
    table = made(store={"server_key": Stored()})
    entry = table.set(b"k")
    field = table.field("server_key")
    assert field is not None
    assert table.shown(entry, field) == "-"
    table.write(entry, field, table.number_of("s1"))
    assert table.shown(entry, field) == "s1"
    assert table.number_of("s1") == table.number_of("s1")
    assert table.number_of("") == 0
    assert table.text_of(99) == ""


def test_a_text_of_others_does_not_break_the_line_it_is_shown_on() -> None:
    table = made(store={"server_key": Stored()})
    entry, field = table.set(b"a"), table.field("server_key")
    assert field is not None
    table.write(entry, field, table.number_of("a b\n\u20ac"))
    assert table.shown(entry, field) == "a b\\x0A\\x20AC"


def test_a_rate_can_be_set_by_its_parts() -> None:
    table = made(store={"conn_rate": Stored(1, 60_000), "conn_cnt": Stored()})
    entry = table.set(b"k")
    rate, count = table.field("conn_rate"), table.field("conn_cnt")
    assert rate is not None and count is not None
    table.set_rate(entry, rate, 30_000, 4, 100)
    assert 50 <= table.read(entry, rate) <= 54
    with pytest.raises(OSError):
        table.set_rate(entry, count, 0, 0, 0)


def test_tables_are_known_by_their_names_and_say_when_to_look_again() -> None:
    tables = Tables([TableSettings("a", "ip", 10, expire=50_000), TableSettings("b", "ip", 10, expire=LOOK // 2)])
    a = tables.find("a")
    assert a is not None and tables.find("c") is None and len(tables) == 2
    assert tables.expire() == LOOK
    a.touch(a.set(b"\1\2\3\4"))
    assert tables.expire() == LOOK
    b = tables.find("b")
    assert b is not None
    b.touch(b.set(b"\1\2\3\4"))
    assert 0 < tables.expire() < LOOK
