"""`http-request auth`."""

from __future__ import annotations

import pytest

from lbcore.http.auth import basic
from lbcore.http.reply import Message, default_page
from lbcore.sample.words import ParseError
from lbcore.stream.rules import Close, Reply
from tests.action.replies import parse, run, sent
from tests.fetch.transactions import FakeWorld, request


def test_the_challenge_stands_at_the_end_of_the_page() -> None:
    head, body = default_page(401).head, default_page(401).body
    outcome = run("auth", request())
    assert sent(outcome) == f'{head[:-2]}www-authenticate: Basic realm="fe"\r\n\r\n'.encode() + body
    assert isinstance(outcome, Reply)
    assert (outcome.status, outcome.term, outcome.counted) == (401, "LR", "unauthorized")


def test_the_realm_may_be_named() -> None:
    assert b'www-authenticate: Basic realm="My Realm"\r\n' in sent(run("auth realm 'My Realm'", request()))


def test_a_page_of_the_proxy_gets_our_challenge_only() -> None:
    world = FakeWorld()
    page = Message("HTTP/1.1 401 Mine\r\nwww-authenticate: foo\r\ncontent-length: 2\r\n\r\n", b"hi")
    world.frontends[0].settings.error_pages[401] = page
    assert sent(run("auth", request(world=world))) == (
        b'HTTP/1.1 401 Mine\r\ncontent-length: 2\r\nwww-authenticate: Basic realm="fe"\r\n\r\nhi'
    )


def test_a_silent_page_stays_silent() -> None:
    world = FakeWorld()
    world.frontends[0].settings.error_pages[401] = Message("", b"", True)
    assert run("auth", request(world=world)) == Close("close", "LR", "unauthorized", 401)


def test_who_takes_us_for_a_proxy_is_asked_as_by_one() -> None:
    world = FakeWorld()
    world.frontends[0].settings.options.add("http-use-proxy-header")
    asked = sent(run("auth realm R", request("GET http://h/ HTTP/1.1", "Host: h", world=world)))
    assert asked.startswith(b"HTTP/1.1 407 ")
    assert b'\r\nproxy-authenticate: Basic realm="R"\r\n' in asked
    assert sent(run("auth realm R", request(world=world))).startswith(b"HTTP/1.1 401 ")


def test_realm_is_a_quoted_string() -> None:
    assert basic('a"b\\c') == 'Basic realm="a\\"b\\\\c"'


def test_realm_can_add_no_line() -> None:
    assert b'realm="a%0D%0Ab"' in sent(run("auth realm 'a\r\nb'", request()))


def test_a_missing_realm_is_named() -> None:
    with pytest.raises(ParseError, match="missing realm value"):
        parse("auth realm")
