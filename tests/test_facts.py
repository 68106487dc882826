"""What a balancer tells of itself."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import lbcore
from lbcore.facts import thread_cpu_ns
from lbcore.version import LANGUAGE_VERSION
from tests.embedded import PATIENCE, Client, Turnstile, ask, balancer, config, named, until
from tests.peers.chaos import Chaos
from tests.peers.ports import HOST


@pytest.fixture
def server() -> Iterator[Chaos]:
    with Chaos(named("s1")) as peer:
        yield peer


def test_process_is_this_one() -> None:
    before = time.time()
    with balancer(config(nbthread=3, settings=["node here", 'description "what it is"'])) as lb:
        facts = lb.facts
        assert (facts.pid, facts.nbthread, facts.version) == (os.getpid(), 3, LANGUAGE_VERSION)
        assert (facts.node, facts.description) == ("here", "what it is")
        assert int(before) <= facts.start_time <= time.time()
        assert 0 <= facts.uptime < PATIENCE
        assert 0 <= facts.boot_time_ms < PATIENCE * 1000


def test_node_is_the_host_unless_it_is_named() -> None:
    with balancer(config()) as lb:
        assert lb.facts.node == socket.gethostname()
        assert lb.facts.description is None


def test_limits_are_those_in_force() -> None:
    with balancer(config(settings=["maxconn 77", "maxpipes 5", "maxconnrate 8", "maxsessrate 9"])) as lb:
        facts = lb.facts
        assert (facts.maxconn, facts.hard_maxconn, facts.maxpipes) == (77, 77, 5)
        assert (facts.conn_rate_limit, facts.sess_rate_limit) == (8, 9)


def test_maxconn_follows_from_the_descriptors_there_are() -> None:
    with balancer(config(front=["option splice-auto"])) as lb:
        assert lb.facts.maxconn == lb.maxconn
        assert 2 * lb.maxconn < lb.facts.ulimit_n
        assert lb.facts.maxpipes == lb.maxconn // 4


def test_there_are_no_pipes_where_nothing_is_spliced() -> None:
    with balancer(config()) as lb:
        assert lb.facts.maxpipes == 0


def test_connections_and_requests_are_counted(server: Chaos) -> None:
    with balancer(config(server.port, nbthread=2)) as lb:
        with Client(lb) as client:
            client.ask()
            client.ask()
            assert (lb.facts.cur_conns, lb.facts.cum_conns) == (1, 1)
            assert until(lambda: lb.facts.cum_req == 2)
            assert lb.facts.conn_rate == 1
            assert lb.facts.sess_rate == 1
            assert (lb.facts.conn_rate_max, lb.facts.sess_rate_max) == (1, 1)
        assert until(lambda: lb.facts.cur_conns == 0)
        assert lb.facts.bytes_out > 0


def test_jobs_are_listeners_and_connections(server: Chaos) -> None:
    with balancer(config(server.port, front=[f"bind {HOST}:0"])) as lb:
        assert (lb.facts.jobs, lb.facts.listeners) == (2, 2)
        with Client(lb) as client:
            client.ask()
            assert lb.facts.jobs == 3
        assert until(lambda: lb.facts.jobs == 2)


def test_stopping_is_told_and_listeners_go() -> None:
    turnstile = Turnstile()
    with Chaos(turnstile) as server, balancer(config(server.port)) as lb, Client(lb) as client:
        client.send()
        assert turnstile.wait_for(1)
        assert not lb.facts.stopping
        lb.soft_stop()
        assert lb.facts.stopping
        assert until(lambda: lb.facts.listeners == 0)
        turnstile.let(1)
        client.body()


def test_threads_are_told_apart(server: Chaos) -> None:
    with balancer(config(server.port, nbthread=2)) as lb:
        ask(lb)
        threads = list(lb.facts.threads())
        assert [thread.number for thread in threads] == [1, 2]
        assert [thread.ident for thread in threads] == [worker.native_id for worker in lb.crew.workers]
        assert not any(thread.current for thread in threads)
        assert sum(thread.polls for thread in threads) > 0
        assert all(thread.cpu_ns > 0 for thread in threads)


def test_thread_that_asks_is_the_current_one() -> None:
    seen: list[list[bool]] = []
    done = threading.Event()
    with balancer(config(nbthread=2)) as lb:

        def look(why: int) -> None:
            seen.append([thread.current for thread in lb.facts.threads()])
            done.set()

        lb.crew.tasks.add(look, mask=2).wakeup()
        assert done.wait(PATIENCE)
    assert seen == [[False, True]]


def test_cpu_time_of_a_thread_grows_while_it_works() -> None:
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            sum(range(1000))

    thread = threading.Thread(target=work)
    assert thread_cpu_ns(thread) == 0
    thread.start()
    try:
        assert until(lambda: thread_cpu_ns(thread) > 10_000_000)
    finally:
        stop.set()
        thread.join()
    assert thread_cpu_ns(thread) == 0


def test_descriptors_are_those_that_are_open(server: Chaos) -> None:
    with balancer(config(server.port, bind=f"bind {HOST}:0 name door", nbthread=2)) as lb:
        with Client(lb) as client:
            client.ask()
            rows = {row.fd: row for row in lb.facts.fds()}
            listener = next(lb.all_listeners())
            assert rows[listener.fd].owner == "listener"
            assert rows[listener.fd].facts == {"name": "door", "addr": str(listener.where)}
            assert rows[listener.fd].read.active
            owners = [row.owner for row in rows.values()]
            assert (owners.count("connection"), owners.count("server")) == (1, 1)
            assert all(os.path.exists(f"/proc/self/fd/{fd}") for fd in rows)
        assert until(lambda: all(row.owner != "connection" for row in lb.facts.fds()))


def test_locks_are_told_only_where_figures_are_kept(server: Chaos) -> None:
    with balancer(config(server.port)) as lb:
        assert lb.facts.locks() is None
    with balancer(config(server.port, settings=["profiling.locks on"])) as lb:
        ask(lb)
        rows = lb.facts.locks()
        assert rows is not None
        taken = {row.label: row.writes for row in rows}
        assert taken["lbprm"] >= 1
        assert taken["peers"] == 0


def test_buffers_are_given_back(server: Chaos) -> None:
    with balancer(config(server.port)) as lb:
        with Client(lb) as client:
            client.ask()
        assert until(lambda: lb.facts.cur_conns == 0)
        assert until(lambda: lb.facts.pool_used == 0)
        assert lb.facts.pool_alloc >= 0


def test_tasks_are_counted() -> None:
    with balancer(config()) as lb:
        before = lb.facts.tasks
        task = lb.crew.tasks.add(lambda why: None)
        assert lb.facts.tasks == before + 1
        lb.crew.tasks.remove(task)
        assert until(lambda: lb.facts.tasks == before)
        assert lb.facts.run_queue == 0


def test_idle_share_is_a_share() -> None:
    with balancer(config(nbthread=2)) as lb:
        assert 0 <= lb.facts.idle_pct <= 100


def test_stats_sockets_are_listed(tmp_path: Path) -> None:
    settings = [
        f"stats socket {tmp_path}/a level admin",
        f"stats socket {HOST}:0 level user",
        "stats socket abns@lbcore-x",
    ]
    with balancer(config(settings=settings)) as lb:
        rows = [(row.address, row.level) for row in lb.facts.cli_sockets()]
    assert rows == [(f"unix@{tmp_path}/a", "admin"), (f"ipv4@{HOST}:0", "user"), ("abns@lbcore-x", "operator")]


def test_warnings_of_the_configuration_are_counted() -> None:
    text = f"frontend fe\n    mode http\n    bind {HOST}:0\n"
    with balancer(text) as lb:
        assert lb.facts.warnings == lb.diagnostics.warnings > 0


def test_memory_and_threads_are_dumped_in_words(server: Chaos) -> None:
    with balancer(config(server.port, nbthread=2)) as lb:
        ask(lb)
        first, *threads = lb.dump_memory_and_threads().splitlines()
    assert first.startswith("Dumping pools usage: ")
    assert [line.split(":")[0] for line in threads] == ["Thread 1", "Thread 2"]


def test_facts_of_a_balancer_that_is_not_started() -> None:
    lb = lbcore.LoadBalancer(config())
    lb.bind()
    assert [thread.ident for thread in lb.facts.threads()] == [0]
    assert lb.facts.cur_conns == 0
    lb.close()


def test_messages_that_were_refused_are_kept(server: Chaos) -> None:
    with balancer(config(server.port)) as lb:
        with Client(lb) as client:
            client.send(b"GE\x01T / HTTP/1.1\r\n\r\n")
            client.rest()
        [found] = lb.facts.snapshots()
        assert (found.frontend.name, found.response, found.event, found.position) == ("fe", False, 0, 2)
        assert found.data.startswith(b"GE\x01T /")
        assert found.source.startswith(f"{HOST}:")
        assert lb.facts.snapshots_taken() == 1


def test_events_are_numbered_across_proxies(server: Chaos) -> None:
    with balancer(config(server.port)) as lb:
        for _ in range(2):
            with Client(lb) as client:
                client.send(b"GE\x01T / HTTP/1.1\r\n\r\n")
                client.rest()
        assert [found.event for found in lb.facts.snapshots()] == [1]
        assert lb.facts.snapshots_taken() == 2
