"""Listeners and servers in network namespaces."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

import lbcore
from lbcore.proxy.health import CheckStatus
from tests.embedded import ask, balancer, config, held, named, until
from tests.peers import netns
from tests.peers.chaos import Chaos

pytestmark = pytest.mark.xfail(not netns.may_have_one(), reason="namespaces take CAP_SYS_ADMIN", run=False)


@pytest.fixture
def space() -> Iterator[str]:
    with netns.namespace() as name:
        yield name


@contextmanager
def server_in(space: str) -> Iterator[int]:
    """The port of a server there, which answers with "inside"."""
    with Chaos(named("inside"), netns.server_in(space)) as server:
        yield server.port


def last_status(lb: lbcore.LoadBalancer) -> CheckStatus:
    backend = lb.proxies[1].backend
    assert backend is not None
    state = backend.servers[0].check
    assert state is not None
    return state.last.status


@pytest.mark.parametrize("nbthread", [1, 2])
def test_a_server_is_reached_in_its_namespace_and_others_where_they_are(space: str, nbthread: int) -> None:
    with server_in(space) as port, Chaos(named("outside")) as outside:
        text = config(port, outside.port, nbthread=nbthread, back=["balance static-rr"])
        text = text.replace(f"127.0.0.1:{port}", f"127.0.0.1:{port} namespace {space}")
        with balancer(text) as lb:
            assert sorted(ask(lb)[1] for _ in range(6)) == [b"inside"] * 3 + [b"outside"] * 3


def test_a_server_outside_is_not_reached_from_within(space: str) -> None:
    with Chaos(named("outside")) as outside:
        with balancer(config(outside.port, server=f"namespace {space}", back=["retries 0"])) as lb:
            assert ask(lb)[0] == 503
        assert outside.accepted == 0


def test_checks_go_into_the_namespace(space: str) -> None:
    with server_in(space) as port:
        with balancer(config(port, server=f"namespace {space} check inter 20ms")) as lb:
            assert until(lambda: last_status(lb) is CheckStatus.L4OK)
        with balancer(config(port, server="check inter 20ms")) as lb:
            assert until(lambda: last_status(lb) is CheckStatus.L4CON)


def test_clients_of_a_namespace_reach_what_listens_there(space: str) -> None:
    with Chaos(named("outside")) as outside:
        with balancer(config(outside.port, bind=f"bind 127.0.0.1:0 namespace {space}")) as lb:
            port = lb.address("fe").port
            with netns.connected_in(space, port) as client:
                client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                assert client.recv(1000).endswith(b"outside")
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port), timeout=10)


def test_descriptors_of_namespaces_are_given_back(space: str) -> None:
    with server_in(space) as port:
        text = config(port, port, server=f"namespace {space}")
        before = held()
        with balancer(text) as lb:
            assert ask(lb)[0] == 200
        assert held().fds <= before.fds
