"""The table once more, this time through the running program: from the wire to the page, beside HAProxy."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.fetch import oracle
from tests.fetch.table import (
    CONDITIONS,
    CONTENT_EXPRESSIONS,
    CONTENTS,
    REQUEST_EXPRESSIONS,
    REQUESTS,
    RESPONSE_CONDITIONS,
    RESPONSE_EXPRESSIONS,
    RESPONSES,
)
from tests.fetch.test_oracle import SECTIONS
from tests.peers.haproxy import Program
from tests.peers.installed import Peers

Rows = list[list[str | None]]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FETCHED", "here")


def of_requests(program: Program) -> Rows:
    messages = [message.raw for message in REQUESTS]
    return oracle.requests(program, messages, REQUEST_EXPRESSIONS, list(CONDITIONS), SECTIONS)


def of_responses(program: Program) -> Rows:
    messages = [message.raw for message in RESPONSES]
    return oracle.responses(program, messages, RESPONSE_EXPRESSIONS, list(RESPONSE_CONDITIONS))


def of_contents(program: Program) -> Rows:
    return oracle.contents(program, CONTENTS, CONTENT_EXPRESSIONS)


@pytest.mark.parametrize(
    ("ask", "texts"),
    [
        (of_requests, [*REQUEST_EXPRESSIONS, *CONDITIONS]),
        (of_responses, [*RESPONSE_EXPRESSIONS, *RESPONSE_CONDITIONS]),
        (of_contents, CONTENT_EXPRESSIONS),
    ],
    ids=["requests", "responses", "contents"],
)
def test_the_program_fetches_what_haproxy_fetches(
    ask: Callable[[Program], Rows], texts: list[str], program: Program, peers: Peers
) -> None:
    ours, theirs = ask(program), ask(peers.haproxy)
    different = [
        (text, at, mine, wanted)
        for at, (mine_all, wanted_all) in enumerate(zip(ours, theirs, strict=True))
        for text, mine, wanted in zip(texts, mine_all, wanted_all, strict=True)
        if mine != wanted
    ]
    assert different == []
