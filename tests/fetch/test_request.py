"""Fields and first lines, where lbcore knows better or knows more than the table's HAProxy."""

from __future__ import annotations

import pytest

from lbcore.fetch.request import varint
from lbcore.sample.words import ParseError
from tests.fetch.evaluate import parse, value, values
from tests.fetch.transactions import request, respond


@pytest.mark.parametrize(
    ("field", "wanted"),
    [
        ("4294967297", 4294967297),  # HAProxy's counts 32 bits of it: 1
        ("+5", 5),  # HAProxy's goes on over what sorts before digits
        ("7 8", 7),
        ("0x10", 0),
        ("", 0),
        ("-5", -5),
    ],
)
def test_integers_of_fields_are_their_leading_digits(field: str, wanted: int) -> None:
    assert value(request("GET / HTTP/1.1", f"N: {field}"), "req.hdr_val(n)") == wanted


def test_acls_see_all_values() -> None:
    t = request("GET / HTTP/1.1", "X: a, b", "Y: 1", "x: c", "N: 1, x, 3", "IP: 10.0.0.1, x")
    assert values(t, "req.hdr(x)") == ["a", "b", "c"]
    assert values(t, "req.fhdr(x)") == ["a, b", "c"]
    assert values(t, "req.hdr(x,2)") == ["b"]
    assert values(t, "req.hdr(none)") == []
    assert values(t, "req.hdr(x,9)") == []
    assert values(t, "req.hdr") == []
    assert values(t, "req.hdr_val(n)") == [1, 0, 3]
    assert [str(address) for address in values(t, "req.hdr_ip(ip)")] == ["10.0.0.1"]


def test_words_of_requests_look_at_requests_only() -> None:
    t = respond(request("GET / HTTP/1.1", "X: req"), "HTTP/1.1 200 OK", "X: res")
    assert [value(t, text) for text in ("req.hdr(x)", "res.hdr(x)", "hdr(x)")] == ["req", "res", "res"]
    assert value(request("GET / HTTP/1.1", "X: req"), "hdr(x)") == "req"


@pytest.mark.parametrize("text", ["res.hdr(x)", "res.hdr_cnt", "res.hdr_names", "res.hdrs", "res.hdrs_bin", "res.ver"])
def test_there_is_nothing_of_a_response_before_it_comes(text: str) -> None:
    assert value(request(), text) is None


@pytest.mark.parametrize("text", ["req.hdr(x)", "req.hdr_cnt", "method", "path", "req.hdrs", "req.body", "base32"])
def test_there_is_nothing_of_a_request_that_nobody_kept(text: str) -> None:
    t = request()
    t.req = None
    assert value(t, text) is None


def test_what_rules_changed_is_what_is_fetched() -> None:
    t = request("GET /a HTTP/1.1", "X: a")
    assert t.req is not None
    t.req.set_pathq("/b?c=d")
    t.req.set_method("PUT")
    t.req.set("X", "b")
    texts = ("path", "query", "method", "req.hdr(x)", "url_param(c)")
    assert [value(t, text) for text in texts] == ["/b", "c=d", "PUT", "b", "d"]


# The examples of SPOE.txt 3.1.
@pytest.mark.parametrize(
    ("number", "wanted"),
    [(0, "00"), (239, "ef"), (240, "f000"), (2287, "ff7f"), (2288, "f08000"), (264431, "ffff7f"), (264432, "f0808000")],
)
def test_lengths_are_written_as_spoe_does(number: int, wanted: str) -> None:
    assert varint(number).hex() == wanted


def test_occurrences_are_counted_back_to_the_tenth() -> None:
    parse("req.hdr(x,-10)")
    with pytest.raises(ParseError) as refused:
        parse("req.hdr(x,-11)")
    assert str(refused.value) == "invalid args in fetch method 'req.hdr' : header occurrence must be >= -10"
