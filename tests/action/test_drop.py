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
    assert run("close", accepted(), Ruleset.TCP_RESPONSE) == Close("close", "--", "")


@pytest.mark.parametrize("word", ["reject", "silent-drop", "deny", "return"])
def test_nothing_ends_what_is_being_answered(word: str) -> None:
    assert ACTIONS.find(Ruleset.HTTP_AFTER, word) is None


def test_no_ttl_can_be_chosen() -> None:
    with pytest.raises(ParseError, match="'rst-ttl' is HAProxy's but is not supported"):
        parse("silent-drop rst-ttl 3")
