"""Targets of requests beyond the table."""

from __future__ import annotations

import pytest

from lbcore.sample.words import ParseError
from tests.fetch.evaluate import parse, value, values
from tests.fetch.transactions import request


@pytest.mark.parametrize(
    ("target", "wanted"), [("/a?b=1", "?b=1"), ("/a?", "?"), ("/a", None), ("*", None), ("http://h/?x", "?x")]
)
def test_the_query_with_its_mark(target: str, wanted: str | None) -> None:
    assert value(request(f"GET {target} HTTP/1.1"), "query(with_qm)") == wanted


def test_acls_see_all_parameters() -> None:
    t = request("GET /?a=1&b=2&A=3&a=4&x HTTP/1.1")
    assert values(t, "url_param(a)") == ["1", "4"]
    assert values(t, "url_param(a,,i)") == ["1", "3", "4"]
    assert values(t, "url_param") == ["1", "2", "3", "4"]
    assert values(t, "urlp_val(a)") == [1, 4]


def test_case_is_folded_for_ascii_only() -> None:
    t = request("GET /?\xc9=1&\xe9=2 HTTP/1.1")
    assert values(t, "url_param(\xe9,,i)") == []  # the configuration's is UTF-8
    assert value(request("GET /?\xc3\xa9=1&\xc3\x89=2 HTTP/1.1"), "url_param(\xe9,,i)") == "1"


def test_names_of_parameters_are_no_patterns() -> None:
    t = request("GET /?ab=1&a.=2 HTTP/1.1")
    assert value(t, "url_param(a.)") == "2"


@pytest.mark.parametrize(
    ("target", "ip", "port"),
    [
        ("http://user@10.0.0.1:81/", "10.0.0.1", 81),
        ("HTTPS://10.0.0.1/", "10.0.0.1", 443),
        ("http://example.com:81/", None, None),
        ("/http://10.0.0.1/", None, None),
    ],
)
def test_the_place_in_an_absolute_target(target: str, ip: str | None, port: int | None) -> None:
    t = request(f"GET {target} HTTP/1.1")
    found = value(t, "url_ip")
    assert (None if found is None else str(found), value(t, "url_port")) == (ip, port)


def test_hashes_with_a_source_take_its_whole_address() -> None:
    t = request("GET /a HTTP/1.1", "Host: h", src="2001:db8::1")
    number, found = value(t, "base32"), value(t, "base32+src")
    assert isinstance(number, int)
    assert found == number.to_bytes(4, "big") + bytes.fromhex("20010db8") + bytes(11) + b"\1"


def test_hashes_without_a_source_stand_alone() -> None:
    t = request("GET /a HTTP/1.1", "Host: h", src=None)
    found = value(t, "url32+src")
    assert isinstance(found, bytes)
    assert len(found) == 4


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("query(x)", "'x' is not an option of it, only 'with_qm' is"),
        ("url_param(a,;,x)", "'x' is no flag of it, only 'i' is"),
        ("req.body_param(a,x)", "'x' is no flag of it, only 'i' is"),
    ],
)
def test_bad_arguments_are_refused(text: str, complaint: str) -> None:
    with pytest.raises(ParseError) as refused:
        parse(text)
    assert str(refused.value).endswith(f" : {complaint}")
