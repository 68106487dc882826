"""Thousands of connections at once through a balancer in this very process."""

from __future__ import annotations

import resource
from collections.abc import Iterator

import pytest

from tests.embedded import balancer, config, until
from tests.peers.chaos import Chaos, good
from tests.peers.idle import ask_all, close_all, open_idle

CONNECTIONS = 5000
GROUP = 100
DESCRIPTORS = 2 * CONNECTIONS + 2000  # both ends of each are ours


@pytest.fixture
def many_descriptors() -> Iterator[None]:
    """Room for both ends of every connection, before the balancer makes its table."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, DESCRIPTORS), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_descriptors")
@pytest.mark.parametrize("nbthread", [1, 4])
def test_five_thousand_connections_are_served_and_given_back(nbthread: int) -> None:
    text = config(nbthread=nbthread, settings=["maxconn 6000"], back=["http-reuse always"])
    with Chaos(good) as server, balancer(text + f"    server s1 127.0.0.1:{server.port}\n") as lb:
        connections = open_idle(lb.address("fe").port, "/small", CONNECTIONS)
        try:
            assert lb.facts.cur_conns == CONNECTIONS
            for first in range(0, CONNECTIONS, GROUP):  # more at once would need as many connections to the server
                ask_all(connections[first : first + GROUP], "/again")
            assert sum(thread.connections for thread in lb.facts.threads()) == CONNECTIONS
        finally:
            close_all(connections)
        assert until(lambda: lb.facts.cur_conns == 0)
        assert lb.facts.cum_req == 2 * CONNECTIONS
        assert server.accepted <= GROUP * nbthread


@pytest.mark.usefixtures("many_descriptors")
def test_idle_connections_share_themselves_among_the_threads() -> None:
    with Chaos(good) as server, balancer(config(server.port, nbthread=4, back=["http-reuse always"])) as lb:
        connections = open_idle(lb.address("fe").port, "/small", 400)
        counts = [thread.connections for thread in lb.facts.threads()]
        close_all(connections)
    assert min(counts) > 40
