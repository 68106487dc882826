"""What `capture` lines keep."""

from __future__ import annotations

from lbcore.proxy.settings import CaptureSlot, CookieCapture, ProxySettings
from lbcore.stream.captures import make_cookie_capture, make_request_captures, make_response_captures
from lbcore.stream.slots import make_late_captures
from lbcore.stream.txn import AT
from tests.fetch.transactions import request, respond


def settings(**fields: object) -> ProxySettings:
    return ProxySettings("fe", "frontend", mode="http", **fields)  # type: ignore[arg-type]


def test_nothing_to_capture_is_no_step() -> None:
    only_declared = settings(captures_request=[CaptureSlot(5)], captures_response=[CaptureSlot(5)])
    for found in (settings(), only_declared):
        assert make_request_captures(found) is None
        assert make_response_captures(found) is None


def test_the_last_field_of_a_name_is_kept_cut_to_its_length() -> None:
    t = request("GET / HTTP/1.1", "X-A: first", "X-A: second", "X-B: short")
    slots = [CaptureSlot(3, "X-A"), CaptureSlot(9, "x-b"), CaptureSlot(9, "c")]
    step = make_request_captures(settings(captures_request=slots, monitor_uri="/alive"))
    assert step is not None
    step(t)
    assert t.captures_req == ["sec", "short", None]


def test_fields_are_looked_for_when_they_are_asked_for_in_what_was_received() -> None:
    t = request("GET / HTTP/1.1", "X-A: first", "X-A: second", "X-B: short")
    found = settings(captures_request=[CaptureSlot(3, "X-A"), CaptureSlot(9, "x-b"), CaptureSlot(9, "c")])
    assert make_request_captures(found) is None
    late = make_late_captures(found)
    assert late is not None
    t.world.captures[t.ask[AT["frontend"]]] = late
    assert t.req is not None
    t.req.set("x-a", "new")
    t.req.remove("x-b")
    assert t.captures_req == ["sec", "short", None]


def test_slots_that_actions_fill_keep_their_numbers() -> None:
    t = respond(request(), "HTTP/1.1 200 OK", "Server: nginx")
    t.captures_res = ["by an action", None]
    step = make_response_captures(settings(captures_response=[CaptureSlot(20), CaptureSlot(20, "Server")]))
    assert step is not None
    step(t)
    assert t.captures_res == ["by an action", "nginx"]


def test_a_cookie_is_kept_with_its_name() -> None:
    t = request("GET / HTTP/1.1", "Cookie: a=b; ABCD=1; ABC=2")
    respond(t, "HTTP/1.1 200 OK", "Set-Cookie: ABC=345; path=/")
    found = settings(capture_cookie=CookieCapture("ABC", 6))
    for step in (make_cookie_capture(found), make_response_captures(found)):
        assert step is not None
        step(t)
    assert (t.cookies.client_value, t.cookies.server_value) == ("ABCD=1", "ABC=34")
    assert (t.cookies.request_state, t.cookies.response_state) == ("-", "-")


def test_a_name_with_its_equal_sign_is_that_name_alone() -> None:
    t = request("GET / HTTP/1.1", "Cookie: ABCD=1; ABC=2")
    step = make_cookie_capture(settings(capture_cookie=CookieCapture("ABC=", 9)))
    assert step is not None
    step(t)
    assert t.cookies.client_value == "ABC=2"
