"""Every row through the program under test and through HAProxy: the same bytes to the client and to the server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.oracle import rows_connection, rows_faults, rows_framing, rows_headers, rows_requests, rows_tcp
from tests.oracle.configs import FAULTS, HEADERS, HTTP, TCP, Topic
from tests.oracle.row import Outcome, Row, normalise
from tests.oracle.runner import Stage
from tests.peers.haproxy import Program
from tests.peers.installed import Peers

ROWS: tuple[tuple[Topic, tuple[Row, ...]], ...] = (
    (HTTP, rows_requests.ROWS + rows_framing.ROWS + rows_connection.ROWS),
    (HEADERS, rows_headers.ROWS),
    (FAULTS, rows_faults.ROWS),
    (TCP, rows_tcp.ROWS),
)
CASES = [pytest.param(topic, row, id=f"{topic.name}: {row.name}") for topic, rows in ROWS for row in rows]
DEPARTURES = [
    pytest.param(topic, row, id=f"{topic.name}: {row.name}") for topic, rows in ROWS for row in rows if row.departs
]
ENOUGH = 110


class Stages:
    """One stage for each program and topic, started when first asked for and again if its balancer has died."""

    def __init__(self) -> None:
        self._stages: dict[tuple[Program, str], Stage] = {}
        self._seen: dict[tuple[Program, str, str], Outcome] = {}

    def play(self, program: Program, topic: Topic, row: Row) -> Outcome:
        """The normalised outcome of one row."""
        return normalise(row, self._stage(program, topic).play(row))

    def oracle(self, program: Program, topic: Topic, row: Row) -> Outcome:
        """The same from an oracle, who is asked once and remembered."""
        key = (program, topic.name, row.name)
        if key not in self._seen:
            self._seen[key] = self.play(program, topic, row)
        return self._seen[key]

    def close(self) -> None:
        """Stops all balancers."""
        for stage in self._stages.values():
            stage.close()

    def _stage(self, program: Program, topic: Topic) -> Stage:
        key = (program, topic.name)
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


@pytest.mark.parametrize(("topic", "row"), DEPARTURES)
def test_departures_are_real(topic: Topic, row: Row, stages: Stages, peers: Peers) -> None:
    assert stages.oracle(peers.haproxy, topic, row) != _demanded(row)


@pytest.mark.parametrize(("topic", "row"), CASES)
def test_rows_say_where_the_oracles_differ(topic: Topic, row: Row, stages: Stages, peers: Peers) -> None:
    agreed = stages.oracle(peers.haproxy, topic, row) == stages.oracle(peers.newer_haproxy, topic, row)
    assert agreed == (row.differ is None)


def test_there_are_enough_conversations() -> None:
    assert sum(len(rows) for topic, rows in ROWS if topic is not TCP) >= ENOUGH


@pytest.mark.parametrize(("topic", "rows"), ROWS, ids=[topic.name for topic, _ in ROWS])
def test_names_of_rows_are_unique(topic: Topic, rows: tuple[Row, ...]) -> None:
    names = [row.name for row in rows]
    assert sorted(set(names)) == sorted(names)


def _expected(stages: Stages, topic: Topic, row: Row, peers: Peers) -> Outcome:
    """What must come out: what the oracle does, or what the row says where HAProxy departs from the standard."""
    if row.departs:
        return _demanded(row)
    newer = row.differ is not None and row.differ.right == "2.8"
    return stages.oracle(peers.newer_haproxy if newer else peers.haproxy, topic, row)


def _demanded(row: Row) -> Outcome:
    """What a row with a departure demands."""
    assert row.departs is not None
    return Outcome(row.departs.client, row.departs.servers)
