"""Streams that wait for a server, because those there are have as many as they may."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

import lbcore
from lbcore.proxy.backend import Backend
from tests.embedded import Client, Turnstile, balancer, config, get, until
from tests.peers.chaos import Chaos


@pytest.fixture
def turnstile() -> Turnstile:
    return Turnstile()


@pytest.fixture
def server(turnstile: Turnstile) -> Iterator[Chaos]:
    with Chaos(turnstile) as peer:
        yield peer


def backend_of(lb: lbcore.LoadBalancer) -> Backend:
    """The backend `be`."""
    found = lb.proxies[1].backend
    assert found is not None
    return found


def has_sessions(lb: lbcore.LoadBalancer, count: int) -> bool:
    """Whether the backend has so many before long, queued ones included."""
    return until(lambda: backend_of(lb).cur_sess == count)


def in_line(stack: ExitStack, lb: lbcore.LoadBalancer, count: int) -> list[Client]:
    """Clients that have asked for /0, /1, ... one after the other."""
    clients = []
    for number in range(count):
        client = stack.enter_context(Client(lb))
        client.send(get(f"/{number}"))
        assert has_sessions(lb, number + 1)
        clients.append(client)
    return clients


@pytest.mark.parametrize("nbthread", [1, 2])
def test_those_beyond_maxconn_are_served_in_their_order(server: Chaos, turnstile: Turnstile, nbthread: int) -> None:
    with balancer(config(server.port, nbthread=nbthread, server="maxconn 1")) as lb, ExitStack() as stack:
        clients = in_line(stack, lb, 5)
        assert turnstile.wait_for(1)
        assert backend_of(lb).queue == 4
        for number, client in enumerate(clients):
            turnstile.let(1)
            assert client.response() == (200, f"/{number}".encode())
        assert turnstile.asked == [f"/{number}".encode() for number in range(5)]
        assert backend_of(lb).servers[0].max_sess == 1
        assert (backend_of(lb).queue, backend_of(lb).queue_max) == (0, 4)


@pytest.mark.parametrize("mode", ["http", "tcp"])
def test_queue_feeds_whichever_server_is_free_first(mode: str) -> None:
    busy, free = Turnstile(), Turnstile()
    with Chaos(busy) as one, Chaos(free) as two:
        text = config(one.port, two.port, mode=mode, server="maxconn 1")
        with balancer(text) as lb, ExitStack() as stack:
            clients = in_line(stack, lb, 3)
            assert busy.wait_for(1)
            assert free.wait_for(1)
            free.let(2)
            assert clients[1].body() == b"/1"
            clients[1].socket.close()
            assert clients[2].body() == b"/2"
            busy.let(1)
            assert clients[0].body() == b"/0"


def test_who_waits_too_long_gets_a_503(server: Chaos, turnstile: Turnstile) -> None:
    text = config(server.port, server="maxconn 1", back=["timeout queue 60ms"])
    with balancer(text) as lb, ExitStack() as stack:
        clients = in_line(stack, lb, 3)
        assert [client.status() for client in clients[1:]] == [503, 503]
        assert backend_of(lb).queue == 0
        turnstile.let(1)
        assert clients[0].body() == b"/0"
        assert turnstile.asked == [b"/0"]


def test_without_a_timeout_of_its_own_the_queue_has_that_of_connecting(server: Chaos, turnstile: Turnstile) -> None:
    text = config(server.port, server="maxconn 1", back=["timeout connect 60ms"])
    with balancer(text) as lb, ExitStack() as stack:
        clients = in_line(stack, lb, 2)
        assert clients[1].status() == 503
        turnstile.let(1)
        assert clients[0].status() == 200


def test_tcp_client_that_waits_too_long_is_closed(server: Chaos, turnstile: Turnstile) -> None:
    text = config(server.port, mode="tcp", server="maxconn 1", back=["timeout queue 60ms"])
    with balancer(text) as lb, ExitStack() as stack:
        clients = in_line(stack, lb, 2)
        assert clients[1].rest() == b""
        turnstile.let(1)
        assert clients[0].body() == b"/0"


@pytest.mark.parametrize("mode", ["http", "tcp"])
def test_who_leaves_the_queue_is_not_served(server: Chaos, turnstile: Turnstile, mode: str) -> None:
    text = config(server.port, mode=mode, server="maxconn 1", back=["option abortonclose"])
    with balancer(text) as lb, ExitStack() as stack:
        clients = in_line(stack, lb, 3)
        clients[1].socket.close()
        assert until(lambda: backend_of(lb).queue == 1)
        turnstile.let(2)
        if mode == "tcp":  # a tunnel keeps its server until it is closed
            assert clients[0].body() == b"/0"
            clients[0].socket.close()
        assert clients[2].body() == b"/2"
        assert turnstile.asked == [b"/0", b"/2"]


@pytest.mark.parametrize(
    ("fullconn", "served", "queued"),
    [(100, 2, 3), (5, 5, 0), (17, 2, 3), (13, 3, 2)],
    ids=["far from full", "full", "a third", "two fifths"],
)
def test_minconn_grows_to_maxconn_with_the_load(turnstile: Turnstile, fullconn: int, served: int, queued: int) -> None:
    with Chaos(turnstile) as server:
        text = config(server.port, server="maxconn 10 minconn 2", back=[f"fullconn {fullconn}"])
        with balancer(text) as lb, ExitStack() as stack:
            in_line(stack, lb, 5)
            assert turnstile.wait_for(served)
            assert (backend_of(lb).servers[0].cur_sess, backend_of(lb).queue) == (served, queued)
            turnstile.let(5)


def test_a_limit_that_grows_lets_in_who_came_first(turnstile: Turnstile) -> None:
    with Chaos(turnstile) as server:
        text = config(server.port, server="maxconn 8 minconn 2", back=["fullconn 10", "balance leastconn"])
        with balancer(text) as lb, ExitStack() as stack:
            in_line(stack, lb, 7)
            assert turnstile.wait_for(5)
            assert sorted(turnstile.asked) == [b"/0", b"/1", b"/2", b"/3", b"/4"]
            assert backend_of(lb).queue == 2
            turnstile.let(7)


def test_queue_is_given_up_with_the_balancer(server: Chaos, turnstile: Turnstile) -> None:
    with balancer(config(server.port, nbthread=2, server="maxconn 1")) as lb, ExitStack() as stack:
        clients = in_line(stack, lb, 5)
        assert turnstile.wait_for(1)
        lb.close()
        assert [client.rest() for client in clients] == [b""] * 5


def test_soft_stop_serves_the_queue(server: Chaos, turnstile: Turnstile) -> None:
    with balancer(config(server.port, nbthread=2, server="maxconn 1")) as lb, ExitStack() as stack:
        clients = in_line(stack, lb, 5)
        lb.soft_stop()
        turnstile.let(5)
        assert [client.status() for client in clients] == [200] * 5
        assert lb.wait(10)


def test_many_threads_share_one_slot() -> None:
    turnstile = Turnstile()
    turnstile.let(400)
    with Chaos(turnstile) as server, balancer(config(server.port, nbthread=4, server="maxconn 1")) as lb:
        with ExitStack() as stack:
            clients = [stack.enter_context(Client(lb)) for _ in range(40)]
            for turn in range(10):
                for number, client in enumerate(clients):
                    client.send(get(f"/{turn}/{number}"))
                for number, client in enumerate(clients):
                    assert client.body() == f"/{turn}/{number}".encode()
        assert backend_of(lb).servers[0].max_sess == 1
        assert until(lambda: backend_of(lb).cur_sess == 0 and backend_of(lb).queue == 0)


PRIORITIES = (
    "http-request set-priority-class url_param(c) if { url_param(c) -m found }",
    "http-request set-priority-offset url_param(o) if { url_param(o) -m found }",
)


def served_order(turnstile: Turnstile, lb: lbcore.LoadBalancer, targets: list[str]) -> list[str]:
    """The targets as a server that takes one after the other gets them, if all of them wait for it behind another."""
    with ExitStack() as stack:
        clients = in_line(stack, lb, 1)
        assert turnstile.wait_for(1)
        for number, target in enumerate(targets, 2):
            clients.append(stack.enter_context(Client(lb)))
            clients[-1].send(get(target))
            assert has_sessions(lb, number)
        turnstile.let(len(clients))
        assert {client.status() for client in clients} == {200}
        return [target.decode() for target in turnstile.asked[1:]]


def test_a_free_server_serves_the_lowest_class_first_and_then_who_came_first(
    server: Chaos, turnstile: Turnstile
) -> None:
    text = config(server.port, server="maxconn 1", back=PRIORITIES)
    with balancer(text) as lb:
        found = served_order(turnstile, lb, ["/a", "/b?c=5", "/d?c=-3", "/e", "/f?c=-3", "/g?c=99999", "/h?c=9999"])
        assert found == ["/d?c=-3", "/f?c=-3", "/a", "/e", "/b?c=5", "/g?c=99999", "/h?c=9999"]


def test_an_offset_counts_as_coming_earlier_or_later_within_the_class(server: Chaos, turnstile: Turnstile) -> None:
    text = config(server.port, server="maxconn 1", back=PRIORITIES)
    with balancer(text) as lb:
        found = served_order(turnstile, lb, ["/a?o=90000", "/b", "/d?o=-90000&c=1", "/e?o=-80000", "/f?o=-90000"])
        assert found == ["/f?o=-90000", "/e?o=-80000", "/b", "/a?o=90000", "/d?o=-90000&c=1"]


def test_priorities_hold_between_those_who_want_one_server_and_those_who_want_any(
    server: Chaos, turnstile: Turnstile
) -> None:
    back = [*PRIORITIES, "use-server s1 if { path_beg /one }"]
    with balancer(config(server.port, server="maxconn 1", back=back)) as lb:
        found = served_order(turnstile, lb, ["/any", "/one", "/one?c=-1", "/any?c=-2", "/any?c=1", "/one?c=1"])
        assert found == ["/any?c=-2", "/one?c=-1", "/any", "/one", "/any?c=1", "/one?c=1"]


def test_a_priority_is_of_one_request_and_not_of_the_next(server: Chaos, turnstile: Turnstile) -> None:
    with balancer(config(server.port, server="maxconn 1", back=PRIORITIES)) as lb, ExitStack() as stack:
        turnstile.let(1)
        late, *clients = (stack.enter_context(Client(lb)) for _ in range(3))
        assert late.ask(get("/?c=2000")) == b"/?c=2000"
        clients[0].send(get("/0"))
        assert turnstile.wait_for(2)
        late.send(get("/late"))
        assert until(lambda: backend_of(lb).queue == 1)
        clients[1].send(get("/1"))
        assert until(lambda: backend_of(lb).queue == 2)
        turnstile.let(3)
        assert late.body() == b"/late"
        assert clients[1].body() == b"/1"
        assert turnstile.asked[2:] == [b"/late", b"/1"]


def test_tcp_streams_have_priorities_too(server: Chaos, turnstile: Turnstile) -> None:
    back = ["tcp-request content set-priority-class req.len,neg"]
    front = ["tcp-request inspect-delay 5s", "tcp-request content accept if { req.len gt 0 }"]
    with balancer(config(server.port, mode="tcp", server="maxconn 1", front=front, back=back)) as lb:
        with ExitStack() as stack:
            clients = []
            for number, target in enumerate(["/0", "/1", "/long"], 1):
                clients.append(stack.enter_context(Client(lb)))
                clients[-1].send(get(target))
                assert has_sessions(lb, number)
            turnstile.let(3)
            for at in (0, 2, 1):
                assert clients[at].status() == 200
                clients[at].socket.close()
        assert turnstile.asked == [b"/0", b"/long", b"/1"]
