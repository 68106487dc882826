"""Every row through the program under test and through HAProxy: the same bytes to the client and to the server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from _pytest.mark import ParameterSet

from tests.oracle import (
    rows_connection,
    rows_faults,
    rows_framing,
    rows_headers,
    rows_requests,
    rows_rules_acl,
    rows_rules_aside,
    rows_rules_bodies,
    rows_rules_cookies,
    rows_rules_errors,
    rows_rules_logs,
    rows_rules_maps,
    rows_rules_newer,
    rows_rules_options,
    rows_rules_proxyheader,
    rows_rules_replies,
    rows_rules_responses,
    rows_rules_retries,
    rows_rules_rewriting,
    rows_rules_tcp,
    rows_rules_tuned,
    rows_tcp,
)
from tests.oracle.configs import FAULTS, HEADERS, HTTP, TCP, Topic
from tests.oracle.row import Outcome, Row, normalise
from tests.oracle.runner import Stage
from tests.peers.haproxy import Program
from tests.peers.installed import Peers
from tests.peers.process import PeerError

ROWS: tuple[tuple[Topic, tuple[Row, ...]], ...] = (
    (HTTP, rows_requests.ROWS + rows_framing.ROWS + rows_connection.ROWS),
    (HEADERS, rows_headers.ROWS),
    (FAULTS, rows_faults.ROWS),
    (TCP, rows_tcp.ROWS),
    *(
        (rules.TOPIC, rules.ROWS)
        for rules in (
            rows_rules_acl,
            rows_rules_aside,
            rows_rules_bodies,
            rows_rules_cookies,
            rows_rules_errors,
            rows_rules_logs,
            rows_rules_maps,
            rows_rules_newer,
            rows_rules_options,
            rows_rules_proxyheader,
            rows_rules_replies,
            rows_rules_responses,
            rows_rules_retries,
            rows_rules_rewriting,
            rows_rules_tcp,
            rows_rules_tuned,
        )
    ),
)
EVERY = [(topic, row) for topic, rows in ROWS for row in rows]


def _cases(rows: list[tuple[Topic, Row]]) -> list[ParameterSet]:
    return [pytest.param(topic, row, id=f"{topic.name}: {row.name}") for topic, row in rows]


CASES = _cases([(topic, row) for topic, row in EVERY if row.via not in topic.not_yet])
NOT_YET = [pytest.param(topic, name, id=f"{topic.name}: {name}") for topic, _ in ROWS for name in sorted(topic.not_yet)]
DEPARTURES = _cases([(topic, row) for topic, row in EVERY if row.departs])
TWO_ORACLES = _cases([(topic, row) for topic, row in EVERY if not topic.newer])
LOGGED = _cases([(topic, row) for topic, row in EVERY if topic.logs])
ENOUGH = {False: 110, True: 220}  # by whether they are logged


class Stages:
    """One stage for each program and topic, started when first asked for and again if its balancer has died."""

    def __init__(self) -> None:
        self._stages: dict[tuple[Program, str, int], Stage] = {}
        self._seen: dict[tuple[Program, str, str], Outcome] = {}

    def play(self, program: Program, topic: Topic, row: Row) -> Outcome:
        """The normalised outcome of one row through the program under test, which has what it can do of the topic."""
        return self._play(program, topic.done(), row)

    def oracle(self, program: Program, topic: Topic, row: Row) -> Outcome:
        """The same from an oracle, who is asked once and remembered."""
        key = (program, topic.name, row.name)
        if key not in self._seen:
            self._seen[key] = self._play(program, topic, row)
        return self._seen[key]

    def close(self) -> None:
        """Stops all balancers."""
        for stage in self._stages.values():
            stage.close()

    def _play(self, program: Program, topic: Topic, row: Row) -> Outcome:
        return normalise(row, self._stage(program, topic).play(row), rewritten=topic.logs)

    def _stage(self, program: Program, topic: Topic) -> Stage:
        key = (program, topic.name, len(topic.proxies))
        if key in self._stages and not self._stages[key].alive:
            self._stages.pop(key).close()
        if key not in self._stages:
            self._stages[key] = Stage(program, topic).__enter__()
        return self._stages[key]


@pytest.fixture(scope="session")
def stages() -> Iterator[Stages]:
    stages = Stages()
    yield stages
    stages.close()


@pytest.mark.parametrize(("topic", "row"), CASES)
def test_gives_the_same_bytes_as_haproxy(
    topic: Topic, row: Row, stages: Stages, program: Program, peers: Peers
) -> None:
    expected = _expected(stages, topic, row, peers)
    assert stages.play(program, topic, row) == expected


@pytest.mark.parametrize(("topic", "name"), NOT_YET)
def test_what_is_not_done_is_refused(topic: Topic, name: str, program: Program) -> None:
    more = replace(topic, not_yet=topic.not_yet - {name}).done()
    with pytest.raises(PeerError, match="Fatal errors found in configuration"), Stage(program, more):
        pass


@pytest.mark.parametrize(("topic", "row"), DEPARTURES)
def test_departures_are_real(topic: Topic, row: Row, stages: Stages, peers: Peers) -> None:
    assert stages.oracle(_oracle(topic, row, peers), topic, row) != _demanded(topic, row)


@pytest.mark.parametrize(("topic", "row"), LOGGED)
def test_rows_say_how_many_lines_they_log(topic: Topic, row: Row, stages: Stages, peers: Peers) -> None:
    assert len(stages.oracle(_oracle(topic, row, peers), topic, row).logs) == row.log_lines


@pytest.mark.parametrize(("topic", "row"), TWO_ORACLES)
def test_rows_say_where_the_oracles_differ(topic: Topic, row: Row, stages: Stages, peers: Peers) -> None:
    agreed = stages.oracle(peers.haproxy, topic, row) == stages.oracle(peers.newer_haproxy, topic, row)
    assert agreed == (row.differ is None)


@pytest.mark.parametrize("logs", ENOUGH)
def test_there_are_enough_conversations(logs: bool) -> None:
    assert sum(topic.logs == logs and topic is not TCP for topic, _ in EVERY) >= ENOUGH[logs]


def test_the_rules_are_spread_over_many_proxies() -> None:
    assert sum(len(topic.proxies) for topic, _ in ROWS if topic.logs) >= 60


@pytest.mark.parametrize(("topic", "rows"), ROWS, ids=[topic.name for topic, _ in ROWS])
def test_every_proxy_is_met(topic: Topic, rows: tuple[Row, ...]) -> None:
    assert {row.via for row in rows} == set(topic.proxies)


@pytest.mark.parametrize(("topic", "rows"), ROWS, ids=[topic.name for topic, _ in ROWS])
def test_names_of_rows_are_unique(topic: Topic, rows: tuple[Row, ...]) -> None:
    names = [row.name for row in rows]
    assert sorted(set(names)) == sorted(names)


def _expected(stages: Stages, topic: Topic, row: Row, peers: Peers) -> Outcome:
    """What must come out: what the oracle does, or what the row says where HAProxy departs from the standard."""
    if row.departs:
        return _demanded(topic, row)
    return stages.oracle(_oracle(topic, row, peers), topic, row)


def _oracle(topic: Topic, row: Row, peers: Peers) -> Program:
    """The HAProxy that is right about the row."""
    newer = topic.newer or (row.differ is not None and row.differ.right == "2.8")
    return peers.newer_haproxy if newer else peers.haproxy


def _demanded(topic: Topic, row: Row) -> Outcome:
    """What a row with a departure demands."""
    assert row.departs is not None
    demanded = Outcome(row.departs.client, row.departs.servers, logs=row.departs.logs)
    return normalise(row, demanded, rewritten=topic.logs)
