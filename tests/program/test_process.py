"""How many descriptors and connections fit together."""

from __future__ import annotations

from lbcore.base.address import Address
from lbcore.conn.settings import BindSettings
from lbcore.process import PER_CONNECTION, _wanted, fixed_descriptors
from lbcore.proxy.settings import GlobalSettings, ProxySettings, Settings


def settings(chosen: GlobalSettings, *options: str) -> Settings:
    proxy = ProxySettings("p", "listen", binds=[BindSettings(Address(2, "127.0.0.1", 80))], options=set(options))
    return Settings(chosen, [proxy])


def test_threads_listeners_and_stats_sockets_take_descriptors_of_their_own() -> None:
    stats = BindSettings(Address(1, "/s"))
    one = fixed_descriptors(settings(GlobalSettings(nbthread=1)))
    two = fixed_descriptors(settings(GlobalSettings(nbthread=2)))
    watched = fixed_descriptors(settings(GlobalSettings(nbthread=1, stats_sockets=[stats], stats_maxconn=7)))
    assert (two - one, watched - one) == (3, 8)


def test_maxconn_takes_all_that_is_left() -> None:
    found = settings(GlobalSettings(nbthread=1))
    wanted = _wanted(found, 1000)
    assert wanted.maxconn == (1000 - fixed_descriptors(found)) // PER_CONNECTION
    assert wanted.descriptors <= 1000


def test_splicing_needs_pipes_for_a_quarter_of_the_connections() -> None:
    found = settings(GlobalSettings(nbthread=1), "splice-auto")
    wanted = _wanted(found, 1000)
    assert wanted.maxconn == int((1000 - fixed_descriptors(found)) / 2.5)
    assert wanted.descriptors <= 1000


def test_nosplice_needs_none_and_maxpipes_bounds_them() -> None:
    fixed = fixed_descriptors(settings(GlobalSettings(nbthread=1)))
    without = _wanted(settings(GlobalSettings(nbthread=1, maxconn=100, nosplice=True), "splice-auto"), 0)
    bounded = _wanted(settings(GlobalSettings(nbthread=1, maxconn=100, maxpipes=5), "splice-auto"), 0)
    assert (without.descriptors - fixed, bounded.descriptors - fixed) == (200, 210)


def test_a_given_maxconn_is_not_changed() -> None:
    assert _wanted(settings(GlobalSettings(nbthread=1, maxconn=5000)), 100).maxconn == 5000
