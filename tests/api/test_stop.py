"""Soft stop, pause and resume, and the end under load."""

from __future__ import annotations

import selectors
import socket
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

import lbcore
from tests.embedded import PATIENCE, Background, Client, ask, balancer, cli, config, named, until
from tests.peers.chaos import Chaos, Gate, good
from tests.peers.load import Crowd, Tally
from tests.peers.load import ask as ask_all
from tests.peers.ports import HOST
from tests.peers.sinks import UdpSink

RUNNING = 20


def refuses(port: int) -> bool:
    """Whether nobody listens on a port; a connection that a closing listener takes along says nothing yet."""
    try:
        socket.create_connection((HOST, port), timeout=PATIENCE).close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:
        pass
    return False


def wait_paused(lb: lbcore.LoadBalancer) -> bool:
    """Whether all frontends come to say that they are paused."""
    return until(lambda: all(p.frontend.status == "PAUSED" for p in lb.proxies if p.frontend))


@pytest.mark.parametrize("nbthread", [1, 2, 4])
def test_soft_stop_finishes_what_runs(nbthread: int) -> None:
    gate = Gate()
    with Chaos(gate) as server, balancer(config(server.port, nbthread=nbthread)) as lb:
        port = lb.address("fe").port
        clients = Background(lambda: ask_all(port, Crowd(RUNNING, requests=1)))
        assert gate.wait_for(RUNNING, PATIENCE)
        lb.soft_stop()
        lb.soft_stop()
        assert until(lambda: refuses(port))
        assert not lb.wait(0)
        gate.open()
        tally = clients.join()
        assert isinstance(tally, Tally)
        assert (tally.statuses, tally.broken) == ({200: RUNNING}, 0)
        assert lb.wait(PATIENCE)


def test_soft_stop_of_an_idle_one_ends_it() -> None:
    with Chaos(named("s1")) as server, balancer(config(server.port, nbthread=2)) as lb:
        ask(lb)
        with Client(lb) as idle:
            assert idle.ask() == b"s1"
            lb.soft_stop()
            assert idle.rest() == b""
        assert lb.wait(PATIENCE)


def test_soft_stop_says_close_in_the_answer_that_runs() -> None:
    gate = Gate()
    with Chaos(gate) as server, balancer(config(server.port)) as lb, Client(lb) as client:
        client.send()
        assert gate.wait_for(1, PATIENCE)
        lb.soft_stop()
        assert until(lambda: lb.facts.stopping)
        gate.open()
        assert b"\r\nconnection: close\r\n" in client.rest().lower()


SPREAD = 0.6  # seconds
IDLE = 12


def closing_times(lb: lbcore.LoadBalancer, clients: list[Client]) -> list[float]:
    """When each of some idle connections is closed, in seconds after a soft stop, in order."""
    begun = time.monotonic()
    lb.soft_stop()
    found = []
    with selectors.DefaultSelector() as selector:
        for client in clients:
            selector.register(client.socket, selectors.EVENT_READ)
        while selector.get_map():
            for key, _ in selector.select(PATIENCE):
                selector.unregister(key.fileobj)
                found.append(time.monotonic() - begun)
    return found


