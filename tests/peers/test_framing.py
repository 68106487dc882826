"""The framing that the scripted peers rely on."""

from __future__ import annotations

import pytest

from tests.peers.framing import UNTIL_CLOSE, dechunk, message_length

_CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
WHOLE = [
    pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", False, id="request without body"),
    pytest.param(b"\r\n\r\nGET / HTTP/1.1\r\n\r\n", False, id="leading empty lines"),
    pytest.param(b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", False, id="request with length"),
    pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length:  3\r\n\r\nabc", True, id="response with length"),
    pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n", True, id="interim response"),
    pytest.param(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", True, id="bodiless status"),
    pytest.param(_CHUNKED + b"3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n", True, id="chunked"),
    pytest.param(_CHUNKED + b"3\r\nabc\r\n0\r\nX-A: b\r\nX-C: d\r\n\r\n", True, id="trailers"),
]


@pytest.mark.parametrize(("message", "response"), WHOLE)
def test_finds_the_end_of_a_message_before_the_next(message: bytes, response: bool) -> None:
    assert message_length(message + b"HTTP", response=response) == len(message)


@pytest.mark.parametrize(("message", "response"), WHOLE)
def test_a_cut_message_is_not_complete(message: bytes, response: bool) -> None:
    assert {message_length(message[:cut], response=response) for cut in range(len(message))} == {None}


def test_a_response_without_length_lasts_until_close() -> None:
    assert message_length(b"HTTP/1.1 200 OK\r\n\r\nbody", response=True) == UNTIL_CLOSE


def test_a_response_to_head_has_no_body() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n"
    assert message_length(head, response=True, to_head=True) == len(head)


def test_dechunk_writes_one_chunk_and_keeps_trailers() -> None:
    one = _CHUNKED + b"5\r\nabcde\r\n0\r\nX-A: b\r\n\r\n"
    assert dechunk(_CHUNKED + b"2\r\nab\r\n003\r\ncde\r\n0\r\nX-A: b\r\n\r\n") == one


def test_dechunk_leaves_an_incomplete_body_alone() -> None:
    assert dechunk(_CHUNKED + b"2\r\nab\r\n") == _CHUNKED + b"2\r\nab\r\n"
