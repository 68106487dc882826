"""What two peers teach each other: both ends are ours, and what they say is handed over by the test."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lbcore.peers.codec import About, Class, Control, Messages, ProtocolError, message, number
from lbcore.peers.session import FULL, HEARTBEAT
from lbcore.table.settings import Stored
from lbcore.table.table import Table
from lbcore.table.types import ROWS
from tests.peering.pair import LARGEST, End, connected, exchange, get, put, table_of

KEY, OTHER = b"\1\2\3\4", b"\5\6\7\x08"
MINUTE = 60_000


def ends(**settings: object) -> tuple[End, End, Table, Table]:
    """Two ends that are not connected yet, and their tables."""
    one, other = table_of(**settings), table_of(**settings)  # type: ignore[arg-type]
    return End(one), End(other), one, other


def kinds(wire: bytes) -> list[tuple[int, int]]:
    """The classes and types of messages."""
    return [(one.kind, one.type) for one in Messages(LARGEST).feed(wire)]


def test_teaches_what_was_changed_before_and_after_they_met() -> None:
    a, b, mine, theirs = ends()
    put(mine, KEY, conn_cnt=3)
    connected(a, b)
    assert get(theirs, KEY) == 3
    put(theirs, OTHER, conn_cnt=4)
    put(mine, KEY, conn_cnt=5)
    exchange(a, b)
    assert (get(theirs, KEY), get(mine, OTHER)) == (5, 4)


def test_what_a_peer_has_told_is_not_told_back() -> None:
    a, b, mine, _ = ends()
    put(mine, KEY, conn_cnt=3)
    connected(a, b)
    assert (a.share.taught, b.share.taught, b.share.learned) == (1, 0, 1)


def test_an_entry_that_changes_often_is_told_once() -> None:
    a, b, mine, theirs = ends()
    connected(a, b)
    for count in range(100):
        put(mine, KEY, conn_cnt=count)
    exchange(a, b)
    assert (get(theirs, KEY), a.share.taught) == (99, 1)


def test_changes_in_a_row_are_told_without_their_numbers() -> None:
    a, b, mine, _ = ends()
    connected(a, b)
    for key in (KEY, OTHER):
        put(mine, key, conn_cnt=1)
    a.session.work(0)
    wire = a.take()
    assert kinds(wire) == [
        (Class.TABLE, About.DEFINE),
        (Class.TABLE, About.TIMED),
        (Class.TABLE, About.TIMED_INCREMENTAL),
    ]
    b.session.received(wire, 0)
    assert b.share.got == 2


def test_an_old_peer_is_told_no_times() -> None:
    a, b, mine, theirs = ends(expire=MINUTE)
    connected(a, b, minor=0)
    for key in (KEY, OTHER):
        put(mine, key, conn_cnt=1)
    a.session.work(0)
    wire = a.take()
    assert [kind for _, kind in kinds(wire)] == [About.DEFINE, About.UPDATE, About.INCREMENTAL]
    b.session.received(wire, 0)
    assert get(theirs, OTHER) == 1


def test_each_table_is_defined_when_its_turn_comes() -> None:
    tables = [table_of(name=name) for name in ("x", "y")]
    theirs = [table_of(name=name) for name in ("y", "x")]  # in another order there
    a, b = End(*tables), End(*theirs)
    put(tables[0], KEY, conn_cnt=1)
    put(tables[1], KEY, conn_cnt=2)
    connected(a, b)
    assert [get(table, KEY) for table in theirs] == [2, 1]


def test_a_table_of_a_section_is_known_without_the_sections_name() -> None:
    mine, theirs = table_of(name="mp/t", section="mp"), table_of(name="theirs/t", section="theirs")
    a, b = End(mine), End(theirs)
    put(mine, KEY, conn_cnt=1)
    connected(a, b)
    assert (a.share.name, get(theirs, KEY)) == ("/t", 1)


@pytest.mark.parametrize(
    ("kind", "key", "length"),
    [
        ("ip", b"\x7f\0\0\1", 32),
        ("ipv6", bytes(range(16)), 32),
        ("integer", b"\0\0\0\7", 32),
        ("string", b"some text", 20),
        ("string", b"x" * 20, 20),
        ("binary", b"\0\1\0\0", 4),
    ],
)
def test_keys_of_all_kinds_arrive(kind: str, key: bytes, length: int) -> None:
    a, b, mine, theirs = ends(kind=kind, length=length)
    put(mine, key, conn_cnt=9)
    connected(a, b)
    assert get(theirs, key) == 9


ALL = {row.name: Stored(3 if row.array else 1, 10_000 if row.is_rate else 0) for row in ROWS}
FIELDS = [(name, index) for name, stored in ALL.items() for index in range(stored.elements)]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 2**31 - 1), min_size=len(FIELDS), max_size=len(FIELDS)))
def test_data_of_all_types_arrive(values: list[int]) -> None:
    mine, theirs = table_of(store=ALL), table_of(store=ALL)
    entry = mine.set(KEY)
    for (name, index), value in zip(FIELDS, values, strict=True):
        found = mine.field(name, index)
        assert found is not None
        mine.write(entry, found, mine.number_of(f"server-{value}") if name == "server_key" else value)
    mine.touch(entry)
    connected(End(mine), End(theirs))
    for (name, index), value in zip(FIELDS, values, strict=True):
        if name == "server_key":
            number_there = get(theirs, KEY, name)
            assert theirs.text_of(number_there or 0) == f"server-{value}"
        elif name == "conn_cur":  # what is going on here is no business of theirs
            assert get(theirs, KEY, name) == 0
        else:
            assert get(theirs, KEY, name, index) == value


def test_data_types_that_only_one_side_has_are_passed_over() -> None:
    mine = table_of(store={"gpc0": Stored(), "conn_cnt": Stored(), "gpt": Stored(2)})
    theirs = table_of(store={"conn_cnt": Stored(), "gpt": Stored(3), "gpc1": Stored()})
    put(theirs, KEY, gpc1=7)
    entry = theirs.get(KEY)
    third = theirs.field("gpt", 2)
    assert third is not None
    theirs.write(entry, third, 8)
    theirs.release(entry)
    put(mine, KEY, gpc0=1, conn_cnt=2, gpt=3)
    a, b = End(mine), End(theirs)
    connected(a, b)
    assert [get(theirs, KEY, name) for name in ("conn_cnt", "gpc1")] == [2, 7]
    assert [get(theirs, KEY, "gpt", index) for index in range(3)] == [3, 0, 8]


def test_a_rate_of_another_period_is_passed_over() -> None:
    mine = table_of(store={"conn_rate": Stored(1, 10_000)})
    theirs = table_of(store={"conn_rate": Stored(1, 20_000)})
    put(mine, KEY, conn_rate=5)
    connected(End(mine), End(theirs))
    assert get(theirs, KEY, "conn_rate") == 0


@pytest.mark.parametrize(("kind", "length"), [("integer", 32), ("binary", 4)])
def test_tables_of_other_keys_are_not_shared(kind: str, length: int) -> None:
    mine, theirs = table_of(), table_of(kind, length=length)
    a, b = End(mine), End(theirs)
    put(mine, KEY, conn_cnt=1)
    connected(a, b)
    assert theirs.used == 0
    assert a.share.acked == 0


def test_entries_live_no_longer_there_than_here() -> None:
    a, b, mine, theirs = ends(expire=MINUTE)
    put(mine, KEY, conn_cnt=1)
    entry = mine.get(KEY)
    mine.touch_remote(entry, 500)  # it has half a second left
    connected(a, b)
    there = theirs.get(KEY)
    assert 0 < theirs.facts(there).expires <= 500
    theirs.release(there)


def test_a_new_peer_is_told_everything_whoever_changed_it() -> None:
    a, b, mine, theirs = ends()
    put(mine, KEY, conn_cnt=1)
    entry = mine.set(OTHER)
    mine.touch_remote(entry, 0)  # another peer had told that
    b.section.is_whole = False
    a.begin()
    b.begin().request()
    exchange(a, b)
    assert theirs.used == 2
    assert "taught whole" in b.section.told
    assert a.peer.confirms == 1
    assert not a.session.in_lesson


def test_who_does_not_know_everything_says_so() -> None:
    a, b, _, _ = ends()
    a.section.is_whole = False
    a.begin()
    b.begin().request()
    exchange(a, b)
    assert "taught in part" in b.section.told
    assert b.peer.cannot


def test_a_new_session_goes_on_where_the_last_one_was_understood() -> None:
    a, b, mine, theirs = ends()
    put(mine, KEY, conn_cnt=1)
    connected(a, b)
    put(mine, OTHER, conn_cnt=2)
    a.session.work(0)
    a.take()  # and that never arrives
    assert get(theirs, OTHER) is None
    a.peer.lost(a.link)
    b.peer.lost(b.link)
    connected(a, b)
    assert get(theirs, OTHER) == 2
    assert b.share.learned == 2


def test_an_acknowledgement_of_what_was_never_told_is_none() -> None:
    a, b, mine, _ = ends()
    put(mine, KEY, conn_cnt=1)
    connected(a, b)
    a.session.received(message(Class.TABLE, About.ACK, number(1) + (77).to_bytes(4, "big")), 0)
    assert a.share.acked == 1


def test_no_more_than_is_allowed_goes_at_a_time() -> None:
    a, b, mine, theirs = ends()
    a.begin(at_once=10)
    b.begin()
    for which in range(25):
        put(mine, which.to_bytes(4, "big"), conn_cnt=1)
    assert a.session.work(0)
    b.session.received(a.take(), 0)
    assert theirs.used == 10
    exchange(a, b)
    assert theirs.used == 25


def test_a_peer_that_does_not_read_is_taught_no_more_until_it_has() -> None:
    a, b, mine, theirs = ends()
    a.begin(at_once=10)
    b.begin()
    for which in range(100):
        put(mine, which.to_bytes(4, "big"), conn_cnt=1)
    a.waiting = FULL + 1
    assert not a.session.work(0)
    taught = a.share.taught
    assert not a.session.work(0)
    assert a.share.taught == taught <= 10
    a.waiting = 0
    a.session.room()
    exchange(a, b)
    assert theirs.used == 100


def test_who_has_nothing_to_say_says_that_it_is_there() -> None:
    a, b, _, _ = ends()
    connected(a, b)
    a.session.work(HEARTBEAT - 1)
    assert not a.sent
    a.session.work(HEARTBEAT)
    assert kinds(a.sent) == [(Class.CONTROL, Control.HEARTBEAT)]
    b.session.received(a.take(), HEARTBEAT)
    assert b.peer.heartbeats_received == 1


def test_who_says_nothing_for_long_is_gone() -> None:
    a, b, _, _ = ends()
    connected(a, b)
    assert a.session.silent_at == 5000
    a.peer.work(4999)
    assert not a.link.closed
    a.section.now = 5000
    a.peer.work(5000)
    assert a.link.closed
    assert a.peer.silences == 1
    assert a.peer.calls_at is not None
    assert 5050 <= a.peer.calls_at <= 7050


def test_a_server_key_is_written_to_another_table_and_sums_are_not() -> None:
    store = {"server_key": Stored(), "conn_cnt": Stored(), "gpt": Stored(2)}
    mine = table_of(store=store)
    theirs = table_of(store=store, write_to="w")
    written = table_of(name="w", store=store)
    put(mine, KEY, conn_cnt=4, gpt=6, server_key=mine.number_of("web1"))
    a, b = End(mine), End(theirs, targets={"w": written})
    connected(a, b)
    assert written.text_of(get(written, KEY, "server_key") or 0) == "web1"
    assert [get(written, KEY, "gpt", 0), get(written, KEY, "conn_cnt")] == [6, 0]
    assert get(theirs, KEY) == 4


def test_a_table_that_is_full_of_used_entries_refuses_and_goes_on() -> None:
    mine, theirs = (
        table_of(),
        Table(table_of().settings.__class__("t", "ip", 1, store={"conn_cnt": Stored()}, peers="mp")),
    )
    held = theirs.set(OTHER)
    put(mine, KEY, conn_cnt=1)
    a, b = End(mine), End(theirs)
    connected(a, b)
    assert (b.share.refused, b.share.learned, a.share.acked) == (1, 0, 1)
    theirs.release(held)


def _define(name: bytes = b"t", kind: int = 4, length: int = 4) -> bytes:
    body = b"".join((number(1), number(len(name)), name, *map(number, (kind, length, 1 << 4, 0))))
    return message(Class.TABLE, About.DEFINE, body)


@pytest.mark.parametrize(
    "wire",
    [
        message(Class.TABLE, About.UPDATE, b"\0\0\0\1\1\2\3\4\5"),  # of no table
        message(Class.TABLE, About.SWITCH, number(7)),  # to one that was never defined
        message(Class.RESERVED, 0),
        message(Class.ERROR, 0),
        _define() + message(Class.TABLE, About.UPDATE, b"\0\0"),
        _define() + message(Class.TABLE, About.UPDATE, b"\0\0\0\1\1\2"),
        _define() + message(Class.TABLE, About.UPDATE, b"\0\0\0\1\1\2\3\4"),  # no data
        _define() + message(Class.TABLE, About.UPDATE, b"\0\0\0\1\1\2\3\4\xff"),
        b"\x0a\x82" + number(LARGEST + 1),
        b"\x0a\x82" + b"\xff" * 12,
    ],
)
def test_what_makes_no_sense_ends_the_session_and_changes_nothing(wire: bytes) -> None:
    table = table_of()
    end = End(table)
    end.begin()
    with pytest.raises(ProtocolError):
        end.session.received(wire, 0)
    assert table.used == 0
    assert kinds(end.sent)[-1][0] == Class.ERROR


PIECES = st.sampled_from(
    [
        _define(),
        _define(b"u"),
        _define(kind=6, length=9),
        message(Class.CONTROL, Control.RESYNC_REQUEST),
        message(Class.CONTROL, Control.RESYNC_FINISHED),
        message(Class.TABLE, About.UPDATE, b"\0\0\0\1\1\2\3\4\5"),
        message(Class.TABLE, About.INCREMENTAL, b"\1\2\3\4\5"),
        message(Class.TABLE, About.ACK, b"\1\0\0\0\1"),
    ]
) | st.binary(max_size=30)


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=15))
def test_a_hostile_peer_brings_nobody_down(pieces: list[bytes]) -> None:
    table = table_of()
    put(table, KEY, conn_cnt=1)
    end = End(table)
    end.begin()
    try:
        for piece in pieces:
            end.session.received(piece, 0)
            end.session.work(0)
    except ProtocolError:
        pass
    entry = table.get(KEY)
    assert table.facts(entry).refs == 0  # and leaves no reference behind
    table.release(entry)
