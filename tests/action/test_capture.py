"""`capture`: samples that are kept for the logs."""

from __future__ import annotations

import pytest

from lbcore.proxy.settings import CaptureSlot, ProxySettings, Settings
from lbcore.sample.words import ParseError
from lbcore.stream.rules import Ruleset
from lbcore.stream.txn import Txn
from tests.action.rules import build_of, parse, run
from tests.fetch.transactions import FakeWorld, request, respond


def with_slots(*lengths: int) -> FakeWorld:
    world = FakeWorld()
    world.frontends[0].settings.captures_request = [CaptureSlot(length) for length in lengths]
    world.frontends[0].settings.captures_response = [CaptureSlot(length) for length in lengths]
    return world


def captured(t: Txn, text: str, ruleset: Ruleset = Ruleset.HTTP_REQUEST) -> None:
    """Runs a rule that is bound to the transaction's frontend."""
    spec = parse(text, ruleset)
    if spec.attach is not None:
        spec.attach(t.frontend.settings)
    assert spec.make(build_of(t))(t) is None


def test_a_rule_with_a_length_has_a_slot_of_its_own() -> None:
    t = request("GET /abc HTTP/1.1", world=with_slots(5))
    captured(t, "capture path len 3")
    assert t.captures_req == [None, "/ab"]


def test_a_rule_with_a_number_fills_that_slot() -> None:
    t = request("GET /abc HTTP/1.1", world=with_slots(9, 2))
    captured(t, "capture path id 1")
    captured(t, "capture method id 0")
    assert t.captures_req == ["GET", "/a"]


def test_a_transaction_with_captures_is_kept_for_its_line() -> None:
    t = request(world=with_slots(9))
    captured(t, "capture path id 0")
    assert t.kept


def test_without_a_sample_a_slot_stays_as_it_is() -> None:
    t = request(world=with_slots(9))
    captured(t, "capture method id 0")
    captured(t, "capture req.hdr(none) id 0")
    assert t.captures_req == ["GET"]


def test_responses_have_slots_of_their_own() -> None:
    t = respond(request(world=with_slots(9)), "HTTP/1.1 200 OK", "x: y")
    captured(t, "capture res.hdr(x) id 0", Ruleset.HTTP_RESPONSE)
    assert (t.captures_req, t.captures_res) == (None, ["y"])


def test_a_backend_whose_frontend_has_no_such_slot_captures_nothing() -> None:
    t = request(world=with_slots())
    run(t, "capture path id 3")
    assert t.captures_req is None


def test_contents_are_captured_too() -> None:
    t = request(world=with_slots())
    captured(t, "capture src len 4", Ruleset.TCP_CONTENT)
    assert t.captures_req == ["192."]


@pytest.mark.parametrize(
    ("text", "ruleset", "complaint"),
    [
        ("capture", Ruleset.HTTP_REQUEST, "expects <expression> [ 'len' <length> | id <idx> ]"),
        ("capture path len", Ruleset.HTTP_REQUEST, "expects <expression> [ 'len' <length> | id <idx> ]"),
        ("capture path len 0", Ruleset.HTTP_REQUEST, "length must be > 0"),
        ("capture path id x", Ruleset.HTTP_REQUEST, "cannot parse id 'x'"),
        ("capture path foo 3", Ruleset.HTTP_REQUEST, "expects 'len' or 'id', found 'foo'"),
        ("capture res.hdr(a) len 3", Ruleset.HTTP_RESPONSE, "expects 'id', found 'len'"),
        ("capture", Ruleset.TCP_CONTENT, "'tcp-request content capture' : missing fetch method"),
        ("capture src", Ruleset.TCP_CONTENT, "'tcp-request content capture' : a positive 'len' argument is mandatory"),
        ("capture src len x", Ruleset.TCP_CONTENT, "'tcp-request content capture' : length must be > 0"),
    ],
)
def test_wrong_arguments_are_told(text: str, ruleset: Ruleset, complaint: str) -> None:
    with pytest.raises(ParseError) as error:
        parse(text, ruleset)
    assert str(error.value) == complaint


def test_a_backend_has_no_slots() -> None:
    with pytest.raises(ParseError, match="proxy 'b' has no frontend capability"):
        parse("capture path len 3").attach(ProxySettings("b", "backend"))


def test_a_slot_that_nobody_declares_is_told() -> None:
    spec, front = parse("capture path id 1"), ProxySettings("f", "frontend", captures_request=[CaptureSlot(3)])
    assert spec.check(front, Settings()) == "unable to find capture id '1' referenced by http-request capture rule."
    front.captures_request.append(CaptureSlot(3))
    assert spec.check(front, Settings()) is None
    assert spec.check(ProxySettings("b", "backend"), Settings()) is None