@pytest.mark.parametrize("nbthread", [1, 2])
def test_soft_stop_closes_idle_connections_one_after_the_other(nbthread: int) -> None:
    settings = [f"close-spread-time {SPREAD * 1000:.0f}ms"]
    with Chaos(named("s1")) as server, ExitStack() as stack:
        lb = stack.enter_context(balancer(config(server.port, nbthread=nbthread, settings=settings)))
        clients = [stack.enter_context(Client(lb)) for _ in range(IDLE)]
        for client in clients:
            client.ask()
        times = closing_times(lb, clients)
        assert len(times) == IDLE
        # they are spread evenly, so that half of them are still there when half of the time has passed
        assert times[IDLE // 2 + 1] > SPREAD / 4
        assert times[-1] > SPREAD / 2
        assert lb.wait(PATIENCE)


def test_connections_are_used_until_their_time_comes_in_a_soft_stop() -> None:
    with Chaos(named("s1")) as server, ExitStack() as stack:
        lb = stack.enter_context(balancer(config(server.port, settings=["close-spread-time 1h"])))
        clients = [stack.enter_context(Client(lb)) for _ in range(IDLE)]
        assert [client.ask() for client in clients] == [b"s1"] * IDLE
        lb.soft_stop()
        assert until(lambda: refuses(lb.address("fe").port))
        for _ in range(2):
            assert [client.ask() for client in clients] == [b"s1"] * IDLE


def test_soft_stop_closes_nothing_if_it_has_for_ever() -> None:
    settings = ["close-spread-time infinite"]
    with Chaos(named("s1")) as server, balancer(config(server.port, settings=settings)) as lb:
        with Client(lb) as client:
            assert client.ask() == b"s1"
            lb.soft_stop()
            assert until(lambda: refuses(lb.address("fe").port))
            for _ in range(3):
                assert client.ask() == b"s1"
            assert not lb.wait(0)
        assert lb.wait(PATIENCE)


def test_soft_stop_waits_for_tunnels() -> None:
    with Chaos(named("s1")) as server, balancer(config(server.port, mode="tcp")) as lb, Client(lb) as client:
        assert client.ask() == b"s1"
        lb.soft_stop()
        assert until(lambda: refuses(lb.address("fe").port))
        assert client.ask() == b"s1"
        assert not lb.wait(0)
        client.socket.shutdown(socket.SHUT_WR)
        client.rest()
        assert lb.wait(PATIENCE)


def test_every_request_before_a_soft_stop_is_logged() -> None:
    with UdpSink() as sink, Chaos(good) as server:
        text = config(server.port, nbthread=2, front=[f"log {HOST}:{sink.port} local0", "option httplog"])
        with balancer(text) as lb:
            tally = ask_all(lb.address("fe").port, Crowd(8, requests=50))
            assert tally.statuses == {200: 400}
            lb.soft_stop()
            assert lb.wait(PATIENCE)
        assert until(lambda: sum(b'"GET /c' in line for line in sink.lines()) == 400)


def test_closing_may_follow_a_soft_stop_that_waits() -> None:
    gate = Gate()
    with Chaos(gate) as server, balancer(config(server.port, nbthread=2)) as lb, Client(lb) as client:
        client.send()
        assert gate.wait_for(1, PATIENCE)
        lb.soft_stop()
        lb.close()
        assert lb.wait(0)
        gate.open()


@pytest.mark.parametrize("nbthread", [1, 2, 4])
def test_close_under_load_ends_every_connection(nbthread: int) -> None:
    stop = threading.Event()
    with Chaos(good) as server, balancer(config(server.port, nbthread=nbthread)) as lb:
        crowd = Crowd(clients=8, requests=1_000_000)
        clients = Background(lambda: ask_all(lb.address("fe").port, crowd, stop.is_set))
        assert until(lambda: lb.facts.cum_req > 300)
        lb.close()
        stop.set()
        tally = clients.join()
        assert isinstance(tally, Tally)
        assert tally.wrong == []
        assert set(tally.statuses) == {200}


def test_paused_one_leaves_connections_in_the_backlog() -> None:
    with Chaos(named("s1")) as server, balancer(config(server.port, nbthread=2)) as lb:
        lb.pause()
        assert wait_paused(lb)
        with Client(lb) as client:
            client.send()
            client.socket.settimeout(0.05)
            with pytest.raises(TimeoutError):
                client.socket.recv(1)
            client.socket.settimeout(PATIENCE)
            lb.resume()
            assert client.body() == b"s1"


def test_pause_does_not_touch_what_runs() -> None:
    with Chaos(named("s1")) as server, balancer(config(server.port)) as lb, Client(lb) as client:
        assert client.ask() == b"s1"
        lb.pause()
        assert wait_paused(lb)
        assert client.ask() == b"s1"


def test_pause_and_resume_any_number_of_times() -> None:
    with Chaos(named("s1")) as server, balancer(config(server.port, nbthread=2)) as lb:
        for _ in range(50):
            lb.pause()
            lb.resume()
        assert ask(lb) == (200, b"s1")
        lb.pause()
        lb.pause()
        assert wait_paused(lb)
        lb.resume()
        lb.resume()
        assert ask(lb) == (200, b"s1")


def test_paused_one_can_be_stopped() -> None:
    for stop in (lbcore.LoadBalancer.close, lbcore.LoadBalancer.soft_stop):
        with balancer(config(nbthread=2)) as lb:
            lb.pause()
            assert wait_paused(lb)
            stop(lb)
            assert lb.wait(PATIENCE)


def test_stats_sockets_answer_while_it_is_paused(tmp_path: Path) -> None:
    path = tmp_path / "cli"
    with balancer(config(settings=[f"stats socket {path}"])) as lb:
        lb.pause()
        assert wait_paused(lb)
        assert "PAUSED" in cli(path, "show stat")
