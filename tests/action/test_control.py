"""Actions that steer a list and its stream."""

from __future__ import annotations

import pytest

from lbcore.sample.words import ParseError
from lbcore.stream.rules import ACCEPT, Ruleset, SwitchMode
from tests.action.rules import parse, run
from tests.fetch.transactions import accepted, request, tcp


@pytest.mark.parametrize("ruleset", [Ruleset.TCP_CONNECTION, Ruleset.TCP_SESSION])
def test_accept_ends_the_list(ruleset: Ruleset) -> None:
    t = accepted()
    assert run(t, "accept", "set-var(sess.x) int(1)", ruleset=ruleset) is ACCEPT
    assert t.session.vars == {}


def test_allow_ends_the_list_and_is_the_last_rule() -> None:
    t = request()
    assert run(t, "set-header x 1", "allow", "set-header x 2") is ACCEPT
    assert t.req is not None
    assert (t.req.get("x"), t.last_rule) == ("1", ("lb.cfg", 2))


def test_strict_mode_is_remembered() -> None:
    t = request()
    assert t.strict
    run(t, "strict-mode off")
    assert not t.strict
    run(t, "strict-mode on")
    assert t.strict


def test_disable_l7_retry_is_remembered() -> None:
    t = request()
    run(t, "disable-l7-retry")
    assert t.no_retry


def test_wait_for_handshake_goes_on() -> None:
    assert run(request(), "wait-for-handshake") is None


@pytest.mark.parametrize("proto", ["", " proto h1"])
def test_switch_mode_ends_with_the_switch(proto: str) -> None:
    outcome = run(tcp(b"GET / HTTP/1.1\r\n", end=True), f"switch-mode http{proto}", ruleset=Ruleset.TCP_CONTENT)
    assert isinstance(outcome, SwitchMode)


@pytest.mark.parametrize(
    ("text", "ruleset", "complaint"),
    [
        ("strict-mode", Ruleset.HTTP_REQUEST, "expects exactly 1 arguments"),
        ("strict-mode foo", Ruleset.HTTP_REQUEST, "Unexpected value 'foo'. Only 'on' and 'off' are supported"),
        ("switch-mode", Ruleset.TCP_CONTENT, "'tcp-request switch-mode' expects a mode as argument."),
        (
            "switch-mode http proto",
            Ruleset.TCP_CONTENT,
            "'tcp-request switch-mode': 'proto' expects a protocol as argument.",
        ),
        (
            "switch-mode http proto xx",
            Ruleset.TCP_CONTENT,
            "'tcp-request switch-mode': 'proto' expects a valid MUX protocol, if specified (got 'xx')",
        ),
        ("switch-mode foo", Ruleset.TCP_CONTENT, "'tcp-request switch-mode' expects a valid mode (got 'foo')."),
    ],
)
def test_wrong_arguments_are_told(text: str, ruleset: Ruleset, complaint: str) -> None:
    with pytest.raises(ParseError) as error:
        parse(text, ruleset)
    assert str(error.value) == complaint
