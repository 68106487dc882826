"""Which server gets a stream."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from lbcore.proxy.backend import Backend
from tests.embedded import Client, Turnstile, ask, balancer, config, get, named, until
from tests.peers.chaos import Chaos
from tests.peers.ports import HOST

Ports = Callable[..., list[str]]


@pytest.fixture
def servers() -> Iterator[Ports]:
    """A function that starts a server for each of its arguments, the words behind its `server` line, and gives those
    lines; the servers are called s1, s2, ... and answer with their names."""
    with ExitStack() as stack:

        def start(*words: str) -> list[str]:
            names = [f"s{number}" for number in range(1, len(words) + 1)]
            ports = [stack.enter_context(Chaos(named(name))).port for name in names]
            return [f"server {n} {HOST}:{p} {w}" for n, p, w in zip(names, ports, words, strict=True)]

        yield start


def served(lines: list[str], count: int, *more: str, nbthread: int = 1) -> list[str]:
    """The names of the servers that answer to so many requests, each on a connection of its own."""
    with balancer(config(nbthread=nbthread, back=[*lines, *more])) as lb:
        return [ask(lb)[1].decode() for _ in range(count)]


def test_roundrobin_takes_turns(servers: Ports) -> None:
    answers = served(servers("", "", ""), 9)
    assert answers == answers[:3] * 3
    assert set(answers) == {"s1", "s2", "s3"}


@pytest.mark.parametrize(("weights", "shares"), [((3, 1), (6, 2)), ((2, 1, 1), (4, 2, 2)), ((256, 0), (8, 0))])
def test_weights_are_shares(servers: Ports, weights: tuple[int, ...], shares: tuple[int, ...]) -> None:
    answers = Counter(served(servers(*(f"weight {weight}" for weight in weights)), 8))
    assert tuple(answers[f"s{number}"] for number in range(1, len(weights) + 1)) == shares


def test_weights_hold_for_all_threads_together(servers: Ports) -> None:
    answers = Counter(served(servers("weight 3", "weight 1"), 80, nbthread=4))
    assert answers == {"s1": 60, "s2": 20}


def test_heavy_server_is_not_asked_in_a_row(servers: Ports) -> None:
    answers = "".join(name[1] for name in served(servers("weight 2", "weight 1", "weight 1"), 12))
    assert "111" not in answers + answers


def test_disabled_server_is_not_asked(servers: Ports) -> None:
    assert set(served(servers("disabled", ""), 4)) == {"s2"}


def test_backup_is_asked_only_if_no_other_is_there(servers: Ports) -> None:
    assert set(served(servers("", "backup"), 4)) == {"s1"}
    assert set(served(servers("disabled", "backup"), 4)) == {"s2"}


def test_only_the_first_backup_is_asked(servers: Ports) -> None:
    assert set(served(servers("disabled", "backup", "backup"), 4)) == {"s2"}


@pytest.mark.parametrize("lines", [[], [f"server s1 {HOST}:1 disabled"], [f"server s1 {HOST}:1 weight 0"]])
def test_without_a_server_it_is_a_503(lines: list[str]) -> None:
    with balancer(config(back=lines)) as lb:
        assert ask(lb)[0] == 503


def test_source_keeps_a_client_at_its_server(servers: Ports) -> None:
    lines = servers("", "", "")
    with balancer(config(nbthread=2, back=[*lines, "balance source"])) as lb:
        homes = {f"127.0.0.{n}": ask(lb, source=f"127.0.0.{n}")[1] for n in range(1, 13)}
        for source, home in homes.items():
            assert ask(lb, source=source)[1] == home
    assert set(homes.values()) == {b"s1", b"s2", b"s3"}


def has_sessions(backend: Backend, count: int) -> bool:
    """Whether it has so many before long, queued ones included."""
    return until(lambda: backend.cur_sess == count)


def test_source_keeps_a_client_that_waits_at_its_server() -> None:
    turnstiles = [Turnstile(), Turnstile()]
    with ExitStack() as stack:
        ports = [stack.enter_context(Chaos(turnstile)).port for turnstile in turnstiles]
        lb = stack.enter_context(balancer(config(*ports, server="maxconn 1", back=["balance source"])))
        at_home: dict[int, str] = {}  # a client address for each server
        for number in range(1, 20):
            source = f"127.0.0.{number}"
            for turnstile in turnstiles:
                turnstile.let(1)
            before = [len(turnstile.asked) for turnstile in turnstiles]
            ask(lb, source=source)
            after = [len(turnstile.asked) for turnstile in turnstiles]
            home = 0 if after[0] > before[0] else 1
            at_home.setdefault(home, source)
            turnstiles[1 - home].take_back()
            if len(at_home) == 2:
                break
        clients = [stack.enter_context(Client(lb, source=at_home[home])) for home in (0, 1, 0)]
        backend = lb.proxies[1].backend
        assert backend is not None
        for number, client in enumerate(clients):
            client.send(get(f"/{number}"))
            assert has_sessions(backend, number + 1)
        turnstiles[1].let(1)  # the other server is free now, but the third client's is not
        assert clients[1].body() == b"/1"
        turnstiles[0].let(2)
        assert [clients[0].body(), clients[2].body()] == [b"/0", b"/2"]
        assert turnstiles[0].asked[-2:] == [b"/0", b"/2"]


def test_source_asks_another_server_if_that_of_the_client_is_gone(servers: Ports) -> None:
    lines = servers("", "disabled", "")
    with balancer(config(back=[*lines, "balance source"])) as lb:
        assert {ask(lb, source=f"127.0.0.{n}")[1] for n in range(1, 13)} == {b"s1", b"s3"}


def test_first_asks_the_server_with_the_lowest_id(servers: Ports) -> None:
    assert set(served(servers("id 9", "id 3", "id 5"), 4, "balance first")) == {"s2"}


def test_random_asks_all(servers: Ports) -> None:
    assert set(served(servers("", "", ""), 60, "balance random")) == {"s1", "s2", "s3"}


def test_leastconn_leaves_a_busy_server_alone() -> None:
    busy, idle = Turnstile(), Turnstile()
    idle.let(5)
    with ExitStack() as stack:
        ports = [stack.enter_context(Chaos(server)).port for server in (busy, idle)]
        lb = stack.enter_context(balancer(config(*ports, nbthread=2, back=["balance leastconn"])))
        waiting = stack.enter_context(Client(lb))
        waiting.send(get("/0"))
        assert busy.wait_for(1)
        backend = lb.proxies[1].backend
        assert backend is not None
        for _ in range(5):
            assert ask(lb)[0] == 200
            assert has_sessions(backend, 1)  # a client may have its answer before another thread knows of it
        assert (len(busy.asked), len(idle.asked)) == (1, 5)
        busy.let(1)
        assert waiting.body() == b"/0"


@pytest.mark.parametrize("kind", ["map-based", "consistent"])
def test_a_key_has_its_server_whichever_thread_is_asked(servers: Ports, kind: str) -> None:
    lines = servers("", "", "")
    with balancer(config(nbthread=4, back=[*lines, "balance uri", f"hash-type {kind}"])) as lb:
        homes = {}
        for number in range(24):
            with Client(lb) as client:
                homes[number] = client.ask(get(f"/{number}"))
        for number, home in homes.items():
            with Client(lb) as client:
                assert client.ask(get(f"/{number}")) == home
    assert set(homes.values()) == {b"s1", b"s2", b"s3"}


def test_first_bytes_of_a_tunnel_find_its_server(servers: Ports) -> None:
    lines = servers("", "", "")
    front = ["tcp-request inspect-delay 5s", "tcp-request content accept if { req.len ge 9 }"]
    back = [*lines, "balance hash req.payload(0,9)"]
    with balancer(config(mode="tcp", front=front, back=back)) as lb:
        homes: list[list[bytes]] = []
        for number in range(12):
            homes.append([])
            for _ in range(2):
                with Client(lb) as client:
                    homes[-1].append(client.ask(get(f"/{number}")))
    assert all(one == other for one, other in homes)
    assert {home for home, _ in homes} == {b"s1", b"s2", b"s3"}


@pytest.mark.parametrize("place", ["backend", "server"])
def test_connections_come_from_the_source_address(place: str) -> None:
    seen: list[str] = []
    name = named("s1")

    def look(connection: socket.socket) -> None:
        seen.append(connection.getpeername()[0])
        name(connection)

    with Chaos(look) as server:
        words = {"backend": {"back": ["source 127.0.0.5"]}, "server": {"server": "source 127.0.0.5"}}[place]
        with balancer(config(server.port, **words)) as lb:  # type: ignore[arg-type]
            assert ask(lb) == (200, b"s1")
    assert seen == ["127.0.0.5"]


def test_source_of_a_server_goes_before_that_of_its_backend() -> None:
    seen: list[str] = []

    def look(connection: socket.socket) -> None:
        seen.append(connection.getpeername()[0])

    with Chaos(look) as server:
        text = config(server.port, server="source 127.0.0.6", back=["source 127.0.0.5", "retries 0"])
        with balancer(text) as lb:
            ask(lb)
    assert seen == ["127.0.0.6"]


def test_retries_go_to_another_server_where_that_is_wanted(servers: Ports) -> None:
    lines = [f"server dead {HOST}:1", *servers("")]
    assert served(lines, 4, "option redispatch 1") == ["s1"] * 4
