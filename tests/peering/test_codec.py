"""The words of the peers protocol: what is written is read again, and no bytes bring a reader down."""

from __future__ import annotations

import contextlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lbcore.peers.codec import (
    About,
    Class,
    Definition,
    Kept,
    Message,
    Messages,
    ProtocolError,
    TooLarge,
    definition,
    hello,
    message,
    minor_of,
    number,
    read_definition,
    read_hello,
    read_number,
)
from lbcore.peers.dictionary import SIZE, Heard, Sent
from lbcore.peers.entries import ARRAYS, RATES

LARGEST = 1000
NUMBERS = st.integers(0, (1 << 64) - 1) | st.integers(0, 5000)
NAMES = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=40)


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        (0, "00"),
        (0xEF, "ef"),
        (240, "f0 00"),
        (0x1234, "f4 94 01"),  # the example of HAProxy's document
        (2287, "ff 7f"),
        (2288, "f0 80 00"),
        (5_000_000_000, "f0 91 bd 80 94 00"),  # HAProxy 2.6 sent it
    ],
)
def test_writes_numbers_as_haproxy_does(value: int, wire: str) -> None:
    assert number(value) == bytes.fromhex(wire)


@given(NUMBERS, st.binary(max_size=3), st.binary(max_size=3))
def test_reads_the_numbers_that_it_writes(value: int, before: bytes, after: bytes) -> None:
    wire = number(value)
    assert read_number(before + wire + after, len(before)) == (value, len(before) + len(wire))


@given(NUMBERS)
def test_refuses_numbers_that_are_cut_short(value: int) -> None:
    for end in range(len(number(value))):
        with pytest.raises(ProtocolError):
            read_number(number(value)[:end], 0)


def test_refuses_numbers_of_more_than_64_bits() -> None:
    with pytest.raises(ProtocolError, match="64 bits"):
        read_number(b"\xff" * 9 + b"\x7f", 0)
    with pytest.raises(ProtocolError, match="64 bits"):
        read_number(b"\xff" * 100, 0)


MESSAGES = st.builds(Message, st.integers(0, 255), st.integers(0, 255), st.binary(max_size=LARGEST)).map(
    lambda one: one if one.type >= 128 else one._replace(body=b"")
)


@given(st.lists(MESSAGES, max_size=8), st.lists(st.integers(0, 4000), max_size=8))
def test_gives_whole_messages_however_they_come(sent: list[Message], cuts: list[int]) -> None:
    wire = b"".join(
        bytes((one.kind, one.type)) + (number(len(one.body)) + one.body if one.type >= 128 else b"") for one in sent
    )
    reader = Messages(LARGEST)
    places = sorted({0, len(wire), *(cut for cut in cuts if cut < len(wire))})
    got = [one for start, end in itertools.pairwise(places) for one in reader.feed(wire[start:end])]
    assert got == sent


def test_refuses_messages_that_are_too_large_before_they_have_come() -> None:
    with pytest.raises(TooLarge):
        list(Messages(LARGEST).feed(message(Class.TABLE, About.UPDATE, b"x" * (LARGEST + 1))[:4]))


@given(st.lists(st.binary(max_size=50), max_size=20))
def test_no_bytes_bring_the_reader_of_messages_down(pieces: list[bytes]) -> None:
    reader = Messages(LARGEST)
    try:
        for piece in pieces:
            for one in reader.feed(piece):
                assert len(one.body) <= LARGEST
    except ProtocolError:
        pass


def _kept(which: int) -> st.SearchStrategy[Kept]:
    elements = st.integers(1, 100) if which in ARRAYS else st.just(1)
    period = st.integers(1, 2**31 - 1) if which in RATES else st.just(0)
    return st.builds(Kept, elements, period)


TYPES = st.sets(st.integers(0, 26)).flatmap(
    lambda found: st.fixed_dictionaries({which: _kept(which) for which in found})
)


@given(st.builds(Definition, NUMBERS, NAMES, st.integers(0, 9), NUMBERS, TYPES, NUMBERS))
def test_reads_the_definitions_that_it_writes(one: Definition) -> None:
    assert read_definition(definition(one, RATES, ARRAYS), RATES, ARRAYS) == one


def test_reads_a_definition_of_haproxy() -> None:
    # `stick-table type ip size 1k store gpc(3),gpc_rate(2,15s),gpt(2)`, as 2.6 told it
    body = b"".join((number(3), number(4), b"tarr", *map(number, (4, 4, 0x1C00000, 0, 22, 2, 23, 3, 24, 2, 15000))))
    types = {22: Kept(2), 23: Kept(3), 24: Kept(2, 15000)}
    assert read_definition(body, RATES, ARRAYS) == Definition(3, "tarr", 4, 4, types)


def test_reads_the_definition_of_an_old_peer_that_says_no_periods() -> None:
    body = b"".join((number(1), number(1), b"t", *map(number, (4, 4, 1 << 4 | 1 << 5))))
    assert read_definition(body, RATES, ARRAYS).types == {4: Kept(), 5: Kept()}


def test_passes_over_parameters_of_data_types_of_newer_peers() -> None:
    body = b"".join((number(1), number(1), b"t", *map(number, (4, 4, 1 << 4 | 1 << 40, 0, 40, 7, 8))))
    assert read_definition(body, RATES, ARRAYS).types == {4: Kept(), 40: Kept()}


@given(st.binary(max_size=60))
def test_no_bytes_bring_the_reader_of_definitions_down(body: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        read_definition(body, RATES, ARRAYS)


def test_a_hello_names_both_and_the_process() -> None:
    lines = hello("you", "me", 4711).split(b"\n")
    assert lines.pop() == b""
    said = read_hello(lines)
    assert (said.version, said.to, said.name, said.pid) == ("2.1", "you", "me", 4711)


@pytest.mark.parametrize(
    ("version", "minor"), [("2.1", 1), ("2.0", 0), ("2.7", 7), ("3.0", None), ("2", None), ("2.x", None), ("", None)]
)
def test_talks_to_versions_2(version: str, minor: int | None) -> None:
    assert minor_of(version) == minor


@given(st.lists(st.binary(max_size=30), min_size=3, max_size=3))
def test_no_bytes_bring_the_reader_of_hellos_down(lines: list[bytes]) -> None:
    with contextlib.suppress(ProtocolError):
        read_hello(lines)


@given(st.lists(st.integers(0, 200).map(lambda which: f"server-{which}" if which else ""), max_size=600))
def test_texts_that_were_sent_once_are_known_by_their_numbers(texts: list[str]) -> None:
    sent, heard = Sent(), Heard()
    for text in texts:
        wire = sent.encode(text)
        assert heard.decode(b"x" + wire, 1) == (text, len(wire) + 1)
    assert len(heard.items()) <= SIZE
    assert dict(sent.items()).items() <= dict(heard.items()).items()


def test_a_text_is_sent_once() -> None:
    sent = Sent()
    assert b"web1" in sent.encode("web1")
    assert sent.encode("web1") == b"\x01\x01"


@given(st.binary(max_size=40))
def test_no_bytes_bring_the_reader_of_texts_down(data: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        Heard().decode(data, 0)
