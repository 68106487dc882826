"""haproxyadmin, a library over the stats socket: all that it offers gives here what it gives on HAProxy."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from tests.consoles.rig import watched
from tests.peers.haproxy import Balancer, Program
from tests.peers.installed import Peers


def told_by(balancer: Balancer) -> list[tuple[str, str]]:
    command = [sys.executable, "-W", "ignore", "-m", "tests.consoles.calls", balancer.stats_path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=True)
    return [(name, told) for name, told in json.loads(done.stdout)]


@pytest.fixture(scope="module")
def told(program: Program, peers: Peers, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str, str]]:
    """What every call gave: HAProxy's, and ours."""
    with (
        watched(peers.haproxy, peers, tmp_path_factory.mktemp("theirs")) as haproxy,
        watched(program, peers, tmp_path_factory.mktemp("ours")) as lbcore,
    ):
        found = zip(told_by(haproxy), told_by(lbcore), strict=True)
        return [(name, theirs, ours) for (name, theirs), (_, ours) in found]


def test_every_call_gives_what_it_gives_on_haproxy(told: list[tuple[str, str, str]]) -> None:
    assert len(told) > 200
    different = [f"{name}: {theirs}, here {ours}" for name, theirs, ours in told if theirs != ours]
    assert not different, "\n".join(different)


def test_most_calls_succeed(told: list[tuple[str, str, str]]) -> None:
    """They are compared where they work: a library that fails on both would agree, too."""
    failed = [name for name, theirs, _ in told if re.match(r"\w+(Error|Failed): ", theirs)]
    assert len(failed) < len(told) / 8, failed
