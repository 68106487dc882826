"""`option prefer-last-server`: a client stays with the server whose connection is kept for it (manual 4.2)."""

from __future__ import annotations

import pytest

from tests.embedded import Client, Turnstile, balancer, config, get, named, until
from tests.peers.chaos import Chaos

NEVER = "http-reuse never"
PREFER = "option prefer-last-server"


def answers(*back: str, count: int = 4, server: str = "") -> list[bytes]:
    """What a client is answered on one connection by servers that say their names."""
    with Chaos(named("a")) as first, Chaos(named("b")) as second:
        text = config(first.port, second.port, back=back, server=server)
        with balancer(text) as lb, Client(lb) as client:
            return [client.ask() for _ in range(count)]


def test_requests_are_shared_without_it() -> None:
    assert set(answers(NEVER)) == {b"a", b"b"}


def test_a_client_stays_with_its_server() -> None:
    assert len(set(answers(NEVER, PREFER))) == 1


def test_shared_connections_are_no_clients_own() -> None:
    assert set(answers("http-reuse always", PREFER)) == {b"a", b"b"}


def test_a_fixed_hash_is_not_asked_again() -> None:
    assert len(set(answers(NEVER, PREFER, "balance source"))) == 1


@pytest.mark.parametrize(
    ("limit", "waits"), [("", True), ("max-keep-alive-queue 1", True), ("max-keep-alive-queue 0", False)]
)
def test_a_client_waits_for_its_server_if_few_others_do(limit: str, waits: bool) -> None:
    first, second = Turnstile(), Turnstile()
    with Chaos(first) as one, Chaos(second) as two:
        text = config(one.port, two.port, back=[NEVER, PREFER, limit], server="maxconn 1")
        with balancer(text) as lb, Client(lb) as client, Client(lb) as other, Client(lb) as third:
            first.let(1)
            client.ask(get("/1"))  # its connection to the first server is kept
            second.let(1)
            other.ask(get("/2"))
            third.send(get("/3"))  # takes the first server's only slot
            assert first.wait_for(2)
            client.send(get("/4"))
            backend = lb.proxies[1].backend
            assert backend is not None
            if waits:
                assert until(lambda: backend.queue == 1)
                first.let(2)
                assert client.body() == b"/4"
                assert first.asked == [b"/1", b"/3", b"/4"]
            else:
                second.let(1)
                assert client.body() == b"/4"
                assert second.asked == [b"/2", b"/4"]
                first.let(1)
