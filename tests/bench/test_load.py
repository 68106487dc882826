"""Errors that a load generator saw never become figures."""

from __future__ import annotations

import pytest

from tests.bench.load import Load, LoadError, parse_wrk, percentile, run_fixed_rate, run_wrk
from tests.peers.installed import Peers

_CLEAN = "RESULT 1000 2000000 130000 0 0 0 0 0 1500\n"


def test_reads_the_result_line() -> None:
    result = parse_wrk("Running 2s test\n" + _CLEAN)
    assert (result.requests, result.seconds, result.bytes, result.p99) == (1000, 2.0, 130_000, 0.0015)


@pytest.mark.parametrize(("place", "name"), list(enumerate(("connect", "read", "write", "status", "timeout"))))
def test_any_error_is_no_figure(place: int, name: str) -> None:
    words = _CLEAN.split()
    words[4 + place] = "3"
    with pytest.raises(LoadError, match=f"{name} 3"):
        parse_wrk(" ".join(words))


def test_no_request_is_no_figure() -> None:
    with pytest.raises(LoadError, match="no request"):
        parse_wrk(_CLEAN.replace("1000", "0"))


def test_percentile_is_the_smallest_that_covers_the_share() -> None:
    values = [float(i) for i in range(1, 101)]
    assert (percentile(values, 0.99), percentile(values, 1.0), percentile([7.0], 0.99)) == (99.0, 100.0, 7.0)


def test_wrk_fails_on_a_missing_page(peers: Peers) -> None:
    with pytest.raises(LoadError, match="status"):
        run_wrk(Load("/missing", connections=2), peers.nginx.port, 1)


def test_wrk_counts_requests_of_both_kinds_of_connection(peers: Peers) -> None:
    loads = (Load("/small", 2), Load("/small", 2, close=True), Load("/post", 2, body=100))
    assert all(run_wrk(load, peers.nginx.port, 1).requests > 100 for load in loads)


def test_the_fixed_rate_is_kept(peers: Peers) -> None:
    times = run_fixed_rate("/small", peers.nginx.port, rate=200, connections=4, seconds=1)
    assert len(times) == 200 and times == sorted(times)


def test_the_fixed_rate_fails_on_a_missing_page(peers: Peers) -> None:
    with pytest.raises(LoadError, match="not with 200"):
        run_fixed_rate("/missing", peers.nginx.port, rate=50, connections=2, seconds=0.2)
