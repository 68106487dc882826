"""The contents of tables as lines of JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lbcore.table import dump, key, table
from lbcore.table.settings import Stored, TableSettings
from lbcore.table.table import Table
from lbcore.table.types import ROWS, TYPES, Kind

NOW = 1_790_000_000_000
STORE = {row.name: Stored(2 if row.array else 1, 10_000 if row.is_rate else 0) for row in ROWS}
KEYS = {
    "ip": st.binary(min_size=4, max_size=4),
    "ipv6": st.binary(min_size=16, max_size=16),
    "integer": st.integers(0, key.INTEGERS).map(lambda number: number.to_bytes(4, "big")),
    "string": st.binary(max_size=8).map(lambda text: text.replace(b"\0", b"x")),
    "binary": st.binary(min_size=8, max_size=8),
}
VALUES: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.SINT: st.integers(-(1 << 31), (1 << 31) - 1),
    Kind.UINT: st.integers(0, (1 << 32) - 1),
    Kind.ULL: st.integers(0, (1 << 64) - 1),
    Kind.RATE: st.tuples(st.integers(0, 30_000), st.integers(0, 9999), st.integers(0, 9999)),
    Kind.DICT: st.sampled_from(["", "s1", "be/é", "\udc80"]),
}


class Clock:
    """The tick of the tables of a test."""

    def __init__(self) -> None:
        self.ms = 5_000_000

    def __call__(self) -> int:
        return self.ms


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(table, "now_ms", made)
    return made


def made(kind: str = "string", **values: Any) -> Table:
    chosen = TableSettings("t", kind, 100, length=8, expire=60_000, store=STORE)
    for name, value in values.items():
        setattr(chosen, name, value)
    return Table(chosen)


def fill(one: Table, found: bytes, values: dict[str, Any]) -> None:
    """Stores the key with these values by the names of dumps."""
    fields = dict(one.fields())
    row = dump.Row(found, 0, False, [(fields[name], value) for name, value in values.items()])
    assert dump.store(one, row)


def dumped(one: Table, time: int = NOW) -> list[str]:
    return [dump.head(one, time), *sorted(dump.entry_line(one, entry) for entry in one.entries())]


def load(one: Table, lines: list[str], time: int = NOW) -> None:
    reader = dump.Reader(one, lines[0].encode(), time)
    for line in lines[1:]:
        row = reader.row(line.encode())
        if not row.over:
            assert dump.store(one, row)


def values_of(one: Table) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({name: VALUES[field.type.kind] for name, field in one.fields()})


@pytest.mark.parametrize("kind", KEYS)
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_what_is_loaded_is_what_was_dumped(kind: str, data: st.DataObject) -> None:
    with pytest.MonkeyPatch.context() as patched:
        clock = Clock()
        patched.setattr(table, "now_ms", clock)
        first, second = made(kind), made(kind)
        for found in data.draw(st.lists(KEYS[kind], unique=True, max_size=2)):
            fill(first, found, data.draw(values_of(first)))
            clock.ms += 10
        before = dumped(first)
        load(second, before)
        assert dumped(second) == before


def test_connections_of_another_process_are_not_counted(clock: Clock) -> None:
    first, second = made(), made()
    fill(first, b"a", {"conn_cur": 7, "conn_cnt": 9})
    load(second, dumped(first))
    entry = second.get(b"a")
    assert [second.read(entry, dict(second.fields())[name]) for name in ("conn_cur", "conn_cnt")] == [0, 9]


def test_time_that_passes_between_dump_and_load_counts(clock: Clock) -> None:
    first, second = made(), made()
    fill(first, b"a", {"conn_rate": (1000, 8, 20), "conn_cnt": 3})
    clock.ms += 30_000
    fill(first, b"b", {"conn_rate": (1000, 8, 20), "conn_cnt": 3})
    lines = dumped(first)
    load(second, lines, NOW + 4000)
    rate = dict(second.fields())["conn_rate"]
    a, b = second.get(b"a"), second.get(b"b")
    assert (second.facts(a).expires, second.facts(b).expires) == (26_000, 56_000)
    assert (second.rate(a, rate), second.rate(b, rate)) == ((4000, 0, 0), (5000, 8, 20))
    third = made()
    load(third, lines, NOW + 30_000)
    assert (third.get(b"a"), third.used) == (0, 1)


def test_an_entry_that_is_there_gets_the_values_of_the_file(clock: Clock) -> None:
    first, second = made(), made()
    fill(first, b"a", {"conn_cnt": 3})
    fill(second, b"a", {"conn_cnt": 5, "sess_cnt": 1})
    load(second, dumped(first))
    assert dumped(second) == dumped(first)


def test_what_the_table_stores_in_another_way_is_left_out_and_named() -> None:
    store = {"conn_cnt": Stored(), "conn_rate": Stored(1, 5000), "gpc": Stored(3), "gpt": Stored(1)}
    first, second = made(), made(store=store)
    fill(first, b"a", {"conn_cnt": 3, "conn_rate": (0, 4, 0), "gpc0": 7, "gpt0": 8})
    reader = dump.Reader(second, dumped(first)[0].encode(), NOW)
    assert reader.left_out == sorted(TYPES.keys() - {"conn_cur", "conn_cnt", "gpc"})
    load(second, dumped(first))
    entry = second.get(b"a")
    assert {name: second.shown(entry, field) for name, field in second.fields()} == {
        "conn_cnt": "3", "conn_rate": "0", "gpt0": "0", "gpc0": "7", "gpc1": "0", "gpc2": "0",
    }  # fmt: skip


def head(**changes: Any) -> bytes:
    good = {"lbcore-table": 1, "name": "t", "type": "ip", "time": NOW, "store": {"conn_cnt": [1, 0]}}
    return json.dumps(good | changes).encode()


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        (b"", "it is no JSON"),
        (b"\xff", "it is no JSON"),
        (b"[" * 100_000, "it is no JSON"),
        (b"[]", "it is no object of lbcore-table, name, type, time, store"),
        (head(more=1), "it is no object of lbcore-table, name, type, time, store"),
        (head(time="x"), "'time' is of the wrong type"),
        (head(time=-1), "'time' is out of range"),
        (head(**{"lbcore-table": True}), "'lbcore-table' is of the wrong type"),
        (head(**{"lbcore-table": 2}), "format 2 is not known"),
        (head(type="string"), "its keys are of type string, those of the table of type ip"),
        (head(store={"nope": [1, 0]}), "data type 'nope' is not known"),
        (head(store={"conn_cur": [1, 0]}), "data type 'conn_cur' is not known"),
        (head(store={"gpc": [True, 0]}), "'gpc' is no pair of elements and period"),
        (head(store={"gpc": [0, 0]}), "'gpc' is out of range"),
        (head(store={"gpc": [101, 0]}), "'gpc' is out of range"),
        (head(store={"gpc_rate": [1, -1]}), "'gpc_rate' is out of range"),
    ],
)
def test_a_bad_first_line_is_refused(line: bytes, wrong: str) -> None:
    with pytest.raises(dump.BadLine) as caught:
        dump.Reader(made("ip"), line, NOW)
    assert str(caught.value) == wrong


def entry(**changes: Any) -> bytes:
    return json.dumps({"key": "192.0.2.1", "left": 5, "data": {"conn_cnt": [1]}} | changes).encode()


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        (entry()[:-1], "it is no JSON"),
        (b"{}", "it is no object of key, left, data"),
        (entry(key=1), "1 is no key of the table"),
        (entry(key="::1"), '"::1" is no key of the table'),
        (entry(left=-1), "'left' is out of range"),
        (entry(left=1 << 31), "'left' is out of range"),
        (entry(left=True), "'left' is of the wrong type"),
        (entry(data={"sess_cnt": [1]}), "data type 'sess_cnt' is not among those of the first line"),
        (entry(data={"conn_cnt": 1}), "'conn_cnt' is no list of 1"),
        (entry(data={"conn_cnt": [1, 2]}), "'conn_cnt' is no list of 1"),
        (entry(data={"conn_cnt": [-1]}), "-1 is no value of 'conn_cnt'"),
        (entry(data={"conn_cnt": [1 << 32]}), "4294967296 is no value of 'conn_cnt'"),
        (entry(data={"conn_cnt": [1.0]}), "1.0 is no value of 'conn_cnt'"),
        (entry(data={"conn_rate": [[1, 2]]}), "[1, 2] is no value of 'conn_rate'"),
        (entry(data={"conn_rate": [[1, 2, -3]]}), "[1, 2, -3] is no value of 'conn_rate'"),
        (entry(data={"server_key": [5]}), "5 is no value of 'server_key'"),
        (entry(data={"server_key": ["\ud800"]}), "\"\\ud800\" is no value of 'server_key'"),
        (entry(key="x" * 5000), f'"{"x" * 59}... is no key of the table'),
    ],
)
def test_a_bad_line_is_refused(line: bytes, wrong: str) -> None:
    store = {"conn_cnt": [1, 0], "conn_rate": [1, 10_000], "server_key": [1, 0]}
    reader = dump.Reader(made("ip"), head(store=store), NOW)
    with pytest.raises(dump.BadLine) as caught:
        reader.row(line)
    assert str(caught.value) == wrong


@pytest.mark.parametrize(
    ("kind", "word"),
    [("integer", "5"), ("integer", -1), ("integer", 1 << 32), ("integer", True), ("string", "é€"), ("string", "x" * 9),
     ("binary", "0x"), ("binary", "00" * 9), ("ip", None), ("ipv6", "1.2.3.4")],
)  # fmt: skip
def test_a_key_that_is_none_of_the_table_is_refused(kind: str, word: Any) -> None:
    reader = dump.Reader(made(kind), head(type=kind), NOW)
    with pytest.raises(dump.BadLine, match="is no key of the table"):
        reader.row(entry(key=word))
