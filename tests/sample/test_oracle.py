"""Conditions and expressions over requests, beside what HAProxy answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

import lbcore.conv
import lbcore.fetch  # noqa: F401 - fills the tables
from lbcore.cfg.environment import Environment
from lbcore.cfg.tokenizer import cut
from lbcore.sample.acl import Condition, parse_condition
from lbcore.sample.expression import parse_expression
from lbcore.sample.points import Point
from lbcore.sample.types import Type
from lbcore.sample.words import Words
from lbcore.stream.txn import Txn
from tests.fetch import oracle
from tests.fetch.transactions import FakeWorld
from tests.peers.installed import Peers
from tests.sample.building import Building
from tests.sample.cases import CONDITIONS, EXPRESSIONS, FILES, REQUESTS

Answer = list[str | None]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder that `{files}` stands for."""
    folder = tmp_path_factory.mktemp("patterns")
    for name, text in FILES.items():
        Path(folder / name).write_bytes(text.encode())
    return str(folder)


@pytest.fixture(scope="module")
def answers(peers: Peers, files: str) -> list[Answer]:
    """For each request what HAProxy makes of all expressions and conditions."""
    conditions = [text.replace("{files}", files) for text in CONDITIONS]
    messages = [message.raw for message in REQUESTS]
    return oracle.requests(peers.haproxy, messages, EXPRESSIONS, conditions)


def words(text: str, files: str) -> Words:
    found = cut(text.replace("{files}", files), Environment({}))
    return Words(["if", *(word.text for word in found)], point=Point.FE_REQ_HDR)


def transactions() -> list[Txn]:
    world = FakeWorld()
    return [message.request(world) for message in REQUESTS]


def condition(text: str, files: str) -> Condition:
    return parse_condition(words(text, files))


@pytest.mark.parametrize("at", range(len(CONDITIONS)), ids=CONDITIONS)
def test_conditions_hold_where_haproxys_do(at: int, answers: list[Answer], files: str) -> None:
    holds = condition(CONDITIONS[at], files).make(Building())
    expected = [answer[len(EXPRESSIONS) + at] for answer in answers]
    assert ["1" if holds(t) else None for t in transactions()] == expected


@pytest.mark.parametrize("text", CONDITIONS)
def test_generated_traced_and_partial_conditions_agree(text: str, files: str) -> None:
    found = condition(text, files)
    build = Building()
    holds, traced, partial = found.make(build), found.trace(build), found.make_partial(build)
    for t in transactions():
        assert traced(t)[0] is holds(t)
        assert partial(t) in (holds(t), None)


def printers(texts: Sequence[str]) -> list[Callable[[Txn], object]]:
    build = Building()
    return [parse_expression(Words([text])).make(build, Type.STR) for text in texts]


def test_expressions_give_what_haproxys_give(answers: list[Answer]) -> None:
    fetches = printers(EXPRESSIONS)
    wrong = []
    for t, answer in zip(transactions(), answers, strict=True):
        for text, fetch, expected in zip(EXPRESSIONS, fetches, answer, strict=False):
            found = fetch(t)
            if found != expected:
                wrong.append((t.req.target if t.req else "", text, found, expected))
    assert wrong == []
