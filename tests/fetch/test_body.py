"""Bodies, as far as they are here."""

from __future__ import annotations

from tests.fetch.evaluate import value, values
from tests.fetch.transactions import request, respond


def test_a_body_of_which_a_part_is_here() -> None:
    t = request("POST / HTTP/1.1", body=b"a=1", whole=False)
    assert t.req is not None
    t.req.body_size = 100
    assert [value(t, text) for text in ("req.body", "req.body_len", "req.body_size")] == [b"a=1", 3, 100]


def test_a_body_that_nobody_asked_for() -> None:
    t = request("POST / HTTP/1.1")
    assert t.req is not None
    t.req.body_size = 100
    assert [value(t, text) for text in ("req.body", "req.body_len", "req.body_size")] == [b"", 0, 100]


def test_the_body_of_a_response() -> None:
    t = request()
    texts = ("res.body", "res.body_len", "res.body_size")
    assert [value(t, text) for text in texts] == [None] * 3
    assert [value(respond(t, body=b"\0x"), text) for text in texts] == [b"\0x", 2, 2]


def test_acls_see_all_parameters_of_a_form() -> None:
    t = request("POST / HTTP/1.1", body=b"a=1&b=\xff&A=3&a=4;a=5")
    assert values(t, "req.body_param(a)") == [b"1", b"4;a=5"]
    assert values(t, "req.body_param(a,i)") == [b"1", b"3", b"4;a=5"]
    assert value(t, "req.body_param(b)") == b"\xff"
