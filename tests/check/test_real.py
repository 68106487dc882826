"""Checks of real servers, through HAProxy and through lbcore."""

from __future__ import annotations

import pytest

from tests.check.play import play_on
from tests.check.rows_real import ROWS
from tests.peers.haproxy import program_under_test
from tests.peers.installed import Peers, missing_peers


def test_real_servers_are_judged_as_by_haproxy(peers: Peers) -> None:
    # One test for all: in several processes each would start all of the servers.
    if missing := missing_peers():
        pytest.skip(f"not installed: {', '.join(missing)}")
    rows = [real.row for real in ROWS]
    ports = {real.row.name: peers.server(real.at).port for real in ROWS}
    theirs, ours = (play_on(program, rows, ports) for program in (peers.haproxy, program_under_test()))
    assert [theirs[real.row.name].line for real in ROWS if real.told not in theirs[real.row.name].line] == []
    assert {name: seen for name, seen in ours.items() if seen != theirs[name]} == {}
