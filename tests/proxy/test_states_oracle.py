"""What befalls servers is told, and shown, as HAProxy tells and shows it."""

from __future__ import annotations

import pytest

from tests.peers.haproxy import debian_haproxy
from tests.proxy.states_script import play_here, play_there

FLAGS = """
be/s2 state drain
be/s2 state maint
be/s2 state drain
be/s2 state ready
be/s2 state maint
be/s2 state ready
be/s3 state maint
be/s3 state drain
be/s4 state drain
be/s4 state ready
be/s4 state maint
be/s2 state maint
be/s4 state ready
be/s4 state drain
be/s2 state ready
be/s4 state maint
be/s2 state maint
be/s2 state ready
be/s4 state ready
be/s2 state drain
be/s4 state drain
be/s4 state ready
be/s4 state drain
be/s2 state ready
be/s2 state drain
be/s2 state ready
be/s4 state ready
be/s3 state ready
bd/d1 state ready
bd/d1 state maint
bd/d1 state drain
"""

CHECKS = """
down
be/s2 state drain
be/s2 state maint
be/s2 state ready
be/s2 state drain
up
down
be/s2 state ready
up
be/s2 state drain
be/s2 health stopping
be/s2 health down
be/s2 state ready
be/s2 health stopping
be/s2 health down
be/s1 state maint
be/s1 state ready
bd/d1 state ready
bd/d1 health down
bd/d1 state maint
bd/d1 state ready
bd/d1 health stopping
bd/d1 health up
bd/d1 health up
"""

WEIGHTS = """
be/s2 weight 0
be/s2 state drain
be/s2 weight 5
be/s2 weight 0
be/s2 state ready
be/s2 weight 256
bd/d1 weight 0
bd/d1 state ready
bd/d1 weight 3
bd/d1 weight 0
bd/d1 weight 1
be/s3 health down
be/s3 health up
warm
"""


@pytest.mark.parametrize("script", [FLAGS, CHECKS, WEIGHTS], ids=["flags", "checks", "weights"])
def test_lines_and_rows_are_haproxys(script: str) -> None:
    oracle = debian_haproxy()
    if oracle is None:
        pytest.skip("haproxy is not installed")
    steps = script.split("\n")[1:-1]
    ours = play_here(steps)
    theirs = play_there(oracle, steps, ours)
    for number, step in enumerate(["the start", *steps]):
        assert ours.lines[number] == theirs.lines[number], f"{number}: {step}"
        assert ours.rows[number] == theirs.rows[number], f"{number}: {step}"
