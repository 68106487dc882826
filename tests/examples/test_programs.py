"""The programs of `examples/` print what they promise and end by themselves."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.peers.haproxy import Balancer, Program
from tests.peers.ports import HOST, free_port, release_port
from tests.program.command import TREE, Done, execute

EXAMPLES = TREE / "examples"
TESTED = {"embedded.py", "failover.py", "watch.py"}


def run(name: str, *words: str) -> Done:
    return execute([sys.executable, str(EXAMPLES / name), *words])


@pytest.fixture
def balancer(program: Program) -> Iterator[Balancer]:
    """`web.cfg` with nobody behind it."""
    ports = {name: free_port() for name in ("WEB", "BLUE", "GREEN")}
    addresses = {name: f"{HOST}:{port}" for name, port in ports.items()}
    with Balancer(program, (EXAMPLES / "web.cfg").read_text(), addresses) as running:
        yield running
    for port in ports.values():
        release_port(port)


def test_no_program_is_forgotten() -> None:
    assert {path.name for path in EXAMPLES.glob("*.py")} == TESTED


def test_embedded_shares_requests_by_weight() -> None:
    done = run("embedded.py")
    assert (done.returncode, done.stderr) == (0, "")
    assert Counter(done.stdout.splitlines()) == {"hello from blue": 4, "hello from green": 2}


def test_failover_loses_no_request() -> None:
    done = run("failover.py")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("10 of 10 requests were answered")


def test_watch_shows_every_line_of_the_statistics(balancer: Balancer) -> None:
    done = run("watch.py", balancer.stats_path)
    assert (done.returncode, done.stderr) == (0, "")
    head, *rows = [line.split() for line in done.stdout.splitlines()]
    assert head[:3] == ["pxname", "svname", "status"]
    assert [row[:2] for row in rows] == [
        ["web", "FRONTEND"],
        ["app", "blue"],
        ["app", "green"],
        ["app", "BACKEND"],
    ]


def test_watch_wants_a_path() -> None:
    done = run("watch.py")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("usage: ")
