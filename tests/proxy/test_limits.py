"""Limits on the client side: whoever is beyond waits in the backlog and is served then."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

import lbcore
from lbcore.proxy.frontend import Listener
from tests.embedded import Client, balancer, config, named, until
from tests.peers.chaos import Chaos
from tests.peers.ports import HOST

LIMIT = 3
RATE = 20
CROWD = 30
HELD_BACK = 0.3  # seconds that a crowd of CROWD needs at least at RATE a second, with room for how rates are counted


@pytest.fixture
def server() -> Iterator[Chaos]:
    with Chaos(named("s1")) as peer:
        yield peer


def listener_of(lb: lbcore.LoadBalancer) -> Listener:
    """The first listener."""
    return next(lb.all_listeners())


LIMITS = {
    "process": ({"settings": [f"maxconn {LIMIT}"]}, "WAITING"),
    "frontend": ({"front": [f"maxconn {LIMIT}"]}, "WAITING"),
    "listener": ({"bind": f"bind {HOST}:0 maxconn {LIMIT}"}, "FULL"),
}


@pytest.mark.parametrize("nbthread", [1, 2])
@pytest.mark.parametrize("limit", LIMITS)
def test_connection_beyond_maxconn_waits_and_is_served(server: Chaos, limit: str, nbthread: int) -> None:
    where, status = LIMITS[limit]
    with balancer(config(server.port, nbthread=nbthread, **where)) as lb, ExitStack() as stack:  # type: ignore[arg-type]
        clients = [stack.enter_context(Client(lb)) for _ in range(LIMIT)]
        assert [client.ask() for client in clients] == [b"s1"] * LIMIT
        beyond = [stack.enter_context(Client(lb)) for _ in range(LIMIT)]
        for client in beyond:
            client.send()
        assert until(lambda: listener_of(lb).status == status)
        assert lb.facts.cur_conns == LIMIT
        for client, waiting in zip(clients, beyond, strict=True):
            client.socket.close()
            assert waiting.body() == b"s1"
        front = lb.proxies[0].frontend
        assert front is not None
        assert front.max_conn == LIMIT


@pytest.mark.parametrize("limit", LIMITS)
def test_limit_is_kept_under_load(server: Chaos, limit: str) -> None:
    where, _ = LIMITS[limit]
    with balancer(config(server.port, nbthread=4, **where)) as lb, ExitStack() as stack:  # type: ignore[arg-type]
        for _ in range(10):
            clients = [stack.enter_context(Client(lb)) for _ in range(20)]
            for client in clients:
                client.send(b"GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
            assert [client.body() for client in clients] == [b"s1"] * 20
        assert until(lambda: lb.facts.cur_conns == 0 and listener_of(lb).status == "OPEN")
        front = lb.proxies[0].frontend
        assert front is not None
        assert front.max_conn <= LIMIT


def test_process_counts_how_often_its_limit_was_reached(server: Chaos) -> None:
    with balancer(config(server.port, settings=["maxconn 1"])) as lb, Client(lb) as first, Client(lb):
        first.ask()
        assert until(lambda: lb.facts.maxconn_reached == 1)


def test_other_frontends_go_on_while_one_is_full(server: Chaos) -> None:
    text = config(server.port, front=["maxconn 1"])
    text += f"frontend other\n    bind {HOST}:0\n    default_backend be\n"
    with balancer(text) as lb, Client(lb) as first, Client(lb) as second, Client(lb, "other") as other:
        assert first.ask() == b"s1"
        second.send()
        assert until(lambda: listener_of(lb).status == "WAITING")
        assert other.ask() == b"s1"


@pytest.mark.parametrize(
    "where",
    [
        {"front": [f"rate-limit sessions {RATE}"]},
        {"settings": [f"maxconnrate {RATE}"]},
        {"settings": [f"maxsessrate {RATE}"]},
    ],
    ids=["frontend", "process connections", "process sessions"],
)
def test_sessions_beyond_the_rate_wait_for_their_turn(server: Chaos, where: dict[str, list[str]]) -> None:
    with balancer(config(server.port, nbthread=2, **where)) as lb, ExitStack() as stack:  # type: ignore[arg-type]
        start = time.monotonic()
        clients = [stack.enter_context(Client(lb)) for _ in range(CROWD)]
        for client in clients:
            client.send()
        assert [client.body() for client in clients] == [b"s1"] * CROWD
        assert time.monotonic() - start > HELD_BACK


def test_waiting_listener_can_be_stopped(server: Chaos) -> None:
    with balancer(config(server.port, front=["maxconn 1"])) as lb, Client(lb) as first, Client(lb) as second:
        first.ask()
        second.send()
        assert until(lambda: listener_of(lb).status == "WAITING")
        lb.soft_stop()
        assert lb.wait(10)


def test_waiting_listener_can_be_paused_and_resumed(server: Chaos) -> None:
    with balancer(config(server.port, front=["maxconn 1"])) as lb, Client(lb) as first, Client(lb) as second:
        first.ask()
        second.send()
        assert until(lambda: listener_of(lb).status == "WAITING")
        lb.pause()
        assert until(lambda: listener_of(lb).status == "PAUSED")
        lb.resume()
        first.socket.close()
        assert second.body() == b"s1"


def test_listener_accepts_on_the_threads_that_it_names(server: Chaos) -> None:
    with balancer(config(server.port, nbthread=4, bind=f"bind {HOST}:0 thread 2")) as lb, ExitStack() as stack:
        for _ in range(20):
            assert stack.enter_context(Client(lb)).ask() == b"s1"
        assert [thread.connections for thread in lb.facts.threads()] == [0, 20, 0, 0]
