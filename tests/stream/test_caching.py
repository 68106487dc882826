"""Whether a response may be kept by caches, with its cookies or without."""

from __future__ import annotations

import pytest

from lbcore.stream.caching import NOT_KEPT, Caching, refuse_cacheable_cookie
from lbcore.stream.message import Response
from lbcore.stream.rules import Reply
from tests.fetch.transactions import fields_of, request, respond


def caching(*fields: str, method: str = "GET", status: int = 200) -> Caching:
    return Caching.of(method, Response("HTTP/1.1", status, "X", fields_of(fields)))


@pytest.mark.parametrize("field", ['ETag: "a"', "Last-Modified: x", "Expires: x", "Cache-Control: max-age=1"])
def test_a_lifetime_or_a_validator_makes_it_cacheable(field: str) -> None:
    assert caching(field) == Caching(True, True)
    assert caching() == NOT_KEPT


@pytest.mark.parametrize("word", ["private", "no-cache", "no-store", "max-age=0", "s-maxage=0", "x, PRIVATE"])
def test_words_that_forbid_it(word: str) -> None:
    assert caching('ETag: "a"', f"Cache-Control: {word}") == NOT_KEPT


def test_pragma_forbids_it() -> None:
    assert caching('ETag: "a"', "Pragma: no-cache") == NOT_KEPT


@pytest.mark.parametrize("word", ['no-cache="set-cookie"', 'no-cache="Set-Cookie, x"'])
def test_cookies_may_be_left_out(word: str) -> None:
    assert caching('ETag: "a"', f"Cache-Control: {word}") == Caching(True, False)


@pytest.mark.parametrize(("method", "status"), [("POST", 200), ("GET", 302), ("GET", 500)])
def test_other_methods_and_statuses_are_kept_only_if_public(method: str, status: int) -> None:
    assert not caching('ETag: "a"', method=method, status=status).cacheable
    assert caching('ETag: "a"', "Cache-Control: public", method=method, status=status) == Caching(True, True)


def test_a_cookie_that_would_be_kept_is_refused() -> None:
    t = respond(request(), "HTTP/1.1 200 OK", "Set-Cookie: a=b", 'ETag: "x"')
    outcome = refuse_cacheable_cookie(t)
    assert isinstance(outcome, Reply)
    assert (outcome.status, outcome.term, outcome.counted) == (502, "PH", "denied_resp")


def test_a_cookie_that_is_not_kept_goes_through() -> None:
    assert refuse_cacheable_cookie(respond(request(), "HTTP/1.1 200 OK", "Set-Cookie: a=b")) is None
