"""Every expression of the table over every message of it, beside what HAProxy answers."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from lbcore.base.address import Address
from lbcore.proxy.settings import ServerSettings, User, Userlist
from lbcore.stream.txn import Txn
from tests.fetch import oracle
from tests.fetch.evaluate import printed, values
from tests.fetch.table import (
    CONDITIONS,
    CONTENT_EXPRESSIONS,
    CONTENTS,
    NEWER_EXPRESSIONS,
    REQUEST_EXPRESSIONS,
    REQUESTS,
    RESPONSE_CONDITIONS,
    RESPONSE_EXPRESSIONS,
    RESPONSES,
)
from tests.fetch.transactions import FakeBackend, FakeBuild, FakeServer, FakeWorld, settings, tcp
from tests.peers.installed import Peers

Answers = dict[str, list[str | None]]  # by expression, of all messages

# The same proxies for both: a name, further words, and its servers with theirs.
SECTIONS = """
userlist list
  group admins users u
  group users users u,other
  user u insecure-password p:q
  user other insecure-password x
backend up
  server s1 127.0.0.1:9 weight 5 maxconn 7
  server s2 127.0.0.1:9 maxconn 9
  server s3 127.0.0.1:9 disabled
  server s4 127.0.0.1:9 backup
backend spare
  server s1 127.0.0.1:9 disabled
  server s2 127.0.0.1:9 backup maxconn 3
  server s3 127.0.0.1:9 backup maxconn 4
backend spares
  option allbackups
  server s2 127.0.0.1:9 backup
  server s3 127.0.0.1:9 backup
backend none
backend be
  server s1 127.0.0.1:9
  server s2 127.0.0.1:9
"""


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FETCHED", "here")


def backend(name: str, *servers: FakeServer, options: str = "") -> FakeBackend:
    made = settings(name, "backend")
    made.options |= set(options.split())
    return FakeBackend(made, servers=list(servers))


def server(name: str, *, usable: bool = True, **words: int | bool) -> FakeServer:
    made = ServerSettings(name, Address(socket.AF_INET, "127.0.0.1", 9), **words)  # type: ignore[arg-type]
    return FakeServer(made, 0, int(name[1:]), usable, weight=made.weight)


def world() -> FakeWorld:
    """The proxies of SECTIONS."""
    made = FakeWorld()
    front = made.frontends[0]
    front.settings.timeouts.client = 5000
    front.cur_conn = 1
    backups = server("s2", backup=True, maxconn=3), server("s3", backup=True, maxconn=4)
    active = server("s1", weight=5, maxconn=7), server("s2", maxconn=9)
    for found in (
        backend("up", *active, server("s3", usable=False), server("s4", backup=True)),
        backend("spare", server("s1", usable=False), *backups),
        backend("spares", server("s2", backup=True), server("s3", backup=True), options="allbackups"),
        backend("none"),
    ):
        made.backends[len(made.backends)] = found
    return made


def build(made: FakeWorld, proxy: str = "fe") -> FakeBuild:
    found = FakeBuild(made, proxy)
    users = {
        "u": User("u", "p:q", insecure=True, groups={"admins", "users"}),
        "other": User("other", "x", insecure=True, groups={"users"}),
    }
    found.userlists["list"] = Userlist("list", users, {"admins", "users"})
    return found


def by_expression(rows: list[list[str | None]], texts: list[str]) -> Answers:
    return {text: [row[at] for row in rows] for at, text in enumerate(texts)}


def holds(t: Txn, condition: tuple[str, object], build: FakeBuild) -> str | None:
    text, wanted = condition
    return "1" if wanted in values(t, text, build) else None


@pytest.fixture(scope="module")
def request_answers(peers: Peers) -> Iterator[Answers]:
    os.environ["FETCHED"] = "here"  # before the oracle starts
    messages = [message.raw for message in REQUESTS]
    texts = [*REQUEST_EXPRESSIONS, *CONDITIONS]
    yield by_expression(
        oracle.requests(peers.haproxy, messages, REQUEST_EXPRESSIONS, list(CONDITIONS), SECTIONS), texts
    )
    del os.environ["FETCHED"]


@pytest.fixture(scope="module")
def newer_answers(peers: Peers) -> Answers:
    messages = [message.raw for message in REQUESTS]
    return by_expression(
        oracle.requests(peers.newer_haproxy, messages, NEWER_EXPRESSIONS, (), SECTIONS), NEWER_EXPRESSIONS
    )


@pytest.fixture(scope="module")
def response_answers(peers: Peers) -> Answers:
    messages = [message.raw for message in RESPONSES]
    texts = [*RESPONSE_EXPRESSIONS, *RESPONSE_CONDITIONS]
    return by_expression(
        oracle.responses(peers.haproxy, messages, RESPONSE_EXPRESSIONS, list(RESPONSE_CONDITIONS)), texts
    )


@pytest.fixture(scope="module")
def content_answers(peers: Peers) -> Answers:
    return by_expression(oracle.contents(peers.haproxy, CONTENTS, CONTENT_EXPRESSIONS), CONTENT_EXPRESSIONS)


@pytest.mark.parametrize("text", REQUEST_EXPRESSIONS)
def test_fetches_of_requests_are_haproxys(text: str, request_answers: Answers) -> None:
    made = world()
    assert [printed(one.request(made), text, build(made)) for one in REQUESTS] == request_answers[text]


@pytest.mark.parametrize("text", CONDITIONS)
def test_acls_see_the_values_of_requests_that_haproxys_see(text: str, request_answers: Answers) -> None:
    made = world()
    assert [holds(one.request(made), CONDITIONS[text], build(made)) for one in REQUESTS] == request_answers[text]


@pytest.mark.parametrize("text", NEWER_EXPRESSIONS)
def test_fetches_of_requests_are_those_of_a_newer_haproxy(text: str, newer_answers: Answers) -> None:
    made = world()
    assert [printed(one.request(made), text, build(made)) for one in REQUESTS] == newer_answers[text]


@pytest.mark.parametrize("text", RESPONSE_EXPRESSIONS)
def test_fetches_of_responses_are_haproxys(text: str, response_answers: Answers) -> None:
    found = [one.response() for one in RESPONSES]
    for t in found:
        t.backend.settings.timeouts.server = 5000
    assert [printed(t, text) for t in found] == response_answers[text]


@pytest.mark.parametrize("text", RESPONSE_CONDITIONS)
def test_acls_see_the_values_of_responses_that_haproxys_see(text: str, response_answers: Answers) -> None:
    found = [holds(one.response(), RESPONSE_CONDITIONS[text], FakeBuild()) for one in RESPONSES]
    assert found == response_answers[text]


@pytest.mark.parametrize("text", CONTENT_EXPRESSIONS)
def test_fetches_of_bytes_are_haproxys(text: str, content_answers: Answers) -> None:
    assert [printed(tcp(data, end=True), text) for data in CONTENTS] == content_answers[text]
