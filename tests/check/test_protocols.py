"""The ready-made checks never raise, whatever a server says, and end once it has ended."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lbcore.check import spop
from lbcore.check.protocols import KINDS, ready_made
from lbcore.check.replies import Passed, Read
from lbcore.proxy.health import CheckResult

WORDS = {"pgsql-check": ("bob",), "mysql-check": ("bob", "post-41")}
READERS = [
    (kind, step.reader) for kind in sorted(KINDS) for step in ready_made(kind, *WORDS.get(kind, ())).steps
    if isinstance(step, Read)
]  # fmt: skip
STARTS = [
    b"",
    b"R\0\0\0\x08",
    b"0\x0c\x02\x01\x01a",
    b"\0\0\0\x10\x65\0\0\0\1\0\0",
    b"220 ",
    b"\x0a\0\0\0\x0a",
    b"\x16\x03",
]


@pytest.mark.parametrize(("kind", "reader"), READERS)
@given(start=st.sampled_from(STARTS), rest=st.binary(max_size=80))
@settings(max_examples=150, deadline=None)
def test_any_answer_of_a_server_that_has_ended_is_judged(kind, reader, start, rest) -> None:  # type: ignore[no-untyped-def]
    data = start + rest
    if data:
        assert isinstance(reader(data, True), (CheckResult, Passed))


@given(st.integers(0, 1 << 62))
def test_numbers_of_variable_length_come_back(value: int) -> None:
    assert spop.read_number(spop.number(value), 0) == (value, len(spop.number(value)))


def test_a_number_without_an_end_is_refused() -> None:
    with pytest.raises(spop.FrameError):
        spop.read_number(b"\xff\xff", 0)
