"""The process, its clock, chance."""

from __future__ import annotations

import os
import time
import uuid

import pytest

from lbcore.sample.words import ParseError
from tests.fetch.evaluate import parse, value
from tests.fetch.transactions import NOW_US, FakeBuild, FakeWorld, accepted, ended


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("date", NOW_US // 1_000_000),
        ("date(5)", NOW_US // 1_000_000 + 5),
        ("date(-5)", NOW_US // 1_000_000 - 5),
        ("date(1,s)", NOW_US // 1_000_000 + 1),
        ("date(1,ms)", NOW_US // 1000 + 1),
        ("date(1,us)", NOW_US + 1),
        ("date_us", NOW_US % 1_000_000),
    ],
)
def test_dates_are_those_of_the_question(text: str, wanted: int) -> None:
    assert value(accepted(), text) == wanted


def test_the_date_of_an_ended_stream_is_now() -> None:
    before = int(time.time())
    found = value(ended(accepted()), "date")
    assert isinstance(found, int)
    assert before <= found <= time.time()


def test_facts_are_read_each_time() -> None:
    world = FakeWorld()
    t, texts = accepted(world), ("act_conn", "uptime", "stopping", "thread", "pid")
    made = [parse(text).make(FakeBuild(world)) for text in texts]
    world.facts.cur_conns, world.facts.uptime, world.facts.stopping, world.worker.tid = 9, 3.9, True, 1
    assert [fetch(t) for fetch in made] == [9, 3, True, 1, os.getpid()]


def test_the_environment_is_that_of_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FETCHED", "\xe9")
    fetch = parse("env(FETCHED)").make(FakeBuild())
    monkeypatch.setenv("FETCHED", "later")
    assert fetch(accepted()) == "\xc3\xa9"  # a character a byte


def test_rand_stays_within_its_range() -> None:
    t = accepted()
    found = {value(t, "rand(3)") for _ in range(200)}
    assert found == {0, 1, 2}


def test_rand_without_an_argument_has_32_bits() -> None:
    t = accepted()
    found = [value(t, "rand") for _ in range(50)]
    assert all(isinstance(number, int) and 0 <= number < 2**32 for number in found)
    assert len(set(found)) > 40


@pytest.mark.parametrize(("text", "version"), [("uuid", 4), ("uuid(4)", 4), ("uuid(7)", 7)])
def test_uuids_are_of_the_version_asked_for(text: str, version: int) -> None:
    t = accepted()
    found = {uuid.UUID(str(value(t, text))) for _ in range(20)}
    assert len(found) == 20
    assert {one.version for one in found} == {version}
    assert {one.variant for one in found} == {uuid.RFC_4122}


def test_a_uuid_of_version_7_tells_the_time() -> None:
    found = uuid.UUID(str(value(accepted(), "uuid(7)")))
    assert found.int >> 80 == NOW_US // 1000


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("uuid(3)", "invalid args in fetch method 'uuid' : Unsupported UUID version: '3'"),
        ("date(1,x)", "invalid args in fetch method 'date' : expects 's', 'ms' or 'us', got 'x'"),
        ("date(a)", "fetch method 'date' : failed to parse 'a' as type 'integer' at position 1"),
    ],
)
def test_bad_arguments_are_refused_in_haproxys_words(text: str, complaint: str) -> None:
    with pytest.raises(ParseError) as refused:
        parse(text)
    assert str(refused.value) == complaint
