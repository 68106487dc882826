"""What was captured."""

from __future__ import annotations

import pytest

from lbcore.sample.words import ParseError
from tests.fetch.evaluate import parse, value
from tests.fetch.transactions import request, respond


def test_captures_by_their_numbers() -> None:
    t = request()
    texts = [f"capture.{side}.hdr({at})" for side in ("req", "res") for at in range(3)]
    assert [value(t, text) for text in texts] == [None] * 6
    t.captures_req, t.captures_res = ["a", None], ["", "b"]
    assert [value(t, text) for text in texts] == ["a", None, None, "", "b", None]


def test_the_request_is_there_with_its_response() -> None:
    t = respond(request("PUT http://h/a?b HTTP/1.0"))
    texts = ("capture.req.method", "capture.req.uri", "capture.req.ver", "capture.res.ver")
    assert [value(t, text) for text in texts] == ["PUT", "/a?b", "HTTP/1.0", "HTTP/1.1"]


def test_numbers_begin_at_0() -> None:
    with pytest.raises(ParseError, match="captures are counted from 0"):
        parse("capture.req.hdr(-1)")


def test_the_request_is_shown_as_it_was_received() -> None:
    t = request("PUT /a?b HTTP/1.0")
    assert t.req is not None
    t.req.set_method("GET")
    t.req.set_target("/x")
    texts = ("capture.req.method", "capture.req.uri", "capture.req.ver", "method", "path")
    assert [value(t, text) for text in texts] == ["PUT", "/a?b", "HTTP/1.0", "GET", "/x"]
