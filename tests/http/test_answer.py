"""Responses as health checks read them."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lbcore.http.answer import MalformedError, read_answer

HEAD = b"HTTP/1.1 200 Fine\r\nX-A: b\r\n"


def test_the_head_is_read() -> None:
    answer = read_answer(HEAD + b"Content-Length: 0\r\n\r\n", ended=False)
    assert answer is not None
    assert (answer.version, answer.status, answer.reason) == ("HTTP/1.1", 200, "Fine")
    assert answer.fields == (("x-a", "b"), ("content-length", "0"))
    assert answer.complete


@pytest.mark.parametrize(
    ("rest", "body", "complete"),
    [
        (b"Content-Length: 5\r\n\r\nhe", b"he", False),
        (b"Content-Length: 5\r\n\r\nhello more", b"hello", True),
        (b"\r\nhello", b"hello", False),
        (b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n", b"hello", True),
        (b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nll", b"hell", False),
        (b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", b"hello", False),
        (b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n\r\n", b"", True),
        (b"Transfer-Encoding: chunked\nX: y\n\n2\nab\n0\n\n", b"ab", True),
    ],
)
def test_bodies_end_where_they_say(rest: bytes, body: bytes, complete: bool) -> None:
    answer = read_answer(HEAD + rest, ended=False)
    assert answer is not None
    assert (answer.body, answer.complete) == (body, complete)


def test_the_end_of_the_connection_ends_a_body() -> None:
    answer = read_answer(HEAD + b"\r\nhello", ended=True)
    assert answer is not None
    assert answer.complete


LENGTH = b"Content-Length: 2\r\n"


@pytest.mark.parametrize(
    ("data", "persists"),
    [
        (b"HTTP/1.1 200 OK\r\n" + LENGTH + b"\r\nok", True),
        (b"HTTP/1.1 200 OK\r\n" + LENGTH + b"\r\no", False),
        (b"HTTP/1.1 200 OK\r\n" + LENGTH + b"\r\nok!", False),
        (b"HTTP/1.1 200 OK\r\n" + LENGTH + b"Connection: x, Close\r\n\r\nok", False),
        (b"HTTP/1.0 200 OK\r\n" + LENGTH + b"\r\nok", False),
        (b"HTTP/1.0 200 OK\r\n" + LENGTH + b"Connection: keep-alive\r\n\r\nok", True),
        (b"HTTP/1.1 200 OK\r\n\r\nok", False),
        (b"HTTP/1.1 204 No Content\r\n\r\n", True),
        (b"HTTP/1.1 204 No Content\r\n\r\nbut more", False),
        (b"HTTP/1.1 100 Continue\r\n\r\n", False),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nHTTP", False),
    ],
)
def test_a_connection_goes_on_where_both_ends_know_the_end_of_the_response(data: bytes, persists: bool) -> None:
    answer = read_answer(data, ended=False)
    assert answer is not None and answer.persists is persists


def test_a_connection_that_has_ended_does_not_go_on() -> None:
    answer = read_answer(b"HTTP/1.1 200 OK\r\n" + LENGTH + b"\r\nok", ended=True)
    assert answer is not None and not answer.persists


def test_answers_to_head_have_no_body() -> None:
    answer = read_answer(HEAD + b"Content-Length: 5\r\n\r\n", ended=False, bodiless=True)
    assert answer is not None
    assert answer.complete


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-x\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\nno field\r\n\r\n",
        HEAD + b"Content-Length: x\r\n\r\n",
        HEAD + b"Content-Length: 1, 2\r\n\r\n", HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
    ],
)  # fmt: skip
def test_what_is_no_response_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedError):
        read_answer(data, ended=False)


@given(st.binary(max_size=200), st.booleans())
def test_nothing_else_is_raised(rest: bytes, ended: bool) -> None:
    for start in (b"", HEAD, HEAD + b"Transfer-Encoding: chunked\r\n\r\n"):
        with suppress(MalformedError):
            read_answer(start + rest, ended=ended)
