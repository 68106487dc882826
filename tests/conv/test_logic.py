"""Conditions of `when`, by what becomes of a stream."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import lbcore.conv
import lbcore.fetch  # noqa: F401 - fills the tables, as lbcore.conv does
from lbcore.sample.expression import parse_expression
from lbcore.sample.words import Words
from lbcore.stream.txn import Txn
from tests.fetch.transactions import FakeBuild, FakeWorld, ended, request, respond


def holds(t: Txn, condition: str) -> bool:
    """Whether a value gets past a condition."""
    return parse_expression(Words([f"str(x),when({condition})"])).make(FakeBuild())(t) is not None


def failed() -> Txn:
    """A stream that ended since its server could not be reached."""
    return ended(request(), term=b"SC--", status=503)


def retried() -> Txn:
    """A stream that went well at the second try."""
    return ended(respond(request()), retries=1)


def redispatched() -> Txn:
    """A stream that went well on another server."""
    return ended(respond(request()), redispatched=1)


def refused_by_server() -> Txn:
    """A stream whose server could not do what it was asked for."""
    return respond(request(), "HTTP/1.1 500 Internal")


@pytest.mark.parametrize("stream", [failed, retried, redispatched, refused_by_server])
def test_what_dontlog_normal_would_log_is_an_error(stream: Callable[[], Txn]) -> None:
    t = stream()
    assert (holds(t, "error"), holds(t, "normal"), holds(t, "!error")) == (True, False, False)


@pytest.mark.parametrize("stream", [request, lambda: ended(respond(request())), lambda: respond(request())])
def test_what_went_well_is_normal(stream: Callable[[], Txn]) -> None:
    t = stream()
    assert (holds(t, "error"), holds(t, "normal"), holds(t, "!normal")) == (False, True, False)


def test_request_that_went_to_a_server_is_forwarded_and_processed() -> None:
    t = respond(request())
    assert (holds(t, "forwarded"), holds(t, "processed"), holds(t, "toapplet")) == (True, True, False)


def test_stopping_is_asked_when_it_is_needed() -> None:
    world = FakeWorld()
    t = request(world=world)
    assert not holds(t, "stopping")
    world.facts.stopping = True
    assert holds(t, "stopping")
