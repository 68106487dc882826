"""A balancer's life: bound, started, stopped, and nothing left of it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

import lbcore
from tests.embedded import Background, Client, ask, balancer, config, named, until
from tests.peers.chaos import Chaos
from tests.peers.ports import HOST, free_port, release_port
from tests.thread.crew import crew


@pytest.fixture
def server() -> Iterator[Chaos]:
    with Chaos(named("s1")) as peer:
        yield peer


def test_answers_inside_of_its_block(server: Chaos) -> None:
    with lbcore.LoadBalancer(config(server.port)) as lb:
        assert ask(lb) == (200, b"s1")


def test_accepts_when_start_returns(server: Chaos) -> None:
    lb = lbcore.LoadBalancer(config(server.port))
    lb.start()
    try:
        assert ask(lb) == (200, b"s1")
    finally:
        lb.close()


def test_nothing_is_opened_before_it_is_bound() -> None:
    port = free_port()
    text = config(bind=f"bind {HOST}:{port}")
    lbcore.LoadBalancer(text)
    with socket.create_server((HOST, port)):
        pass
    release_port(port)


def test_connections_wait_between_bind_and_start(server: Chaos) -> None:
    lb = lbcore.LoadBalancer(config(server.port))
    lb.bind()
    try:
        with Client(lb) as client:
            client.send()
            lb.start()
            assert client.body() == b"s1"
    finally:
        lb.close()


def test_port_is_free_as_soon_as_it_is_closed() -> None:
    port = free_port()
    text = config(bind=f"bind {HOST}:{port}", settings=["noreuseport"])
    for _ in range(20):
        with balancer(text) as lb:
            assert lb.address("fe").port == port
    release_port(port)


def test_connections_are_closed_with_it() -> None:
    with balancer(config()) as lb:
        client = Client(lb)
        assert until(lambda: lb.facts.cur_conns == 1)
    with client:
        assert client.rest() == b""


def test_close_comes_any_number_of_times() -> None:
    lb = lbcore.LoadBalancer(config(nbthread=2))
    lb.start()
    for _ in range(3):
        lb.close()
        assert lb.wait(0)


def test_many_threads_may_close_it_at_once() -> None:
    lb = lbcore.LoadBalancer(config(nbthread=2))
    lb.start()
    crew(4, lambda _: lb.close())
    assert lb.wait(0)


def test_one_that_was_never_started_can_be_closed() -> None:
    lbcore.LoadBalancer(config()).close()
    bound = lbcore.LoadBalancer(config())
    bound.bind()
    address = bound.address("fe")
    bound.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((HOST, address.port))


def test_is_started_once() -> None:
    with balancer(config()) as lb, pytest.raises(RuntimeError, match="once"):
        lb.start()


def test_is_not_started_after_it_was_closed() -> None:
    lb = lbcore.LoadBalancer(config())
    lb.start()
    lb.close()
    with pytest.raises(RuntimeError, match="once"):
        lb.start()
    never_started = lbcore.LoadBalancer(config())
    never_started.close()
    with pytest.raises(RuntimeError, match="closed"):
        never_started.start()


def test_start_that_failed_can_be_tried_again(server: Chaos) -> None:
    port = free_port()
    with socket.create_server((HOST, port)):
        lb = lbcore.LoadBalancer(config(server.port, bind=f"bind {HOST}:{port}"))
        for _ in range(2):
            with pytest.raises(lbcore.ConfigError, match=f"{HOST}:{port}"):
                lb.start()
    lb.start()
    assert ask(lb) == (200, b"s1")
    lb.close()
    release_port(port)


def test_two_live_side_by_side_and_know_nothing_of_each_other() -> None:
    with Chaos(named("one")) as one, Chaos(named("two")) as two:
        with balancer(config(one.port, nbthread=2)) as first:
            with balancer(config(two.port, nbthread=2)) as second:
                assert [ask(first), ask(second)] == [(200, b"one"), (200, b"two")]
                assert first.proxies[0].frontend is not None
                assert first.proxies[0].frontend.counters.cum_conn == 1
            assert ask(first) == (200, b"one")


def test_one_balancer_stands_before_another() -> None:
    with Chaos(named("s1")) as server, balancer(config(server.port)) as inner:
        with balancer(config(inner.address("fe").port)) as outer:
            assert ask(outer) == (200, b"s1")


def test_is_started_and_closed_by_threads_that_are_not_the_main_one(server: Chaos) -> None:
    lb = lbcore.LoadBalancer(config(server.port))
    Background(lb.start).join()
    assert ask(lb) == (200, b"s1")
    Background(lb.close).join()
    assert lb.wait(0)


def test_sixteen_threads_start_balancers_of_their_own(server: Chaos) -> None:
    def live(_: int) -> None:
        with balancer(config(server.port)) as lb:
            assert ask(lb) == (200, b"s1")

    crew(16, live)


@pytest.mark.parametrize("nbthread", [1, 2, 4])
def test_runs_as_many_threads_as_it_is_told(server: Chaos, nbthread: int) -> None:
    before = threading.active_count()
    with balancer(config(server.port, nbthread=nbthread)) as lb:
        workers = [thread for thread in threading.enumerate() if thread in lb.crew.workers]
        assert len(workers) == nbthread
        assert [ask(lb) for _ in range(8)] == [(200, b"s1")] * 8
    assert until(lambda: threading.active_count() <= before)


@pytest.mark.parametrize("off", [[], ["noepoll"], ["noepoll", "nopoll"]])
@pytest.mark.parametrize("nbthread", [1, 2])
def test_works_with_every_poller(server: Chaos, off: list[str], nbthread: int) -> None:
    with balancer(config(server.port, nbthread=nbthread, settings=off)) as lb:
        clients = [Client(lb) for _ in range(20)]
        for client in clients:
            client.send()
        assert [client.body() for client in clients] == [b"s1"] * 20
        for client in clients:
            assert client.ask() == b"s1"
            client.socket.close()
        assert until(lambda: lb.facts.cur_conns == 0)


def test_wait_says_whether_it_has_ended() -> None:
    lb = lbcore.LoadBalancer(config())
    assert not lb.wait(0)
    lb.start()
    assert not lb.wait(0.001)
    waiter = Background(lambda: lb.wait(None))
    lb.close()
    assert waiter.join() is True
    assert lb.wait(0)


def test_figures_of_a_closed_balancer_are_refused() -> None:
    lb = lbcore.LoadBalancer(config(free_port()))
    lb.start()
    lb.close()
    front, back = lb.proxies[0].frontend, lb.proxies[1].backend
    assert front is not None
    assert back is not None
    for read in (
        lambda: front.cur_conn,
        lambda: front.counters,
        lambda: front.status,
        lambda: front.listeners[0].status,
        lambda: back.queue,
        lambda: back.servers[0].cur_sess,
        lambda: back.servers[0].counters,
        lambda: lb.facts.cur_conns,
        lambda: lb.engine.locks.violations,
    ):
        with pytest.raises(RuntimeError, match="closed"):
            read()


def test_pause_resume_and_soft_stop_of_a_closed_balancer_do_nothing() -> None:
    lb = lbcore.LoadBalancer(config())
    lb.pause()
    lb.soft_stop()
    lb.start()
    lb.close()
    lb.pause()
    lb.resume()
    lb.soft_stop()
    assert lb.wait(0)
