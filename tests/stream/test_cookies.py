"""Persistence by cookies: fields, dates, and who is chosen. Beside HAProxy: test_cookies_oracle."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lbcore.proxy.settings import PersistenceCookie
from lbcore.stream.cookies import from_date, make_request_cookie, make_response_cookie, pairs, pieces, to_date, without
from lbcore.stream.txn import Txn
from tests.fetch.transactions import FakeBuild, FakeWorld, request, respond, server


def world(**options: object) -> FakeWorld:
    """A backend with an inserted cookie and three servers, the last of which is down."""
    found = FakeWorld()
    backend = found.backends[0]
    backend.settings.cookie = PersistenceCookie("SRV", "insert", indirect=True, **options)  # type: ignore[arg-type]
    backend.servers = [server("s1", 0, cookie="c1"), server("s2", 1, cookie="c2"), server("s3", 2, cookie="c3")]
    backend.servers[2].usable = False
    return found


def ask(found: FakeWorld, *fields: str, server: int | None = None) -> Txn:
    t = request("GET / HTTP/1.1", *fields, world=found)
    backend = found.backends[0]
    t.backend = backend
    if server is not None:
        t.server = backend.servers[server]
    step = make_request_cookie(backend.settings, FakeBuild(found, "be"))
    assert step is not None
    step(t)
    return t


def answer(t: Txn, served: int) -> list[str]:
    """The cookies that the client gets from the server with that number."""
    t.server = t.backend.servers[served]
    respond(t)
    step = make_response_cookie(t.backend.settings)
    assert step is not None
    assert step(t) is None
    assert t.res is not None
    return t.res.all("set-cookie")


def test_a_server_of_a_rule_stays() -> None:
    t = ask(world(), "Cookie: SRV=c2", server=0)
    assert (t.server.name, t.cookies.request_state, t.cookies.server) == ("s1", "U", None)


def test_the_client_of_a_server_of_a_rule_gets_no_cookie() -> None:
    t = ask(world(), server=0)
    assert answer(t, 0) == []
    assert (t.cookies.request_state, t.cookies.response_state) == ("N", "N")


def test_who_comes_to_another_server_than_that_of_the_rule_gets_a_cookie() -> None:
    t = ask(world(), server=0)
    assert answer(t, 1) == ["SRV=c2; path=/"]


@pytest.mark.parametrize(
    ("field", "sent"),
    [
        ("a=b ;  SRV = c1 ; c=d", "a=b; c=d"),
        ("a=b;SRV=c1;c=d", "a=b; c=d"),
        ("SRV = c1 ; c=d", "c=d"),
        ("a=b ; SRV=c1", "a=b"),
        ("a = b; c =d", "a=b; c=d"),
        ("a=b, SRV=c1 , c=d", "a=b, c=d"),
        ("x; SRV=c1; y", "x; y"),
    ],
)
def test_blanks_go_as_in_haproxy(field: str, sent: str) -> None:
    t = ask(world(), f"Cookie: {field}")
    assert t.req is not None
    assert t.req.get("cookie") == sent


def test_a_server_that_another_had_to_stand_in_for_is_down() -> None:
    t = ask(world(), "Cookie: SRV=c2")
    assert answer(t, 0) == ["SRV=c1; path=/"]
    assert (t.cookies.request_state, t.cookies.response_state) == ("D", "I")


def test_a_cookie_whose_server_is_down_chooses_none() -> None:
    t = ask(world(), "Cookie: SRV=c3")
    assert (t.server, t.cookies.request_state) == (None, "D")


def test_the_date_is_refreshed() -> None:
    t = ask(world(maxidle=100), f"Cookie: SRV=c1|{from_date(int(time.time()) - 50)}")
    assert t.cookies.request_state == "V"
    assert answer(t, 0)[0].startswith("SRV=c1|")
    assert t.cookies.response_state == "U"


@pytest.mark.parametrize(("age", "state"), [(99, "V"), (150, "E"), (-3600, "V"), (-2 * 86400, "E")])
def test_a_cookie_may_be_idle_for_so_long(age: int, state: str) -> None:
    t = ask(world(maxidle=100), f"Cookie: SRV=c1|{from_date(int(time.time()) - age)}")
    assert t.cookies.request_state == state


def test_the_first_date_is_kept() -> None:
    first = from_date(int(time.time()) - 5000)
    t = ask(world(maxidle=100, maxlife=9000), f"Cookie: SRV=c1|{from_date(int(time.time()) - 50)}|{first}")
    assert answer(t, 0)[0].partition(";")[0].endswith(f"|{first}")


def test_a_server_without_name_takes_the_cookie_away() -> None:
    found = world()
    found.backends[0].servers[0].settings.cookie = None
    assert answer(ask(found, "Cookie: SRV=c2"), 0) == ["SRV=; Expires=Thu, 01-Jan-1970 00:00:01 GMT; path=/"]


def test_a_backend_without_cookie_has_no_step() -> None:
    found = FakeWorld()
    settings = found.backends[0].settings
    assert make_request_cookie(settings, FakeBuild(found, "be")) is None
    assert make_response_cookie(settings) is None


@given(st.integers(1, 2**32 - 4))
def test_dates_are_read_as_they_were_written(seconds: int) -> None:
    assert 0 <= to_date(from_date(seconds)) - seconds < 4


@pytest.mark.parametrize("text", ["", "AAAA", "AAAA-", "é1234", "AAAAAA"])
def test_what_is_no_date_is_none(text: str) -> None:
    assert to_date(text) == 0


@given(st.text('ab=;, "\\$', max_size=30))
def test_pieces_are_the_whole_field(value: str) -> None:
    assert "".join(pieces(value)) == value


@given(st.lists(st.text("ab=", min_size=1, max_size=4), min_size=1, max_size=5), st.data())
def test_taking_one_cookie_out_leaves_the_others(cookies: list[str], data: st.DataObject) -> None:
    gone = data.draw(st.integers(0, len(cookies) - 1))
    left = "".join(without(pieces("; ".join(cookies)), gone))
    assert left == "; ".join([*cookies[:gone], *cookies[gone + 1 :]])


def test_quotes_and_attributes_of_old_are_understood() -> None:
    assert list(pairs('$Version=1; a="x;y=z"; b=c, d=e')) == ['a="x;y=z"', "b=c", "d=e"]
