"""Each check through HAProxy and through lbcore: what is logged, what becomes of the server, what the server heard."""

from __future__ import annotations

import pytest

from tests.check import rows, rows_agent, rows_expect, rows_protocols
from tests.check.play import play
from tests.peers.haproxy import debian_haproxy, program_under_test

PARTS = 8  # so many balancers one after the other: a check must not wait for hundreds of others
ALL = (*rows.ROWS, *rows_agent.ROWS, *rows_expect.ROWS, *rows_protocols.ROWS)


@pytest.mark.parametrize("part", range(PARTS))
def test_checks_end_as_with_haproxy(part: int) -> None:
    oracle = debian_haproxy()
    if oracle is None:
        pytest.skip("haproxy is not installed")
    chosen = ALL[part::PARTS]
    theirs, ours = play(oracle, chosen), play(program_under_test(), chosen)
    assert {name: seen for name, seen in ours.items() if seen != theirs[name]} == {
        name: seen for name, seen in theirs.items() if seen != ours[name]
    }


def test_names_of_rows_are_unique() -> None:
    assert len({row.name for row in ALL}) == len(ALL)
