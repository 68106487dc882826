"""`reject`, `close` and `silent-drop`."""

from __future__ import annotations

import pytest

from lbcore.sample.words import ParseError
from lbcore.stream.rules import ACTIONS, Close, Ruleset
from tests.action.replies import parse, run
from tests.fetch.transactions import accepted, request

REJECTED = {
    Ruleset.TCP_CONNECTION: Close("reset", "PR", "denied_conn"),
    Ruleset.TCP_SESSION: Close("reset", "PR", "denied_sess"),
    Ruleset.TCP_CONTENT: Close("close", "PR", "denied_req"),
    Ruleset.TCP_RESPONSE: Close("close", "PD", "denied_resp"),
    Ruleset.HTTP_REQUEST: Close("close", "PR", "denied_req"),
}


@pytest.mark.parametrize("ruleset", REJECTED, ids=lambda ruleset: ruleset.value)
def test_reject_closes_and_counts(ruleset: Ruleset) -> None:
    assert run("reject", accepted(), ruleset) == REJECTED[ruleset]


@pytest.mark.parametrize("ruleset", [*REJECTED, Ruleset.HTTP_RESPONSE], ids=lambda ruleset: ruleset.value)
def test_silent_drop_is_a_denied_request_wherever_it_stands(ruleset: Ruleset) -> None:
    assert run("silent-drop", request(), ruleset) == Close("drop", "PR", "denied_req")


def test_close_counts_nothing() -> None:
    assert run("close", accepted(), Ruleset.TCP_RESPONSE) == Close("server", "--", "")


@pytest.mark.parametrize("word", ["reject", "silent-drop", "deny", "return"])
def test_nothing_ends_what_is_being_answered(word: str) -> None:
    assert ACTIONS.find(Ruleset.HTTP_AFTER, word) is None


@pytest.mark.parametrize("ttl", [1, 3, 255])
def test_a_reset_that_lives_for_some_hops_may_leave(ttl: int) -> None:
    assert run(f"silent-drop rst-ttl {ttl}", request()) == Close("drop", "PR", "denied_req", ttl=ttl)


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        ("", "missing rst-ttl value"),
        ("0", r"valid rst-ttl values are \[1-255\]"),
        ("256", r"valid rst-ttl values are \[1-255\]"),
        ("3s", "invalid character starting at 's'"),
        ("-3", "invalid character starting at '-3'"),
    ],
)
def test_a_time_to_live_that_no_packet_has_is_refused(text: str, trouble: str) -> None:
    with pytest.raises(ParseError, match=trouble):
        parse(f"silent-drop rst-ttl {text}")
