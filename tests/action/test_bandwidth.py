"""`set-bandwidth-limit`: what the shim is told."""

from __future__ import annotations

import errno

import pytest

from lbcore.action import bandwidth
from lbcore.proxy.settings import BandwidthLimit
from lbcore.stream.rules import Ruleset
from lbcore.stream.txn import Txn
from tests.action.rules import Build, Recorder, recorded, run
from tests.fetch.transactions import FakeWorld, request

OUT, IN = BandwidthLimit("out", True, 1000, 2000, 500), BandwidthLimit("in", False, 70, 80)


def stream(*fields: str) -> Txn:
    t = request("GET / HTTP/1.1", *fields, flow=3, gen=9)
    assert isinstance(t.world, FakeWorld)
    t.world.frontends[0].settings.filters = [OUT, IN]
    t.world.backends[0].settings.filters = [OUT]
    return t


def told(t: Txn, *lines: str, proxy: str = "fe") -> Recorder:
    assert isinstance(t.world, FakeWorld)
    with recorded(bandwidth) as shim:
        assert run(t, *lines, ruleset=Ruleset.HTTP_REQUEST, build=Build(t.world, proxy)) is None
    return shim


@pytest.mark.parametrize(
    ("text", "response", "limit", "period", "least"),
    [
        ("set-bandwidth-limit out", True, 1000, 2000, 500),
        ("set-bandwidth-limit in", False, 70, 80, 0),
        ("set-bandwidth-limit out limit 3k", True, 3072, 2000, 500),
        ("set-bandwidth-limit out period 3s limit 2", True, 2, 3000, 500),
        ("set-bandwidth-limit out limit 0 period 0", True, 1000, 2000, 500),
        ("set-bandwidth-limit out limit req.hdr(l),mul(2) period int(5)", True, 154, 5, 500),
        ("set-bandwidth-limit out limit int(-1) period req.hdr(none)", True, 1000, 2000, 500),
        ("set-bandwidth-limit out limit int(99999999999) period int(99999999999)", True, 2**32 - 1, 2**31 - 1, 500),
    ],
)
def test_the_shim_is_told_the_limit(text: str, response: bool, limit: int, period: int, least: int) -> None:
    (call,) = told(stream("l: 77"), text).of("eng_flow_bwlim")
    assert call[:5] == (None, 0, 3, 9, response)
    assert call[6:] == (limit, period, least)


def test_filters_of_a_stream_have_numbers_of_their_own() -> None:
    numbers = [
        told(stream(), f"set-bandwidth-limit {name}", proxy=proxy).of("eng_flow_bwlim")[0][5]
        for name, proxy in (("out", "fe"), ("in", "fe"), ("out", "be"), ("out", "fe"))
    ]
    assert len(set(numbers)) == 3
    assert numbers[0] == numbers[3]


def test_a_stream_is_not_let_go_without_its_limit() -> None:
    t = stream()
    assert isinstance(t.world, FakeWorld)
    with recorded(bandwidth, answer=-errno.ENOMEM), pytest.raises(MemoryError):
        run(t, "set-bandwidth-limit out", build=Build(t.world))
