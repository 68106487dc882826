"""What distcc's clients say, as HAProxy 2.6 reads it, and what may still come."""

from __future__ import annotations

import pytest

from lbcore.sample.words import ParseError
from tests.fetch.evaluate import parse, value
from tests.fetch.transactions import tcp

JOB = b"DIST00000002ARGC00000002ARGV00000002-cARGV0000000AabcdefghijDOTI00000004int;"


@pytest.mark.parametrize(
    ("text", "data", "wanted", "missing"),
    [
        ("distcc_param(DIST)", JOB, 2, False),
        ("distcc_param(ARGC)", JOB, 2, False),
        ("distcc_param(ARGV)", JOB, 2, False),
        ("distcc_param(ARGV,1)", JOB, 2, False),
        ("distcc_param(ARGV,2)", JOB, 10, False),
        ("distcc_param(ARGV,3)", JOB, None, True),
        ("distcc_param(ARGV,0)", JOB, 2, False),
        ("distcc_body(ARGV)", JOB, b"-c", False),
        ("distcc_body(ARGV,2)", JOB, b"abcdefghij", False),
        ("distcc_body(DOTI)", JOB, b"int;", False),
        ("distcc_body(DIST)", JOB, None, False),
        ("distcc_param(argv)", JOB, None, True),
        ("distcc_param(ARGC)", b"DIST00000001ARGC0000", None, True),
        ("distcc_param(ARGC)", b"DIST0000000gARGC00000002", None, True),
        ("distcc_param(ARGC)", b"DIST0x000001ARGC00000002", None, True),
        ("distcc_param(ARGC)", b"DIST+0000001ARGC00000002", None, True),
        ("distcc_param(DOTI)", b"DOTI00000014abcd", 20, False),
        ("distcc_body(DOTI)", b"DOTI00000014abcd", None, True),
        ("distcc_body(ARGV)", b"ARGV00000000ARGV00000001x", None, False),
        ("distcc_body(ARGV,2)", b"ARGV00000000ARGV00000001x", b"x", False),
        ("distcc_param(ARGC)", b"ARGCffffffff", 2**32 - 1, False),
        ("distcc_param(ARGC)", b"", None, True),
    ],
)
def test_tokens_have_numbers_and_bodies(text: str, data: bytes, wanted: object, missing: bool) -> None:
    t = tcp(data)
    assert (value(t, text), t.missing) == (wanted, missing)
    t = tcp(data, end=True)
    assert (value(t, text), t.missing) == (wanted, False)


@pytest.mark.parametrize("token", [b"ARGC", b"DIST", b"DONE", b"NFIL", b"STAT"])
def test_some_numbers_are_no_lengths(token: bytes) -> None:
    assert value(tcp(token + b"00000003ARGV00000001x"), "distcc_body(ARGV)") == b"x"


@pytest.mark.parametrize("text", ["distcc_param", "distcc_param(abc)", "distcc_body(abcde)"])
def test_tokens_have_four_characters(text: str) -> None:
    with pytest.raises(ParseError, match="token name must be exactly 4 characters"):
        parse(text)
