"""`deny` and `tarpit`."""

from __future__ import annotations

import pytest

from lbcore.http.reply import Message, default_page
from lbcore.sample.words import ParseError
from lbcore.stream.rules import Close, Reply, Ruleset
from tests.action.replies import parse, run, sent
from tests.fetch.transactions import FakeWorld, request, respond


def page(status: int) -> bytes:
    found = default_page(status)
    return found.head.encode() + found.body


def test_deny_answers_403_and_counts() -> None:
    outcome = run("deny", request())
    assert sent(outcome) == page(403)
    assert isinstance(outcome, Reply)
    assert (outcome.status, outcome.term, outcome.counted) == (403, "PR", "denied_req")


def test_denied_responses_are_502() -> None:
    outcome = run("deny", respond(request()), Ruleset.HTTP_RESPONSE)
    assert sent(outcome) == page(502)
    assert isinstance(outcome, Reply)
    assert (outcome.status, outcome.term, outcome.counted) == (502, "PH", "denied_resp")


def test_deny_status_alone_means_the_page_of_the_proxy() -> None:
    world = FakeWorld()
    world.frontends[0].settings.error_pages[429] = Message("HTTP/1.1 429 Mine\r\n\r\n", b"")
    assert sent(run("deny deny_status 429", request(world=world))) == b"HTTP/1.1 429 Mine\r\n\r\n"


def test_status_alone_means_no_page_at_all() -> None:
    assert sent(run("deny status 403", request())) == b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n"


def test_deny_status_with_a_payload_is_the_status() -> None:
    answer = sent(run("deny deny_status 418 content-type a string b", request()))
    assert answer == b"HTTP/1.1 418 I'm a teapot\r\ncontent-length: 1\r\ncontent-type: a\r\n\r\nb"


def test_a_silent_page_closes_and_counts() -> None:
    assert run("deny errorfile /dev/null", request()) == Close("close", "PR", "denied_req", 403)


def test_the_page_may_be_a_redirect_but_the_log_has_the_status() -> None:
    world = FakeWorld()
    world.frontends[0].settings.error_pages[403] = Message("HTTP/1.1 302 Found\r\nlocation: /\r\n\r\n", b"")
    outcome = run("deny", request(world=world))
    assert isinstance(outcome, Reply)
    assert (outcome.status, outcome.head[:12]) == (403, "HTTP/1.1 302")


@pytest.mark.parametrize(
    ("tarpit", "connect", "ms"), [(300, 2000, 300), (None, 2000, 2000), (None, None, 0), (300, None, 300)]
)
def test_tarpit_waits_for_its_timeout_or_that_of_connections(tarpit: int | None, connect: int | None, ms: int) -> None:
    world = FakeWorld()
    timeouts = world.frontends[0].settings.timeouts
    timeouts.tarpit, timeouts.connect = tarpit, connect
    outcome = run("tarpit", request(world=world))
    assert sent(outcome) == page(500)
    assert isinstance(outcome, Reply)
    assert (outcome.tarpit, outcome.term, outcome.counted) == (ms, "PT", "denied_req")


def test_tarpit_of_a_backend_waits_for_the_backends_timeout() -> None:
    t = request()
    t.backend = t.world.backends[0]
    t.backend.settings.timeouts.tarpit = 70
    outcome = run("tarpit deny_status 429", t)
    assert isinstance(outcome, Reply)
    assert (outcome.tarpit, outcome.status) == (70, 429)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("deny deny_status", "'status' expects <status_code> as argument"),
        ("deny deny_status abc", "Unexpected status code 'abc'"),
        ("deny deny_status 100", "Unexpected status code '100'"),
        ("deny deny_status 418", "status code '418' not handled by default with 'default-errorfiles' argument."),
        ("tarpit deny_status 418", "status code '418' not handled by default with 'default-errorfiles' argument."),
    ],
)
def test_wrong_statuses_are_named(text: str, why: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse(text)
    assert str(caught.value) == why
