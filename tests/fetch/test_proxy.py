"""Figures of proxies and servers that an idle HAProxy does not show."""

from __future__ import annotations

import pytest

from lbcore.sample.build import BuildError
from tests.fetch.evaluate import value
from tests.fetch.transactions import FakeBackend, FakeBuild, FakeWorld, accepted, server, settings


def busy() -> FakeWorld:
    world = FakeWorld()
    first, second = server("s1", 0, maxconn=10), server("s2", 1, maxconn=4)
    first.cur_sess, second.cur_sess, first.queue, first.rate, first.weight = 3, 6, 2, 8, 7
    world.backends[0] = FakeBackend(settings("be", "backend"), servers=[first, second], cur_sess=9, queue=5, rate=11)
    return world


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("avg_queue(be)", 3),  # 5 / 2, and what is left counts
        ("be_conn(be)", 9),
        ("be_conn_free(be)", 7),  # what is above its limit takes from nobody
        ("be_sess_rate(be)", 11),
        ("connslots(be)", -1),  # queues of servers have no limit
        ("fe_conn(fe)", 3),
        ("fe_conn", 3),
        ("fe_req_rate(fe)", 6),
        ("fe_sess_rate(fe)", 5),
        ("nbsrv(be)", 2),
        ("queue(be)", 5),
        ("srv_conn(be/s1)", 3),
        ("srv_conn_free(be/s1)", 7),
        ("srv_conn_free(be/s2)", 0),
        ("srv_iweight(be/s1)", 1),
        ("srv_queue(be/s1)", 2),
        ("srv_sess_rate(be/s1)", 8),
        ("srv_weight(be/s1)", 7),
    ],
)
def test_figures_are_the_live_ones(text: str, wanted: int) -> None:
    assert value(accepted(busy()), text) == wanted


def test_words_without_a_name_mean_their_own_proxy() -> None:
    world = busy()
    t, build = accepted(world), FakeBuild(world, "be")
    assert [value(t, text, build) for text in ("nbsrv", "queue", "srv_conn(s1)")] == [2, 5, 3]


def test_without_a_server_twice_the_queue_is_the_average() -> None:
    world = busy()
    for one in world.backends[0].servers:
        one.usable = False
    assert value(accepted(world), "avg_queue(be)") == 10


@pytest.mark.parametrize("text", ["be_conn", "be_conn(none)", "srv_conn(none)", "fe_conn(none)", "srv_conn(be/none)"])
def test_names_that_there_are_not_are_refused(text: str) -> None:
    with pytest.raises(BuildError):
        value(accepted(), text)
