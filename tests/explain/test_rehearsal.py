"""A balancer that is built and never started (`LoadBalancer.rehearse`)."""

from __future__ import annotations

import pytest

import lbcore
from tests.embedded import config, held
from tests.peers.ports import HOST, free_port, release_port


def test_it_opens_no_address_and_leaves_nothing_behind() -> None:
    port = free_port()
    try:
        lbcore.LoadBalancer(config(port)).close()  # what the first one loads stays
        before = held()
        one = lbcore.LoadBalancer(config(1, bind=f"bind {HOST}:{port}", settings=["stats socket /nowhere/at/all"]))
        other = lbcore.LoadBalancer(config(1, bind=f"bind {HOST}:{port}"))
        one.rehearse()
        other.rehearse()
        assert list(one.all_listeners()) == []
        assert one.world.backends_by_name["be"].servers[0].usable
        one.close()
        other.close()
        assert held() == before
    finally:
        release_port(port)


def test_it_is_not_started_any_more() -> None:
    balancer = lbcore.LoadBalancer(config(1))
    balancer.rehearse()
    with pytest.raises(RuntimeError, match="started once"):
        balancer.start()
    balancer.close()
    with pytest.raises(RuntimeError, match="closed"):
        balancer.rehearse()
