"""Cookies beyond the table."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lbcore.fetch.cookie import cookies_of
from tests.fetch.evaluate import value, values
from tests.fetch.transactions import request, respond


def test_names_of_cookies() -> None:
    t = request("GET / HTTP/1.1", "Cookie: a=1; b=2", "Cookie: a=3; x")
    assert [value(t, text) for text in ("req.cook_names", "req.cook_names(;)", "req.cook_names(ab)")] == [
        "a,b,a",
        "a;b;a",
        "aaba" + "a",
    ]


def test_names_of_cookies_that_are_set() -> None:
    t = respond(request(), "HTTP/1.1 200 OK", "Set-Cookie: a=1; path=/; HttpOnly", "Set-Cookie: b=2")
    assert value(t, "res.cook_names") == "a,b"


def test_no_names_without_cookies() -> None:
    assert value(request(), "req.cook_names") == ""


def test_attributes_are_no_cookies_that_are_set() -> None:
    date = "Wed, 21-Oct-2026 07:28:00 GMT"
    t = respond(request(), "HTTP/1.1 200 OK", f"Set-Cookie: a=1; expires={date}; path=/", "Set-Cookie: b=")
    assert values(t, "res.cook") == ["1", ""]
    assert [value(t, text) for text in ("res.cook_cnt", "res.cook(path)", "res.cook(b)")] == [2, None, ""]


def test_acls_see_all_cookies() -> None:
    t = request("GET / HTTP/1.1", "Cookie: a=1; b=2", "Cookie: a=x")
    assert values(t, "req.cook(a)") == ["1", "x"]
    assert values(t, "req.cook_val(a)") == [1, 0]
    assert values(t, "req.cook") == ["1", "2", "x"]
    assert values(t, "req.cook(none)") == []


def test_cookies_are_those_of_the_message_at_hand() -> None:
    t = request("GET / HTTP/1.1", "Cookie: a=req")
    assert value(t, "cookie(a)") == "req"
    assert value(respond(t, "HTTP/1.1 200 OK", "Set-Cookie: a=res"), "cookie(a)") == "res"


def test_quotes_hide_what_parts_cookies() -> None:
    t = request("GET / HTTP/1.1", 'Cookie: a="1;b=2\\";c=3"; d=4')
    assert [value(t, f"req.cook({name})") for name in "abcd"] == ['"1;b=2\\";c=3"', None, None, "4"]


PARTS = st.lists(st.sampled_from([*"ab=;,$ \t", "a=", "; a = b ", "ab=1"]), max_size=12).map("".join)


@given(st.lists(PARTS, max_size=3))
def test_the_fast_way_finds_what_the_slow_one_does(fields: list[str]) -> None:
    t = request("GET / HTTP/1.1", *(f"Cookie: {field.strip()}" for field in fields))
    assert t.req is not None
    pairs = list(cookies_of(t.req))
    for name in ("a", "ab", "b", "$a", "a b"):
        assert values(t, f"req.cook({name})") == [value for found, value in pairs if found == name]
