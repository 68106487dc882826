"""`option http-restrict-req-hdr-names`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lbcore.proxy.settings import ProxySettings
from lbcore.stream.message import Fields
from lbcore.stream.restrict import has_other_names, is_other_name, make_restrict
from lbcore.stream.rules import Reply
from tests.fetch.transactions import request

TOKENS = st.text("abcxyz0189-_.!#$%&'*+^`|~", min_size=1, max_size=6)


def settings(what: str) -> ProxySettings:
    return ProxySettings("be", "backend", mode="http", restrict_names=what)


def test_preserve_is_no_step() -> None:
    assert make_restrict(settings("preserve")) is None


def test_delete_removes_what_has_another_character() -> None:
    t = request("GET / HTTP/1.1", "a_b: 1", "A-B9: 2", "x.y: 3", "c: _")
    step = make_restrict(settings("delete"))
    assert step is not None
    assert step(t) is None
    assert t.req is not None
    assert t.req.lines() == ["a-b9: 2", "c: _", ""]


def test_reject_denies() -> None:
    step = make_restrict(settings("reject"))
    assert step is not None
    outcome = step(request("GET / HTTP/1.1", "a_b: 1"))
    assert isinstance(outcome, Reply)
    assert (outcome.status, outcome.term, outcome.counted) == (403, "PR", "denied_req")


@pytest.mark.parametrize("what", ["delete", "reject"])
def test_plain_names_are_left_alone(what: str) -> None:
    t = request("GET / HTTP/1.1", "Host: a_b", "x-1: y_z: w")
    step = make_restrict(settings(what))
    assert step is not None
    assert step(t) is None
    assert t.req is not None
    assert not t.req.changed


@given(st.lists(st.tuples(TOKENS, TOKENS), max_size=5))
def test_what_is_found_in_the_text_is_what_the_names_say(pairs: list[tuple[str, str]]) -> None:
    fields = Fields("\r\n" + "".join(f"{name}: {value}\r\n" for name, value in pairs))
    assert has_other_names(fields) == any(is_other_name(name) for name, _ in pairs)
