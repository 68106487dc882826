"""`option http-buffer-request`."""

from __future__ import annotations

from lbcore.proxy.settings import ProxySettings, Timeouts
from lbcore.shim import lib
from lbcore.stream.buffering import Waiting, make_buffering
from lbcore.stream.rules import Outcome, Reply, Wait
from lbcore.stream.txn import Txn
from tests.fetch.transactions import ask, request


def settings(*options: str, **timeouts: int) -> ProxySettings:
    return ProxySettings("fe", "frontend", mode="http", options=set(options), timeouts=Timeouts(**timeouts))


def begin(t: Txn, **timeouts: int) -> Waiting:
    step = make_buffering(settings("http-buffer-request", **timeouts))
    assert step is not None
    return step(t)


def end(waiting: Waiting) -> Outcome | None:
    """What it came to, once it waits no longer."""
    try:
        next(waiting)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
    raise AssertionError("it waits")


def test_nothing_is_waited_for_without_the_option() -> None:
    assert make_buffering(settings()) is None


def test_a_request_without_body_goes_on() -> None:
    assert end(begin(request("GET / HTTP/1.1"))) is None


def test_a_body_that_is_here_goes_on() -> None:
    assert end(begin(request("POST / HTTP/1.1", body=b"abc"))) is None


def test_a_body_is_waited_for_as_long_as_a_head() -> None:
    t = request("POST / HTTP/1.1", body=b"", whole=False)
    assert t.req is not None
    t.req.has_body = True
    assert next(begin(t, http_request=700, client=900)) == Wait("body", 700)
    assert next(begin(t, client=900)) == Wait("body", 900)


def test_what_is_larger_than_a_buffer_goes_on_with_what_is_here() -> None:
    t = request("POST / HTTP/1.1", body=b"abc", whole=False)
    waiting = begin(t, client=900)
    next(waiting)
    t.ask = ask(flags=lib.ASK_F_FULL)
    assert end(waiting) is None


def test_a_body_that_does_not_come_is_answered_with_408() -> None:
    t = request("POST / HTTP/1.1", body=b"", whole=False)
    t.ask = ask()
    waiting = begin(t, client=900)
    next(waiting)
    t.ask = ask(flags=lib.ASK_F_TIMEOUT)
    outcome = end(waiting)
    assert isinstance(outcome, Reply)
    assert (outcome.status, outcome.term) == (408, "cR")
