"""The configurations of `examples/` do what they say."""

from __future__ import annotations

import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lbcore.demo import sample_server
from tests.peers.haproxy import Balancer, Program
from tests.peers.ports import HOST, free_port, release_port
from tests.program.command import TREE, execute, oracles

EXAMPLES = TREE / "examples"
CONFIGURATIONS = sorted(path.name for path in EXAMPLES.glob("*.cfg"))


def said_about(program: Program, name: str) -> tuple[int, str]:
    """Exit code and output of a check of an example."""
    done = execute([*program.argv, "-c", "-f", str(EXAMPLES / name)])
    return done.returncode, done.stdout + done.stderr


@contextmanager
def running(program: Program, name: str, front: str, **servers: int) -> Iterator[str]:
    """The URL of an example that runs with these servers, its frontend's address being the variable `front`."""
    port = free_port()
    variables = {front: f"{HOST}:{port}", **{key: f"{HOST}:{value}" for key, value in servers.items()}}
    with Balancer(program, (EXAMPLES / name).read_text(), variables):
        yield f"http://{HOST}:{port}/"
    release_port(port)


def ask(url: str) -> str:
    """The first line of an answer."""
    with urllib.request.urlopen(url, timeout=10) as reply:
        return str(reply.readline().decode().strip())


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_it_is_without_fault(program: Program, name: str) -> None:
    assert said_about(program, name) == (0, "")


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_haproxy_reads_it_too(name: str) -> None:
    for oracle in oracles():
        code, said = said_about(oracle, name)
        assert code == 0, said


def test_web_shares_requests_by_weight(program: Program) -> None:
    with (
        sample_server("blue") as blue,
        sample_server("green") as green,
        running(program, "web.cfg", "WEB", BLUE=blue, GREEN=green) as url,
    ):
        answers = Counter(ask(url) for _ in range(6))
    assert answers == {"Hello from blue!": 4, "Hello from green!": 2}


def test_web_tells_the_servers_who_asked(program: Program) -> None:
    with (
        sample_server("blue") as port,
        running(program, "web.cfg", "WEB", BLUE=port, GREEN=port) as url,
        urllib.request.urlopen(url, timeout=10) as reply,
    ):
        seen = reply.read().decode().lower()
    assert f"x-forwarded-for: {HOST}\n" in seen


def test_tcp_gives_a_client_the_server_it_had(program: Program) -> None:
    with (
        sample_server("first") as first,
        sample_server("second") as second,
        running(program, "tcp.cfg", "FRONT", FIRST=first, SECOND=second) as url,
    ):
        assert len({ask(url) for _ in range(6)}) == 1


@pytest.mark.parametrize("gone", ["FIRST", "SECOND"])
def test_tcp_gives_a_client_the_other_server_when_one_is_gone(program: Program, gone: str) -> None:
    nobody = free_port()
    with sample_server("alive") as alive:
        servers = {"FIRST": alive, "SECOND": alive, gone: nobody}
        with running(program, "tcp.cfg", "FRONT", **servers) as url:
            assert ask(url) == "Hello from alive!"
    release_port(nobody)
