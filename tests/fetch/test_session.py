"""Frontend, listener, backend and server of a stream."""

from __future__ import annotations

import pytest

from lbcore.sample.words import ParseError
from tests.fetch.evaluate import parse, value
from tests.fetch.transactions import NOW_US, FakeWorld, accepted, ended, request, respond


def test_the_frontend() -> None:
    world = FakeWorld()
    world.frontends[0].settings.default_backend = "be"
    world.frontends[0].settings.timeouts.client = 7000
    texts = ("fe_id", "fe_name", "fe_defbe", "fe_client_timeout", "cur_client_timeout")
    assert [value(accepted(world), text) for text in texts] == [1, "fe", "be", 7000, 7000]


def test_a_frontend_and_a_backend_of_one_name_have_two_numbers() -> None:
    t = respond(request())
    t.backend.settings.name = "fe"
    assert [value(t, text) for text in ("fe_id", "be_id", "be_name")] == [1, 2, "fe"]


def test_a_frontend_without_a_default_backend_or_timeout() -> None:
    assert [value(accepted(), text) for text in ("fe_defbe", "fe_client_timeout")] == [None, 0]


def test_the_listener() -> None:
    world = FakeWorld()
    listener = world.listeners[0]
    listener.sid, listener.cur_conn, listener.bind.name = 4, 12, "web"
    assert [value(accepted(world), text) for text in ("so_id", "so_name", "dst_conn")] == [4, "web", 12]


def test_a_listener_without_a_name_has_none() -> None:
    assert value(accepted(), "so_name") is None


def test_the_backend_and_its_server() -> None:
    t = respond(request())
    t.backend.settings.timeouts.server, t.backend.settings.timeouts.tunnel = 5000, 6000
    texts = ("be_id", "be_name", "be_server_timeout", "be_tunnel_timeout", "cur_server_timeout", "cur_tunnel_timeout")
    assert [value(t, text) for text in texts] == [2, "be", 5000, 6000, 5000, 6000]
    assert [value(t, text) for text in ("srv_id", "srv_name")] == [1, "s1"]


def test_the_frontend_stands_for_a_backend_that_was_never_chosen() -> None:
    t = ended(request())
    assert [value(t, text) for text in ("be_id", "be_name", "be_server_timeout", "srv_id", "srv_name")] == [
        1,
        "fe",
        0,
        None,
        None,
    ]


@pytest.mark.parametrize(("unit", "divisor"), [("", 1_000_000), ("s", 1_000_000), ("ms", 1000), ("us", 1)])
def test_dates_of_connection_and_request(unit: str, divisor: int) -> None:
    t = request(accept_us=NOW_US - 7_000_000, request_us=NOW_US - 3000)
    assert value(t, f"accept_date({unit})") == (NOW_US - 7_000_000) // divisor
    assert value(t, f"request_date({unit})") == (NOW_US - 3000) // divisor


def test_units_of_dates_are_s_ms_and_us() -> None:
    with pytest.raises(ParseError, match="expects 's', 'ms' or 'us', got 'm'"):
        parse("accept_date(m)")
