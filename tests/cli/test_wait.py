"""`wait` waits, for a time or for a server, and holds nobody else up."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import lbcore
from tests.cli.servers import say
from tests.embedded import Client, ask, balancer, cli, config, named, until
from tests.peers.chaos import Chaos


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "stats"


@pytest.fixture
def lb(path: Path) -> Iterator[lbcore.LoadBalancer]:
    settings = (f"stats socket {path} level admin",)
    with Chaos(named("s1")) as peer:
        with balancer(config(peer.port, back=("balance roundrobin",), settings=settings)) as running:
            yield running


def test_the_next_command_comes_after_the_delay(lb: lbcore.LoadBalancer, path: Path) -> None:
    begun = time.monotonic()
    assert cli(path, "wait 150ms;echo a") == "Done.\n\na\n\n"
    assert time.monotonic() - begun >= 0.15


@pytest.mark.parametrize(("delay", "seconds"), [("120", 0.12), ("1500us", 0.0015), ("0", 0)])
def test_delays_have_units_and_are_milliseconds_without(lb: lbcore.LoadBalancer, delay: str, seconds: float) -> None:
    begun = time.monotonic()
    assert say(lb, f"wait {delay}") == "Done.\n\n"
    assert seconds <= time.monotonic() - begun


def test_the_thread_works_on_meanwhile(lb: lbcore.LoadBalancer, path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(b"prompt i;wait 1h\n")
        assert ask(lb) == (200, b"s1")
        client.sendall(b"\n")  # input ends it
        client.settimeout(10)
        told = b""
        while b"Interrupted.\n" not in told:
            data = client.recv(4096)
            assert data
            told += data


def test_the_client_may_be_silent_for_as_long_as_it_waits(path: Path) -> None:
    settings = (f"stats socket {path} level admin", "stats timeout 50ms")
    with balancer(config(9, settings=settings)):
        assert cli(path, "wait 300ms;echo a") == "Done.\n\na\n\n"
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(10)
            client.connect(str(path))
            client.sendall(b"prompt i;wait 100ms\n")
            told = b""
            while data := client.recv(4096):  # it is closed for silence afterwards
                told += data
            assert told == b"\nDone.\n\n"


def test_a_client_that_leaves_in_a_pause_is_forgotten_after_it(lb: lbcore.LoadBalancer, path: Path) -> None:
    before = lb.facts.tasks
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(b"wait 200ms\n")
        assert until(lambda: lb.facts.tasks == before + 1)
    assert until(lambda: lb.facts.tasks == before)


def test_a_soft_stop_does_not_wait_for_it(lb: lbcore.LoadBalancer, path: Path) -> None:
    before = lb.facts.tasks
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(b"wait 1h;echo a\n")
        assert until(lambda: lb.facts.tasks == before + 1)
        lb.soft_stop()
        assert lb.wait(10)
        client.settimeout(10)
        assert client.recv(100) == b""


def test_a_server_is_waited_for_until_nobody_uses_it(lb: lbcore.LoadBalancer, path: Path) -> None:
    with Client(lb) as client:
        client.ask()
        say(lb, "disable server be/s1")
        assert cli(path, "wait 10s srv-removable be/s1;del server be/s1") == "Done.\n\nServer deleted.\n\n"


def test_a_server_in_use_is_waited_for_in_vain(lb: lbcore.LoadBalancer, path: Path) -> None:
    def hang(connection: socket.socket) -> None:
        while connection.recv(4096):
            pass

    with Chaos(hang) as peer:
        say(lb, f"add server be/n1 127.0.0.1:{peer.port}")
        say(lb, "disable server be/s1;enable server be/n1")
        with Client(lb) as client:
            client.send()
            assert until(lambda: "srv=n1" in say(lb, "show sess"))
            say(lb, "disable server be/n1")
            assert cli(path, "wait 100ms srv-removable be/n1") == "Wait delay expired.\n\n"
            in_use = "Server still has connections attached to it, cannot remove it.\n\n"
            assert say(lb, "del server be/n1") == in_use
            say(lb, "shutdown sessions server be/n1")
            assert cli(path, "wait 10s srv-removable be/n1;del server be/n1") == "Done.\n\nServer deleted.\n\n"


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("wait foo", "Invalid delay 'foo'. See 'wait -h'."),
        ("wait 1s foo", "Unknown condition 'foo'. See 'wait -h'."),
        ("wait 1s srv-removable", "Require 'backend/server'."),
        ("wait 1s srv-removable be/nope", "No such server."),
        ("wait 1h srv-removable be/s1", "Only servers in maintenance mode can be deleted."),
    ],
)
def test_what_cannot_be_is_told_at_once(lb: lbcore.LoadBalancer, command: str, answer: str) -> None:
    assert say(lb, command) == f"{answer}\n\n"


@pytest.mark.parametrize("command", ["wait", "wait -h", "wait 5s -h"])
def test_help_is_given(lb: lbcore.LoadBalancer, command: str) -> None:
    assert say(lb, command).startswith("Usage: wait {-h|<delay>}")
